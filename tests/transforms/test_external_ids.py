"""External ids are final: every row here must hold in every later release."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.external_ids import MAX_LENGTH, external_id, kebab

LONG = "x" * 80


@pytest.mark.parametrize(
    ("person_type", "person_id", "site", "expected"),
    [
        pytest.param("Person", "4107", None, "person-4107", id="plain"),
        pytest.param("Client", "123", "10825", "10825.client-123", id="with a site"),
        pytest.param("Lead", "7", "", "lead-7", id="an empty site is none"),
        pytest.param("Contact", "003Dn00000ABCde", None, "contact-003Dn00000ABCde", id="id as is"),
        pytest.param("Person", "a" * 68, None, "person-" + "a" * 68, id="exactly 75"),
        pytest.param(
            "Person",
            "a" * 69,
            None,
            "person-ba95f1ff8b244ff6fdcf8918e2fef533",
            id="76 characters",
        ),
        pytest.param(
            "Contact",
            "b" * 70,
            "demo",
            "demo.contact-" + hashlib.sha256(b"demo.contact-" + b"b" * 70).hexdigest()[:32],
            id="too long with a site",
        ),
        pytest.param(
            "Contact",
            "1",
            LONG,
            "x" * 42 + "-" + hashlib.sha256(f"{LONG}.contact-1".encode()).hexdigest()[:32],
            id="the site alone is too long",
        ),
    ],
)
def test_external_id(person_type: str, person_id: str, site: str | None, expected: str) -> None:
    assert external_id(person_type, person_id, site) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Person", "person"),
        ("person", "person"),
        ("ResponsibleParty", "responsible-party"),
        ("CustomObject__c", "custom-object-c"),
        ("Custom_Object__c", "custom-object-c"),
        ("HTTPLead", "http-lead"),
        ("Lead2Deal", "lead2-deal"),
        ("Ansprechpartner für Fälle", "ansprechpartner-für-fälle"),
        ("  Sales Person  ", "sales-person"),
    ],
)
def test_types_become_kebab_case(name: str, expected: str) -> None:
    assert kebab(name) == expected


@given(st.text(max_size=120), st.text(max_size=120))
def test_ids_fit_and_tell_persons_apart(one: str, other: str) -> None:
    first, second = external_id("Person", one), external_id("Person", other)
    assert 1 <= len(first) <= MAX_LENGTH
    assert (first == second) == (one == other)
