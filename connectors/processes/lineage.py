"""Successors and what they inherit: the chain of processes that carry one plan out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from connectors.errors import NotFound
from connectors.processes.model import Plan, Process, RangeStanding, RangeState
from connectors.processes.ports import ProcessRepository


def require_process(repository: ProcessRepository, process_id: str) -> Process:
    """The process as stored; raises NotFound."""
    process = repository.processes.find_by_id(process_id)
    if process is None:
        raise NotFound(
            f"no process {process_id!r} is stored in this repository; see `quo-sync status`",
            code="unknown_process",
        )
    return process


def ancestors(repository: ProcessRepository, process: Process) -> list[str]:
    """Ids of the processes that this one continues, newest first."""
    return list(_chain(repository, process.predecessor_id))


def carry_over(repository: ProcessRepository, process: Process) -> list[RangeStanding]:
    """What a successor has to do: every range of the plan that its predecessors left open."""
    if process.plan is None:
        return []
    return left_to_do(repository, process.plan, process.predecessor_id)


def left_to_do(
    repository: ProcessRepository, plan: Plan, process_id: str | None
) -> list[RangeStanding]:
    """The ranges of the plan that were not read to their end by the chain up to this process.

    A row missing in a process (killed while planning) is looked for in the one before it; a range
    without any row starts anew. Failed ranges are to do again.
    """
    found: dict[str, RangeStanding] = {}
    for ancestor_id in _chain(repository, process_id):
        for standing in repository.ledger.standings(ancestor_id):
            found.setdefault(standing.range_id, standing)
    todo = []
    for bounds in plan.ranges:
        range_id = str(bounds["id"])
        standing = found.get(range_id) or RangeStanding(range_id, bounds)
        if standing.state is not RangeState.CLOSED and not standing.is_read:
            todo.append(replace(standing, state=RangeState.OPEN))
    return todo


def _chain(repository: ProcessRepository, process_id: str | None) -> Iterator[str]:
    """The process and those before it; one deleted meanwhile ends the chain."""
    while process_id:
        yield process_id
        process = repository.processes.find_by_id(process_id)
        process_id = process.predecessor_id if process else None
