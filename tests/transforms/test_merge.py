"""The merge against a model of Quo's PATCH, over many rounds of edits on both sides."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.quo.model import Contact, QuoContact
from transforms.merge import SCALARS, merge, merge_base, restore
from transforms.settings import SyncPolicy

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
POLICY = SyncPolicy()
_ids = itertools.count(1)

# -- a model of Quo -------------------------------------------------------------------------------


def apply(body: dict[str, Any], current: QuoContact) -> QuoContact:
    """PATCH as Quo documents it: arrays are replaced, known ids stay, a null removes its item."""
    state = current.model_dump(by_alias=True, mode="json")
    fields = body["defaultFields"]
    for key in SCALARS.values():
        state["defaultFields"][key] = fields[key]
    for key in ("phoneNumbers", "emails"):
        state["defaultFields"][key] = _replaced(fields[key], state["defaultFields"][key])
    state["customFields"] = _replaced(body["customFields"], state["customFields"])
    state |= {key: body[key] for key in ("source", "externalId", "sourceUrl") if key in body}
    state["updatedAt"] = LATER.isoformat()
    return QuoContact.model_validate(state)


def _replaced(sent: list[dict[str, Any]], held: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = {item["id"] for item in held}
    for item in sent:
        assert "id" not in item or item["id"] in known, "an id that Quo does not know"
    return [{"id": f"i{next(_ids)}", **item} for item in sent if item["value"] is not None]


def created(contact: Contact) -> QuoContact:
    """POST: Quo's answer to the first write."""
    body = {"customFields": [], **contact.create_body()}
    empty = QuoContact(
        id="q1",
        external_id=contact.external_id,
        source=contact.source,
        source_url=contact.source_url,
        created_at=NOON,
    )
    return apply(body, empty).model_copy(update={"updated_at": NOON})


def quo(
    *,
    phones: list[tuple[str, str]] | None = None,
    emails: list[tuple[str, str]] | None = None,
    custom: dict[str, Any] | None = None,
    updated_at: datetime | None = NOON,
    **scalars: str | None,
) -> QuoContact:
    """A contact in Quo; ids tell where items stood: p0, p1, e0, c0."""

    def items(pairs: list[tuple[str, str]] | None, letter: str) -> list[dict[str, Any]]:
        return [
            {"id": f"{letter}{n}", "name": name, "value": value}
            for n, (name, value) in enumerate(pairs or [])
        ]

    return QuoContact.model_validate(
        {
            "id": "q1",
            "externalId": "person-1",
            "source": "acme",
            "defaultFields": {
                **{SCALARS[name]: value for name, value in scalars.items()},
                "phoneNumbers": items(phones, "p"),
                "emails": items(emails, "e"),
            },
            "customFields": [
                {"id": f"c{n}", "key": key, "value": value, "type": "string"}
                for n, (key, value) in enumerate((custom or {}).items())
            ],
            "updatedAt": updated_at,
        }
    )


def crm(
    *,
    phones: tuple[tuple[str, str], ...] = (),
    emails: tuple[tuple[str, str], ...] = (),
    **fields: Any,
) -> Contact:
    return Contact("person-1", "acme", phones=phones, emails=emails, **fields)


def merged(
    contact: Contact,
    current: QuoContact,
    base: QuoContact | None,
    policy: SyncPolicy = POLICY,
    at: datetime | None = LATER,
) -> QuoContact:
    body = merge(contact, current, base, policy=policy, person_updated_at=at)
    return current if body is None else apply(body, current)


# -- scalars --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "held", "base", "on_conflict", "expected"),
    [
        pytest.param("a", "a", "a", "crm", "a", id="nobody changed it"),
        pytest.param("b", "a", "a", "quo", "b", id="the CRM changed it"),
        pytest.param("a", "b", "a", "crm", "b", id="someone changed it in Quo"),
        pytest.param(None, "a", "a", "quo", None, id="the CRM emptied it"),
        pytest.param("a", None, "a", "crm", None, id="someone emptied it in Quo"),
        pytest.param("b", None, None, "quo", "b", id="the CRM filled it"),
        pytest.param("b", "b", "a", "quo", "b", id="both made the same change"),
        pytest.param("b", "c", "a", "crm", "b", id="both changed it, CRM wins"),
        pytest.param("b", "c", "a", "quo", "c", id="both changed it, Quo wins"),
        pytest.param(None, "c", "a", "crm", None, id="emptied against changed, CRM wins"),
        pytest.param(None, "c", "a", "quo", "c", id="emptied against changed, Quo wins"),
    ],
)
@pytest.mark.parametrize("name", SCALARS)
def test_scalars_follow_the_side_that_changed(
    name: str, ours: Any, held: Any, base: Any, on_conflict: Any, expected: Any
) -> None:
    result = merged(
        crm(**{name: ours}),
        quo(**{name: held}),
        quo(**{name: base}),
        SyncPolicy(on_conflict=on_conflict),
    )
    assert getattr(result.default_fields, name) == expected


