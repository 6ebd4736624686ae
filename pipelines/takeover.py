"""Dead holders: when an active process may be ended by somebody else (rules §5.3)."""

from __future__ import annotations

from datetime import timedelta

from connectors.clock import utc_now
from connectors.processes.model import Process
from connectors.processes.ports import ProcessRepository
from connectors.processes.use_cases import take_over
from pipelines.holders import is_gone


def is_dead(repository: ProcessRepository, process: Process, stale_after_seconds: float) -> bool:
    """Whether nobody works on the process: its holder is gone, or its heartbeat is stale."""
    launch = process.launch
    if launch is not None and launch.holder is not None and is_gone(launch.holder):
        return True
    newest = repository.heartbeats.newest([launch.id]).get(launch.id) if launch else None
    beat = max(newest, process.created_at) if newest else process.created_at
    return utc_now() - beat > timedelta(seconds=stale_after_seconds)


def end_dead(repository: ProcessRepository, process: Process) -> None:
    """Take a dead process over: completed when all its ranges are closed, else ERROR."""
    launch = process.launch
    where = f"on {launch.holder.host}" if launch and launch.holder else "on its engine"
    take_over(
        repository, process, f"the run {where} stopped without ending; taken over by the next run"
    )
