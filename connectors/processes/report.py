"""GetProcess: processes in the JSON shape that `status --json` prints.

Times are ISO 8601 in UTC with `Z`, durations milliseconds; every key is always present, and None
means unknown. `context.metadata` also tells `pagesInFlight` and `personsInFlight` (done, in pages
not recorded yet), both live by the workers' heartbeats and in no total, and `throttledSeconds`,
the time in which the key waited for slots.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from connectors.clock import iso, utc_now
from connectors.processes.accounts import Account, RateLimits, read_accounts
from connectors.processes.lineage import require_process
from connectors.processes.model import Plan, Process
from connectors.processes.ports import ProcessRepository
from connectors.processes.results import render_results

_PAGINATIONS = frozenset({"PAGES", "WINDOWS", "CHAIN"})
_TYPES_PER_RUN = 4
"""A guess at how many processes one run has, so that mostly one query lists them."""


def get_process(
    repository: ProcessRepository,
    process_id: str,
    *,
    rate_limit: float | None = None,
    now: datetime | None = None,
    with_children: bool = False,
) -> dict[str, Any]:
    """The report of one process; raises NotFound.

    `rate_limit` is Quo's, in requests a second. `childProcesses` are the children's ids, or their
    whole reports `with_children`.
    """
    process = require_process(repository, process_id)
    family = [process]
    if process.person_type is None:
        family += _in_order(repository.processes.find_children(process_id))
    limits = {process.integration_id: rate_limit}
    report, *children = _reports(repository, family, limits, now or utc_now())
    if with_children:
        report["childProcesses"] = children
    return report


def list_processes(
    repository: ProcessRepository,
    limit: int,
    *,
    rate_limits: RateLimits | None = None,
    now: datetime | None = None,
) -> list[dict[str, Any]]:
    """Reports of the newest `limit` runs, newest first: a parent is followed by its children.

    A parent left without children by a killed launcher is no run.
    """
    processes = [process for family in _newest_families(repository, limit) for process in family]
    return _reports(repository, processes, rate_limits or {}, now or utc_now())


def _newest_families(repository: ProcessRepository, limit: int) -> list[list[Process]]:
    count = limit * _TYPES_PER_RUN
    while True:
        recent = repository.processes.find_recent(count)
        is_all = len(recent) < count
        families = [
            [top, *_in_order(children)]
            for top in recent
            if top.parent_id is None
            and ((children := _children(repository, top, recent, is_all)) or top.person_type)
        ]
        if is_all or len(families) >= limit:
            return families[:limit]
        count *= 2


def _children(
    repository: ProcessRepository, top: Process, recent: Sequence[Process], is_all: bool
) -> list[Process]:
    """Children are no older than their parent, so the parent's query has met them already.

    Unless parent, child and the cut of that query fall into one millisecond.
    """
    if top.person_type is not None:
        return []
    if not is_all and top.created_at == recent[-1].created_at:
        return repository.processes.find_children(top.id)
    return [process for process in recent if process.parent_id == top.id]


def _in_order(children: Sequence[Process]) -> list[Process]:
    return sorted(children, key=lambda child: (child.name, child.created_at))


def _reports(
    repository: ProcessRepository,
    processes: Sequence[Process],
    rate_limits: RateLimits,
    now: datetime,
) -> list[dict[str, Any]]:
    accounts = read_accounts(repository, processes, rate_limits, now)
    children: dict[str | None, list[Process]] = {}
    for process in processes:
        children.setdefault(process.parent_id, []).append(process)
    return [_render(p, accounts[p.id], children=children.get(p.id, ())) for p in processes]


def _render(process: Process, account: Account, *, children: Sequence[Process]) -> dict[str, Any]:
    updated_at = max(member.updated_at for member in (process, *children))
    return {
        "id": process.id,
        "userId": process.user_id,
        "integrationId": process.integration_id,
        "name": process.name,
        "type": process.type.value,
        "state": account.state.value,
        "context": _render_context(process, account),
        "results": process.results or render_results(account.progress, account.errors),
        "childProcesses": [child.id for child in children],
        "parentProcessId": process.parent_id,
        "createdAt": iso(process.created_at),
        "updatedAt": iso(updated_at),
    }


def _render_context(process: Process, account: Account) -> dict[str, Any]:
    progress = account.progress
    return {
        "syncType": process.sync_type.value,
        "personObjectType": process.person_type,
        "totalRecords": progress.records,
        "processedRecords": progress.totals.outcomes.total,
        "currentPage": progress.totals.pages_done,
        "pagination": process.pagination or _pagination(process.plan),
        "startTime": _iso(progress.started_at),
        "endTime": None if account.is_active else _iso(progress.ended_at),
        "estimatedCompletion": _iso(account.estimated_completion),
        "lastSyncedTimestamp": _iso(account.in_step_until),
        "metadata": {
            **process.metadata,
            "throttledSeconds": progress.totals.throttled_ms / 1000,
            "pagesInFlight": account.pages_in_flight,
            "personsInFlight": progress.in_flight,
        },
    }


def _pagination(plan: Plan | None) -> str | None:
    """How the plan cuts its ranges; a list of ids is no pagination."""
    kind = plan.ranges[0].get("kind") if plan and plan.ranges else None
    return kind if kind in _PAGINATIONS else None


def _iso(at: datetime | None) -> str | None:
    return iso(at) if at else None
