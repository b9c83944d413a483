"""Promises: what would be written on projects whose types are known in; the least bound that keeps a share of errors, out.

A promise for an error E is a bound such that, with 90 % confidence, at most E of what is written is wrong in at least four of
five projects. It is a statement about projects, drawn as those of the calibration set were: slots of one project go wrong
together, so however many slots there are, a project counts once. The confidence is over the draw of the calibration
projects, and exact for however many there are: nothing is assumed but that they were drawn independently.

How it is proven: at one bound a project either keeps E or doesn't. Of n projects, the number that doesn't is binomial, so
Clopper and Pearson (1934) bound the share of all projects that doesn't. `BOUNDS` are tried from the strictest on, each a
hypothesis of its own, until the first that fails; in an order fixed beforehand no correction for trying many is needed
(Angelopoulos and others, Learn then Test, 2021). The probabilities must be by a belief that was not fitted on the project.

What is written is right if it is exactly the author's type; a type whose arguments were left out for want of
confidence, if it is the author's but for arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb

from typeinfer.model.belief import ERRORS

CONFIDENCE = 0.9
KEPT = 0.8
"""The share of projects that keep what is promised."""

BOUNDS = tuple(round(0.01 * percent, 2) for percent in range(99, 29, -1))
"""Tried in this order. Stricter ones than the first would leave so little that one error tells nothing."""


@dataclass(frozen=True)
class Shot:
    """What would become of one slot: the probability of its best type and whether it is right; and the same of that type
    without arguments, where such a type may be written and the whole is not sure enough."""

    probability: float
    right: bool
    hollow_probability: float = 0.0
    hollow_right: bool = False


def promises(projects: Mapping[str, Sequence[Shot]]) -> dict[float, float]:
    """The bounds of those errors that can be promised. A larger error never has a stricter bound."""
    found: dict[float, float] = {}
    for error in ERRORS:
        for bound in BOUNDS:
            failed = sum(error_at(bound, shots) > error for shots in projects.values())
            if most_that_fail(failed, len(projects)) > 1 - KEPT:
                break
            found[error] = bound
    return found


def error_at(bound: float, shots: Sequence[Shot]) -> float:
    """The share of errors among what would be written of one project; nothing written is no error."""
    written = [
        shot.right if shot.probability >= bound else shot.hollow_right
        for shot in shots
        if shot.probability >= bound or shot.hollow_probability >= bound
    ]
    return 1 - sum(written) / len(written) if written else 0.0


def most_that_fail(failed: int, projects: int) -> float:
    """The upper end of the one-sided interval of Clopper and Pearson: the share of failures at which so few among so many
    projects would be seen with a probability of only 1 - `CONFIDENCE`."""
    if failed >= projects:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        share = (low + high) / 2
        seen = sum(
            comb(projects, count) * share**count * (1 - share) ** (projects - count) for count in range(failed + 1)
        )
        low, high = (share, high) if seen > 1 - CONFIDENCE else (low, share)
    return high
