"""As much of Quo as the client's promises need: unique pairs, replacing PATCH, filters, pages."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.connectors.http.raw_server import Reply, Seen, answer

DATE = "Mon, 23 Nov 2026 10:00:{:02d} GMT"
_CONFLICT = {"message": "Failed to create contact", "code": "0800409", "status": 409}


class SmallQuo:
    """A script for RawServer.

    `lose` names the requests (by their number) whose answer is lost after they took effect;
    `odd` may answer a request in place of Quo.
    """

    def __init__(self) -> None:
        self.contacts: dict[str, dict[str, Any]] = {}
        self.lose: set[int] = set()
        self.odd: Callable[[Seen], Reply | None] = lambda _: None
        self.page_size = 50
        self._lock = threading.Lock()

    def __call__(self, seen: Seen) -> Reply:
        with self._lock:
            reply = self.odd(seen) or self._reply(seen)
        if seen.number in self.lose:
            return Reply(reset=True)
        return reply

    def add(self, external_id: str | None, source: str | None, **fields: Any) -> dict[str, Any]:
        contact = {
            "id": f"6a14{len(self.contacts):04x}",
            "externalId": external_id,
            "source": source,
            "sourceUrl": None,
            "defaultFields": {
                "firstName": None,
                "lastName": None,
                "company": None,
                "role": None,
                "phoneNumbers": [],
                "emails": [],
            },
            "customFields": [],
            "createdAt": "2026-01-02T03:04:05.000Z",
            "updatedAt": "2026-01-02T03:04:05.000Z",
            "createdByUserId": "US1",
            **fields,
        }
        self.contacts[contact["id"]] = contact
        return contact

    def _reply(self, seen: Seen) -> Reply:
        path = urlsplit(seen.target).path
        if path == "/v1/contacts":
            return self._create(seen) if seen.method == "POST" else self._list(seen)
        contact = self.contacts.get(path.removeprefix("/v1/contacts/"))
        if contact is None:
            return answer({"message": "Not found", "code": "0800404", "status": 404}, 404)
        if seen.method == "DELETE":
            del self.contacts[contact["id"]]
            return Reply(204, b"")
        if seen.method == "PATCH":
            body = seen.json()
            contact.update(
                customFields=[], **{k: v for k, v in body.items() if k != "customFields"}
            )
        return answer({"data": contact})

    def _create(self, seen: Seen) -> Reply:
        body = seen.json()
        pair = (body["externalId"], body["source"])
        if pair in {(c["externalId"], c["source"]) for c in self.contacts.values()}:
            return answer(_CONFLICT, 409)
        return answer({"data": self.add(*pair, defaultFields=body["defaultFields"])}, 201)

    def _list(self, seen: Seen) -> Reply:
        query = parse_qs(urlsplit(seen.target).query)
        ids, sources = query.get("externalIds"), query.get("sources")
        assert ids is None or len(ids) <= 20
        assert not any("," in value for value in ids or ())
        size = min(int(query["maxResults"][0]), self.page_size)
        rows = [
            contact
            for contact in self.contacts.values()
            if (ids is None or contact["externalId"] in ids)
            and (sources is None or contact["source"] in sources)
        ]
        start = int(re.sub(r"\D", "", query.get("pageToken", ["0"])[0]))
        more = start + size < len(rows)
        page = {
            "data": rows[start : start + size],
            "totalItems": 4711,
            "nextPageToken": f"t{start + size}" if more else None,
        }
        return answer(page, headers={"Date": DATE.format(seen.number)})
