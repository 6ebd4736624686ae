"""Sources: who owns a (Quo key, source) pair, and whether ids unknown here may exist there."""

from __future__ import annotations

from connectors.repository.storage import Collection, Record, Storage

SOURCES = Collection(
    name="sources",
    key=("key_hash", "source"),
    columns={"key_hash": str, "source": str, "integration_id": str},
)
_ALL = "*"


class Sources:
    """`source_key` is (hash of the Quo API key, source)."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def claim(self, source_key: tuple[str, str], integration_id: str) -> str:
        """The owner: the first integration that claimed the pair. Idempotent."""
        key_hash, source = source_key
        record = {"key_hash": key_hash, "source": source, "integration_id": integration_id}
        if not self._storage.insert(SOURCES, [record]):
            return integration_id
        stored = self._read(source_key)
        return str(stored["integration_id"]) if stored else integration_id

    def ids_may_exist(self, source_key: tuple[str, str], person_type: str) -> bool:
        stored = self._read(source_key)
        known = stored.get("known") or [] if stored else []
        return _ALL not in known and person_type not in known

    def mark_known(self, source_key: tuple[str, str], person_type: str | None) -> None:
        """Every id of the type (None: of all) that exists in Quo is linked here. Idempotent."""
        while (stored := self._read(source_key)) is not None:
            known = set(stored.get("known") or []) | {person_type or _ALL}
            stored["known"] = sorted(known)
            if not self._storage.put(SOURCES, [stored], over_read=True):
                return

    def _read(self, source_key: tuple[str, str]) -> Record | None:
        key_hash, source = source_key
        where = {"key_hash": key_hash, "source": source}
        return next(iter(self._storage.find(SOURCES, where)), None)
