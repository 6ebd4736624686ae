"""What the requests of one API key share in one OS process."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from connectors.clock import utc_now
from connectors.errors import SyncError, TransientError
from connectors.http.address import Address
from connectors.http.auth import Auth
from connectors.http.exchange import Answer, Request
from connectors.http.judge import judge_answer, judge_failure
from connectors.http.retry import Failure, NoAnswer

if TYPE_CHECKING:
    from connectors.http.wire import Wire

POOL_SIZE = 20
WRITING_PAGES = 2

_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "quo-sync"}
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode
"""What JSON does not know becomes text: one odd value then costs one person, never its page."""


class Channel:
    """Connections, thread pool and credentials of one API key in one OS process; thread-safe.

    `proven`: this key has had a 2xx here. Until then `trial` lets one request through at a time.
    `write_turns`: at most two pages per key write at a time, the others wait with theirs ready.
    `threads`: the free threads of the pool. `answered_at`: the monotonic time of the last answer
    that was not a failure of the other side. `generation` counts the renewals of the credentials.

    Raises ConfigurationError for a base URL that is none.
    """

    def __init__(
        self,
        base_url: str,
        auth: Auth,
        *,
        connect_timeout: float = 10.0,
        read_timeout: float = 35.0,
    ) -> None:
        self.address = Address(base_url)
        self.proven = False
        self.trial = threading.Lock()
        self.write_turns = threading.BoundedSemaphore(WRITING_PAGES)
        self.threads = threading.BoundedSemaphore(POOL_SIZE)
        self.answered_at = float("-inf")
        self.generation = 0
        self._auth = auth
        self._base_url = base_url
        self._timeouts = (connect_timeout, read_timeout)
        self._lock = threading.Lock()
        self._renewal = threading.Lock()
        self._refused_at: float | None = None
        self._wire: Wire | None = None
        self._pool: ThreadPoolExecutor | None = None

    def __repr__(self) -> str:
        return f"Channel({self.address.host})"

    def exchange(self, request: Request, *, repeated: bool = False) -> Answer:
        """One attempt, no sleeping: an acceptable answer, or an error of the family.

        `repeated` is passed on to the answer.
        """
        url = self.address.url(request.path, request.params)
        place = f"{request.method} {self.address.shown(request.path)}"
        headers, content = self._signed(request)
        error: SyncError | None
        try:
            status, received, body = self._opened().send(request.method, url, headers, content)
        except NoAnswer as none:
            error = judge_failure(place, none.failure)
        else:
            error = judge_answer(
                place, status, received, body, accept=request.accept, clock=utc_now
            )
            if not isinstance(error, TransientError):
                self.answered_at = time.monotonic()
        if error is not None:
            raise error  # outside the handler: what httpx raised may quote a header
        if status // 100 != 2:
            return Answer(status, received, body, repeated)
        self.proven = True
        return Answer(status, received, body, repeated, _read(request, place, status, body))

    def submit(self, work: Callable[[], None]) -> None:
        """Hand work to the pool, whose threads only send; take one of `threads` before."""
        pool = self._pool
        if pool is None:
            with self._lock:
                pool = self._pool = self._pool or ThreadPoolExecutor(POOL_SIZE, "http")
        pool.submit(work)

    def renew(self, generation: int) -> bool:
        """Renew the credentials that an attempt of this generation was refused with.

        True when there are newer ones to try, whoever fetched them.
        """
        with self._renewal:
            if self.generation == generation and self._auth.refresh():
                self.generation += 1
            return self.generation != generation

    def refused_for(self) -> float:
        """Seconds since this key was refused for the first time (now, if it never was)."""
        with self._lock:
            if self._refused_at is None:
                self._refused_at = time.monotonic()
            return time.monotonic() - self._refused_at

    def close(self) -> None:
        """Lets requests under way finish, then drops threads and connections."""
        with self._lock:
            pool, wire = self._pool, self._wire
            self._pool = self._wire = None
        if pool is not None:
            pool.shutdown()
        if wire is not None:
            wire.close()

    def _opened(self) -> Wire:
        wire = self._wire
        if wire is None:
            from connectors.http.wire import Wire

            with self._lock:
                wire = self._wire = self._wire or Wire(self._base_url, *self._timeouts)
        return wire

    def _signed(self, request: Request) -> tuple[Mapping[str, str], bytes | None]:
        headers: dict[str, str] = {**_HEADERS, **(request.headers or {}), **self._auth.headers()}
        content = None
        if request.json is not None:
            headers["Content-Type"] = "application/json"
            content = _bytes(_encode(request.json))
        elif request.form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            content = urlencode(request.form, errors="replace").encode()
        return headers, content


def _read(request: Request, place: str, status: int, body: bytes) -> Any:
    if request.parse is None or status == 204:
        return None
    with suppress(ValueError, RecursionError):
        return request.parse(body)
    raise judge_failure(place, Failure.UNREADABLE)


def _bytes(text: str) -> bytes:
    """UTF-8; half of a surrogate pair, which some CRMs cut off, becomes a question mark."""
    return text.encode("utf-8", "replace")
