"""What travels between the steps: small, frozen, picklable, without secrets.

Persons travel only inside a `Page`, between steps that are fused; they are never shuffled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connectors.crm.model import RangeSpec
from connectors.processes.model import DeadLetter, OutcomeKind, PageRecord, SyncType
from connectors.quo.model import Contact
from transforms.settings import IntegrationSettings


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """One process to run. `since` is the start of a delta's window, None for a full read.

    `retry_ids` (person ids) turns it into a re-read of just these. `launch_id` names the
    heartbeats of this submission.
    """

    process_id: str
    root_id: str
    root_started_at: datetime
    person_type: str
    sync_type: SyncType
    settings: IntegrationSettings
    launch_id: str
    since: datetime | None = None
    retry_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PageRange:
    """The unit that is fanned out; its cursor and page numbers are in the ledger, not here."""

    request: SyncRequest
    spec: RangeSpec
    ids_may_exist: bool = True
    custom_fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a person never became a contact (`kind` is skipped or rejected)."""

    kind: OutcomeKind
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What was made of a person; exactly one of `contact` and `rejection` is set.

    `updated_at` is the CRM's time of the person. `without_phone` marks contacts that the
    integration skips unless they are already linked.
    """

    person_id: str
    external_id: str
    updated_at: datetime | None = None
    contact: Contact | None = None
    rejection: Rejection | None = None
    without_phone: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """What was made of the persons of one CRM response, on its way to Quo.

    `restarted`: the CRM refused a cursor of its range, so an earlier try may have written some of
    it. `error` (code, message) stands for a fetch that failed: such a page has no entries.
    """

    range: PageRange
    number: int
    entries: tuple[Entry, ...] = field(default=(), repr=False)
    next_cursor: str | None = field(default=None, repr=False)
    restarted: bool = False
    crm_requests: int = 0
    throttled_seconds: float = 0.0
    error: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one person."""

    integration_id: str
    process_id: str
    person_type: str
    person_id: str
    external_id: str
    kind: OutcomeKind
    quo_id: str | None = None
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class PageResult:
    """The one side output: a page's record and the dead letters that belong to it."""

    request: SyncRequest
    record: PageRecord
    dead_letters: tuple[DeadLetter, ...] = ()
