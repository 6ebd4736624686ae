"""What `check` tries, one finding each: references, repository, CRM and Quo of each integration."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.errors import ConfigurationError, RepositoryError, SyncError
from connectors.repository.factory import open_repository
from pipelines.cli.errors import ExitCode
from pipelines.cli.launching import references_of, require_resolvable
from pipelines.cli.wording import counted
from transforms.worker import Worker

if TYPE_CHECKING:
    from connectors.repository.repository import Repository
    from pipelines.config import Config
    from transforms.settings import IntegrationSettings

_AT_ONCE = 8
"""Integrations tried side by side: most of a check is waiting for others."""


@dataclass(frozen=True)
class Finding:
    """One thing tried. `code` is what it alone would make the command exit with."""

    what: str
    detail: str
    code: ExitCode = ExitCode.DONE

    @property
    def result(self) -> str:
        return "ok" if self.code is ExitCode.DONE else "failed"

    def as_json(self) -> dict[str, str]:
        return {"what": self.what, "result": self.result, "detail": self.detail}


def exit_code_of(findings: Sequence[Finding]) -> ExitCode:
    """2 configuration, before 1 unreachable or refused (rules §7)."""
    codes = {finding.code for finding in findings}
    return max(codes, default=ExitCode.DONE)


def check_all(config: Config) -> list[Finding]:
    """Everything, the repository first; no failure keeps the rest from being tried."""
    repository = open_repository(config.repository)
    try:
        finding, usable = _check_repository(repository)
        with (
            _budgets(repository if usable else None) as budgets,
            ThreadPoolExecutor(_AT_ONCE) as pool,
        ):
            worker = Worker(budgets)
            found = pool.map(lambda one: _check_integration(worker, one), config.integrations)
            return [finding, *(finding for findings in found for finding in findings)]
    finally:
        repository.close()


@contextmanager
def _budgets(repository: Repository | None) -> Iterator[Repository]:
    """Where permits are taken: the repository, or before its first run a passing one."""
    if repository is not None:
        yield repository
        return
    with tempfile.TemporaryDirectory() as folder:
        passing = open_repository(f"sqlite:///{Path(folder, 'check.db')}")
        try:
            passing.storage.migrate()
            yield passing
        finally:
            passing.close()


def _check_repository(repository: Repository) -> tuple[Finding, bool]:
    """The finding, and whether budgets can be kept there now."""
    try:
        repository.storage.check_schema()
    except RepositoryError as error:
        if error.code == "schema":
            return Finding("repository", f"reachable; {error.message}"), False
        return Finding("repository", error.message, ExitCode.FAILED), False
    return Finding("repository", "reachable, its schema is of this version"), True


def _check_integration(worker: Worker, settings: IntegrationSettings) -> list[Finding]:
    try:
        for field, reference in references_of(settings).items():
            require_resolvable(settings, field, reference)
    except ConfigurationError as error:
        return [Finding(f"{settings.id}: secrets", error.message, ExitCode.USAGE)]
    return [
        _tried(f"{settings.id}: {settings.crm}", lambda: worker.connector(settings, None).check()),
        _tried(f"{settings.id}: Quo", lambda: _quo_detail(worker, settings)),
    ]


def _quo_detail(worker: Worker, settings: IntegrationSettings) -> str:
    numbers = worker.quo(settings, None).phone_numbers()
    return f"{settings.quo.base_url}, {counted(len(numbers), 'phone number')}"


def _tried(what: str, attempt: Callable[[], str]) -> Finding:
    try:
        return Finding(what, attempt())
    except ConfigurationError as error:
        return Finding(what, error.message, ExitCode.USAGE)
    except SyncError as error:
        return Finding(what, error.message, ExitCode.FAILED)
