"""One call of a command: the options that every command takes, and what they lead to."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Concatenate, ParamSpec

import typer

from pipelines.cli.errors import report_error
from pipelines.cli.logs import configure_logs

if TYPE_CHECKING:
    from connectors.repository.repository import Repository
    from pipelines.config import Config

P = ParamSpec("P")

DEFAULT_CONFIG = "./quo-sync.yaml"

ProcessId = Annotated[str, typer.Argument(metavar="PROCESS_ID", help="See `quo-sync status`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


@dataclass(frozen=True)
class Invocation:
    """The common options; nothing is read before it is asked for."""

    config_path: str
    log_json: bool
    debug: bool

    def load_config(self) -> Config:
        """Raises ConfigurationError that names the key, the value and the remedy."""
        from pipelines.config import load_config

        return load_config(self.config_path)

    @contextmanager
    def repository(self, config: Config) -> Iterator[Repository]:
        """The configured repository, for a command that only reads it or changes a process.

        Raises RepositoryError when it is out of reach or has another schema.
        """
        from connectors.repository.factory import open_repository

        repository = open_repository(config.repository)
        try:
            repository.storage.check_schema()
            yield repository
        finally:
            repository.close()


def invoked(function: Callable[Concatenate[Invocation, P], int]) -> Callable[..., int]:
    """Turn `function(invocation, …) -> exit code` into a command that takes the common options.

    Errors end here, as one sentence on stderr and an exit code.
    """
    return _invoked(function, hide_config=False)


def invoked_without_config(
    function: Callable[Concatenate[Invocation, P], int],
) -> Callable[..., int]:
    """The same for a command that has no use for --config: accepted, but not offered."""
    return _invoked(function, hide_config=True)


def _invoked(
    function: Callable[Concatenate[Invocation, P], int], *, hide_config: bool
) -> Callable[..., int]:
    @wraps(function)
    def command(*, config: str, log_json: bool, debug: bool, **options: object) -> int:
        configure_logs(as_json=log_json, debug=debug)
        invocation = Invocation(config_path=config, log_json=log_json, debug=debug)
        try:
            return function(invocation, **options)  # type: ignore[call-arg,arg-type]
        except BrokenPipeError:
            raise
        except Exception as error:
            return report_error(error, log_json=log_json, debug=debug)

    signature = inspect.signature(function, eval_str=True)
    own = [*signature.parameters.values()][1:]
    common = _common_options(hide_config=hide_config)
    command.__signature__ = signature.replace(parameters=[*own, *common])  # type: ignore[attr-defined]
    return command


def _common_options(*, hide_config: bool) -> list[inspect.Parameter]:
    config = typer.Option(
        "--config",
        metavar="FILE",
        envvar="QUO_SYNC_CONFIG",
        help="The configuration: any path that Beam can read.",
        hidden=hide_config,
    )
    log_json = typer.Option("--log-json", help="Logs and progress as JSON lines on stderr.")
    debug = typer.Option("--debug", help="Tell more, and show tracebacks.")
    return [
        _option("config", Annotated[str, config], DEFAULT_CONFIG),
        _option("log_json", Annotated[bool, log_json], False),
        _option("debug", Annotated[bool, debug], False),
    ]


def _option(name: str, annotation: object, default: object) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )
