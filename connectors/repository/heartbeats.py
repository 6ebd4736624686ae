"""Heartbeats: one row per launch and worker, newest wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from connectors.clock import from_millis, to_millis, utc_now
from connectors.repository.storage import Collection, In, Span, Storage

HEARTBEATS = Collection(
    name="heartbeats",
    key=("launch_id", "worker"),
    columns={"launch_id": str, "worker": str, "at": int},
    indexes=(("launch_id", "at"),),
)


class Heartbeats:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def beat(
        self,
        launch_id: str,
        worker: str,
        pages_in_flight: Mapping[str, int],
        persons_in_flight: Mapping[str, int] | None = None,
    ) -> None:
        row = {"launch_id": launch_id, "worker": worker, "at": to_millis(utc_now())}
        under_way = {
            "pages_in_flight": dict(pages_in_flight),
            "persons_in_flight": dict(persons_in_flight or {}),
        }
        self._storage.put(HEARTBEATS, [row | under_way])

    def newest(self, launch_ids: Sequence[str]) -> dict[str, datetime]:
        """The newest beat of each launch that ever beat."""
        rows = self._storage.find(
            HEARTBEATS, {"launch_id": In(list(launch_ids))}, order=("at",), columns_only=True
        )
        return {row["launch_id"]: from_millis(row["at"]) for row in rows}

    def pages_in_flight(self, launch_id: str, *, since: datetime) -> dict[str, int]:
        return self._summed(launch_id, since, "pages_in_flight")

    def persons_in_flight(self, launch_id: str, *, since: datetime) -> dict[str, int]:
        return self._summed(launch_id, since, "persons_in_flight")

    def _summed(self, launch_id: str, since: datetime, field: str) -> dict[str, int]:
        where = {"launch_id": launch_id, "at": Span(low=to_millis(since))}
        sums: dict[str, int] = {}
        for row in self._storage.find(HEARTBEATS, where):
            for process_id, count in (row.get(field) or {}).items():
                sums[process_id] = sums.get(process_id, 0) + count
        return sums

    def forget(self, launch_id: str) -> None:
        self._storage.delete(HEARTBEATS, {"launch_id": launch_id})
