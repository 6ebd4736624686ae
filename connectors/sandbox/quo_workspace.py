"""What else is in a Quo workspace: users, phone numbers, and legacy webhooks."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Any

from connectors.sandbox.call import Call, Handler, Refused, Reply
from connectors.sandbox.log import iso_time
from connectors.sandbox.quo_errors import fault_at, invalid, missing, problem

CREATED = "2025-01-02T03:04:05.000Z"
MAX_RESULTS = 50
_EVENTS = {
    "messages": {"message.received", "message.delivered"},
    "calls": {"call.ringing", "call.completed", "call.recording.completed"},
    "call-summaries": {"call.summary.completed"},
    "call-transcripts": {"call.transcript.completed"},
}
_MAX_RESOURCES = 10
_USERS = (
    ("US1", "olga.owner@example.com", "Olga", "Owner", "owner"),
    ("US2", "adam.admin@example.com", "Adam", "Admin", "admin"),
    ("US3", "mina.member@example.com", "Mina", "Member", "member"),
)
_NUMBERS = (
    ("PN1", "+14155550100", "(415) 555-0100", "Sales", "🛍"),
    ("PN2", "+14155550101", "(415) 555-0101", "Support", None),
)

Document = dict[str, Any]


class Workspace:
    """Three users, two lines, and the webhooks that were made."""

    def __init__(self) -> None:
        self._users = {row[0]: _user(*row) for row in _USERS}
        self._numbers = [_number(*row) for row in _NUMBERS]
        self._webhooks: dict[str, Document] = {}
        self._last_webhook = 0

    def routes(self) -> dict[str, Handler]:
        return {
            "GET /v1/users": self._list_users,
            "GET /v1/users/{id}": self._get_user,
            "GET /v1/phone-numbers": self._list_numbers,
            "GET /v1/phone-numbers/{id}": self._get_number,
            "GET /v1/webhooks": self._list_webhooks,
            "GET /v1/webhooks/{id}": self._get_webhook,
            "DELETE /v1/webhooks/{id}": self._delete_webhook,
            "POST /v1/webhooks/{id}": self._create_webhook,
        }

    def _list_users(self, call: Call) -> Reply:
        limit = page_size(call, "users")
        start = call.parameter("pageToken") or "0"
        if not start.isdecimal():
            raise invalid("users", [fault_at("/pageToken", "Invalid page token", start, "string")])
        begin = int(start)
        users = list(self._users.values())
        end = begin + limit
        return Reply(
            200,
            {
                "data": users[begin:end],
                "totalItems": 1,
                "nextPageToken": str(end) if end < len(users) else None,
            },
        )

    def _get_user(self, call: Call, id: str) -> Reply:  # noqa: ARG002 - all called alike
        if not id.startswith("US"):
            message = "Expected string to match '^US(.*)$'"
            raise invalid("users", [fault_at("/userId", message, id, "string")])
        if id not in self._users:
            raise missing("users")
        return Reply(200, {"data": self._users[id]})

    def _list_numbers(self, call: Call) -> Reply:  # noqa: ARG002
        return Reply(200, {"data": self._numbers})

    def _get_number(self, call: Call, id: str) -> Reply:  # noqa: ARG002
        for number in self._numbers:
            if number["id"] == id:
                return Reply(200, {"data": number})
        raise missing("phone-numbers")

    def _list_webhooks(self, call: Call) -> Reply:  # noqa: ARG002
        return Reply(200, {"data": list(self._webhooks.values())})

    def _get_webhook(self, call: Call, id: str) -> Reply:  # noqa: ARG002
        if id not in self._webhooks:
            raise missing("webhooks")
        return Reply(200, {"data": self._webhooks[id]})

    def _delete_webhook(self, call: Call, id: str) -> Reply:  # noqa: ARG002
        if self._webhooks.pop(id, None) is None:
            raise missing("webhooks")
        return Reply(204)

    def _create_webhook(self, call: Call, family: str) -> Reply:
        body = _checked_webhook(call.json(), family)
        self._last_webhook += 1
        id = f"WH{self._last_webhook:06d}"
        now = iso_time(int(time.time() * 1000))
        self._webhooks[id] = {
            "id": id,
            "userId": body.get("userId", "US1"),
            "orgId": "OR1",
            "label": body.get("label"),
            "status": body.get("status", "enabled"),
            "url": body["url"],
            "key": base64.b64encode(hashlib.sha256(id.encode()).digest()).decode(),
            "createdAt": now,
            "updatedAt": now,
            "deletedAt": None,
            "events": body["events"],
            "resourceIds": body.get("resourceIds", []),
        }
        return Reply(201, {"data": self._webhooks[id]})


def page_size(call: Call, resource: str) -> int:
    """`maxResults`: 10 unless given, at most 50."""
    text = call.parameter("maxResults") or "10"
    if not text.isdecimal() or not 1 <= int(text) <= MAX_RESULTS:
        message = f"Expected integer between 1 and {MAX_RESULTS}"
        raise invalid(resource, [fault_at("/maxResults", message, text, "integer")])
    return int(text)


def _checked_webhook(body: object, family: str) -> Document:
    if family not in _EVENTS:
        raise missing("webhooks")
    if not isinstance(body, dict):
        raise _bad_webhook("", "Expected object", body)
    if not str(body.get("url", "")).startswith(("http://", "https://")):
        raise _bad_webhook("/url", "Expected string to match 'uri' format", body.get("url"))
    events = body.get("events")
    if not isinstance(events, list) or not events or not set(events) <= _EVENTS[family]:
        raise _bad_webhook("/events", "Expected array of this family's events", events)
    resources = body.get("resourceIds", [])
    if not isinstance(resources, list) or len(resources) > _MAX_RESOURCES:
        message = f"Expected array of at most {_MAX_RESOURCES} ids"
        raise _bad_webhook("/resourceIds", message, resources)
    return body


def _bad_webhook(path: str, message: str, value: object) -> Refused:
    errors = [fault_at(path, message, value, "string")]
    return Refused(problem("webhooks", 400, "The input was invalid", errors=errors))


def _user(id: str, email: str, first: str, last: str, role: str) -> Document:
    return {
        "id": id,
        "email": email,
        "firstName": first,
        "lastName": last,
        "pictureUrl": None,
        "role": role,
        "createdAt": CREATED,
        "updatedAt": CREATED,
    }


def _number(id: str, number: str, formatted: str, name: str, symbol: str | None) -> Document:
    free = {"US": "unrestricted", "CA": "unrestricted", "Intl": "restricted"}
    return {
        "id": id,
        "groupId": "GR1",
        "createdAt": CREATED,
        "updatedAt": CREATED,
        "formattedNumber": formatted,
        "forward": None,
        "name": name,
        "number": number,
        "portRequestId": None,
        "portingStatus": None,
        "symbol": symbol,
        "users": [
            {
                "id": user,
                "email": email,
                "firstName": first,
                "lastName": last,
                "role": role,
                "groupId": "GR1",
            }
            for user, email, first, last, role in _USERS
        ],
        "restrictions": {"messaging": free, "calling": free},
    }
