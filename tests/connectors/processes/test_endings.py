"""How processes end: completed, failed, cancelled, taken over; and who may not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connectors.errors import (
    ConfigurationError,
    NotFound,
    Parked,
    ProcessEnded,
    ProcessError,
)
from connectors.processes.model import (
    FINISHED,
    Process,
    ProcessState,
    ProcessType,
    RangeStanding,
    RangeState,
    SyncType,
    Watermark,
)
from connectors.processes.use_cases import (
    complete_process,
    end_process,
    finish_if_done,
    handle_error,
    open_range,
    require_process,
    set_plan,
    sweep_process,
    take_over,
    update_metadata,
    update_process_metrics,
    update_total,
)
from connectors.repository.repository import Repository
from tests.connectors.processes.samples import (
    SOURCE_KEY,
    T0,
    a_page,
    a_plan,
    a_process,
    a_running_process,
)

EARLIER = T0 - timedelta(days=7)


def stored(repository: Repository, process: Process) -> Process:
    return require_process(repository, process.id)


# -- planning -----------------------------------------------------------------------------------


def test_first_plan_stands(repository: Repository) -> None:
    process = a_process()
    repository.processes.create(process)
    first, second = a_plan("a", total=10), a_plan("b", "c", total=20)
    assert set_plan(repository, process, first) == first
    assert set_plan(repository, process, second) == first
    assert stored(repository, process).plan == first
    assert stored(repository, process).total == 10


def test_unknown_process_is_named(repository: Repository) -> None:
    with pytest.raises(NotFound, match="no process 'nobody'"):
        require_process(repository, "nobody")


def test_total_of_a_finished_process_stays(repository: Repository) -> None:
    process = a_running_process(repository, "a")
    update_total(repository, process.id, 500)
    end_process(repository, process, ProcessState.CANCELLED, "cancelled")
    update_total(repository, process.id, 900)
    assert stored(repository, process).total == 500


def test_metadata_is_added_to(repository: Repository) -> None:
    process = a_running_process(repository, "a", metadata={"note": "first"})
    update_metadata(repository, process.id, {"warning": "no view 17"})
    assert stored(repository, process).metadata == {"note": "first", "warning": "no view 17"}


# -- completion ---------------------------------------------------------------------------------


def test_completed_full_sync_moves_the_watermark_and_knows_all_ids(repository: Repository) -> None:
    repository.sources.claim(SOURCE_KEY, "acme-pipedrive")
    process = a_running_process(repository, "a", shape="shape-1")
    update_process_metrics(repository, a_page(process, "a", 1))
    ended = stored(repository, process)
    assert ended.state is ProcessState.COMPLETED
    assert ended.active_key == process.id
    watermark = repository.watermarks.get("acme-pipedrive", "Person")
    assert watermark == Watermark(at=T0, full_at=T0, shape="shape-1")
    assert not repository.sources.ids_may_exist(SOURCE_KEY, "Person")


def test_completed_delta_keeps_the_full_sync_of_the_watermark(repository: Repository) -> None:
    repository.sources.claim(SOURCE_KEY, "acme-pipedrive")
    full = Watermark(at=EARLIER, full_at=EARLIER, shape="shape-1")
    repository.watermarks.advance("acme-pipedrive", "Person", full)
    process = a_running_process(repository, "a", sync_type=SyncType.ONGOING, shape="shape-2")
    update_process_metrics(repository, a_page(process, "a", 1))
    watermark = repository.watermarks.get("acme-pipedrive", "Person")
    assert watermark == Watermark(at=T0, full_at=EARLIER, shape="shape-1")
    assert repository.sources.ids_may_exist(SOURCE_KEY, "Person")


def test_completed_retry_moves_no_watermark(repository: Repository) -> None:
    process = a_running_process(repository, "a", type=ProcessType.RETRY)
    update_process_metrics(repository, a_page(process, "a", 1))
    assert stored(repository, process).state is ProcessState.COMPLETED
    assert repository.watermarks.get("acme-pipedrive", "Person") is None


def test_nothing_planned_is_completed(repository: Repository) -> None:
    process = a_running_process(repository)
    assert sweep_process(repository, process.id)
    assert stored(repository, process).state is ProcessState.COMPLETED


def test_process_whose_ranges_may_not_stand_yet_is_not_finished(repository: Repository) -> None:
    process = a_process(state=ProcessState.QUEUING_PAGES, plan=a_plan("a", "b"))
    repository.processes.create(process)
    assert not finish_if_done(repository, process.id)
    assert stored(repository, process).state is ProcessState.QUEUING_PAGES


@pytest.mark.parametrize("state", [RangeState.OPEN, RangeState.FAILED])
def test_range_that_is_not_closed_forbids_completed(
    repository: Repository, state: RangeState
) -> None:
    process = a_running_process(repository, "a", "b")
    repository.ledger.set_range_state(process.id, "a", RangeState.CLOSED)
    repository.ledger.set_range_state(process.id, "b", state)
    assert not complete_process(repository, process)
    assert stored(repository, process).is_active
    assert repository.watermarks.get("acme-pipedrive", "Person") is None


def test_range_row_that_is_missing_forbids_completed(repository: Repository) -> None:
    process = a_process(state=ProcessState.QUEUING_PAGES, plan=a_plan("a", "b"))
    repository.processes.create(process)
    repository.ledger.insert_ranges(process.id, [RangeStanding("a", {"id": "a"})])
    repository.ledger.set_range_state(process.id, "a", RangeState.CLOSED)
    assert not complete_process(repository, process)


def test_completion_reads_the_plan_that_is_stored(repository: Repository) -> None:
    """A caller may hold the process as it was before it was planned."""
    process = a_process()
    repository.processes.create(process)
    set_plan(repository, process, a_plan())
    for state in (ProcessState.FETCHING_TOTAL, ProcessState.QUEUING_PAGES):
        repository.processes.transition(process.id, state, sources=list(ProcessState))
    assert complete_process(repository, process)
    assert repository.watermarks.get("acme-pipedrive", "Person") is not None


@pytest.mark.parametrize("state", sorted(FINISHED))
def test_finished_process_is_left_alone_by_every_ending(
    repository: Repository, state: ProcessState
) -> None:
    process = a_running_process(repository, "a")
    repository.processes.transition(process.id, state, sources=list(ProcessState))
    repository.ledger.set_range_state(process.id, "a", RangeState.CLOSED)
    before = stored(repository, process)
    complete_process(repository, process)
    sweep_process(repository, process.id)
    take_over(repository, process, "stale")
    handle_error(repository, process, ProcessError("the key was refused", code="unauthorized"))
    end_process(repository, process, ProcessState.CANCELLED, "cancelled")
    assert stored(repository, process) == before


# -- ranges read to their end, but not closed ---------------------------------------------------


def with_unclosed_range(repository: Repository) -> Process:
    """As a writer leaves it that was killed between the last page's record and the range."""
    process = a_running_process(repository, "a")
    repository.ledger.record(a_page(process, "a", 1, next_cursor="more"))
    repository.ledger.record(a_page(process, "a", 2))
    return process


