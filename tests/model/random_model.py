"""A type model with random weights, small enough for tests. Needs no torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from typeinfer.model.checkpoint import Checkpoint, narrowed, shapes, widened
from typeinfer.model.config import Config
from typeinfer.model.terms import Symbol, Vocabulary

SMALL = Config(
    subwords=50, symbols=12, roles=5, relations=4, slot_kinds=3, name_kinds=4, languages=2,
    width=16, layers=3, heads=2, hidden=24, message=8, steps=5, arity=3,
)  # fmt: skip
ARITY = [0, 2, 3, 0, 0, 1, 1, 2, 0, 0, 4, 0]
"""Of the symbols of `SMALL`; 0 is the type that can't be composed."""


def vocabulary() -> Vocabulary:
    return Vocabulary(tuple(Symbol(f"S{number}", arity, ("python",)) for number, arity in enumerate(ARITY)))


def weights(config: Config, seed: int) -> dict[str, NDArray[np.float32]]:
    """Numbers that bfloat16 holds exactly, of a size that keeps a signal alive through the layers."""
    random = np.random.default_rng(seed)
    found = {}
    for name, shape in shapes(config).items():
        scale = 0.5 if len(shape) < 2 or "relation" in name else 1.2 / np.sqrt(shape[-1])
        drawn = random.normal(1.0 if name.endswith("norm.weight") or name == "step" else 0.0, scale, shape)
        if name == "subword.weight":
            drawn[0] = 0
        found[name] = widened(narrowed(drawn.astype(np.float32)).tobytes()).reshape(shape)
    return found


def random_model(config: Config = SMALL, seed: int = 0) -> Checkpoint:
    names = Vocabulary((*vocabulary().symbols, *(Symbol(f"T{n}", n % 3, ()) for n in range(config.symbols))))
    return Checkpoint(
        config,
        Vocabulary(names.symbols[: config.symbols]),
        tokenizer='{"model": {}}',
        weights=weights(config, seed),
        calibration={"temperature": 1.5},
        card="# Random\n\nNo use but for tests: naïve.\n",
        curves='<svg xmlns="http://www.w3.org/2000/svg"/>\n',
    )
