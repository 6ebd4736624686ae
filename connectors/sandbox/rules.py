"""Which requests a fault strikes, and what it does to them."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class FaultKind(StrEnum):
    """What happens to a request that a rule strikes."""

    STATUS = "status"
    """Answer with `status` in the service's own error shape."""
    RESET = "reset"
    """Drop the TCP connection without an answer; `when: after` loses the answer to a write."""
    HANG = "hang"
    """Wait `seconds` (None = for ever)."""
    HOLD = "hold"
    """Wait until a test releases it."""
    TRUNCATED = "truncated"
    """A complete answer whose JSON stops half-way."""
    CUT = "cut"
    """The connection closes in the middle of the body."""
    HTML = "html"
    """An HTML page with `status` (default 200)."""
    BIG = "big"
    """`megabytes` of blanks behind the body."""
    DUPLICATE = "duplicate"
    """The last item of the page before is repeated as the first of this page."""
    INSERT = "insert"
    """`count` new persons appear just before the request is answered."""
    CURSOR_REPEATS = "cursor_repeats"
    """The next cursor is the one that was sent."""
    CURSOR_REFUSED = "cursor_refused"
    """400, as for a cursor that has expired; strikes only requests that carry one."""
    EMPTY_PAGE = "empty_page"
    """No items, but a next cursor that leads on from the same place."""


class FaultRule(BaseModel):
    """One fault and the requests it strikes.

    `path`, `query` and `body` are regular expressions searched in the path behind the dialect's
    mount point, the decoded query string and the request body. Of the requests that match, the
    rule strikes: exactly the `nth`, or each `every`-th, or the `first` n, or each with
    `probability` (drawn from `seed`); without any of these all. `times` bounds how often in all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: FaultKind
    dialect: str | None = None
    method: str | None = None
    path: str | None = None
    query: str | None = None
    body: str | None = None

    nth: int | None = Field(default=None, ge=1)
    every: int | None = Field(default=None, ge=1)
    first: int | None = Field(default=None, ge=1)
    probability: float | None = Field(default=None, ge=0, le=1)
    seed: int = 0
    times: int | None = Field(default=None, ge=1)

    when: Literal["before", "after"] = "before"
    """Whether the request takes effect first (`after`) or not (`before`)."""
    status: int | None = None
    retry_after: int | None = None
    retry_after_form: Literal["seconds", "date"] = "seconds"
    seconds: float | None = None
    megabytes: int = 40
    count: int = 1
