"""The sync job on one screen (the picture of the README)."""

from __future__ import annotations

from collections.abc import Sequence

import apache_beam as beam
from apache_beam.pvalue import PCollection
from apache_beam.transforms.util import WaitOn

from transforms.elements import Outcome, SyncRequest
from transforms.metrics import FinishProcesses, WriteMetrics
from transforms.pages import FetchPages
from transforms.ranges import PlanPageRanges
from transforms.upsert import METRICS, UpsertContacts


def build_sync(
    pipeline: beam.Pipeline, requests: Sequence[SyncRequest], repository: str
) -> PCollection[Outcome]:
    """Add the sync of all requests to a pipeline; returns every person's outcome.

    `repository` is its URL or a reference to it; nothing else is configured on the workers. The
    launch travels as one element, so that its integrations are planned side by side, and without
    `Create`'s own reshuffle, which would make Flink drop ours.
    """
    launch = pipeline | "Sync requests" >> beam.Create([tuple(requests)], reshuffle=False)
    upserted = (
        launch
        | "Plan ranges" >> PlanPageRanges(repository)
        | "Read pages" >> FetchPages(repository)
        | "Upsert contacts" >> UpsertContacts(repository)
    )
    written = upserted[METRICS] | "Write metrics" >> WriteMetrics(repository)
    launch | "Wait for pages" >> WaitOn(written) | "Finish processes" >> FinishProcesses(repository)  # type: ignore[unused-ignore]
    return upserted.outcomes
