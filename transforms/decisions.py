"""What each person of a page needs, decided from its entry and link alone (rules §3.2). Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum

from connectors.clock import to_millis
from connectors.processes.model import OutcomeKind
from connectors.quo.model import Contact
from connectors.repository.links import Link
from transforms.elements import Entry


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page stands: its run, range and number.

    `recorded` are the page numbers recorded for the range, known only when it was restarted.
    """

    root_id: str
    range_id: str
    page: int
    recorded: Collection[int] | None = None

    def covers(self, link: Link) -> bool:
        """Whether the link was written by this page, or by one of the range never recorded."""
        if link.root_id != self.root_id or link.range_id != self.range_id:
            return False
        if link.page == self.page:
            return True
        return self.recorded is not None and link.page not in self.recorded


class Need(Enum):
    """What is to be done for a person."""

    NOTHING = "nothing"
    CREATE = "create"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Decision:
    """`outcome` is final when nothing is needed; else it is what the write will count as.

    `touch` asks for the link's source time to be moved up without a request.
    """

    need: Need
    outcome: OutcomeKind
    code: str | None = None
    message: str | None = None
    touch: bool = False


def source_time(entry: Entry) -> int | None:
    """The CRM's update time in ms, None when it gives none."""
    return to_millis(entry.updated_at) if entry.updated_at else None


def decide(entry: Entry, link: Link | None, fingerprint: str, place: Place) -> Decision:
    """The rules in their order; the first that holds decides."""
    if entry.rejection is not None:
        rejection = entry.rejection
        return Decision(Need.NOTHING, rejection.kind, rejection.code, rejection.message)
    if link is None:
        if entry.without_phone:
            return _settled(OutcomeKind.SKIPPED, "without_phone")
        return Decision(Need.CREATE, OutcomeKind.CREATED)
    same = link.fingerprint == fingerprint
    covered = place.covers(link)
    if covered and same:
        return _settled(link.outcome)
    at = source_time(entry)
    if at is not None and link.source_time is not None and at < link.source_time:
        return _settled(OutcomeKind.SKIPPED, "stale")
    if same:
        touch = at is not None and at != link.source_time
        return Decision(Need.NOTHING, OutcomeKind.UNCHANGED, touch=touch)
    return Decision(Need.UPDATE, link.outcome if covered else OutcomeKind.UPDATED)


def _settled(kind: OutcomeKind, code: str | None = None) -> Decision:
    return Decision(Need.NOTHING, kind, code)


def newest_of_each(entries: Iterable[Entry]) -> tuple[list[Entry], list[Entry]]:
    """One entry per external id, the newest (the later on a tie), and the ones left over."""
    newest: dict[str, Entry] = {}
    repeated: list[Entry] = []
    for entry in entries:
        standing = newest.get(entry.external_id)
        if standing is None:
            newest[entry.external_id] = entry
        elif _order(entry) >= _order(standing):
            repeated.append(standing)
            newest[entry.external_id] = entry
        else:
            repeated.append(entry)
    return list(newest.values()), repeated


def _order(entry: Entry) -> tuple[bool, int]:
    at = source_time(entry)
    return (entry.rejection is None, at if at is not None else -1)


def require_contact(entry: Entry) -> Contact:
    """The contact of an entry that was decided to need a write."""
    if entry.contact is None:
        raise ValueError(f"{entry.external_id} has no contact")
    return entry.contact
