"""Values of Quo's custom fields, in the type that each field wants.

Types and their JSON forms: Quo's v1 API description, `GET /v1/contact-custom-fields` and the
`customFields` of a contact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from connectors.clock import iso, parse_time
from transforms.texts import clean


class CoercionError(ValueError):
    """The value has no form in the wanted type."""


def coerce(value: Any, type: str) -> Any:
    """The value in the form that Quo wants for this field type; None when it is empty.

    Raises CoercionError when there is no such form, or when the type is not known.
    """
    convert = _CONVERSIONS.get(type)
    if convert is None:
        raise CoercionError(f"unknown custom field type {type!r}")
    return None if is_empty(value) else convert(value)


def is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | tuple | Mapping) and not value)


def as_text(value: Any) -> str | None:
    """One line of text: lists joined by a comma, whole numbers without a fraction."""
    match value:
        case str():
            return clean(value)
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case int() | float():
            return str(value)
        case datetime():
            return iso(value)
        case date():
            return value.isoformat()
        case list() | tuple():
            return ", ".join(text for item in value if (text := as_text(item))) or None
        case None:
            return None
    raise CoercionError("an object has no text of its own")


_TRUE = frozenset({"true", "yes", "y", "on", "1"})
_FALSE = frozenset({"false", "no", "n", "off", "0"})


def _boolean(value: Any) -> bool:
    text = as_text(value)
    word = text.lower() if text else ""
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise CoercionError("not yes or no")


def _number(value: Any) -> int | float:
    if isinstance(value, bool):
        raise CoercionError("yes or no is no number")
    if isinstance(value, int):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise CoercionError("not a number") from None
    if not math.isfinite(number):
        raise CoercionError("not a finite number")
    return int(number) if number.is_integer() else number


def _instant(value: Any) -> str:
    """An ISO 8601 date-time in UTC; a day is its first moment there."""
    try:
        match value:
            case datetime():
                return iso(value if value.tzinfo else value.replace(tzinfo=UTC))
            case date():
                return iso(datetime(value.year, value.month, value.day, tzinfo=UTC))
            case str():
                return iso(parse_time(value.strip()))
    except (ValueError, OverflowError):
        pass
    raise CoercionError("not a date")


def _choices(value: Any) -> list[str] | None:
    """A list of texts; Salesforce and HubSpot join several choices by a semicolon."""
    items = value.split(";") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        items = [items]
    return list(dict.fromkeys(text for item in items if (text := as_text(item)))) or None


_CONVERSIONS: Mapping[str, Callable[[Any], Any]] = {
    "address": as_text,
    "string": as_text,
    "url": as_text,
    "boolean": _boolean,
    "date": _instant,
    "number": _number,
    "multi-select": _choices,
}
