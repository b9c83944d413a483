"""Decoding: what is found are the likeliest lines of all that are allowed, with just the probability that they have among those."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from typeinfer.completion.decode import Vocabulary, lines, words
from typeinfer.completion.prompt import Prompt
from typeinfer.completion.tokens import END, Tokens, learn


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    return learn(["abc"], 264)


@dataclass(frozen=True)
class Grown:
    last: np.ndarray
    scores: np.ndarray


class Chain:
    """A model whose next token depends on the last one alone: any letter of `LETTERS`, or the end of the line."""

    def __init__(self, tokens: Tokens, letters: str, seed: int) -> None:
        self.ids = [tokens.encode(letter)[0] for letter in (*letters, "\n")]
        shares = np.random.default_rng(seed).dirichlet(np.ones(len(self.ids)), len(self.ids))
        self.scores = np.full((tokens.size, tokens.size), -np.inf)
        for at, share in zip(self.ids, shares, strict=True):
            self.scores[at, self.ids] = np.log(share)
        self.asked = 0

    def read(self, row: list[int]) -> Grown:
        last = np.array(row[-1:])
        return Grown(last, self.scores[last])

    def grow(self, branches: Grown, of: np.ndarray, chosen: np.ndarray) -> Grown:
        return Grown(chosen, self.scores[chosen])

    def probability(self, start: str, line: str, tokens: Tokens) -> float:
        places = [tokens.encode(letter)[0] for letter in (*start[-1:], *line, "\n")]
        return math.exp(sum(self.scores[one, two] for one, two in itertools.pairwise(places)))


def allowed(text: bytes) -> bool:
    return b"aa" not in text and b"cb" not in text and len(text) <= 5


class Asked:
    """What is allowed, by a function."""

    def __init__(self, allows: Callable[[bytes], bool]) -> None:
        self.allows = self.complete = allows

    def rests(self, text: bytes) -> None:
        return None


class Words(Asked):
    """Behind a `b` one of three words, and no other letter."""

    KNOWN = (b"ca", b"cac", b"a")

    def __init__(self) -> None:
        super().__init__(lambda text: len(text) <= 5)

    def rests(self, text: bytes) -> frozenset[bytes] | None:  # type: ignore[override]
        _, mark, begun = text.partition(b"b")
        return frozenset(word[len(begun) :] for word in self.KNOWN if word.startswith(begun)) if mark else None


def prompt(tokens: Tokens, begun: str = "") -> Prompt:
    return Prompt(tokens.encode("a"), tokens.encode("a"), begun.encode(), False)


@pytest.mark.parametrize("seed", range(8))
def test_the_likeliest_allowed_lines_have_the_probability_that_they_have_among_all_allowed(
    tokens: Tokens, seed: int
) -> None:
    chain, vocabulary = Chain(tokens, "abc", seed), Vocabulary(tokens)
    every = ["".join(one) for length in range(6) for one in itertools.product("abc", repeat=length)]
    exact = {line: chain.probability("a", line, tokens) for line in every if allowed(line.encode())}
    whole = sum(exact.values())
    found = lines(chain, vocabulary, prompt(tokens), len(exact), 1e-12, Asked(allowed), width=400, likely=4000)
    best = sorted(exact, key=lambda line: -exact[line])
    assert {one.text.decode(): one.probability for one in found} == pytest.approx(
        {line: exact[line] / whole for line in best}, rel=1e-4
    )
    # Who wants four is given the same four, as soon as no other can be among them; of the refused not all were met then.
    first = lines(chain, vocabulary, prompt(tokens), 4, 1e-12, Asked(allowed), width=400, likely=4000)
    assert [one.text.decode() for one in first] == best[:4]
    assert all(
        exact[line] - 1e-9 <= one.probability <= exact[line] / whole + 1e-9
        for line, one in zip(best, first, strict=False)
    )


@pytest.mark.parametrize("seed", range(4))
def test_of_words_that_are_known_the_rest_is_refused_at_once_and_exactly(tokens: Tokens, seed: int) -> None:
    chain, prefixes = Chain(tokens, "abc", seed), Words()
    every = ["".join(one) for length in range(6) for one in itertools.product("abc", repeat=length)]
    kept = [line for line in every if "b" not in line or line.partition("b")[2].encode() in Words.KNOWN]
    exact = {line: chain.probability("a", line, tokens) for line in kept}
    found = lines(chain, Vocabulary(tokens), prompt(tokens), len(exact), 1e-12, prefixes, width=400, likely=4000)
    whole = sum(exact.values())
    expected = {line: likely / whole for line, likely in exact.items()}
    assert {one.text.decode(): one.probability for one in found} == pytest.approx(expected, rel=1e-4)


def test_only_what_is_drawn_is_asked_about(tokens: Tokens) -> None:
    """Three times fewer questions than one about every token of every branch; here it is many times fewer."""
    chain, asked = Chain(tokens, "abcdefghijklmnopqrstuvwxyz", 3), []

    def counted(text: bytes) -> bool:
        asked.append(text)
        return allowed(text)

    every: list[bytes] = []
    lines(chain, Vocabulary(tokens), prompt(tokens), 3, 1e-4, Asked(counted))
    for number in range(1, max(map(len, asked)) + 1):
        kept = {text[:-1] for text in asked if len(text) == number}
        every += [one + bytes([letter]) for one in kept for letter in range(97, 123)]
    assert len(every) >= 3 * len(asked)


def test_a_line_begins_with_what_is_typed_whichever_tokens_say_so(tokens: Tokens) -> None:
    chain = Chain(tokens, "abc", 1)
    found = lines(chain, Vocabulary(tokens), prompt(tokens, "bc"), 3, 1e-6)
    assert found and all(one.text.startswith(b"bc") for one in found)
    assert sum(one.probability for one in found) <= 1 + 1e-9


def test_where_something_stands_behind_no_line_ends(tokens: Tokens) -> None:
    chain = Chain(tokens, "abc", 1)
    inside = Prompt(tokens.encode("a"), tokens.encode("a"), b"", True)
    assert lines(chain, Vocabulary(tokens), inside, 3, 1e-3) == [], "this model never says that the middle ends"
    chain.scores[:, END] = np.log(0.5)
    assert lines(chain, Vocabulary(tokens), inside, 3, 1e-3)[0].text == b""


def test_what_is_given_up_finds_nothing(tokens: Tokens) -> None:
    chain = Chain(tokens, "abc", 1)
    assert lines(chain, Vocabulary(tokens), prompt(tokens), 3, 1e-3, given_up=lambda: True) == []


def test_what_is_under_the_floor_is_not_followed(tokens: Tokens) -> None:
    chain, grown = Chain(tokens, "abc", 1), []
    grow: Callable[..., Grown] = chain.grow

    def counted(branches: Grown, of: np.ndarray, chosen: np.ndarray) -> Grown:
        grown.append(len(chosen))
        return grow(branches, of, chosen)

    chain.grow = counted  # type: ignore[method-assign]
    assert lines(chain, Vocabulary(tokens), prompt(tokens), 1, 0.999) == []
    assert not grown


def test_a_word_is_as_likely_as_its_tokens_and_that_it_ends_there(tokens: Tokens) -> None:
    chain = Chain(tokens, "abc(", 5)
    found = words(chain, Vocabulary(tokens), tokens.encode("a"), ["b", "bc", "c"])
    place = {letter: tokens.encode(letter)[0] for letter in "abc(\n"}

    def ends(letter: str) -> float:
        return 1 - sum(math.exp(chain.scores[place[letter], place[other]]) for other in "abc")

    step = chain.scores
    expected = [
        step[place["a"], place["b"]] + math.log(ends("b")),
        step[place["a"], place["b"]] + step[place["b"], place["c"]] + math.log(ends("c")),
        step[place["a"], place["c"]] + math.log(ends("c")),
    ]
    assert found == pytest.approx(expected)
