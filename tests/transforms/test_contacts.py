from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import pytest

from connectors.crm.model import ContactDraft, Labelled, Person
from connectors.errors import RecordError
from connectors.processes.model import OutcomeKind
from connectors.quo.model import Contact
from transforms.contacts import finish, to_entries
from transforms.elements import Entry
from transforms.settings import (
    FieldMapping,
    FieldSource,
    IntegrationSettings,
    QuoSettings,
    SyncPolicy,
)

SETTINGS = IntegrationSettings(
    id="acme",
    user_id="user-1",
    crm="pipedrive",
    crm_options={},
    crm_credentials={},
    quo=QuoSettings(api_key="env:QUO_API_KEY", source="acme-source"),
    person_types=("Person",),
)
PERSON = Person("Person", "4107", fields={"job_title": "Engineer", "tier": "gold;vip", "age": "x"})
PHONE = (Labelled("(817) 569-8900", "mobile"),)


def made(draft: ContactDraft, settings: IntegrationSettings = SETTINGS, **types: str) -> Contact:
    entry = finish(PERSON, draft, settings, types)
    assert entry.rejection is None
    assert entry.contact is not None
    return entry.contact


def mapped(**scalars: FieldSource) -> IntegrationSettings:
    return replace(SETTINGS, fields=FieldMapping(scalars=scalars))


def test_a_whole_contact() -> None:
    draft = ContactDraft(
        first_name=" Ada ",
        last_name="Park",
        company="Acme\nCorp",
        role="Chief\x00 engineer",
        phones=(Labelled("(817) 569-8900", "mobile"), Labelled("817-569-8901", None)),
        emails=(Labelled(" Ada@Example.com ", "home"),),
        link="https://acme.pipedrive.com/person/4107",
    )
    assert finish(PERSON, draft, SETTINGS, {}) == Entry(
        "4107",
        "person-4107",
        PERSON.updated_at,
        contact=Contact(
            external_id="person-4107",
            source="acme-source",
            first_name="Ada",
            last_name="Park",
            company="Acme Corp",
            role="Chief engineer",
            phones=(("Mobile", "+18175698900"), ("Work", "+18175698901")),
            emails=(("Home", "Ada@Example.com"),),
            source_url="https://acme.pipedrive.com/person/4107",
        ),
    )


@pytest.mark.parametrize(
    ("first", "last", "company", "expected"),
    [
        pytest.param("Ada", "Park", "Acme", ("Ada", "Park", "Acme"), id="whole"),
        pytest.param("Ada", None, "Acme", ("Ada", None, "Acme"), id="no last name"),
        pytest.param(None, "Park", "Acme", ("Park", None, "Acme"), id="last name stands in"),
        pytest.param(" ", "", "Acme", ("Acme", None, "Acme"), id="company stands in"),
        pytest.param(None, None, None, (None, None, None), id="a number without a name"),
    ],
)
def test_names(
    first: str | None, last: str | None, company: str | None, expected: tuple[str | None, ...]
) -> None:
    contact = made(ContactDraft(first, last, company, phones=PHONE))
    assert (contact.first_name, contact.last_name, contact.company) == expected


def test_a_first_name_that_is_kept_when_empty_has_no_stand_in() -> None:
    settings = mapped(first_name=FieldSource("missing", "skip"))
    contact = made(ContactDraft("Ada", "Park"), settings)
    assert (contact.first_name, contact.last_name) == (None, "Park")
    assert contact.kept_when_empty == {"first_name"}


def test_names_company_and_role_are_cut() -> None:
    text = "é" * 300
    contact = made(ContactDraft(text, text, text, text))
    cut = "é" * 255
    assert (contact.first_name, contact.last_name, contact.company, contact.role) == (cut,) * 4


@pytest.mark.parametrize(
    ("phones", "region", "expected"),
    [
        pytest.param([("817-569-8900", "work")], "US", [("Work", "+18175698900")], id="one"),
        pytest.param(
            [("+1111111", "a"), ("555-1234", "b"), (None, "c"), ("817-569-8900", "d")],
            "US",
            [("D", "+18175698900")],
            id="invalid numbers are dropped, not the person",
        ),
        pytest.param(
            [("817-569-8900 x5", "desk"), ("+1 817 569 8900", "mobile")],
            "US",
            [("Desk", "+18175698900")],
            id="the same number once, the first",
        ),
        pytest.param(
            [("020 7946 0018", "OFFICE"), ("+33 6 12 34 56 78", "")],
            "GB",
            [("OFFICE", "+442079460018"), ("Work", "+33612345678")],
            id="another region",
        ),
        pytest.param([(8175698900, "work")], "US", [], id="a number is no text"),
        pytest.param(
            [("817-569-8900", "x" * 99)], "US", [("X" + "x" * 63, "+18175698900")], id="long label"
        ),
    ],
)
def test_phones(
    phones: list[tuple[Any, str | None]], region: str, expected: list[tuple[str, str]]
) -> None:
    draft = ContactDraft("Ada", phones=[Labelled(value, label) for value, label in phones])
    assert list(made(draft, replace(SETTINGS, default_region=region)).phones) == expected


