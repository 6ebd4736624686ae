"""Webhooks: subscribing, verifying and reading deliveries of either version.

Pipedrive signs nothing: a delivery is known by HTTP Basic with the pair set at creation
(https://pipedrive.readme.io/docs/guide-for-webhooks-v2). Subscriptions do not expire, but one that
fails for three days is deleted: setting up again recreates it.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.crm.model import PersonEvent, WebhookSubscription
from connectors.crm.pipedrive.api import DELETE, V1, call, envelope, read_time, records
from connectors.crm.pipedrive.persons import PERSON
from connectors.errors import ConfigurationError, SyncError
from connectors.http.client import HttpClient
from connectors.http.exchange import Answer

_PATH = f"{V1}/webhooks"
_PRICE = 5.0
_NAME = "quo-sync"
_EVERY = ("create", "change", "delete")
_REFUSED = frozenset({400, 422})
_GONE = frozenset({404, 410})
_V1_KNOWN = frozenset({"added", "updated", "deleted", "merged"})


class Webhooks:
    """The account's subscriptions to its persons.

    The secret is `user:password`. It is derived from the API token and the callback address, so
    that setting up twice, on another machine too, gives the same; what an existing subscription
    shows of its own pair wins.
    """

    def __init__(self, http: HttpClient, token: str) -> None:
        self._http = http
        self._token = token

    def setup(self, url: str) -> list[WebhookSubscription]:
        """List first, keep what has this address, create what is missing of the three actions."""
        rows, _ = records(self._http.send(call("GET", _PATH, _PRICE)))
        found = [self._subscription(row, url) for row in rows if _is_ours(row, url)]
        covered = {event for one in found for event in one.events}
        missing = [action for action in _EVERY if action not in covered]
        wanted = ["*"] if len(missing) == len(_EVERY) else missing
        return found + [self._create(action, url) for action in wanted]

    def remove(self, subscriptions: Sequence[WebhookSubscription]) -> None:
        """Delete all; one that is gone is no error, one that fails raises after the others."""
        failed: SyncError | None = None
        for one in subscriptions:
            try:
                self._http.send(call("DELETE", f"{_PATH}/{one.id}", DELETE, accept=_GONE))
            except SyncError as error:
                failed = error
        if failed is not None:
            raise failed

    def _create(self, action: str, url: str) -> WebhookSubscription:
        user, password = self._pair(url)
        body = {
            "subscription_url": url,
            "event_action": action,
            "event_object": "person",
            "name": _NAME,
            "version": "2.0",
            "http_auth_user": user,
            "http_auth_password": password,
        }
        answer = self._http.send(call("POST", _PATH, _PRICE, body=body, accept=_REFUSED))
        if answer.status in _REFUSED:
            raise ConfigurationError(_refusal(answer))
        return self._subscription(envelope(answer)["data"], url)

    def _subscription(self, row: Mapping[str, Any], url: str) -> WebhookSubscription:
        user, password = row.get("http_auth_user"), row.get("http_auth_password")
        if not user or not password:
            user, password = self._pair(url)
        action = row["event_action"]
        events = _EVERY if action == "*" else (str(action),)
        return WebhookSubscription(str(row["id"]), url, events, secret=f"{user}:{password}")

    def _pair(self, url: str) -> tuple[str, str]:
        text = f"{_NAME} webhook {url}".encode()
        return _NAME, hmac.digest(self._token.encode(), text, "sha256").hex()


def _is_ours(row: Mapping[str, Any], url: str) -> bool:
    """Whether a subscription sends persons of API version 2 to this address and still lives."""
    return (
        row.get("subscription_url") == url
        and row.get("event_object") == "person"
        and row.get("event_action") in {"*", *_EVERY}
        and bool(row.get("is_active", True))
    )


def _refusal(answer: Answer) -> str:
    if answer.status == 422:
        return "webhooks: Pipedrive allows 40 per user and they are used up; delete one there."
    return (
        "webhooks: Pipedrive refused the callback address; it must be public, answer with 2xx "
        "and not redirect."
    )


def verify(headers: Mapping[str, str], secret: str) -> bool:
    """Whether the delivery carries our pair, compared in constant time."""
    given = next((value for key, value in headers.items() if key.lower() == "authorization"), "")
    wanted = "Basic " + base64.b64encode(secret.encode()).decode()
    return bool(secret) and hmac.compare_digest(given.encode(), wanted.encode())


def parse(body: bytes) -> list[PersonEvent]:
    """The event of a delivery; other objects, unknown actions and odd bodies give nothing."""
    try:
        delivery = json.loads(body)
    except ValueError:
        return []
    meta = delivery.get("meta") if isinstance(delivery, dict) else None
    if not isinstance(meta, dict):
        return []
    event = _version_1(meta) if "object" in meta else _version_2(meta)
    return [] if event is None else [event]


def _version_2(meta: Mapping[str, Any]) -> PersonEvent | None:
    """A merge arrives as the loser's delete with `merged_to_id`, and a change of the survivor."""
    action, person_id = meta.get("action"), meta.get("entity_id")
    if meta.get("entity") != "person" or action not in _EVERY or not person_id:
        return None
    return PersonEvent(
        id=str(meta.get("id") or f"{person_id}-{action}-{meta.get('timestamp')}"),
        person_type=PERSON,
        person_id=str(person_id),
        deleted=action == "delete" or bool(meta.get("merged_to_id")),
        at=read_time(meta.get("timestamp")),
    )


def _version_1(meta: Mapping[str, Any]) -> PersonEvent | None:
    """Version 1 has no event id: webhook and microsecond name one. `merged` is the survivor's."""
    action, person_id = meta.get("action"), meta.get("id")
    if meta.get("object") != "person" or action not in _V1_KNOWN or not person_id:
        return None
    moment = meta.get("timestamp_micro") or meta.get("timestamp")
    seconds = meta.get("timestamp")
    return PersonEvent(
        id=f"{meta.get('webhook_id')}-{moment}-{action}-{person_id}",
        person_type=PERSON,
        person_id=str(person_id),
        deleted=action == "deleted",
        at=datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None,
    )
