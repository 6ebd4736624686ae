"""Upserting a page: every person gets exactly one outcome, every contact is written once.

The course of a page (rules §3): links are read in bulk, what needs no request is settled; the page
is marked open; unknown and changed contacts are looked up where they may exist; creates and patches
go through the pool; conflicts are found together; links are put over the versions read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PCollection, TaggedOutput

from connectors.errors import ProcessEnded, ProcessError, RepositoryError, SyncError
from connectors.processes.model import (
    DeadLetter,
    OutcomeKind,
    Outcomes,
    PageRecord,
    PageState,
)
from transforms.decisions import Place, newest_of_each
from transforms.elements import Entry, Outcome, Page, PageResult
from transforms.ending import end_with
from transforms.worker import Worker, worker
from transforms.writing import Case, PageWriter

METRICS = "metrics"
"""Tag of the one side output."""
_LOST = frozenset({OutcomeKind.REJECTED, OutcomeKind.FAILED})


@dataclass(frozen=True, slots=True)
class Upserted:
    outcomes: tuple[Outcome, ...]
    result: PageResult


def upsert_page(shared: Worker, page: Page) -> Upserted | None:
    """Bring Quo in step with a page; None when its process has ended.

    A replay of the page sends nothing that was sent before and gives the same outcomes.
    """
    if page.error is not None:
        return Upserted((), _failed(page, *page.error))
    request = page.range.request
    try:
        writer = PageWriter(shared, page, _place(shared, page))
    except SyncError as error:
        end_with(shared.repository, request, error)
        return None
    entries, repeated = newest_of_each(page.entries)
    try:
        cases = writer.upsert(entries)
    except (ProcessError, ProcessEnded, RepositoryError) as error:
        end_with(shared.repository, request, error)
        return None
    except SyncError as error:
        return Upserted((), _failed(page, error.code, error.message, writer))
    outcomes = tuple(_outcomes(page, cases, repeated))
    return Upserted(outcomes, _done(page, outcomes, writer))


def _place(shared: Worker, page: Page) -> Place:
    request, range_id = page.range.request, page.range.spec.id
    recorded = (
        shared.repository.ledger.recorded_pages(request.process_id, range_id)
        if page.restarted
        else None
    )
    return Place(request.root_id, range_id, page.number, recorded)


def _outcomes(page: Page, cases: Iterable[Case], repeated: Iterable[Entry]) -> Iterator[Outcome]:
    for case in cases:
        yield _outcome(page, case.entry, case.settled(), case.quo_id, case.code, case.message)
    for entry in repeated:
        yield _outcome(page, entry, OutcomeKind.UNCHANGED, None, "repeated", None)


def _outcome(
    page: Page,
    entry: Entry,
    kind: OutcomeKind,
    quo_id: str | None,
    code: str | None,
    message: str | None,
) -> Outcome:
    request = page.range.request
    return Outcome(
        integration_id=request.settings.id,
        process_id=request.process_id,
        person_type=request.person_type,
        person_id=entry.person_id,
        external_id=entry.external_id,
        kind=kind,
        quo_id=quo_id,
        code=code,
        message=message,
    )


def _done(page: Page, outcomes: tuple[Outcome, ...], writer: PageWriter) -> PageResult:
    counts = Counter(outcome.kind.value for outcome in outcomes)
    usage = writer.usage()
    record = PageRecord(
        process_id=page.range.request.process_id,
        range_id=page.range.spec.id,
        page=page.number,
        outcomes=Outcomes(**counts),
        quo_requests=usage.requests,
        crm_requests=page.crm_requests,
        throttled_ms=round((usage.throttled_seconds + page.throttled_seconds) * 1000),
        next_cursor=page.next_cursor,
        closes_range=page.next_cursor is None,
    )
    letters = tuple(_dead_letter(outcome) for outcome in outcomes if outcome.kind in _LOST)
    return PageResult(page.range.request, record, letters)


def _dead_letter(outcome: Outcome) -> DeadLetter:
    return DeadLetter(
        process_id=outcome.process_id,
        external_id=outcome.external_id,
        person_id=outcome.person_id,
        person_type=outcome.person_type,
        code=outcome.code or outcome.kind.value,
        message=outcome.message or "",
    )


def _failed(page: Page, code: str, message: str, writer: PageWriter | None = None) -> PageResult:
    usage = writer.usage() if writer else None
    throttled = page.throttled_seconds + (usage.throttled_seconds if usage else 0.0)
    record = PageRecord(
        process_id=page.range.request.process_id,
        range_id=page.range.spec.id,
        page=page.number,
        state=PageState.FAILED,
        quo_requests=usage.requests if usage else 0,
        crm_requests=page.crm_requests,
        throttled_ms=round(throttled * 1000),
        error_code=code,
        error_message=message,
    )
    return PageResult(page.range.request, record)


class _UpsertContacts(beam.DoFn):
    def __init__(self, repository: str) -> None:
        self._repository = repository
        self._counters = {
            field.name: Metrics.counter("quo_sync", field.name) for field in fields(Outcomes)
        }
        self._requests = {
            "quo": Metrics.counter("quo_sync", "quoRequests"),
            "crm": Metrics.counter("quo_sync", "crmRequests"),
        }
        self._throttling = Metrics.counter("quo_sync", "cumulativeThrottlingSeconds")
        self._throttled_ms = 0

    def process(self, page: Page) -> Iterable[Outcome | TaggedOutput]:
        upserted = upsert_page(worker(self._repository), page)
        if upserted is None:
            return
        self._count(upserted.result.record)
        yield from upserted.outcomes
        yield TaggedOutput(METRICS, upserted.result)

    def _count(self, record: PageRecord) -> None:
        for name, count in record.outcomes.to_json().items():
            if count:
                self._counters[name].inc(count)
        self._requests["quo"].inc(record.quo_requests)
        self._requests["crm"].inc(record.crm_requests)
        self._throttled_ms += record.throttled_ms
        seconds, self._throttled_ms = divmod(self._throttled_ms, 1000)
        self._throttling.inc(seconds)


@dataclass(eq=False)
class UpsertContacts(beam.PTransform):
    """Pages → outcomes, and per page one result on the side output `metrics`."""

    repository: str

    def expand(self, pages: PCollection[Page]) -> beam.pvalue.DoOutputsTuple:
        return pages | "Upsert page" >> beam.ParDo(_UpsertContacts(self.repository)).with_outputs(
            METRICS, main="outcomes"
        )
