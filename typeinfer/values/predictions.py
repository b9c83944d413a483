"""Predictions: what is believed of a slot, why, and what is to be done about it. Knows nothing of how it was found."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, overload

from msgspec import Struct, msgpack

from typeinfer.values.slots import Slot, SlotId
from typeinfer.values.typeexpr import TypeExpr


class Evidence(Struct, frozen=True, array_like=True, gc=False):
    """One rule's word on one slot."""

    slot: SlotId
    type: TypeExpr
    rule: str


class Apply(Struct, frozen=True, tag=True, array_like=True, gc=False):
    """Good enough to be written without being asked."""


class Suggest(Struct, frozen=True, tag=True, array_like=True, gc=False):
    """Shown to a person who decides; never written by the command line."""

    reason: str


class Abstain(Struct, frozen=True, tag=True, array_like=True, gc=False):
    """Not written, and why; `detail` is what is peculiar to this slot, such as what the checker said."""

    reason: str
    detail: str = ""


Verdict: TypeAlias = Apply | Suggest | Abstain


class Ranked(Struct, frozen=True, array_like=True, gc=False):
    """A type and the probability, from 0 to 1, that the author would have written it."""

    type: TypeExpr
    probability: float


class Ranking(Struct, frozen=True, array_like=True, gc=False):
    """What the type model says of one slot: at most eight types, complete and writable, by falling probability.

    `beyond`: the probability that the true type is none that it can put together.
    """

    ranked: tuple[Ranked, ...]
    beyond: float = 0.0


class Reason(Struct, frozen=True, array_like=True, gc=False):
    """Something that moved the belief in a type, in words, and by how much: `weight` is log odds, for it if positive."""

    text: str
    weight: float


class Refusal(Struct, frozen=True, array_like=True, gc=False):
    """A type that a checker took amiss, and what it said."""

    type: TypeExpr
    said: str


class Prediction(Struct, frozen=True, array_like=True, gc=False):
    """All that is believed of one slot: types by falling probability, the evidence, and the verdict on the first.

    `ranking`: the model's word, where it was asked. `moved`: what moved the belief in the first type most. `refused`: types
    that were believed more and that the checker took amiss; they are no longer among `ranked`.
    """

    slot: Slot
    ranked: tuple[Ranked, ...]
    because: tuple[Evidence, ...]
    verdict: Verdict
    ranking: Ranking | None = None
    moved: tuple[Reason, ...] = ()
    refused: tuple[Refusal, ...] = ()

    @property
    def best(self) -> Ranked | None:
        return self.ranked[0] if self.ranked else None


@dataclass(frozen=True)
class PutAway(Sequence[Prediction]):
    """The predictions of one file, as bytes until somebody looks: what is believed of a large project would fill the memory.

    Every look unpacks all of them, some 10 microseconds each.
    """

    told: bytes
    size: int

    @staticmethod
    def of(predictions: Sequence[Prediction]) -> PutAway:
        """Raises `RecursionError`, `OverflowError` and `msgspec.MsgspecError` where a type is nested too deep."""
        if isinstance(predictions, PutAway):
            return predictions
        return PutAway(zlib.compress(msgpack.encode(predictions), 1), len(predictions))

    def __len__(self) -> int:
        return self.size

    # Python before 3.12 has no mark for what overrides.
    # pyrefly: ignore [missing-override-decorator]
    def __iter__(self) -> Iterator[Prediction]:
        return iter(msgpack.decode(zlib.decompress(self.told), type=tuple[Prediction, ...]))

    @overload
    def __getitem__(self, index: int) -> Prediction: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Prediction]: ...
    def __getitem__(self, index: int | slice) -> Prediction | Sequence[Prediction]:
        return tuple(self)[index]
