"""What a launching command sets up for its own OS process before Beam is imported."""

from __future__ import annotations

import ctypes
import gc

_M_MMAP_THRESHOLD = -3
_THRESHOLD_BYTES = 128 * 1024


def before_imports() -> None:
    """No garbage collection while importing: it finds nothing and takes a sixth of the time.

    And glibc keeps giving large blocks back (mallopt(3)): its threshold otherwise rises with the
    first one that is freed, and pages of persons then leave holes in the heap (7 MB).
    """
    gc.disable()
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc has it, macOS and musl do not
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _THRESHOLD_BYTES)


def after_imports() -> None:
    """Collect from now on, and never look at what was imported."""
    gc.freeze()
    gc.enable()
