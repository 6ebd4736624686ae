"""From what came back to an error of the family: one sentence, without secrets and persons."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from connectors.errors import PageError, ProcessError, RecordError, SyncError, TransientError
from connectors.http.exchange import BODY_LIMIT
from connectors.http.redaction import redact
from connectors.http.retry import Action, Failure, action_for, asked_wait, outcome_unknown

_RECORD_CODES = {404: "not_found", 409: "conflict", 410: "gone"}
_RETRY_REASONS = {408: "the request took too long", 429: "too many requests"}

_REFUSALS = {
    401: (
        "unauthorized",
        "the credentials are not valid",
        "renew the secret that the configuration refers to, then run again",
    ),
    402: (
        "payment_required",
        "the plan or its payment does not allow this",
        "settle it with the vendor, then run again",
    ),
    403: (
        "forbidden",
        "the credentials do not allow this",
        "give them the missing permission, then run again",
    ),
    407: (
        "proxy_refused",
        "the proxy on the way wants credentials",
        "put them into HTTPS_PROXY",
    ),
}

_FAILURES: Mapping[Failure, tuple[str, str]] = {
    Failure.UNREACHABLE: ("unreachable", "could not be reached"),
    Failure.UNTRUSTED: (
        "untrusted_certificate",
        "shows a certificate that does not hold; correct base_url, or name the certificates of "
        "your proxy in SSL_CERT_FILE",
    ),
    Failure.LOST: ("no_answer", "gave no whole answer (timed out, reset or cut off)"),
    Failure.UNREADABLE: ("unreadable_answer", "gave an answer that is not what its API promises"),
    Failure.TOO_LARGE: (
        "body_too_large",
        f"sent more than {BODY_LIMIT // 1024**2} MiB in one answer, so the page is given up; "
        "choose a smaller page size",
    ),
    Failure.BAD_HEADER: (
        "illegal_header",
        "cannot be sent: a header, most likely the credentials, holds characters that HTTP does "
        "not allow; look for a line break in the secret",
    ),
    Failure.BAD_URL: ("illegal_url", "cannot be sent: its address is not a valid URL"),
}


def judge_failure(place: str, failure: Failure) -> SyncError:
    """The error of an attempt that ended without a usable answer."""
    code, what = _FAILURES[failure]
    sentence = f"{place} {what}"
    match action_for(failure):
        case Action.RETRY:
            return TransientError(sentence, code=code, outcome_unknown=outcome_unknown(failure))
        case Action.GIVE_UP_PAGE:
            return PageError(sentence, code=code)
        case Action.REJECT_RECORD:
            return RecordError(sentence, code=code)
        case _:
            return ProcessError(sentence, code=code)


def judge_answer(
    place: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    accept: frozenset[int],
    clock: Callable[[], datetime],
) -> SyncError | None:
    """The error of an answer; None when the caller may have it."""
    match action_for(status, accept):
        case Action.ACCEPT:
            return None
        case Action.RETRY:
            reason = _RETRY_REASONS.get(status, "the server failed")
            return TransientError(
                f"{place} answered HTTP {status} ({reason})",
                status=status,
                code="throttled" if status == 429 else "server_error",
                retry_after=asked_wait(status, headers, clock()),
                outcome_unknown=outcome_unknown(status),
            )
        case Action.REJECT_RECORD:
            return RecordError(
                f"{place} was refused with HTTP {status}{_details(body)}; correct the record, "
                "then retry it",
                code=_RECORD_CODES.get(status, "rejected"),
                status=status,
            )
        case _:
            return _ends_process(place, status, headers, body)


def _ends_process(place: str, status: int, headers: Mapping[str, str], body: bytes) -> ProcessError:
    said = f"{place} answered HTTP {status}"
    if status // 100 == 3:
        return ProcessError(
            f"{said}, a redirect to {_target(headers)}; redirects are not followed, so set "
            "base_url to the final address",
            code="redirected",
        )
    if status == 403 and _is_html(headers, body):
        return ProcessError(
            f"{said} with a web page in place of an API answer: a firewall such as Cloudflare "
            "blocks this machine, often after too many requests; wait, lower the rate, or ask "
            "the vendor to allow it",
            code="blocked",
        )
    code, what, remedy = _REFUSALS[status]
    return ProcessError(f"{said}: {what}{_details(body, whole=True)}; {remedy}", code=code)


def _target(headers: Mapping[str, str]) -> str:
    with suppress(ValueError):
        return urlsplit(headers.get("location", "")).hostname or "another path of the same host"
    return "an invalid address"


def _is_html(headers: Mapping[str, str], body: bytes) -> bool:
    return "html" in headers.get("content-type", "") or body.lstrip()[:1] == b"<"


_LONGEST_DETAIL_BODY = 64 * 1024
_LONGEST_DETAIL = 160
_MOST_DETAILS = 3
_PERSONAL = re.compile(r"@|\d[\d\s().-]{4,}\d")
"""Looks like an e-mail address, a phone number or a long id."""


def _details(body: bytes, *, whole: bool = False) -> str:
    """What the vendor says, in brackets, from the shapes known to hold no values of a person.

    Those are Quo's: per field `path` and `message` (or `key` and `reason`), never `value`; with
    `whole` also the `message` or `error.message` of a refusal that is about the credentials.
    """
    if len(body) > _LONGEST_DETAIL_BODY:
        return ""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(said, dict):
        return ""
    texts = [text for text in _texts(said, whole) if _is_safe(text)][:_MOST_DETAILS]
    return f" ({redact('; '.join(texts))})" if texts else ""


def _texts(said: dict[str, Any], whole: bool) -> Iterator[str]:
    error = said.get("error")
    if whole:
        for holder in (said, error):
            if isinstance(holder, dict) and isinstance(holder.get("message"), str):
                yield holder["message"]
    errors = said.get("errors")
    for item in errors if isinstance(errors, list) else ():
        for where, why in (("path", "message"), ("key", "reason")):
            if isinstance(item, dict) and isinstance(item.get(where), str):
                yield f"{item[where]}: {item.get(why)}"


def _is_safe(text: str) -> bool:
    return len(text) <= _LONGEST_DETAIL and _PERSONAL.search(text) is None
