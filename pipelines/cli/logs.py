"""Logs on stderr: plain lines for people, JSON lines (--log-json) for whoever collects them."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

_OURS = ("pipelines", "transforms", "connectors")
_JUDGED_BY_US = ("apache_beam.options",)
"""Beam warns here of options it does not know, Flink's among them; what is wrong, we refuse."""
_TOLD_BY_US = ("apache_beam.runners", "grpc")
"""An engine logs the traceback of what ends its job; the launcher says it in a sentence."""
_BEAM_WITHOUT_GCP = "apitools not found"
"""What importing Beam says on the root logger at every start where its GCP extra is missing."""


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to what `sys.stderr` is at that moment: a live display puts itself in between."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.addFilter(lambda record: not record.getMessage().startswith(_BEAM_WITHOUT_GCP))

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


def configure_logs(*, as_json: bool, debug: bool) -> None:
    """Set up logging of this OS process; calling it again replaces the set-up.

    Libraries, Apache Beam among them, speak from WARNING on. Of ours, people see warnings (what
    happens is on the display), JSON has everything from INFO on; with `debug` all of it.
    """
    handler = _Stderr()
    handler.setFormatter(
        _json_lines() if as_json else logging.Formatter("%(levelname)s %(message)s")
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in _JUDGED_BY_US:
        logging.getLogger(name).setLevel(logging.ERROR)
    for name in _TOLD_BY_US:
        logging.getLogger(name).setLevel(logging.WARNING if debug else logging.CRITICAL)
    level = logging.DEBUG if debug else logging.INFO if as_json else logging.WARNING
    for name in _OURS:
        logging.getLogger(name).setLevel(level)


def _json_lines() -> logging.Formatter:
    """One object per record: event, level, logger, timestamp and whatever `extra` adds."""
    import structlog

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
    )
