"""Dead holders: when an active process may be ended by somebody else (rules §5.3)."""

from __future__ import annotations

from datetime import timedelta

from connectors.clock import utc_now
from connectors.processes.model import Process, ProcessState
from connectors.processes.ports import ProcessRepository
from connectors.processes.use_cases import end_process, finish_if_done
from pipelines.holders import is_gone


def is_dead(repository: ProcessRepository, process: Process, stale_after_seconds: float) -> bool:
    """Whether nobody works on the process: its holder is gone, or its heartbeat is stale."""
    launch = process.launch
    if launch is not None and launch.holder is not None and is_gone(launch.holder):
        return True
    newest = repository.heartbeats.newest([launch.id]).get(launch.id) if launch else None
    beat = max(newest, process.created_at) if newest else process.created_at
    return utc_now() - beat > timedelta(seconds=stale_after_seconds)


def take_over(repository: ProcessRepository, process: Process) -> None:
    """End a dead process: completed when all its ranges are closed, else ERROR with the reason."""
    if finish_if_done(repository, process.id):
        return
    launch = process.launch
    host = launch.holder.host if launch and launch.holder else "its engine"
    end_process(
        repository,
        process,
        ProcessState.ERROR,
        f"the run on {host} stopped without ending; taken over by the next run",
        code="taken_over",
    )
