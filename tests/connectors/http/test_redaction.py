from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.http.redaction import redact, register_secret, shown_path


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("{'authorization': 'k1 k2', 'a': 'b'}", "{'authorization': '***', 'a': 'b'}"),
        ('"x-api-token": "abc"', '"x-api-token": "***"'),
        ("Set-Cookie: a=b; c=d\nnext", "Set-Cookie: ***\nnext"),
        ("GET /a?api_token=abc&limit=5", "GET /a?api_token=***&limit=5"),
        ("key=abc", "key=***"),
        ("refresh_token=abc&grant_type=x", "refresh_token=***&grant_type=x"),
        ("client_secret=abc password=def", "client_secret=*** password=***"),
        ('{"access_token": "abc", "n": 1}', '{"access_token": "***", "n": 1}'),
        ("postgresql://user:p@ss@host/db", "postgresql://***@host/db"),
        ("http://proxy:pw@host:3128", "http://***@host:3128"),
        ("mail a@b.example", "mail a@b.example"),
        ("the monkey=banana case", "the monkey=banana case"),
        ("HTTP 503 from api.x.com/v1/contacts", "HTTP 503 from api.x.com/v1/contacts"),
    ],
)
def test_what_looks_like_a_secret_is_removed(text: str, clean: str) -> None:
    assert redact(text) == clean


def test_registered_secret_is_removed_plain_and_encoded() -> None:
    register_secret("pa$$/w+rd")
    assert redact("got pa$$/w+rd and pa%24%24%2Fw%2Brd") == "got *** and ***"


def test_longer_of_two_secrets_is_removed_whole() -> None:
    register_secret("abcd1234")
    register_secret("abcd1234-extended")
    assert redact("x abcd1234-extended y") == "x *** y"


def test_too_short_a_value_is_not_registered() -> None:
    register_secret("on")
    assert redact("on and on") == "on and on"


@given(st.text())
def test_any_text_can_be_redacted_and_twice_is_once(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/v1/contacts", "/v1/contacts"),
        ("/v1/contacts/6a145ff26212a192852c0001", "/v1/contacts/{id}"),
        ("/api/v2/persons/4107/flow?x=1", "/api/v2/persons/{id}/flow"),
        ("/services/data/v60.0/query/01g-2000", "/services/data/v60.0/query/{id}"),
        ("/v1/contact-custom-fields", "/v1/contact-custom-fields"),
        ("/api/v4/contacts.json", "/api/v4/contacts.json"),
        ("/v1/search/ada%40example.com", "/v1/search/{id}"),
        ("/v1/search/ada@example.com", "/v1/search/{id}"),
        ("", ""),
    ],
)
def test_path_shows_no_ids(path: str, shown: str) -> None:
    assert shown_path(path) == shown
