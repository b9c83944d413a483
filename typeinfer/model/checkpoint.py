"""Checkpoint: a folder in; the model that it holds, every file of it proven to be the one that was stored, out; and back.

`models/<name>/` holds `config.json`, `vocabulary.json`, `tokenizer.json`, `weights.safetensors` (bfloat16), `calibration.json`,
`CARD.md` and `curves.svg`, with the SHA-256 of each in `checksums.json`. Knows nothing of what computes with the weights: arrays
are numpy's, so that neither those who read a model nor those who write one need torch here.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import msgspec
import numpy as np
import safetensors
from numpy.typing import NDArray

from typeinfer.model.config import Config
from typeinfer.model.folder import (
    CALIBRATION,
    CARD,
    CHECKSUMS,
    CONFIG,
    CURVES,
    FILES,
    OTHER_VERSION,
    REMEDY,
    TOKENIZER,
    VOCABULARY,
    WEIGHTS,
    NoModel,
    read,
)
from typeinfer.model.terms import Vocabulary

Weights: TypeAlias = "Mapping[str, NDArray[np.float32]]"

T = TypeVar("T")


@dataclass(frozen=True)
class Checkpoint:
    """A trained model. `tokenizer` is its `tokenizer.json` as text; `calibration` is whatever was fitted, as JSON has it."""

    config: Config
    vocabulary: Vocabulary
    tokenizer: str
    weights: Weights
    """By the names of `network.TypeModel`; what `store` writes is rounded to bfloat16."""
    calibration: Mapping[str, Any]
    card: str
    curves: str
    """How loss and accuracy went in training, as SVG."""


def shapes(config: Config) -> dict[str, tuple[int, ...]]:
    """The arrays that a model of this shape is made of, by their names in `network.TypeModel`."""
    d, h, m = config.width, config.hidden, config.message
    found: dict[str, tuple[int, ...]] = {
        "subword.weight": (config.subwords, d),
        "role.weight": (config.roles, d),
        "tongue.weight": (config.languages, d),
        "norm.weight": (d,),
        "slot_kind.weight": (config.slot_kinds, d),
        "name_kind.weight": (config.name_kinds, d),
        "name_norm.weight": (d,),
        "symbol.weight": (config.symbols, d),
        "symbol_bias": (config.symbols,),
        "step": (config.steps, d),
        "place.weight": (config.arity + 1, d),
        "state_norm.weight": (d,),
        "widen.weight": (2 * d, d),
        "widen.bias": (2 * d,),
        "narrow.weight": (d, 2 * d),
        "score_norm.weight": (d,),
        "score_norm.bias": (d,),
        "name_bias.weight": (config.name_kinds, 1),
        "guess.weight": (d, d),
        "guess.bias": (d,),
    }
    for name in ("at_definition", "at_places", "of_name", "of_members", "of_mentions", "parent"):
        found[f"{name}.weight"] = (d, d)
    for layer in range(config.layers):
        block = f"blocks.{layer}"
        found[f"{block}.norm.weight"] = (d,)
        found[f"{block}.enter.weight"] = (3 * d + 2 * h, d)
        found[f"{block}.leave.weight"] = (d, d + h)
        if config.sends(layer):
            found[f"{block}.send.weight"] = (m, d)
            found[f"{block}.relation"] = (config.relations, m)
            found[f"{block}.receive.weight"] = (d, m)
    return found


def load(folder: Path) -> Checkpoint:
    """The model stored in `folder`. Raises `NoModel`."""
    content = proven(folder, FILES)
    # What stands in the files is what was stored; whether this version of typeinfer can use it is another matter.
    config = decoded(folder / CONFIG, content[CONFIG], Config, "the shape of another kind of model")
    try:
        vocabulary = Vocabulary.load(folder / VOCABULARY)
    except (KeyError, TypeError, ValueError) as error:
        raise NoModel(f"{folder / VOCABULARY}: is no vocabulary ({error}); {OTHER_VERSION}") from None
    if len(vocabulary.symbols) != config.symbols:
        counted = f"{len(vocabulary.symbols)} symbols where {CONFIG} says {config.symbols}"
        raise NoModel(f"{folder / VOCABULARY}: has {counted}; {OTHER_VERSION}")
    calibration = decoded(folder / CALIBRATION, content[CALIBRATION], dict[str, Any], "no calibration")
    tokenizer = tokenizer_of(folder / TOKENIZER, content[TOKENIZER])
    weights = weights_of(folder / WEIGHTS, content[WEIGHTS], shapes(config))
    card, curves = (content[name].decode(errors="replace") for name in (CARD, CURVES))
    return Checkpoint(config, vocabulary, tokenizer, weights, calibration, card, curves)


def proven(folder: Path, names: Sequence[str]) -> dict[str, bytes]:
    """The files of a model folder, each as its checksum says. Raises `NoModel`."""
    if not folder.is_dir():
        others = sorted(path.parent.name for path in folder.parent.glob(f"*/{CHECKSUMS}"))
        raise NoModel(f"{folder}: no such model; there are: {', '.join(others) or 'none'}")
    content = {name: read(folder / name) for name in (CHECKSUMS, *names)}
    try:
        expected = msgspec.json.decode(content[CHECKSUMS], type=dict[str, str])
    except msgspec.MsgspecError as error:
        raise NoModel(f"{folder / CHECKSUMS}: is no list of checksums ({error}); {REMEDY}") from None
    for name in names:
        if sha256(content[name]).hexdigest() != expected.get(name):
            raise NoModel(f"{folder / name}: is not the file that {CHECKSUMS} was written for; {REMEDY}")
    return content


def decoded(path: Path, content: bytes, kind: type[T], otherwise: str) -> T:
    """A file of JSON as what it should hold. Raises `NoModel`, which says that it is what is `otherwise`."""
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.MsgspecError as error:
        raise NoModel(f"{path}: is {otherwise} ({error}); {OTHER_VERSION}") from None


def tokenizer_of(path: Path, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise NoModel(f"{path}: is no tokenizer ({error}); {OTHER_VERSION}") from None


def weights_of(path: Path, raw: bytes, expected: Mapping[str, tuple[int, ...]]) -> Weights:
    """The arrays of a file of these shapes. Raises `NoModel`."""
    try:
        stored = dict(safetensors.deserialize(raw))
    except safetensors.SafetensorError as error:
        raise NoModel(f"{path}: is no file of weights ({error}); {REMEDY}") from None
    for name in expected.keys() | stored.keys():
        tensor = stored.get(name)
        found = None if tensor is None else (tensor["dtype"], tuple(tensor["shape"]))
        wanted = ("BF16", expected[name]) if name in expected else None
        if found != wanted:
            told = f"{name} is {_described(found)} and should be {_described(wanted)}"
            raise NoModel(f"{path}: {told}; {OTHER_VERSION}")
    return {name: widened(stored[name]["data"]).reshape(shape) for name, shape in expected.items()}


def _described(array: tuple[str, tuple[int, ...]] | None) -> str:
    return "absent" if array is None else f"{array[0]} {list(array[1])}"


def widened(raw: bytes) -> NDArray[np.float32]:
    """bfloat16 numbers, as bytes, in float32: the upper half of each."""
    return (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)


def narrowed(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """The nearest bfloat16 numbers, the even one of two, as their bits. Raises `ValueError` where one is not finite."""
    values = np.ascontiguousarray(values, np.float32)
    if not np.isfinite(values).all():
        raise ValueError("a weight is not finite: the training went astray; take an earlier checkpoint")
    bits = values.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")


def store(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a model; one that stands there already is replaced as a whole. Readers see the old one, none or the new one, and
    never a mixture. Raises `ValueError` for weights that don't fit the shape, and where `folder` holds anything else."""
    if len(checkpoint.vocabulary.symbols) != checkpoint.config.symbols:
        raise ValueError(
            f"{folder}: the vocabulary has not the {checkpoint.config.symbols} symbols of the model's shape"
        )
    replace_folder(
        folder,
        {
            CONFIG: msgspec.json.format(msgspec.json.encode(checkpoint.config), indent=1) + b"\n",
            VOCABULARY: checkpoint.vocabulary.encoded(),
            TOKENIZER: checkpoint.tokenizer.encode(),
            WEIGHTS: packed(folder, checkpoint.weights, shapes(checkpoint.config)),
            CALIBRATION: json.dumps(checkpoint.calibration, indent=1).encode() + b"\n",
            CARD: checkpoint.card.encode(),
            CURVES: checkpoint.curves.encode(),
        },
    )


