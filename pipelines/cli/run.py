"""`run`, `resume`, `retry` and `cancel`: what starts and ends processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from connectors.errors import ConfigurationError, RepositoryError, SyncError
from pipelines.cli.errors import ExitCode, gravest, print_error
from pipelines.cli.invocation import AsJson, Invocation, ProcessId, invoked

if TYPE_CHECKING:
    from pipelines.cli.launching import Manner, Session
    from pipelines.config import Config
    from pipelines.options import Engine
    from pipelines.orchestrator import Started
    from transforms.settings import IntegrationSettings


class ModeName(StrEnum):
    """The orchestrator's modes, known without loading it."""

    AUTO = "auto"
    INITIAL = "initial"
    ONGOING = "ongoing"


IntegrationIds = Annotated[
    list[str] | None,
    typer.Option("-i", "--integration", metavar="ID", help="Only this one; repeatable."),
]
ChosenMode = Annotated[
    ModeName,
    typer.Option(
        "--mode", help="Everything, the changes since the last run, or what is due of both."
    ),
]
OnlyDue = Annotated[bool, typer.Option("--due", help="Only what its schedule wants to run now.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 3 when there are dead letters.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Submit, and leave the job to its engine.")]
OutcomesPath = Annotated[
    str | None,
    typer.Option("--outcomes", metavar="PATH", help="Write each person's outcome there."),
]
BeamOptions = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="-- BEAM OPTIONS", help="Apache Beam's own, such as --runner=FlinkRunner."
    ),
]


@invoked
def run(
    invocation: Invocation,
    integration: IntegrationIds = None,
    mode: ChosenMode = ModeName.AUTO,
    due: OnlyDue = False,
    strict: Strict = False,
    no_wait: NoWait = False,
    outcomes: OutcomesPath = None,
    json: AsJson = False,
    beam_options: BeamOptions = None,
) -> int:
    """Sync the integrations and wait for the end."""
    from pipelines.cli.interrupts import interruptible
    from pipelines.cli.launching import Manner, open_session, require_secrets

    config = invocation.load_config()
    selected = _selected(config, integration or [])
    engine = _engine(config, beam_options or [])
    require_secrets(engine, selected)
    _refuse_for_engine(engine, no_wait=no_wait, outcomes=outcomes)
    manner = Manner(
        wait=not no_wait,
        strict=strict,
        outcomes=outcomes,
        as_json=json,
        log_json=invocation.log_json,
    )
    with interruptible(), open_session(config, engine) as session:
        return run_integrations(
            session, selected, mode, manner, only_due=due, named=bool(integration)
        )


def run_integrations(
    session: Session,
    selected: Sequence[IntegrationSettings],
    mode: ModeName,
    manner: Manner,
    *,
    only_due: bool = False,
    named: bool = False,
) -> ExitCode:
    """Start every integration that can run, carry the launch out, and weigh all of it.

    One that cannot be started takes no other along. `named`: the user asked for these by id.
    """
    from pipelines.cli.display import print_json
    from pipelines.cli.launching import cancelled_on_interrupt, note

    wanted = _due(session, selected) if only_due else selected
    started: list[Started] = []
    refusals: list[ExitCode] = []
    with cancelled_on_interrupt(session, started):
        for settings in wanted:
            refusal = _start(session, settings, mode, started, log_json=manner.log_json)
            if refusal is not None:
                refusals.append(refusal)
    if refusals and len(refusals) == len(wanted):
        return min(refusals)
    code = _launched(session, started, manner, named=named and not only_due)
    if not any(one.requests for one in started):
        note("There is nothing to run now.")
        if manner.as_json:
            print_json([])
    return gravest([code, ExitCode.FAILED if refusals else ExitCode.DONE])


@invoked
def resume(
    invocation: Invocation,
    process_id: ProcessId,
    json: AsJson = False,
    beam_options: BeamOptions = None,
) -> int:
    """Continue a process that ended before its plan was done."""
    return _again(
        invocation,
        process_id,
        lambda session, settings: session.orchestrator.resume(process_id, settings),
        as_json=json,
        beam_options=beam_options or [],
    )


@invoked
def retry(
    invocation: Invocation,
    process_id: ProcessId,
    json: AsJson = False,
    beam_options: BeamOptions = None,
) -> int:
    """Read the dead letters of a process anew and send them again."""
    return _again(
        invocation,
        process_id,
        lambda session, settings: session.orchestrator.retry(process_id, settings),
        as_json=json,
        beam_options=beam_options or [],
    )


