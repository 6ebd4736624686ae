"""The delta of organisations: persons whose company changed though they themselves did not.

Renaming an organisation moves its own `update_time` only. So a delta also lists the organisations
changed in its window and reads their persons again: organisation by organisation when they are
few, else all persons once, whichever costs fewer calls. The number of persons is not known, but
the newest person's id is never below it.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connectors.crm.model import PersonPage, RangeSpec
from connectors.crm.pipedrive.api import list_call, records, send_each, window_params
from connectors.crm.pipedrive.filters import PersonFilter
from connectors.crm.pipedrive.persons import PersonReader
from connectors.errors import CursorRefused
from connectors.http.client import HttpClient

_LARGEST_PAGE = 500
_TOGETHER = 10
"""Organisations whose persons make one page."""
_PERSONS_EACH = 100
_ALWAYS_FEW = 10


@dataclass(frozen=True, slots=True)
class Position:
    """Where the walk stands; written into the cursor.

    Either behind organisation `after`, with the lists of `unfinished` (organisation, cursor) to go
    on with, or in the `sweep` over all persons ("" = at its beginning).
    """

    after: int = 0
    unfinished: tuple[tuple[int, str], ...] = ()
    sweep: str | None = None

    def cursor(self) -> str:
        body: list[Any] = [self.after, self.unfinished, self.sweep]
        return json.dumps(body, separators=(",", ":"))

    @classmethod
    def of(cls, cursor: str) -> Position:
        try:
            after, unfinished, sweep = json.loads(cursor)
            return cls(int(after), tuple((int(one), str(at)) for one, at in unfinished), sweep)
        except (ValueError, TypeError):
            raise CursorRefused("The cursor is none of a walk over organisations.") from None


class RenamedOrganizations:
    """The persons of the organisations that changed in a window."""

    def __init__(self, http: HttpClient, reader: PersonReader, page_size: int) -> None:
        self._http = http
        self._reader = reader
        self._page_size = page_size
        self._changed: tuple[tuple[object, object], list[int]] | None = None

    def page(self, range: RangeSpec, cursor: str | None) -> PersonPage:
        """The next persons; nothing changed costs one list call and ends the range."""
        changed = self._organizations(range)
        only = self._reader.filter_of(range)
        at = Position.of(cursor) if cursor else self._begin(changed, only)
        if at.sweep is not None:
            return self._sweep(changed, only, at.sweep)
        return self._by_organization(changed, only, at)

    def _organizations(self, range: RangeSpec) -> list[int]:
        """Ids of the changed organisations, ascending; remembered for the range's next pages."""
        key = (range.since, range.until)
        if self._changed is not None and self._changed[0] == key:
            return self._changed[1]
        params = {
            "limit": _LARGEST_PAGE,
            "sort_by": "update_time",
            "sort_direction": "asc",
            **window_params(range.since, range.until),
        }
        ids: set[int] = set()
        cursor: str | None = None
        while True:
            call = list_call("organizations", params, cursor=cursor)
            rows, cursor = records(self._http.send(call))
            rows = [row for row in rows if row.get("id") is not None]
            self._reader.organizations.remember(rows)
            ids.update(int(row["id"]) for row in rows)
            if cursor is None:
                break
        self._changed = (key, sorted(ids))
        return self._changed[1]

    def _begin(self, changed: Sequence[int], only: PersonFilter) -> Position:
        """The cheaper way; beside a view Pipedrive ignores `org_id`, which leaves the sweep."""
        if not changed:
            return Position()
        if only.view is not None:
            return Position(sweep="")
        if len(changed) <= _ALWAYS_FEW:
            return Position()
        newest = {"limit": 1, "sort_by": "id", "sort_direction": "desc"}
        rows, _ = records(self._http.send(list_call("persons", newest)))
        highest = max((int(row["id"]) for row in rows), default=0)
        return Position(sweep="") if highest / self._page_size < len(changed) else Position()

    def _by_organization(
        self, changed: Sequence[int], only: PersonFilter, at: Position
    ) -> PersonPage:
        start = bisect_right(changed, at.after)
        fresh = () if at.unfinished else tuple(changed[start : start + _TOGETHER])
        wanted: list[tuple[int, str | None]] = [*at.unfinished, *((one, None) for one in fresh)]
        if not wanted:
            return PersonPage(())
        calls = [
            list_call(
                "persons",
                {"org_id": one, "limit": _PERSONS_EACH, "sort_by": "id", **only.params},
                cursor=cursor,
            )
            for one, cursor in wanted
        ]
        rows: list[dict[str, Any]] = []
        unfinished: list[tuple[int, str]] = []
        for (one, _), answer in zip(wanted, send_each(self._http, calls), strict=True):
            some, more = records(answer)
            rows += some
            if more:
                unfinished.append((one, more))
        after = fresh[-1] if fresh else at.after
        done = not unfinished and bisect_right(changed, after) == len(changed)
        following = None if done else Position(after, tuple(unfinished)).cursor()
        return PersonPage(self._reader.persons(rows, only), following)

    def _sweep(self, changed: Sequence[int], only: PersonFilter, at: str) -> PersonPage:
        params = {"limit": self._page_size, "sort_by": "id", **only.params}
        rows, more = self._reader.rows(params, at or None, only)
        theirs = set(changed)
        rows = [row for row in rows if row.get("org_id") in theirs]
        following = Position(sweep=more).cursor() if more else None
        return PersonPage(self._reader.persons(rows, only), following)
