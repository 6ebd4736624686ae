"""What all of Pipedrive's answers have in common: errors, times, windows and cursors."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from connectors.sandbox.call import Call, Refused, Reply
from connectors.sandbox.people import OWNER_IDS
from connectors.sandbox.timeline import Timeline, just_after

DEFAULT_LIMIT = 100
MAX_LIMIT = 500
MAX_IDS = 100
_INFO = "Please check developers.pipedrive.com"
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_PAGE_PARAMETERS = frozenset({"cursor", "limit", "api_token"})
_FIRST_ID, _LAST_ID = 0, 1 << 62


def refusal(status: int, error: str, *, code: str | None = None) -> Reply:
    """An error in the common shape; v2 validation adds a code."""
    if status == 401:
        body = {"success": False, "error": error, "errorCode": 401, "error_info": _INFO}
        return Reply(401, body)
    body = {"success": False, "error": error, "error_info": _INFO}
    if code:
        body["code"] = code
    return Reply(status, {**body, "data": None, "additional_data": None})


def invalid(error: str) -> Refused:
    return Refused(refusal(400, error, code="ERR_SCHEMA_VALIDATION_FAILED"))


def not_found(what: str) -> Refused:
    return Refused(refusal(404, f"{what} not found"))


@lru_cache(maxsize=8192)
def v2_time(at: int) -> str:
    """A time as v2 answers it."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def v1_time(at: float) -> str:
    """A time as v1 answers it: UTC without a zone."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"


def integer(call: Call, name: str) -> int | None:
    """A whole number from the query; Refused when it is something else."""
    text = call.parameter(name)
    if text is None:
        return None
    if not text.isdecimal():
        raise invalid(f"{name} must be a number")
    return int(text)


def ids_of(call: Call) -> list[int] | None:
    """The comma list `ids`, at most 100; ids that are no numbers are refused."""
    text = call.parameter("ids")
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) > MAX_IDS:
        raise invalid(f"ids must contain at most {MAX_IDS} items")
    if not all(part.isdecimal() for part in parts):
        raise invalid("ids must be numbers")
    return list(dict.fromkeys(int(part) for part in parts))


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Window, order and place of a list request; `since` <= update time < `until`."""

    since: int | None
    until: int | None
    sort_by: str
    descending: bool
    limit: int
    after: tuple[int, int] | None
    """Sort value and id of the last row of the page before."""
    nonce: int
    binding: int
    """A digest of everything that the cursor is only good for."""

    @classmethod
    def read(cls, call: Call, *, fractional: bool) -> ListQuery:
        sort_by = call.parameter("sort_by") or "id"
        direction = call.parameter("sort_direction") or "asc"
        if sort_by not in ("id", "update_time", "add_time") or direction not in ("asc", "desc"):
            raise invalid("sort_by or sort_direction is not one of the allowed values")
        limit = integer(call, "limit")
        if limit == 0:
            raise invalid("limit must be a positive number")
        binding = _binding(call)
        after, nonce = _read_cursor(call.parameter("cursor"), binding)
        return cls(
            since=_instant(call, "updated_since", fractional=fractional),
            until=_instant(call, "updated_until", fractional=fractional),
            sort_by=sort_by,
            descending=direction == "desc",
            limit=min(limit or DEFAULT_LIMIT, MAX_LIMIT),
            after=after,
            nonce=nonce,
            binding=binding,
        )

    def ids(self, rows: Timeline, named: list[int] | None = None) -> Iterable[int]:
        """Living ids of the window behind the place, in order; of `named` only, if given.

        Creation times never fall with the id, so that sorting by add_time is sorting by id.
        """
        if named is not None:
            return self._named(rows, named)
        if self.sort_by != "update_time":
            after = self.after[1] if self.after else None
            ids = rows.by_id(after, descending=self.descending)
            if self.since is None and self.until is None:
                return ids
            return (id for id in ids if self._covers(rows.updated(id)))
        since = (self.since, _FIRST_ID) if self.since is not None else None
        until = (self.until, _FIRST_ID) if self.until is not None else None
        if self.after and self.descending:
            until = self.after
        elif self.after:
            since = just_after(self.after)
        return rows.by_time(since, until, descending=self.descending)

    def _named(self, rows: Timeline, named: list[int]) -> Iterable[int]:
        by_time = self.sort_by == "update_time"
        places = sorted(
            ((rows.updated(id) if by_time else 0, id) for id in named if rows.alive(id)),
            reverse=self.descending,
        )
        for place in places:
            behind = self.after is None or (
                place < self._key(by_time) if self.descending else place > self._key(by_time)
            )
            if behind and self._covers(rows.updated(place[1])):
                yield place[1]

    def _key(self, by_time: bool) -> tuple[int, int]:
        value, id = self.after or (0, _FIRST_ID)
        return (value if by_time else 0), id

    def _covers(self, updated: int) -> bool:
        return (self.since is None or self.since <= updated) and (
            self.until is None or updated < self.until
        )

    def cursor(self, value: int, id: int) -> str:
        """The cursor behind a row: a keyset, as the documented example is."""
        return _write_cursor(self, (value, id), 0)

    def same_place(self) -> str:
        """Another cursor for the place where this request began."""
        start = (_LAST_ID, _LAST_ID) if self.descending else (0, _FIRST_ID)
        return _write_cursor(self, self.after or start, self.nonce + 1)


