from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.quo.model import Contact, ContactAnswer, ContactList, QuoContact

CONTACT = Contact(
    "person-1",
    "acme-pipedrive",
    first_name="Ada",
    last_name="Park",
    company="Acme",
    role="CTO",
    phones=(("mobile", "+12025550101"), ("work", "+12025550102")),
    emails=(("work", "ada@example.com"),),
    custom={"tier": ["gold"], "score": 7},
    source_url="https://acme.pipedrive.com/person/1",
)
ANSWER: dict[str, Any] = {
    "id": "6a145ff26212a192852c0001",
    "externalId": "person-1",
    "source": "acme-pipedrive",
    "sourceUrl": None,
    "defaultFields": {
        "firstName": "Ada",
        "lastName": None,
        "company": None,
        "role": None,
        "phoneNumbers": [{"id": "p1", "name": "mobile", "value": "+12025550101"}],
        "emails": [{"id": "e1", "name": "work", "value": "ada@example.com"}],
    },
    "customFields": [
        {"id": "c1", "key": "tier", "name": "Tier", "type": "multi-select", "value": ["gold"]},
        {"key": "vip", "name": "VIP", "type": "boolean", "value": False},
        {"key": "none", "name": "None", "type": "string", "value": None},
    ],
    "createdAt": "2026-01-02T03:04:05.000Z",
    "updatedAt": "2026-01-02T03:04:06.789Z",
    "createdByUserId": "US123abc",
    "somethingNew": {"a": 1},
}


def test_fingerprint_is_the_same_on_every_machine_and_release() -> None:
    assert CONTACT.fingerprint == "a77f38a4d0dbd7e87451228da3a00d19"


@pytest.mark.parametrize(
    "change",
    [
        {"external_id": "person-2"},
        {"source": "other"},
        {"first_name": None},
        {"last_name": "Parker"},
        {"company": ""},
        {"role": None},
        {"phones": (("work", "+12025550102"), ("mobile", "+12025550101"))},
        {"phones": (("mobile", "+12025550101"),)},
        {"emails": (("home", "ada@example.com"),)},
        {"custom": {"tier": ["gold"], "score": "7"}},
        {"custom": {}},
        {"source_url": None},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_field_that_quo_shows_changes_the_fingerprint(change: dict[str, Any]) -> None:
    assert replace(CONTACT, **change).fingerprint != CONTACT.fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"custom": {"score": 7, "tier": ["gold"]}},
        {"kept_when_empty": frozenset({"role"})},
    ],
    ids=["order-of-custom-fields", "how-to-treat-emptied-fields"],
)
def test_what_quo_does_not_show_leaves_the_fingerprint(change: dict[str, Any]) -> None:
    assert replace(CONTACT, **change).fingerprint == CONTACT.fingerprint


texts = st.none() | st.text(st.characters(codec=None), max_size=20)


@given(texts, texts, st.dictionaries(st.text(max_size=5), texts | st.just(date(2026, 1, 2))))
def test_any_text_can_be_fingerprinted(
    first: str | None, company: str | None, custom: dict[str, Any]
) -> None:
    contact = Contact("person-1", "s", first_name=first, company=company, custom=custom)
    assert len(contact.fingerprint) == 32


def test_create_body_has_the_required_keys_and_no_empty_extras() -> None:
    body = Contact("person-1", "s").create_body()
    assert body == {
        "defaultFields": {
            "firstName": None,
            "lastName": None,
            "company": None,
            "role": None,
            "phoneNumbers": [],
            "emails": [],
        },
        "externalId": "person-1",
        "source": "s",
    }


def test_contact_shows_nobody_in_its_repr() -> None:
    for shown in (repr(CONTACT), repr(QuoContact.model_validate(ANSWER))):
        for word in ("Ada", "5550101", "ada@", "Acme"):
            assert word not in shown


def test_answer_is_read_and_unknown_keys_are_ignored() -> None:
    contact = ContactAnswer.model_validate_json(json.dumps({"data": ANSWER})).data
    assert contact.default_fields.phone_numbers[0].value == "+12025550101"
    assert contact.custom_fields[0].value == ["gold"]
    assert contact.updated_at is not None
    assert contact.updated_at.microsecond == 789_000


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b'{"data": {}}', b'{"data": null}'])
@pytest.mark.parametrize("shape", [ContactAnswer, ContactList])
def test_other_json_is_not_taken_for_an_answer(body: bytes, shape: Any) -> None:
    with pytest.raises(ValidationError):
        shape.model_validate_json(body)


def test_merge_base_comes_back_as_it_was_kept() -> None:
    contact = QuoContact.model_validate(ANSWER)
    assert QuoContact.from_base(contact.to_base()) == contact
    assert "somethingNew" not in contact.to_base()
