"""The user's `only`: what Pipedrive filters for us, and what we must filter ourselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connectors.crm.pipedrive.api import list_call, records
from connectors.errors import ConfigurationError
from connectors.http.client import HttpClient

KEYS = frozenset({"owner", "view", "label", "field"})
_LABEL_FIELDS = frozenset({"label_ids", "label"})


class PersonFilter:
    """Which persons belong to the integration.

    `view` is the id of a saved filter and `owner` that of a user: both go to the server, which
    ignores the owner (and `ids` and `org_id`) beside a filter, so the owner is looked at here as
    well. `label` is a label's id or name (or a list, any of which fits), `field` maps dotted paths
    into the record to the value it must have; of a field with several values one must fit.
    """

    def __init__(self, only: Mapping[str, Any], label_id: Callable[[object], int]) -> None:
        unknown = sorted(set(only) - KEYS)
        if unknown:
            raise ConfigurationError(
                f"only.{unknown[0]}: Pipedrive knows no such filter; "
                f"use one of {', '.join(sorted(KEYS))}."
            )
        self.owner = _number("owner", only.get("owner"))
        self.view = _number("view", only.get("view"))
        self._labels = frozenset(label_id(label) for label in _several(only.get("label")))
        fields: Mapping[str, Any] = only.get("field") or {}
        self._own = [(path.split("."), value) for path, value in fields.items()]
        self.needs_organization = any(path[0] == "org" for path, _ in self._own)

    @property
    def params(self) -> dict[str, int]:
        """What a list of persons is asked with."""
        if self.view is not None:
            return {"filter_id": self.view}
        return {"owner_id": self.owner} if self.owner is not None else {}

    def admits(self, record: Mapping[str, Any]) -> bool:
        """Whether this record belongs; it has its organisation only if `needs_organization`."""
        if self.owner is not None and _id(record.get("owner_id")) != self.owner:
            return False
        if self._labels and self._labels.isdisjoint(record.get("label_ids") or ()):
            return False
        return all(_equal(_walk(record, path), wanted) for path, wanted in self._own)


class LabelNames:
    """Ids of the account's person labels, asked for once and only when a name is used."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self._ids: dict[str, int] | None = None

    def id_of(self, label: object) -> int:
        """The id of a label given by id or name; raises ConfigurationError that lists the names."""
        text = str(label).strip()
        if text.isdigit():
            return int(text)
        if self._ids is None:
            self._ids = self._read()
        found = self._ids.get(text.casefold())
        if found is None:
            known = ", ".join(sorted(self._ids)) or "none"
            raise ConfigurationError(f"only.label: no label {text!r}; this account has: {known}.")
        return found

    def _read(self) -> dict[str, int]:
        ids: dict[str, int] = {}
        cursor: str | None = None
        while True:
            fields, cursor = records(
                self._http.send(list_call("personFields", {"limit": 500}, cursor=cursor))
            )
            for field in fields:
                if field.get("field_code") in _LABEL_FIELDS:
                    options = field.get("options") or ()
                    ids |= {str(item["label"]).casefold(): int(item["id"]) for item in options}
            if cursor is None:
                return ids


def _number(key: str, value: object) -> int | None:
    if value is None:
        return None
    if not str(value).isdigit():
        raise ConfigurationError(f"only.{key}: {value!r} is no id; write the number of the {key}.")
    return int(str(value))


def _several(value: object) -> tuple[object, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _id(value: Any) -> Any:
    """An id that v1 writes as an object and v2 plainly."""
    return value.get("id", value.get("value")) if isinstance(value, dict) else value


def _walk(record: Any, path: Sequence[str]) -> Any:
    for key in path:
        if not isinstance(record, dict):
            return None
        record = record.get(key)
    return record


def _equal(value: Any, wanted: Any) -> bool:
    """Equal as configuration writes it: `17` fits "17"; of a list any item may fit."""
    if isinstance(value, list):
        return any(_equal(item, wanted) for item in value)
    return bool(value == wanted) or (value is not None and str(value) == str(wanted))
