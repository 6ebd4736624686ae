"""`cancel`, `resume` and `retry`, and interrupts of what runs."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from connectors.processes.model import ProcessState
from connectors.repository.repository import Repository
from connectors.sandbox.process import SandboxProcess
from tests.pipelines.cli.conftest import Integration, Workspace

WRITES = {"dialect": "quo", "method": "POST", "path": "contacts"}


@pytest.fixture
def held_run(
    workspace: Workspace, integration: Integration, sandbox: SandboxProcess, repository: Repository
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A run in a process of its own whose first write to Quo waits; and its process id."""
    workspace.configure(integration())
    sandbox.control.fault("hold", **WRITES, times=1)
    running = workspace.spawn("run")
    try:
        sandbox.control.wait_for_hold(timeout=60)
        (process,) = repository.processes.find_active_processes("acme")
        yield running, process.id
    finally:
        sandbox.control.clear_faults()
        sandbox.control.release()
        running.kill()
        running.communicate()


def finish(running: subprocess.Popen[str], sandbox: SandboxProcess) -> tuple[int, str, str]:
    sandbox.control.release()
    out, err = running.communicate(timeout=60)
    return running.returncode, out, err


def first_process(workspace: Workspace) -> str:
    (report,) = workspace.call("status", "--json").json
    return str(report["id"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_an_interrupted_run_cancels_its_processes(
    held_run: tuple[subprocess.Popen[str], str],
    sandbox: SandboxProcess,
    repository: Repository,
    number: signal.Signals,
) -> None:
    running, process_id = held_run
    running.send_signal(number)
    until_cancelled(repository, process_id)
    code, out, err = finish(running, sandbox)
    assert code == 130
    assert "CANCELLED" in out
    assert "Stopping" in err
    assert "Traceback" not in err


def until_cancelled(repository: Repository, process_id: str) -> None:
    while repository.processes.state_of(process_id) is not ProcessState.CANCELLED:
        time.sleep(0.05)


def test_a_run_cancelled_from_elsewhere_ends_with_1(
    workspace: Workspace,
    held_run: tuple[subprocess.Popen[str], str],
    sandbox: SandboxProcess,
    repository: Repository,
) -> None:
    running, process_id = held_run
    cancelled = workspace.call("cancel", process_id)
    assert cancelled.code == 0
    assert f"{process_id} (acme Person) is cancelled" in cancelled.out
    assert repository.processes.state_of(process_id) is ProcessState.CANCELLED
    code, out, _ = finish(running, sandbox)
    assert code == 1
    assert "cancelled by the user" in out

    again = workspace.call("cancel", process_id)
    assert again.code == 0
    assert "has ended already" in again.out


def test_resume_goes_on_where_a_cancelled_run_stopped(
    workspace: Workspace, held_run: tuple[subprocess.Popen[str], str], sandbox: SandboxProcess
) -> None:
    running, process_id = held_run
    assert workspace.call("resume", process_id).code == 4
    workspace.call("cancel", process_id)
    finish(running, sandbox)

    resumed = workspace.call("resume", process_id, "--json")
    assert resumed.code == 0, resumed.err
    (report,) = resumed.json
    assert report["state"] == "COMPLETED"
    assert report["results"]["outcomes"]["created"] == 12
    stats = sandbox.control.stats()["quo"]
    assert (stats["contacts"], stats["created_more_than_once"]) == (12, [])

    completed = workspace.call("resume", report["id"])
    assert completed.code == 2
    assert "nothing to resume" in completed.sentence


def test_retry_sends_dead_letters_again_until_there_are_none(
    workspace: Workspace, integration: Integration, sandbox: SandboxProcess
) -> None:
    sandbox.control.fault("status", **WRITES, status=400, times=3)
    workspace.configure(integration())
    assert workspace.call("run").code == 0
    process_id = first_process(workspace)

    retried = workspace.call("retry", process_id, "--json")
    assert retried.code == 0, retried.err
    (report,) = retried.json
    assert report["type"] == "RETRY"
    assert report["results"]["outcomes"]["created"] == 3
    assert sandbox.control.stats()["quo"]["contacts"] == 12

    nothing = workspace.call("retry", report["id"])
    assert nothing.code == 0
    assert "no dead letters" in nothing.out
    assert workspace.call("retry", report["id"], "--json").json == []


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("command", ["cancel", "resume", "retry", "status"])
def test_an_unknown_process_is_refused(
    workspace: Workspace, integration: Integration, command: str
) -> None:
    workspace.configure(integration())
    result = workspace.call(command, "nobody")
    assert result.code == 2
    assert "'nobody'" in result.sentence
    assert "`quo-sync status`" in result.sentence


@pytest.mark.parametrize("command", ["resume", "retry"])
def test_a_process_whose_integration_is_gone_is_refused(
    workspace: Workspace, integration: Integration, command: str
) -> None:
    workspace.configure(integration())
    assert workspace.call("run").code == 0
    process_id = first_process(workspace)
    workspace.configure(integration("bell"))
    result = workspace.call(command, process_id)
    assert result.code == 2
    assert "'acme'" in result.sentence
