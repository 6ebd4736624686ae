"""Whole runs, looked at from the servers: first run, deltas, full re-reads, changed settings."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.processes.model import Outcomes, ProcessState, SyncType
from tests.e2e.conftest import MakeJob
from tests.e2e.driver import SECRETS, Job, a_moment_ago, integration
from tests.e2e.truth import (
    assert_accounts_agree,
    assert_in_step,
    assert_requests_counted,
    content,
    people,
)


@pytest.mark.parametrize("crm", ["pipedrive", "scaling-test"])
def test_initial_then_delta_then_nothing_to_do(make_job: MakeJob, crm: str) -> None:
    job = make_job(crm=crm)
    job.run()
    assert_requests_counted(job)
    assert_in_step(job)
    assert assert_accounts_agree(job) == Outcomes(created=60)
    assert job.newest().sync_type is SyncType.INITIAL

    job.count_from_here()
    job.control.edit_people([7], at=a_moment_ago(), job_title="Head of Lists")
    job.control.insert_people(3, at=a_moment_ago())
    job.run()
    assert_requests_counted(job)
    assert_in_step(job)
    outcomes = assert_accounts_agree(job)
    assert (outcomes.created, outcomes.updated) == (3, 1)
    assert job.newest().sync_type is SyncType.ONGOING

    job.count_from_here()
    job.run()
    assert job.control.stats()["totals"].get("quo", 0) == 0
    assert assert_accounts_agree(job).synced == outcomes.total


@pytest.mark.parametrize("crm", ["pipedrive", "scaling-test"])
def test_empty_crm_is_in_step_at_once(make_job: MakeJob, crm: str) -> None:
    job = make_job(crm=crm)
    job.control.reset(persons=0)
    job.run()
    assert assert_accounts_agree(job) == Outcomes()
    job.control.insert_people(2, at=a_moment_ago())
    job.run()
    assert job.newest().sync_type is SyncType.ONGOING
    assert assert_accounts_agree(job) == Outcomes(created=2)
    assert_in_step(job)


def test_full_read_again_asks_quo_nothing(job: Job) -> None:
    job.run()
    job.count_from_here()
    job.run("--mode", "initial")
    assert job.control.stats()["totals"].get("quo", 0) == 0
    assert assert_accounts_agree(job) == Outcomes(unchanged=60)


CHANGED: dict[str, tuple[dict[str, Any], Outcomes]] = {
    "a field mapped": ({"fields": {"role": "org.name"}}, Outcomes(updated=60)),
    "other region, same numbers": ({"default_region": "CA"}, Outcomes(unchanged=60)),
    "phones not needed": ({"sync": {"without_phone": "sync"}}, Outcomes(unchanged=60)),
}


@pytest.mark.parametrize(("keys", "expected"), CHANGED.values(), ids=CHANGED.keys())
def test_changed_settings_read_everything_again(
    job: Job, keys: dict[str, Any], expected: Outcomes
) -> None:
    job.run()
    job.count_from_here()
    job.configure(integration(job.sandbox, **keys))
    job.run()
    assert job.newest().sync_type is SyncType.INITIAL
    assert assert_accounts_agree(job) == expected
    assert_in_step(job)


def test_two_integrations_on_one_key(job: Job) -> None:
    job.configure(
        integration(job.sandbox, "acme"),
        integration(job.sandbox, "apex", crm="scaling-test", quo={"source": "apex-crm"}),
    )
    job.run()
    for id in ("acme", "apex"):
        assert_in_step(job, id)
        assert assert_accounts_agree(job, id) == Outcomes(created=60)
    assert len(job.control.contacts()) == 120


def test_second_integration_with_the_same_source_ends_with_a_sentence(job: Job) -> None:
    twin = integration(job.sandbox, "twin", quo={"api_key": "env:SAME_KEY", "source": "acme"})
    job.configure(integration(job.sandbox), twin)
    secrets = SECRETS | {"SAME_KEY": SECRETS["QUO_KEY"]}
    job.run(expect=1, secrets=secrets)
    states = {id: job.newest(id).state for id in ("acme", "twin")}
    assert sorted(states.values()) == [ProcessState.COMPLETED, ProcessState.ERROR]
    loser = next(id for id, state in states.items() if state is ProcessState.ERROR)
    assert "already belongs to integration" in job.reason(loser)
    assert assert_accounts_agree(job, next(id for id in states if id != loser)).created == 60


def test_renamed_organisation_reaches_its_persons(job: Job) -> None:
    job.run()
    job.count_from_here()
    theirs = [f"person-{p['id']}" for p in people(job.control) if p["org_id"] == 3]
    job.control.rename_organizations([3], "Renamed & Sons")
    job.run_until_in_step()
    assert_in_step(job)
    assert assert_accounts_agree(job).updated == len(theirs) > 0


def test_person_deleted_in_the_crm_keeps_the_contact(job: Job) -> None:
    job.run()
    job.count_from_here()
    job.control.delete_people([4])
    job.run("--mode", "initial")
    assert_in_step(job, gone=["person-4"])
    assert assert_accounts_agree(job) == Outcomes(unchanged=59)


def test_without_phone_is_skipped_unless_linked(job: Job) -> None:
    job.control.edit_people([1, 2], at=a_moment_ago(), phones=[])
    job.run()
    assert_in_step(job)
    assert assert_accounts_agree(job) == Outcomes(created=58, skipped=2)

    job.count_from_here()
    job.control.edit_people([3], at=a_moment_ago(), phones=[])
    job.run()
    assert assert_accounts_agree(job).updated == 1
    held = {c["externalId"]: content(c) for c in job.control.contacts("acme")}
    assert held["person-3"]["phones"] == []


def test_odd_people_each_have_an_outcome(job: Job) -> None:
    job.control.reset(persons=600, spice=True)
    nothing_at_all = {
        "first_name": None,
        "last_name": None,
        "job_title": None,
        "org_id": None,
        "phones": [],
        "emails": [],
    }
    job.control.edit_people([10], at=a_moment_ago(), **nothing_at_all)
    job.control.edit_people([11], at=a_moment_ago(), first_name="\x00\u202e🦊" * 200)
    job.run()
    outcomes = assert_accounts_agree(job)
    assert outcomes.total == 600
    assert outcomes.lost == 0
    assert_in_step(job)


def test_what_users_typed_in_quo_survives_a_delta(job: Job) -> None:
    job.run()
    held = {c["externalId"]: c for c in job.control.contacts("acme")}
    mine = held["person-5"]
    phones = [*mine["defaultFields"]["phoneNumbers"], {"name": "Boat", "value": "+14155550199"}]
    job.control.edit_contact(
        mine["id"], defaultFields={"role": "Typed by hand", "phoneNumbers": phones}
    )
    job.count_from_here()
    job.control.edit_people([5], at=a_moment_ago(), last_name="Married-Since")
    job.run()
    assert_in_step(job, apart=["person-5"])
    assert assert_accounts_agree(job).updated == 1
    now = {c["externalId"]: content(c) for c in job.control.contacts("acme")}["person-5"]
    assert now["lastName"] == "Married-Since"
    assert now["role"] == "Typed by hand"
    assert ("Boat", "+14155550199") in now["phones"]


def test_contact_deleted_in_quo_is_made_again_when_its_person_changes(job: Job) -> None:
    job.run()
    held = {c["externalId"]: c for c in job.control.contacts("acme")}
    job.control.delete_contact(held["person-5"]["id"])
    job.control.settings(list_lag_ms=60_000)
    job.count_from_here()
    job.control.edit_people([5], at=a_moment_ago(), job_title="Back Again")
    job.run()
    assert_in_step(job)
    assert assert_accounts_agree(job).created == 1
