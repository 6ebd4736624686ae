"""The storage on a SQL database: everything but what SQLite and PostgreSQL do differently."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar

from sqlalchemy import Column, Connection, Engine, String, Table, inspect
from sqlalchemy.exc import SQLAlchemyError

from connectors.errors import RepositoryError
from connectors.repository.adapter import Adapter
from connectors.repository.migrations import HEAD, refuse_newer, require_head
from connectors.repository.records import Layout, Row
from connectors.repository.statements import Bulk, Dialect, Parameters, Statements
from connectors.repository.storage import Collection, Key, Record, Slot, Where
from connectors.repository.tables import metadata_of

_VERSION_TABLE = "alembic_version"


class SqlStorage(Adapter):
    """Statements are text in autocommit, so each is atomic by itself and costs one round trip.

    `engine` connects on first use.
    """

    failures: ClassVar[tuple[type[Exception], ...]] = (SQLAlchemyError,)

    def __init__(self, engine: Engine, dialect: Dialect, label: str) -> None:
        super().__init__(label)
        self.engine = engine
        self._dialect = dialect
        self._statements: dict[str, Statements] = {}

    def find(
        self,
        collection: Collection,
        where: Where,
        *,
        order: Sequence[str] = (),
        limit: int | None = None,
        columns_only: bool = False,
    ) -> list[Record]:
        layout = self._layout(collection)
        names = layout.fields[:-1] if columns_only else layout.fields
        text, parameters = self._sql(layout).find(names, where, order, limit)
        return self._records(layout, text, parameters, with_body=not columns_only)

    def totals(
        self, collection: Collection, where: Where, *, group_by: Sequence[str] = ()
    ) -> dict[Key, dict[str, int]]:
        text, parameters = self._sql(self._layout(collection)).totals(where, group_by)
        with self._reading() as connection:
            rows = connection.exec_driver_sql(text, parameters).fetchall()
        names, width = ("count", *collection.summed), len(group_by)
        return {tuple(row[:width]): dict(zip(names, row[width:], strict=True)) for row in rows}

    def advance(self, collection: Collection, key: Key, *, by: int, floor: int | None) -> Slot:
        move = (by,) if floor is None else (floor, by)
        text = self._sql(self._layout(collection)).advance(clocked=floor is not None)
        with self._writing() as connection:
            # Read to the end: an open cursor would keep SQLite's write lock.
            ((before, now),) = connection.exec_driver_sql(text, (*key, *move, *move, by)).fetchall()
        return Slot(before, now)

    def delete(self, collection: Collection, where: Where) -> int:
        text, parameters = self._sql(self._layout(collection)).delete(where)
        with self._writing() as connection:
            return connection.exec_driver_sql(text, parameters).rowcount

    def migrate(self) -> bool:
        with self._reading() as connection:
            if _version(connection) == HEAD:
                return False
        with self._alone() as connection:
            stored = _version(connection)
            if stored == HEAD:
                return False
            refuse_newer(stored, self.label)
            if stored is None:
                _create_whole(connection)
                return True
            # Alembic takes longer to load than everything else here, and is seldom needed.
            from connectors.repository.migrations.upgrade import upgrade

            upgrade(connection)
        return True

    def create(self, collections: Iterable[Collection]) -> None:
        with self._alone() as connection:
            metadata_of(collections).create_all(connection)

    def check_schema(self) -> None:
        with self._reading() as connection:
            require_head(_version(connection), self.label)

    def close(self) -> None:
        self.engine.dispose()

    # -- what the two databases do differently ----------------------------------------------

    @abstractmethod
    def _records(
        self, layout: Layout, text: str, parameters: Parameters, *, with_body: bool
    ) -> list[Record]:
        """The records of a SELECT of all fields, the body perhaps apart."""

    @abstractmethod
    def _write(self, layout: Layout, bulk: Bulk, rows: Sequence[Row]) -> list[Key]:
        """Run the statement over all rows; the keys of those it left alone are returned."""

    @abstractmethod
    def _writing(self) -> AbstractContextManager[Connection]:
        """A connection for one statement that writes."""

    @abstractmethod
    def _alone(self) -> AbstractContextManager[Connection]:
        """A transaction that excludes every other migration."""

    @abstractmethod
    def _explain(self, error: Exception) -> RepositoryError:
        """What went wrong and what to do about it, without values or secrets."""

    # -- what they have in common -----------------------------------------------------------

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._explained(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except self.failures as error:
            # Not chained: drivers quote the values of a row that they refuse.
            raise self._explain(error) from None

    def _insert(self, layout: Layout, rows: Sequence[Row]) -> list[Key]:
        return self._write(layout, self._sql(layout).insert, rows)

    def _replace(self, layout: Layout, rows: Sequence[Row]) -> None:
        self._write(layout, self._sql(layout).replace, rows)

    def _update(self, layout: Layout, rows: Sequence[Row]) -> list[Key]:
        return self._write(layout, self._sql(layout).update, rows)

    def _assign(self, layout: Layout, key: Key, fields: Mapping[str, Any], expect: Where) -> bool:
        text, parameters = self._sql(layout).assign(layout.keyed(key), expect, fields)
        with self._writing() as connection:
            return connection.exec_driver_sql(text, parameters).rowcount == 1

    def _sql(self, layout: Layout) -> Statements:
        statements = self._statements.get(layout.name)
        if statements is None:
            statements = self._statements[layout.name] = Statements(layout, self._dialect)
        return statements


def _create_whole(connection: Connection) -> None:
    """An empty database gets the declared schema at once: what all revisions together come to."""
    from connectors.repository.schema import COLLECTIONS

    metadata = metadata_of(COLLECTIONS)
    number = Column("version_num", String(32), primary_key=True)  # as Alembic makes it itself
    table = Table(_VERSION_TABLE, metadata, number)
    metadata.create_all(connection, checkfirst=False)
    connection.execute(table.insert().values(version_num=HEAD))


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_VERSION_TABLE):
        return None
    return connection.exec_driver_sql(f"SELECT version_num FROM {_VERSION_TABLE}").scalar()
