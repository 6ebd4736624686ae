"""From the URL in `repository` to an open storage; drivers are imported only for their own."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from connectors.errors import ConfigurationError
from connectors.http.secrets import is_reference, resolve
from connectors.repository.repository import Repository
from connectors.repository.storage import Storage

_FORMS = "sqlite:///PATH, postgresql://USER@HOST/DB or mongodb://HOST/DB"


def open_repository(reference: str) -> Repository:
    """The repository behind a URL, or behind a reference to one (`env:NAME`, `file:PATH`, …)."""
    url = resolve(reference) if is_reference(reference) else reference
    return Repository(open_storage(url))


def open_storage(url: str) -> Storage:
    """The storage behind a URL; nothing is connected yet.

    Raises ConfigurationError for a URL of another form, and when the driver is not installed.
    """
    scheme, separator, rest = url.partition("://")
    if separator and rest:
        if scheme == "sqlite":
            return _sqlite(url, rest)
        if scheme in ("postgresql", "postgres", "postgresql+psycopg"):
            return _postgresql(url, rest)
        if scheme in ("mongodb", "mongodb+srv"):
            return _mongodb(url)
    raise _unusable(url, f"has to be one of {_FORMS}")


def _sqlite(url: str, rest: str) -> Storage:
    path = rest.removeprefix("/")
    if not rest.startswith("/") or path in ("", ":memory:") or "?" in path:
        raise _unusable(
            url, "has to name a file: sqlite:///PATH (relative) or sqlite:////PATH (absolute)"
        )
    from connectors.repository.sqlite import SqliteStorage

    return SqliteStorage(Path(path))


def _postgresql(url: str, rest: str) -> Storage:
    if find_spec("psycopg") is None:
        raise ConfigurationError(
            "`repository` names PostgreSQL, whose driver is not installed: "
            "pip install 'quo-sync[postgres]'"
        )
    from connectors.repository.postgresql import PostgresqlStorage

    try:
        return PostgresqlStorage(f"postgresql+psycopg://{rest}")
    except ValueError as error:
        raise _unusable(url, str(error)) from None


def _mongodb(url: str) -> Storage:
    from connectors.repository.mongo import MongoStorage

    try:
        return MongoStorage(url)
    except ValueError as error:
        raise _unusable(url, str(error)) from None


def _unusable(url: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"`repository: {redacted(url)}` {why}.")


def redacted(url: str) -> str:
    """The URL without its password."""
    return re.sub(r"(://[^:/@]*):.*@", r"\1:***@", url)
