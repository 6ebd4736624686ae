"""Ctrl-C and SIGTERM, alike: a KeyboardInterrupt in the main thread."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NOTICE = b"\nStopping: requests under way finish first. Interrupt again to stop at once.\n"


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn both signals into KeyboardInterrupt while the block runs, and say so the first time."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    noticed = False

    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        nonlocal noticed
        if not noticed:
            noticed = True
            os.write(2, _NOTICE)  # printing is not safe within a signal handler
        raise KeyboardInterrupt

    for number in before:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
