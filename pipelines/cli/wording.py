"""Counts, spans of time and outcomes as people read them."""

from __future__ import annotations

from collections.abc import Mapping


def counted(number: int, noun: str) -> str:
    """`1 person`, `1,000 persons`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def span(seconds: float) -> str:
    """`0.4 s`, `12 s`, `2 min 5 s`, `3 h 20 min`, `2 d 4 h`: two units at most."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, smaller, size, part in (
        ("d", "h", 86_400, 3_600),
        ("h", "min", 3_600, 60),
        ("min", "s", 60, 1),
    ):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


def outcome_words(outcomes: Mapping[str, int]) -> list[str]:
    """`created 812`, …: those that occurred."""
    return [f"{name} {count:,}" for name, count in outcomes.items() if count]


def percent(share: float) -> str:
    return f"{share:.0%}"
