"""Finding persons by number: an exact one or nobody."""

from __future__ import annotations

import pytest

from connectors.crm.pipedrive import PipedriveConnector
from tests.connectors.crm.scripted import ScriptedServer, data

NUMBER = "+14155550134"


def found(account, phone=NUMBER):
    return [person.id for person in account.connector.find_persons_by_phone(phone)]


@pytest.mark.parametrize(
    "written",
    ["+1 (415) 555-0134", "415-555-0134", "4155550134", "1 415 555 0134", "(415) 555-0134 x12"],
    ids=str,
)
def test_the_number_is_found_however_it_was_written(pipedrive, written):
    account = pipedrive(10)
    account.control.edit_people([4], phones=[("+18185550100", "work"), (written, "mobile")])
    assert found(account) == ["4"]


@pytest.mark.parametrize(
    "written",
    ["+44 14155550134", "94155550134", "4155550134999", "555-0134", "call 4155550134 or 2"],
    ids=str,
)
def test_part_of_another_number_is_nobody(pipedrive, written):
    account = pipedrive(10)
    account.control.edit_people([4], phones=[(written, "work")])
    assert found(account) == []


def test_everyone_who_shares_the_number_is_found(pipedrive):
    account = pipedrive(10)
    account.control.edit_people([4, 5], phones=[(NUMBER, "work")])
    assert found(account) == ["4", "5"]


def test_what_is_no_number_asks_nothing(pipedrive):
    account = pipedrive(10)
    assert found(account, "12") == found(account, "reception") == []
    assert account.calls == 0


def test_a_search_takes_its_share_of_the_burst(pipedrive):
    account = pipedrive(10, burst_per_2s=120)
    found(account)
    assert {tuple(sorted(cost.items())) for cost in account.spending.costs} == {
        (("burst", 12.0), ("daily", 20.0))
    }


def test_a_substring_hit_costs_no_more_than_the_searches(pipedrive):
    account = pipedrive(10)
    account.control.edit_people([4], phones=[("94155550134", "work")])
    assert found(account) == []
    assert account.calls == 2


def test_a_hit_whose_record_has_lost_the_number_is_nobody(connect):
    def answers(asked):
        if asked.path.endswith("search"):
            return data({"items": [{"item": {"id": 4, "phones": [NUMBER]}}]})
        return data([{"id": 4, "phones": [{"value": "+14155550199"}]}])

    with ScriptedServer(answers) as server:
        account = connect(PipedriveConnector, server.url, {"api_token": "t"})
        assert found(account) == []
