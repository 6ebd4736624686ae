"""What a person needs, from its entry and link alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.clock import to_millis
from connectors.processes.model import OutcomeKind
from connectors.quo.model import Contact
from connectors.repository.links import Link
from transforms.decisions import Need, Place, decide, newest_of_each
from transforms.elements import Entry, Rejection

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
CONTACT = Contact("person-1", "acme", first_name="Ada")
FINGERPRINT = CONTACT.fingerprint
HERE = Place("root", "range", 3)


def entry(at: datetime | None = NOON, id: str = "1", **changes: object) -> Entry:
    return replace(Entry(id, f"person-{id}", at, CONTACT), **changes)


def link(**changes: object) -> Link:
    stored = Link(
        "acme", "person-1", "quo-1", FINGERPRINT, "root", "range", 3, OutcomeKind.CREATED,
        source_time=to_millis(NOON),
    )  # fmt: skip
    return replace(stored, **changes)


REJECTED = Rejection(OutcomeKind.REJECTED, "untransformable", "…")
OTHER = "another fingerprint"
EARLIER, LATER = NOON - timedelta(seconds=1), NOON + timedelta(seconds=1)

CASES = {
    "rejection": (entry(rejection=REJECTED), None, Need.NOTHING, OutcomeKind.REJECTED),
    "rejection although linked": (
        entry(rejection=REJECTED), link(), Need.NOTHING, OutcomeKind.REJECTED,
    ),
    "unknown": (entry(), None, Need.CREATE, OutcomeKind.CREATED),
    "unknown without phone": (
        entry(without_phone=True), None, Need.NOTHING, OutcomeKind.SKIPPED,
    ),
    "linked, lost its phones": (
        entry(without_phone=True), link(fingerprint=OTHER, root_id="other"), Need.UPDATE,
        OutcomeKind.UPDATED,
    ),
    "same page again": (entry(), link(), Need.NOTHING, OutcomeKind.CREATED),
    "same page again, updated then": (
        entry(), link(outcome=OutcomeKind.UPDATED), Need.NOTHING, OutcomeKind.UPDATED,
    ),
    "same page, changed since": (
        entry(LATER), link(fingerprint=OTHER), Need.UPDATE, OutcomeKind.CREATED,
    ),
    "another page of the run": (entry(), link(page=2), Need.NOTHING, OutcomeKind.UNCHANGED),
    "another page of the run, newer": (
        entry(LATER), link(page=2, fingerprint=OTHER), Need.UPDATE, OutcomeKind.UPDATED,
    ),
    "another run": (entry(), link(root_id="other"), Need.NOTHING, OutcomeKind.UNCHANGED),
    "another run, changed": (
        entry(LATER), link(root_id="other", fingerprint=OTHER), Need.UPDATE, OutcomeKind.UPDATED,
    ),
    "stale": (entry(EARLIER), link(root_id="other"), Need.NOTHING, OutcomeKind.SKIPPED),
    "stale and different": (
        entry(EARLIER), link(root_id="other", fingerprint=OTHER), Need.NOTHING,
        OutcomeKind.SKIPPED,
    ),
    "changed without times": (
        entry(None), link(root_id="other", fingerprint=OTHER, source_time=None), Need.UPDATE,
        OutcomeKind.UPDATED,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("person", "known", "need", "outcome"), CASES.values(), ids=CASES)
def test_what_a_person_needs(
    person: Entry, known: Link | None, need: Need, outcome: OutcomeKind
) -> None:
    decision = decide(person, known, FINGERPRINT, HERE)
    assert (decision.need, decision.outcome) == (need, outcome)


def test_unchanged_but_touched_moves_the_links_time() -> None:
    assert decide(entry(LATER), link(root_id="other"), FINGERPRINT, HERE).touch
    assert not decide(entry(), link(root_id="other"), FINGERPRINT, HERE).touch


def test_page_never_recorded_before_a_restart_gives_its_outcome_again() -> None:
    written_by_lost_page = link(page=2)
    restarted = Place("root", "range", 3, recorded=frozenset({1}))
    assert decide(entry(), written_by_lost_page, FINGERPRINT, restarted).outcome is (
        OutcomeKind.CREATED
    )
    recorded = Place("root", "range", 3, recorded=frozenset({1, 2}))
    assert decide(entry(), written_by_lost_page, FINGERPRINT, recorded).outcome is (
        OutcomeKind.UNCHANGED
    )


@pytest.mark.parametrize(
    ("times", "kept"),
    [
        pytest.param([EARLIER, LATER], 1, id="newer later"),
        pytest.param([LATER, EARLIER], 0, id="newer first"),
        pytest.param([NOON, NOON], 1, id="tie: the later on the page"),
        pytest.param([None, NOON], 1, id="a time beats none"),
    ],
)
def test_person_twice_on_a_page_is_written_once(times: list[datetime | None], kept: int) -> None:
    twice = [entry(at) for at in times]
    newest, repeated = newest_of_each(twice)
    assert newest == [twice[kept]]
    assert repeated == [twice[1 - kept]]


def test_readable_version_beats_a_rejected_one() -> None:
    readable, rejected = entry(EARLIER), entry(LATER, rejection=REJECTED)
    assert newest_of_each([readable, rejected])[0] == [readable]
