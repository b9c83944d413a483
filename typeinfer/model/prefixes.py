"""Prefixes: types that are being written, symbol by symbol, in; for each the constructor whose argument comes next, and which, out.

One rule for training, where whole types are known, and for the search, where they grow. Knows nothing of what symbols mean
but how many arguments they take, and nothing of tensors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# k prefix, i depth of the stack

ROOT = -1
"""The parent of a type's first symbol. Its place is 0, that of arguments counts from 1."""


@dataclass(frozen=True)
class Open:
    """The constructors of k prefixes that still want arguments, as stacks: `parents` [k, i], `places` [k, i] of the argument
    that comes next, `wanted` [k, i] arguments from there on; `depth` [k]: entries, 0 once a type is complete."""

    parents: NDArray[np.int64]
    places: NDArray[np.int64]
    wanted: NDArray[np.int64]
    depth: NDArray[np.int64]

    @staticmethod
    def start(count: int, steps: int) -> Open:
        """Prefixes without a symbol, of types that have `steps` of them at most."""
        parents, places, wanted = np.full((3, count, steps + 1), 0, np.int64)
        parents[:, 0], wanted[:, 0] = ROOT, 1
        return Open(parents, places, wanted, np.ones(count, np.int64))

    def parent(self) -> NDArray[np.int64]:
        """[k]: the constructor whose argument comes next, `ROOT` for the first symbol or where a type is complete."""
        return np.where(self.depth > 0, self._top(self.parents), ROOT)

    def place(self) -> NDArray[np.int64]:
        """[k]"""
        return np.where(self.depth > 0, self._top(self.places), 0)

    def missing(self) -> NDArray[np.int64]:
        """[k]: symbols that have to come at least; 0 for a complete type."""
        return np.where(np.arange(self.wanted.shape[1]) < self.depth[:, None], self.wanted, 0).sum(axis=1)

    def of(self, chosen: NDArray[np.int64]) -> Open:
        return Open(self.parents[chosen], self.places[chosen], self.wanted[chosen], self.depth[chosen])

    def after(self, symbols: NDArray[np.int64], arity: NDArray[np.int64]) -> Open:
        """With one more symbol each. `arity` [k] of `symbols` [k]; a complete type stays as it is."""
        parents, places, wanted = self.parents.copy(), self.places.copy(), self.wanted.copy()
        (going,) = np.nonzero(self.depth)
        top = self.depth[going] - 1
        places[going, top] += 1
        wanted[going, top] -= 1
        # A constructor that has its last argument makes room at once: the stack is as deep as the type is nested, no deeper.
        depth = self.depth.copy()
        depth[going] -= wanted[going, top] == 0
        (opening,) = np.nonzero((self.depth > 0) & (arity > 0))
        top = depth[opening]
        parents[opening, top], places[opening, top], wanted[opening, top] = symbols[opening], 1, arity[opening]
        depth[opening] += 1
        return Open(parents, places, wanted, depth)

    def _top(self, stack: NDArray[np.int64]) -> NDArray[np.int64]:
        top: NDArray[np.int64] = np.take_along_axis(stack, np.maximum(self.depth - 1, 0)[:, None], axis=1)[:, 0]
        return top


def along(symbols: NDArray[np.int64], arity: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Parent and place [n, k] before every symbol of whole types. `symbols` [n, k], of arity `arity` [n, k] each."""
    now = Open.start(*symbols.shape)
    parents, places = np.empty_like(symbols), np.empty_like(symbols)
    for step in range(symbols.shape[1]):
        parents[:, step], places[:, step] = now.parent(), now.place()
        now = now.after(symbols[:, step], arity[:, step])
    return parents, places
