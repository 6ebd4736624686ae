"""What a worker tells of the pages it has under way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.clock import utc_now
from connectors.processes.model import SyncType
from connectors.repository.factory import open_repository
from connectors.repository.repository import Repository
from transforms.elements import SyncRequest
from transforms.heartbeat import Heartbeat
from transforms.settings import IntegrationSettings, QuoSettings

LAUNCH, PROCESS = "launch-1", "process-1"
PAGE = ("chain", 1)
REQUEST = SyncRequest(
    process_id=PROCESS,
    root_id=PROCESS,
    root_started_at=utc_now(),
    person_type="Person",
    sync_type=SyncType.INITIAL,
    settings=IntegrationSettings(
        "acme", "user-1", "pipedrive", {}, {}, QuoSettings("env:QUO_API_KEY", "acme"), ("Person",)
    ),
    launch_id=LAUNCH,
)


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    repository = open_repository(f"sqlite:///{tmp_path}/quo-sync.db")
    repository.storage.migrate()
    yield repository
    repository.close()


def eventually(told: Callable[[], dict[str, int]], expected: dict[str, int]) -> None:
    deadline = time.monotonic() + 10
    while told() != expected and time.monotonic() < deadline:
        time.sleep(0.02)
    assert told() == expected


def test_persons_of_a_page_count_until_it_is_recorded(repository: Repository) -> None:
    heartbeat = Heartbeat(repository.heartbeats)
    since = utc_now() - timedelta(seconds=60)

    def pages() -> dict[str, int]:
        return repository.heartbeats.pages_in_flight(LAUNCH, since=since)

    def persons() -> dict[str, int]:
        return repository.heartbeats.persons_in_flight(LAUNCH, since=since)

    with heartbeat.in_flight(REQUEST):
        eventually(pages, {PROCESS: 1})
        heartbeat.page_progress(REQUEST, PAGE, 40)
        eventually(persons, {PROCESS: 40})
        heartbeat.page_progress(REQUEST, PAGE, 70)
        eventually(persons, {PROCESS: 70})
        heartbeat.page_recorded(REQUEST, PAGE)
        eventually(persons, {})
        assert pages() == {PROCESS: 1}
    eventually(pages, {})
    assert repository.heartbeats.newest([LAUNCH])[LAUNCH] > since
