"""The console script `quo-sync`.

Only typer is imported before a command is known; each command imports what it needs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer
from typer.main import get_command

from pipelines.cli import configure, demo, maintenance, run, status
from pipelines.cli.errors import ExitCode, UsageError, report_usage

app = typer.Typer(
    name="quo-sync",
    help="Keeps the people of any CRM in step with Quo (formerly OpenPhone) contacts.",
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("init")(configure.init)
app.command("check")(configure.check)
app.command("run")(run.run)
app.command("status")(status.status)
app.command("cancel")(run.cancel)
app.command("resume")(run.resume)
app.command("retry")(run.retry)
app.command("sandbox")(maintenance.sandbox)
app.command("migrate")(maintenance.migrate)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code.

    After an interrupt threads of the engine may still be at work: the interpreter would wait for
    them, or let them fail noisily under its own end, so it is left at once.
    """
    code = execute(sys.argv[1:] if arguments is None else arguments)
    if code == ExitCode.INTERRUPTED:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def execute(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code. Without arguments it prints the help."""
    typed = list(arguments) or ["--help"]
    try:
        code = get_command(app).main(typed, prog_name="quo-sync", standalone_mode=False)
    except UsageError as error:
        return report_usage(error, typed)
    return int(code or 0)
