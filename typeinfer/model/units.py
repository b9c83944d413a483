"""Units as arrays: many units, what their words are and what joins them, in; one padded batch for the encoder out.

One form serves training, where annotations stand in the words and are taken out at random, and inference, where all that is
still written stays. Knows nothing of text (words are numbers of lexemes) and nothing of tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = "NDArray[Any]"
Ints: TypeAlias = "NDArray[np.int64]"

# u unit, t word, e edge, s slot, p place, c name, m member, q mention, y symbol of a label

PERSON, CHECKER = 0, 1
"""In `slot_source`: whose word a label is."""

ONLY_FOR_ANNOTATIONS = -2
"""In `told`: part of an import that nothing but annotations needs."""


@dataclass(frozen=True)
class Units:
    """Flat arrays; the run of unit i in `word` is `words_of[i] : words_of[i + 1]`, and so for all others.

    Numbers of words, slots and names count from 0 within their unit.
    """

    language: Array
    """int8 [u]"""
    project: Array
    """int32 [u]"""

    words_of: Array
    word: Array
    """int32 [t]: its lexeme"""
    role: Array
    """int8 [t]: what the piece that it stands in is to the unit"""
    told: Array
    """int16 [t]: which annotation it is part of: i for that of the unit's slot i, from the number of slots on those of
    other slots, -1 for none, or `ONLY_FOR_ANNOTATIONS`"""

    edges_of: Array
    edge: Array
    """int16 [3, e]: relation, source word, target word"""

    slots_of: Array
    slot_kind: Array
    """int8 [s]"""
    slot_source: Array
    """int8 [s]: whose word its label is: `PERSON` or `CHECKER`, -1 without a label"""

    places_of: Array
    place: Array
    """int16 [2, p]: slot, word where it occurs; the first of a slot is its definition, and every slot has one"""

    names_of: Array
    name: Array
    """int32 [c]: its lexeme"""
    name_kind: Array
    """int8 [c]"""
    name_bare: Array
    """int8 [c]: its kind where imports that only annotations need are gone; -1: then it isn't in scope"""

    members_of: Array
    member: Array
    """int32 [2, m]: name, lexeme"""

    mentions_of: Array
    mention: Array
    """int16 [2, q]: name, word"""

    symbols_of: Array
    """int64 [s + 1]: runs by slot, over all units"""
    symbol: Array
    """int16 [y]: a type in prefix order; -1 where the vocabulary doesn't have it"""
    pointer: Array
    """int16 [y]: the name in scope that says the same, or -1"""

    def __len__(self) -> int:
        return len(self.language)

    def save(self, path: Path) -> None:
        np.savez_compressed(path, **{field.name: getattr(self, field.name) for field in fields(self)})

    @staticmethod
    def load(path: Path) -> Units:
        with np.load(path) as held:
            return Units(**{field.name: held[field.name] for field in fields(Units)})


def one_after_the_other(name: str, parts: Sequence[Array]) -> Array:
    """The field `name` of several units as one array; runs count on from where those before them end."""
    if not name.endswith("_of"):
        return np.concatenate(parts, axis=-1)
    ends = np.cumsum([0, *(part[-1] for part in parts)])
    counted = (part[1:].astype(np.int64) + end for part, end in zip(parts, ends, strict=False))
    return np.concatenate([np.zeros(1, np.int64), *counted])


@dataclass(frozen=True)
class Padded:
    """What `network.Batch` holds, as numpy arrays, with what the batch asks for.

    `asked` [n]: the slots of the batch, numbered over `Units`; `labels` and `pointers` [n, k] their types in prefix order,
    -1 for what can't be said that way and -2 behind the end; `pointers` count within `scope`.
    """

    lexemes: Ints
    words: Ints
    mask: NDArray[np.bool_]
    roles: Ints
    language: Ints
    edges: Ints
    slot_kind: Ints
    slot_unit: Ints
    places: Ints
    defined: Ints
    names: Ints
    name_kind: Ints
    members: Ints
    mentions: Ints
    scope: Ints
    asked: Ints
    labels: Ints
    pointers: Ints


@dataclass(frozen=True)
class Hiding:
    """What of the chosen units is not to be seen. `words` [t of the chosen, in order]; `bare`, by chosen unit; `ask` [s of
    the chosen]: the slots whose types are asked for."""

    words: NDArray[np.bool_]
    bare: NDArray[np.bool_]
    ask: NDArray[np.bool_]


def rank_within(group: Array) -> Ints:
    """How many of the same group stand before each row, where those of a group stand together in rising order."""
    return np.arange(len(group)) - np.searchsorted(group, group)


def runs(offsets: Array, chosen: Ints) -> tuple[Ints, Ints]:
    """The numbers inside the runs of the chosen, one run after the other, and for each the place of its run in `chosen`."""
    starts, sizes = offsets[chosen], offsets[chosen + 1] - offsets[chosen]
    owner = np.repeat(np.arange(len(chosen)), sizes)
    first = np.cumsum(sizes) - sizes
    return np.arange(len(owner)) - np.repeat(first, sizes) + np.repeat(starts, sizes), owner


