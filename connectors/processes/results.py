"""What a process came to, as JSON: computed from the ledger, stored once on completion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.clock import iso
from connectors.processes.model import (
    DeadLetter,
    LedgerTotals,
    Outcomes,
    PageRecord,
    Plan,
    Process,
    ProcessState,
)

ERRORS_SHOWN = 100
USABLE_SHARE = 0.97
"""Share of a rate limit that is used, as the budgets pace it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one process is, or the sum of several.

    `records` and `pages` are what it has to do, None when unknown; `in_flight` are persons done
    in pages not recorded yet. `ended_at` is the present while it runs.
    """

    totals: LedgerTotals = field(default_factory=LedgerTotals)
    in_flight: int = 0
    records: int | None = None
    pages: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def elapsed(self) -> timedelta:
        if self.started_at is None or self.ended_at is None:
            return timedelta()
        return max(timedelta(), self.ended_at - self.started_at)

    @property
    def records_per_second(self) -> float:
        seconds = self.elapsed.total_seconds()
        return round(self.totals.outcomes.total / seconds, 2) if seconds else 0.0


def progress_of(
    process: Process,
    totals: LedgerTotals,
    *,
    before: LedgerTotals,
    now: datetime,
    in_flight: int = 0,
) -> Progress:
    """`before` are the totals of all ancestors: a successor has only the rest of its plan to do."""
    pages = _planned_pages(process.plan)
    return Progress(
        totals=totals,
        in_flight=in_flight,
        records=_rest(process.total, before.outcomes.total),
        pages=_rest(pages, before.pages_done),
        started_at=process.started_at,
        ended_at=now if process.is_active else process.ended_at,
    )


def sum_progress(parts: Sequence[Progress]) -> Progress:
    """A parent's: counts add up (unknown as soon as one is), time runs from first to last."""
    return Progress(
        totals=sum((part.totals for part in parts), LedgerTotals()),
        in_flight=sum(part.in_flight for part in parts),
        records=_sum(part.records for part in parts),
        pages=_sum(part.pages for part in parts),
        started_at=min((part.started_at for part in parts if part.started_at), default=None),
        ended_at=max((part.ended_at for part in parts if part.ended_at), default=None),
    )


def render_results(progress: Progress, errors: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    totals = progress.totals
    return {
        "aggregateData": {
            "totalSynced": totals.outcomes.synced,
            "totalFailed": totals.outcomes.lost,
            "duration": progress.elapsed // timedelta(milliseconds=1),
            "recordsPerSecond": progress.records_per_second,
            "errors": [dict(error) for error in errors],
        },
        "pages": {
            "totalPages": progress.pages,
            "processedPages": totals.pages_done,
            "failedPages": totals.pages_failed,
        },
        "outcomes": totals.outcomes.to_json(),
        "requests": {"quo": totals.quo_requests, "crm": totals.crm_requests},
    }


def results_json(
    process: Process,
    totals: LedgerTotals,
    errors: Sequence[Mapping[str, Any]],
    *,
    before: LedgerTotals,
    now: datetime,
) -> dict[str, Any]:
    """The results of one process, as they are stored on completion."""
    return render_results(progress_of(process, totals, before=before, now=now), errors)


def with_stored_results(process: Process, totals: LedgerTotals) -> LedgerTotals:
    """The totals of a completed process are those stored with it, whatever the ledger keeps."""
    stored = process.results
    if process.state is not ProcessState.COMPLETED or stored is None:
        return totals
    return replace(
        totals,
        outcomes=Outcomes(**stored["outcomes"]),
        pages_done=stored["pages"]["processedPages"],
        pages_failed=stored["pages"]["failedPages"],
        quo_requests=stored["requests"]["quo"],
        crm_requests=stored["requests"]["crm"],
    )


def estimated_completion(
    progress: Progress, *, rate_limit: float | None, now: datetime
) -> datetime | None:
    """When a running process will be through; None when nothing tells yet.

    At the observed rate, but never before `rate_limit` (Quo's, requests a second) lets the
    requests still to send through; with nothing recorded yet, one request a person. Without a
    total by the share of planned ranges that is closed.
    """
    if progress.records is None:
        return _by_ranges(progress, now)
    recorded = progress.totals.outcomes.total
    done = recorded + progress.in_flight
    left = max(0, progress.records - done)
    estimates = []
    if done:
        estimates.append(left * progress.elapsed.total_seconds() / done)
    if rate_limit:
        requests_each = progress.totals.quo_requests / recorded if recorded else 1.0
        estimates.append(left * requests_each / (rate_limit * USABLE_SHARE))
    return now + timedelta(seconds=max(estimates)) if estimates else None


def _by_ranges(progress: Progress, now: datetime) -> datetime | None:
    totals = progress.totals
    if not totals.ranges_closed:
        return None
    ranges_left = totals.ranges_planned - totals.ranges_closed
    return now + progress.elapsed * (ranges_left / totals.ranges_closed)


def error_list(
    letters: Iterable[DeadLetter], failed_pages: Iterable[PageRecord]
) -> list[Mapping[str, Any]]:
    """The last errors, newest first; a failed page stands without an external id."""
    errors: list[Mapping[str, Any]] = [
        _error(letter.external_id, letter.code, letter.message, letter.at) for letter in letters
    ]
    errors += [_error(None, page.error_code, page.error_message, page.at) for page in failed_pages]
    return last_errors(errors)


def last_errors(errors: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(errors, key=lambda error: error["at"] or "", reverse=True)[:ERRORS_SHOWN]


def _error(
    external_id: str | None, code: str | None, message: str | None, at: datetime | None
) -> dict[str, Any]:
    return {
        "externalId": external_id,
        "code": code,
        "message": message,
        "at": iso(at) if at else None,
    }


def _planned_pages(plan: Plan | None) -> int | None:
    """Known when every range is a closed span of numbered pages."""
    if plan is None:
        return None
    pages = 0
    for bounds in plan.ranges:
        if bounds.get("first_page") is None or bounds.get("last_page") is None:
            return None
        pages += bounds["last_page"] - bounds["first_page"] + 1
    return pages


def _rest(planned: int | None, done: int) -> int | None:
    return None if planned is None else max(0, planned - done)


def _sum(counts: Iterable[int | None]) -> int | None:
    total = 0
    for count in counts:
        if count is None:
            return None
        total += count
    return total