@pytest.mark.parametrize(
    ("ours", "held", "on_conflict", "expected"),
    [
        pytest.param(None, "a", "crm", "a", id="an empty one leaves Quo's"),
        pytest.param("a", None, "quo", "a", id="an empty one in Quo is filled"),
        pytest.param("a", "", "quo", "a", id="so is an empty text"),
        pytest.param("a", "b", "crm", "a", id="CRM wins"),
        pytest.param("a", "b", "quo", "b", id="Quo wins"),
    ],
)
def test_scalars_without_base(ours: Any, held: Any, on_conflict: Any, expected: Any) -> None:
    policy = SyncPolicy(on_conflict=on_conflict)
    result = merged(crm(company=ours), quo(company=held), None, policy)
    assert result.default_fields.company == expected


@pytest.mark.parametrize(
    ("person_at", "quo_at", "expected"),
    [
        pytest.param(LATER, NOON, "crm", id="the CRM is newer"),
        pytest.param(NOON, LATER, "quo", id="Quo is newer"),
        pytest.param(NOON, NOON, "crm", id="a tie"),
        pytest.param(None, NOON, "crm", id="the person's time is unknown"),
        pytest.param(NOON, None, "crm", id="the contact's time is unknown"),
    ],
)
def test_newest(person_at: datetime | None, quo_at: datetime | None, expected: str) -> None:
    current = quo(role="quo", updated_at=quo_at)
    policy = SyncPolicy(on_conflict="newest")
    result = merged(crm(role="crm"), current, quo(role="base"), policy, at=person_at)
    assert result.default_fields.role == expected


@pytest.mark.parametrize("merging", [True, False])
@pytest.mark.parametrize("base", [quo(company="a"), None])
def test_a_kept_field_that_the_crm_empties_keeps_quos_value(
    merging: bool, base: QuoContact | None
) -> None:
    contact = crm(
        role="x", custom={"tier": None}, kept_when_empty=frozenset({"company", "custom.tier"})
    )
    current = quo(company="a", custom={"tier": "gold"})
    result = merged(contact, current, base, SyncPolicy(merge=merging))
    assert result.default_fields.company == "a"
    assert [item.value for item in result.custom_fields] == ["gold"]


def test_a_kept_field_that_the_crm_fills_again_takes_its_value() -> None:
    kept = frozenset({"company", "custom.tier"})
    first = crm(company="a", custom={"tier": "gold"}, kept_when_empty=kept)
    emptied = crm(role="x", custom={"tier": None}, kept_when_empty=kept)
    again = crm(company="b", custom={"tier": "vip"}, kept_when_empty=kept)
    policy = SyncPolicy(on_conflict="quo")
    current = created(first)
    base = merge_base(first, current)
    current = merged(emptied, current, base, policy)
    base = merge_base(emptied, current)
    current = merged(again, current, base, policy)
    assert current.default_fields.company == "b"
    assert [item.value for item in current.custom_fields] == ["vip"]


# -- phone numbers and e-mail addresses -----------------------------------------------------------

A, B, C, D = "+18585550001", "+18585550002", "+18585550003", "+18585550004"


def phones(*values: str) -> list[tuple[str, str]]:
    return [("Work", value) for value in values]


