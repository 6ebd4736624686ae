"""Whole runs, looked at from the servers: first run, deltas, full re-reads, changed settings."""

from __future__ import annotations

from connectors.processes.model import Outcomes, SyncType
from tests.e2e.driver import Job, a_moment_ago
from tests.e2e.truth import assert_accounts_agree, assert_in_step, counted, ledger_totals


def test_initial_then_delta_then_nothing_to_do(job: Job) -> None:
    job.run()
    assert_in_step(job)
    assert assert_accounts_agree(job) == Outcomes(created=60)
    assert job.newest().sync_type is SyncType.INITIAL

    job.count_from_here()
    job.control.edit_people([7], at=a_moment_ago(), job_title="Head of Lists")
    new = job.control.insert_people(3, at=a_moment_ago())
    job.run()
    assert_in_step(job)
    outcomes = assert_accounts_agree(job)
    assert (outcomes.created, outcomes.updated) == (len(new), 1)
    assert job.newest().sync_type is SyncType.ONGOING

    job.count_from_here()
    job.run()
    outcomes = assert_accounts_agree(job)
    assert (outcomes.created, outcomes.updated) == (0, 0)
    assert counted(job.control, "acme").requests == ledger_totals(job).quo_requests
