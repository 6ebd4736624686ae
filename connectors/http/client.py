"""The HTTP client that connectors are given: permit, send, judge, retry.

`Channel` belongs to one API key and OS process (connections, pool, credentials, proof that the key
works). `HttpClient` is the light view of it for one process and one thread of work: it takes the
permits, does the retries and counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.errors import SyncError
from connectors.http.auth import Auth
from connectors.http.exchange import Answer, Request
from connectors.http.permits import Permits

POOL_SIZE = 20


@dataclass(slots=True)
class Usage:
    """Requests sent and elapsed seconds throttled since the caller last looked."""

    requests: int = 0
    throttled_seconds: float = 0.0


class Channel:
    """Connections, thread pool and credentials of one API key in one OS process."""

    def __init__(self, base_url: str, auth: Auth, *, read_timeout: float = 35.0) -> None: ...

    def exchange(self, request: Request) -> Answer:
        """One attempt, no sleeping: an acceptable answer, or an error of the family."""
        raise NotImplementedError

    def close(self) -> None: ...


class HttpClient:
    """One process's requests over a channel."""

    def __init__(self, channel: Channel, permits: Permits) -> None: ...

    def send(self, request: Request) -> Answer:
        """One request from the caller's thread, with its retries."""
        raise NotImplementedError

    def send_all(self, requests: Sequence[Request]) -> Iterator[tuple[int, Answer | SyncError]]:
        """Many requests through the pool, results in order of completion with their index."""
        raise NotImplementedError

    def get(self, path: str, params: Mapping[str, Any] | None = None, **options: Any) -> Answer:
        return self.send(Request("GET", path, params=params, **options))

    def usage(self) -> Usage:
        """What was used since the last call; resets the count."""
        raise NotImplementedError

    @property
    def first_answer_at(self) -> datetime | None:
        """The server's clock on the first answer of this client."""
        raise NotImplementedError
