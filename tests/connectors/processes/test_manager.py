"""How the processes of a run begin: alone, as a family, as successors, or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.errors import ProcessError
from connectors.processes.manager import CreatedProcesses, ProcessManager
from connectors.processes.model import Process, ProcessState, ProcessType, SyncType
from connectors.processes.use_cases import end_process
from connectors.repository.repository import Repository
from tests.connectors.processes.interruption import InterruptedStorage, Killed
from tests.connectors.processes.samples import (
    LAUNCH,
    T0,
    a_page,
    a_plan,
    a_process,
    a_running_process,
)


def create(repository: Repository, *person_types: str, **changes: Any) -> CreatedProcesses:
    arguments: dict[str, Any] = {
        "integration_id": "acme-pipedrive",
        "user_id": "user-1",
        "person_types": person_types,
        "type": ProcessType.CRM_SYNC,
        "sync_type": SyncType.INITIAL,
        "launch": LAUNCH,
        "shape": "shape-1",
    }
    return ProcessManager(repository).create_sync_process(**{**arguments, **changes})


def test_one_person_type_is_one_process(repository: Repository) -> None:
    made = create(repository, "Person", metadata={"trigger": "schedule"})
    assert made.parent is None
    assert made.skipped == {}
    (process,) = made.created
    assert repository.processes.find_by_id(process.id) == replace(process, version=1)
    assert process.name == "acme-pipedrive Person initial sync"
    assert process.active_key == "acme-pipedrive/Person"
    assert process.state is ProcessState.INITIALIZING
    assert (process.root_id, process.root_started_at) == (process.id, process.created_at)
    assert (process.launch, process.shape) == (LAUNCH, "shape-1")
    assert process.metadata == {"trigger": "schedule"}


def test_several_person_types_are_a_parent_and_a_child_each(repository: Repository) -> None:
    made = create(
        repository,
        "Lead",
        "Contact",
        sync_type={"Lead": SyncType.ONGOING, "Contact": SyncType.INITIAL},
        since_by_type={"Lead": T0, "Contact": None},
    )
    assert made.parent is not None
    assert made.parent.person_type is None
    assert made.parent.active_key == made.parent.id
    assert (made.parent.name, made.parent.sync_type) == (
        "acme-pipedrive initial sync",
        SyncType.INITIAL,
    )
    lead, contact = made.created
    assert (lead.person_type, lead.sync_type, lead.since) == ("Lead", SyncType.ONGOING, T0)
    assert (contact.person_type, contact.sync_type, contact.since) == (
        "Contact",
        SyncType.INITIAL,
        None,
    )
    children = repository.processes.find_children(made.parent.id)
    assert {child.id for child in children} == {lead.id, contact.id}


def test_type_whose_key_is_taken_is_skipped_and_its_holder_named(repository: Repository) -> None:
    (holder,) = create(repository, "Lead").created
    made = create(repository, "Lead", "Contact")
    assert made.skipped == {"Lead": holder.id}
    assert [process.person_type for process in made.created] == ["Contact"]
    assert made.parent is not None


def test_parent_without_children_is_taken_back(repository: Repository) -> None:
    holders = create(repository, "Lead", "Contact")
    made = create(repository, "Lead", "Contact")
    assert (made.parent, list(made.created)) == (None, [])
    assert set(made.skipped) == {"Lead", "Contact"}
    assert len(repository.processes.find_recent(10)) == 1 + len(holders.created)


def test_single_type_that_runs_already_creates_nothing(repository: Repository) -> None:
    (holder,) = create(repository, "Person").created
    assert create(repository, "Person") == CreatedProcesses(None, [], {"Person": holder.id})


def test_key_is_free_again_once_its_holder_ended(repository: Repository) -> None:
    (holder,) = create(repository, "Person").created
    end_process(repository, holder, ProcessState.CANCELLED, "cancelled by the user")
    assert create(repository, "Person").skipped == {}


def test_retry_holds_the_key_of_its_person_type(repository: Repository) -> None:
    (retry,) = create(repository, "Person", type=ProcessType.RETRY).created
    assert retry.name == "acme-pipedrive Person retry"
    assert create(repository, "Person").skipped == {"Person": retry.id}


@pytest.mark.parametrize("type", [ProcessType.CRM_SYNC, ProcessType.RETRY])
def test_successor_keeps_what_shaped_its_predecessors_plan(
    repository: Repository, type: ProcessType
) -> None:
    root_started_at = T0 - timedelta(hours=3)
    predecessor = a_process(
        type=type,
        state=ProcessState.ERROR,
        plan=a_plan("a", "b", total=900),
        total=900,
        sync_type=SyncType.ONGOING,
        since=T0 - timedelta(days=1),
        shape="shape-of-the-plan",
        pagination="WINDOWS",
        root_id="the-root",
        root_started_at=root_started_at,
    )
    made = create(
        repository, "Person", shape="shape-now", predecessors_by_type={"Person": predecessor}
    )
    (successor,) = made.created
    inherited = ("type", "plan", "total", "sync_type", "since", "shape", "pagination", "root_id")
    for name in (*inherited, "root_started_at"):
        assert getattr(successor, name) == getattr(predecessor, name), name
    assert successor.predecessor_id == predecessor.id
    assert successor.state is ProcessState.INITIALIZING
    assert successor.id != predecessor.id


def test_kill_while_creating_a_family_leaves_no_more_than_its_own_locks(
    repository: Repository,
) -> None:
    for call in range(5):
        integration_id = f"customer-{call}"
        interrupted = Repository(InterruptedStorage(repository.storage, calls=call))
        try:
            create(interrupted, "Lead", "Contact", integration_id=integration_id)
        except Killed:
            held = repository.processes.find_active_processes(integration_id)
            made = create(repository, "Lead", "Contact", integration_id=integration_id)
            assert made.skipped == {str(one.person_type): one.id for one in held}
            assert len(held) + len(made.created) == 2


class Heard:
    def __init__(self) -> None:
        self.reports: list[Any] = []

    def broadcast(self, report: Any) -> None:
        self.reports.append(report)


def test_manager_carries_a_process_from_first_state_to_last(repository: Repository) -> None:
    heard = Heard()
    manager = ProcessManager(repository, heard)
    (process,) = create(repository, "Person").created
    assert manager.update_state(process.id, ProcessState.FETCHING_TOTAL)
    manager.update_total(process.id, 10)
    assert manager.update_state(process.id, ProcessState.QUEUING_PAGES, {"pagination": "CHAIN"})
    assert manager.update_state(process.id, ProcessState.PROCESSING_BATCHES)
    manager.update_metadata(process.id, {"note": "first"})
    assert manager.update_metrics(a_page(process, "a", 1, closes_range=False))
    assert manager.complete_process(process.id)
    assert not manager.update_state(process.id, ProcessState.CANCELLED)
    report = manager.get_process(process.id)
    assert report["state"] == "COMPLETED"
    assert report["context"]["totalRecords"] == report["context"]["processedRecords"] == 10
    assert report["context"]["pagination"] == "CHAIN"
    assert report["context"]["metadata"]["note"] == "first"
    assert len(heard.reports) == 1


def test_manager_ends_a_process_by_its_error(repository: Repository) -> None:
    process: Process = a_running_process(repository, "a")
    manager = ProcessManager(repository)
    assert manager.handle_error(process.id, ProcessError("refused", code="unauthorized"))
    assert manager.get_process(process.id)["state"] == "ERROR"
