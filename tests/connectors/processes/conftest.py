"""A real repository for each test: an empty SQLite file with the current schema."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.repository.factory import open_storage
from connectors.repository.repository import Repository


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("schema") / "empty.db"
    storage = open_storage(f"sqlite:///{path}")
    storage.migrate()
    storage.close()
    return path


@pytest.fixture
def database_url(empty_database: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(empty_database, tmp_path / 'quo-sync.db')}"


@pytest.fixture
def repository(database_url: str) -> Iterator[Repository]:
    repository = Repository(open_storage(database_url))
    yield repository
    repository.close()
