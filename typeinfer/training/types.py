"""Types as a task of `training.loop`: shards of units in; the losses of the type model, and how often it is right, out.

Needs nothing of typeinfer but `model` and `training.batches`, so that it runs where no parser is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from typeinfer.model.checkpoint import load
from typeinfer.model.config import Config
from typeinfer.model.folder import TOKENIZER, VOCABULARY
from typeinfer.model.network import Batch, Prefixes, TypeModel, there
from typeinfer.model.prefixes import Open
from typeinfer.model.terms import Vocabulary
from typeinfer.training.batches import META, Data, Example, Feed
from typeinfer.training.loop import Run, main, recalled, rows_of

# r right answer; n slot


class Types:
    """The task. A batch asks for hidden words first and for types then."""

    phases = ("words", "types")

    def __init__(self, run: Run, ranks: int) -> None:
        data = Data.load(run.data)
        self.shards = run.data
        self.config = msgspec.convert({**data.shape, **dict(run.shape)}, Config)
        self.feed = Feed(data, run.words // ranks, run.seed, ranks, self.config.steps, self.config.arity)
        self.counts = 3 * (self.config.slot_kinds + self.config.languages)

    def build(self) -> TypeModel:
        return TypeModel(self.config)

    def recall(self, model: TypeModel, folder: Path) -> None:
        stored, shards = load(folder), self.shards
        reading = json.loads((shards / META).read_text(encoding="utf-8"))["reading"]
        if stored.config.reading != reading:
            raise ValueError(f"{folder}: reads otherwise than {shards} were made for; train without --start-from")
        subwords = rows_of(stored.tokenizer), rows_of((shards / TOKENIZER).read_text(encoding="utf-8"))
        symbols = stored.vocabulary.number, Vocabulary.load(shards / VOCABULARY).number
        tables = {"subword.weight": subwords, "symbol.weight": symbols, "symbol_bias": symbols}
        recalled(model, stored.weights, tables)

    def batch(self, number: int, pretraining: bool) -> Example:
        return self.feed.batch(number, pretraining)

    def loss(self, model: TypeModel, batch: Example, device: torch.device) -> Tensor:
        return loss_of(model, batch, device)

    def unlearnt(self, gradients: dict[str, Tensor]) -> None:
        # Padding is no subword, though the head that guesses words could guess it.
        gradients["subword.weight"][0].zero_()

    def development(self, words: int) -> list[Example]:
        return list(self.feed.development(words))

    def counted(self, model: TypeModel, batches: Sequence[Example], device: torch.device) -> NDArray[np.float64]:
        """Greedy exact match over whole types of slots that a person annotated, everything hidden and bare."""
        kinds, languages, symbols = self.config.slot_kinds, self.config.languages, self.config.symbols
        counts = np.zeros((kinds + languages, 3))
        for example in batches:
            padded = example.padded
            found = decoded(model, example, self.feed.data.arity, device)
            scored = np.stack((np.ones(len(found)), hits(found, example, symbols), found[:, 0] >= symbols), axis=1)
            np.add.at(counts, padded.slot_kind, scored)
            np.add.at(counts, kinds + padded.language[padded.slot_unit], scored)
        return counts.reshape(-1)

    def told(self, counts: NDArray[np.float64]) -> dict[str, Any]:
        kinds, counts = self.config.slot_kinds, counts.reshape(-1, 3)
        asked, right, pointing = counts[:kinds].sum(axis=0)
        shares = (counts[:, 1] / np.maximum(counts[:, 0], 1)).round(4).tolist()
        return {
            "exact": round(right / max(asked, 1), 4),
            "of": int(asked),
            "pointing": round(pointing / max(asked, 1), 4),
            "by_kind": shares[:kinds],
            "by_language": shares[kinds:],
        }


def prefixes_of(device: torch.device, *parts: NDArray[np.int64]) -> Prefixes:
    return Prefixes(*(there(part, device) for part in parts))


def loss_of(model: TypeModel, example: Example, device: torch.device) -> Tensor:
    """The sum of the losses of all that a batch asks for."""
    batch = Batch.of(example.padded, device)
    lexemes = model.lexemes(batch)
    hidden = model.encode(batch, lexemes)
    if len(example.hidden):
        were = there(example.were, device)
        scores = model.hidden_words(hidden[there(example.hidden, device)]).gather(1, were)
        known = were > 0
        # Every word counts once, however many subwords it has.
        return -((scores * known).sum(dim=1) / known.sum(dim=1).clamp(min=1)).sum()
    names = model.names(batch, lexemes, hidden)
    answers = example.answers
    prefixes = prefixes_of(device, answers.slot, answers.symbols, answers.parent, answers.place)
    scores = model.scores(batch, model.slots(batch, hidden), names, prefixes)
    right = there(np.stack((answers.label, answers.pointer), axis=1), device)
    # A type is right however it is said: by the vocabulary, or by a name in scope.
    found = scores.gather(1, right.clamp(min=0)).masked_fill(right < 0, -1e9)
    return -(found.logsumexp(dim=1) * there(answers.weight, device)).sum()


@torch.no_grad()
def decoded(model: TypeModel, example: Example, arity: NDArray[np.int64], device: torch.device) -> NDArray[np.int64]:
    """The likeliest next symbol, one after the other: [n, k] columns of the scores, -1 behind the end."""
    batch = Batch.of(example.padded, device)
    lexemes = model.lexemes(batch)
    hidden = model.encode(batch, lexemes)
    names, slots = model.names(batch, lexemes, hidden), model.slots(batch, hidden)
    config, padded = model.config, example.padded
    n, k = padded.labels.shape
    found, fed = np.full((n, k), -1, np.int64), np.full((n, k), -1, np.int64)
    grown, going = Open.start(n, k), np.arange(n)
    for step in range(k):
        if not len(going):
            break
        place = np.minimum(grown.place()[going], config.arity)
        prefixes = prefixes_of(device, going, fed[going], grown.parent()[going], place)
        scores = model.scores(batch, slots, names, prefixes)
        # That a type can't be composed is never an answer, though it may be the likeliest.
        chosen = (scores[:, 1:].argmax(dim=1) + 1).cpu().numpy()
        pointing = chosen >= config.symbols
        name = padded.scope[padded.slot_unit[going], np.where(pointing, chosen - config.symbols, 0)]
        found[going, step] = chosen
        fed[going, step] = np.where(pointing, config.symbols + name, chosen)
        symbols, taking = np.zeros(n, np.int64), np.zeros(n, np.int64)
        symbols[going], taking[going] = (
            fed[going, step],
            np.where(pointing, 0, arity[np.minimum(chosen, len(arity) - 1)]),
        )
        grown = grown.after(symbols, taking)
        going = going[grown.depth[going] > 0]
    return found


def hits(found: NDArray[np.int64], example: Example, symbols: int) -> NDArray[np.bool_]:
    """[n]: whether the whole type is the one that was written, said either way."""
    labels, pointers = example.padded.labels, example.padded.pointers
    same = ((found == labels) & (labels >= 0)) | ((found == symbols + pointers) & (pointers >= 0))
    right: NDArray[np.bool_] = (same | (labels == -2)).all(axis=1)
    return right


if __name__ == "__main__":
    main(__doc__ or "", Types, Config)
