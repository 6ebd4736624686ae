"""The same small sync on every engine that runs without installation, and who holds a run."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from connectors.clock import parse_time
from connectors.processes.model import Outcomes, ProcessState
from connectors.repository.heartbeats import HEARTBEATS
from connectors.repository.processes import PROCESSES
from tests.e2e.driver import SECRETS, Job, a_moment_ago, wait_until
from tests.e2e.truth import assert_accounts_agree, assert_in_step, counted, ledger_totals

ENGINES: dict[str, tuple[str, ...]] = {
    "threads, by default": (),
    "one thread": ("--runner=FnApiRunner", "--direct_num_workers=1"),
    "in memory": ("--direct_running_mode=in_memory", "--direct_num_workers=1"),
    "two worker processes": ("--direct_running_mode=multi_processing", "--direct_num_workers=2"),
    "every bundle twice": ("--direct_runner_bundle_repeat=1",),
}


@pytest.mark.parametrize("beam", ENGINES.values(), ids=ENGINES.keys())
def test_same_result_on_every_engine(job: Job, beam: tuple[str, ...]) -> None:
    run_initial_and_delta(job, *beam)


def run_initial_and_delta(job: Job, *beam: str) -> None:
    job.run(beam=beam)
    assert assert_accounts_agree(job) == Outcomes(created=60)
    assert_in_step(job)
    job.count_from_here()
    job.control.edit_people(range(1, 11), at=a_moment_ago(), job_title="Engineer of Engines")
    job.run(beam=beam)
    assert assert_accounts_agree(job).updated == 10
    assert_in_step(job)


def test_installed_command_in_a_process_of_its_own(job: Job, tmp_path: Path) -> None:
    command = [Path(sys.executable).with_name("quo-sync"), "run", "--config", job.config_path]
    environment = {"PATH": os.environ["PATH"], **SECRETS}
    job.control.fault("hold", dialect="quo", method="POST", nth=30, when="after")
    killed = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    job.control.wait_for_hold()
    killed.kill()
    killed.wait()
    job.control.clear_faults()
    job.control.release()
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert assert_accounts_agree(job) == Outcomes(created=60)
    assert_in_step(job)


def test_bundle_redone_asks_quo_nothing_more(job: Job) -> None:
    """The second pass of each bundle finds its ranges closed."""
    job.run(beam=ENGINES["every bundle twice"])
    assert job.control.stats()["totals"]["quo"] == 61
    assert ledger_totals(job).quo_requests == 61


def test_workers_elsewhere_lean_on_nothing_of_the_launcher(job: Job, tmp_path: Path) -> None:
    """A worker pool with another folder and environment: only the named secrets are there."""
    with worker_pool(tmp_path) as port:
        run_initial_and_delta(
            job,
            "--runner=PortableRunner",
            "--job_endpoint=embed",
            "--environment_type=EXTERNAL",
            f"--environment_config=localhost:{port}",
        )
    assert_worked_elsewhere(job)


def assert_worked_elsewhere(job: Job) -> None:
    """The pages in flight were reported by other OS processes than the launcher."""
    launch = job.newest().launch
    assert launch is not None
    assert launch.holder is not None
    beats = job.repository.storage.find(HEARTBEATS, {"launch_id": launch.id})
    workers = {beat["worker"] for beat in beats} - {"launcher"}
    assert workers
    assert not any(worker.endswith(f"-{launch.holder.pid}") for worker in workers)


@contextmanager
def worker_pool(folder: Path) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port: int = probe.getsockname()[1]
    # The pool starts whatever `python` is on its PATH.
    module = "apache_beam.runners.worker.worker_pool_main"
    pool = subprocess.Popen(
        [sys.executable, "-m", module, f"--service_port={port}"],
        cwd=folder,
        env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **SECRETS},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # its workers end with it
    )
    try:
        wait_until(lambda: _listens(port), "worker pool listens")
        yield port
    finally:
        with suppress(ProcessLookupError):
            os.killpg(pool.pid, signal.SIGKILL)
        pool.wait()


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("localhost", port), timeout=1):
        return True
    return False


# -- cancel, interrupt, take-over ---------------------------------------------------------------


def test_nothing_is_sent_a_second_after_cancel_returns(job: Job) -> None:
    job.control.settings(quo_latency_ms=1500)  # 20 at a time: 60 persons take 4.5 s
    run = job.start()
    wait_until(lambda: job.control.requests("quo", method="POST") > 0, "creating")
    job.run(job.newest().id, command="cancel")
    returned = time.time()
    assert run.wait() == 1
    assert job.newest().state is ProcessState.CANCELLED
    late = [e for e in job.control.log() if e["dialect"] != "_sandbox" and _at(e) > returned + 1]
    assert not late
    assert counted(job.control, "acme").created < 60

    cancelled = job.newest()
    job.control.settings(quo_latency_ms=0)
    job.run(cancelled.id, command="resume")
    assert job.newest().predecessor_id == cancelled.id
    assert assert_accounts_agree(job) == Outcomes(created=60)
    assert_in_step(job)


def _at(entry: dict[str, str]) -> float:
    return parse_time(entry["at"]).timestamp()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_interrupted_run_is_cancelled_and_continued(job: Job, number: signal.Signals) -> None:
    job.control.settings(quo_latency_ms=500)
    run = job.start()
    wait_until(lambda: counted(job.control, "acme").created > 5, "creating")
    os.kill(run.pid, number)
    assert run.wait() == 130
    assert job.newest().state is ProcessState.CANCELLED
    assert "Traceback" not in run.output
    job.control.settings(quo_latency_ms=0)
    job.run()
    assert assert_accounts_agree(job) == Outcomes(created=60)
    assert_in_step(job)


def test_running_job_is_not_taken_over(job: Job) -> None:
    job.control.fault("hold", dialect="quo", method="POST", nth=5)
    first = job.start()
    job.control.wait_for_hold()
    assert job.start("-i", "acme").wait() == 4
    assert job.start().wait() == 0
    assert len(job.processes()) == 1
    job.control.release()
    assert first.wait() == 0
    assert assert_accounts_agree(job) == Outcomes(created=60)


def test_stopped_holder_is_not_gone_until_stale(job: Job) -> None:
    """A holder that stands still (SIGSTOP) lives: nobody may write beside it."""
    job.control.fault("hold", dialect="quo", method="POST", nth=5)
    first = job.start()
    job.control.wait_for_hold()
    os.kill(first.pid, signal.SIGSTOP)
    try:
        assert job.start("-i", "acme").wait() == 4
    finally:
        os.kill(first.pid, signal.SIGCONT)
    job.control.release()
    assert first.wait() == 0
    assert assert_accounts_agree(job) == Outcomes(created=60)


@pytest.mark.parametrize("nth", [25, 30], ids=["at the end of a page", "amid a page"])
def test_stale_holder_that_wakes_up_writes_nothing_more(job: Job, nth: int) -> None:
    """Its heartbeat is old, so it was taken over; what it still does changes no account."""
    job.control.fault("hold", dialect="quo", method="POST", nth=nth, when="after")
    first = job.start()
    wait_until(lambda: counted(job.control, "acme").created >= nth, "creates")
    os.kill(first.pid, signal.SIGSTOP)
    job.control.clear_faults()
    job.control.release()
    make_stale(job)
    job.run()
    assert job.newest().predecessor_id is not None
    sent = job.control.stats()["totals"]["quo"]
    os.kill(first.pid, signal.SIGCONT)
    assert first.wait() == 1
    assert job.control.stats()["totals"]["quo"] <= sent + 20  # what it had handed to its pool
    assert assert_accounts_agree(job) == Outcomes(created=60)
    assert_in_step(job)


def make_stale(job: Job) -> None:
    """An hour passes for the newest process: its creation and all its heartbeats are old."""
    hour = 3_600_000
    storage, process = job.repository.storage, job.newest()
    assert process.launch is not None
    (row,) = storage.find(PROCESSES, {"id": process.id})
    storage.change(PROCESSES, (process.id,), {"created_at": row["created_at"] - hour})
    beats = storage.find(HEARTBEATS, {"launch_id": process.launch.id})
    storage.put(HEARTBEATS, [beat | {"at": beat["at"] - hour} for beat in beats])


@pytest.mark.parametrize("attempt", range(3))
def test_of_two_launchers_one_wins(job: Job, attempt: int) -> None:  # noqa: ARG001
    racers = [job.start("-i", "acme") for _ in range(2)]
    codes = sorted(racer.wait() for racer in racers)
    assert codes in ([0, 4], [0, 0]), [racer.output for racer in racers]
    assert assert_accounts_agree(job).created == 60
    assert_in_step(job)
