"""Texts that are safe to send, store and compare."""

from __future__ import annotations

import re
import unicodedata

_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"  # control characters that are no white space
    "\u202a-\u202e\u2066-\u2069\ufeff"  # direction and byte-order marks that come with pasting
    "\ud800-\udfff]"  # halves of surrogate pairs, which have no UTF-8
)
_JOINER = "\u200d"


def clean(text: object) -> str | None:
    """Without control characters and NUL, white space collapsed; None when nothing is left.

    What is no text at all (a CRM may send anything) is nothing.
    """
    if not isinstance(text, str):
        return None
    if not text.isprintable():
        text = _UNSEEN.sub("", text)
    return " ".join(text.split()) or None


def cut(text: str | None, limit: int) -> str | None:
    """At most `limit` characters (code points), never in the middle of a composed one."""
    if text is None or len(text) <= limit:
        return text
    end = limit
    while end > 1 and _continues(text, end):
        end -= 1
    return text[:end].rstrip()


def _continues(text: str, at: int) -> bool:
    """Whether the character at `at` belongs to the one before it (accents, joined emoji)."""
    here = text[at]
    return (
        text[at - 1] == _JOINER
        or here == _JOINER
        or unicodedata.category(here).startswith("M")
        or "\U0001f3fb" <= here <= "\U0001f3ff"  # skin tones
    )
