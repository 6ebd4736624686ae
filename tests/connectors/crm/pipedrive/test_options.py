"""What a user may set, and what follows from it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from connectors.crm.pipedrive import PipedriveConnector
from connectors.crm.pipedrive.options import PipedriveOptions
from connectors.crm.registry import connector_class


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "base_url"),
        ({"base_url": "acme.pipedrive.com"}, "https://COMPANY"),
        ({"base_url": "https://a.test?api_token=x"}, "base_url"),
        ({"base_url": "https://a.test", "page_size": 501}, "page_size"),
        ({"base_url": "https://a.test", "page_size": 0}, "page_size"),
        ({"base_url": "https://a.test", "daily_tokens": 0}, "daily_tokens"),
        ({"base_url": "https://a.test", "colour": 1}, "colour"),
    ],
    ids=["nothing", "no scheme", "query", "large page", "no page", "no tokens", "unknown"],
)
def test_a_wrong_option_is_named(given, named):
    with pytest.raises(ValidationError, match=named):
        PipedriveOptions.model_validate(given)


def test_the_account_is_the_company_whatever_its_spelling():
    options = PipedriveOptions(base_url="https://Acme.pipedrive.com/")
    assert PipedriveConnector.account(options) == "acme.pipedrive.com"


def test_budgets_follow_the_options():
    options = PipedriveOptions(base_url="https://a.test", burst_per_2s=40, daily_tokens=60_000)
    assert [(b.name, b.limit, b.daily) for b in PipedriveConnector.budgets(options)] == [
        ("burst", 40, False),
        ("daily", 60_000, True),
    ]


def test_the_connector_is_installed_by_name():
    assert connector_class("pipedrive") is PipedriveConnector
