from __future__ import annotations

import unicodedata
from collections import Counter

import phonenumbers
import pytest

from connectors.sandbox.people import People
from connectors.sandbox.settings import Settings

AT = "2026-01-01T00:00:00Z"


def e164(text: str) -> str | None:
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None
    valid = phonenumbers.is_valid_number(number)
    return phonenumbers.format_number(number, 0) if valid else None


def everyone(**settings: object) -> list:
    people = People(Settings.model_validate({"persons": 4000, "seed_time": AT, **settings}))
    return list(people.listed(people.persons.by_id(None)))


def test_the_same_seed_gives_the_same_people_however_many_there_are():
    few = People(Settings(persons=50, seed=3))
    many = People(Settings(persons=500, seed=3))
    for id in (1, 7, 50):
        one, other = few.person(id), many.person(id)
        assert (one.first_name, one.last_name, one.phones, one.org_id) == (
            other.first_name,
            other.last_name,
            other.phones,
            other.org_id,
        )
    assert People(Settings(persons=50, seed=4)).person(7).phones != few.person(7).phones


def test_plain_people_are_complete_and_their_numbers_valid_and_their_own():
    people = everyone()
    numbers = [e164(value) for person in people for value, _ in person.phones]
    assert None not in numbers
    assert len(set(numbers)) == len(numbers)
    assert all(p.phones and p.first_name and p.last_name and p.org_id for p in people)


def test_numbers_come_in_many_formats_and_from_four_countries():
    values = [value for person in everyone() for value, _ in person.phones]
    shapes = {"".join("9" if c.isdigit() else c for c in value) for value in values}
    assert len(shapes) >= 9
    assert {phonenumbers.parse(v, "US").country_code for v in values} == {1, 33, 44, 49}


def test_names_are_from_many_scripts():
    names = "".join(person.last_name for person in everyone())
    scripts = {unicodedata.name(letter).split()[0] for letter in names}
    assert {"LATIN", "CYRILLIC", "GREEK", "CJK"} <= scripts


def test_spice_befalls_the_documented_share():
    plain, spiced = everyone(), everyone(spice=True, without_phone_share=0)
    changed = sum(one != other for one, other in zip(plain, spiced, strict=True))
    assert 0.015 < changed / len(plain) < 0.035


@pytest.mark.parametrize(
    ("name", "befallen"),
    [
        ("no first name", lambda p: p.first_name is None and p.last_name),
        ("no name", lambda p: p.first_name is None and p.last_name is None),
        ("no last name", lambda p: p.last_name is None and p.first_name),
        ("emoji", lambda p: p.first_name and "🦊" in p.first_name),
        ("300 characters", lambda p: p.last_name and len(p.last_name) == 300),
        ("ten bad phones", lambda p: len(p.phones) == 10),
        ("one phone in two formats", lambda p: len({e164(v) for v, _ in p.phones}) < len(p.phones)),
        ("extension", lambda p: p.phones and p.phones[0][0].endswith("x123")),
        ("no labels", lambda p: p.phones and p.phones[0][1] is None),
        ("no organization", lambda p: p.org_id is None),
        ("empty values", lambda p: p.emails == [("", "work")]),
        ("bad phone", lambda p: p.phones and e164(p.phones[0][0]) is None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_spice_holds_each_oddity(name, befallen):
    assert any(befallen(person) for person in everyone(spice=True)), name


def test_spice_lets_neighbours_share_a_number():
    numbers = Counter(
        number
        for person in everyone(spice=True)
        for number in {e164(value) for value, _ in person.phones}
        if number
    )
    assert max(numbers.values()) > 1


@pytest.mark.parametrize(
    ("settings", "share"),
    [({}, 0.0), ({"spice": True}, 0.05), ({"without_phone_share": 0.5}, 0.5)],
    ids=["plain", "spice", "asked for"],
)
def test_share_without_phone(settings, share):
    people = everyone(**settings)
    assert sum(not person.phones for person in people) / len(people) == pytest.approx(
        share, abs=0.03
    )


def test_neighbours_work_together():
    assert len({person.org_id for person in everyone()[:500]}) < 100


def test_edits_move_a_person_to_the_end_and_leave_the_rest():
    people = People(Settings(persons=100))
    before = people.person(40)
    people.edit([40], {"job_title": "Pilot"})
    after = people.person(40)
    assert (after.job_title, after.first_name) == ("Pilot", before.first_name)
    assert list(people.persons.by_time(None, None))[-1] == 40
    assert after.updated > before.updated


def test_deleted_people_are_unlisted_but_known():
    people = People(Settings(persons=10))
    people.delete([3])
    people.edit([3], {"job_title": "Ghost"})
    assert 3 not in list(people.persons.by_id(None))
    assert people.person(3).deleted
    assert people.person(3).job_title != "Ghost"
    assert people.person(11) is None


def test_inserted_people_are_the_newest():
    people = People(Settings(persons=10))
    assert people.insert(2, {"last_name": "Newcomer"}) == [11, 12]
    assert people.person(12).last_name == "Newcomer"
    assert list(people.persons.by_time(None, None))[-2:] == [11, 12]
