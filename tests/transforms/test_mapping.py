from __future__ import annotations

from typing import Any

import pytest

from connectors.crm.model import ContactDraft, Person
from transforms.mapping import apply_mapping, value_at
from transforms.settings import FieldMapping, FieldSource

RECORD = {
    "job_title": "Engineer",
    "org": {"name": "Acme", "owner": {"name": "Lee"}},
    "custom_fields": {"5f0c": "gold"},
    "a.b": "dotted",
    "labels": ["vip", "new"],
    "phones": [{"value": "1", "label": "work"}, {"value": "2"}],
    "matrix": [["x"]],
    "nothing": None,
    "zero": 0,
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("job_title", "Engineer"),
        ("org.name", "Acme"),
        ("org.owner.name", "Lee"),
        ("custom_fields.5f0c", "gold"),
        ("a.b", "dotted"),
        ("labels", ["vip", "new"]),
        ("labels.1", "new"),
        ("labels.9", None),
        ("phones.value", ["1", "2"]),
        ("phones.label", ["work"]),
        ("phones.1.value", "2"),
        ("phones.fax", None),
        ("matrix.0.0", "x"),
        ("nothing", None),
        ("nothing.more", None),
        ("zero", 0),
        ("job_title.length", None),
        ("missing", None),
        ("org.missing.deeper", None),
        ("", None),
    ],
)
def test_dotted_paths(path: str, expected: Any) -> None:
    assert value_at(RECORD, path) == expected


PERSON = Person("Person", "1", fields=RECORD)
DRAFT = ContactDraft("Ada", "Park", "Old Co", "Old role", custom={"own": 1, "tier": "silver"})


def test_no_mapping_leaves_the_draft() -> None:
    assert apply_mapping(PERSON, DRAFT, FieldMapping()) == (DRAFT, frozenset())


def test_the_users_mapping_wins_and_the_rest_stays() -> None:
    mapping = FieldMapping(
        scalars={
            "role": FieldSource("job_title"),
            "company": FieldSource("nothing", "skip"),
            "last_name": FieldSource("labels"),
            "first_name": FieldSource("org"),
        },
        custom={"tier": FieldSource("custom_fields.5f0c"), "age": FieldSource("missing", "skip")},
    )
    draft, kept = apply_mapping(PERSON, DRAFT, mapping)
    assert (draft.first_name, draft.last_name) == ("Ada", "vip, new"), "an object names no value"
    assert (draft.company, draft.role) == (None, "Engineer")
    assert draft.custom == {"own": 1, "tier": "gold", "age": None}
    assert kept == {"company", "custom.age"}


def test_a_types_own_mapping_wins_over_the_common_one() -> None:
    mapping = FieldMapping(
        scalars={"role": FieldSource("job_title"), "company": FieldSource("org.name")},
        by_type={"Lead": FieldMapping(scalars={"role": FieldSource("labels.0")})},
    )
    lead, _ = apply_mapping(PERSON, DRAFT, mapping.for_type("Lead"))
    person, _ = apply_mapping(PERSON, DRAFT, mapping.for_type("Person"))
    assert (lead.role, lead.company) == ("vip", "Acme")
    assert (person.role, person.company) == ("Engineer", "Acme")
