from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.connectors.http.clients import Clients
from tests.connectors.http.raw_server import RawServer, Script


@pytest.fixture
def serve() -> Iterator[Callable[[Script], RawServer]]:
    """Start a server with a script; closed after the test."""
    servers: list[RawServer] = []

    def start(script: Script) -> RawServer:
        servers.append(RawServer(script))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def clients() -> Iterator[Clients]:
    """Make channels and clients; closed after the test."""
    made = Clients()
    yield made
    made.close()
