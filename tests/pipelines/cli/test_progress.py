"""How far processes are: what a line says, and who may stop it from being said."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console

from connectors.clock import iso, utc_now
from connectors.errors import RepositoryError
from connectors.sandbox.process import SandboxProcess
from pipelines.cli.progress import BARS_SHOWN, Line, Ticker, bars, line_of
from tests.pipelines.cli.conftest import Integration, Workspace
from tests.pipelines.cli.samples import report

RUNNING = "PROCESSING_BATCHES"


def test_persons_of_pages_under_way_count_in_what_is_shown() -> None:
    line = line_of(
        report(state=RUNNING, outcomes={"created": 100}, metadata={"personsInFlight": 40})
    )
    assert (line.persons, line.rate) == (140, 14.0)
    assert line.outcomes["created"] == 100


def test_a_page_counted_twice_for_a_moment_does_not_pass_the_total() -> None:
    counts: dict[str, Any] = {"outcomes": {"created": 100}, "metadata": {"personsInFlight": 40}}
    assert line_of(report(state=RUNNING, total=120, **counts)).persons == 120


def test_more_persons_than_the_total_are_still_shown() -> None:
    assert line_of(report(state=RUNNING, total=90, outcomes={"created": 100})).persons == 100


@pytest.mark.parametrize(
    ("state", "total", "ranges", "share"),
    [
        pytest.param(RUNNING, 200, (0, 0), 0.5, id="by-persons"),
        pytest.param(RUNNING, None, (1, 4), 0.25, id="by-ranges"),
        pytest.param(RUNNING, 0, (0, 0), 1.0, id="nobody"),
        pytest.param("FETCHING_TOTAL", None, (0, 0), None, id="planning"),
        pytest.param("COMPLETED", None, (3, 4), 1.0, id="completed"),
        pytest.param("ERROR", 200, (3, 4), None, id="failed"),
    ],
)
def test_the_bar_goes_by_persons_or_by_ranges(
    state: str, total: int | None, ranges: tuple[int, int], share: float | None
) -> None:
    line = line_of(report(state=state, total=total, outcomes={"created": 100}), ranges=ranges)
    assert line.share_done == share


def test_a_plain_line_has_everything() -> None:
    line = line_of(
        report(
            state=RUNNING,
            total=1500,
            outcomes={"created": 990, "rejected": 10},
            metadata={"throttledSeconds": 4.0},
            estimated_completion=iso(utc_now() + timedelta(hours=3, seconds=30)),
        )
    )
    assert line.as_text() == (
        "acme Person PROCESSING_BATCHES: 1,000 of 1,500 persons, 100.0/s, 3 h left, "
        "created 990, rejected 10, throttled 40%"
    )


def test_without_a_total_a_plain_line_counts_ranges() -> None:
    line = line_of(report(state=RUNNING, outcomes={"created": 1}), ranges=(2, 12))
    assert "1 person, 2 of 12 ranges" in line.as_text()


def test_json_fields_stay_clear_of_the_logs_own() -> None:
    fields = line_of(report()).as_fields()
    logging.getLogger("test").makeRecord("test", 20, "", 0, "", (), None, extra=fields)
    assert fields["processedRecords"] == 0


def test_a_repository_out_of_reach_does_not_stop_who_waits() -> None:
    shown: list[list[Line]] = []
    answers: list[list[Line] | RepositoryError] = [
        RepositoryError("out of reach"),
        [line_of(report())],
    ]

    def read() -> list[Line]:
        answer = answers.pop(0)
        if isinstance(answer, RepositoryError):
            raise answer
        return answer

    tick = Ticker(read, lambda lines: shown.append(list(lines)), every_seconds=0)
    tick.show_now()
    tick.show_now()
    assert [line.persons for lines in shown for line in lines] == [0]


def test_between_its_times_a_ticker_reads_nothing() -> None:
    reads = []
    tick = Ticker(lambda: reads.append(1) or [], lambda _: None, every_seconds=3600)
    for _ in range(5):
        tick()
    assert reads == []


def test_of_many_processes_those_that_run_have_bars() -> None:
    ended = [line_of(report())] * BARS_SHOWN
    running = [line_of(report(state=RUNNING, outcomes={"created": 7}))] * 2
    console = Console(width=120)
    with console.capture() as captured:
        console.print(bars([*ended, *running]))
    text = captured.get()
    assert text.count("acme Person") == 2
    assert f"and {BARS_SHOWN} more, {BARS_SHOWN} ended" in text


@pytest.mark.parametrize("width", [60, 200])
def test_a_process_has_one_line_on_any_terminal(width: int) -> None:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(bars([line_of(report(state=RUNNING, outcomes={"created": 7, "failed": 1}))]))
    assert len(captured.get().splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_a_terminal_gets_bars(
    workspace: Workspace, integration: Integration, sandbox: SandboxProcess
) -> None:
    import pty

    workspace.configure(integration())
    sandbox.control.fault("hold", dialect="quo", method="POST", path="contacts", times=1)
    terminal, stderr = pty.openpty()
    running = workspace.spawn("run", stderr=stderr)
    os.close(stderr)
    text = ""
    try:
        while "acme Person" not in text:
            text += os.read(terminal, 4096).decode(errors="replace")
        sandbox.control.release()
        with suppress(OSError):  # how Linux says that the other end is closed
            while piece := os.read(terminal, 4096):
                text += piece.decode(errors="replace")
        assert running.wait(timeout=60) == 0
    finally:
        running.kill()
        running.communicate()
        os.close(terminal)
    assert "━" in text
