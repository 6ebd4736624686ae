"""Exit codes (rules §7), and errors as one sentence on stderr."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterable, Sequence
from enum import IntEnum

import typer

from connectors.errors import AlreadyRunning, ConfigurationError, NotFound, SyncError

log = logging.getLogger(__name__)

UsageError: type[typer.BadParameter] = typer.BadParameter.__mro__[1]
"""What typer raises for a wrong command line; its versions keep the class in different modules."""


class ExitCode(IntEnum):
    DONE = 0
    FAILED = 1
    USAGE = 2
    DEAD_LETTERS = 3
    RUNNING = 4
    INTERRUPTED = 130


_WITH_BEAM_OPTIONS = frozenset({"run", "resume", "retry"})
_PRECEDENCE = (
    ExitCode.INTERRUPTED,
    ExitCode.FAILED,
    ExitCode.RUNNING,
    ExitCode.DEAD_LETTERS,
    ExitCode.DONE,
)


def gravest(codes: Iterable[ExitCode]) -> ExitCode:
    """The one exit code of several; DONE of none."""
    return min(codes, key=_PRECEDENCE.index, default=ExitCode.DONE)


def report_error(error: Exception, *, log_json: bool, debug: bool) -> ExitCode:
    """Print an error's one sentence, with `debug` its traceback before; returns the exit code.

    Of an error outside our family only the kind is named: its text may hold personal data.
    """
    if debug:
        traceback.print_exception(error)
    if isinstance(error, SyncError):
        print_error(error.message, log_json=log_json, code=error.code)
    else:
        print_error(
            f"{type(error).__name__}: this is a bug in quo-sync; add --debug to see where it "
            "happened, and report that.",
            log_json=log_json,
            code="bug",
        )
    return _exit_code(error)


def report_usage(error: typer.BadParameter, arguments: Sequence[str]) -> ExitCode:
    """A wrong command line, in the style of every other error; `arguments` are what was typed."""
    command = error.ctx.command_path if error.ctx else "quo-sync"
    hint = f"see `{command} --help`"
    is_unknown_option = hasattr(error, "possibilities")
    if is_unknown_option and command.split()[-1] in _WITH_BEAM_OPTIONS and "--" not in arguments:
        hint = f"options of Beam stand behind ` -- `, for others {hint}"
    message = error.format_message().rstrip(".")
    value = _typed_value(arguments, getattr(getattr(error, "param", None), "opts", ()))
    if value is not None and repr(value) not in message:
        message += f", not {value!r}"
    print_error(f"{message}; {hint}.", log_json=False, code="usage")
    return ExitCode.USAGE


def _typed_value(arguments: Sequence[str], names: Sequence[str]) -> str | None:
    """What was typed for an option: `--name value` or `--name=value`."""
    for argument, following in zip(arguments, [*arguments[1:], None], strict=True):
        name, has_value, value = argument.partition("=")
        if name in names:
            return value if has_value else following
    return None


def print_error(sentence: str, *, log_json: bool, code: str) -> None:
    if log_json:
        log.error(sentence, extra={"code": code})
    else:
        print(f"Error: {sentence}", file=sys.stderr)


def _exit_code(error: Exception) -> ExitCode:
    if isinstance(error, (ConfigurationError, NotFound)):
        return ExitCode.USAGE
    if isinstance(error, AlreadyRunning):
        return ExitCode.RUNNING
    return ExitCode.FAILED
