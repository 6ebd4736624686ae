"""Our requests against the vendor's own OpenAPI descriptions, when they are at hand.

The environment variable QUO_SYNC_SPECS names the folder with `pipedrive-v1.json` and
`pipedrive-v2.json`.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from connectors.crm.model import Paging, RangeSpec, Window
from tests.connectors.crm.pipedrive.test_activities import call, sms

SPECS = os.environ.get("QUO_SYNC_SPECS")
BASES = {"/api/v1": ("pipedrive-v1.json", "/v1"), "/api/v2": ("pipedrive-v2.json", "/api/v2")}

pytestmark = pytest.mark.skipif(not SPECS, reason="QUO_SYNC_SPECS names no folder")


def exercise(account):
    """Every kind of request that the connector can send."""
    connector, now = account.connector, datetime.now(UTC)
    account.control.rename_organizations([1], "Northwind")
    for window in (Window(), Window(now - timedelta(days=30))):
        for planned in connector.plan_ranges("Person", window):
            page = connector.fetch_person_page(planned, None)
            if page.next_cursor:
                connector.fetch_person_page(planned, page.next_cursor)
    for only in ({"owner": 221}, {"view": 17}):
        connector.fetch_person_page(RangeSpec("Person", Paging.CHAIN, only=only), None)
    connector.find_persons_by_phone("+14155550134")
    connector.check()
    for write, activity in (
        (connector.log_call_to_activity, call(owner_email="sales1@example.com")),
        (connector.log_sms_to_activity, sms()),
    ):
        write(activity, "4", write(activity, "4", None))
    connector.remove_webhooks(connector.setup_webhooks("https://hooks.example.com/x"))


def test_every_request_is_one_the_vendor_describes(pipedrive):
    openapi_core = pytest.importorskip("openapi_core")
    from openapi_core.testing import MockRequest

    account = pipedrive(900, settings={"filters": {17: {"owner_id": 223}}}, page_size=200)
    exercise(account)
    described = {
        base: json.loads((Path(SPECS) / name).read_text()) for base, (name, _) in BASES.items()
    }
    apis = {
        base: openapi_core.OpenAPI.from_dict(
            spec, config=openapi_core.Config(spec_validator_cls=None)
        )
        for base, spec in described.items()
    }
    routes = set()
    for entry in account.sent():
        base = entry["path"][:7]
        query = dict(parse_qsl(entry["query"]))
        route = entry["route"].removeprefix(base)
        operation = described[base]["paths"][route][entry["method"].lower()]
        request = MockRequest(
            "https://api.pipedrive.com",
            entry["method"].lower(),
            BASES[base][1] + entry["path"].removeprefix(base),
            args=query,
            headers={"x-api-token": "t"},
            content_type="application/json",
            data=entry["body"].encode() if entry["body"] else b"",
        )
        errors = [
            str(error.__cause__ or error) for error in apis[base].iter_request_errors(request)
        ]
        assert errors == [], f"{entry['method']} {entry['path']}?{entry['query']}"
        known = {parameter["name"] for parameter in operation.get("parameters", [])}
        assert set(query) <= known, entry["route"]
        assert set(json.loads(entry["body"] or "{}")) <= body_keys(operation, described[base])
        routes.add(f"{entry['method']} {entry['route']}")
    assert len(routes) >= 13


def body_keys(operation, spec):
    """The property names that a request body may have, `allOf` followed."""

    def names(schema):
        while "$ref" in schema:
            *_, kind, name = schema["$ref"].split("/")
            schema = spec["components"][kind][name]
        found = set(schema.get("properties", {}))
        for part in schema.get("allOf", []):
            found |= names(part)
        return found

    content = operation.get("requestBody", {}).get("content", {})
    return set().union(*(names(kind["schema"]) for kind in content.values()))
