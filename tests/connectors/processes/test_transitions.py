"""Which state may follow which: the whole table, and everything else refused."""

from __future__ import annotations

import pytest

from connectors.processes.model import ProcessState, ProcessType, derived_state, sources_of
from connectors.processes.use_cases import update_process_state
from connectors.repository.repository import Repository
from tests.connectors.processes.samples import a_process

_PLANNED = """
INITIALIZING       -> FETCHING_TOTAL ERROR CANCELLED
FETCHING_TOTAL     -> QUEUING_PAGES ERROR CANCELLED
QUEUING_PAGES      -> PROCESSING_BATCHES COMPLETED ERROR CANCELLED
PROCESSING_BATCHES -> COMPLETED ERROR CANCELLED
"""
_DIRECT = """
INITIALIZING       -> PROCESSING_BATCHES ERROR CANCELLED
PROCESSING_BATCHES -> COMPLETED ERROR CANCELLED
"""
_TABLES = {
    ProcessType.CRM_SYNC: _PLANNED,
    ProcessType.RETRY: _PLANNED,
    ProcessType.ACTIVITY_LOG: _DIRECT,
    ProcessType.WEBHOOK_DRAIN: _DIRECT,
}


def _allowed(type: ProcessType) -> set[tuple[ProcessState, ProcessState]]:
    pairs = set()
    for line in _TABLES[type].strip().splitlines():
        source, _, targets = line.partition("->")
        for target in targets.split():
            pairs.add((ProcessState(source.strip()), ProcessState(target)))
    return pairs


@pytest.mark.parametrize("source", ProcessState)
@pytest.mark.parametrize("type", ProcessType)
def test_only_transitions_of_the_table_are_made(
    repository: Repository, type: ProcessType, source: ProcessState
) -> None:
    allowed = _allowed(type)
    for target in ProcessState:
        process = a_process(type=type, state=source, active_key=f"{source}-{target}")
        repository.processes.create(process)
        may = (source, target) in allowed
        assert update_process_state(repository, process, target) is (may or source is target)
        expected = target if may else source
        assert repository.processes.state_of(process.id) is expected, f"{source} -> {target}"


@pytest.mark.parametrize("type", ProcessType)
def test_finished_states_have_no_way_out(type: ProcessType) -> None:
    finished = {ProcessState.COMPLETED, ProcessState.ERROR, ProcessState.CANCELLED}
    for target in ProcessState:
        assert not sources_of(type, target) & finished


def test_replayed_transition_is_no_failure_and_changes_nothing(repository: Repository) -> None:
    process = a_process()
    repository.processes.create(process)
    assert update_process_state(repository, process, ProcessState.FETCHING_TOTAL)
    before = repository.processes.find_by_id(process.id)
    assert update_process_state(
        repository, process, ProcessState.FETCHING_TOTAL, {"pagination": "CHAIN"}
    )
    assert repository.processes.find_by_id(process.id) == before


@pytest.mark.parametrize(
    ("type", "first"),
    [
        (ProcessType.CRM_SYNC, ProcessState.FETCHING_TOTAL),
        (ProcessType.WEBHOOK_DRAIN, ProcessState.PROCESSING_BATCHES),
    ],
)
def test_leaving_initializing_starts_the_clock_once(
    repository: Repository, type: ProcessType, first: ProcessState
) -> None:
    process = a_process(type=type)
    repository.processes.create(process)
    update_process_state(repository, process, first)
    started = repository.processes.find_by_id(process.id)
    assert started is not None
    assert started.started_at is not None
    update_process_state(repository, process, ProcessState.CANCELLED)
    ended = repository.processes.find_by_id(process.id)
    assert ended is not None
    assert ended.started_at == started.started_at


def test_process_cancelled_before_it_began_never_started(repository: Repository) -> None:
    process = a_process()
    repository.processes.create(process)
    update_process_state(repository, process, ProcessState.CANCELLED)
    stored = repository.processes.find_by_id(process.id)
    assert stored is not None
    assert stored.started_at is None
    assert stored.ended_at is not None


@pytest.mark.parametrize(
    ("children", "parent"),
    [
        ("", "COMPLETED"),
        ("COMPLETED COMPLETED", "COMPLETED"),
        ("COMPLETED CANCELLED", "CANCELLED"),
        ("CANCELLED ERROR COMPLETED", "ERROR"),
        ("ERROR ERROR", "ERROR"),
        ("ERROR INITIALIZING", "PROCESSING_BATCHES"),
        ("COMPLETED FETCHING_TOTAL", "PROCESSING_BATCHES"),
        ("CANCELLED QUEUING_PAGES", "PROCESSING_BATCHES"),
        ("ERROR CANCELLED PROCESSING_BATCHES", "PROCESSING_BATCHES"),
    ],
    ids=lambda value: value or "no children",
)
def test_parent_state_is_derived_from_its_children(children: str, parent: str) -> None:
    states = [ProcessState(name) for name in children.split()]
    assert derived_state(states) is ProcessState(parent)