@pytest.mark.parametrize(
    ("ours", "held", "base", "expected"),
    [
        pytest.param([A], [A], [A], [A], id="nobody changed them"),
        pytest.param([A, B], [A], [A], [A, B], id="the CRM added one"),
        pytest.param([A], [A, B], [A, B], [A], id="the CRM dropped one"),
        pytest.param([A], [A, C], [A], [A, C], id="someone added one in Quo"),
        pytest.param([A, B], [A], [A, B], [A], id="someone deleted one in Quo"),
        pytest.param([A, B], [A, C], [A], [A, B, C], id="both added one"),
        pytest.param([A, B], [A, B], [A], [A, B], id="both added the same"),
        pytest.param([A], [A], [A, B], [A], id="both dropped the same"),
        pytest.param([C, A], [A, D, B], [A, B], [C, A, D], id="all at once"),
        pytest.param([B, A], [A, B], [A, B], [B, A], id="the CRM's order"),
        pytest.param([A, B], [C, A, D], None, [A, B, C, D], id="no base: united"),
        pytest.param([], [A], None, [A], id="no base: nothing is removed"),
        pytest.param([A], [A, A], [A], [A, A], id="a number that Quo has twice"),
    ],
)
def test_items(
    ours: list[str], held: list[str], base: list[str] | None, expected: list[str]
) -> None:
    current = quo(phones=phones(*held))
    result = merged(
        crm(phones=tuple(phones(*ours))),
        current,
        None if base is None else quo(phones=phones(*base)),
    )
    items = result.default_fields.phone_numbers
    assert [item.value for item in items] == expected


def test_emails_match_however_they_are_capitalised() -> None:
    current = quo(emails=[("Home", "ADA@example.com"), ("Own", "ada@home.example")])
    contact = crm(emails=(("Work", "Ada@Example.com"), ("Work", "new@example.com")))
    body = merge(contact, current, None, policy=POLICY, person_updated_at=LATER)
    assert body is not None
    assert body["defaultFields"]["emails"] == [
        {"id": "e0", "name": "Home", "value": "ADA@example.com"},
        {"name": "Work", "value": "new@example.com"},
        {"id": "e1", "name": "Own", "value": "ada@home.example"},
    ]


@pytest.mark.parametrize(
    ("ours", "held", "base", "on_conflict", "expected"),
    [
        pytest.param("Work", "Desk", "Work", "crm", "Desk", id="someone changed it in Quo"),
        pytest.param("Home", "Work", "Work", "quo", "Home", id="the CRM changed it"),
        pytest.param("Home", "Desk", "Work", "crm", "Home", id="both, CRM wins"),
        pytest.param("Home", "Desk", "Work", "quo", "Desk", id="both, Quo wins"),
        pytest.param("Work", "Desk", None, "crm", "Desk", id="no base: Quo's stays"),
        pytest.param("Work", "", None, "crm", "Work", id="no label in Quo"),
    ],
)
def test_labels(ours: str, held: str, base: str | None, on_conflict: Any, expected: str) -> None:
    result = merged(
        crm(phones=((ours, A),)),
        quo(phones=[(held, A)]),
        quo(phones=[(base, A)]) if base else None,
        SyncPolicy(on_conflict=on_conflict),
    )
    (item,) = result.default_fields.phone_numbers
    assert (item.id is not None, item.name) == (True, expected)


def test_items_without_a_value_do_not_travel() -> None:
    current = quo(phones=[("Work", A), ("Empty", "")], custom={"empty": None})
    assert (
        merge(crm(phones=(("Work", A),)), current, None, policy=POLICY, person_updated_at=None)
        is None
    )


# -- custom fields --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "held", "base", "expected"),
    [
        pytest.param({"a": "1"}, {}, {}, {"a": "1"}, id="the CRM filled it"),
        pytest.param({"a": "2"}, {"a": "1"}, {"a": "1"}, {"a": "2"}, id="the CRM changed it"),
        pytest.param({"a": None}, {"a": "1"}, {"a": "1"}, {}, id="the CRM emptied it"),
        pytest.param({"a": "1"}, {"a": "2"}, {"a": "1"}, {"a": "2"}, id="changed in Quo"),
        pytest.param({"a": "1"}, {}, {"a": "1"}, {}, id="emptied in Quo"),
        pytest.param({}, {"a": "1"}, {"a": "1"}, {"a": "1"}, id="no longer mapped: stays"),
        pytest.param({"a": "1"}, {"b": "2"}, {}, {"b": "2", "a": "1"}, id="not mapped: stays"),
        pytest.param({"a": None}, {"a": "1"}, None, {"a": "1"}, id="no base: stays"),
        pytest.param({"a": False}, {"a": True}, {"a": True}, {"a": False}, id="no is a value"),
        pytest.param({"a": 0}, {"a": 5}, {"a": 5}, {"a": 0}, id="zero is a value"),
        pytest.param({"a": ["y", "x"]}, {"a": ["x", "y"]}, {}, {"a": ["x", "y"]}, id="choices"),
    ],
)
def test_custom_fields(
    ours: dict[str, Any], held: dict[str, Any], base: dict[str, Any] | None, expected: Any
) -> None:
    current = quo(custom=held)
    result = merged(crm(custom=ours), current, None if base is None else quo(custom=base))
    assert {item.key: item.value for item in result.custom_fields} == expected
    ids = {item.key: item.id for item in current.custom_fields}
    assert all(ids.get(item.key, item.id) == item.id for item in result.custom_fields)


