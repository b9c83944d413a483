"""Store: the protocol of what remembers values by what they were worked out of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Store(Protocol):
    def get(self, kind: str, inputs: Iterable[str | bytes], type_: type[T]) -> T | None:
        """The value of a kind that was put there for these inputs, or None."""

    def put(self, kind: str, inputs: Iterable[str | bytes], value: object) -> None: ...
