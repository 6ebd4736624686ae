"""The migrated schema is the declared one, and versions that differ are told apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from connectors.errors import RepositoryError
from connectors.repository import migrations
from connectors.repository.factory import open_storage
from connectors.repository.migrations import HEAD, require_head
from connectors.repository.migrations.upgrade import upgrade
from connectors.repository.schema import COLLECTIONS
from connectors.repository.sql import SqlStorage
from connectors.repository.tables import metadata_of


@pytest.fixture(params=["sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest) -> Iterator[SqlStorage]:
    storage = open_storage(request.getfixturevalue(f"{request.param}_database"))
    assert isinstance(storage, SqlStorage)
    yield storage
    storage.close()


@pytest.fixture(params=["at once", "by revisions"])
def migrated(request: pytest.FixtureRequest, storage: SqlStorage) -> SqlStorage:
    """A new database gets the declared schema at once, an older one what the revisions add."""
    if request.param == "at once":
        storage.migrate()
    else:
        with storage._alone() as connection:
            upgrade(connection)
    return storage


def test_both_ways_lead_to_the_version_that_is_needed(migrated: SqlStorage) -> None:
    migrated.check_schema()
    assert migrated.migrate() is False


def test_migrated_schema_is_the_declared_one(migrated: SqlStorage) -> None:
    with migrated.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata_of(COLLECTIONS)) == []


def test_key_columns_are_the_primary_key(migrated: SqlStorage) -> None:
    with migrated.engine.connect() as connection:
        inspector = inspect(connection)
        for collection in COLLECTIONS:
            constraint = inspector.get_pk_constraint(collection.name)
            assert tuple(constraint["constrained_columns"]) == collection.key


@pytest.mark.parametrize("storage", ["postgresql"], indirect=True)
def test_postgresql_orders_text_by_bytes(migrated: SqlStorage) -> None:
    with migrated.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT DISTINCT data_type, collation_name FROM information_schema.columns "
            "WHERE table_schema = current_schema() AND column_name NOT IN ('body', 'version_num')"
        ).fetchall()
    assert {tuple(row) for row in rows} == {("text", "C"), ("bigint", None)}


def test_head_is_the_newest_revision() -> None:
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert scripts.get_heads() == [HEAD]


def test_migration_that_fails_leaves_nothing(storage: SqlStorage) -> None:
    with storage.engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE links (mine text)")
    with pytest.raises(RepositoryError, match="links"):
        storage.migrate()
    with storage.engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["links"]


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (None, f"has no schema yet, this quo-sync needs {HEAD}: run `quo-sync migrate`"),
        ("0000", f"has schema 0000, this quo-sync needs {HEAD}: run `quo-sync migrate`"),
        ("0002", f"has schema 0002, newer than the {HEAD} of this quo-sync: install the newer"),
    ],
)
def test_other_version_is_named_with_ours_and_the_remedy(stored: str | None, said: str) -> None:
    with pytest.raises(RepositoryError) as caught:
        require_head(stored, "x.db")
    assert said in str(caught.value)
