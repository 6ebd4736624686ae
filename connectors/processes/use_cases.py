"""The use cases: the only code that changes a process.

Each is a function of the repository, so that the job, the launcher and a receiver share them.
All may be repeated; what a replay finds done it leaves alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.errors import NotFound, SyncError
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
from connectors.processes.ports import ProcessRepository


def create_process(repository: ProcessRepository, process: Process) -> Process:
    """Store a new process; raises AlreadyRunning when its active key is taken."""
    repository.processes.create(process)
    return process


def require_process(repository: ProcessRepository, process_id: str) -> Process:
    """The process as stored; raises NotFound."""
    process = repository.processes.find_by_id(process_id)
    if process is None:
        raise NotFound(
            f"no process {process_id!r} is stored in this repository; see `quo-sync status`",
            code="unknown_process",
        )
    return process


def update_process_state(
    repository: ProcessRepository,
    process: Process,
    to: ProcessState,
    fields: Mapping[str, Any] | None = None,
) -> bool:
    """Enter a state from those that the table of transitions allows.

    True when this call made the change or the process is there already; False when the process
    is elsewhere, and that is final for a finished one.
    """
    sources = sources_of(process.type, to)
    if repository.processes.transition(process.id, to, sources=sources, fields=fields):
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


def update_process_metrics(
    repository: ProcessRepository, record: PageRecord, dead_letters: Sequence[DeadLetter] = ()
) -> None:
    """Record one page, and end the process with its last range (rules §2.2).

    The order makes a kill at any point safe: dead letters, the page with its next cursor, the
    range, the watermark, the process. A process that ended meanwhile is left untouched: its
    successor meets the page as in doubt.
    """
    if repository.processes.state_of(record.process_id) not in ACTIVE:
        return
    repository.dead_letters.put(dead_letters)
    repository.ledger.record(record)
    if record.state is PageState.FAILED:
        repository.ledger.set_range_state(record.process_id, record.range_id, RangeState.FAILED)
    elif record.closes_range:
        repository.ledger.set_range_state(record.process_id, record.range_id, RangeState.CLOSED)
    else:
        return
    finish_if_done(repository, record.process_id)


def finish_if_done(repository: ProcessRepository, process_id: str) -> bool:
    """End a process none of whose ranges is open: COMPLETED, or ERROR when one failed.

    True when it has ended. Its ranges must have been inserted. Safe to call at any time and by
    many: a closed range never opens, and only one compare-and-set succeeds.
    """
    if repository.ledger.has_open_range(process_id):
        return False
    process = require_process(repository, process_id)
    if not process.is_active:
        return True
    if process.state is not ProcessState.PROCESSING_BATCHES:
        return False  # its ranges may not stand yet
    if repository.ledger.has_failed_range(process_id):
        end_process(
            repository, process, ProcessState.ERROR, "some pages failed; run again to read them"
        )
    else:
        complete_process(repository, process)
    return True


def complete_process(repository: ProcessRepository, process: Process) -> bool:
    """Watermark first, only forward; then COMPLETED with its totals stored for good."""
    plan = process.plan
    if plan is not None and process.person_type and process.type is ProcessType.CRM_SYNC:
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
    return update_process_state(repository, process, ProcessState.COMPLETED)


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
    notes = {**process.metadata, **(metadata or {}), "reason": reason}
    if code:
        notes["code"] = code
    return update_process_state(repository, process, state, {"metadata": notes})


def carry_over(repository: ProcessRepository, process: Process) -> list[RangeStanding]:
    """What a successor has to do: every range of the plan that its predecessors left open.

    A row missing in a predecessor (killed while planning) is looked for in the one before it; a
    range without any row starts anew. Failed ranges are to do again.
    """
    if process.plan is None:
        return []
    found: dict[str, RangeStanding] = {}
    predecessor_id = process.predecessor_id
    while predecessor_id:
        predecessor = require_process(repository, predecessor_id)
        for standing in repository.ledger.standings(predecessor_id):
            found.setdefault(standing.range_id, standing)
        predecessor_id = predecessor.predecessor_id
    todo = []
    for bounds in process.plan.ranges:
        range_id = str(bounds["id"])
        standing = found.get(range_id) or RangeStanding(range_id, bounds)
        if standing.state is not RangeState.CLOSED:
            todo.append(replace(standing, state=RangeState.OPEN))
    return todo


def ancestors(repository: ProcessRepository, process: Process) -> list[str]:
    """Ids of the processes that this one continues, newest first."""
    ids: list[str] = []
    predecessor_id = process.predecessor_id
    while predecessor_id:
        ids.append(predecessor_id)
        predecessor_id = require_process(repository, predecessor_id).predecessor_id
    return ids
