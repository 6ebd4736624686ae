"""Counts and spans of time as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cli.wording import counted, outcome_words, percent, span


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"),
        (0.44, "0.4 s"),
        (9.99, "10.0 s"),
        (12.4, "12 s"),
        (59.6, "1 min"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (12_000, "3 h 20 min"),
        (187_200, "2 d 4 h"),
    ],
)
def test_spans_have_two_units_at_most(seconds: float, words: str) -> None:
    assert span(seconds) == words


@given(st.floats(min_value=0, max_value=10**8))
def test_every_span_has_words(seconds: float) -> None:
    number, unit, *_ = span(seconds).split()
    assert float(number) >= 0
    assert unit in {"s", "min", "h", "d"}


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 persons"), (1, "1 person"), (1234, "1,234 persons")]
)
def test_one_is_singular(number: int, words: str) -> None:
    assert counted(number, "person") == words


def test_only_outcomes_that_occurred_are_named() -> None:
    assert outcome_words({"created": 1200, "updated": 0, "failed": 2}) == [
        "created 1,200",
        "failed 2",
    ]


def test_shares_are_whole_percent() -> None:
    assert percent(0.876) == "88%"
