"""One request with its retries: permits, back-off, credentials, counts."""

from __future__ import annotations

import logging
import pickle
import socket
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import UTC, datetime

import pytest

from connectors.errors import (
    PageError,
    ProcessEnded,
    ProcessError,
    RecordError,
    SyncError,
    TransientError,
)
from connectors.http.auth import HeaderAuth
from connectors.http.client import HttpClient
from connectors.http.exchange import Request
from connectors.http.permits import Unlimited
from connectors.http.redaction import register_secret
from connectors.http.retry import BackOff
from tests.connectors.http.clients import SECRET, SHORT, Clients, Ledger, RenewableToken
from tests.connectors.http.raw_server import RawServer, Reply, Script, Seen, answer

Serve = Callable[[Script], RawServer]
GET = Request("GET", "/v1/things")
POST = Request("POST", "/v1/things", json={"a": 1})


def then_ok(*first: Reply) -> Script:
    """These replies first, success from then on."""

    def script(seen: Seen) -> Reply:
        return first[seen.number - 1] if seen.number <= len(first) else answer({"ok": True})

    return script


@pytest.mark.parametrize(
    ("reply", "repeated"),
    [
        pytest.param(answer({}, 500), True, id="500"),
        pytest.param(answer({}, 503), True, id="503"),
        pytest.param(answer({}, 408), True, id="408"),
        pytest.param(answer({}, 429), False, id="429"),
        pytest.param(Reply(reset=True), True, id="reset"),
        pytest.param(Reply(body=b"{", announced=9), True, id="cut-off"),
        pytest.param(Reply(body=b"<html>"), True, id="not-json"),
    ],
)
def test_failure_is_tried_again_and_the_answer_says_whether_it_may_be_the_second(
    serve: Serve, clients: Clients, reply: Reply, repeated: bool
) -> None:
    server = serve(then_ok(reply))
    got = clients.client(server.url).send(POST)
    assert got.json() == {"ok": True}
    assert got.repeated is repeated
    assert [seen.body for seen in server.seen] == [b'{"a":1}'] * 2


def test_every_attempt_has_its_own_permit_with_the_cost(serve: Serve, clients: Clients) -> None:
    permits = Ledger(throttled=0.5)
    server = serve(then_ok(answer({}, 500), answer({}, 502)))
    http = clients.client(server.url, permits)
    http.send(Request("GET", "/v1/things", cost={"daily": 10.0}))
    assert permits.costs == [{"daily": 10.0}] * 3
    used = http.usage()
    assert (used.requests, used.throttled_seconds) == (3, 1.5)
    assert http.usage().requests == 0


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, RecordError), (404, RecordError), (409, RecordError), (402, ProcessError)],
)
def test_final_answer_is_not_tried_again(
    serve: Serve, clients: Clients, status: int, kind: type[SyncError]
) -> None:
    server = serve(lambda _: answer({}, status))
    with pytest.raises(kind):
        clients.client(server.url).send(POST)
    assert len(server.seen) == 1


def test_too_large_a_body_is_not_tried_again(serve: Serve, clients: Clients) -> None:
    server = serve(lambda _: Reply(announced=1 << 40))
    with pytest.raises(PageError):
        clients.client(server.url).send(GET)
    assert len(server.seen) == 1


def test_patience_ends_with_an_error_that_says_how_often(serve: Serve, clients: Clients) -> None:
    permits = Ledger()
    server = serve(lambda _: answer({}, 503))
    with pytest.raises(TransientError, match=r"HTTP 503.*tried \d+ times") as caught:
        clients.client(server.url, permits).send(POST)
    assert len(server.seen) > 2
    assert sum(permits.pauses) <= SHORT.cap_seconds
    assert caught.value.outcome_unknown


@pytest.mark.parametrize(
    ("reply", "sent"),
    [(answer({}, 500), 1), (Reply(reset=True), 1), (answer({}, 429), 2)],
    ids=["500", "reset", "429"],
)
def test_write_that_must_not_happen_twice_is_sent_again_only_when_it_did_not_happen(
    serve: Serve, clients: Clients, reply: Reply, sent: int
) -> None:
    server = serve(then_ok(reply))
    request = Request("POST", "/v1/notes", json={}, repeatable=False)
    with nullcontext() if sent == 2 else pytest.raises(TransientError) as caught:
        clients.client(server.url).send(request)
    assert len(server.seen) == sent
    assert caught is None or caught.value.outcome_unknown


