"""Shipping: the folder of shards that a run learnt from and the folder that it wrote in; a model folder out.

What is to be believed of the model is fitted later, on projects that training never saw. Knows nothing of how weights come
about.
"""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from safetensors import deserialize

from typeinfer.model.checkpoint import CONFIG, CURVES, TOKENIZER, VOCABULARY, WEIGHTS, Checkpoint, store, widened
from typeinfer.model.config import Config
from typeinfer.model.terms import Vocabulary

META, LOG = "meta.json", "log.jsonl"


def ship(shards: Path, run: Path, folder: Path) -> None:
    """Store what a run made as a model. Raises `OSError` where a file is missing, `ValueError` for one that is no part of it."""
    meta = json.loads((shards / META).read_text(encoding="utf-8"))
    config = msgspec.json.decode((run / CONFIG).read_bytes(), type=Config)
    weights = {
        name: widened(tensor["data"]).reshape(tensor["shape"])
        for name, tensor in deserialize((run / WEIGHTS).read_bytes())
    }
    log = [json.loads(line) for line in (run / LOG).read_text(encoding="utf-8").splitlines()]
    made = Checkpoint(
        config=msgspec.structs.replace(config, rules=tuple(meta["rules"]), reading=meta["reading"]),
        vocabulary=Vocabulary.load(shards / VOCABULARY),
        tokenizer=(shards / TOKENIZER).read_text(encoding="utf-8"),
        weights=weights,
        calibration={},
        card=card(meta, config, weights, log),
        curves=(run / CURVES).read_text(encoding="utf-8"),
    )
    store(folder, made)


CARD = """\
# A type model for Python and TypeScript

Reads a function, class body or module and ranks types for its slots. {parameters:.1f} million weights in bfloat16: an encoder of
{layers} layers of width {width} with messages along the edges of the program graph, and a head that composes types from
{symbols} constructors and pointers at names in scope.

## Data

Published sources of {projects} projects of PyPI and npm, pinned in `benchmarks/corpus.toml`: {splits}. Split by project,
near copies left out; no project that figures are reported on, and no reserved one, is among them. Licences of those that were
learnt from, as they declare them: {licences}; the manifest has each. No source code is part of this folder.

## Training

{steps:,} steps over {words:.1f} million words in {minutes:.0f} minutes ({machine}); energy was not measured. Annotations are
hidden at random, all of them in most units; a slot's own annotation is never seen when it is asked for. To do it again:

    typeinfer train corpus && typeinfer train examples
    typeinfer train run --minutes {minutes:.0f} --out RUN && typeinfer train ship RUN MODEL
    typeinfer evaluate --language python --fit MODEL && typeinfer evaluate --language typescript --fit MODEL

![loss and accuracy while training](curves.svg)

## Figures

The model alone, its first type by greedy search, on {of:,} annotated slots of the corpus's own development projects without any
annotation, measured by the training run itself: {exact:.1f} % exact. On the benchmark's projects, alone and with rules and
checker: `typeinfer evaluate --ranked`, its output in `benchmarks/results/*-ranked.md`; beside its peers: `typeinfer evaluate`,
`benchmarks/results/`.

## Limits

Python leans towards data science and machine learning, TypeScript is a small part. Object types, long tuples and literals that
few projects share can't be composed. Names say much to it: code with names of one letter is read worse. What it says is belief,
not proof; `typeinfer annotate` writes what is probable enough and what the type checker takes.
"""


def card(meta: Mapping[str, Any], config: Config, weights: Mapping[str, Any], log: Sequence[Mapping[str, Any]]) -> str:
    """What a person should know of a model before using it, as Markdown."""
    last, judged = ([line for line in log if key in line][-1] for key in ("loss", "exact"))
    projects = meta["projects"]
    filled = CARD.format(
        parameters=sum(array.size for array in weights.values()) / 1e6,
        layers=config.layers,
        width=config.width,
        symbols=config.symbols,
        projects=sum(map(len, projects.values())),
        splits=", ".join(f"{len(names)} for {split}" for split, names in projects.items()),
        licences=", ".join(f"{name} ({count})" for name, count in Counter(meta["licences"]).most_common(12)),
        steps=last["step"],
        words=last["words"] / 1e6,
        minutes=last["seconds"] / 60,
        machine=meta["machine"],
        of=judged["of"],
        exact=100 * judged["exact"],
    )
    return "\n\n".join(map(_wrapped, filled.rstrip("\n").split("\n\n"))) + "\n"


def _wrapped(paragraph: str) -> str:
    return paragraph if paragraph.startswith(("#", "    ", "![")) else textwrap.fill(paragraph, 120)
