"""A stored model comes back as it was or not at all, and what is wrong with it is told in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from random_model import SMALL, random_model

from typeinfer.model.checkpoint import load, narrowed, shapes, store, widened
from typeinfer.model.folder import CHECKSUMS, FILES, NoModel


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store(tmp_path / "models" / "small", random_model())
    return tmp_path / "models" / "small"


def test_what_is_stored_is_what_is_loaded(folder: Path) -> None:
    found, made = load(folder), random_model()
    assert (found.config, found.vocabulary, found.tokenizer) == (made.config, made.vocabulary, made.tokenizer)
    assert (found.calibration, found.card) == (made.calibration, made.card)
    assert found.weights.keys() == made.weights.keys()
    assert all(np.array_equal(found.weights[name], made.weights[name]) for name in made.weights)


def test_nothing_lies_around_afterwards(folder: Path) -> None:
    store(folder, random_model(seed=1))
    assert [path.name for path in folder.parent.iterdir()] == ["small"]
    assert {path.name for path in folder.iterdir()} == {*FILES, CHECKSUMS}
    assert np.array_equal(load(folder).weights["step"], random_model(seed=1).weights["step"])


def test_weights_are_rounded_to_the_nearest() -> None:
    values = np.array([1.0, 1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-8 + 2**-20, -3.3e38, 1e-40, 0.0], np.float32)
    rounded = widened(narrowed(values).tobytes())
    assert rounded[:4].tolist() == [1.0, 1.0, 1 + 2**-6, 1 + 2**-7], "halves go to the even one"
    assert np.allclose(rounded[4:], values[4:], rtol=2**-8)


def damage(name: str, change: Callable[[bytes], bytes], stamped: bool) -> Callable[[Path], None]:
    """`stamped`: the checksum is that of the damaged file, as if another program had stored it."""

    def apply(folder: Path) -> None:
        (folder / name).write_bytes(change((folder / name).read_bytes()))
        if stamped:
            sums = json.loads((folder / CHECKSUMS).read_text())
            sums[name] = sha256((folder / name).read_bytes()).hexdigest()
            (folder / CHECKSUMS).write_text(json.dumps(sums))

    return apply


@pytest.mark.parametrize(
    ("hurt", "told"),
    [
        (damage("weights.safetensors", lambda raw: raw[:-1], False), "weights.safetensors: is not the file that"),
        (damage("weights.safetensors", lambda raw: raw[:-1], True), "weights.safetensors: is no file of weights"),
        (damage("weights.safetensors", lambda raw: b"", True), "weights.safetensors: is no file of weights"),
        (damage("CARD.md", lambda raw: raw + b"!", False), "CARD.md: is not the file that"),
        (
            damage("config.json", lambda raw: raw.replace(b'"layers"', b'"floors"'), True),
            "config.json: is the shape of",
        ),
        (damage("config.json", lambda raw: raw.replace(b'"layers": 3', b'"layers": 4'), True), "blocks.3"),
        (damage("config.json", lambda raw: raw.replace(b'"heads": 2', b'"heads": 16'), True), "can't be split into 16"),
        (damage("config.json", lambda raw: raw.replace(b'"symbols": 12', b'"symbols": 13'), True), "has 12 symbols"),
        (damage("vocabulary.json", lambda raw: b'[["S0", 0]]', True), "vocabulary.json: is no vocabulary"),
        (damage("vocabulary.json", lambda raw: b"\xff", True), "vocabulary.json: is no vocabulary"),
        (damage("calibration.json", lambda raw: b"[]", True), "calibration.json: is no calibration"),
        (damage("tokenizer.json", lambda raw: b"\xff\xfe", True), "tokenizer.json: is no tokenizer"),
        (damage(CHECKSUMS, lambda raw: b"{}", False), "config.json: is not the file that"),
        (damage(CHECKSUMS, lambda raw: b"oops", False), "checksums.json: is no list of checksums"),
        *((lambda folder, name=name: (folder / name).unlink(), f"{name}: is missing") for name in (*FILES, CHECKSUMS)),
    ],
)
def test_a_damaged_or_foreign_model_is_refused_in_one_line(
    folder: Path, hurt: Callable[[Path], None], told: str
) -> None:
    hurt(folder)
    with pytest.raises(NoModel) as caught:
        load(folder)
    message = str(caught.value)
    assert told in message
    assert message.startswith(str(folder))
    assert "; " in message, "and what to do next"
    assert "\n" not in message


def test_a_model_that_is_not_there_names_those_that_are(folder: Path) -> None:
    with pytest.raises(NoModel, match="tinny: no such model; there are: small"):
        load(folder.parent / "tinny")


def test_what_does_not_fit_together_is_not_stored(folder: Path) -> None:
    made = random_model()
    wrong = {
        "symbol_bias": {**made.weights, "symbol_bias": np.zeros(11, np.float32)},
        "guess.bias": {name: array for name, array in made.weights.items() if name != "guess.bias"},
        "not finite": {**made.weights, "symbol_bias": np.full(12, np.nan, np.float32)},
    }
    for told, weights in wrong.items():
        with pytest.raises(ValueError, match=told):
            store(folder, replace(made, weights=weights))
    assert np.array_equal(load(folder).weights["step"], made.weights["step"]), "the model before is still there"
    assert [path.name for path in folder.parent.iterdir()] == ["small"]


def test_a_folder_with_other_things_in_it_is_left_alone(folder: Path) -> None:
    (folder / "log.jsonl").write_text("{}")
    with pytest.raises(ValueError, match=r"holds log\.jsonl"):
        store(folder, random_model())
    assert (folder / "log.jsonl").exists()


@pytest.mark.parametrize("every", [0, 1, 2, 3])
def test_the_arrays_are_those_of_the_network(every: int) -> None:
    network = pytest.importorskip("typeinfer.model.network", reason="needs torch: pip install -e '.[train]'")
    config = type(SMALL)(**{**{f: getattr(SMALL, f) for f in SMALL.__struct_fields__}, "messages_every": every})
    state = network.TypeModel(config).state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == shapes(config)
