"""The SQL of one collection, in the two dialects; every value travels as a parameter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol

from connectors.repository.records import BODY, VERSION, Layout
from connectors.repository.storage import In, Span, Where

Parameters = tuple[Any, ...]
Statement = tuple[str, Parameters]
Bulk = Callable[[int], str]
"""The text of a statement over so many given rows."""


class Dialect(Protocol):
    """Where SQLite and PostgreSQL differ.

    `clock` is the time of evaluation in integer microseconds. `given` is a FROM item called `new`
    that delivers `rows` rows with the layout's fields.
    """

    mark: str
    clock: str
    greatest: str

    def given(self, layout: Layout, rows: int) -> str: ...
    def member(self, kind: type) -> str: ...
    def members(self, values: Sequence[Any]) -> Any: ...
    def ordered(self, column: str, *, descending: bool, nullable: bool) -> str: ...


def quoted(name: str) -> str:
    return f'"{name}"'


def listed(names: Sequence[str], prefix: str = "") -> str:
    return ", ".join(prefix + quoted(name) for name in names)


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements of one collection in one dialect."""

    layout: Layout
    dialect: Dialect

    @property
    def _table(self) -> str:
        return quoted(self.layout.name)

    def insert(self, rows: int) -> str:
        """Leaves out what is there already, by key or by a unique value."""
        return f"{self._insert(rows)} ON CONFLICT DO NOTHING"

    def replace(self, rows: int) -> str:
        return (
            f"{self._insert(rows)} ON CONFLICT ({listed(self.layout.key)}) "
            f"DO UPDATE SET {self._replaced('excluded')}"
        )

    def update(self, rows: int) -> str:
        """Only over the version that each row carries."""
        matches = [
            f"{self._table}.{quoted(name)} = new.{quoted(name)}"
            for name in (*self.layout.key, VERSION)
        ]
        return (
            f"UPDATE {self._table} SET {self._replaced('new')} "
            f"FROM {self.dialect.given(self.layout, rows)} WHERE {' AND '.join(matches)}"
        )

    def _insert(self, rows: int) -> str:
        columns = self.layout.columns
        # WHERE true: SQLite would take ON CONFLICT for the ON of a join.
        return (
            f"INSERT INTO {self._table} ({listed(self.layout.fields)}) "
            f"SELECT {listed(columns, 'new.')}, 1, new.{quoted(BODY)} "
            f"FROM {self.dialect.given(self.layout, rows)} WHERE true"
        )

    def _replaced(self, source: str) -> str:
        names = [name for name in (*self.layout.columns, BODY) if name not in self.layout.key]
        assigned = [f"{quoted(name)} = {source}.{quoted(name)}" for name in names]
        return ", ".join([*assigned, f"{quoted(VERSION)} = {self._table}.{quoted(VERSION)} + 1"])

    def find(
        self, names: Sequence[str], where: Where, order: Sequence[str], limit: int | None
    ) -> Statement:
        condition, parameters = self._matching(where)
        text = f"SELECT {listed(names)} FROM {self._table}{condition}"
        if order:
            text += " ORDER BY " + ", ".join(self._ordered(name) for name in order)
        if limit is not None:
            text += f" LIMIT {self.dialect.mark}"
            parameters.append(limit)
        return text, tuple(parameters)

    def assign(self, key: Where, expect: Where, fields: Mapping[str, Any]) -> Statement:
        names = [name if name == BODY else self._column(name) for name in fields]
        assigned = [f"{quoted(name)} = {self.dialect.mark}" for name in names]
        condition, parameters = self._matching(key, expect)
        text = (
            f"UPDATE {self._table} SET {', '.join(assigned)}, "
            f"{quoted(VERSION)} = {quoted(VERSION)} + 1{condition}"
        )
        return text, (*fields.values(), *parameters)

    def totals(self, where: Where, group_by: Sequence[str]) -> Statement:
        """Columns: the group's, `count`, then the sums; one row without groups."""
        condition, parameters = self._matching(where)
        groups = listed([self._column(name) for name in group_by])
        sums = [
            f"CAST(COALESCE(SUM({quoted(name)}), 0) AS bigint)"
            for name in self.layout.collection.summed
        ]
        selected = ", ".join([*([groups] if groups else []), "COUNT(*)", *sums])
        grouped = f" GROUP BY {groups}" if groups else ""
        return f"SELECT {selected} FROM {self._table}{condition}{grouped}", tuple(parameters)

    def delete(self, where: Where) -> Statement:
        condition, parameters = self._matching(where)
        return f"DELETE FROM {self._table}{condition}", tuple(parameters)

    def advance(self, *, clocked: bool) -> str:
        """Parameters: the key, then `floor` and `by` (or `by`) twice, then `by` again."""
        mark, clock = f"CAST({self.dialect.mark} AS bigint)", self.dialect.clock

        def moved(value: str) -> str:
            start = f"{self.dialect.greatest}({value}, {clock} + {mark})" if clocked else value
            return f"{start} + {mark}"

        key = self.layout.key
        marks = ", ".join(self.dialect.mark for _ in key)
        stored = f'COALESCE({self._table}."value", 0)'
        return (
            f'INSERT INTO {self._table} ({listed(key)}, "value", {quoted(VERSION)}) '
            f"VALUES ({marks}, {moved('0')}, 1) ON CONFLICT ({listed(key)}) DO UPDATE SET "
            f'"value" = {moved(stored)}, {quoted(VERSION)} = {self._table}.{quoted(VERSION)} + 1 '
            f'RETURNING "value" - {mark}, {clock}'
        )

    def _ordered(self, name: str) -> str:
        column = self._column(name.removeprefix("-"))
        return self.dialect.ordered(
            quoted(column),
            descending=name.startswith("-"),
            nullable=column not in (*self.layout.key, VERSION),
        )

    def _column(self, name: str) -> str:
        self.layout.kind(name)
        return name

    def _matching(self, *wheres: Where) -> tuple[str, list[Any]]:
        conditions: list[str] = []
        parameters: list[Any] = []
        for name, wanted in chain.from_iterable(where.items() for where in wheres):
            kind, column = self.layout.kind(name), quoted(name)
            if wanted is None:
                conditions.append(f"{column} IS NULL")
            elif isinstance(wanted, In):
                values = [value for value in wanted.values if value is not None]
                member = f"{column} {self.dialect.member(kind)}"
                has_null = len(values) < len(wanted.values)
                conditions.append(f"({member} OR {column} IS NULL)" if has_null else member)
                parameters.append(self.dialect.members(values))
            elif isinstance(wanted, Span):
                for sign, bound in ((">=", wanted.low), ("<", wanted.high)):
                    if bound is not None:
                        conditions.append(f"{column} {sign} {self.dialect.mark}")
                        parameters.append(bound)
            else:
                conditions.append(f"{column} = {self.dialect.mark}")
                parameters.append(wanted)
        return (" WHERE " + " AND ".join(conditions) if conditions else ""), parameters
