"""Tables and sentences on stdout, made from the reports of processes (`status --json`)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connectors.clock import parse_time
from connectors.processes.model import FINISHED, ProcessState
from pipelines.cli.progress import label_of, throttled_share
from pipelines.cli.wording import counted, outcome_words, percent, span

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Report = Mapping[str, Any]

FILE_COLUMNS = 160
"""Width of tables where no terminal says another."""
ERRORS_AFTER_A_RUN = 5


def console() -> Console:
    """Standard output for tables; without a terminal no colours and no wrapping at 80."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else FILE_COLUMNS
    return Console(width=width, highlight=False, emoji=False, markup=False)


def print_json(data: object) -> None:
    print(json.dumps(data, ensure_ascii=False, indent=2))


def new_table(*columns: str, right: Sequence[str] = ()) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left")
    return table


# -- after a run --------------------------------------------------------------------------------


def print_closing(reports: Sequence[Report]) -> None:
    """What each process of a launch came to, and what to do about what is left."""
    out = console()
    out.print(closing_table(reports))
    for report in reports:
        for sentence in closing_sentences(report):
            out.print(sentence)


def closing_table(reports: Sequence[Report]) -> Table:
    table = new_table(
        "Process", "State", "Persons", "Requests", "Time", "Rate", "Throttled",
        right=("Time", "Rate", "Throttled"),
    )  # fmt: skip
    for report in reports:
        table.add_row(label_of(report), report["state"], *_numbers(report))
    return table


def closing_sentences(report: Report) -> list[str]:
    """Reason, parking and dead letters of one process, each with the command that goes on."""
    name, id, metadata = label_of(report), report["id"], report["context"]["metadata"]
    sentences = []
    reason = metadata.get("reason")
    if is_parked(report):
        sentences.append(
            f"{name} is parked until {metadata['parkedUntil']}: {reason} "
            "(`quo-sync run --due` goes on then)"
        )
    elif reason:
        sentences.append(
            f"{name} ended {report['state']}: {reason} (go on: `quo-sync resume {id}`)"
        )
    lost = report["results"]["aggregateData"]["totalFailed"]
    if lost:
        errors = report["results"]["aggregateData"]["errors"]
        letters = [error for error in errors if error["externalId"]]
        sentences.append(
            f"{name} has {counted(lost, 'dead letter')} (all: `quo-sync status {id}`; "
            f"again: `quo-sync retry {id}`):"
        )
        sentences += [f"  {error_line(error)}" for error in letters[:ERRORS_AFTER_A_RUN]]
        if lost > ERRORS_AFTER_A_RUN:
            sentences.append(f"  and {lost - ERRORS_AFTER_A_RUN:,} more")
    return sentences


def error_line(error: Mapping[str, Any]) -> str:
    return f"{error['externalId'] or 'page'}  {error['code']}  {error['message']}"


def is_parked(report: Report) -> bool:
    """Whether a run ended only to go on later: a daily quota was nearly spent."""
    cancelled = report["state"] == ProcessState.CANCELLED
    return cancelled and bool(report["context"]["metadata"].get("parkedUntil"))


# -- status -------------------------------------------------------------------------------------


def status_table(reports: Sequence[Report]) -> Table:
    """The newest runs, a line each; children stand below their parent."""
    table = new_table(
        "Id", "Process", "Kind", "State", "Persons", "Created", "Time", right=("Time",)
    )
    for report in reports:
        lost = report["results"]["aggregateData"]["totalFailed"]
        letters = f" ({counted(lost, 'dead letter')})" if lost else ""
        table.add_row(
            report["id"],
            ("└ " if report["parentProcessId"] else "") + label_of(report),
            kind_of(report),
            "parked" if is_parked(report) else report["state"],
            _persons_words(report) + letters,
            local_time(report["createdAt"]),
            _time_words(report),
        )
    return table


def details(report: Report) -> Iterable[str]:
    """Everything about one process, line by line."""
    context, results = report["context"], report["results"]
    metadata = context["metadata"]
    pages = results["pages"]
    rows: list[tuple[str, str | None]] = [
        ("process", report["id"]),
        ("integration", report["integrationId"]),
        ("person type", context["personObjectType"]),
        ("kind", kind_of(report)),
        ("state", report["state"]),
        ("reason", metadata.get("reason")),
        ("parked until", metadata.get("parkedUntil")),
        ("persons", _persons_words(report)),
        ("outcomes", ", ".join(outcome_words(results["outcomes"])) or None),
        ("pages", _pages_words(pages, metadata.get("pagesInFlight") or 0)),
        ("requests", _requests_words(results["requests"], ", ")),
        ("time", _time_words(report)),
        ("rate", _rate_words(report)),
        ("throttled", percent(throttled_share(report))),
        ("started", _local(context["startTime"])),
        ("ended", _local(context["endTime"])),
        ("expected end", _local(context["estimatedCompletion"])),
        ("in step until", _local(context["lastSyncedTimestamp"])),
        ("children", ", ".join(report["childProcesses"]) or None),
        ("parent", report["parentProcessId"]),
    ]
    yield from (f"{name:<14}{value}" for name, value in rows if value)
    errors = results["aggregateData"]["errors"]
    if errors:
        yield f"last errors (send dead letters again with `quo-sync retry {report['id']}`):"
        yield from (f"  {local_time(error['at'])}  {error_line(error)}" for error in errors)


def kind_of(report: Report) -> str:
    """`initial sync`, `ongoing sync`, `retry`, …"""
    if report["type"] == "CRM_SYNC":
        return f"{report['context']['syncType'].lower()} sync"
    return str(report["type"]).lower().replace("_", " ")


def local_time(text: str | None) -> str:
    """To the second, in the time zone of whoever looks."""
    if not text:
        return ""
    at: datetime = parse_time(text).astimezone()
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _local(text: str | None) -> str | None:
    return local_time(text) or None


# -- pieces -------------------------------------------------------------------------------------


def _numbers(report: Report) -> tuple[str, str, str, str, str]:
    """Persons, requests, time, rate, throttled share: cells of either table."""
    results = report["results"]
    outcomes = outcome_words(results["outcomes"])
    if report["state"] not in FINISHED:
        outcomes.insert(0, _persons_words(report))
    return (
        "\n".join(outcomes) or "none",
        _requests_words(results["requests"], "\n"),
        _time_words(report),
        _rate_words(report),
        percent(throttled_share(report)),
    )


def _persons_words(report: Report) -> str:
    done, total = report["context"]["processedRecords"], report["context"]["totalRecords"]
    return f"{done:,}" if total is None else f"{done:,} of {total:,}"


def _pages_words(pages: Mapping[str, Any], in_flight: int) -> str:
    total = f" of {pages['totalPages']:,}" if pages["totalPages"] is not None else ""
    failed = f", {pages['failedPages']:,} failed" if pages["failedPages"] else ""
    under_way = f", {in_flight:,} under way" if in_flight else ""
    return f"{pages['processedPages']:,}{total}{failed}{under_way}"


def _requests_words(requests: Mapping[str, int], between: str) -> str:
    return f"Quo {requests['quo']:,}{between}CRM {requests['crm']:,}"


def _time_words(report: Report) -> str:
    return span(report["results"]["aggregateData"]["duration"] / 1000)


def _rate_words(report: Report) -> str:
    return f"{report['results']['aggregateData']['recordsPerSecond']:,.1f}/s"
