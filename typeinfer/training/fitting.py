"""Fitting: slots with their evidence and true types in; the weights of `Belief` out.

Rules alone: logistic regression of each type by itself with an L2 penalty, by Newton's method (iteratively reweighted least
squares). With a model: the choice between all types of a slot and none of them (conditional logit, McFadden 1973), with the
same penalty, by L-BFGS. Needs numpy only.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from typeinfer.model.features import BIASES, candidates, features
from typeinfer.values.predictions import Evidence, Ranking
from typeinfer.values.slots import Place
from typeinfer.values.typeexpr import TypeExpr

PENALTY = 3.0
"""Strength of the L2 penalty; features seen a few times only barely move."""

CHOICE_PENALTY = 10.0
"""The same with a model, whose features are many: both languages' left-out projects are foretold better by it than by 3, and
TypeScript's worse by 20 (docs/log.md)."""

RARE = 8
"""Features in fewer candidates than this are left out."""

STEPS = 30

MOST_ITERATIONS = 400
REMEMBERED = 12
"""Steps that L-BFGS looks back on."""

Floats = NDArray[np.float64]

Heard = Mapping[str, Sequence["Example"]]
"""Examples by the project that they are from."""

# n candidates of all slots, s slots, f features, e entries: the features of all candidates, one behind the other


@dataclass(frozen=True)
class Example:
    """One slot of a calibration project: its evidence, and those candidates that are exactly what the author wrote."""

    place: Place
    evidence: tuple[Evidence, ...]
    true: frozenset[TypeExpr]
    checked: bool = True
    """A checker was among those who were asked."""
    ranking: Ranking | None = None
    """The model's word, where a model was asked."""
    bare: frozenset[TypeExpr] = frozenset()
    """Candidates less their arguments that may be written as they are."""
    truly_bare: frozenset[TypeExpr] = frozenset()
    """Those of them that are what the author wrote but for its arguments."""


