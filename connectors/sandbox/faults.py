"""Faults on demand: which rule strikes a request, and what becomes of it."""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

from connectors.sandbox.call import Call, Dialect, Reply
from connectors.sandbox.people import People
from connectors.sandbox.rates import retry_after_date
from connectors.sandbox.rules import FaultKind, FaultRule

MEGABYTE = 1 << 20
_PAGE = b"<!DOCTYPE html><html><body><h1>Service unavailable</h1></body></html>"

Answer = Callable[[], Awaitable[Reply]]
"""Lets the service handle the request; a write takes effect when this is awaited."""


class ActiveRule:
    """A rule with its counts; strikes are decided in the order in which requests arrive."""

    def __init__(self, id: int, rule: FaultRule) -> None:
        self.id = id
        self.rule = rule
        self.matched = 0
        self.struck = 0
        self._chance = random.Random(rule.seed)
        self._path = re.compile(rule.path) if rule.path else None
        self._query = re.compile(rule.query) if rule.query else None
        self._body = re.compile(rule.body) if rule.body else None

    def strikes(self, dialect: Dialect, call: Call) -> bool:
        """Count a request that matches; whether the rule strikes it."""
        if not self._matches(dialect, call):
            return False
        self.matched += 1
        rule = self.rule
        if rule.times is not None and self.struck >= rule.times:
            return False
        if not (
            (rule.nth is None or self.matched == rule.nth)
            and (rule.every is None or self.matched % rule.every == 0)
            and (rule.first is None or self.matched <= rule.first)
            and (rule.probability is None or self._chance.random() < rule.probability)
        ):
            return False
        self.struck += 1
        return True

    def _matches(self, dialect: Dialect, call: Call) -> bool:
        rule = self.rule
        if rule.dialect not in (None, dialect.name) or rule.method not in (None, call.method):
            return False
        cursor = dialect.page_shape.cursor_parameter
        if rule.kind is FaultKind.CURSOR_REFUSED and (cursor is None or not call.parameter(cursor)):
            return False
        return (
            _found(self._path, call.path)
            and _found(self._query, unquote_plus(call.query))
            and _found(self._body, call.body.decode(errors="replace"))
        )

    def as_json(self) -> dict[str, Any]:
        rule = self.rule.model_dump(mode="json", exclude_defaults=True)
        return {"id": self.id, "matched": self.matched, "struck": self.struck, **rule}


@dataclass(slots=True)
class Hold:
    """A request that waits for a test to release it."""

    id: int
    dialect: str
    method: str
    path: str
    body: str
    when: str
    since: float
    released: asyncio.Event = field(default_factory=asyncio.Event)
    dropped: bool = False

    def as_json(self) -> dict[str, Any]:
        names = ("id", "dialect", "method", "path", "body", "when", "since")
        return {name: getattr(self, name) for name in names}


