"""Accounts: everything that reports of processes are rendered from, read with shared queries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.processes.lineage import ancestors
from connectors.processes.model import (
    ACTIVE,
    DeadLetter,
    LedgerTotals,
    PageRecord,
    Process,
    ProcessState,
    derived_state,
)
from connectors.processes.ports import ProcessRepository
from connectors.processes.results import (
    ERRORS_SHOWN,
    Progress,
    error_list,
    estimated_completion,
    last_errors,
    progress_of,
    sum_progress,
    with_stored_results,
)

BEATEN_LATELY = timedelta(seconds=60)
"""Pages in flight count from workers that beat within the last three heartbeats."""

RateLimits = Mapping[str, float | None]
"""Quo's requests a second by integration; None = no limit or unknown."""


@dataclass(frozen=True, slots=True)
class Account:
    """What one process has come to. `in_step_until` is its watermark."""

    state: ProcessState
    progress: Progress
    errors: Sequence[Mapping[str, Any]]
    pages_in_flight: int
    in_step_until: datetime | None
    estimated_completion: datetime | None

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE


def read_accounts(
    repository: ProcessRepository,
    processes: Sequence[Process],
    rate_limits: RateLimits,
    now: datetime,
) -> dict[str, Account]:
    """Accounts by process id; a parent must come with all its children."""
    own = [process for process in processes if process.person_type is not None]
    accounts = _own_accounts(repository, own, rate_limits, now)
    for parent in processes:
        if parent.person_type is None:
            children = [accounts[child.id] for child in own if child.parent_id == parent.id]
            limit = rate_limits.get(parent.integration_id)
            accounts[parent.id] = _sum_accounts(children, limit, now)
    return accounts


def read_totals(
    repository: ProcessRepository, process: Process
) -> tuple[LedgerTotals, LedgerTotals]:
    """A process's own totals, and those of all its ancestors together."""
    before = ancestors(repository, process)
    totals = repository.ledger.totals([process.id, *before])
    return totals[process.id], _sum_totals(totals, before)


def read_errors(
    repository: ProcessRepository, process_id: str, totals: LedgerTotals
) -> Sequence[Mapping[str, Any]]:
    """The last errors of a process, without a query where its totals know of none."""
    letters: list[DeadLetter] = []
    failed: list[PageRecord] = []
    if totals.outcomes.lost:
        letters = repository.dead_letters.of_process(process_id, limit=ERRORS_SHOWN)
    if totals.pages_failed:
        failed = repository.ledger.failed_pages(process_id, limit=ERRORS_SHOWN)
    return error_list(letters, failed)


def _own_accounts(
    repository: ProcessRepository, own: Sequence[Process], rate_limits: RateLimits, now: datetime
) -> dict[str, Account]:
    before = {process.id: ancestors(repository, process) for process in own}
    ids = {process.id for process in own}.union(*before.values())
    totals = repository.ledger.totals(sorted(ids)) if ids else {}
    pages, persons = _in_flight(repository, own, now)
    in_step = _watermarks(repository, own)
    accounts = {}
    for process in own:
        mine = with_stored_results(process, totals[process.id])
        progress = progress_of(
            process,
            mine,
            before=_sum_totals(totals, before[process.id]),
            now=now,
            in_flight=persons.get(process.id, 0),
        )
        limit = rate_limits.get(process.integration_id)
        accounts[process.id] = Account(
            state=process.state,
            progress=progress,
            errors=_errors(repository, process, mine),
            pages_in_flight=pages.get(process.id, 0),
            in_step_until=in_step[process.integration_id, process.person_type],
            estimated_completion=estimated_completion(progress, rate_limit=limit, now=now)
            if process.is_active
            else None,
        )
    return accounts


def _sum_accounts(children: Sequence[Account], limit: float | None, now: datetime) -> Account:
    progress = sum_progress([child.progress for child in children])
    in_step = [child.in_step_until for child in children]
    active = [child for child in children if child.is_active]
    foreseen = bool(active) and all(child.estimated_completion for child in active)
    return Account(
        state=derived_state([child.state for child in children]),
        progress=progress,
        errors=last_errors(error for child in children for error in child.errors),
        pages_in_flight=sum(child.pages_in_flight for child in children),
        in_step_until=min((at for at in in_step if at), default=None) if all(in_step) else None,
        estimated_completion=estimated_completion(progress, rate_limit=limit, now=now)
        if foreseen
        else None,
    )


def _sum_totals(totals: Mapping[str, LedgerTotals], ids: Sequence[str]) -> LedgerTotals:
    return sum((totals[id] for id in ids), LedgerTotals())


def _errors(
    repository: ProcessRepository, process: Process, totals: LedgerTotals
) -> Sequence[Mapping[str, Any]]:
    if process.results is not None:
        errors: Sequence[Mapping[str, Any]] = process.results["aggregateData"]["errors"]
        return errors
    return read_errors(repository, process.id, totals)


def _in_flight(
    repository: ProcessRepository, own: Sequence[Process], now: datetime
) -> tuple[dict[str, int], dict[str, int]]:
    """Pages under way, and persons done in them, per active process."""
    active = {process.id for process in own if process.is_active}
    launches = {process.launch.id for process in own if process.id in active and process.launch}
    since = now - BEATEN_LATELY
    pages: dict[str, int] = {}
    persons: dict[str, int] = {}
    for launch_id in sorted(launches):
        pages |= repository.heartbeats.pages_in_flight(launch_id, since=since)
        persons |= repository.heartbeats.persons_in_flight(launch_id, since=since)
    return _only(active, pages), _only(active, persons)


def _only(ids: Collection[str], counts: Mapping[str, int]) -> dict[str, int]:
    return {id: count for id, count in counts.items() if id in ids}


def _watermarks(
    repository: ProcessRepository, own: Sequence[Process]
) -> dict[tuple[str, str | None], datetime | None]:
    in_step: dict[tuple[str, str | None], datetime | None] = {}
    for process in own:
        key = (process.integration_id, process.person_type)
        if key not in in_step:
            watermark = repository.watermarks.get(process.integration_id, process.person_type or "")
            in_step[key] = watermark.at if watermark else None
    return in_step
