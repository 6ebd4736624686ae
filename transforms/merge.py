"""The three-way merge: what people typed in Quo survives, what the CRM changed arrives.

The three sides are the CRM (the finished contact), Quo (the contact as it holds it now) and the
base (what the CRM gave us at our last write, see `merge_base`). One value at a time:

    the CRM against base   Quo against base    the merged contact has
    ---------------------  ------------------  -------------------------------------------
    the same               the same or not     Quo's value
    changed                the same            the CRM's value, emptied included
    changed                changed             equal: that; else as `on_conflict` says
    no base                                    the one that is not empty; else as above

Phone numbers and e-mail addresses are merged item by item: an item stays unless it is in base and
the CRM dropped it or someone deleted it in Quo. `merge: false` is the same with Quo's contact of
now as its own base: then nobody has typed anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.quo.model import Contact, CustomValue, DefaultFields, Item, QuoContact
from transforms.custom_values import is_empty
from transforms.settings import SyncPolicy

SCALARS = {"first_name": "firstName", "last_name": "lastName", "company": "company", "role": "role"}
"""The scalar fields of a contact, by our name, with Quo's name in JSON."""

_NO_BASE = object()


def merge(
    contact: Contact,
    current: QuoContact,
    base: QuoContact | None,
    *,
    policy: SyncPolicy,
    person_updated_at: datetime | None,
) -> dict[str, Any] | None:
    """The body of the PATCH that brings Quo in step, or None when Quo holds just that already.

    `base` None: found in Quo, not made by us; then nothing is removed. PATCH replaces arrays as a
    whole, so the body always carries all scalars and all three arrays (Quo's v1 API description);
    `source`, `externalId` and `sourceUrl` only when they differ. Merging again after the write
    gives None, with the old base too: a write whose answer was lost is never repeated.
    """
    if not policy.merge:
        base = current
    verdict = _Verdict(contact.kept_when_empty, _crm_wins(policy, person_updated_at, current))
    held, known = current.default_fields, base.default_fields if base else None
    defaults: dict[str, Any] = {
        key: verdict.on(
            name,
            getattr(contact, name),
            getattr(held, name),
            getattr(known, name) if known else _NO_BASE,
        )
        for name, key in SCALARS.items()
    }
    known_phones, known_emails = (known.phone_numbers, known.emails) if known else ((), ())
    defaults["phoneNumbers"] = _merge_items(
        contact.phones, held.phone_numbers, known_phones, verdict, key=str.strip
    )
    defaults["emails"] = _merge_items(
        contact.emails, held.emails, known_emails, verdict, key=_address
    )
    custom = _merge_custom(contact.custom, current, base, verdict)
    body = {"defaultFields": defaults, "customFields": custom}
    identity = _new_identity(contact, current)
    return None if not identity and body == _held(current) else {**body, **identity}


def merge_base(contact: Contact, answer: QuoContact) -> QuoContact:
    """What a link remembers of a write: the contact as the CRM gave it, under Quo's id and times.

    `answer` is Quo's answer to the write, or the contact read when there was nothing to write. The
    answer itself would not do: it also holds what people typed in Quo, which on the next change
    would look like something that the CRM has dropped. A field that stayed as it was because it is
    mapped with `null: skip` is remembered as Quo has it.
    """
    scalars = {
        name: getattr(answer.default_fields, name)
        if name in contact.kept_when_empty and not getattr(contact, name)
        else getattr(contact, name)
        for name in SCALARS
    }
    held = _values(answer.custom_fields)
    custom = {
        key: held.get(key)
        if is_empty(value) and f"custom.{key}" in contact.kept_when_empty
        else value
        for key, value in contact.custom.items()
    }
    return QuoContact(
        id=answer.id,
        external_id=contact.external_id,
        source=contact.source,
        source_url=contact.source_url,
        default_fields=DefaultFields(
            **scalars,
            phone_numbers=tuple(Item(name=label, value=value) for label, value in contact.phones),
            emails=tuple(Item(name=label, value=value) for label, value in contact.emails),
        ),
        custom_fields=tuple(CustomValue(key=key, value=value) for key, value in custom.items()),
        created_at=answer.created_at,
        updated_at=answer.updated_at,
    )


def restore(newest: QuoContact, over: tuple[Contact, QuoContact]) -> dict[str, Any]:
    """The PATCH body that gives a contact back what its newest write left.

    For an older write that came last. `newest` is the merge base of the newest write; `over` is
    that older contact with Quo's answer to it, so that what people typed stays.
    """
    older, current = over
    body = merge(
        _as_contact(newest),
        current,
        merge_base(older, current),
        policy=SyncPolicy(),
        person_updated_at=None,
    )
    return body or _held(current)


def _as_contact(base: QuoContact) -> Contact:
    """The contact that a merge base was made of."""
    fields = base.default_fields
    return Contact(
        external_id=base.external_id or "",
        source=base.source or "",
        phones=_pairs(fields.phone_numbers),
        emails=_pairs(fields.emails),
        custom=_values(base.custom_fields),
        source_url=base.source_url,
        **{name: getattr(fields, name) for name in SCALARS},
    )


