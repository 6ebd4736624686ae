"""A renamed organisation reaches its persons in the next delta, at a price in proportion."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.crm.model import Window

TYPE = "Person"


def chain(account, only=None):
    since = datetime.now(UTC) - timedelta(seconds=30)
    last = account.connector.plan_ranges(TYPE, Window(since))[-1]
    assert account.calls
    return replace(last, only=only or {})


def walk(account, spec, other=None):
    """All persons of the chain; every other page is read by another worker, if there is one."""
    persons, cursor, readers = [], None, [account, other or account]
    while True:
        page = readers[0].connector.fetch_person_page(spec, cursor)
        persons += page.persons
        cursor = page.next_cursor
        readers.reverse()
        if cursor is None:
            return persons


def test_nothing_renamed_costs_one_call(pipedrive):
    account = pipedrive(100)
    spec = chain(account)
    assert walk(account, spec) == []
    assert account.calls == 1


def test_persons_untouched_themselves_get_the_new_name(pipedrive):
    account = pipedrive(100)
    account.connector.fetch_persons_by_ids(TYPE, ["9", "10"])  # remembers the old name
    account.control.rename_organizations([2], "Northwind")
    theirs = [p["id"] for p in account.control.people(limit=100) if p["org_id"] == 2]
    persons = walk(account, chain(account))
    assert sorted(int(person.id) for person in persons) == theirs
    companies = {account.connector.transform_person_to_quo(p).company for p in persons}
    assert companies == {"Northwind"}


def test_an_organization_with_many_persons_is_read_to_its_end(pipedrive):
    account = pipedrive(600)
    account.control.edit_people([*range(1, 351)], org_id=1)
    account.control.rename_organizations([1, 70], "Northwind")
    theirs = {str(p["id"]) for p in account.control.people(limit=600) if p["org_id"] in (1, 70)}
    met = [person.id for person in walk(account, chain(account), pipedrive())]
    assert len(met) == len(set(met))
    assert set(met) == theirs


@pytest.mark.parametrize("renamed", [5, 25, 60], ids=["few", "page after page", "sweep"])
def test_the_cheaper_way_is_taken(pipedrive, renamed):
    account = pipedrive(12_000 if renamed == 25 else 2_000)
    account.control.rename_organizations([*range(1, renamed + 1)], "Northwind")
    spec = chain(account)
    persons = walk(account, spec)
    assert {person.fields["org_id"] for person in persons} == set(range(1, renamed + 1))
    assert len({person.id for person in persons}) == len(persons) >= renamed
    assert account.calls <= 2 + min(renamed, 24) + len(persons) // 500 + 2


def test_the_walk_goes_on_in_another_worker(pipedrive):
    account, other = pipedrive(6_000), pipedrive(page_size=100)
    account = pipedrive(page_size=100)
    account.control.rename_organizations([*range(1, 41)], "Northwind")
    met = [person.id for person in walk(account, chain(account), other)]
    expected = [p["id"] for p in account.control.people(limit=6_000) if p["org_id"] in range(1, 41)]
    assert sorted(map(int, met)) == expected


def test_the_users_filter_holds(pipedrive):
    account = pipedrive(300, settings={"filters": {17: {"owner_id": 223}}})
    account.control.rename_organizations([1, 2, 3], "Northwind")
    everyone = {p.id: p.fields["owner_id"] for p in walk(account, chain(account))}
    for only in ({"view": 17}, {"owner": 223}):
        met = {person.id for person in walk(account, chain(account, only))}
        assert met == {id for id, owner in everyone.items() if owner == 223}
