"""The leave to send: what stands between a request and the wire."""

from __future__ import annotations

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
        """Everyone who uses this key stands back for so long (429, `Retry-After`)."""

    def pause(self, seconds: float) -> None:
        """Sleep before a retry; raises ProcessEnded within 1 s when the process ends meanwhile."""


class Unlimited:
    """Permits without a budget and without a process."""

    def take(self, cost: Mapping[str, float]) -> float:  # noqa: ARG002
        return 0.0

    def push_back(self, seconds: float) -> None:
        pass

    def pause(self, seconds: float) -> None:
        import time

        time.sleep(seconds)
