"""The narrow storage interface that every collection is written on.

A record is a plain dict. Its key fields and declared columns can be queried; every other field
lives in an opaque JSON body. Atomicity is that of a single record, in every adapter; nothing here
needs a transaction over several. `version` is the storage's own: 1 on insert, +1 on every write.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

Record = dict[str, Any]
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Collection:
    """The declaration of one collection.

    `key` names the primary key's fields; `columns` maps every queryable field, key included, to
    `str` or `int` (times are integer milliseconds); `unique` and `indexes` are tuples of columns;
    `summed` are the int columns that `totals` adds up.
    """

    name: str
    key: tuple[str, ...]
    columns: Mapping[str, type]
    unique: tuple[tuple[str, ...], ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()
    summed: tuple[str, ...] = ()

    def key_of(self, record: Mapping[str, Any]) -> Key:
        return tuple(record[name] for name in self.key)


@dataclass(frozen=True, slots=True)
class In:
    """The column is one of these values."""

    values: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Span:
    """The column is at least `low` and below `high`; None is open."""

    low: Any = None
    high: Any = None


Where = Mapping[str, Any]
"""Column → plain value (equality, None = is null), `In` or `Span`; all must hold."""


class Slot(NamedTuple):
    """What `advance` found.

    `before` is the value that `by` was added to: with a floor the caller's own slot, without one
    the stored value. `now` is the storage's own clock in microseconds (its steps may be 1 ms).
    """

    before: int
    now: int


class Storage(ABC):
    """One database. Safe to share between threads; open it anew in every OS process.

    Every method may raise RepositoryError (unreachable, locked, refused), with one sentence that
    names the remedy.
    """

    @abstractmethod
    def insert(self, collection: Collection, records: Sequence[Record]) -> list[Key]:
        """Add records; those whose key or unique value is taken are left out, their keys returned.

        Of records with the same key the first is taken.
        """

    @abstractmethod
    def put(
        self, collection: Collection, records: Sequence[Record], *, over_read: bool = False
    ) -> list[Key]:
        """Insert or replace whole records in bulk; of records with the same key the last counts.

        With `over_read` each record replaces only the version it carries in `version` (0 or
        absent = must not exist yet); the keys refused are returned, the others are written. Of
        records with the same key the first counts, the others are refused. A replacement with a
        unique value that another record holds raises RepositoryError (code `taken`).
        """

    @abstractmethod
    def find(
        self,
        collection: Collection,
        where: Where,
        *,
        order: Sequence[str] = (),
        limit: int | None = None,
        columns_only: bool = False,
    ) -> list[Record]:
        """Records that match, ordered by columns (a leading `-` descends).

        `columns_only` leaves the body in the database.
        """

    @abstractmethod
    def change(
        self,
        collection: Collection,
        key: Key,
        set: Mapping[str, Any],
        *,
        expect: Mapping[str, Any] | None = None,
    ) -> bool:
        """Compare and set on one record: True when it exists and every expectation held.

        `set` and `expect` take columns and top-level body fields (an absent body field equals
        None); an expectation may be a plain value or `In`. One column-only change is one
        statement; others are retried until no writer got in between. A unique value that another
        record holds raises RepositoryError (code `taken`): False is for expectations alone.
        """

    @abstractmethod
    def totals(
        self, collection: Collection, where: Where, *, group_by: Sequence[str] = ()
    ) -> dict[Key, dict[str, int]]:
        """Sums of the `summed` columns and `count`, per group (one group `()` without any)."""

    @abstractmethod
    def advance(self, collection: Collection, key: Key, *, by: int, floor: int | None) -> Slot:
        """The atomic slot: column `value` becomes max(value, now + floor) + by.

        All are microseconds on the storage's own clock; `floor` None means no clock, a plain
        counter. A missing record counts as 0 and is created. Exact under any number of processes.
        """

    @abstractmethod
    def delete(self, collection: Collection, where: Where) -> int:
        """Delete what matches; returns how many."""

    @abstractmethod
    def migrate(self) -> bool:
        """Create or migrate the schema under a lock; True when something was changed.

        Only the launcher calls it.
        """

    @abstractmethod
    def check_schema(self) -> None:
        """Raises RepositoryError that names both versions and the remedy when they differ."""

    @abstractmethod
    def close(self) -> None: ...
