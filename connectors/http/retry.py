"""What follows from a status or a failure, and how long to wait: pure, no I/O, no clock."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from connectors.http.exchange import http_date


class Action(Enum):
    """What a caller does next."""

    ACCEPT = auto()
    RETRY = auto()
    REJECT_RECORD = auto()
    GIVE_UP_PAGE = auto()
    REFRESH_TOKEN = auto()  # once; then as END_PROCESS
    END_PROCESS = auto()


class Failure(Enum):
    """How an attempt ends without an answer that can be judged."""

    UNREACHABLE = auto()  # nothing was sent
    UNTRUSTED = auto()  # the certificate does not hold
    LOST = auto()  # timed out, reset or cut off: the request may have taken effect
    UNREADABLE = auto()  # a whole 2xx body that is not what the API promises
    TOO_LARGE = auto()
    BAD_HEADER = auto()
    BAD_URL = auto()


class NoAnswer(Exception):  # noqa: N818 - carries the kind; the judge makes the error of it
    """An attempt gave no whole answer."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.name)
        self.failure = failure


_STATUSES = {
    400: Action.REJECT_RECORD,
    401: Action.REFRESH_TOKEN,
    402: Action.END_PROCESS,
    403: Action.REFRESH_TOKEN,
    407: Action.END_PROCESS,
    408: Action.RETRY,
    422: Action.REJECT_RECORD,
    429: Action.RETRY,
}
_CLASSES = {
    2: Action.ACCEPT,
    3: Action.END_PROCESS,
    4: Action.REJECT_RECORD,
    5: Action.RETRY,
}
_FAILURES = {
    Failure.UNREACHABLE: Action.RETRY,
    Failure.UNTRUSTED: Action.END_PROCESS,
    Failure.LOST: Action.RETRY,
    Failure.UNREADABLE: Action.RETRY,
    Failure.TOO_LARGE: Action.GIVE_UP_PAGE,
    Failure.BAD_HEADER: Action.END_PROCESS,
    Failure.BAD_URL: Action.REJECT_RECORD,
}


def action_for(seen: int | Failure, accept: frozenset[int] = frozenset()) -> Action:
    """The one table: an HTTP status, or a failure without one, → what to do."""
    if isinstance(seen, Failure):
        return _FAILURES[seen]
    if seen in accept:
        return Action.ACCEPT
    return _STATUSES.get(seen) or _CLASSES.get(seen // 100, Action.RETRY)


def outcome_unknown(seen: int | Failure) -> bool:
    """Whether the request may have taken effect although it is sent again."""
    if isinstance(seen, Failure):
        return seen in (Failure.LOST, Failure.UNREADABLE)
    return seen == 408 or seen >= 500


_NUMBER = re.compile(r"\d{1,15}(?:\.\d+)?")
_EPOCH_FROM = 1e9
_EPOCH_MILLIS_FROM = 1e12


def asked_wait(status: int, headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds that the other side asks for; None when it names none.

    `Retry-After` is seconds or an HTTP date (RFC 9110, 10.2.3), read against the answer's own
    `Date`. A 429 without one may carry a reset header, in seconds to go (Pipedrive, Kong) or as a
    Unix time (Clio).
    """
    now = http_date(headers.get("date")) or now
    wait = _seconds(headers.get("retry-after"), now)
    if wait is None and status == 429:
        for name in ("x-ratelimit-reset", "ratelimit-reset"):
            wait = _seconds(headers.get(name), now)
            if wait is not None:
                break
    return wait


def _seconds(text: str | None, now: datetime) -> float | None:
    text = (text or "").strip()
    if _NUMBER.fullmatch(text):
        value = float(text)
        if value >= _EPOCH_MILLIS_FROM:
            value /= 1000
        return max(0.0, value - now.timestamp()) if value >= _EPOCH_FROM else value
    at = http_date(text)
    return max(0.0, (at - now).total_seconds()) if at is not None else None


@dataclass(frozen=True, slots=True)
class BackOff:
    """Jittered exponential waits with a cap on the whole time of one request.

    `cap_seconds` bounds the attempts and waits of a request together; where the other side asks
    for a wait itself, `asked_cap_seconds` does.
    """

    first_seconds: float = 0.5
    longest_seconds: float = 16.0
    cap_seconds: float = 60.0
    asked_cap_seconds: float = 300.0

    def wait(
        self, attempts: int, spent: float, asked: float | None, random: Callable[[], float]
    ) -> float | None:
        """Seconds until the next attempt; None = give up.

        `attempts` were made and `spent` seconds went by in them and between them (not in waiting
        for permits); `random` gives numbers in [0, 1).
        """
        steps = min(attempts - 1, 30)
        longest = min(self.longest_seconds, self.first_seconds * 2.0**steps)
        jittered = longest * (0.5 + random() / 2)
        if asked is not None:
            wait = max(asked, min(jittered, self.first_seconds))
            return wait if spent + wait <= self.asked_cap_seconds else None
        left = self.cap_seconds - spent
        return min(jittered, left) if left > 0 else None

    def shared_wait(self, wait: float | None, asked: float | None) -> float:
        """How long everyone else stands back, also when this request gives up."""
        return wait if wait is not None else min(asked or 0.0, self.asked_cap_seconds)
