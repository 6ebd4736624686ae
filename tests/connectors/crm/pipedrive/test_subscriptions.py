"""Setting webhooks up: nothing twice, nothing of others touched."""

from __future__ import annotations

import base64
import json

import pytest

from connectors.crm.model import WebhookSubscription
from connectors.crm.pipedrive import PipedriveConnector
from connectors.errors import ConfigurationError
from tests.connectors.crm.scripted import ScriptedServer, data

URL = "https://hooks.example.com/acme/s3cret"


def hooks(account):
    return [
        json.loads(entry["body"])
        for entry in account.sent()
        if entry["method"] == "POST" and entry["path"] == "/api/v1/webhooks"
    ]


def row(id, action="*", **changes):
    usual = {
        "id": id,
        "subscription_url": URL,
        "event_action": action,
        "event_object": "person",
        "is_active": 1,
    }
    return {**usual, **changes}


def test_one_subscription_covers_all_actions(pipedrive):
    account = pipedrive(1)
    (made,) = account.connector.setup_webhooks(URL)
    (sent,) = hooks(account)
    assert made.events == ("create", "change", "delete")
    assert made.url == URL
    assert sent["event_action"] == "*"
    assert sent["event_object"] == "person"
    assert sent["version"] == "2.0"


def test_deliveries_are_verified_with_the_secret_of_the_setup(pipedrive):
    account = pipedrive(1)
    (made,) = account.connector.setup_webhooks(URL)
    (sent,) = hooks(account)
    pair = f"{sent['http_auth_user']}:{sent['http_auth_password']}".encode()
    headers = {"Authorization": "Basic " + base64.b64encode(pair).decode()}
    assert account.connector.verify_webhook(headers, b"{}", made.secret)
    assert made.secret not in repr(made)


def test_the_secret_is_the_same_on_another_machine_and_differs_by_address(pipedrive):
    (first,) = pipedrive(1).connector.setup_webhooks(URL)
    (again,) = pipedrive(1).connector.setup_webhooks(URL)
    (other,) = pipedrive(1).connector.setup_webhooks(URL + "/2")
    assert first == again
    assert first.secret != other.secret


def test_only_the_missing_actions_are_created(connect):
    existing = [
        row(1, "create"),
        row(2, "delete", is_active=0),
        row(3, "*", subscription_url="https://other.example.com"),
        row(4, "*", event_object="deal"),
    ]

    def script(asked):
        return data(existing) if asked.method == "GET" else data({"id": 9, **asked.body})

    with ScriptedServer(script) as server:
        account = connect(PipedriveConnector, server.url, {"api_token": "t"})
        made = account.connector.setup_webhooks(URL)
    assert [one.events for one in made] == [("create",), ("change",), ("delete",)]
    assert [a.body["event_action"] for a in server.asked if a.body] == ["change", "delete"]


def test_what_an_existing_subscription_shows_of_its_pair_wins(connect):
    shown = row(1, http_auth_user="u", http_auth_password="p")
    with ScriptedServer(lambda _: data([shown])) as server:
        account = connect(PipedriveConnector, server.url, {"api_token": "t"})
        (found,) = account.connector.setup_webhooks(URL)
    assert found.secret == "u:p"


@pytest.mark.parametrize(("status", "said"), [(400, "public"), (422, "40 per user")], ids=str)
def test_a_refusal_names_the_remedy_and_no_secret(pipedrive, status, said):
    account = pipedrive(1)
    account.control.fault("status", status=status, method="POST", path="webhooks")
    with pytest.raises(ConfigurationError, match=said) as raised:
        account.connector.setup_webhooks(URL)
    assert "s3cret" not in str(raised.value)


def test_removal_goes_on_behind_a_failure(pipedrive):
    account = pipedrive(1)
    (made,) = account.connector.setup_webhooks(URL)
    account.control.fault("status", status=403, method="DELETE", first=1)
    with pytest.raises(Exception, match="403"):
        account.connector.remove_webhooks([WebhookSubscription("77", URL, ()), made])
    account.control.clear_faults()
    (renewed,) = account.connector.setup_webhooks(URL)
    assert renewed.id != made.id
