"""Type head: words in their surroundings in; slots and names as vectors, and log probabilities of a type's next symbol, out.

The same arithmetic as `network.TypeModel` after its encoder, in numpy and float32. Knows nothing of how types are searched for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from typeinfer.model.config import Config
from typeinfer.model.units import Ints, Padded

Floats: TypeAlias = "NDArray[np.float32]"

# b unit, n slot, c name, s name in scope, k prefix, v symbol, d width


@dataclass(frozen=True)
class Asked:
    """What types of one batch are made for and of. `unit` [n]; `offered` [b, s, d]: the names in scope, with `bias` [b, s],
    -inf where there is none."""

    slots: Floats
    unit: Ints
    offered: Floats
    bias: Floats


class TypeHead:
    def __init__(self, config: Config, weights: Mapping[str, Floats], arity: NDArray[np.int64]) -> None:
        self.config = config
        self.weights = weights
        self.symbol = weights["symbol.weight"]
        self.width = math.sqrt(config.width)
        # What a constructor does to its arguments, worked out once: only what takes arguments can be a parent.
        self.of_parent = np.zeros((config.symbols + 1, config.width), np.float32)
        (parents,) = np.nonzero(arity)
        self.of_parent[parents] = self.symbol[parents] @ weights["parent.weight"].T * self.width

    def asked(self, batch: Padded, lexemes: Floats, hidden: Floats) -> Asked:
        """`lexemes` [l, d]; `hidden` [b * t, d]"""
        names = self._names(batch, lexemes, hidden)
        there = batch.scope >= 0
        bias = np.full(batch.scope.shape, -np.inf, np.float32)
        bias[there] = self.weights["name_bias.weight"][batch.name_kind[batch.scope[there]], 0]
        offered = np.zeros((*batch.scope.shape, self.config.width), np.float32)
        offered[there] = names[batch.scope[there]]
        return Asked(self._slots(batch, hidden), batch.slot_unit, offered, bias)

    def _slots(self, batch: Padded, hidden: Floats) -> Floats:
        """[n, d]"""
        around = mean_by(hidden[batch.places[1]], batch.places[0], len(batch.slot_kind))
        known = self.weights["slot_kind.weight"][batch.slot_kind]
        return self._linear(hidden[batch.defined], "at_definition") + self._linear(around, "at_places") + known

    def _names(self, batch: Padded, lexemes: Floats, hidden: Floats) -> Floats:
        """[c, d]"""
        c = len(batch.names)
        mixed = self._linear(lexemes[batch.names], "of_name")
        mixed += self._linear(mean_by(lexemes[batch.members[1]], batch.members[0], c), "of_members")
        mixed += self._linear(mean_by(hidden[batch.mentions[1]], batch.mentions[0], c), "of_mentions")
        return self._norm(mixed + self.weights["name_kind.weight"][batch.name_kind], "name_norm") / self.width

    def term(self, asked: Asked, unit: Ints, symbols: Ints) -> Floats:
        """[k, d]: what symbols are in a prefix. `symbols` [k] of units `unit` [k], names as `config.symbols` + place in scope."""
        found = self.symbol[np.minimum(symbols, self.config.symbols - 1)]
        (pointing,) = np.nonzero(symbols >= self.config.symbols)
        found[pointing] = asked.offered[unit[pointing], symbols[pointing] - self.config.symbols]
        return found

    def scores(
        self, asked: Asked, slot: Ints, before: Floats, parent: Ints, place: Ints, sayable: NDArray[np.int64]
    ) -> Floats:
        """Log probabilities [k, sayable + s] of what comes next: of the symbols `sayable`, then of the names in scope.

        `slot` [k], in rising order of their units; `before` [k, d]: the terms before, each times its row of `step`, summed.
        They add up to one over what is sayable and in scope.
        """
        weights = self.weights
        state = asked.slots[slot] + before * np.float32(self.width)
        state += self.of_parent[parent] + weights["place.weight"][np.minimum(place, self.config.arity)]
        state = self._norm(state, "state_norm")
        wide = gelu(self._linear(state, "widen") + weights["widen.bias"])
        state = self._norm(state + self._linear(wide, "narrow"), "score_norm") + weights["score_norm.bias"]
        scores = np.empty((len(slot), len(sayable) + asked.bias.shape[1]), np.float32)
        np.matmul(state, self.symbol[sayable].T, out=scores[:, : len(sayable)])
        scores[:, : len(sayable)] += weights["symbol_bias"][sayable]
        # Prefixes of a unit see its names, and no other's: one small product a unit.
        unit = asked.unit[slot]
        starts = np.flatnonzero(np.diff(unit, prepend=-1))
        for start, end in zip(starts, [*starts[1:], len(unit)], strict=True):
            of_unit = unit[start]
            scores[start:end, len(sayable) :] = state[start:end] @ asked.offered[of_unit].T + asked.bias[of_unit]
        scores -= scores.max(axis=1, keepdims=True)
        scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return scores

    def _linear(self, x: Floats, name: str) -> Floats:
        product: Floats = x @ self.weights[f"{name}.weight"].T
        return product

    def _norm(self, x: Floats, name: str) -> Floats:
        x = x - x.mean(axis=1, keepdims=True)
        spread = np.einsum("k d, k d -> k", x, x)[:, None] / np.float32(x.shape[1])
        scaled: Floats = x / np.sqrt(spread + np.float32(1e-5)) * self.weights[f"{name}.weight"]
        return scaled


def gelu(x: Floats) -> Floats:
    """Its approximation by a hyperbolic tangent (Hendrycks & Gimpel 2016)."""
    inner = np.float32(math.sqrt(2 / math.pi)) * (x + np.float32(0.044715) * x * x * x)
    found: Floats = np.float32(0.5) * x * (1 + np.tanh(inner))
    return found


def mean_by(values: Floats, group: Ints, groups: int) -> Floats:
    """The mean of the rows of each group, zero for an empty one."""
    order = np.argsort(group, kind="stable")
    present, starts, count = np.unique(group[order], return_index=True, return_counts=True)
    mean = np.zeros((groups, values.shape[1]), np.float32)
    if len(present):
        mean[present] = np.add.reduceat(values[order], starts, axis=0) / count[:, None].astype(np.float32)
    return mean
