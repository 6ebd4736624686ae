"""The leave to send: what stands between a request and the wire."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Protocol


class Permits(Protocol):
    """Gives one permit per request (rules: the process is active, the budget has a slot).

    Implemented over the repository by `connectors.repository.budgets`; `Unlimited` is for
    commands and tests without one.
    """

    def take(self, cost: Mapping[str, float]) -> float:
        """Wait for the permit of one request; returns the seconds that the key was throttled.

        Called from the page's own thread, never from a pool thread. Raises ProcessEnded when the
        process is no longer active (read at most 1 s ago, before and after the wait) and Parked
        when a daily quota is nearly spent.
        """

    def push_back(self, seconds: float) -> None:
        """Everyone who uses this key stands back for so long (429, `Retry-After`).

        `take` gives nothing before that, also where the key has no limit per second: the client
        relies on it and does not sleep by itself.
        """

    def pause(self, seconds: float) -> None:
        """Sleep before a retry; raises ProcessEnded within 1 s when the process ends meanwhile.

        Looks before it sleeps, so that `pause(0)` only asks whether the process is still active.
        """


class Unlimited:
    """Permits without a budget and without a process."""

    def __init__(self) -> None:
        self._held_until = 0.0

    def take(self, cost: Mapping[str, float]) -> float:  # noqa: ARG002
        wait = max(0.0, self._held_until - time.monotonic())
        if wait:
            time.sleep(wait)
        return wait

    def push_back(self, seconds: float) -> None:
        self._held_until = max(self._held_until, time.monotonic() + seconds)

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)
