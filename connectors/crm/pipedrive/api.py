"""Requests as Pipedrive counts them, and answers as it wraps them: no decisions, no I/O.

Every request names its price in daily tokens
(https://pipedrive.readme.io/docs/core-api-concepts-rate-limiting): a list costs the same
whatever its size, and v1 twice as much as v2.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from connectors.errors import CursorRefused, SyncError
from connectors.http.client import HttpClient
from connectors.http.exchange import Answer, Request

V1 = "/api/v1"
V2 = "/api/v2"
MAX_IDS = 100
"""Most ids that one `ids` parameter may name."""

ONE, LIST, WRITE, SEARCH, DELETE = 1.0, 10.0, 5.0, 20.0, 3.0
"""Daily tokens of a v2 call of each kind."""

_NOTHING: frozenset[int] = frozenset()
_ANSWERED = frozenset({"GET", "POST"})
_CURSOR_REFUSED = frozenset({400})


def call(
    method: str,
    path: str,
    price: float,
    *,
    params: Mapping[str, Any] | None = None,
    body: Any = None,
    accept: frozenset[int] = _NOTHING,
) -> Request:
    """A request with its price in v2 tokens; a path of v1 doubles it."""
    tokens = price * 2 if path.startswith(V1) else price
    return Request(
        method,
        path,
        params=params,
        json=body,
        cost={"daily": tokens},
        accept=accept,
        parse=read_envelope if method in _ANSWERED else None,
    )


def list_call(
    collection: str,
    params: Mapping[str, Any],
    *,
    cursor: str | None = None,
    accept: frozenset[int] = _NOTHING,
) -> Request:
    """One page of a v2 collection; a cursor travels with the parameters it was made for."""
    if cursor is not None:
        params = {**params, "cursor": cursor}
        accept = accept | _CURSOR_REFUSED
    return call("GET", f"{V2}/{collection}", LIST, params=params, accept=accept)


def envelope(answer: Answer) -> dict[str, Any]:
    """The decoded body of a GET or POST that succeeded: it has `data`."""
    return cast(dict[str, Any], answer.value)


def read_envelope(body: bytes) -> dict[str, Any]:
    """A 200 without `data` is no answer: the ValueError has the request sent again."""
    decoded = json.loads(body)
    if not isinstance(decoded, dict) or decoded.get("success") is False or "data" not in decoded:
        raise ValueError("no envelope with data")
    return decoded


def records(answer: Answer) -> tuple[list[dict[str, Any]], str | None]:
    """The records of a list, and the cursor of the next page.

    The end is a cursor that is null or missing, or no `additional_data` at all. Raises
    CursorRefused for the 400 that answers a cursor Pipedrive no longer takes.
    """
    if answer.status == 400:
        raise CursorRefused("Pipedrive no longer takes the cursor; its range starts again.")
    return read_records(envelope(answer))


def read_records(body: Mapping[str, Any]) -> tuple[list[dict[str, Any]], str | None]:
    """The same of a body that is decoded already."""
    extra = body.get("additional_data")
    cursor = extra.get("next_cursor") if isinstance(extra, dict) else None
    rows = body["data"] or ()
    return [row for row in rows if isinstance(row, dict)], cursor


def send_each(http: HttpClient, requests: Sequence[Request]) -> list[Answer]:
    """The answers in the order of the requests, sent side by side; raises the first error."""
    if len(requests) == 1:
        return [http.send(requests[0])]
    answers: dict[int, Answer] = {}
    failed: SyncError | None = None
    for index, answer in http.send_all(requests):
        if isinstance(answer, SyncError):
            failed = failed or answer
        else:
            answers[index] = answer
    if failed is not None:
        raise failed
    return [answers[index] for index in range(len(requests))]


def chunks(ids: Sequence[str], size: int = MAX_IDS) -> Iterable[Sequence[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


def wire_time(at: datetime) -> str:
    """RFC 3339 in whole seconds: Pipedrive refuses a fraction with 400 on some endpoints."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def window_params(since: datetime | None, until: datetime | None) -> dict[str, str]:
    """`update_time` in [since, until): the vendor's bounds are half-open as ours are."""
    params = {}
    if since is not None:
        params["updated_since"] = wire_time(since)
    if until is not None:
        params["updated_until"] = wire_time(until)
    return params


def read_time(value: object) -> datetime | None:
    """A time as any API version writes it (`Z`, fraction, or a blank and no zone); else None."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
