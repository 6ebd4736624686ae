"""What is particular to PostgreSQL: a server that may be elsewhere, down or shared."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from connectors.errors import RepositoryError
from connectors.repository.factory import open_storage
from connectors.repository.postgresql import PostgresqlStorage
from tests.contracts.samples import CARDS, METERS, card


@pytest.fixture
def storage(postgresql_database: str) -> Iterator[PostgresqlStorage]:
    storage = open_storage(postgresql_database)
    assert isinstance(storage, PostgresqlStorage)
    storage.create((CARDS, METERS))
    yield storage
    storage.close()


def refusal(url: str) -> RepositoryError:
    storage = open_storage(url)
    with pytest.raises(RepositoryError) as caught:
        storage.check_schema()
    storage.close()
    return caught.value


def test_absent_server_is_named_with_the_remedy() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, never listening
        said = refusal(f"postgresql://u:secret@127.0.0.1:{closed.getsockname()[1]}/db")
    assert "postgresql+psycopg://u:***@127.0.0.1" in str(said)
    assert "Connection refused" in str(said)
    assert "check host, user, password and database in `repository`" in str(said)
    assert "secret" not in str(said)
    assert said.code == "unreachable"


@pytest.mark.parametrize(
    ("user", "database", "cause"),
    [
        ("quo:secret", "absent", 'database "absent" does not exist'),
        ("absent:secret", "postgres", 'role "absent" does not exist'),
    ],
    ids=["database", "user"],
)
def test_refused_connection_says_what_is_wrong(
    postgresql_url: str, user: str, database: str, cause: str
) -> None:
    host = postgresql_url.rpartition("@")[2].partition("/")[0]
    said = refusal(f"postgresql://{user}@{host}/{database}")
    assert cause in str(said)
    assert "secret" not in str(said)


def test_table_that_is_missing_asks_for_migration(postgresql_database: str) -> None:
    storage = open_storage(postgresql_database)
    with pytest.raises(RepositoryError, match=r"cards.*quo-sync migrate") as caught:
        storage.find(CARDS, {})
    assert caught.value.code == "schema"
    storage.close()


def test_refused_row_is_not_quoted(storage: PostgresqlStorage) -> None:
    with pytest.raises(RepositoryError) as caught:
        storage.put(CARDS, [card(1, order="Jane\0Doe"), card(2, order="secret")])
    assert caught.value.code == "refused"
    assert "Jane" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_locked_row_is_reported_in_time(
    storage: PostgresqlStorage, postgresql_database: str
) -> None:
    storage.put(CARDS, [card(1)])
    waiting = open_storage(f"{postgresql_database}%20-clock_timeout%3D100")
    with psycopg.connect(postgresql_database) as holder:
        holder.execute("SELECT * FROM cards FOR UPDATE")
        with pytest.raises(RepositoryError, match="lock timeout") as caught:
            waiting.change(CARDS, ("a", 1), {"at": 1})
    assert caught.value.code == "locked"
    waiting.close()


def test_connection_that_the_server_closed_is_replaced(
    storage: PostgresqlStorage, postgresql_url: str
) -> None:
    storage.put(CARDS, [card(1)])
    with storage.engine.connect() as connection:
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
    with psycopg.connect(postgresql_url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    assert len(storage.find(CARDS, {})) == 1


def test_bulks_over_the_same_records_do_not_block_each_other(storage: PostgresqlStorage) -> None:
    cards = [card(number) for number in range(300)]
    storage.put(CARDS, cards)

    def write(turn: int) -> None:
        for _ in range(5):
            storage.put(CARDS, cards if turn % 2 else cards[::-1])

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    assert {record["version"] for record in storage.find(CARDS, {})} == {31}
