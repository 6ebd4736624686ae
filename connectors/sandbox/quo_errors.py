"""Quo's error answers, by resource and status (v1 API description, and its observed traps)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.sandbox.call import Refused, Reply

DOCS = "https://openphone.com/docs"
_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    500: "Unknown",
}
_PREFIXES = {
    "contacts": "08",
    "contact-custom-fields": "07",
    "phone-numbers": "04",
    "users": "11",
    "webhooks": "03",
}
_OWN_TITLES = {
    "0801400": "Invalid Custom Field Item",
    "0801403": "Not Phone Number User",
    "0305400": "Invalid Version",
}


def problem(
    resource: str,
    status: int,
    message: str,
    *,
    code: str | None = None,
    errors: Sequence[dict[str, Any]] = (),
) -> Reply:
    """An error of a resource; statuses that only a gateway gives come in the gateway's shape."""
    if status not in _TITLES:
        return Reply(status, {"message": message})
    code = code or _code(resource, status)
    body: dict[str, Any] = {
        "message": message,
        "code": code,
        "status": status,
        "docs": DOCS,
        "title": _OWN_TITLES.get(code, _TITLES[status]),
    }
    if code in _OWN_TITLES:
        body["description"] = _OWN_TITLES[code]
    if errors:
        body["errors"] = list(errors)
    return Reply(status, body)


def _code(resource: str, status: int) -> str:
    prefix = _PREFIXES.get(resource, "08")
    kind = "1" if status == 500 or (resource, status) == ("contacts", 403) else "0"
    return f"{prefix}0{kind}{status}"


def conflict() -> Reply:
    """The one body of every 409 on contacts: it does not tell which field clashed."""
    return problem("contacts", 409, "Failed to create contact")


def without_key() -> Reply:
    """The shape seen for a request without an Authorization header."""
    return Reply(
        401,
        {"error": {"message": "Unauthorized", "key": "Unauthorized", "trace": "1000000000000001"}},
    )


def invalid(resource: str, errors: Sequence[dict[str, Any]]) -> Refused:
    """400 for input that does not fit the schema."""
    return Refused(problem(resource, 400, "The input was invalid", errors=errors))


def fault_at(path: str, message: str, value: object, type: str) -> dict[str, Any]:
    """One item of `errors`."""
    return {"path": path, "message": message, "value": value, "schema": {"type": type}}


def missing(resource: str) -> Refused:
    return Refused(problem(resource, 404, "Not Found"))
