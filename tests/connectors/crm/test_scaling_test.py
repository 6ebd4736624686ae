"""The CRM made for tests of scale: pages by number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.crm.model import Paging, Window
from connectors.crm.scaling_test import ScalingTestConnector
from connectors.errors import ConfigurationError
from connectors.sandbox.settings import Settings
from tests.connectors.crm.scripted import ScriptedServer


@pytest.fixture
def scaling(sandbox, connect):
    def open_account(persons, **options):
        sandbox.control.reset(**Settings(persons=persons).model_dump(mode="json"))
        url = sandbox.crm_url("scaling-test")
        return connect(ScalingTestConnector, url, {}, **options)

    return open_account


def read(account, spec):
    ids, cursor, total = [], None, None
    while True:
        page = account.connector.fetch_person_page(spec, cursor)
        ids += [person.id for person in page.persons]
        cursor, total = page.next_cursor, page.total
        if cursor is None:
            return ids, total


@pytest.mark.parametrize(
    ("persons", "page_size", "bounds"),
    [
        (0, 500, [(1, None)]),
        (1_000, 500, [(1, None)]),
        (1_001, 500, [(1, 2), (3, None)]),
        (2_500, 1_000, [(1, 1), (2, 2), (3, None)]),
        (250, 100, [(1, None)]),
    ],
    ids=["empty", "one range", "a person more", "large pages", "small pages"],
)
def test_ranges_are_a_few_pages_and_the_last_is_open(scaling, persons, page_size, bounds):
    account = scaling(persons, page_size=page_size)
    ranges = account.connector.plan_ranges("Person", Window())
    assert [(r.first_page, r.last_page) for r in ranges] == bounds
    assert sum(r.expected for r in ranges) == persons
    assert account.calls == 1


def test_ranges_of_a_huge_account_stay_a_thousand(connect):
    with ScriptedServer(lambda _: (200, {"persons": [], "page": 1, "total": 50_000_000})) as server:
        account = connect(ScalingTestConnector, server.url, {})
        ranges = account.connector.plan_ranges("Person", Window())
    assert len(ranges) == 1_000
    assert (ranges[0].last_page, ranges[-1].last_page) == (100, None)


def test_persons_added_while_reading_are_met(scaling):
    account = scaling(1_200, page_size=500)
    first, last = account.connector.plan_ranges("Person", Window())
    ids, total = read(account, first)
    account.control.insert_people(900)
    more, new_total = read(account, last)
    assert (total, new_total) == (1_200, 2_100)
    assert len(set(ids + more)) == 2_100


def test_a_delta_reads_only_what_changed(scaling):
    account = scaling(1_200, page_size=500)
    account.control.edit_people([5, 6, 7], job_title="Buyer")
    since = datetime.now(UTC) - timedelta(seconds=20)
    (only_range,) = account.connector.plan_ranges("Person", Window(since))
    assert (only_range.kind, only_range.since) == (Paging.PAGES, since)
    assert sorted(read(account, only_range)[0]) == ["5", "6", "7"]


def test_what_it_does_not_have_is_said(scaling):
    with pytest.raises(ConfigurationError, match="scaling-test has no webhooks"):
        scaling(1).connector.setup_webhooks("https://a.test")


def test_check_names_the_total(scaling):
    assert scaling(12).connector.check().endswith("(12 persons)")


def test_a_token_is_sent_when_there_is_one():
    credentials = ScalingTestConnector.Credentials.model_validate({"api_token": "t"})
    assert ScalingTestConnector.auth(credentials).headers() == {"x-api-token": "t"}
