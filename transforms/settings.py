"""An integration's frozen settings, as every request and page range carries them.

References to secrets travel here, secrets never.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class FieldSource:
    """Where a contact field comes from in the CRM's record: a dotted path.

    `null` says what an empty value means: `clear` empties the contact's field, `skip` keeps it.
    """

    path: str
    null: Literal["clear", "skip"] = "clear"


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """The user's own mapping, over the connector's: scalars by name, custom fields by Quo key."""

    scalars: Mapping[str, FieldSource] = field(default_factory=dict)
    custom: Mapping[str, FieldSource] = field(default_factory=dict)
    by_type: Mapping[str, FieldMapping] = field(default_factory=dict)

    def for_type(self, person_type: str) -> FieldMapping:
        """The mapping of one person type: its own entries win over the common ones."""
        own = self.by_type.get(person_type)
        if own is None:
            return self
        return FieldMapping(
            scalars={**self.scalars, **own.scalars}, custom={**self.custom, **own.custom}
        )


@dataclass(frozen=True, slots=True)
class SyncPolicy:
    without_phone: Literal["skip", "sync"] = "skip"
    deletes: Literal["keep"] = "keep"
    merge: bool = True
    on_conflict: Literal["crm", "quo", "newest"] = "crm"
    max_delete_percent: float = 10.0
    overlap_seconds: int = 300


@dataclass(frozen=True, slots=True)
class QuoSettings:
    """`api_key` is a reference; `requests_per_second` None = no limit."""

    api_key: str
    source: str
    base_url: str = "https://api.openphone.com"
    requests_per_second: float | None = 10.0


@dataclass(frozen=True, slots=True)
class IntegrationSettings:
    """Everything one integration's job needs to know, resolved to defaults.

    `crm_credentials` maps credential fields to references. `initial_days` and `ongoing_minutes`
    are the schedule.
    """

    id: str
    user_id: str
    crm: str
    crm_options: Mapping[str, Any]
    crm_credentials: Mapping[str, str]
    quo: QuoSettings
    person_types: tuple[str, ...]
    default_region: str = "US"
    fields: FieldMapping = field(default_factory=FieldMapping)
    only: Mapping[str, Any] = field(default_factory=dict)
    sync: SyncPolicy = field(default_factory=SyncPolicy)
    ongoing_minutes: float = 60.0
    initial_days: float = 7.0

    @property
    def shape(self) -> str:
        """Digest of what shapes contacts: when it differs, everything must be read again."""
        shaping = {
            "fields": _plain(self.fields),
            "only": _plain(self.only),
            "person_types": sorted(self.person_types),
            "default_region": self.default_region,
            "without_phone": self.sync.without_phone,
        }
        text = json.dumps(shaping, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if isinstance(value, FieldMapping):
        return {
            "scalars": _plain(value.scalars),
            "custom": _plain(value.custom),
            "by_type": _plain(value.by_type),
        }
    if isinstance(value, FieldSource):
        return [value.path, value.null]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value
