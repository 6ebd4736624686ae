"""From started processes to an exit code: what run, resume, retry and demo have in common."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connectors.errors import ConfigurationError
from connectors.processes.model import Process, ProcessState
from connectors.processes.report import get_process
from pipelines.cli.display import is_parked, print_closing, print_json
from pipelines.cli.errors import ExitCode, gravest, print_error
from pipelines.cli.footing import after_imports, before_imports
from pipelines.cli.progress import ProgressReader, label_of, shown

if TYPE_CHECKING:
    from connectors.processes.model import Launch
    from connectors.repository.repository import Repository
    from pipelines.config import Config
    from pipelines.launcher import Ended
    from pipelines.options import Engine
    from pipelines.orchestrator import Started, SyncOrchestrator
    from transforms.settings import IntegrationSettings

log = logging.getLogger(__name__)

Report = Mapping[str, Any]


@dataclass(frozen=True)
class Manner:
    """How a launch is run and shown."""

    wait: bool = True
    strict: bool = False
    outcomes: str | None = None
    as_json: bool = False
    log_json: bool = False


@dataclass(frozen=True)
class Session:
    """One launch: its engine, and the repository, open and migrated."""

    config: Config
    engine: Engine
    repository: Repository
    launch: Launch
    orchestrator: SyncOrchestrator

    @property
    def rate_limits(self) -> dict[str, float | None]:
        return {one.id: one.quo.requests_per_second for one in self.config.integrations}


def choose_engine(config: Config, beam_options: Sequence[str]) -> Engine:
    """The engine that the options behind `--` name; refuses what cannot work there.

    Beam is imported here.
    """
    before_imports()
    from connectors.http.secrets import is_reference, resolve
    from pipelines.launcher import refuse_local_repository
    from pipelines.options import parse_engine

    engine = parse_engine(beam_options)
    reference = config.repository
    refuse_local_repository(resolve(reference) if is_reference(reference) else reference, engine)
    return engine


def require_secrets(engine: Engine, integrations: Sequence[IntegrationSettings]) -> None:
    """Refuse references that lead to nothing, where the workers are in this process."""
    if engine.in_process:
        for settings in integrations:
            for field, reference in references_of(settings).items():
                require_resolvable(settings, field, reference)


def references_of(settings: IntegrationSettings) -> dict[str, str]:
    """Every reference to a secret of an integration, by its key in the configuration."""
    credentials = settings.crm_credentials.items()
    return {
        "quo.api_key": settings.quo.api_key,
        **{f"crm_credentials.{name}": reference for name, reference in credentials},
    }


def require_resolvable(settings: IntegrationSettings, field: str, reference: str) -> None:
    from connectors.http.secrets import check_resolvable

    try:
        check_resolvable(reference)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"integration {settings.id!r}, {field}: {error.message}", code=error.code
        ) from None


@contextmanager
def open_session(config: Config, engine: Engine) -> Iterator[Session]:
    """Open the repository and bring its schema to this version: the launcher's part."""
    from connectors.repository.factory import open_repository
    from pipelines.launcher import new_launch
    from pipelines.orchestrator import SyncOrchestrator

    repository = open_repository(config.repository)
    after_imports()
    try:
        repository.storage.migrate()
        launch = new_launch(engine)
        orchestrator = SyncOrchestrator(
            repository, launch=launch, stale_after_seconds=config.stale_after_seconds
        )
        yield Session(config, engine, repository, launch, orchestrator)
    finally:
        repository.close()


@contextmanager
def cancelled_on_interrupt(session: Session, started: Sequence[Started]) -> Iterator[None]:
    """Leave nothing active when the user interrupts before the launcher watches."""
    try:
        yield
    except KeyboardInterrupt:
        for one in started:
            for process in one.processes:
                session.orchestrator.cancel(process.id, "interrupted before the launch")
        raise


def carry_out(session: Session, started: Sequence[Started], manner: Manner) -> ExitCode:
    """Run what was started, show it, and say how it ended."""
    from pipelines.launcher import Launcher

    processes = [process for one in started for process in one.processes]
    reader = ProgressReader(session.repository, processes, session.rate_limits)
    launcher = Launcher(session.config.repository, session.repository, session.engine)
    with shown(reader.read, log_json=manner.log_json, to_the_end=manner.wait) as tick:
        ended = launcher.run(
            [request for one in started for request in one.requests],
            launch=session.launch,
            outcomes=manner.outcomes,
            wait=manner.wait,
            on_tick=tick,
        )
    if not ended.waited:
        return _hand_over(session, started, manner)
    return _close(session, started, ended, manner)


def name_skipped(started: Started) -> None:
    """Say which person types were left alone, and who holds them."""
    for person_type, holder in started.skipped.items():
        note(
            f"{started.integration_id} {person_type} is already running as process {holder}; left "
            f"alone (see `quo-sync status {holder}`)."
        )


def note(sentence: str) -> None:
    """A remark that is no error: on stderr, as a log line where logs are JSON."""
    if log.isEnabledFor(logging.INFO):
        log.info(sentence)
    else:
        print(sentence, file=sys.stderr)


def exit_code_of(reports: Sequence[Report], *, strict: bool) -> ExitCode:
    """How a launch's processes ended, as one code (rules §7)."""
    return gravest(_code(report, strict=strict) for report in reports)


def _code(report: Report, *, strict: bool) -> ExitCode:
    if report["state"] != ProcessState.COMPLETED and not is_parked(report):
        return ExitCode.FAILED
    if strict and report["results"]["aggregateData"]["totalFailed"]:
        return ExitCode.DEAD_LETTERS
    return ExitCode.DONE


def _close(session: Session, started: Sequence[Started], ended: Ended, manner: Manner) -> ExitCode:
    reports = _reports(session, [process for one in started for process in one.processes])
    if ended.error:
        print_error(
            f"the job failed on {session.engine.runner}: {ended.error}",
            log_json=manner.log_json,
            code="job",
        )
    if manner.log_json:
        for report in reports:
            log.info("process ended", extra={"label": label_of(report), "report": report})
    if manner.as_json:
        parents = _reports(session, [one.parent for one in started if one.parent])
        print_json([*parents, *reports])
    elif not manner.log_json:
        print_closing(reports)
    if ended.interrupted:
        return ExitCode.INTERRUPTED
    code = exit_code_of(reports, strict=manner.strict)
    return gravest([code, ExitCode.FAILED if ended.error else ExitCode.DONE])


def _hand_over(session: Session, started: Sequence[Started], manner: Manner) -> ExitCode:
    """The job goes on elsewhere: name its processes."""
    processes = [process for one in started for process in one.processes]
    if manner.as_json:
        parents = _reports(session, [one.parent for one in started if one.parent])
        print_json([*parents, *_reports(session, processes)])
        return ExitCode.DONE
    for process in processes:
        print(
            f"{process.integration_id} {process.person_type} was submitted to "
            f"{session.engine.runner} as process {process.id}; follow it with "
            f"`quo-sync status {process.id} --watch`."
        )
    return ExitCode.DONE


def _reports(session: Session, processes: Sequence[Process]) -> list[Report]:
    return [
        get_process(
            session.repository,
            process.id,
            rate_limit=session.rate_limits.get(process.integration_id),
        )
        for process in processes
    ]
