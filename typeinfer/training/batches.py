"""Batches: shards of units in; batch number i of a training run, ready for the model, out.

A batch follows from the seed and its number alone, so that a run that was cut off goes on exactly where it stood. Units are
shuffled over all shards, as many of each project as of any other where it has enough, sorted by length inside a window and cut by
a budget of words. Knows nothing of tensors.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from typeinfer.model.prefixes import along
from typeinfer.model.units import (
    ONLY_FOR_ANNOTATIONS,
    Array,
    Hiding,
    Ints,
    Padded,
    Units,
    one_after_the_other,
    pad,
    rank_within,
)
from typeinfer.training.hiding import Asides, Draw, draw, hide_everything, hide_some, hide_words, rename_some, taken

# b unit, t word, n slot, k step, r right answers: a prefix of a slot's type and the symbols that may follow, m hidden word

WEIGHTS = np.array([1.0, 0.3], np.float32)
"""What a label counts in the loss, by whose word it is: `units.PERSON`, `units.CHECKER`."""

META = "meta.json"

MOST_OF_PROJECT = 1000
"""Units of one project in a pass over the data, others in every pass: twenty of 458 projects have a third of all units."""

WINDOW = 4096
"""Units that are sorted by length together."""


@dataclass(frozen=True)
class Data:
    """What a run learns from: a folder of shards. `subwords` [l, w] of every lexeme, `arity` of every symbol, `placeholders`:
    lexemes that can stand for any other name, `asides`: roles of words that a unit is at times seen without, `shape`: what of
    `Config` follows from the data."""

    train: Units
    development: Units
    subwords: Array
    arity: Ints
    placeholders: Array
    asides: Asides
    shape: dict[str, int]

    @staticmethod
    def load(folder: Path) -> Data:
        """Raises `FileNotFoundError` for a folder without shards."""
        if not (folder / META).is_file():
            raise FileNotFoundError(f"{folder}: no shards; make them first")
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
        return Data(
            train=_gathered(folder, "train"),
            development=_gathered(folder, "development"),
            subwords=np.load(folder / "lexemes.npy"),
            arity=np.array(meta["arity"], np.int64),
            placeholders=np.array(meta["placeholders"], np.int64),
            asides=Asides(**{name: np.array(roles, np.int64) for name, roles in meta["asides"].items()}),
            shape=meta["config"],
        )


def _gathered(folder: Path, split: str) -> Units:
    """The units of all shards of a split, joined field by field so that memory holds them little more than once."""
    paths = sorted(folder.glob(f"{split}-*.npz"))
    if not paths:
        raise FileNotFoundError(f"{folder}: no {split} shards; make them first")
    merged: dict[str, Array] = {}
    for field in fields(Units):
        arrays = []
        for path in paths:
            with np.load(path) as held:
                arrays.append(held[field.name])
        merged[field.name] = one_after_the_other(field.name, arrays)
    return Units(**merged)


@dataclass(frozen=True)
class Answers:
    """What is to be learnt of a batch. Row r: `slot` [r] of the batch, `symbols` [r, k], `parent` [r] and `place` [r] as in
    `network.Prefixes`; `label` and `pointer` [r]: columns of the scores that are right, -1 for none; `weight` [r]: what it
    counts."""

    slot: Ints
    symbols: Ints
    parent: Ints
    place: Ints
    label: Ints
    pointer: Ints
    weight: NDArray[np.float32]


@dataclass(frozen=True)
class Example:
    """One batch. Of `answers` and of `hidden`, `were` (the places of hidden words and their subwords) one is empty. `asked`: how
    much it asks for, slots by the weight of their labels, or words."""

    padded: Padded
    answers: Answers
    hidden: Ints
    were: Ints
    asked: float

    @property
    def words(self) -> int:
        return int(self.padded.mask.sum())


def answers(padded: Padded, arity: Ints, most_places: int, weight: NDArray[np.float32]) -> Answers:
    """Every prefix of every type that is asked for, up to the first symbol that can't be said: there 0 is right. `weight` [n]:
    what the label of each slot counts.

    What was written before is a pointer where one says the same, else a symbol of the vocabulary.
    """
    labels, pointers = padded.labels, padded.pointers
    n, k = labels.shape
    unsaid = (labels < 0) & (pointers < 0)
    asked = np.zeros((n, k), bool)
    if k:
        asked = (labels != -2) & (np.cumsum(unsaid, axis=1) - unsaid == 0)
    symbols = len(arity)
    name = padded.scope[padded.slot_unit[:, None], np.maximum(pointers, 0)]
    fed = np.where(pointers >= 0, symbols + name, np.where(labels >= 0, labels, 0))
    taking = np.where((pointers < 0) & (labels >= 0), arity[np.maximum(labels, 0)], 0)
    parent, place = along(fed, taking)
    slot, step = np.nonzero(asked)
    return Answers(
        slot=slot,
        symbols=np.where(np.arange(k) < step[:, None], fed[slot], -1),
        parent=parent[slot, step],
        place=np.minimum(place[slot, step], most_places),
        label=np.where(unsaid[slot, step], 0, np.maximum(labels[slot, step], -1)),
        pointer=np.where(pointers[slot, step] >= 0, symbols + pointers[slot, step], -1),
        weight=weight[slot],
    )


@dataclass(frozen=True)
class _Plan:
    """One pass over the data: the units of its batches, and for every unit how much of it is hidden."""

    epoch: int
    batches: list[Ints]
    drawn: Draw


class Feed:
    """The batches of a run. `words` is the budget of one; `ranks` batches that follow each other are made of units of like
    length, one for every process of a step. `steps` symbols of a type and `places` of an argument are told apart."""

    def __init__(self, data: Data, words: int, seed: int, ranks: int, steps: int, places: int) -> None:
        self.data, self.words, self.seed, self.ranks, self.steps, self.places = data, words, seed, ranks, steps, places
        self._sizes: list[int] = []
        self._plan = _Plan(-1, [], draw(0, np.random.default_rng(seed)))

    def batch(self, number: int, ask_words: bool) -> Example:
        """`ask_words`: words of the code are hidden and asked for, no types."""
        plan, at = self._planned(number)
        chosen = plan.batches[at]
        random = np.random.default_rng((self.seed, 1, number))
        units = taken(self.data.train, chosen)
        hiding = hide_some(units, plan.drawn.of(chosen), self.data.asides, random)
        units = rename_some(units, self.data.placeholders, random)
        if not ask_words:
            return self._example(units, hiding)
        hiding = Hiding(hiding.words, hiding.bare, np.zeros(len(hiding.ask), bool))
        made = self._example(units, hiding)
        padded, hidden, were = hide_words(made.padded, random)
        return Example(padded, made.answers, hidden, were, len(were))

    def development(self, most_words: int) -> Iterator[Example]:
        """Bare units of all projects of the development split, the same whenever asked."""
        units = self.data.development
        order = np.random.default_rng(0).permutation(len(units))
        order = order[np.cumsum(np.diff(units.words_of)[order]) <= most_words]
        everything = np.ones(len(units), bool)
        lengths = seen_words(
            units, Draw(everything.astype(float), everything, ~everything, ~everything), self.data.asides
        )
        order = order[np.argsort(lengths[order], kind="stable")]
        for batch in _cut(order, lengths, self.words):
            part = taken(units, batch)
            hiding = hide_everything(part)
            if hiding.ask.any():
                yield self._example(part, hiding)

    def _example(self, units: Units, hiding: Hiding) -> Example:
        padded = pad(units, np.arange(len(units)), self.data.subwords, hiding, self.steps)
        nothing, weight = np.zeros(0, np.int64), WEIGHTS[units.slot_source[padded.asked]]
        told = answers(padded, self.data.arity, self.places, weight)
        return Example(padded, told, nothing, nothing.reshape(0, 1), float(weight.sum()))

    def _planned(self, number: int) -> tuple[_Plan, int]:
        """The pass over the data that a batch belongs to, and its number there."""
        epoch, before = 0, 0
        while True:
            if epoch == len(self._sizes):
                self._plan = self._drawn(epoch)
                self._sizes.append(len(self._plan.batches))
            if number < before + self._sizes[epoch]:
                break
            before += self._sizes[epoch]
            epoch += 1
        if self._plan.epoch != epoch:
            self._plan = self._drawn(epoch)
        return self._plan, number - before

    def _drawn(self, epoch: int) -> _Plan:
        random = np.random.default_rng((self.seed, 0, epoch))
        units = self.data.train
        drawn = draw(len(units), random)
        lengths = seen_words(units, drawn, self.data.asides)
        order = random.permutation(len(units))
        order = order[first_of_each(units.project[order], MOST_OF_PROJECT)]
        groups: list[list[Ints]] = []
        for start in range(0, len(order), WINDOW):
            window = order[start : start + WINDOW]
            window = window[np.argsort(lengths[window], kind="stable")]
            batches = list(_cut(window, lengths, self.words))
            groups += [batches[at : at + self.ranks] for at in range(0, len(batches), self.ranks)]
        # A step needs a batch for every process; what is left over in a window comes in another pass.
        whole = [group for group in groups if len(group) == self.ranks] or [groups[0] * self.ranks]
        return _Plan(epoch, [batch for at in random.permutation(len(whole)) for batch in whole[at]], drawn)


def first_of_each(group: Array, most: int) -> NDArray[np.bool_]:
    """Which rows are among the first so many of their group."""
    by_group = np.argsort(group, kind="stable")
    kept = np.zeros(len(group), bool)
    kept[by_group] = rank_within(group[by_group]) < most
    return kept


def seen_words(units: Units, drawn: Draw, asides: Asides) -> NDArray[np.float64]:
    """[u]: the words of every unit that will probably be seen."""
    shown = ~drawn.without(units, asides)

    def of_unit(words: Array) -> NDArray[np.int64]:
        return np.diff(np.concatenate(([0], np.cumsum(words)))[units.words_of])

    hidden = drawn.rate * of_unit((units.told >= 0) & shown)
    hidden += drawn.bare * of_unit((units.told == ONLY_FOR_ANNOTATIONS) & shown)
    seen: NDArray[np.float64] = of_unit(shown) - hidden
    return seen


def _cut(order: Ints, lengths: NDArray[np.float64], words: int) -> Iterator[Ints]:
    """Runs of units that are no more than `words` once padded to the longest, or one unit. `order` is by length."""
    start, sorted_lengths = 0, lengths[order]
    while start < len(order):
        ahead = sorted_lengths[start : start + words]
        fits = int(np.searchsorted(ahead * np.arange(1, len(ahead) + 1), words, side="right"))
        stop = start + max(1, fits)
        yield order[start:stop]
        start = stop
