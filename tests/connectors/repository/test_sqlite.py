"""What is particular to SQLite: one file, one writer at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.errors import RepositoryError
from connectors.repository.sqlite import SqliteStorage
from tests.contracts.samples import CARDS, METERS, card


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "quo-sync.db"


@pytest.fixture
def storage(path: Path) -> Iterator[SqliteStorage]:
    storage = SqliteStorage(path, lock_seconds=0.2)
    storage.create((CARDS, METERS))
    yield storage
    storage.close()


@pytest.fixture
def other_writer(storage: SqliteStorage, path: Path) -> Iterator[sqlite3.Connection]:
    del storage  # it made the file
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


def test_file_is_in_wal_mode_and_syncs_at_checkpoints(storage: SqliteStorage) -> None:
    with storage.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1


def test_waiting_for_a_lock_takes_thirty_seconds_by_default(path: Path) -> None:
    storage = SqliteStorage(path)
    with storage.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000
    storage.close()


@pytest.mark.usefixtures("other_writer")
def test_reads_do_not_wait_for_a_writer(storage: SqliteStorage) -> None:
    assert storage.find(CARDS, {}) == []
    assert storage.totals(CARDS, {})[()]["count"] == 0


@pytest.mark.usefixtures("other_writer")
@pytest.mark.parametrize("method", ["insert", "put", "change", "advance", "delete"])
def test_locked_file_is_named_with_the_remedy(
    storage: SqliteStorage, path: Path, method: str
) -> None:
    writes = {
        "insert": lambda: storage.insert(CARDS, [card(1)]),
        "put": lambda: storage.put(CARDS, [card(1)]),
        "change": lambda: storage.change(CARDS, ("a", 1), {"at": 1}),
        "advance": lambda: storage.advance(METERS, ("k",), by=1, floor=0),
        "delete": lambda: storage.delete(CARDS, {}),
    }
    with pytest.raises(RepositoryError, match=r"was locked for 0\.2 s") as caught:
        writes[method]()
    assert str(path) in str(caught.value)
    assert caught.value.code == "locked"


def test_writers_go_on_when_the_lock_is_free(
    storage: SqliteStorage, other_writer: sqlite3.Connection
) -> None:
    with pytest.raises(RepositoryError):
        storage.put(CARDS, [card(1)])
    other_writer.execute("ROLLBACK")
    assert storage.put(CARDS, [card(1)]) == []


def test_bulk_that_fails_leaves_nothing(storage: SqliteStorage) -> None:
    storage.put(CARDS, [card(0, holder="x")])
    cards = [card(n) for n in range(1, 600)]
    with pytest.raises(RepositoryError, match=r"cards\.holder"):
        storage.put(CARDS, [*cards, card(600, holder="x")])
    assert storage.totals(CARDS, {})[()]["count"] == 1


@pytest.fixture
def unusable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteStorage]:
    storage = SqliteStorage(tmp_path / request.param)
    yield storage
    storage.close()


@pytest.mark.parametrize(
    ("unusable", "remedy"),
    [("absent/quo-sync.db", "create its folder"), (".", "correct the path in `repository`")],
    indirect=["unusable"],
)
def test_path_that_cannot_be_opened_is_named_with_the_remedy(
    unusable: SqliteStorage, remedy: str
) -> None:
    with pytest.raises(RepositoryError, match=remedy) as caught:
        unusable.migrate()
    assert unusable.label in str(caught.value)


@pytest.mark.parametrize("unusable", ["quo-sync.db"], indirect=True)
@pytest.mark.parametrize("method", ["migrate", "check_schema"])
def test_file_that_is_something_else_is_named_with_the_remedy(
    unusable: SqliteStorage, path: Path, method: str
) -> None:
    path.write_text("integrations: []\n" * 100)
    with pytest.raises(RepositoryError, match="the file is something else") as caught:
        getattr(unusable, method)()
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("unusable", ["quo-sync.db"], indirect=True)
def test_checking_a_missing_file_does_not_create_it(unusable: SqliteStorage, path: Path) -> None:
    with pytest.raises(RepositoryError, match="quo-sync migrate"):
        unusable.check_schema()
    assert not path.exists()


@pytest.mark.parametrize("unusable", ["quo-sync.db"], indirect=True)
def test_table_that_is_missing_asks_for_migration(unusable: SqliteStorage) -> None:
    with pytest.raises(RepositoryError, match=r"no such table: cards.*quo-sync migrate"):
        unusable.find(CARDS, {})