# -- the body -------------------------------------------------------------------------------------


def test_the_body_is_whole() -> None:
    current = quo(
        first_name="Ada", phones=[("Work", A)], emails=[("Work", "a@b.example")], custom={"k": "v"}
    )
    contact = crm(first_name="Ada", role="Engineer", source_url="https://crm.example/1")
    body = merge(
        replace(contact, external_id="person-2", source="other"),
        current,
        None,
        policy=POLICY,
        person_updated_at=None,
    )
    assert body == {
        "defaultFields": {
            "firstName": "Ada",
            "lastName": None,
            "company": None,
            "role": "Engineer",
            "phoneNumbers": [{"id": "p0", "name": "Work", "value": A}],
            "emails": [{"id": "e0", "name": "Work", "value": "a@b.example"}],
        },
        "customFields": [{"id": "c0", "key": "k", "value": "v"}],
        "externalId": "person-2",
        "source": "other",
        "sourceUrl": "https://crm.example/1",
    }


@pytest.mark.parametrize(
    ("change", "sent"),
    [
        ({"source": "other"}, {"source": "other"}),
        ({"external_id": "person-2"}, {"externalId": "person-2"}),
        ({"source_url": "https://crm.example/1"}, {"sourceUrl": "https://crm.example/1"}),
    ],
    ids=["source", "external id", "link"],
)
def test_a_new_identity_alone_is_written(change: dict[str, Any], sent: dict[str, Any]) -> None:
    contact = replace(crm(first_name="Ada"), **change)
    current = quo(first_name="Ada")
    body = merge(contact, current, current, policy=POLICY, person_updated_at=None)
    assert body is not None
    assert {key: body[key] for key in body.keys() - {"defaultFields", "customFields"}} == sent


def test_empty_texts_and_nulls_in_quo_are_the_same() -> None:
    current = quo(first_name="Ada", company="", custom={"k": ""})
    contact = crm(first_name="Ada", custom={"k": None})
    assert merge(contact, current, None, policy=POLICY, person_updated_at=None) is None


def test_a_custom_field_that_quo_holds_empty_is_filled_in_place() -> None:
    current = quo(custom={"k": None, "l": "v"})
    body = merge(crm(custom={"k": "x"}), current, None, policy=POLICY, person_updated_at=None)
    assert body is not None
    assert body["customFields"] == [
        {"id": "c0", "key": "k", "value": "x"},
        {"id": "c1", "key": "l", "value": "v"},
    ]


def test_a_link_that_the_crm_no_longer_gives_stays() -> None:
    contact = crm(first_name="Ada", source_url="https://crm.example/1")
    current = created(contact)
    without = replace(contact, source_url=None)
    base = merge_base(contact, current)
    assert merge(without, current, base, policy=POLICY, person_updated_at=None) is None


def test_without_merging_the_crms_contact_is_written_whole() -> None:
    current = quo(
        first_name="Typed",
        company="Typed",
        phones=[("Desk", A), ("Own", C)],
        emails=[("Own", "own@home.example")],
        custom={"tier": "typed", "own": "typed"},
    )
    contact = crm(first_name="Ada", phones=(("Work", B), ("Work", A)), custom={"tier": "gold"})
    policy = SyncPolicy(merge=False, on_conflict="quo")
    body = merge(contact, current, quo(first_name="Ada"), policy=policy, person_updated_at=None)
    assert body is not None
    assert body["defaultFields"] == {
        "firstName": "Ada",
        "lastName": None,
        "company": None,
        "role": None,
        "phoneNumbers": [{"name": "Work", "value": B}, {"id": "p0", "name": "Work", "value": A}],
        "emails": [],
    }
    assert body["customFields"] == [
        {"id": "c0", "key": "tier", "value": "gold"},
        {"id": "c1", "key": "own", "value": "typed"},
    ], "a key that is not mapped is no part of the CRM's contact"


# -- properties -----------------------------------------------------------------------------------

words = st.sampled_from([None, "a", "b", "c"])
labels = st.sampled_from(["Work", "Home"])
numbers = st.sampled_from([A, B, C, D])
addresses = st.sampled_from(["a@x.example", "b@x.example", "B@x.example", "c@x.example"])


