"""Our requests against the vendor's own API description, where there is a copy of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.quo.client import Create, Patch, QuoClient
from connectors.quo.model import Contact
from tests.connectors.http.raw_server import RawServer, Seen, answer
from tests.connectors.quo.small_quo import SmallQuo

SPECS = os.environ.get("QUO_SYNC_SPECS")
HOST = "https://api.openphone.com"

pytestmark = pytest.mark.skipif(not SPECS, reason="QUO_SYNC_SPECS names no folder")

FULL = Contact(
    "person-1",
    "acme-pipedrive",
    first_name="Ada",
    last_name=None,
    company="Acme",
    phones=(("mobile", "+12025550101"),),
    emails=(("work", "ada@example.com"),),
    custom={"tier": ["gold"], "score": 7, "vip": True, "note": None},
    source_url="https://acme.pipedrive.com/person/1",
)

CALLS: dict[str, Callable[[QuoClient], Any]] = {
    "create": lambda quo: list(quo.write_all([Create(FULL)])),
    "create-bare": lambda quo: list(quo.write_all([Create(Contact("person-2", "acme"))])),
    "patch": lambda quo: list(quo.write_all([Patch("6a14", FULL.create_body())])),
    "look-up": lambda quo: quo.find_by_external_ids("acme", [f"person-{n}" for n in range(20)]),
    "is-empty": lambda quo: quo.source_is_empty("acme"),
    "list": lambda quo: list(quo.list_by_source("acme")),
    "get": lambda quo: quo.get_contact("6a14"),
    "delete": lambda quo: quo.delete_contact("6a14"),
    "custom-fields": lambda quo: quo.custom_fields(),
    "phone-numbers": lambda quo: quo.phone_numbers(),
    "users": lambda quo: quo.users(),
}


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(Path(SPECS or "", "quo-v1.json").read_text())
    return loaded


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_request_is_as_the_vendor_describes_it(
    call: Callable[[QuoClient], Any],
    quo: QuoClient,
    small_quo: SmallQuo,
    server: RawServer,
    description: dict[str, Any],
) -> None:
    small_quo.odd = lambda seen: (
        None if "/contacts" in seen.target else answer({"data": [], "nextPageToken": None})
    )
    call(quo)
    assert server.seen
    for seen in server.seen:
        assert faults(seen, description) == []


def faults(seen: Seen, description: dict[str, Any]) -> list[str]:
    from openapi_core import Config, OpenAPI
    from openapi_core.testing import MockRequest

    api = OpenAPI.from_dict(description, config=Config(spec_validator_cls=None))
    parts = urlsplit(seen.target)
    request = MockRequest(
        HOST,
        seen.method.lower(),
        parts.path,
        args=parse_qs(parts.query),
        headers=dict(seen.headers),
        data=seen.body or None,
        content_type=seen.headers.get("content-type", ""),
    )
    return [repr(error.__cause__ or error) for error in api.iter_request_errors(request)] + [
        f"unknown parameter {name}" for name in unknown_parameters(seen, description)
    ]


def unknown_parameters(seen: Seen, description: dict[str, Any]) -> set[str]:
    """openapi-core ignores them, and so does Quo: a misspelt filter would list everything."""
    parts = urlsplit(seen.target)
    path = parts.path.replace("/6a14", "/{id}")
    operation = description["paths"][path][seen.method.lower()]
    known = {parameter["name"] for parameter in operation.get("parameters", ())}
    return set(parse_qs(parts.query)) - known


def test_a_misspelt_filter_would_be_noticed(description: dict[str, Any]) -> None:
    seen = Seen(1, "GET", "/v1/contacts?externalIDs=1&maxResults=51", {}, b"", 0, 1)
    assert len(faults(seen, description)) >= 2
