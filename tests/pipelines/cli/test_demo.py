"""`demo`: the real pipeline, and the check of what came of it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli.demo import difference_of
from tests.pipelines.cli.conftest import Result, Workspace

COUNTS: dict[str, Any] = {"contacts": 20, "creations": 20, "created_more_than_once": []}


@pytest.fixture(autouse=True)
def folders_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def config_of(result: Result) -> str:
    return result.out.partition("--config ")[2].splitlines()[0]


@pytest.mark.parametrize(
    ("crm", "rate"), [("pipedrive", "100"), ("scaling-test", "0")], ids=["pipedrive", "no-limit"]
)
def test_a_demo_creates_everyone_once_and_stays_to_be_looked_at(
    workspace: Workspace, crm: str, rate: str
) -> None:
    result = workspace.call("demo", "--persons", "20", "--crm", crm, "--rate", rate)
    assert result.code == 0, result.err
    assert "created 20" in result.out
    assert "20 contacts in Quo, each created exactly once." in result.out

    looked = workspace.call("status", "--config", config_of(result), "--json")
    assert looked.code == 0
    (report,) = looked.json
    assert report["integrationId"].startswith("demo-")
    assert report["results"]["outcomes"]["created"] == 20


def test_demos_share_a_repository_without_meeting(workspace: Workspace) -> None:
    for _ in range(2):
        result = workspace.call(
            "demo", "--persons", "5", "--rate", "0", "--repository", workspace.repository_url
        )
        assert result.code == 0, result.err
        assert "created 5" in result.out
    looked = workspace.call("status", "--config", config_of(result), "--json")
    assert len({report["integrationId"] for report in looked.json}) == 2


@pytest.mark.parametrize(
    ("counts", "persons"),
    [
        pytest.param({}, 21, id="one-is-missing"),
        pytest.param({"creations": 21}, 20, id="one-was-deleted"),
        pytest.param(
            {"created_more_than_once": [{"externalId": "person-1", "count": 2}]}, 20, id="double"
        ),
    ],
)
def test_counts_that_differ_are_told(counts: dict[str, Any], persons: int) -> None:
    assert difference_of({**COUNTS, **counts}, persons) is not None


def test_counts_that_agree_are_no_difference() -> None:
    assert difference_of(COUNTS, 20) is None
