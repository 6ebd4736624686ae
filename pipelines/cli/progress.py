"""Live progress of processes: read from the repository, shown as bars, plain or JSON lines."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connectors.clock import parse_time, utc_now
from connectors.errors import RepositoryError
from connectors.processes.model import FINISHED, Process, ProcessState
from connectors.processes.report import get_process
from pipelines.cli.wording import counted, outcome_words, percent, span

if TYPE_CHECKING:
    from rich.table import Table

    from connectors.repository.repository import Repository

log = logging.getLogger(__name__)

BAR_SECONDS = 1.0
LINE_SECONDS = 10.0
READING_SHARE = 0.1
"""At most this share of the time goes into reading progress, however many processes there are."""
BARS_SHOWN = 20


@dataclass(frozen=True)
class Line:
    """How far one process is. `persons` counts those in pages under way too."""

    process_id: str
    label: str
    state: ProcessState
    persons: int
    total: int | None
    ranges_closed: int
    ranges_planned: int
    rate: float
    seconds_left: float | None
    outcomes: Mapping[str, int]
    throttled_share: float

    @property
    def is_finished(self) -> bool:
        return self.state in FINISHED

    @property
    def share_done(self) -> float | None:
        """By persons, without a total by ranges; None while nothing is planned."""
        if self.is_finished:
            return 1.0 if self.state is ProcessState.COMPLETED else None
        if self.total is not None:
            return min(1.0, self.persons / self.total) if self.total else 1.0
        return self.ranges_closed / self.ranges_planned if self.ranges_planned else None

    @property
    def done_words(self) -> str:
        if self.total is not None and not self.is_finished:
            return f"{self.persons:,} of {counted(self.total, 'person')}"
        if self.ranges_planned and not self.is_finished:
            ranges = f"{self.ranges_closed:,} of {counted(self.ranges_planned, 'range')}"
            return f"{counted(self.persons, 'person')}, {ranges}"
        return counted(self.persons, "person")

    def as_text(self) -> str:
        words = [self.done_words, f"{self.rate:,.1f}/s"]
        if self.seconds_left is not None:
            words.append(f"{span(self.seconds_left)} left")
        words += outcome_words(self.outcomes)
        if self.throttled_share:
            words.append(f"throttled {percent(self.throttled_share)}")
        return f"{self.label} {self.state}: {', '.join(words)}"

    def as_fields(self) -> dict[str, Any]:
        """For JSON logs, in the words of `status --json`."""
        return {
            "processId": self.process_id,
            "label": self.label,
            "state": self.state.value,
            "processedRecords": self.persons,
            "totalRecords": self.total,
            "closedRanges": self.ranges_closed,
            "plannedRanges": self.ranges_planned,
            "recordsPerSecond": self.rate,
            "secondsLeft": self.seconds_left,
            "outcomes": dict(self.outcomes),
            "throttledShare": round(self.throttled_share, 3),
        }


class ProgressReader:
    """Reads how far some processes are; those that have ended are read once."""

    def __init__(
        self,
        repository: Repository,
        processes: Sequence[Process],
        rate_limits: Mapping[str, float | None],
    ) -> None:
        self._repository = repository
        self._processes = list(processes)
        self._rate_limits = rate_limits
        self._lines: dict[str, Line] = {}
        self._ended: set[str] = set()

    def read(self) -> list[Line]:
        active = [process for process in self._processes if process.id not in self._ended]
        totals = self._repository.ledger.totals([process.id for process in active])
        for process in active:
            limit = self._rate_limits.get(process.integration_id)
            report = get_process(self._repository, process.id, rate_limit=limit)
            ranges = totals[process.id]
            line = line_of(report, ranges=(ranges.ranges_closed, ranges.ranges_planned))
            self._lines[process.id] = line
            if line.is_finished:
                self._ended.add(process.id)
        return [self._lines[process.id] for process in self._processes]


def line_of(report: Mapping[str, Any], *, ranges: tuple[int, int] = (0, 0)) -> Line:
    """A process's report as a line; `ranges` are (closed, planned)."""
    context, results = report["context"], report["results"]
    persons, total = context["processedRecords"], context["totalRecords"]
    with_under_way = persons + context["metadata"]["personsInFlight"]
    if total is not None:  # a page just recorded may still count as under way
        with_under_way = min(with_under_way, max(total, persons))
    milliseconds = results["aggregateData"]["duration"]
    return Line(
        process_id=report["id"],
        label=label_of(report),
        state=ProcessState(report["state"]),
        persons=with_under_way,
        total=total,
        ranges_closed=ranges[0],
        ranges_planned=ranges[1],
        rate=round(1000 * with_under_way / milliseconds, 2) if milliseconds else 0.0,
        seconds_left=_seconds_left(context["estimatedCompletion"]),
        outcomes=results["outcomes"],
        throttled_share=throttled_share(report),
    )


