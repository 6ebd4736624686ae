"""Budgets: one slot after another for everyone who shares a key, and daily quotas that park."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest

from connectors.clock import parse_time, utc_now
from connectors.crm.model import BudgetSpec
from connectors.errors import Parked, ProcessEnded
from connectors.processes.model import ACTIVE, FINISHED, ProcessState
from connectors.repository.budgets import (
    PACE,
    Budgets,
    Gate,
    Liveness,
    ProcessPermits,
    key_hash,
)
from connectors.repository.factory import open_storage
from connectors.repository.repository import Repository
from tests.connectors.processes.samples import a_process

MINUTE = 60_000_000
"""Microseconds; an interval beside which the time that a test takes is nothing."""
SLACK = 20.0
"""Seconds that a test may take without being wrong about minutes."""

FAST = BudgetSpec("requests", limit=100_000, per_seconds=1, source="a test")
DAILY = BudgetSpec("daily", limit=100, per_seconds=86_400, source="a test", daily=True)


def permits(
    repository: Repository,
    *specs: BudgetSpec,
    key: str = "key-1",
    liveness: Liveness | None = None,
) -> ProcessPermits:
    return ProcessPermits(repository.budgets, key, specs, Gate(), liveness)


# -- slots --------------------------------------------------------------------------------------


def test_first_slot_is_now_and_the_next_ones_are_an_interval_apart(
    repository: Repository,
) -> None:
    waits = [repository.budgets.take_slot("key-1", MINUTE) for _ in range(4)]
    assert waits[0] == 0
    for place, wait in enumerate(waits):
        assert 60 * place - SLACK < wait <= 60 * place


def test_slots_of_another_key_are_free(repository: Repository) -> None:
    repository.budgets.take_slot("key-1", MINUTE)
    assert repository.budgets.take_slot("key-2", MINUTE) == 0


def test_unused_time_gives_no_burst(repository: Repository) -> None:
    """A slot long past is worth one request, not all that could have been sent since."""
    repository.budgets.take_slot("key-1", 1)
    waits = [repository.budgets.take_slot("key-1", MINUTE) for _ in range(3)]
    assert waits[0] == 0
    assert waits[1] > 60 - SLACK
    assert waits[2] > 120 - SLACK


def test_slots_are_shared_by_everyone_who_opens_the_repository(
    repository: Repository, database_url: str
) -> None:
    with closing(open_storage(database_url)) as second, ThreadPoolExecutor(8) as pool:
        takers = [repository.budgets, Budgets(second)] * 20
        waits = sorted(pool.map(lambda taker: taker.take_slot("key-1", MINUTE), takers))
    for place, wait in enumerate(waits):
        assert 60 * place - SLACK < wait <= 60 * place


def test_pushed_back_key_has_no_slot_before(repository: Repository) -> None:
    repository.budgets.push_back("key-1", 600)
    waits = [repository.budgets.take_slot("key-1", MINUTE) for _ in range(2)]
    assert 600 - SLACK < waits[0] <= 600
    assert 660 - SLACK < waits[1] <= 660


def test_push_back_never_brings_a_slot_forward(repository: Repository) -> None:
    repository.budgets.take_slot("key-1", 20 * MINUTE)
    repository.budgets.push_back("key-1", 60)
    assert repository.budgets.take_slot("key-1", MINUTE) > 1_200 - SLACK


# -- daily quotas -------------------------------------------------------------------------------


def test_spent_units_are_counted_exactly_once_by_many(repository: Repository) -> None:
    with ThreadPoolExecutor(8) as pool:
        before = sorted(pool.map(lambda _: repository.budgets.spend("key-1", 3), range(100)))
    assert before == list(range(0, 300, 3))


def test_daily_quota_nearly_spent_parks_until_tomorrow(repository: Repository) -> None:
    budget = permits(repository, DAILY)
    for _ in range(97):
        budget.take({})
    with pytest.raises(Parked) as parked:
        budget.take({})
    until = parse_time(parked.value.until)
    assert (until.hour, until.minute, until.second) == (0, 0, 0)
    assert timedelta() < until - utc_now() <= timedelta(days=1)
    permits(repository, DAILY, key="key-2").take({})


def test_request_costs_what_it_says(repository: Repository) -> None:
    budget = permits(repository, DAILY)
    budget.take({"daily": 90})
    budget.take({"daily": 0})
    budget.take({"daily": 7})
    with pytest.raises(Parked):
        budget.take({"daily": 1})


# -- permits ------------------------------------------------------------------------------------


def test_permit_takes_a_slot_of_every_paced_budget(repository: Repository) -> None:
    per_minute = BudgetSpec("minute", limit=1, per_seconds=60, source="a test")
    permits(repository, FAST, per_minute).take({"minute": 1})
    wait = repository.budgets.take_slot("key-1/minute", MINUTE)
    assert 60 / PACE - SLACK < wait <= 60 / PACE


def test_free_request_takes_no_slot(repository: Repository) -> None:
    per_minute = BudgetSpec("minute", limit=1, per_seconds=60, source="a test")
    permits(repository, FAST, per_minute).take({"minute": 0})
    assert repository.budgets.take_slot("key-1/minute", MINUTE) == 0


def test_budget_pushed_back_by_one_holds_everyone(repository: Repository) -> None:
    permits(repository, FAST).push_back(600)
    assert repository.budgets.take_slot("key-1/requests", MINUTE) > 600 - SLACK


@pytest.mark.parametrize("state", ProcessState)
def test_only_an_active_process_has_a_permit(repository: Repository, state: ProcessState) -> None:
    process = a_process(state=state)
    repository.processes.create(process)
    liveness = Liveness(process.id, repository.processes.state_of)
    budget = permits(repository, FAST, DAILY, liveness=liveness)
    if state in ACTIVE:
        budget.take({})
    else:
        assert state in FINISHED
        with pytest.raises(ProcessEnded, match=state):
            budget.take({})
        assert repository.budgets.spend(f"key-1/daily/{utc_now().date()}", 1) == 0


def test_process_that_was_deleted_has_no_permit(repository: Repository) -> None:
    liveness = Liveness("nobody", repository.processes.state_of)
    with pytest.raises(ProcessEnded, match="deleted"):
        permits(repository, FAST, liveness=liveness).take({})


def test_pause_ends_with_its_process(repository: Repository) -> None:
    process = a_process()
    repository.processes.create(process)
    liveness = Liveness(process.id, repository.processes.state_of)
    liveness.require_active()
    repository.processes.transition(process.id, ProcessState.CANCELLED, sources=ACTIVE)
    with pytest.raises(ProcessEnded):
        permits(repository, liveness=liveness).pause(600)


def test_key_is_named_by_a_hash() -> None:
    assert "secret" not in key_hash("a-secret-key")
    assert key_hash("a-secret-key") == key_hash("a-secret-key") != key_hash("another")
