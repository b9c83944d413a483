"""Decoding: a row that was read in; the lines that most probably stand behind it out, none that is not allowed.

A beam of branches grows together, a token a step. What falls under `floor` is left at once, so that where nothing is likely little
is computed. Whether a beginning is allowed is asked only of those that would be kept, the most probable first: of a vocabulary of
thousands a handful are drawn. Knows nothing of languages.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from typeinfer.completion.lm import LONGEST, LanguageModel
from typeinfer.completion.prefixes import Prefixes
from typeinfer.completion.prompt import Prompt
from typeinfer.completion.recall import Text, mixed, recalled
from typeinfer.completion.tokens import END, SPECIAL, Tokens

WIDTH = 5
"""Branches that grow together."""

LIKELY, MORE = 24, 20
"""Tokens that are looked at in a step, of all branches; and how many times as many where some of them are not allowed."""

INNER = re.compile(r"[\w$]")


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

    @cached_property
    def inner(self) -> NDArray[np.int64]:
        """Those by which a word goes on."""
        return np.flatnonzero([INNER.match(text.decode("utf-8", "replace")) is not None for text in self.tokens.bytes])

    @cached_property
    def outer(self) -> NDArray[np.int64]:
        """Those that may stand behind a word."""
        return np.setdiff1d(np.flatnonzero(~self.special), self.inner)

    def behind(self, rests: frozenset[bytes]) -> NDArray[np.int64]:
        """The tokens by which a word goes on of which this may be missing."""
        found = [np.zeros(0, np.int64)]
        for rest in rests:
            if not rest:
                found.append(self.outer)
                continue
            found.append(np.array(self.tokens.within(rest), np.int64))
            longer = self.tokens.starting(rest)
            ends = [
                not INNER.match(self.tokens.bytes[token][len(rest) :].decode("utf-8", "replace")) for token in longer
            ]
            found.append(longer[np.array(ends, bool)])
        return np.unique(np.concatenate(found))

    def beginning(self, text: bytes) -> NDArray[np.int64]:
        """The tokens that may stand where a text has to."""
        return np.concatenate((self.tokens.starting(text), np.array(self.tokens.within(text), np.int64)))


def lines(
    model: LanguageModel,
    vocabulary: Vocabulary,
    prompt: Prompt,
    count: int,
    floor: float,
    prefixes: Prefixes | None = None,
    others: Sequence[Text] = (),
    trust: Sequence[float] = (),
    given_up: Callable[[], bool] = lambda: False,
    width: int = WIDTH,
    likely: int = LIKELY,
) -> list[Line]:
    """At most `count` lines, the likeliest first, each of a probability of at least `floor` among all that begin as the prompt says
    and are allowed, as far as what isn't was met. `others`: texts whose tokens are recalled, and how far each kind of recollection
    is trusted."""
    branches, inside = model.read(prompt.row), prompt.inside
    texts, logs, owed, written = [b""], np.zeros(1), [prompt.begun], [prompt.seen]
    found: list[Line] = []
    # What was met and is not allowed: what is left is measured by the rest.
    refused, least = 0.0, math.log(floor)
    ends = np.zeros(vocabulary.tokens.size, bool)
    ends[END] = True
    ends |= vocabulary.ending & (not inside)
    left_out = vocabulary.ending | vocabulary.special
    for _ in range(LONGEST):
        if given_up():
            return []
        scores = _with_recall(branches.scores, written, others, trust)
        endings: list[Line] = []
        for at, owing in enumerate(owed):
            if owing:
                mine = vocabulary.beginning(owing)
                kept = scores[at, mine]
                scores[at] = -np.inf
                scores[at, mine] = kept - np.logaddexp.reduce(kept)
                continue
            ended = logs[at] + np.logaddexp.reduce(scores[at, ends])
            rests = None if prefixes is None else prefixes.rests(texts[at])
            if rests is not None:
                # Of a word of which few are known all others are refused at once.
                mine = vocabulary.behind(rests)
                kept = scores[at, mine].copy()
                left = float(np.exp(kept[~left_out[mine]]).sum()) + math.exp(ended - logs[at]) * (b"" in rests)
                refused = min(refused + math.exp(logs[at]) * max(0.0, 1 - left), 1 - 1e-9)
                scores[at] = -np.inf
                scores[at, mine] = kept
                ended = ended if b"" in rests else -np.inf
            if ended > -np.inf:
                endings.append(Line(texts[at], math.exp(ended)))
            scores[at, left_out] = -np.inf
        least = math.log(floor * (1 - refused))
        found += [line for line in endings if line.probability > 0 and math.log(line.probability) >= least]
        total = logs[:, None] + scores
        chosen: list[tuple[int, int]] = []
        enough = sorted((line.probability for line in found), reverse=True)[count - 1 : count]
        for place in likeliest_first(total, likely):
            branch, token = divmod(place, total.shape[1])
            log = total[branch, token]
            if len(chosen) == width or log < least or (enough and math.exp(log) <= enough[0]):
                break
            text = texts[branch] + vocabulary.tokens.bytes[token]
            if prefixes is not None and len(text) > len(prompt.begun) and not prefixes.allows(text):
                refused = min(refused + math.exp(log), 1 - 1e-9)
                least = math.log(floor * (1 - refused))
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
    # What is left by the refused goes to the others in proportion.
    shares = [Line(line.text, min(1.0, line.probability / (1 - refused))) for line in found]
    return sorted(shares, key=lambda line: -line.probability)[:count]


def likeliest_first(total: NDArray[np.float64], few: int) -> Iterator[int]:
    """The places of the greatest numbers: a few, and if more are asked for, for there are refused ones among them, `MORE` times as
    many."""
    done = 0
    for count in (few, MORE * few):
        best = np.argpartition(-total, min(count, total.size - 1), axis=None)[:count]
        yield from best[np.argsort(-total.flat[best], kind="stable")][done:].tolist()
        done = count


def _with_recall(
    scores: NDArray[np.float32], contexts: Sequence[Sequence[int]], others: Sequence[Text], trust: Sequence[float]
) -> NDArray[np.float64]:
    """The log probability [b, v] of what comes next, with what is recalled of the tokens before."""
    mixture = scores.astype(np.float64)
    if others and trust:
        for at, context in enumerate(contexts):
            mixed(mixture[at], recalled(others, context), trust)
    return mixture


# --- words ------------------------------------------------------------------------------------------------------------------

TRIED = 12
"""Beginnings of words that are followed further, the likeliest."""

HOPELESS = 8.0
"""How much less likely than the best, in nats, a beginning is not followed."""

DEPTH = 3
"""Tokens of a word that are looked at."""


def words(
    model: LanguageModel,
    vocabulary: Vocabulary,
    row: Sequence[int],
    names: Sequence[str],
    others: Sequence[Text] = (),
    trust: Sequence[float] = (),
) -> NDArray[np.float64]:
    """The log probability [n] of each name behind a row, as far as its first tokens tell, and that a word ends with it. `others`
    and `trust` as for `lines`."""
    spelled = [vocabulary.tokens.encode(name) for name in names]
    branches = model.read(row)
    context = row[:-1]  # Behind it stands only the mark of what is to be written.
    scores = _with_recall(branches.scores, [context], others, trust)
    found = np.array([scores[0, tokens[0]] if tokens else -np.inf for tokens in spelled], np.float64)
    growing: dict[tuple[int, ...], int] = {(): 0}
    for depth in range(1, DEPTH + 1):
        # Of each beginning the best that goes by it says how much it matters.
        best: dict[tuple[int, ...], float] = {}
        for tokens, likely in zip(spelled, found.tolist(), strict=True):
            start = tuple(tokens[:depth])
            if len(start) == depth and start[:-1] in growing:
                best[start] = max(best.get(start, -np.inf), likely)
        least = max(best.values(), default=0.0) - HOPELESS
        chosen = sorted((start for start in best if best[start] > least), key=lambda start: -best[start])[:TRIED]
        if not chosen:
            break
        of = np.array([growing[start[:-1]] for start in chosen], np.int64)
        branches = model.grow(branches, of, np.array([start[-1] for start in chosen], np.int64))
        growing = {start: number for number, start in enumerate(chosen)}
        scores = _with_recall(branches.scores, [[*context, *start] for start in chosen], others, trust)
        goes_on = np.logaddexp.reduce(scores[:, vocabulary.inner], axis=1)
        for number, tokens in enumerate(spelled):
            at = growing.get(tuple(tokens[:depth]))
            if at is None:
                continue
            if len(tokens) > depth:
                found[number] += scores[at, tokens[depth]]
            elif len(tokens) == depth and INNER.match(names[number][-1]):
                found[number] += np.log1p(-min(np.exp(goes_on[at]), 1 - 1e-6))
    return found
