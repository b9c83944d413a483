"""Device: where the model is to compute in, where it can out. Knows nothing of models."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from importlib.util import find_spec

AUTO = "auto"


def device_of(asked: str) -> str:
    """`"cuda"` for `"auto"` where torch finds a GPU, else `"cpu"`; whatever else was asked for as it is."""
    if asked != AUTO:
        return asked
    return "cuda" if _has_gpu() else "cpu"


@cache
def _has_gpu() -> bool:
    # It takes torch two seconds to be imported: without a driver there is nothing to ask it.
    if find_spec("torch") is None or not _has_driver():
        return False
    try:
        import torch

        return torch.cuda.is_available()
    except (ImportError, OSError):  # Installed, and broken.
        return False


def _has_driver() -> bool:
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True
