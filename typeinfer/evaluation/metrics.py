"""Metrics: the ground truth and what a tool wrote in, by slot; the figures of evaluation.md out.

Knows no tool, no file and no language: a judge says in which form an annotation is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np

from typeinfer.evaluation.judge import Form
from typeinfer.values.slots import SlotId

K = TypeVar("K", bound=Hashable)


# --- counting -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Score:
    """Counts over slots of the ground truth; no other slot is judged. The figures are shares from 0 to 1."""

    slots: int = 0
    annotated: int = 0
    exact: int = 0
    base: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(
            self.slots + other.slots,
            self.annotated + other.annotated,
            self.exact + other.exact,
            self.base + other.base,
        )

    @property
    def coverage(self) -> float:
        return self.annotated / self.slots if self.slots else 0.0

    @property
    def precision(self) -> float:
        return self.exact / self.annotated if self.annotated else 0.0

    @property
    def recall(self) -> float:
        return self.exact / self.slots if self.slots else 0.0

    @property
    def base_precision(self) -> float:
        return self.base / self.annotated if self.annotated else 0.0


def score(truth: Mapping[SlotId, str], written: Mapping[SlotId, str], forms: Mapping[str, Form]) -> Score:
    return sum(score_by(truth, written, forms, lambda slot: None).values(), Score())


def score_by(
    truth: Mapping[SlotId, str], written: Mapping[SlotId, str], forms: Mapping[str, Form], key: Callable[[SlotId], K]
) -> dict[K, Score]:
    """The scores of the slots that `key` puts together. `forms`: of every annotation in `truth`, and in `written` there."""
    scores: dict[K, Score] = {}
    for slot, expected in truth.items():
        actual = written.get(slot)
        one = Score(
            slots=1,
            annotated=int(actual is not None),
            exact=int(actual is not None and forms[actual].exact == forms[expected].exact),
            base=int(actual is not None and forms[actual].base == forms[expected].base),
        )
        group = key(slot)
        scores[group] = scores.get(group, Score()) + one
    return scores


# --- probabilities --------------------------------------------------------------------------------------------------
# n predictions, each with a probability and whether it was right


def calibration_error(probabilities: Sequence[float], correct: Sequence[bool], bins: int = 15) -> float:
    """Expected calibration error with bins of equal mass (Nguyen and O'Connor 2015): mean |confidence - accuracy|."""
    p, right = np.asarray(probabilities, float), np.asarray(correct, float)  # [n]
    if not p.size:
        return 0.0
    order = np.argsort(p, kind="stable")
    parts = [part for part in np.array_split(order, bins) if part.size]
    return float(sum(part.size * abs(p[part].mean() - right[part].mean()) for part in parts) / p.size)


def brier_score(probabilities: Sequence[float], correct: Sequence[bool]) -> float:
    """The mean squared distance of the probability from what happened (Brier 1950)."""
    p, right = np.asarray(probabilities, float), np.asarray(correct, float)  # [n]
    return float(np.mean((p - right) ** 2)) if p.size else 0.0


def risk_coverage(probabilities: Sequence[float], correct: Sequence[bool], slots: int) -> list[tuple[float, float]]:
    """Points (coverage, risk) as the threshold falls, one a distinct probability: equal ones are accepted together.

    Coverage is over `slots`, those without a prediction included (El-Yaniv and Wiener 2010).
    """
    p, right = np.asarray(probabilities, float), np.asarray(correct, float)  # [n]
    if not p.size:
        return []
    order = np.argsort(-p, kind="stable")
    taken = np.arange(1, p.size + 1)
    risks = 1 - np.cumsum(right[order]) / taken
    last_of_its_value = np.append(np.diff(p[order]) != 0, True)
    return [(float(n / slots), float(risk)) for n, risk in zip(taken, risks, strict=True) if last_of_its_value[n - 1]]


def area_under_risk(curve: Sequence[tuple[float, float]]) -> float:
    """The area under a risk-coverage curve from its first point on, by trapezoids."""
    pairs = pairwise(curve)
    return sum((right - left) * (low + high) / 2 for (left, low), (right, high) in pairs)


def coverage_at(precision: float, curve: Sequence[tuple[float, float]]) -> float:
    """The largest coverage at which the share of right predictions is still `precision`."""
    # 1 - 0.95 is a little more than 0.05 in binary: a curve that just reaches it counts.
    return max((coverage for coverage, risk in curve if risk <= 1 - precision + 1e-9), default=0.0)
