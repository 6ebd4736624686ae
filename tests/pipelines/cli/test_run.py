"""`run` against the sandbox over real HTTP, and everything it refuses."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.clock import iso, utc_now
from connectors.processes.manager import ProcessManager
from connectors.processes.model import Launch, ProcessState, ProcessType, SyncType
from connectors.processes.use_cases import end_process, require_process
from connectors.repository.repository import Repository
from connectors.sandbox.process import SandboxProcess
from tests.pipelines.cli.conftest import Integration, Workspace


def hold(repository: Repository, id: str = "acme") -> str:
    """Another launch runs this integration; returns its process."""
    created = ProcessManager(repository).create_sync_process(
        integration_id=id,
        user_id="user-1",
        person_types=["Person"],
        type=ProcessType.CRM_SYNC,
        sync_type=SyncType.INITIAL,
        launch=Launch("elsewhere", "FlinkRunner"),
    )
    return created.created[0].id


def park(repository: Repository, *, until: timedelta) -> None:
    """The newest run of acme ended because a daily quota was nearly spent."""
    process = require_process(repository, hold(repository))
    notes = {"parkedUntil": iso(utc_now() + until)}
    quota = "the daily quota is nearly spent"
    end_process(repository, process, ProcessState.CANCELLED, quota, code="parked", metadata=notes)


# -- what it does -------------------------------------------------------------------------------


def test_a_first_run_creates_everyone_and_the_next_changes_nothing(
    workspace: Workspace, integration: Integration, sandbox: SandboxProcess
) -> None:
    workspace.configure(integration())
    first = workspace.call("run")
    assert first.code == 0, first.err
    assert "acme Person" in first.out
    assert "COMPLETED" in first.out
    assert "created 12" in first.out
    assert "acme Person COMPLETED: 12 persons" in first.err
    assert sandbox.control.stats()["quo"]["creations"] == 12

    second = workspace.call("run", "--json")
    assert second.code == 0, second.err
    (report,) = second.json
    assert report["context"]["syncType"] == "ONGOING"
    assert report["results"]["outcomes"]["created"] == 0
    assert sandbox.control.stats()["quo"]["creations"] == 12


def test_no_person_is_printed(
    workspace: Workspace, integration: Integration, sandbox: SandboxProcess
) -> None:
    sandbox.control.edit_people([1, 2], first_name="Zebulonia", last_name="Quackenbush")
    sandbox.control.fault("status", dialect="quo", method="POST", path="contacts", status=400)
    workspace.configure(integration())
    result = workspace.call("run", "--log-json", "--debug")
    assert result.code == 0
    assert "Zebulonia" not in result.out + result.err
    assert "Quackenbush" not in result.out + result.err


def test_outcomes_are_written_where_asked(
    workspace: Workspace, integration: Integration, tmp_path: Path
) -> None:
    workspace.configure(integration())
    path = tmp_path / "outcomes.jsonl"
    assert workspace.call("run", "--outcomes", str(path)).code == 0
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert {line["outcome"] for line in lines} == {"created"}
    assert len(lines) == 12


def test_only_the_named_integrations_run(workspace: Workspace, integration: Integration) -> None:
    workspace.configure(integration("acme"), integration("bell"), integration("cyan"))
    result = workspace.call("run", "-i", "cyan", "-i", "acme", "-i", "cyan", "--json")
    assert result.code == 0, result.err
    assert [report["integrationId"] for report in result.json] == ["cyan", "acme"]


def test_logs_and_progress_as_json_lines(workspace: Workspace, integration: Integration) -> None:
    workspace.configure(integration())
    result = workspace.call("run", "--log-json")
    assert (result.code, result.out) == (0, "")
    lines = [json.loads(line) for line in result.err.splitlines()]
    progress = [line for line in lines if line["event"] == "progress"]
    assert progress[-1]["processedRecords"] == 12
    (ended,) = [line for line in lines if line["event"] == "process ended"]
    assert ended["report"]["results"]["outcomes"]["created"] == 12


# -- exit codes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("flags", "code"), [((), 0), (("--strict",), 3)], ids=["plain", "strict"])
def test_dead_letters_are_shown_and_only_strict_minds(
    workspace: Workspace,
    integration: Integration,
    sandbox: SandboxProcess,
    flags: tuple[str, ...],
    code: int,
) -> None:
    sandbox.control.fault(
        "status", dialect="quo", method="POST", path="contacts", status=400, times=2
    )
    workspace.configure(integration())
    result = workspace.call("run", *flags)
    assert result.code == code
    assert "created 10" in result.out
    assert "acme Person has 2 dead letters" in result.out
    assert "`quo-sync retry " in result.out
    assert result.out.count("  person-") == 2


def test_one_customer_takes_no_other_along(
    workspace: Workspace, integration: Integration, sandbox: SandboxProcess
) -> None:
    sandbox.control.fault("status", dialect="pipedrive", status=403)
    workspace.configure(integration("sick", crm="pipedrive"), integration("well"))
    result = workspace.call("run", "--json")
    assert result.code == 1
    states = {report["integrationId"]: report["state"] for report in result.json}
    assert states == {"sick": "ERROR", "well": "COMPLETED"}


def test_an_error_says_why_and_how_to_go_on(
    workspace: Workspace, integration: Integration, sandbox: SandboxProcess
) -> None:
    sandbox.control.fault("status", dialect="pipedrive", status=403)
    workspace.configure(integration(crm="pipedrive"))
    result = workspace.call("run")
    assert result.code == 1
    assert "acme Person ended ERROR: " in result.out


@pytest.mark.parametrize(
    ("flags", "code"),
    [((), 0), (("-i", "acme"), 4), (("-i", "acme", "--due"), 0)],
    ids=["unnamed", "named", "due"],
)
def test_what_runs_already_is_left_alone_and_named(
    workspace: Workspace,
    integration: Integration,
    repository: Repository,
    flags: tuple[str, ...],
    code: int,
) -> None:
    workspace.configure(integration())
    holder = hold(repository)
    result = workspace.call("run", *flags)
    assert result.code == code
    assert f"acme Person is already running as process {holder}" in result.err
    assert "nothing to run" in result.err
    assert repository.processes.state_of(holder) is ProcessState.INITIALIZING


def test_the_free_ones_run_first(
    workspace: Workspace, integration: Integration, repository: Repository
) -> None:
    workspace.configure(integration("acme"), integration("bell"))
    hold(repository)
    result = workspace.call("run", "-i", "acme", "-i", "bell", "--json")
    assert result.code == 4
    assert [report["state"] for report in result.json] == ["COMPLETED"]


def test_a_delta_without_a_full_read_is_refused(
    workspace: Workspace, integration: Integration
) -> None:
    workspace.configure(integration())
    result = workspace.call("run", "--mode", "ongoing")
    assert result.code == 2
    assert "never read in full" in result.sentence


def test_a_refusal_among_others_is_a_failure(
    workspace: Workspace, integration: Integration
) -> None:
    workspace.configure(integration("acme"))
    assert workspace.call("run").code == 0
    workspace.configure(integration("acme"), integration("new"))
    result = workspace.call("run", "--mode", "ongoing", "--json")
    assert result.code == 1
    assert "new: --mode ongoing" in result.err
    assert [report["state"] for report in result.json] == ["COMPLETED"]


# -- when it is due -----------------------------------------------------------------------------


def test_due_runs_what_never_ran_and_then_waits_for_the_schedule(
    workspace: Workspace, integration: Integration
) -> None:
    workspace.configure(integration())
    assert workspace.call("run", "--due").code == 0
    again = workspace.call("run", "--due", "--json")
    assert (again.code, again.json) == (0, [])
    assert "acme is due at " in again.err


def test_a_parked_run_waits_for_its_time(
    workspace: Workspace, integration: Integration, repository: Repository
) -> None:
    workspace.configure(integration())
    park(repository, until=timedelta(hours=2))
    result = workspace.call("run", "--due")
    assert result.code == 0
    assert "acme is parked until " in result.err


def test_a_parked_run_goes_on_when_its_time_has_come(
    workspace: Workspace, integration: Integration, repository: Repository
) -> None:
    workspace.configure(integration())
    park(repository, until=timedelta(seconds=-1))
    result = workspace.call("run", "--due", "--json")
    assert result.code == 0
    assert [report["state"] for report in result.json] == ["COMPLETED"]


# -- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        pytest.param(("-i", "acne"), ("'acne'", "acme"), id="unknown-integration"),
        pytest.param(("acme",), ("'acme'", "`-i acme`"), id="id-without-flag"),
        pytest.param(
            ("--", "--parallelsim=4"), ("--parallelsim", "Beam"), id="unknown-beam-option"
        ),
        pytest.param(
            ("--", "--runner=FlinkRunner"), ("sqlite", "FlinkRunner", "postgresql"), id="sqlite"
        ),
        pytest.param(("--no-wait",), ("--no-wait", "DirectRunner"), id="no-wait-in-process"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_starts(
    workspace: Workspace, integration: Integration, flags: tuple[str, ...], named: tuple[str, ...]
) -> None:
    workspace.configure(integration())
    result = workspace.call("run", *flags)
    assert result.code == 2
    assert all(word in result.sentence for word in named), result.sentence
    assert not Path(workspace.folder, "quo-sync.db").exists()


def test_local_outcomes_are_refused_where_workers_are_elsewhere(
    workspace: Workspace, integration: Integration, tmp_path: Path
) -> None:
    workspace.configure(integration(), repository="postgresql://nobody@127.0.0.1:1/none")
    path = str(tmp_path / "outcomes.jsonl")
    result = workspace.call("run", "--outcomes", path, "--", "--runner=FlinkRunner")
    assert result.code == 2
    assert "--outcomes" in result.sentence
    assert "gs://" in result.sentence


@pytest.mark.parametrize("variable", ["TEST_QUO_KEY", "TEST_CRM_TOKEN"])
def test_a_secret_that_is_not_there_is_refused(
    workspace: Workspace,
    integration: Integration,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    workspace.configure(integration())
    monkeypatch.delenv(variable)
    result = workspace.call("run")
    assert result.code == 2
    assert f"env:{variable}" in result.sentence
    assert "'acme'" in result.sentence


def test_a_missing_configuration_names_init(workspace: Workspace) -> None:
    result = workspace.call("run")
    assert result.code == 2
    assert "`quo-sync init`" in result.sentence


def test_an_unreachable_repository_is_a_failure_in_one_sentence(
    workspace: Workspace, integration: Integration
) -> None:
    workspace.configure(integration(), repository="postgresql://nobody@127.0.0.1:1/none")
    result = workspace.call("run")
    assert result.code == 1
    assert "127.0.0.1" in result.sentence
