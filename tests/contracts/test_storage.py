"""What every storage promises, against real servers."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Any

import pytest

from connectors.errors import RepositoryError
from connectors.repository.adapter import Adapter
from connectors.repository.storage import In, Record, Span
from tests.contracts.samples import CARDS, METERS, card


def read(storage: Adapter, number: int, box: str = "a") -> Record | None:
    found = storage.find(CARDS, {"box": box, "number": number})
    return found[0] if found else None


def numbers(storage: Adapter, where: dict[str, Any], **options: Any) -> list[int]:
    return [record["number"] for record in storage.find(CARDS, where, **options)]


class Order(StrEnum):
    FIRST = "first"


# -- records ------------------------------------------------------------------------------------

HOSTILE = {
    "dots": {"a.b": {"$set": 1, "": None}},
    "nul": "before\0after",
    "surrogate": "\ud83d",
    "wide": "naïve 日本 🙂",
    "quotes": 'it\'s "quoted" \\ %s %(x)s ? :name $1',
    "big": 2**70,
    "real": 0.1,
    "yes": True,
    "list": [1, "2", None, [], {}],
    "empty": "",
    "body": "a field of this name",
    "_id": "and this one",
}


def test_record_comes_back_as_it_was_put(storage: Adapter) -> None:
    record = card(2**40, order="x' OR 1=1 --", at=-1, weight=None) | HOSTILE
    storage.put(CARDS, [record])
    assert storage.find(CARDS, {}) == [record | {"version": 1}]


def test_plain_values_come_back_from_columns(storage: Adapter) -> None:
    storage.insert(CARDS, [card(1, order=Order.FIRST, at=2**40)])
    (found,) = storage.find(CARDS, {"order": Order.FIRST})
    assert {name: type(value) for name, value in found.items()} == {
        "box": str,
        "number": int,
        "order": str,
        "at": int,
        "weight": type(None),
        "holder": str,
        "version": int,
    }
    assert numbers(storage, {"order": In([Order.FIRST])}) == [1]


def test_columns_only_leaves_the_body_behind(storage: Adapter) -> None:
    storage.put(CARDS, [card(1, extra="body")])
    (found,) = storage.find(CARDS, {}, columns_only=True)
    assert set(found) == {*CARDS.columns, "version"}


def test_records_keep_their_own_bodies_beside_records_without(storage: Adapter) -> None:
    storage.put(CARDS, [card(n, **({"note": n} if n % 2 else {})) for n in range(6)])
    found = storage.find(CARDS, {}, order=("number",))
    assert [record.get("note") for record in found] == [None, 1, None, 3, None, 5]


def test_nothing_is_written_or_found_for_no_records(storage: Adapter) -> None:
    assert storage.insert(CARDS, []) == []
    assert storage.put(CARDS, []) == []
    assert storage.put(CARDS, [], over_read=True) == []
    assert storage.find(CARDS, {}) == []


# -- insert -------------------------------------------------------------------------------------


def test_insert_leaves_taken_keys_alone_and_names_them(storage: Adapter) -> None:
    storage.insert(CARDS, [card(n, note="first") for n in range(3)])
    refused = storage.insert(CARDS, [card(n, note="second") for n in range(250)])
    assert refused == [("a", 0), ("a", 1), ("a", 2)]
    assert storage.totals(CARDS, {})[()]["count"] == 250
    assert [read(storage, n)["note"] for n in (0, 2, 3, 249)] == [  # type: ignore[index]
        "first",
        "first",
        "second",
        "second",
    ]


def test_insert_names_a_record_whose_unique_value_is_taken(storage: Adapter) -> None:
    storage.insert(CARDS, [card(1, holder="x")])
    assert storage.insert(CARDS, [card(2, holder="x"), card(3)]) == [("a", 2)]
    assert numbers(storage, {}, order=("number",)) == [1, 3]


def test_insert_takes_the_first_of_records_with_one_key(storage: Adapter) -> None:
    assert storage.insert(CARDS, [card(1, note="a"), card(1, note="b")]) == [("a", 1)]
    assert read(storage, 1)["note"] == "a"  # type: ignore[index]


# -- put ----------------------------------------------------------------------------------------


def test_put_replaces_the_whole_record_and_counts_versions(storage: Adapter) -> None:
    storage.put(CARDS, [card(1, order="x", note="old", other=1)])
    storage.put(CARDS, [card(1, note="new", version=77)])
    expected = card(1, order=None, at=None, weight=None, note="new", version=2)
    assert read(storage, 1) == expected


def test_put_takes_the_last_of_records_with_one_key(storage: Adapter) -> None:
    storage.put(CARDS, [card(1, note="a"), card(1, note="b")])
    assert read(storage, 1)["note"] == "b"  # type: ignore[index]


def test_put_refuses_a_unique_value_of_another_record(storage: Adapter) -> None:
    storage.put(CARDS, [card(1, holder="x"), card(2)])
    with pytest.raises(RepositoryError, match="holder") as caught:
        storage.put(CARDS, [card(2, holder="x")])
    assert caught.value.code == "taken"


def test_put_over_read_writes_new_and_read_records(storage: Adapter) -> None:
    storage.put(CARDS, [card(n) for n in range(150)])
    records = storage.find(CARDS, {}) + [card(n) for n in range(150, 300)]
    assert storage.put(CARDS, [r | {"note": "x"} for r in records], over_read=True) == []
    found = storage.find(CARDS, {}, order=("number",))
    assert [(r["version"], r["note"]) for r in found] == [(2, "x")] * 150 + [(1, "x")] * 150


def test_put_over_read_names_what_changed_since_and_writes_the_rest(storage: Adapter) -> None:
    storage.put(CARDS, [card(n) for n in range(600)])
    records = storage.find(CARDS, {}, order=("number",))
    storage.put(CARDS, [card(3, note="theirs"), card(590, note="theirs")])
    storage.delete(CARDS, {"number": 7})
    ours = [record | {"note": "ours"} for record in records]
    refused = storage.put(CARDS, [*ours, card(3), card(700, note="ours")], over_read=True)
    assert sorted(set(refused)) == [("a", 3), ("a", 7), ("a", 590)]
    by_note: dict[str, list[int]] = {}
    for record in storage.find(CARDS, {}):
        by_note.setdefault(record["note"], []).append(record["number"])
    assert sorted(by_note["theirs"]) == [3, 590]
    assert sorted(by_note["ours"]) == sorted({*range(600), 700} - {3, 7, 590})


def test_put_over_read_takes_the_first_of_records_with_one_key(storage: Adapter) -> None:
    pair = [card(1, note="a"), card(1, note="b")]
    assert storage.put(CARDS, pair, over_read=True) == [("a", 1)]
    assert read(storage, 1)["note"] == "a"  # type: ignore[index]


def test_put_over_read_refuses_a_unique_value_of_another_record(storage: Adapter) -> None:
    storage.put(CARDS, [card(1, holder="x"), card(2)])
    with pytest.raises(RepositoryError) as caught:
        storage.put(CARDS, [card(2, holder="x", version=1)], over_read=True)
    assert caught.value.code == "taken"
    assert storage.put(CARDS, [card(3, holder="x")], over_read=True) == [("a", 3)]


# -- find ---------------------------------------------------------------------------------------


@pytest.fixture
def shelf(storage: Adapter) -> Adapter:
    orders = [None, "Z", "a", "é", "b", None]
    storage.put(CARDS, [card(n, order=order, at=n * 10) for n, order in enumerate(orders)])
    storage.put(CARDS, [card(0, box="other")])
    return storage


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        pytest.param({"number": 2}, [2], id="equal"),
        pytest.param({"order": None}, [0, 5], id="null"),
        pytest.param({"order": In(["a", "b", "zz"])}, [2, 4], id="in"),
        pytest.param({"number": In((1, 3))}, [1, 3], id="in numbers"),
        pytest.param({"order": In(["a", None])}, [0, 2, 5], id="in or null"),
        pytest.param({"order": In([None])}, [0, 5], id="in null"),
        pytest.param({"order": In([])}, [], id="in nothing"),
        pytest.param({"at": Span(10, 30)}, [1, 2], id="span"),
        pytest.param({"at": Span(low=40)}, [4, 5], id="from"),
        pytest.param({"at": Span(high=10)}, [0], id="below"),
        pytest.param({"at": Span()}, [0, 1, 2, 3, 4, 5], id="open span"),
        pytest.param({"order": Span("a", "c")}, [2, 4], id="span of text"),
        pytest.param({"at": Span(10), "order": In(["a", "Z"]), "number": 2}, [2], id="all hold"),
        pytest.param({"version": 1}, [0, 1, 2, 3, 4, 5], id="version"),
    ],
)
def test_find_matches(shelf: Adapter, where: dict[str, Any], expected: list[int]) -> None:
    assert sorted(numbers(shelf, {"box": "a", **where})) == expected
    assert shelf.delete(CARDS, {"box": "a", **where}) == len(expected)
    assert len(shelf.find(CARDS, {"box": "a"})) == 6 - len(expected)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        pytest.param(("number",), [0, 1, 2, 3, 4, 5], id="up"),
        pytest.param(("-number",), [5, 4, 3, 2, 1, 0], id="down"),
        pytest.param(("order", "number"), [0, 5, 1, 2, 4, 3], id="bytes, null first"),
        pytest.param(("-order", "-number"), [3, 4, 2, 1, 5, 0], id="bytes down, null last"),
    ],
)
def test_find_orders(shelf: Adapter, order: tuple[str, ...], expected: list[int]) -> None:
    assert numbers(shelf, {"box": "a"}, order=order) == expected
    assert numbers(shelf, {"box": "a"}, order=order, limit=2) == expected[:2]
    assert numbers(shelf, {"box": "a"}, order=order, limit=0) == []


def test_find_takes_thousands_of_values(storage: Adapter) -> None:
    storage.insert(CARDS, [card(n) for n in range(0, 5000, 10)])
    found = storage.find(CARDS, {"box": "a", "number": In(range(5000))})
    assert len(found) == 500


@pytest.mark.parametrize("method", ["find", "delete", "totals"])
def test_condition_on_what_is_no_column_is_a_mistake(storage: Adapter, method: str) -> None:
    with pytest.raises(ValueError, match="cards has no column 'note'"):
        getattr(storage, method)(CARDS, {"note": 1})


@pytest.mark.parametrize("options", [{"order": ("note",)}, {"order": ("-note",)}])
def test_order_by_what_is_no_column_is_a_mistake(storage: Adapter, options: Any) -> None:
    with pytest.raises(ValueError, match="cards has no column 'note'"):
        storage.find(CARDS, {}, **options)


# -- change -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expect", "holds"),
    [
        pytest.param(None, True, id="nothing expected"),
        pytest.param({"order": "x"}, True, id="column"),
        pytest.param({"order": "y"}, False, id="other value"),
        pytest.param({"order": In(["y", "x"])}, True, id="column in"),
        pytest.param({"order": In(["y"])}, False, id="column not in"),
        pytest.param({"at": None}, True, id="null column"),
        pytest.param({"order": None}, False, id="column not null"),
        pytest.param({"version": 1}, True, id="version"),
        pytest.param({"version": 2}, False, id="other version"),
        pytest.param({"note": "n"}, True, id="body"),
        pytest.param({"note": None}, False, id="body not null"),
        pytest.param({"absent": None}, True, id="absent equals null"),
        pytest.param({"note": In(["n", "m"])}, True, id="body in"),
        pytest.param({"note": "n", "order": "y"}, False, id="body holds, column not"),
    ],
)
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"order": "new", "at": 5}, id="columns"),
        pytest.param({"note": "new", "plan": {"a.b": [1]}}, id="body"),
        pytest.param({"note": None, "order": "new"}, id="both"),
    ],
)
def test_change_sets_only_what_it_names_if_all_holds(
    storage: Adapter, changes: dict[str, Any], expect: dict[str, Any] | None, holds: bool
) -> None:
    before = card(1, order="x", at=None, weight=3, note="n", kept=[1], version=1)
    storage.put(CARDS, [before, card(2, order="x", note="n")])
    assert storage.change(CARDS, ("a", 1), changes, expect=expect) is holds
    assert read(storage, 1) == (before | changes | {"version": 2} if holds else before)
    assert read(storage, 2)["version"] == 1  # type: ignore[index]


@pytest.mark.parametrize("changes", [{"order": "x"}, {"note": "x"}], ids=["column", "body"])
def test_change_of_a_missing_record_is_false(storage: Adapter, changes: dict[str, Any]) -> None:
    assert storage.change(CARDS, ("a", 1), changes) is False
    assert storage.find(CARDS, {}) == []


@pytest.mark.parametrize("more", [{}, {"note": 1}], ids=["column", "with body"])
def test_change_to_a_unique_value_of_another_record_raises(
    storage: Adapter, more: dict[str, Any]
) -> None:
    storage.put(CARDS, [card(1, holder="x"), card(2)])
    with pytest.raises(RepositoryError, match="holder") as caught:
        storage.change(CARDS, ("a", 2), {"holder": "x", **more})
    assert caught.value.code == "taken"
    assert "'x'" not in str(caught.value)


# -- totals, delete -----------------------------------------------------------------------------


def test_totals_sum_by_group(storage: Adapter) -> None:
    storage.put(CARDS, [card(n, order="xy"[n % 2], weight=2**40 + n) for n in range(4)])
    storage.put(CARDS, [card(9, order=None, weight=None), card(0, box="b", weight=5)])
    assert storage.totals(CARDS, {"box": "a"}, group_by=("order",)) == {
        ("x",): {"count": 2, "weight": 2**41 + 2},
        ("y",): {"count": 2, "weight": 2**41 + 4},
        (None,): {"count": 1, "weight": 0},
    }
    assert storage.totals(CARDS, {"number": 0}, group_by=("box", "number")) == {
        ("a", 0): {"count": 1, "weight": 2**40},
        ("b", 0): {"count": 1, "weight": 5},
    }
    assert storage.totals(CARDS, {}) == {(): {"count": 6, "weight": 2**42 + 11}}


def test_totals_of_nothing(storage: Adapter) -> None:
    assert storage.totals(CARDS, {}) == {(): {"count": 0, "weight": 0}}
    assert storage.totals(CARDS, {}, group_by=("order",)) == {}


def test_delete_says_how_many(storage: Adapter) -> None:
    storage.put(CARDS, [card(n, order="x") for n in range(3)] + [card(9)])
    assert storage.delete(CARDS, {"order": "x"}) == 3
    assert storage.delete(CARDS, {"order": "x"}) == 0
    assert storage.delete(CARDS, {}) == 1


# -- advance ------------------------------------------------------------------------------------


def test_counter_counts_from_nothing(storage: Adapter) -> None:
    befores = [storage.advance(METERS, ("c",), by=by, floor=None).before for by in (5, 1, 0)]
    assert befores == [0, 5, 6]
    assert storage.find(METERS, {}) == [{"key": "c", "value": 6, "version": 3}]


def test_counter_goes_on_from_a_record_without_a_value(storage: Adapter) -> None:
    storage.put(METERS, [{"key": "c", "limit": 7}])
    assert storage.advance(METERS, ("c",), by=2, floor=None).before == 0
    assert storage.find(METERS, {}) == [{"key": "c", "value": 2, "limit": 7, "version": 2}]


def test_slot_of_an_idle_budget_is_now_on_the_storages_clock(storage: Adapter) -> None:
    started = time.time()
    slot = storage.advance(METERS, ("s",), by=50_000, floor=0)
    # The clocks may differ by the milliseconds they are cut to, and PostgreSQL reads twice.
    assert started - 0.01 <= slot.now / 1e6 <= time.time() + 0.01
    assert abs(slot.before - slot.now) <= 5_000


def test_slots_follow_one_another(storage: Adapter) -> None:
    hour = 3_600_000_000
    slots = [storage.advance(METERS, ("s",), by=hour, floor=0) for _ in range(3)]
    assert [slot.before - slots[0].before for slot in slots] == [0, hour, 2 * hour]
    assert [storage.find(METERS, {})[0]["value"]] == [slots[0].before + 3 * hour]


def test_floor_pushes_a_budget_forward_but_never_back(storage: Adapter) -> None:
    pushed = storage.advance(METERS, ("s",), by=0, floor=60_000_000)
    assert math.isclose(pushed.before - pushed.now, 60_000_000, abs_tol=5_000)
    after = storage.advance(METERS, ("s",), by=1, floor=0)
    assert after.before == pushed.before


# -- many at a time -----------------------------------------------------------------------------


def test_threads_share_one_storage(storage: Adapter) -> None:
    start = threading.Barrier(25)

    def work(number: int) -> None:
        start.wait()
        storage.put(CARDS, [card(number, at=0)])
        for step in range(4):
            storage.advance(METERS, ("c",), by=1, floor=None)
            assert storage.change(CARDS, ("a", number), {"at": step, f"note{step}": 1})
            assert storage.find(CARDS, {"box": "a", "number": number})[0]["at"] == step

    with ThreadPoolExecutor(25) as pool:
        list(pool.map(work, range(25)))
    assert storage.advance(METERS, ("c",), by=0, floor=None).before == 100
    assert [record["version"] for record in storage.find(CARDS, {})] == [5] * 25
