"""Quo calls as Pipedrive activities, Quo texts as notes, each written once.

Pipedrive has no idempotency key. So every record carries a reference line with Quo's id, and is
looked for by it before it is created, and once more after an answer that left it open whether it
had been (https://developers.pipedrive.com/docs/api/v1: Notes v1, Activities v2).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any

from connectors.crm.model import Activity
from connectors.crm.pipedrive.api import DELETE, LIST, V1, V2, WRITE, call, envelope, wire_time
from connectors.errors import RecordError
from connectors.http.client import HttpClient

_SUBJECT_LIMIT = 255
_PAGE = 500
_CLOCKS_APART = timedelta(hours=1)
_GONE = frozenset({404, 410})
_DOUBTFUL = frozenset({400})
_HIDDEN = frozenset({403})

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """Where one kind of record is written, how it is rewritten, and which key holds its text."""

    path: str
    rewrite: str
    text: str


NOTE = Kind(f"{V1}/notes", "PUT", "content")
CALL = Kind(f"{V2}/activities", "PATCH", "note")


class ActivityLog:
    """Writes and rewrites the records of one account."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self._owners: dict[str, int] | None = None

    def log_sms(self, activity: Activity, person_id: str, existing: str | None) -> str:
        """A note on the person, dated when the text was sent."""
        at = activity.at.astimezone(UTC)
        birth = {"person_id": _number(person_id), "add_time": f"{at:%Y-%m-%d %H:%M:%S}"}
        return self._log(NOTE, activity, person_id, existing, {"content": _marked(activity)}, birth)

    def log_call(self, activity: Activity, person_id: str, existing: str | None) -> str:
        """A done call with the person as its primary participant, owned by who took it."""
        at = activity.at.astimezone(UTC)
        body = {
            "subject": activity.title[:_SUBJECT_LIMIT],
            "type": "call",
            "done": True,
            "note": _marked(activity),
            "due_date": f"{at:%Y-%m-%d}",
            "due_time": f"{at:%H:%M}",
            "participants": [{"person_id": _number(person_id), "primary": True}],
            **_duration(activity.duration_seconds),
            **self._owner(activity.owner_email),
        }
        return self._log(CALL, activity, person_id, existing, body, {})

    def _log(
        self,
        kind: Kind,
        activity: Activity,
        person_id: str,
        existing: str | None,
        body: Row,
        birth: Row,
    ) -> str:
        """Rewrite the existing record, or one of ours found by its reference, or create it.

        `birth` are the keys that only a new record is given.
        """
        if existing and self._rewrite(kind, existing, body):
            return existing
        for found in self._ours(kind, activity, person_id):
            if self._rewrite(kind, found, body):
                return found
        request = call("POST", kind.path, WRITE, body={**body, **birth}, accept=_DOUBTFUL)
        answer = self._http.send(request)
        id = str(envelope(answer)["data"]["id"]) if answer.status < 400 else None
        if id is not None and not answer.repeated:
            return id
        return self._settle(kind, activity, person_id, id)

    def _rewrite(self, kind: Kind, id: str, body: Row) -> bool:
        """False when the record is gone."""
        request = call(kind.rewrite, f"{kind.path}/{id}", WRITE, body=body, accept=_GONE)
        return self._http.send(request).status not in _GONE

    def _settle(self, kind: Kind, activity: Activity, person_id: str, id: str | None) -> str:
        """What a create left behind that was sent twice, or refused (`id` None) though written.

        A call of no duration was seen created and answered 400. Of two records one is deleted.
        """
        written = self._ours(kind, activity, person_id) or ([id] if id else [])
        if not written:
            raise RecordError(
                f"Pipedrive refused the {activity.kind.value} for person {person_id} (HTTP 400).",
                status=400,
            )
        for extra in written[1:]:
            self._http.send(call("DELETE", f"{kind.path}/{extra}", DELETE, accept=_GONE))
        return written[0]

    def _ours(self, kind: Kind, activity: Activity, person_id: str) -> list[str]:
        """Ids of the person's records that carry this activity's reference, the oldest first."""
        ours = re.compile(re.escape(_reference(activity.id)) + r"(?![\w-])")
        rows = self._listed(kind, activity, person_id)
        found = {int(row["id"]) for row in rows if ours.search(str(row.get(kind.text) or ""))}
        return [str(one) for one in sorted(found)]

    def _listed(self, kind: Kind, activity: Activity, person_id: str) -> Iterator[Row]:
        """The person's records since the activity; v1 pages by `start`, v2 by `cursor`."""
        params: Row = {
            "person_id": _number(person_id),
            "updated_since": wire_time(activity.at - _CLOCKS_APART),
            "limit": _PAGE,
        }
        while True:
            body = envelope(self._http.send(call("GET", kind.path, LIST, params=params)))
            yield from (row for row in body["data"] or () if isinstance(row, dict))
            extra = body.get("additional_data") or {}
            pagination = extra.get("pagination") or {}
            if extra.get("next_cursor"):
                params["cursor"] = extra["next_cursor"]
            elif pagination.get("more_items_in_collection"):
                params["start"] = pagination["next_start"]
            else:
                return

    def _owner(self, email: str | None) -> Row:
        """The active user with this address; a token that may not list users sets no owner."""
        if not email:
            return {}
        if self._owners is None:
            answer = self._http.send(call("GET", f"{V1}/users", LIST, accept=_HIDDEN))
            users = envelope(answer)["data"] or () if answer.status < 400 else ()
            self._owners = {
                str(user.get("email")).casefold(): int(user["id"])
                for user in users
                if user.get("active_flag") and user.get("email")
            }
        owner = self._owners.get(email.casefold())
        return {} if owner is None else {"owner_id": owner}


def _reference(id: str) -> str:
    return f"Quo reference: {html.escape(id)}"


def _marked(activity: Activity) -> str:
    return f"{activity.html}<p>{_reference(activity.id)}</p>"


def _duration(seconds: int | None) -> Row:
    """Hours and minutes; Pipedrive refuses a duration of zero, so below a minute there is none."""
    if seconds is None or seconds < 60:
        return {}
    hours, minutes = divmod(seconds // 60, 60)
    return {"duration": f"{hours:02}:{minutes:02}"}


def _number(person_id: str) -> int:
    if not person_id.isdigit():
        raise RecordError(f"{person_id!r} is no Pipedrive person id: it must be a whole number.")
    return int(person_id)