def pairs(values: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[tuple[str, str], ...]]:
    listed = st.lists(st.tuples(labels, values), max_size=4, unique_by=lambda pair: pair[1].lower())
    return listed.map(tuple)


customs = st.dictionaries(st.sampled_from(["k", "l", "m"]), words)
contacts = st.builds(
    Contact,
    external_id=st.just("person-1"),
    source=st.just("acme"),
    first_name=words,
    last_name=words,
    company=words,
    role=words,
    phones=pairs(numbers),
    emails=pairs(addresses),
    custom=customs,
    source_url=st.sampled_from([None, "https://crm.example/1", "https://crm.example/2"]),
    kept_when_empty=st.sets(st.sampled_from(["company", "custom.k"])).map(frozenset),
)
held_contacts = st.builds(
    lambda phones, emails, custom, **scalars: quo(
        phones=list(phones), emails=list(emails), custom=custom, **scalars
    ),
    phones=pairs(numbers),
    emails=pairs(addresses),
    custom=customs,
    first_name=words,
    last_name=words,
    company=words,
    role=words,
)
policies = st.builds(
    SyncPolicy, merge=st.booleans(), on_conflict=st.sampled_from(["crm", "quo", "newest"])
)
times = st.sampled_from([None, NOON - timedelta(hours=1), NOON, LATER])


@given(contacts, held_contacts, st.none() | held_contacts, policies, times)
def test_merging_again_changes_nothing(
    contact: Contact,
    current: QuoContact,
    base: QuoContact | None,
    policy: SyncPolicy,
    at: datetime | None,
) -> None:
    after = merged(contact, current, base, policy, at)
    for remembered in (base, merge_base(contact, after)):
        assert merge(contact, after, remembered, policy=policy, person_updated_at=at) is None


@given(contacts, policies)
def test_what_was_just_created_is_held(contact: Contact, policy: SyncPolicy) -> None:
    current = created(contact)
    for base in (None, current, merge_base(contact, current)):
        assert merge(contact, current, base, policy=policy, person_updated_at=None) is None


@given(contacts, held_contacts)
def test_nothing_is_removed_without_base(contact: Contact, current: QuoContact) -> None:
    after = merged(contact, current, None)
    for name in SCALARS:
        held = getattr(current.default_fields, name)
        assert not held or getattr(after.default_fields, name)
    assert _numbers(current) <= _numbers(after)
    assert {i.id for i in current.default_fields.emails} <= {
        i.id for i in after.default_fields.emails
    }
    held_keys = {item.key for item in current.custom_fields if item.value}
    assert held_keys <= {item.key for item in after.custom_fields}


@given(st.lists(contacts, min_size=2, max_size=5), policies.filter(lambda policy: policy.merge))
def test_what_is_typed_in_quo_survives_every_later_change(
    versions: list[Contact], policy: SyncPolicy
) -> None:
    """A number, an address, a custom field and a relabelled item, over many rounds."""
    own_phone, own_email = "+18585559999", "own@home.example"
    current = created(versions[0])
    base = merge_base(versions[0], current)
    current = _typed(current, own_phone, own_email)
    for contact in versions[1:]:
        current = merged(contact, current, base, policy)
        base = merge_base(contact, current)
        assert own_phone in _numbers(current)
        assert own_email in [item.value for item in current.default_fields.emails]
        assert ("own", "typed") in [(item.key, item.value) for item in current.custom_fields]
        wanted = {value for _, value in contact.phones}
        assert _numbers(current) == wanted | {own_phone}, "and the CRM's numbers are the CRM's"


@given(contacts, st.lists(words, min_size=1, max_size=4))
def test_a_scalar_typed_in_quo_survives_changes_of_others(
    contact: Contact, roles: list[str | None]
) -> None:
    contact = replace(contact, kept_when_empty=frozenset())
    current = created(contact)
    base = merge_base(contact, current)
    current = _with_fields(current, company="typed")
    for role in roles:
        contact = replace(contact, role=role)
        current = merged(contact, current, base)
        base = merge_base(contact, current)
        assert current.default_fields.company == "typed"
        assert current.default_fields.role == role


@given(contacts, contacts)
def test_without_edits_in_quo_the_crms_contact_arrives_exactly(old: Contact, new: Contact) -> None:
    old, new = (replace(one, kept_when_empty=frozenset()) for one in (old, new))
    new = replace(new, custom={key: new.custom.get(key) for key in {**old.custom, **new.custom}})
    current = created(old)
    after = merged(new, current, merge_base(old, current))
    fields = after.default_fields
    assert [getattr(fields, name) for name in SCALARS] == [getattr(new, name) for name in SCALARS]
    assert [(item.name, item.value) for item in fields.phone_numbers] == list(new.phones)
    assert [item.value.lower() for item in fields.emails if item.value] == [
        value.lower() for _, value in new.emails
    ]
    assert {item.key: item.value for item in after.custom_fields} == {
        key: value for key, value in new.custom.items() if value
    }


