"""How an error ends a process: what every step does with the errors that it does not handle."""

from __future__ import annotations

import logging

from connectors.errors import ProcessEnded, RepositoryError, SyncError
from connectors.processes.use_cases import handle_error, require_process
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
    log.warning("process %s ends: %s", request.process_id, error.message)
    handle_error(repository, require_process(repository, request.process_id), error)
