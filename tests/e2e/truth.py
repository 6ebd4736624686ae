"""The judge: what the two servers hold and counted, against what the job says.

Nothing here asks the job's own account of the contacts: persons come from the CRM, contacts and
counts from Quo.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.processes.model import PLANNING_RANGE, LedgerTotals, Outcomes, PageState, Process
from connectors.quo.model import Contact
from connectors.repository.ledger import PAGES
from connectors.repository.storage import In
from connectors.sandbox.client import SandboxControl
from tests.e2e.driver import SECRETS, Job
from transforms.contacts import to_entries
from transforms.elements import Entry
from transforms.settings import IntegrationSettings
from transforms.worker import Worker

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Counted:
    """What Quo counted since its counters were reset, for one source.

    `updated` are contacts that were patched and not created in that time.
    """

    created: int
    updated: int
    patches: int
    requests: int


def counted(control: SandboxControl, source: str) -> Counted:
    stats = control.stats(detail=True)
    quo = stats["quo"]
    created = {
        row["externalId"]: row["count"] for row in quo["creations_by_id"] if row["source"] == source
    }
    twice = {id: count for id, count in created.items() if count > 1}
    assert not twice, f"created more than once: {twice}"
    ids = {contact["id"]: contact["externalId"] for contact in control.contacts(source)}
    patched = {ids[id]: count for id, count in quo["patches_by_id"].items() if id in ids}
    return Counted(
        created=len(created),
        updated=len(set(patched) - set(created)),
        patches=sum(patched.values()),
        requests=stats["totals"].get("quo", 0),
    )


def processes_counted(job: Job, integration_id: str | None = None) -> list[Process]:
    """The processes since `Job.count_from_here`, newest first."""
    return [p for p in job.processes(integration_id) if p.id not in job.not_counted]


def ledger_totals(job: Job, integration_id: str | None = None) -> LedgerTotals:
    """The ledger over all processes that are counted."""
    ids = [process.id for process in processes_counted(job, integration_id)]
    return sum(job.repository.ledger.totals(ids).values(), LedgerTotals())


def assert_accounts_agree(job: Job, integration_id: str | None = None) -> Outcomes:
    """The outcomes since `Job.count_from_here` are what the server counted since then."""
    settings = _settings(job, integration_id)
    server = counted(job.control, settings.quo.source)
    outcomes = ledger_totals(job, settings.id).outcomes
    assert (outcomes.created, outcomes.updated) == (server.created, server.updated), (
        f"the job says {outcomes}, the server {server}"
    )
    assert_no_page_twice(job, settings.id)
    letters = {
        letter.external_id
        for process in processes_counted(job, settings.id)
        for letter in job.repository.dead_letters.of_process(process.id)
    }
    assert outcomes.lost == len(letters), f"{outcomes.lost} lost, {len(letters)} dead letters"
    return outcomes


def assert_no_page_twice(job: Job, integration_id: str | None = None) -> None:
    """Over a run and all that continue it each page is recorded as done once."""
    roots = {process.id: process.root_id for process in job.processes(integration_id)}
    where = {"process_id": In(list(roots)), "state": PageState.DONE.value}
    pages = Counter(
        (roots[row["process_id"]], row["range_id"], row["page"])
        for row in job.repository.storage.find(PAGES, where)
        if row["range_id"] != PLANNING_RANGE
    )
    twice = [page for page, times in pages.items() if times > 1]
    assert not twice, f"recorded more than once: {twice}"


def expected_entries(
    job: Job, settings: IntegrationSettings, custom_fields: Mapping[str, str] | None = None
) -> list[Entry]:
    """What the connector and the contact rules make of every person the CRM has now."""
    import os

    os.environ.update(SECRETS)
    connector = Worker(job.repository).connector(settings, None)
    ids = [str(person["id"]) for person in people(job.control)]
    persons = connector.fetch_persons_by_ids(settings.person_types[0], ids)
    assert {person.id for person in persons} == set(ids)
    return list(
        to_entries(persons, connector.transform_person_to_quo, settings, custom_fields or {})
    )


def people(control: SandboxControl) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while page := control.people(offset=len(found), limit=500):
        found += page
    return found


def assert_in_step(
    job: Job,
    integration_id: str | None = None,
    *,
    absent: Collection[str] = (),
    apart: Collection[str] = (),
    gone: Collection[str] = (),
) -> None:
    """Exactly one contact for each person, with the content that the rules give; none besides.

    External ids: `absent` have no contact (rejected), `apart` have one whose content the test
    looks at itself, `gone` have one although the CRM no longer shows the person.
    """
    settings = _settings(job, integration_id)
    job.control.clear_faults()
    contacts = job.control.contacts(settings.quo.source)
    doubled = [id for id, n in Counter(c["externalId"] for c in contacts).items() if n > 1]
    assert not doubled, f"two contacts for {doubled}"
    held = {contact["externalId"]: contact for contact in contacts}
    entries = {entry.external_id: entry for entry in expected_entries(job, settings)}
    wanted = {
        id for id, entry in entries.items() if entry.contact is not None and not _skipped(entry)
    }
    wanted = (wanted - set(absent)) | set(gone)
    assert held.keys() == wanted, _difference(held.keys(), wanted)
    wrong = [
        id
        for id in sorted(wanted - set(apart) - set(gone))
        if content(held[id]) != _content(entries[id])
    ]
    assert not wrong, _first_difference(wrong, held, entries)


def _skipped(entry: Entry) -> bool:
    return entry.without_phone


def content(document: Json) -> dict[str, Any]:
    """What counts of a contact that Quo holds."""
    fields = document["defaultFields"]
    return {
        "firstName": fields["firstName"],
        "lastName": fields["lastName"],
        "company": fields["company"],
        "role": fields["role"],
        "phones": [(item["name"], item["value"]) for item in fields["phoneNumbers"]],
        "emails": [(item["name"], item["value"]) for item in fields["emails"]],
        "sourceUrl": document["sourceUrl"],
        "custom": {item["key"]: item["value"] for item in document["customFields"]},
    }


def _content(entry: Entry) -> dict[str, Any]:
    contact = entry.contact
    assert isinstance(contact, Contact)
    return {
        "firstName": contact.first_name,
        "lastName": contact.last_name,
        "company": contact.company,
        "role": contact.role,
        "phones": list(contact.phones),
        "emails": list(contact.emails),
        "sourceUrl": contact.source_url,
        "custom": dict(contact.custom),
    }


def _settings(job: Job, integration_id: str | None) -> IntegrationSettings:
    return next(s for s in job.settings if integration_id in (None, s.id))


def _difference(held: Iterable[str], wanted: Iterable[str]) -> str:
    missing, extra = set(wanted) - set(held), set(held) - set(wanted)
    return f"missing {sorted(missing)[:10]} of {len(missing)}, extra {sorted(extra)[:10]}"


def _first_difference(wrong: list[str], held: Json, entries: Mapping[str, Entry]) -> str:
    id = wrong[0]
    return f"{len(wrong)} differ, first {id}:\n{content(held[id])}\n{_content(entries[id])}"


def assert_requests_counted(job: Job) -> None:
    """Every request that reached Quo stands in the ledger; call it before looking at the CRM."""
    recorded = ledger_totals(job).quo_requests
    arrived = job.control.stats()["totals"].get("quo", 0)
    assert recorded == arrived, f"{recorded} requests recorded, {arrived} arrived"
