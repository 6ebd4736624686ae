"""What both adapters do alike: rows, repeated keys, and changes that reach into the body."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connectors.errors import RepositoryError
from connectors.repository.records import BODY, VERSION, Layout, Row, holds
from connectors.repository.storage import Collection, Key, Record, Storage


class Adapter(Storage):
    """A storage in terms of rows; a database only says how rows are written and matched.

    `label` names the database in messages, without a password.
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self._layouts: dict[str, Layout] = {}

    def insert(self, collection: Collection, records: Sequence[Record]) -> list[Key]:
        layout = self._layout(collection)
        rows, repeated = _first_of_each(layout, records)
        return [*self._insert(layout, rows), *repeated]

    def put(
        self, collection: Collection, records: Sequence[Record], *, over_read: bool = False
    ) -> list[Key]:
        layout = self._layout(collection)
        if not over_read:
            self._replace(layout, _last_of_each(layout, records))
            return []
        rows, repeated = _first_of_each(layout, records)
        unread = [row for row in rows if row[-2] == 0]
        read = [row for row in rows if row[-2] != 0]
        return [*self._insert(layout, unread), *self._update(layout, read), *repeated]

    def change(
        self,
        collection: Collection,
        key: Key,
        set: Mapping[str, Any],
        *,
        expect: Mapping[str, Any] | None = None,
    ) -> bool:
        layout = self._layout(collection)
        expect = expect or {}
        if layout.has_columns(set) and layout.has_columns(expect):
            return self._assign(layout, key, set, expect)
        while True:
            found = self.find(collection, layout.keyed(key), limit=1)
            if not found or not holds(found[0], expect):
                return False
            columns = {name: value for name, value in set.items() if name in layout.columns}
            fields = {**columns, BODY: layout.body({**found[0], **set})}
            # Refused only when another writer got in between, so some writer always moves on.
            if self._assign(layout, key, fields, {VERSION: found[0][VERSION]}):
                return True

    def _layout(self, collection: Collection) -> Layout:
        layout = self._layouts.get(collection.name)
        if layout is None:
            layout = self._layouts[collection.name] = Layout(collection)
        return layout

    def _taken(self, what: str) -> RepositoryError:
        return RepositoryError(
            f"The repository {self.label} holds another record with this value of {what}: "
            "end or delete that one first.",
            code="taken",
        )

    def _outdated(self, cause: str) -> RepositoryError:
        return RepositoryError(
            f"The repository {self.label} lacks a part of the schema ({cause}): "
            "run `quo-sync migrate`.",
            code="schema",
        )

    def _refused(self, cause: object) -> RepositoryError:
        return RepositoryError(
            f"The repository {self.label} refused a statement ({cause}): "
            "run `quo-sync check`; when that finds nothing, report it with `--debug`.",
            code="refused",
        )

    def _unreachable(self, cause: str) -> RepositoryError:
        return RepositoryError(
            f"The repository {self.label} cannot be reached ({cause}): check host, user, "
            "password and database in `repository`, and that the server runs.",
            code="unreachable",
        )

    @abstractmethod
    def create(self, collections: Iterable[Collection]) -> None:
        """Create what is missing of these collections, which need not be the product's own."""

    @abstractmethod
    def _insert(self, layout: Layout, rows: Sequence[Row]) -> list[Key]:
        """Add rows as version 1; the keys of those already there or not unique are returned."""

    @abstractmethod
    def _replace(self, layout: Layout, rows: Sequence[Row]) -> None:
        """Add rows, or replace those of the same key."""

    @abstractmethod
    def _update(self, layout: Layout, rows: Sequence[Row]) -> list[Key]:
        """Replace the rows whose stored version is the one they carry; return the other keys."""

    @abstractmethod
    def _assign(
        self, layout: Layout, key: Key, fields: Mapping[str, Any], expect: Mapping[str, Any]
    ) -> bool:
        """Set columns, and the body's text, of one record if all expectations hold."""


def _first_of_each(layout: Layout, records: Sequence[Record]) -> tuple[list[Row], list[Key]]:
    """Rows with distinct keys, and the keys that came again."""
    rows: dict[Key, Row] = {}
    repeated: list[Key] = []
    for record in records:
        row = layout.row(record)
        key = layout.key_of(row)
        if key in rows:
            repeated.append(key)
        else:
            rows[key] = row
    return list(rows.values()), repeated


def _last_of_each(layout: Layout, records: Sequence[Record]) -> list[Row]:
    rows = (layout.row(record) for record in records)
    return list({layout.key_of(row): row for row in rows}.values())
