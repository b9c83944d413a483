"""Torch encoder: the words of units and the edges between them in; every word in its surroundings out, computed on a GPU.

Stands in for `encoder.Encoder` where there is a device that torch reaches; the same weights, in bfloat16. Knows nothing of slots
and of types.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from typeinfer.model.config import Config
from typeinfer.model.network import Batch, TypeModel
from typeinfer.model.runtime import Floats, NoDevice, ShortOfMemory
from typeinfer.model.units import Padded


class TorchEncoder:
    """An encoder on `device`: `"cuda"` or, to be compared with, `"cpu"`. `precision`: `"bf16"` or `"f32"`.

    Raises `NoDevice`, and all of it `ShortOfMemory`.
    """

    def __init__(self, config: Config, weights: Mapping[str, Floats], device: str, precision: str = "bf16") -> None:
        if device == "cuda" and not torch.cuda.is_available():
            raise NoDevice("device cuda: torch finds no GPU here; leave the setting out to compute on the processor")
        self.device = torch.device(device)
        model = TypeModel(config)
        model.load_state_dict({name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in weights.items()})
        with told():
            self.model = model.eval().to(self.device, torch.bfloat16 if precision == "bf16" else torch.float32)

    def close(self) -> None:
        """Hand back what it holds of the device."""
        del self.model
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def start(self, batch: Padded, lexemes: Floats) -> Tensor:
        """Begin; the device works on while the caller goes on. `lexemes` [l, d]"""
        with told(), torch.inference_mode():
            summed = torch.from_numpy(lexemes).to(self.device, self.model.norm.weight.dtype)
            return self.model.encode(Batch.of(batch, self.device), summed)

    def finish(self, request: Tensor) -> Floats:
        """The words in their surroundings, [b * t, d], in float32 and back on the processor, where the head goes on."""
        with told():
            hidden: Floats = request.float().cpu().numpy()
        return hidden


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
