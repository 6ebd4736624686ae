"""The storage on SQLite: one file in WAL mode, shared by threads and OS processes."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.exc import DBAPIError

from connectors.errors import RepositoryError
from connectors.repository.records import BODY, Layout, Row, decode
from connectors.repository.sql import SqlStorage
from connectors.repository.statements import Bulk, Parameters, listed, quoted
from connectors.repository.storage import Key, Record

_POLL_SECONDS = 0.05
_CONNECTIONS = 8
_ROWS_PER_STATEMENT = 250
_CACHE_KB = 256
"""Each connection has a cache of its own; the operating system's serves all of them."""


class SqliteDialect:
    """SQLite from 3.38 on (JSON functions, RETURNING, UPDATE FROM)."""

    mark = "?"
    greatest = "max"
    # Its clock knows milliseconds; rounded, since a Julian day as a float falls a little short.
    clock = "CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000"

    def given(self, layout: Layout, rows: int) -> str:
        row = f"({', '.join(self.mark for _ in layout.fields)})"
        values = ", ".join([row] * rows)
        return (
            f"(WITH given({listed(layout.fields)}) AS (VALUES {values}) SELECT * FROM given) AS new"
        )

    def member(self, kind: type) -> str:
        del kind
        return "IN (SELECT value FROM json_each(?))"

    def members(self, values: Sequence[Any]) -> str:
        return json.dumps(values)

    def ordered(self, column: str, *, descending: bool, nullable: bool) -> str:
        del nullable
        return f"{column} DESC" if descending else column


class SqliteStorage(SqlStorage):
    """Reads take no lock; the writers of one OS process queue here, not at SQLite's polled lock.

    Each step of a SQLite cursor gives up Python's global lock, and a thread that computes then
    keeps it for 5 ms: beside one, 500 rows took 2.5 s one by one. So a bulk is few steps.
    """

    # The driver's own errors come bare from the pragma on a new connection.
    failures = (*SqlStorage.failures, sqlite3.Error)

    def __init__(self, path: Path, *, lock_seconds: float = 30) -> None:
        engine = create_engine(
            URL.create("sqlite", database=str(path)),
            isolation_level="AUTOCOMMIT",
            connect_args={"timeout": lock_seconds},
            pool_size=_CONNECTIONS,
            max_overflow=0,
            pool_timeout=2 * lock_seconds,
            pool_use_lifo=True,
            hide_parameters=True,
        )
        event.listen(engine, "connect", _prepare)
        super().__init__(engine, SqliteDialect(), str(path))
        self._path = path
        self._lock_seconds = lock_seconds
        self._turn = threading.Lock()

    def check_schema(self) -> None:
        if not self._path.exists():
            raise RepositoryError(
                f"The repository {self.label} does not exist: run `quo-sync migrate`, "
                "or correct its path in `repository`.",
                code="schema",
            )
        super().check_schema()

    def _records(
        self, layout: Layout, text: str, parameters: Parameters, *, with_body: bool
    ) -> list[Record]:
        columns = f"json_group_array(json_array({listed(layout.fields[:-1])}))"
        bodies = f"'[' || group_concat(coalesce({quoted(BODY)}, 'null')) || ']'"
        whole = f"SELECT {columns}, {bodies if with_body else 'NULL'} FROM ({text})"
        with self._reading() as connection:
            row = connection.exec_driver_sql(whole, parameters).one()
        found = json.loads(row[0])
        return list(map(layout.record, found, decode(row[1]) or repeat(None)))

    def _write(self, layout: Layout, bulk: Bulk, rows: Sequence[Row]) -> list[Key]:
        if not rows:
            return []
        with self._transaction() as connection:

            def written(part: Sequence[Row]) -> int:
                flat = tuple(chain.from_iterable(part))
                return connection.exec_driver_sql(bulk(len(part)), flat).rowcount

            left_alone = [
                row for part in _parts(rows) for row in _left_alone(connection, written, part)
            ]
        return [layout.key_of(row) for row in left_alone]

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        if not self._turn.acquire(timeout=self._lock_seconds):
            raise self._locked()
        try:
            with self._reading() as connection:
                yield connection
        finally:
            self._turn.release()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._writing() as connection, connection.begin():
            # A deferred BEGIN that reads before it writes fails at once beside another writer.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        self._use_wal()
        with self._transaction() as connection:
            yield connection

    def _use_wal(self) -> None:
        """WAL is a property of the file; switching to it does not wait for other programs."""
        deadline = time.monotonic() + self._lock_seconds
        while True:
            try:
                with self._reading() as connection:
                    connection.exec_driver_sql("PRAGMA journal_mode = WAL").fetchall()
                    return
            except RepositoryError as error:
                if error.code != "locked" or time.monotonic() > deadline:
                    raise
                time.sleep(_POLL_SECONDS)

    def _locked(self) -> RepositoryError:
        return RepositoryError(
            f"The repository {self.label} was locked for {self._lock_seconds:g} s: close what "
            "holds it (a database browser, a backup, a stopped run) and start again; "
            "on a network drive use a local disk or PostgreSQL.",
            code="locked",
        )

    def _explain(self, error: Exception) -> RepositoryError:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if not isinstance(cause, sqlite3.Error):
            return self._refused(error)
        code = getattr(cause, "sqlite_errorcode", 0)
        if code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return self._locked()
        if code in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY):
            return self._taken(str(cause).rpartition(": ")[2])
        remedy = _REMEDIES.get(code & 0xFF)
        if remedy is not None:
            return RepositoryError(
                f"The repository {self.label} cannot be used ({cause}): {remedy}.",
                code="unreachable",
            )
        if str(cause).startswith("no such "):
            return self._outdated(str(cause))
        return self._refused(cause)


_REMEDIES = {
    sqlite3.SQLITE_CANTOPEN: "create its folder, or correct the path in `repository`",
    sqlite3.SQLITE_READONLY: "make the file and its folder writable for this user",
    sqlite3.SQLITE_PERM: "make the file and its folder writable for this user",
    sqlite3.SQLITE_NOTADB: "the file is something else; name another path in `repository`",
    sqlite3.SQLITE_CORRUPT: "restore it from a backup, or name another path in `repository`",
    sqlite3.SQLITE_FULL: "free some disk space",
    sqlite3.SQLITE_IOERR: "check the disk; on a network drive use a local disk or PostgreSQL",
}


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
    except sqlite3.Error:
        connection.close()
        raise


def _parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), _ROWS_PER_STATEMENT):
        yield rows[start : start + _ROWS_PER_STATEMENT]


def _left_alone(
    connection: Connection, written: Callable[[Sequence[Row]], int], part: Sequence[Row]
) -> list[Row]:
    """Write the rows in one step; only when some are left alone, which is rare, one by one."""
    connection.exec_driver_sql("SAVEPOINT part")
    if written(part) == len(part):
        connection.exec_driver_sql("RELEASE part")
        return []
    connection.exec_driver_sql("ROLLBACK TO part")
    return [row for row in part if not written([row])]
