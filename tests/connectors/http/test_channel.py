"""One attempt over real sockets: bodies, time-outs, credentials and hosts."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.errors import PageError, ProcessError, RecordError, SyncError, TransientError
from connectors.http.auth import HeaderAuth, NoAuth
from connectors.http.client import Channel
from connectors.http.exchange import Request
from tests.connectors.http.clients import SECRET, Clients
from tests.connectors.http.raw_server import RawServer, Reply, Script, answer

Serve = Callable[[Script], RawServer]
GET = Request("GET", "/v1/things")


def outcome(channel: Channel, request: Request = GET) -> SyncError:
    with pytest.raises(SyncError) as caught:
        channel.exchange(request)
    return caught.value


def test_json_goes_out_compact_and_comes_back_decoded(serve: Serve, clients: Clients) -> None:
    server = serve(lambda seen: answer({"echo": seen.json()}, 201))
    body = {"name": "Zoë", "half": "x\ud83d", "list": [1, None]}
    got = clients.channel(server.url).exchange(Request("POST", "/v1/things", json=body))
    assert server.seen[0].body == '{"name":"Zoë","half":"x?","list":[1,null]}'.encode()
    assert server.seen[0].headers["content-type"] == "application/json"
    assert got.status == 201
    assert got.value == got.json() == {"echo": {"name": "Zoë", "half": "x?", "list": [1, None]}}
    assert got.headers.get("CONTENT-TYPE") == "application/json"


def test_form_goes_out_encoded(serve: Serve, clients: Clients) -> None:
    server = serve(lambda _: answer({}))
    clients.channel(server.url).exchange(Request("POST", "/token", form={"a": "x y", "b": "+&"}))
    assert server.seen[0].body == b"a=x+y&b=%2B%26"
    assert server.seen[0].headers["content-type"] == "application/x-www-form-urlencoded"


def test_get_has_no_body_and_repeats_list_parameters(serve: Serve, clients: Clients) -> None:
    server = serve(lambda _: answer({}))
    request = Request("GET", "/v1/things", params={"ids": ["a,b", "+1"], "cursor": None})
    clients.channel(server.url + "/quo").exchange(request)
    assert server.seen[0].target == "/quo/v1/things?ids=a%2Cb&ids=%2B1"
    assert "content-length" not in server.seen[0].headers
    assert "content-type" not in server.seen[0].headers


def test_key_is_sent_raw_and_only_as_the_auth_says(serve: Serve, clients: Clients) -> None:
    server = serve(lambda _: answer({}))
    clients.channel(server.url).exchange(GET)
    clients.channel(server.url, NoAuth()).exchange(GET)
    assert server.seen[0].headers["authorization"] == SECRET
    assert "authorization" not in server.seen[1].headers


def test_next_link_on_the_own_host_is_followed(serve: Serve, clients: Clients) -> None:
    server = serve(lambda _: answer({}))
    clients.channel(server.url).exchange(Request("GET", f"{server.url}/v1/things?cursor=2"))
    assert server.seen[0].target == "/v1/things?cursor=2"


def test_next_link_to_another_port_is_refused_and_nothing_is_sent(
    serve: Serve, clients: Clients
) -> None:
    own, other = serve(lambda _: answer({})), serve(lambda _: answer({}))
    error = outcome(clients.channel(own.url), Request("GET", f"{other.url}/v1/things"))
    assert isinstance(error, ProcessError)
    assert own.seen == other.seen == []


def test_redirect_is_not_followed(serve: Serve, clients: Clients) -> None:
    other = serve(lambda _: answer({}))
    server = serve(lambda _: Reply(307, headers={"Location": f"{other.url}/v1/things"}))
    error = outcome(clients.channel(server.url))
    assert isinstance(error, ProcessError)
    assert "127.0.0.1" in str(error)
    assert other.seen == []


def test_cookies_are_not_kept(serve: Serve, clients: Clients) -> None:
    server = serve(lambda _: answer({}, headers={"Set-Cookie": "session=1; Path=/"}))
    channel = clients.channel(server.url)
    channel.exchange(GET)
    channel.exchange(GET)
    assert "cookie" not in server.seen[1].headers


def test_connection_is_used_again(serve: Serve, clients: Clients) -> None:
    server = serve(lambda _: answer({}))
    channel = clients.channel(server.url)
    for _ in range(3):
        channel.exchange(GET)
    assert len({seen.peer for seen in server.seen}) == 1


# -- bodies -------------------------------------------------------------------------------------

MIB = 1024 * 1024


def blanks(mebibytes: int) -> Iterator[bytes]:
    return (b" " * MIB for _ in range(mebibytes))


def bomb(mebibytes: int) -> bytes:
    return gzip.compress(b" " * (mebibytes * MIB))


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(announced=100 * MIB), id="announced"),
        pytest.param(lambda: Reply(pieces=blanks(100)), id="endless-without-length"),
        pytest.param(
            lambda: Reply(body=bomb(100), headers={"Content-Encoding": "gzip"}), id="gzip-bomb"
        ),
    ],
)
def test_body_over_the_limit_gives_the_page_up(
    serve: Serve, clients: Clients, reply: Reply | Callable[[], Reply]
) -> None:
    made = reply if isinstance(reply, Reply) else reply()
    error = outcome(clients.channel(serve(lambda _: made).url))
    assert isinstance(error, PageError)
    assert error.code == "body_too_large"


def test_body_just_under_the_limit_is_read_whole(serve: Serve, clients: Clients) -> None:
    body = b'"' + b"x" * (32 * MIB - 2) + b'"'
    packed = Reply(body=gzip.compress(body, 1), headers={"Content-Encoding": "gzip"})
    got = clients.channel(serve(lambda _: packed).url).exchange(GET)
    assert got.body == body


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(body=b'{"a": 1', announced=50), id="shorter-than-announced"),
        pytest.param(Reply(body=b'{"a": 1}', announced=5), id="longer-than-announced"),
        pytest.param(Reply(body=b"<html>"), id="not-json"),
        pytest.param(Reply(body=b'{"a": "\xff"}'), id="not-utf-8"),
        pytest.param(
            Reply(body=gzip.compress(b"{}")[:-6], headers={"Content-Encoding": "gzip"}),
            id="gzip-cut-off",
        ),
        pytest.param(Reply(body=b"{}", headers={"Content-Encoding": "gzip"}), id="not-gzip"),
        pytest.param(Reply(body=b"{}", headers={"Content-Encoding": "zstd"}), id="not-asked-for"),
        pytest.param(Reply(body=b"[" * 100_000), id="nested-too-deep"),
        pytest.param(Reply(reset=True), id="reset"),
        pytest.param(
            Reply(pieces=[b'5\r\n{"a":'], headers={"Transfer-Encoding": "chunked"}),
            id="chunks-cut-off",
        ),
    ],
)
def test_answer_that_is_not_whole_leaves_the_outcome_unknown(
    serve: Serve, clients: Clients, reply: Reply
) -> None:
    error = outcome(clients.channel(serve(lambda _: reply).url))
    assert isinstance(error, TransientError)
    assert error.outcome_unknown


def test_server_that_hangs_is_left_with_the_outcome_unknown(serve: Serve, clients: Clients) -> None:
    server = serve(lambda _: Reply(delay=30))
    error = outcome(clients.channel(server.url, read_timeout=0.1))
    assert isinstance(error, TransientError)
    assert (error.code, error.outcome_unknown) == ("no_answer", True)


def test_body_that_drips_is_cut_off(serve: Serve, clients: Clients) -> None:
    server = serve(lambda _: Reply(pieces=[b"["] * 10_000, between=0.05))
    error = outcome(clients.channel(server.url, read_timeout=0.1))
    assert isinstance(error, TransientError)
    assert error.code == "no_answer"


def test_closed_port_means_nothing_was_sent(clients: Clients) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    error = outcome(clients.channel(f"http://127.0.0.1:{port}"))
    assert isinstance(error, TransientError)
    assert (error.code, error.outcome_unknown) == ("unreachable", False)


@pytest.mark.parametrize(
    "reply",
    [Reply(204, b""), Reply(200, b""), Reply(204, b"", headers={"Content-Encoding": "gzip"})],
)
def test_empty_body_is_no_failure(serve: Serve, clients: Clients, reply: Reply) -> None:
    got = clients.channel(serve(lambda _: reply).url).exchange(Request("DELETE", "/v1/things"))
    assert (got.body, got.value) == (b"", None)
    with pytest.raises(TransientError):
        got.json()


def test_own_parser_reads_the_body_and_its_refusal_is_retried(
    serve: Serve, clients: Clients
) -> None:
    channel = clients.channel(serve(lambda _: Reply(body=b"12")).url)
    assert channel.exchange(Request("GET", "/v1/things", parse=int)).value == 12
    refusing = Request("GET", "/v1/things", parse=lambda body: int(body.decode() + "x"))
    assert isinstance(outcome(channel, refusing), TransientError)


def test_raw_body_is_left_alone_without_a_parser(serve: Serve, clients: Clients) -> None:
    channel = clients.channel(serve(lambda _: Reply(body=b"a;b")).url)
    got = channel.exchange(Request("GET", "/v1/things", parse=None))
    assert (got.body, got.value) == (b"a;b", None)


def test_accepted_error_can_be_read_as_json(serve: Serve, clients: Clients) -> None:
    server = serve(lambda _: answer({"code": "0800409"}, 409))
    got = clients.channel(server.url).exchange(
        Request("POST", "/v1/things", json={}, accept=frozenset({409}))
    )
    assert (got.status, got.json()) == (409, {"code": "0800409"})


@pytest.mark.parametrize(
    ("status", "proven"), [(200, True), (409, False), (401, False), (500, False)]
)
def test_only_a_2xx_proves_the_key(
    serve: Serve, clients: Clients, status: int, proven: bool
) -> None:
    channel = clients.channel(serve(lambda _: answer({}, status)).url)
    request = Request("GET", "/v1/things", accept=frozenset({401, 409, 500}))
    channel.exchange(request)
    assert channel.proven is proven


@pytest.mark.parametrize("secret", ["line\nbreak-s3cr3t", "snow☃man-s3cr3t", " \r\ns3cr3t"])
def test_secret_that_http_does_not_allow_ends_the_process_unseen(
    serve: Serve, clients: Clients, secret: str
) -> None:
    server = serve(lambda _: answer({}))
    error = outcome(clients.channel(server.url, HeaderAuth("Authorization", secret)))
    assert isinstance(error, ProcessError)
    seen: BaseException | None = error
    while seen is not None:
        assert "s3cr3t" not in repr(seen)
        seen = seen.__context__
    assert server.seen == []


def test_path_that_is_no_url_rejects_the_record(serve: Serve, clients: Clients) -> None:
    server = serve(lambda _: answer({}))
    error = outcome(clients.channel(server.url), Request("GET", "/v1/things/\x00"))
    assert isinstance(error, RecordError)


def test_construction_opens_nothing() -> None:
    channel = Channel("https://api.invalid", HeaderAuth("Authorization", SECRET))
    channel.close()


def test_closed_channel_opens_again_when_used(serve: Serve, clients: Clients) -> None:
    channel = clients.channel(serve(lambda _: answer({})).url)
    channel.exchange(GET)
    channel.close()
    assert channel.exchange(GET).status == 200


def test_date_of_an_answer(serve: Serve, clients: Clients) -> None:
    stamp = "Mon, 23 Nov 2026 10:00:00 GMT"
    for headers, expected in (({"Date": stamp}, "2026-11-23T10:00:00+00:00"), ({}, None)):
        server = serve(lambda _, headers=headers: answer({}, headers=headers))
        at = clients.channel(server.url).exchange(GET).date
        assert (at.isoformat() if at else None) == expected


def test_values_json_does_not_know_become_text(serve: Serve, clients: Clients) -> None:
    from decimal import Decimal

    server = serve(lambda _: answer({}))
    body: dict[str, Any] = {"amount": Decimal("1.50")}
    clients.channel(server.url).exchange(Request("POST", "/v1/things", json=body))
    assert server.seen[0].json() == {"amount": "1.50"}
