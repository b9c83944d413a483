"""Runtime: a stored model and units in; the most probable types of every slot out, without torch unless a GPU is asked for.

Knows nothing of text and of what symbols mean.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from typeinfer.model.checkpoint import Checkpoint
from typeinfer.model.config import Config
from typeinfer.model.search import Composed
from typeinfer.model.terms import NO_TYPE
from typeinfer.model.units import Array, Ints, Padded, Units, as_written, pad, rank_within, runs

Floats: TypeAlias = "NDArray[np.float32]"

BUDGETS = {"cpu": 2_000, "cuda": 64_000}
"""Words of a batch, padding included, by device."""


class NoDevice(ValueError):
    """What was to compute isn't there or can't be used; the message is one line: what is missing, and what to do next."""


class ShortOfMemory(RuntimeError):
    """A device has too little memory for what it was given; the message says which, in a few words."""


@dataclass(frozen=True)
class Question:
    """A batch, and what its slots may be: `sayable`, the symbols that may be used, in rising order; `beam`: how many types of each
    slot are wanted."""

    batch: Padded
    sayable: Ints
    beam: int


class Computing(Protocol):
    """What answers questions on one device: `processor.Processor` or `gpu.Gpu`. `at_once`: how many it works on at a time.

    All of it raises `ShortOfMemory`.
    """

    at_once: int

    def close(self) -> None:
        """Hand back what is held of the device."""

    def start(self, question: Question) -> Any:
        """Begin; whoever asks goes on meanwhile."""

    def finish(self, request: Any) -> list[Composed]:
        """The types of the slots of a batch. What has begun is finished or dropped, in the same order."""

    def drop(self, request: Any) -> None:
        """Wait for what has begun, and leave it."""


Spread: TypeAlias = (
    "Callable[[Callable[[], Callable[[Question], list[Composed]]]], Callable[[Iterator[Question]], Answers]]"
)
"""As `engine.Answering`."""

Answers: TypeAlias = "Iterator[list[Composed]]"
"""For each question the types of the slots of its batch."""


class Asked(ABC):
    """A model, wherever it is. `device`: where its encoder computes; `trouble`: why that isn't where it was asked to, in one line
    for the user, if it isn't."""

    trouble: str | None = None

    def __init__(self, config: Config, device: str) -> None:
        self.config, self.device, self.budget = config, device, BUDGETS[device]
        self.asking = Lock()

    @abstractmethod
    def answers(self, questions: Iterator[Question]) -> Answers:
        """Answers to questions in their order, of which some are taken in advance."""

    def rank(
        self,
        units: Units,
        subwords: Array,
        chosen: Sequence[int] | Ints,
        beam: int = 8,
        allowed: NDArray[np.bool_] | None = None,
    ) -> list[Composed]:
        """The `beam` most probable types of every slot of the chosen units, in their order. `subwords` [l, w]: those of every
        lexeme; `allowed` [symbols]: those that can be said here, all if None."""
        chosen = np.asarray(chosen, np.int64)
        sayable = np.ones(self.config.symbols, bool) if allowed is None else allowed.copy()
        sayable[NO_TYPE] = True
        symbols = np.flatnonzero(sayable)
        _, owner = runs(units.slots_of, chosen)
        found: list[Composed | None] = [None] * len(owner)
        first = np.searchsorted(owner, np.arange(len(chosen)))
        waiting: deque[tuple[Ints, Padded]] = deque()

        def questions() -> Iterator[Question]:
            for members in batches(units, chosen, self.budget):
                batch = pad(units, chosen[members], subwords, as_written(units, chosen[members]), self.config.steps)
                waiting.append((members, batch))
                yield Question(batch, symbols, beam)

        def ask() -> None:
            waiting.clear()
            for composed in self.answers(questions()):
                members, batch = waiting.popleft()
                # Slots of a unit stand together; where they go is counted from their unit's first.
                places = first[members[batch.slot_unit]] + rank_within(batch.slot_unit)
                for place, one in zip(places.tolist(), composed, strict=True):
                    found[place] = one

        # An encoder takes so many batches at a time, whoever asks: of several projects in an editor each has a thread.
        with self.asking:
            while (short := self._short(ask)) is not None:
                self.fall_back(short)
        return [one for one in found if one is not None]

    def fall_back(self, short: str) -> None:
        """Compute less at a time, or where there is more room. Raises `ShortOfMemory` where there is none."""
        raise ShortOfMemory(short)

    @staticmethod
    def _short(ask: Callable[[], None]) -> str | None:
        """What there was too little memory of; what the error held of the device is gone by then."""
        try:
            ask()
        except ShortOfMemory as error:
            return str(error)
        return None


