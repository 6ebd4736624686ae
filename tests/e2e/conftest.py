"""One sandbox for all tests of this folder, as good as new for each; jobs in fresh folders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.process import SandboxProcess
from connectors.sandbox.settings import Settings
from tests.e2e.driver import Job, integration


@pytest.fixture(scope="session")
def server() -> Iterator[SandboxProcess]:
    with SandboxProcess(Settings(persons=60)) as running:
        yield running


@pytest.fixture
def sandbox(server: SandboxProcess) -> SandboxProcess:
    server.control.reset()
    return server


MakeJob = Callable[..., Job]


@pytest.fixture
def make_job(sandbox: SandboxProcess, tmp_path: Path) -> Iterator[MakeJob]:
    """`make_job(**keys)`: a job with one integration of these keys, in a folder of its own."""
    jobs: list[Job] = []

    def make(**keys: Any) -> Job:
        folder = tmp_path / f"job-{len(jobs) + 1}"
        folder.mkdir()
        options = {k: keys.pop(k) for k in ("repository", "seen_by_test") if k in keys}
        jobs.append(Job(folder, sandbox, integration(sandbox, **keys), **options))
        return jobs[-1]

    yield make
    for job in jobs:
        job.close()


@pytest.fixture
def job(make_job: MakeJob) -> Job:
    return make_job()
