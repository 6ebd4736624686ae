"""The organisations of a page's persons: v2 embeds none, so they are joined here.

https://developers.pipedrive.com/docs/api/v1/Organizations (v2): `ids` takes at most 100, and an
organisation that is deleted or hidden from the token's user is silently absent.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

from connectors.crm.pipedrive.api import MAX_IDS, chunks, list_call, records, send_each
from connectors.http.client import HttpClient

_CACHED = 5_000
_FRESH_SECONDS = 300.0

Organization = Mapping[str, Any]


class Organizations:
    """Organisations by id, a bounded number of them remembered for a few minutes."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self._known: OrderedDict[str, tuple[float, Organization | None]] = OrderedDict()

    def by_id(self, ids: Iterable[object]) -> dict[str, Organization | None]:
        """Each id with its organisation, None for one that Pipedrive does not show.

        Those not remembered are asked for, 100 a request and side by side. A failed request
        raises: the page is then read again as a whole, never person by person.
        """
        found: dict[str, Organization | None] = {}
        unknown: list[str] = []
        for key in dict.fromkeys(str(one) for one in ids):
            expires, organization = self._known.get(key, (0.0, None))
            if expires > time.monotonic():
                self._known.move_to_end(key)
                found[key] = organization
            else:
                unknown.append(key)
        if unknown:
            read = self._read(unknown)
            self._remember(read)
            found |= read
        return found

    def remember(self, organizations: Iterable[Organization]) -> None:
        """What was just read elsewhere."""
        self._remember({str(one["id"]): _shown(one) for one in organizations})

    def _read(self, ids: list[str]) -> dict[str, Organization | None]:
        calls = [
            list_call("organizations", {"ids": ",".join(chunk), "limit": MAX_IDS})
            for chunk in chunks(ids)
        ]
        read: dict[str, Organization | None] = dict.fromkeys(ids)
        for answer in send_each(self._http, calls):
            rows, _ = records(answer)
            read |= {str(row["id"]): _shown(row) for row in rows if row.get("id") is not None}
        return read

    def _remember(self, organizations: Mapping[str, Organization | None]) -> None:
        expires = time.monotonic() + _FRESH_SECONDS
        for key, organization in organizations.items():
            self._known[key] = (expires, organization)
            self._known.move_to_end(key)
        while len(self._known) > _CACHED:
            self._known.popitem(last=False)


def _shown(organization: Organization) -> Organization | None:
    return None if organization.get("is_deleted") else organization
