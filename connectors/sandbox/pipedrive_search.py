"""Pipedrive's persons/search: substrings, eventually consistent."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

from connectors.sandbox.call import Call, Reply
from connectors.sandbox.people import People, PersonRecord
from connectors.sandbox.pipedrive_api import DEFAULT_LIMIT, MAX_LIMIT, integer, invalid
from connectors.sandbox.settings import Settings

_NO_DIGIT = re.compile(r"\D")
_FIELDS = ("phone", "email", "name", "notes", "custom_fields")


class PhoneSearch:
    """Finds persons by name, e-mail address or digits of a phone number.

    Terms for seeded persons are gathered once, at the first search; what was written is looked at
    each time. A person written less than `search_lag_ms` ago is not found.
    """

    def __init__(self, settings: Callable[[], Settings], people: Callable[[], People]) -> None:
        self._settings = settings
        self._people = people
        self._terms: dict[str, list[tuple[str, int]]] = {}

    def persons(self, call: Call) -> Reply:
        """GET /api/v2/persons/search."""
        term = call.parameter("term") or ""
        exact = call.parameter("exact_match") in ("true", "1")
        if len(term) < (1 if exact else 2):
            raise invalid("term must be at least 2 characters long")
        fields = (call.parameter("fields") or ",".join(_FIELDS)).split(",")
        if not set(fields) <= set(_FIELDS):
            raise invalid(f"fields must be one of {', '.join(_FIELDS)}")
        start = integer(call, "cursor") or 0
        limit = min(integer(call, "limit") or DEFAULT_LIMIT, MAX_LIMIT)
        found = list(self._found(term, fields, exact=exact))
        page = found[start : start + limit]
        cursor = str(start + limit) if len(found) > start + limit else None
        return Reply(
            200,
            {
                "success": True,
                "data": {"items": [self._item(person) for person in page]},
                "additional_data": {"next_cursor": cursor},
            },
        )

    def _found(self, term: str, fields: list[str], *, exact: bool) -> Iterator[PersonRecord]:
        people = self._people()
        newest = time.time() - self._settings().search_lag_ms / 1000
        ids: set[int] = set()
        for field in fields:
            wanted = _searched(field, term)
            if wanted:
                ids.update(self._seeded(field, wanted, people, exact=exact))
                ids.update(self._written(field, wanted, people, exact=exact))
        for id in sorted(ids):
            person = people.person(id)
            if (
                person
                and not person.deleted
                and (id <= people.persons.size or person.updated <= newest)
            ):
                yield person

    def _seeded(self, field: str, wanted: str, people: People, *, exact: bool) -> Iterator[int]:
        if field not in self._terms:
            ids = range(1, people.persons.size + 1)
            self._terms[field] = [
                (text, person.id) for person in people.listed(ids) for text in _texts(field, person)
            ]
        return (
            id
            for text, id in self._terms[field]
            if _fits(text, wanted, exact=exact) and not people.written(id)
        )

    def _written(self, field: str, wanted: str, people: People, *, exact: bool) -> Iterator[int]:
        return (
            person.id
            for person in people.all_written()
            for text in _texts(field, person)
            if _fits(text, wanted, exact=exact)
        )

    def _item(self, person: PersonRecord) -> dict[str, Any]:
        organization = None
        if person.org_id is not None:
            name = self._people().company(person.org_id)
            organization = {"id": person.org_id, "name": name, "address": None}
        return {
            "result_score": 0.5,
            "item": {
                "id": person.id,
                "type": "person",
                "name": " ".join(n for n in (person.first_name, person.last_name) if n),
                "phones": [value for value, _ in person.phones if value],
                "emails": [value for value, _ in person.emails if value],
                "visible_to": 3,
                "owner": {"id": person.owner_id},
                "organization": organization,
                "custom_fields": [],
                "notes": [],
            },
        }


def _searched(field: str, text: str) -> str:
    return _NO_DIGIT.sub("", text) if field == "phone" else text.casefold()


def _texts(field: str, person: PersonRecord) -> list[str]:
    match field:
        case "phone":
            texts = [value for value, _ in person.phones]
        case "email":
            texts = [value for value, _ in person.emails]
        case "name":
            texts = [" ".join(n for n in (person.first_name, person.last_name) if n)]
        case _:
            texts = []
    return [_searched(field, text) for text in texts if text]


def _fits(text: str, wanted: str, *, exact: bool) -> bool:
    return text == wanted if exact else wanted in text
