"""What must not be read by people: secrets, and ids inside a path."""

from __future__ import annotations

import re
import threading
from urllib.parse import quote

MASK = "***"

_NAMES = (
    r"(?:[\w-]*[_-])?(?:authorization|api_?-?(?:key|token)|key|token|secret|password|passwd|pwd"
    r"|cookie|signature)"
)
_HEADER = re.compile(
    r"(?i)\b((?:proxy-)?authorization|(?:x-)?api-?_?(?:key|token)|(?:set-)?cookie)"
    r"""(["']?\s*[:=]\s*["']?)[^"'\r\n,}&]+"""
)
_PARAMETER = re.compile(rf"""(?i)\b({_NAMES})=[^&\s"']+""")
_JSON_FIELD = re.compile(rf"""(?i)(["']{_NAMES}["']\s*:\s*["'])[^"']*""")
_USERINFO = re.compile(r"""(?i)\b([a-z][a-z0-9+.-]*://)[^/\s"']*@""")

_SHORTEST_SECRET = 4
_WORD = re.compile(r"(?:[A-Za-z][A-Za-z_-]*|v\d+(?:\.\d+)?)(?:\.json)?")


class _Secrets:
    """The secrets that this OS process has resolved, as one pattern."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: set[str] = set()
        self.pattern: re.Pattern[str] | None = None

    def add(self, secret: str) -> None:
        texts = {secret, quote(secret, safe="")}
        with self._lock:
            if texts <= self._texts:
                return
            self._texts |= texts
            longest_first = sorted(self._texts, key=len, reverse=True)
            self.pattern = re.compile("|".join(map(re.escape, longest_first)))


_SECRETS = _Secrets()


def register_secret(secret: str) -> None:
    """From now on `redact` removes this value, plain or percent-encoded, in this OS process."""
    if len(secret) >= _SHORTEST_SECRET:
        _SECRETS.add(secret)


def redact(text: str) -> str:
    """The text without secrets.

    Removed are registered values, values of headers that carry credentials, of parameters and
    JSON fields named like secrets, and user names and passwords inside URLs.
    """
    if _SECRETS.pattern is not None:
        text = _SECRETS.pattern.sub(MASK, text)
    text = _USERINFO.sub(rf"\1{MASK}@", text)
    text = _HEADER.sub(rf"\1\2{MASK}", text)
    text = _PARAMETER.sub(rf"\1={MASK}", text)
    return _JSON_FIELD.sub(rf"\1{MASK}", text)


def shown_path(path: str) -> str:
    """A path fit for messages: no query, and `{id}` for every segment that is not a plain word."""
    bare = path.split("?", 1)[0].split("#", 1)[0]
    return "/".join(
        segment if not segment or _WORD.fullmatch(segment) else "{id}"
        for segment in bare.split("/")
    )
