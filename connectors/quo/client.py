"""Typed calls on Quo's contacts; the facts behind each are those of the v1 API description."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.errors import SyncError
from connectors.http.client import HttpClient
from connectors.quo.model import (
    Contact,
    CustomFieldDefinition,
    PhoneNumber,
    QuoContact,
    QuoUser,
)


@dataclass(frozen=True, slots=True)
class Create:
    contact: Contact


@dataclass(frozen=True, slots=True)
class Patch:
    """Replace a contact's scalars and all three arrays."""

    quo_id: str
    body: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Written:
    """The write took effect once; `contact` is Quo's own answer."""

    contact: QuoContact


@dataclass(frozen=True, slots=True)
class Conflict:
    """409: (source, externalId) is taken; `ours` = an earlier attempt of this write may be why."""

    ours: bool


@dataclass(frozen=True, slots=True)
class Gone:
    """404: the contact no longer exists."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Contacts by external id, and Quo's own clock when it answered (`Date` header)."""

    contacts: dict[str, QuoContact] = field(repr=False)
    at: datetime | None


class QuoClient:
    """One workspace, for one process (permits, counts and retries are the HTTP client's)."""

    def __init__(self, http: HttpClient) -> None:
        self.http = http

    def write_all(
        self, writes: Sequence[Create | Patch]
    ) -> Iterator[tuple[int, Written | Conflict | Gone | SyncError]]:
        """Send many writes through the pool; results come in order of completion, each once."""
        raise NotImplementedError

    def find_by_external_ids(self, source: str, external_ids: Sequence[str]) -> Listing:
        """Contacts of this source with these ids, 20 ids a request; a foreign match is dropped."""
        raise NotImplementedError

    def source_is_empty(self, source: str) -> bool:
        """Whether Quo lists no contact of this source: one request."""
        raise NotImplementedError

    def list_by_source(self, source: str) -> Iterator[QuoContact]:
        """All contacts of a source, 50 a request."""
        raise NotImplementedError

    def get_contact(self, quo_id: str) -> QuoContact | None:
        raise NotImplementedError

    def delete_contact(self, quo_id: str) -> bool:
        """False when it was already gone."""
        raise NotImplementedError

    def custom_fields(self) -> list[CustomFieldDefinition]:
        raise NotImplementedError

    def phone_numbers(self) -> list[PhoneNumber]:
        raise NotImplementedError

    def users(self) -> list[QuoUser]:
        raise NotImplementedError
