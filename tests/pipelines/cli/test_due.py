"""Which integrations `run --due` takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.clock import iso
from connectors.processes.manager import ProcessManager
from connectors.processes.model import ProcessState, ProcessType, SyncType, Watermark
from connectors.processes.use_cases import end_process
from connectors.repository.repository import Repository
from pipelines.cli.due import due
from transforms.settings import IntegrationSettings, QuoSettings

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def settings(*person_types: str) -> IntegrationSettings:
    return IntegrationSettings(
        id="acme",
        user_id="user-1",
        crm="pipedrive",
        crm_options={},
        crm_credentials={},
        quo=QuoSettings(api_key="env:KEY", source="acme"),
        person_types=person_types or ("Person",),
        ongoing_minutes=60,
        initial_days=7,
    )


def completed(
    repository: Repository, person_type: str, minutes_ago: float, full_days_ago: float
) -> None:
    at = NOW - timedelta(minutes=minutes_ago)
    full_at = NOW - timedelta(days=full_days_ago)
    repository.watermarks.advance("acme", person_type, Watermark(at=at, full_at=full_at, shape="s"))


def park(repository: Repository, until: datetime) -> None:
    """The newest run ended because a daily quota was nearly spent."""
    created = ProcessManager(repository).create_sync_process(
        integration_id="acme",
        user_id="user-1",
        person_types=["Person"],
        type=ProcessType.CRM_SYNC,
        sync_type=SyncType.ONGOING,
        launch=None,
    )
    notes = {"parkedUntil": iso(until)}
    (process,) = created.created
    end_process(repository, process, ProcessState.CANCELLED, "quota", metadata=notes)


@pytest.mark.parametrize(
    ("minutes_ago", "full_days_ago", "is_due"),
    [
        pytest.param(10, 1, False, id="just-ran"),
        pytest.param(59.5, 1, True, id="an-hourly-scheduler-comes-seconds-early"),
        pytest.param(61, 1, True, id="delta-is-due"),
        pytest.param(10, 7.01, True, id="full-read-is-due"),
    ],
)
def test_the_schedule_decides(
    repository: Repository, minutes_ago: float, full_days_ago: float, is_due: bool
) -> None:
    completed(repository, "Person", minutes_ago, full_days_ago)
    assert due(repository, settings(), NOW).is_due is is_due


def test_what_never_ran_is_due(repository: Repository) -> None:
    assert due(repository, settings(), NOW).is_due


def test_one_person_type_makes_the_integration_due(repository: Repository) -> None:
    completed(repository, "Contact", minutes_ago=10, full_days_ago=1)
    assert due(repository, settings("Contact", "Lead"), NOW).is_due


def test_what_is_not_due_says_when(repository: Repository) -> None:
    completed(repository, "Person", minutes_ago=27, full_days_ago=1)
    assert due(repository, settings(), NOW).reason == "is due at 2026-03-01 12:30:00 UTC"


def test_a_parked_run_is_due_from_its_instant_on_whatever_the_schedule(
    repository: Repository,
) -> None:
    completed(repository, "Person", minutes_ago=10, full_days_ago=1)
    park(repository, NOW)
    assert due(repository, settings(), NOW).is_due


def test_until_then_a_parked_run_waits_though_its_schedule_is_due(repository: Repository) -> None:
    completed(repository, "Person", minutes_ago=90, full_days_ago=1)
    park(repository, NOW + timedelta(minutes=30))
    found = due(repository, settings(), NOW)
    assert (found.is_due, found.reason) == (False, "is parked until 2026-03-01 12:30:00 UTC")
