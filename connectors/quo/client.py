"""Typed calls on Quo's contacts; the facts behind each are those of the v1 API description.

Quo has no bulk call and no look-up but by external id (20 a request) and source. Array parameters
repeat their key; a filter that Quo does not know is ignored, so what comes back is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from connectors.errors import PageError, ProcessError, SyncError
from connectors.http.client import HttpClient
from connectors.http.exchange import Answer, Request
from connectors.quo.model import (
    Contact,
    ContactAnswer,
    ContactList,
    CustomFieldDefinition,
    CustomFieldList,
    PhoneNumber,
    PhoneNumberList,
    QuoContact,
    QuoUser,
    UserList,
)

CONTACTS = "/v1/contacts"
IDS_PER_LOOK_UP = 20
"""With more values of one key Quo's query parser fails (400)."""
PAGE_SIZE = 50
"""The most that `maxResults` of contacts and users allows."""

_CONFLICT = frozenset({409})
_GONE = frozenset({404})

_Paged = TypeVar("_Paged", ContactList, UserList)


@dataclass(frozen=True, slots=True)
class Create:
    contact: Contact


@dataclass(frozen=True, slots=True)
class Patch:
    """Replace a contact's scalars and all three arrays."""

    quo_id: str
    body: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Written:
    """The write took effect once; `contact` is Quo's own answer."""

    contact: QuoContact


@dataclass(frozen=True, slots=True)
class Conflict:
    """409: (source, externalId) is taken; `ours` = an earlier attempt of this write may be why."""

    ours: bool


@dataclass(frozen=True, slots=True)
class Gone:
    """404: the contact no longer exists."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Contacts by external id, and Quo's own clock when it answered (`Date` header)."""

    contacts: dict[str, QuoContact] = field(repr=False)
    at: datetime | None


class QuoClient:
    """One workspace, for one process (permits, counts and retries are the HTTP client's).

    Raises what `HttpClient.send` raises.
    """

    def __init__(self, http: HttpClient) -> None:
        self.http = http

    def write_all(
        self, writes: Sequence[Create | Patch]
    ) -> Iterator[tuple[int, Written | Conflict | Gone | SyncError]]:
        """Send many writes through the pool; results come in order of completion, each once.

        A create whose answer was lost is sent again: 201 or 409 tells. Read it to its end; it
        ends early as `HttpClient.send_all` does.
        """
        for index, outcome in self.http.send_all([_write_request(write) for write in writes]):
            yield index, outcome if isinstance(outcome, SyncError) else _result(outcome)

    def find_by_external_ids(self, source: str, external_ids: Sequence[str]) -> Listing:
        """Contacts of this source with these ids, 20 ids a request; a foreign match is dropped.

        `at` is the clock of the last answer. Quo lists with some delay: what was just created may
        be absent, what was just deleted present.
        """
        found: dict[str, QuoContact] = {}
        at: datetime | None = None
        wanted = set(external_ids)
        for start in range(0, len(external_ids), IDS_PER_LOOK_UP):
            ids = list(external_ids[start : start + IDS_PER_LOOK_UP])
            query = {"externalIds": ids, "sources": [source], "maxResults": PAGE_SIZE}
            for answer, page in self._pages(CONTACTS, query, ContactList):
                at = answer.date
                for contact in page.data:
                    if contact.source == source and contact.external_id in wanted:
                        _keep_newer(found, contact)
        return Listing(found, at)

    def source_is_empty(self, source: str) -> bool:
        """Whether Quo lists no contact of this source: one request."""
        answer = self._list(CONTACTS, {"sources": [source], "maxResults": 1}, ContactList)
        page: ContactList = answer.value
        return not page.data and page.next_page_token is None

    def list_by_source(self, source: str) -> Iterator[QuoContact]:
        """All contacts of a source, 50 a request."""
        query = {"sources": [source], "maxResults": PAGE_SIZE}
        for _, page in self._pages(CONTACTS, query, ContactList):
            yield from (contact for contact in page.data if contact.source == source)

    def get_contact(self, quo_id: str) -> QuoContact | None:
        answer = self.http.send(
            Request("GET", _path_of(quo_id), accept=_GONE, parse=ContactAnswer.model_validate_json)
        )
        return None if answer.status == 404 else answer.value.data

    def delete_contact(self, quo_id: str) -> bool:
        """False when it was already gone."""
        answer = self.http.send(Request("DELETE", _path_of(quo_id), accept=_GONE, parse=None))
        return answer.status != 404

    def custom_fields(self) -> list[CustomFieldDefinition]:
        return list(self._list("/v1/contact-custom-fields", {}, CustomFieldList).value.data)

    def phone_numbers(self) -> list[PhoneNumber]:
        return list(self._list("/v1/phone-numbers", {}, PhoneNumberList).value.data)

    def users(self) -> list[QuoUser]:
        pages = self._pages("/v1/users", {"maxResults": PAGE_SIZE}, UserList)
        return [user for _, page in pages for user in page.data]

    def _pages(
        self, path: str, query: dict[str, Any], shape: type[_Paged]
    ) -> Iterator[tuple[Answer, _Paged]]:
        """Follow the token to its end: it alone says whether there is more (not `totalItems`)."""
        seen: set[str] = set()
        token: str | None = None
        while True:
            answer = self._list(path, {**query, "pageToken": token}, shape)
            page: _Paged = answer.value
            yield answer, page
            token = page.next_page_token
            if token is None:
                return
            if token in seen:
                raise PageError(
                    f"Quo gave the same page token of {path} twice, so the list has no end; "
                    "the next run does the page again",
                    code="repeated_token",
                )
            seen.add(token)

    def _list(self, path: str, query: dict[str, Any], shape: Any) -> Answer:
        parse: Callable[[bytes], Any] = shape.model_validate_json
        answer = self.http.send(Request("GET", path, params=query, accept=_GONE, parse=parse))
        if answer.status == 404:
            host = self.http.channel.address.host
            raise ProcessError(
                f"{host} has no {path}, so it is not Quo's API; correct quo.base_url",
                code="wrong_base_url",
            )
        return answer


def _write_request(write: Create | Patch) -> Request:
    if isinstance(write, Create):
        return Request(
            "POST",
            CONTACTS,
            json=write.contact.create_body(),
            accept=_CONFLICT,
            parse=ContactAnswer.model_validate_json,
        )
    return Request(
        "PATCH",
        _path_of(write.quo_id),
        json=write.body,
        accept=_GONE,
        parse=ContactAnswer.model_validate_json,
    )


def _result(answer: Answer) -> Written | Conflict | Gone:
    match answer.status:
        case 409:
            return Conflict(ours=answer.repeated)
        case 404:
            return Gone()
        case _:
            return Written(answer.value.data)


def _path_of(quo_id: str) -> str:
    return f"{CONTACTS}/{quote(quo_id, safe='')}"


def _keep_newer(found: dict[str, QuoContact], contact: QuoContact) -> None:
    """Of two with one id (a deleted one may still be listed) the one made last is the real one."""
    key = contact.external_id or ""
    if key not in found or _made_at(contact) > _made_at(found[key]):
        found[key] = contact


def _made_at(contact: QuoContact) -> float:
    return contact.created_at.timestamp() if contact.created_at else 0.0
