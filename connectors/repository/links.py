"""Links: what we know of each (integration, external id)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from connectors.processes.model import OutcomeKind
from connectors.repository.storage import Collection, In, Record, Storage

LINKS = Collection(
    name="links",
    key=("integration_id", "external_id"),
    columns={
        "integration_id": str,
        "external_id": str,
        "quo_id": str,
        "fingerprint": str,
        "source_time": int,
        "root_id": str,
        "range_id": str,
        "page": int,
        "outcome": str,
    },
)


@dataclass(frozen=True, slots=True)
class Link:
    """The account of our last write to one contact.

    `fingerprint` is the finished contact's; `base` Quo's own answer (JSON), the merge base;
    `source_time` the CRM's update time in ms; run (root process), range, page and `outcome` are
    those of the write. `version` is the storage's: 0 = not stored yet.
    """

    integration_id: str
    external_id: str
    quo_id: str
    fingerprint: str
    root_id: str
    range_id: str
    page: int
    outcome: OutcomeKind
    source_time: int | None = None
    base: str | None = field(default=None, repr=False)
    version: int = 0


class Links:
    """Bulk reads and writes: a page is one query and one put."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def read(self, integration_id: str, external_ids: Sequence[str]) -> dict[str, Link]:
        where = {"integration_id": integration_id, "external_id": In(list(external_ids))}
        return {row["external_id"]: _link(row) for row in self._storage.find(LINKS, where)}

    def write(self, links: Sequence[Link]) -> set[str]:
        """Put each over the version it was read at; returns the external ids refused."""
        if not links:
            return set()
        refused = self._storage.put(LINKS, [_record(link) for link in links], over_read=True)
        return {external_id for _, external_id in refused}

    def delete(self, integration_id: str, external_ids: Sequence[str]) -> None:
        where = {"integration_id": integration_id, "external_id": In(list(external_ids))}
        self._storage.delete(LINKS, where)


def _record(link: Link) -> Record:
    return {
        "integration_id": link.integration_id,
        "external_id": link.external_id,
        "quo_id": link.quo_id,
        "fingerprint": link.fingerprint,
        "source_time": link.source_time,
        "root_id": link.root_id,
        "range_id": link.range_id,
        "page": link.page,
        "outcome": link.outcome.value,
        "base": link.base,
        "version": link.version,
    }


_OUTCOMES = {kind.value: kind for kind in OutcomeKind}


def _link(row: Record) -> Link:
    return Link(
        integration_id=row["integration_id"],
        external_id=row["external_id"],
        quo_id=row["quo_id"],
        fingerprint=row["fingerprint"],
        root_id=row["root_id"],
        range_id=row["range_id"],
        page=row["page"],
        outcome=_OUTCOMES[row["outcome"]],
        source_time=row["source_time"],
        base=row.get("base"),
        version=row["version"],
    )
