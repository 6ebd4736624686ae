"""A person's record, in all its shapes, to a contact draft."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.crm.model import Person
from connectors.crm.pipedrive.contacts import contact_draft, link_base

LINKS = link_base("acme.pipedrive.com")
RECORD = {
    "id": 4107,
    "name": "Mara Ostrow",
    "first_name": "Mara",
    "last_name": "Ostrow",
    "job_title": "Buyer",
    "org_id": 88,
    "org": {"id": 88, "name": "Birchline"},
    "phones": [
        {"value": "+1 (415) 555-0134", "primary": True, "label": "work"},
        {"value": "4155550177", "primary": False, "label": "mobile"},
    ],
    "emails": [{"value": "mara@birchline.example", "primary": True, "label": "home"}],
}


def draft(**changes):
    fields = {**RECORD, **changes}
    return contact_draft(Person("Person", "4107", fields=fields), LINKS)


def test_a_full_record():
    made = draft()
    assert (made.first_name, made.last_name, made.company, made.role) == (
        "Mara",
        "Ostrow",
        "Birchline",
        "Buyer",
    )
    assert [(p.label, p.value) for p in made.phones] == [
        ("Work", "+1 (415) 555-0134"),
        ("Mobile", "4155550177"),
    ]
    assert [(e.label, e.value) for e in made.emails] == [("Home", "mara@birchline.example")]
    assert made.link == "https://acme.pipedrive.com/person/4107"


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"first_name": None}, (None, "Ostrow")),
        ({"last_name": None}, ("Mara", None)),
        ({"first_name": None, "last_name": None}, ("Mara", "Ostrow")),
        ({"first_name": " ", "last_name": "", "name": "Prince"}, ("Prince", None)),
        ({"first_name": None, "last_name": None, "name": "Ana de la Cruz"}, ("Ana", "de la Cruz")),
        ({"first_name": None, "last_name": None, "name": None}, (None, None)),
    ],
    ids=["no first", "no last", "only name", "one word", "several words", "nothing"],
)
def test_names(fields, names):
    made = draft(**fields)
    assert (made.first_name, made.last_name) == names


@pytest.mark.parametrize(
    ("phones", "expected"),
    [
        ([{"value": "1", "label": None}], [("Work", "1")]),
        ([{"value": "1"}], [("Work", "1")]),
        ([{"value": "1", "label": ""}], [("Work", "1")]),
        ([{"value": "1", "label": "assistant's"}], [("Assistant's", "1")]),
        ([{"value": "", "label": "work"}, {"value": " ", "label": "work"}], []),
        ([{"value": None, "label": "work"}, None, 7, {}], []),
        ([{"value": 4155550134, "label": "work"}], [("Work", "4155550134")]),
        (None, []),
        ("4155550134", [("Work", "4155550134")]),
    ],
    ids=["null", "missing", "empty", "other", "blank", "odd", "number", "none", "text"],
)
def test_labelled_values(phones, expected):
    assert [(p.label, p.value) for p in draft(phones=phones).phones] == expected


def test_a_record_of_api_version_1():
    fields = {
        "name": "Mara Ostrow",
        "org_id": {"name": "Birchline", "value": 88},
        "phone": [{"label": "work", "value": "4155550134", "primary": True}],
        "email": [{"value": "", "primary": True}],
    }
    made = contact_draft(Person("Person", "9", fields=fields), LINKS)
    assert (made.company, len(made.phones), made.emails) == ("Birchline", 1, ())


@pytest.mark.parametrize(
    ("host", "link"),
    [
        ("acme.pipedrive.com", "https://acme.pipedrive.com/person/4107"),
        ("api.pipedrive.com", "https://app.pipedrive.com/person/4107"),
        ("a" * 200, None),
    ],
    ids=["company", "global host", "too long"],
)
def test_link(host, link):
    made = contact_draft(Person("Person", "4107", fields=RECORD), link_base(host))
    assert made.link == link


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "label", "name", "id"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys([*RECORD, "phone", "email"], JSON)))
def test_no_record_raises(fields):
    made = contact_draft(Person("Person", "1", fields=fields), LINKS)
    assert all(item.value for item in (*made.phones, *made.emails))
