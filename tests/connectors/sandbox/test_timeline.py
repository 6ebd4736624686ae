from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sandbox.timeline import Calendar, Timeline, just_after

SIZE = 12
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("touch"), st.integers(1, SIZE), st.integers(0, 9)),
        st.tuples(st.just("insert"), st.just(0), st.integers(0, 9)),
        st.tuples(st.just("delete"), st.integers(1, SIZE), st.just(0)),
    ),
    max_size=12,
)


def seeded_time(index: int) -> int:
    return index // 3


def build(actions: list[tuple[str, int, int]]) -> tuple[Timeline, dict[int, int]]:
    """A timeline and the plain dictionary of living ids and times that it stands for."""
    rows = Timeline(SIZE, seeded_time)
    times = {id: seeded_time(id - 1) for id in range(1, SIZE + 1)}
    for action, id, at in actions:
        if action == "insert":
            times[rows.insert(at)] = at
        elif id in times and action == "touch":
            rows.touch(id, at)
            times[id] = at
        elif id in times:
            rows.delete(id)
            del times[id]
    return rows, times


@given(ACTIONS, st.booleans())
def test_order_of_ids_is_that_of_the_living(actions, descending):
    rows, times = build(actions)
    assert list(rows.by_id(None, descending=descending)) == sorted(times, reverse=descending)
    assert len(rows) == len(times)
    assert [rows.id_at(n) for n in range(len(times))] == sorted(times)


@given(ACTIONS, st.integers(0, 10), st.integers(0, 10), st.booleans())
def test_windows_are_half_open_and_in_the_order_of_times(actions, since, until, descending):
    rows, times = build(actions)
    inside = sorted((at, id) for id, at in times.items() if since <= at < until)
    if descending:
        inside.reverse()
    found = rows.by_time((since, 0), (until, 0), descending=descending)
    assert list(found) == [id for _, id in inside]


@given(ACTIONS, st.integers(1, 5))
def test_pages_by_keyset_meet_every_row_once(actions, size):
    rows, times = build(actions)
    met: list[int] = []
    place = None
    for _ in range(len(times) + 1):
        page = [id for id, _ in zip(rows.by_time(place, None), range(size), strict=False)]
        met += page
        if len(page) < size:
            break
        place = just_after((rows.updated(page[-1]), page[-1]))
    assert met == [id for _, id in sorted((at, id) for id, at in times.items())]


@pytest.mark.parametrize("size", [0, 1, 11, 12, 13, 1000])
@pytest.mark.parametrize("per_second", [1, 25, 10_000])
def test_calendar_never_falls_and_ends_in_time(size, per_second):
    calendar = Calendar(size, 2_000_000_000, per_second)
    updated = [calendar.updated(index) for index in range(size)]
    created = [calendar.created(at) for at in updated]
    assert updated == sorted(updated)
    assert created == sorted(created)
    assert all(
        before <= after <= calendar.end for before, after in zip(created, updated, strict=True)
    )


def test_imports_put_many_rows_in_one_second():
    calendar = Calendar(12_000, 2_000_000_000, 25)
    updated = [calendar.updated(index) for index in range(12_000)]
    assert updated.count(updated[0]) == 25
    assert len(set(updated)) > 4_000
