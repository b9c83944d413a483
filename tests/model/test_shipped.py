"""The model that ships: it is there, whole, small and calibrated, and knows what every programmer knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from typeinfer.deciding import Options
from typeinfer.languages import LANGUAGES
from typeinfer.model import runtime
from typeinfer.model.calibration import load_calibration
from typeinfer.model.checkpoint import load
from typeinfer.model.ranking import TypeRanker, load_ranker
from typeinfer.pipeline import annotate
from typeinfer.program.changes import EVERY_LINE
from typeinfer.program.project import read_project
from typeinfer.values.outcomes import Changed
from typeinfer.values.predictions import Ranking
from typeinfer.values.slots import SlotId
from typeinfer.values.source import SourceFile
from typeinfer.weights import load_model, shipped_model

MEGABYTES = 64

PYTHON = """
import argparse


class Cart:
    def __init__(self):
        self.items = []

    def is_empty(self):
        return not self.items

    def add(self, item, quantity, cart_name):
        self.items.append((item, quantity))


def checkout(cart, verbose):
    if cart.is_empty():
        return None
    return cart.items


def add_arguments(parser):
    parser.add_argument("--name")
"""

TYPESCRIPT = """
export class Cart {
  items = [];
  isEmpty() { return this.items.length === 0; }
}

export function label(cart, prefix, count) {
  return `${prefix.trim()} ${count + 1} ${cart.isEmpty()}`;
}
"""


@pytest.fixture(scope="module")
def folder() -> Path:
    folder = shipped_model()
    assert folder is not None
    return folder


@pytest.fixture(scope="module")
def ranker(folder: Path) -> TypeRanker:
    return load_ranker(folder, 2)


def test_it_is_small(folder: Path) -> None:
    assert sum(path.stat().st_size for path in folder.iterdir()) < MEGABYTES * 1e6


def test_it_is_calibrated_for_every_language(folder: Path) -> None:
    for name, belief in load_calibration(folder).items():
        assert belief.weights and 0.5 <= belief.bound < 1, name
    assert load_calibration(folder).keys() == {language.name for language in LANGUAGES}


@pytest.mark.parametrize(("path", "text"), [("shop.py", PYTHON), ("shop.ts", TYPESCRIPT)])
def test_in_the_numbers_of_a_gpu_it_says_nearly_the_same(
    folder: Path, ranker: TypeRanker, path: str, text: str
) -> None:
    """bfloat16 on the processor that every machine has. Within 0.05 of every probability; measured: 0.02."""
    pytest.importorskip("torch", reason="needs torch: pip install -e '.[train]'")
    from typeinfer.model.gpu import Gpu

    exact = said_of(ranker, path, text)
    other = load_ranker(folder, 2)
    arity = np.array([symbol.arity for symbol in other.checkpoint.vocabulary.symbols], np.int64)
    other.runtime.computing = Gpu(other.checkpoint.config, load(folder).weights, arity, "cpu")
    rounded = said_of(other, path, text)
    for slot, ranking in exact.items():
        probabilities = {word.type: word.probability for word in rounded[slot].ranked}
        for word in ranking.ranked:
            assert probabilities.get(word.type, 0.0) == pytest.approx(word.probability, abs=0.05), slot


def test_a_run_tells_that_it_computed_on_the_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def computing(*asked: object) -> object:
        *_, device = asked
        if device == "cuda":
            raise runtime.ShortOfMemory("the GPU's memory is short")
        return real(*asked)

    real = runtime.computing
    monkeypatch.setattr(runtime, "computing", computing)
    monkeypatch.setenv("TYPEINFER_CACHE", str(tmp_path))
    file = SourceFile("shop.py", "python", PYTHON.encode())
    options = Options({"shop.py": (EVERY_LINE,)}, checker=False, model=shipped_model(), device="cuda")
    load_model.cache_clear()
    told, later = (annotate(tmp_path, {"shop.py": file}, options) for _ in range(2))
    load_model.cache_clear()
    assert told.notes == ("device cuda: the GPU's memory is short; computing on the processor",)
    assert isinstance(told.outcomes[0], Changed) and not later.notes, "what is remembered is asked of nobody"


def said_of(ranker: TypeRanker, path: str, text: str) -> dict[SlotId, Ranking]:
    (language,) = (language for language in LANGUAGES if path.endswith(language.suffixes))
    project = read_project(Path(), {path: SourceFile(path, language.name, text.encode())})
    return ranker.rank(project, {}, lambda slot: True)


@pytest.mark.parametrize(
    ("path", "text", "known"),
    [
        (
            "shop.py",
            PYTHON,
            {
                "is_empty": "bool",
                "verbose": "bool",
                "quantity": "int",
                "cart_name": "str",
                "cart": "Cart",
                "parser": "ArgumentParser",
            },
        ),
        (
            "shop.ts",
            TYPESCRIPT,
            {"isEmpty": "boolean", "cart": "Cart", "prefix": "string", "count": "number", "label": "string"},
        ),
    ],
)
def test_it_knows_what_every_programmer_knows(ranker: TypeRanker, path: str, text: str, known: dict[str, str]) -> None:
    (language,) = (language for language in LANGUAGES if path.endswith(language.suffixes))
    said = {
        slot.qualname.rpartition(".")[2] if slot.name == "return" else slot.name: language.write_type(
            word.ranked[0].type
        )
        for slot, word in said_of(ranker, path, text).items()
    }
    assert {name: said[name] for name in known} == known
