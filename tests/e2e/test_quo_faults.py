"""A hostile Quo: every write takes effect exactly once, whatever becomes of its answer."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.processes.model import Outcomes, ProcessState
from tests.e2e.driver import Job, a_moment_ago
from tests.e2e.kills import contacts_without_links
from tests.e2e.truth import assert_accounts_agree, assert_in_step, assert_requests_counted, counted

Rule = dict[str, Any]
POST = {"dialect": "quo", "method": "POST"}
PATCH = {"dialect": "quo", "method": "PATCH"}
GET = {"dialect": "quo", "method": "GET"}

WRITES: dict[str, Rule] = {
    "500 before it took effect": {"kind": "status", "status": 500},
    "500 after it took effect": {"kind": "status", "status": 500, "when": "after"},
    "503 with Retry-After": {"kind": "status", "status": 503, "retry_after": 1, "times": 2},
    "429 with Retry-After": {"kind": "status", "status": 429, "retry_after": 1, "times": 2},
    "408 after it took effect": {"kind": "status", "status": 408, "when": "after"},
    "reset before": {"kind": "reset"},
    "reset after: the answer is lost": {"kind": "reset", "when": "after"},
    "JSON that stops half-way": {"kind": "truncated"},
    "connection closed amid the body": {"kind": "cut"},
    "HTML instead of the answer": {"kind": "html", "when": "after"},
}  # fmt: skip


@pytest.mark.parametrize("rule", WRITES.values(), ids=WRITES.keys())
def test_create_whose_answer_fails(job: Job, rule: Rule) -> None:
    job.control.fault(**POST, every=9, **rule)
    job.run()
    assert job.control.faults()[0]["struck"] >= 2
    assert_requests_counted(job)
    assert assert_accounts_agree(job) == Outcomes(created=60)
    assert_in_step(job)


@pytest.mark.parametrize("rule", WRITES.values(), ids=WRITES.keys())
def test_patch_whose_answer_fails(job: Job, rule: Rule) -> None:
    job.run()
    job.control.edit_people(range(1, 31), at=a_moment_ago(), job_title="Patched Through")
    job.count_from_here()
    job.control.fault(**PATCH, every=4, **rule)
    job.run()
    assert_requests_counted(job)
    assert assert_accounts_agree(job).updated == 30
    assert_in_step(job)


LOOK_UPS: dict[str, Rule] = {
    "500": {"kind": "status", "status": 500},
    "reset": {"kind": "reset"},
    "JSON that stops half-way": {"kind": "truncated"},
    "HTML": {"kind": "html"},
    "empty page with a token": {"kind": "empty_page"},
}


@pytest.mark.parametrize("rule", LOOK_UPS.values(), ids=LOOK_UPS.keys())
def test_look_ups_that_fail(job: Job, rule: Rule) -> None:
    expected = contacts_without_links(job)
    job.count_from_here()
    job.control.fault(**GET, every=2, **rule)
    job.run()
    assert job.control.faults()[0]["struck"] > 0
    assert assert_accounts_agree(job) == expected
    assert_in_step(job)


def test_contacts_that_quo_has_but_does_not_list_yet(job: Job) -> None:
    """Planning takes the source for empty; each create meets a 409 and finds its contact later."""
    made = {"defaultFields": {"firstName": "Made", "company": "Elsewhere"}, "source": "acme"}
    job.control.settings(list_lag_ms=2_000)
    for id in (3, 33):
        job.control.create_contact(externalId=f"person-{id}", **made)
    job.run()
    assert assert_accounts_agree(job) == Outcomes(created=58, updated=2)
    assert_in_step(job)


def test_answers_lost_while_the_list_lags(job: Job) -> None:
    job.control.settings(list_lag_ms=1_500)
    job.control.fault("reset", **POST, when="after", every=7)
    job.run()
    assert assert_accounts_agree(job) == Outcomes(created=60)
    assert_in_step(job)


def test_storm_of_429(job: Job) -> None:
    job.control.settings(quo_rate=25)
    job.run()
    assert job.control.stats()["throttled"]["quo"] > 0
    assert_requests_counted(job)
    assert assert_accounts_agree(job) == Outcomes(created=60)
    assert_in_step(job)


def test_young_key_is_waited_for(job: Job) -> None:
    job.control.settings(key_delay_seconds=4)
    job.run()
    assert assert_accounts_agree(job) == Outcomes(created=60)
    assert_in_step(job)


REFUSED: dict[str, tuple[int, str]] = {
    "key revoked": (401, "credentials are not valid"),
    "permission missing": (403, "permission"),
}


@pytest.mark.parametrize(("status", "word"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_amid_the_run_ends_it_and_the_next_one_does_the_rest(
    job: Job, status: int, word: str
) -> None:
    """What is under way then still takes effect: those persons are created once and counted."""
    job.control.settings(quo_latency_ms=5)
    job.control.fault("hold", **POST, nth=30)
    run = job.start()
    job.control.wait_for_hold()
    job.control.clear_faults()
    job.control.fault("status", status=status, dialect="quo")
    job.control.release()
    assert run.wait() == 1
    assert job.newest().state is ProcessState.ERROR
    assert word in job.reason()
    before = counted(job.control, "acme").created
    assert 0 < before < 60
    job.control.clear_faults()
    job.run()
    assert assert_accounts_agree(job) == Outcomes(created=60)
    assert_in_step(job)


def test_person_that_quo_refuses_is_a_dead_letter_until_retried(job: Job) -> None:
    job.control.fault("status", status=400, body='"person-17"', **POST)
    job.run()
    assert assert_accounts_agree(job) == Outcomes(created=59, rejected=1)
    (letter,) = job.repository.dead_letters.of_process(job.newest().id)
    assert (letter.external_id, letter.person_id) == ("person-17", "17")
    assert_in_step(job, absent=["person-17"])

    job.count_from_here()
    job.control.edit_people([17], at=a_moment_ago(), job_title="Quite Acceptable")
    job.run(job.newest().id, command="retry")
    assert assert_accounts_agree(job) == Outcomes(created=1)
    assert_in_step(job)
