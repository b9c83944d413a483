"""Units of random words, edges, slots and names: of any size, with or without each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from typeinfer.model.config import Config
from typeinfer.model.units import Array, Units

LEXEMES = 40


@dataclass(frozen=True)
class Size:
    words: int
    slots: int = 1
    edges: int = 0
    names: int = 0


def random_units(config: Config, sizes: Sequence[Size], seed: int = 0) -> tuple[Units, Array]:
    """With the subwords of every lexeme."""
    random = np.random.default_rng(seed)

    def offsets(counts: Sequence[int]) -> Array:
        return np.concatenate(([0], np.cumsum(counts))).astype(np.int64)

    def numbers(bounds: Sequence[tuple[int, int]]) -> Array:
        """For each (count, bound) so many numbers under the bound."""
        drawn = [random.integers(0, bound, count) for count, bound in bounds if count]
        return np.concatenate(drawn).astype(np.int64) if drawn else np.zeros(0, np.int64)

    words, slots = [size.words for size in sizes], [size.slots for size in sizes]
    edges, names = [size.edges for size in sizes], [size.names for size in sizes]
    spare = [2 * count for count in slots]
    # Every slot has its definition, and two places more fall on any of them.
    of_slot = [np.concatenate((np.arange(n), random.integers(0, max(n, 1), 2 * n))) for n in slots]
    at_word = numbers([(count + more, bound) for count, more, bound in zip(slots, spare, words, strict=True)])
    subwords = random.integers(2, config.subwords, (LEXEMES, config.subwords_a_word))
    subwords[np.arange(config.subwords_a_word) >= random.integers(1, 4, LEXEMES)[:, None]] = 0
    made = Units(
        language=random.integers(0, config.languages, len(sizes)),
        project=np.zeros(len(sizes), np.int32),
        words_of=offsets(words),
        word=random.integers(0, LEXEMES, sum(words)),
        role=random.integers(0, config.roles, sum(words)),
        told=np.full(sum(words), -1),
        edges_of=offsets(edges),
        edge=np.stack(
            (
                random.integers(0, config.relations, sum(edges)),
                numbers(list(zip(edges, words, strict=True))),
                numbers(list(zip(edges, words, strict=True))),
            )
        ),
        slots_of=offsets(slots),
        slot_kind=random.integers(0, config.slot_kinds, sum(slots)),
        slot_source=np.full(sum(slots), -1),
        places_of=offsets([len(some) for some in of_slot]),
        place=np.stack((np.concatenate([*of_slot, np.zeros(0, np.int64)]), at_word)),
        names_of=offsets(names),
        name=random.integers(0, LEXEMES, sum(names)),
        name_kind=random.integers(0, config.name_kinds, sum(names)),
        name_bare=np.full(sum(names), -1),
        members_of=offsets([2 * count for count in names]),
        member=np.stack((numbers([(2 * n, n) for n in names]), random.integers(0, LEXEMES, 2 * sum(names)))),
        mentions_of=offsets(names),
        mention=np.stack(
            (numbers([(n, n) for n in names]), numbers(list(zip(names, words, strict=True)))),
        ),
        symbols_of=np.zeros(1, np.int64),
        symbol=np.zeros(0, np.int16),
        pointer=np.zeros(0, np.int16),
    )
    return made, subwords
