"""A Pipedrive person as a contact draft: pure, and tolerant of every shape a record has had.

v2 writes `phones` and `emails`; v1 wrote `phone` and `email`, the organisation as an object under
`org_id`, and an entry with an empty value where there was none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.crm.model import ContactDraft, Labelled, Person

_WORK = "Work"
_LINK_LIMIT = 200


def link_base(host: str) -> str:
    """Where the web application shows persons; the API's global host has none, `app.` redirects."""
    return f"https://{'app.pipedrive.com' if host == 'api.pipedrive.com' else host}/person/"


def contact_draft(person: Person, links: str) -> ContactDraft:
    """Names, company, job title, all phones and e-mails, and the link under `links`."""
    fields = person.fields
    get = fields.get
    first, last = _text(get("first_name")), _text(get("last_name"))
    if first is None and last is None:
        first, last = _split(_text(get("name")))
    link = links + person.id
    return ContactDraft(
        first,
        last,
        _company(fields),
        _text(get("job_title")),
        _labelled(get("phones") or get("phone")),
        _labelled(get("emails") or get("email")),
        {},
        link if len(link) <= _LINK_LIMIT else None,
    )


def _text(value: Any) -> str | None:
    """A text or a number without blanks around it; None for anything else, and when empty."""
    if isinstance(value, str):
        return value.strip() or None
    if value is None or isinstance(value, bool):
        return None
    return str(value) if isinstance(value, int | float) else None


def _split(name: str | None) -> tuple[str | None, str | None]:
    """The whole name in its two parts: the first word, and the rest."""
    if name is None:
        return None, None
    first, _, last = name.partition(" ")
    return first, last.strip() or None


def _company(fields: Mapping[str, Any]) -> str | None:
    organization = fields.get("org")
    if organization is None:
        organization = fields.get("org_id")
    return _text(organization.get("name")) if isinstance(organization, dict) else None


def _labelled(entries: Any) -> tuple[Labelled, ...]:
    if isinstance(entries, str):
        entries = ({"value": entries},)
    if not isinstance(entries, list | tuple):
        return ()
    found = []
    for entry in entries:
        if isinstance(entry, dict):
            value = _text(entry.get("value"))
            if value is not None:
                found.append(Labelled(value, _label(entry.get("label"))))
    return tuple(found)


def _label(label: Any) -> str:
    text = _text(label)
    return text[0].upper() + text[1:] if text else _WORK
