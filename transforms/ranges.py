"""Planning: what a process has to read, cut into page ranges and fixed in its plan."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, zip_longest

import apache_beam as beam
from apache_beam.pvalue import PCollection

from connectors.clock import utc_now
from connectors.crm.base import BaseCRMConnector
from connectors.crm.model import Paging, RangeSpec, Window
from connectors.errors import ConfigurationError, ProcessError, SyncError
from connectors.processes.model import (
    PLANNING_RANGE,
    PageRecord,
    Plan,
    Process,
    ProcessState,
    RangeStanding,
)
from connectors.processes.use_cases import (
    carry_over,
    finish_if_done,
    require_process,
    set_plan,
    update_process_state,
)
from connectors.quo.client import QuoClient
from connectors.repository.repository import Repository
from transforms.elements import PageRange, SyncRequest
from transforms.ending import end_with
from transforms.settings import IntegrationSettings
from transforms.worker import Worker, worker

IDS_PER_RANGE = 100
LOCAL_CLOCK_MARGIN = timedelta(seconds=60)
"""How far behind the local clock T0 is taken when the CRM's answers carry no `Date`."""
PLANNERS = 8


def plan_ranges(shared: Worker, request: SyncRequest) -> list[PageRange]:
    """The page ranges that a process still has to read; its failures end the process.

    Idempotent: a replay finds the plan, inserts what is missing and returns the same ranges.
    """
    repository = shared.repository
    process = require_process(repository, request.process_id)
    if not process.is_active:
        return []
    try:
        with shared.heartbeat.in_flight(request):
            process, record = _planned(shared, request, process)
    except SyncError as error:
        end_with(repository, request, error)
        return []
    plan = process.plan
    assert plan is not None
    update_process_state(repository, process, ProcessState.QUEUING_PAGES)
    standings = (
        _carried_over(repository, process)
        if process.predecessor_id
        else [RangeStanding(str(bounds["id"]), bounds) for bounds in plan.ranges]
    )
    repository.ledger.insert_ranges(process.id, standings)
    if record is not None:
        repository.ledger.record(record)
    update_process_state(repository, process, ProcessState.PROCESSING_BATCHES)
    finish_if_done(repository, process.id)
    return [_page_range(request, plan, standing) for standing in standings]


def _carried_over(repository: Repository, process: Process) -> list[RangeStanding]:
    """What the predecessor left, read when nothing is sent for it any more.

    Workers that outlive its end notice within a second; until then they may open further pages,
    and a page that we took for never opened would count what they create as found.
    """
    predecessor = repository.processes.find_by_id(process.predecessor_id or "")
    if predecessor is not None and predecessor.ended_at is not None:
        since = (utc_now() - predecessor.ended_at).total_seconds()
        time.sleep(min(max(0.0, 1.0 - since), 1.0))
    return carry_over(repository, process)


def _planned(
    shared: Worker, request: SyncRequest, process: Process
) -> tuple[Process, PageRecord | None]:
    """The process with its plan, and the record of the requests when they were made here."""
    update_process_state(shared.repository, process, ProcessState.FETCHING_TOTAL)
    if process.plan is not None:
        return process, None
    connector = shared.connector(request.settings, process.id)
    quo = shared.quo(request.settings, process.id)
    plan = set_plan(shared.repository, process, _make_plan(shared, request, connector, quo))
    of_crm, of_quo = connector.http.usage(), quo.http.usage()
    record = PageRecord(
        process_id=process.id,
        range_id=PLANNING_RANGE,
        page=0,
        crm_requests=of_crm.requests,
        quo_requests=of_quo.requests,
        throttled_ms=round((of_crm.throttled_seconds + of_quo.throttled_seconds) * 1000),
    )
    return replace(process, plan=plan), record


def _make_plan(
    shared: Worker, request: SyncRequest, connector: BaseCRMConnector, quo: QuoClient
) -> Plan:
    source_key = _claimed(shared, request.settings)
    _prepare(shared, request, connector)
    specs = _specs(connector, request)
    until = connector.http.first_answer_at or utc_now() - LOCAL_CLOCK_MARGIN
    ranges = tuple({"id": spec.id, **spec.to_json()} for spec in _closed(specs, until))
    counts = [spec.expected for spec in specs]
    return Plan(
        ranges=ranges,
        until=until,
        source_key=source_key,
        ids_may_exist=_ids_may_exist(shared, request, quo, source_key),
        custom_fields=_custom_fields(request.settings, request.person_type, quo),
        total=sum(count or 0 for count in counts) if None not in counts else None,
    )