class Faults:
    """The rules of a sandbox and the requests they hold."""

    def __init__(self, rules: Sequence[FaultRule], people: Callable[[], People]) -> None:
        self._people = people
        self._ids = itertools.count(1)
        self._last_items: dict[tuple[str, str], object] = {}
        self._stopped = asyncio.Event()
        self.rules: list[ActiveRule] = []
        self.holds: dict[int, Hold] = {}
        for rule in rules:
            self.add(rule)

    def add(self, rule: FaultRule) -> int:
        """Put a rule behind the others; the first that strikes a request decides."""
        active = ActiveRule(next(self._ids), rule)
        self.rules.append(active)
        return active.id

    def clear(self) -> None:
        """Forget all rules; what is held stays held."""
        self.rules.clear()

    def release(self, id: int | None, *, drop: bool) -> list[int]:
        """Let held requests go on (None = all); dropped ones end without effect and answer."""
        chosen = [hold for hold in self.holds.values() if id in (None, hold.id)]
        for hold in chosen:
            hold.dropped = drop
            hold.released.set()
            del self.holds[hold.id]
        return [hold.id for hold in chosen]

    def stop(self) -> None:
        """Drop everything that waits: the sandbox is reset or ends."""
        self.release(None, drop=True)
        self._stopped.set()

    def strike(self, dialect: Dialect, call: Call) -> FaultRule | None:
        """The rule that strikes this request; the counts of later rules stay."""
        for active in self.rules:
            if active.strikes(dialect, call):
                return active.rule
        return None

    async def play(self, rule: FaultRule, dialect: Dialect, call: Call, answer: Answer) -> Reply:
        """What the request struck by a rule is answered."""
        match rule.kind:
            case FaultKind.STATUS | FaultKind.RESET | FaultKind.HTML | FaultKind.CURSOR_REFUSED:
                if rule.when == "after":
                    await answer()
                return _refusal(rule, dialect, call)
            case FaultKind.HANG | FaultKind.HOLD:
                return await self._delayed(rule, dialect, call, answer)
            case FaultKind.TRUNCATED:
                reply = await answer()
                body = reply.body()
                reply.payload = body[: len(body) // 2]
            case FaultKind.CUT:
                reply = await answer()
                reply.delivery = "cut"
            case FaultKind.BIG:
                reply = await answer()
                reply.padding = rule.megabytes * MEGABYTE
            case FaultKind.INSERT:
                self._people().insert(rule.count)
                reply = await answer()
            case _:
                reply = await answer()
                if reply.status == 200:
                    self._spoil_page(rule.kind, dialect, call, reply.payload)
        return reply

    async def _delayed(
        self, rule: FaultRule, dialect: Dialect, call: Call, answer: Answer
    ) -> Reply:
        reply = await answer() if rule.when == "after" else None
        if rule.kind is FaultKind.HOLD:
            if await self._held(rule, dialect, call):
                return Reply(0, delivery="reset")
        elif await self._stopped_within(rule.seconds):
            return Reply(0, delivery="reset")
        return reply or await answer()

    async def _stopped_within(self, seconds: float | None) -> bool:
        try:
            await asyncio.wait_for(self._stopped.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _held(self, rule: FaultRule, dialect: Dialect, call: Call) -> bool:
        """Wait for the release; whether the request is dropped.

        A request is not let go when its client goes away: released after that it still takes
        effect, like a write that arrives late.
        """
        body = call.body.decode(errors="replace")
        hold = Hold(
            next(self._ids), dialect.name, call.method, call.path, body, rule.when, time.time()
        )
        self.holds[hold.id] = hold
        await hold.released.wait()
        return hold.dropped

    def remember(self, dialect: Dialect, call: Call, reply: Reply) -> None:
        """Keep the last item of a page, for the duplicate that a rule may want."""
        if self.rules and reply.status == 200 and isinstance(reply.payload, dict):
            items = reply.payload.get(dialect.page_shape.items)
            if isinstance(items, list) and items:
                self._last_items[dialect.name, call.path] = items[-1]

    def _spoil_page(
        self, kind: FaultKind, dialect: Dialect, call: Call, payload: dict[str, Any]
    ) -> None:
        shape = dialect.page_shape
        if kind is FaultKind.DUPLICATE:
            repeated = self._last_items.get((dialect.name, call.path))
            if repeated is not None:
                payload[shape.items] = [repeated, *payload[shape.items]]
        elif kind is FaultKind.CURSOR_REPEATS:
            sent = call.parameter(shape.cursor_parameter) if shape.cursor_parameter else None
            if sent:
                shape.set_next(payload, sent)
        elif kind is FaultKind.EMPTY_PAGE:
            payload[shape.items] = []
            if shape.same_place is not None:
                shape.set_next(payload, shape.same_place(call))


def _found(pattern: re.Pattern[str] | None, text: str) -> bool:
    return pattern is None or pattern.search(text) is not None


def _refusal(rule: FaultRule, dialect: Dialect, call: Call) -> Reply:
    match rule.kind:
        case FaultKind.RESET:
            return Reply(0, delivery="reset")
        case FaultKind.HTML:
            return Reply(rule.status or 200, _PAGE, content_type="text/html; charset=utf-8")
        case FaultKind.CURSOR_REFUSED:
            return dialect.error(call, 400)
        case _:
            reply = dialect.error(call, rule.status or 500)
    if rule.retry_after is not None:
        as_date = rule.retry_after_form == "date"
        reply.headers["Retry-After"] = (
            retry_after_date(call.at, rule.retry_after) if as_date else str(rule.retry_after)
        )
    return reply
