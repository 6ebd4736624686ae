"""How an error ends a process: one place that reads the error family."""

from __future__ import annotations

import logging

from connectors.errors import Parked, ProcessEnded, RepositoryError, SyncError
from connectors.processes.model import ProcessState
from connectors.processes.use_cases import end_process, require_process
from connectors.repository.repository import Repository
from transforms.elements import SyncRequest

log = logging.getLogger(__name__)


def end_with(repository: Repository, request: SyncRequest, error: SyncError) -> None:
    """End the request's process as the error says; a process that has ended stays as it is.

    Raises RepositoryError again: without the repository nothing can be recorded.
    """
    if isinstance(error, RepositoryError):
        raise error
    if isinstance(error, ProcessEnded):
        return
    process = require_process(repository, request.process_id)
    if isinstance(error, Parked):
        end_process(
            repository,
            process,
            ProcessState.CANCELLED,
            error.message,
            code=error.code,
            metadata={"parkedUntil": error.until},
        )
        return
    log.error("process %s ends: %s", process.id, error.message)
    end_process(repository, process, ProcessState.ERROR, error.message, code=error.code)
