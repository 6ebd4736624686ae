from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import ConfigurationError, ProcessError
from connectors.http.address import Address, encode_query


@pytest.mark.parametrize(
    ("base", "path", "params", "url"),
    [
        pytest.param("https://api.x.com", "/v1/a", None, "https://api.x.com/v1/a", id="plain"),
        pytest.param("https://api.x.com/", "v1/a", None, "https://api.x.com/v1/a", id="slashes"),
        pytest.param(
            "http://127.0.0.1:8099/quo",
            "/v1/a",
            None,
            "http://127.0.0.1:8099/quo/v1/a",
            id="prefix",
        ),
        pytest.param(
            "https://api.x.com",
            "/a",
            {"ids": ["1", "2"], "none": None, "yes": True, "q": "+1 a&b"},
            "https://api.x.com/a?ids=1&ids=2&yes=true&q=%2B1%20a%26b",
            id="query",
        ),
        pytest.param(
            "https://api.x.com", "/a?b=1", {"c": 2}, "https://api.x.com/a?b=1&c=2", id="more"
        ),
        pytest.param(
            "http://h:81/p",
            "http://h:81/p/next?page=2",
            None,
            "http://h:81/p/next?page=2",
            id="next-link",
        ),
        pytest.param(
            "https://h", "https://H:443/n?t=1", None, "https://h/n?t=1", id="default-port"
        ),
        pytest.param("https://h", "https://me:pw@h/n", None, "https://h/n", id="userinfo-dropped"),
        pytest.param(
            "https://h",
            "/a?u=https://evil.x",
            None,
            "https://h/a?u=https://evil.x",
            id="url-inside-query",
        ),
    ],
)
def test_url(base: str, path: str, params: dict[str, Any] | None, url: str) -> None:
    assert Address(base).url(path, params) == url


@pytest.mark.parametrize(
    "link",
    [
        "http://api.x.com/a",
        "https://api.x.com:8443/a",
        "https://evil.com/a",
        "https://api.x.com.evil.com/a",
        "https://api.x.com@evil.com/a",
        "https://api.x.com\\@evil.com/a",
        "https://evil.com#@api.x.com/a",
        "//evil.com/a",
        "ftp://api.x.com/a",
        "https://api.x.com:notaport/a",
        "https://[::1/a",
    ],
)
def test_link_to_anywhere_else_ends_the_process(link: str) -> None:
    with pytest.raises(ProcessError, match="base_url") as caught:
        Address("https://api.x.com").url(link)
    assert caught.value.code == "foreign_link"


@given(st.text(max_size=60))
def test_whatever_the_path_is_the_url_keeps_its_origin(path: str) -> None:
    try:
        url = Address("https://api.x.com/p").url(path)
    except ProcessError:
        return
    assert url.startswith("https://api.x.com/")


@pytest.mark.parametrize(
    "base",
    [
        "",
        "api.x.com",
        "ftp://x",
        "https://",
        "https://u:pw@x",
        "https://x?key=1",
        "https://x:y",
        "//x",
    ],
)
def test_base_url_that_is_none_is_a_configuration_error(base: str) -> None:
    with pytest.raises(ConfigurationError, match="base_url") as caught:
        Address(base)
    assert "pw" not in str(caught.value)


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8), st.lists(st.text(min_size=1, max_size=8), min_size=1)
    )
)
def test_query_is_read_back_as_it_was_meant(params: dict[str, list[str]]) -> None:
    pairs = parse_qsl(urlsplit("http://x/?" + encode_query(params)).query, keep_blank_values=True)
    readable = [(k, v) for k, vs in params.items() for v in vs]
    assert pairs == [
        (k.encode("utf-8", "replace").decode(), v.encode("utf-8", "replace").decode())
        for k, v in readable
    ]


def test_shown_address_names_host_and_words_only() -> None:
    address = Address("http://127.0.0.1:8099/quo")
    assert address.shown("/v1/contacts/6a14?x=1") == "127.0.0.1:8099/v1/contacts/{id}"
    assert (
        address.shown("http://127.0.0.1:8099/v2/persons?cursor=ab") == "127.0.0.1:8099/v2/persons"
    )
