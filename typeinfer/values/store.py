"""Store: the protocols of what remembers values by what they were worked out of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class Store(Protocol):
    def get(self, kind: str, inputs: Iterable[str | bytes], type_: type[T]) -> T | None:
        """The value of a kind that was put there for these inputs, or None."""

    def put(self, kind: str, inputs: Iterable[str | bytes], value: object) -> None: ...


class FarStore(Protocol):
    """One that takes so long to answer that much is asked at once, and that others put values into: they may be anything."""

    def get(self, kind: str, asked: Iterable[Sequence[str | bytes]], type_: type[T]) -> list[T | None]:
        """The value for each of these inputs, or None."""

    def put(self, kind: str, values: Iterable[tuple[Sequence[str | bytes], object]]) -> None: ...
