"""The people of every CRM in the sandbox, and the organisations they belong to.

A person is computed from (seed, index) when asked for, in a few microseconds; only edits, inserts
and deletions are stored. Ids count from 1. With spice, thirteen kinds of oddity befall two in a
thousand each (26 in all): see `_ODDITIES`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.sandbox.dialling import number_abroad, us_number
from connectors.sandbox.pools import Pools, draw_pools
from connectors.sandbox.settings import Settings
from connectors.sandbox.timeline import Calendar, Timeline

OWNER_IDS = (221, 222, 223, 224, 225)
PERSONS_PER_ORGANIZATION = 8
CITY_FIELD = "5f0c6b1e2d3a4f5968778695a4b3c2d1e0f1a2b3"
TIER_FIELD = "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678"
TIERS = {1: "Gold", 2: "Silver", 3: "Bronze"}
LABELS = {5: "Customer", 6: "Hot lead", 7: "Cold lead"}

Item = tuple[str | None, str | None]
"""A phone or an e-mail address and its label."""

_MASK = (1 << 64) - 1
_KINDS = ("work", "mobile", "home", "other")
_CITIES = ("Oakland", "Berlin", "Lyon", "Leeds", "Austin", "Kraków", "Osaka")
_ODDITY_SPAN = 500
_ODDITIES = (
    "no first name",
    "no name",
    "no last name",
    "emoji",
    "300 characters",
    "ten bad phones",
    "phone of the person before",
    "one phone in two formats",
    "extension",
    "no labels",
    "no organization",
    "empty values",
    "bad phone",
)


@dataclass(slots=True)
class PersonRecord:
    """A person in no CRM's words; times in seconds since the epoch."""

    id: int
    first_name: str | None
    last_name: str | None
    job_title: str | None
    org_id: int | None
    owner_id: int
    phones: list[Item]
    emails: list[Item]
    created: int
    updated: int
    custom_fields: dict[str, Any] = field(default_factory=dict)
    label_ids: list[int] = field(default_factory=list)
    deleted: bool = False


@dataclass(slots=True)
class OrganizationRecord:
    id: int
    name: str
    created: int
    updated: int


