"""Fetching: the pages of a range, one by one, each as it comes from the CRM."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import apache_beam as beam
from apache_beam.pvalue import PCollection

from connectors.crm.base import BaseCRMConnector
from connectors.crm.model import PersonPage
from connectors.errors import (
    ConfigurationError,
    CursorRefused,
    ProcessEnded,
    ProcessError,
    RepositoryError,
    SyncError,
)
from connectors.processes.model import ACTIVE, RangeState
from connectors.processes.use_cases import open_range
from transforms import coders as _registered  # noqa: F401 - registers the coder of pages
from transforms.contacts import to_entries
from transforms.elements import Page, PageRange
from transforms.ending import end_with
from transforms.worker import Worker, worker


def fetch_pages(
    shared: Worker, connector: BaseCRMConnector, page_range: PageRange
) -> Iterator[Page]:
    """The pages of a range that the ledger does not hold yet; a closed range gives none.

    Each page is to be recorded before the next is asked for (fused steps do so). A fetch that
    fails is a page that says so and the last one; what ends the process ends it here.
    """
    try:
        yield from _Reading(shared, connector, page_range).pages()
    except SyncError as error:
        end_with(shared.repository, page_range.request, error)


class _Reading:
    """One pass over one range."""

    def __init__(self, shared: Worker, connector: BaseCRMConnector, page_range: PageRange) -> None:
        self._repository = shared.repository
        self._connector = connector
        self._range = page_range
        self._process_id = page_range.request.process_id
        self._restarted = False

    def pages(self) -> Iterator[Page]:
        if self._repository.processes.state_of(self._process_id) not in ACTIVE:
            return
        standing = open_range(self._repository, self._process_id, self._range.spec.id)
        if standing is None or standing.state is RangeState.CLOSED:
            return
        number, cursor = standing.next_page, standing.cursor
        self._restarted = standing.restarted
        fresh_restart = False
        seen = {cursor}
        while True:
            try:
                fetched = self._connector.fetch_person_page(self._range.spec, cursor)
            except CursorRefused as error:
                if cursor is None or fresh_restart:
                    yield self._failed(number, error)
                    return
                number, cursor, seen = self._restart(number), None, {None}
                fresh_restart = True
                continue
            except (ProcessError, ConfigurationError, ProcessEnded, RepositoryError):
                raise
            except SyncError as error:
                yield self._failed(number, error)
                return
            cursor = fetched.next_cursor
            page = self._page(number, fetched)
            del fetched  # the CRM's records need not wait for the upsert
            yield page
            if cursor is None:
                return
            number += 1
            if cursor in seen:
                yield self._failed(number, _repeated(self._range))
                return
            seen.add(cursor)

    def _restart(self, number: int) -> int:
        """Begin the range again; new pages are numbered behind all that were ever opened."""
        ledger, range_id = self._repository.ledger, self._range.spec.id
        ledger.mark_restarted(self._process_id, range_id)
        self._restarted = True
        standing = ledger.standing(self._process_id, range_id)
        return max(number, standing.opened + 1 if standing else number)

    def _page(self, number: int, fetched: PersonPage) -> Page:
        usage = self._connector.http.usage()
        entries = to_entries(
            fetched.persons,
            self._connector.transform_person_to_quo,
            self._range.request.settings,
            self._range.custom_fields,
        )
        return Page(
            range=self._range,
            number=number,
            entries=entries,
            next_cursor=fetched.next_cursor,
            restarted=self._restarted,
            crm_requests=usage.requests,
            throttled_seconds=usage.throttled_seconds,
        )

    def _failed(self, number: int, error: SyncError) -> Page:
        failed = self._page(number, PersonPage(()))
        return replace(failed, error=(error.code, error.message))


def _repeated(page_range: PageRange) -> SyncError:
    return SyncError(
        f"the CRM gave a cursor of range {page_range.spec.id} a second time; the range is read "
        "again by the next run",
        code="cursor_repeats",
    )


class _FetchPages(beam.DoFn):
    """An instance serves one thread, and so does each of its connectors, one per process."""

    def __init__(self, repository: str) -> None:
        self._repository = repository

    def setup(self) -> None:
        self._connectors: dict[str, BaseCRMConnector] = {}

    def process(self, page_range: PageRange) -> Iterable[Page]:
        shared = worker(self._repository)
        request = page_range.request
        try:
            if request.process_id not in self._connectors:
                connector = shared.connector(request.settings, request.process_id)
                self._connectors[request.process_id] = connector
        except SyncError as error:
            end_with(shared.repository, request, error)
            return
        with shared.heartbeat.in_flight(request):
            yield from fetch_pages(shared, self._connectors[request.process_id], page_range)


@dataclass(eq=False)
class FetchPages(beam.PTransform):
    """Page ranges → pages of contacts, each upserted before the next of its range is read.

    One step fetches and transforms: between two, Beam would hold on to the CRM's records of every
    page until it is upserted.
    """

    repository: str

    def expand(self, ranges: PCollection[PageRange]) -> PCollection[Page]:
        return ranges | "Fetch to contacts" >> beam.ParDo(_FetchPages(self.repository))
