"""The schema's versions: which one this code needs, and Alembic's scripts that lead to it."""

from __future__ import annotations

from connectors.errors import RepositoryError

HEAD = "0001"
"""The newest revision under `versions/`; MongoDB's schema carries the same number."""


def require_head(stored: str | None, label: str) -> None:
    """Raises RepositoryError unless the schema is the one that this code needs."""
    refuse_newer(stored, label)
    if stored != HEAD:
        state = f"has schema {stored}" if stored else "has no schema yet"
        raise RepositoryError(
            f"The repository {label} {state}, this quo-sync needs {HEAD}: run `quo-sync migrate`.",
            code="schema",
        )


def refuse_newer(stored: str | None, label: str) -> None:
    """Raises RepositoryError when a newer program wrote the schema."""
    if stored is not None and stored > HEAD:
        raise RepositoryError(
            f"The repository {label} has schema {stored}, newer than the {HEAD} of this quo-sync: "
            "install the newer quo-sync here too (`quo-sync migrate` never goes back).",
            code="schema_newer",
        )
