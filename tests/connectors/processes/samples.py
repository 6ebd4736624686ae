"""Processes, plans and pages to test with; everything that a test does not name is ordinary."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from connectors.clock import utc_now
from connectors.processes.model import (
    DeadLetter,
    Launch,
    Outcomes,
    PageRecord,
    PageState,
    Plan,
    Process,
    ProcessState,
    ProcessType,
    RangeStanding,
    active_key,
)
from connectors.repository.repository import Repository

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LAUNCH = Launch(id="launch-1", runner="FnApiRunner")
SOURCE_KEY = ("0f" * 12, "acme-pipedrive")


def a_process(**changes: Any) -> Process:
    process_id = changes.pop("id", None) or uuid4().hex
    integration_id = changes.get("integration_id", "acme-pipedrive")
    person_type = changes.get("person_type", "Person")
    now = utc_now()
    fields: dict[str, Any] = {
        "type": ProcessType.CRM_SYNC,
        "name": f"{integration_id} {person_type} initial sync",
        "user_id": "user-1",
        "integration_id": integration_id,
        "state": ProcessState.INITIALIZING,
        "active_key": active_key(integration_id, person_type) if person_type else process_id,
        "created_at": now,
        "updated_at": now,
        "person_type": person_type,
        "launch": LAUNCH,
        "root_id": process_id,
        "root_started_at": now,
    }
    return Process(id=process_id, **{**fields, **changes})


def a_plan(*range_ids: str, **changes: Any) -> Plan:
    fields: dict[str, Any] = {"until": T0, "source_key": SOURCE_KEY}
    ranges = tuple({"id": range_id, "kind": "WINDOWS"} for range_id in range_ids)
    return Plan(**{"ranges": ranges, **fields, **changes})


def a_page(process: Process | str, range_id: str, page: int, **changes: Any) -> PageRecord:
    """A page of ten persons; it closes its range unless it has a `next_cursor`."""
    fields: dict[str, Any] = {
        "outcomes": Outcomes(created=7, updated=1, skipped=1, rejected=1),
        "quo_requests": 9,
        "crm_requests": 1,
        "throttled_ms": 250,
        "closes_range": changes.get("next_cursor") is None
        and changes.get("state") is not PageState.FAILED,
    }
    process_id = process if isinstance(process, str) else process.id
    return PageRecord(process_id, range_id, page, **{**fields, **changes})


def a_failed_page(process: Process | str, range_id: str, page: int) -> PageRecord:
    return a_page(
        process,
        range_id,
        page,
        state=PageState.FAILED,
        outcomes=Outcomes(),
        error_code="http_500",
        error_message="the CRM answered 500 three times",
    )


def a_dead_letter(process: Process | str, external_id: str, **changes: Any) -> DeadLetter:
    fields: dict[str, Any] = {
        "person_id": external_id.rpartition("-")[2],
        "person_type": "Person",
        "code": "rejected",
        "message": "Quo refused the contact: defaultFields.firstName is too long",
    }
    process_id = process if isinstance(process, str) else process.id
    return DeadLetter(process_id, external_id, **{**fields, **changes})


def a_running_process(repository: Repository, *range_ids: str, **changes: Any) -> Process:
    """Stored, with its plan and all its ranges, in PROCESSING_BATCHES."""
    fields: dict[str, Any] = {"plan": a_plan(*range_ids), "started_at": T0}
    process = a_process(**{"state": ProcessState.PROCESSING_BATCHES, **fields, **changes})
    repository.processes.create(process)
    standings = [RangeStanding(range_id, {"id": range_id}) for range_id in range_ids]
    repository.ledger.insert_ranges(process.id, standings)
    return process