@invoked
def cancel(invocation: Invocation, process_id: ProcessId) -> int:
    """Cancel a process; within a second it sends nothing more."""
    from connectors.processes.model import Launch
    from pipelines.orchestrator import SyncOrchestrator

    nothing_is_launched = Launch(id="", runner="")
    with invocation.repository(invocation.load_config()) as repository:
        orchestrator = SyncOrchestrator(repository, launch=nothing_is_launched)
        cancelled = orchestrator.cancel(process_id)
    if not cancelled:
        print(f"Process {process_id} has ended already: there is nothing to cancel.")
    for process in cancelled:
        print(
            f"Process {process.id} ({process.integration_id} {process.person_type}) is cancelled; "
            f"go on with `quo-sync resume {process.id}`."
        )
    return ExitCode.DONE


# -- before the launch --------------------------------------------------------------------------


def _selected(config: Config, ids: Sequence[str]) -> list[IntegrationSettings]:
    """The integrations of these ids, all of them without any; each once."""
    if not ids:
        return list(config.integrations)
    return [config.integration(id) for id in dict.fromkeys(ids)]


def _engine(config: Config, beam_options: Sequence[str]) -> Engine:
    from pipelines.cli.launching import choose_engine

    if beam_options and not beam_options[0].startswith("-"):
        raise ConfigurationError(
            f"{beam_options[0]!r} is not understood here; integrations are named with "
            f"`-i {beam_options[0]}`, options of Beam stand behind ` -- `",
            code="usage",
        )
    return choose_engine(config, beam_options)


def _refuse_for_engine(engine: Engine, *, no_wait: bool, outcomes: str | None) -> None:
    if no_wait and engine.in_process:
        raise ConfigurationError(
            f"--no-wait: {engine.runner} runs the job in this very process; leave --no-wait out, "
            "or name an engine that runs it elsewhere (` -- --runner=…`)",
            code="usage",
        )
    if outcomes and "://" not in outcomes and not engine.in_process:
        raise ConfigurationError(
            f"--outcomes {outcomes!r} is a local file and --runner={engine.runner} runs "
            "elsewhere; name a path that its workers can write, such as gs://BUCKET/FILE",
            code="usage",
        )


def _due(session: Session, selected: Sequence[IntegrationSettings]) -> list[IntegrationSettings]:
    from connectors.clock import utc_now
    from pipelines.cli.due import due
    from pipelines.cli.launching import note

    wanted = []
    for settings in selected:
        found = due(session.repository, settings, utc_now())
        if found.is_due:
            wanted.append(settings)
        else:
            note(f"{settings.id} {found.reason}.")
    return wanted


def _start(
    session: Session,
    settings: IntegrationSettings,
    mode: ModeName,
    started: list[Started],
    *,
    log_json: bool,
) -> ExitCode | None:
    """Start one integration into `started`; a code when it is refused, and its sentence printed."""
    from pipelines.orchestrator import Mode

    try:
        started.append(session.orchestrator.start(settings, Mode(mode.value)))
    except RepositoryError:
        raise
    except SyncError as error:
        print_error(f"{settings.id}: {error.message}", log_json=log_json, code=error.code)
        usage = isinstance(error, ConfigurationError)
        return ExitCode.USAGE if usage else ExitCode.FAILED
    return None


# -- resume and retry ---------------------------------------------------------------------------


def _again(
    invocation: Invocation,
    process_id: str,
    begin: Callable[[Session, IntegrationSettings], Started],
    *,
    as_json: bool,
    beam_options: Sequence[str],
) -> ExitCode:
    """Start again what a named process left, with its integration's present settings."""
    from connectors.processes.use_cases import require_process
    from pipelines.cli.display import print_json
    from pipelines.cli.interrupts import interruptible
    from pipelines.cli.launching import Manner, open_session, require_secrets
    from pipelines.orchestrator import integration_of

    config = invocation.load_config()
    engine = _engine(config, beam_options)
    with interruptible(), open_session(config, engine) as session:
        process = require_process(session.repository, process_id)
        settings = integration_of(process, config.integrations)
        require_secrets(engine, [settings])
        started = begin(session, settings)
        if not started.requests and not started.skipped:
            if as_json:
                print_json([])
            else:
                print(f"Process {process_id} has no dead letters: there is nothing to retry.")
            return ExitCode.DONE
        manner = Manner(as_json=as_json, log_json=invocation.log_json)
        return _launched(session, [started], manner, named=True)


def _launched(
    session: Session, started: Sequence[Started], manner: Manner, *, named: bool
) -> ExitCode:
    """Carry out what could be started, after naming what could not for it runs already."""
    from pipelines.cli.launching import cancelled_on_interrupt, carry_out, name_skipped

    with cancelled_on_interrupt(session, started):
        for one in started:
            name_skipped(one)
        running = named and any(one.skipped for one in started)
        codes = [ExitCode.RUNNING if running else ExitCode.DONE]
        if any(one.requests for one in started):
            codes.append(carry_out(session, started, manner))
    return gravest(codes)
