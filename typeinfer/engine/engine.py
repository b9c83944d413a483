"""Engine: the protocol of what does the same work for many items, in this process, in several, or on several machines.

Whichever does it, results come in the order of the items and are the same: an engine knows nothing of what is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

T = TypeVar("T")
R = TypeVar("R")

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told the stage, how many of its items are done, and how many there are."""


def silent(stage: str, done: int, total: int) -> None:
    """The progress of a run that nobody watches."""


@dataclass(frozen=True, slots=True)
class Lost:
    """No result for this item: its worker died, or the function raised (then `trace` holds the traceback)."""

    reason: str
    trace: str = ""


class EngineFailed(ValueError):
    """The engine itself can't be used, or no longer; the message is one line: what is wrong, and what to do next."""


class Engine(Protocol):
    """What is handed to it must be picklable: it may go to another process."""

    @property
    def jobs(self) -> int:
        """Processors of this machine that may be used, for what isn't handed to it."""

    def run_over(
        self,
        stage: str,
        items: Sequence[T],
        function: Callable[[T], R],
        progress: Progress = silent,
        heavy: bool = False,
    ) -> tuple[R | Lost, ...]:
        """`function` of every item, in their order. `heavy`: each is worth a process of its own. Raises `EngineFailed`."""

    @property
    def answering(self) -> Answering | None:
        """Where there is more to compute with than this process has; None where a model is better held here."""


class Answering(Protocol):
    def __call__(self, make: Callable[[], Callable[[T], R]]) -> Callable[[Iterable[T]], Iterator[R]]:
        """What `make` makes is made once in every place and kept; then it answers questions, in their order, of which it takes a
        few in advance. Raises `EngineFailed`."""
