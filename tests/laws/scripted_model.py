"""A model that says what a test has it say, and a belief that follows it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from typeinfer.model.belief import Belief
from typeinfer.model.features import UNCHECKED
from typeinfer.program.project import Project
from typeinfer.values.predictions import Evidence, Ranked, Ranking
from typeinfer.values.slots import Slot, SlotId
from typeinfer.values.typeexpr import TypeExpr

Words = Mapping[str, Sequence[tuple[TypeExpr, float]]]


@dataclass
class ByName:
    """Knows types by the names of slots; `later` only once another annotation stands in the texts. `asked`: names, a set a call."""

    types: Words
    asked: list[set[str]] = field(default_factory=list)
    hears: Collection[str] = ()
    trouble: str | None = None

    def read_ahead(self, project: Project, asked: frozenset[SlotId]) -> None:
        pass

    def rank(
        self, project: Project, evidence: Mapping[SlotId, Sequence[Evidence]], wanted: Callable[[Slot], bool]
    ) -> dict[SlotId, Ranking]:
        slots = [slot for module in project.modules.values() for slot in module.slots if wanted(slot)]
        self.asked.append({slot.id.name for slot in slots})
        told = any(b": bool" in module.file.data for module in project.modules.values())
        return {
            slot.id: Ranking(tuple(Ranked(term, probability) for term, probability in self.types[slot.id.name]))
            for slot in slots
            if slot.id.name in self.types and (told or slot.id.name != "later")
        }


def either_way(weights: Mapping[str, float]) -> dict[str, float]:
    """The same whether a checker was asked or not."""
    return {**weights, **{f"{name}{UNCHECKED}": weight for name, weight in weights.items()}}


AS_IT_SAYS = Belief(
    either_way({"model at 0.96": 4.0, "model at 0.995": 6.0, "model at 0.6": 0.5, "model silent": -2.0}), (), "a test"
)
"""Believes the model where it is sure."""
