"""What there is before a run that is killed, and what must be there in the end."""

from __future__ import annotations

import time

from connectors.processes.model import Outcomes
from tests.e2e.driver import Job, a_moment_ago
from tests.e2e.truth import assert_accounts_agree

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
