"""Writing a page to Quo: from decisions to answers, each write once (rules §3.3 to §3.7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connectors.clock import utc_now
from connectors.errors import RecordError, SyncError
from connectors.http.client import Usage
from connectors.processes.model import OutcomeKind
from connectors.quo.client import Conflict, Create, Gone, Listing, Patch, QuoClient, Written
from connectors.quo.model import Contact, QuoContact
from connectors.repository.links import Link
from transforms.decisions import Decision, Need, Place, decide, require_contact, source_time
from transforms.elements import Entry, Page
from transforms.merge import merge, merge_base, restore
from transforms.worker import Worker

ROUNDS = 4
"""A write may turn into another (404 → create, 409 → patch) so often, never in a loop."""
REDOS = 3
CLOCK_RESOLUTION = timedelta(seconds=2)
"""`Date` headers have whole seconds; twice that is the margin of comparing clocks."""

_CONFLICT = (
    "Quo says that this external id exists and does not show it; look for the contact in Quo, or "
    "retry the process later"
)


@dataclass(slots=True)
class Case:
    """One person on the way through its page.

    `counts_as` is what a successful write will count as; `answer` what Quo holds now, when known;
    `created` that a create of ours was answered with 201.
    """

    entry: Entry
    fingerprint: str
    link: Link | None
    decision: Decision
    counts_as: OutcomeKind
    outcome: OutcomeKind | None = None
    quo_id: str | None = None
    code: str | None = None
    message: str | None = None
    answer: QuoContact | None = None
    created: bool = False
    ours: bool = False

    def settle(self, kind: OutcomeKind, answer: QuoContact | None = None) -> None:
        self.outcome = kind
        if answer is not None:
            self.answer = answer
            self.quo_id = answer.id

    def explain(self, kind: OutcomeKind, code: str, message: str) -> None:
        """Settle without an answer of Quo, with the reason."""
        self.outcome, self.code, self.message = kind, code, message

    def settled(self) -> OutcomeKind:
        if self.outcome is None:
            raise ValueError(f"{self.entry.external_id} has no outcome")
        return self.outcome


class PageWriter:
    """One page's writes; use it once, from the page's own thread."""

    def __init__(self, shared: Worker, page: Page, place: Place) -> None:
        request = page.range.request
        self._shared = shared
        self._page = page
        self._place = place
        self._request = request
        self._settings = request.settings
        self._policy = request.settings.sync
        self._links = shared.repository.links
        self._quo: QuoClient = shared.quo(request.settings, request.process_id)
        self._in_doubt = page.restarted
        self._done = 0

    def usage(self) -> Usage:
        """Quo requests and throttled time since the last call."""
        return self._quo.http.usage()

    def upsert(self, entries: Sequence[Entry]) -> list[Case]:
        """All cases settled, and their links stored.

        Raises ProcessEnded or ProcessError (the process is over) or PageError (the page could not
        be done); what was written until then is linked, so that the next try knows it.
        """
        cases = self._cases(entries)
        pending = [case for case in cases if case.outcome is None]
        self._progress(len(cases) - len(pending))
        if pending:
            with self._quo.http.channel.write_turns:
                self._mark_open()
                self._bring_in_step(pending)
        self._store([case for case in cases if case.decision.touch])
        return cases

    # -- deciding ---------------------------------------------------------------------------

    def _cases(self, entries: Sequence[Entry]) -> list[Case]:
        links = self._links.read(self._settings.id, [entry.external_id for entry in entries])
        return [self._case(entry, links.get(entry.external_id)) for entry in entries]

    def _case(self, entry: Entry, link: Link | None) -> Case:
        fingerprint = entry.contact.fingerprint if entry.contact else ""
        decision = decide(entry, link, fingerprint, self._place)
        case = Case(entry, fingerprint, link, decision, decision.outcome)
        if decision.need is Need.NOTHING:
            case.outcome, case.code, case.message = (
                decision.outcome,
                decision.code,
                decision.message,
            )
            case.quo_id = link.quo_id if link else None
        return case

    def _mark_open(self) -> None:
        request, spec = self._request, self._page.range.spec
        fresh = self._shared.repository.ledger.mark_open(
            request.process_id, spec.id, self._page.number
        )
        self._in_doubt = self._in_doubt or not fresh

    # -- writing ----------------------------------------------------------------------------

    def _bring_in_step(self, pending: list[Case]) -> None:
        for _ in range(REDOS):
            try:
                self._write(pending)
            except SyncError:
                self._store(pending)
                raise
            refused = self._store(pending)
            if not refused:
                return
            pending = self._redone(refused)
        for case in pending:
            case.explain(
                OutcomeKind.FAILED, "contended", "other pages kept writing this person; retry it"
            )

    def _write(self, cases: Sequence[Case]) -> None:
        writes = self._first_writes(cases)
        for _ in range(ROUNDS):
            if not writes:
                return
            conflicts, gone = self._send(writes)
            writes = [(case, self._create(case)) for case in gone] + self._resolve(conflicts)
        for case, _ in writes:
            case.explain(OutcomeKind.FAILED, "conflict", _CONFLICT)

    def _first_writes(self, cases: Sequence[Case]) -> list[tuple[Case, Create | Patch]]:
        listing = self._look_up([case for case in cases if self._needs_look_up(case)])
        writes: list[tuple[Case, Create | Patch]] = []
        for case in cases:
            write = self._first_write(case, listing)
            if write is not None:
                writes.append((case, write))
        return writes

    def _needs_look_up(self, case: Case) -> bool:
        if self._in_doubt:
            return True
        if case.decision.need is Need.CREATE:
            return self._page.range.ids_may_exist
        return self._policy.merge

    def _first_write(self, case: Case, listing: Listing) -> Create | Patch | None:
        current = listing.contacts.get(case.entry.external_id)
        link = case.link
        if current is None and link is not None:
            if self._needs_look_up(case):  # the list may lag: the id tells
                current = self._quo.get_contact(link.quo_id)
            else:
                current = _base_of(link)
        if current is None:
            return self._create(case)
        return self._write_over(case, current, listing.at)

    def _create(self, case: Case) -> Create:
        if case.decision.need is Need.UPDATE:
            case.counts_as = OutcomeKind.CREATED
        return Create(require_contact(case.entry))

    def _write_over(
        self, case: Case, current: QuoContact, listed_at: datetime | None
    ) -> Patch | None:
        """The patch that a contact found in Quo needs; None settles the case without one."""
        base = self._base(case, current, listed_at)
        body = merge(
            require_contact(case.entry),
            current,
            base,
            policy=self._policy,
            person_updated_at=case.entry.updated_at,
        )
        if body is not None:
            return Patch(current.id, body)
        by_us = self._in_doubt and self._of_this_run(current.updated_at, listed_at)
        was_right = case.counts_as is OutcomeKind.UPDATED and not by_us
        case.settle(OutcomeKind.UNCHANGED if was_right else case.counts_as, current)
        return None

    def _base(
        self, case: Case, current: QuoContact, listed_at: datetime | None
    ) -> QuoContact | None:
        """The merge base; also fixes what the write counts as.

        A link keeps it. A contact without one that nobody has touched since it was made under our
        source is as a create of ours left it, whose link a kill has cost.
        """
        if case.link is not None and case.link.quo_id == current.id:
            return _base_of(case.link)
        ours = (self._in_doubt or case.ours) and self._of_this_run(current.created_at, listed_at)
        case.counts_as = OutcomeKind.CREATED if ours else OutcomeKind.UPDATED
        made_at = current.created_at
        return current if made_at is not None and made_at == current.updated_at else None

    def _of_this_run(self, written_at: datetime | None, listed_at: datetime | None) -> bool:
        """Whether Quo, by its own clock, wrote this since the run began."""
        if written_at is None:
            return False
        offset = listed_at - utc_now() if listed_at else timedelta()
        return written_at >= self._request.root_started_at + offset - CLOCK_RESOLUTION

    def _send(self, writes: Sequence[tuple[Case, Create | Patch]]) -> tuple[list[Case], list[Case]]:
        """Send; settles what was answered, returns the cases that conflict and that are gone."""
        conflicts: list[Case] = []
        gone: list[Case] = []
        for index, result in self._quo.write_all([write for _, write in writes]):
            case, write = writes[index]
            match result:
                case Written(contact):
                    case.created = case.created or isinstance(write, Create)
                    case.settle(case.counts_as, contact)
                    self._progress(1)
                case Conflict(ours):
                    case.ours = case.ours or ours
                    conflicts.append(case)
                case Gone():
                    gone.append(case)
                case RecordError():
                    case.explain(OutcomeKind.REJECTED, result.code, result.message)
                    self._progress(1)
                case SyncError():
                    case.explain(OutcomeKind.FAILED, result.code, result.message)
                    self._progress(1)
        return conflicts, gone

    # -- looking up -------------------------------------------------------------------------

    def _look_up(self, cases: Sequence[Case]) -> Listing:
        if not cases:
            return Listing({}, None)
        ids = [case.entry.external_id for case in cases]
        return self._quo.find_by_external_ids(self._settings.quo.source, ids)

    def _resolve(self, conflicts: Sequence[Case]) -> list[tuple[Case, Create | Patch]]:
        """Conflicts are found together, later once more; never by phone: phones are shared."""
        writes: list[tuple[Case, Create | Patch]] = []
        missing = list(conflicts)
        for delay in (0.0, *self._shared.patience.conflict_delays):
            if not missing:
                break
            if delay:
                self._quo.http.pause(delay)
            listing = self._look_up(missing)
            for case in missing:
                current = listing.contacts.get(case.entry.external_id)
                if current is not None:
                    patch = self._write_over(case, current, listing.at)
                    if patch is not None:
                        writes.append((case, patch))
            missing = [c for c in missing if c.entry.external_id not in listing.contacts]
        for case in missing:
            case.explain(OutcomeKind.FAILED, "conflict", _CONFLICT)
        return writes

    # -- links ------------------------------------------------------------------------------

    def _store(self, cases: Iterable[Case]) -> list[Case]:
        """Put the links of what was written or found; returns the cases refused."""
        links = {case.entry.external_id: link for case in cases if (link := self._link(case))}
        refused = self._links.write(list(links.values()))
        return [case for case in cases if case.entry.external_id in refused]

    def _link(self, case: Case) -> Link | None:
        if case.answer is None:
            if case.decision.touch and case.link:
                return replace(case.link, source_time=source_time(case.entry))
            return None
        return Link(
            integration_id=self._settings.id,
            external_id=case.entry.external_id,
            quo_id=case.answer.id,
            fingerprint=case.fingerprint,
            root_id=self._place.root_id,
            range_id=self._place.range_id,
            page=self._place.page,
            outcome=case.settled(),
            source_time=source_time(case.entry),
            base=_base_text(require_contact(case.entry), case.answer),
            version=case.link.version if case.link else 0,
        )

    def _redone(self, refused: Sequence[Case]) -> list[Case]:
        """Another page wrote these persons meanwhile: decide again; the newest source time wins."""
        links = self._links.read(self._settings.id, [case.entry.external_id for case in refused])
        pending = []
        for case in refused:
            link = links.get(case.entry.external_id)
            again = self._case(case.entry, link)
            if again.outcome is None:
                again.created, again.ours = case.created, case.ours
                if case.created:
                    again.counts_as = OutcomeKind.CREATED
                pending.append(_into(case, again))
            elif again.code == "stale" and link is not None:
                self._restore(case, link)
                _into(case, again)
                if case.created:
                    case.explain(OutcomeKind.CREATED, "overtaken", "another page wrote it newer")
            elif case.created:
                case.link = link  # it is ours to count: the link shall say so
                pending.append(case)
            else:
                _into(case, again)
        return pending

    def _restore(self, case: Case, winner: Link) -> None:
        """Our older write may have come last: bring back what the newer one had left."""
        newest = _base_of(winner)
        if case.answer is not None and newest is not None:
            body = restore(newest, over=(require_contact(case.entry), case.answer))
            for _ in self._quo.write_all([Patch(winner.quo_id, body)]):
                pass

    def _progress(self, persons: int) -> None:
        self._done += persons
        self._shared.heartbeat.page_progress(
            self._request, (self._page.range.spec.id, self._page.number), self._done
        )


def _base_text(contact: Contact, answer: QuoContact) -> str:
    return merge_base(contact, answer).model_dump_json(by_alias=True, exclude_none=True)


def _base_of(link: Link) -> QuoContact | None:
    return QuoContact.model_validate_json(link.base) if link.base else None


def _into(case: Case, again: Case) -> Case:
    """The case itself becomes what was decided again: its page keeps one case per person."""
    case.fingerprint, case.link, case.decision = again.fingerprint, again.link, again.decision
    case.counts_as, case.outcome, case.quo_id = again.counts_as, again.outcome, again.quo_id
    case.code, case.message, case.answer = again.code, again.message, None
    return case
