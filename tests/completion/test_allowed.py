"""Prefixes: one suite of laws for all of them, and what each accepts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from typeinfer.completion.lines import place_at
from typeinfer.completion.prefixes import Grammar, Members, Prefixes
from typeinfer.values.source import SourceFile

NAMES = frozenset({"items", "item", "owner", "größe"})

BEFORE, BEHIND = b"def f(cart):\n    total = ", b"\n    return total\n"


def grammar(before: bytes = BEFORE, behind: bytes = BEHIND, path: str = "a.py") -> Grammar:
    language = "python" if path.endswith(".py") else "typescript"
    place = place_at(SourceFile(path, language, before + behind), len(before))
    assert place is not None
    return Grammar(place.language, place.file, place.start, place.end, place.least)


def of_cart(text: bytes) -> frozenset[str] | None:
    return NAMES if text.endswith(b"cart.") else None


ALL: list[Prefixes] = [grammar(), Members(of_cart)]

PIECES = st.sampled_from(
    ["cart", ".", "items", "item", "größe", "x", "(", ")", "[0]", " + ", '"', "a.b", "if ", ":", "\n"]
)


@pytest.mark.parametrize("prefixes", ALL, ids=["grammar", "members"])
@given(pieces=st.lists(PIECES, max_size=8))
def test_what_is_accepted_is_allowed_and_so_is_every_beginning_of_what_is_allowed(
    prefixes: Prefixes, pieces: list[str]
) -> None:
    text = "".join(pieces)
    if prefixes.complete(text.encode()):
        assert prefixes.allows(text.encode())
    if prefixes.allows(text.encode()):
        data = text.encode()
        assert all(prefixes.allows(data[:length]) for length in range(len(data))), "in the middle of a letter too"


@pytest.mark.parametrize("prefixes", ALL, ids=["grammar", "members"])
@given(pieces=st.lists(PIECES, max_size=6), more=PIECES)
def test_what_goes_on_behind_an_allowed_text_goes_on_as_the_rests_say(
    prefixes: Prefixes, pieces: list[str], more: str
) -> None:
    before = "".join(pieces)
    text = before + more
    if prefixes.allows(text.encode()) and (rests := prefixes.rests(before.encode())) is not None:
        word = re.match(r"\w*", more)
        assert word is not None
        whole = word.end() < len(more)
        assert any(rest.decode() == word.group() if whole else rest.decode().startswith(word.group()) for rest in rests)


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("cart.items", True),
        ("sum(cart.items)", True),
        ("sum(cart.items", False),
        ("cart.items)", False),
        ("1\n    x = 2", False),
        ('"it', False),
        ("lambda x: x", True),
    ],
)
def test_a_line_must_be_readable_in_its_place(text: str, accepted: bool) -> None:
    assert grammar().complete(text.encode()) == accepted


def test_a_bracket_that_is_closed_below_may_stay_open() -> None:
    inside = grammar(b"total = ", b"\n    cart,\n)\n")
    assert inside.complete(b"sum(") and not inside.complete(b"cart")


def test_a_block_that_is_opened_may_wait_for_its_body() -> None:
    assert grammar(b"def f(x):\n    if x", b"\n").complete(b" > 1:")
    assert grammar(b"function f(x) {\n  if (x", b"\n}\n", "a.ts").complete(b" > 1) {")


def test_what_is_broken_elsewhere_forbids_nothing() -> None:
    broken = grammar(b"def f(:\n    pass\n\n\ntotal = ", b"\n")
    assert broken.complete(b"cart.items") and not broken.complete(b"cart.items)")


def test_behind_a_dot_only_members_of_what_is_known() -> None:
    members = Members(of_cart)
    assert members.complete(b"cart.items.pop(other.anything)")
    assert members.allows(b"cart.it") and not members.complete(b"cart.it")
    assert not members.allows(b"cart.it(") and not members.allows(b"cart.bag")
    private = Members(lambda text: frozenset({"#count", "total"}))
    assert private.allows(b"this.#co") and private.rests(b"this.#co") == {b"unt"}
    asked: list[bytes] = []
    counting = Members(lambda text: (asked.append(text), of_cart(text))[1])  # type: ignore[func-returns-value]
    assert counting.allows(b"cart.i") and counting.allows(b"cart.it") and counting.complete(b"cart.item")
    assert asked == [b"cart."], "what stands behind one dot is asked once"
