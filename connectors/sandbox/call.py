"""One request and its reply, and how a dialect finds the handler for it."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qs


@dataclass(slots=True)
class Call:
    """A request as a dialect sees it: `path` begins behind the dialect's mount point."""

    method: str
    path: str
    query: str
    headers: list[tuple[bytes, bytes]]
    body: bytes
    at: float
    """Seconds since the epoch."""
    gateway_headers: dict[str, str] = field(default_factory=dict)
    """What the gateway puts on the answer, whatever it is."""
    _parameters: dict[str, list[str]] | None = None

    def header(self, name: bytes) -> str | None:
        """The first header of this name (lower case)."""
        for key, value in self.headers:
            if key == name:
                return value.decode("latin-1")
        return None

    @property
    def parameters(self) -> dict[str, list[str]]:
        if self._parameters is None:
            query = self.query
            self._parameters = parse_qs(query, keep_blank_values=True) if query else {}
        return self._parameters

    def parameter(self, name: str) -> str | None:
        values = self.parameters.get(name)
        return values[-1] if values else None

    def json(self) -> Any:
        """The decoded body, None when it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(slots=True)
class Reply:
    """An answer: `payload` None = no body, bytes = as they are, anything else = JSON.

    `delivery`: `reset` drops the connection unanswered, `cut` in the middle of the body.
    `padding` is a number of blank bytes behind the body (JSON stays JSON).
    """

    status: int
    payload: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    delivery: Literal["whole", "cut", "reset"] = "whole"
    padding: int = 0

    def body(self) -> bytes:
        if self.payload is None:
            return b""
        if isinstance(self.payload, bytes):
            return self.payload
        return json.dumps(self.payload, ensure_ascii=False, separators=(",", ":")).encode()


class Refused(Exception):  # noqa: N818 - an answer, not a failure of the sandbox
    """Raised inside a handler to answer at once."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


Handler = Callable[..., Reply]


@dataclass(frozen=True, slots=True)
class Match:
    """The route of a call, its handler, and the id at the end of the path (if it takes one)."""

    route: str
    handler: Handler
    argument: str | None


class Routes:
    """A table of `METHOD /path` or `METHOD /path/{id}`; a fixed path wins over an id."""

    def __init__(self, table: Mapping[str, Handler]) -> None:
        self._fixed: dict[tuple[str, str], Match] = {}
        self._with_id: dict[tuple[str, str], tuple[str, Handler]] = {}
        for line, handler in table.items():
            method, path = line.split(" ")
            if path.endswith("/{id}"):
                self._with_id[method, path.removesuffix("/{id}")] = (path, handler)
            else:
                self._fixed[method, path] = Match(path, handler, None)

    def find(self, method: str, path: str) -> Match | None:
        fixed = self._fixed.get((method, path))
        if fixed is not None:
            return fixed
        parent, _, last = path.rpartition("/")
        found = self._with_id.get((method, parent)) if last else None
        return Match(*found, last) if found else None


@dataclass(frozen=True, slots=True)
class PageShape:
    """Where the pages of a dialect's lists keep their items and cursors, for page faults.

    `next_cursor` is a path of keys; `same_place` gives another cursor for the same place (None
    stands for the beginning). Dialects that page by number have neither.
    """

    items: str
    cursor_parameter: str | None = None
    next_cursor: tuple[str, ...] = ()
    same_place: Callable[[Call], str] | None = None

    def set_next(self, payload: dict[str, Any], cursor: str | None) -> None:
        *parents, last = self.next_cursor
        for key in parents:
            payload = payload.setdefault(key, {})
        payload[last] = cursor


class Dialect(ABC):
    """One service that the sandbox behaves like; handlers are synchronous and never wait."""

    name: str
    routes: Routes
    page_shape: PageShape

    @abstractmethod
    def admit(self, call: Call) -> Reply | None:
        """What the gateway in front says on arrival (key, rate); None lets the call through."""

    @abstractmethod
    def key_of(self, call: Call) -> str | None:
        """The secret that the call was sent with; only its hash is ever kept."""

    @abstractmethod
    def error(self, call: Call, status: int) -> Reply:
        """An error answer in this service's own shape."""

    @abstractmethod
    def reset(self) -> None:
        """Forget everything that was written."""

    def handle(self, call: Call, match: Match | None) -> Reply:
        if match is None:
            return self.error(call, 404)
        try:
            if match.argument is None:
                return match.handler(call)
            return match.handler(call, match.argument)
        except Refused as refused:
            return refused.reply
