"""One request and its answer, as every HTTP connector sees them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from connectors.errors import TransientError


@dataclass(frozen=True, slots=True)
class Request:
    """What to send; nothing of it is shown in `repr` but method and path.

    `path` is relative to the base URL, or an absolute URL on the same host (a next link).
    `cost` maps budget names to units; a budget not named costs 1.
    `accept` lists error statuses that the caller wants as an answer (404, 409, …).
    """

    method: str
    path: str
    params: Mapping[str, Any] | None = field(default=None, repr=False)
    json: Any = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    cost: Mapping[str, float] = field(default_factory=dict, repr=False)
    accept: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer that the caller may read.

    `repeated` is True when an earlier attempt of this request ended without an answer, so a write
    may have taken effect before (a 409 then may be our own doing).
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    repeated: bool = False

    def json(self) -> Any:
        """The decoded body; raises TransientError when it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise TransientError(
                f"the answer (HTTP {self.status}) is not JSON; tried again later",
                code="not_json",
                status=self.status,
                outcome_unknown=True,
            ) from None

    @property
    def date(self) -> datetime | None:
        """The server's clock (`Date` header, one second of resolution), None without one."""
        text = self.headers.get("date")
        if not text:
            return None
        try:
            return parsedate_to_datetime(text).astimezone(UTC)
        except ValueError:
            return None
