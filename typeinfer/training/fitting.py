"""Fitting: slots with their evidence and true types in; the weights of `Belief` out.

Logistic regression with an L2 penalty by Newton's method (iteratively reweighted least squares). Needs numpy only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from typeinfer.model.belief import candidates, features
from typeinfer.values.predictions import Evidence
from typeinfer.values.slots import SlotKind
from typeinfer.values.typeexpr import TypeExpr

PENALTY = 3.0
"""Strength of the L2 penalty; features seen a few times only barely move."""

RARE = 8
"""Features in fewer candidates than this are left out."""

STEPS = 30

BIASES = ("bias", "bias unchecked")


@dataclass(frozen=True)
class Example:
    """One slot of a calibration project: its evidence, and those candidates that are exactly what the author wrote."""

    kind: SlotKind
    evidence: tuple[Evidence, ...]
    true: frozenset[TypeExpr]
    checked: bool = True
    """A checker was among those who were asked."""


def fit(examples: Sequence[Example]) -> dict[str, float]:
    """Weights by feature. Deterministic: no seed, no shuffling."""
    rows = [
        (features(example.kind, term, example.evidence, example.checked), term in example.true)
        for example in examples
        for term in candidates(example.evidence)
    ]
    seen = Counter(feature for present, _ in rows for feature in present)
    names = sorted(feature for feature, count in seen.items() if count >= RARE or feature in BIASES)
    column = {name: at for at, name in enumerate(names)}
    x = np.zeros((len(rows), len(names)), dtype=np.float32)  # one row a candidate, one column a feature
    y = np.array([right for _, right in rows], dtype=np.float64)
    for at, (present, _) in enumerate(rows):
        x[at, [column[feature] for feature in present if feature in column]] = 1.0
    penalty = np.full(len(names), PENALTY)
    for name in BIASES:
        if name in column:
            penalty[column[name]] = 1e-6
    weights = np.zeros(len(names))
    for _ in range(STEPS):
        probability = 1.0 / (1.0 + np.exp(-np.clip(x @ weights, -30, 30)))
        gradient = x.T @ (probability - y) + penalty * weights
        curvature = np.maximum(probability * (1.0 - probability), 1e-6).astype(np.float32)
        hessian = (x * curvature[:, None]).T @ x + np.diag(penalty)
        step = np.linalg.solve(hessian, gradient)
        weights -= step
        if np.abs(step).max() < 1e-4:
            break
    return {name: float(weight) for name, weight in zip(names, weights, strict=True)}
