"""Exit codes, and what of an error is told."""

from __future__ import annotations

import json
from itertools import combinations

import pytest

from connectors.errors import (
    AlreadyRunning,
    ConfigurationError,
    NotFound,
    RepositoryError,
    SyncError,
    TransientError,
)
from pipelines.cli.errors import ExitCode, gravest, report_error
from pipelines.cli.logs import configure_logs

BY_GRAVITY = [
    ExitCode.INTERRUPTED,
    ExitCode.FAILED,
    ExitCode.RUNNING,
    ExitCode.DEAD_LETTERS,
    ExitCode.DONE,
]


@pytest.mark.parametrize(("graver", "lighter"), [*combinations(BY_GRAVITY, 2)])
def test_of_two_codes_the_graver_counts(graver: ExitCode, lighter: ExitCode) -> None:
    assert gravest([lighter, graver]) is graver
    assert gravest([graver, lighter]) is graver


def test_of_no_codes_all_is_done() -> None:
    assert gravest([]) is ExitCode.DONE


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError("crm: 'x' is not installed"), 2),
        (NotFound("no process 'x'"), 2),
        (AlreadyRunning("process x is running"), 4),
        (RepositoryError("the database is out of reach"), 1),
        (TransientError("no answer"), 1),
        (SyncError("something else"), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_each_kind_of_error_has_its_code_and_is_one_sentence(
    error: SyncError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report_error(error, log_json=False, debug=False) == code
    assert capsys.readouterr().err == f"Error: {error.message}\n"


def test_a_bug_is_named_by_its_kind_only(capsys: pytest.CaptureFixture[str]) -> None:
    error = ValueError("Erika Mustermann has no phone")
    assert report_error(error, log_json=False, debug=False) == 1
    err = capsys.readouterr().err
    assert "ValueError" in err
    assert "--debug" in err
    assert "Erika" not in err


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ConfigurationError("crm: 'x' is not installed")
    except ConfigurationError as error:
        report_error(error, log_json=False, debug=True)
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.endswith("Error: crm: 'x' is not installed\n")


def test_where_logs_are_json_errors_are_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(as_json=True, debug=False)
    report_error(ConfigurationError("crm: wrong", code="usage"), log_json=True, debug=False)
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"], line["code"]) == ("crm: wrong", "error", "usage")
    assert line["timestamp"].endswith("Z")
