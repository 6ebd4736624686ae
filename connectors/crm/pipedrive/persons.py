"""Reading persons: one page of a window, a list of ids or a chain, joined with organisations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.crm.model import Person, PersonPage, RangeSpec
from connectors.crm.pipedrive.api import (
    MAX_IDS,
    chunks,
    list_call,
    read_time,
    records,
    send_each,
    window_params,
)
from connectors.crm.pipedrive.filters import LabelNames, PersonFilter
from connectors.crm.pipedrive.organizations import Organizations
from connectors.errors import ConfigurationError, CursorRefused
from connectors.http.client import HttpClient

PERSON = "Person"
_NO_SUCH_VIEW = frozenset({400, 404})


class PersonReader:
    """Persons of one account as the neutral `Person`, with their organisation under `org`."""

    def __init__(self, http: HttpClient, page_size: int) -> None:
        self._http = http
        self._page_size = page_size
        self._labels = LabelNames(http)
        self.organizations = Organizations(http)

    def filter_of(self, range: RangeSpec) -> PersonFilter:
        return PersonFilter(range.only, self._labels.id_of)

    def page(self, range: RangeSpec, cursor: str | None) -> PersonPage:
        """One page of a window or a chain, in ascending order of update time."""
        only = self.filter_of(range)
        params = {
            "limit": self._page_size,
            "sort_by": "update_time",
            "sort_direction": "asc",
            **window_params(range.since, range.until),
            **only.params,
        }
        rows, next_cursor = self.rows(params, cursor, only)
        return PersonPage(self.persons(rows, only), next_cursor)

    def page_of_ids(self, range: RangeSpec, cursor: str | None) -> PersonPage:
        """The next hundred of a range's ids; the cursor counts the hundreds.

        A `view` cannot be asked beside ids (Pipedrive would ignore these): ids come from an
        earlier read of that view.
        """
        parts = list(chunks(range.ids))
        number = _whole(cursor)
        if not parts:
            return PersonPage(())
        if number >= len(parts):
            raise CursorRefused(f"The cursor {cursor!r} lies behind the last id of {range.id}.")
        persons = self._by_ids([parts[number]], self.filter_of(range))
        return PersonPage(persons, str(number + 1) if number + 1 < len(parts) else None)

    def by_ids(self, ids: Sequence[str]) -> list[Person]:
        """The newest value of each id; the deleted and the hidden are absent."""
        return self._by_ids(list(chunks(list(dict.fromkeys(ids)))), None)

    def rows(
        self, params: Mapping[str, Any], cursor: str | None, only: PersonFilter
    ) -> tuple[list[dict[str, Any]], str | None]:
        """One list call; raises CursorRefused, or ConfigurationError for a view that is not."""
        accept = _NO_SUCH_VIEW if only.view is not None and not cursor else frozenset()
        answer = self._http.send(list_call("persons", params, cursor=cursor, accept=accept))
        if answer.status in accept and not cursor:
            raise ConfigurationError(
                f"only.view: Pipedrive has no filter {only.view} for persons that this API token "
                "sees; write the id from the filter's address, or leave it out."
            )
        return records(answer)

    def persons(
        self, rows: Sequence[dict[str, Any]], only: PersonFilter | None
    ) -> tuple[Person, ...]:
        """Rows joined with their organisations; those not admitted by `only` are left out."""
        rows = [row for row in rows if row.get("id") is not None]
        if only is not None and not only.needs_organization:
            rows = [row for row in rows if only.admits(row)]
        organizations = self.organizations.by_id(
            row["org_id"] for row in rows if row.get("org_id") is not None
        )
        for row in rows:
            row["org"] = organizations.get(str(row.get("org_id")))
        if only is not None and only.needs_organization:
            rows = [row for row in rows if only.admits(row)]
        return tuple(_person(row) for row in rows)

    def _by_ids(self, parts: Sequence[Sequence[str]], only: PersonFilter | None) -> list[Person]:
        calls = [list_call("persons", {"ids": ",".join(p), "limit": MAX_IDS}) for p in parts]
        answers = send_each(self._http, calls)
        rows = [row for answer in answers for row in records(answer)[0]]
        return list(self.persons(rows, only))


def _person(row: dict[str, Any]) -> Person:
    return Person(
        PERSON,
        str(row["id"]),
        read_time(row.get("add_time")),
        read_time(row.get("update_time")),
        bool(row.get("is_deleted")),
        row,
    )


def _whole(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isdigit():
        raise CursorRefused(f"The cursor {cursor!r} counts no hundreds of ids.")
    return int(cursor)
