"""Belief: the evidence on one slot and the model's word in; ranked types, each with the probability that the author wrote it, out.

Without a model: a logistic model of each type by itself, of which rules speak for it and which against. With one: a choice
among all types that somebody names, and none of them, since they exclude each other. Both are fitted on projects that no
figure is reported on (`typeinfer evaluate --fit`). Knows nothing of projects and of no language: a rule is a name.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from typeinfer.model.features import candidates, features, in_words, shape
from typeinfer.values.predictions import Evidence, Ranked, Ranking, Reason
from typeinfer.values.slots import Place
from typeinfer.values.typeexpr import TypeExpr, bare

ERRORS = (0.01, 0.02, 0.05, 0.1, 0.2)
"""The shares of wrong annotations that a promise may be asked for."""

SECONDED = 0.1
"""A type that the model gives at least this probability has the model's word, beside that of rules."""

MOST_REASONS = 3


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
    """The features of rules that are right often enough, for a place and a shape of type, to decide alone."""
    bound: float = 0.7
    promises: Mapping[float, float] = field(default_factory=dict)
    """The bound that keeps a share of errors, for those of `ERRORS` that can be promised: `training/promises.py`."""

    def decides(
        self, place: Place, term: TypeExpr, evidence: Iterable[Evidence], ranking: Ranking | None = None
    ) -> bool:
        """Whether the support for a type may decide at all: two rules that agree, one that stands by itself, or the model,
        whose probability is part of the belief."""
        if ranking is not None and any(word.type == term and word.probability >= SECONDED for word in ranking.ranked):
            return True
        supporters = {said.rule for said in evidence if said.type == term}
        return len(supporters) > 1 or any(decider(rule, place, term) in self.deciders for rule in supporters)

    def rank(
        self, place: Place, evidence: Sequence[Evidence], checked: bool = True, ranking: Ranking | None = None
    ) -> tuple[Ranked, ...]:
        """The types that anybody speaks for, by falling probability; together they weigh one at most.

        `checked`: a checker was asked too, so that its silence says something. `ranking`: None where no model was asked.
        """
        scores = {
            term: self.score(features(place, term, evidence, checked, ranking))
            for term in candidates(evidence, ranking)
        }
        probabilities = (
            {term: _logistic(score) for term, score in scores.items()} if ranking is None else _softmax(scores)
        )
        scored = sorted(probabilities.items(), key=lambda pair: (-pair[1], repr(pair[0])))
        total = max(1.0, sum(probability for _, probability in scored))
        return tuple(Ranked(term, probability / total) for term, probability in scored)

    def score(self, present: Mapping[str, float]) -> float:
        """Log odds of a type by itself or, with a model, against none of all that were named."""
        return sum(self.weights.get(feature, 0.0) * value for feature, value in present.items())

    def reasons(
        self,
        place: Place,
        term: TypeExpr,
        evidence: Sequence[Evidence],
        checked: bool = True,
        ranking: Ranking | None = None,
    ) -> tuple[Reason, ...]:
        """What moved the belief in a type most, the strongest first. What is about one thing counts together."""
        moved: defaultdict[str, float] = defaultdict(float)
        for feature, value in features(place, term, evidence, checked, ranking).items():
            if (text := in_words(feature)) is not None:
                moved[text] += self.weights.get(feature, 0.0) * value
        strongest = sorted(moved.items(), key=lambda pair: (-abs(pair[1]), pair[0]))[:MOST_REASONS]
        return tuple(Reason(text, weight) for text, weight in strongest if abs(weight) >= 0.05)

    def hollow(
        self,
        place: Place,
        ranked: Sequence[Ranked],
        evidence: Sequence[Evidence],
        ranking: Ranking | None,
        writable: Callable[[TypeExpr], bool],
    ) -> Ranked | None:
        """The most probable type less its arguments (`dict` for `dict[str, X]`), with what all ranked types weigh together
        that would be it. None where that type may not be written, or nothing that speaks for it may decide."""
        whole: defaultdict[TypeExpr, list[Ranked]] = defaultdict(list)
        for candidate in ranked:
            whole[bare(candidate.type)].append(candidate)
        weighed = [
            (sum(candidate.probability for candidate in group), repr(term), term)
            for term, group in whole.items()
            if any(candidate.type != term for candidate in group)
        ]
        if not weighed:
            return None
        probability, _, term = min(weighed, key=lambda one: (-one[0], one[1]))
        decides = any(self.decides(place, candidate.type, evidence, ranking) for candidate in whole[term])
        return Ranked(term, probability) if decides and writable(term) else None

    def promised(self, error: float) -> float | None:
        """The bound at which at most this share of what is written is wrong, as far as one is known."""
        kept = [bound for promised, bound in self.promises.items() if promised <= error + 1e-9]
        return min(kept, default=None)


def decider(rule: str, place: Place, term: TypeExpr) -> str:
    """What a rule is measured by when it speaks alone: it may be sure of `bool` and not of `int`."""
    return f"{rule}, {place.value}, {shape(term)}"


def _logistic(score: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, score))))


def _softmax(scores: Mapping[TypeExpr, float]) -> dict[TypeExpr, float]:
    """The share of each against all others and against none of them, whose score is 0."""
    top = max([0.0, *scores.values()])
    shares = {term: math.exp(score - top) for term, score in scores.items()}
    total = math.fsum([math.exp(-top), *shares.values()])  # exact, so that the order of the types doesn't matter
    return {term: share / total for term, share in shares.items()}


# --- files ------------------------------------------------------------------------------------------------------------


def load_belief(path: Path) -> Belief:
    """The belief stored at `path`. Raises `ValueError` with one line for a file that is no belief."""
    try:
        return from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: is no calibration of rules ({error}); reinstall typeinfer") from None


def store_belief(path: Path, belief: Belief) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(as_json(belief), indent=1) + "\n", encoding="utf-8")


def from_json(content: Mapping[str, Any]) -> Belief:
    """Raises one of several errors for what is no belief."""
    return Belief(
        {str(key): float(value) for key, value in content["weights"].items()},
        tuple(Standing(rule, support, precision) for rule, support, precision in content["rules"]),
        content["source"],
        frozenset(content["deciders"]),
        float(content["bound"]),
        {float(error): float(bound) for error, bound in content.get("promises", [])},
    )


def as_json(belief: Belief) -> dict[str, Any]:
    return {
        "source": belief.source,
        "bound": belief.bound,
        "promises": [[error, bound] for error, bound in sorted(belief.promises.items())],
        "rules": [[standing.rule, standing.support, round(standing.precision, 4)] for standing in belief.standings],
        "deciders": sorted(belief.deciders),
        "weights": {key: round(value, 4) for key, value in sorted(belief.weights.items())},
    }
