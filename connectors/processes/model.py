"""Process and page record: the durable account of one run.

States and their transitions are tables; totals are sums over page records, never counters.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any


class ProcessType(StrEnum):
    CRM_SYNC = "CRM_SYNC"
    ACTIVITY_LOG = "ACTIVITY_LOG"
    WEBHOOK_DRAIN = "WEBHOOK_DRAIN"
    RETRY = "RETRY"


class ProcessState(StrEnum):
    INITIALIZING = "INITIALIZING"
    FETCHING_TOTAL = "FETCHING_TOTAL"
    QUEUING_PAGES = "QUEUING_PAGES"
    PROCESSING_BATCHES = "PROCESSING_BATCHES"
    COMPLETED = "COMPLETED"
    ERROR = "ERROR"
    CANCELLED = "CANCELLED"


class SyncType(StrEnum):
    INITIAL = "INITIAL"
    ONGOING = "ONGOING"


class OutcomeKind(StrEnum):
    """What happened to one person."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    SKIPPED = "skipped"
    REJECTED = "rejected"
    FAILED = "failed"


FINISHED = frozenset({ProcessState.COMPLETED, ProcessState.ERROR, ProcessState.CANCELLED})
ACTIVE = frozenset(ProcessState) - FINISHED

_ENDINGS = frozenset({ProcessState.ERROR, ProcessState.CANCELLED})
_SYNC_TRANSITIONS: Mapping[ProcessState, frozenset[ProcessState]] = {
    ProcessState.INITIALIZING: frozenset({ProcessState.FETCHING_TOTAL}) | _ENDINGS,
    ProcessState.FETCHING_TOTAL: frozenset({ProcessState.QUEUING_PAGES}) | _ENDINGS,
    ProcessState.QUEUING_PAGES: frozenset({ProcessState.PROCESSING_BATCHES, ProcessState.COMPLETED})
    | _ENDINGS,
    ProcessState.PROCESSING_BATCHES: frozenset({ProcessState.COMPLETED}) | _ENDINGS,
}
_DIRECT_TRANSITIONS: Mapping[ProcessState, frozenset[ProcessState]] = {
    ProcessState.INITIALIZING: frozenset({ProcessState.PROCESSING_BATCHES}) | _ENDINGS,
    ProcessState.PROCESSING_BATCHES: frozenset({ProcessState.COMPLETED}) | _ENDINGS,
}
TRANSITIONS: Mapping[ProcessType, Mapping[ProcessState, frozenset[ProcessState]]] = {
    ProcessType.CRM_SYNC: _SYNC_TRANSITIONS,
    ProcessType.RETRY: _SYNC_TRANSITIONS,
    ProcessType.ACTIVITY_LOG: _DIRECT_TRANSITIONS,
    ProcessType.WEBHOOK_DRAIN: _DIRECT_TRANSITIONS,
}


def sources_of(type: ProcessType, target: ProcessState) -> frozenset[ProcessState]:
    """The states from which `target` may be entered."""
    return frozenset(state for state, targets in TRANSITIONS[type].items() if target in targets)


