"""What a successor inherits of its plan, whatever its predecessors left behind."""

from __future__ import annotations

import pytest

from connectors.errors import NotFound
from connectors.processes.lineage import ancestors, carry_over, require_process
from connectors.processes.model import Process, ProcessState, RangeStanding, RangeState
from connectors.repository.repository import Repository
from tests.connectors.processes.samples import (
    a_failed_page,
    a_page,
    a_plan,
    a_process,
    a_running_process,
)

_ENDED = {"state": ProcessState.ERROR}


def successor_of(predecessor: Process, repository: Repository) -> Process:
    process = a_process(
        plan=predecessor.plan, predecessor_id=predecessor.id, active_key=predecessor.id + "+"
    )
    repository.processes.create(process)
    return process


def test_closed_ranges_are_not_done_again(repository: Repository) -> None:
    first = a_running_process(repository, "a", "b", "c", **_ENDED)
    repository.ledger.set_range_state(first.id, "b", RangeState.CLOSED)
    todo = carry_over(repository, successor_of(first, repository))
    assert [standing.range_id for standing in todo] == ["a", "c"]


def test_half_read_range_is_handed_on_with_cursor_pages_and_open_mark(
    repository: Repository,
) -> None:
    first = a_running_process(repository, "a", **_ENDED)
    repository.ledger.record(a_page(first, "a", 1, next_cursor="one"))
    repository.ledger.record(a_page(first, "a", 2, next_cursor="two"))
    repository.ledger.mark_open(first.id, "a", 3)
    repository.ledger.mark_restarted(first.id, "a")
    assert carry_over(repository, successor_of(first, repository)) == [
        RangeStanding("a", {"id": "a"}, next_page=3, cursor="two", opened=3, restarted=True)
    ]


def test_failed_range_is_open_again_at_its_failed_page(repository: Repository) -> None:
    first = a_running_process(repository, "a", **_ENDED)
    repository.ledger.record(a_page(first, "a", 1, next_cursor="one"))
    repository.ledger.record(a_failed_page(first, "a", 2))
    repository.ledger.set_range_state(first.id, "a", RangeState.FAILED)
    todo = carry_over(repository, successor_of(first, repository))
    assert todo == [RangeStanding("a", {"id": "a"}, next_page=2, cursor="one")]


def test_range_read_to_its_end_but_not_closed_is_not_done_again(repository: Repository) -> None:
    first = a_running_process(repository, "a", "b", **_ENDED)
    repository.ledger.record(a_page(first, "a", 1))
    todo = carry_over(repository, successor_of(first, repository))
    assert [standing.range_id for standing in todo] == ["b"]


def test_row_missing_in_a_killed_successor_is_found_in_its_predecessor(
    repository: Repository,
) -> None:
    first = a_running_process(repository, "a", "b", "c", **_ENDED)
    repository.ledger.set_range_state(first.id, "a", RangeState.CLOSED)
    repository.ledger.record(a_page(first, "b", 1, next_cursor="first-b"))
    repository.ledger.record(a_page(first, "c", 1, next_cursor="first-c"))
    second = successor_of(first, repository)
    repository.ledger.insert_ranges(second.id, carry_over(repository, second)[:1])
    repository.ledger.record(a_page(second, "b", 2, next_cursor="second-b"))
    todo = carry_over(repository, successor_of(second, repository))
    assert [(standing.range_id, standing.next_page, standing.cursor) for standing in todo] == [
        ("b", 3, "second-b"),
        ("c", 2, "first-c"),
    ]


def test_range_without_any_row_starts_anew(repository: Repository) -> None:
    first = a_process(plan=a_plan("a"), **_ENDED)
    repository.processes.create(first)
    (standing,) = carry_over(repository, successor_of(first, repository))
    assert standing == RangeStanding("a", {"id": "a", "kind": "WINDOWS"})


def test_process_without_a_plan_has_nothing_to_carry_over(repository: Repository) -> None:
    assert carry_over(repository, a_process(predecessor_id="gone")) == []


def test_ancestors_are_named_newest_first(repository: Repository) -> None:
    first = a_running_process(repository, **_ENDED)
    second = successor_of(first, repository)
    third = successor_of(second, repository)
    assert ancestors(repository, third) == [second.id, first.id]
    assert ancestors(repository, first) == []


def test_pruned_ancestor_ends_the_chain(repository: Repository) -> None:
    first = a_running_process(repository, **_ENDED)
    second = successor_of(first, repository)
    repository.processes.delete_by_id(first.id)
    assert ancestors(repository, second) == [first.id]
    with pytest.raises(NotFound):
        require_process(repository, first.id)
