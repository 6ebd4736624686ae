"""Upserting pages to the sandbox's Quo: what the server ends with, and what it was asked."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.processes.model import OutcomeKind, Outcomes, PageState
from connectors.sandbox.client import SandboxControl
from connectors.sandbox.process import SandboxProcess
from connectors.sandbox.settings import Settings
from tests.transforms.pages import NOON, SOURCE, Run, a_run, another_run, counts, entry

LATER = NOON + timedelta(hours=1)
LATEST = NOON + timedelta(hours=2)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess(Settings(persons=0)) as sandbox:
        yield sandbox


@pytest.fixture
def control(sandbox: SandboxProcess) -> SandboxControl:
    sandbox.control.reset()
    return sandbox.control


@pytest.fixture
def run(sandbox: SandboxProcess, control: SandboxControl, tmp_path: Path) -> Iterator[Run]:  # noqa: ARG001
    with a_run(sandbox, tmp_path) as run:
        yield run


def people(count: int) -> list:
    return [entry(number) for number in range(count)]


def names(control: SandboxControl) -> dict[str, str]:
    """First names by external id, as Quo holds them; fails on a doubled contact."""
    contacts = control.contacts(SOURCE)
    found = {c["externalId"]: c["defaultFields"]["firstName"] for c in contacts}
    assert len(found) == len(contacts)
    return found


def test_new_persons_cost_one_request_each(run: Run, control: SandboxControl) -> None:
    upserted = run.upsert(people(30))
    assert counts(upserted) == Outcomes(created=30)
    assert upserted is not None
    assert upserted.result.record.quo_requests == control.requests("quo") == 30


def test_replayed_page_sends_nothing_and_counts_the_same(run: Run, control: SandboxControl) -> None:
    run.upsert(people(10))
    before = control.requests("quo")
    assert counts(run.again().upsert(people(10))) == Outcomes(created=10)
    assert control.requests("quo") == before


def test_next_run_finds_everything_unchanged(run: Run, control: SandboxControl) -> None:
    run.upsert(people(10))
    before = control.requests("quo")
    assert counts(another_run(run).upsert(people(10))) == Outcomes(unchanged=10)
    assert control.requests("quo") == before


def test_page_killed_before_its_links_counts_as_created(run: Run, control: SandboxControl) -> None:
    """The state a kill leaves between the writes and the links: contacts in Quo, no link."""
    run.upsert(people(25))
    run.shared.repository.links.delete(SOURCE, [e.external_id for e in people(25)])
    assert counts(run.again().upsert(people(25))) == Outcomes(created=25)
    assert control.requests("quo", method="POST") == 25
    assert control.requests("quo", method="PATCH") == 0


def test_person_edited_between_a_kill_and_the_next_try(run: Run, control: SandboxControl) -> None:
    run.upsert(people(3))
    run.shared.repository.links.delete(SOURCE, ["person-1"])
    edited = [entry(0), entry(1, at=LATER, first_name="Renamed"), entry(2)]
    assert counts(run.again().upsert(edited)) == Outcomes(created=3)
    assert names(control)["person-1"] == "Renamed"
    assert control.stats()["quo"]["created_more_than_once"] == []


def test_contacts_from_an_earlier_life_are_found_and_not_written(
    run: Run, control: SandboxControl
) -> None:
    run.upsert(people(25))
    run.shared.repository.links.delete(SOURCE, [e.external_id for e in people(25)])
    control.reset_stats()
    later = another_run(run)
    request = replace(later.request, root_started_at=LATEST.replace(year=2100))
    later = replace(later, request=request)
    assert counts(later.upsert(people(25), ids_may_exist=True)) == Outcomes(unchanged=25)
    assert control.requests("quo") == 2  # 20 ids a request


def test_what_a_user_typed_survives_a_change_in_the_crm(run: Run, control: SandboxControl) -> None:
    run.upsert([entry(1)])
    contact = control.contacts(SOURCE)[0]
    fields = contact["defaultFields"]
    typed = {"name": "Home", "value": "+14155550199"}
    control.edit_contact(
        contact["id"],
        defaultFields={**fields, "role": "Boss", "phoneNumbers": [*fields["phoneNumbers"], typed]},
    )
    for at, name in ((LATER, "Second"), (LATEST, "Third")):
        outcome = counts(another_run(run).upsert([entry(1, at=at, first_name=name)]))
        assert outcome == Outcomes(updated=1)
    held = control.contacts(SOURCE)[0]["defaultFields"]
    assert (held["firstName"], held["role"]) == ("Third", "Boss")
    assert [p["value"] for p in held["phoneNumbers"]] == ["+14155550001", "+14155550199"]


def test_contact_deleted_in_quo_is_created_again(run: Run, control: SandboxControl) -> None:
    run.upsert(people(2))
    control.delete_contact(
        next(c["id"] for c in control.contacts() if c["externalId"] == "person-1")
    )
    changed = [entry(n, at=LATER, first_name="New") for n in range(2)]
    assert counts(another_run(run).upsert(changed)) == Outcomes(created=1, updated=1)
    assert names(control) == {"person-0": "New", "person-1": "New"}


def test_refused_person_is_a_dead_letter_and_alone(run: Run, control: SandboxControl) -> None:
    refused = entry(1, custom={"no-such-field": "x"})
    upserted = run.upsert([entry(0), refused, entry(2)])
    assert counts(upserted) == Outcomes(created=2, rejected=1)
    assert upserted is not None
    (letter,) = upserted.result.dead_letters
    assert (letter.external_id, letter.person_id) == ("person-1", "1")
    assert set(names(control)) == {"person-0", "person-2"}


def test_answer_lost_after_the_write_is_no_second_contact(
    run: Run, control: SandboxControl
) -> None:
    control.fault("reset", dialect="quo", method="POST", every=3, when="after")
    assert counts(run.upsert(people(12))) == Outcomes(created=12)
    assert len(names(control)) == 12
    assert control.requests("quo", method="PATCH") == 0


def test_conflict_that_nothing_explains_is_a_dead_letter(run: Run, control: SandboxControl) -> None:
    control.fault("status", dialect="quo", method="POST", nth=1, status=409)
    upserted = run.upsert(people(3))
    assert counts(upserted) == Outcomes(created=2, failed=1)
    assert upserted is not None
    assert [letter.code for letter in upserted.result.dead_letters] == ["conflict"]


def test_cancelled_page_links_what_it_wrote(run: Run, control: SandboxControl) -> None:
    """The successor must know what was written, although the page is never recorded."""
    control.settings(quo_latency_ms=300)  # 200 persons take 3 s, a cancelled process ends in 1
    control.fault("hold", dialect="quo", method="POST", nth=5, when="after")
    with ThreadPoolExecutor(1) as pool:
        page = pool.submit(run.upsert, people(200))
        control.wait_for_hold()
        run.cancel()
        control.clear_faults()
        control.release()
        assert page.result(timeout=30) is None
    linked = run.shared.repository.links.read(SOURCE, [e.external_id for e in people(200)])
    assert set(linked) == set(names(control))
    assert 0 < len(linked) < 200


def test_older_write_that_comes_last_is_put_right(run: Run, control: SandboxControl) -> None:
    run.upsert([entry(1)])
    older, newer = another_run(run), another_run(run)
    control.fault("hold", dialect="quo", method="PATCH", nth=1)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(older.upsert, [entry(1, at=LATER, first_name="Older")])
        control.wait_for_hold()
        newest = newer.again().upsert([entry(1, at=LATEST, first_name="Newest")])
        assert counts(newest) == Outcomes(updated=1)
        control.release()
        upserted = slow.result(timeout=30)
    assert upserted is not None
    assert [outcome.kind for outcome in upserted.outcomes] == [OutcomeKind.SKIPPED]
    assert names(control) == {"person-1": "Newest"}


def test_person_on_two_pages_at_once_is_created_by_one(run: Run, control: SandboxControl) -> None:
    control.fault("hold", dialect="quo", method="POST", nth=1, when="after")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(run.upsert, [entry(1)], page=1)
        control.wait_for_hold()
        second = counts(run.again().upsert([entry(1)], page=2))
        control.release()
        both = counts(first.result(timeout=30)) + second
    assert both == Outcomes(created=1, unchanged=1)
    assert len(names(control)) == 1
    replayed = counts(run.again().upsert([entry(1)], page=1))
    assert replayed == Outcomes(created=1)


def test_unreachable_quo_fails_the_page_and_no_person(
    sandbox: SandboxProcess, tmp_path: Path
) -> None:
    with a_run(sandbox, tmp_path) as run:
        quo = replace(run.request.settings.quo, base_url="http://127.0.0.1:9")
        settings = replace(run.request.settings, quo=quo)
        run = replace(run, request=replace(run.request, settings=settings))
        upserted = run.upsert(people(1), ids_may_exist=True)
    assert upserted is not None
    assert upserted.result.record.state is PageState.FAILED
    assert upserted.outcomes == ()


def test_creation_overtaken_by_a_newer_page_is_still_counted(
    run: Run, control: SandboxControl
) -> None:
    control.fault("hold", dialect="quo", method="POST", nth=1, when="after")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(run.upsert, [entry(1, at=NOON)], page=1)
        control.wait_for_hold()
        newer = [entry(1, at=LATER, first_name="Newer")]
        second = counts(run.again().upsert(newer, page=2))
        control.release()
        both = counts(first.result(timeout=30)) + second
    assert both == Outcomes(created=1, updated=1)
    assert names(control) == {"person-1": "Newer"}
