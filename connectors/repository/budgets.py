"""Budgets: one limit per API key across threads, workers, launches and customers.

A paced budget is one row with the time of its next free slot; one atomic advance takes a slot
(GCRA with burst 1), so nothing else is needed to share it. A daily budget is a plain counter per
UTC day. All times are microseconds of the storage's own clock.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from connectors.clock import iso, utc_now
from connectors.crm.model import BudgetSpec
from connectors.errors import Parked, ProcessEnded
from connectors.processes.model import ACTIVE, ProcessState
from connectors.repository.storage import Collection, Storage

BUDGETS = Collection(name="budgets", key=("key",), columns={"key": str, "value": int})

PACE = 0.97
"""Share of a limit that is used: jitter on the way must not put one too many in a window."""
NEARLY_SPENT = 0.97
"""Share of a daily quota that may be used before a run parks itself."""
MISSED_AFTER_SECONDS = 2.0
READ_ACTIVE_EVERY_SECONDS = 0.9
"""A little under the promised second, for the way from the permit to the wire."""
_SECOND = 1_000_000
_STEP_SECONDS = 0.5


def key_hash(secret: str) -> str:
    """What stands for an API key in the repository."""
    return hashlib.sha256(secret.encode()).hexdigest()[:24]


class Budgets:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def take_slot(self, key: str, interval_us: int) -> float:
        """Reserve the next slot; returns the seconds until it."""
        slot = self._storage.advance(BUDGETS, (key,), by=interval_us, floor=0)
        return max(0, slot.before - slot.now) / _SECOND

    def push_back(self, key: str, seconds: float) -> None:
        """No slot before so many seconds from now."""
        self._storage.advance(BUDGETS, (key,), by=0, floor=int(seconds * _SECOND))

    def spend(self, key: str, units: int) -> int:
        """Count units; returns what was spent before them."""
        return self._storage.advance(BUDGETS, (key,), by=units, floor=None).before


class Liveness:
    """Whether a process is active, read at most once a second for all threads of an OS process."""

    def __init__(self, process_id: str, state_of: Callable[[str], ProcessState | None]) -> None:
        self.process_id = process_id
        self._state_of = state_of
        self._read_at = float("-inf")
        self._state: ProcessState | None = None
        self._lock = threading.Lock()

    def require_active(self) -> None:
        """Raises ProcessEnded."""
        with self._lock:
            if time.monotonic() - self._read_at >= READ_ACTIVE_EVERY_SECONDS:
                self._read_at = time.monotonic()
                self._state = self._state_of(self.process_id)
            state = self._state
        if state not in ACTIVE:
            ended = state.value if state else "deleted"
            raise ProcessEnded(f"process {self.process_id} is {ended}", code="process_ended")


@dataclass(slots=True)
class Gate:
    """What the threads of one OS process share per key: at most one unspent slot at a time."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    held_until: float = 0.0


class ProcessPermits:
    """Permits of one process on one key (see `connectors.http.permits.Permits`).

    `key` prefixes the budgets' rows; `liveness` is None for commands without a process.
    """

    def __init__(
        self,
        budgets: Budgets,
        key: str,
        specs: Sequence[BudgetSpec],
        gate: Gate,
        liveness: Liveness | None,
    ) -> None:
        self._budgets = budgets
        self._key = key
        self._paced = [spec for spec in specs if not spec.daily]
        self._daily = [spec for spec in specs if spec.daily]
        self._gate = gate
        self._liveness = liveness

    def take(self, cost: Mapping[str, float]) -> float:
        self._require_active()
        with self._gate.lock:
            self._spend_daily(cost)
            throttled = self._await_hold() + self._await_slots(cost)
        self._require_active()
        return throttled

    def push_back(self, seconds: float) -> None:
        self._gate.held_until = max(self._gate.held_until, time.monotonic() + seconds)
        for spec in self._paced:
            self._budgets.push_back(f"{self._key}/{spec.name}", seconds)

    def pause(self, seconds: float) -> None:
        self._require_active()
        self._sleep_until(time.monotonic() + seconds)

    def _await_hold(self) -> float:
        return self._sleep_until(self._gate.held_until)

    def _await_slots(self, cost: Mapping[str, float]) -> float:
        throttled = 0.0
        for spec in self._paced:
            interval = spec.per_seconds / (spec.limit * PACE) * cost.get(spec.name, 1)
            if interval <= 0:
                continue
            while True:
                wait = self._budgets.take_slot(
                    f"{self._key}/{spec.name}", round(interval * _SECOND)
                )
                due = time.monotonic() + wait
                throttled += self._sleep_until(due)
                if time.monotonic() - due < MISSED_AFTER_SECONDS:
                    break
        return throttled

    def _spend_daily(self, cost: Mapping[str, float]) -> None:
        for spec in self._daily:
            units = round(cost.get(spec.name, 1))
            if units <= 0:
                continue
            today = utc_now().date()
            spent = self._budgets.spend(f"{self._key}/{spec.name}/{today}", units)
            if spent + units > spec.limit * NEARLY_SPENT:
                tomorrow = utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
                until = iso(tomorrow + timedelta(days=1))
                raise Parked(
                    f"the daily quota {spec.name!r} of {spec.limit:g} is nearly spent; "
                    f"continued after {until} (or raise the option if the plan allows more)",
                    until=until,
                )

    def _sleep_until(self, due: float) -> float:
        """Sleep in steps short enough to notice the end of the process; returns the seconds."""
        started = time.monotonic()
        while (left := due - time.monotonic()) > 0:
            time.sleep(min(left, _STEP_SECONDS))
            if left > _STEP_SECONDS:
                self._require_active()
        return max(0.0, time.monotonic() - started) if due > started else 0.0

    def _require_active(self) -> None:
        if self._liveness is not None:
            self._liveness.require_active()
