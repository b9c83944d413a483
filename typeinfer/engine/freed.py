"""Freed: what was let go of is looked for rarely, and handed back to the machine. Knows nothing of what it was."""

from __future__ import annotations

import atexit
import gc
from collections.abc import Callable
from functools import cache


def hand_back() -> None:
    """glibc keeps what other threads have freed, and what lies between things that are still in use: 60 MB in a run of 2 GB."""
    if (trim := _trim()) is not None:
        trim(0)


@cache
def look_rarely() -> None:
    """Nearly all that a run makes stays to the end and is in no cycle: looking for garbage took half the time of a run that
    remembers, and once more as long when it had ended."""
    gc.set_threshold(50_000, 50, 1_000)
    atexit.register(gc.freeze)


@cache
def _trim() -> Callable[[int], int] | None:
    import ctypes

    # Only glibc has it; what is asked for is what the interpreter itself was linked with.
    try:
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):
        return None