def test_opening_a_range_that_was_read_to_its_end_closes_it(repository: Repository) -> None:
    process = with_unclosed_range(repository)
    standing = open_range(repository, process.id, "a")
    assert standing is not None
    assert standing.state is RangeState.CLOSED
    assert stored(repository, process).state is ProcessState.COMPLETED


def test_sweep_closes_a_range_that_was_read_to_its_end(repository: Repository) -> None:
    process = with_unclosed_range(repository)
    assert not finish_if_done(repository, process.id)
    assert sweep_process(repository, process.id)
    assert stored(repository, process).state is ProcessState.COMPLETED


def test_opening_a_range_half_read_continues_it(repository: Repository) -> None:
    process = a_running_process(repository, "a")
    repository.ledger.record(a_page(process, "a", 1, next_cursor="more"))
    standing = open_range(repository, process.id, "a")
    assert standing is not None
    assert (standing.state, standing.next_page, standing.cursor) == (RangeState.OPEN, 2, "more")


def test_range_that_the_process_does_not_have_is_none(repository: Repository) -> None:
    process = a_running_process(repository, "a")
    assert open_range(repository, process.id, "b") is None


# -- other endings ------------------------------------------------------------------------------


def test_taken_over_process_ends_in_error_with_the_reason(repository: Repository) -> None:
    process = a_running_process(repository, "a")
    assert take_over(repository, process, "the holder is gone") is ProcessState.ERROR
    ended = stored(repository, process)
    assert ended.metadata == {"reason": "the holder is gone", "code": "taken_over"}
    assert ended.active_key == process.id


def test_taken_over_process_that_read_its_whole_plan_is_completed(repository: Repository) -> None:
    process = with_unclosed_range(repository)
    assert take_over(repository, process, "the holder is gone") is ProcessState.COMPLETED
    assert repository.watermarks.get("acme-pipedrive", "Person") is not None


def test_taken_over_process_without_a_plan_ends_in_error(repository: Repository) -> None:
    process = a_process(state=ProcessState.FETCHING_TOTAL)
    repository.processes.create(process)
    assert take_over(repository, process, "stale") is ProcessState.ERROR


@pytest.mark.parametrize(
    ("error", "state", "notes"),
    [
        pytest.param(
            ProcessError("Quo refused the key (401)", code="unauthorized"),
            "ERROR",
            {"reason": "Quo refused the key (401)", "code": "unauthorized"},
            id="process error",
        ),
        pytest.param(
            ConfigurationError("fields.custom names tier, which Quo does not have"),
            "ERROR",
            {
                "reason": "fields.custom names tier, which Quo does not have",
                "code": "configuration",
            },
            id="configuration",
        ),
        pytest.param(
            Parked("the daily quota is nearly spent", until="2026-03-02T00:00:00.000Z"),
            "CANCELLED",
            {
                "reason": "the daily quota is nearly spent",
                "code": "parked",
                "parkedUntil": "2026-03-02T00:00:00.000Z",
            },
            id="parked",
        ),
        pytest.param(
            KeyError("grace@example.org"),
            "ERROR",
            {"reason": "KeyError: a bug, see the log", "code": "bug"},
            id="a bug, whose text may hold personal data",
        ),
    ],
)
def test_error_ends_the_process_as_it_says(
    repository: Repository, error: Exception, state: str, notes: dict[str, Any]
) -> None:
    process = a_running_process(repository, "a")
    assert handle_error(repository, process, error)
    ended = stored(repository, process)
    assert ended.state is ProcessState(state)
    assert ended.metadata == notes


def test_news_of_the_end_ends_nothing(repository: Repository) -> None:
    process = a_running_process(repository, "a")
    assert not handle_error(repository, process, ProcessEnded("process is CANCELLED"))
    assert stored(repository, process).is_active


def test_ending_keeps_notes_that_were_added_meanwhile(repository: Repository) -> None:
    process = a_running_process(repository, "a")
    update_metadata(repository, process.id, {"warning": "no view 17"})
    end_process(repository, process, ProcessState.ERROR, "the key was refused")
    assert stored(repository, process).metadata == {
        "warning": "no view 17",
        "reason": "the key was refused",
    }
