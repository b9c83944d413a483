"""Names: what is in scope at a place, and the text around it, in; how likely each name is meant there, out.

The language model has a word on every name; beside it counts where the text used the name last, what kind of thing it is, and
whether its type is the one that is wanted. Knows no language, and nothing of what exists.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from typeinfer.values.members import Member, MemberKind, Suggestion

NEARBY = 20_000
"""Bytes before and behind the place whose words count."""

MOST = 400
"""Names that are weighed; of more, those that were used last."""

WORD = re.compile(r"[^\W\d][\w$]*|\$[\w$]*")

FEATURES = (
    *("word", "ago", "ahead", "never", "times", "imported", "suits", "unfit"),
    *(kind.value for kind in MemberKind),
)
"""What is weighed: what the language model says; how many words ago the name was used last, in how many it is used next, whether
never, and how often; whether it would have to be imported; whether it is of the type that an argument there has, or of none that it
may have; and its kind."""

PLAIN = {"word": 1.0, "imported": -3.0, "suits": 1.0, "unfit": -1.0}
"""Weights before any are fitted. What has to be imported no place to fit on has: one name in twenty is a guess."""


@dataclass(frozen=True)
class Around:
    """The words of a text before and behind a place, by how many others stand between; and how often each is there."""

    ago: Mapping[str, int]
    ahead: Mapping[str, int]
    times: Mapping[str, int]


def around(data: bytes, begin: int, end: int) -> Around:
    before = WORD.findall(data[max(0, begin - NEARBY) : begin].decode("utf-8", "ignore"))
    behind = WORD.findall(data[end : end + NEARBY].decode("utf-8", "ignore"))
    ago = {word: len(before) - at for at, word in enumerate(before)}
    ahead = {word: len(behind) - at for at, word in enumerate(reversed(behind))}
    times: dict[str, int] = {}
    for word in (*before, *behind):
        times[word] = times.get(word, 0) + 1
    return Around(ago, ahead, times)


def fitting(names: Sequence[Member], typed: str, near: Around) -> list[Member]:
    """Those that begin as what is typed does, whatever the case; those that were used last first, and each once."""
    begun = typed.lower()
    found = {one.name: one for one in reversed(names) if one.name.lower().startswith(begun) and one.name != typed}
    never = len(near.ago) + len(near.ahead)

    def distance(one: Member) -> tuple[int, int, str]:
        word = one.name.rstrip("=")
        return min(near.ago.get(word, never), near.ahead.get(word, never)), len(word), word

    return sorted(found.values(), key=distance)[:MOST]


def told(
    names: Sequence[Member], near: Around, words: NDArray[np.float64] | None, suiting: Mapping[str, bool]
) -> NDArray[np.float64]:
    """What speaks for each name [names, features]; `words`: what the language model says of each [names], None where there is
    none; `suiting`: as `Companion.suiting`."""
    table = np.zeros((len(names), len(FEATURES)))
    for row, one in enumerate(names):
        word = one.name.rstrip("=")
        ago, ahead = near.ago.get(word), near.ahead.get(word)
        found = {
            "word": 0.0 if words is None else max(float(words[row]), -30.0),
            "ago": 0.0 if ago is None else 1 - math.log(ago) / 8,
            "ahead": 0.0 if ahead is None else 1 - math.log(ahead) / 8,
            "never": float(ago is None and ahead is None),
            "times": math.log1p(near.times.get(word, 0)),
            "imported": float(bool(one.source)),
            "suits": float(suiting.get(one.name) is True),
            "unfit": float(suiting.get(one.name) is False),
            one.kind.value: 1.0,
        }
        table[row] = [found.get(name, 0.0) for name in FEATURES]
    return table


def ranked(
    names: Sequence[Member], table: NDArray[np.float64], weights: Mapping[str, float], in_scope: bool
) -> list[Suggestion]:
    """The names, the likeliest first; their probabilities add up to one."""
    if not names:
        return []
    scores = table @ np.array([weights.get(name, 0.0) for name in FEATURES])
    shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    return [Suggestion(names[at], float(shares[at]), in_scope) for at in np.argsort(-shares, kind="stable")]
