"""`status`: lists, details, JSON, watching and the alarm."""

from __future__ import annotations

import json
import os
from datetime import timedelta

import pytest

from connectors.processes.manager import ProcessManager
from connectors.processes.model import Launch, Process, ProcessState, ProcessType, SyncType
from connectors.processes.use_cases import end_process
from connectors.repository.repository import Repository
from pipelines.holders import this_process
from tests.pipelines.cli.conftest import Integration, Workspace


def begin(
    repository: Repository, *person_types: str, launch: Launch | None = None, id: str = "acme"
) -> list[Process]:
    created = ProcessManager(repository).create_sync_process(
        integration_id=id,
        user_id="user-1",
        person_types=person_types or ("Person",),
        type=ProcessType.CRM_SYNC,
        sync_type=SyncType.INITIAL,
        launch=launch or Launch("launch", "FlinkRunner"),
    )
    return [*([created.parent] if created.parent else []), *created.created]


@pytest.fixture(autouse=True)
def configured(workspace: Workspace, integration: Integration) -> None:
    workspace.configure(integration(), stale_after_seconds=60)


def test_no_runs_yet_names_the_command_that_starts_one(
    workspace: Workspace, repository: Repository
) -> None:
    assert repository.processes.find_recent(1) == []
    result = workspace.call("status")
    assert result.code == 0
    assert "`quo-sync run`" in result.out
    assert workspace.call("status", "--json").json == []


def test_the_list_has_a_line_per_process_children_below_parents(
    workspace: Workspace, repository: Repository
) -> None:
    parent, first, second = begin(repository, "Contact", "Lead")
    result = workspace.call("status")
    assert result.code == 0
    rows = [line for line in result.out.splitlines() if "acme" in line]
    assert [row.split()[0] for row in rows] == [parent.id, first.id, second.id]
    assert "└ acme Contact" in rows[1]


def test_a_process_in_detail_and_as_json(workspace: Workspace, repository: Repository) -> None:
    (process,) = begin(repository)
    end_process(repository, process, ProcessState.ERROR, "Quo refused the key", code="401")
    text = workspace.call("status", process.id)
    assert text.code == 0
    assert "reason        Quo refused the key" in text.out
    report = workspace.call("status", process.id, "--json").json
    assert (report["id"], report["state"]) == (process.id, "ERROR")


def test_watching_ends_when_everything_has_ended(
    workspace: Workspace, repository: Repository
) -> None:
    (process,) = begin(repository)
    end_process(repository, process, ProcessState.CANCELLED, "enough")
    assert "CANCELLED" in workspace.call("status", process.id, "--watch").out
    lines = workspace.call("status", process.id, "--watch", "--json").out.splitlines()
    assert [json.loads(line)["state"] for line in lines] == ["CANCELLED"]


def test_check_is_silent_while_all_is_well(workspace: Workspace, repository: Repository) -> None:
    begin(repository, launch=Launch("mine", "DirectRunner", holder=this_process()))
    result = workspace.call("status", "--check")
    assert (result.code, result.err) == (0, "")


def test_check_alarms_when_the_newest_run_ended_with_an_error(
    workspace: Workspace, repository: Repository
) -> None:
    (process,) = begin(repository)
    end_process(repository, process, ProcessState.ERROR, "Quo refused the key")
    result = workspace.call("status", "--check")
    assert result.code == 1
    assert f"acme Person, process {process.id}, ended ERROR: Quo refused the key" in result.err


def test_a_newer_run_ends_the_alarm(workspace: Workspace, repository: Repository) -> None:
    (process,) = begin(repository)
    end_process(repository, process, ProcessState.ERROR, "Quo refused the key")
    begin(repository, launch=Launch("mine", "DirectRunner", holder=this_process()))
    assert workspace.call("status", "--check").code == 0
    assert workspace.call("status", process.id, "--check").code == 1


def test_check_alarms_when_nobody_works_on_a_run(
    workspace: Workspace, repository: Repository
) -> None:
    holder = this_process()
    if not holder.started:
        pytest.skip("this system does not tell when a process started")
    gone = type(holder)(holder.host, holder.boot_id, holder.pid_namespace, os.getpid(), "0")
    (process,) = begin(repository, launch=Launch("gone", "DirectRunner", holder=gone))
    result = workspace.call("status", "--check")
    assert result.code == 1
    assert f"process {process.id}, is stale" in result.err


def test_check_leaves_out_integrations_that_are_not_configured(
    workspace: Workspace, repository: Repository
) -> None:
    (process,) = begin(repository, id="former")
    end_process(repository, process, ProcessState.ERROR, "long ago")
    assert workspace.call("status", "--check").code == 0


def test_a_missing_schema_names_the_remedy(workspace: Workspace) -> None:
    result = workspace.call("status")
    assert result.code == 1
    assert "`quo-sync migrate`" in result.sentence


def test_a_run_says_when_it_beat_last(workspace: Workspace, repository: Repository) -> None:
    (process,) = begin(repository)
    repository.processes.amend(process.id, {"created_at": process.created_at - timedelta(hours=1)})
    assert workspace.call("status", "--check").code == 1
    repository.heartbeats.beat("launch", "worker", {process.id: 1})
    assert workspace.call("status", "--check").code == 0
