"""Features: what is said of one slot and one type that may be its own in; what a belief weighs, by name with a value, out.

Every name reads as what it stands for, since `--explain` prints it. Knows no weights, no projects and no language.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import combinations

from typeinfer.values.predictions import Evidence, Ranking
from typeinfer.values.slots import Place
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

UNCHECKED = " unchecked"

BIASES = ("bias", f"bias{UNCHECKED}", "bias model", f"bias model{UNCHECKED}")
"""Of each slot has one: whether a checker was asked, and whether the model was."""

KNOTS = (0.002, 0.02, 0.1, 0.3, 0.6, 0.85, 0.96, 0.995)
"""Probabilities by the model between which its worth is interpolated, on the scale of log odds."""

TRACE = 0.005
"""A type that the model gives less than this, and that no rule names, is not thought of."""

WIDEST_MARGIN = 6.0
"""Log odds; a model that is surer than this of one type over another is as sure as can be."""


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


def candidates(evidence: Iterable[Evidence], ranking: Ranking | None = None) -> list[TypeExpr]:
    """The types that some rule names or the model thinks of, each once, in the order of the rules and then of the model."""
    words = () if ranking is None else ranking.ranked
    return list(dict.fromkeys([*(said.type for said in evidence), *(w.type for w in words if w.probability >= TRACE)]))


def features(
    place: Place, term: TypeExpr, evidence: Sequence[Evidence], checked: bool, ranking: Ranking | None = None
) -> dict[str, float]:
    """What a belief sees of one candidate: who is for it, in which shape, who is against it, and what the model says.

    `checked`: a checker was asked too, so that its silence says something. Where none was, every feature is one of its own:
    what is believed then is fitted apart.
    """
    found = {f"bias{'' if ranking is None else ' model'}", f"kind {place.value}", f"shape {shape(term)}"}
    for said in evidence:
        if said.type == term:
            found |= {f"for {said.rule}", f"for {said.rule} {shape(term)}", f"for {said.rule} {place.value}"}
        else:
            found.add(f"against {said.rule}")
            found.add(f"against {said.rule} {shape(said.type)}")
    supporters = sorted({said.rule for said in evidence if said.type == term})
    found |= {f"both {one}, {other}" for one, other in combinations(supporters, 2)}
    present = dict.fromkeys(sorted(found), 1.0)
    if ranking is not None:
        present |= sorted(_of_the_model(place, term, evidence, supporters, ranking).items())
    return present if checked else {f"{name}{UNCHECKED}": value for name, value in present.items()}


def _of_the_model(
    place: Place, term: TypeExpr, evidence: Sequence[Evidence], supporters: Sequence[str], ranking: Ranking
) -> dict[str, float]:
    given = {word.type: word.probability for word in ranking.ranked}
    first = ranking.ranked[0].type if ranking.ranked else None
    found = {"model beyond": ranking.beyond, "model unsaid": max(0.0, 1.0 - ranking.beyond - sum(given.values()))}
    if term in given:
        others = max((probability for other, probability in given.items() if other != term), default=0.0)
        margin = math.log(max(given[term], 1e-9) / max(others, 1e-9))
        found["model margin"] = max(-WIDEST_MARGIN, min(WIDEST_MARGIN, margin)) / WIDEST_MARGIN
        for knot, part in hats(given[term]):
            found[f"model at {knot}"] = part
            found[f"model at {knot} {place.value}"] = part
            found[f"model at {knot} {shape(term)}"] = part
    else:
        found |= {"model silent": 1.0, f"model silent {place.value}": 1.0, f"model silent {shape(term)}": 1.0}
    if not supporters:
        found |= {"model alone": 1.0, f"model alone {place.value}": 1.0}
    if term == first:
        found |= {"model first": 1.0, f"model first {place.value}": 1.0}
        found |= {f"model first with {rule}": 1.0 for rule in supporters}
        found |= {f"model first against {said.rule}": 1.0 for said in evidence if said.type != term}
    else:
        found |= {f"model elsewhere, {rule}": 1.0 for rule in supporters}
    return found


def hats(probability: float) -> list[tuple[float, float]]:
    """The knots on either side of a probability, each with its share, which sum to one: linear interpolation of log odds."""
    if probability <= KNOTS[0]:
        return [(KNOTS[0], 1.0)]
    if probability >= KNOTS[-1]:
        return [(KNOTS[-1], 1.0)]
    right = bisect_right(KNOTS, probability)
    low, high = KNOTS[right - 1], KNOTS[right]
    share = (_odds(probability) - _odds(low)) / (_odds(high) - _odds(low))
    return [(low, 1.0 - share), (high, share)]


def _odds(probability: float) -> float:
    return math.log(probability / (1.0 - probability))


# --- in words ---------------------------------------------------------------------------------------------------------


def in_words(feature: str) -> str | None:
    """What a feature is about, for a reader: features about one thing have the same words. None for what is no reason."""
    head, _, rest = feature.removesuffix(UNCHECKED).partition(" ")
    match head:
        case "for" | "against":
            return f"{rest.partition(' ')[0]} {'says so' if head == 'for' else 'says otherwise'}"
        case "both":
            return f"{' and '.join(rest.split(', '))} agree"
        case "model" if rest.startswith("first with "):
            return f"the model and {rest.removeprefix('first with ')} agree"
        case "model" if rest.startswith("first against "):
            return f"the model and {rest.removeprefix('first against ')} disagree"
        case "model" if rest.startswith("elsewhere, "):
            return f"the model would rather something else than {rest.removeprefix('elsewhere, ')}"
        case "model" if rest.startswith("alone"):
            return "no rule says so"
        case "model" if rest.startswith("silent"):
            return "the model doesn't think of it"
        case "model":
            return "the model's probability"
    return None
