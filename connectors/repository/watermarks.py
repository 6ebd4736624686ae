"""Watermarks: how far each integration and person type are in step; only ever forward."""

from __future__ import annotations

from connectors.clock import from_millis, to_millis
from connectors.processes.model import Watermark
from connectors.repository.storage import Collection, Record, Storage

WATERMARKS = Collection(
    name="watermarks",
    key=("integration_id", "person_type"),
    columns={"integration_id": str, "person_type": str, "at": int, "full_at": int, "shape": str},
)


class Watermarks:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def get(self, integration_id: str, person_type: str) -> Watermark | None:
        record = self._read(integration_id, person_type)
        return _watermark(record) if record else None

    def advance(self, integration_id: str, person_type: str, watermark: Watermark) -> None:
        """Move forward; a later one that stands already wins, and so does its full sync."""
        while True:
            stored = self._read(integration_id, person_type)
            record = _merged(stored, watermark)
            record |= {"integration_id": integration_id, "person_type": person_type}
            record["version"] = stored["version"] if stored else 0
            if not self._storage.put(WATERMARKS, [record], over_read=True):
                return

    def _read(self, integration_id: str, person_type: str) -> Record | None:
        where = {"integration_id": integration_id, "person_type": person_type}
        return next(iter(self._storage.find(WATERMARKS, where)), None)


def _merged(stored: Record | None, watermark: Watermark) -> Record:
    at = to_millis(watermark.at)
    full_at = to_millis(watermark.full_at) if watermark.full_at else None
    shape = watermark.shape
    if stored:
        at = max(at, stored["at"])
        if full_at is None or (stored["full_at"] is not None and stored["full_at"] > full_at):
            full_at, shape = stored["full_at"], stored["shape"]
    return {"at": at, "full_at": full_at, "shape": shape}


def _watermark(record: Record) -> Watermark:
    full_at = record["full_at"]
    return Watermark(
        at=from_millis(record["at"]),
        full_at=from_millis(full_at) if full_at is not None else None,
        shape=record["shape"] or "",
    )