def packed(folder: Path, weights: Weights, expected: Mapping[str, tuple[int, ...]]) -> bytes:
    """Arrays as a file of bfloat16. Raises `ValueError` for those that don't fit their shapes."""
    given = {name: tuple(array.shape) for name, array in weights.items()}
    if given != expected:
        wrong = ", ".join(sorted(dict(given.items() ^ expected.items())))
        raise ValueError(f"{folder}: these weights don't fit the shape of the model: {wrong}")
    bits = {name: narrowed(array) for name, array in weights.items()}
    # The library reads the numbers from where they lie: `bits` has to outlive the call.
    specs = {
        name: safetensors.TensorSpec(
            dtype="bfloat16", shape=array.shape, data_ptr=array.ctypes.data, data_len=array.nbytes
        )
        for name, array in bits.items()
    }
    return safetensors.serialize(specs)


def replace_folder(folder: Path, content: Mapping[str, bytes]) -> None:
    """Write files and their checksums as a model folder, in place of the one that stands there. Raises `ValueError` where the
    folder holds anything else."""
    if others := {path.name for path in folder.glob("*")} - {*content, CHECKSUMS}:
        raise ValueError(f"{folder}: holds {min(others)}, which is no part of a model; choose a folder of its own")
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        new.chmod(0o755)
        sums = {name: sha256(data).hexdigest() for name, data in content.items()}
        for name, data in {**content, CHECKSUMS: json.dumps(sums, indent=1).encode() + b"\n"}.items():
            (new / name).write_bytes(data)
            _sync(new / name)
        old = new.with_name(f"{new.name}.old")
        if folder.exists():
            folder.rename(old)
        try:
            new.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
        _sync(folder.parent)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
