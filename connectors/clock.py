"""Times as the project writes them: aware UTC datetimes inside, milliseconds in the repository."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def utc_now() -> datetime:
    """The local clock in UTC, cut to milliseconds: the precision that every database keeps."""
    return from_millis(to_millis(datetime.now(UTC)))


def to_millis(at: datetime) -> int:
    """Milliseconds since the Unix epoch; `at` must be aware."""
    return (at - _EPOCH) // _MILLISECOND


def from_millis(millis: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=millis)


def iso(at: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and `Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """An aware UTC datetime from ISO 8601; a time without a zone is UTC. Raises ValueError."""
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
