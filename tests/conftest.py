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


@pytest.fixture(params=DATABASES)
def repository_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of each kind."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/{name}.db"
    elif request.param == "postgresql":
        yield from _schema(request.getfixturevalue("postgresql_url"), name)
    else:
        yield from _database(request.getfixturevalue("mongodb_url"), name)


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


def _schema(server: str, name: str) -> Iterator[str]:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
        yield f"{server}?options=-csearch_path%3D{name}"
        connection.execute(f"DROP SCHEMA {name} CASCADE")


def _database(server: str, name: str) -> Iterator[str]:
    import pymongo

    yield f"{server.rstrip('/')}/{name}"
    with pymongo.MongoClient(server) as client:
        client.drop_database(name)
