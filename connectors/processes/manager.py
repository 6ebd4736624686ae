"""ProcessManager: the use cases bound to one repository, and how the processes of a run begin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from connectors.clock import utc_now
from connectors.errors import AlreadyRunning
from connectors.processes import use_cases
from connectors.processes.model import (
    DeadLetter,
    Launch,
    PageRecord,
    Process,
    ProcessState,
    ProcessType,
    SyncType,
    active_key,
)
from connectors.processes.ports import ProcessRepository, ProgressBroadcaster
from connectors.processes.report import get_process


@dataclass(frozen=True, slots=True)
class CreatedProcesses:
    """What became of one request for processes.

    `created` are those with a person type, one per type that was free; `parent` binds them when
    several were asked for. `skipped` maps each other type to the process that holds it.
    """

    parent: Process | None = None
    created: Sequence[Process] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)


class ProcessManager:
    """Thin over the use cases; `broadcaster` hears of every recorded page."""

    def __init__(
        self, repository: ProcessRepository, broadcaster: ProgressBroadcaster | None = None
    ) -> None:
        self._repository = repository
        self._broadcaster = broadcaster

    def create_sync_process(
        self,
        *,
        integration_id: str,
        user_id: str,
        person_types: Sequence[str],
        type: ProcessType,
        sync_type: SyncType | Mapping[str, SyncType],
        launch: Launch | None,
        since_by_type: Mapping[str, datetime | None] | None = None,
        shape: str = "",
        metadata: Mapping[str, Any] | None = None,
        predecessors_by_type: Mapping[str, Process] | None = None,
    ) -> CreatedProcesses:
        """Create one process, or for several person types a parent and a child each.

        `sync_type` is one for all or by person type. A predecessor hands its plan, window,
        types, shape and root on to the process that continues it. A type whose key another active
        process holds is skipped; a parent left without children is taken back.
        """
        now = utc_now()
        common = Process(
            id="",
            type=type,
            name="",
            user_id=user_id,
            integration_id=integration_id,
            state=ProcessState.INITIALIZING,
            active_key="",
            created_at=now,
            updated_at=now,
            root_started_at=now,
            shape=shape,
            launch=launch,
            metadata=metadata or {},
        )
        drafts = []
        for person_type in person_types:
            draft = replace(
                common,
                person_type=person_type,
                sync_type=sync_type if isinstance(sync_type, SyncType) else sync_type[person_type],
                since=(since_by_type or {}).get(person_type),
            )
            predecessor = (predecessors_by_type or {}).get(person_type)
            drafts.append(_continuing(draft, predecessor) if predecessor else draft)
        if len(drafts) == 1:
            return self._create_each(drafts, parent=None)
        parent = use_cases.create_process(self._repository, _parent_of(common, drafts))
        return self._create_each(drafts, parent)

    def update_state(
        self, process_id: str, to: ProcessState, fields: Mapping[str, Any] | None = None
    ) -> bool:
        process = use_cases.require_process(self._repository, process_id)
        return use_cases.update_process_state(self._repository, process, to, fields)

    def update_metrics(self, record: PageRecord, dead_letters: Sequence[DeadLetter] = ()) -> bool:
        return use_cases.update_process_metrics(
            self._repository, record, dead_letters, self._broadcaster
        )

    def update_total(self, process_id: str, total: int | None) -> None:
        use_cases.update_total(self._repository, process_id, total)

    def update_metadata(self, process_id: str, metadata: Mapping[str, Any]) -> None:
        use_cases.update_metadata(self._repository, process_id, metadata)

    def handle_error(self, process_id: str, error: Exception) -> bool:
        process = use_cases.require_process(self._repository, process_id)
        return use_cases.handle_error(self._repository, process, error)

    def complete_process(self, process_id: str) -> bool:
        process = use_cases.require_process(self._repository, process_id)
        return use_cases.complete_process(self._repository, process)

    def get_process(self, process_id: str, *, rate_limit: float | None = None) -> dict[str, Any]:
        return get_process(self._repository, process_id, rate_limit=rate_limit)

    def _create_each(self, drafts: Sequence[Process], parent: Process | None) -> CreatedProcesses:
        created: list[Process] = []
        skipped: dict[str, str] = {}
        for draft in drafts:
            process = _named(replace(draft, parent_id=parent.id if parent else None))
            holder_id = self._create_or_holder(process)
            if holder_id is None:
                created.append(process)
            else:
                skipped[str(draft.person_type)] = holder_id
        if parent is not None and not created:
            self._repository.processes.delete_by_id(parent.id)
            parent = None
        return CreatedProcesses(parent, created, skipped)

    def _create_or_holder(self, process: Process) -> str | None:
        """None when created, else the id of the process that holds its key."""
        while True:
            try:
                use_cases.create_process(self._repository, process)
            except AlreadyRunning as error:
                if error.process_id is not None:
                    return error.process_id
                continue  # the holder has ended since: the key is free
            return None


def _parent_of(common: Process, drafts: Sequence[Process]) -> Process:
    """The parent has no person type; it is INITIAL when one of its children is."""
    sync_types = {draft.sync_type for draft in drafts}
    sync_type = SyncType.INITIAL if SyncType.INITIAL in sync_types else SyncType.ONGOING
    return _named(replace(common, sync_type=sync_type))


def _continuing(draft: Process, predecessor: Process) -> Process:
    """The draft as a successor: what shaped the plan stays as it was."""
    return replace(
        draft,
        type=predecessor.type,
        sync_type=predecessor.sync_type,
        since=predecessor.since,
        predecessor_id=predecessor.id,
        root_id=predecessor.root_id or predecessor.id,
        root_started_at=predecessor.root_started_at or predecessor.created_at,
        shape=predecessor.shape,
        plan=predecessor.plan,
        pagination=predecessor.pagination,
        total=predecessor.total,
    )


def _named(draft: Process) -> Process:
    """The draft with an id of its own, a name for people, its key and its root."""
    process_id = uuid4().hex
    what = "retry" if draft.type is ProcessType.RETRY else f"{draft.sync_type.lower()} sync"
    words = (draft.integration_id, draft.person_type, what)
    key = active_key(draft.integration_id, draft.person_type) if draft.person_type else process_id
    return replace(
        draft,
        id=process_id,
        name=" ".join(word for word in words if word),
        active_key=key,
        root_id=draft.root_id or process_id,
    )