@pytest.mark.parametrize(
    ("emails", "expected"),
    [
        pytest.param(["a@example.com", " A@EXAMPLE.com"], ["a@example.com"], id="the first of two"),
        pytest.param(["Ada.Park@Example.com"], ["Ada.Park@Example.com"], id="its capitals stay"),
        pytest.param(["n/a", "a@", "@b", "a b@c.de", "a@b@c", "", None], [], id="plainly none"),
        pytest.param(["a@" + "b" * 253], [], id="too long"),
        pytest.param(["jörg@müller.example"], ["jörg@müller.example"], id="international"),
    ],
)
def test_emails(emails: list[str | None], expected: list[str]) -> None:
    draft = ContactDraft("Ada", emails=[Labelled(email) for email in emails])
    assert [value for _, value in made(draft).emails] == expected


@pytest.mark.parametrize(
    ("link", "kept"),
    [
        ("https://x.example/p/1", True),
        ("http://x.example/p?id=1#a", True),
        ("https://x.example/" + "a" * 182, True),
        ("https://x.example/" + "a" * 183, False),
        ("https://x.example/a b", False),
        ("https://x.example/\u00e9", False),
        ("javascript:alert(1)", False),
        ("/person/1", False),
        ("", False),
        (None, False),
    ],
)
def test_links_that_are_no_uri_or_too_long_are_dropped(link: str | None, kept: bool) -> None:
    assert made(ContactDraft("Ada", link=link)).source_url == (link if kept else None)


def test_custom_fields_take_quos_types_and_unfitting_ones_are_left_out() -> None:
    fields = FieldMapping(
        custom={
            "tier": FieldSource("tier"),
            "age": FieldSource("age"),
            "gone": FieldSource("job_title"),
            "empty": FieldSource("missing", "skip"),
        }
    )
    draft = ContactDraft("Ada", custom={"own": 5})
    settings = replace(SETTINGS, fields=fields)
    contact = made(draft, settings, tier="multi-select", age="number", empty="date", own="string")
    assert contact.custom == {"tier": ["gold", "vip"], "empty": None, "own": "5"}
    assert contact.kept_when_empty == {"custom.empty"}


@pytest.mark.parametrize(
    ("without_phone", "phones", "marked"),
    [("skip", (), True), ("skip", PHONE, False), ("sync", (), False), ("sync", PHONE, False)],
)
def test_contacts_without_a_phone_are_made_and_marked(
    without_phone: Any, phones: tuple[Labelled, ...], marked: bool
) -> None:
    settings = replace(SETTINGS, sync=SyncPolicy(without_phone=without_phone))
    entry = finish(PERSON, ContactDraft("Ada", phones=phones), settings, {})
    assert entry.contact is not None
    assert entry.without_phone is marked


@pytest.mark.parametrize(
    "draft",
    [
        pytest.param(ContactDraft(), id="nothing"),
        pytest.param(ContactDraft(role="Engineer", custom={"tier": "gold"}), id="no one's role"),
        pytest.param(ContactDraft(" ", "\x00", phones=(Labelled("123"),)), id="nothing usable"),
    ],
)
def test_a_person_of_whom_nothing_can_be_made_is_skipped(draft: ContactDraft) -> None:
    rejection = finish(PERSON, draft, SETTINGS, {"tier": "string"}).rejection
    assert rejection is not None
    assert (rejection.kind, rejection.code) == (OutcomeKind.SKIPPED, "empty")


def test_one_person_never_fails_its_page() -> None:
    persons = [Person("Person", str(number)) for number in range(4)]
    persons.append(Person("Person", "9", deleted=True))

    def transform(person: Person) -> ContactDraft:
        if person.id == "1":
            raise KeyError("Ada Park")
        if person.id == "2":
            raise RecordError("the name is no text")
        assert not person.deleted, "a deleted record has no fields to read"
        return ContactDraft("Ada", phones=PHONE if person.id == "0" else (None,))  # type: ignore[arg-type]

    entries = to_entries(persons, transform, SETTINGS, {})

    assert [entry.external_id for entry in entries] == [f"person-{n}" for n in (0, 1, 2, 3, 9)]
    assert entries[0].contact is not None
    rejections = [entry.rejection for entry in entries[1:]]
    assert [(r.kind, r.code) for r in rejections if r] == [
        (OutcomeKind.REJECTED, "untransformable"),
        (OutcomeKind.REJECTED, "untransformable"),
        (OutcomeKind.REJECTED, "untransformable"),
        (OutcomeKind.SKIPPED, "deleted_in_crm"),
    ]
    messages = " ".join(r.message for r in rejections if r)
    assert "KeyError" in messages
    assert "the name is no text" in messages
    assert "Ada" not in messages, "no personal data in a rejection"


def test_entries_are_picklable_and_their_fingerprint_is_stable() -> None:
    entry = finish(PERSON, ContactDraft("Ada", phones=PHONE), SETTINGS, {})
    again = pickle.loads(pickle.dumps(entry))
    assert again == entry
    assert again.contact.fingerprint == entry.contact.fingerprint  # type: ignore[union-attr]
