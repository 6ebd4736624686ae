"""`status`: what runs are doing and what they came to; and the alarm for monitoring."""

from __future__ import annotations

import json as json_lines
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.errors import ExitCode
from pipelines.cli.invocation import AsJson, Invocation, invoked

if TYPE_CHECKING:
    from connectors.processes.model import Process
    from connectors.repository.repository import Repository
    from pipelines.config import Config

NEWEST = 20
WATCH_SECONDS = 1.0

Report = Mapping[str, Any]

MaybeProcessId = Annotated[
    str | None,
    typer.Argument(metavar="PROCESS_ID", help="One process in detail, not the newest 20 runs."),
]
Watch = Annotated[bool, typer.Option("--watch", help="Look every second until all have ended.")]
Check = Annotated[
    bool,
    typer.Option(
        "--check", help="Exit with 1 when an integration's newest run ended ERROR or is stale."
    ),
]


@invoked
def status(
    invocation: Invocation,
    process_id: MaybeProcessId = None,
    watch: Watch = False,
    json: AsJson = False,
    check: Check = False,
) -> int:
    """Show the newest runs, or one process in detail."""
    config = invocation.load_config()
    with invocation.repository(config) as repository:
        if watch:
            _watch(repository, config, process_id, invocation, as_json=json)
        reports = _read(repository, config, process_id)
        if not (watch and json):
            _print(reports, one=process_id is not None, as_json=json)
        if not check:
            return ExitCode.DONE
        alarms = _alarms(repository, config, process_id)
        for alarm in alarms:
            print(alarm, file=sys.stderr)
        return ExitCode.FAILED if alarms else ExitCode.DONE


# -- reading ------------------------------------------------------------------------------------


def _read(repository: Repository, config: Config, process_id: str | None) -> list[Report]:
    """The report of one process, or those of the newest runs, each parent before its children."""
    from connectors.processes.report import get_process, list_processes
    from connectors.processes.use_cases import require_process

    limits = _rate_limits(config)
    if process_id is None:
        return list(list_processes(repository, NEWEST, rate_limits=limits))
    process = require_process(repository, process_id)
    limit = limits.get(process.integration_id)
    return [get_process(repository, process_id, rate_limit=limit)]


def _rate_limits(config: Config) -> dict[str, float | None]:
    return {one.id: one.quo.requests_per_second for one in config.integrations}


# -- printing -----------------------------------------------------------------------------------


def _print(reports: Sequence[Report], *, one: bool, as_json: bool) -> None:
    from pipelines.cli.display import console, details, print_json, status_table

    if as_json:
        print_json(reports[0] if one else reports)
    elif one:
        for line in details(reports[0]):
            print(line)
    elif reports:
        console().print(status_table(reports))
    else:
        print("There are no runs yet; start one with `quo-sync run`.")


# -- watching -----------------------------------------------------------------------------------


def _watch(
    repository: Repository,
    config: Config,
    process_id: str | None,
    invocation: Invocation,
    *,
    as_json: bool,
) -> None:
    """Until everything that runs has ended, or the user has seen enough."""
    from connectors.processes.model import ACTIVE
    from pipelines.cli.progress import ProgressReader, shown

    try:
        if as_json:
            _watch_as_json(
                lambda: _read(repository, config, process_id), one=process_id is not None
            )
            return
        processes = _watched(repository, process_id)
        reader = ProgressReader(repository, processes, _rate_limits(config))
        with shown(reader.read, log_json=invocation.log_json, to_the_end=False) as tick:
            while any(repository.processes.state_of(one.id) in ACTIVE for one in processes):
                tick()
                time.sleep(WATCH_SECONDS)
    except KeyboardInterrupt:
        return


def _watch_as_json(read: Callable[[], Sequence[Report]], *, one: bool) -> None:
    """A line every second: what `--json` prints at that time."""
    from connectors.processes.model import FINISHED

    while True:
        reports = read()
        shown_now = reports[0] if one else list(reports)
        print(json_lines.dumps(shown_now, ensure_ascii=False), flush=True)
        if all(report["state"] in FINISHED for report in reports):
            return
        time.sleep(WATCH_SECONDS)


def _watched(repository: Repository, process_id: str | None) -> Sequence[Process]:
    """The process, a parent's children, or everything that runs now."""
    from connectors.processes.use_cases import require_process

    if process_id is None:
        return repository.processes.find_active_processes()
    process = require_process(repository, process_id)
    if process.person_type is None:
        return repository.processes.find_children(process_id)
    return [process]


# -- the alarm ----------------------------------------------------------------------------------


def _alarms(repository: Repository, config: Config, process_id: str | None) -> list[str]:
    """A sentence for each process that needs a look: ended ERROR, or active and nobody there."""
    from connectors.processes.model import ProcessState
    from pipelines.takeover import is_dead

    alarms = []
    for process in _newest(repository, config, process_id):
        name = f"{process.integration_id} {process.person_type}, process {process.id},"
        if process.state is ProcessState.ERROR:
            alarms.append(f"{name} ended ERROR: {process.metadata.get('reason', 'no reason kept')}")
        elif process.is_active and is_dead(repository, process, config.stale_after_seconds):
            alarms.append(f"{name} is stale: nobody works on it; the next run takes it over")
    return alarms


def _newest(repository: Repository, config: Config, process_id: str | None) -> Sequence[Process]:
    """The processes of each integration's newest run; of the named process alone if asked."""
    if process_id is not None:
        return _watched(repository, process_id)
    from pipelines.cli.due import newest_sync

    found = (
        newest_sync(repository, settings.id, person_type)
        for settings in config.integrations
        for person_type in settings.person_types
    )
    return [process for process in found if process is not None]
