"""Processor: questions about batches in; the types of their slots out, computed on this machine's processor, without torch.

Batches are encoded ahead, each on a thread of its own; the head and its search go on in whoever asks.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from typeinfer.model.config import Config
from typeinfer.model.encoder import Encoder, InferRequest
from typeinfer.model.one_thread import one_thread
from typeinfer.model.runtime import Floats, Question
from typeinfer.model.search import Composed, compose
from typeinfer.model.typehead import TypeHead
from typeinfer.model.units import Padded


class Processor:
    """See `runtime.Computing`. `precision`: `"f32"`, `"bf16"`, or None for what the processor multiplies fastest."""

    def __init__(
        self,
        config: Config,
        weights: Mapping[str, Floats],
        arity: NDArray[np.int64],
        threads: int,
        precision: str | None = None,
    ) -> None:
        self.at_once = threads
        self.arity = arity
        self.subword = weights["subword.weight"]
        self.encoder = Encoder(config, weights, threads, precision)
        # Those of the encoder are in it by now, and two thirds of all.
        rest = {name: array for name, array in weights.items() if not name.startswith("blocks.")}
        # By as many threads here as everywhere: the last bit of a product depends on it.
        with one_thread():
            self.head = TypeHead(config, rest, arity)

    def close(self) -> None:
        """Nothing is held that goes on."""

    def start(self, question: Question) -> tuple[Question, Floats, InferRequest]:
        lexemes = self.lexemes(question.batch)
        return question, lexemes, self.encoder.start(question.batch, lexemes)

    def finish(self, request: tuple[Question, Floats, InferRequest]) -> list[Composed]:
        question, lexemes, encoding = request
        hidden = self.encoder.finish(encoding)
        # The head's products are small: numpy's threads would wait for each other, and for the encoder's, most of the time.
        with one_thread():
            asked = self.head.asked(question.batch, lexemes, hidden)
            return compose(self.head, asked, self.arity, question.sayable, question.beam)

    def drop(self, request: tuple[Question, Floats, InferRequest]) -> None:
        self.encoder.finish(request[2])

    def lexemes(self, batch: Padded) -> Floats:
        """[l, d]: the sum of a lexeme's subwords. Most have one or two of them: the empty places cost nothing."""
        total = self.subword[batch.lexemes[:, 0]]
        for place in range(1, batch.lexemes.shape[1]):
            (more,) = np.nonzero(batch.lexemes[:, place])
            total[more] += self.subword[batch.lexemes[more, place]]
        return total
