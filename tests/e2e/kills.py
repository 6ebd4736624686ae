"""What there is before a run that is killed, and what must be there in the end."""

from __future__ import annotations

import time

from connectors.processes.model import Outcomes
from tests.e2e.driver import Job, a_moment_ago
from tests.e2e.truth import assert_accounts_agree

PERSONS = 60
CLOCK_MARGIN_SECONDS = 3.0
"""Contacts made longer than this before a run are told from its own (rules §3.3: 2 s)."""


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
    time.sleep(CLOCK_MARGIN_SECONDS)
    job.lose_repository()
    job.control.edit_people(range(1, 21), at=a_moment_ago(), job_title="Director of Lost and Found")
    return Outcomes(updated=20, unchanged=PERSONS - 20)


def assert_outcomes(job: Job, expected: Outcomes) -> None:
    """As expected, but for the persons unchanged: a delta may meet more of them."""
    outcomes = assert_accounts_agree(job)
    assert (outcomes.created, outcomes.updated) == (expected.created, expected.updated)
    assert outcomes.unchanged >= expected.unchanged
    assert outcomes.lost == outcomes.skipped == 0
