"""What is said at the end of a run."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.cli.display import closing_sentences, details, kind_of
from pipelines.cli.errors import ExitCode
from pipelines.cli.launching import exit_code_of
from tests.pipelines.cli.samples import error, report

PARKED = {"parkedUntil": "2026-03-02T00:00:00.000Z", "reason": "the daily quota is nearly spent"}


def test_a_clean_end_needs_no_words() -> None:
    assert closing_sentences(report(outcomes={"created": 5})) == []


def test_an_error_names_reason_and_remedy() -> None:
    (sentence,) = closing_sentences(report(state="ERROR", metadata={"reason": "401 from Quo"}))
    assert "ended ERROR: 401 from Quo" in sentence
    assert "`quo-sync resume p1`" in sentence


def test_parked_names_until_when() -> None:
    (sentence,) = closing_sentences(report(state="CANCELLED", metadata=PARKED))
    assert "is parked until 2026-03-02T00:00:00.000Z" in sentence
    assert "`quo-sync run --due`" in sentence


def test_of_many_dead_letters_the_first_are_shown() -> None:
    errors = [error(None, "http"), *(error(f"person-{number}") for number in range(8))]
    header, *letters, more = closing_sentences(report(outcomes={"failed": 8}, errors=errors))
    assert "8 dead letters" in header
    assert "`quo-sync status p1`" in header
    assert "`quo-sync retry p1`" in header
    assert [letter.split()[0] for letter in letters] == [f"person-{n}" for n in range(5)]
    assert more == "  and 3 more"


@pytest.mark.parametrize(
    ("reports", "strict", "code"),
    [
        pytest.param([report()], False, ExitCode.DONE, id="done"),
        pytest.param([report(state="ERROR"), report()], False, ExitCode.FAILED, id="error"),
        pytest.param([report(state="CANCELLED")], False, ExitCode.FAILED, id="cancelled"),
        pytest.param(
            [report(state="CANCELLED", metadata=PARKED)], True, ExitCode.DONE, id="parked"
        ),
        pytest.param([report(outcomes={"rejected": 1})], False, ExitCode.DONE, id="letters"),
        pytest.param([report(outcomes={"rejected": 1})], True, ExitCode.DEAD_LETTERS, id="strict"),
        pytest.param(
            [report(outcomes={"rejected": 1}), report(state="ERROR")],
            True,
            ExitCode.FAILED,
            id="strict-and-error",
        ),
        pytest.param([report(outcomes={"skipped": 3})], True, ExitCode.DONE, id="skipped"),
    ],
)
def test_processes_decide_the_exit_code(
    reports: list[dict[str, Any]], strict: bool, code: ExitCode
) -> None:
    assert exit_code_of(reports, strict=strict) is code


def test_details_leave_out_what_is_unknown_and_list_errors() -> None:
    lines = list(details(report(outcomes={"created": 3, "failed": 1}, errors=[error("person-9")])))
    text = "\n".join(lines)
    assert "outcomes      created 3, failed 1" in text
    assert "expected end" not in text
    assert lines[-1].endswith("person-9  rejected  Quo refused it")


@pytest.mark.parametrize(
    ("type", "kind"),
    [("CRM_SYNC", "initial sync"), ("RETRY", "retry"), ("WEBHOOK_DRAIN", "webhook drain")],
)
def test_kinds_are_words(type: str, kind: str) -> None:
    assert kind_of({**report(), "type": type}) == kind