def pad(units: Units, chosen: Sequence[int] | Ints, subwords: Array, hiding: Hiding, steps: int) -> Padded:
    """One batch. `subwords` [l, w]: those of every lexeme. A unit's words are renumbered around what is hidden."""
    chosen = np.asarray(chosen, np.int64)
    b = len(chosen)
    at, unit = runs(units.words_of, chosen)
    kept = ~hiding.words
    sizes = np.bincount(unit[kept], minlength=b)
    t = max(1, int(sizes.max(initial=1)))
    # The place in b * t of every word that is kept.
    first_kept = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    rank = np.cumsum(kept) - 1
    position = np.where(kept, rank - first_kept[unit] + unit * t, -1)
    first_word = np.concatenate(([0], np.cumsum(np.bincount(unit, minlength=b))[:-1]))

    def place(owner: Ints, word: Array) -> Ints:
        return position[first_word[owner] + word]

    shown_at, shown_position = at[kept], position[kept]
    name_at, name_unit = runs(units.names_of, chosen)
    kind = np.where(hiding.bare[name_unit], units.name_bare[name_at], units.name_kind[name_at]).astype(np.int64)
    named = kind >= 0
    name_number = np.cumsum(named) - 1
    first_name = np.concatenate(([0], np.cumsum(np.bincount(name_unit, minlength=b))[:-1]))
    in_scope = np.bincount(name_unit[named], minlength=b)
    first_named = np.concatenate(([0], np.cumsum(in_scope)[:-1]))
    scope = np.full((b, max(1, int(in_scope.max(initial=1)))), -1, np.int64)
    order = name_number - first_named[name_unit]
    scope[name_unit[named], order[named]] = name_number[named]

    member_at, member_unit = runs(units.members_of, chosen)
    member_name = first_name[member_unit] + units.member[0][member_at]
    member_kept = named[member_name] if len(member_name) else np.zeros(0, bool)
    mention_at, mention_unit = runs(units.mentions_of, chosen)
    mention_name = first_name[mention_unit] + units.mention[0][mention_at]
    mention_word = place(mention_unit, units.mention[1][mention_at])
    mention_kept = (mention_word >= 0) & (named[mention_name] if len(mention_name) else True)

    used, local = np.unique(
        np.concatenate((units.word[shown_at], units.name[name_at[named]], units.member[1][member_at[member_kept]])),
        return_inverse=True,
    )
    words = np.zeros(b * t, np.int64)
    words[shown_position] = local[: len(shown_at)]
    roles = np.zeros(b * t, np.int64)
    roles[shown_position] = units.role[shown_at]
    mask = np.zeros(b * t, bool)
    mask[shown_position] = True

    edge_at, edge_unit = runs(units.edges_of, chosen)
    edge = units.edge[:, edge_at]
    edges = np.stack((edge[0].astype(np.int64), place(edge_unit, edge[1]), place(edge_unit, edge[2])))
    edges = edges[:, (edges[1] >= 0) & (edges[2] >= 0)]

    slot_at, slot_unit = runs(units.slots_of, chosen)
    first_slot = np.concatenate(([0], np.cumsum(np.bincount(slot_unit, minlength=b))[:-1]))
    slot_number = np.where(hiding.ask, np.cumsum(hiding.ask) - 1, -1)
    asked = slot_at[hiding.ask]
    place_at, place_unit = runs(units.places_of, chosen)
    place_slot = slot_number[first_slot[place_unit] + units.place[0][place_at]]
    place_word = place(place_unit, units.place[1][place_at])
    there = (place_slot >= 0) & (place_word >= 0)
    places = np.stack((place_slot[there], place_word[there]))
    defined = np.zeros(len(asked), np.int64)
    defined[places[0][::-1]] = places[1][::-1]  # of several places of a slot the first one stays

    labels = np.full((len(asked), steps), -2, np.int64)
    pointers = np.full((len(asked), steps), -2, np.int64)
    if len(units.symbols_of) > 1:
        symbol_at, symbol_slot = runs(units.symbols_of, asked)
        first_symbol = units.symbols_of[asked]
        step = symbol_at - first_symbol[symbol_slot]
        short = step < steps
        labels[symbol_slot[short], step[short]] = units.symbol[symbol_at[short]]
        pointer = units.pointer[symbol_at].astype(np.int64)
        owner = slot_unit[hiding.ask][symbol_slot]
        pointed = first_name[owner] + np.maximum(pointer, 0)
        if len(named):
            pointer = np.where(
                (pointer >= 0) & named[np.minimum(pointed, len(named) - 1)],
                order[np.minimum(pointed, len(named) - 1)],
                -1,
            )
        pointers[symbol_slot[short], step[short]] = pointer[short]

    return Padded(
        lexemes=subwords[used].astype(np.int64),
        words=words.reshape(b, t),
        mask=mask.reshape(b, t),
        roles=roles.reshape(b, t),
        language=units.language[chosen].astype(np.int64),
        edges=edges,
        slot_kind=units.slot_kind[asked].astype(np.int64),
        slot_unit=slot_unit[hiding.ask],
        places=places,
        defined=defined,
        names=local[len(shown_at) : len(shown_at) + int(named.sum())],
        name_kind=kind[named],
        members=np.stack((name_number[member_name[member_kept]], local[len(shown_at) + int(named.sum()) :])),
        mentions=np.stack((name_number[mention_name[mention_kept]], mention_word[mention_kept])),
        scope=scope,
        asked=asked,
        labels=labels,
        pointers=pointers,
    )


def as_written(units: Units, chosen: Sequence[int] | Ints) -> Hiding:
    """For inference: nothing is hidden and every slot is asked for."""
    chosen = np.asarray(chosen, np.int64)
    words = int((units.words_of[chosen + 1] - units.words_of[chosen]).sum())
    slots = int((units.slots_of[chosen + 1] - units.slots_of[chosen]).sum())
    return Hiding(np.zeros(words, bool), np.zeros(len(chosen), bool), np.ones(slots, bool))
