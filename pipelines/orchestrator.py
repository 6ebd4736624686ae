"""Which syncs are started, and with what: modes, continuation, take-over, cancel (rules §5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from connectors.clock import utc_now
from connectors.errors import AlreadyRunning, ConfigurationError, NotFound
from connectors.processes.manager import ProcessManager
from connectors.processes.model import (
    FINISHED,
    Launch,
    Process,
    ProcessState,
    ProcessType,
    SyncType,
    active_key,
)
from connectors.processes.use_cases import end_process, require_process
from connectors.repository.repository import Repository
from pipelines.takeover import end_dead, is_dead
from transforms.elements import SyncRequest
from transforms.settings import IntegrationSettings


class Mode(StrEnum):
    AUTO = "auto"
    INITIAL = "initial"
    ONGOING = "ongoing"


@dataclass(frozen=True)
class PlannedRun:
    """One process to create. A `predecessor` hands its plan on; `retry_ids` are person ids."""

    person_type: str
    sync_type: SyncType
    since: datetime | None = None
    predecessor: Process | None = None
    retry_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Started:
    """What was created for one integration: its requests, and the person types left out.

    `processes` are the children, or the one process; `skipped` maps a person type that is already
    running to the process that holds it.
    """

    integration_id: str
    requests: tuple[SyncRequest, ...] = ()
    processes: tuple[Process, ...] = ()
    parent: Process | None = None
    skipped: dict[str, str] = field(default_factory=dict)


class SyncOrchestrator:
    """Creates the processes of one launch; running them is the launcher's part."""

    def __init__(
        self, repository: Repository, *, launch: Launch, stale_after_seconds: float = 900.0
    ) -> None:
        self._repository = repository
        self._launch = launch
        self._stale_after = stale_after_seconds
        self._manager = ProcessManager(repository)

    # -- starting ---------------------------------------------------------------------------

    def start(self, settings: IntegrationSettings, mode: Mode = Mode.AUTO) -> Started:
        """A sync of every person type of the integration that is not running already."""
        for person_type in settings.person_types:
            self._take_over_dead(settings, person_type)
        runs = [self._run(settings, person_type, mode) for person_type in settings.person_types]
        return self._create(settings, ProcessType.CRM_SYNC, runs)

    def start_initial_sync(self, settings: IntegrationSettings) -> Started:
        return self.start(settings, Mode.INITIAL)

    def start_ongoing_sync(self, settings: IntegrationSettings) -> Started:
        """Raises ConfigurationError when a person type was never read in full."""
        return self.start(settings, Mode.ONGOING)

    def resume(self, process_id: str, settings: IntegrationSettings) -> Started:
        """Continue a named process (or a parent's children) that ended before its plan was done."""
        runs = []
        for process in self._members(process_id):
            self._take_over_if_dead(process)
            process = require_process(self._repository, process.id)
            if process.is_active:
                raise AlreadyRunning(f"process {process.id} is running", process_id=process.id)
            if process.state is ProcessState.COMPLETED:
                continue
            self._require_resumable(process, settings)
            runs.append(_successor(process))
        if not runs:
            raise ConfigurationError(f"process {process_id} is completed: nothing to resume")
        return self._create(settings, ProcessType.CRM_SYNC, runs)

    def retry(self, process_id: str, settings: IntegrationSettings) -> Started:
        """Re-read the dead letters of a process by id and upsert their newest values."""
        ids_by_type: dict[str, list[str]] = {}
        for process in self._members(process_id):
            for letter in self._repository.dead_letters.of_process(process.id):
                ids_by_type.setdefault(letter.person_type, []).append(letter.person_id)
        if not ids_by_type:
            return Started(settings.id)
        for person_type in ids_by_type:
            self._take_over_dead(settings, person_type)
        runs = [
            PlannedRun(person_type, SyncType.ONGOING, retry_ids=tuple(sorted(set(ids))))
            for person_type, ids in sorted(ids_by_type.items())
        ]
        return self._create(settings, ProcessType.RETRY, runs)

    # -- asking -----------------------------------------------------------------------------

    def has_active_syncs(self, integration_id: str) -> bool:
        """Whether a process of the integration is active and its holder alive."""
        return any(
            not is_dead(self._repository, process, self._stale_after)
            for process in self._repository.processes.find_active_processes(integration_id)
        )

    def get_last_sync_time(self, integration_id: str, person_type: str) -> datetime | None:
        """T0 of the last completed run: everything changed in the CRM before it is in Quo."""
        watermark = self._repository.watermarks.get(integration_id, person_type)
        return watermark.at if watermark else None

    # -- cancelling -------------------------------------------------------------------------

    def cancel(self, process_id: str, reason: str = "cancelled by the user") -> list[Process]:
        """Cancel a process or a parent's children; returns those that this call ended.

        Nothing is sent for them later than one second after this returns.
        """
        return [
            process
            for process in self._members(process_id)
            if process.is_active
            and end_process(
                self._repository, process, ProcessState.CANCELLED, reason, code="cancelled"
            )
        ]

    # -- within -----------------------------------------------------------------------------

    def _members(self, process_id: str) -> list[Process]:
        """The process itself, or the children of a parent."""
        process = require_process(self._repository, process_id)
        if process.person_type is not None:
            return [process]
        return list(self._repository.processes.find_children(process_id))

    def _run(self, settings: IntegrationSettings, person_type: str, mode: Mode) -> PlannedRun:
        sync_type, since = self._mode(settings, person_type, mode)
        newest = self._newest(settings.id, person_type)
        if newest is not None and _is_continued_by(newest, sync_type, settings.shape):
            return _successor(newest)
        return PlannedRun(person_type, sync_type, since=since)

    def _mode(
        self, settings: IntegrationSettings, person_type: str, mode: Mode
    ) -> tuple[SyncType, datetime | None]:
        """Rules §1.5: what `auto` means here, and where a delta starts."""
        watermark = self._repository.watermarks.get(settings.id, person_type)
        if mode is Mode.AUTO:
            full_at = watermark.full_at if watermark else None
            due = full_at is None or utc_now() - full_at > timedelta(days=settings.initial_days)
            reshaped = watermark is None or watermark.shape != settings.shape
            mode = Mode.INITIAL if due or reshaped else Mode.ONGOING
        if mode is Mode.INITIAL:
            return SyncType.INITIAL, None
        if watermark is None:
            raise ConfigurationError(
                f"--mode ongoing: {person_type} of integration {settings.id!r} was never read in "
                "full; run with --mode initial (or auto) first",
                code="usage",
            )
        overlap = timedelta(seconds=settings.sync.overlap_seconds)
        return SyncType.ONGOING, watermark.at - overlap

    def _newest(self, integration_id: str, person_type: str) -> Process | None:
        processes = self._repository.processes.find_by_integration_and_type(
            integration_id, ProcessType.CRM_SYNC, person_type=person_type, limit=1
        )
        return processes[0] if processes else None

    def _require_resumable(self, process: Process, settings: IntegrationSettings) -> None:
        if process.plan is None:
            raise ConfigurationError(
                f"process {process.id} ended before its plan stood: nothing to continue; use "
                f"`quo-sync run -i {process.integration_id}`",
                code="usage",
            )
        if process.shape != settings.shape:
            raise ConfigurationError(
                f"process {process.id} was started with other fields, only, person_types, "
                "default_region or without_phone; restore them, or use "
                f"`quo-sync run -i {process.integration_id}`",
                code="usage",
            )

    def _take_over_dead(self, settings: IntegrationSettings, person_type: str) -> None:
        key = active_key(settings.id, person_type)
        for process in self._repository.processes.find_active_processes(settings.id):
            if process.active_key == key:
                self._take_over_if_dead(process)

    def _take_over_if_dead(self, process: Process) -> None:
        if process.is_active and is_dead(self._repository, process, self._stale_after):
            end_dead(self._repository, process)

    def _create(
        self, settings: IntegrationSettings, type: ProcessType, runs: Sequence[PlannedRun]
    ) -> Started:
        created = self._manager.create_sync_process(
            integration_id=settings.id,
            user_id=settings.user_id,
            person_types=[run.person_type for run in runs],
            type=type,
            sync_type={run.person_type: run.sync_type for run in runs},
            since_by_type={run.person_type: run.since for run in runs},
            predecessors_by_type={
                run.person_type: run.predecessor for run in runs if run.predecessor
            },
            shape=settings.shape,
            launch=self._launch,
        )
        retry_ids = {run.person_type: run.retry_ids for run in runs}
        return Started(
            settings.id,
            requests=tuple(
                self._request(settings, child, retry_ids[child.person_type or ""])
                for child in created.created
            ),
            processes=tuple(created.created),
            parent=created.parent,
            skipped=dict(created.skipped),
        )

    def _request(
        self, settings: IntegrationSettings, process: Process, retry_ids: tuple[str, ...]
    ) -> SyncRequest:
        return SyncRequest(
            process_id=process.id,
            root_id=process.root_id,
            root_started_at=process.root_started_at or process.created_at,
            person_type=process.person_type or "",
            sync_type=process.sync_type,
            settings=settings,
            launch_id=self._launch.id,
            since=process.since,
            retry_ids=retry_ids,
        )


def _is_continued_by(newest: Process, sync_type: SyncType, shape: str) -> bool:
    """Whether the newest run left a plan undone that a run of this kind takes up."""
    return (
        newest.state in FINISHED - {ProcessState.COMPLETED}
        and newest.plan is not None
        and newest.sync_type is sync_type
        and newest.shape == shape
    )


def _successor(process: Process) -> PlannedRun:
    return PlannedRun(
        process.person_type or "",
        process.sync_type,
        since=process.since,
        predecessor=process,
    )


def integration_of(
    process: Process, integrations: Sequence[IntegrationSettings]
) -> IntegrationSettings:
    """The settings of the process's integration; raises NotFound when it is not configured."""
    for settings in integrations:
        if settings.id == process.integration_id:
            return settings
    raise NotFound(
        f"integration {process.integration_id!r} of process {process.id} is not in the "
        "configuration; add it again to go on",
        code="unknown_integration",
    )
