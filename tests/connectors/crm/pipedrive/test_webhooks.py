"""Deliveries of both versions, and who may send them."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

from connectors.crm.model import PersonEvent
from connectors.crm.pipedrive import webhooks

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def version_2(**meta):
    usual = {
        "action": "change",
        "entity": "person",
        "entity_id": "4107",
        "id": "ev-1",
        "timestamp": "2026-03-01T09:30:00.000Z",
        "version": "2.0",
    }
    return json.dumps({"meta": {**usual, **meta}, "data": None, "previous": None}).encode()


def version_1(**meta):
    usual = {
        "action": "updated",
        "object": "person",
        "id": 4107,
        "webhook_id": 9,
        "timestamp": int(AT.timestamp()),
        "timestamp_micro": int(AT.timestamp()) * 10**6 + 5,
    }
    return json.dumps({"v": 1, "event": "x", "meta": {**usual, **meta}}).encode()


@pytest.mark.parametrize(
    ("body", "event"),
    [
        (version_2(action="create"), PersonEvent("ev-1", "Person", "4107", False, AT)),
        (version_2(), PersonEvent("ev-1", "Person", "4107", False, AT)),
        (version_2(action="delete"), PersonEvent("ev-1", "Person", "4107", True, AT)),
        (
            version_2(action="delete", merged_to_id=7),
            PersonEvent("ev-1", "Person", "4107", True, AT),
        ),
        (version_2(merged_from_id=7), PersonEvent("ev-1", "Person", "4107", False, AT)),
        (
            version_1(),
            PersonEvent("9-1772357400000005-updated-4107", "Person", "4107", False, AT),
        ),
        (
            version_1(action="deleted"),
            PersonEvent("9-1772357400000005-deleted-4107", "Person", "4107", True, AT),
        ),
        (
            version_1(action="merged"),
            PersonEvent("9-1772357400000005-merged-4107", "Person", "4107", False, AT),
        ),
    ],
    ids=[
        "create",
        "change",
        "delete",
        "loser",
        "survivor",
        "v1 updated",
        "v1 deleted",
        "v1 merged",
    ],
)
def test_events(body, event):
    assert webhooks.parse(body) == [event]


@pytest.mark.parametrize(
    "body",
    [
        version_2(entity="deal"),
        version_2(action="archive"),
        version_2(entity_id=None),
        version_1(object="organization"),
        version_1(action="seen"),
        b"{",
        b"null",
        b'{"meta": []}',
    ],
    ids=["deal", "action", "no id", "v1 organization", "v1 action", "no json", "null", "odd meta"],
)
def test_everything_else_gives_nothing(body):
    assert webhooks.parse(body) == []


def test_two_tries_of_one_delivery_have_one_id():
    assert webhooks.parse(version_2(attempt=1)) == webhooks.parse(version_2(attempt=3))


def basic(pair):
    return "Basic " + base64.b64encode(pair.encode()).decode()


@pytest.mark.parametrize(
    ("headers", "right"),
    [
        ({"authorization": basic("quo-sync:s3cret")}, True),
        ({"Authorization": basic("quo-sync:s3cret")}, True),
        ({"authorization": basic("quo-sync:other")}, False),
        ({"authorization": "Bearer s3cret"}, False),
        ({"authorization": "Basic \u00fc"}, False),
        ({}, False),
    ],
    ids=["right", "any case", "wrong", "other scheme", "not ascii", "missing"],
)
def test_only_our_pair_is_accepted(headers, right):
    assert webhooks.verify(headers, "quo-sync:s3cret") is right


def test_no_secret_accepts_nothing():
    assert not webhooks.verify({"authorization": basic("")}, "")
