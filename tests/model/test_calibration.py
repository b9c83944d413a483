"""Calibration: the beliefs of a model's folder are read back as they were stored, and never for other weights."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from random_model import SMALL, random_model, weights

from typeinfer.model.belief import Belief, Standing
from typeinfer.model.calibration import load_calibration, store_calibration
from typeinfer.model.checkpoint import load, store
from typeinfer.model.folder import CALIBRATION, CHECKSUMS, NoModel, model_digest

PYTHON = Belief({"model at 0.6": 1.5}, (Standing("name", 9, 0.5),), "a test", frozenset({"x"}), 0.6, {0.05: 0.9})
TYPESCRIPT = Belief({"model silent": -1.25}, (), "another test")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store(tmp_path / "m", replace(random_model(), calibration={}))
    return tmp_path / "m"


def test_beliefs_are_read_back_as_they_were_stored_and_leave_the_model_alone(folder: Path) -> None:
    before = load(folder)
    assert load_calibration(folder) == {}
    store_calibration(folder, "python", PYTHON)
    store_calibration(folder, "typescript", TYPESCRIPT)
    assert load_calibration(folder) == {"python": PYTHON, "typescript": TYPESCRIPT}
    after = load(folder)
    assert (after.config, after.tokenizer, after.card) == (before.config, before.tokenizer, before.card)
    assert all((after.weights[name] == array).all() for name, array in before.weights.items())


def test_the_beliefs_of_other_weights_are_refused_and_go_when_new_ones_come(folder: Path) -> None:
    store_calibration(folder, "python", PYTHON)
    fitted = load(folder)
    store(folder, replace(fitted, weights=weights(SMALL, seed=1)))
    with pytest.raises(
        NoModel, match=r"calibration\.json: was fitted for other weights .*typeinfer evaluate --fit \S+/m$"
    ):
        load_calibration(folder)
    store_calibration(folder, "typescript", TYPESCRIPT)
    assert load_calibration(folder) == {"typescript": TYPESCRIPT}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"beliefs": {"python": 3}, "weights": ""}', r"is no calibration of a model"),
        ('{"weights": "abc"}', r"is no calibration of a model \(KeyError: 'beliefs'\)"),
        ('{"weights": ', r"can't be understood"),
        ("[]", r"can't be understood"),
    ],
)
def test_what_is_no_calibration_is_named_in_one_line(folder: Path, text: str, complaint: str) -> None:
    (folder / CALIBRATION).write_text(text)
    with pytest.raises(NoModel, match=rf"calibration\.json: {complaint}") as error:
        load_calibration(folder)
    assert "\n" not in str(error.value)


def test_another_belief_makes_another_model(folder: Path) -> None:
    before = model_digest(folder)
    store_calibration(folder, "python", PYTHON)
    changed = model_digest(folder)
    assert changed != before
    store_calibration(folder, "python", PYTHON)
    assert model_digest(folder) == changed
    (folder / CHECKSUMS).write_text(json.dumps({}))
    with pytest.raises(NoModel, match=r"checksums\.json: names no weights\.safetensors"):
        load_calibration(folder)
