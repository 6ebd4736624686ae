"""Reports of processes as `get_process` gives them, with what a test wants to see changed."""

from __future__ import annotations

from typing import Any

OUTCOMES = ("created", "updated", "unchanged", "deleted", "skipped", "rejected", "failed")


def report(
    *,
    state: str = "COMPLETED",
    outcomes: dict[str, int] | None = None,
    total: int | None = None,
    errors: list[dict[str, Any]] | None = None,
    duration: int = 10_000,
    metadata: dict[str, Any] | None = None,
    estimated_completion: str | None = None,
) -> dict[str, Any]:
    counts = {**dict.fromkeys(OUTCOMES, 0), **(outcomes or {})}
    done = sum(counts.values())
    return {
        "id": "p1",
        "userId": "user-1",
        "integrationId": "acme",
        "name": "acme Person initial sync",
        "type": "CRM_SYNC",
        "state": state,
        "context": {
            "syncType": "INITIAL",
            "personObjectType": "Person",
            "totalRecords": total,
            "processedRecords": done,
            "currentPage": 2,
            "pagination": "WINDOWS",
            "startTime": "2026-03-01T10:00:00.000Z",
            "endTime": None,
            "estimatedCompletion": estimated_completion,
            "lastSyncedTimestamp": None,
            "metadata": {
                "throttledSeconds": 0.0,
                "pagesInFlight": 0,
                "personsInFlight": 0,
                **(metadata or {}),
            },
        },
        "results": {
            "aggregateData": {
                "totalSynced": done - counts["rejected"] - counts["failed"] - counts["skipped"],
                "totalFailed": counts["rejected"] + counts["failed"],
                "duration": duration,
                "recordsPerSecond": 1000 * done / duration,
                "errors": errors or [],
            },
            "pages": {"totalPages": None, "processedPages": 2, "failedPages": 0},
            "outcomes": counts,
            "requests": {"quo": done, "crm": 3},
        },
        "childProcesses": [],
        "parentProcessId": None,
        "createdAt": "2026-03-01T10:00:00.000Z",
        "updatedAt": "2026-03-01T10:00:10.000Z",
    }


def error(external_id: str | None, code: str = "rejected") -> dict[str, Any]:
    return {
        "externalId": external_id,
        "code": code,
        "message": "Quo refused it",
        "at": "2026-03-01T10:00:05.000Z",
    }
