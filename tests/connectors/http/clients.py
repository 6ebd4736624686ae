"""Clients with short patience, and permits that remember what was asked of them."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from connectors.errors import ProcessEnded, SyncError
from connectors.http.auth import Auth, HeaderAuth
from connectors.http.client import Channel, HttpClient
from connectors.http.permits import Permits
from connectors.http.retry import BackOff

SECRET = "kq7Zr3Wm9Tx2Bv6N"
SHORT = BackOff(first_seconds=0.01, longest_seconds=0.02, cap_seconds=0.25, asked_cap_seconds=0.25)


class Ledger:
    """Permits without waiting: they count, and end the process when told to."""

    def __init__(self, throttled: float = 0.0, ends_after: int | None = None) -> None:
        self.costs: list[dict[str, float]] = []
        self.pushed_back: list[float] = []
        self.pauses: list[float] = []
        self.threads: set[int] = set()
        self.end: SyncError = ProcessEnded("process p1 is CANCELLED", code="process_ended")
        self._throttled = throttled
        self._ends_after = ends_after

    def take(self, cost: Mapping[str, float]) -> float:
        self._look()
        self.threads.add(threading.get_ident())
        self.costs.append(dict(cost))
        return self._throttled

    def push_back(self, seconds: float) -> None:
        self.pushed_back.append(seconds)

    def pause(self, seconds: float) -> None:
        self._look()
        self.pauses.append(seconds)
        threading.Event().wait(min(seconds, 0.05))

    def _look(self) -> None:
        if self._ends_after is not None and len(self.costs) >= self._ends_after:
            raise self.end


class RenewableToken:
    """An auth whose token can be renewed a number of times."""

    def __init__(self, renewals: int) -> None:
        self.renewed = 0
        self._renewals = renewals

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"token-{self.renewed}"}

    def refresh(self) -> bool:
        if self.renewed == self._renewals:
            return False
        self.renewed += 1
        return True


class Clients:
    """Makes channels and clients that are closed together."""

    def __init__(self) -> None:
        self._channels: list[Channel] = []

    def channel(
        self, base_url: str, auth: Auth | None = None, *, read_timeout: float = 5.0
    ) -> Channel:
        auth = auth or HeaderAuth("Authorization", SECRET)
        channel = Channel(base_url, auth, connect_timeout=2.0, read_timeout=read_timeout)
        self._channels.append(channel)
        return channel

    def client(
        self,
        base_url: str,
        permits: Permits | None = None,
        *,
        auth: Auth | None = None,
        proven: bool = False,
        read_timeout: float = 5.0,
        back_off: BackOff = SHORT,
    ) -> HttpClient:
        channel = self.channel(base_url, auth, read_timeout=read_timeout)
        channel.proven = proven
        return HttpClient(channel, permits or Ledger(), back_off=back_off)

    def close(self) -> None:
        for channel in self._channels:
            channel.close()