def _claimed(shared: Worker, settings: IntegrationSettings) -> tuple[str, str]:
    source_key = shared.source_key(settings)
    owner = shared.repository.sources.claim(source_key, settings.id)
    if owner != settings.id:
        raise ProcessError(
            f"quo.source {settings.quo.source!r} of integration {settings.id!r} already belongs to "
            f"integration {owner!r} under the same Quo key; give it a source of its own",
            code="source_taken",
        )
    return source_key


def _prepare(shared: Worker, request: SyncRequest, connector: BaseCRMConnector) -> None:
    """The connector's hooks: before an integration's first run, and after its settings changed."""
    settings = request.settings
    if connector.check_if_needs_config():
        raise ConfigurationError(
            f"integration {settings.id!r}: the CRM account needs options that are not set; "
            f"see crm_options of {settings.crm!r} in `quo-sync check`"
        )
    watermark = shared.repository.watermarks.get(settings.id, request.person_type)
    if watermark is None:
        connector.on_create()
    elif watermark.shape and watermark.shape != settings.shape:
        connector.on_update()


def _specs(connector: BaseCRMConnector, request: SyncRequest) -> Sequence[RangeSpec]:
    if request.retry_ids:
        return [
            RangeSpec(
                request.person_type,
                Paging.IDS,
                ids=request.retry_ids[start : start + IDS_PER_RANGE],
            )
            for start in range(0, len(request.retry_ids), IDS_PER_RANGE)
        ]
    return connector.plan_ranges(request.person_type, Window(since=request.since))


def _closed(specs: Iterable[RangeSpec], until: datetime) -> list[RangeSpec]:
    """Windows that are open to now end at T0; an empty one at the edge is dropped."""
    closed = [
        replace(spec, until=until) if spec.kind is Paging.WINDOWS and spec.until is None else spec
        for spec in specs
    ]
    return [
        spec
        for spec in closed
        if spec.since is None or spec.until is None or spec.since < spec.until
    ]


def _ids_may_exist(
    shared: Worker, request: SyncRequest, quo: QuoClient, source_key: tuple[str, str]
) -> bool:
    sources = shared.repository.sources
    if not sources.ids_may_exist(source_key, request.person_type):
        return False
    if quo.source_is_empty(request.settings.quo.source):
        sources.mark_known(source_key, None)
        return False
    return True


def _custom_fields(
    settings: IntegrationSettings, person_type: str, quo: QuoClient
) -> dict[str, str]:
    """Types of the mapped custom fields; a key that Quo does not have is a configuration error."""
    mapped = settings.fields.for_type(person_type).custom
    if not mapped:
        return {}
    types = {definition.key: definition.type for definition in quo.custom_fields()}
    if missing := sorted(set(mapped) - set(types)):
        raise ConfigurationError(
            f"integration {settings.id!r}: fields.custom names {', '.join(missing)}, which Quo "
            "does not have; define it in the Quo app or remove it "
            f"(known: {', '.join(sorted(types)) or 'none'})"
        )
    return {key: types[key] for key in mapped}


def _page_range(request: SyncRequest, plan: Plan, standing: RangeStanding) -> PageRange:
    spec = RangeSpec.from_json(
        standing.bounds, person_type=request.person_type, only=request.settings.only
    )
    return PageRange(
        request, spec, ids_may_exist=plan.ids_may_exist, custom_fields=plan.custom_fields
    )


def interleaved(ranges: Iterable[Sequence[PageRange]]) -> list[PageRange]:
    """The ranges of several processes in turn, so that none waits for another to end."""
    rounds = chain.from_iterable(zip_longest(*ranges))
    return [page_range for page_range in rounds if page_range is not None]


class _PlanRanges(beam.DoFn):
    def __init__(self, repository: str) -> None:
        self._repository = repository

    def process(self, requests: tuple[SyncRequest, ...]) -> Iterable[PageRange]:
        shared = worker(self._repository)
        with ThreadPoolExecutor(min(PLANNERS, len(requests)), "planner") as pool:
            planned = list(pool.map(lambda request: plan_ranges(shared, request), requests))
        yield from interleaved(planned)


@dataclass(eq=False)
class PlanPageRanges(beam.PTransform):
    """Launches (tuples of sync requests) → the page ranges of all of them, interleaved and spread.

    The one Reshuffle of the job: ranges travel through it, persons never do.
    """

    repository: str

    def expand(self, launches: PCollection[tuple[SyncRequest, ...]]) -> PCollection[PageRange]:
        return (
            launches
            | "Plan page ranges" >> beam.ParDo(_PlanRanges(self.repository))
            | "Spread ranges" >> beam.Reshuffle()
        )
