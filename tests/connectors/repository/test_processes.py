"""Processes: every field comes back, and the original's queries find what they name."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.errors import AlreadyRunning
from connectors.processes.model import (
    ACTIVE,
    FINISHED,
    Holder,
    Launch,
    Plan,
    ProcessState,
    ProcessType,
    SyncType,
)
from connectors.repository.repository import Repository
from tests.connectors.processes.samples import T0, a_plan, a_process


def test_every_field_comes_back(repository: Repository) -> None:
    holder = Holder("host-1", "boot-1", "4026531836", 4107, "8271645")
    plan = Plan(
        ranges=({"id": "a", "kind": "WINDOWS", "since": None}, {"id": "b", "kind": "WINDOWS"}),
        until=T0,
        source_key=("hash", "acme-pipedrive"),
        ids_may_exist=False,
        custom_fields={"tier": "multi-select"},
        total=9_001,
    )
    process = a_process(
        type=ProcessType.RETRY,
        state=ProcessState.COMPLETED,
        sync_type=SyncType.ONGOING,
        since=T0 - timedelta(hours=1),
        parent_id="the-parent",
        predecessor_id="the-predecessor",
        root_id="the-root",
        root_started_at=T0 - timedelta(days=1),
        shape="shape-1",
        launch=Launch(id="launch-2", runner="FlinkRunner", job_id="job-7", holder=holder),
        plan=plan,
        started_at=T0 + timedelta(milliseconds=1),
        ended_at=T0 + timedelta(milliseconds=2),
        pagination="WINDOWS",
        total=9_001,
        metadata={"note": "é", "nested": {"a": [1, None, True]}},
        results={"outcomes": {"created": 3}},
    )
    repository.processes.create(process)
    assert repository.processes.find_by_id(process.id) == replace(process, version=1)


def test_empty_fields_come_back_empty(repository: Repository) -> None:
    process = a_process(launch=None)
    repository.processes.create(process)
    assert repository.processes.find_by_id(process.id) == replace(process, version=1)


def test_unknown_id_is_none(repository: Repository) -> None:
    assert repository.processes.find_by_id("nobody") is None
    assert repository.processes.state_of("nobody") is None
    assert not repository.processes.delete_by_id("nobody")


# -- the active key -----------------------------------------------------------------------------


def test_second_process_of_a_key_is_refused_and_the_holder_named(repository: Repository) -> None:
    holder = a_process()
    repository.processes.create(holder)
    with pytest.raises(AlreadyRunning) as refusal:
        repository.processes.create(a_process())
    assert refusal.value.process_id == holder.id


@pytest.mark.parametrize("state", sorted(FINISHED))
def test_ended_process_gives_its_key_back(repository: Repository, state: ProcessState) -> None:
    holder = a_process()
    repository.processes.create(holder)
    assert repository.processes.transition(holder.id, state, sources=ACTIVE)
    ended = repository.processes.find_by_id(holder.id)
    assert ended is not None
    assert ended.active_key == holder.id
    assert ended.ended_at == ended.updated_at
    repository.processes.create(a_process())


def test_other_person_type_and_other_integration_have_keys_of_their_own(
    repository: Repository,
) -> None:
    repository.processes.create(a_process())
    repository.processes.create(a_process(person_type="Lead"))
    repository.processes.create(a_process(integration_id="zenith-pipedrive"))
    assert len(repository.processes.find_active_processes()) == 3


# -- changes ------------------------------------------------------------------------------------


def test_transition_from_another_state_changes_nothing(repository: Repository) -> None:
    process = a_process(state=ProcessState.QUEUING_PAGES)
    repository.processes.create(process)
    before = repository.processes.find_by_id(process.id)
    assert not repository.processes.transition(
        process.id,
        ProcessState.ERROR,
        sources=[ProcessState.INITIALIZING],
        fields={"metadata": {"reason": "late"}},
    )
    assert repository.processes.find_by_id(process.id) == before


def test_transition_sets_its_fields_in_the_same_change(repository: Repository) -> None:
    process = a_process()
    repository.processes.create(process)
    fields = {"results": {"outcomes": {}}, "started_at": T0, "metadata": {"note": 1}}
    assert repository.processes.transition(
        process.id, ProcessState.COMPLETED, sources=ACTIVE, fields=fields
    )
    stored = repository.processes.find_by_id(process.id)
    assert stored is not None
    assert (stored.state, stored.results, stored.started_at, stored.metadata, stored.version) == (
        ProcessState.COMPLETED,
        {"outcomes": {}},
        T0,
        {"note": 1},
        2,
    )


def test_amended_launch_can_still_be_read(repository: Repository) -> None:
    process = a_process()
    repository.processes.create(process)
    launch = Launch(id="launch-1", runner="FlinkRunner", job_id="job-7")
    assert repository.processes.amend(process.id, {"launch": launch})
    stored = repository.processes.find_by_id(process.id)
    assert stored is not None
    assert stored.launch == launch
    assert not repository.processes.amend("nobody", {"launch": launch})


def test_only_the_first_plan_is_set(repository: Repository) -> None:
    process = a_process()
    repository.processes.create(process)
    assert repository.processes.set_plan(process.id, a_plan("a", total=7))
    assert not repository.processes.set_plan(process.id, a_plan("b", total=8))
    stored = repository.processes.find_by_id(process.id)
    assert stored is not None
    assert (stored.plan, stored.total) == (a_plan("a", total=7), 7)


# -- queries ------------------------------------------------------------------------------------


def test_find_by_integration_and_type_is_newest_first(repository: Repository) -> None:
    for hour, (type, person_type) in enumerate(
        [
            (ProcessType.CRM_SYNC, "Person"),
            (ProcessType.CRM_SYNC, "Lead"),
            (ProcessType.RETRY, "Person"),
            (ProcessType.CRM_SYNC, "Person"),
        ]
    ):
        repository.processes.create(
            a_process(
                id=f"p{hour}",
                type=type,
                person_type=person_type,
                active_key=f"key-{hour}",
                created_at=T0 + timedelta(hours=hour),
            )
        )
    other = a_process(integration_id="zenith-pipedrive")
    repository.processes.create(other)

    def found(**arguments: object) -> list[str]:
        processes = repository.processes.find_by_integration_and_type(
            "acme-pipedrive",
            ProcessType.CRM_SYNC,
            **arguments,  # type: ignore[arg-type]
        )
        return [process.id for process in processes]

    assert found() == ["p3", "p1", "p0"]
    assert found(person_type="Person") == ["p3", "p0"]
    assert found(person_type="Person", limit=1) == ["p3"]
    assert found(person_type="Account") == []


def test_active_processes_are_those_not_finished_and_no_parents(repository: Repository) -> None:
    for state in ProcessState:
        repository.processes.create(a_process(id=state, state=state, active_key=state))
    repository.processes.create(a_process(person_type=None))
    repository.processes.create(a_process(id="other", integration_id="zenith-pipedrive"))
    found = {process.id for process in repository.processes.find_active_processes()}
    assert found == {*ACTIVE, "other"}
    ours = repository.processes.find_active_processes("acme-pipedrive")
    assert {process.id for process in ours} == set(ACTIVE)


def test_find_by_name_children_and_recent(repository: Repository) -> None:
    parent = a_process(person_type=None, name="the parent", created_at=T0)
    repository.processes.create(parent)
    children = [
        a_process(
            parent_id=parent.id,
            active_key=str(n),
            name="a child",
            created_at=T0 + timedelta(seconds=n),
        )
        for n in (1, 2)
    ]
    for child in children:
        repository.processes.create(child)
    ids = [child.id for child in children]
    assert [p.id for p in repository.processes.find_children(parent.id)] == ids
    assert [p.id for p in repository.processes.find_by_name("a child")] == ids[::-1]
    assert [p.id for p in repository.processes.find_recent(2)] == ids[::-1]
    assert [p.id for p in repository.processes.find_recent(9)] == [*ids[::-1], parent.id]


def test_deleted_process_is_gone_and_its_key_free(repository: Repository) -> None:
    process = a_process()
    repository.processes.create(process)
    assert repository.processes.delete_by_id(process.id)
    assert repository.processes.find_by_id(process.id) is None
    repository.processes.create(a_process())
