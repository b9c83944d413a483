"""The whole flow keeps its laws: a second run adds nothing, order changes nothing, the cache answers as a fresh run does."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from typeinfer.pipeline import Options, annotate, predict
from typeinfer.program.changes import EVERY_LINE
from typeinfer.program.files import read_files
from typeinfer.values.outcomes import Changed, Run, Skipped, Unchanged
from typeinfer.values.predictions import Abstain, Apply, Suggest
from typeinfer.values.slots import SlotKind
from typeinfer.values.source import SourceFile

STOCKROOM = Path(__file__).parents[1] / "corpus" / "stockroom"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TYPEINFER_CACHE", str(tmp_path / "cache"))


def read(root: Path) -> dict[str, SourceFile]:
    names = [path.relative_to(root).as_posix() for path in sorted(root.rglob("*.py"))]
    return read_files(root, names, {".py": "python"})[0]


def plant(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def run(root: Path, files: Mapping[str, SourceFile] | None = None, **flags: object) -> Run:
    files = read(root) if files is None else files
    return annotate(root, files, Options(only=dict.fromkeys(files, (EVERY_LINE,)), **flags))  # pyrefly: ignore


def results(run: Run) -> dict[str, str]:
    return {outcome.path: outcome.patch.result().text for outcome in run.outcomes if isinstance(outcome, Changed)}


def test_the_stockroom_is_annotated_and_a_second_run_adds_nothing(tmp_path: Path) -> None:
    root = shutil.copytree(STOCKROOM, tmp_path / "stockroom")
    written = results(run(root))
    assert "def __repr__(self) -> str:" in written["stockroom/items.py"]
    assert "perishable: bool = False" in written["stockroom/items.py"]
    for name, text in written.items():
        (root / name).write_text(text, encoding="utf-8")
    assert results(run(root)) == {}


def test_neither_the_order_of_files_nor_the_number_of_processes_changes_anything(tmp_path: Path) -> None:
    root = shutil.copytree(STOCKROOM, tmp_path / "stockroom")
    files = read(root)
    forwards = run(root, files, checker=False)
    (tmp_path / "cache").rename(tmp_path / "old-cache")
    backwards = run(root, dict(reversed(files.items())), checker=False, jobs=2)
    assert forwards.outcomes == backwards.outcomes
    assert forwards.predictions == backwards.predictions


def test_what_is_remembered_is_what_was_found(tmp_path: Path) -> None:
    root = shutil.copytree(STOCKROOM, tmp_path / "stockroom")
    fresh = run(root, checker=False)
    remembered = run(root, checker=False)
    assert remembered.outcomes == fresh.outcomes
    assert remembered.predictions == fresh.predictions
    assert remembered.files == fresh.files


def test_what_means_something_at_run_time_is_only_suggested(tmp_path: Path) -> None:
    root = plant(
        tmp_path / "p",
        {
            "a.py": "from enum import Enum\nclass Base(Enum):\n    pass\n",
            "b.py": "from a import Base\nclass Color(Base):\n    red = 1\n    green = 2\n",
            "c.py": "import functools\n@functools.singledispatch\ndef show(x):\n    return 'x'\n",
        },
    )
    found = run(root, checker=False, kinds_named=True)
    verdicts = {
        prediction.slot.id.name: prediction.verdict for every in found.predictions.values() for prediction in every
    }
    assert results(found) == {}
    assert not isinstance(verdicts["red"], Apply)
    assert verdicts["return"] == Suggest("the annotation would be read at run time")


def test_what_a_value_says_is_written_only_when_the_kind_is_named(tmp_path: Path) -> None:
    root = plant(tmp_path / "p", {"a.py": "class A:\n    def __init__(self):\n        self.on = False\n"})
    assert "self.on = False" in results(run(root, checker=False))["a.py"]
    found = predict(root, read(root), Options(only={"a.py": (EVERY_LINE,)}, checker=False))
    by_name = {prediction.slot.id.name: prediction for prediction in found.predictions["a.py"]}
    assert isinstance(by_name["on"].verdict, Suggest | Abstain)
    assert [outcome for outcome in found.outcomes if not isinstance(outcome, Unchanged)] == []


def test_only_the_kinds_asked_for_are_written(tmp_path: Path) -> None:
    root = plant(tmp_path / "p", {"a.py": "def f(x=False):\n    print(x)\n"})
    returns = results(run(root, checker=False, kinds=frozenset({SlotKind.RETURN}), kinds_named=True))
    assert returns == {"a.py": "def f(x=False) -> None:\n    print(x)\n"}


def test_a_broken_file_is_skipped_and_the_others_are_done(tmp_path: Path) -> None:
    root = plant(
        tmp_path / "p", {"broken.py": "def f(:\n    pass\n", "old.py": "print 'x'\n", "good.py": "def f():\n    pass\n"}
    )
    outcomes = {outcome.path: outcome for outcome in run(root, checker=False).outcomes}
    assert outcomes["broken.py"] == Skipped("broken.py", "line 1 does not parse")
    assert outcomes["old.py"] == Skipped("old.py", "line 1 is Python 2; only Python 3 is annotated")
    assert outcomes["good.py"].path == "good.py"


def test_any_gives_way_only_when_asked_to(tmp_path: Path) -> None:
    text = "from typing import Any\ndef f(x: Any = False) -> str:\n    return 'x'\n"
    root = plant(tmp_path / "p", {"a.py": text})
    assert results(run(root, checker=False)) == {}
    assert "x: bool = False" in results(run(root, checker=False, replace_any=True))["a.py"]
