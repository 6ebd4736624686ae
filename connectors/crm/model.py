"""The words of the connector contract: what a CRM gives, and what it is asked for.

All types are small, frozen and picklable; whatever could hold personal data stays out of `repr`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from connectors.clock import iso, parse_time


class Paging(StrEnum):
    """How the persons of a CRM are cut into page ranges."""

    PAGES = "PAGES"
    WINDOWS = "WINDOWS"
    CHAIN = "CHAIN"
    IDS = "IDS"
    """A list of known ids: what retry and look-ups read; no CRM declares it."""


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open span [since, until) of update time; None is open."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class RangeSpec:
    """The bounds of one page range; `id` is derived from them, so a replay derives the same.

    `first_page` and `last_page` count from 1 and are inclusive (`last_page` None = to the end).
    `only` is the user's filter; it belongs to the integration, not to the bounds. `expected` is
    how many persons the CRM itself counts in the range, None when it gives no counts.
    """

    person_type: str
    kind: Paging
    first_page: int | None = None
    last_page: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    ids: tuple[str, ...] = ()
    only: Mapping[str, Any] = field(default_factory=dict, compare=False, hash=False)
    expected: int | None = field(default=None, compare=False, hash=False)

    @property
    def id(self) -> str:
        match self.kind:
            case Paging.PAGES:
                return f"pages-{self.first_page}-{self.last_page or 'end'}"
            case Paging.WINDOWS:
                since = iso(self.since) if self.since else "start"
                return f"window-{since}-{iso(self.until) if self.until else 'now'}"
            case Paging.IDS:
                digest = hashlib.sha256("\n".join(self.ids).encode()).hexdigest()
                return f"ids-{digest[:16]}"
            case _:
                since = f"-{iso(self.since)}" if self.since else ""
                return f"chain{since}"

    def to_json(self) -> dict[str, Any]:
        """The bounds alone, without empty ones."""
        bounds: dict[str, Any] = {"kind": self.kind.value}
        if self.first_page is not None:
            bounds["first_page"] = self.first_page
        if self.last_page is not None:
            bounds["last_page"] = self.last_page
        if self.since is not None:
            bounds["since"] = iso(self.since)
        if self.until is not None:
            bounds["until"] = iso(self.until)
        if self.ids:
            bounds["ids"] = list(self.ids)
        return bounds

    @classmethod
    def from_json(
        cls, bounds: Mapping[str, Any], *, person_type: str, only: Mapping[str, Any]
    ) -> RangeSpec:
        since, until = bounds.get("since"), bounds.get("until")
        return cls(
            person_type=person_type,
            kind=Paging(bounds["kind"]),
            first_page=bounds.get("first_page"),
            last_page=bounds.get("last_page"),
            since=parse_time(since) if since else None,
            until=parse_time(until) if until else None,
            ids=tuple(bounds.get("ids", ())),
            only=only,
        )


@dataclass(frozen=True, slots=True)
class Person:
    """A CRM record that becomes a contact.

    `fields` is the CRM's record with its joins: opaque to everyone but its connector and the
    user's own field mapping.
    """

    type: str
    id: str
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deleted: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class PersonPage:
    """One CRM response: `next_cursor` None = the end of the range; `total` None = unknown."""

    persons: Sequence[Person]
    next_cursor: str | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Labelled:
    """A phone or an e-mail address as the CRM wrote it."""

    value: str | None = field(repr=False)
    label: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class ContactDraft:
    """What a connector makes of a person; everything common to all CRMs is done afterwards.

    `link` is the person's page in the CRM's own web application (at most 200 characters).
    `custom` maps Quo custom-field keys to raw values.
    """

    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    role: str | None = None
    phones: Sequence[Labelled] = ()
    emails: Sequence[Labelled] = ()
    custom: Mapping[str, Any] = field(default_factory=dict)
    link: str | None = None


class ActivityKind(StrEnum):
    CALL = "call"
    SMS = "sms"


@dataclass(frozen=True, slots=True)
class Activity:
    """A Quo call or text, already rendered, to be logged on a CRM person.

    `at` is when it happened; `duration_seconds` is None for texts and calls nobody took;
    `owner_email` names the Quo user who handled it.
    """

    kind: ActivityKind
    id: str
    at: datetime
    title: str = field(repr=False)
    html: str = field(repr=False)
    text: str = field(repr=False)
    direction: str = "incoming"
    duration_seconds: int | None = None
    owner_email: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class WebhookSubscription:
    """One subscription at the CRM; `secret` is what its deliveries are verified with."""

    id: str
    url: str
    events: tuple[str, ...]
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PersonEvent:
    """One webhook delivery in neutral words; `id` deduplicates its repeats."""

    id: str
    person_type: str
    person_id: str
    deleted: bool = False
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BudgetSpec:
    """A limit that the CRM sets on requests.

    `limit` units per `per_seconds`; a request costs 1 unit unless it says otherwise under this
    budget's `name`. A `daily` budget is counted and never paced: nearly spent, it parks the run.
    `source` says where the number comes from.
    """

    name: str
    limit: float
    per_seconds: float
    source: str
    daily: bool = False


@dataclass(frozen=True, slots=True)
class CRMConfig:
    """What a CRM can do.

    `person_types` maps each type (singular, the CRM's word) to the Quo contact type it becomes;
    `filters` are the keys of `only` that the connector understands.
    """

    name: str
    person_types: Mapping[str, str]
    paging: Paging
    page_size: int
    max_page_size: int
    totals: bool
    filters: frozenset[str] = frozenset()
    budgets: tuple[BudgetSpec, ...] = ()
