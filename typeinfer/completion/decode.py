"""Decoding: a row that was read in; the lines that most probably stand behind it out, none that is not allowed.

A beam of branches grows together, a token a step. What falls under `floor` is left at once, so that where nothing is likely little
is computed. Whether a beginning is allowed is asked only of those that would be kept, the most probable first: of a vocabulary of
thousands a handful are drawn. Knows nothing of languages.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from typeinfer.completion.lm import LONGEST, LanguageModel
from typeinfer.completion.prompt import Prompt
from typeinfer.completion.recall import Text, mixed, recalled
from typeinfer.completion.tokens import END, SPECIAL, Tokens

WIDTH = 5

LIKELY = 24
"""Tokens behind a branch that are looked at, at most."""


@dataclass(frozen=True)
class Line:
    """`text`: all that was written, with what it had to begin with."""

    text: bytes
    probability: float


@dataclass(frozen=True)
class Vocabulary:
    """What the tokens of a model are for the search."""

    tokens: Tokens

    @cached_property
    def ending(self) -> NDArray[np.bool_]:
        """[v]: those that end a line."""
        return np.array([b"\n" in text for text in self.tokens.bytes])

    @cached_property
    def special(self) -> NDArray[np.bool_]:
        special = np.zeros(self.tokens.size, bool)
        special[: len(SPECIAL)] = True
        return special

    def beginning(self, text: bytes) -> NDArray[np.int64]:
        """The tokens that may stand where a text has to."""
        return np.concatenate((self.tokens.starting(text), np.array(self.tokens.within(text), np.int64)))


def lines(
    model: LanguageModel,
    vocabulary: Vocabulary,
    prompt: Prompt,
    count: int,
    floor: float,
    allows: Callable[[bytes], bool] = lambda text: True,
    others: Sequence[Text] = (),
    trust: Sequence[float] = (),
    given_up: Callable[[], bool] = lambda: False,
    width: int = WIDTH,
) -> list[Line]:
    """At most `count` lines, the likeliest first, each of a probability of at least `floor` among all that begin as the prompt
    says. `others`: texts whose tokens are recalled, and how far each kind of recollection is trusted."""
    branches, inside = model.read(prompt.row), prompt.inside
    texts, logs, owed, written = [b""], np.zeros(1), [prompt.begun], [prompt.seen]
    found: list[Line] = []
    least = math.log(floor)
    ends = np.zeros(vocabulary.tokens.size, bool)
    ends[END] = True
    ends |= vocabulary.ending & (not inside)
    left_out = vocabulary.ending | vocabulary.special
    for _ in range(LONGEST):
        if given_up():
            return []
        scores = branches.scores.astype(np.float64)
        if others and trust:
            for at, context in enumerate(written):
                mixed(scores[at], recalled(others, context), trust)
        for at, owing in enumerate(owed):
            if owing:
                mine = vocabulary.beginning(owing)
                kept = scores[at, mine]
                scores[at] = -np.inf
                scores[at, mine] = kept - np.logaddexp.reduce(kept)
            else:
                ended = logs[at] + np.logaddexp.reduce(scores[at, ends])
                if ended >= least:
                    found.append(Line(texts[at], math.exp(ended)))
                scores[at, left_out] = -np.inf
        total = logs[:, None] + scores
        chosen: list[tuple[int, int]] = []
        order = np.argpartition(-total, min(LIKELY, total.size - 1), axis=None)[:LIKELY]
        enough = sorted((line.probability for line in found), reverse=True)[count - 1 : count]
        for place in order[np.argsort(-total.flat[order], kind="stable")].tolist():
            branch, token = divmod(place, total.shape[1])
            likely = total[branch, token]
            if len(chosen) == width or likely < least or (enough and math.exp(likely) <= enough[0]):
                break
            if not owed[branch] and not allows(texts[branch] + vocabulary.tokens.bytes[token]):
                continue
            chosen.append((branch, token))
        if not chosen:
            break
        of, tokens = np.array(chosen, np.int64).T
        logs = total[of, tokens]
        new = [vocabulary.tokens.bytes[token] for token in tokens]
        owed = [owed[branch][len(text) :] for branch, text in zip(of, new, strict=True)]
        texts = [texts[branch] + text for branch, text in zip(of, new, strict=True)]
        written = [[*written[branch], token] for branch, token in chosen]
        branches = model.grow(branches, of, tokens)
    return sorted(found, key=lambda line: -line.probability)[:count]
