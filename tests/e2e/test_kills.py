"""Kills: wherever SIGKILL strikes, rerunning leaves what one undisturbed run would have left."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from connectors.processes.model import LedgerTotals, Outcomes, ProcessState
from tests.e2e.driver import Job, Run, integration, wait_until
from tests.e2e.kills import (
    PERSONS,
    a_delta,
    assert_everyone_counted_once,
    assert_outcomes,
    contacts_made_long_ago,
    nothing,
)
from tests.e2e.truth import assert_accounts_agree, assert_in_step

Rule = dict[str, Any]


def create(nth: int, when: str = "after") -> Rule:
    return {"dialect": "quo", "method": "POST", "nth": nth, "when": when}


def patch(nth: int, when: str = "after") -> Rule:
    return {"dialect": "quo", "method": "PATCH", "nth": nth, "when": when}


def look_up(nth: int, when: str = "before") -> Rule:
    return {"dialect": "quo", "method": "GET", "query": "externalIds", "nth": nth, "when": when}


def list_persons(nth: int, when: str = "before") -> Rule:
    return {"dialect": "pipedrive", "path": "/persons$", "nth": nth, "when": when}


SOURCE_EMPTY = {"dialect": "quo", "method": "GET", "query": "maxResults=1&|maxResults=1$"}


@dataclass(frozen=True)
class Aim:
    """Kill at the requests held by these rules, one run after the other.

    `late`: what was held takes effect only after the next run has begun to be held or has ended.
    """

    before: Callable[[Job], Outcomes]
    rules: tuple[Rule, ...] = field(default_factory=tuple)
    late: bool = False


AIMS = {
    "planning asks whether Quo knows the source": Aim(nothing, (SOURCE_EMPTY,)),
    "planning reads the first persons": Aim(nothing, (list_persons(1),)),
    "planning has its answer": Aim(nothing, (list_persons(1, "after"),)),
    "reading the first page": Aim(nothing, (list_persons(2),)),
    "reading the last page": Aim(nothing, (list_persons(4, "after"),)),
    "first create, not yet done": Aim(nothing, (create(1, "before"),)),
    "first create, answer lost": Aim(nothing, (create(1),)),
    "last create of a page, answer lost": Aim(nothing, (create(25),)),
    "first create of the second page": Aim(nothing, (create(26),)),
    "last create of all, answer lost": Aim(nothing, (create(60),)),
    "create that arrives after the next run": Aim(nothing, (create(30, "before"),), late=True),
    "twice in a row, each amid a page": Aim(nothing, (create(10), create(10))),
    "twice on the look-up of the page in doubt": Aim(nothing, (create(20), look_up(1), look_up(2))),
    "planning, then a create, then a page": Aim(
        nothing, (list_persons(2), create(30), list_persons(2))
    ),
    "delta: first patch, answer lost": Aim(a_delta, (patch(1),)),
    "delta: first patch, not yet done": Aim(a_delta, (patch(1, "before"),)),
    "delta: a patch that arrives late": Aim(a_delta, (patch(7, "before"),), late=True),
    "delta: look-up before patches": Aim(a_delta, (look_up(1),)),
    "delta: create of a new person": Aim(a_delta, (create(2),)),
    "delta: twice": Aim(a_delta, (patch(12), look_up(1))),
    "found: look-up": Aim(contacts_made_long_ago, (look_up(2, "after"),)),
    "found: first patch": Aim(contacts_made_long_ago, (patch(1),)),
    "found: twice": Aim(contacts_made_long_ago, (patch(5), look_up(2))),
}


@pytest.mark.parametrize("aim", AIMS.values(), ids=AIMS.keys())
def test_killed_while_a_request_is_under_way(job: Job, aim: Aim) -> None:
    expected = aim.before(job)
    job.count_from_here()
    for rule in aim.rules:
        killed_at(job, rule, late=aim.late)
    job.run_until_done()
    job.control.release()
    assert_in_step(job)
    assert_outcomes(job, expected)


def killed_at(job: Job, rule: Rule, *, late: bool = False, beam: Sequence[str] = ()) -> Run:
    """Start, kill when the request comes, and let it take effect (unless later)."""
    job.control.fault("hold", **rule)
    run = job.start(beam=beam)
    job.control.wait_for_hold()
    run.kill()
    job.control.clear_faults()
    if not late:
        job.control.release()
    return run


@pytest.mark.parametrize("seed", range(8))
def test_killed_at_random(job: Job, seed: int) -> None:
    chance = random.Random(seed)
    expected = chance.choice([nothing, a_delta, contacts_made_long_ago])(job)
    job.count_from_here()
    job.control.settings(quo_latency_ms=3, crm_latency_ms=3)
    for _ in range(chance.randint(1, 3)):
        kill_after_requests(job, chance.randint(1, 60))
    job.run_until_done()
    assert_in_step(job)
    assert_outcomes(job, expected)


@pytest.mark.parametrize("seed", range(4))
def test_odd_people_and_a_hostile_quo_killed_at_random(job: Job, seed: int) -> None:
    """Everything at once: lost answers, refused persons, people without phones, kills."""
    chance = random.Random(seed)
    job.control.reset(persons=150, seed=seed, spice=True, without_phone_share=0.1)
    job.control.settings(quo_latency_ms=3, crm_latency_ms=3)
    job.control.fault("status", status=400, body='"person-[0-9]*7"', dialect="quo", method="POST")
    job.control.fault("reset", when="after", probability=0.05, dialect="quo", method="POST")
    job.control.fault("truncated", probability=0.1, dialect="pipedrive", seed=seed)
    for _ in range(3):
        kill_after_requests(job, chance.randint(20, 60))
    job.run_until_done()
    outcomes = assert_accounts_agree(job)
    assert outcomes.rejected > 0
    for process in job.processes():
        if process.state is ProcessState.COMPLETED:
            assert_everyone_counted_once(job, process)
    letters = (job.repository.dead_letters.of_process(p.id) for p in job.processes())
    assert_in_step(job, absent={letter.external_id for some in letters for letter in some})


@pytest.mark.parametrize("seed", range(6))
def test_killed_at_a_random_time(job: Job, seed: int) -> None:
    """Start-up and the making of the schema included."""
    chance = random.Random(seed)
    job.control.settings(quo_latency_ms=10, crm_latency_ms=10)
    for _ in range(4):
        run = job.start()
        time.sleep(chance.uniform(0.02, 0.6))
        run.kill()
    job.run_until_done()
    assert_in_step(job)
    assert_outcomes(job, Outcomes(created=PERSONS))


def kill_after_requests(job: Job, count: int) -> None:
    """Kill once so many more requests have come in; a run that ends before is left alone."""
    control = job.control
    until = sum(control.stats()["totals"].values()) + count
    run = job.start()
    wait_until(
        lambda: sum(control.stats()["totals"].values()) >= until or not run.alive, "requests"
    )
    run.kill()


ONE_BY_ONE = ("--direct_num_workers=1",)
"""One range after the other."""
TOGETHER = ("--direct_num_workers=4",)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("beam", [ONE_BY_ONE, TOGETHER], ids=["one by one", "together"])
def test_resuming_several_ranges_costs_at_most_one_percent(job: Job, beam: tuple[str, ...]) -> None:
    """Killed amid pages: what was in doubt is looked up, nothing is read or sent again."""
    persons, places = 2_000, (700, 700, 300)
    job.control.reset(persons=persons)
    job.configure(integration(job.sandbox, page_size=100))
    for nth in places:
        killed_at(job, create(nth), beam=beam)
    closed = sum(totals.ranges_closed for totals in totals_of_each(job))
    assert closed > 0
    job.run_until_done(beam=beam)
    assert_in_step(job)
    assert_outcomes(job, Outcomes(created=persons))
    planning = 1
    requests = job.control.stats()["totals"]["quo"] - planning
    assert requests <= persons * (1 + 0.01 * len(places))


def totals_of_each(job: Job) -> Iterable[LedgerTotals]:
    return job.repository.ledger.totals([process.id for process in job.processes()]).values()
