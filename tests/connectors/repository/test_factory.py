"""Which URLs open a storage, and what the others are told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from connectors.errors import ConfigurationError
from connectors.repository.factory import open_storage
from connectors.repository.mongo import MongoStorage
from connectors.repository.postgresql import PostgresqlStorage
from connectors.repository.sql import SqlStorage
from connectors.repository.sqlite import SqliteStorage


@pytest.mark.parametrize(
    ("url", "kind", "label"),
    [
        ("sqlite:///quo-sync.db", SqliteStorage, "quo-sync.db"),
        ("sqlite:////var/lib/quo sync/a%20b.db", SqliteStorage, "/var/lib/quo sync/a%20b.db"),
        (
            "postgresql://u:pw@h:5433/db?sslmode=require",
            PostgresqlStorage,
            "postgresql+psycopg://u:***@h:5433/db",
        ),
        ("postgres://u@h/db", PostgresqlStorage, "postgresql+psycopg://u@h/db"),
        ("postgresql+psycopg://u@h/db", PostgresqlStorage, "postgresql+psycopg://u@h/db"),
        ("mongodb://u:pw@a:1,b:2/db?replicaSet=r", MongoStorage, "mongodb://a:1,b:2/db"),
        ("mongodb+srv://u:pw@cluster.invalid/db", MongoStorage, "mongodb+srv://cluster.invalid/db"),
    ],
)
def test_url_opens_its_storage_without_connecting(url: str, kind: type, label: str) -> None:
    storage = open_storage(url)
    assert isinstance(storage, kind)
    assert storage.label == label  # type: ignore[attr-defined]
    storage.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("quo-sync.db", "`repository: quo-sync.db` has to be one of sqlite:///PATH"),
        ("", "has to be one of"),
        ("mysql://u:secret@h/db", "mysql://u:***@h/db"),
        ("postgresql://", "has to be one of"),
        ("sqlite://quo-sync.db", "has to name a file"),
        ("sqlite:///", "has to name a file"),
        ("sqlite:///:memory:", "has to name a file"),
        ("sqlite:///x.db?mode=ro", "has to name a file"),
        ("postgresql://u:secret@h:port/db", "cannot be read"),
        ("postgresql://u:secret@h", "has to name a database: postgresql://HOST/DB"),
        ("mongodb://u:secret@h", "has to name a database: mongodb://HOST/DB"),
        ("mongodb://u:secret@h/", "has to name a database"),
        ("mongodb://u:secret@h/?w=1", "has to name a database"),
        ("mongodb+srv://u:secret@h/", "has to name a database: mongodb+srv://HOST/DB"),
        ("mongodb://u:se@secret@h/db", "special characters of the password as %XX"),
        ("mongodb://u:1/secret@h/db", "has to name a database"),
        ("mongodb://u:secret@h:port/db", "cannot be read"),
    ],
)
def test_other_url_is_refused_without_its_password(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_storage(url)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def run_python(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_importing_the_factory_imports_no_driver() -> None:
    drivers = ("sqlalchemy", "alembic", "pymongo", "psycopg")
    said = run_python(
        "import sys, connectors.repository.factory;"
        f"print([name for name in {drivers} if name in sys.modules])"
    )
    assert said == "[]"


def test_postgresql_without_its_driver_says_how_to_install_it() -> None:
    said = run_python(
        "import sys; sys.modules['psycopg'] = None\n"
        "from connectors.repository.factory import open_storage\n"
        "try: open_storage('postgresql://u:secret@h/db')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    assert said.startswith("ConfigurationError")
    assert "pip install 'quo-sync[postgres]'" in said
    assert "secret" not in said


def test_migrating_what_has_no_older_schema_does_not_load_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/quo-sync.db"
    code = (
        "import sys\n"
        "from connectors.repository.factory import open_storage\n"
        f"print(open_storage({url!r}).migrate(), 'alembic' in sys.modules)"
    )
    assert [run_python(code), run_python(code)] == ["True False", "False False"]


def test_sql_storages_hide_values_in_their_errors() -> None:
    for url in ("sqlite:///x.db", "postgresql://u@h/db"):
        storage = open_storage(url)
        assert isinstance(storage, SqlStorage)
        assert storage.engine.hide_parameters
        storage.close()
