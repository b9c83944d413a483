"""Subwords: one name in all its spellings is nearly one row, and no word is nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from typeinfer.model.tokens import CAPITAL, CAPITALS, HIDDEN, Subwords, learn

COUNTS = {"Cart": 90, "cart": 90, "shopping_cart": 50, "HTTPServer": 30, "http_server": 30, "items": 40, "):": 60}


@pytest.fixture(scope="module")
def subwords() -> Subwords:
    return learn(COUNTS, 200)


@pytest.mark.parametrize(
    ("one", "other", "mark"),
    [
        ("cart", "Cart", CAPITAL),
        ("cart", "CART", CAPITALS),
        ("shopping_cart", "ShoppingCart", CAPITAL),
        ("shoppingCart", "ShoppingCart", CAPITAL),
        ("shopping_cart", "SHOPPING_CART", CAPITALS),
        ("http_server", "HTTPServer", CAPITAL),
        ("t", "T", CAPITAL),
    ],
)
def test_a_name_is_the_same_in_all_its_spellings_but_for_a_mark(
    subwords: Subwords, one: str, other: str, mark: int
) -> None:
    plain, marked = subwords.rows([one, other]).tolist()
    assert marked == [mark, *plain[:-1]]


def test_what_was_learnt_is_read_back(subwords: Subwords) -> None:
    again = Subwords.parse(subwords.tokenizer.to_str())
    assert (again.rows(list(COUNTS)) == subwords.rows(list(COUNTS))).all()


@given(st.text(min_size=1))
def test_no_word_is_nothing_and_none_looks_hidden(word: str) -> None:
    row = learn(COUNTS, 60).rows([word])
    assert row[0, 0] > 0 and not np.isin(row, [HIDDEN]).any()
