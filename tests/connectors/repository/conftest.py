"""The same repository as the tests of processes: an empty SQLite file per test."""

from tests.connectors.processes.conftest import database_url, empty_database, repository

__all__ = ["database_url", "empty_database", "repository"]
