"""A folder with a configuration, a sandbox to run against, and a way to call commands."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.repository.factory import open_repository
from connectors.repository.repository import Repository
from connectors.sandbox.process import SandboxProcess
from connectors.sandbox.settings import CRM_TOKEN, QUO_KEY, Settings
from pipelines.cli.main import execute

COMMAND = "from pipelines.cli.main import main; main()"
ENVIRONMENT = {"TEST_QUO_KEY": QUO_KEY, "TEST_CRM_TOKEN": CRM_TOKEN}


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess(Settings(persons=0)) as running:
        yield running


@pytest.fixture
def sandbox(running_sandbox: SandboxProcess) -> SandboxProcess:
    """A sandbox with 12 people, as good as new."""
    running_sandbox.control.reset(persons=12)
    return running_sandbox


@pytest.fixture
def sandbox_port(sandbox: SandboxProcess) -> str:
    return sandbox.url.rpartition(":")[2]


@pytest.fixture(autouse=True)
def own_surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The secrets of the sandbox are set, and logging is afterwards as it was."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("QUO_SYNC_CONFIG", raising=False)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@dataclass(frozen=True)
class Result:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """The one sentence of an error."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("Error: ")
        return lines[0].removeprefix("Error: ")


class Workspace:
    """A folder with quo-sync.yaml; its commands run in this process, or as `quo-sync` would."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.config_path = folder / "quo-sync.yaml"
        self.repository_url = f"sqlite:///{folder / 'quo-sync.db'}"
        self._capsys = capsys

    def configure(self, *integrations: dict[str, Any], **top: Any) -> None:
        content = {
            "repository": "sqlite:///quo-sync.db",
            "integrations": list(integrations),
            **top,
        }
        self.config_path.write_text(yaml.safe_dump(content, sort_keys=False))

    def call(self, *arguments: str) -> Result:
        """`quo-sync ARGUMENTS` in this process; --config goes before a `--`."""
        self._capsys.readouterr()
        code = execute(self._with_config(arguments))
        out, err = self._capsys.readouterr()
        return Result(code, out, err)

    def spawn(self, *arguments: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
        """The real command in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, *self._with_config(arguments)],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )

    def open_repository(self) -> Repository:
        """The workspace's own repository, as another process sees it."""
        repository = open_repository(self.repository_url)
        repository.storage.migrate()
        return repository

    def _with_config(self, arguments: tuple[str, ...]) -> list[str]:
        command, *rest = arguments
        return [command, "--config", str(self.config_path), *rest]


@pytest.fixture
def workspace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Workspace:
    return Workspace(tmp_path, capsys)


@pytest.fixture
def repository(workspace: Workspace) -> Iterator[Repository]:
    opened = workspace.open_repository()
    yield opened
    opened.close()


Integration = Callable[..., dict[str, Any]]


@pytest.fixture
def integration(sandbox: SandboxProcess) -> Integration:
    """Makes integrations of the sandbox's scaling-test CRM; `changes` go over the defaults."""

    def make(id: str = "acme", **changes: Any) -> dict[str, Any]:
        quo = {
            "api_key": "env:TEST_QUO_KEY",
            "base_url": sandbox.quo_url,
            "requests_per_second": None,
            **changes.pop("quo", {}),
        }
        crm = changes.pop("crm", "scaling-test")
        options = {"base_url": sandbox.crm_url(crm), **changes.pop("crm_options", {})}
        return {
            "id": id,
            "user_id": "user-1",
            "crm": crm,
            "crm_options": options,
            "crm_credentials": {"api_token": "env:TEST_CRM_TOKEN"},
            "quo": quo,
            **changes,
        }

    return make
