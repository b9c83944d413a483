"""GPU: questions about batches in; the types of their slots out, all of it computed where torch reaches a GPU.

Stands in for `processor.Processor`: the same weights, the encoder in bfloat16 over words laid end to end, the head and its search
in float32. Knows nothing of text and of what symbols mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeAlias, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from typeinfer.model.beams import Found, search
from typeinfer.model.config import Config
from typeinfer.model.network import ON_GPUS_SINCE, Batch, TypeModel
from typeinfer.model.runtime import Floats, NoDevice, Question, ShortOfMemory
from typeinfer.model.search import Composed

T = TypeVar("T")
Request: TypeAlias = "Future[Found]"


class Gpu:
    """See `runtime.Computing`. On `device`: `"cuda"` or, to be compared with, `"cpu"`; the encoder in `precision`: `"bf16"`,
    `"f32"`, or None for what the device multiplies fastest.

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
        precision: str | None = None,
    ) -> None:
        if device == "cuda" and not torch.cuda.is_available():
            raise NoDevice("device cuda: torch finds no GPU here; leave the setting out to compute on the processor")
        self.device = torch.device(device)
        is_new = device != "cuda" or torch.cuda.get_device_capability() >= ON_GPUS_SINCE
        encodes_in = torch.bfloat16 if precision == "bf16" or (precision is None and is_new) else torch.float32
        state = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in weights.items()}

        def model(dtype: torch.dtype) -> TypeModel:
            made = TypeModel(config)
            made.load_state_dict(state)
            return made.eval().to(self.device, dtype)

        def load() -> None:
            self.head, self.encoder = model(torch.float32), model(encodes_in)
            self.arity = torch.from_numpy(arity).to(self.device)
            # A GPU that is there may still be none that this torch was built for, or that anybody may use.
            weight = self.encoder.at_places.weight
            (weight @ weight).sum().item()

        # It waits for the GPU where the search does; whoever asks pads the next batch meanwhile.
        self.thread = ThreadPoolExecutor(1, "gpu")
        try:
            self.thread.submit(within_memory, load).result()
        except ShortOfMemory:
            raise
        except RuntimeError as error:
            told = str(error).partition("\n")[0]
            raise NoDevice(
                f"device cuda: torch can't use the GPU ({told}); leave the setting out to compute on the processor"
            ) from None

    def close(self) -> None:
        self.thread.shutdown()
        del self.head, self.encoder
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def start(self, question: Question) -> Request:
        batch = within_memory(lambda: Batch.of(question.batch, self.device))
        sayable = torch.from_numpy(question.sayable).to(self.device)
        return self.thread.submit(within_memory, lambda: self._found(batch, sayable, question.beam))

    def finish(self, request: Request) -> list[Composed]:
        try:
            return composed(request.result())
        finally:
            # Its error would hold this frame, and the frame the error, with all that it came of.
            del request

    def drop(self, request: Request) -> None:
        request.cancel()
        wait([request])

    def _found(self, batch: Batch, sayable: Tensor, beam: int) -> Found:
        with torch.inference_mode():
            lexemes = self.head.lexemes(batch)
            hidden = self.encoder.encode_packed(batch, lexemes.to(self.encoder.norm.weight.dtype)).float()
            slots, names = self.head.slots(batch, hidden), self.head.names(batch, lexemes, hidden)
            found = search(self.head, batch, slots, names, self.arity, sayable, beam)
            return Found(found.scores.cpu(), found.symbols.cpu(), found.beyond.cpu())


def composed(found: Found) -> list[Composed]:
    scores, symbols, beyond = (part.numpy() for part in (found.scores, found.symbols, found.beyond))
    lengths = (symbols >= 0).sum(axis=2).tolist()
    slots = zip(scores.tolist(), symbols.tolist(), lengths, beyond.tolist(), strict=True)
    return [
        Composed(tuple((tuple(type_[:size]), score) for score, type_, size in zip(*of_slot, strict=True) if size), lost)
        for *of_slot, lost in slots
    ]


SHORT = ("out of memory", "ALLOC_FAILED", "CUBLAS_STATUS_NOT_INITIALIZED")
"""What CUDA and cuBLAS say where torch has no word of its own for it."""


def within_memory(compute: Callable[[], T]) -> T:
    """What is computed. Where memory is short for it, that in the words of whoever goes on with less then, or elsewhere."""
    try:
        return compute()
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and all(sign not in str(error) for sign in SHORT):
            raise
    # Not in the handler: the error holds all that was on the device when it came.
    raise ShortOfMemory("the GPU's memory is short")
