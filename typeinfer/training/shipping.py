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

from typeinfer.completion.lm import Shape, Stored, Trust
from typeinfer.model.checkpoint import Checkpoint, store, widened
from typeinfer.model.config import Config
from typeinfer.model.folder import CONFIG, CURVES, TOKENIZER, VOCABULARY, WEIGHTS
from typeinfer.model.terms import Vocabulary

META, LOG = "meta.json", "log.jsonl"


def ship(shards: Path, run: Path, folder: Path) -> None:
    """Store what a run made as a model. Raises `OSError` where a file is missing, `ValueError` for one that is no part of it."""
    meta, log, weights = _made(shards, run)
    config = msgspec.json.decode((run / CONFIG).read_bytes(), type=Config)
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


def lines_of(texts: Path, run: Path) -> Stored:
    """The language model that a run made, before it is known what it is to be trusted with. Raises as `ship`."""
    meta, log, weights = _made(texts, run)
    shape = msgspec.json.decode((run / CONFIG).read_bytes(), type=Shape)
    last, judged = [line for line in log if "loss" in line][-1], _judged(log)
    card = LINES_CARD.format(
        parameters=sum(array.size for array in weights.values()) / 1e6,
        layers=shape.layers,
        width=shape.width,
        row=shape.row,
        vocabulary=shape.vocabulary,
        minutes=last["seconds"] / 60,
        exact=100 * judged["exact"],
        of=judged["of"],
        nats=judged["nats"],
        **_told_of(meta, log),
    )
    curves = (run / CURVES).read_text(encoding="utf-8")
    return Stored(shape, (texts / TOKENIZER).read_text(encoding="utf-8"), weights, Trust(), _filled(card), curves)


def _made(data: Path, run: Path) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]:
    """What a run learnt from, its log and its weights. Raises `FileNotFoundError` where one of them isn't there yet."""
    if not (data / META).is_file():
        raise FileNotFoundError(f"{data / META}: not found; name the folder that was learnt from: --data FOLDER")
    if not (run / WEIGHTS).is_file():
        raise FileNotFoundError(f"{run / WEIGHTS}: not found; a run writes it when it is over")
    meta = json.loads((data / META).read_text(encoding="utf-8"))
    log = [json.loads(line) for line in (run / LOG).read_text(encoding="utf-8").splitlines()]
    stored = deserialize((run / WEIGHTS).read_bytes())
    return meta, log, {name: widened(tensor["data"]).reshape(tensor["shape"]) for name, tensor in stored}


LINES_CARD = """\
# A language model of lines of Python and TypeScript

Says which token comes next in code, given what stands before and behind and an outline of the file. {parameters:.1f}
million weights in bfloat16: a decoder of {layers} layers of width {width} over {vocabulary} tokens, {row} of them at
once. `typeinfer complete --line` and the grey text of an editor are drawn from it, mixed with what the project wrote
elsewhere, and it has a say in lists of members.

## Data

Published sources of {projects} projects of PyPI and npm, pinned in `benchmarks/corpus.toml`: {splits}. Split by
project, near copies left out; no project that figures are reported on, and no reserved one, is among them. Comments
are left out, of documentation all but its first line. Licences of those that were learnt from, as they declare them:
{licences}; the manifest has each. No source code is part of this folder.

## Training

{steps:,} steps over {words:.1f} million tokens in {minutes:.0f} minutes ({machine}){origin}; energy was not measured.
To do it again:

    typeinfer train corpus && typeinfer train texts
    typeinfer train decoder {start}--minutes {minutes:.0f} --out RUN && typeinfer train lines RUN MODEL

![loss and share of tokens guessed right while training](curves.svg)

## Figures

On {of:,} tokens of the corpus's own development projects: {exact:.1f} % are guessed right at once, {nats:.2f} nats a
token, measured by the training run itself. What it does for lines and members: `benchmarks/lines.py`,
`benchmarks/completions.py` and their results.

## Limits

It is small and has seen each token at most once: it knows how code goes on, and little of what it is about. What it
writes may be wrong, and may resemble what it was trained on. Nothing is shown that can't be parsed in its place or
that the checker objects to; that is no proof that it is meant.
"""


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

{steps:,} steps over {words:.1f} million words in {minutes:.0f} minutes ({machine}){origin}; energy was not measured. Annotations
are hidden at random, all of them in most units; a slot's own annotation is never seen when it is asked for. To do it again:

    typeinfer train corpus && typeinfer train examples
    typeinfer train run {start}--minutes {minutes:.0f} --out RUN && typeinfer train ship RUN MODEL
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
    last, judged = [line for line in log if "loss" in line][-1], _judged(log)
    filled = CARD.format(
        parameters=sum(array.size for array in weights.values()) / 1e6,
        layers=config.layers,
        width=config.width,
        symbols=config.symbols,
        minutes=last["seconds"] / 60,
        of=judged["of"],
        exact=100 * judged["exact"],
        **_told_of(meta, log),
    )
    return _filled(filled)


def _judged(log: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """What was found of the weights that a run kept: of its last and their running mean the better."""
    return max((line for line in log if "final" in line), key=lambda line: line["exact"])


def _told_of(meta: Mapping[str, Any], log: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What every card says of the data and the run."""
    projects = meta["projects"]
    last = [line for line in log if "words" in line][-1]
    before = log[0].get("start_from")
    return {
        "projects": sum(map(len, projects.values())),
        "splits": ", ".join(f"{len(names)} for {split}" for split, names in projects.items()),
        "licences": ", ".join(f"{name} ({count})" for name, count in Counter(meta["licences"]).most_common(12)),
        "steps": last["step"],
        "words": last["words"] / 1e6,
        "machine": meta["machine"],
        "origin": f", from the weights of BEFORE, the model whose `checksums.json` has SHA-256 {before}"
        if before
        else "",
        "start": "--start-from BEFORE " if before else "",
    }


def _filled(card: str) -> str:
    return "\n\n".join(map(_wrapped, card.rstrip("\n").split("\n\n"))) + "\n"


def _wrapped(paragraph: str) -> str:
    return paragraph if paragraph.startswith(("#", "    ", "![")) else textwrap.fill(paragraph, 120)
