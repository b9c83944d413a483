"""Search: what a type head scores in; for every slot the most probable types, composed symbol by symbol, out.

A beam over prefixes, all slots and all prefixes at once. Knows nothing of what symbols mean but how many arguments they take.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from typeinfer.model.prefixes import Open
from typeinfer.model.terms import NO_TYPE
from typeinfer.model.typehead import Asked, Floats, TypeHead
from typeinfer.model.units import Ints, rank_within

# n slot, k prefix, v symbol that is sayable, s name in scope, i step


@dataclass(frozen=True)
class Composed:
    """The types of one slot by falling probability, each as its symbols in prefix order (`config.symbols` + its place in
    scope for a name) with its log probability.

    Those are exact: over all types, what is too long to be written down included, they and `beyond` add up to one. `beyond` is
    the probability that the type can't be composed, as far as it was met on the way: a little too low, never too high.
    """

    types: tuple[tuple[tuple[int, ...], float], ...]
    beyond: float


@dataclass(frozen=True)
class Beams:
    """Some prefixes, those of one slot together. `slot` [k]; `score` [k], log probability; `symbols` [k, i], -1 behind the end."""

    slot: Ints
    score: NDArray[np.float64]
    symbols: Ints

    def of(self, chosen: Ints) -> Beams:
        return Beams(self.slot[chosen], self.score[chosen], self.symbols[chosen])

    def and_those(self, others: Beams) -> Beams:
        return Beams(*(np.concatenate(pair) for pair in zip(vars(self).values(), vars(others).values(), strict=True)))


def compose(
    head: TypeHead, asked: Asked, arity: NDArray[np.int64], sayable: NDArray[np.int64], beam: int
) -> list[Composed]:
    """The `beam` most probable types of each slot. `arity` [symbols]; `sayable`: the symbols that may be used, in rising order
    and `NO_TYPE` first; what is left out is as if the head had never heard of it.

    At every step the `beam` best unfinished prefixes of a slot go on, and none that is already less probable than `beam`
    finished types: what it could still become would be so too.
    """
    n, steps = len(asked.slots), head.config.steps
    names = head.config.symbols + np.arange(asked.bias.shape[1])
    numbers = np.concatenate((sayable, names))
    wants = np.concatenate((arity[sayable], np.zeros(len(names), np.int64)))
    finished = Beams(np.zeros(0, np.int64), np.zeros(0), np.zeros((0, steps), np.int64))
    going = Beams(np.arange(n), np.zeros(n), np.full((n, steps), -1, np.int64))
    stacks, before = Open.start(n, steps), np.zeros((n, head.config.width), np.float32)
    beyond = np.zeros(n)
    for step in range(steps):
        if not len(going.slot):
            break
        scores = head.scores(asked, going.slot, before, stacks.parent(), stacks.place(), sayable)
        assert sayable[0] == NO_TYPE
        np.add.at(beyond, going.slot, np.exp(going.score + scores[:, 0]))
        scores[:, 0] = -np.inf
        # What wants more arguments than there is room for would never end.
        missing = stacks.missing()
        room = steps - step - missing
        for short in np.unique(room[room < wants.max(initial=0)]):
            scores[np.ix_(room == short, wants > short)] = -np.inf
        ending = np.flatnonzero(missing == 1)
        if len(ending):
            row, column, score = best_columns(scores[ending][:, wants == 0], beam)
            ended = extended(going, ending[row], numbers[wants == 0][column], score, step)
            finished = finished.and_those(ended)
            finished = finished.of(best_of_each(finished, beam))
            # As what follows: those that end here are no prefixes of anything.
            scores[np.ix_(ending, wants == 0)] = -np.inf
        row, column, score = best_columns(scores, beam)
        new = extended(going, row, numbers[column], score, step)
        alive = best_of_each(new, beam)
        alive = alive[new.score[alive] > least(finished, n, beam)[new.slot[alive]]]
        row, column, going = row[alive], column[alive], new.of(alive)
        stacks = stacks.of(row).after(numbers[column], wants[column])
        said = head.term(asked, asked.unit[going.slot], numbers[column]) * head.weights["step"][step]
        before = before[row] + said
    return _by_slot(finished, beyond)


def best_columns(scores: Floats, most: int) -> tuple[Ints, Ints, Floats]:
    """The `most` best entries of each row that are possible at all: row, column, score."""
    if scores.shape[1] > most:
        columns = np.argpartition(scores, scores.shape[1] - most, axis=1)[:, -most:]
    else:
        columns = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    found = np.take_along_axis(scores, columns, axis=1)
    row, rank = np.nonzero(found > -np.inf)
    return row, columns[row, rank], found[row, rank]


def extended(beams: Beams, row: Ints, symbol: Ints, score: Floats, step: int) -> Beams:
    symbols = beams.symbols[row]
    symbols[:, step] = symbol
    return Beams(beams.slot[row], beams.score[row] + score, symbols)


def best_of_each(beams: Beams, most: int) -> Ints:
    """The numbers of the `most` best of each slot, by slot and then by falling score."""
    order = np.lexsort((-beams.score, beams.slot))
    return order[rank_within(beams.slot[order]) < most]


def least(beams: Beams, slots: int, most: int) -> NDArray[np.float64]:
    """[n]: the score of the last of `most`, -inf where there are fewer. `beams` as `best_of_each` leaves them."""
    bound = np.full(slots, -np.inf)
    ends = np.cumsum(np.bincount(beams.slot, minlength=slots))
    (full,) = np.nonzero(np.diff(ends, prepend=0) == most)
    bound[full] = beams.score[ends[full] - 1]
    return bound


def _by_slot(finished: Beams, beyond: NDArray[np.float64]) -> list[Composed]:
    lengths = (finished.symbols >= 0).sum(axis=1).tolist()
    rows = zip(finished.symbols.tolist(), lengths, finished.score.tolist(), strict=True)
    types = [(tuple(symbols[:length]), score) for symbols, length, score in rows]
    ends = np.cumsum(np.bincount(finished.slot, minlength=len(beyond))).tolist()
    return [
        Composed(tuple(types[start:end]), lost)
        for start, end, lost in zip([0, *ends[:-1]], ends, beyond.tolist(), strict=True)
    ]
