"""What the model said for one user serves another; and whoever shares a place with us may leave anything there."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from typeinfer.engine.shared import Shared
from typeinfer.model.ranking import FILE, Answer, TypeRanker, load_ranker
from typeinfer.model.search import Composed
from typeinfer.program.project import Project, read_project
from typeinfer.values.predictions import Ranking
from typeinfer.values.slots import SlotId
from typeinfer.values.source import SourceFile
from typeinfer.values.store import FarStore
from typeinfer.weights import shipped_model

TEXTS = {
    "shop.py": "class Cart:\n    def total(self, prices, verbose=False):\n        return sum(prices)\n",
    "till.py": "from shop import Cart\n\n\ndef pay(cart, amount):\n    return cart.total([amount])\n",
}


@pytest.fixture(scope="module")
def ranker() -> TypeRanker:
    folder = shipped_model()
    if folder is None:
        pytest.skip("no model is shipped")
    return load_ranker(folder, 2)


def project_of(texts: dict[str, str]) -> Project:
    return read_project(Path(), {path: SourceFile(path, "python", text.encode()) for path, text in texts.items()})


def said_by(ranker: TypeRanker, shared: FarStore | None, texts: dict[str, str]) -> dict[SlotId, Ranking]:
    fresh = replace(ranker, answered={}, shared=shared, digest="a test")
    return fresh.rank(project_of(texts), {}, lambda slot: True)


class Counted:
    """A place, and the values that were left there."""

    def __init__(self, place: FarStore) -> None:
        self.place, self.left = place, 0

    def get(self, kind: str, asked: Iterable[Sequence[str | bytes]], type_: type) -> list:
        return self.place.get(kind, asked, type_)

    def put(self, kind: str, values: Iterable[tuple[Sequence[str | bytes], object]]) -> None:
        made = list(values)
        self.left += len(made)
        self.place.put(kind, made)


def test_what_was_said_for_one_user_is_said_to_another(
    ranker: TypeRanker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = said_by(ranker, None, TEXTS)
    place = Counted(Shared(str(tmp_path)))
    assert said_by(ranker, place, TEXTS) == alone and place.left == 2
    with monkeypatch.context() as patch:
        patch.setattr(TypeRanker, "_composed", lambda *_: pytest.fail("the model is asked though all is known"))
        assert said_by(ranker, Shared(str(tmp_path)), TEXTS) == alone
    edited = TEXTS | {"shop.py": TEXTS["shop.py"] + "\n\ndef added(count):\n    return count + 1\n"}
    assert said_by(ranker, place, edited).keys() > alone.keys() and place.left == 3, "an edit costs its file"


def damaged(change: Callable[[Composed], Composed]) -> Callable[[tuple[Answer, ...]], object]:
    return lambda answers: tuple(tuple(map(change, answer)) for answer in answers)


def typed(symbols: Callable[[tuple[int, ...]], Sequence[int]]) -> Callable[[tuple[Answer, ...]], object]:
    return damaged(lambda one: replace(one, types=tuple((tuple(symbols(which)), score) for which, score in one.types)))


def scored(score: float) -> Callable[[tuple[Answer, ...]], object]:
    return damaged(lambda one: replace(one, types=tuple((which, score) for which, _ in one.types)))


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(lambda answers: answers[:-1], id="a unit too few"),
        pytest.param(lambda answers: tuple(answer[:-1] for answer in answers), id="a slot too few"),
        pytest.param(lambda answers: "nonsense", id="another shape"),
        pytest.param(typed(lambda which: [10**6]), id="a name that is not there"),
        pytest.param(typed(lambda which: [-1]), id="less than nothing"),
        pytest.param(typed(lambda which: ()), id="a type of no symbols"),
        pytest.param(typed(lambda which: which[:-1]), id="a type that does not end"),
        pytest.param(scored(1e6), id="more than sure"),
        pytest.param(scored(-1e-9), id="all of them sure"),
        pytest.param(typed(lambda which: which * 100), id="a type that is too long"),
        pytest.param(damaged(lambda one: replace(one, types=one.types * 9)), id="too many types"),
        pytest.param(scored(math.nan), id="no number"),
        pytest.param(damaged(lambda one: replace(one, beyond=math.inf)), id="more than all"),
    ],
)
def test_what_the_model_cant_have_said_is_not_heard(
    ranker: TypeRanker, tmp_path: Path, forged: Callable[[tuple[Answer, ...]], object]
) -> None:
    alone = said_by(ranker, None, TEXTS)
    place = Shared(str(tmp_path))

    class Forger(Counted):
        def put(self, kind: str, values: Iterable[tuple[Sequence[str | bytes], object]]) -> None:
            assert kind == FILE
            plain = [(key, msgspec.convert(value, tuple[Answer, ...])) for key, value in values]
            super().put(kind, [(key, forged(value)) for key, value in plain])

    said_by(ranker, Forger(place), TEXTS)
    mended = Counted(place)
    assert said_by(ranker, mended, TEXTS) == alone and mended.left == 2


def run(project: Path, shared: str, cache: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "typeinfer", "annotate", "--check", *flags, str(project)]
    environment = os.environ | {"TYPEINFER_SHARED_CACHE": shared, "TYPEINFER_CACHE": str(cache)}
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def asked_of_the_model(trace: Path) -> int:
    events = json.loads(trace.read_bytes())["traceEvents"]
    return sum(event["args"]["slots"] for event in events if event["name"] == "model")


def test_whoever_says_so_shares_with_others(ranker: TypeRanker, tmp_path: Path) -> None:
    project, shared = tmp_path / "project", tmp_path / "shared"
    for path, text in TEXTS.items():
        project.mkdir(exist_ok=True)
        (project / path).write_text(text)
    first = run(project, str(shared), tmp_path / "one", "--profile", str(tmp_path / "one.json"))
    second = run(project, str(shared), tmp_path / "two", "--profile", str(tmp_path / "two.json"))
    assert (first.stdout, first.stderr, first.returncode) == (second.stdout, second.stderr, second.returncode)
    assert asked_of_the_model(tmp_path / "one.json") > 0 == asked_of_the_model(tmp_path / "two.json")


def test_a_place_that_cant_be_used_is_told_of_and_keeps_nobody_from_work(ranker: TypeRanker, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    for path, text in TEXTS.items():
        (project / path).write_text(text)
    good = run(project, "", tmp_path / "one")
    bad = run(project, "nosuch://bucket", tmp_path / "two")
    assert (bad.stdout, bad.returncode) == (good.stdout, good.returncode)
    (line,) = set(bad.stderr.splitlines()) - set(good.stderr.splitlines())
    assert line.endswith(
        "the shared cache nosuch://bucket can't be used (Protocol not known: nosuch); going on without it"
    )
    again = run(project, "nosuch://bucket", tmp_path / "two", "--profile", str(tmp_path / "two.json"))
    assert again.stdout == good.stdout and not (tmp_path / "two.json").read_text().count('"model"'), (
        "remembered even so"
    )
