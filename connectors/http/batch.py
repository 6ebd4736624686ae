"""Many calls at once: the page's thread takes the permits, the pool only sends."""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from queue import Empty, SimpleQueue

from connectors.errors import PageError, RecordError, SyncError, TransientError
from connectors.http.calls import Call, Caller, Outcome
from connectors.http.channel import POOL_SIZE
from connectors.http.exchange import Answer, Request

_LOOK_EVERY_SECONDS = 0.5
_GIVEN_UP_IN_A_ROW = POOL_SIZE
"""So many requests given up with no answer between them are a fault of the host, not of each."""

Result = tuple[int, Outcome]


class Batch:
    """The calls of one `send_all`; driven by the thread that reads `results`.

    Whatever ends the batch before its time (the process is over, the credentials are refused, the
    host cannot be reached) is raised last: requests under way finish first and what became of
    them is yielded, so that the caller knows everything that was written.
    """

    def __init__(self, caller: Caller, requests: Sequence[Request]) -> None:
        self._caller = caller
        self._channel = caller.channel
        self._fresh = deque(Call(request, index) for index, request in enumerate(requests))
        self._later: list[tuple[float, int, Call]] = []
        self._back: SimpleQueue[tuple[Call, Outcome | BaseException]] = SimpleQueue()
        self._ready: deque[Result] = deque()
        self._under_way = 0
        self._given_up = 0
        self._end: BaseException | None = None

    def results(self) -> Iterator[Result]:
        """Index and outcome (an answer, RecordError or TransientError) in order of completion."""
        try:
            while self._end is None and (self._fresh or self._later or self._under_way):
                self._advance()
                yield from self._taken()
            while self._under_way:
                self._receive()
                yield from self._taken()
        finally:
            while self._under_way:  # the reader left: nothing may be under way behind its back
                self._back.get()
                self._under_way -= 1
        if self._end is not None:
            raise self._end

    # -- one step ---------------------------------------------------------------------------

    def _advance(self) -> None:
        """Send one call, or wait a little for something to happen."""
        try:
            if not self._due():
                self._wait()
            elif not self._channel.proven:
                call = self._next()
                self._settle(call, self._caller.run(call))
            elif self._channel.threads.acquire(timeout=_LOOK_EVERY_SECONDS):
                self._send()
            elif not self._under_way:
                self._caller.permits.pause(0)
            while self._under_way and not self._back.empty():
                self._receive()
        except Exception as end:
            self._end = self._end or end

    def _due(self) -> bool:
        return bool(self._fresh) or (bool(self._later) and self._later[0][0] <= time.monotonic())

    def _next(self) -> Call:
        """A retry that is due comes before what was never sent."""
        if self._later and self._later[0][0] <= time.monotonic():
            return heapq.heappop(self._later)[-1]
        return self._fresh.popleft()

    def _send(self) -> None:
        call = self._next()
        try:
            self._caller.permit(call)
            self._channel.submit(partial(self._attempt, call))
        except BaseException:
            self._channel.threads.release()
            raise
        self._under_way += 1

    def _attempt(self, call: Call) -> None:
        outcome: Outcome | BaseException
        try:
            outcome = self._caller.attempt(call)
        except BaseException as bug:  # raised in the page's thread instead
            outcome = bug
        self._back.put((call, outcome))
        self._channel.threads.release()

    def _wait(self) -> None:
        """Nothing to send yet: until a result comes back or a retry is due."""
        left = self._later[0][0] - time.monotonic() if self._later else _LOOK_EVERY_SECONDS
        if self._under_way:
            self._receive(min(max(left, 0.0), _LOOK_EVERY_SECONDS))
        elif left > 0:
            self._caller.permits.pause(left)

    # -- what comes back --------------------------------------------------------------------

    def _taken(self) -> Iterator[Result]:
        while self._ready:
            yield self._ready.popleft()

    def _receive(self, timeout: float | None = None) -> None:
        try:
            call, outcome = self._back.get(timeout=timeout)
        except Empty:
            return
        self._under_way -= 1
        if not isinstance(outcome, Answer | SyncError):
            self._end = self._end or outcome
        elif not self._comes_again(call, outcome):
            self._settle(call, outcome)

    def _comes_again(self, call: Call, outcome: Outcome) -> bool:
        if self._end is not None:
            return False
        wait = self._caller.wait_before_next(call, outcome)
        if wait is None:
            return False
        heapq.heappush(self._later, (time.monotonic() + wait, call.index, call))
        return True

    def _settle(self, call: Call, outcome: Outcome) -> None:
        match outcome:
            case Answer() | RecordError():
                self._given_up = 0
                self._ready.append((call.index, self._caller.final(call, outcome)))
            case TransientError() if self._end is not None:
                pass  # unresolved: the page is in doubt, whoever does it again finds out
            case TransientError() if self._host_fails(call, outcome):
                self._end = PageError(
                    f"{self._channel.address.host} gave no usable answer for "
                    f"{call.spent:.0f} s, so the page is given up; the next run does it again",
                    code="unreachable",
                )
            case TransientError():
                self._ready.append((call.index, self._caller.final(call, outcome)))
            case _:
                self._end = self._end or outcome

    def _host_fails(self, call: Call, error: TransientError) -> bool:
        """One person whose request always fails is a dead letter; a host that is down is not."""
        self._given_up += 1
        silent = self._channel.answered_at < call.started_at
        return silent and (error.code == "unreachable" or self._given_up >= _GIVEN_UP_IN_A_ROW)
