"""The use cases: the only code that changes a process.

Each is a function of the repository, so that the job, the launcher and a receiver share them.
All may be repeated, and killed between any two of their writes: what a replay finds done it
leaves alone, what it finds missing it does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.clock import utc_now
from connectors.errors import Parked, ProcessEnded, SyncError
from connectors.processes.accounts import read_errors, read_totals
from connectors.processes.lineage import ancestors, carry_over, left_to_do, require_process
from connectors.processes.model import (
    ACTIVE,
    DeadLetter,
    PageRecord,
    PageState,
    Plan,
    Process,
    ProcessState,
    ProcessType,
    RangeStanding,
    RangeState,
    SyncType,
    Watermark,
    sources_of,
)
from connectors.processes.ports import ProcessRepository, ProgressBroadcaster
from connectors.processes.report import get_process
from connectors.processes.results import results_json

__all__ = [
    "ancestors",
    "carry_over",
    "complete_process",
    "create_process",
    "end_process",
    "finish_if_done",
    "get_process",
    "handle_error",
    "open_range",
    "require_process",
    "set_plan",
    "sweep_process",
    "take_over",
    "update_metadata",
    "update_process_metrics",
    "update_process_state",
    "update_total",
]


# -- beginning and planning ---------------------------------------------------------------------


def create_process(repository: ProcessRepository, process: Process) -> Process:
    """Store a new process; raises AlreadyRunning when its active key is taken."""
    repository.processes.create(process)
    return process


def update_process_state(
    repository: ProcessRepository,
    process: Process,
    to: ProcessState,
    fields: Mapping[str, Any] | None = None,
) -> bool:
    """Enter a state from those that the table of transitions allows.

    True when this call made the change or the process is there already; False when the process
    is elsewhere, and that is final for a finished one. Leaving INITIALIZING starts the clock.
    """
    sources = sources_of(process.type, to)
    changes = dict(fields or {})
    if to in ACTIVE and ProcessState.INITIALIZING in sources:
        changes.setdefault("started_at", utc_now())
    if repository.processes.transition(process.id, to, sources=sources, fields=changes):
        return True
    return repository.processes.state_of(process.id) is to


def set_plan(repository: ProcessRepository, process: Process, plan: Plan) -> Plan:
    """Fix the plan by one compare-and-set; returns the plan that stands, ours or an earlier."""
    if repository.processes.set_plan(process.id, plan):
        return plan
    standing = require_process(repository, process.id).plan
    if standing is None:
        raise SyncError(f"process {process.id} has lost its plan", code="no_plan")
    return standing


def update_total(repository: ProcessRepository, process_id: str, total: int | None) -> None:
    """Correct the number of persons that the whole plan has; None = unknown."""
    if repository.processes.state_of(process_id) in ACTIVE:
        repository.processes.amend(process_id, {"total": total})


def update_metadata(
    repository: ProcessRepository, process_id: str, metadata: Mapping[str, Any]
) -> None:
    """Add to a process's notes; of two writers at the same time one may be lost."""
    process = require_process(repository, process_id)
    repository.processes.amend(process_id, {"metadata": {**process.metadata, **metadata}})


# -- pages --------------------------------------------------------------------------------------


def open_range(
    repository: ProcessRepository, process_id: str, range_id: str
) -> RangeStanding | None:
    """Where a range stands, for whoever is about to read it; CLOSED means nothing to do.

    A range that was read to its end by a writer killed before closing it is closed now. None
    when the process has no such range.
    """
    standing = repository.ledger.standing(process_id, range_id)
    if standing is None or standing.state is RangeState.CLOSED or not standing.is_read:
        return standing
    repository.ledger.set_range_state(process_id, range_id, RangeState.CLOSED)
    finish_if_done(repository, process_id)
    return repository.ledger.standing(process_id, range_id)


def update_process_metrics(
    repository: ProcessRepository,
    record: PageRecord,
    dead_letters: Sequence[DeadLetter] = (),
    broadcaster: ProgressBroadcaster | None = None,
) -> bool:
    """Record one page, and end the process with its last range (rules §2.2); True when recorded.

    The order makes a kill at any point safe: dead letters, the page with its next cursor, the
    range, the watermark, the process. A process that ended meanwhile is left untouched: its
    successor meets the page as in doubt. A failed try never replaces a page that another did.
    """
    if repository.processes.state_of(record.process_id) not in ACTIVE:
        return False
    failed = record.state is PageState.FAILED
    if failed and record.page in repository.ledger.recorded_pages(
        record.process_id, record.range_id
    ):
        return False
    repository.dead_letters.put(dead_letters)
    repository.ledger.record(record)
    if failed or record.closes_range:
        state = RangeState.FAILED if failed else RangeState.CLOSED
        repository.ledger.set_range_state(record.process_id, record.range_id, state)
        finish_if_done(repository, record.process_id)
    if broadcaster is not None:
        broadcaster.broadcast(get_process(repository, record.process_id))
    return True


