"""The sandbox's requests and answers against the vendors' own API descriptions.

Left out, because it is known to differ: errors of unknown custom fields, whose items Quo answers
with `key` and `reason`. Runs when QUO_SYNC_SPECS names a folder with quo-v1.json,
pipedrive-v1.json and pipedrive-v2.json.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse

FOLDER = os.environ.get("QUO_SYNC_SPECS")
pytestmark = pytest.mark.skipif(not FOLDER, reason="QUO_SYNC_SPECS names no folder")

CONTACT = {
    "defaultFields": {
        "firstName": "Ada",
        "lastName": None,
        "phoneNumbers": [{"name": "work", "value": "+14155550134"}],
        "emails": [{"name": "work", "value": "ada@example.com"}],
    },
    "externalId": "person-1",
    "source": "acme",
    "sourceUrl": "https://example.com/person/1",
    "customFields": [{"key": "tier", "value": ["gold"]}, {"key": "seats", "value": 4}],
}
QUO_HOOK = {"url": "https://example.com/hook", "resourceIds": ["*"]}
CALL = {
    "subject": "Call",
    "type": "call",
    "done": True,
    "duration": "00:05",
    "participants": [{"person_id": 4, "primary": True}],
}
HOOK = {
    "subscription_url": "https://example.com/hook",
    "event_action": "*",
    "event_object": "person",
    "name": "ours",
}

QUO_CALLS = [
    (
        "GET",
        "/v1/contacts?maxResults=2&externalIds=person-0&externalIds=person-9&sources=acme",
        None,
    ),
    ("GET", "/v1/contacts?maxResults=50", None),
    ("POST", "/v1/contacts", CONTACT),
    ("POST", "/v1/contacts", {**CONTACT, "externalId": "person-0"}),
    ("GET", "/v1/contacts/{contact}", None),
    ("GET", "/v1/contacts/gone", None),
    ("PATCH", "/v1/contacts/{contact}", CONTACT),
    ("PATCH", "/v1/contacts/gone", CONTACT),
    ("DELETE", "/v1/contacts/{contact}", None),
    ("DELETE", "/v1/contacts/gone", None),
    ("GET", "/v1/contact-custom-fields", None),
    ("GET", "/v1/phone-numbers", None),
    ("GET", "/v1/phone-numbers/PN1", None),
    ("GET", "/v1/users?maxResults=2", None),
    ("GET", "/v1/users/US1", None),
    ("GET", "/v1/users/US9", None),
    ("POST", "/v1/webhooks/calls", {**QUO_HOOK, "events": ["call.completed"]}),
    ("POST", "/v1/webhooks/messages", {**QUO_HOOK, "events": ["message.received"]}),
    ("POST", "/v1/webhooks/call-summaries", {**QUO_HOOK, "events": ["call.summary.completed"]}),
    (
        "POST",
        "/v1/webhooks/call-transcripts",
        {**QUO_HOOK, "events": ["call.transcript.completed"]},
    ),
    ("GET", "/v1/webhooks", None),
    ("GET", "/v1/webhooks/{webhook}", None),
    ("DELETE", "/v1/webhooks/{webhook}", None),
]
PIPEDRIVE_CALLS = [
    ("GET", "/api/v2/persons?limit=20&sort_by=update_time&sort_direction=asc", None),
    ("GET", "/api/v2/persons?ids=1,2,3", None),
    ("GET", "/api/v2/persons?updated_since=2025-01-01T00:00:00Z&limit=500", None),
    ("GET", "/api/v2/persons/3", None),
    ("GET", "/api/v2/persons/search?term=555&fields=phone&exact_match=false&limit=3", None),
    ("GET", "/api/v2/personFields?limit=50", None),
    ("GET", "/api/v2/organizations?ids=1,2&limit=100", None),
    ("GET", "/api/v2/organizations/1", None),
    ("POST", "/api/v2/activities", CALL),
    ("GET", "/api/v2/activities?person_id=4&limit=5", None),
    ("GET", "/api/v2/activities/1", None),
    ("PATCH", "/api/v2/activities/1", {"note": "<b>Summary</b>"}),
    ("POST", "/api/v1/notes", {"content": "<p>Hi</p>", "person_id": 4}),
    ("GET", "/api/v1/notes?person_id=4&limit=5&start=0", None),
    ("GET", "/api/v1/notes/1", None),
    ("PUT", "/api/v1/notes/1", {"content": "<p>Hello</p>"}),
    ("GET", "/api/v1/users/me", None),
    ("GET", "/api/v1/users", None),
    ("GET", "/api/v1/users/find?term=sales1&search_by_email=1", None),
    ("POST", "/api/v1/webhooks", HOOK),
    ("POST", "/api/v1/webhooks", {**HOOK, "subscription_url": "nowhere"}),
    ("GET", "/api/v1/webhooks", None),
    ("DELETE", "/api/v1/webhooks/1", None),
    ("DELETE", "/api/v1/webhooks/99", None),
]


def name(call: tuple[str, str, object]) -> str:
    return f"{call[0]} {call[1]}"


def nullable(schema: Any) -> Any:
    """Pipedrive's files declare almost nothing nullable, yet null is normal in its answers."""
    if isinstance(schema, list):
        return [nullable(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    loose = {key: nullable(value) for key, value in schema.items()}
    if isinstance(loose.get("type"), str) and loose["type"] not in ("apiKey", "http", "oauth2"):
        loose["nullable"] = True
    return loose


class Description:
    """One vendor file, as a judge of exchanges."""

    def __init__(self, file: str, host: str, *, loosen: bool = False) -> None:
        spec = json.loads((Path(FOLDER or "") / file).read_text())
        self._host = host
        self._declared = spec["paths"]
        spec["paths"] = nullable(spec["paths"]) if loosen else spec["paths"]
        if loosen and "components" in spec:
            schemas = spec["components"].get("schemas", {})
            spec["components"]["schemas"] = nullable(schemas)
        self._api = OpenAPI.from_dict(spec, config=Config(spec_validator_cls=None))

    def faults(self, path: str, answer: httpx.Response) -> list[str]:
        """Everything that does not fit, with the places in the body."""
        sent = answer.request
        query = parse_qsl(sent.url.query.decode())
        request = MockRequest(
            self._host,
            sent.method.lower(),
            path,
            args={key: [v for k, v in query if k == key] for key, _ in query},
            headers=dict(sent.headers),
            data=sent.content or None,
            content_type="application/json",
        )
        response = MockResponse(
            answer.content, status_code=answer.status_code, content_type="application/json"
        )
        errors = list(self._api.iter_request_errors(request))
        if answer.content:
            errors += self._api.iter_response_errors(request, response)
        return [_told(error) for error in errors]

    def undeclared(self, path: str, answer: httpx.Response) -> set[str]:
        """Query parameters that the vendor does not know."""
        parts = path.split("/")
        for pattern, methods in sorted(self._declared.items(), key=lambda item: "{" in item[0]):
            names = pattern.split("/")
            if len(names) == len(parts) and all(
                name == part or name.startswith("{")
                for name, part in zip(names, parts, strict=True)
            ):
                method = methods.get(answer.request.method.lower(), {})
                known = {parameter["name"] for parameter in method.get("parameters", [])}
                return set(answer.request.url.params) - known
        return {path}


def _told(error: Exception) -> str:
    cause = error.__cause__
    details = getattr(cause, "schema_errors", None) or [cause]
    places = [f"{list(getattr(d, 'absolute_path', []))}: {d}".splitlines()[0] for d in details]
    return f"{type(error).__name__} {places}"


@pytest.fixture(scope="module")
def quo_v1() -> Description:
    return Description("quo-v1.json", "https://api.openphone.com")


@pytest.fixture(scope="module")
def pipedrive_files() -> dict[str, Description]:
    return {
        "/api/v1": Description("pipedrive-v1.json", "https://api.pipedrive.com/v1", loosen=True),
        "/api/v2": Description(
            "pipedrive-v2.json", "https://api.pipedrive.com/api/v2", loosen=True
        ),
    }


@pytest.mark.parametrize("call", QUO_CALLS, ids=name)
def test_quo_is_as_quo_describes_itself(quo, control, quo_v1, call):
    control.define_custom_field("tier", "Tier", "multi-select")
    control.define_custom_field("seats", "Seats", "number")
    made = quo.post("/v1/contacts", json={**CONTACT, "externalId": "person-0"}).json()["data"]
    hook = {**QUO_HOOK, "events": ["call.ringing"]}
    webhook = quo.post("/v1/webhooks/calls", json=hook).json()["data"]
    method, path, body = call
    path = path.format(contact=made["id"], webhook=webhook["id"])
    answer = quo.request(method, path, json=body)
    route = path.partition("?")[0]
    assert quo_v1.faults(route, answer) == []
    assert quo_v1.undeclared(route, answer) == set()


@pytest.mark.parametrize("call", PIPEDRIVE_CALLS, ids=name)
def test_pipedrive_is_as_pipedrive_describes_itself(pipedrive, pipedrive_files, call):
    pipedrive.post("/api/v2/activities", json=CALL)
    pipedrive.post("/api/v1/notes", json={"content": "Hi", "person_id": 4})
    pipedrive.post("/api/v1/webhooks", json=HOOK)
    method, path, body = call
    answer = pipedrive.request(method, path, json=body)
    version, route = path[:7], path[7:].partition("?")[0]
    description = pipedrive_files[version]
    prefix = "/v1" if version == "/api/v1" else "/api/v2"
    assert description.undeclared(route, answer) == set()
    assert description.faults(prefix + route, answer) == []


@pytest.mark.parametrize("status", [401, 403, 404, 500])
@pytest.mark.parametrize(
    "path", ["/v1/contacts/x", "/v1/users/US1", "/v1/phone-numbers?userId=US1"]
)
def test_quos_errors_are_as_described(quo, control, quo_v1, path, status):
    control.fault("status", status=status)
    assert quo_v1.faults(path.partition("?")[0], quo.get(path)) == []
