"""`run --due`: which integrations their schedule wants to run now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from connectors.clock import parse_time
from connectors.processes.model import Process, ProcessState, ProcessType

if TYPE_CHECKING:
    from connectors.processes.ports import ProcessRepository
    from transforms.settings import IntegrationSettings

EARLY_SHARE = 0.05
"""A run is due so much of its interval early: a scheduler that calls every hour for a schedule of
60 minutes would otherwise come some seconds too soon each second time."""


@dataclass(frozen=True)
class Due:
    """Whether to run an integration now; `reason` says why not."""

    is_due: bool
    reason: str = ""


def due(repository: ProcessRepository, settings: IntegrationSettings, now: datetime) -> Due:
    """One person type that is due makes the integration due.

    A parked run waits for its instant, for the quota is its account's, and is due then.
    """
    parked = [_parked_until(repository, settings, type) for type in settings.person_types]
    waiting = max((until for until in parked if until is not None and until > now), default=None)
    if waiting is not None:
        return Due(False, f"is parked until {waiting:%Y-%m-%d %H:%M:%S} UTC")
    if any(parked):
        return Due(True)
    next_runs = [_next_run(repository, settings, type) for type in settings.person_types]
    if any(at is None or at <= now for at in next_runs):
        return Due(True)
    soonest = min(at for at in next_runs if at is not None)
    return Due(False, f"is due at {soonest:%Y-%m-%d %H:%M:%S} UTC")


def _parked_until(
    repository: ProcessRepository, settings: IntegrationSettings, person_type: str
) -> datetime | None:
    newest = newest_sync(repository, settings.id, person_type)
    if newest is None or newest.state is not ProcessState.CANCELLED:
        return None
    until = newest.metadata.get("parkedUntil")
    return parse_time(until) if until else None


def _next_run(
    repository: ProcessRepository, settings: IntegrationSettings, person_type: str
) -> datetime | None:
    """None = at once: there is no completed run, or no full one."""
    watermark = repository.watermarks.get(settings.id, person_type)
    if watermark is None or watermark.full_at is None:
        return None
    ongoing = watermark.at + timedelta(minutes=settings.ongoing_minutes * (1 - EARLY_SHARE))
    return min(ongoing, watermark.full_at + timedelta(days=settings.initial_days))


def newest_sync(
    repository: ProcessRepository, integration_id: str, person_type: str
) -> Process | None:
    found = repository.processes.find_by_integration_and_type(
        integration_id, ProcessType.CRM_SYNC, person_type=person_type, limit=1
    )
    return found[0] if found else None
