"""Predictions: what is believed of a slot, why, and what is to be done about it. Knows nothing of how it was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from typeinfer.values.slots import Slot, SlotId
from typeinfer.values.typeexpr import TypeExpr


@dataclass(frozen=True, slots=True)
class Evidence:
    """One rule's word on one slot."""

    slot: SlotId
    type: TypeExpr
    rule: str


@dataclass(frozen=True, slots=True)
class Apply:
    """Good enough to be written without being asked."""


@dataclass(frozen=True, slots=True)
class Suggest:
    """Shown to a person who decides; never written by the command line."""

    reason: str


@dataclass(frozen=True, slots=True)
class Abstain:
    """Not written, and why."""

    reason: str


Verdict: TypeAlias = "Apply | Suggest | Abstain"


@dataclass(frozen=True, slots=True)
class Ranked:
    """A type and the probability, from 0 to 1, that the author would have written it."""

    type: TypeExpr
    probability: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """All that is believed of one slot: types by falling probability, the evidence, and the verdict on the first."""

    slot: Slot
    ranked: tuple[Ranked, ...]
    because: tuple[Evidence, ...]
    verdict: Verdict

    @property
    def best(self) -> Ranked | None:
        return self.ranked[0] if self.ranked else None
