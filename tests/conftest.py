"""Databases for tests: a server of each kind per session, a database of its own per test.

QUO_TEST_POSTGRESQL_URL and QUO_TEST_MONGODB_URL (a server's URL without options; MongoDB's
without a database) name servers to use instead. A server that is not to be had skips the test,
or fails it when CI is true.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.servers import ServerMissing, mongodb_server, postgresql_server

DATABASES = ("sqlite", "postgresql", "mongodb")


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    yield from _server("QUO_TEST_POSTGRESQL_URL", postgresql_server)


@pytest.fixture(scope="session")
def mongodb_url() -> Iterator[str]:
    yield from _server("QUO_TEST_MONGODB_URL", mongodb_server)


@pytest.fixture
def sqlite_database(tmp_path: Path) -> str:
    """The URL of a file that does not exist yet."""
    return f"sqlite:///{tmp_path}/quo-sync.db"


@pytest.fixture
def postgresql_database(postgresql_url: str) -> Iterator[str]:
    """The URL of an empty schema."""
    import psycopg

    name = _name()
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
        yield f"{postgresql_url}?options=-csearch_path%3D{name}"
        connection.execute(f"DROP SCHEMA {name} CASCADE")


@pytest.fixture
def mongodb_database(mongodb_url: str) -> Iterator[str]:
    """The URL of an empty database."""
    import pymongo

    name = _name()
    yield f"{mongodb_url.rstrip('/')}/{name}"
    with pymongo.MongoClient(mongodb_url) as client:
        client.drop_database(name)


@pytest.fixture(params=DATABASES)
def repository_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_database")
    return url


def _name() -> str:
    return f"test_{uuid.uuid4().hex[:12]}"


def _server(variable: str, start: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    if given := os.environ.get(variable):
        yield given
        return
    try:
        with start() as url:
            yield url
    except ServerMissing as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{error} (or set {variable})")
        pytest.skip(f"{error} (or set {variable})")
