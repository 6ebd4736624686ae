"""Planning over real HTTP: what it costs, and which windows come out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from connectors.crm.model import Paging, Window

TYPE = "Person"


@pytest.mark.parametrize(
    ("persons", "most_calls", "windows"),
    [(0, 1, (1, 1)), (400, 1, (1, 1)), (900, 2, (1, 1)), (5_000, 6, (4, 8))],
    ids=["empty", "one page", "two pages", "five thousand"],
)
def test_planning_is_thrifty(pipedrive, persons, most_calls, windows):
    account = pipedrive(persons)
    ranges = account.connector.plan_ranges(TYPE, Window())
    assert account.calls <= most_calls
    assert windows[0] <= len(ranges) <= windows[1]


def test_a_large_account_is_planned_with_32_calls(pipedrive):
    account = pipedrive(300_000)
    ranges = account.connector.plan_ranges(TYPE, Window())
    assert account.spending.tokens <= 320
    assert 100 <= len(ranges) <= 2_000


def test_windows_tile_in_whole_seconds_from_the_newest(pipedrive):
    ranges = pipedrive(20_000).connector.plan_ranges(TYPE, Window())
    assert {range.kind for range in ranges} == {Paging.WINDOWS}
    assert (ranges[0].until, ranges[-1].since) == (None, None)
    for newer, older in pairwise(ranges):
        assert older.until == newer.since
        assert older.until.microsecond == 0


def test_a_closed_window_keeps_its_bounds(pipedrive):
    since, until = datetime(2020, 1, 1, tzinfo=UTC), datetime.now(UTC) - timedelta(days=90)
    ranges = pipedrive(5_000, follow_organizations=False).connector.plan_ranges(
        TYPE, Window(since, until)
    )
    assert (ranges[0].until, ranges[-1].since) == (until, since)
    assert len(ranges) > 1


def test_no_window_begins_behind_the_first_answer(pipedrive):
    account = pipedrive(3_000)
    later = int((datetime.now(UTC) + timedelta(hours=2)).timestamp())
    for n in range(0, 1_500, 100):
        account.control.edit_people([*range(n + 1, n + 101)], at=later + n)
    ranges = account.connector.plan_ranges(TYPE, Window())
    assert all(r.since is None or r.since < datetime.now(UTC) for r in ranges)


def test_a_delta_has_one_chain_more_for_the_organizations(pipedrive):
    account = pipedrive(100)
    since = datetime.now(UTC) - timedelta(days=30)
    *_, last = account.connector.plan_ranges(TYPE, Window(since))
    assert (last.kind, last.since, last.until) == (Paging.CHAIN, since, None)
    assert last.id.startswith("chain-")


def test_organizations_are_not_followed_when_told_so(pipedrive):
    account = pipedrive(100, follow_organizations=False)
    ranges = account.connector.plan_ranges(TYPE, Window(datetime.now(UTC)))
    assert [range.kind for range in ranges] == [Paging.WINDOWS]


def test_a_failing_sample_fails_planning(pipedrive):
    account = pipedrive(5_000)
    account.control.fault("status", status=403, path="persons", nth=4)
    with pytest.raises(Exception, match="403"):
        account.connector.plan_ranges(TYPE, Window())