def label_of(report: Mapping[str, Any]) -> str:
    """Integration and person type: how people know a process."""
    words = (report["integrationId"], report["context"]["personObjectType"])
    return " ".join(word for word in words if word)


def throttled_share(report: Mapping[str, Any]) -> float:
    """Share of the elapsed time in which the key waited for slots."""
    milliseconds = report["results"]["aggregateData"]["duration"]
    seconds = report["context"]["metadata"].get("throttledSeconds") or 0.0
    return min(1.0, 1000 * seconds / milliseconds) if milliseconds else 0.0


def _seconds_left(estimate: str | None) -> float | None:
    if estimate is None:
        return None
    return max(0.0, (parse_time(estimate) - utc_now()).total_seconds())


# -- showing ----------------------------------------------------------------------------------


class Ticker:
    """Called often, reads and shows seldom."""

    def __init__(
        self,
        read: Callable[[], Sequence[Line]],
        show: Callable[[Sequence[Line]], None],
        every_seconds: float,
    ) -> None:
        self._read = read
        self._show = show
        self._every = every_seconds
        self._shown: Sequence[Line] | None = None
        self._next = time.monotonic() + min(every_seconds, BAR_SECONDS)

    def __call__(self) -> None:
        begun = time.monotonic()
        if begun >= self._next:
            self.show_now()
            ended = time.monotonic()
            self._next = ended + max(self._every, (ended - begun) / READING_SHARE)

    def show_now(self) -> None:
        """Without the repository there is nothing to show; the job itself says so if that lasts."""
        try:
            lines = self._read()
        except RepositoryError as error:
            log.debug("progress not read: %s", error)
            return
        if lines != self._shown:
            self._show(lines)
            self._shown = lines


@contextmanager
def shown(
    read: Callable[[], Sequence[Line]], *, log_json: bool, to_the_end: bool = True
) -> Iterator[Callable[[], None]]:
    """Progress on stderr while the block runs; yields what is to be called again and again.

    A terminal gets bars that go when the block ends, for what follows says it better. Everything
    else gets a line per process every 10 s, and `to_the_end` a last one.
    """
    if log_json or not sys.stderr.isatty():
        ticker = Ticker(read, _log_lines if log_json else _print_lines, LINE_SECONDS)
        yield ticker
        if to_the_end:
            ticker.show_now()
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        yield Ticker(read, lambda lines: live.update(bars(lines), refresh=True), BAR_SECONDS)


def _print_lines(lines: Sequence[Line]) -> None:
    for line in lines:
        print(line.as_text(), file=sys.stderr, flush=True)


def _log_lines(lines: Sequence[Line]) -> None:
    for line in lines:
        log.info("progress", extra=line.as_fields())


def bars(lines: Sequence[Line]) -> Table:
    """A bar per process; of many, those that run."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    running = [line for line in lines if not line.is_finished]
    picked = lines if len(lines) <= BARS_SHOWN else running[:BARS_SHOWN]
    table = Table.grid(padding=(0, 2))
    for _ in range(6):
        table.add_column(no_wrap=True)
    for line in picked:
        share = line.share_done
        bar = ProgressBar(total=1.0, completed=share or 0.0, pulse=share is None, width=16)
        table.add_row(line.label, bar, *_bar_words(line))
    if len(picked) < len(lines):
        rest = len(lines) - len(picked)
        ended = len(lines) - len(running)
        table.add_row(f"and {rest:,} more, {ended:,} ended")
    return table


def _bar_words(line: Line) -> tuple[str, str, str, str]:
    total = f" of {line.total:,}" if line.total is not None and not line.is_finished else ""
    left = f"{span(line.seconds_left)} left" if line.seconds_left is not None else ""
    details = outcome_words(line.outcomes)
    if line.throttled_share:
        details.append(f"throttled {percent(line.throttled_share)}")
    if line.state is not ProcessState.PROCESSING_BATCHES:
        details.insert(0, line.state.value)
    return f"{line.persons:,}{total}", f"{line.rate:,.1f}/s", left, ", ".join(details)
