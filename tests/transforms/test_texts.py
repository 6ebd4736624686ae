from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.texts import clean, cut

CODER = "\U0001f469\u200d\U0001f4bb"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Ada", "Ada", id="plain"),
        pytest.param("  Ada \t\r\n Park  ", "Ada Park", id="white space"),
        pytest.param("Ada\u00a0Park", "Ada Park", id="no-break space"),
        pytest.param("A\x00d\x07a\x7f", "Ada", id="control characters"),
        pytest.param("\ufeff\u202aAda\u202c", "Ada", id="marks of pasting"),
        pytest.param("Ada \ud83d", "Ada", id="half a surrogate pair"),
        pytest.param(CODER, CODER, id="joined emoji stay"),
        pytest.param(" \n", None, id="blank"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="none"),
        pytest.param(8175698900, None, id="no text"),
    ],
)
def test_clean(text: object, expected: str | None) -> None:
    assert clean(text) == expected


@given(st.text(alphabet=st.characters(), max_size=60))
def test_cleaned_texts_are_sendable_and_stay(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    if cleaned is not None:
        cleaned.encode()
        assert "\x00" not in cleaned


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        pytest.param(None, 5, None, id="none"),
        pytest.param("abcde", 5, "abcde", id="fits"),
        pytest.param("abcdef", 5, "abcde", id="cut"),
        pytest.param("abcd efg", 5, "abcd", id="no trailing space"),
        pytest.param("abcde\u0301f", 5, "abcd", id="accent goes with its letter"),
        pytest.param("abcd\U0001f44d\U0001f3fd", 5, "abcd", id="skin tone goes with its hand"),
        pytest.param("ab" + CODER, 4, "ab", id="joined emoji is one"),
        pytest.param("\U0001f600" * 3, 2, "\U0001f600" * 2, id="emoji count once"),
        pytest.param("a" + "\u0301" * 9, 5, "a", id="accents alone"),
    ],
)
def test_cut(text: str | None, limit: int, expected: str | None) -> None:
    assert cut(text, limit) == expected
