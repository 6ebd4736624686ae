from __future__ import annotations

from collections.abc import Callable

import pytest

from connectors.http.client import HttpClient
from connectors.quo.client import QuoClient
from tests.connectors.http.clients import Clients
from tests.connectors.http.conftest import clients, serve
from tests.connectors.http.raw_server import RawServer, Script
from tests.connectors.quo.small_quo import SmallQuo

__all__ = ["clients", "serve"]


@pytest.fixture
def small_quo() -> SmallQuo:
    return SmallQuo()


@pytest.fixture
def server(small_quo: SmallQuo, serve: Callable[[Script], RawServer]) -> RawServer:
    return serve(small_quo)


@pytest.fixture
def http(server: RawServer, clients: Clients) -> HttpClient:
    return clients.client(server.url)


@pytest.fixture
def quo(http: HttpClient) -> QuoClient:
    return QuoClient(http)
