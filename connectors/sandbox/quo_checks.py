"""What Quo accepts as a contact: the limits of the v1 API description."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from connectors.sandbox.call import Refused
from connectors.sandbox.quo_errors import fault_at, invalid, problem
from connectors.sandbox.settings import FieldDefinition

RESERVED_SOURCES = frozenset({"openphone", "device", "csv", "zapier", "google-people", "other"})
RESERVED_PREFIXES = ("openphone", "csv")
MAX_EXTERNAL_ID = 75
MAX_SOURCE_CREATED = 72
MAX_SOURCE = 75
MAX_SOURCE_URL = 200

Problem = dict[str, Any]


def check_contact(
    body: object, fields: Mapping[str, FieldDefinition], known: Mapping[str, str], *, create: bool
) -> dict[str, Any]:
    """The body of a create or patch, or Refused; `known` maps custom item ids to field keys."""
    if not isinstance(body, dict):
        raise invalid("contacts", [fault_at("", "Expected object", body, "object")])
    problems = [*_names(body, create=create), *_identity(body, create=create), *_custom_shape(body)]
    if problems:
        raise invalid("contacts", problems)
    reasons = list(_custom_values(body.get("customFields", ()), fields, known))
    if reasons:
        raise Refused(
            problem("contacts", 400, "Invalid custom field item", code="0801400", errors=reasons)
        )
    return body


def _names(body: dict[str, Any], *, create: bool) -> Iterator[Problem]:
    given = body.get("defaultFields")
    if given is None and not create and "defaultFields" not in body:
        return
    if not isinstance(given, dict):
        yield fault_at("/defaultFields", "Expected object", given, "object")
        return
    if create and "firstName" not in given:
        yield fault_at("/defaultFields/firstName", "Required property", None, "string")
    for name in ("firstName", "lastName", "company", "role"):
        value = given.get(name)
        if value is not None and not isinstance(value, str):
            yield fault_at(f"/defaultFields/{name}", "Expected string", value, "string")
    for name in ("phoneNumbers", "emails"):
        if name in given:
            yield from _items(f"/defaultFields/{name}", given[name])


def _items(path: str, items: object) -> Iterator[Problem]:
    if not isinstance(items, list):
        yield fault_at(path, "Expected array", items, "array")
        return
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            yield fault_at(f"{path}/{index}", "Expected object", item, "object")
            continue
        if not isinstance(item.get("name"), str):
            yield fault_at(f"{path}/{index}/name", "Expected string", item.get("name"), "string")
        value = item.get("value")
        if "value" not in item or not (value is None or isinstance(value, str)):
            yield fault_at(f"{path}/{index}/value", "Expected string", value, "string")


def _identity(body: dict[str, Any], *, create: bool) -> Iterator[Problem]:
    yield from _text(body, "externalId", MAX_EXTERNAL_ID, nullable=True)
    limit = MAX_SOURCE_CREATED if create else MAX_SOURCE
    yield from _text(body, "source", limit, nullable=not create)
    source = body.get("source")
    if isinstance(source, str) and (
        source in RESERVED_SOURCES or source.startswith(RESERVED_PREFIXES)
    ):
        yield fault_at("/source", "Source is reserved", source, "string")
    yield from _text(body, "sourceUrl", MAX_SOURCE_URL, nullable=not create)
    url = body.get("sourceUrl")
    if isinstance(url, str) and not urlsplit(url).scheme:
        yield fault_at("/sourceUrl", "Expected string to match 'uri' format", url, "string")
    user = body.get("createdByUserId")
    if create and user is not None and not (isinstance(user, str) and user.startswith("US")):
        yield fault_at("/createdByUserId", "Expected string to match '^US(.*)$'", user, "string")


def _text(body: dict[str, Any], name: str, limit: int, *, nullable: bool) -> Iterator[Problem]:
    if name not in body or (nullable and body[name] is None):
        return
    value = body[name]
    if not isinstance(value, str):
        yield fault_at(f"/{name}", "Expected string", value, "string")
    elif not 1 <= len(value) <= limit:
        message = f"Expected string length less or equal to {limit}"
        yield fault_at(f"/{name}", message, value, "string")


def _custom_shape(body: dict[str, Any]) -> Iterator[Problem]:
    items = body.get("customFields", [])
    if not isinstance(items, list):
        yield fault_at("/customFields", "Expected array", items, "array")
        return
    for index, item in enumerate(items):
        if not isinstance(item, dict) or "value" not in item:
            yield fault_at(f"/customFields/{index}/value", "Required property", None, "string")


def _custom_values(
    items: list[dict[str, Any]], fields: Mapping[str, FieldDefinition], known: Mapping[str, str]
) -> Iterator[Problem]:
    for item in items:
        key = item.get("key") or known.get(item.get("id", ""))
        field = fields.get(key) if key else None
        if field is None:
            yield {"key": key, "reason": "Custom field does not exist"}
        elif item["value"] is not None and not _fits(field.type, item["value"]):
            yield {"key": key, "reason": f"Expected a value of type {field.type}"}


def _fits(type: str, value: object) -> bool:
    match type:
        case "boolean":
            return isinstance(value, bool)
        case "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case "multi-select":
            return isinstance(value, list) and all(isinstance(part, str) for part in value)
        case "date":
            return isinstance(value, str) and _is_time(value)
        case _:
            return isinstance(value, str)


def _is_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return "T" in value
