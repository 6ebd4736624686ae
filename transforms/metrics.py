"""Recording pages: the only step that moves a process on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.pvalue import PCollection

from connectors.errors import NotFound
from connectors.processes.model import ProcessState
from connectors.processes.use_cases import (
    end_process,
    require_process,
    sweep_process,
    update_process_metrics,
)
from connectors.repository.repository import Repository
from transforms.elements import PageResult, SyncRequest
from transforms.worker import worker


class _WriteMetrics(beam.DoFn):
    """Emits the process id once the page stands, for what waits on it."""

    def __init__(self, repository: str) -> None:
        self._repository = repository

    def process(self, result: PageResult) -> Iterable[str]:
        shared = worker(self._repository)
        update_process_metrics(shared.repository, result.record, result.dead_letters)
        record = result.record
        shared.heartbeat.page_recorded(result.request, (record.range_id, record.page))
        yield record.process_id


@dataclass(eq=False)
class WriteMetrics(beam.PTransform):
    """Page results → the repository, page by page, fused to the upsert."""

    repository: str

    def expand(self, results: PCollection[PageResult]) -> PCollection[str]:
        return results | "Write page" >> beam.ParDo(_WriteMetrics(self.repository))


def sweep(repository: Repository, process_id: str) -> None:
    """End a process that no page write ended: nothing planned, or ranges never done.

    Runs when all pages of the launch have been written, so a range still open has been lost.
    """
    try:
        process = require_process(repository, process_id)
    except NotFound:
        return
    if process.is_active and not sweep_process(repository, process_id):
        end_process(
            repository,
            process,
            ProcessState.ERROR,
            "the job ended with ranges still open; run again to read them",
            code="ranges_open",
        )


class _FinishProcesses(beam.DoFn):
    def __init__(self, repository: str) -> None:
        self._repository = repository

    def process(self, requests: tuple[SyncRequest, ...]) -> Iterable[str]:
        repository = worker(self._repository).repository
        for request in requests:
            sweep(repository, request.process_id)
            yield request.process_id


@dataclass(eq=False)
class FinishProcesses(beam.PTransform):
    """Launches whose pages are all written → the ids of their processes, all of them ended."""

    repository: str

    def expand(self, launches: PCollection[tuple[SyncRequest, ...]]) -> PCollection[str]:
        return launches | "Sweep" >> beam.ParDo(_FinishProcesses(self.repository))
