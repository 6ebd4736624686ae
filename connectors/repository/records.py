"""How a record is split into columns, version and body: the same in every database."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.repository.storage import Collection, In, Key, Record

Row = tuple[Any, ...]
"""The values of `Layout.fields`, in that order."""

VERSION = "version"
BODY = "body"

# Escaped to ASCII: NUL characters and lone surrogates of a CRM's text then pass every database.
encode = json.JSONEncoder(separators=(",", ":")).encode


def decode(body: str | None) -> Any:
    return json.loads(body) if body else None


class Layout:
    """One collection as rows: its columns, then the version, then the rest as compact JSON."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self.name = collection.name
        self.key = collection.key
        self.columns = tuple(collection.columns)
        self.fields = (*self.columns, VERSION, BODY)
        self._apart = frozenset((*self.columns, VERSION))
        self._key_at = tuple(self.columns.index(name) for name in collection.key)

    def row(self, record: Mapping[str, Any]) -> Row:
        """A record's row; missing columns are None, an empty body too."""
        columns = [record.get(name) for name in self.columns]
        return (*columns, record.get(VERSION) or 0, self.body(record))

    def body(self, record: Mapping[str, Any]) -> str | None:
        apart = self._apart
        rest = {name: value for name, value in record.items() if name not in apart}
        return encode(rest) if rest else None

    def record(self, columns: Sequence[Any], body: Mapping[str, Any] | None = None) -> Record:
        """The record of columns and version, and of a decoded body."""
        record: Record = dict(zip(self.fields, columns, strict=False))
        if body:
            record.update(body)
        return record

    def key_of(self, row: Row) -> Key:
        return tuple(row[at] for at in self._key_at)

    def keyed(self, key: Key) -> dict[str, Any]:
        """The condition that names one record."""
        return dict(zip(self.key, key, strict=True))

    def kind(self, column: str) -> type:
        """A column's type; ValueError for a field that cannot be queried."""
        if column == VERSION:
            return int
        try:
            return self.collection.columns[column]
        except KeyError:
            raise ValueError(f"{self.name} has no column {column!r}") from None

    def has_columns(self, fields: Mapping[str, Any]) -> bool:
        return self._apart.issuperset(fields)


def holds(record: Mapping[str, Any], expect: Mapping[str, Any]) -> bool:
    """True when every expectation holds; an absent field equals None."""
    return all(
        record.get(name) in wanted.values if isinstance(wanted, In) else record.get(name) == wanted
        for name, wanted in expect.items()
    )
