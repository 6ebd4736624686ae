"""Jobs as a user runs them: a folder, a quo-sync.yaml and OS processes that can be killed.

The processes are forked from a server that has imported Beam already, so that a run costs half a
second; they share nothing else with the test, and a kill is SIGKILL.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

from connectors.processes.model import Process
from connectors.processes.report import get_process
from connectors.repository.factory import open_repository
from connectors.repository.repository import Repository
from connectors.sandbox.client import SandboxControl
from connectors.sandbox.process import SandboxProcess
from connectors.sandbox.settings import CRM_TOKEN, QUO_KEY
from pipelines.config import load_config
from tests.e2e import child
from transforms.settings import IntegrationSettings

SECRETS = {"QUO_KEY": QUO_KEY, "CRM_TOKEN": CRM_TOKEN}
LONG_SECONDS = 90.0
"""No run here takes so long unless it hangs."""


def _forking() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "tests.e2e.child"])
    return context


class Run:
    """One OS process that runs one command."""

    def __init__(self, process: ForkServerProcess, log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    @property
    def output(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._process.kill()
        self._process.join()

    def wait(self, timeout: float = LONG_SECONDS) -> int:
        """The exit code; a run that hangs is killed and fails the test."""
        self._process.join(timeout)
        if self._process.is_alive():
            self.kill()
            raise AssertionError(f"still running after {timeout} s:\n{self.output}")
        assert self._process.exitcode is not None
        return self._process.exitcode


class Job:
    """One configuration and its repository, run as often as wanted."""

    _context = _forking()

    def __init__(
        self,
        folder: Path,
        sandbox: SandboxProcess,
        *integrations: Mapping[str, Any],
        repository: str | None = None,
        seen_by_test: str | None = None,
    ) -> None:
        """`seen_by_test` is the test's own way to the repository, when the job's has a proxy."""
        self.sandbox = sandbox
        self.control: SandboxControl = sandbox.control
        self._folder = folder
        self._started: list[Run] = []
        self._has_schema = False
        self.not_counted: frozenset[str] = frozenset()
        self._url = repository or f"sqlite:///{folder}/quo-sync.db"
        self._seen_by_test = seen_by_test or self._url
        self.configure(*(integrations or (integration(sandbox),)))

    def configure(self, *integrations: Mapping[str, Any]) -> None:
        """Write quo-sync.yaml anew (JSON is YAML)."""
        self._integrations = integrations
        keys = {"repository": self._url, "integrations": integrations}
        self.config_path = self._folder / "quo-sync.yaml"
        self.config_path.write_text(json.dumps(keys))

    @property
    def settings(self) -> tuple[IntegrationSettings, ...]:
        return load_config(str(self.config_path)).integrations

    @cached_property
    def repository(self) -> Repository:
        return open_repository(self._seen_by_test)

    # -- running ----------------------------------------------------------------------------

    def start(
        self,
        *arguments: str,
        beam: Sequence[str] = (),
        command: str = "run",
        secrets: Mapping[str, str] = SECRETS,
    ) -> Run:
        self._has_schema = True
        log = self._folder / f"run-{len(self._started) + 1}.log"
        typed = [command, "--config", str(self.config_path), *arguments]
        if beam:
            typed += ["--", *beam]
        process = self._context.Process(target=child.run, args=(typed, dict(secrets), str(log)))
        process.start()
        self._started.append(Run(process, log))
        return self._started[-1]

    def run(self, *arguments: str, expect: int = 0, **options: Any) -> Run:
        """Run to the end, which must be this exit code."""
        run = self.start(*arguments, **options)
        code = run.wait()
        assert code == expect, f"exit code {code} instead of {expect}:\n{run.output}"
        return run

    def run_until_done(self, *arguments: str, most: int = 3, **options: Any) -> int:
        """Run again until the newest process is COMPLETED; returns how many runs it took."""
        for attempt in range(1, most + 1):
            run = self.start(*arguments, **options)
            code = run.wait()
            if code == 0 and self.newest().state.value == "COMPLETED":
                return attempt
        told = f"{self.reason()}\n{run.output}"
        raise AssertionError(f"not done after {most} runs; the last one said:\n{told}")

    def run_until_in_step(self) -> None:
        """Run when what just happened in the CRM lies before T0 (whole seconds)."""
        time.sleep(1.1)
        self.run()

    # -- looking ----------------------------------------------------------------------------

    def processes(self, integration_id: str | None = None) -> list[Process]:
        """Newest first."""
        return [
            process
            for process in self.repository.processes.find_recent(1000)
            if integration_id in (None, process.integration_id)
        ]

    def newest(self, integration_id: str | None = None) -> Process:
        return self.processes(integration_id)[0]

    def report(self, integration_id: str | None = None) -> dict[str, Any]:
        return get_process(self.repository, self.newest(integration_id).id)

    def reason(self, integration_id: str | None = None) -> str:
        return str(self.newest(integration_id).metadata.get("reason"))

    def count_from_here(self) -> None:
        """Forget what the server counted; earlier processes do not count either."""
        self.not_counted = frozenset(
            process.id for process in (self.processes() if self._has_schema else ())
        )
        self.control.reset_stats()

    def lose_repository(self) -> None:
        """Go on with an empty one (SQLite only)."""
        self._seen_by_test = self._url = (
            f"sqlite:///{self._folder}/quo-sync-{len(self._started)}.db"
        )
        self._has_schema = False
        self.repository.close()
        del self.repository
        self.configure(*self._integrations)

    def close(self) -> None:
        """Leave no process behind."""
        for run in self._started:
            if run.alive:
                run.kill()
        self.repository.close()


def integration(
    sandbox: SandboxProcess,
    id: str = "acme",
    *,
    crm: str = "pipedrive",
    page_size: int = 25,
    quo: Mapping[str, Any] | None = None,
    crm_options: Mapping[str, Any] | None = None,
    **keys: Any,
) -> dict[str, Any]:
    """The configuration of one integration with the sandbox, without rate limits."""
    options: dict[str, Any] = {"base_url": sandbox.crm_url(crm), "page_size": page_size}
    credentials = {}
    if crm == "pipedrive":
        options |= {"burst_per_2s": 1_000_000, "daily_tokens": 100_000_000}
        credentials = {"api_token": "env:CRM_TOKEN"}
    return {
        "id": id,
        "user_id": "user-1",
        "crm": crm,
        "crm_options": options | dict(crm_options or {}),
        "crm_credentials": credentials,
        "quo": {
            "api_key": "env:QUO_KEY",
            "base_url": sandbox.quo_url,
            "requests_per_second": None,
            **(quo or {}),
        },
        **keys,
    }


def a_moment_ago() -> int:
    """A time for changes in the CRM that lies before the next run's T0 (whole seconds)."""
    return int(time.time()) - 2


def wait_until(condition: Any, what: str, timeout: float = 30.0) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"after {timeout} s still not: {what}")
        time.sleep(0.01)
