"""From a person to a finished contact: all that is the same for every CRM, done once.

Names, limits, phone numbers, e-mail addresses, custom fields, external id and source. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from connectors.crm.model import ContactDraft, Labelled, Person
from connectors.errors import SyncError
from connectors.processes.model import OutcomeKind
from connectors.quo.model import Contact
from transforms.custom_values import CoercionError, coerce
from transforms.elements import Entry, Rejection
from transforms.external_ids import external_id
from transforms.mapping import apply_mapping
from transforms.phones import to_e164
from transforms.settings import IntegrationSettings
from transforms.texts import clean, cut

MAX_TEXT = 255
"""Names, company and role are cut here; Quo's v1 API description states no limit."""

MAX_LABEL = 64
MAX_EMAIL = 254
"""The longest address that a mail server must take (RFC 5321, 4.5.3.1.3)."""

MAX_LINK = 200
"""Quo's limit on `sourceUrl`, which must be a URI (v1 API description)."""

DEFAULT_LABEL = "Work"

DELETED = Rejection(
    OutcomeKind.SKIPPED,
    "deleted_in_crm",
    "The person was deleted in the CRM; with `deletes: keep` the contact stays.",
)
EMPTY = Rejection(
    OutcomeKind.SKIPPED,
    "empty",
    "The person has no name, company, phone number or e-mail address; add one in the CRM.",
)

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_LINK = re.compile(r"https?://[!-~]+", re.ASCII)


def to_entries(
    persons: Iterable[Person],
    transform: Callable[[Person], ContactDraft],
    settings: IntegrationSettings,
    custom_fields: Mapping[str, str],
) -> tuple[Entry, ...]:
    """The entries of a page; a person whom `transform` cannot read is rejected alone."""
    return tuple(_entry(person, transform, settings, custom_fields) for person in persons)


def finish(
    person: Person,
    draft: ContactDraft,
    settings: IntegrationSettings,
    custom_fields: Mapping[str, str],
) -> Entry:
    """The finished contact of a person, or why there is none.

    `custom_fields` maps the custom-field keys that Quo has to their types. A value that does not
    fit its type, or whose key Quo lacks, is left out, so that Quo keeps what it holds; so are
    unusable phone numbers, e-mail addresses and links. A person of whom nothing is left is skipped
    as `empty`, not rejected: it is no fault, and what is already in Quo stays as it is.
    """
    if person.deleted:
        return _made(person, rejection=DELETED)
    draft, kept = apply_mapping(person, draft, settings.fields.for_type(person.type))
    company = cut(clean(draft.company), MAX_TEXT)
    phones = tuple(_phones(draft.phones, settings.default_region))
    emails = tuple(_emails(draft.emails))
    first_name, last_name = _names(draft, company, stand_in="first_name" not in kept)
    if not (first_name or last_name or company or phones or emails):
        return _made(person, rejection=EMPTY)
    contact = Contact(
        external_id=external_id(person.type, person.id),
        source=settings.quo.source,
        first_name=first_name,
        last_name=last_name,
        company=company,
        role=cut(clean(draft.role), MAX_TEXT),
        phones=phones,
        emails=emails,
        custom=dict(_custom(draft.custom, custom_fields)) if draft.custom else {},
        source_url=_link(draft.link),
        kept_when_empty=kept,
    )
    skipped_unless_linked = not phones and settings.sync.without_phone == "skip"
    return _made(person, contact=contact, without_phone=skipped_unless_linked)


def _entry(
    person: Person,
    transform: Callable[[Person], ContactDraft],
    settings: IntegrationSettings,
    custom_fields: Mapping[str, str],
) -> Entry:
    try:
        draft = ContactDraft() if person.deleted else transform(person)
        return finish(person, draft, settings, custom_fields)
    except Exception as error:  # one person never fails its page, whatever the connector does
        reason = error.message if isinstance(error, SyncError) else type(error).__name__
        rejection = Rejection(
            OutcomeKind.REJECTED,
            "untransformable",
            f"The {settings.crm} connector could not read this {person.type}: {reason}",
        )
        return _made(person, rejection=rejection)


def _made(
    person: Person,
    *,
    contact: Contact | None = None,
    rejection: Rejection | None = None,
    without_phone: bool = False,
) -> Entry:
    """The entry keeps nothing of the CRM's record: thousands of them wait in memory."""
    identity = contact.external_id if contact else external_id(person.type, person.id)
    return Entry(person.id, identity, person.updated_at, contact, rejection, without_phone)


def _names(
    draft: ContactDraft, company: str | None, *, stand_in: bool
) -> tuple[str | None, str | None]:
    """First and last name. Without a first name the last one stands in, then the company.

    Neither: none (a contact may have only a number; "Unknown" would be a lie). A first name that
    the user mapped with `null: skip` has no stand-in, for that would replace the kept one.
    """
    first, last = cut(clean(draft.first_name), MAX_TEXT), cut(clean(draft.last_name), MAX_TEXT)
    if first or not stand_in:
        return first, last
    return last or company, None


def _phones(phones: Sequence[Labelled], region: str) -> Iterator[tuple[str, str]]:
    """E.164, each number once, in the CRM's order."""
    seen = set()
    for phone in phones:
        number = to_e164(clean(phone.value), region)
        if number and number not in seen:
            seen.add(number)
            yield _label(phone.label), number


def _emails(emails: Sequence[Labelled]) -> Iterator[tuple[str, str]]:
    """Each address once, however it is capitalised; what is plainly none is dropped."""
    seen = set()
    for email in emails:
        address = clean(email.value)
        if not address or len(address) > MAX_EMAIL or not _EMAIL.fullmatch(address):
            continue
        if (key := address.lower()) not in seen:
            seen.add(key)
            yield _label(email.label), address


def _label(label: str | None) -> str:
    text = cut(clean(label), MAX_LABEL) or DEFAULT_LABEL
    return text[0].upper() + text[1:]


def _custom(values: Mapping[str, Any], types: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if key in types:
            try:
                yield key, coerce(value, types[key])
            except CoercionError:
                continue


def _link(link: str | None) -> str | None:
    return link if link and len(link) <= MAX_LINK and _LINK.fullmatch(link) else None
