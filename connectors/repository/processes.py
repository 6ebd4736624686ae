"""Processes: the durable records of runs."""

from __future__ import annotations

from collections.abc import Collection as Some
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from connectors.clock import from_millis, iso, parse_time, to_millis, utc_now
from connectors.errors import AlreadyRunning
from connectors.processes.model import (
    ACTIVE,
    FINISHED,
    Holder,
    Launch,
    Plan,
    Process,
    ProcessState,
    ProcessType,
    SyncType,
)
from connectors.repository.storage import Collection, In, Record, Storage

PROCESSES = Collection(
    name="processes",
    key=("id",),
    columns={
        "id": str,
        "integration_id": str,
        "user_id": str,
        "type": str,
        "name": str,
        "state": str,
        "person_type": str,
        "parent_id": str,
        "active_key": str,
        "launch_id": str,
        "created_at": int,
        "updated_at": int,
    },
    unique=(("active_key",),),
    indexes=(
        ("integration_id", "type", "created_at"),
        ("user_id",),
        ("state",),
        ("parent_id",),
        ("created_at",),
    ),
)
_TIMES = ("since", "root_started_at", "started_at", "ended_at")


class Processes:
    """A parent (no person type) stores no state of its own: it reads as its children do."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def create(self, process: Process) -> None:
        """Raises AlreadyRunning, naming the holder, when the active key is taken."""
        if self._storage.insert(PROCESSES, [_record(process)]):
            holder = self._storage.find(
                PROCESSES, {"active_key": process.active_key}, columns_only=True
            )
            held_by = holder[0]["id"] if holder else None
            raise AlreadyRunning(
                f"{process.active_key} is already running"
                + (f" as process {held_by}" if held_by else ""),
                process_id=held_by,
            )

    def find_by_id(self, process_id: str) -> Process | None:
        return next(iter(self._find({"id": process_id})), None)

    def find_by_integration_and_type(
        self,
        integration_id: str,
        type: ProcessType,
        *,
        person_type: str | None = None,
        limit: int | None = None,
    ) -> list[Process]:
        where: dict[str, Any] = {"integration_id": integration_id, "type": type.value}
        if person_type is not None:
            where["person_type"] = person_type
        return self._find(where, limit=limit)

    def find_active_processes(self, integration_id: str | None = None) -> list[Process]:
        where: dict[str, Any] = {"state": In([state.value for state in ACTIVE])}
        if integration_id is not None:
            where["integration_id"] = integration_id
        return [process for process in self._find(where) if process.person_type is not None]

    def find_by_name(self, name: str) -> list[Process]:
        return self._find({"name": name})

    def find_children(self, parent_id: str) -> list[Process]:
        return self._find({"parent_id": parent_id}, order=("created_at", "id"))

    def find_recent(self, limit: int) -> list[Process]:
        return self._find({}, limit=limit)

    def delete_by_id(self, process_id: str) -> bool:
        return self._storage.delete(PROCESSES, {"id": process_id}) > 0

    def state_of(self, process_id: str) -> ProcessState | None:
        rows = self._storage.find(PROCESSES, {"id": process_id}, columns_only=True)
        return ProcessState(rows[0]["state"]) if rows else None

    def set_plan(self, process_id: str, plan: Plan) -> bool:
        changes = {"plan": _plan_json(plan), "total": plan.total} | _touched()
        return self._storage.change(PROCESSES, (process_id,), changes, expect={"plan": None})

    def transition(
        self,
        process_id: str,
        to: ProcessState,
        *,
        sources: Some[ProcessState],
        fields: Mapping[str, Any] | None = None,
    ) -> bool:
        changes = _encoded(fields or {}) | {"state": to.value} | _touched()
        if to in FINISHED:
            changes |= {"active_key": process_id, "ended_at": changes["updated_at"]}
        expected = {"state": In([state.value for state in sources])}
        return self._storage.change(PROCESSES, (process_id,), changes, expect=expected)

    def amend(self, process_id: str, fields: Mapping[str, Any]) -> bool:
        return self._storage.change(PROCESSES, (process_id,), _encoded(fields) | _touched())

    def _find(
        self,
        where: Mapping[str, Any],
        *,
        order: tuple[str, ...] = ("-created_at", "-id"),
        limit: int | None = None,
    ) -> list[Process]:
        return [
            _process(row) for row in self._storage.find(PROCESSES, where, order=order, limit=limit)
        ]


def _touched() -> dict[str, Any]:
    return {"updated_at": to_millis(utc_now())}


def _record(process: Process) -> Record:
    values = {
        "id": process.id,
        "integration_id": process.integration_id,
        "user_id": process.user_id,
        "type": process.type.value,
        "name": process.name,
        "state": process.state.value,
        "person_type": process.person_type,
        "parent_id": process.parent_id,
        "active_key": process.active_key,
        "created_at": to_millis(process.created_at),
        "updated_at": to_millis(process.updated_at),
        "sync_type": process.sync_type.value,
        "predecessor_id": process.predecessor_id,
        "root_id": process.root_id or process.id,
        "shape": process.shape,
        "pagination": process.pagination,
        "total": process.total,
    }
    return values | _encoded(
        {
            "since": process.since,
            "root_started_at": process.root_started_at or process.created_at,
            "started_at": process.started_at,
            "ended_at": process.ended_at,
            "launch": process.launch,
            "plan": process.plan,
            "metadata": dict(process.metadata),
            "results": process.results,
        }
    )


def _encoded(fields: Mapping[str, Any]) -> Record:
    """Fields as the storage keeps them: times in ms, launch with its id as a column."""
    record: Record = {}
    for name, value in fields.items():
        if isinstance(value, datetime):
            record[name] = to_millis(value)
        elif isinstance(value, Launch):
            record[name] = asdict(value)
            record["launch_id"] = value.id
        elif isinstance(value, Plan):
            record[name] = _plan_json(value)
        else:
            record[name] = value
    return record


def _plan_json(plan: Plan) -> dict[str, Any]:
    return {
        "ranges": [dict(bounds) for bounds in plan.ranges],
        "until": iso(plan.until),
        "source_key": list(plan.source_key),
        "ids_may_exist": plan.ids_may_exist,
        "custom_fields": dict(plan.custom_fields),
        "total": plan.total,
    }


def _plan(stored: Mapping[str, Any] | None) -> Plan | None:
    if not stored:
        return None
    key_hash, source = stored["source_key"]
    return Plan(
        ranges=tuple(stored["ranges"]),
        until=parse_time(stored["until"]),
        source_key=(key_hash, source),
        ids_may_exist=stored["ids_may_exist"],
        custom_fields=stored["custom_fields"],
        total=stored["total"],
    )


def _launch(stored: Mapping[str, Any] | None) -> Launch | None:
    if not stored:
        return None
    holder = stored.get("holder")
    return Launch(
        id=stored["id"],
        runner=stored["runner"],
        job_id=stored.get("job_id"),
        holder=Holder(**holder) if holder else None,
    )


def _process(row: Record) -> Process:
    times = {name: from_millis(row[name]) if row.get(name) is not None else None for name in _TIMES}
    return Process(
        id=row["id"],
        type=ProcessType(row["type"]),
        name=row["name"],
        user_id=row["user_id"],
        integration_id=row["integration_id"],
        state=ProcessState(row["state"]),
        active_key=row["active_key"],
        created_at=from_millis(row["created_at"]),
        updated_at=from_millis(row["updated_at"]),
        person_type=row["person_type"],
        sync_type=SyncType(row["sync_type"]),
        parent_id=row["parent_id"],
        predecessor_id=row.get("predecessor_id"),
        root_id=row["root_id"],
        shape=row.get("shape") or "",
        launch=_launch(row.get("launch")),
        plan=_plan(row.get("plan")),
        pagination=row.get("pagination"),
        total=row.get("total"),
        metadata=row.get("metadata") or {},
        results=row.get("results"),
        version=row["version"],
        **times,
    )
