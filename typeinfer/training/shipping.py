"""Shipping: the folder of shards that a run learnt from and the folder that it wrote in; a model folder out.

What was fitted for the model comes later, from projects that training never saw. Knows nothing of how weights come about.
"""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
from safetensors import deserialize

from typeinfer.model.checkpoint import CONFIG, TOKENIZER, VOCABULARY, WEIGHTS, Checkpoint, store, widened
from typeinfer.model.config import Config
from typeinfer.model.terms import Vocabulary


def ship(shards: Path, run: Path, folder: Path, card: str) -> Checkpoint:
    """Store what a run made as a model. Raises `OSError` where one of the files is missing."""
    config = msgspec.json.decode((run / CONFIG).read_bytes(), type=Config)
    rules = tuple(json.loads((shards / "meta.json").read_text(encoding="utf-8"))["rules"])
    weights = {
        name: widened(tensor["data"]).reshape(tensor["shape"])
        for name, tensor in deserialize((run / WEIGHTS).read_bytes())
    }
    made = Checkpoint(
        config=msgspec.structs.replace(config, rules=rules),
        vocabulary=Vocabulary.load(shards / VOCABULARY),
        tokenizer=(shards / TOKENIZER).read_text(encoding="utf-8"),
        weights=weights,
        calibration={},
        card=card,
    )
    store(folder, made)
    return made
