"""Belief: the evidence on one slot in; ranked types, each with the probability that the author would have written it, out.

A logistic model over which rules speak for a type and which speak against it, fitted on projects that no figure is
reported on (`typeinfer evaluate --rules --fit`). Knows nothing of projects and of no language: a rule is a name.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from typeinfer.values.predictions import Evidence, Ranked
from typeinfer.values.slots import SlotKind
from typeinfer.values.typeexpr import (
    CallableType,
    Literal,
    Named,
    Record,
    Tuple,
    TypeExpr,
    Union,
    Unknown,
    without_none,
)


def shape(term: TypeExpr) -> str:
    """What a type looks like, coarsely: rules are right about `bool` more often than about unions."""
    match term:
        case Named(name, ()):
            return "class" if "." in name else name
        case Named(name, _):
            return f"{'class' if '.' in name else name}[]"
        case Union():
            rest = without_none(term)
            optional = len(rest.members) < len(term.members) if isinstance(rest, Union) else True
            return f"{'optional ' if optional else ''}{'union' if isinstance(rest, Union) else shape(rest)}"
        case Tuple():
            return "tuple[]"
        case CallableType():
            return "callable"
        case Literal() | Record() | Unknown():
            return "other"


@dataclass(frozen=True)
class Standing:
    """What one rule is worth by itself, measured: how often it spoke, and the share of exact answers."""

    rule: str
    support: int
    precision: float


@dataclass(frozen=True)
class Belief:
    """The fitted weights, by feature, and the standing of each rule. `source` says on what and when they were fitted.

    `bound`: what is at least this probable is written, unless asked otherwise. What is written is right far more often than
    its least sure member: docs/log.md has the curves that the bounds were read off, on the calibration projects.
    """

    weights: Mapping[str, float]
    standings: tuple[Standing, ...]
    source: str
    deciders: frozenset[str] = frozenset()
    """The features of rules that are right often enough, for a kind of slot and a shape of type, to decide alone."""
    bound: float = 0.7

    def decides(self, kind: SlotKind, term: TypeExpr, evidence: Iterable[Evidence]) -> bool:
        """Whether the support for a type may decide at all: two rules that agree, or one that stands by itself."""
        supporters = {said.rule for said in evidence if said.type == term}
        return len(supporters) > 1 or any(decider(rule, kind, term) in self.deciders for rule in supporters)

    def rank(self, kind: SlotKind, evidence: Sequence[Evidence], checked: bool = True) -> tuple[Ranked, ...]:
        """The types that evidence speaks for, by falling probability; together they weigh one at most.

        `checked`: a checker was asked too, so that its silence says something.
        """
        scored = [(term, self.probability(features(kind, term, evidence, checked))) for term in candidates(evidence)]
        scored.sort(key=lambda pair: (-pair[1], repr(pair[0])))
        total = max(1.0, sum(probability for _, probability in scored))
        return tuple(Ranked(term, probability / total) for term, probability in scored)

    def probability(self, present: Iterable[str]) -> float:
        score = sum(self.weights.get(feature, 0.0) for feature in present)
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, score))))


def decider(rule: str, kind: SlotKind, term: TypeExpr) -> str:
    """What a rule is measured by when it speaks alone: it may be sure of `bool` and not of `int`."""
    return f"{rule}, {kind.value}, {shape(term)}"


def candidates(evidence: Iterable[Evidence]) -> list[TypeExpr]:
    """The types that some rule names, each once, in the order of the rules."""
    return list(dict.fromkeys(said.type for said in evidence))


def features(kind: SlotKind, term: TypeExpr, evidence: Iterable[Evidence], checked: bool) -> list[str]:
    """What the model sees of one candidate: who is for it, in which shape, and who is against it."""
    found = {"bias" if checked else "bias unchecked", f"kind {kind.value}", f"shape {shape(term)}"}
    for said in evidence:
        if said.type == term:
            found |= {f"for {said.rule}", f"for {said.rule} {shape(term)}", f"for {said.rule} {kind.value}"}
        else:
            found.add(f"against {said.rule}")
            found.add(f"against {said.rule} {shape(said.type)}")
    supporters = sorted({said.rule for said in evidence if said.type == term})
    if not checked:
        found |= {f"for {rule} unchecked" for rule in supporters}
    found |= {f"both {one}, {other}" for one, other in combinations(supporters, 2)}
    return sorted(found)


def load_belief(path: Path) -> Belief:
    """The belief stored at `path`. Raises `ValueError` with one line for a file that is no belief."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        standings = tuple(Standing(rule, support, precision) for rule, support, precision in content["rules"])
        weights = {str(key): float(value) for key, value in content["weights"].items()}
        return Belief(weights, standings, content["source"], frozenset(content["deciders"]), float(content["bound"]))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: is no calibration of rules ({error}); reinstall typeinfer") from None


def store_belief(path: Path, belief: Belief) -> None:
    content = {
        "source": belief.source,
        "bound": belief.bound,
        "rules": [[standing.rule, standing.support, round(standing.precision, 4)] for standing in belief.standings],
        "deciders": sorted(belief.deciders),
        "weights": {key: round(value, 4) for key, value in sorted(belief.weights.items())},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