class Runtime(Asked):
    """A model ready to be asked, on so many threads.

    `device`: where it computes, `"cpu"` or `"cuda"`, which where its memory is short takes smaller batches, and falls back to the
    former where it is short of memory for those.
    `precision`: `"f32"`, `"bf16"`, or None for what the device multiplies fastest.

    Raises `NoDevice`.
    """

    def __init__(self, checkpoint: Checkpoint, threads: int, precision: str | None = None, device: str = "cpu") -> None:
        super().__init__(checkpoint.config, device)
        arity = np.array([symbol.arity for symbol in checkpoint.vocabulary.symbols], np.int64)
        computing_on = partial(computing, checkpoint.config, checkpoint.weights, arity, threads)
        # Who is on the processor falls back to nowhere, and need not hold the weights twice.
        self.fallback = partial(computing_on, None, "cpu") if device != "cpu" else None

        def begin() -> None:
            self.computing = computing_on(precision, device)

        if (short := self._short(begin)) is not None:
            self._on_processor(short)

    # Python before 3.12 has no mark for what overrides.
    # pyrefly: ignore [missing-override-decorator]
    def fall_back(self, short: str) -> None:
        if self.budget > 2 * BUDGETS["cpu"]:
            self.budget //= 4
            return
        if self.fallback is None:
            raise ShortOfMemory(short)
        self.computing.close()
        self._on_processor(short)

    def _on_processor(self, short: str) -> None:
        assert self.fallback is not None, "a processor is never short of memory"
        self.trouble = f"device {self.device}: {short}; computing on the processor"
        self.device, self.budget = "cpu", BUDGETS["cpu"]
        self.computing, self.fallback = self.fallback(), None

    def answers(self, questions: Iterator[Question]) -> Answers:
        """While one is taken, those after it are being worked on. Raises `ShortOfMemory`."""
        running: deque[Any] = deque()
        try:
            for question in questions:
                if len(running) == self.computing.at_once:
                    yield self.computing.finish(running.popleft())
                running.append(self.computing.start(question))
            while running:
                yield self.computing.finish(running.popleft())
        finally:
            # Whoever asks or takes may fail; what has begun by then is waited for, so that its place is free again.
            while running:
                self.computing.drop(running.popleft())

    def answer(self, question: Question) -> list[Composed]:
        """The types of the slots of one batch."""
        (found,) = self.answers(iter((question,)))
        return found


class Elsewhere(Asked):
    """A model that is held in other places, with one thread in each, and asked the same batches as one that is here."""

    def __init__(self, checkpoint: Checkpoint, device: str, spread: Spread) -> None:
        super().__init__(checkpoint.config, device)
        self.ask = spread(partial(held, checkpoint, device))

    def answers(self, questions: Iterator[Question]) -> Answers:
        return self.ask(questions)


def held(checkpoint: Checkpoint, device: str) -> Callable[[Question], list[Composed]]:
    """What a place of `Elsewhere` keeps."""
    return Runtime(checkpoint, 1, device=device).answer


def computing(
    config: Config,
    weights: Mapping[str, Floats],
    arity: NDArray[np.int64],
    threads: int,
    precision: str | None,
    device: str,
) -> Computing:
    """Whatever computes on a device; only this one is loaded. `arity` [symbols]"""
    if device == "cpu":
        from typeinfer.model.processor import Processor

        return Processor(config, weights, arity, threads, precision)
    try:
        from typeinfer.model.gpu import Gpu
    except ModuleNotFoundError:
        raise NoDevice(f"device {device}: torch is not installed; run: pip install 'typeinfer[gpu]'") from None
    return Gpu(config, weights, arity, device, precision)


def batches(units: Units, chosen: Ints, budget: int) -> Iterator[Ints]:
    """Units of like length together, as places in `chosen`: longest first, so that the last batches are small. A unit of more
    than `budget` words comes alone; one without slots not at all."""
    sizes = units.words_of[chosen + 1] - units.words_of[chosen]
    (asking,) = np.nonzero(units.slots_of[chosen + 1] > units.slots_of[chosen])
    order = asking[np.argsort(-sizes[asking], kind="stable")]
    start = 0
    while start < len(order):
        count = max(1, budget // max(1, int(sizes[order[start]])))
        yield order[start : start + count]
        start += count
