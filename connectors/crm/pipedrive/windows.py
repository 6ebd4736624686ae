"""Planning: cut the persons of an account into windows of update time (rules §1.2).

A window is [since, until) of `update_time`, whole seconds, read in ascending order: the windows
tile exactly, so every person lies in one, and each can be read by another worker. A person edited
during the read leaves its window for one that lies behind the run's T0, which the next delta reads.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from connectors.clock import utc_now
from connectors.crm.model import Paging, RangeSpec, Window
from connectors.crm.pipedrive.api import (
    list_call,
    read_envelope,
    read_records,
    read_time,
    send_each,
    window_params,
)
from connectors.crm.pipedrive.timeline import PERSONS_PER_SAMPLE, Probe, Stretch, Timeline
from connectors.http.client import HttpClient
from connectors.http.exchange import Answer, Request

PERSONS_PER_WINDOW = 1_000
MAX_WINDOWS = 2_000
MAX_SAMPLES = 32
"""List calls that planning may spend, the two at the ends included."""
_FIRST_ROUND = 3
_LATER_ROUND = 8
_SMALLEST_SAMPLE = 100
"""A sample costs the same whatever its size, so a small page size does not make it poor."""


class WindowPlanner:
    """Samples one account; the same answers always give the same windows."""

    def __init__(self, http: HttpClient, page_size: int) -> None:
        self._http = http
        self._sample = max(page_size, _SMALLEST_SAMPLE)

    def plan(self, person_type: str, window: Window) -> list[RangeSpec]:
        """The windows, newest first; one list call when everything fits in one page."""
        timeline = self._both_ends(window)
        cuts: list[datetime] = []
        if timeline is not None:
            self._look_between(timeline)
            cuts = self._usable(timeline.cuts(_window_size(timeline.persons)), window)
        bounds = [window.since, *cuts, window.until]
        return [
            RangeSpec(person_type, Paging.WINDOWS, since=since, until=until)
            for since, until in reversed(list(pairwise(bounds)))
        ]

    def _both_ends(self, window: Window) -> Timeline | None:
        """The first and the last persons; None when these two pages are all there is."""
        span = window_params(window.since, window.until)
        first, more = self._read(self._http.send(self._call(span, "asc")))
        if not more or not first:
            return None
        last, _ = self._read(self._http.send(self._call(span, "desc")))
        if not last or last[0] <= first[-1]:
            return None
        return Timeline(
            Stretch(first[0], first[-1], tuple(first)),
            Stretch(last[0] + 1, last[-1] + 1, tuple(last)),
        )

    def _look_between(self, timeline: Timeline) -> None:
        spent, most = 0, _FIRST_ROUND
        while True:
            worth = math.ceil(timeline.persons / PERSONS_PER_SAMPLE)
            left = min(max(worth, 1), MAX_SAMPLES - 2) - spent
            probes = timeline.probes(min(left, most), _window_size(timeline.persons))
            if not probes:
                return
            calls = [self._call(_span(probe), "asc") for probe in probes]
            answers = send_each(self._http, calls)
            for probe, answer in zip(probes, answers, strict=True):
                times, more = self._read(answer)
                timeline.add(probe, times, complete=not more)
            spent, most = spent + len(probes), _LATER_ROUND

    def _call(self, span: Mapping[str, str], direction: str) -> Request:
        order = {"limit": self._sample, "sort_by": "update_time", "sort_direction": direction}
        return replace(list_call("persons", {**order, **span}), parse=_read_times)

    @staticmethod
    def _read(answer: Answer) -> tuple[list[int], bool]:
        times: tuple[list[int], bool] = answer.value
        return times

    def _usable(self, cuts: Sequence[int], window: Window) -> list[datetime]:
        """The cuts inside the window and before T0, so that the newest window is no empty one."""
        t0 = self._http.first_answer_at or utc_now() - timedelta(seconds=60)
        end = min(t0, window.until) if window.until else t0
        times = [datetime.fromtimestamp(cut, UTC) for cut in cuts]
        return [at for at in times if at < end and (window.since is None or at > window.since)]


def _window_size(persons: float) -> float:
    return max(PERSONS_PER_WINDOW, persons / MAX_WINDOWS)


def _read_times(body: bytes) -> tuple[list[int], bool]:
    """The update times of a page, ascending, and whether there are more behind it.

    Read where the answer arrives, so that a sample's persons are freed at once: a round of
    samples side by side would otherwise be the peak of a run's memory.
    """
    rows, cursor = read_records(read_envelope(body))
    times = [read_time(row.get("update_time")) for row in rows]
    return sorted(int(at.timestamp()) for at in times if at is not None), cursor is not None


def _span(probe: Probe) -> dict[str, str]:
    return window_params(
        datetime.fromtimestamp(probe.at, UTC), datetime.fromtimestamp(probe.until, UTC)
    )
