"""One thread: numpy's products by one thread while somebody is within; several may be, each in a thread of its own.

Threads that a product is split among wait for each other, and for whoever computes beside; and the last bit of a product depends on
how many there were.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

_changing = threading.Lock()
_state: dict[str, Any] = {"within": 0, "limits": None}
"""How many are within. The setting is the process's: the first one makes it, and the last to leave undoes it, if it is the same
thread (where it isn't, one thread it stays, which is slower at most)."""


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    with _changing:
        if not _state["within"]:
            # Entered, not just made: whoever made a limit and didn't leave it keeps every other thread from making one.
            _state["limits"] = _controller().limit(limits=1, user_api="blas").__enter__()
        _state["within"] += 1
    try:
        yield
    finally:
        with _changing:
            _state["within"] -= 1
            if not _state["within"]:
                _state["limits"].__exit__(None, None, None)
