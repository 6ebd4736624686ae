"""The command line itself: what it loads, and how it refuses what it does not understand."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pipelines.cli.main import execute
from tests.pipelines.cli.conftest import Integration, Workspace

SLOW_TO_IMPORT = (
    "apache_beam",
    "sqlalchemy",
    "alembic",
    "structlog",
    "rich.console",
    "phonenumbers",
    "httpx",
)
COMMANDS = (
    "demo", "init", "check", "run", "status", "cancel", "resume", "retry", "sandbox", "migrate",
)  # fmt: skip


def modules_after(*arguments: str) -> set[str]:
    """The modules that are loaded when a command has run in a process of its own."""
    code = (
        "import sys\nfrom pipelines.cli.main import execute\n"
        f"execute({list(arguments)!r})\nprint('modules', *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    last = done.stdout.splitlines()[-1].split()
    assert last[0] == "modules"
    return set(last[1:])


@pytest.mark.parametrize("arguments", [("--help",), ("run", "--help"), ("run", "--mode", "never")])
def test_help_and_usage_errors_load_nothing_slow(arguments: tuple[str, ...]) -> None:
    assert modules_after(*arguments).isdisjoint(SLOW_TO_IMPORT)


def test_the_list_of_commands_comes_without_pydantic() -> None:
    assert "pydantic" not in modules_after("--help")  # typer loads it for a command's own options


@pytest.mark.parametrize("command", [("status",), ("cancel", "unknown")], ids=["status", "cancel"])
def test_looking_and_cancelling_need_no_beam(
    workspace: Workspace, integration: Integration, command: tuple[str, ...]
) -> None:
    workspace.configure(integration())
    workspace.open_repository().close()
    name, *rest = command
    loaded = modules_after(name, "--config", str(workspace.config_path), *rest)
    assert "sqlalchemy" in loaded
    assert "apache_beam" not in loaded


def test_without_arguments_the_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute([]) == 0
    out = capsys.readouterr().out
    listed = [line.split()[0] for line in out.partition("Commands:")[2].splitlines() if line]
    assert listed == list(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_the_common_options(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute([command, "--config", "x.yaml", "--log-json", "--debug", "--help"]) == 0
    assert "--log-json" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        pytest.param(("rnu",), ("'rnu'", "'run'", "`quo-sync --help`"), id="command"),
        pytest.param(("status", "--wach"), ("--wach", "--watch"), id="flag"),
        pytest.param(("run", "--runner=X"), ("--runner", "behind ` -- `"), id="beam-before-dashes"),
        pytest.param(("run", "--mode", "never"), ("--mode", "'never'", "initial"), id="value"),
        pytest.param(("cancel",), ("PROCESS_ID", "`quo-sync cancel --help`"), id="argument"),
        pytest.param(("demo", "--persons", "0"), ("--persons", "not '0'", "1"), id="number"),
        pytest.param(("demo", "--rate=fast"), ("--rate", "not 'fast'", "integer"), id="no-number"),
        pytest.param(("status", "a", "b"), ("(b)", "`quo-sync status --help`"), id="one-too-many"),
    ],
)
def test_a_wrong_command_line_is_one_sentence_and_code_2(
    arguments: tuple[str, ...], named: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("Error: ")
    assert all(word in line for word in named), line