@dataclass(frozen=True, slots=True)
class _Verdict:
    """Which side a single value follows: the table at the top of this module."""

    kept_when_empty: frozenset[str]
    crm_wins: bool

    def on(self, name: str, crm: Any, quo: Any, base: Any) -> Any:
        crm, quo = _or_none(crm), _or_none(quo)
        if _same(crm, quo):
            return quo
        if crm is None and name in self.kept_when_empty:
            return quo
        if base is _NO_BASE:
            if crm is None or quo is None:
                return quo if crm is None else crm
        elif _same(crm, _or_none(base)):
            return quo
        elif _same(quo, _or_none(base)):
            return crm
        return crm if self.crm_wins else quo


def _crm_wins(policy: SyncPolicy, person_updated_at: datetime | None, current: QuoContact) -> bool:
    """Who wins where both sides changed; with `newest` the CRM on a tie or an unknown time."""
    if policy.on_conflict != "newest":
        return policy.on_conflict == "crm"
    if person_updated_at is None or current.updated_at is None:
        return True
    return person_updated_at >= current.updated_at


def _merge_items(
    crm: Sequence[tuple[str, str]],
    quo: Iterable[Item],
    base: Iterable[Item],
    verdict: _Verdict,
    *,
    key: Callable[[str], str],
) -> list[dict[str, Any]]:
    """The CRM's items in its order, then those that only Quo has, in theirs; ids stay.

    Both sides of a match keep one item: Quo's, with the CRM's label only where the CRM changed it.
    """
    remembered = {key(item.value): item.name for item in base if item.value}
    held = [item for item in quo if item.value]
    merged = []
    for label, value in crm:
        match = next((item for item in held if key(item.value or "") == key(value)), None)
        if match is not None:
            held.remove(match)
            name = verdict.on("", label, match.name or label, remembered.get(key(value), label))
            merged.append(_item(match, name))
        elif key(value) not in remembered:
            merged.append({"name": label, "value": value})
    wanted = {key(value) for _, value in crm}
    dropped = remembered.keys() - wanted
    return merged + [
        _item(item, item.name) for item in held if key(item.value or "") not in dropped
    ]


def _merge_custom(
    crm: Mapping[str, Any], current: QuoContact, base: QuoContact | None, verdict: _Verdict
) -> list[dict[str, Any]]:
    """Quo's custom fields in their order, then new ones; a key that is not mapped stays."""
    quo = _values(current.custom_fields)
    remembered = _values(base.custom_fields) if base else {}
    wanted = {
        key: verdict.on(
            f"custom.{key}", value, quo.get(key), remembered.get(key) if base else _NO_BASE
        )
        for key, value in crm.items()
    }
    merged = [
        _custom_item(held, wanted.pop(held.key, held.value) if held.key else held.value)
        for held in current.custom_fields
    ]
    merged += [{"key": key, "value": value} for key, value in wanted.items()]
    return [item for item in merged if not is_empty(item["value"])]


def _new_identity(contact: Contact, current: QuoContact) -> dict[str, str]:
    """Who the contact is in the CRM, where Quo says otherwise; a lost link takes nothing away."""
    sides = {
        "source": (contact.source, current.source),
        "externalId": (contact.external_id, current.external_id),
        "sourceUrl": (contact.source_url, current.source_url),
    }
    return {key: ours for key, (ours, held) in sides.items() if ours and ours != held}


def _held(current: QuoContact) -> dict[str, Any]:
    """The PATCH body that would leave the contact as it is."""
    fields = current.default_fields
    return {
        "defaultFields": {
            **{key: getattr(fields, name) or None for name, key in SCALARS.items()},
            "phoneNumbers": [_item(item, item.name) for item in fields.phone_numbers if item.value],
            "emails": [_item(item, item.name) for item in fields.emails if item.value],
        },
        "customFields": [
            _custom_item(item, item.value)
            for item in current.custom_fields
            if not is_empty(item.value)
        ],
    }


def _item(held: Item, name: str | None) -> dict[str, Any]:
    """An item of Quo in a PATCH body, where `name` must be a text."""
    item = {"name": name or "", "value": held.value}
    return {"id": held.id, **item} if held.id else item


def _custom_item(held: CustomValue, value: Any) -> dict[str, Any]:
    names = {"id": held.id, "key": held.key}
    return {**{name: text for name, text in names.items() if text}, "value": value}


def _pairs(items: Iterable[Item]) -> tuple[tuple[str, str], ...]:
    return tuple((item.name or "", item.value) for item in items if item.value)


def _values(fields: Iterable[CustomValue]) -> dict[str, Any]:
    return {item.key: item.value for item in fields if item.key}


def _or_none(value: Any) -> Any:
    return None if is_empty(value) else value


def _same(one: Any, other: Any) -> bool:
    """Equal, for choices in any order."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return sorted(map(str, one)) == sorted(map(str, other))
    return bool(one == other)


def _address(email: str) -> str:
    return email.strip().lower()
