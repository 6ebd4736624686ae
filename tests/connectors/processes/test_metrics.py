"""The metrics write: totals are sums over page records, whatever is repeated or killed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.processes.lineage import carry_over
from connectors.processes.model import (
    DeadLetter,
    LedgerTotals,
    Outcomes,
    PageRecord,
    Process,
    ProcessState,
    RangeState,
)
from connectors.processes.use_cases import (
    end_process,
    open_range,
    sweep_process,
    take_over,
    update_process_metrics,
)
from connectors.repository.repository import Repository
from tests.connectors.processes.interruption import InterruptedStorage, Killed
from tests.connectors.processes.samples import (
    SOURCE_KEY,
    T0,
    a_dead_letter,
    a_failed_page,
    a_page,
    a_plan,
    a_process,
    a_running_process,
)

PAGES_OF_RANGE: Mapping[str, int] = {"a": 1, "b": 3, "c": 2}


def all_pages(process_id: str) -> dict[tuple[str, int], PageRecord]:
    """The run that the tests replay and kill: three ranges, each page with its own counts."""
    pages = {}
    for position, (range_id, count) in enumerate(PAGES_OF_RANGE.items()):
        for page in range(1, count + 1):
            pages[range_id, page] = a_page(
                process_id,
                range_id,
                page,
                outcomes=Outcomes(created=position + page, unchanged=10 * page, rejected=1),
                quo_requests=position + page + 1,
                next_cursor=f"{range_id}-{page}" if page < count else None,
            )
    return pages


def letters_of(record: PageRecord) -> list[DeadLetter]:
    """One per page, as its outcomes say."""
    return [a_dead_letter(record.process_id, f"person-{record.range_id}{record.page}")]


def summed(pages: Mapping[tuple[str, int], PageRecord]) -> LedgerTotals:
    total = LedgerTotals(ranges_planned=len(PAGES_OF_RANGE), ranges_closed=len(PAGES_OF_RANGE))
    for page in pages.values():
        total += LedgerTotals(
            outcomes=page.outcomes,
            pages_done=1,
            quo_requests=page.quo_requests,
            crm_requests=page.crm_requests,
            throttled_ms=page.throttled_ms,
        )
    return total


def state_of(repository: Repository, process: Process) -> ProcessState | None:
    return repository.processes.state_of(process.id)


def totals_of(repository: Repository, process: Process) -> LedgerTotals:
    return repository.ledger.totals([process.id])[process.id]


# -- replays ------------------------------------------------------------------------------------


@given(data=st.data())
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_totals_are_the_same_in_any_order_and_under_any_repetition(
    repository: Repository, data: st.DataObject
) -> None:
    process = a_running_process(repository, *PAGES_OF_RANGE, active_key=uuid4().hex)
    pages = all_pages(process.id)
    turns = [range_id for range_id, count in PAGES_OF_RANGE.items() for _ in range(count)]
    recorded: list[PageRecord] = []
    next_page = dict.fromkeys(PAGES_OF_RANGE, 1)
    for range_id in data.draw(st.permutations(turns), label="order of ranges"):
        page = pages[range_id, next_page[range_id]]
        next_page[range_id] += 1
        recorded.append(page)
        repeated = data.draw(st.lists(st.sampled_from(recorded), max_size=3), label="replayed")
        for record in [page, *repeated]:
            update_process_metrics(repository, record, letters_of(record))
    for record in data.draw(st.lists(st.sampled_from(recorded), max_size=5), label="late"):
        update_process_metrics(repository, record, letters_of(record))
    assert totals_of(repository, process) == summed(pages)
    assert state_of(repository, process) is ProcessState.COMPLETED
    assert len(repository.dead_letters.of_process(process.id)) == len(pages)


def test_replayed_page_does_not_count_twice(repository: Repository) -> None:
    process = a_running_process(repository, "a", "b")
    page = a_page(process, "a", 1)
    for _ in range(3):
        assert update_process_metrics(repository, page, letters_of(page))
    totals = totals_of(repository, process)
    assert totals.outcomes == page.outcomes
    assert totals.pages_done == 1


def test_finished_process_takes_no_page(repository: Repository) -> None:
    process = a_running_process(repository, "a", "b")
    end_process(repository, process, ProcessState.CANCELLED, "cancelled by the user")
    page = a_page(process, "a", 1)
    assert not update_process_metrics(repository, page, letters_of(page))
    assert totals_of(repository, process) == LedgerTotals(ranges_planned=2)
    assert repository.dead_letters.of_process(process.id) == []


def test_process_that_was_deleted_takes_no_page(repository: Repository) -> None:
    process = a_running_process(repository, "a")
    repository.processes.delete_by_id(process.id)
    assert not update_process_metrics(repository, a_page(process, "a", 1))


# -- failed pages -------------------------------------------------------------------------------


def test_failed_page_fails_its_range_and_no_other(repository: Repository) -> None:
    process = a_running_process(repository, "a", "b")
    update_process_metrics(repository, a_failed_page(process, "a", 1))
    assert state_of(repository, process) is ProcessState.PROCESSING_BATCHES
    update_process_metrics(repository, a_page(process, "b", 1))
    assert state_of(repository, process) is ProcessState.ERROR
    totals = totals_of(repository, process)
    assert (totals.pages_done, totals.pages_failed) == (1, 1)
    assert (totals.ranges_closed, totals.ranges_failed) == (1, 1)


def test_failed_page_that_succeeds_on_a_replay_is_forgotten(repository: Repository) -> None:
    process = a_running_process(repository, "a", "b")
    update_process_metrics(repository, a_failed_page(process, "a", 1))
    update_process_metrics(repository, a_page(process, "a", 1))
    update_process_metrics(repository, a_page(process, "b", 1))
    assert state_of(repository, process) is ProcessState.COMPLETED
    assert totals_of(repository, process).pages_failed == 0


def test_failed_try_never_replaces_a_page_that_another_did(repository: Repository) -> None:
    process = a_running_process(repository, "a", "b")
    page = a_page(process, "a", 1, next_cursor="more")
    update_process_metrics(repository, page)
    assert not update_process_metrics(repository, a_failed_page(process, "a", 1))
    totals = totals_of(repository, process)
    assert totals.outcomes == page.outcomes
    assert (totals.pages_done, totals.pages_failed) == (1, 0)
    standing = repository.ledger.standing(process.id, "a")
    assert standing is not None
    assert (standing.state, standing.next_page, standing.cursor) == (RangeState.OPEN, 2, "more")


# -- kills --------------------------------------------------------------------------------------


def the_job(repository: Repository, process_id: str, range_ids: list[str]) -> None:
    """What the job does with a process: each range from where it stands, then the sweep."""
    pages = all_pages(process_id)
    for range_id in range_ids:
        standing = open_range(repository, process_id, range_id)
        assert standing is not None
        if standing.state is RangeState.CLOSED:
            continue
        for page in range(standing.next_page, PAGES_OF_RANGE[range_id] + 1):
            record = pages[range_id, page]
            update_process_metrics(repository, record, letters_of(record))
    sweep_process(repository, process_id)


def storage_calls(repository: Repository, action: Callable[[Repository], Any]) -> int:
    """How many storage calls the action makes when nobody kills it."""
    storage = InterruptedStorage(repository.storage, calls=10_000)
    action(Repository(storage))
    return 10_000 - storage.left


def killed_before(repository: Repository, call: int, action: Callable[[Repository], Any]) -> None:
    with pytest.raises(Killed):
        action(Repository(InterruptedStorage(repository.storage, calls=call)))


def test_kill_before_any_storage_call_then_a_replay_leaves_exact_totals(
    repository: Repository,
) -> None:
    ranges = list(PAGES_OF_RANGE)
    probe = a_running_process(repository, *ranges, active_key="probe")
    calls = storage_calls(repository, lambda r: the_job(r, probe.id, ranges))
    assert calls > 30
    for call in range(calls):
        process = a_running_process(repository, *ranges, active_key=f"kill-{call}")
        killed_before(repository, call, lambda r, id=process.id: the_job(r, id, ranges))
        the_job(repository, process.id, ranges)
        where = f"killed before call {call}"
        assert totals_of(repository, process) == summed(all_pages(process.id)), where
        assert state_of(repository, process) is ProcessState.COMPLETED, where
        assert len(repository.dead_letters.of_process(process.id)) == 6, where


def test_kill_then_take_over_then_successor_reads_each_page_once(repository: Repository) -> None:
    ranges = list(PAGES_OF_RANGE)
    probe = a_running_process(repository, *ranges, active_key="probe")
    calls = storage_calls(repository, lambda r: the_job(r, probe.id, ranges))
    for call in range(calls):
        process = a_running_process(repository, *ranges, active_key=f"kill-{call}")
        killed_before(repository, call, lambda r, id=process.id: the_job(r, id, ranges))
        chain = [process.id]
        if take_over(repository, process, "the holder is gone") is ProcessState.ERROR:
            successor = a_process(
                state=ProcessState.PROCESSING_BATCHES,
                active_key=f"kill-{call}",
                plan=a_plan(*ranges),
                predecessor_id=process.id,
            )
            repository.processes.create(successor)
            todo = carry_over(repository, successor)
            repository.ledger.insert_ranges(successor.id, todo)
            the_job(repository, successor.id, [standing.range_id for standing in todo])
            chain.append(successor.id)
        where = f"killed before call {call}"
        assert repository.processes.state_of(chain[-1]) is ProcessState.COMPLETED, where
        totals = sum(repository.ledger.totals(chain).values(), LedgerTotals())
        expected = summed(all_pages(process.id))
        assert totals.outcomes == expected.outcomes, where
        assert totals.pages_done == expected.pages_done, where


def test_kill_in_the_last_page_write_never_completes_without_a_watermark(
    repository: Repository,
) -> None:
    repository.sources.claim(SOURCE_KEY, "acme-pipedrive")
    for call in range(20):
        process = a_running_process(
            repository, "a", active_key=f"kill-{call}", integration_id=f"customer-{call}"
        )
        action = lambda r, id=process.id: update_process_metrics(r, a_page(id, "a", 1))  # noqa: E731
        try:
            action(Repository(InterruptedStorage(repository.storage, calls=call)))
        except Killed:
            completed = state_of(repository, process) is ProcessState.COMPLETED
            watermark = repository.watermarks.get(f"customer-{call}", "Person")
            assert watermark is not None or not completed, f"killed before call {call}"
            update_process_metrics(repository, a_page(process, "a", 1))
        watermark = repository.watermarks.get(f"customer-{call}", "Person")
        assert watermark is not None
        assert (watermark.at, watermark.full_at) == (T0, T0)
        assert state_of(repository, process) is ProcessState.COMPLETED


def test_kill_while_recording_a_failed_page_still_ends_in_error(repository: Repository) -> None:
    probe = a_running_process(repository, "a", active_key="probe")
    calls = storage_calls(
        repository, lambda r: update_process_metrics(r, a_failed_page(probe, "a", 1))
    )
    for call in range(calls):
        process = a_running_process(repository, "a", active_key=f"kill-{call}")
        page = a_failed_page(process, "a", 1)
        killed_before(repository, call, lambda r, page=page: update_process_metrics(r, page))
        update_process_metrics(repository, page)
        assert state_of(repository, process) is ProcessState.ERROR
        assert totals_of(repository, process).pages_failed == 1


# -- listeners ----------------------------------------------------------------------------------


class Listener:
    def __init__(self) -> None:
        self.heard: list[Mapping[str, Any]] = []

    def broadcast(self, report: Mapping[str, Any]) -> None:
        self.heard.append(report)


def test_broadcaster_hears_of_every_recorded_page_and_of_nothing_else(
    repository: Repository,
) -> None:
    process = a_running_process(repository, "a", "b")
    listener = Listener()
    update_process_metrics(repository, a_page(process, "a", 1), broadcaster=listener)
    update_process_metrics(repository, a_page(process, "b", 1), broadcaster=listener)
    update_process_metrics(repository, a_page(process, "b", 1), broadcaster=listener)
    assert [report["context"]["processedRecords"] for report in listener.heard] == [10, 20]
    assert [report["state"] for report in listener.heard] == ["PROCESSING_BATCHES", "COMPLETED"]
