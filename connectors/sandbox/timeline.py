"""Rows in the order of their ids and of their update times, without an index of them.

The seeded rows are a virtual sequence: ids 1..size, update times given by a function that never
falls. Only what was edited, inserted or deleted is stored, so that a start costs nothing and
millions of rows fit.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator

Place = tuple[int, int]
"""An update time in seconds and an id: the sort key of a row."""


class Calendar:
    """Update times of seeded rows: twelve imports and a trickle between them, over two years.

    In each twelfth, six rows in ten were imported at `rows_per_second` (ties of one second), the
    rest came evenly spread until the next import.
    """

    SEGMENTS = 12
    IMPORTED = 0.6
    SPAN_SECONDS = 2 * 365 * 86_400

    def __init__(self, size: int, end: int, rows_per_second: int) -> None:
        self.end = end
        self.start = end - self.SPAN_SECONDS
        self._rate = rows_per_second
        self._rows = max(1, -(-size // self.SEGMENTS))
        self._imported = int(self._rows * self.IMPORTED)
        self._seconds = self.SPAN_SECONDS // self.SEGMENTS
        self._burst = min(self._seconds - 1, self._imported // rows_per_second + 1)
        self._trickle = self._rows - self._imported

    def updated(self, index: int) -> int:
        """Seconds since the epoch; never falls with `index` (from 0), never after `end`."""
        segment, row = divmod(index, self._rows)
        begin = self.start + segment * self._seconds
        if row < self._imported:
            return begin + min(row // self._rate, self._burst)
        spread = self._seconds - self._burst
        return begin + self._burst + (row - self._imported + 1) * spread // self._trickle

    def created(self, updated: int) -> int:
        """The creation time of a row with this update time: never later, and never falls either."""
        return self.start + (updated - self.start) * 9 // 10


class Timeline:
    """The living rows, by id or by (update time, id), both ways and from any place."""

    def __init__(self, size: int, updated: Callable[[int], int]) -> None:
        self.size = size
        self.last_id = size
        self.deleted: set[int] = set()
        self._updated = updated
        self._moved: dict[int, int] = {}
        self._order: list[Place] = []

    def __len__(self) -> int:
        return self.last_id - len(self.deleted)

    def alive(self, id: int) -> bool:
        return 1 <= id <= self.last_id and id not in self.deleted

    def touch(self, id: int, at: int) -> None:
        """Move a row to a new update time."""
        self._forget(id)
        self._moved[id] = at
        insort(self._order, (at, id))

    def insert(self, at: int) -> int:
        """A new row behind the last id; returns its id."""
        self.last_id += 1
        self.touch(self.last_id, at)
        return self.last_id

    def delete(self, id: int) -> None:
        self._forget(id)
        self.deleted.add(id)

    def _forget(self, id: int) -> None:
        at = self._moved.pop(id, None)
        if at is not None:
            del self._order[bisect_left(self._order, (at, id))]

    def updated(self, id: int) -> int:
        moved = self._moved.get(id)
        return self._updated(id - 1) if moved is None else moved

    def id_at(self, offset: int) -> int:
        """The id of the living row with this position (from 0) in the order of ids."""
        id = offset + 1
        for gone in sorted(self.deleted):
            if gone > id:
                break
            id += 1
        return id

    def by_id(self, after: int | None, *, descending: bool = False) -> Iterator[int]:
        """Living ids beyond `after`."""
        if descending:
            first = self.last_id if after is None else min(after - 1, self.last_id)
            ids = range(first, 0, -1)
        else:
            ids = range(1 if after is None else after + 1, self.last_id + 1)
        return (id for id in ids if id not in self.deleted)

    def by_time(
        self, since: Place | None, until: Place | None, *, descending: bool = False
    ) -> Iterator[int]:
        """Living ids with `since` <= (update time, id) < `until`, in that order."""
        base = range(self.size)
        low = bisect_left(base, since, key=self._place) if since else 0
        high = bisect_left(base, until, key=self._place) if until else self.size
        first = bisect_left(self._order, since) if since else 0
        last = bisect_left(self._order, until) if until else len(self._order)
        moved = self._order[first:last]
        rows = range(low, high)
        seeded = self._seeded(reversed(rows) if descending else iter(rows))
        if descending:
            moved.reverse()
        merged = heapq.merge(seeded, moved, reverse=descending) if moved else seeded
        return (id for _, id in merged)

    def _place(self, index: int) -> Place:
        return self._updated(index), index + 1

    def _seeded(self, indexes: Iterator[int]) -> Iterator[Place]:
        for index in indexes:
            id = index + 1
            if id not in self._moved and id not in self.deleted:
                yield self._place(index)


def just_after(place: Place) -> Place:
    """The first place that is not this one nor before it."""
    return place[0], place[1] + 1
