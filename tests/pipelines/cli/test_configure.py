"""`init` and `check`."""

from __future__ import annotations

import pytest

from connectors.repository.repository import Repository
from connectors.sandbox.process import SandboxProcess
from pipelines.config import load_config
from tests.pipelines.cli.conftest import Integration, Workspace


def test_init_writes_a_configuration_that_loads(workspace: Workspace) -> None:
    result = workspace.call("init")
    assert result.code == 0
    assert "`quo-sync check`" in result.out
    assert load_config(str(workspace.config_path)).integrations


def test_init_leaves_a_file_that_is_there_alone(workspace: Workspace) -> None:
    workspace.config_path.write_text("mine")
    result = workspace.call("init")
    assert result.code == 2
    assert str(workspace.config_path) in result.sentence
    assert workspace.config_path.read_text() == "mine"


@pytest.mark.parametrize(
    "path", ["gs://bucket/quo-sync.yaml", "no/such/folder/quo-sync.yaml"], ids=["remote", "folder"]
)
def test_init_names_a_path_it_cannot_write(workspace: Workspace, path: str) -> None:
    result = workspace.call("init", "--config", path)
    assert result.code == 2
    assert path in result.sentence


def test_check_tries_everything_and_writes_nothing(
    workspace: Workspace, integration: Integration, sandbox: SandboxProcess, repository: Repository
) -> None:
    workspace.configure(integration("acme"), integration("bell", crm="pipedrive"))
    result = workspace.call("check")
    assert result.code == 0, result.out + result.err
    assert result.out.count(" ok ") == 5
    assert "Installed CRMs: pipedrive, scaling-test" in result.out
    assert sandbox.control.stats()["quo"]["creations"] == 0
    assert repository.processes.find_recent(1) == []


def test_check_works_before_the_first_run(workspace: Workspace, integration: Integration) -> None:
    workspace.configure(integration())
    result = workspace.call("check", "--json")
    assert result.code == 0
    assert {finding["result"] for finding in result.json["findings"]} == {"ok"}
    assert result.json["installedCrms"] == ["pipedrive", "scaling-test"]


@pytest.mark.parametrize("dialect", ["quo", "pipedrive"])
def test_check_tells_who_refuses(
    workspace: Workspace, integration: Integration, sandbox: SandboxProcess, dialect: str
) -> None:
    sandbox.control.fault("status", dialect=dialect, status=403)
    workspace.configure(integration(crm="pipedrive"))
    result = workspace.call("check", "--json")
    assert result.code == 1
    failed = [one["what"] for one in result.json["findings"] if one["result"] == "failed"]
    assert failed == [f"acme: {'Quo' if dialect == 'quo' else dialect}"]


def test_check_names_a_secret_that_is_not_there(
    workspace: Workspace, integration: Integration, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.configure(integration())
    monkeypatch.delenv("TEST_QUO_KEY")
    result = workspace.call("check", "--json")
    assert result.code == 2
    (failed,) = [one for one in result.json["findings"] if one["result"] == "failed"]
    assert failed["what"] == "acme: secrets"
    assert "env:TEST_QUO_KEY" in failed["detail"]


def test_check_goes_on_without_a_repository(workspace: Workspace, integration: Integration) -> None:
    workspace.configure(integration(), repository="postgresql://nobody@127.0.0.1:1/none")
    result = workspace.call("check", "--json")
    assert result.code == 1
    results = {one["what"]: one["result"] for one in result.json["findings"]}
    assert results == {"repository": "failed", "acme: scaling-test": "ok", "acme: Quo": "ok"}
