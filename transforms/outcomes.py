"""Outcomes as JSON lines: who got which outcome, ids and codes only."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import apache_beam as beam
from apache_beam.pvalue import PCollection

from transforms.elements import Outcome


def outcome_line(outcome: Outcome) -> str:
    """One JSON object, camelCase like `status --json`."""
    values = {_camel(name): value for name, value in asdict(outcome).items()}
    values["outcome"] = values.pop("kind").value
    return json.dumps(values, ensure_ascii=False)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


@dataclass(eq=False)
class WriteOutcomes(beam.PTransform):
    """Outcomes → one file of JSON lines at any path that Beam can write."""

    path: str

    def expand(self, outcomes: PCollection[Outcome]) -> PCollection[str]:
        return (
            outcomes
            | "To lines" >> beam.Map(outcome_line)
            | "Write lines" >> beam.io.WriteToText(self.path, shard_name_template="")
        )
