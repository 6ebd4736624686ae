"""Pages of persons: what is asked, what is joined, what is left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.crm.model import Paging, RangeSpec, Window
from connectors.crm.pipedrive.api import read_time
from connectors.errors import ConfigurationError, CursorRefused, TransientError

TYPE = "Person"
EVERYONE = RangeSpec(TYPE, Paging.WINDOWS)


def read(account, spec=EVERYONE):
    persons, cursor = [], None
    while True:
        page = account.connector.fetch_person_page(spec, cursor)
        persons += page.persons
        cursor = page.next_cursor
        if cursor is None:
            return persons


def asked(account, collection):
    return [e["query"] for e in account.sent() if e["path"] == f"/api/v2/{collection}"]


def test_times_are_sent_in_whole_seconds(pipedrive):
    account = pipedrive(10)
    since = datetime(2020, 1, 1, 0, 0, 1, 999_000, tzinfo=UTC)
    read(account, RangeSpec(TYPE, Paging.WINDOWS, since=since, until=datetime.now(UTC)))
    (query,) = asked(account, "persons")
    assert "updated_since=2020-01-01T00%3A00%3A01Z" in query
    assert "updated_until" in query


def test_persons_come_in_the_order_of_their_updates(pipedrive):
    account = pipedrive(60, page_size=25)
    account.control.edit_people([3], at=1_700_000_000)
    times = [person.updated_at for person in read(account)]
    assert times == sorted(times)


def test_a_page_costs_its_list_and_a_hundredth_of_its_organizations(pipedrive):
    account = pipedrive(1_000)
    page = account.connector.fetch_person_page(EVERYONE, None)
    organizations = {person.fields["org_id"] for person in page.persons} - {None}
    assert account.spending.tokens == 10 + 10 * -(-len(organizations) // 100)


def test_an_organization_is_asked_for_once(pipedrive):
    account = pipedrive(200)
    read(account)
    before = len(asked(account, "organizations"))
    read(account)
    assert len(asked(account, "organizations")) == before


def test_a_person_has_the_organization_among_its_fields(pipedrive):
    account = pipedrive(5)
    person = read(account)[0]
    draft = account.connector.transform_person_to_quo(person)
    assert person.fields["org"]["id"] == person.fields["org_id"]
    assert draft.company == person.fields["org"]["name"] != ""


def test_a_hidden_organization_leaves_the_company_empty(pipedrive):
    account = pipedrive(5)
    account.control.edit_people([2], org_id=987_654)
    persons = {person.id: person for person in read(account)}
    assert persons["2"].fields["org"] is None
    assert account.connector.transform_person_to_quo(persons["2"]).company is None


def test_a_failing_join_fails_the_page_and_asks_for_nobody_singly(pipedrive):
    account = pipedrive(50)
    account.control.fault("status", status=500, path="organizations")
    with pytest.raises(TransientError):
        account.connector.fetch_person_page(EVERYONE, None)
    assert not [e for e in account.sent() if e["path"].startswith("/api/v2/organizations/")]


def test_the_last_page_may_leave_the_cursor_out(pipedrive):
    account = pipedrive(30, settings={"end_cursor": "missing"}, page_size=20)
    assert len(read(account)) == 30


def test_an_expired_cursor_restarts_the_range(pipedrive):
    account = pipedrive(30, page_size=10)
    cursor = account.connector.fetch_person_page(EVERYONE, None).next_cursor
    account.control.fault("cursor_refused")
    with pytest.raises(CursorRefused):
        account.connector.fetch_person_page(EVERYONE, cursor)


def test_an_empty_page_is_not_the_end(pipedrive):
    account = pipedrive(30, page_size=10)
    account.control.fault("empty_page", path="persons", nth=2)
    assert len(read(account)) == 30


def test_an_answer_without_data_is_asked_for_again(pipedrive):
    account = pipedrive(10)
    account.control.fault("html", path="persons", first=2)
    assert len(read(account)) == 10


@pytest.mark.parametrize(
    ("only", "kept"),
    [
        ({"owner": 222}, lambda f: f["owner_id"] == 222),
        ({"view": 17}, lambda f: f["owner_id"] == 223),
        ({"view": 17, "owner": 222}, lambda _: False),
        ({"field": {"org.name": "Nobody & Sons"}}, lambda _: False),
        ({"field": {"job_title": "Buyer"}}, lambda f: f["job_title"] == "Buyer"),
    ],
    ids=["owner", "view", "view and owner", "joined field", "field"],
)
def test_only(pipedrive, only, kept):
    account = pipedrive(200, settings={"filters": {17: {"owner_id": 223}}}, page_size=50)
    account.control.edit_people([7, 8, 9], job_title="Buyer")
    expected = {person.id for person in read(account) if kept(person.fields)}
    spec = RangeSpec(TYPE, Paging.WINDOWS, only=only)
    assert {person.id for person in read(account, spec)} == expected


def test_a_view_that_is_not_names_its_key(pipedrive):
    with pytest.raises(ConfigurationError, match=r"only\.view.*99"):
        read(pipedrive(5), RangeSpec(TYPE, Paging.WINDOWS, only={"view": 99}))


def test_persons_filtered_out_are_not_joined(pipedrive):
    account = pipedrive(50)
    assert read(account, RangeSpec(TYPE, Paging.WINDOWS, only={"field": {"name": "-"}})) == []
    assert asked(account, "organizations") == []


def test_deleted_persons_are_absent_by_id_too(pipedrive):
    account = pipedrive(5)
    account.control.delete_people([2, 3])
    found = account.connector.fetch_persons_by_ids(TYPE, ["1", "2", "3", "4", "4"])
    assert [person.id for person in found] == ["1", "4"]


def test_a_chain_without_a_window_reads_everyone(pipedrive):
    account = pipedrive(30, page_size=10)
    assert len(read(account, RangeSpec(TYPE, Paging.CHAIN))) == 30


def test_persons_inserted_while_reading_are_met_by_the_delta(pipedrive):
    account = pipedrive(300, page_size=100)
    started = datetime.now(UTC) - timedelta(seconds=2)
    account.control.fault("insert", path="persons", count=3, nth=2)
    first = {person.id for person in read(account)}
    delta = account.connector.plan_ranges(TYPE, Window(started))[0]
    assert len(first | {person.id for person in read(account, delta)}) == 303


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2025-02-18T07:02:09Z", datetime(2025, 2, 18, 7, 2, 9, tzinfo=UTC)),
        ("2025-02-18T07:02:09.120000Z", datetime(2025, 2, 18, 7, 2, 9, 120_000, tzinfo=UTC)),
        ("2025-02-18 07:02:09", datetime(2025, 2, 18, 7, 2, 9, tzinfo=UTC)),
        ("2025-02-18T09:02:09+02:00", datetime(2025, 2, 18, 7, 2, 9, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        (None, None),
        (1_700_000_000, None),
    ],
    ids=["v2", "fraction", "v1", "zone", "odd", "empty", "null", "number"],
)
def test_times_of_all_versions_are_read(text, at):
    assert read_time(text) == at