def fit(examples: Sequence[Example]) -> dict[str, float]:
    """Weights by feature, for beliefs without a model. Deterministic: no seed, no shuffling."""
    rows = [
        (features(example.place, term, example.evidence, example.checked), term in example.true)
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


def fit_each(heard: Heard, folds: Sequence[Collection[str]] = ()) -> list[dict[str, float]]:
    """Weights fitted on all projects and, behind them, for each fold those fitted on the projects that are not in it."""
    return [
        fit([example for name, said in heard.items() if name not in fold for example in said]) for fold in ((), *folds)
    ]


# --- with a model -----------------------------------------------------------------------------------------------------


def fit_choice(heard: Heard, folds: Sequence[Collection[str]] = ()) -> list[dict[str, float]]:
    """As `fit_each`, for beliefs with a model."""
    named = [(name, example) for name, said in heard.items() for example in said if is_choice(example)]
    if not named:
        return [{} for _ in (0, *folds)]
    names, choice = _choice([example for _, example in named])
    penalty = np.array([1e-6 if name in BIASES else CHOICE_PENALTY for name in names])

    def fitted(choice: Choice, start: Floats) -> Floats:
        def loss(weights: Floats) -> tuple[float, Floats]:
            value, gradient = choice.loss(weights)
            return value + 0.5 * float(penalty @ weights**2), gradient + penalty * weights

        return minimum(loss, start)

    of_all = fitted(choice, np.zeros(len(names)))
    found = [of_all]
    for fold in folds:
        others = np.array([name not in fold for name, _ in named])
        # The fit without a fifth is near that with it.
        found.append(fitted(choice.of(others), of_all) if others.any() else np.zeros(len(names)))
    return [{name: float(weight) for name, weight in zip(names, weights, strict=True)} for weights in found]


def is_choice(example: Example) -> bool:
    """Whether there is anything to choose from, and a model had a say."""
    return example.ranking is not None and bool(candidates(example.evidence, example.ranking))


@dataclass(frozen=True)
class Choice:
    """The candidates of all slots as sparse rows: `column` and `value` [e], with where the row of each candidate begins in
    them, `row` [n]; where the candidates of each slot begin, `slot` [s]; and which are right, `right` [n]."""

    column: NDArray[np.int32]
    value: NDArray[np.float32]
    row: NDArray[np.int64]
    slot: NDArray[np.int64]
    right: NDArray[np.bool_]
    features: int

    def of(self, chosen: NDArray[np.bool_]) -> Choice:
        """Some of the slots, `chosen` [s]."""
        sizes, entries = self.sizes, self.entries
        rows = np.repeat(chosen, sizes)  # [n]
        kept = np.repeat(rows, entries)  # [e]
        return Choice(
            self.column[kept],
            self.value[kept],
            np.cumsum(entries[rows]) - entries[rows],
            np.cumsum(sizes[chosen]) - sizes[chosen],
            self.right[rows],
            self.features,
        )

    @property
    def sizes(self) -> NDArray[np.int64]:
        """[s]: how many candidates each slot has."""
        return np.diff(np.append(self.slot, len(self.right)))

    @property
    def entries(self) -> NDArray[np.int64]:
        """[n]: how many features each candidate has."""
        return np.diff(np.append(self.row, len(self.column)))

    def loss(self, weights: Floats) -> tuple[float, Floats]:
        """How improbable it is that each slot's choice falls on a right type, or on none where none is; and the gradient."""
        sizes = self.sizes
        narrow = weights.astype(np.float32)
        score = np.add.reduceat(narrow[self.column] * self.value, self.row).astype(np.float64)  # [n]
        top = np.maximum(np.maximum.reduceat(score, self.slot), 0.0)  # [s]
        share = np.exp(score - np.repeat(top, sizes))  # [n]
        total = np.add.reduceat(share, self.slot) + np.exp(-top)  # [s]
        right = np.add.reduceat(share * self.right, self.slot)  # [s]
        wanted = np.maximum(np.where(self.answered, right, np.exp(-top)), 1e-300)  # [s]
        target = np.where(self.right, share / np.repeat(wanted, sizes), 0.0)  # [n]
        pull = (share / np.repeat(total, sizes) - target).astype(np.float32)  # [n]
        pulls = np.repeat(pull, self.entries) * self.value  # [e]
        gradient = np.bincount(self.column, weights=pulls, minlength=self.features).astype(np.float64)
        return float(np.sum(np.log(total) - np.log(wanted))), gradient

    @property
    def answered(self) -> NDArray[np.bool_]:
        """[s]: some candidate is right."""
        return np.logical_or.reduceat(self.right, self.slot)


def _choice(examples: Sequence[Example]) -> tuple[list[str], Choice]:
    """The features that are frequent enough, in the order of their columns, and the examples by them."""
    number: dict[str, int] = {}
    columns: list[NDArray[np.int32]] = []
    values: list[NDArray[np.float32]] = []
    slots: list[int] = []
    right: list[bool] = []
    for example in examples:
        slots.append(len(right))
        for term in candidates(example.evidence, example.ranking):
            present = features(example.place, term, example.evidence, example.checked, example.ranking)
            columns.append(np.array([number.setdefault(name, len(number)) for name in present], np.int32))
            values.append(np.fromiter(present.values(), np.float32, len(present)))
            right.append(term in example.true)
    seen = np.bincount(np.concatenate(columns), minlength=len(number))
    names = sorted(name for name, at in number.items() if seen[at] >= RARE or name in BIASES)
    renumbered = np.full(len(number), -1, np.int32)
    renumbered[[number[name] for name in names]] = np.arange(len(names), dtype=np.int32)
    row = np.concatenate([[0], np.cumsum([len(column) for column in columns])[:-1]])
    column, value = renumbered[np.concatenate(columns)], np.concatenate(values)
    # A rare feature is kept as an entry that weighs nothing, so that no row is ever empty.
    value[column < 0] = 0.0
    choice = Choice(np.maximum(column, 0), value, row, np.array(slots), np.array(right, bool), len(names))
    return names, choice


def minimum(loss: Callable[[Floats], tuple[float, Floats]], start: Floats) -> Floats:
    """Where a smooth function that gives its gradient too is least (Nocedal and Wright 2006, algorithm 7.5), with steps
    halved until they gain enough."""
    at, (value, gradient) = start, loss(start)
    steps: deque[tuple[Floats, Floats, float]] = deque(maxlen=REMEMBERED)
    for _ in range(MOST_ITERATIONS):
        direction = -_newton(gradient, steps)
        slope = float(direction @ gradient)
        size = 1.0 if steps else 1.0 / max(1.0, float(np.abs(gradient).max()))
        while True:
            there = at + size * direction
            new_value, new_gradient = loss(there)
            if new_value <= value + 1e-4 * size * slope or size < 1e-10:
                break
            size *= 0.5
        moved, turned = there - at, new_gradient - gradient
        gained = value - new_value
        if (curvature := float(moved @ turned)) > 1e-10:
            steps.append((moved, turned, 1.0 / curvature))
        if gained < 0:
            break
        at, value, gradient = there, new_value, new_gradient
        if gained <= 1e-6 * max(1.0, abs(value)):
            break
    return at


def _newton(gradient: Floats, steps: Sequence[tuple[Floats, Floats, float]]) -> Floats:
    """The gradient times the inverse of the curvature, as far as the last steps tell of it."""
    direction = gradient.copy()
    pulls = []
    for moved, turned, scale in reversed(steps):
        pulls.append(scale * float(moved @ direction))
        direction -= pulls[-1] * turned
    if steps:
        moved, turned, scale = steps[-1]
        direction /= scale * float(turned @ turned)
    for (moved, turned, scale), pull in zip(steps, reversed(pulls), strict=True):
        direction += (pull - scale * float(turned @ direction)) * moved
    return direction
