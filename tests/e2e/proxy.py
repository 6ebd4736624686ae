"""A TCP proxy before a database that stops at a chosen statement, for a kill at that very point."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from types import TracebackType
from typing import Literal, Self

Moment = Literal["before", "after"]


def writing(collection: str, verb: str | None = None) -> re.Pattern[bytes]:
    """The statements that write to a collection, in SQL or in MongoDB's protocol.

    `verb`: only `insert` (in SQL an upsert too) or `update`.
    """
    name = collection.encode()
    sql = {"insert": b"INSERT INTO", "update": b"UPDATE"}
    verbs = [verb] if verb else ["insert", "update"]
    bson_length = (len(name) + 1).to_bytes(4, "little")
    patterns = [sql[v] + b' "?' + name + rb"\b" for v in verbs]
    patterns += [
        re.escape(b"\x02" + v.encode() + b"\x00" + bson_length + name + b"\x00") for v in verbs
    ]
    return re.compile(b"|".join(patterns), re.DOTALL)


class DatabaseProxy:
    """Relays to one server; `stop_at` chooses the statement at which everything stands still."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._pattern: re.Pattern[bytes] | None = None
        self._left = 0
        self._moment: Moment = "before"
        self.stopped = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.close()
        self.cut()

    def stop_at(self, pattern: re.Pattern[bytes], nth: int, moment: Moment) -> None:
        """Stop at the nth statement that matches.

        `before`: it never reaches the server; `after`: it is carried out, its answer is withheld.
        """
        with self._lock:
            self._pattern, self._left, self._moment = pattern, nth, moment
            self.stopped.clear()

    def cut(self) -> None:
        """Drop all connections and be an ordinary proxy again."""
        with self._lock:
            self._pattern = None
            self.stopped.clear()
            closing, self._open = self._open, set()
        for connection in closing:
            _end(connection)

    # -- relaying ---------------------------------------------------------------------------

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            with self._lock:
                self._open |= {client, server}
            answers_withheld = threading.Event()
            threading.Thread(
                target=self._requests, args=(client, server, answers_withheld), daemon=True
            ).start()
            threading.Thread(
                target=self._answers, args=(server, client, answers_withheld), daemon=True
            ).start()

    def _requests(
        self, client: socket.socket, server: socket.socket, answers_withheld: threading.Event
    ) -> None:
        while data := _received(client):
            moment = self._strikes(data)
            if moment == "after":
                answers_withheld.set()
            if moment == "before":
                self.stopped.set()
            if moment == "before" or self.stopped.is_set():
                return  # the whole database stands still, until the kill
            if not _sent(server, data):
                return
        _end(server)

    def _answers(
        self, server: socket.socket, client: socket.socket, answers_withheld: threading.Event
    ) -> None:
        while data := _received(server):
            if answers_withheld.is_set():
                self.stopped.set()
            if self.stopped.is_set() or not _sent(client, data):
                return
        _end(client)

    def _strikes(self, data: bytes) -> Moment | None:
        with self._lock:
            if self._pattern is None or not self._pattern.search(data):
                return None
            self._left -= 1
            return self._moment if self._left == 0 else None


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1 << 20)
    except OSError:
        return b""


def _sent(connection: socket.socket, data: bytes) -> bool:
    try:
        connection.sendall(data)
    except OSError:
        return False
    return True


def _end(connection: socket.socket) -> None:
    """Close also under a thread that is reading: that alone does not end the connection."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
