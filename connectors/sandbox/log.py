"""What was asked of the sandbox: counters that never lose one, and a bounded log."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=1024)
def key_hash(key: str) -> str:
    """What stands for a key in log and counters."""
    return hashlib.sha256(key.encode()).hexdigest()[:12]


@lru_cache(maxsize=4096)
def iso_time(millis: int) -> str:
    """ISO 8601 in UTC with milliseconds and `Z`."""
    at = datetime.fromtimestamp(millis // 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{millis % 1000:03d}Z"


@dataclass(slots=True)
class Entry:
    """One request; `status` 0 = never answered, `fault` names the rule that struck it."""

    sequence: int
    dialect: str
    method: str
    path: str
    query: str
    route: str
    status: int
    delivery: str
    fault: str | None
    key: str | None
    at: float
    duration: float
    body: str | None

    def as_json(self) -> dict[str, Any]:
        return {
            "sequence": self.sequence,
            "dialect": self.dialect,
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "route": self.route,
            "status": self.status,
            "delivery": self.delivery,
            "fault": self.fault,
            "key": self.key,
            "at": iso_time(int(self.at * 1000)),
            "duration_ms": round(self.duration * 1000, 3),
            "body": self.body,
        }


class RequestLog:
    """All requests of a sandbox since its start or the last reset of the counters."""

    def __init__(self, size: int) -> None:
        self._entries: deque[Entry] = deque(maxlen=size)
        self._sequence = 0
        self.reset_counters()

    def reset_counters(self) -> None:
        """Start counting anew; the log itself stays."""
        self._requests: Counter[tuple[str, str, str, int]] = Counter()
        self._seconds: dict[tuple[str, str | None], tuple[int, int]] = {}
        self._busiest: dict[tuple[str, str | None], int] = {}

    def add(self, entry: Entry) -> None:
        self._sequence += 1
        entry.sequence = self._sequence
        self._entries.append(entry)
        self._requests[entry.dialect, entry.method, entry.route, entry.status] += 1
        who = (entry.dialect, entry.key)
        second = int(entry.at)
        window, count = self._seconds.get(who, (second, 0))
        count = count + 1 if window == second else 1
        self._seconds[who] = (second, count)
        if count > self._busiest.get(who, 0):
            self._busiest[who] = count

    def since(self, sequence: int) -> list[dict[str, Any]]:
        """The kept entries behind this sequence number, oldest first."""
        return [entry.as_json() for entry in self._entries if entry.sequence > sequence]

    def stats(self) -> dict[str, Any]:
        """`requests` per dialect, method, route and status; the busiest second per key."""
        requests = [
            {"dialect": dialect, "method": method, "route": route, "status": status, "count": count}
            for (dialect, method, route, status), count in sorted(self._requests.items())
        ]
        totals: Counter[str] = Counter()
        throttled: Counter[str] = Counter()
        for (dialect, _, _, status), count in self._requests.items():
            totals[dialect] += count
            throttled[dialect] += count if status == 429 else 0
        busiest = [
            {"dialect": dialect, "key": key, "requests": count}
            for (dialect, key), count in self._busiest.items()
        ]
        return {
            "requests": requests,
            "totals": dict(totals),
            "throttled": dict(throttled),
            "busiest_second": busiest,
        }
