"""The sandbox's own JSON API under /_sandbox: what tests steer and look at."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.sandbox.people import PersonRecord
from connectors.sandbox.quo_contacts import Taken
from connectors.sandbox.rules import FaultRule
from connectors.sandbox.settings import FieldDefinition
from connectors.sandbox.state import Sandbox

Endpoint = Callable[[Request], Awaitable[Response]]


def control_app(sandbox: Sandbox) -> Starlette:
    """The application behind /_sandbox."""
    control = Control(sandbox)
    table: list[tuple[str, str, Endpoint]] = [
        ("POST", "/reset", control.reset),
        ("GET", "/settings", control.read_settings),
        ("POST", "/settings", control.change_settings),
        ("GET", "/faults", control.list_faults),
        ("POST", "/faults", control.add_fault),
        ("DELETE", "/faults", control.clear_faults),
        ("GET", "/holds", control.list_holds),
        ("POST", "/release", control.release),
        ("GET", "/people", control.read_people),
        ("POST", "/people/edit", control.edit_people),
        ("POST", "/people/insert", control.insert_people),
        ("POST", "/people/delete", control.delete_people),
        ("POST", "/organizations/rename", control.rename_organizations),
        ("GET", "/stats", control.stats),
        ("POST", "/stats/reset", control.reset_stats),
        ("GET", "/log", control.log),
        ("GET", "/contacts", control.contacts),
        ("POST", "/keys", control.register_key),
        ("POST", "/quo/custom-fields", control.define_custom_field),
        ("POST", "/quo/contacts", control.create_contact),
        ("POST", "/quo/contacts/{id}", control.edit_contact),
        ("DELETE", "/quo/contacts/{id}", control.delete_contact),
    ]
    routes = [
        Route(f"/_sandbox{path}", endpoint, methods=[method]) for method, path, endpoint in table
    ]
    handlers = {ValueError: _invalid, TypeError: _invalid, KeyError: _invalid}
    return Starlette(routes=routes, exception_handlers=handlers)


async def _invalid(request: Request, error: Exception) -> Response:  # noqa: ARG001
    return JSONResponse({"error": f"{type(error).__name__}: {error}"}, status_code=400)


class Control:
    """The endpoints; bodies and answers are JSON."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def reset(self, request: Request) -> Response:
        """Start anew with the settings of the start, changed by the body."""
        self._sandbox.reset(await _body(request))
        return JSONResponse({})

    async def read_settings(self, request: Request) -> Response:  # noqa: ARG002
        return JSONResponse(self._sandbox.settings.model_dump(mode="json"))

    async def change_settings(self, request: Request) -> Response:
        """Change settings; those of the people (persons, seed, spice, …) need a reset."""
        self._sandbox.change(await _body(request))
        return JSONResponse(self._sandbox.settings.model_dump(mode="json"))

    # -- faults -------------------------------------------------------------------------------

    async def list_faults(self, request: Request) -> Response:  # noqa: ARG002
        return JSONResponse([active.as_json() for active in self._sandbox.faults.rules])

    async def add_fault(self, request: Request) -> Response:
        rule = FaultRule.model_validate(await _body(request))
        return JSONResponse({"id": self._sandbox.faults.add(rule)})

    async def clear_faults(self, request: Request) -> Response:  # noqa: ARG002
        self._sandbox.faults.clear()
        return JSONResponse({})

    async def list_holds(self, request: Request) -> Response:  # noqa: ARG002
        return JSONResponse([hold.as_json() for hold in self._sandbox.faults.holds.values()])

    async def release(self, request: Request) -> Response:
        """`{"id": N}` or all; `{"drop": true}` ends them without effect and answer."""
        body = await _body(request)
        released = self._sandbox.faults.release(body.get("id"), drop=bool(body.get("drop")))
        return JSONResponse({"released": released})

    # -- people -------------------------------------------------------------------------------

    async def read_people(self, request: Request) -> Response:
        """Persons by `ids`, or `limit` living ones from `offset`, in no CRM's words."""
        people = self._sandbox.people
        query = request.query_params
        if "ids" in query:
            found = [people.person(int(id)) for id in query["ids"].split(",")]
        else:
            offset, limit = int(query.get("offset", 0)), int(query.get("limit", 100))
            first = people.persons.id_at(offset)
            ids = people.persons.by_id(first - 1)
            found = [people.person(id) for id, _ in zip(ids, range(limit), strict=False)]
        return JSONResponse([_person(person) for person in found if person is not None])

    async def edit_people(self, request: Request) -> Response:
        """`{"ids", "changes", "at"}`: new values of fields; phones and emails as (value, label)."""
        body = await _body(request)
        self._sandbox.people.edit(body["ids"], _changes(body), body.get("at"))
        return JSONResponse({})

    async def insert_people(self, request: Request) -> Response:
        """`{"count", "changes", "at"}` → `{"ids"}`."""
        body = await _body(request)
        count = body.get("count", 1)
        ids = self._sandbox.people.insert(count, _changes(body), body.get("at"))
        return JSONResponse({"ids": ids})

    async def delete_people(self, request: Request) -> Response:
        body = await _body(request)
        self._sandbox.people.delete(body["ids"], body.get("at"))
        return JSONResponse({})

    async def rename_organizations(self, request: Request) -> Response:
        body = await _body(request)
        self._sandbox.people.rename_organizations(body["ids"], body["name"], body.get("at"))
        return JSONResponse({})

    # -- looking ------------------------------------------------------------------------------

    async def stats(self, request: Request) -> Response:
        detail = request.query_params.get("detail") in ("1", "true")
        return JSONResponse(self._sandbox.stats(detail=detail))

    async def reset_stats(self, request: Request) -> Response:  # noqa: ARG002
        self._sandbox.reset_stats()
        return JSONResponse({})

    async def log(self, request: Request) -> Response:
        """Entries behind the sequence number `since`."""
        return JSONResponse(self._sandbox.log.since(int(request.query_params.get("since", 0))))

    async def contacts(self, request: Request) -> Response:
        """All living contacts, or those of one `source`; no lag, no pages."""
        source = request.query_params.get("source")
        living = self._sandbox.quo.contacts.living()
        return JSONResponse([contact for contact in living if source in (None, contact["source"])])

    # -- Quo ----------------------------------------------------------------------------------

    async def register_key(self, request: Request) -> Response:
        self._sandbox.quo.register_key((await _body(request))["key"])
        return JSONResponse({})

    async def define_custom_field(self, request: Request) -> Response:
        field = FieldDefinition.model_validate(await _body(request))
        self._sandbox.quo.contacts.fields[field.key] = field
        return JSONResponse({})

    async def create_contact(self, request: Request) -> Response:
        """A contact made in the app, `at` a time or now; no source unless the body names one."""
        body = {"source": None, **await _body(request)}
        at = body.pop("at", None) or time.time()
        try:
            document = self._sandbox.quo.contacts.create(body, at, counted=False)
        except Taken:
            return JSONResponse({"error": "source and externalId are taken"}, status_code=409)
        return JSONResponse(document, status_code=201)

    async def edit_contact(self, request: Request) -> Response:
        """Change what the body names, as a user of the app does."""
        id = request.path_params["id"]
        document = self._sandbox.quo.contacts.edit(id, await _body(request), time.time())
        return JSONResponse(document, status_code=200 if document else 404)

    async def delete_contact(self, request: Request) -> Response:
        id = request.path_params["id"]
        gone = self._sandbox.quo.contacts.delete(id, time.time(), counted=False)
        return JSONResponse({}, status_code=200 if gone else 404)


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    body: dict[str, Any] = await request.json() if raw else {}
    return body


def _changes(body: dict[str, Any]) -> dict[str, Any]:
    changes = dict(body.get("changes") or {})
    for name in ("phones", "emails"):
        if name in changes:
            changes[name] = [(item[0], item[1]) for item in changes[name]]
    return changes


def _person(person: PersonRecord) -> dict[str, Any]:
    return {name: getattr(person, name) for name in PersonRecord.__slots__}
