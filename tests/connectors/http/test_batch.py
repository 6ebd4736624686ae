"""Many requests through the pool: order, limits, retries, and how a batch ends early."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest

from connectors.errors import (
    PageError,
    Parked,
    ProcessEnded,
    ProcessError,
    RecordError,
    RepositoryError,
    SyncError,
    TransientError,
)
from connectors.http.client import POOL_SIZE, HttpClient
from connectors.http.exchange import Answer, Request
from tests.connectors.http.clients import SHORT, Clients, Ledger, RenewableToken
from tests.connectors.http.raw_server import RawServer, Reply, Script, Seen, answer

Serve = Callable[[Script], RawServer]


def posts(count: int) -> list[Request]:
    return [Request("POST", "/v1/things", json={"n": n}) for n in range(count)]


def number_of(seen: Seen) -> int:
    return int(seen.json()["n"])


def echo(seen: Seen) -> Reply:
    return answer({"n": number_of(seen)})


def read(http: HttpClient, requests: list[Request]) -> tuple[dict[int, Answer | SyncError], object]:
    """All results by index, and what ended the batch early."""
    results: dict[int, Answer | SyncError] = {}
    try:
        for index, result in http.send_all(requests):
            assert index not in results
            results[index] = result
    except SyncError as error:
        return results, error
    return results, None


def test_every_request_gets_its_own_answer_once(serve: Serve, clients: Clients) -> None:
    permits = Ledger()
    server = serve(echo)
    results, end = read(clients.client(server.url, permits), posts(150))
    assert end is None
    assert {index: result.json()["n"] for index, result in results.items()} == {  # type: ignore[union-attr]
        n: n for n in range(150)
    }
    assert len(server.seen) == len(permits.costs) == 150


def test_nothing_to_send_sends_nothing(serve: Serve, clients: Clients) -> None:
    server = serve(echo)
    assert read(clients.client(server.url), []) == ({}, None)
    assert server.seen == []


def test_slow_answer_does_not_hold_the_quick_ones(serve: Serve, clients: Clients) -> None:
    quick_done = threading.Event()

    def script(seen: Seen) -> Reply:
        if number_of(seen) == 0:
            quick_done.wait(20)
        return echo(seen)

    order = []
    for index, _ in clients.client(serve(script).url, proven=True).send_all(posts(30)):
        order.append(index)
        if len(order) == 29:
            quick_done.set()
    assert order[-1] == 0


def test_never_more_under_way_than_the_pool_has_threads_also_for_two_pages(
    serve: Serve, clients: Clients
) -> None:
    server = serve(lambda seen: answer({"n": number_of(seen)}, delay=0.01))
    channel = clients.channel(server.url)
    channel.proven = True
    pages = [HttpClient(channel, Ledger(), back_off=SHORT) for _ in range(2)]
    threads = [threading.Thread(target=read, args=(page, posts(100))) for page in pages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.seen) == 200
    assert POOL_SIZE // 2 < max(seen.under_way for seen in server.seen) <= POOL_SIZE


def test_unproven_key_sends_one_at_a_time_until_the_first_success(
    serve: Serve, clients: Clients
) -> None:
    def script(seen: Seen) -> Reply:
        return answer({}, 401) if seen.number < 4 else answer({}, delay=0.02)

    server = serve(script)
    results, end = read(clients.client(server.url), posts(40))
    assert (len(results), end) == (40, None)
    assert [number_of(seen) for seen in server.seen][:4] == [0, 0, 0, 0]
    assert [seen.under_way for seen in server.seen][:4] == [1, 1, 1, 1]
    assert max(seen.under_way for seen in server.seen) > 1


def test_failed_ones_are_sent_again_with_new_permits(serve: Serve, clients: Clients) -> None:
    met: set[int] = set()

    def script(seen: Seen) -> Reply:
        n = number_of(seen)
        if n % 3 == 0 and n not in met:
            met.add(n)
            return Reply(reset=True) if n % 2 else answer({}, 503)
        return echo(seen)

    permits = Ledger()
    http = clients.client(serve(script).url, permits, proven=True)
    results, end = read(http, posts(30))
    assert end is None
    repeated = {
        n for n, result in results.items() if isinstance(result, Answer) and result.repeated
    }
    assert repeated == set(range(0, 30, 3))
    assert len(permits.costs) == http.usage().requests == 40


def test_429_of_one_pushes_the_budget_for_all(serve: Serve, clients: Clients) -> None:
    permits = Ledger()
    server = serve(
        lambda seen: (
            answer({}, 429, headers={"Retry-After": "0.1"}) if seen.number == 5 else echo(seen)
        )
    )
    results, end = read(clients.client(server.url, permits, proven=True), posts(20))
    assert (len(results), end) == (20, None)
    assert permits.pushed_back == [0.1]


def test_one_bad_record_fails_alone(serve: Serve, clients: Clients) -> None:
    server = serve(lambda seen: answer({}, 400) if number_of(seen) == 7 else echo(seen))
    results, end = read(clients.client(server.url, proven=True), posts(20))
    assert end is None
    assert [n for n, result in results.items() if isinstance(result, RecordError)] == [7]


def test_one_record_that_always_breaks_the_server_is_a_result_not_an_end(
    serve: Serve, clients: Clients
) -> None:
    server = serve(lambda seen: answer({}, 500) if number_of(seen) == 0 else echo(seen))
    results, end = read(clients.client(server.url, proven=True), posts(3))
    assert (len(results), end) == (3, None)
    assert isinstance(results[0], TransientError)


@pytest.mark.parametrize("count", [1, 2])
def test_few_records_that_break_the_server_never_fail_the_page(
    serve: Serve, clients: Clients, count: int
) -> None:
    results, end = read(
        clients.client(serve(lambda _: answer({}, 500)).url, proven=True), posts(count)
    )
    assert (len(results), end) == (count, None)


def test_host_that_fails_everyone_gives_the_page_up(serve: Serve, clients: Clients) -> None:
    results, end = read(
        clients.client(serve(lambda _: answer({}, 503)).url, proven=True), posts(3 * POOL_SIZE)
    )
    assert isinstance(end, PageError)
    assert len(results) < POOL_SIZE


def test_host_that_cannot_be_reached_gives_the_page_up_at_once(clients: Clients) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    results, end = read(clients.client(f"http://127.0.0.1:{port}", proven=True), posts(2))
    assert isinstance(end, PageError)
    assert end.code == "unreachable"
    assert results == {}


def test_host_that_answers_another_page_meanwhile_is_not_given_up(
    serve: Serve, clients: Clients
) -> None:
    server = serve(lambda seen: answer({}, 500 if seen.method == "POST" else 200))
    http = clients.client(server.url, proven=True)
    other = HttpClient(http.channel, Ledger(), back_off=SHORT)
    done = threading.Event()

    def read_on() -> None:
        while not done.is_set():
            other.get("/v1/things")

    reader = threading.Thread(target=read_on)
    reader.start()
    results, end = read(http, posts(POOL_SIZE + 5))
    done.set()
    reader.join()
    assert (len(results), end) == (POOL_SIZE + 5, None)


# -- ending early -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "end",
    [
        ProcessEnded("process p1 is CANCELLED", code="process_ended"),
        Parked("the daily quota is nearly spent", until="2026-11-24T00:00:00Z"),
        RepositoryError("the repository cannot be reached"),
    ],
    ids=lambda end: type(end).__name__,
)
def test_end_of_the_process_lets_requests_under_way_finish_and_tells_them(
    serve: Serve, clients: Clients, end: SyncError
) -> None:
    permits = Ledger(ends_after=12)
    permits.end = end
    server = serve(lambda seen: answer({"n": number_of(seen)}, delay=0.05))
    results, ended_by = read(clients.client(server.url, permits, proven=True), posts(100))
    assert ended_by is end
    assert sorted(results) == list(range(12))
    assert len(server.seen) == 12


def test_refused_key_ends_the_batch_after_what_is_under_way(serve: Serve, clients: Clients) -> None:
    refused = threading.Event()

    def script(seen: Seen) -> Reply:
        if number_of(seen) == 3:
            refused.set()
            return answer({}, 401)
        refused.wait(20)
        return answer({"n": number_of(seen)}, delay=0.05)

    server = serve(script)
    results, end = read(clients.client(server.url, proven=True), posts(100))
    assert isinstance(end, ProcessError)
    assert len(server.seen) < 100
    assert set(results) == {number_of(seen) for seen in server.seen} - {3}


def test_process_that_ends_while_retries_wait_sends_no_more(serve: Serve, clients: Clients) -> None:
    server = serve(lambda _: answer({}, 500))
    results, end = read(clients.client(server.url, Ledger(ends_after=5), proven=True), posts(5))
    assert isinstance(end, ProcessEnded)
    assert results == {}
    assert len(server.seen) == 5


def test_failure_under_way_when_the_process_ends_stays_unresolved(
    serve: Serve, clients: Clients
) -> None:
    server = serve(lambda seen: answer({}, 500, delay=0.2) if number_of(seen) == 0 else echo(seen))
    results, end = read(clients.client(server.url, Ledger(ends_after=3), proven=True), posts(4))
    assert isinstance(end, ProcessEnded)
    assert set(results) == {1, 2}


def test_refused_permits_leave_all_threads_free(serve: Serve, clients: Clients) -> None:
    http = clients.client(serve(echo).url, proven=True)
    for _ in range(POOL_SIZE + 1):
        ended = HttpClient(http.channel, Ledger(ends_after=0), back_off=SHORT)
        assert isinstance(read(ended, posts(2))[1], ProcessEnded)
    assert len(read(http, posts(3))[0]) == 3


def test_reader_that_leaves_waits_for_what_is_under_way(serve: Serve, clients: Clients) -> None:
    server = serve(lambda seen: answer({"n": number_of(seen)}, delay=0.02))
    http = clients.client(server.url, proven=True)
    results = http.send_all(posts(100))
    next(results)
    results.close()  # type: ignore[attr-defined]
    sent = len(server.seen)
    assert server.under_way == 0
    assert sent < 100
    assert len(read(http, posts(3))[0]) == 3


def test_bug_in_a_pool_thread_is_raised_in_the_pages_thread(serve: Serve, clients: Clients) -> None:
    requests = [*posts(3), Request("GET", "/v1/things", parse=lambda _: {}["bug"])]
    server = serve(lambda _: answer({}))
    with pytest.raises(KeyError, match="bug"):
        list(clients.client(server.url, proven=True).send_all(requests))


def test_many_ends_leave_all_threads_free(serve: Serve, clients: Clients) -> None:
    server = serve(lambda seen: answer({}, 403) if seen.number % 30 == 0 else echo(seen))
    http = clients.client(server.url, proven=True)
    for _ in range(6):
        read(http, posts(40))
    server.script = echo
    assert len(read(http, posts(60))[0]) == 60
    assert http.channel.threads.acquire(blocking=False)


def test_token_is_renewed_once_for_all_that_were_refused(serve: Serve, clients: Clients) -> None:
    def script(seen: Seen) -> Reply:
        stale = seen.headers["authorization"] == "token-0" and seen.number > 10
        return answer({}, 401, delay=0.05) if stale else echo(seen)

    auth = RenewableToken(99)
    server = serve(script)
    results, end = read(clients.client(server.url, auth=auth, proven=True), posts(60))
    assert (len(results), end) == (60, None)
    assert auth.renewed == 1
    assert len(server.seen) > 61  # several were refused together
