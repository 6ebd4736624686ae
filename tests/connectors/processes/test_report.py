"""GetProcess and the list: the designed JSON, exactly."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.clock import iso, utc_now
from connectors.errors import NotFound
from connectors.processes.model import (
    PLANNING_RANGE,
    Launch,
    Outcomes,
    PageRecord,
    Process,
    ProcessState,
    RangeState,
    SyncType,
    Watermark,
)
from connectors.processes.report import get_process, list_processes
from connectors.processes.use_cases import end_process, update_process_metrics
from connectors.repository.repository import Repository
from tests.connectors.processes.interruption import InterruptedStorage
from tests.connectors.processes.samples import (
    T0,
    a_dead_letter,
    a_failed_page,
    a_page,
    a_plan,
    a_process,
    a_running_process,
)

TOP = {
    "id", "userId", "integrationId", "name", "type", "state", "context", "results",
    "childProcesses", "parentProcessId", "createdAt", "updatedAt",
}  # fmt: skip
CONTEXT = {
    "syncType", "personObjectType", "totalRecords", "processedRecords", "currentPage",
    "pagination", "startTime", "endTime", "estimatedCompletion", "lastSyncedTimestamp", "metadata",
}  # fmt: skip
RESULTS = {"aggregateData", "pages", "outcomes", "requests"}
AGGREGATE = {"totalSynced", "totalFailed", "duration", "recordsPerSecond", "errors"}
PAGES = {"totalPages", "processedPages", "failedPages"}
OUTCOMES = {"created", "updated", "unchanged", "deleted", "skipped", "rejected", "failed"}
ERROR = {"externalId", "code", "message", "at"}


def assert_shape(report: dict[str, Any]) -> None:
    assert set(report) == TOP
    assert set(report["context"]) == CONTEXT
    results = report["results"]
    assert set(results) == RESULTS
    assert set(results["aggregateData"]) == AGGREGATE
    assert set(results["pages"]) == PAGES
    assert set(results["outcomes"]) == OUTCOMES
    assert set(results["requests"]) == {"quo", "crm"}
    assert all(set(error) == ERROR for error in results["aggregateData"]["errors"])
    assert json.loads(json.dumps(report)) == report


def a_family(repository: Repository) -> tuple[Process, Process, Process]:
    parent = a_process(person_type=None)
    repository.processes.create(parent)
    lead = a_running_process(
        repository, "a", parent_id=parent.id, person_type="Lead", total=30, name="x Lead"
    )
    contact = a_running_process(
        repository, "a", parent_id=parent.id, person_type="Contact", total=10, name="x Contact"
    )
    return parent, lead, contact


@pytest.mark.parametrize("state", ProcessState)
def test_every_key_is_always_present(repository: Repository, state: ProcessState) -> None:
    process = a_process(state=state)
    repository.processes.create(process)
    assert_shape(get_process(repository, process.id))


def test_unknown_process_is_refused(repository: Repository) -> None:
    with pytest.raises(NotFound):
        get_process(repository, "nobody")


def test_running_process_is_told_from_its_ledger(repository: Repository) -> None:
    now = T0 + timedelta(seconds=100)
    process = a_running_process(
        repository, "a", "b", total=50, created_at=T0, updated_at=T0, metadata={"note": "first"}
    )
    planning = PageRecord(process.id, PLANNING_RANGE, 0, quo_requests=1, crm_requests=2)
    update_process_metrics(repository, planning)
    letter = a_dead_letter(process, "person-7", at=T0 + timedelta(seconds=30))
    page = a_page(process, "a", 1, next_cursor="more")
    update_process_metrics(repository, page, [letter])
    full = Watermark(at=T0 - timedelta(days=1))
    repository.watermarks.advance("acme-pipedrive", "Person", full)

    report = get_process(repository, process.id, rate_limit=10.0, now=now)

    assert_shape(report)
    assert report == {
        "id": process.id,
        "userId": "user-1",
        "integrationId": "acme-pipedrive",
        "name": "acme-pipedrive Person initial sync",
        "type": "CRM_SYNC",
        "state": "PROCESSING_BATCHES",
        "context": {
            "syncType": "INITIAL",
            "personObjectType": "Person",
            "totalRecords": 50,
            "processedRecords": 10,
            "currentPage": 1,
            "pagination": "WINDOWS",
            "startTime": "2026-03-01T12:00:00.000Z",
            "endTime": None,
            "estimatedCompletion": "2026-03-01T12:08:20.000Z",
            "lastSyncedTimestamp": "2026-02-28T12:00:00.000Z",
            "metadata": {
                "note": "first",
                "throttledSeconds": 0.25,
                "pagesInFlight": 0,
                "personsInFlight": 0,
            },
        },
        "results": {
            "aggregateData": {
                "totalSynced": 8,
                "totalFailed": 1,
                "duration": 100_000,
                "recordsPerSecond": 0.1,
                "errors": [
                    {
                        "externalId": "person-7",
                        "code": "rejected",
                        "message": letter.message,
                        "at": "2026-03-01T12:00:30.000Z",
                    }
                ],
            },
            "pages": {"totalPages": None, "processedPages": 1, "failedPages": 0},
            "outcomes": {**page.outcomes.to_json()},
            "requests": {"quo": 10, "crm": 3},
        },
        "childProcesses": [],
        "parentProcessId": None,
        "createdAt": "2026-03-01T12:00:00.000Z",
        "updatedAt": "2026-03-01T12:00:00.000Z",
    }


def test_completed_process_shows_the_results_stored_with_it(repository: Repository) -> None:
    process = a_running_process(repository, "a", started_at=utc_now())
    update_process_metrics(repository, a_page(process, "a", 1), [a_dead_letter(process, "p-1")])
    stored = repository.processes.find_by_id(process.id)
    assert stored is not None
    report = get_process(repository, process.id)
    assert report["results"] == stored.results
    assert report["context"]["estimatedCompletion"] is None
    assert report["context"]["endTime"] is not None
    assert_shape(report)
    # a late write of somebody who did not know changes nothing
    repository.ledger.record(a_page(process, "a", 1, outcomes=Outcomes(created=999)))
    assert get_process(repository, process.id) == report


def test_process_that_did_not_complete_stores_no_results(repository: Repository) -> None:
    process = a_running_process(repository, "a", "b")
    update_process_metrics(repository, a_page(process, "a", 1))
    end_process(repository, process, ProcessState.CANCELLED, "cancelled by the user")
    stored = repository.processes.find_by_id(process.id)
    assert stored is not None
    assert stored.results is None
    report = get_process(repository, process.id)
    assert report["context"]["processedRecords"] == 10
    assert report["context"]["metadata"]["reason"] == "cancelled by the user"
    assert report["context"]["endTime"] == iso(stored.ended_at or T0)


def test_last_hundred_errors_are_shown_newest_first(repository: Repository) -> None:
    process = a_running_process(repository, "a", "b", "c")
    letters = [
        a_dead_letter(process, f"person-{n}", at=T0 + timedelta(seconds=n)) for n in range(120)
    ]
    page = a_page(process, "a", 1, outcomes=Outcomes(rejected=120))
    update_process_metrics(repository, page, letters)
    failed = replace(a_failed_page(process, "b", 1), at=T0 + timedelta(seconds=118, milliseconds=5))
    update_process_metrics(repository, failed)
    errors = get_process(repository, process.id)["results"]["aggregateData"]["errors"]
    assert len(errors) == 100
    assert [error["externalId"] for error in errors[:3]] == ["person-119", None, "person-118"]
    assert errors[1]["code"] == "http_500"
    assert [error["at"] for error in errors] == sorted((e["at"] for e in errors), reverse=True)


def test_numbered_pages_are_counted_in_advance(repository: Repository) -> None:
    ranges = ({"id": "p1", "kind": "PAGES", "first_page": 1, "last_page": 1},)
    ranges += ({"id": "p2", "kind": "PAGES", "first_page": 2, "last_page": 4},)
    process = a_running_process(repository, plan=replace(a_plan(), ranges=ranges))
    report = get_process(repository, process.id)
    assert report["results"]["pages"]["totalPages"] == 4
    assert report["context"]["pagination"] == "PAGES"


def test_list_of_ids_is_no_pagination(repository: Repository) -> None:
    plan = replace(a_plan(), ranges=({"id": "ids-1", "kind": "IDS", "ids": ["1", "2"]},))
    process = a_running_process(repository, plan=plan)
    report = get_process(repository, process.id)
    assert report["context"]["pagination"] is None
    assert report["results"]["pages"]["totalPages"] is None


# -- in flight ----------------------------------------------------------------------------------


def test_pages_in_flight_are_told_but_count_in_no_total(repository: Repository) -> None:
    process = a_running_process(repository, "a", "b")
    other = a_running_process(repository, "a", active_key="other")
    repository.heartbeats.beat("launch-1", "worker-1", {process.id: 2, other.id: 1}, {})
    repository.heartbeats.beat("launch-1", "worker-2", {process.id: 1}, {process.id: 40})
    context = get_process(repository, process.id)["context"]
    assert context["metadata"]["pagesInFlight"] == 3
    assert context["metadata"]["personsInFlight"] == 40
    assert context["processedRecords"] == context["currentPage"] == 0


def test_workers_that_stopped_beating_have_nothing_in_flight(repository: Repository) -> None:
    process = a_running_process(repository, "a")
    repository.heartbeats.beat("launch-1", "worker-1", {process.id: 2}, {process.id: 40})
    later = utc_now() + timedelta(seconds=61)
    metadata = get_process(repository, process.id, now=later)["context"]["metadata"]
    assert (metadata["pagesInFlight"], metadata["personsInFlight"]) == (0, 0)


def test_finished_process_has_nothing_in_flight(repository: Repository) -> None:
    process = a_running_process(repository, "a")
    running = a_running_process(repository, "a", active_key="other")
    in_flight = {process.id: 2, running.id: 1}
    repository.heartbeats.beat("launch-1", "worker-1", in_flight, in_flight)
    end_process(repository, process, ProcessState.CANCELLED, "cancelled")
    for report in list_processes(repository, 2):
        metadata = report["context"]["metadata"]
        expected = 1 if report["id"] == running.id else 0
        assert metadata["pagesInFlight"] == metadata["personsInFlight"] == expected


# -- successors ---------------------------------------------------------------------------------


def test_successor_has_only_the_rest_of_the_plan_to_do(repository: Repository) -> None:
    plan = a_plan("a", "b", "c", total=30)
    first = a_running_process(repository, "a", "b", "c", plan=plan, total=30)
    update_process_metrics(repository, a_page(first, "a", 1))
    end_process(repository, first, ProcessState.ERROR, "the holder is gone")
    second = a_running_process(repository, "b", "c", plan=plan, total=30, predecessor_id=first.id)
    update_process_metrics(repository, a_page(second, "b", 1))
    end_process(repository, second, ProcessState.ERROR, "the holder is gone")
    third = a_running_process(repository, "c", plan=plan, total=30, predecessor_id=second.id)
    totals = {
        process.id: get_process(repository, process.id)["context"]["totalRecords"]
        for process in (first, second, third)
    }
    assert list(totals.values()) == [30, 20, 10]
    update_process_metrics(repository, a_page(third, "c", 1))
    report = get_process(repository, third.id)
    assert report["state"] == "COMPLETED"
    assert report["context"]["processedRecords"] == report["context"]["totalRecords"] == 10


# -- parents ------------------------------------------------------------------------------------


def test_parent_sums_its_children(repository: Repository) -> None:
    parent, lead, contact = a_family(repository)
    update_process_metrics(repository, a_page(lead, "a", 1, next_cursor="more"))
    update_process_metrics(repository, a_page(contact, "a", 1), [a_dead_letter(contact, "c-1")])
    report = get_process(repository, parent.id)
    assert_shape(report)
    assert report["state"] == "PROCESSING_BATCHES"
    assert report["childProcesses"] == [contact.id, lead.id]
    assert report["context"]["totalRecords"] == 40
    assert report["context"]["processedRecords"] == 20
    assert report["context"]["currentPage"] == 2
    assert report["context"]["personObjectType"] is None
    assert report["context"]["startTime"] == iso(T0)
    assert report["context"]["endTime"] is None
    assert report["context"]["metadata"]["throttledSeconds"] == 0.5
    assert report["results"]["outcomes"]["created"] == 14
    assert report["results"]["requests"] == {"quo": 18, "crm": 2}
    assert [e["externalId"] for e in report["results"]["aggregateData"]["errors"]] == ["c-1"]
    child = get_process(repository, lead.id)
    assert (child["parentProcessId"], child["childProcesses"]) == (parent.id, [])


def test_parent_ends_with_its_last_child(repository: Repository) -> None:
    parent, lead, contact = a_family(repository)
    end_process(repository, lead, ProcessState.ERROR, "the key was refused")
    assert get_process(repository, parent.id)["state"] == "PROCESSING_BATCHES"
    update_process_metrics(repository, a_page(contact, "a", 1))
    report = get_process(repository, parent.id)
    assert report["state"] == "ERROR"
    assert report["context"]["endTime"] is not None
    assert report["context"]["estimatedCompletion"] is None
    assert report["updatedAt"] >= report["context"]["endTime"]


def test_parent_total_is_unknown_when_one_of_its_children_is(repository: Repository) -> None:
    parent, _, _ = a_family(repository)
    a_running_process(repository, "a", parent_id=parent.id, person_type="Account", total=None)
    report = get_process(repository, parent.id, rate_limit=10.0)
    assert report["context"]["totalRecords"] is None
    assert report["context"]["estimatedCompletion"] is None


def test_parent_is_in_step_as_far_as_its_slowest_child(repository: Repository) -> None:
    parent, _, _ = a_family(repository)
    repository.watermarks.advance("acme-pipedrive", "Lead", Watermark(at=T0))
    assert get_process(repository, parent.id)["context"]["lastSyncedTimestamp"] is None
    earlier = T0 - timedelta(hours=1)
    repository.watermarks.advance("acme-pipedrive", "Contact", Watermark(at=earlier))
    assert get_process(repository, parent.id)["context"]["lastSyncedTimestamp"] == iso(earlier)


def test_children_come_whole_when_asked_for(repository: Repository) -> None:
    parent, lead, contact = a_family(repository)
    report = get_process(repository, parent.id, with_children=True)
    assert [child["id"] for child in report["childProcesses"]] == [contact.id, lead.id]
    for child in report["childProcesses"]:
        assert_shape(child)


# -- the list -----------------------------------------------------------------------------------


def test_list_is_newest_first_with_children_behind_their_parent(repository: Repository) -> None:
    old = a_process(created_at=T0, active_key="old")
    new = a_process(created_at=utc_now() + timedelta(hours=1), active_key="new")
    for process in (old, new):
        repository.processes.create(process)
    parent, lead, contact = a_family(repository)
    ids = [report["id"] for report in list_processes(repository, 10)]
    assert ids == [new.id, parent.id, contact.id, lead.id, old.id]
    assert [r["id"] for r in list_processes(repository, 2)] == ids[:4]
    assert [r["id"] for r in list_processes(repository, 1)] == ids[:1]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_limit_counts_runs_and_never_cuts_a_family(repository: Repository, limit: int) -> None:
    """All in one millisecond, so that the order of creation tells nothing."""
    families: dict[str, set[str]] = {}
    for _ in range(5):
        parent = a_process(person_type=None, created_at=T0)
        repository.processes.create(parent)
        families[parent.id] = set()
        for n in range(6):
            key = f"{parent.id}-{n}"
            child = a_process(created_at=T0, parent_id=parent.id, active_key=key)
            repository.processes.create(child)
            families[parent.id].add(child.id)
    reports = list_processes(repository, limit)
    parents = [report for report in reports if report["parentProcessId"] is None]
    assert len(parents) == min(limit, 5)
    for parent_report in parents:
        assert set(parent_report["childProcesses"]) == families[parent_report["id"]]
    assert len(reports) == 7 * len(parents)


def test_parent_left_alone_by_a_killed_launcher_is_not_listed(repository: Repository) -> None:
    repository.processes.create(a_process(person_type=None))
    assert list_processes(repository, 10) == []


def test_list_and_single_report_tell_the_same(repository: Repository) -> None:
    parent, lead, contact = a_family(repository)
    now = utc_now()
    update_process_metrics(repository, a_page(lead, "a", 1, next_cursor="more"))
    update_process_metrics(repository, a_page(contact, "a", 1))
    limits = {"acme-pipedrive": 10.0}
    for report in list_processes(repository, 10, rate_limits=limits, now=now):
        assert report == get_process(repository, report["id"], rate_limit=10.0, now=now)
    assert get_process(repository, parent.id, now=now)["childProcesses"]


def test_list_takes_no_more_queries_for_more_runs_of_an_integration(
    repository: Repository,
) -> None:
    def queries() -> int:
        storage = InterruptedStorage(repository.storage, calls=1_000)
        assert list_processes(Repository(storage), 50)
        return 1_000 - storage.left

    def add_runs(count: int) -> None:
        for n in range(count):
            a_running_process(
                repository,
                "a",
                active_key=f"{count}-{n}",
                sync_type=SyncType.ONGOING,
                launch=Launch(id="launch-1", runner="FnApiRunner"),
            )

    add_runs(2)
    few = queries()
    add_runs(30)
    assert queries() == few < 10


def test_ranges_closed_tell_the_end_where_no_total_does(repository: Repository) -> None:
    process = a_running_process(repository, "a", "b", "c", "d", total=None)
    repository.ledger.set_range_state(process.id, "a", RangeState.CLOSED)
    now = T0 + timedelta(seconds=60)
    context = get_process(repository, process.id, now=now)["context"]
    assert context["estimatedCompletion"] == iso(T0 + timedelta(seconds=240))
