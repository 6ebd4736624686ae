"""What the process domain needs remembered; `connectors.repository` provides it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from connectors.processes.model import (
    DeadLetter,
    LedgerTotals,
    PageRecord,
    Plan,
    Process,
    ProcessState,
    ProcessType,
    RangeStanding,
    RangeState,
    Watermark,
)


class ProcessStore(Protocol):
    def create(self, process: Process) -> None:
        """Raises AlreadyRunning when the active key is taken."""

    def find_by_id(self, process_id: str) -> Process | None: ...

    def find_by_integration_and_type(
        self,
        integration_id: str,
        type: ProcessType,
        *,
        person_type: str | None = None,
        limit: int | None = None,
    ) -> list[Process]:
        """Newest first."""

    def find_active_processes(self, integration_id: str | None = None) -> list[Process]: ...

    def find_by_name(self, name: str) -> list[Process]: ...

    def find_children(self, parent_id: str) -> list[Process]: ...

    def find_recent(self, limit: int) -> list[Process]:
        """Newest first, parents and children alike."""

    def delete_by_id(self, process_id: str) -> bool: ...

    def state_of(self, process_id: str) -> ProcessState | None:
        """The state alone: one cheap read."""

    def set_plan(self, process_id: str, plan: Plan) -> bool:
        """From null by compare-and-set; False when a plan stands already."""

    def transition(
        self,
        process_id: str,
        to: ProcessState,
        *,
        sources: Collection[ProcessState],
        fields: Mapping[str, Any] | None = None,
    ) -> bool:
        """Compare-and-set of the state; a finished state also gives the active key back."""

    def amend(self, process_id: str, fields: Mapping[str, Any]) -> bool:
        """Set fields other than state and plan (`metadata` replaces as a whole)."""


class LedgerStore(Protocol):
    def insert_ranges(self, process_id: str, standings: Sequence[RangeStanding]) -> None:
        """A row already there is left untouched."""

    def standing(self, process_id: str, range_id: str) -> RangeStanding | None:
        """The range's row, moved on behind its last page recorded as done."""

    def standings(self, process_id: str) -> list[RangeStanding]:
        """All rows of the process, likewise moved on."""

    def mark_open(self, process_id: str, range_id: str, page: int) -> bool:
        """Mark a page before its first write; False when an earlier try had opened it."""

    def mark_restarted(self, process_id: str, range_id: str) -> None: ...

    def record(self, record: PageRecord) -> None:
        """Put the page's record; a replay replaces it."""

    def recorded_pages(self, process_id: str, range_id: str) -> set[int]:
        """Numbers of the pages recorded as done."""

    def set_range_state(self, process_id: str, range_id: str, state: RangeState) -> None:
        """A closed range never opens again."""

    def has_open_range(self, process_id: str) -> bool: ...

    def has_failed_range(self, process_id: str) -> bool: ...

    def totals(self, process_ids: Sequence[str]) -> dict[str, LedgerTotals]: ...

    def failed_pages(self, process_id: str, *, limit: int) -> list[PageRecord]:
        """Newest first."""


class DeadLetterStore(Protocol):
    def put(self, letters: Sequence[DeadLetter]) -> None: ...

    def of_process(self, process_id: str, *, limit: int | None = None) -> list[DeadLetter]:
        """Newest first."""


class WatermarkStore(Protocol):
    def get(self, integration_id: str, person_type: str) -> Watermark | None: ...

    def advance(self, integration_id: str, person_type: str, watermark: Watermark) -> None:
        """Only forward; `full_at` None keeps the stored full sync and its shape."""


class SourceStore(Protocol):
    def claim(self, source_key: tuple[str, str], integration_id: str) -> str:
        """The integration that owns this (key hash, source): the first claimant."""

    def ids_may_exist(self, source_key: tuple[str, str], person_type: str) -> bool: ...

    def mark_known(self, source_key: tuple[str, str], person_type: str | None) -> None:
        """Every id of this person type (None: of all) that exists in Quo is linked here."""


class HeartbeatStore(Protocol):
    def beat(
        self,
        launch_id: str,
        worker: str,
        pages_in_flight: Mapping[str, int],
        persons_in_flight: Mapping[str, int] | None = None,
    ) -> None:
        """Put this worker's row: the time, and what is under way per process."""

    def newest(self, launch_ids: Sequence[str]) -> dict[str, datetime]: ...

    def pages_in_flight(self, launch_id: str, *, since: datetime) -> dict[str, int]:
        """Pages under way per process, summed over workers that beat since then."""

    def persons_in_flight(self, launch_id: str, *, since: datetime) -> dict[str, int]:
        """Persons done in pages under way, likewise."""

    def forget(self, launch_id: str) -> None: ...


class ProcessRepository(Protocol):
    """The stores, as one argument."""

    @property
    def processes(self) -> ProcessStore: ...
    @property
    def ledger(self) -> LedgerStore: ...
    @property
    def dead_letters(self) -> DeadLetterStore: ...
    @property
    def watermarks(self) -> WatermarkStore: ...
    @property
    def sources(self) -> SourceStore: ...
    @property
    def heartbeats(self) -> HeartbeatStore: ...


class ProgressBroadcaster(Protocol):
    """Who wants to hear of every recorded page; must neither block nor raise."""

    def broadcast(self, report: Mapping[str, Any]) -> None:
        """`report` is that of `connectors.processes.report.get_process`."""
