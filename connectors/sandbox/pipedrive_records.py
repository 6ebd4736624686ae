"""Pipedrive's activities (v2), notes, users and webhooks (v1)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from connectors.sandbox.call import Call, Handler, Refused, Reply
from connectors.sandbox.people import OWNER_IDS, People
from connectors.sandbox.pipedrive_api import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    ListQuery,
    integer,
    invalid,
    not_found,
    refusal,
    user,
    v1_time,
    v2_time,
)
from connectors.sandbox.settings import Settings
from connectors.sandbox.timeline import Timeline

MAX_WEBHOOKS = 40
MAX_SUBJECT = 255
COMPANY_ID = 7
_DURATION = re.compile(r"\d{1,2}:[0-5]\d(:[0-5]\d)?")
_ACTIONS = frozenset({"create", "change", "delete", "*"})
_OBJECTS = frozenset(
    {"activity", "deal", "lead", "note", "organization", "person", "pipeline", "product", "stage"}
    | {"user", "*"}
)
_TARGETS = ("person_id", "org_id", "deal_id", "lead_id", "project_id")

Document = dict[str, Any]


class Records:
    """What is written on persons, and who may do it."""

    def __init__(self, settings: Callable[[], Settings], people: Callable[[], People]) -> None:
        self._settings = settings
        self._people = people
        self._activities: dict[int, Document] = {}
        self._activity_order = Timeline(0, lambda index: index)
        self._notes: dict[int, Document] = {}
        self._webhooks: dict[int, Document] = {}
        self._last_note = self._last_webhook = 0

    def routes(self) -> dict[str, Handler]:
        return {
            "POST /api/v2/activities": self._create_activity,
            "GET /api/v2/activities": self._list_activities,
            "GET /api/v2/activities/{id}": self._get_activity,
            "PATCH /api/v2/activities/{id}": self._patch_activity,
            "POST /api/v1/notes": self._create_note,
            "GET /api/v1/notes": self._list_notes,
            "GET /api/v1/notes/{id}": self._get_note,
            "PUT /api/v1/notes/{id}": self._put_note,
            "GET /api/v1/users": self._list_users,
            "GET /api/v1/users/me": self._me,
            "GET /api/v1/users/find": self._find_users,
            "GET /api/v1/webhooks": self._list_webhooks,
            "POST /api/v1/webhooks": self._create_webhook,
            "DELETE /api/v1/webhooks/{id}": self._delete_webhook,
        }

    # -- activities ---------------------------------------------------------------------------

    def _create_activity(self, call: Call) -> Reply:
        body = self._activity_body(call)
        now = int(time.time())
        id = self._activity_order.insert(now)
        self._activities[id] = {
            "id": id,
            "subject": body.get("subject") or "Call",
            "type": body.get("type", "call"),
            "owner_id": body.get("owner_id", OWNER_IDS[0]),
            "creator_user_id": OWNER_IDS[0],
            "is_deleted": False,
            "add_time": v2_time(now),
            "update_time": v2_time(now),
            "deal_id": body.get("deal_id"),
            "lead_id": body.get("lead_id"),
            "org_id": body.get("org_id"),
            "project_id": None,
            "due_date": body.get("due_date"),
            "due_time": body.get("due_time"),
            "duration": body.get("duration"),
            "busy": bool(body.get("busy", False)),
            "done": body.get("done", False),
            "marked_as_done_time": v2_time(now) if body.get("done") else None,
            "location": None,
            "attendees": [],
            "public_description": None,
            "priority": body.get("priority"),
            "note": body.get("note"),
            **self._participants(body),
        }
        return self._written_activity(id, body)

    def _patch_activity(self, call: Call, id: str) -> Reply:
        activity = _existing(self._activities, id, "Activity")
        body = self._activity_body(call)
        now = int(time.time())
        self._activity_order.touch(activity["id"], now)
        activity.update({name: body[name] for name in body if name in activity and name != "id"})
        if "participants" in body or "person_id" in body:
            activity.update(self._participants(body))
        activity["update_time"] = v2_time(now)
        return self._written_activity(activity["id"], body)

    def _activity_body(self, call: Call) -> Document:
        body = _object(call)
        if len(str(body.get("subject") or "")) > MAX_SUBJECT:
            raise invalid(f"subject must be at most {MAX_SUBJECT} characters long")
        if not isinstance(body.get("done", False), bool):
            raise invalid("done must be a boolean")
        for person_id in _person_ids(body):
            person = self._people().person(person_id) if isinstance(person_id, int) else None
            if person is None or person.deleted:
                raise invalid("person_id must be the id of a person")
        return body

    def _participants(self, body: Document) -> Document:
        ids = _person_ids(body)
        participants = [
            {"person_id": id, "primary": position == 0} for position, id in enumerate(ids)
        ]
        return {"person_id": ids[0] if ids else None, "participants": participants}

    def _written_activity(self, id: int, body: Document) -> Reply:
        """A zero or numeric duration is answered 400 although the activity was written.

        Seen in production of another integration: a blind retry doubles the activity.
        """
        duration = body.get("duration")
        if duration is not None and not _is_duration(duration):
            self._activities[id]["duration"] = None
            raise invalid("duration must be a time of day in HH:MM")
        return Reply(200, {"success": True, "data": self._activities[id]})

    def _get_activity(self, call: Call, id: str) -> Reply:  # noqa: ARG002 - all called alike
        activity = _existing(self._activities, id, "Activity")
        return Reply(200, {"success": True, "data": activity})

    def _list_activities(self, call: Call) -> Reply:
        if call.parameter("type") is not None:
            raise invalid("type is not allowed")
        query = ListQuery.read(call, fractional=self._settings().accept_fractional_times)
        person, owner = integer(call, "person_id"), integer(call, "owner_id")
        found = [
            row
            for row in (self._activities[id] for id in query.ids(self._activity_order))
            if (person is None or row["person_id"] == person)
            and (owner is None or row["owner_id"] == owner)
        ]
        cursor = None
        if len(found) > query.limit:
            last = found[query.limit - 1]["id"]
            by_time = query.sort_by == "update_time"
            cursor = query.cursor(self._activity_order.updated(last) if by_time else last, last)
        return Reply(
            200,
            {
                "success": True,
                "data": found[: query.limit],
                "additional_data": {"next_cursor": cursor},
            },
        )

    # -- notes --------------------------------------------------------------------------------

    def _create_note(self, call: Call) -> Reply:
        body = _object(call)
        if not body.get("content"):
            raise Refused(refusal(400, "content is required"))
        if not any(body.get(name) for name in _TARGETS):
            raise Refused(refusal(400, "one of deal_id, person_id, org_id, lead_id is required"))
        self._last_note += 1
        now = v1_time(time.time())
        note = {
            "id": self._last_note,
            "active_flag": True,
            "add_time": body.get("add_time", now),
            "content": body["content"],
            "update_time": now,
            "user_id": body.get("user_id", OWNER_IDS[0]),
            "last_update_user_id": None,
            **{name: body.get(name) for name in _TARGETS},
        }
        self._notes[note["id"]] = note
        return Reply(200, {"success": True, "data": note})

    def _put_note(self, call: Call, id: str) -> Reply:
        note = _existing(self._notes, id, "Note")
        body = _object(call)
        note.update({name: body[name] for name in ("content", *_TARGETS) if name in body})
        note["update_time"] = v1_time(time.time())
        return Reply(200, {"success": True, "data": note})

    def _get_note(self, call: Call, id: str) -> Reply:  # noqa: ARG002
        return Reply(200, {"success": True, "data": _existing(self._notes, id, "Note")})

    def _list_notes(self, call: Call) -> Reply:
        person = integer(call, "person_id")
        start = integer(call, "start") or 0
        limit = min(integer(call, "limit") or DEFAULT_LIMIT, MAX_LIMIT)
        notes = [n for n in self._notes.values() if person is None or n["person_id"] == person]
        more = len(notes) > start + limit
        pagination = {"start": start, "limit": limit, "more_items_in_collection": more}
        if more:
            pagination["next_start"] = start + limit
        return Reply(
            200,
            {
                "success": True,
                "data": notes[start : start + limit],
                "additional_data": {"pagination": pagination},
            },
        )

    # -- users --------------------------------------------------------------------------------

    def _list_users(self, call: Call) -> Reply:  # noqa: ARG002
        return Reply(200, {"success": True, "data": [user(id) for id in OWNER_IDS]})

    def _me(self, call: Call) -> Reply:  # noqa: ARG002
        company = {
            "company_id": COMPANY_ID,
            "company_name": "Sandbox",
            "company_domain": "sandbox",
            "company_country": "EE",
            "company_industry": None,
            "language": {"language_code": "en", "country_code": "US"},
        }
        return Reply(200, {"success": True, "data": {**user(OWNER_IDS[0]), **company}})

    def _find_users(self, call: Call) -> Reply:
        term = (call.parameter("term") or "").casefold()
        by_email = call.parameter("search_by_email") in ("1", "true")
        if not term:
            raise Refused(refusal(400, "term is required"))
        users = [user(id) for id in OWNER_IDS]
        found = [u for u in users if term in u["email" if by_email else "name"].casefold()]
        return Reply(200, {"success": True, "data": found})

    # -- webhooks -----------------------------------------------------------------------------

    def _list_webhooks(self, call: Call) -> Reply:  # noqa: ARG002
        hooks = list(self._webhooks.values())
        return Reply(200, {"status": "ok", "success": True, "data": hooks})

    def _create_webhook(self, call: Call) -> Reply:
        body = _object(call)
        if not str(body.get("subscription_url", "")).startswith(("http://", "https://")):
            raise _webhook_error(400, "subscription_url", "invalid or non-reachable URL")
        if body.get("event_action") not in _ACTIONS:
            raise _webhook_error(400, "event_action", "invalid value")
        if body.get("event_object") not in _OBJECTS:
            raise _webhook_error(400, "event_object", "invalid value")
        if not body.get("name"):
            raise _webhook_error(400, "name", "is required")
        if len(self._webhooks) >= MAX_WEBHOOKS:
            raise _webhook_error(422, "user_id", f"limit of {MAX_WEBHOOKS} webhooks is reached")
        self._last_webhook += 1
        hook = {
            "id": self._last_webhook,
            "company_id": COMPANY_ID,
            "owner_id": OWNER_IDS[0],
            "user_id": body.get("user_id", OWNER_IDS[0]),
            "event_action": body["event_action"],
            "event_object": body["event_object"],
            "subscription_url": body["subscription_url"],
            "version": body.get("version", "2.0"),
            "is_active": 1,
            "add_time": v2_time(int(time.time())),
            "remove_time": None,
            "type": "general",
            "http_auth_user": body.get("http_auth_user"),
            "http_auth_password": body.get("http_auth_password"),
            "remove_reason": None,
            "last_delivery_time": None,
            "last_http_status": None,
            "admin_id": OWNER_IDS[0],
            "name": body["name"],
        }
        self._webhooks[hook["id"]] = hook
        return Reply(201, {"status": "ok", "success": True, "data": hook})

    def _delete_webhook(self, call: Call, id: str) -> Reply:  # noqa: ARG002
        if not id.isdecimal() or self._webhooks.pop(int(id), None) is None:
            raise _webhook_error(404, "id", "not found")
        return Reply(200, {"status": "ok", "success": True})


def _object(call: Call) -> Document:
    body = call.json()
    if not isinstance(body, dict):
        raise invalid("the body must be a JSON object")
    return body


def _existing(rows: dict[int, Document], id: str, what: str) -> Document:
    row = rows.get(int(id)) if id.isdecimal() else None
    if row is None:
        raise not_found(what)
    return row


def _person_ids(body: Document) -> list[Any]:
    """The primary participant first; `person_id` alone stands for one."""
    participants = body.get("participants") or []
    ordered = sorted(participants, key=lambda item: not item.get("primary"))
    ids = [item.get("person_id") for item in ordered]
    return ids or ([body["person_id"]] if body.get("person_id") is not None else [])


def _is_duration(duration: object) -> bool:
    return (
        isinstance(duration, str)
        and _DURATION.fullmatch(duration) is not None
        and any(digit not in "0:" for digit in duration)
    )


def _webhook_error(status: int, field: str, message: str) -> Refused:
    body = {"status": "error", "success": False, "errors": {field: [message]}}
    return Refused(Reply(status, body))
