"""Hiding: units in; what of them is not to be seen in one round of training, and which of their slots are asked for, out.

A unit is seen with all, some or none of its annotations, so that the model can do with a bare program as well as with a half
annotated one; the annotation of a slot that is asked for is never seen. Knows nothing of tensors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from typeinfer.model.units import ONLY_FOR_ANNOTATIONS, PERSON, Array, Hiding, Ints, Padded, Units, runs

# u unit, t word, s slot, a annotation

ALL_HIDDEN = 0.7
"""How often a unit is seen without any annotation: most code has none, and then every slot is asked for."""
BARE = 0.8
"""How often the imports that only annotations need are then gone as well."""
ALONE = 0.5
"""How often a unit is seen without what stands around it, so that one model reads both ways, at less cost."""
UNHEARD = 0.2
"""How often a unit is seen without what rules and checker say: a checker may be missing, and rules may have nothing to say."""
RENAMED = 0.1
"""How often names of slots are replaced."""
WORD_HIDDEN = 0.15
"""Share of the distinct words of a unit that are hidden where words are asked for."""
COMMON = 8
"""A word that stands in a unit more often than this is a sign, not a name: it is not asked for."""
HIDDEN_WORD = 1
"""The subword that stands for a hidden word."""


def hide_everything(units: Units) -> Hiding:
    """What development is judged on: no annotation, no import that only annotations need; asked for is what people wrote."""
    words = (units.told >= 0) | (units.told == ONLY_FOR_ANNOTATIONS)
    return Hiding(words, np.ones(len(units), bool), units.slot_source == PERSON)


@dataclass(frozen=True)
class Asides:
    """The roles of words that a unit is at times seen without: those `around` it, and what is `said` of its slots."""

    around: Array
    said: Array


@dataclass(frozen=True)
class Draw:
    """How some units are seen, each [u]: the rate at which annotations are hidden; whether gone are imports that only annotations
    need (`bare`), what stands around the unit (`alone`), and what is said of it (`unheard`)."""

    rate: NDArray[np.float64]
    bare: NDArray[np.bool_]
    alone: NDArray[np.bool_]
    unheard: NDArray[np.bool_]

    def of(self, chosen: Ints) -> Draw:
        return Draw(self.rate[chosen], self.bare[chosen], self.alone[chosen], self.unheard[chosen])

    def without(self, units: Units, asides: Asides) -> NDArray[np.bool_]:
        """[t]: the words of these units that are gone with all others of their role."""
        sizes = np.diff(units.words_of)
        gone: NDArray[np.bool_] = np.isin(units.role, asides.around) & np.repeat(self.alone, sizes)
        return gone | (np.isin(units.role, asides.said) & np.repeat(self.unheard, sizes))


def draw(count: int, random: Generator) -> Draw:
    """For so many units: a rate of 1 for most of them, else one drawn from 0 to 1."""
    everything = random.random(count) < ALL_HIDDEN
    bare = everything & (random.random(count) < BARE)
    rate = np.where(everything, 1.0, random.random(count))
    return Draw(rate, bare, random.random(count) < ALONE, random.random(count) < UNHEARD)


def hide_some(units: Units, drawn: Draw, asides: Asides, random: Generator) -> Hiding:
    """Each annotation hidden at the rate of its unit; asked for are the labels that can't be seen. Where that leaves none, the
    unit is seen without any annotation."""
    u = len(units)
    unit_of_word = np.repeat(np.arange(u), np.diff(units.words_of))
    unit_of_slot = np.repeat(np.arange(u), np.diff(units.slots_of))
    slots = np.diff(units.slots_of)

    annotations = slots.astype(np.int64)
    np.maximum.at(annotations, unit_of_word, units.told.astype(np.int64) + 1)
    first = np.concatenate(([0], np.cumsum(annotations)))
    annotation = np.where(units.told >= 0, first[unit_of_word] + units.told, -1)  # [t]
    own = first[unit_of_slot] + np.arange(len(unit_of_slot)) - units.slots_of[unit_of_slot]  # [s]
    hidden = random.random(first[-1]) < np.repeat(drawn.rate, annotations)  # [a]
    written = np.zeros(first[-1], bool)
    written[annotation[annotation >= 0]] = True

    # A label that doesn't stand in the unit can't be given away by what does.
    labelled = units.slot_source >= 0
    ask = labelled & (hidden[own] | ~written[own])
    unasked = np.bincount(unit_of_slot[ask], minlength=u) == 0
    hidden |= np.repeat(unasked, annotations)
    ask = labelled & (hidden[own] | ~written[own])
    words = ((annotation >= 0) & hidden[annotation]) | ((units.told == ONLY_FOR_ANNOTATIONS) & drawn.bare[unit_of_word])
    return Hiding(words | drawn.without(units, asides), drawn.bare, ask)


def rename_some(units: Units, placeholders: Array, random: Generator) -> Units:
    """The same units, in some of which half of the names of slots are other ones, everywhere in the unit."""
    u = len(units)
    unit_of_slot = np.repeat(np.arange(u), np.diff(units.slots_of))
    chosen = (random.random(u) < RENAMED)[unit_of_slot] & (random.random(len(unit_of_slot)) < 0.5)
    if not chosen.any() or not len(placeholders):
        return units
    name, of_unit = _names_of_slots(units, unit_of_slot)
    keys = np.unique(_key(of_unit[chosen], name[chosen]))
    keys = keys[keys >= 0]
    others = placeholders[random.integers(len(placeholders), size=len(keys))].astype(np.int32)

    def renamed(lexeme: Array, offsets: Array) -> Array:
        key = _key(np.repeat(np.arange(u), np.diff(offsets)), lexeme)
        at = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
        return np.where(keys[at] == key, others[at], lexeme)

    return replace(units, word=renamed(units.word, units.words_of), name=renamed(units.name, units.names_of))


def _names_of_slots(units: Units, unit_of_slot: Ints) -> tuple[Ints, Ints]:
    """The lexeme at the definition of every slot, -1 for a slot without a place, and the slot's unit."""
    unit_of_place = np.repeat(np.arange(len(units)), np.diff(units.places_of))
    slot = units.slots_of[unit_of_place] + units.place[0]
    word = units.words_of[unit_of_place] + units.place[1]
    name = np.full(len(unit_of_slot), -1, np.int64)
    name[slot[::-1]] = units.word[word[::-1]]  # of several places of a slot the first one stays
    return name, unit_of_slot


