"""The sandbox as an ASGI application and as a running server."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import struct
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from connectors.errors import ConfigurationError
from connectors.sandbox.call import Call, Reply
from connectors.sandbox.settings import Settings
from connectors.sandbox.state import Sandbox

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

HOST = "127.0.0.1"
CONTROL = "_sandbox"
_CHUNK = b" " * (1 << 20)
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_KEEP_ALIVE_SECONDS = 75
"""Longer than clients keep idle connections, so that a close never races with a request."""


class SandboxApp:
    """Hands requests to the services by the first part of their path, the rest to control."""

    def __init__(self, sandbox: Sandbox, control: ASGIApp) -> None:
        self._sandbox = sandbox
        self._control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            _, mount, path = f"{scope['path']}/".split("/", 2)
            dialect = self._sandbox.dialects.get(mount)
            if dialect is not None:
                call = await _read(scope, receive, "/" + path.removesuffix("/"))
                reply, _ = await self._sandbox.exchange(dialect, call)
                await _deliver(reply, receive, send)
                return
        await self._control(scope, receive, send)

    def stop(self) -> None:
        """Let nothing that waits keep the server."""
        self._sandbox.faults.stop()


def build_app(settings: Settings) -> SandboxApp:
    """The application of a new sandbox."""
    from connectors.sandbox.control import control_app

    sandbox = Sandbox(settings)
    return SandboxApp(sandbox, control_app(sandbox))


def run_server(
    port: int, settings: Settings, *, announce: Callable[[dict[str, Any]], None] | None = None
) -> None:
    """Serve until SIGTERM or SIGINT; `port` 0 takes a free one.

    `announce` is called with `{"url", "port", "pid"}` once the server answers; by default that is
    printed as one line of JSON. Raises ConfigurationError when a package is missing or the port is
    taken.
    """
    try:
        import uvicorn

        from connectors.sandbox.pools import draw_pools

        app = build_app(settings)
        draw_pools(settings.seed)
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        raise ConfigurationError(
            f"the sandbox needs the package {package!r}, which is not installed; "
            "run: pip install 'quo-sync[demo]'"
        ) from None
    listener = _listen(port)
    port = listener.getsockname()[1]
    address = {"url": f"http://{HOST}:{port}", "port": port, "pid": os.getpid()}

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            (announce or _print_line)(address)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            app.stop()
            await super().shutdown(sockets)

    config = uvicorn.Config(
        app,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        lifespan="off",
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=1,
    )
    _spare_the_collector()
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn stops on these, then raises them again for whoever handled them before.
        signal.signal(number, lambda *_: None)
    with contextlib.closing(listener):
        Server(config).run(sockets=[listener])


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"port {port} of {HOST} cannot be used ({error.strerror}); choose another with --port"
        ) from None
    return listener


def _print_line(address: dict[str, Any]) -> None:
    print(json.dumps(address), flush=True)


def _spare_the_collector() -> None:
    """Many long-lived documents and no cycles to speak of: full collections would only pause."""
    gc.freeze()
    gc.set_threshold(50_000, 50, 1000)


async def _read(scope: Scope, receive: Receive, path: str) -> Call:
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return Call(
        method=scope["method"],
        path=path,
        query=scope["query_string"].decode("latin-1"),
        headers=scope["headers"],
        body=body,
        at=time.time(),
    )


async def _deliver(reply: Reply, receive: Receive, send: Send) -> None:
    if reply.delivery == "reset":
        await _drop(receive, send, reset=True)
        return
    body = reply.body()
    headers = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
    if body:
        headers.append((b"content-type", reply.content_type.encode()))
    if reply.status != 204:
        headers.append((b"content-length", str(len(body) + reply.padding).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if reply.delivery == "cut":
        await send(_part(body[: len(body) // 2], more=True))
        await _drop(receive, send, reset=False)
        return
    padding = reply.padding
    await send(_part(body, more=padding > 0))
    while padding > 0:
        piece = _CHUNK[:padding]
        padding -= len(piece)
        await send(_part(piece, more=padding > 0))


def _part(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


async def _drop(receive: Receive, send: Send, *, reset: bool) -> None:
    """Close the connection under the server: ASGI has no word for it, uvicorn's cycle has it."""
    transport = send.__self__.transport  # type: ignore[attr-defined]
    if transport.is_closing():
        return
    if reset:
        _reset_on_close(transport.get_extra_info("socket"))
        transport.abort()
    else:
        transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass


def _reset_on_close(connection: Any) -> None:
    """Make closing send a TCP reset instead of an orderly end."""
    with socket.socket(fileno=os.dup(connection.fileno())) as twin:
        twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
