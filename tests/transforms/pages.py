"""A page on its way to the sandbox's Quo, with a real repository under it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from connectors.crm.model import Paging, RangeSpec
from connectors.http.retry import BackOff
from connectors.processes.model import (
    Launch,
    Outcomes,
    ProcessState,
    RangeStanding,
    SyncType,
)
from connectors.processes.use_cases import end_process, require_process
from connectors.quo.model import Contact
from connectors.repository.factory import open_repository
from connectors.sandbox.process import SandboxProcess
from connectors.sandbox.settings import QUO_KEY
from tests.connectors.processes.samples import a_process
from transforms.elements import Entry, Page, PageRange, SyncRequest
from transforms.settings import IntegrationSettings, QuoSettings, SyncPolicy
from transforms.upsert import Upserted, upsert_page
from transforms.worker import Patience, Worker

SOURCE = "acme"
SPEC = RangeSpec("Person", Paging.CHAIN)
IMPATIENT = Patience(conflict_delays=(0.1, 0.2), back_off=BackOff(cap_seconds=1.0))
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def entry(number: int, *, at: datetime = NOON, **fields: object) -> Entry:
    """A person with a phone; `fields` are the contact's."""
    external_id = f"person-{number}"
    values = {"first_name": f"First{number}", "phones": (("Work", f"+1415555{number:04}"),)}
    contact = Contact(external_id, SOURCE, **{**values, **fields})  # type: ignore[arg-type]
    return Entry(str(number), external_id, at, contact)


@dataclass
class Run:
    """One process, and pages of its one range."""

    shared: Worker
    request: SyncRequest

    def upsert(
        self, entries: Sequence[Entry], *, page: int = 1, ids_may_exist: bool = False
    ) -> Upserted | None:
        page_range = PageRange(self.request, SPEC, ids_may_exist=ids_may_exist)
        return upsert_page(self.shared, Page(page_range, page, entries=tuple(entries)))

    def again(self) -> Run:
        """Another OS process takes the run up: nothing is shared but the repository."""
        return replace(self, shared=Worker(self.shared.repository, IMPATIENT))

    def cancel(self) -> None:
        repository = self.shared.repository
        process = require_process(repository, self.request.process_id)
        end_process(repository, process, ProcessState.CANCELLED, "cancelled")


@contextmanager
def a_run(sandbox: SandboxProcess, folder: Path, **policy: object) -> Iterator[Run]:
    repository = open_repository(f"sqlite:///{folder}/quo-sync.db")
    repository.storage.migrate()
    key = folder / "quo-key"
    key.write_text(QUO_KEY)
    settings = IntegrationSettings(
        id=SOURCE,
        user_id="user-1",
        crm="scaling-test",
        crm_options={"base_url": "http://127.0.0.1:9"},
        crm_credentials={},
        quo=QuoSettings(f"file:{key}", SOURCE, sandbox.quo_url, requests_per_second=None),
        person_types=("Person",),
        sync=SyncPolicy(**policy),  # type: ignore[arg-type]
    )
    yield Run(Worker(repository, IMPATIENT), _request(repository, settings))
    repository.close()


def another_run(run: Run) -> Run:
    """A later run of the same integration."""
    return replace(run, request=_request(run.shared.repository, run.request.settings))


def _request(repository: object, settings: IntegrationSettings) -> SyncRequest:
    process = a_process(state=ProcessState.PROCESSING_BATCHES)
    process = replace(process, active_key=process.id, launch=Launch("launch-1", "FnApiRunner"))
    repository.processes.create(process)  # type: ignore[attr-defined]
    repository.ledger.insert_ranges(  # type: ignore[attr-defined]
        process.id, [RangeStanding(SPEC.id, {"id": SPEC.id})]
    )
    return SyncRequest(
        process_id=process.id,
        root_id=process.id,
        root_started_at=process.created_at,
        person_type="Person",
        sync_type=SyncType.INITIAL,
        settings=settings,
        launch_id="launch-1",
    )


def counts(upserted: Upserted | None) -> Outcomes:
    assert upserted is not None
    kinds = Counter(outcome.kind.value for outcome in upserted.outcomes)
    assert upserted.result.record.outcomes == Outcomes(**kinds)
    return Outcomes(**kinds)
