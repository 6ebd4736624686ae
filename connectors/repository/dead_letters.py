"""Dead letters: ids, code and reason of persons that were rejected or failed, never the person."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.clock import from_millis, to_millis, utc_now
from connectors.processes.model import DeadLetter
from connectors.repository.storage import Collection, Record, Storage

DEAD_LETTERS = Collection(
    name="dead_letters",
    key=("process_id", "external_id"),
    columns={"process_id": str, "external_id": str, "at": int},
    indexes=(("process_id", "at"),),
)


class DeadLetters:
    """Keyed by process and external id: a replayed page puts the same letters again."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def put(self, letters: Sequence[DeadLetter]) -> None:
        if letters:
            self._storage.put(DEAD_LETTERS, [_record(letter) for letter in letters])

    def of_process(self, process_id: str, *, limit: int | None = None) -> list[DeadLetter]:
        rows = self._storage.find(
            DEAD_LETTERS,
            {"process_id": process_id},
            order=("-at", "external_id"),
            limit=limit,
        )
        return [_letter(row) for row in rows]


def _record(letter: DeadLetter) -> Record:
    return {
        "process_id": letter.process_id,
        "external_id": letter.external_id,
        "at": to_millis(letter.at or utc_now()),
        "person_id": letter.person_id,
        "person_type": letter.person_type,
        "code": letter.code,
        "message": letter.message,
    }


def _letter(row: Record) -> DeadLetter:
    return DeadLetter(
        process_id=row["process_id"],
        external_id=row["external_id"],
        person_id=row["person_id"],
        person_type=row["person_type"],
        code=row["code"],
        message=row["message"],
        at=from_millis(row["at"]),
    )