def _key(unit: Ints, lexeme: Array) -> Ints:
    return np.where(lexeme >= 0, unit * (1 << 32) + lexeme, -1)


def hide_words(padded: Padded, random: Generator, most: float = 0.1) -> tuple[Padded, Ints, Ints]:
    """The same batch with some of its distinct words hidden wherever they stand; the places, [m] into b * t, of at most
    `most` of its words, and the subwords [m, w] that stood there."""
    (b, t), unseen = padded.words.shape, len(padded.lexemes)
    key = np.arange(b)[:, None] * unseen + padded.words
    distinct, which, count = np.unique(key[padded.mask], return_inverse=True, return_counts=True)
    chosen = (random.random(len(distinct)) < WORD_HIDDEN) & (count <= COMMON)
    (place,) = np.nonzero(padded.mask.reshape(-1))
    place = place[chosen[which]]
    words = padded.words.reshape(-1).copy()
    was = words[place]
    words[place] = unseen
    hidden = np.zeros((1, padded.lexemes.shape[1]), np.int64)
    hidden[0, 0] = HIDDEN_WORD
    lexemes = np.concatenate((padded.lexemes, hidden))
    asked = random.permutation(len(place))[: max(1, int(most * b * t))]
    made = replace(padded, words=words.reshape(b, t), lexemes=lexemes)
    return made, place[asked], padded.lexemes[was[asked]]


def taken(units: Units, chosen: Ints) -> Units:
    """Only the chosen units, in that order."""

    def run(offsets: Array) -> tuple[Ints, Ints]:
        at, _ = runs(offsets, chosen)
        return at, np.concatenate(([0], np.cumsum(offsets[chosen + 1] - offsets[chosen]))).astype(np.int64)

    (word, words_of), (edge, edges_of) = run(units.words_of), run(units.edges_of)
    (slot, slots_of), (place, places_of) = run(units.slots_of), run(units.places_of)
    (name, names_of), (member, members_of) = run(units.names_of), run(units.members_of)
    mention, mentions_of = run(units.mentions_of)
    symbol, _ = runs(units.symbols_of, slot)
    symbols_of = np.concatenate(([0], np.cumsum(units.symbols_of[slot + 1] - units.symbols_of[slot]))).astype(np.int64)
    return Units(
        language=units.language[chosen],
        project=units.project[chosen],
        words_of=words_of,
        word=units.word[word],
        role=units.role[word],
        told=units.told[word],
        edges_of=edges_of,
        edge=units.edge[:, edge],
        slots_of=slots_of,
        slot_kind=units.slot_kind[slot],
        slot_source=units.slot_source[slot],
        places_of=places_of,
        place=units.place[:, place],
        names_of=names_of,
        name=units.name[name],
        name_kind=units.name_kind[name],
        name_bare=units.name_bare[name],
        members_of=members_of,
        member=units.member[:, member],
        mentions_of=mentions_of,
        mention=units.mention[:, mention],
        symbols_of=symbols_of,
        symbol=units.symbol[symbol],
        pointer=units.pointer[symbol],
    )
