"""The storage on PostgreSQL, through psycopg."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.errors import (
    DeadlockDetected,
    LockNotAvailable,
    QueryCanceled,
    UndefinedColumn,
    UndefinedTable,
    UniqueViolation,
)
from sqlalchemy import URL, Connection, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, TimeoutError

from connectors.errors import RepositoryError
from connectors.repository.records import VERSION, Layout, Row, decode, encode
from connectors.repository.sql import SqlStorage
from connectors.repository.statements import Bulk, Parameters, listed, quoted
from connectors.repository.storage import Key, Record

_CONNECT_SECONDS = 5
_SESSION = "-c statement_timeout=10000 -c lock_timeout=5000"
_MIGRATION_LOCK = 0x71756F  # "quo": one number for all migrations of a database
_CONNECTIONS = 4
_TRIES = 3
_DEADLOCK = "deadlock"


class PostgresqlDialect:
    mark = "%s"
    greatest = "greatest"
    # clock_timestamp, since now() stands still while a statement waits for a row.
    clock = "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)"

    def given(self, layout: Layout, rows: int) -> str:
        """One JSON parameter, whatever the number of rows: a tenth of the cost of arrays."""
        del rows
        kinds = [_TYPES[layout.kind(name)] for name in (*layout.columns, VERSION)]
        fields = zip(layout.fields, (*kinds, _TYPES[str]), strict=True)
        declared = ", ".join(f"{quoted(name)} {kind}" for name, kind in fields)
        return f"json_to_recordset(CAST(%s AS json)) AS new({declared})"

    def member(self, kind: type) -> str:
        return f"= ANY(CAST(%s AS {_TYPES[kind]}[]))"

    def members(self, values: Sequence[Any]) -> list[Any]:
        return list(values)

    def ordered(self, column: str, *, descending: bool, nullable: bool) -> str:
        """As the other databases: null is the least; an index serves what cannot be null."""
        nulls = (" NULLS LAST" if descending else " NULLS FIRST") if nullable else ""
        return f"{column}{' DESC' if descending else ''}{nulls}"


_TYPES: dict[type, str] = {str: "text", int: "bigint"}


class PostgresqlStorage(SqlStorage):
    """At most twice `_CONNECTIONS` per OS process: workers times 8 must fit `max_connections`.

    Raises ValueError for a URL that cannot be read.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError):
            raise ValueError("cannot be read: write postgresql://USER:PASSWORD@HOST/DB") from None
        if not parsed.database:
            raise ValueError("has to name a database: postgresql://HOST/DB")
        options, parsed = _options(parsed)
        engine = create_engine(
            parsed,
            isolation_level="AUTOCOMMIT",
            pool_size=_CONNECTIONS,
            max_overflow=_CONNECTIONS,
            pool_pre_ping=True,
            pool_recycle=1800,
            pool_use_lifo=True,
            hide_parameters=True,
            connect_args={
                "connect_timeout": _CONNECT_SECONDS,
                "application_name": "quo-sync",
                "prepare_threshold": None,  # statements prepared on a session break PgBouncer
                "options": options,
            },
        )
        label = parsed.set(query={}).render_as_string(hide_password=True)
        super().__init__(engine, PostgresqlDialect(), label)

    def _records(
        self, layout: Layout, text: str, parameters: Parameters, *, with_body: bool
    ) -> list[Record]:
        with self._reading() as connection:
            rows = connection.exec_driver_sql(text, parameters).fetchall()
        if not with_body:
            return list(map(layout.record, rows))
        return [layout.record(row[:-1], decode(row[-1])) for row in rows]

    def _write(self, layout: Layout, bulk: Bulk, rows: Sequence[Row]) -> list[Key]:
        if not rows:
            return []
        # In key order, so that two bulks over the same records wait for each other, not both.
        ordered = sorted(rows, key=layout.key_of)
        given = encode([dict(zip(layout.fields, row, strict=True)) for row in ordered])
        returned = listed(layout.key, quoted(layout.name) + ".")
        written = self._run(f"{bulk(len(rows))} RETURNING {returned}", given)
        return [layout.key_of(row) for row in rows if layout.key_of(row) not in written]

    def _run(self, text: str, given: str) -> set[Key]:
        """Run a bulk; one that lost a deadlock was undone as a whole and is run again."""
        tries = 0
        while True:
            tries += 1
            try:
                with self._reading() as connection:
                    return set(map(tuple, connection.exec_driver_sql(text, (given,)).fetchall()))
            except RepositoryError as error:
                if error.code != _DEADLOCK or tries == _TRIES:
                    raise

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._reading() as connection:
            yield connection

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        with self._explained(), self.engine.connect() as connection:
            connection.execution_options(isolation_level="READ COMMITTED")
            with connection.begin():
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
                connection.exec_driver_sql("SET LOCAL lock_timeout = '120s'")
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
                yield connection

    def _explain(self, error: Exception) -> RepositoryError:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, UniqueViolation):
            return self._taken(cause.diag.constraint_name or "a unique key")
        # The primary message alone: what follows it may quote the row.
        stated = cause.diag.message_primary if isinstance(cause, psycopg.Error) else None
        text = stated or "; ".join(str(cause).split("\n"))
        if isinstance(cause, UndefinedTable | UndefinedColumn):
            return self._outdated(text)
        if isinstance(cause, LockNotAvailable | QueryCanceled | DeadlockDetected):
            return RepositoryError(
                f"The repository {self.label} is held up ({text}): "
                "look for a blocked or overloaded server, then start again.",
                code=_DEADLOCK if isinstance(cause, DeadlockDetected) else "locked",
            )
        if isinstance(cause, psycopg.OperationalError | TimeoutError):
            return self._unreachable(text)
        return self._refused(text)


def _options(url: URL) -> tuple[str, URL]:
    """Our session settings, then those of the URL, and the URL without them."""
    own = url.query.get("options", "")
    given = own if isinstance(own, str) else " ".join(own)
    return f"{_SESSION} {given}".strip(), url.difference_update_query(["options"])
