"""Finding persons by number: an exact one or nobody."""

from __future__ import annotations

import pytest

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
