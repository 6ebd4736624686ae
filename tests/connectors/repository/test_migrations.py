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
def empty(request: pytest.FixtureRequest) -> Iterator[SqlStorage]:
    storage = open_storage(request.getfixturevalue(f"{request.param}_database"))
    assert isinstance(storage, SqlStorage)
    yield storage
    storage.close()


@pytest.fixture(params=["created whole", "by every revision"])
def migrated(request: pytest.FixtureRequest, empty: SqlStorage) -> SqlStorage:
    """Both ways to a schema: what `migrate` does with nothing, and what it does with something."""
    if request.param == "created whole":
        assert empty.migrate()
    else:
        with empty.engine.begin() as connection:
            upgrade(connection)
    assert not empty.migrate()
    return empty


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


@pytest.mark.parametrize("declared", [False, True], ids=["migrated", "declared"])
def test_text_is_ordered_by_bytes(postgresql_database: str, declared: bool) -> None:
    storage = open_storage(postgresql_database)
    assert isinstance(storage, SqlStorage)
    if declared:
        storage.create(COLLECTIONS)
    else:
        storage.migrate()
    with storage.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT DISTINCT data_type, collation_name FROM information_schema.columns "
            "WHERE table_schema = current_schema() AND column_name NOT IN ('body', 'version_num')"
        ).fetchall()
    assert {tuple(row) for row in rows} == {("text", "C"), ("bigint", None)}
    storage.close()


def test_head_is_the_newest_revision() -> None:
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert scripts.get_heads() == [HEAD]


def test_migration_that_fails_leaves_nothing(sqlite_database: str) -> None:
    storage = open_storage(sqlite_database)
    assert isinstance(storage, SqlStorage)
    with storage.engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE links (mine text)")
    with pytest.raises(RepositoryError, match="links"):
        storage.migrate()
    with storage.engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["links"]
    storage.close()


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
