"""Planning's arithmetic against made-up histories, sampled as Pipedrive would answer."""

from __future__ import annotations

import random
from bisect import bisect_left
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.crm.pipedrive.timeline import Density, Gap, Stretch, Timeline

END = 1_790_000_000
TWO_YEARS = 2 * 365 * 86_400
PAGE = 500


def steady(n: int) -> list[int]:
    draw = random.Random(1)
    return sorted(END - draw.randrange(TWO_YEARS) for _ in range(n))


def growing(n: int) -> list[int]:
    draw = random.Random(2)
    return sorted(END - int(draw.expovariate(8 / TWO_YEARS)) for _ in range(n))


def imported(n: int) -> list[int]:
    """Four in five written within minutes, two years ago."""
    return sorted([END - TWO_YEARS + i // 25 for i in range(n * 4 // 5)] + steady(n // 5))


def ends_of(times: list[int], page: int = PAGE) -> Timeline:
    first, last = times[:page], times[-page:]
    return Timeline(
        Stretch(first[0], first[-1], tuple(first)),
        Stretch(last[0] + 1, last[-1] + 1, tuple(last)),
    )


def sample(timeline: Timeline, times: list[int], rounds: int, page: int = PAGE) -> int:
    spent = 0
    for _ in range(rounds):
        for probe in timeline.probes(4, 1_000):
            found = times[bisect_left(times, probe.at) : bisect_left(times, probe.until)]
            timeline.add(probe, found[:page], complete=len(found) <= page)
            spent += 1
    return spent


def sizes(times: list[int], cuts: list[int]) -> list[int]:
    marks = [0, *(bisect_left(times, cut) for cut in cuts), len(times)]
    return [after - before for before, after in pairwise(marks)]


@pytest.mark.parametrize("history", [steady, growing, imported], ids=lambda f: f.__name__)
@pytest.mark.parametrize("n", [5_000, 20_000])
def test_windows_come_out_near_a_thousand(history, n):
    times = history(n)
    timeline = ends_of(times)
    sample(timeline, times, rounds=5)
    windows = sizes(times, timeline.cuts(1_000))
    assert max(windows) <= 3_000
    assert len(windows) <= n / 1_000 * 1.5


def test_a_second_that_cannot_be_cut_stays_whole():
    times = sorted([END - TWO_YEARS // 2] * 4_000 + steady(2_000))
    timeline = ends_of(times)
    sample(timeline, times, rounds=5)
    assert sorted(sizes(times, timeline.cuts(1_000)))[-1] >= 4_000


def test_one_second_full_of_persons_at_the_beginning_is_survived():
    times = [END - 1_000] * 600 + [END - n for n in range(900, 0, -1)]
    timeline = ends_of(times)
    sample(timeline, times, rounds=2)
    assert sum(sizes(times, timeline.cuts(1_000))) == len(times)


def test_nothing_is_probed_that_is_estimated_below_one_window():
    times = steady(1_500)
    assert ends_of(times).probes(30, 1_000) == []


def test_a_sample_without_any_time_is_survived():
    timeline = ends_of(steady(5_000))
    for probe in timeline.probes(3, 1_000):
        timeline.add(probe, [], complete=False)
    assert timeline.cuts(1_000)


def test_a_complete_sample_closes_its_gap():
    times = [*range(500), 5_000, *range(10_000, 10_500)]
    timeline = ends_of(times)
    (gap,) = timeline.gaps
    probe = timeline.probes(1, 0)[0]
    timeline.add(probe, [5_000] if probe.at <= 5_000 else [], complete=True)
    assert timeline.gaps == [Gap(gap.start, probe.at, gap.left, timeline.gaps[0].right)]


@settings(deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(2, 10**8),
    *[st.builds(Density, st.integers(1, 500), st.integers(1, 10**7)) for _ in range(2)],
)
def test_shares_of_a_gap_rise_within_it(start, length, left, right):
    gap = Gap(start, start + length, left, right)
    places = [gap.at(share / 8) for share in range(9)]
    assert places == sorted(places)
    assert gap.start <= places[0]
    assert places[-1] <= gap.end
    assert gap.persons > 0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 3_000), min_size=60, max_size=600).map(sorted),
    st.integers(5, 200),
)
def test_cuts_are_distinct_ascending_and_inside(times, size):
    page = 20
    if times[-page] <= times[page - 1]:
        return
    timeline = ends_of(times, page)
    sample(timeline, times, rounds=2, page=page)
    cuts = timeline.cuts(size)
    assert cuts == sorted(set(cuts))
    assert all(times[0] <= cut <= times[-1] + 1 for cut in cuts)
    assert sum(sizes(times, cuts)) == len(times)
