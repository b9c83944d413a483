"""Recall: the tokens of a project's texts in; what was written there after the same tokens as here, out.

A small model has read little, and a project repeats itself: mixed with its belief, by how long the same tokens run, what stands
elsewhere in the project is worth more than a larger model (Hellendoorn & Devanbu 2017). Knows nothing of text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHORTEST = 2
"""Tokens that have to be the same for anything to be recalled."""

LONGEST = 16

MOST = 256
"""Places that are looked at, the last ones."""

RUNS = (2, 3, 4, 6, 9, 13)
"""A run is known by the largest of these that is no longer."""

DIFFERENT, ONCE, AGAIN = range(3)
"""And by what followed it: not always the same, the same once, or the same every time."""


@dataclass(frozen=True)
class Recalled:
    """`tokens` [n] that followed, each with its share [n]; `kind`: how far they can be trusted, a place in a table of trust."""

    tokens: NDArray[np.int64]
    share: NDArray[np.float64]
    kind: int


KINDS = 3 * len(RUNS)


class Text:
    """Some tokens, to be looked through."""

    def __init__(self, tokens: Sequence[int] | NDArray[np.int64]) -> None:
        self.tokens = np.concatenate((np.full(LONGEST, -1, np.int64), np.asarray(tokens, np.int64)))
        keys = _keys(self.tokens)
        self.order = np.argsort(keys, kind="stable")
        self.keys = keys[self.order]

    def after(self, context: Sequence[int]) -> tuple[int, NDArray[np.int64]]:
        """The longest run of tokens at the end of a context that stands here too, and what follows it wherever it does."""
        if len(context) < SHORTEST:
            return 0, NOTHING
        wanted = np.full(LONGEST, -2, np.int64)
        tail = np.asarray(context[-LONGEST:], np.int64)
        wanted[LONGEST - len(tail) :] = tail
        key = _keys(wanted)[-1]
        low, high = np.searchsorted(self.keys, (key, key + 1))
        # A place is that of the last token of the run; what follows it must be there too.
        ends = self.order[max(low, high - MOST) : high] + SHORTEST - 1
        ends = ends[ends + 1 < len(self.tokens)]
        ends = ends[self.tokens[ends + 1] >= 0]
        if not len(ends):
            return 0, NOTHING
        same = self.tokens[ends[:, None] - np.arange(LONGEST)[None, :]] == wanted[::-1][None, :]
        length = np.where(same.all(axis=1), LONGEST, same.argmin(axis=1))
        longest = int(length.max())
        if longest < SHORTEST:
            return 0, NOTHING
        return longest, self.tokens[ends[length == longest] + 1]


NOTHING = np.zeros(0, np.int64)


def _keys(tokens: NDArray[np.int64]) -> NDArray[np.int64]:
    """One number for every `SHORTEST` tokens in a row."""
    shifted = tokens + 2
    return shifted[:-1] * 70_000 + shifted[1:]


class Recall:
    """The texts of a project, as a whole and the one that is being written."""

    def __init__(self) -> None:
        self._texts: dict[str, NDArray[np.int64]] = {}
        self._others: tuple[str, Text] | None = None

    def put(self, path: str, tokens: Sequence[int] | None) -> None:
        """A text that is another now, or gone."""
        if tokens is None:
            self._texts.pop(path, None)
        else:
            self._texts[path] = np.asarray(tokens, np.int64)
        if self._others is not None and self._others[0] != path:
            self._others = None

    def besides(self, path: str) -> Text:
        """All texts but one."""
        if self._others is None or self._others[0] != path:
            # A mark between two texts is no token: nothing runs across it.
            parts = [part for other, text in self._texts.items() if other != path for part in (text, GAP)]
            self._others = (path, Text(np.concatenate(parts) if parts else NOTHING))
        return self._others[1]


GAP = np.full(1, -1, np.int64)


def recalled(texts: Sequence[Text], context: Sequence[int]) -> Recalled | None:
    """What followed the longest run, in whichever text it stands; in the first of them, of two as long."""
    length, followers = max((text.after(context) for text in texts), key=lambda found: found[0], default=(0, NOTHING))
    if not len(followers):
        return None
    tokens, counts = np.unique(followers, return_counts=True)
    run = int(np.searchsorted(RUNS, length, side="right")) - 1
    manner = DIFFERENT if len(tokens) > 1 else ONCE if len(followers) == 1 else AGAIN
    return Recalled(tokens, counts / counts.sum(), 3 * run + manner)


def mixed(scores: NDArray[np.float64], found: Recalled | None, trust: Sequence[float]) -> None:
    """Mixes what is recalled into log probabilities [v], in place."""
    if found is not None and (share := trust[found.kind]) > 0:
        scores += np.log1p(-share)
        scores[found.tokens] = np.logaddexp(scores[found.tokens], np.log(share * found.share))
