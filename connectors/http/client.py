"""The HTTP client that connectors are given: permit, send, judge, retry.

`Channel` belongs to one API key and OS process (connections, pool, credentials, proof that the key
works). `HttpClient` is the light view of it for one process and one thread of work: it takes the
permits, does the retries and counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.errors import SyncError
from connectors.http.batch import Batch
from connectors.http.calls import Call, Caller, Usage
from connectors.http.channel import POOL_SIZE, Channel
from connectors.http.exchange import Answer, Request
from connectors.http.permits import Permits
from connectors.http.retry import BackOff

__all__ = ["POOL_SIZE", "Channel", "HttpClient", "Usage"]


class HttpClient:
    """One process's requests over a channel; use it from one thread at a time."""

    def __init__(
        self, channel: Channel, permits: Permits, *, back_off: BackOff | None = None
    ) -> None:
        self.channel = channel
        self._caller = Caller(channel, permits, back_off or BackOff())

    def send(self, request: Request) -> Answer:
        """One request from the caller's thread, with its retries.

        Raises TransientError when the retries are used up, RecordError, PageError (a body over
        32 MiB), ProcessError, and what the permits raise.
        """
        call = Call(request)
        outcome = self._caller.final(call, self._caller.run(call))
        if isinstance(outcome, SyncError):
            raise outcome
        return outcome

    def send_all(self, requests: Sequence[Request]) -> Iterator[tuple[int, Answer | SyncError]]:
        """Many requests through the pool, results in order of completion with their index.

        Sends while it is read, so read it to its end. A result is an answer, a RecordError, or a
        TransientError whose retries are used up. PageError (the host cannot be reached at all),
        ProcessError and what the permits raise end the batch: nothing more is sent, what is under
        way finishes and is yielded, then the error is raised.
        """
        return Batch(self._caller, requests).results()

    def get(self, path: str, params: Mapping[str, Any] | None = None, **options: Any) -> Answer:
        return self.send(Request("GET", path, params=params, **options))

    def pause(self, seconds: float) -> None:
        """Sleep; raises ProcessEnded within 1 s when the process ends meanwhile."""
        self._caller.permits.pause(seconds)

    def usage(self) -> Usage:
        """What was used since the last call; resets the count."""
        used, self._caller.used = self._caller.used, Usage()
        return used

    @property
    def first_answer_at(self) -> datetime | None:
        """The server's clock on the first answer of this client."""
        return self._caller.first_answer_at