class People:
    """Persons and organisations of one sandbox, with what was done to them since the start."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        end = int(settings.seed_time.timestamp() if settings.seed_time else time.time() - 60)
        self._calendar = Calendar(settings.persons, end, settings.rows_per_second)
        self._written: dict[int, PersonRecord] = {}
        self._renamed: dict[int, str] = {}
        self._pools: Pools | None = None
        self._phoneless = int(settings.phoneless_share * (1 << 16))
        self.persons = Timeline(settings.persons, self._calendar.updated)
        organizations = -(-settings.persons // PERSONS_PER_ORGANIZATION) or 1
        self.organizations = Timeline(organizations, self._founded)

    @property
    def pools(self) -> Pools:
        if self._pools is None:
            self._pools = draw_pools(self._settings.seed)
        return self._pools

    # -- reading ------------------------------------------------------------------------------

    def person(self, id: int) -> PersonRecord | None:
        """A person, deleted ones included; None for an id that never was."""
        if not 1 <= id <= self.persons.last_id:
            return None
        return self._written.get(id) or self._seeded(id)

    def listed(self, ids: Iterable[int]) -> Iterator[PersonRecord]:
        """The persons of these living ids."""
        written, seeded = self._written, self._seeded
        return (written.get(id) or seeded(id) for id in ids)

    def written(self, id: int) -> bool:
        """Whether a person was edited, inserted or deleted."""
        return id in self._written

    def all_written(self) -> Iterable[PersonRecord]:
        """The persons that were edited, inserted or deleted."""
        return self._written.values()

    def owner_of(self, id: int) -> int:
        written = self._written.get(id)
        return written.owner_id if written else OWNER_IDS[self._mix(id) % len(OWNER_IDS)]

    def organization_of(self, id: int) -> int | None:
        written = self._written.get(id)
        return written.org_id if written else self._employer(id, self._mix(id))

    def organization(self, id: int) -> OrganizationRecord | None:
        if not self.organizations.alive(id):
            return None
        return OrganizationRecord(
            id, self.company(id), self._founded(id - 1), self.organizations.updated(id)
        )

    def company(self, id: int) -> str:
        """The name of an organisation."""
        renamed = self._renamed.get(id)
        if renamed is not None:
            return renamed
        series, which = divmod(id - 1, len(self.pools.companies))
        name = self.pools.companies[which]
        return f"{name} {series + 1}" if series else name

    # -- writing ------------------------------------------------------------------------------

    def edit(self, ids: Iterable[int], changes: Mapping[str, Any], at: int | None = None) -> None:
        """Change fields of persons and move their update time to `at` (now)."""
        at = at if at is not None else int(time.time())
        for id in ids:
            person = self.person(id)
            if person is not None and not person.deleted:
                self._written[id] = replace(person, **changes, updated=at)
                self.persons.touch(id, at)

    def insert(
        self, count: int, changes: Mapping[str, Any] | None = None, at: int | None = None
    ) -> list[int]:
        """New persons, created and updated `at` (now); returns their ids."""
        at = at if at is not None else int(time.time())
        ids = [self.persons.insert(at) for _ in range(count)]
        for id in ids:
            self._written[id] = replace(self._seeded(id), **(changes or {}), created=at, updated=at)
        return ids

    def delete(self, ids: Iterable[int], at: int | None = None) -> None:
        """Take persons off every list; a CRM may still show them by id."""
        at = at if at is not None else int(time.time())
        for id in ids:
            person = self.person(id)
            if person is not None and not person.deleted:
                self._written[id] = replace(person, deleted=True, updated=at)
                self.persons.delete(id)

    def rename_organizations(self, ids: Iterable[int], name: str, at: int | None = None) -> None:
        """Give organisations a name; moves their update time, not that of their persons."""
        for id in ids:
            if self.organizations.alive(id):
                self._renamed[id] = name
                self.organizations.touch(id, at if at is not None else int(time.time()))

    # -- generation ---------------------------------------------------------------------------

    def _mix(self, id: int) -> int:
        """64 well mixed bits of (seed, id): the SplitMix64 step."""
        x = (id * 0x9E3779B97F4A7C15 + self._settings.seed * 0xD1B54A32D192ED03) & _MASK
        x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & _MASK
        x = ((x ^ x >> 27) * 0x94D049BB133111EB) & _MASK
        return x ^ x >> 31

    def _founded(self, index: int) -> int:
        return self._calendar.created(self._calendar.updated(index * PERSONS_PER_ORGANIZATION))

    def _employer(self, id: int, bits: int) -> int:
        """Neighbours work together, as if imported together; one in 25 elsewhere."""
        organization = (id - 1) // PERSONS_PER_ORGANIZATION + 1
        if bits % 25 == 0:
            organization = bits // 25 % organization + 1
        return min(organization, self.organizations.last_id)

    def _seeded(self, id: int) -> PersonRecord:
        bits = self._mix(id)
        pools = self.pools
        locale = (bits >> 4 & 1023) * 5 // 1024
        names = pools.names[0 if locale < 3 else 1 + (bits >> 14 & 7)]
        first = names.first[(bits >> 17 & 1023) % len(names.first)]
        last = names.last[(bits >> 27 & 1023) % len(names.last)]
        updated = self._calendar.updated(id - 1)
        person = PersonRecord(
            id,
            first,
            last,
            pools.jobs[(bits >> 37 & 1023) % len(pools.jobs)],
            self._employer(id, bits),
            OWNER_IDS[bits % len(OWNER_IDS)],
            self._phones(id, bits >> 47),
            self._emails(id, first, last),
            self._calendar.created(updated),
            updated,
            {CITY_FIELD: _CITIES[(bits >> 50) % len(_CITIES)], TIER_FIELD: 1 + bits % 3},
            [5 + bits % 3] if bits & 8 else [],
        )
        if self._phoneless and (bits >> 48) < self._phoneless:
            person.phones = []
        elif self._settings.spice:
            self._spice(person, bits)
        return person

    def _phones(self, id: int, bits: int) -> list[Item]:
        """One in ten has a number abroad; three in ten have a second number."""
        style, choice = bits & 7, (bits >> 3) % 10
        if choice == 0:
            return [(number_abroad(id, style), _KINDS[style & 3])]
        phones: list[Item] = [(us_number(2 * id, style), _KINDS[style & 1])]
        if choice > 6:
            phones.append((us_number(2 * id + 1, style + 1), _KINDS[2 + (style & 1)]))
        return phones

    def _emails(self, id: int, first: str, last: str) -> list[Item]:
        name = f"{first}.{last}".lower().replace(" ", "")
        return [(f"{name}.{id}@example.com" if name.isascii() else f"p{id}@example.org", "work")]

    def _spice(self, person: PersonRecord, bits: int) -> None:
        number = (bits >> 40) % _ODDITY_SPAN
        if number >= len(_ODDITIES):
            return
        main = us_number(2 * person.id, 0)
        match _ODDITIES[number]:
            case "no first name":
                person.first_name = None
            case "no name":
                person.first_name = person.last_name = None
            case "no last name":
                person.last_name = None
            case "emoji":
                person.first_name = f"{person.first_name} 🦊👩‍💻"
            case "300 characters":
                person.last_name = (f"{person.last_name}-" * 300)[:300]
            case "ten bad phones":
                person.phones = [(f"12{n}", "work") for n in range(10)]
            case "phone of the person before":
                person.phones = [(us_number(2 * max(1, person.id - 1), 3), "work")]
            case "one phone in two formats":
                person.phones = [(us_number(2 * person.id, n), "work") for n in (0, 1)]
            case "extension":
                person.phones = [(f"{main} x123", "work")]
            case "no labels":
                person.phones = [(value, None) for value, _ in person.phones]
                person.emails = [(value, None) for value, _ in person.emails]
            case "no organization":
                person.org_id = person.job_title = None
            case "empty values":
                person.phones = [("", "work"), (main, "home")]
                person.emails = [("", "work")]
            case "bad phone":
                person.phones = [("call reception", "work")]
