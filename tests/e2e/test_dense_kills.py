"""Kills at every single request of a small run, and what may happen between a kill and a rerun."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence

import pytest

from connectors.processes.model import Outcomes, ProcessState
from tests.e2e.conftest import MakeJob
from tests.e2e.driver import Job, Run, integration, wait_until
from tests.e2e.truth import assert_accounts_agree, assert_in_step, counted

FEW = 8
REQUESTS = 14
"""What an undisturbed run of so few persons asks of both servers."""


def few_persons(job: Job) -> None:
    job.control.reset(persons=FEW)
    job.configure(integration(job.sandbox, page_size=3))


def killed_at_request(job: Job, nth: int, when: str) -> bool:
    """False when the run had fewer requests."""
    job.control.fault("hold", nth=nth, when=when)
    run = job.start()
    wait_until(lambda: job.control.holds() or not run.alive, "a held request or the end")
    held = bool(job.control.holds())
    run.kill()
    job.control.clear_faults()
    job.control.release()
    return held


def test_undisturbed_run_has_so_many_requests(job: Job) -> None:
    few_persons(job)
    job.run()
    assert sum(job.control.stats()["totals"].values()) == REQUESTS


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("nth", range(1, REQUESTS + 1))
def test_killed_at_each_request(job: Job, nth: int, when: str) -> None:
    few_persons(job)
    assert killed_at_request(job, nth, when)
    job.run_until_done()
    assert assert_accounts_agree(job) == Outcomes(created=FEW)
    assert_in_step(job)


# -- between the kill and the rerun -------------------------------------------------------------


def hold_all(job: Job, method: str, at_least: int) -> Run:
    """Start, and let that many writes come together before they take effect."""
    job.control.fault("hold", dialect="quo", method=method)
    run = job.start()
    wait_until(lambda: len(job.control.holds()) >= at_least, "held writes")
    return run


def test_writes_under_way_arrive_after_the_next_run_has_looked(job: Job) -> None:
    """The look-up of the page in doubt finds nobody; then the killed run's creates take effect."""
    job.control.fault("hang", seconds=0, dialect="quo", method="POST", times=1)  # proves the key
    run = hold_all(job, "POST", 20)
    run.kill()
    old = [hold["id"] for hold in job.control.holds()]
    job.control.clear_faults()
    job.control.fault("hold", dialect="quo", method="GET", query="externalIds", when="after")
    again = job.start()
    wait_until(lambda: len(job.control.holds()) > len(old), "the look-up")
    for id in old:
        job.control.release(id)
    job.control.clear_faults()
    job.control.release()
    assert again.wait() == 0
    assert assert_accounts_agree(job) == Outcomes(created=60)
    assert_in_step(job)


def test_person_changed_between_kill_and_rerun(make_job: MakeJob) -> None:
    """Made by the killed run, without a link: what the CRM has dropped since does not stay."""
    job = make_job(crm="scaling-test")
    job.control.fault("hold", dialect="quo", method="POST", nth=20, when="after")
    run = job.start()
    job.control.wait_for_hold()
    run.kill()
    job.control.clear_faults()
    job.control.release()
    made = [int(c["externalId"].removeprefix("person-")) for c in job.control.contacts("acme")]
    assert made
    job.control.edit_people(made, phones=[("+14155550111", "work")], emails=[], job_title=None)
    job.run_until_done()
    assert assert_accounts_agree(job) == Outcomes(created=60)
    assert_in_step(job)


def test_person_moved_to_the_next_delta_between_kill_and_rerun(job: Job) -> None:
    """The edit moves them out of the killed run's window: no link knows their contacts."""
    assert killed_at_request(job, 24, "after")
    made = [int(c["externalId"].removeprefix("person-")) for c in job.control.contacts("acme")]
    job.control.edit_people(made, phones=[("+14155550111", "work")], emails=[], job_title=None)
    job.run_until_done()
    job.run_until_in_step()
    assert_in_step(job)


def test_settings_changed_between_kill_and_rerun(job: Job) -> None:
    """The next run plans anew and meets contacts of which no link knows."""
    assert killed_at_request(job, 40, "after")
    job.configure(integration(job.sandbox, fields={"role": "org.name"}))
    job.run_until_done()
    assert_in_step(job)
    assert counted(job.control, "acme").created == 60


def test_killed_amid_a_retry(job: Job) -> None:
    job.control.fault("status", status=400, body='"person-1[0-9]"', dialect="quo", method="POST")
    job.run()
    assert assert_accounts_agree(job).rejected == 10
    failed = job.newest().id
    job.control.clear_faults()
    job.count_from_here()
    job.control.fault("hold", dialect="quo", method="POST", nth=5, when="after")
    run = job.start(failed, command="retry")
    job.control.wait_for_hold()
    run.kill()
    job.control.clear_faults()
    job.control.release()
    job.run(failed, command="retry")
    assert_in_step(job)
    assert counted(job.control, "acme").created == 10


# -- an engine with worker processes ------------------------------------------------------------

TWO_PROCESSES = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")


def workers_of(run: Run) -> list[int]:
    """OS processes below the launcher that run Beam's worker."""
    listed = subprocess.run(["ps", "-wweo", "pid,ppid,args"], capture_output=True, text=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()[1:]]
    return [
        int(pid)
        for pid, _, command in rows
        if "sdk_worker_main" in command and "sh -c" not in command and _below(run.pid, pid, rows)
    ]


def _below(ancestor: int, pid: str, rows: Sequence[Sequence[str]]) -> bool:
    parents = {row[0]: row[1] for row in rows}
    while pid in parents:
        pid = parents[pid]
        if pid == str(ancestor):
            return True
    return False


def test_launcher_killed_while_its_workers_live_on(job: Job) -> None:
    """The next run takes over at once; orphans lose their permits within a second."""
    job.control.settings(quo_latency_ms=1000)  # the orphans have 3 s of work left
    run = job.start(beam=TWO_PROCESSES)
    wait_until(lambda: counted(job.control, "acme").created >= 5, "creating")
    orphans = workers_of(run)
    assert orphans
    run.kill()
    job.run_until_done(beam=TWO_PROCESSES)
    # Should the orphans have ended the run first, the next one is a delta: its overlap meets one
    # person again, unchanged.
    assert assert_accounts_agree(job).created == 60
    assert_in_step(job)
    for pid in orphans:
        if os.path.exists(f"/proc/{pid}"):
            os.kill(pid, signal.SIGKILL)


def test_all_worker_processes_killed(job: Job) -> None:
    job.control.settings(quo_latency_ms=500)
    run = job.start(beam=TWO_PROCESSES)
    wait_until(lambda: counted(job.control, "acme").created >= 5, "creating")
    for pid in workers_of(run):
        os.kill(pid, signal.SIGKILL)
    assert run.wait() == 1
    assert job.newest().state is ProcessState.ERROR
    job.run_until_done(beam=TWO_PROCESSES)
    assert assert_accounts_agree(job) == Outcomes(created=60)
    assert_in_step(job)
