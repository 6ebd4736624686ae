"""One sandbox: its settings, people, services, faults and log."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from connectors.sandbox.call import Call, Dialect, Match, Reply
from connectors.sandbox.faults import Faults
from connectors.sandbox.log import Entry, RequestLog, key_hash
from connectors.sandbox.people import People
from connectors.sandbox.pipedrive import PipedriveDialect
from connectors.sandbox.quo import QuoDialect
from connectors.sandbox.scaling_test import ScalingTestDialect
from connectors.sandbox.settings import Settings

FIXED_UNTIL_RESET = frozenset(
    {"persons", "seed", "spice", "without_phone_share", "seed_time", "rows_per_second"}
    | {"custom_fields", "log_size", "faults"}
)


class Sandbox:
    """Everything that a sandbox remembers; `reset` is as good as a new one."""

    def __init__(self, settings: Settings) -> None:
        self._initial = self.settings = settings
        self.people = People(settings)
        self.log = RequestLog(settings.log_size)
        self.faults = Faults(settings.faults, lambda: self.people)
        self.quo = QuoDialect(lambda: self.settings)
        self.dialects: dict[str, Dialect] = {
            dialect.name: dialect
            for dialect in (
                self.quo,
                PipedriveDialect(lambda: self.settings, lambda: self.people),
                ScalingTestDialect(lambda: self.people),
            )
        }

    def reset(self, changes: dict[str, Any]) -> None:
        """Start anew with the first settings and these changes; what hangs or is held is dropped.

        Raises pydantic's ValidationError and then changes nothing.
        """
        settings = self.settings = self._initial.changed(changes)
        self.faults.stop()
        self.people = People(settings)
        self.log = RequestLog(settings.log_size)
        self.faults = Faults(settings.faults, lambda: self.people)
        for dialect in self.dialects.values():
            dialect.reset()

    def change(self, changes: dict[str, Any]) -> None:
        """Change settings while running; raises ValueError for those that a reset reads."""
        fixed = sorted(FIXED_UNTIL_RESET & changes.keys())
        if fixed:
            raise ValueError(f"{', '.join(fixed)}: changed by a reset only")
        self.settings = self.settings.changed(changes)
        if "quo_keys" in changes or "key_delay_seconds" in changes:
            self.quo.renew_keys()

    def reset_stats(self) -> None:
        """Start all counters anew; contacts, people and log stay."""
        self.log.reset_counters()
        self.quo.contacts.reset_counters()

    def stats(self, *, detail: bool) -> dict[str, Any]:
        return {
            **self.log.stats(),
            "quo": self.quo.contacts.stats(detail=detail),
            "persons": len(self.people.persons),
        }

    async def exchange(self, dialect: Dialect, call: Call) -> tuple[Reply, Entry]:
        """Answer a request as its service would, or as a fault wants; the log has it already."""
        begun = time.perf_counter()
        match = dialect.routes.find(call.method, call.path)
        rule = self.faults.strike(dialect, call) if self.faults.rules else None
        handled: Reply | None = None

        async def answer() -> Reply:
            nonlocal handled
            handled = await self._answer(dialect, call, match)
            return handled

        reply = await (self.faults.play(rule, dialect, call, answer) if rule else answer())
        self.faults.remember(dialect, call, reply)
        if call.gateway_headers:
            reply.headers = {**call.gateway_headers, **reply.headers}
        key = dialect.key_of(call)
        entry = Entry(
            sequence=0,
            dialect=dialect.name,
            method=call.method,
            path=call.path,
            query=call.query,
            route=match.route if match else "unknown",
            status=reply.status or (handled.status if handled else 0),
            delivery=reply.delivery,
            fault=rule.kind.value if rule else None,
            key=key_hash(key) if key is not None else None,
            at=call.at,
            duration=time.perf_counter() - begun,
            body=call.body.decode(errors="replace") if self.settings.log_bodies else None,
        )
        self.log.add(entry)
        return reply, entry

    async def _answer(self, dialect: Dialect, call: Call, match: Match | None) -> Reply:
        refused = dialect.admit(call)
        if refused is not None:
            return refused
        settings = self.settings
        latency = settings.quo_latency_ms if dialect is self.quo else settings.crm_latency_ms
        if latency:
            await asyncio.sleep(latency / 1000)
        return dialect.handle(call, match)
