"""One call and its attempts: permit, attempt, and what follows from how it ended."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from connectors.errors import ProcessError, SyncError, TransientError
from connectors.http.channel import Channel
from connectors.http.exchange import Answer, Request
from connectors.http.permits import Permits
from connectors.http.retry import BackOff

Outcome = Answer | SyncError

_log = logging.getLogger(__name__)
_LOOK_EVERY_SECONDS = 0.5
_CREDENTIALS_REFUSED = ("unauthorized", "forbidden")


@dataclass(slots=True)
class Usage:
    """Requests sent and elapsed seconds throttled since the caller last looked."""

    requests: int = 0
    throttled_seconds: float = 0.0


@dataclass(slots=True)
class Call:
    """One request until its outcome is final.

    `spent` are the seconds in its attempts and between them, without the waits for permits.
    """

    request: Request
    index: int = 0
    attempts: int = 0
    spent: float = 0.0
    started_at: float = 0.0
    repeated: bool = False
    refreshed: bool = False
    generation: int = 0


class Caller:
    """Makes the attempts of calls for one process; all but `attempt` in the page's own thread."""

    def __init__(self, channel: Channel, permits: Permits, back_off: BackOff) -> None:
        self.channel = channel
        self.permits = permits
        self.used = Usage()
        self.first_answer_at: datetime | None = None
        self._back_off = back_off

    def run(self, call: Call) -> Outcome:
        """All attempts of a call, in this thread, until its outcome is final."""
        while True:
            outcome = self._attempt_here(call)
            wait = self.wait_before_next(call, outcome)
            if wait is None:
                return outcome
            if wait > 0:
                self.permits.pause(wait)

    def permit(self, call: Call) -> None:
        """The leave to make one attempt of this call; counts it."""
        self.used.throttled_seconds += self.permits.take(call.request.cost)
        self.used.requests += 1

    def attempt(self, call: Call) -> Outcome:
        """One attempt, in any thread: it sends and does not sleep."""
        started = time.monotonic()
        call.started_at = call.started_at or started
        call.attempts += 1
        call.generation = self.channel.generation
        try:
            return self.channel.exchange(call.request, repeated=call.repeated)
        except SyncError as error:
            return error
        finally:
            call.spent += time.monotonic() - started

    def wait_before_next(self, call: Call, outcome: Outcome) -> float | None:
        """Seconds until another attempt is worth it; None when the outcome is final."""
        if isinstance(outcome, TransientError):
            return self._wait_after_failure(call, outcome)
        if isinstance(outcome, ProcessError) and outcome.code in _CREDENTIALS_REFUSED:
            return self._wait_after_refusal(call, outcome)
        return None

    def final(self, call: Call, outcome: Outcome) -> Outcome:
        """What the caller is told: a failure says how long it was tried."""
        if isinstance(outcome, Answer):
            if self.first_answer_at is None:
                self.first_answer_at = outcome.date
        elif isinstance(outcome, TransientError):
            times = "once" if call.attempts == 1 else f"{call.attempts} times"
            outcome.message = (
                f"{outcome.message}; tried {times} in {call.spent:.0f} s, retry it later"
            )
        return outcome

    def _attempt_here(self, call: Call) -> Outcome:
        if self.channel.proven:
            self.permit(call)
            return self.attempt(call)
        with self._trial():
            self.permit(call)
            return self.attempt(call)

    @contextmanager
    def _trial(self) -> Iterator[None]:
        """A key that never worked here is tried by one request at a time."""
        trial = self.channel.trial
        while not trial.acquire(timeout=_LOOK_EVERY_SECONDS):
            self.permits.pause(0)
        try:
            yield
        finally:
            trial.release()

    def _wait_after_failure(self, call: Call, error: TransientError) -> float | None:
        if error.outcome_unknown and not call.request.repeatable:
            return None
        call.repeated = call.repeated or error.outcome_unknown
        asked = error.retry_after
        wait = self._back_off.wait(call.attempts, call.spent, asked, random.random)
        for_everyone = error.status == 429 or asked is not None
        if for_everyone:
            self.permits.push_back(self._back_off.shared_wait(wait, asked))
        if wait is None:
            return None
        call.spent += wait
        _log.debug("%s; again in %.1f s", error, wait)
        return 0.0 if for_everyone else wait  # the next permit holds everyone's wait

    def _wait_after_refusal(self, call: Call, error: ProcessError) -> float | None:
        if not call.refreshed:
            call.refreshed = True
            if self.channel.renew(call.generation):
                return 0.0
        if error.code == "unauthorized" and not self.channel.proven:
            # A fresh Quo key is refused for about 30 s.
            refused_for = self.channel.refused_for()
            return self._back_off.wait(call.attempts, refused_for, None, random.random)
        return None