@given(contacts, contacts, contacts)
def test_an_older_write_that_came_last_is_undone_and_typed_items_stay(
    first: Contact, older: Contact, newest: Contact
) -> None:
    mapped = {**first.custom, **older.custom, **newest.custom}
    first, older, newest = (
        replace(
            version,
            kept_when_empty=frozenset(),
            custom={key: version.custom.get(key) for key in mapped},
            source_url=None,
        )
        for version in (first, older, newest)
    )
    current = created(first)
    base = merge_base(first, current)
    current = _typed(current, "+18585559999", "own@home.example")
    expected = merged(newest, current, base)
    remembered = merge_base(newest, expected)
    answer = merged(older, expected, base)

    after = apply(restore(remembered, (older, answer)), answer)

    typed = {"+18585559999"}
    assert _numbers(after) == {value for _, value in newest.phones} | typed
    assert [getattr(after.default_fields, name) for name in SCALARS] == [
        getattr(newest, name) for name in SCALARS
    ]
    assert {item.key for item in after.custom_fields} == {
        "own",
        *(key for key, value in newest.custom.items() if value),
    }


@given(contacts, st.sampled_from([A, B, C, D]), st.sampled_from(list(SCALARS)))
def test_edits_of_different_things_commute(contact: Contact, number: str, name: str) -> None:
    """The CRM changes first or Quo's user does: the contact ends the same."""
    changed = replace(contact, **{name: "crm"}, phones=(*contact.phones, ("Work", "+18585558888")))
    other = next(key for key in SCALARS if key != name)
    start = created(contact)
    base = merge_base(contact, start)

    def edit(current: QuoContact) -> QuoContact:
        return _without_number(_with_fields(current, **{other: "typed"}), number)

    one = merged(changed, edit(start), base)
    two = edit(merged(changed, start, base))
    assert _content(one) == _content(two)


@given(contacts, held_contacts, st.none() | held_contacts)
def test_the_crms_order_comes_first_then_quos(
    contact: Contact, current: QuoContact, base: QuoContact | None
) -> None:
    after = [item.value for item in merged(contact, current, base).default_fields.phone_numbers]
    ours = [value for _, value in contact.phones]
    held = [item.value for item in current.default_fields.phone_numbers]
    kept = [value for value in ours if value in after]
    assert after == kept + [value for value in held if value in after and value not in ours]


@given(contacts, held_contacts, st.none() | held_contacts, policies)
def test_matched_items_keep_their_ids(
    contact: Contact, current: QuoContact, base: QuoContact | None, policy: SyncPolicy
) -> None:
    ids = {item.value: item.id for item in current.default_fields.phone_numbers}
    for item in merged(contact, current, base, policy).default_fields.phone_numbers:
        assert ids.get(item.value, item.id) == item.id


def _numbers(contact: QuoContact) -> set[str | None]:
    return {item.value for item in contact.default_fields.phone_numbers}


def _with_fields(contact: QuoContact, **changes: Any) -> QuoContact:
    fields = contact.default_fields.model_copy(update=changes)
    return contact.model_copy(update={"default_fields": fields})


def _without_number(contact: QuoContact, number: str) -> QuoContact:
    kept = tuple(item for item in contact.default_fields.phone_numbers if item.value != number)
    return _with_fields(contact, phone_numbers=kept)


def _typed(contact: QuoContact, phone: str, email: str) -> QuoContact:
    extra = quo(phones=[("Own", phone)], emails=[("Own", email)], custom={"own": "typed"})
    fields = contact.default_fields
    return _with_fields(
        contact,
        phone_numbers=extra.default_fields.phone_numbers + fields.phone_numbers,
        emails=extra.default_fields.emails + fields.emails,
    ).model_copy(update={"custom_fields": extra.custom_fields + contact.custom_fields})


def _content(contact: QuoContact) -> Any:
    fields = contact.default_fields
    return (
        [getattr(fields, name) for name in SCALARS],
        [(item.name, item.value) for item in fields.phone_numbers],
        [(item.name, item.value) for item in fields.emails],
        {item.key: item.value for item in contact.custom_fields},
    )
