"""Every storage creates its schema once, and tells versions apart."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from connectors.errors import RepositoryError
from connectors.repository.factory import open_storage
from connectors.repository.migrations import HEAD
from connectors.repository.mongo import MongoStorage
from connectors.repository.sql import SqlStorage
from connectors.repository.storage import Storage


def test_schema_is_created_once(repository_url: str) -> None:
    storage = open_storage(repository_url)
    with pytest.raises(RepositoryError, match="quo-sync migrate") as caught:
        storage.check_schema()
    assert caught.value.code == "schema"
    assert storage.migrate() is True
    assert storage.migrate() is False
    storage.check_schema()
    storage.close()


def test_racing_launchers_create_the_schema_once(repository_url: str) -> None:
    storages = [open_storage(repository_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        changed = list(pool.map(lambda storage: storage.migrate(), storages))
    assert any(changed)
    for storage in storages:
        storage.check_schema()
        storage.close()


def test_schema_of_a_newer_program_is_refused(repository_url: str) -> None:
    storage = open_storage(repository_url)
    storage.migrate()
    stamp(storage, "9001")
    for method in (storage.check_schema, storage.migrate):
        with pytest.raises(RepositoryError, match=f"9001.*{HEAD}.*install the newer quo-sync"):
            method()
    storage.close()


def stamp(storage: Storage, version: str) -> None:
    """What a program of this version would have left."""
    if isinstance(storage, SqlStorage):
        with storage.engine.connect() as connection:
            connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{version}'")
    elif isinstance(storage, MongoStorage):
        with storage.documents("schema") as documents:
            documents.update_one({"_id": "schema"}, {"$set": {"version": version}})
