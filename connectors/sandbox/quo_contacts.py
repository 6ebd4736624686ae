"""The contacts of the Quo workspace: stored, replaced, listed with lag, counted."""

from __future__ import annotations

import re
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from connectors.sandbox.log import iso_time
from connectors.sandbox.settings import FieldDefinition

_IDENTITY = ("externalId", "source", "sourceUrl")
_E164 = re.compile(r"\+[1-9]\d{6,14}")

Document = dict[str, Any]


@dataclass(slots=True)
class Stored:
    """A contact, or what a lagging listing still shows of a deleted one."""

    place: int
    document: Document
    created: float
    deleted: float | None = None


class Taken(Exception):  # noqa: N818 - the caller answers it with a 409
    """Another contact has this source and external id."""


class Contacts:
    """All contacts in the order of their creation; (source, externalId) is unique."""

    def __init__(self) -> None:
        self.fields: dict[str, FieldDefinition] = {}
        self._by_id: dict[str, Stored] = {}
        self._order: list[Stored] = []
        self._by_source: dict[str | None, list[Stored]] = {}
        self._by_external_id: dict[str, list[Stored]] = {}
        self._owners: dict[tuple[str, str], Stored] = {}
        self._last_item = 0
        self.reset_counters()

    def reset_counters(self) -> None:
        self._creations: Counter[tuple[str | None, str | None]] = Counter()
        self._patches: Counter[str] = Counter()
        self._deletes = 0
        self._first_write: float | None = None
        self._last_write: float | None = None

    def __len__(self) -> int:
        return len(self._by_id)

    # -- writing ------------------------------------------------------------------------------

    def create(self, body: Document, at: float, *, counted: bool = True) -> Document:
        """Store a validated body; raises Taken. What the app does is not `counted`."""
        source, external_id = body.get("source", "public-api"), body.get("externalId")
        self._claim(source, external_id, None)
        given = body["defaultFields"]
        stamp = iso_time(int(at * 1000))
        place = len(self._order)
        document: Document = {
            "id": f"{int(at):08x}{place:016x}",
            "externalId": external_id,
            "source": source,
            "sourceUrl": body.get("sourceUrl"),
            "defaultFields": {
                "firstName": given.get("firstName"),
                "lastName": given.get("lastName"),
                "company": given.get("company"),
                "role": given.get("role"),
                "phoneNumbers": self._phones(given.get("phoneNumbers", ()), ()),
                "emails": self._items(given.get("emails", ()), ()),
            },
            "customFields": self._custom(body.get("customFields", ()), ()),
            "createdAt": stamp,
            "updatedAt": stamp,
            "createdByUserId": body.get("createdByUserId", "US1"),
        }
        stored = Stored(place, document, at)
        self._order.append(stored)
        self._by_id[document["id"]] = stored
        self._index(stored)
        if counted:
            self._creations[source, external_id] += 1
            self._wrote(at)
        return document

    def patch(self, id: str, body: Document, at: float, *, clear_scalars: bool) -> Document | None:
        """Replace what the body names and wipe the arrays that it leaves out; raises Taken."""
        stored = self._by_id.get(id)
        if stored is None:
            return None
        old = stored.document
        given = body.get("defaultFields", {})
        fields: Document = {
            name: given.get(name, None if clear_scalars else old["defaultFields"][name])
            for name in ("firstName", "lastName", "company", "role")
        }
        before = old["defaultFields"]
        fields["phoneNumbers"] = self._phones(given.get("phoneNumbers", ()), before["phoneNumbers"])
        fields["emails"] = self._items(given.get("emails", ()), before["emails"])
        custom = self._custom(body.get("customFields", ()), old["customFields"])
        self._rewrite(stored, {**body, "defaultFields": fields, "customFields": custom}, at)
        self._patches[id] += 1
        self._wrote(at)
        return stored.document

    def edit(self, id: str, body: Document, at: float) -> Document | None:
        """Change only what is named, as a user of the app does; not counted as a patch."""
        stored = self._by_id.get(id)
        if stored is None:
            return None
        old = stored.document
        before: Document = old["defaultFields"]
        fields: Document = {**before, **body.get("defaultFields", {})}
        fields["phoneNumbers"] = self._phones(fields["phoneNumbers"], before["phoneNumbers"])
        fields["emails"] = self._items(fields["emails"], before["emails"])
        custom_before: list[Document] = old["customFields"]
        custom = self._custom(body.get("customFields", custom_before), custom_before)
        self._rewrite(stored, {**body, "defaultFields": fields, "customFields": custom}, at)
        return stored.document

    def delete(self, id: str, at: float, *, counted: bool = True) -> bool:
        """False when there is none."""
        stored = self._by_id.pop(id, None)
        if stored is None:
            return False
        stored.deleted = at
        self._release(stored)
        if counted:
            self._deletes += 1
            self._wrote(at)
        return True

    def _rewrite(self, stored: Stored, body: Document, at: float) -> None:
        old = stored.document
        new: Document = {
            **old,
            **{name: body[name] for name in _IDENTITY if name in body},
            "defaultFields": body["defaultFields"],
            "customFields": body["customFields"],
            "updatedAt": iso_time(int(at * 1000)),
        }
        if (new["source"], new["externalId"]) != (old["source"], old["externalId"]):
            self._claim(new["source"], new["externalId"], stored)
            self._release(stored)
            self._unlist(stored)
            stored.document = new
            self._index(stored)
        stored.document = new

    def _wrote(self, at: float) -> None:
        if self._first_write is None:
            self._first_write = at
        self._last_write = at

    # -- reading ------------------------------------------------------------------------------

    def get(self, id: str) -> Document | None:
        stored = self._by_id.get(id)
        return stored.document if stored else None

    def page(
        self,
        external_ids: Sequence[str],
        sources: Sequence[str],
        after: int,
        limit: int,
        visible_before: float,
    ) -> tuple[list[Document], int | None]:
        """Contacts behind a place, and the place to go on from (None = end).

        A lagging listing: what was created or deleted since `visible_before` is not seen yet.
        """
        found: list[Document] = []
        last = after
        for stored in self._candidates(external_ids, sources, after):
            if not _listed(stored, visible_before):
                continue
            if len(found) == limit:
                return found, last
            found.append(stored.document)
            last = stored.place
        return found, None

    def _candidates(
        self, external_ids: Sequence[str], sources: Sequence[str], after: int
    ) -> Iterator[Stored]:
        """Contacts behind a place that fit the filters, in the order of their creation."""
        wanted = set(sources)
        if external_ids:
            rows = sorted(
                (s for id in set(external_ids) for s in self._by_external_id.get(id, ())),
                key=_place,
            )
        elif len(wanted) == 1:
            rows = self._by_source.get(sources[0], [])
        else:
            rows = self._order
        for stored in islice(rows, bisect_right(rows, after, key=_place), None):
            if not wanted or stored.document["source"] in wanted:
                yield stored

    def living(self) -> Iterator[Document]:
        return (stored.document for stored in self._by_id.values())

    def stats(self, *, detail: bool) -> Document:
        """Counts; with `detail` also every creation and every patched id."""
        pairs: list[Document] = [
            {"source": source, "externalId": external_id, "count": count}
            for (source, external_id), count in self._creations.items()
            if detail or count > 1
        ]
        stats: Document = {
            "contacts": len(self),
            "creations": self._creations.total(),
            "patches": self._patches.total(),
            "deletes": self._deletes,
            "created_more_than_once": [pair for pair in pairs if pair["count"] > 1],
            "first_write": _stamp(self._first_write),
            "last_write": _stamp(self._last_write),
        }
        if detail:
            stats["creations_by_id"] = pairs
            stats["patches_by_id"] = dict(self._patches)
        return stats

    # -- indexes ------------------------------------------------------------------------------

    def _claim(self, source: str | None, external_id: str | None, own: Stored | None) -> None:
        if source is not None and external_id is not None:
            holder = self._owners.get((source, external_id))
            if holder is not None and holder is not own:
                raise Taken

    def _index(self, stored: Stored) -> None:
        source, external_id = stored.document["source"], stored.document["externalId"]
        insort(self._by_source.setdefault(source, []), stored, key=_place)
        if external_id is not None:
            self._by_external_id.setdefault(external_id, []).append(stored)
            if source is not None:
                self._owners[source, external_id] = stored

    def _release(self, stored: Stored) -> None:
        pair = (stored.document["source"], stored.document["externalId"])
        if self._owners.get(pair) is stored:
            del self._owners[pair]

    def _unlist(self, stored: Stored) -> None:
        document = stored.document
        self._by_source[document["source"]].remove(stored)
        if document["externalId"] is not None:
            self._by_external_id[document["externalId"]].remove(stored)

    # -- items --------------------------------------------------------------------------------

    def _new_item_id(self) -> str:
        self._last_item += 1
        return f"{self._last_item:012x}"

    def _items(self, given: Iterable[Document], before: Sequence[Document]) -> list[Document]:
        """Items with a value; an id is kept when it is one of this contact's, else made anew."""
        known = {item["id"] for item in before}
        return [
            {
                "id": item["id"] if item.get("id") in known else self._new_item_id(),
                "name": item["name"],
                "value": item["value"],
            }
            for item in given
            if item["value"] is not None
        ]

    def _phones(self, given: Iterable[Document], before: Sequence[Document]) -> list[Document]:
        items = self._items(given, before)
        for item in items:
            if not _E164.fullmatch(item["value"]):
                item["value"] = _normalised(item["value"])
        return items

    def _custom(self, given: Iterable[Document], before: Sequence[Document]) -> list[Document]:
        ids = {item["id"]: item["key"] for item in before}
        kept = {item["key"]: item["id"] for item in before}
        items = []
        for item in given:
            if item["value"] is None:
                continue
            field = self.fields[item.get("key") or ids[item["id"]]]
            items.append(
                {
                    "id": kept.get(field.key) or self._new_item_id(),
                    "key": field.key,
                    "name": field.name,
                    "type": field.type,
                    "value": item["value"],
                }
            )
        return items


def _place(stored: Stored) -> int:
    return stored.place


def _listed(stored: Stored, visible_before: float) -> bool:
    if stored.deleted is not None:
        return stored.created <= visible_before < stored.deleted
    return stored.created <= visible_before


def _stamp(at: float | None) -> str | None:
    return None if at is None else iso_time(int(at * 1000))


def _normalised(value: str) -> str:
    """E.164 as answered whatever was sent; what is no number stays as it is."""
    import phonenumbers

    try:
        number = phonenumbers.parse(value, "US")
    except phonenumbers.NumberParseException:
        return value
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