# -- endings ------------------------------------------------------------------------------------


def finish_if_done(repository: ProcessRepository, process_id: str) -> bool:
    """End a process none of whose ranges is open: COMPLETED, or ERROR when one failed.

    True when it has ended. Safe to call at any time and by many: no range ever becomes open, so
    once none is, only failed ones can still change, to closed; hence the order of the two
    questions. And only one compare-and-set of the process succeeds.
    """
    if repository.ledger.has_open_range(process_id):
        return False
    process = require_process(repository, process_id)
    if not process.is_active:
        return True
    if process.state is not ProcessState.PROCESSING_BATCHES:
        return False  # its ranges may not stand yet
    if repository.ledger.has_failed_range(process_id):
        reason = "some pages failed; run again to read them"
        end_process(repository, process, ProcessState.ERROR, reason, code="failed_pages")
    else:
        _complete(repository, process)
    return True


def sweep_process(repository: ProcessRepository, process_id: str) -> bool:
    """End what is left when all pages went through (nothing planned, kills); True when ended."""
    for standing in repository.ledger.standings(process_id):
        if standing.state is not RangeState.CLOSED and standing.is_read:
            repository.ledger.set_range_state(process_id, standing.range_id, RangeState.CLOSED)
    return finish_if_done(repository, process_id)


def take_over(repository: ProcessRepository, process: Process, reason: str) -> ProcessState:
    """End the process of a dead holder: ERROR, but COMPLETED when its plan is all read.

    Returns the state in which it stands then.
    """
    process = require_process(repository, process.id)
    if not (process.plan and complete_process(repository, process)):
        end_process(repository, process, ProcessState.ERROR, reason, code="taken_over")
    return repository.processes.state_of(process.id) or process.state


def complete_process(repository: ProcessRepository, process: Process) -> bool:
    """Watermark first, only forward; then COMPLETED with its results stored for good.

    False when it may not be: a range of its plan was not read to its end, or it ended otherwise.
    """
    current = require_process(repository, process.id)
    if current.plan is not None and left_to_do(repository, current.plan, current.id):
        return False
    return _complete(repository, current)


def end_process(
    repository: ProcessRepository,
    process: Process,
    state: ProcessState,
    reason: str,
    *,
    code: str = "",
    metadata: Mapping[str, Any] | None = None,
) -> bool:
    """End as ERROR or CANCELLED with the reason; a finished process is left alone."""
    current = require_process(repository, process.id)
    notes = {**current.metadata, **(metadata or {}), "reason": reason}
    if code:
        notes["code"] = code
    return update_process_state(repository, process, state, {"metadata": notes})


def handle_error(repository: ProcessRepository, process: Process, error: Exception) -> bool:
    """End a process as its error says: Parked cancels it until then, anything else is ERROR.

    Of an error outside our family only the kind is kept: its text may hold personal data.
    """
    if isinstance(error, ProcessEnded):
        return False
    if isinstance(error, Parked):
        notes = {"parkedUntil": error.until}
        return end_process(
            repository,
            process,
            ProcessState.CANCELLED,
            error.message,
            code=error.code,
            metadata=notes,
        )
    if isinstance(error, SyncError):
        reason, code = error.message, error.code
    else:
        reason, code = f"{type(error).__name__}: a bug, see the log", "bug"
    return end_process(repository, process, ProcessState.ERROR, reason, code=code)


def _complete(repository: ProcessRepository, process: Process) -> bool:
    if process.state not in sources_of(process.type, ProcessState.COMPLETED):
        return process.state is ProcessState.COMPLETED
    _advance_watermark(repository, process)
    results = _final_results(repository, process, utc_now())
    return update_process_state(repository, process, ProcessState.COMPLETED, {"results": results})


def _advance_watermark(repository: ProcessRepository, process: Process) -> None:
    plan = process.plan
    if plan is None or not process.person_type or process.type is not ProcessType.CRM_SYNC:
        return
    full = process.sync_type is SyncType.INITIAL
    if full:
        repository.sources.mark_known(plan.source_key, process.person_type)
    repository.watermarks.advance(
        process.integration_id,
        process.person_type,
        Watermark(
            at=plan.until,
            full_at=plan.until if full else None,
            shape=process.shape if full else "",
        ),
    )


def _final_results(
    repository: ProcessRepository, process: Process, now: datetime
) -> dict[str, Any]:
    totals, before = read_totals(repository, process)
    errors = read_errors(repository, process.id, totals)
    return results_json(process, totals, errors, before=before, now=now)