@pytest.mark.parametrize(
    ("headers", "pushed"),
    [({"Retry-After": "0.2"}, [0.2]), ({"X-RateLimit-Reset": "0.1"}, [0.1])],
)
def test_429_makes_everyone_stand_back_for_what_was_asked(
    serve: Serve, clients: Clients, headers: Mapping[str, str], pushed: list[float]
) -> None:
    permits = Ledger()
    server = serve(then_ok(answer({}, 429, headers=headers)))
    clients.client(server.url, permits).send(POST)
    assert permits.pushed_back == pushed
    assert permits.pauses == []  # the next permit holds the wait, so that it is counted once


def test_429_without_a_wish_backs_off_for_everyone(serve: Serve, clients: Clients) -> None:
    permits = Ledger()
    clients.client(serve(then_ok(answer({}, 429), answer({}, 429))).url, permits).send(POST)
    assert len(permits.pushed_back) == 2
    assert all(0 < wait <= SHORT.longest_seconds for wait in permits.pushed_back)


def test_failure_of_one_request_holds_nobody_else_back(serve: Serve, clients: Clients) -> None:
    permits = Ledger()
    clients.client(serve(then_ok(answer({}, 500))).url, permits).send(POST)
    assert permits.pushed_back == []
    assert len(permits.pauses) == 1


def test_too_long_a_wish_gives_up_at_once_but_is_told(serve: Serve, clients: Clients) -> None:
    permits = Ledger()
    server = serve(lambda _: answer({}, 429, headers={"Retry-After": "3600"}))
    with pytest.raises(TransientError) as caught:
        clients.client(server.url, permits).send(POST)
    assert caught.value.retry_after == 3600
    assert permits.pushed_back == [SHORT.asked_cap_seconds]
    assert len(server.seen) == 1


def test_unlimited_permits_hold_everyone_back_too(serve: Serve, clients: Clients) -> None:
    server = serve(then_ok(answer({}, 429, headers={"Retry-After": "0.2"})))
    http = clients.client(server.url, Unlimited())
    began = time.monotonic()
    http.send(POST)
    assert 0 < http.usage().throttled_seconds <= time.monotonic() - began


def test_ended_process_sends_nothing(serve: Serve, clients: Clients) -> None:
    server = serve(lambda _: answer({}))
    with pytest.raises(ProcessEnded):
        clients.client(server.url, Ledger(ends_after=0)).send(GET)
    assert server.seen == []


def test_process_that_ends_between_attempts_sends_no_second(serve: Serve, clients: Clients) -> None:
    server = serve(lambda _: answer({}, 500))
    with pytest.raises(ProcessEnded):
        clients.client(server.url, Ledger(ends_after=1)).send(GET)
    assert len(server.seen) == 1


def test_first_answer_gives_the_servers_clock(serve: Serve, clients: Clients) -> None:
    def script(seen: Seen) -> Reply:
        stamp = f"Mon, 23 Nov 2026 10:00:0{seen.number} GMT"
        return answer({}, headers={"Date": stamp})

    http = clients.client(serve(script).url)
    assert http.first_answer_at is None
    http.get("/v1/things", {"a": 1})
    http.get("/v1/things")
    assert http.first_answer_at == datetime(2026, 11, 23, 10, 0, 1, tzinfo=UTC)


# -- credentials --------------------------------------------------------------------------------


def wants(token: str, refused: int = 401) -> Script:
    def script(seen: Seen) -> Reply:
        valid = seen.headers.get("authorization") == token
        return answer({"ok": True}) if valid else answer({}, refused)

    return script


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("proven", [True, False])
def test_refused_token_is_renewed_once_and_tried_again(
    serve: Serve, clients: Clients, status: int, proven: bool
) -> None:
    server = serve(wants("token-1", status))
    auth = RenewableToken(5)
    clients.client(server.url, auth=auth, proven=proven).send(GET)
    assert auth.renewed == 1
    assert len(server.seen) == 2


