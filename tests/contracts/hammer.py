"""What 16 OS processes do to one storage at the same moment, and the account each gives.

Every function runs once in each of them: `number` is the process's own, 0 to 15.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

from connectors.repository.storage import In, Slot
from tests.contracts.samples import CARDS, METERS, card, open_samples

PROCESSES = 16
RECORDS = 320
ROUNDS = 12
STEPS = 25

_start: Any = None


class Hammer:
    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def __call__(self, work: Callable[[str, int], Any], url: str) -> list[Any]:
        """The answers of all processes, in the order of their numbers."""
        # Each task waits for all others, so that every process takes exactly one.
        tasks = [self._pool.submit(_run, work, url, number) for number in range(PROCESSES)]
        return [task.result(timeout=120) for task in tasks]


@contextmanager
def hammer() -> Iterator[Hammer]:
    context = get_context("forkserver")
    context.set_forkserver_preload(
        [__name__, *(f"connectors.repository.{name}" for name in ("sqlite", "postgresql", "mongo"))]
    )
    start = context.Barrier(PROCESSES)
    with ProcessPoolExecutor(
        PROCESSES, mp_context=context, initializer=_remember, initargs=(start,)
    ) as pool:
        yield Hammer(pool)


def _remember(start: threading.Barrier) -> None:
    global _start
    _start = start


def _run(work: Callable[[str, int], Any], url: str, number: int) -> Any:
    _start.wait(timeout=60)
    return work(url, number)


def record_pages(url: str, number: int) -> None:
    """Each page belongs to one process; a tenth is recorded by its neighbour too, as a replay."""
    storage = open_samples(url)
    for page in range(RECORDS):
        owner = page % PROCESSES
        replays = page % 10 == 0 and number == (owner + 1) % PROCESSES
        if owner == number or replays:
            storage.put(CARDS, [card(page, weight=page, order="done", cursor=f"after {page}")])
    storage.close()


def create_active(url: str, number: int) -> list[bool]:
    storage = open_samples(url)
    won = []
    for step in range(ROUNDS):
        _start.wait(timeout=60)
        mine = card(number, box=f"round {step}", holder=f"active {step}")
        won.append(storage.insert(CARDS, [mine]) == [])
    storage.close()
    return won


def take_slots(url: str, _number: int) -> list[Slot]:
    storage = open_samples(url)
    slots = [storage.advance(METERS, ("slots",), by=1000, floor=0) for _ in range(STEPS)]
    storage.close()
    return slots


def count(url: str, _number: int) -> list[int]:
    storage = open_samples(url)
    befores = [storage.advance(METERS, ("n",), by=3, floor=None).before for _ in range(STEPS)]
    storage.close()
    return befores


def compare_and_set_columns(url: str, number: int) -> list[bool]:
    return _compare_and_set(url, {"order": str(number)}, {"order": In([None, "none"])})


def compare_and_set_body(url: str, number: int) -> list[bool]:
    return _compare_and_set(url, {"plan": {"by": number}}, {"plan": None})


def _compare_and_set(url: str, changes: dict[str, Any], expect: dict[str, Any]) -> list[bool]:
    storage = open_samples(url)
    won = []
    for step in range(ROUNDS):
        _start.wait(timeout=60)
        won.append(storage.change(CARDS, ("rounds", step), changes, expect=expect))
    storage.close()
    return won


def note_own_field(url: str, number: int) -> None:
    storage = open_samples(url)
    for step in range(5):
        assert storage.change(CARDS, ("a", 0), {f"note {number}": step})
    storage.close()


def put_over_read(url: str, number: int) -> list[tuple[int, int]]:
    """(number of the card, version read) of every put that was not refused."""
    storage = open_samples(url)
    won = []
    for _ in range(ROUNDS):
        read = storage.find(CARDS, {"box": "a"})
        refused = storage.put(CARDS, [r | {"by": number} for r in read], over_read=True)
        lost = {card_number for _, card_number in refused}
        won += [(r["number"], r["version"]) for r in read if r["number"] not in lost]
    storage.close()
    return won


def create_schema(url: str, _number: int) -> bool:
    storage = open_samples(url)
    changed = storage.migrate()
    storage.check_schema()
    storage.close()
    return changed
