"""One request and its answer, as every HTTP connector sees them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from connectors.errors import TransientError
from connectors.http.redaction import shown_path

BODY_LIMIT = 32 * 1024 * 1024
"""Bytes of a body, unpacked, beyond which an answer is refused."""


def _read_json(body: bytes) -> Any:
    return json.loads(body) if body else None


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """What to send; `repr` shows method and path without ids, and nothing else.

    `path` is relative to the base URL, or an absolute URL on the same host (a next link).
    `cost` maps budget names to units; a budget not named costs 1.
    `accept` lists error statuses that the caller wants as an answer (404, 409, …).
    `parse` reads the body of a 2xx answer (204 apart) into `Answer.value`, on the sending thread;
    a ValueError from it means an answer that cannot be used, so the request is sent again. None
    leaves the body as it is.
    `repeatable` False: an attempt whose outcome is unknown is not sent again but raised at once
    (TransientError with `outcome_unknown`), so that the caller can look before it writes twice.
    """

    method: str
    path: str
    params: Mapping[str, Any] | None = None
    json: Any = None
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    cost: Mapping[str, float] = field(default_factory=dict)
    accept: frozenset[int] = frozenset()
    parse: Callable[[bytes], Any] | None = _read_json
    repeatable: bool = True

    def __repr__(self) -> str:
        return f"Request({self.method} {shown_path(self.path)})"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer that the caller may read.

    `repeated` is True when an earlier attempt of this request ended without an answer, so a write
    may have taken effect before (a 409 then may be our own doing). `value` is what the request's
    `parse` made of the body of a 2xx: decoded JSON unless the request said otherwise; None without
    a body.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    repeated: bool = False
    value: Any = field(default=None, repr=False)

    def json(self) -> Any:
        """The decoded body (`value` where there is one).

        Raises TransientError when it is not JSON.
        """
        if self.value is not None:
            return self.value
        with suppress(ValueError):
            return json.loads(self.body)
        raise TransientError(
            f"the answer (HTTP {self.status}) is not JSON; tried again later",
            code="unreadable_answer",
            status=self.status,
            outcome_unknown=True,
        )

    @property
    def date(self) -> datetime | None:
        """The server's clock (`Date` header, one second of resolution), None without one."""
        return http_date(self.headers.get("date"))


def http_date(text: str | None) -> datetime | None:
    """An HTTP date in UTC; None for anything else."""
    if not text:
        return None
    try:
        at = parsedate_to_datetime(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
