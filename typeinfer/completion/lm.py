"""The language model: tokens in; how probable each next one is, out, without torch.

The same arithmetic as `training/decoder.Decoder`, a token or a few at a time: what was read before is kept and not read again.
Knows nothing of text, and of what may be written.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from typeinfer.completion.recall import KINDS
from typeinfer.model.checkpoint import decoded, packed, proven, replace_folder, tokenizer_of, weights_of
from typeinfer.model.folder import CALIBRATION, CARD, CONFIG, CURVES, OTHER_VERSION, TOKENIZER, WEIGHTS, NoModel

Floats: TypeAlias = "NDArray[np.float32]"

# b branch, t token of the row, p token of it that was read before, s token of a branch, d width, h head, v vocabulary

FAR = np.float32(-1e9)
"""Added to what no token may look at."""

LONGEST = 128
"""Tokens of a branch."""


class Shape(Struct, frozen=True, forbid_unknown_fields=True):
    """`config.json` of a language model."""

    vocabulary: int
    width: int = 256
    layers: int = 4
    heads: int = 4
    hidden: int = 640
    row: int = 512
    """Tokens that are seen at once, at most."""
    outline: int = 112
    """How many of them outline the rest of the file."""
    suffix: int = 64
    """How many stand behind the place."""

    def outlined(self, lines: Sequence[tuple[int, bool, Sequence[int]]], start: int, stop: int) -> list[int]:
        """The tokens that outline a file around those from `start` to `stop`, which are seen anyway: of imports the first, of
        headers the nearest. `lines`: where each begins, whether it is an import, and its tokens."""
        outside = [line for line in lines if not start <= line[0] < stop]
        chosen: list[tuple[int, bool, Sequence[int]]] = []
        left = self.outline // 3
        for line in outside:
            if line[1] and len(line[2]) <= left:
                chosen.append(line)
                left -= len(line[2])
        left += self.outline - self.outline // 3
        headers = [line for line in outside if not line[1]]
        for line in sorted(headers, key=lambda line: start - line[0] if line[0] < start else line[0] - stop):
            if len(line[2]) > left:
                break
            chosen.append(line)
            left -= len(line[2])
        return [token for _, _, tokens in sorted(chosen, key=lambda line: line[0]) for token in tokens]


def shapes(shape: Shape) -> dict[str, tuple[int, ...]]:
    """The arrays that a model of this shape is made of, by their names in `training/decoder.Decoder`."""
    d, h = shape.width, shape.hidden
    found: dict[str, tuple[int, ...]] = {"subword.weight": (shape.vocabulary, d), "norm.weight": (d,)}
    for layer in range(shape.layers):
        block = f"blocks.{layer}"
        found[f"{block}.norm.weight"] = (d,)
        found[f"{block}.before"] = (2, d)
        found[f"{block}.enter.weight"] = (3 * d + 2 * h, d)
        found[f"{block}.leave.weight"] = (d, d + h)
    return found


@dataclass(frozen=True)
class Stored:
    """A folder of `models/`: what a language model is, its `tokenizer.json` as text, and what was fitted to it."""

    shape: Shape
    tokenizer: str
    weights: Mapping[str, Floats]
    trust: Trust
    card: str
    curves: str


Counted: TypeAlias = tuple[float, float]
"""What the log of a ranking's probability counts, and what that of the model's."""


class Trust(Struct, frozen=True, forbid_unknown_fields=True):
    """`calibration.json`. `shown`: by language, how probable a line must be to be shown unasked. `recall`: how far each kind of
    `recall.Recalled` is trusted. `words`: by language, what counts in the ranking of members whose type is known, and of those that
    are guessed. `names`: by language, what each of `names.FEATURES` counts in the ranking of names."""

    shown: dict[str, float] = {}
    recall: tuple[float, ...] = ()
    words: dict[str, tuple[Counted, Counted]] = {}
    names: dict[str, dict[str, float]] = {}


FILES = (CONFIG, TOKENIZER, WEIGHTS, CALIBRATION, CARD, CURVES)


def load(folder: Path) -> Stored:
    """Raises `NoModel`."""
    content = proven(folder, FILES)
    shape = decoded(folder / CONFIG, content[CONFIG], Shape, "the shape of another kind of model")
    trust = decoded(folder / CALIBRATION, content[CALIBRATION], Trust, "no calibration")
    if len(trust.recall) not in (0, KINDS):
        raise NoModel(
            f"{folder / CALIBRATION}: knows {len(trust.recall)} kinds of recollection for {KINDS}; {OTHER_VERSION}"
        )
    tokenizer = tokenizer_of(folder / TOKENIZER, content[TOKENIZER])
    weights = weights_of(folder / WEIGHTS, content[WEIGHTS], shapes(shape))
    card, curves = (content[name].decode(errors="replace") for name in (CARD, CURVES))
    return Stored(shape, tokenizer, weights, trust, card, curves)


def store(folder: Path, stored: Stored) -> None:
    """As `checkpoint.store`."""
    replace_folder(
        folder,
        {
            CONFIG: msgspec.json.format(msgspec.json.encode(stored.shape), indent=1) + b"\n",
            TOKENIZER: stored.tokenizer.encode(),
            WEIGHTS: packed(folder, stored.weights, shapes(stored.shape)),
            CALIBRATION: msgspec.json.format(msgspec.json.encode(stored.trust), indent=1) + b"\n",
            CARD: stored.card.encode(),
            CURVES: stored.curves.encode(),
        },
    )


class LanguageModel:
    """A stored model, ready to be asked. Not for two threads at once: it remembers what it read last."""

    def __init__(self, shape: Shape, weights: Mapping[str, Floats]) -> None:
        self.shape = shape
        self.table = weights["subword.weight"]
        self.output = np.ascontiguousarray(self.table.T)
        self.norm = weights["norm.weight"]
        self.blocks = [_Block.of(shape, weights, f"blocks.{layer}") for layer in range(shape.layers)]
        half = shape.width // shape.heads // 2
        rates = 10000.0 ** (-np.arange(half) / half)
        angles = np.arange(shape.row + LONGEST)[:, None] * rates
        self.turn = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
        width = shape.width // shape.heads
        room = (shape.layers, shape.heads, shape.row, width)
        self.key, self.value = np.zeros(room, np.float32), np.zeros(room, np.float32)
        self.seen = np.zeros((shape.layers, shape.row + 2, shape.width), np.float32)
        """What every block saw of every token, two places late: nothing stands before the first."""
        self.tokens: list[int] = []
        self.last = np.zeros(shape.width, np.float32)

    def read(self, tokens: Sequence[int]) -> Branches:
        """Read a row from its start; what it has in common with the last one is not read again. Returns the one branch that may
        grow behind it."""
        x, t = self._read(tokens), len(tokens)
        none = np.zeros((self.shape.layers, 1, self.shape.heads, 0, self.key.shape[-1]), np.float32)
        before = self.seen[:, None, t : t + 2]
        return Branches(none, none, before.copy(), self._scored(x[-1:]))

    def told(self, tokens: Sequence[int]) -> Floats:
        """The log probability of what comes after each token of a row, [t, v]."""
        self.tokens = []
        return self._scored(self._read(tokens))

    def _read(self, tokens: Sequence[int]) -> Floats:
        """What is known behind each token that wasn't read before, and behind the last."""
        known = min(_common(self.tokens, tokens), len(tokens) - 1)
        self.tokens = list(tokens)
        p, t = known, len(tokens)
        x = self.table[np.array(tokens[p:], np.int64)] * math.sqrt(self.shape.width)
        after = np.triu(np.full((t - p, t), FAR, np.float32), p + 1)
        turn = self.turn[0][p:t], self.turn[1][p:t]
        for number, block in enumerate(self.blocks):
            seen = self.seen[number]
            y = seen[p + 2 : t + 2] = _normed(x, block.norm)
            y = y + seen[p + 1 : t + 1] * block.before[0] + seen[p:t] * block.before[1]
            query, key, value, gated = block.entered(y)
            q = _turned(_heads(query, self.shape.heads), turn)  # h t d/h
            self.key[number, :, p:t] = _turned(_heads(key, self.shape.heads), turn)
            self.value[number, :, p:t] = _heads(value, self.shape.heads)
            scores = q @ self.key[number, :, :t].transpose(0, 2, 1) + after
            got = _softmax(scores) @ self.value[number, :, :t]
            x = x + block.left(got.transpose(1, 0, 2).reshape(t - p, -1), gated)
        return x

    def grow(self, branches: Branches, of: NDArray[np.int64], tokens: NDArray[np.int64]) -> Branches:
        """Let branches that stand behind the row that was read last grow by a token each: `of` [b] the branch that each comes from,
        which may come several times, `tokens` [b]."""
        t, s = len(self.tokens), branches.key.shape[3]
        key, value, before = branches.key[:, of], branches.value[:, of], branches.before[:, of]
        x = self.table[tokens] * math.sqrt(self.shape.width)
        at = min(t + s, len(self.turn[0]) - 1)
        turn = self.turn[0][at], self.turn[1][at]
        keys: list[Floats] = []
        values: list[Floats] = []
        latest: list[Floats] = []
        for number, block in enumerate(self.blocks):
            y = _normed(x, block.norm)
            latest.append(np.stack((before[number, :, 1], y), axis=1))
            y = y + before[number, :, 1] * block.before[0] + before[number, :, 0] * block.before[1]
            query, new_key, new_value, gated = block.entered(y)
            heads = (len(of), self.shape.heads, -1)
            q = _turned(query.reshape(heads), turn)  # b h d/h
            own_key = np.concatenate((key[number], _turned(new_key.reshape(heads), turn)[:, :, None]), axis=2)
            own_value = np.concatenate((value[number], new_value.reshape(heads)[:, :, None]), axis=2)
            read = (q.transpose(1, 0, 2) @ self.key[number, :, :t].transpose(0, 2, 1)).transpose(1, 0, 2)  # b h t
            own = (own_key @ q[..., None])[..., 0]  # b h s
            share = _softmax(np.concatenate((read, own), axis=-1))
            got = (share[..., :t].transpose(1, 0, 2) @ self.value[number, :, :t]).transpose(1, 0, 2)
            got = got + (share[..., None, t:] @ own_value)[..., 0, :]
            x = x + block.left(got.reshape(len(of), -1), gated)
            keys.append(own_key)
            values.append(own_value)
        return Branches(np.stack(keys), np.stack(values), np.stack(latest), self._scored(x))

    def _scored(self, x: Floats) -> Floats:
        scores = _normed(x, self.norm) @ self.output
        scores -= scores.max(axis=1, keepdims=True)
        return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Branches:
    """What may stand behind a row: `key` and `value` of what each branch has beyond it [layers, b, h, s, d / h], what every block
    saw of its last two tokens, `before` [layers, b, 2, d], and the log probability of what comes next, `scores` [b, v]."""

    key: Floats
    value: Floats
    before: Floats
    scores: Floats


