"""Pipedrive: persons and organisations of API v2 behind the two rate meters.

Facts and their doubts are those of the vendor's documentation of the v2 API. A `limit` above 500
is cut to 500; ids that are unknown, deleted or invisible are silently absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

from connectors.sandbox.call import Call, Dialect, PageShape, Reply, Routes
from connectors.sandbox.people import (
    CITY_FIELD,
    LABELS,
    TIER_FIELD,
    TIERS,
    Item,
    OrganizationRecord,
    People,
    PersonRecord,
)
from connectors.sandbox.pipedrive_api import (
    ListQuery,
    ids_of,
    integer,
    invalid,
    not_found,
    refusal,
    v2_time,
)
from connectors.sandbox.pipedrive_records import Records
from connectors.sandbox.pipedrive_search import PhoneSearch
from connectors.sandbox.rates import DailyMeter, RollingMeter
from connectors.sandbox.settings import Settings

BURST_SECONDS = 2
MAX_CUSTOM_FIELDS = 15
_LIST_COST = {"GET": 10, "POST": 5, "PATCH": 5, "DELETE": 3}
_CLOUDFLARE_PAGE = (
    b"<!DOCTYPE html><html><head><title>Access denied | Cloudflare</title></head>"
    b"<body><h1>Error 1015</h1><p>You are being rate limited</p></body></html>"
)


class PipedriveDialect(Dialect):
    """One Pipedrive company; every accepted API token sees all of it."""

    name = "pipedrive"

    def __init__(self, settings: Callable[[], Settings], people: Callable[[], People]) -> None:
        self._settings = settings
        self._people = people
        self.page_shape = PageShape(
            "data", "cursor", ("additional_data", "next_cursor"), self._same_place
        )
        self.reset()

    def reset(self) -> None:
        self.records = Records(self._settings, self._people)
        self._search = PhoneSearch(self._settings, self._people)
        self._burst = RollingMeter(BURST_SECONDS)
        self._daily = DailyMeter()
        self._refused_in_a_row = 0
        self.routes = Routes(
            {
                "GET /api/v2/persons": self._list_persons,
                "GET /api/v2/persons/search": self._search.persons,
                "GET /api/v2/persons/{id}": self._get_person,
                "GET /api/v2/personFields": self._person_fields,
                "GET /api/v2/organizations": self._list_organizations,
                "GET /api/v2/organizations/{id}": self._get_organization,
                **self.records.routes(),
            }
        )

    # -- the gateway --------------------------------------------------------------------------

    def key_of(self, call: Call) -> str | None:
        return call.header(b"x-api-token") or call.parameter("api_token")

    def admit(self, call: Call) -> Reply | None:
        token, settings = self.key_of(call), self._settings()
        prefix = settings.key_prefix
        if token is None or not (
            token in settings.crm_tokens or (prefix is not None and token.startswith(prefix))
        ):
            return refusal(401, "unauthorized access")
        if not self._metered(call, token, settings):
            return self._over_limit(settings)
        self._refused_in_a_row = 0
        return None

    def _metered(self, call: Call, token: str, settings: Settings) -> bool:
        """Count the call on both meters; what they say stands in the headers of its answer."""
        if settings.crm_burst is not None:
            allowed, left, reset = self._burst.take(token, call.at, settings.crm_burst)
            call.gateway_headers.update(_limit_headers(settings.crm_burst, left, reset))
            if not allowed:
                return False
        if settings.crm_daily_tokens is not None:
            total = settings.crm_daily_tokens
            allowed, remaining, reset = self._daily.take(cost_of(call), call.at, total)
            call.gateway_headers["x-daily-ratelimit-token-limit"] = str(total)
            call.gateway_headers["x-daily-ratelimit-token-remaining"] = str(int(remaining))
            if not allowed:
                call.gateway_headers.update(_limit_headers(total, 0, reset))
                return False
        return True

    def _over_limit(self, settings: Settings) -> Reply:
        self._refused_in_a_row += 1
        limit = settings.cloudflare_after
        if limit is not None and self._refused_in_a_row > limit:
            return Reply(403, _CLOUDFLARE_PAGE, content_type="text/html; charset=UTF-8")
        return refusal(429, "Rate limit exceeded")

    def error(self, call: Call, status: int) -> Reply:  # noqa: ARG002
        messages = {401: "unauthorized access", 404: "Not found", 429: "Rate limit exceeded"}
        return refusal(status, messages.get(status, "An error occurred"))

    # -- persons ------------------------------------------------------------------------------

    def _list_persons(self, call: Call) -> Reply:
        query = self._query(call)
        people = self._people()
        ids = self._chosen(call, query, people)
        rows = list(people.listed(islice(ids, query.limit + 1)))
        more = len(rows) > query.limit
        rows = rows[: query.limit]
        wanted = _custom_fields_of(call)
        cursor = None
        if more:
            cursor = query.cursor(_sort_value(query, rows[-1]), rows[-1].id)
        return self._page([person_json(row, wanted) for row in rows], cursor)

    def _chosen(self, call: Call, query: ListQuery, people: People) -> Iterable[int]:
        """The ids that fit `filter_id`, or `ids`, `owner_id` and `org_id` without one."""
        filter_id = integer(call, "filter_id")
        if filter_id is None:
            named, owner = ids_of(call), integer(call, "owner_id")
            organization = integer(call, "org_id")
        else:
            saved = self._settings().filters.get(filter_id)
            if saved is None:
                raise invalid(f"filter {filter_id} not found")
            named, owner, organization = None, saved.get("owner_id"), saved.get("org_id")
        ids = query.ids(people.persons, named)
        if owner is not None:
            ids = (id for id in ids if people.owner_of(id) == owner)
        if organization is not None:
            ids = (id for id in ids if people.organization_of(id) == organization)
        return ids

    def _get_person(self, call: Call, id: str) -> Reply:
        person = self._people().person(int(id)) if id.isdecimal() else None
        if person is None:
            raise not_found("Person")
        return Reply(200, {"success": True, "data": person_json(person, _custom_fields_of(call))})

    def _person_fields(self, call: Call) -> Reply:  # noqa: ARG002
        tiers, labels = _options(TIERS), _options(LABELS)
        fields = [
            _field("Name", "name", "varchar"),
            _field("Phone", "phone", "phone"),
            _field("Labels", "label_ids", "set", options=labels),
            _field("City", CITY_FIELD, "varchar", custom=True),
            _field("Tier", TIER_FIELD, "enum", custom=True, options=tiers),
        ]
        return self._page(fields, None)

    # -- organisations ------------------------------------------------------------------------

    def _list_organizations(self, call: Call) -> Reply:
        query = self._query(call)
        people = self._people()
        ids = query.ids(people.organizations, ids_of(call))
        found = (people.organization(id) for id in islice(ids, query.limit + 1))
        rows = [row for row in found if row is not None]
        more = len(rows) > query.limit
        rows = rows[: query.limit]
        cursor = query.cursor(_sort_value(query, rows[-1]), rows[-1].id) if more else None
        return self._page([organization_json(row) for row in rows], cursor)

    def _get_organization(self, call: Call, id: str) -> Reply:  # noqa: ARG002
        organization = self._people().organization(int(id)) if id.isdecimal() else None
        if organization is None:
            raise not_found("Organization")
        return Reply(200, {"success": True, "data": organization_json(organization)})

    # -- pages --------------------------------------------------------------------------------

    def _query(self, call: Call) -> ListQuery:
        return ListQuery.read(call, fractional=self._settings().accept_fractional_times)

    def _same_place(self, call: Call) -> str:
        return self._query(call).same_place()

    def _page(self, data: list[dict[str, Any]], cursor: str | None) -> Reply:
        body: dict[str, Any] = {"success": True, "data": data}
        if cursor is not None or self._settings().end_cursor == "null":
            body["additional_data"] = {"next_cursor": cursor}
        return Reply(200, body)


def cost_of(call: Call) -> int:
    """Tokens of the daily budget: v1 costs twice what v2 does."""
    v1 = call.path.startswith("/api/v1/")
    parts = call.path.split("/")[3:]
    if parts[-1] in ("search", "find"):
        return 40 if v1 else 20
    if call.method == "GET" and len(parts) > 1:
        return 2 if v1 else 1
    cost = _LIST_COST.get(call.method, 5)
    return 2 * cost if v1 else cost


def _limit_headers(limit: int, left: int, reset: int) -> dict[str, str]:
    return {
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-remaining": str(left),
        "x-ratelimit-reset": str(reset),
    }


def _sort_value(query: ListQuery, row: PersonRecord | OrganizationRecord) -> int:
    match query.sort_by:
        case "update_time":
            return row.updated
        case "add_time":
            return row.created
        case _:
            return row.id


def _custom_fields_of(call: Call) -> list[str] | None:
    text = call.parameter("custom_fields")
    if text is None:
        return None
    names = text.split(",")
    if len(names) > MAX_CUSTOM_FIELDS:
        raise invalid(f"custom_fields must contain at most {MAX_CUSTOM_FIELDS} keys")
    return names


def person_json(person: PersonRecord, custom_fields: list[str] | None = None) -> dict[str, Any]:
    """A person in v2 form, of a company with Contact Sync (`job_title`)."""
    names = [name for name in (person.first_name, person.last_name) if name]
    custom = person.custom_fields
    if custom_fields is not None:
        custom = {name: custom.get(name) for name in custom_fields}
    return {
        "id": person.id,
        "name": " ".join(names),
        "first_name": person.first_name,
        "last_name": person.last_name,
        "owner_id": person.owner_id,
        "org_id": person.org_id,
        "add_time": v2_time(person.created),
        "update_time": v2_time(person.updated),
        "emails": _items(person.emails),
        "phones": _items(person.phones),
        "is_deleted": person.deleted,
        "visible_to": 3,
        "label_ids": person.label_ids,
        "picture_id": None,
        "custom_fields": custom,
        "job_title": person.job_title,
    }


def _items(items: list[Item]) -> list[dict[str, Any]]:
    return [
        {"value": value, "primary": position == 0, "label": label}
        for position, (value, label) in enumerate(items)
    ]


def organization_json(organization: OrganizationRecord) -> dict[str, Any]:
    return {
        "id": organization.id,
        "name": organization.name,
        "owner_id": 221,
        "add_time": v2_time(organization.created),
        "update_time": v2_time(organization.updated),
        "address": None,
        "is_deleted": False,
        "visible_to": 3,
        "label_ids": [],
        "custom_fields": {},
    }


def _options(names: Mapping[int, str]) -> list[dict[str, Any]]:
    return [{"id": id, "label": label} for id, label in names.items()]


def _field(
    name: str, code: str, type: str, *, custom: bool = False, options: object = None
) -> dict[str, Any]:
    return {
        "field_name": name,
        "field_code": code,
        "description": f"{name} of the person",
        "field_type": type,
        "options": options,
        "subfields": None,
        "is_custom_field": custom,
        "is_optional_response_field": False,
    }
