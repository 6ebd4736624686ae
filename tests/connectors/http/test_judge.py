from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from connectors.clock import utc_now
from connectors.errors import PageError, ProcessError, RecordError, SyncError, TransientError
from connectors.http.judge import judge_answer, judge_failure
from connectors.http.retry import Failure

PLACE = "POST api.openphone.com/v1/contacts"
HTML = b"<!DOCTYPE html><html><title>Attention Required! | Cloudflare</title></html>"


def judge(
    status: int, body: Any = b"", headers: dict[str, str] | None = None, accept: int = 0
) -> SyncError | None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return judge_answer(
        PLACE, status, headers or {}, raw, accept=frozenset({accept}), clock=utc_now
    )


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, RecordError, "rejected"),
        (422, RecordError, "rejected"),
        (404, RecordError, "not_found"),
        (409, RecordError, "conflict"),
        (410, RecordError, "gone"),
        (418, RecordError, "rejected"),
        (401, ProcessError, "unauthorized"),
        (402, ProcessError, "payment_required"),
        (403, ProcessError, "forbidden"),
        (407, ProcessError, "proxy_refused"),
        (302, ProcessError, "redirected"),
        (408, TransientError, "server_error"),
        (429, TransientError, "throttled"),
        (500, TransientError, "server_error"),
        (503, TransientError, "server_error"),
    ],
)
def test_status_becomes_an_error_that_says_where_and_what(
    status: int, kind: type[SyncError], code: str
) -> None:
    error = judge(status)
    assert type(error) is kind
    assert error.code == code
    assert PLACE in str(error)
    assert str(status) in str(error)


@pytest.mark.parametrize("status", [200, 201, 204])
def test_success_is_no_error(status: int) -> None:
    assert judge(status) is None


def test_accepted_status_is_no_error() -> None:
    assert judge(409, accept=409) is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param({"message": "Invalid API key", "code": "0800401"}, "Invalid API key", id="v1"),
        pytest.param(
            {"error": {"message": "Unauthorized", "key": "Unauthorized", "trace": "1"}},
            "Unauthorized",
            id="nested",
        ),
    ],
)
def test_both_shapes_of_a_refused_key_are_read(body: Any, said: str) -> None:
    assert f"({said})" in str(judge(401, body))


def test_rejection_names_the_fields_but_never_their_values() -> None:
    body = {
        "message": "The input was invalid for Ada",
        "errors": [
            {"path": "/defaultFields/firstName", "message": "Expected string", "value": "Ada Park"},
            {"key": "tier", "reason": "no such custom field"},
        ],
    }
    text = str(judge(400, body))
    assert "/defaultFields/firstName: Expected string; tier: no such custom field" in text
    assert "Ada" not in text


@pytest.mark.parametrize(
    "message", ["ada@example.com is taken", "+1 202-555-0101 is bad", "see 6123456789", "x" * 300]
)
def test_detail_that_may_hold_a_person_is_left_out(message: str) -> None:
    text = str(judge(400, {"errors": [{"path": "/a", "message": message}]}))
    assert message not in text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[1]",
        b'{"errors": 3}',
        b'{"errors": [3, {"path": 1}]}',
        b'{"error": "x"}',
        b"\xff\xfe",
        b"[" * 60_000,
        b'{"a": "' + b"x" * 70_000 + b'"}',
    ],
)
@pytest.mark.parametrize("status", [400, 401])
def test_any_body_can_be_judged(status: int, body: bytes) -> None:
    assert isinstance(judge(status, body), SyncError)


@pytest.mark.parametrize("headers", [{"content-type": "text/html; charset=UTF-8"}, {}])
def test_html_403_is_told_as_a_firewall(headers: dict[str, str]) -> None:
    error = judge(403, HTML, headers)
    assert isinstance(error, ProcessError)
    assert error.code == "blocked"
    assert "firewall" in str(error)


def test_redirect_names_the_host_it_points_to_and_nothing_more() -> None:
    text = str(judge(301, headers={"location": "https://login.example.com/sso?token=abc"}))
    assert "login.example.com" in text
    assert "token" not in text


def test_unreadable_location_of_a_redirect_is_no_crash() -> None:
    assert isinstance(judge(302, headers={"location": "https://[bad"}), ProcessError)


def test_wish_of_the_server_travels_with_the_error() -> None:
    error = judge(429, headers={"retry-after": "12"})
    assert isinstance(error, TransientError)
    assert (error.retry_after, error.status, error.outcome_unknown) == (12, 429, False)


@pytest.mark.parametrize(
    ("failure", "kind", "unknown"),
    [
        (Failure.UNREACHABLE, TransientError, False),
        (Failure.LOST, TransientError, True),
        (Failure.UNREADABLE, TransientError, True),
        (Failure.TOO_LARGE, PageError, None),
        (Failure.UNTRUSTED, ProcessError, None),
        (Failure.BAD_HEADER, ProcessError, None),
        (Failure.BAD_URL, RecordError, None),
    ],
)
def test_failure_becomes_an_error_that_survives_pickling(
    failure: Failure, kind: type[SyncError], unknown: bool | None
) -> None:
    error = judge_failure(PLACE, failure)
    assert type(error) is kind
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.__dict__) == (kind, str(error), error.__dict__)
    assert getattr(again, "outcome_unknown", None) is unknown
