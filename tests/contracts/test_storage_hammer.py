"""Nothing is lost or doubled when 16 OS processes write to one storage at the same moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from connectors.repository.adapter import Adapter
from tests.contracts import hammer as work
from tests.contracts.hammer import PROCESSES, RECORDS, ROUNDS, STEPS, Hammer
from tests.contracts.samples import CARDS, METERS, card


@pytest.fixture(scope="module")
def hammer() -> Iterator[Hammer]:
    with work.hammer() as hammer:
        yield hammer


def test_page_recorded_twice_counts_once(
    hammer: Hammer, storage: Adapter, repository_url: str
) -> None:
    hammer(work.record_pages, repository_url)
    assert storage.totals(CARDS, {}, group_by=("order",)) == {
        ("done",): {"count": RECORDS, "weight": sum(range(RECORDS))}
    }
    written = sum(record["version"] for record in storage.find(CARDS, {}))
    assert written == RECORDS + RECORDS // 10


def test_one_of_racing_creators_of_an_active_key_wins(
    hammer: Hammer, storage: Adapter, repository_url: str
) -> None:
    won = hammer(work.create_active, repository_url)
    assert [sum(in_round) for in_round in zip(*won, strict=True)] == [1] * ROUNDS
    assert storage.totals(CARDS, {})[()]["count"] == ROUNDS


def test_every_slot_is_given_once(hammer: Hammer, storage: Adapter, repository_url: str) -> None:
    slots = [slot for taken in hammer(work.take_slots, repository_url) for slot in taken]
    befores = sorted(slot.before for slot in slots)
    assert len(befores) == PROCESSES * STEPS
    assert all(later - earlier >= 1000 for earlier, later in pairwise(befores))
    assert storage.find(METERS, {})[0]["value"] == befores[-1] + 1000


def test_counter_misses_nothing(hammer: Hammer, storage: Adapter, repository_url: str) -> None:
    befores = [before for counted in hammer(work.count, repository_url) for before in counted]
    assert sorted(befores) == list(range(0, 3 * PROCESSES * STEPS, 3))
    assert storage.find(METERS, {})[0]["version"] == PROCESSES * STEPS


@pytest.mark.parametrize(
    "compare_and_set", [work.compare_and_set_columns, work.compare_and_set_body]
)
def test_one_of_racing_changes_wins(
    hammer: Hammer,
    storage: Adapter,
    repository_url: str,
    compare_and_set: Callable[[str, int], list[bool]],
) -> None:
    storage.insert(CARDS, [card(step, box="rounds", order="none") for step in range(ROUNDS)])
    won = hammer(compare_and_set, repository_url)
    assert [sum(in_round) for in_round in zip(*won, strict=True)] == [1] * ROUNDS
    for step, in_round in enumerate(zip(*won, strict=True)):
        (stored,) = storage.find(CARDS, {"number": step})
        winner = in_round.index(True)
        assert stored["order"] == str(winner) or stored["plan"] == {"by": winner}


def test_changes_of_different_body_fields_all_stay(
    hammer: Hammer, storage: Adapter, repository_url: str
) -> None:
    storage.insert(CARDS, [card(0)])
    hammer(work.note_own_field, repository_url)
    (stored,) = storage.find(CARDS, {})
    assert [stored[f"note {number}"] for number in range(PROCESSES)] == [4] * PROCESSES
    assert stored["version"] == 1 + 5 * PROCESSES


def test_one_put_over_each_version_wins(
    hammer: Hammer, storage: Adapter, repository_url: str
) -> None:
    storage.insert(CARDS, [card(number) for number in range(5)])
    puts = Counter(put for won in hammer(work.put_over_read, repository_url) for put in won)
    versions = {record["number"]: record["version"] for record in storage.find(CARDS, {})}
    assert puts == Counter(
        {(number, read): 1 for number, last in versions.items() for read in range(1, last)}
    )


def test_racing_launchers_all_find_the_schema(hammer: Hammer, repository_url: str) -> None:
    assert any(hammer(work.create_schema, repository_url))