def _instant(call: Call, name: str, *, fractional: bool) -> int | None:
    text = call.parameter(name)
    if text is None:
        return None
    found = _RFC3339.fullmatch(text)
    if not found or (found[1] and not fractional):
        raise invalid(f"{name} must be an RFC 3339 time without fractions of a second")
    return int(datetime.fromisoformat(text).timestamp())


def _binding(call: Call) -> int:
    parameters = sorted(
        (name, values) for name, values in call.parameters.items() if name not in _PAGE_PARAMETERS
    )
    return zlib.crc32(json.dumps([call.path, parameters]).encode())


def _write_cursor(query: ListQuery, place: tuple[int, int], nonce: int) -> str:
    content: dict[str, Any] = {
        "field": query.sort_by,
        "fieldValue": place[0],
        "sortDirection": "desc" if query.descending else "asc",
        "id": place[1],
        "binding": query.binding,
        "nonce": nonce,
    }
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def _read_cursor(text: str | None, binding: int) -> tuple[tuple[int, int] | None, int]:
    if not text:
        return None, 0
    try:
        content = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        place = (int(content["fieldValue"]), int(content["id"]))
        fits, nonce = content["binding"] == binding, int(content["nonce"])
    except (ValueError, KeyError, TypeError):
        raise cursor_refused() from None
    if not fits:
        raise cursor_refused()
    return place, nonce


def cursor_refused() -> Refused:
    return invalid("Provided cursor is invalid")


def user(id: int) -> dict[str, Any]:
    """One user of the company in v1 form; the first is the token's own."""
    number = OWNER_IDS.index(id) + 1
    own = number == 1
    return {
        "id": id,
        "name": f"Sales Person {number}",
        "default_currency": "EUR",
        "locale": "en_US",
        "lang": 1,
        "email": f"sales{number}@example.com",
        "phone": None,
        "activated": True,
        "last_login": "2025-11-21 08:45:56",
        "created": "2024-11-13 09:16:26",
        "modified": "2025-11-21 08:45:56",
        "has_created_company": own,
        "access": [{"app": "sales", "admin": own, "permission_set_id": f"set-{number}"}],
        "active_flag": True,
        "timezone_name": "Europe/Berlin",
        "timezone_offset": "+01:00",
        "role_id": 1,
        "icon_url": None,
        "is_you": own,
        "is_deleted": False,
    }
