"""The language model as torch has it, and what it learns: flat texts in; the loss of the next token, given what comes later, out.

A row is what completion asks with: an outline of the file, what stands behind the place, what stands before it, and then what is to
be written (fill in the middle, Bavarian et al. 2022). Every block sees, beside its own token, a mixture of the two before: what was
seen once is then found again by one layer instead of two (Allen-Zhu 2025). `completion/lm.py` computes the same without torch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from typeinfer.completion.lm import Shape, load
from typeinfer.completion.tokens import END, LANGUAGE, MIDDLE, NOTHING, OUTLINE, PREFIX, SUFFIX
from typeinfer.model.network import Mixing, looked_up, there, turns
from typeinfer.training.loop import Run, main, recalled, rows_of
from typeinfer.training.texts import META, TOKENIZER, Texts

# b row, t token, d width, h head, v vocabulary

MOST_OF_PROJECT = 400_000
"""Tokens of one project up to which its files are drawn by their length: ten of 469 have a third of all tokens."""

LONGEST_MIDDLE = 64

WITHOUT_OUTLINE, WITHOUT_SUFFIX = 0.1, 0.1
"""Shares of the rows that lack them, as the first line of a file and its last do."""


class Block(Mixing):
    """A mixing that sees, beside its input, the two before it."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape.width, shape.hidden, shape.heads)
        self.before = nn.Parameter(torch.zeros(2, shape.width))

    # pyrefly: ignore [missing-override-decorator]
    def forward(self, x: Tensor, mask: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        """`x` [b, t, d]; `mask` [t, t], added to the scores."""
        b, t, d = x.shape
        y = self.norm(x)
        y = y + F.pad(y, (0, 0, 1, 0))[:, :t] * self.before[0] + F.pad(y, (0, 0, 2, 0))[:, :t] * self.before[1]
        return self.mixed(x, y.view(b * t, d), mask, turn).view(b, t, d)


class Decoder(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.subword = nn.Embedding(shape.vocabulary, shape.width)
        blocks = [Block(shape) for _ in range(shape.layers)]
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(shape.width, bias=False)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=1 / math.sqrt(module.in_features))
        with torch.no_grad():
            nn.init.normal_(self.subword.weight, std=1 / math.sqrt(shape.width))
            # What is read is what is written, and no token is its own likeliest successor.
            self.norm.weight.fill_(1 / math.sqrt(shape.heads * shape.layers))
            for block in blocks:
                block.leave.weight.mul_(1 / math.sqrt(2 * shape.layers))

    # pyrefly: ignore [missing-override-decorator]
    def forward(self, tokens: Tensor) -> Tensor:
        """What is known behind every token, [b, t, d]."""
        t = tokens.shape[1]
        x = looked_up(self.subword.weight, tokens) * math.sqrt(self.shape.width)
        mask = torch.full((t, t), -1e9, dtype=x.dtype, device=x.device).triu(1)
        turn = turns(t, self.shape.width // self.shape.heads, x)
        for block in self.blocks:
            x = block(x, mask, turn)
        normed: Tensor = self.norm(x)
        return normed

    def scores(self, hidden: Tensor) -> Tensor:
        """[.., v], not normalised."""
        return hidden @ self.subword.weight.T


# --- what is learnt from --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rows:
    """`tokens` [b, t] and of each, whether it is to be guessed from those before it, `asked` [b, t]."""

    tokens: NDArray[np.int64]
    asks: NDArray[np.bool_]

    @property
    def asked(self) -> float:
        return float(self.asks.sum())

    @property
    def words(self) -> int:
        return int((self.tokens != NOTHING).sum())


class Reader:
    """Rows of texts, as completion asks with them."""

    def __init__(self, texts: Texts, shape: Shape) -> None:
        self.texts, self.shape = texts, shape
        lengths = np.diff(texts.token_of)
        of_project = np.bincount(texts.project, weights=lengths)
        share = np.minimum(1, MOST_OF_PROJECT / np.maximum(of_project, 1))
        weights = lengths * share[texts.project]
        self.until = np.cumsum(weights / weights.sum())

    def row(self, random: np.random.Generator) -> tuple[list[int], list[bool]]:
        texts, shape = self.texts, self.shape
        file = min(int(np.searchsorted(self.until, random.random())), len(texts) - 1)
        first, last = int(texts.token_of[file]), int(texts.token_of[file + 1])
        n = last - first
        room = shape.row - shape.outline - shape.suffix - 5
        start = max(0, int(random.integers(-room // 4, max(1, n - room // 2))))
        stop = min(n, start + room)
        token = texts.token
        row, asks = [LANGUAGE + int(texts.language[file])], [False]
        if random.random() >= WITHOUT_OUTLINE:
            outline = self.outline(file, start, stop)
            row += [OUTLINE, *outline]
            asks += [False] * (1 + len(outline))
        if random.random() >= WITHOUT_SUFFIX:
            suffix = token[first + stop : min(last, first + stop + shape.suffix)].tolist()
            row += [SUFFIX, *suffix]
            asks += [False, *([True] * len(suffix))]
        middle = int(random.integers(1, LONGEST_MIDDLE + 1))
        middle = min(middle, stop - start)
        before = token[first + start : first + stop - middle].tolist()
        row += [PREFIX, *before, MIDDLE, *token[first + stop - middle : first + stop].tolist(), END]
        asks += [False, *([True] * len(before)), False, *([True] * middle), True]
        return row, asks

    def outline(self, file: int, start: int, stop: int) -> list[int]:
        texts = self.texts
        lines = range(int(texts.line_of[file]), int(texts.line_of[file + 1]))
        told = [
            (int(texts.line_at[at]), bool(texts.line_import[at]), texts.word[texts.word_of[at] : texts.word_of[at + 1]].tolist())
            for at in lines
        ]  # fmt: skip
        return self.shape.outlined(told, start, stop)

    def rows(self, count: int, random: np.random.Generator) -> Rows:
        made = [self.row(random) for _ in range(count)]
        longest = max(len(row) for row, _ in made)
        tokens = np.full((count, longest), NOTHING, np.int64)
        asks = np.zeros((count, longest), bool)
        for at, (row, asked) in enumerate(made):
            tokens[at, : len(row)] = row
            asks[at, : len(row)] = asked
        return Rows(tokens, asks)


# --- the task -----------------------------------------------------------------------------------------------------------


class Decoding:
    """The task of `training.loop`: every row asks for each of its tokens but those of the outline."""

    phases = ("tokens", "tokens")
    counts = 3 + 2 * 2

    def __init__(self, run: Run, ranks: int) -> None:
        """Raises `FileNotFoundError`."""
        self.texts = run.data
        texts = Texts.load(run.data, "train")
        meta = json.loads((run.data / META).read_text(encoding="utf-8"))
        self.config = msgspec.convert({"vocabulary": meta["vocabulary"], **dict(run.shape)}, Shape)
        self.rows = max(1, run.words // ranks // self.config.row)
        self.seed = run.seed
        self.reader = Reader(texts, self.config)
        self.judged = Reader(Texts.load(run.data, "development"), self.config)

    def build(self) -> Decoder:
        return Decoder(self.config)

    def recall(self, model: Decoder, folder: Path) -> None:
        stored = load(folder)
        tokens = rows_of(stored.tokenizer), rows_of((self.texts / TOKENIZER).read_text(encoding="utf-8"))
        recalled(model, stored.weights, {"subword.weight": tokens})

    def batch(self, number: int, pretraining: bool) -> Rows:
        return self.reader.rows(self.rows, np.random.default_rng((self.seed, number)))

    def loss(self, model: Decoder, batch: Rows, device: torch.device) -> Tensor:
        scores, right = self._asked(model, batch, device)
        return F.cross_entropy(scores, right, reduction="sum")

    def unlearnt(self, gradients: dict[str, Tensor]) -> None:
        gradients["subword.weight"][NOTHING].zero_()

    def development(self, words: int) -> list[Rows]:
        return [
            self.judged.rows(self.rows, np.random.default_rng((0, number)))
            for number in range(max(2, words // self.config.row // self.rows))
        ]

    @torch.no_grad()
    def counted(self, model: Decoder, batches: Sequence[Rows], device: torch.device) -> NDArray[np.float64]:
        """Tokens asked for, guessed right, and the sum of their losses; the first two by language."""
        counts = np.zeros(self.counts)
        for batch in batches:
            scores, right = self._asked(model, batch, device)
            hit = (scores.argmax(dim=1) == right).cpu().numpy()
            loss = F.cross_entropy(scores, right, reduction="sum").item()
            counts[:3] += (len(hit), hit.sum(), loss)
            language = np.repeat(batch.tokens[:, 0] - LANGUAGE, batch.asks.sum(axis=1))
            np.add.at(counts, 3 + 2 * language, 1)
            np.add.at(counts, 4 + 2 * language, hit)
        return counts

    def told(self, counts: NDArray[np.float64]) -> dict[str, Any]:
        asked, right, loss = counts[:3]
        return {
            "exact": round(right / max(asked, 1), 4),
            "of": int(asked),
            "nats": round(loss / max(asked, 1), 4),
            "by_language": (counts[4::2] / np.maximum(counts[3::2], 1)).round(4).tolist(),
        }

    def _asked(self, model: Decoder, batch: Rows, device: torch.device) -> tuple[Tensor, Tensor]:
        """Of all tokens that are asked for the scores [n, v], and which is right [n]."""
        tokens = there(batch.tokens, device)
        asks = there(batch.asks, device)
        hidden = model(tokens)
        return model.scores(hidden[:, :-1][asks[:, 1:]]).float(), tokens[:, 1:][asks[:, 1:]]


if __name__ == "__main__":
    main(__doc__ or "", Decoding, Shape)
