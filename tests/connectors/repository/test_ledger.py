"""The ledger: where ranges stand, and totals that are sums over page records."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.processes.model import (
    PLANNING_RANGE,
    LedgerTotals,
    Outcomes,
    PageRecord,
    RangeStanding,
    RangeState,
)
from connectors.repository.ledger import Ledger
from connectors.repository.repository import Repository
from tests.connectors.processes.samples import T0, a_failed_page, a_page

RANGE = RangeStanding(
    "window-1", {"id": "window-1", "kind": "WINDOWS", "since": "2026-01-01T00:00:00.000Z"}
)


@pytest.fixture
def ledger(repository: Repository) -> Ledger:
    repository.ledger.insert_ranges("p", [RANGE])
    return repository.ledger


def standing(ledger: Ledger) -> RangeStanding:
    found = ledger.standing("p", "window-1")
    assert found is not None
    return found


# -- ranges -------------------------------------------------------------------------------------


def test_range_comes_back_as_inserted(repository: Repository) -> None:
    handed_on = replace(RANGE, next_page=4, cursor="three", opened=5, restarted=True)
    repository.ledger.insert_ranges("p", [handed_on])
    assert repository.ledger.standing("p", "window-1") == handed_on
    assert repository.ledger.standing("p", "window-2") is None
    assert repository.ledger.standing("q", "window-1") is None


def test_row_already_there_is_left_untouched(ledger: Ledger) -> None:
    ledger.mark_open("p", "window-1", 2)
    ledger.set_range_state("p", "window-1", RangeState.CLOSED)
    before = standing(ledger)
    second = RangeStanding("window-2", {"id": "window-2"})
    ledger.insert_ranges("p", [RANGE, second])
    assert ledger.standings("p") == [before, second]


def test_ranges_keep_the_order_of_the_plan(repository: Repository) -> None:
    names = ["z", "a", "m", "10", "9"]
    ranges = [RangeStanding(name, {"id": name}) for name in names]
    repository.ledger.insert_ranges("p", ranges)
    assert [found.range_id for found in repository.ledger.standings("p")] == names


def test_standing_moves_on_behind_the_last_page_done(ledger: Ledger) -> None:
    ledger.record(a_page("p", "window-1", 1, next_cursor="one"))
    ledger.record(a_page("p", "window-1", 2, next_cursor="two"))
    assert (standing(ledger).next_page, standing(ledger).cursor) == (3, "two")
    assert ledger.standings("p") == [standing(ledger)]


def test_failed_page_is_done_again(ledger: Ledger) -> None:
    ledger.record(a_page("p", "window-1", 1, next_cursor="one"))
    ledger.record(a_failed_page("p", "window-1", 2))
    assert (standing(ledger).next_page, standing(ledger).cursor) == (2, "one")
    assert ledger.recorded_pages("p", "window-1") == {1}


def test_standing_handed_on_is_behind_pages_that_the_predecessor_keeps(
    repository: Repository,
) -> None:
    repository.ledger.insert_ranges("q", [replace(RANGE, next_page=4, cursor="three")])
    found = repository.ledger.standing("q", "window-1")
    assert found is not None
    assert (found.next_page, found.cursor) == (4, "three")
    repository.ledger.record(a_page("q", "window-1", 4, next_cursor="four"))
    found = repository.ledger.standing("q", "window-1")
    assert found is not None
    assert (found.next_page, found.cursor) == (5, "four")


def test_range_whose_last_page_is_recorded_is_read(ledger: Ledger) -> None:
    assert not standing(ledger).is_read
    ledger.record(a_page("p", "window-1", 1, next_cursor="one"))
    assert not standing(ledger).is_read
    ledger.record(a_page("p", "window-1", 2))
    assert standing(ledger).is_read
    assert standing(ledger).state is RangeState.OPEN


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        ("closed", "closed"),
        ("failed", "failed"),
        ("failed closed", "closed"),
        ("closed failed", "closed"),
        ("closed open", "closed"),
    ],
)
def test_closed_range_never_opens(ledger: Ledger, steps: str, state: str) -> None:
    for step in steps.split():
        ledger.set_range_state("p", "window-1", RangeState(step))
    assert standing(ledger).state is RangeState(state)


def test_open_and_failed_ranges_are_found(ledger: Ledger) -> None:
    ledger.insert_ranges("p", [RangeStanding("window-2", {})])

    def open_failed() -> tuple[bool, bool]:
        return ledger.has_open_range("p"), ledger.has_failed_range("p")

    assert open_failed() == (True, False)
    ledger.set_range_state("p", "window-1", RangeState.FAILED)
    assert open_failed() == (True, True)
    ledger.set_range_state("p", "window-2", RangeState.CLOSED)
    assert open_failed() == (False, True)
    ledger.set_range_state("p", "window-1", RangeState.CLOSED)
    assert open_failed() == (False, False)


def test_page_is_marked_open_once(ledger: Ledger) -> None:
    assert ledger.mark_open("p", "window-1", 1)
    assert not ledger.mark_open("p", "window-1", 1), "an earlier try opened it"
    assert ledger.mark_open("p", "window-1", 2)
    assert not ledger.mark_open("p", "window-1", 1)
    assert standing(ledger).opened == 2
    assert not ledger.mark_open("p", "window-9", 1)


def test_restart_is_remembered(ledger: Ledger) -> None:
    ledger.mark_restarted("p", "window-1")
    assert standing(ledger).restarted


# -- pages --------------------------------------------------------------------------------------


def test_failed_pages_come_back_whole_and_newest_first(ledger: Ledger) -> None:
    records = [
        replace(a_failed_page("p", "window-1", page), at=T0 + timedelta(seconds=page))
        for page in (1, 2, 3)
    ]
    for record in records:
        ledger.record(record)
    assert ledger.failed_pages("p", limit=2) == [records[2], records[1]]


def test_totals_sum_pages_and_count_ranges(ledger: Ledger) -> None:
    ledger.insert_ranges("p", [RangeStanding("b", {}), RangeStanding("c", {})])
    ledger.record(
        a_page(
            "p",
            "window-1",
            1,
            outcomes=Outcomes(1, 2, 3, 4, 5, 6, 7),
            quo_requests=8,
            crm_requests=9,
            throttled_ms=10,
        )
    )
    ledger.record(a_page("p", "b", 1, outcomes=Outcomes(created=100), throttled_ms=1))
    ledger.record(a_failed_page("p", "c", 1))
    ledger.set_range_state("p", "window-1", RangeState.CLOSED)
    ledger.set_range_state("p", "c", RangeState.FAILED)
    totals = ledger.totals(["p"])["p"]
    assert totals == LedgerTotals(
        outcomes=Outcomes(101, 2, 3, 4, 5, 6, 7),
        pages_done=2,
        pages_failed=1,
        quo_requests=8 + 9 + 9,
        crm_requests=9 + 1 + 1,
        throttled_ms=10 + 1 + 250,
        ranges_planned=3,
        ranges_closed=1,
        ranges_failed=1,
    )
    assert totals.ranges_open == 1


def test_record_put_again_replaces_the_one_before(ledger: Ledger) -> None:
    ledger.record(a_failed_page("p", "window-1", 1))
    for created in (3, 5):
        ledger.record(a_page("p", "window-1", 1, outcomes=Outcomes(created=created)))
    totals = ledger.totals(["p"])["p"]
    assert totals.outcomes == Outcomes(created=5)
    assert (totals.pages_done, totals.pages_failed) == (1, 0)


def test_planning_counts_its_requests_but_is_no_page(ledger: Ledger) -> None:
    ledger.record(PageRecord("p", PLANNING_RANGE, 0, quo_requests=3, crm_requests=32))
    ledger.record(a_page("p", "window-1", 1, quo_requests=9, crm_requests=1))
    totals = ledger.totals(["p"])["p"]
    assert (totals.pages_done, totals.quo_requests, totals.crm_requests) == (1, 12, 33)
    assert standing(ledger).next_page == 2


def test_totals_of_several_processes_are_apart(ledger: Ledger) -> None:
    ledger.record(a_page("p", "window-1", 1, outcomes=Outcomes(created=1)))
    ledger.record(a_page("q", "window-1", 1, outcomes=Outcomes(created=2)))
    totals = ledger.totals(["p", "q", "nobody"])
    assert {id: total.outcomes.created for id, total in totals.items()} == {
        "p": 1,
        "q": 2,
        "nobody": 0,
    }
    assert totals["nobody"] == LedgerTotals()