@pytest.mark.parametrize("status", [401, 403])
def test_token_refused_after_its_renewal_ends_the_process(
    serve: Serve, clients: Clients, status: int
) -> None:
    server = serve(wants("token-9", status))
    auth = RenewableToken(5)
    with pytest.raises(ProcessError):
        clients.client(server.url, auth=auth, proven=True).send(GET)
    assert auth.renewed == 1
    assert len(server.seen) == 2


def test_proven_key_that_is_refused_ends_the_process_at_once(
    serve: Serve, clients: Clients
) -> None:
    server = serve(lambda _: answer({}, 401))
    with pytest.raises(ProcessError) as caught:
        clients.client(server.url, proven=True).send(GET)
    assert caught.value.code == "unauthorized"
    assert len(server.seen) == 1


def test_young_key_is_tried_again_until_it_works(serve: Serve, clients: Clients) -> None:
    server = serve(then_ok(answer({}, 401), answer({}, 401), answer({}, 401)))
    http = clients.client(server.url)
    assert http.send(GET).status == 200
    assert http.channel.proven


def test_key_that_never_works_ends_the_process_and_the_next_client_is_quick(
    serve: Serve, clients: Clients
) -> None:
    server = serve(lambda _: answer({}, 401))
    http = clients.client(server.url)
    with pytest.raises(ProcessError):
        http.send(GET)
    tried = len(server.seen)
    assert tried > 2
    with pytest.raises(ProcessError):
        HttpClient(http.channel, Ledger(), back_off=SHORT).send(GET)
    assert len(server.seen) == tried + 1


def test_forbidden_key_is_not_waited_for(serve: Serve, clients: Clients) -> None:
    server = serve(lambda _: answer({}, 403))
    with pytest.raises(ProcessError):
        clients.client(server.url).send(GET)
    assert len(server.seen) == 1


def test_key_that_never_worked_is_tried_by_one_request_at_a_time(
    serve: Serve, clients: Clients
) -> None:
    server = serve(lambda seen: answer({}, 401 if seen.number < 8 else 200, delay=0.02))
    channel = clients.channel(server.url)
    patient = BackOff(first_seconds=0.01, longest_seconds=0.02, cap_seconds=30)
    pages = [HttpClient(channel, Ledger(), back_off=patient) for _ in range(6)]
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda page: page.send(GET), pages))
    assert [seen.under_way for seen in server.seen][:8] == [1] * 8


# -- secrecy ------------------------------------------------------------------------------------


def test_secrets_and_persons_are_in_no_error_log_or_repr(
    serve: Serve, clients: Clients, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    register_secret(SECRET)
    echo = {
        "message": f"key {SECRET} of ada@example.com",
        "errors": [{"path": f"/{SECRET}", "message": "Expected string", "value": "Ada Park"}],
    }
    private = [SECRET, "ada@", "Ada", "5550101", "6a145ff2"]
    request = Request(
        "PATCH",
        "/v1/contacts/6a145ff26212",
        params={"email": "ada@example.com", "api_token": SECRET},
        json={"firstName": "Ada", "phone": "+12025550101"},
        headers={"X-Extra": SECRET},
    )
    for status in (200, 302, 400, 401, 403, 404, 429, 500):
        server = serve(lambda _, status=status: answer(echo, status))
        http = clients.client(server.url, auth=HeaderAuth("Authorization", SECRET))
        shown = [repr(request), repr(http.channel), repr(HeaderAuth("A", SECRET))]
        try:
            shown.append(repr(http.send(request)))
        except SyncError as error:
            again = pickle.loads(pickle.dumps(error))
            shown += [str(error), repr(error), str(again), repr(error.__dict__)]
        for text in shown:
            assert not [word for word in private if word in text], (status, text)
    for record in caplog.records:
        assert not [word for word in private if word in record.getMessage()]


def test_unreachable_host_is_tried_for_the_whole_patience(clients: Clients) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    permits = Ledger()
    with pytest.raises(TransientError, match="could not be reached") as caught:
        clients.client(f"http://127.0.0.1:{port}", permits).send(GET)
    assert caught.value.code == "unreachable"
    assert len(permits.costs) > 2


def test_pool_threads_take_no_permits(serve: Serve, clients: Clients) -> None:
    permits = Ledger()
    http = clients.client(serve(lambda _: answer({})).url, permits)
    list(http.send_all([GET] * 30))
    assert permits.threads == {threading.get_ident()}
