"""The user's own field mapping, laid over what the connector made of a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.crm.model import ContactDraft, Person
from transforms.custom_values import CoercionError, as_text
from transforms.settings import FieldMapping

SCALARS = ("first_name", "last_name", "company", "role")
"""The contact fields that can be mapped by name; all others are custom fields."""


def value_at(record: Any, path: str) -> Any:
    """The value at a dotted path, None when there is none.

    A key that itself holds dots is met before its parts. Below a list, a number picks one item and
    a name is read from all of them.
    """
    if isinstance(record, Mapping):
        if path in record:
            return record[path]
        head, _, rest = path.partition(".")
        return value_at(record[head], rest) if rest and head in record else None
    if isinstance(record, Sequence) and not isinstance(record, str | bytes):
        head, _, rest = path.partition(".")
        if head.isdecimal():
            item = record[int(head)] if int(head) < len(record) else None
            return value_at(item, rest) if rest else item
        found = [value_at(item, path) for item in record]
        return [value for value in found if value is not None] or None
    return None


def apply_mapping(
    person: Person, draft: ContactDraft, mapping: FieldMapping
) -> tuple[ContactDraft, frozenset[str]]:
    """The draft with the mapped fields, and the names of those that keep Quo's value when empty.

    Several values become one text joined by commas. A path that ends at an object names no value:
    the connector's own then stays.
    """
    if not mapping.scalars and not mapping.custom:
        return draft, frozenset()
    scalars: dict[str, Any] = {}
    for name, source in mapping.scalars.items():
        try:
            scalars[name] = as_text(value_at(person.fields, source.path))
        except CoercionError:
            continue
    custom = {key: value_at(person.fields, source.path) for key, source in mapping.custom.items()}
    kept = [name for name, source in mapping.scalars.items() if source.null == "skip"]
    kept += [f"custom.{key}" for key, source in mapping.custom.items() if source.null == "skip"]
    return replace(draft, **scalars, custom={**draft.custom, **custom}), frozenset(kept)
