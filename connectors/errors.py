"""The error family: each class says what to do, never only what happened.

All members survive pickling between processes, carry a stable `code` for machines and one clear
sentence for people, and never hold personal data or secrets.
"""

from __future__ import annotations


class SyncError(Exception):
    """Root of the family.

    `code` is a stable lower-case word for reports and tests; `message` is one sentence that names
    the cause and the remedy.
    """

    def __init__(self, message: str, *, code: str = "error") -> None:
        super().__init__(message)
        self.message = message
        self.code = code

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.__dict__)

    def __str__(self) -> str:
        return self.message


def _rebuild(kind: type[SyncError], message: str, attributes: dict[str, object]) -> SyncError:
    error = kind.__new__(kind)
    Exception.__init__(error, message)
    error.__dict__.update(attributes)
    return error


class TransientError(SyncError):
    """Retry: the other side did not give a usable answer this time.

    `retry_after` is the other side's own wish in seconds, None when it named none.
    `outcome_unknown` is True when the request may have taken effect (time-out, reset, truncated
    answer): a write must then be resolved, never guessed.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "transient",
        status: int | None = None,
        retry_after: float | None = None,
        outcome_unknown: bool = False,
    ) -> None:
        super().__init__(message, code=code)
        self.status = status
        self.retry_after = retry_after
        self.outcome_unknown = outcome_unknown


class RecordError(SyncError):
    """Reject the one record: the other side will never accept it as it is."""

    def __init__(self, message: str, *, code: str = "rejected", status: int | None = None) -> None:
        super().__init__(message, code=code)
        self.status = status


class PageError(SyncError):
    """Give the page up for this run: its range stays to do for a successor."""


class CursorRefused(PageError):  # noqa: N818 - names what happened to the cursor, not a failure
    """Restart the page range: the CRM no longer accepts its cursor."""


class ProcessError(SyncError):
    """End the process: no further request of it can succeed (401, 403, wrong account)."""


class Parked(ProcessError):  # noqa: N818
    """End the process as CANCELLED and continue it later: a daily quota is nearly spent.

    `until` is an ISO 8601 instant in UTC.
    """

    def __init__(self, message: str, *, until: str) -> None:
        super().__init__(message, code="parked")
        self.until = until


class ProcessEnded(SyncError):  # noqa: N818
    """Stop quietly: the process is no longer active (cancelled, taken over, finished)."""


class ConfigurationError(SyncError):
    """Fix the configuration: the message names file, key, value and remedy."""

    def __init__(self, message: str, *, code: str = "configuration") -> None:
        super().__init__(message, code=code)


class AlreadyRunning(SyncError):  # noqa: N818
    """Leave it: another active process holds this integration and person type."""

    def __init__(self, message: str, *, process_id: str | None = None) -> None:
        super().__init__(message, code="already_running")
        self.process_id = process_id


class NotFound(SyncError):  # noqa: N818
    """Name another one: nothing is stored under this id."""


class RepositoryError(SyncError):
    """The repository cannot be reached or does not fit; nothing may go on without it."""