def derived_state(children: Collection[ProcessState]) -> ProcessState:
    """The state of a parent, which stores none of its own."""
    if any(state in ACTIVE for state in children):
        return ProcessState.PROCESSING_BATCHES
    for ending in (ProcessState.ERROR, ProcessState.CANCELLED):
        if ending in children:
            return ending
    return ProcessState.COMPLETED


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Persons per outcome."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    skipped: int = 0
    rejected: int = 0
    failed: int = 0

    @property
    def synced(self) -> int:
        return self.created + self.updated + self.unchanged + self.deleted

    @property
    def lost(self) -> int:
        return self.rejected + self.failed

    @property
    def total(self) -> int:
        return self.synced + self.skipped + self.lost

    def __add__(self, other: Outcomes) -> Outcomes:
        return Outcomes(
            **{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        )

    def to_json(self) -> dict[str, int]:
        return {f.name: getattr(self, f.name) for f in fields(self)}


@dataclass(frozen=True, slots=True)
class LedgerTotals:
    """Sums over a process's page records, and where its planned ranges stand."""

    outcomes: Outcomes = field(default_factory=Outcomes)
    pages_done: int = 0
    pages_failed: int = 0
    quo_requests: int = 0
    crm_requests: int = 0
    throttled_ms: int = 0
    ranges_planned: int = 0
    ranges_closed: int = 0
    ranges_failed: int = 0

    @property
    def ranges_open(self) -> int:
        return self.ranges_planned - self.ranges_closed - self.ranges_failed

    def __add__(self, other: LedgerTotals) -> LedgerTotals:
        return LedgerTotals(
            **{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        )


class PageState(StrEnum):
    DONE = "done"
    FAILED = "failed"


PLANNING_RANGE = "planning"
"""The range id under which the requests of planning are recorded, as page 0."""


@dataclass(frozen=True, slots=True)
class PageRecord:
    """What one page came to: the one argument of UpdateProcessMetrics; a replay replaces it.

    Keyed by process, range and page. `closes_range` is True for the last page of its range, the
    only page done that has no `next_cursor`. `error_code` and `error_message` belong to a failed
    page.
    """

    process_id: str
    range_id: str
    page: int
    state: PageState = PageState.DONE
    outcomes: Outcomes = field(default_factory=Outcomes)
    quo_requests: int = 0
    crm_requests: int = 0
    throttled_ms: int = 0
    next_cursor: str | None = field(default=None, repr=False)
    closes_range: bool = False
    error_code: str | None = None
    error_message: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A rejected or failed person: ids, code and reason, never the person."""

    process_id: str
    external_id: str
    person_id: str
    person_type: str
    code: str
    message: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far an integration and person type are in step.

    `at` is T0 of the last completed run; `full_at` and `shape` are those of the last completed
    full sync.
    """

    at: datetime
    full_at: datetime | None = None
    shape: str = ""


class RangeState(StrEnum):
    OPEN = "open"
    FAILED = "failed"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class RangeStanding:
    """Where one planned range stands.

    `next_page` and `cursor` continue behind the last page recorded as done; every page up to
    `opened` may have been written to Quo by an earlier try (in doubt). `restarted` says that the
    CRM refused a cursor: all later pages of the range are in doubt.
    """

    range_id: str
    bounds: Mapping[str, Any]
    state: RangeState = RangeState.OPEN
    next_page: int = 1
    cursor: str | None = field(default=None, repr=False)
    opened: int = 0
    restarted: bool = False

    @property
    def is_read(self) -> bool:
        """Its last page is recorded as done, also when the writer was killed before closing it."""
        return self.next_page > 1 and self.cursor is None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a process set out to read, fixed by one compare-and-set.

    `ranges` are the bounds of all ranges, each with its `id`; `until` is T0 on the CRM's clock;
    `ids_may_exist` says whether ids unknown here may exist in Quo; `custom_fields` maps mapped
    Quo custom-field keys to their types; `total` is the CRM's own count, None when it gives none;
    `source_key` names the source's record.
    """

    ranges: tuple[Mapping[str, Any], ...]
    until: datetime
    source_key: tuple[str, str] = ("", "")
    ids_may_exist: bool = True
    custom_fields: Mapping[str, str] = field(default_factory=dict)
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """The OS process behind an in-process engine: enough to know that it is gone."""

    host: str
    boot_id: str
    pid_namespace: str
    pid: int
    started: str


@dataclass(frozen=True, slots=True)
class Launch:
    """One submission of a job to an engine; `holder` is None when the engine is not in-process."""

    id: str
    runner: str
    job_id: str | None = None
    holder: Holder | None = None


@dataclass(frozen=True, slots=True)
class Process:
    """The durable record of one run for one integration and person type.

    `root_id` names the first process of a chain of successors (itself, mostly), and
    `root_started_at` its start: links remember the root. `predecessor_id` is the process that a
    successor continues. A parent has `person_type` None and a state derived from its children.
    `shape` is a digest of the settings that shape contacts. `results` is set on completion only.
    """

    id: str
    type: ProcessType
    name: str
    user_id: str
    integration_id: str
    state: ProcessState
    active_key: str
    created_at: datetime
    updated_at: datetime
    person_type: str | None = None
    sync_type: SyncType = SyncType.INITIAL
    since: datetime | None = None
    parent_id: str | None = None
    predecessor_id: str | None = None
    root_id: str = ""
    root_started_at: datetime | None = None
    shape: str = ""
    launch: Launch | None = None
    plan: Plan | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    pagination: str | None = None
    total: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    results: Mapping[str, Any] | None = None
    version: int = 0

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE


def active_key(integration_id: str, person_type: str) -> str:
    """What two processes may not hold at a time; on ending it becomes the process's own id."""
    return f"{integration_id}/{person_type}"
