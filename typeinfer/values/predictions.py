"""Predictions: what is believed of a slot, why, and what is to be done about it. Knows nothing of how it was found."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from typeinfer.values.slots import Slot, SlotId
from typeinfer.values.typeexpr import TypeExpr


class Evidence(Struct, frozen=True, array_like=True):
    """One rule's word on one slot."""

    slot: SlotId
    type: TypeExpr
    rule: str


class Apply(Struct, frozen=True, tag=True, array_like=True):
    """Good enough to be written without being asked."""


class Suggest(Struct, frozen=True, tag=True, array_like=True):
    """Shown to a person who decides; never written by the command line."""

    reason: str


class Abstain(Struct, frozen=True, tag=True, array_like=True):
    """Not written, and why; `detail` is what is peculiar to this slot, such as what the checker said."""

    reason: str
    detail: str = ""


Verdict: TypeAlias = Apply | Suggest | Abstain


class Ranked(Struct, frozen=True, array_like=True):
    """A type and the probability, from 0 to 1, that the author would have written it."""

    type: TypeExpr
    probability: float


class Ranking(Struct, frozen=True, array_like=True):
    """What the type model says of one slot: at most eight types, complete and writable, by falling probability.

    `beyond`: the probability that the true type is none that it can put together.
    """

    ranked: tuple[Ranked, ...]
    beyond: float = 0.0


class Reason(Struct, frozen=True, array_like=True):
    """Something that moved the belief in a type, in words, and by how much: `weight` is log odds, for it if positive."""

    text: str
    weight: float


class Refusal(Struct, frozen=True, array_like=True):
    """A type that a checker took amiss, and what it said."""

    type: TypeExpr
    said: str


class Prediction(Struct, frozen=True, array_like=True):
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
