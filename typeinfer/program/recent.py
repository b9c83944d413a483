"""Recent: what was worked out of texts lately, so that texts that haven't changed since needn't be looked at again.

Knows nothing of what it keeps but how much it weighs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """Values by what they were worked out of, those that were asked for last, as many as weigh no more than `most` together. May be
    asked by several threads."""

    def __init__(self, most: int) -> None:
        self.most, self.weight = most, 0
        self._held: dict[Hashable, tuple[T, int]] = {}
        self._changing = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T], weigh: Callable[[T], int]) -> T:
        """The value of a key, made where it is not there. `weigh`: what a value weighs."""
        with self._changing:
            found = self._held.pop(key, None)
            if found is not None:
                self._held[key] = found
                return found[0]
        value = make()
        weight = weigh(value)
        with self._changing:
            if key not in self._held:
                self._held[key] = value, weight
                self.weight += weight
            while self.weight > self.most and self._held:
                _, lost = self._held.pop(next(iter(self._held)))
                self.weight -= lost
        return value
