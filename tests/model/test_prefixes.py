"""Where the next symbol of a type goes: read off a tree that is known, and off its symbols one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from typeinfer.model.prefixes import ROOT, Open, along

Tree: TypeAlias = "tuple[int, list[Tree]]"

STEPS = 12
trees = st.recursive(
    st.tuples(st.integers(0, 9), st.just([])),
    lambda inner: st.tuples(st.integers(10, 19), st.lists(inner, min_size=1, max_size=4)),
    max_leaves=5,
)


def walk(tree: Tree, parent: int = ROOT, place: int = 0) -> Iterator[tuple[int, int, int, int]]:
    """Symbol, arity, parent, place, in prefix order."""
    symbol, arguments = tree
    yield symbol, len(arguments), parent, place
    for number, argument in enumerate(arguments, start=1):
        yield from walk(argument, symbol, number)


@given(st.lists(trees.filter(lambda tree: len(list(walk(tree))) <= STEPS), min_size=1, max_size=4))
def test_parents_and_places_are_those_of_the_tree(several: list[Tree]) -> None:
    symbols, arity, parents, places = np.zeros((4, len(several), STEPS), np.int64)
    lengths = []
    for row, tree in enumerate(several):
        known = np.array(list(walk(tree))).T
        lengths.append(known.shape[1])
        for table, values in zip((symbols, arity, parents, places), known, strict=True):
            table[row, : len(values)] = values
    found_parents, found_places = along(symbols, arity)
    for row, length in enumerate(lengths):
        assert found_parents[row, :length].tolist() == parents[row, :length].tolist()
        assert found_places[row, :length].tolist() == places[row, :length].tolist()
        assert set(found_parents[row, length:]) <= {ROOT}, "nothing is open behind the end"


@given(trees.filter(lambda tree: len(list(walk(tree))) <= STEPS))
def test_a_type_is_complete_with_its_last_symbol_and_not_before(tree: Tree) -> None:
    now, missing = Open.start(1, STEPS), []
    for symbol, arity, _, _ in walk(tree):
        missing.append(int(now.missing()[0]))
        now = now.after(np.array([symbol]), np.array([arity]))
    assert all(missing)
    assert now.missing().tolist() == [0]
    assert now.after(np.array([3]), np.array([2])).missing().tolist() == [0], "nothing is added to a complete type"
