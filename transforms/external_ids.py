"""The external id: what ties a contact in Quo to one person of one CRM, for ever."""

from __future__ import annotations

import hashlib
import re
from functools import cache

MAX_LENGTH = 75
"""Quo's limit on `externalId` (v1 API description)."""

_DIGITS = 32
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_WORD = re.compile(r"[\W_]+")


def external_id(person_type: str, person_id: str, site: str | None = None) -> str:
    """`<type>-<id>`, with sites `<site>.<type>-<id>`: `person-4107`, `10825.client-17`.

    Final: a changed id would make a second contact of every person. The type is in lower kebab
    case (`ResponsibleParty` → `responsible-party`, `Custom_Object__c` → `custom-object-c`); id and
    site stand as the CRM writes them. Over 75 characters the id part becomes the first 32 hex
    digits of SHA-256 over the whole external id; should type and site alone be too long, they are
    cut to what is left beside those digits, which still tell the persons apart.
    """
    kind = f"{site}.{kebab(person_type)}" if site else kebab(person_type)
    whole = f"{kind}-{person_id}"
    if len(whole) <= MAX_LENGTH:
        return whole
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    return f"{kind[: MAX_LENGTH - _DIGITS - 1]}-{digest}"


@cache
def kebab(name: str) -> str:
    """A CRM's type name in lower kebab case; letters and digits of any script stay."""
    return _NOT_WORD.sub("-", _CAMEL.sub("-", name)).strip("-").lower()
