"""What there is before a run that is killed, and what must be there in the end."""

from __future__ import annotations

import time

from connectors.processes.model import LedgerTotals, Outcomes, Process, ProcessState
from tests.e2e.driver import Job, a_moment_ago
from tests.e2e.truth import assert_accounts_agree, people, processes_counted

PERSONS = 60
CLOCK_MARGIN_SECONDS = 4.5
"""Contacts made longer than this before a run are told from those it made itself: 2 s by rules
§3.3, and what `Date` (whole seconds, renewed once a second by the server) may be behind."""


def nothing(job: Job) -> Outcomes:  # noqa: ARG001 - all situations are called alike
    """All persons are new."""
    return Outcomes(created=PERSONS)


def a_delta(job: Job) -> Outcomes:
    """A third edited, a few new."""
    job.run()
    job.control.edit_people(range(1, 21), at=a_moment_ago(), job_title="Director of Delta")
    job.control.insert_people(5, at=a_moment_ago())
    return Outcomes(created=5, updated=20)


def contacts_without_links(job: Job) -> Outcomes:
    """All persons are in Quo, by a repository that was lost; some were edited since."""
    job.run()
    job.lose_repository()
    job.control.edit_people(range(1, 21), at=a_moment_ago(), job_title="Director of Lost and Found")
    return Outcomes(updated=20, unchanged=PERSONS - 20)


def contacts_made_long_ago(job: Job) -> Outcomes:
    """The same, for a run that may have to tell them from its own."""
    expected = contacts_without_links(job)
    time.sleep(CLOCK_MARGIN_SECONDS)
    return expected


def assert_outcomes(job: Job, expected: Outcomes) -> None:
    """As expected, but for the persons unchanged: a delta may meet more of them."""
    outcomes = assert_accounts_agree(job)
    assert (outcomes.created, outcomes.updated) == (expected.created, expected.updated)
    assert outcomes.unchanged >= expected.unchanged
    assert outcomes.lost == outcomes.skipped == 0
    for process in processes_counted(job):
        if process.state is ProcessState.COMPLETED:
            assert_everyone_counted_once(job, process)


def assert_everyone_counted_once(job: Job, process: Process) -> None:
    """Over a completed run and all that it continues, each person of its window has one outcome."""
    plan = process.plan
    assert plan is not None
    since = process.since.timestamp() if process.since else 0
    window = [p for p in people(job.control) if since <= p["updated"] < plan.until.timestamp()]
    chain = [p.id for p in job.processes() if p.root_id == process.root_id]
    totals = sum(job.repository.ledger.totals(chain).values(), LedgerTotals())
    assert totals.outcomes.total == len(window), f"{totals.outcomes} for {len(window)} persons"
