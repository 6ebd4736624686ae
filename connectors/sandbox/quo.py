"""Quo's v1 API: contacts, custom fields, numbers, users and webhooks, behind a Kong gateway.

Where nothing is known the harsher reading holds: PATCH empties what it leaves out, `totalItems` is
wrong, unknown query parameters are ignored, invalid phone numbers are stored as they came.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable

from connectors.sandbox.call import Call, Dialect, PageShape, Reply, Routes
from connectors.sandbox.quo_checks import MAX_EXTERNAL_ID, MAX_SOURCE, check_contact
from connectors.sandbox.quo_contacts import Contacts, Document, Taken
from connectors.sandbox.quo_errors import (
    conflict,
    fault_at,
    invalid,
    missing,
    problem,
    without_key,
)
from connectors.sandbox.quo_workspace import Workspace, page_size
from connectors.sandbox.rates import WindowMeter, retry_after_date
from connectors.sandbox.settings import Settings

MAX_ARRAY_VALUES = 20


class QuoDialect(Dialect):
    """One Quo workspace; every accepted key opens it."""

    name = "quo"

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self.page_shape = PageShape("data", "pageToken", ("nextPageToken",), _same_place)
        self.reset()

    def reset(self) -> None:
        settings = self._settings()
        self.contacts = Contacts()
        self.contacts.fields = {field.key: field for field in settings.custom_fields}
        self.workspace = Workspace()
        self._meter = WindowMeter()
        self._registered: dict[str, float] = {}
        self.renew_keys()
        self.routes = Routes(
            {
                "POST /v1/contacts": self._create,
                "GET /v1/contacts": self._list,
                "GET /v1/contacts/{id}": self._get,
                "PATCH /v1/contacts/{id}": self._patch,
                "DELETE /v1/contacts/{id}": self._delete,
                "GET /v1/contact-custom-fields": self._custom_fields,
                **self.workspace.routes(),
            }
        )

    def renew_keys(self) -> None:
        """Let the delay of every configured key begin now."""
        for key in self._settings().quo_keys:
            self.register_key(key)

    def register_key(self, key: str) -> None:
        """Accept a key; it answers 401 until `key_delay_seconds` have passed."""
        self._registered[key] = time.time()

    # -- the gateway --------------------------------------------------------------------------

    def key_of(self, call: Call) -> str | None:
        return call.header(b"authorization")

    def admit(self, call: Call) -> Reply | None:
        key = self.key_of(call)
        if key is None:
            return without_key()
        settings = self._settings()
        if not self._accepted(key, settings, call.at):
            return problem(_resource(call), 401, "Unauthorized")
        if settings.quo_rate is not None and self._meter.take(key, call.at) > settings.quo_rate:
            return self._throttled(call, settings)
        if settings.quo_forbidden:
            return problem(_resource(call), 403, "Forbidden")
        return None

    def _accepted(self, key: str, settings: Settings, at: float) -> bool:
        registered = self._registered.get(key)
        if registered is None:
            return settings.key_prefix is not None and key.startswith(settings.key_prefix)
        return at >= registered + settings.key_delay_seconds

    def _throttled(self, call: Call, settings: Settings) -> Reply:
        reply = Reply(429, {"message": "API rate limit exceeded"})
        if settings.quo_rate_headers != "none":
            reply.headers = {
                "RateLimit-Limit": str(settings.quo_rate),
                "RateLimit-Remaining": "0",
                "RateLimit-Reset": "1",
                "Retry-After": (
                    "1" if settings.quo_rate_headers == "seconds" else retry_after_date(call.at, 1)
                ),
            }
        return reply

    def error(self, call: Call, status: int) -> Reply:
        if status == 409:
            return conflict()
        messages = {429: "API rate limit exceeded", 404: "Not Found", 401: "Unauthorized"}
        return problem(_resource(call), status, messages.get(status, "An error occurred"))

    # -- contacts -----------------------------------------------------------------------------

    def _create(self, call: Call) -> Reply:
        body = check_contact(call.json(), self.contacts.fields, {}, create=True)
        try:
            return Reply(201, {"data": self.contacts.create(body, time.time())})
        except Taken:
            return conflict()

    def _get(self, call: Call, id: str) -> Reply:  # noqa: ARG002 - handlers are all called alike
        return Reply(200, {"data": self._existing(id)})

    def _patch(self, call: Call, id: str) -> Reply:
        known = {item["id"]: item["key"] for item in self._existing(id)["customFields"]}
        body = check_contact(call.json(), self.contacts.fields, known, create=False)
        clear = self._settings().patch_clears_scalars
        try:
            document = self.contacts.patch(id, body, time.time(), clear_scalars=clear)
        except Taken:
            return conflict()
        return Reply(200, {"data": _without_custom_ids(document or self._existing(id))})

    def _delete(self, call: Call, id: str) -> Reply:  # noqa: ARG002
        if not self.contacts.delete(id, time.time()):
            raise missing("contacts")
        return Reply(204)

    def _existing(self, id: str) -> Document:
        document = self.contacts.get(id)
        if document is None:
            raise missing("contacts")
        return document

    def _list(self, call: Call) -> Reply:
        external_ids = _array(call, "externalIds", MAX_EXTERNAL_ID)
        sources = _array(call, "sources", MAX_SOURCE)
        limit = page_size(call, "contacts")
        after = _place_of(call)
        now = time.time()
        lag = self._settings().list_lag_ms / 1000
        found, last = self.contacts.page(external_ids, sources, after, limit, now - lag)
        return Reply(
            200,
            {
                "data": found,
                "totalItems": len(found),  # of the page, not of the list: as inaccurate as Quo's
                "nextPageToken": None if last is None else _token(last, 0),
            },
        )

    def _custom_fields(self, call: Call) -> Reply:  # noqa: ARG002
        fields = self.contacts.fields.values()
        return Reply(200, {"data": [field.model_dump() for field in fields]})


def _resource(call: Call) -> str:
    return call.path.removeprefix("/v1/").partition("/")[0]


def _array(call: Call, name: str, longest: int) -> list[str]:
    """A repeated parameter; above 20 values Quo's parser makes an object of it and refuses."""
    values = call.parameters.get(name, [])
    if len(values) > MAX_ARRAY_VALUES:
        given = {str(index): value for index, value in enumerate(values)}
        raise invalid("contacts", [fault_at(f"/{name}", "Expected array", given, "array")])
    for index, value in enumerate(values):
        if not 1 <= len(value) <= longest:
            message = f"Expected string length less or equal to {longest}"
            raise invalid("contacts", [fault_at(f"/{name}/{index}", message, value, "string")])
    return values


def _token(place: int, nonce: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([place, nonce]).encode()).decode()


def _read_token(call: Call) -> tuple[int, int]:
    text = call.parameter("pageToken")
    if not text:
        return -1, 0
    try:
        place, nonce = json.loads(base64.urlsafe_b64decode(text))
        return int(place), int(nonce)
    except (ValueError, TypeError):
        raise invalid(
            "contacts", [fault_at("/pageToken", "Invalid page token", text, "string")]
        ) from None


def _place_of(call: Call) -> int:
    return _read_token(call)[0]


def _same_place(call: Call) -> str:
    place, nonce = _read_token(call)
    return _token(place, nonce + 1)


def _without_custom_ids(document: Document) -> Document:
    items = [
        {name: value for name, value in item.items() if name != "id"}
        for item in document["customFields"]
    ]
    return {**document, "customFields": items}
