"""Rate meters: the gateways' ways of counting requests."""

from __future__ import annotations

from collections import deque
from email.utils import formatdate
from math import ceil


class WindowMeter:
    """Fixed one-second windows per key, as Kong's rate-limiting plugin counts locally."""

    def __init__(self) -> None:
        self._windows: dict[str, tuple[int, int]] = {}

    def take(self, key: str, at: float) -> int:
        """Count a request; returns which one it is in its window (from 1)."""
        second = int(at)
        window, count = self._windows.get(key, (second, 0))
        count = count + 1 if window == second else 1
        self._windows[key] = (second, count)
        return count


class RollingMeter:
    """A rolling window per key; refused requests do not count."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._times: dict[str, deque[float]] = {}

    def take(self, key: str, at: float, limit: int) -> tuple[bool, int, int]:
        """Whether the request is within the limit, how many are left, seconds until more are."""
        times = self._times.setdefault(key, deque())
        while times and times[0] <= at - self._seconds:
            times.popleft()
        allowed = len(times) < limit
        if allowed:
            times.append(at)
        reset = ceil(times[0] + self._seconds - at) if times else 0
        return allowed, limit - len(times), max(1, reset)


class DailyMeter:
    """A budget of tokens that is full again at midnight UTC."""

    DAY = 86_400

    def __init__(self) -> None:
        self._day = -1
        self._spent = 0.0

    def take(self, cost: float, at: float, limit: float) -> tuple[bool, float, int]:
        """Whether the budget bears the cost, what is left, and seconds until midnight."""
        day, second = divmod(int(at), self.DAY)
        if day != self._day:
            self._day, self._spent = day, 0.0
        allowed = self._spent + cost <= limit
        if allowed:
            self._spent += cost
        return allowed, max(0.0, limit - self._spent), self.DAY - second


def retry_after_date(at: float, seconds: float) -> str:
    """The HTTP-date form of Retry-After, whole seconds and never too early."""
    return formatdate(ceil(at + seconds), usegmt=True)
