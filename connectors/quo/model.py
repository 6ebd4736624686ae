"""Contacts as we want them (`Contact`) and as Quo holds them (`QuoContact`)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

_encode = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=str
).encode


@dataclass(frozen=True, slots=True, repr=False)
class Contact:
    """A finished contact: everything our side wants Quo to hold.

    `phones` and `emails` are (label, value) pairs, E.164 and trimmed, without duplicates, in the
    CRM's order. `custom` maps Quo custom-field keys to values of the field's type.
    `kept_when_empty` names scalars (and custom keys, as `custom.KEY`) that the user mapped with
    `null: skip`: emptied in the CRM they keep Quo's value.
    """

    external_id: str
    source: str
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    role: str | None = None
    phones: tuple[tuple[str, str], ...] = ()
    emails: tuple[tuple[str, str], ...] = ()
    custom: Mapping[str, Any] = field(default_factory=dict)
    source_url: str | None = None
    kept_when_empty: frozenset[str] = frozenset()

    def create_body(self) -> dict[str, Any]:
        """The body of POST /v1/contacts."""
        body: dict[str, Any] = {
            "defaultFields": {
                "firstName": self.first_name,
                "lastName": self.last_name,
                "company": self.company,
                "role": self.role,
                "phoneNumbers": [{"name": name, "value": value} for name, value in self.phones],
                "emails": [{"name": name, "value": value} for name, value in self.emails],
            },
            "externalId": self.external_id,
            "source": self.source,
        }
        if self.source_url:
            body["sourceUrl"] = self.source_url
        custom = [{"key": k, "value": v} for k, v in self.custom.items() if v is not None]
        if custom:
            body["customFields"] = custom
        return body

    @property
    def fingerprint(self) -> str:
        """Equal for equal contacts, on every machine and in every release of Python."""
        text = _encode(
            (
                self.external_id,
                self.source,
                self.first_name,
                self.last_name,
                self.company,
                self.role,
                self.phones,
                self.emails,
                sorted(self.custom.items()),
                self.source_url or None,
            )
        )
        return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


class _Edge(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class Item(_Edge):
    """A phone number or an e-mail address of a Quo contact."""

    id: str | None = None
    name: str | None = None
    value: str | None = Field(default=None, repr=False)


class CustomValue(_Edge):
    """The value of one custom field; PATCH answers may leave `id` out."""

    id: str | None = None
    key: str | None = None
    name: str | None = None
    type: str | None = None
    value: Any = Field(default=None, repr=False)


class DefaultFields(_Edge):
    first_name: str | None = Field(default=None, alias="firstName", repr=False)
    last_name: str | None = Field(default=None, alias="lastName", repr=False)
    company: str | None = Field(default=None, repr=False)
    role: str | None = Field(default=None, repr=False)
    phone_numbers: tuple[Item, ...] = Field(default=(), alias="phoneNumbers", repr=False)
    emails: tuple[Item, ...] = Field(default=(), repr=False)


class QuoContact(_Edge):
    """A contact as Quo answered it; also the merge base that a link keeps."""

    id: str
    external_id: str | None = Field(default=None, alias="externalId")
    source: str | None = None
    source_url: str | None = Field(default=None, alias="sourceUrl", repr=False)
    default_fields: DefaultFields = Field(
        default=DefaultFields(), alias="defaultFields", repr=False
    )
    custom_fields: tuple[CustomValue, ...] = Field(default=(), alias="customFields", repr=False)
    created_at: datetime | None = Field(default=None, alias="createdAt")
    updated_at: datetime | None = Field(default=None, alias="updatedAt")

    def to_base(self) -> str:
        """The text that a link keeps of this answer."""
        return self.model_dump_json(by_alias=True, exclude_none=True)

    @classmethod
    def from_base(cls, base: str) -> QuoContact:
        """The answer that `to_base` kept, of this release or an earlier one."""
        return cls.model_validate_json(base)


class ContactAnswer(_Edge):
    """`{"data": contact}`: the answer of create, get and patch."""

    data: QuoContact


class ContactList(_Edge):
    """One page of GET /v1/contacts; the token alone decides whether there is more."""

    data: tuple[QuoContact, ...]
    next_page_token: str | None = Field(default=None, alias="nextPageToken")


class CustomFieldDefinition(_Edge):
    key: str
    name: str | None = None
    type: str


class QuoUser(_Edge):
    id: str
    email: str | None = Field(default=None, repr=False)
    first_name: str | None = Field(default=None, alias="firstName", repr=False)
    last_name: str | None = Field(default=None, alias="lastName", repr=False)
    role: str | None = None


class PhoneNumber(_Edge):
    """A line of the workspace (not a contact's number)."""

    id: str
    number: str | None = None
    name: str | None = None
    symbol: str | None = None
    users: tuple[QuoUser, ...] = Field(default=(), repr=False)


class CustomFieldList(_Edge):
    """GET /v1/contact-custom-fields, not paged."""

    data: tuple[CustomFieldDefinition, ...]


class PhoneNumberList(_Edge):
    """GET /v1/phone-numbers, not paged."""

    data: tuple[PhoneNumber, ...]


class UserList(_Edge):
    """One page of GET /v1/users."""

    data: tuple[QuoUser, ...]
    next_page_token: str | None = Field(default=None, alias="nextPageToken")
