"""GPU: questions about batches in; the types of their slots out, all of it computed where torch reaches a GPU.

Stands in for `processor.Processor`: the same weights, the encoder in bfloat16 over words laid end to end, the head and its search
in float32. Knows nothing of text and of what symbols mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

from typeinfer.model.beams import Found, search
from typeinfer.model.config import Config
from typeinfer.model.network import Batch, TypeModel
from typeinfer.model.runtime import Floats, NoDevice, Question, ShortOfMemory
from typeinfer.model.search import Composed


class Gpu:
    """See `runtime.Computing`. On `device`: `"cuda"` or, to be compared with, `"cpu"`; the encoder in `precision`: `"bf16"` or
    `"f32"`.

    Raises `NoDevice`.
    """

    at_once = 2
    """While one is computed the next is prepared and sent."""

    def __init__(
        self,
        config: Config,
        weights: Mapping[str, Floats],
        arity: NDArray[np.int64],
        device: str,
        precision: str = "bf16",
    ) -> None:
        if device == "cuda" and not torch.cuda.is_available():
            raise NoDevice("device cuda: torch finds no GPU here; leave the setting out to compute on the processor")
        self.device = torch.device(device)
        state = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in weights.items()}

        def model(dtype: torch.dtype) -> TypeModel:
            made = TypeModel(config)
            made.load_state_dict(state)
            return made.eval().to(self.device, dtype)

        with told():
            self.head = model(torch.float32)
            self.encoder = model(torch.bfloat16 if precision == "bf16" else torch.float32)
            self.arity = torch.from_numpy(arity).to(self.device)
        # It waits for the GPU where the search does; whoever asks pads the next batch meanwhile.
        self.thread = ThreadPoolExecutor(1, "gpu")

    def close(self) -> None:
        self.thread.shutdown()
        del self.head, self.encoder
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def start(self, question: Question) -> Future[list[Composed]]:
        return self.thread.submit(self._answer, question)

    def finish(self, request: Future[list[Composed]]) -> list[Composed]:
        return request.result()

    def drop(self, request: Future[list[Composed]]) -> None:
        request.cancel()
        wait([request])

    def _answer(self, question: Question) -> list[Composed]:
        with told(), torch.inference_mode():
            batch = Batch.of(question.batch, self.device)
            lexemes = self.head.lexemes(batch)
            hidden = self.encoder.encode_packed(batch, lexemes.to(self.encoder.norm.weight.dtype)).float()
            slots, names = self.head.slots(batch, hidden), self.head.names(batch, lexemes, hidden)
            sayable = torch.from_numpy(question.sayable).to(self.device)
            return composed(search(self.head, batch, slots, names, self.arity, sayable, question.beam))


def composed(found: Found) -> list[Composed]:
    scores, symbols, beyond = (part.cpu().numpy() for part in (found.scores, found.symbols, found.beyond))
    lengths = (symbols >= 0).sum(axis=2).tolist()
    slots = zip(scores.tolist(), symbols.tolist(), lengths, beyond.tolist(), strict=True)
    return [
        Composed(tuple((tuple(type_[:size]), score) for score, type_, size in zip(*of_slot, strict=True) if size), lost)
        for *of_slot, lost in slots
    ]


SHORT = ("out of memory", "ALLOC_FAILED")
"""What CUDA and cuBLAS say where torch has no word of its own for it."""


@contextmanager
def told() -> Iterator[None]:
    """Memory that is short, in the words of whoever computes elsewhere then."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError) or any(sign in str(error) for sign in SHORT):
            raise ShortOfMemory("the GPU's memory is short") from None
        raise
