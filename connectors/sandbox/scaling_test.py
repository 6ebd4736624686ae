"""The scaling test: a CRM of our own with page numbers, a total, and as many persons as wanted."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from connectors.clock import parse_time
from connectors.sandbox.call import Call, Dialect, PageShape, Refused, Reply, Routes
from connectors.sandbox.people import Item, People, PersonRecord
from connectors.sandbox.pipedrive_api import v2_time

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000


class ScalingTestDialect(Dialect):
    """GET /persons?page=N&page_size=M, ?ids=1,2,3 or ?updated_since=TIME; no credentials.

    A delta (`updated_since`) comes in the order of update times.
    """

    name = "scaling-test"

    def __init__(self, people: Callable[[], People]) -> None:
        self._people = people
        self.page_shape = PageShape("persons")
        self.routes = Routes({"GET /persons": self._list})

    def reset(self) -> None:
        """Nothing is written here."""

    def admit(self, call: Call) -> Reply | None:  # noqa: ARG002
        return None

    def key_of(self, call: Call) -> str | None:  # noqa: ARG002
        return None

    def error(self, call: Call, status: int) -> Reply:  # noqa: ARG002
        return Reply(status, {"error": f"HTTP {status}"})

    def _list(self, call: Call) -> Reply:
        page, size = _number(call, "page", 1), _number(call, "page_size", DEFAULT_PAGE_SIZE)
        if size > MAX_PAGE_SIZE:
            raise _bad(f"page_size must be at most {MAX_PAGE_SIZE}")
        people = self._people()
        ids, since = call.parameter("ids"), call.parameter("updated_since")
        if ids is not None:
            named = [int(id) for id in ids.split(",") if id.isdecimal()]
            found = [id for id in named if people.persons.alive(id)]
            total = len(found)
        elif since is not None:
            changed = list(people.persons.by_time((_instant(since), 0), None))
            found, total = changed[(page - 1) * size : page * size], len(changed)
        else:
            first = people.persons.id_at((page - 1) * size)
            found = list(islice(people.persons.by_id(first - 1), size))
            total = len(people.persons)
        persons = [_person_json(person, people) for person in people.listed(found)]
        return Reply(200, {"persons": persons, "page": page, "total": total})


def _person_json(person: PersonRecord, people: People) -> dict[str, Any]:
    return {
        "id": person.id,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "company": people.company(person.org_id) if person.org_id is not None else None,
        "job_title": person.job_title,
        "phones": _items(person.phones),
        "emails": _items(person.emails),
        "created_at": v2_time(person.created),
        "updated_at": v2_time(person.updated),
    }


def _items(items: list[Item]) -> list[dict[str, Any]]:
    return [{"value": value, "label": label} for value, label in items]


def _number(call: Call, name: str, default: int) -> int:
    text = call.parameter(name)
    if text is None:
        return default
    if not text.isdecimal() or int(text) < 1:
        raise _bad(f"{name} must be a whole number from 1")
    return int(text)


def _instant(text: str) -> int:
    try:
        return int(parse_time(text).timestamp())
    except ValueError:
        raise _bad("updated_since must be an ISO 8601 time") from None


def _bad(message: str) -> Refused:
    return Refused(Reply(400, {"error": message}))
