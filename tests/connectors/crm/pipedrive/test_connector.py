"""The connector as a whole."""

from __future__ import annotations

import pytest

from connectors.crm.model import Paging, RangeSpec, Window
from connectors.crm.pipedrive import PipedriveConnector
from connectors.errors import ConfigurationError, ProcessError
from tests.connectors.crm.scripted import ScriptedServer, data

LABELLED = [
    {"id": 1, "label_ids": [5]},
    {"id": 2, "label_ids": [6]},
    {"id": 3, "label_ids": None},
    {"id": None, "label_ids": [5]},
    None,
]
FIELDS = [
    {"field_code": "name", "options": None},
    {"field_code": "label_ids", "options": [{"id": 5, "label": "Customer"}]},
]


def script(asked):
    return data(FIELDS if asked.path.endswith("personFields") else LABELLED)


def read(account, only):
    spec = RangeSpec("Person", Paging.WINDOWS, only=only)
    return [person.id for person in account.connector.fetch_person_page(spec, None).persons]


def test_check_names_company_and_user(pipedrive):
    account = pipedrive(1)
    assert account.connector.check() == "Sandbox (as Sales Person 1)"
    assert account.spending.tokens == 2


def test_a_wrong_token_ends_the_process(sandbox, connect):
    account = connect(PipedriveConnector, sandbox.crm_url("pipedrive"), {"api_token": "wrong"})
    with pytest.raises(ProcessError):
        account.connector.check()


def test_a_label_is_found_by_name_and_asked_for_once(connect):
    with ScriptedServer(script) as server:
        account = connect(PipedriveConnector, server.url, {"api_token": "t"})
        assert read(account, {"label": "customer"}) == ["1"]
        assert read(account, {"label": "CUSTOMER"}) == ["1"]
        assert read(account, {"label": [6, "Customer"]}) == ["1", "2"]
        assert read(account, {"label": 6}) == ["2"]
    assert server.paths("GET").count("/api/v2/personFields") == 1


def test_a_label_that_is_not_lists_those_that_are(connect):
    with ScriptedServer(script) as server:
        account = connect(PipedriveConnector, server.url, {"api_token": "t"})
        with pytest.raises(ConfigurationError, match="customer"):
            read(account, {"label": "supplier"})


def test_persons_without_update_time_do_not_break_planning(connect):
    rows = [{"id": n, "update_time": None if n % 2 else "soon"} for n in range(1, 6)]
    answer = data(rows, additional_data={"next_cursor": "more"})
    with ScriptedServer(lambda _: answer) as server:
        account = connect(PipedriveConnector, server.url, {"api_token": "t"})
        (only_range,) = account.connector.plan_ranges("Person", Window())
    assert (only_range.since, only_range.until) == (None, None)


def test_a_deleted_or_absent_organization_is_no_company(connect):
    persons = [{"id": n, "org_id": n} for n in (1, 2, 3)]
    organizations = [{"id": 1, "name": "Birchline"}, {"id": 2, "name": "Gone", "is_deleted": True}]

    def answers(asked):
        return data(organizations if asked.path.endswith("organizations") else persons)

    with ScriptedServer(answers) as server:
        account = connect(PipedriveConnector, server.url, {"api_token": "t"})
        spec = RangeSpec("Person", Paging.WINDOWS)
        for _ in range(2):
            page = account.connector.fetch_person_page(spec, None)
            companies = [person.fields["org"] for person in page.persons]
            assert companies == [organizations[0], None, None]
    assert server.paths("GET").count("/api/v2/organizations") == 1
