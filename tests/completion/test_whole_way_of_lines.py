"""From a small corpus to a language model that writes its lines: texts, a run, what it is trusted with, the folder that ships."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs typeinfer[train]")

from typeinfer.completion.lines import LineModel, Writer, place_at  # noqa: E402
from typeinfer.completion.lm import Trust, load, shapes, store  # noqa: E402
from typeinfer.completion.recall import KINDS  # noqa: E402
from typeinfer.completion.tokens import END, MIDDLE, PREFIX, SUFFIX, Tokens  # noqa: E402
from typeinfer.model.folder import NoModel  # noqa: E402
from typeinfer.training.corpus import CorpusProject  # noqa: E402
from typeinfer.training.decoder import Decoding, Reader  # noqa: E402
from typeinfer.training.lines import Drawn as DrawnLine  # noqa: E402
from typeinfer.training.lines import fit, share_of, shown_from  # noqa: E402
from typeinfer.training.loop import Run, train  # noqa: E402
from typeinfer.training.shipping import lines_of  # noqa: E402
from typeinfer.training.texts import Texts, prepare  # noqa: E402
from typeinfer.values.source import SourceFile  # noqa: E402

SHAPE = (("width", 32), ("layers", 2), ("heads", 2), ("hidden", 32), ("row", 96), ("outline", 24), ("suffix", 8))


def module(number: int) -> str:
    words = ("door", "lamp", "cart", "shelf", "price", "label")
    name = words[number % len(words)]
    return (
        f"import {name}s\n\n\ndef open_{name}({name}):  # opens it\n"
        f"    {name}.opened = True\n    {name}.count = {name}.count + 1\n    return {name}\n\n\n"
        f"def close_{name}({name}):\n    {name}.opened = False\n    return {name}\n"
    )


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[CorpusProject]]:
    root = tmp_path_factory.mktemp("corpus")
    found = []
    for number, split in enumerate(("train", "train", "train", "development", "calibration")):
        folder = root / f"p{number}"
        folder.mkdir()
        names = tuple(f"m{at}.py" for at in range(12))
        for at, name in enumerate(names):
            (folder / name).write_text(module(at))
        found.append(CorpusProject(f"p{number}", "1", "python", split, "MIT", f"p{number}", names))
    return root, found


@pytest.fixture(scope="module")
def texts(projects: tuple[Path, list[CorpusProject]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("texts")
    made = prepare(projects[1], projects[0], folder, 1, lambda stage, done, total: None)
    assert "36 files for train" in made and "12 files for development" in made
    return folder


def test_a_row_shows_what_is_behind_and_before_and_asks_for_what_is_between(texts: Path) -> None:
    tokens, held = Tokens.parse((texts / "tokenizer.json").read_text()), Texts.load(texts, "train")
    whole = [
        tokens.decode(held.token[one:two]).decode() for one, two in zip(held.token_of, held.token_of[1:], strict=False)
    ]
    assert all("# opens it" not in text for text in whole)
    run = Run(data=texts, out=texts, shape=SHAPE)
    reader = Reader(held, Decoding(run, 1).config)
    random = np.random.default_rng(0)
    for _ in range(50):
        row, asks = reader.row(random)
        assert len(row) == len(asks) <= 96 and row[-1] == END and asks[-1]
        middle = row.index(MIDDLE)
        before, between = tokens.decode(row[row.index(PREFIX) + 1 : middle]), tokens.decode(row[middle + 1 : -1])
        behind = tokens.decode(row[row.index(SUFFIX) + 1 : row.index(PREFIX)]) if SUFFIX in row else b""
        if SUFFIX in row:
            assert any((before + between + behind).decode() in text for text in whole)
        assert all(asks[at] for at in range(middle + 1, len(row))) and not asks[middle] and not asks[0]


@pytest.fixture(scope="module")
def shipped(texts: Path, projects: tuple[Path, list[CorpusProject]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    train(Run(data=texts, out=out, steps=120, minutes=1, words=800, rate=1e-2, processes=1, shape=SHAPE), Decoding)
    final = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines() if "final" in line]
    assert final[0]["exact"] > 0.7, "all of these projects say the same"
    stored = lines_of(texts, out)
    root, every = projects
    calibration = [one for one in every if one.split == "calibration"]
    trust = fit(stored, Texts.load(texts, "development"), root, calibration, lambda name: None, 12, lambda *said: None)
    assert len(trust.recall) == KINDS and any(trust.recall), "what a project says again is believed"
    folder = tmp_path_factory.mktemp("models") / "lines"
    store(folder, replace(stored, trust=trust))
    return folder


def test_what_was_learnt_is_written_again(shipped: Path) -> None:
    model = LineModel(load(shipped))
    code = "import lamps\n\n\ndef open_lamp(lamp):\n    lamp.opened = True\n    lamp.count = \n    return lamp\n"
    at = code.index("lamp.count = ") + len("lamp.count = ")
    place = place_at(SourceFile("m.py", "python", code.encode()), at)
    assert place is not None
    writer = Writer(model)
    writer.put("other.py", module(1).encode())
    (first,) = writer.written(place, 1, 0.05)
    assert first.text == "lamp.count + 1" and first.at == at and first.probability > 0.3
    assert not [*writer.written(place, 3, 0.05, members=lambda text, before: frozenset({"opened"}))], (
        "a lamp may have no count"
    )
    assert not writer.drawn(place, 3, 0.05, given_up=lambda: True)


def test_a_stored_model_is_the_one_that_was_stored_or_none(shipped: Path) -> None:
    stored = load(shipped)
    assert set(stored.weights) == set(shapes(stored.shape))
    assert "language model" in stored.card and stored.curves.lstrip().startswith("<?xml")
    weights = shipped / "weights.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + b"\0")
    with pytest.raises(NoModel, match="is not the file"):
        load(shipped)
    weights.write_bytes(whole)
    assert isinstance(load(shipped).trust, Trust)


def test_the_share_of_what_is_always_right_is_nearly_all_and_of_what_never_is_none() -> None:
    ours = np.full(50, 0.2)
    assert share_of(ours, np.ones(50)) == 0.95
    assert share_of(ours, np.zeros(50)) < 0.001
    assert share_of(np.zeros(0), np.zeros(0)) == 0


def test_a_line_is_shown_from_where_on_half_of_them_are_right() -> None:
    drawn = [DrawnLine(1 - number / 200, number < 60) for number in range(200)]
    assert shown_from(drawn) == pytest.approx(1 - 119 / 200)
    assert shown_from(drawn[100:]) > 1, "nothing is shown where less than half are right"