@dataclass(frozen=True)
class _Block:
    norm: Floats
    before: Floats
    enter: Floats
    leave: Floats
    cuts: tuple[int, ...]

    @staticmethod
    def of(shape: Shape, weights: Mapping[str, Floats], name: str) -> _Block:
        d, h = shape.width, shape.hidden
        enter = weights[f"{name}.enter.weight"].copy()
        enter[:d] *= (d // shape.heads) ** -0.5
        return _Block(
            weights[f"{name}.norm.weight"],
            weights[f"{name}.before"],
            np.ascontiguousarray(enter.T),
            np.ascontiguousarray(weights[f"{name}.leave.weight"].T),
            (d, 2 * d, 3 * d, 3 * d + h),
        )

    def entered(self, y: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Query, key, value and what was gated."""
        query, key, value, gate, up = np.split(y @ self.enter, self.cuts, axis=1)
        return query, key, value, np.maximum(gate, 0) * up

    def left(self, seen: Floats, gated: Floats) -> Floats:
        left: Floats = np.concatenate((seen, gated), axis=1) @ self.leave
        return left


def _common(one: Sequence[int], two: Sequence[int]) -> int:
    """How many tokens two rows begin with alike."""
    length = min(len(one), len(two))
    return next((at for at in range(length) if one[at] != two[at]), length)


def _normed(x: Floats, weight: Floats) -> Floats:
    x = x - x.mean(axis=-1, keepdims=True)
    normed: Floats = x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + np.float32(1e-5)) * weight
    return normed


def _heads(x: Floats, heads: int) -> Floats:
    return x.reshape(len(x), heads, -1).transpose(1, 0, 2)


def _turned(x: Floats, turn: tuple[Floats, Floats]) -> Floats:
    one, two = np.split(x, 2, axis=-1)
    cosine, sine = turn
    return np.asarray(np.concatenate((one * cosine - two * sine, one * sine + two * cosine), axis=-1), np.float32)


def _softmax(scores: Floats) -> Floats:
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    scores /= scores.sum(axis=-1, keepdims=True)
    return scores
