"""A hostile CRM: what it breaks once is not noticed, what it breaks for good costs one page."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.processes.model import Outcomes, ProcessState
from tests.e2e.driver import Job
from tests.e2e.truth import assert_accounts_agree, assert_in_step, assert_requests_counted

Rule = dict[str, Any]
PAGE = {"dialect": "pipedrive", "path": "/persons$", "query": "limit=25(&|$)"}
"""The requests that read a page; planning asks for samples of another size."""

ONCE: dict[str, Rule] = {
    "500": {"kind": "status", "status": 500, "nth": 2},
    "503, twice": {"kind": "status", "status": 503, "first": 2},
    "429 with Retry-After in seconds": {
        "kind": "status", "status": 429, "retry_after": 1, "nth": 1,
    },
    "429 with Retry-After as a date": {
        "kind": "status", "status": 429, "retry_after": 1, "retry_after_form": "date", "nth": 2,
    },
    "408": {"kind": "status", "status": 408, "nth": 3},
    "connection reset": {"kind": "reset", "first": 2},
    "JSON that stops half-way": {"kind": "truncated", "nth": 2},
    "connection closed amid the body": {"kind": "cut", "nth": 2},
    "HTML with 200": {"kind": "html", "nth": 1},
    "HTML with 502": {"kind": "html", "status": 502, "nth": 1},
    "slow answer": {"kind": "hang", "seconds": 2, "nth": 2},
    "empty page with a next cursor": {"kind": "empty_page", "nth": 2},
    "person on two pages": {"kind": "duplicate", "nth": 2},
}  # fmt: skip


@pytest.mark.parametrize("rule", ONCE.values(), ids=ONCE.keys())
def test_broken_once_is_not_noticed(job: Job, rule: Rule) -> None:
    job.control.fault(**PAGE, **rule)
    job.run()
    assert job.control.faults()[0]["struck"] > 0
    assert_requests_counted(job)
    repeated = int(rule["kind"] == "duplicate")
    assert assert_accounts_agree(job) == Outcomes(created=60, unchanged=repeated)
    assert_in_step(job)


PLANNING: dict[str, Rule] = {
    "500": {"kind": "status", "status": 500, "nth": 1},
    "reset": {"kind": "reset", "nth": 1},
    "HTML": {"kind": "html", "nth": 1},
}


@pytest.mark.parametrize("rule", PLANNING.values(), ids=PLANNING.keys())
def test_planning_broken_once_is_not_noticed(job: Job, rule: Rule) -> None:
    job.control.fault(dialect="pipedrive", path="/persons$", query="limit=100(&|$)", **rule)
    job.run()
    assert job.control.faults()[0]["struck"] == 1
    assert assert_accounts_agree(job) == Outcomes(created=60)
    assert_in_step(job)


FOR_GOOD: dict[str, tuple[Rule, str]] = {
    "400": ({"kind": "status", "status": 400, "query": "limit=25&.*cursor="}, ""),
    "404": ({"kind": "status", "status": 404}, ""),
    "cursor refused each time": ({"kind": "cursor_refused"}, ""),
    "cursor repeats": ({"kind": "cursor_repeats"}, "cursor"),
    "100 MB body": ({"kind": "big", "megabytes": 100}, ""),
}


@pytest.mark.parametrize(("rule", "word"), FOR_GOOD.values(), ids=FOR_GOOD.keys())
def test_broken_for_good_ends_with_an_error_and_the_next_run_does_the_rest(
    job: Job, rule: Rule, word: str
) -> None:
    job.control.fault(**(PAGE | rule))
    job.run(expect=1)
    assert job.newest().state is ProcessState.ERROR
    errors = job.report()["results"]["aggregateData"]["errors"]
    assert [error["externalId"] for error in errors] == [None], errors
    assert word in errors[0]["message"]
    job.control.clear_faults()
    job.run()
    outcomes = assert_accounts_agree(job)
    assert (outcomes.created, outcomes.updated, outcomes.lost) == (60, 0, 0)
    assert_in_step(job)


def test_expired_cursor_restarts_its_range_and_counts_nobody_twice(job: Job) -> None:
    job.control.fault("cursor_refused", dialect="pipedrive", path="/persons$", nth=2)
    job.run()
    outcomes = assert_accounts_agree(job)
    assert (outcomes.created, outcomes.updated) == (60, 0)
    assert_in_step(job)


def test_persons_inserted_between_pages_are_met_by_the_next_delta(job: Job) -> None:
    job.control.fault("insert", count=4, nth=2, **PAGE)
    job.run()
    assert assert_accounts_agree(job) == Outcomes(created=60)
    job.control.clear_faults()
    job.count_from_here()
    job.run_until_in_step()
    assert assert_accounts_agree(job).created == 4
    assert_in_step(job)


REFUSED: dict[str, tuple[int, str]] = {
    "token not valid": (401, "credentials are not valid"),
    "permission missing": (403, "permission"),
}


@pytest.mark.parametrize(("status", "word"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_amid_the_run_ends_it_and_the_next_one_does_the_rest(
    job: Job, status: int, word: str
) -> None:
    job.control.fault("status", status=status, **(PAGE | {"query": "limit=25&.*cursor="}))
    job.run(expect=1)
    assert job.newest().state is ProcessState.ERROR
    assert word in job.reason()
    job.control.clear_faults()
    job.run()
    outcomes = assert_accounts_agree(job)
    assert (outcomes.created, outcomes.updated) == (60, 0)
    assert_in_step(job)
