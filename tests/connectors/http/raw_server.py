"""A server of raw sockets: it can lie, stall, cut off and reset as no framework would."""

from __future__ import annotations

import json
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Seen:
    """One request as it arrived; `number` counts from 1."""

    number: int
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    peer: int
    """The port of the connection's other end."""
    under_way: int
    """Requests that the server had in hand, this one included."""

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """What to send back; every field but the first three is a way to misbehave."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    announced: int | None = None
    """A Content-Length that is not the body's."""
    pieces: Iterable[bytes] | None = None
    """Sent one by one after the head, without a length: the end is the closed connection."""
    between: float = 0.0
    """Seconds between pieces."""
    close: bool = False
    reset: bool = False
    """The connection is reset after the request was read, and nothing is sent."""


def answer(value: Any, status: int = 200, **options: Any) -> Reply:
    return Reply(status, json.dumps(value).encode(), **options)


Script = Callable[[Seen], Reply]


class RawServer:
    """Serves a script on a loopback port; a thread per connection."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.seen: list[Seen] = []
        self.under_way = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Connection)
        self._server.owner = self
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def note(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, peer: int
    ) -> Seen:
        with self._lock:
            self.under_way += 1
            number = len(self.seen) + 1
            seen = Seen(number, method, target, headers, body, peer, self.under_way)
            self.seen.append(seen)
            return seen

    def done(self) -> None:
        with self._lock:
            self.under_way -= 1

    def wait(self, seconds: float) -> None:
        self._closing.wait(seconds)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64
    owner: RawServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The client hung up: part of many tests."""


class _Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        owner = self.server.owner  # type: ignore[attr-defined]
        while (line := self.rfile.readline()).strip():
            method, target, _ = line.decode().split()
            headers = self._headers()
            body = self.rfile.read(int(headers.get("content-length", 0)))
            seen = owner.note(method, target, headers, body, self.client_address[1])
            try:
                reply = owner.script(seen)
                owner.wait(reply.delay)
            finally:
                owner.done()
            if not self._reply(reply):
                return

    def _headers(self) -> dict[str, str]:
        headers = {}
        while line := self.rfile.readline().decode().strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return headers

    def _reply(self, reply: Reply) -> bool:
        """Send it; False when the connection is over."""
        if reply.reset:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
            return False
        headers = {"Content-Type": "application/json", **reply.headers}
        if reply.pieces is None:
            length = len(reply.body) if reply.announced is None else reply.announced
            headers["Content-Length"] = str(length)
        lines = [f"HTTP/1.1 {reply.status} Status", *(f"{k}: {v}" for k, v in headers.items())]
        self.wfile.write("\r\n".join([*lines, "", ""]).encode())
        if reply.pieces is None:
            self.wfile.write(reply.body)
            short = reply.announced is not None and reply.announced > len(reply.body)
            return not (reply.close or short)
        for piece in reply.pieces:
            self.wfile.write(piece)
            if reply.between:
                time.sleep(reply.between)
        return False
