"""Beam's own options: what users type behind `--`, checked before anything starts."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from apache_beam.options.pipeline_options import PipelineOptions, _BeamArgumentParser

from connectors.errors import ConfigurationError

THREADS = 4
"""Bundle threads of the in-process engine: as fast as 8, and half the pages in memory."""

_JOB_SERVER_OPTIONS = frozenset(
    {
        # Learnt by Beam only from a running job server (FlinkPipelineOptions, SparkPipelineOptions
        # of Beam's Java runners), so its own parser takes them for unknown.
        "parallelism", "max_parallelism", "max_bundle_size", "max_bundle_time_mills",
        "checkpointing_interval", "checkpointing_mode", "checkpoint_timeout_millis",
        "externalized_checkpoints_enabled", "retain_externalized_checkpoints_on_cancellation",
        "number_of_execution_retries", "execution_retry_delay", "object_reuse",
        "fail_on_checkpointing_errors", "state_backend", "state_backend_storage_path",
        "execution_mode_for_batch", "use_data_stream_for_batch", "savepoint_path",
        "allow_non_restored_state", "auto_balance_write_files_sharding_enabled",
        "disable_metrics", "enable_metrics", "files_to_stage", "flink_conf_dir",
        "operator_chaining", "attached_mode", "spark_master", "storage_level",
        "batch_interval_millis", "bundle_size", "cache_disabled",
    }
)  # fmt: skip
_IN_PROCESS = frozenset({"directrunner", "fnapirunner", "prismrunner", "bundlebaseddirectrunner"})
_WITH_JOB_SERVER = frozenset({"flinkrunner", "sparkrunner", "portablerunner"})


@dataclass(frozen=True)
class Engine:
    """Where a launch runs: the runner's name, whether in this process, and Beam's arguments."""

    runner: str
    in_process: bool
    arguments: tuple[str, ...]

    def pipeline_options(self, *, threads: int = THREADS) -> PipelineOptions:
        """Fresh options; the local default is the in-process engine with several threads."""
        arguments = list(self.arguments)
        if self.runner.lower() in {"directrunner", "fnapirunner"}:
            arguments = [a for a in arguments if not _names(a, "runner")]
            arguments += ["--runner=FnApiRunner"]
            if not any(_names(a, "direct_running_mode") for a in arguments):
                arguments += ["--direct_running_mode=multi_threading"]
            if not any(_names(a, "direct_num_workers") for a in arguments):
                arguments += [f"--direct_num_workers={threads}"]
        elif not any(_names(a, "save_main_session") for a in arguments):
            arguments += ["--no_save_main_session"]
        return PipelineOptions(arguments)


def parse_engine(arguments: Sequence[str]) -> Engine:
    """Raises ConfigurationError that names an option nobody knows, and what it may have meant."""
    options = PipelineOptions(list(arguments))
    values = options.get_all_options()
    runner = str(values.get("runner") or "DirectRunner").rpartition(".")[2]
    _refuse_unknown(arguments, runner)
    return Engine(runner, _is_in_process(runner, values), _joined(arguments))


def _is_in_process(runner: str, values: dict[str, object]) -> bool:
    name = runner.lower()
    if name in _IN_PROCESS:
        return True
    if name == "flinkrunner":
        return values.get("flink_master") == "[local]"
    return name == "portablerunner" and values.get("job_endpoint") == "embed"


def _refuse_unknown(arguments: Sequence[str], runner: str) -> None:
    known = _known_options()
    if runner.lower() in _WITH_JOB_SERVER:
        known |= _JOB_SERVER_OPTIONS
    expects_value = False
    for argument in arguments:
        if not argument.startswith("--"):
            if not expects_value:
                raise ConfigurationError(
                    f"{argument!r} behind `--` is no Beam option; options begin with `--`",
                    code="usage",
                )
            expects_value = False
            continue
        name, has_value, _ = argument[2:].partition("=")
        expects_value = not has_value
        if name not in known:
            close = difflib.get_close_matches(name, sorted(known), n=1)
            hint = f"; did you mean --{close[0]}?" if close else ""
            raise ConfigurationError(
                f"--{name} is no option that Beam or the {runner} knows{hint}", code="usage"
            )


def _known_options() -> set[str]:
    """Every flag of every PipelineOptions class that Beam has loaded."""
    flags: set[str] = set()
    for kind in _subclasses(PipelineOptions):
        parser = _BeamArgumentParser(add_help=False, conflict_handler="resolve")
        kind._add_argparse_args(parser)
        flags |= set(parser._option_string_actions)
    return {flag[2:] for flag in flags if flag.startswith("--")}


def _subclasses(kind: type[PipelineOptions]) -> set[type[PipelineOptions]]:
    children = set(kind.__subclasses__())
    return children.union(*(_subclasses(child) for child in children))


def _names(argument: str, option: str) -> bool:
    return argument == f"--{option}" or argument.startswith(f"--{option}=")


def _joined(arguments: Sequence[str]) -> tuple[str, ...]:
    """`--name value` as `--name=value`, so that options can be replaced one by one."""
    joined: list[str] = []
    for argument in arguments:
        if argument.startswith("--"):
            joined.append(argument)
        else:
            joined[-1] = f"{joined[-1]}={argument}"
    return tuple(joined)
