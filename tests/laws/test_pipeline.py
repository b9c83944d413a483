"""The whole flow keeps its laws: a second run adds nothing, order changes nothing, the cache answers as a fresh run does."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.laws.scripted_model import AS_IT_SAYS, ByName, either_way
from typeinfer import pipeline, weights
from typeinfer.deciding import Model, Options
from typeinfer.engine.engine import silent
from typeinfer.engine.local import Local
from typeinfer.evaluation.calibration import Remembering
from typeinfer.model.belief import Belief
from typeinfer.pipeline import annotate, predict
from typeinfer.program.changes import EVERY_LINE, Lines
from typeinfer.program.files import read_files
from typeinfer.program.project import read_project
from typeinfer.rewriting import patch
from typeinfer.values.outcomes import Changed, Failed, Run, Skipped, Unchanged
from typeinfer.values.predictions import Abstain, Apply, Evidence, Prediction, Ranked, Ranking, Suggest
from typeinfer.values.slots import SlotKind
from typeinfer.values.source import SourceFile
from typeinfer.values.typeexpr import Named

pytestmark = pytest.mark.usefixtures("own_cache")

STOCKROOM = Path(__file__).parents[1] / "corpus" / "stockroom"


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
    backwards = run(root, dict(reversed(files.items())), checker=False, engine=Local(2))
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


@pytest.mark.parametrize("lines", [EVERY_LINE, Lines(1, 2)], ids=["a file", "some of its lines"])
def test_of_what_is_not_asked_about_nothing_is_decided(tmp_path: Path, lines: Lines) -> None:
    """It wouldn't be written, so the next run would begin without it, and come to something else."""
    texts = {
        "a.py": "def one():\n    return 1\n\n\ndef two():\n    return 2\n",
        "b.py": "from a import one\n\n\ndef three():\n    return one()\n",
    }
    root = plant(tmp_path / "p", texts)
    project = read_project(root, read(root))
    options = Options(only={"a.py": (lines,)}, checker=False)
    settled = pipeline.annotate_project(project, (), options, None, {}, silent)
    asked = {"one"} if lines != EVERY_LINE else {"one", "two"}
    assert {(slot.path, slot.qualname) for slot in settled.decided} == {("a.py", name) for name in asked}
    assert set(settled.run.predictions) == {"a.py"}
    (root / "a.py").write_text(results(settled.run)["a.py"], "utf-8")
    project = read_project(root, read(root))
    assert not pipeline.annotate_project(project, (), options, None, {}, silent).decided


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


# --- with a model -----------------------------------------------------------------------------------------------------


DICTS = [(Named("dict", (Named("str"), Named(name))), 0.48) for name in ("int", "str")]

KNOWN = {
    "flag": [(Named("bool"), 0.97)],
    "later": [(Named("pathlib.Path"), 0.97)],
    "doubted": [(Named("bytes"), 0.5)],
    "table": DICTS,
}

SOURCE = "def f(flag, later, doubted, unheard):\n    return table\ndef g(table):\n    for row in table:\n        print(row)\n"


@pytest.fixture
def by_name(monkeypatch: pytest.MonkeyPatch) -> ByName:
    """The model of every folder is this one."""
    ranker = ByName(KNOWN)
    believed = {"python": AS_IT_SAYS}
    monkeypatch.setattr(weights, "load_model", lambda *_: Model(ranker, believed))
    monkeypatch.setattr(pipeline, "model_digest_of", lambda folder: str(folder))
    return ranker


def predictions(run: Run) -> dict[str, Prediction]:
    return {found.slot.id.name: found for every in run.predictions.values() for found in every}


def test_the_model_is_asked_again_once_what_was_decided_stands_in_the_texts(tmp_path: Path, by_name: ByName) -> None:
    root = plant(tmp_path / "p", {"a.py": SOURCE})
    found = run(root, checker=False, model=tmp_path)
    assert "def f(flag: bool, later: Path, doubted, unheard):" in results(found)["a.py"]
    assert len(by_name.asked) == 3
    assert {"flag", "later", "doubted", "table", "return"} <= by_name.asked[0]
    assert "row" not in by_name.asked[0], "locals are not written unless their kind is named"
    assert "flag" not in by_name.asked[1]
    by_here = predictions(found)
    assert by_here["flag"].ranking == Ranking((Ranked(Named("bool"), 0.97),))
    assert by_here["flag"].moved[0].text == "the model's probability"
    assert by_here["unheard"].ranking is None
    assert by_here["doubted"].verdict == Abstain("not believed")


def test_of_the_rest_of_the_project_the_model_is_not_asked(tmp_path: Path, by_name: ByName) -> None:
    root = plant(tmp_path / "p", {"a.py": "def f(flag): ...\n", "b.py": "def g(table): ...\n"})
    annotate(root, read(root), Options(only={"b.py": (EVERY_LINE,)}, checker=False, model=tmp_path))
    assert by_name.asked[0] == {"table", "return"}


def test_with_a_model_too_a_second_run_adds_nothing(tmp_path: Path, by_name: ByName) -> None:
    root = plant(tmp_path / "p", {"a.py": SOURCE})
    for name, text in results(run(root, checker=False, model=tmp_path)).items():
        (root / name).write_text(text, encoding="utf-8")
    assert results(run(root, checker=False, model=tmp_path)) == {}


def test_what_cannot_be_written_is_asked_about_to_the_end_as_a_second_run_asks(tmp_path: Path, by_name: ByName) -> None:
    """Slots of a unit are read together: whoever is left out would change the word on the others."""
    by_name.types = {**KNOWN, "stranger": [(Named("not_installed.Client"), 0.97)]}
    root = plant(tmp_path / "p", {"a.py": "def f(flag, later, stranger): ...\n"})
    found = results(run(root, checker=False, model=tmp_path))
    assert "def f(flag: bool, later: Path, stranger)" in found["a.py"]
    last = by_name.asked[-1]
    (root / "a.py").write_text(found["a.py"], encoding="utf-8")
    assert results(run(root, checker=False, model=tmp_path)) == {}
    assert by_name.asked[-1] == last == {"stranger", "return"}


def test_with_a_model_too_the_order_of_files_changes_nothing(tmp_path: Path, by_name: ByName) -> None:
    root = plant(tmp_path / "p", {"a.py": SOURCE, "b.py": "from a import f\nf(True, None, b'', 3)\n", "c.py": SOURCE})
    files = read(root)
    forwards = run(root, files, checker=False, model=tmp_path)
    (tmp_path / "cache").rename(tmp_path / "old-cache")
    backwards = run(root, dict(reversed(files.items())), checker=False, model=tmp_path, engine=Local(2))
    assert forwards.outcomes == backwards.outcomes
    assert forwards.predictions == backwards.predictions


def test_what_was_found_with_one_model_is_not_remembered_of_another(tmp_path: Path, by_name: ByName) -> None:
    root = plant(tmp_path / "p", {"a.py": SOURCE})
    with_model = run(root, checker=False, model=tmp_path)
    assert run(root, checker=False, model=tmp_path).predictions == with_model.predictions
    assert len(by_name.asked) == 3, "remembered"
    run(root, checker=False, model=tmp_path / "other")
    assert len(by_name.asked) == 6
    assert predictions(run(root, checker=False))["flag"].ranking is None


def test_a_language_that_the_model_was_not_calibrated_for_is_left_to_the_rules(
    tmp_path: Path, by_name: ByName, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "load_model", lambda *_: Model(by_name, {"typescript": AS_IT_SAYS}))
    root = plant(tmp_path / "p", {"a.py": SOURCE})
    with_model, without = run(root, checker=False, model=tmp_path), run(root, checker=False)
    assert with_model.predictions == without.predictions
    assert by_name.asked == []


def test_a_promise_is_kept_or_nothing_is_written(
    tmp_path: Path, by_name: ByName, monkeypatch: pytest.MonkeyPatch
) -> None:
    promising = Belief(AS_IT_SAYS.weights, (), "a test", promises={0.1: 0.9})
    monkeypatch.setattr(weights, "load_model", lambda *_: Model(by_name, {"python": promising}))
    root = plant(tmp_path / "p", {"a.py": SOURCE})
    kept = run(root, checker=False, model=tmp_path, max_error=0.1)
    assert "flag: bool" in results(kept)["a.py"]
    refused = run(root, checker=False, model=tmp_path, max_error=0.05)
    assert results(refused) == {}
    assert predictions(refused)["flag"].verdict == Abstain("so small an error can't be promised")
    assert any("0.05 can't be promised for python" in note and "0.1" in note for note in refused.notes)


def test_arguments_in_doubt_are_left_out_only_where_an_error_is_promised(
    tmp_path: Path, by_name: ByName, monkeypatch: pytest.MonkeyPatch
) -> None:
    promising = Belief(either_way({"model at 0.3": 2.0, "model at 0.6": 2.0}), (), "a test", promises={0.1: 0.85})
    monkeypatch.setattr(weights, "load_model", lambda *_: Model(by_name, {"python": promising}))
    root = plant(tmp_path / "p", {"a.py": SOURCE})
    assert "def g(table: dict)" in results(run(root, checker=False, model=tmp_path, max_error=0.1))["a.py"]
    assert "def g(table)" in results(run(root, checker=False, model=tmp_path)).get("a.py", SOURCE)


def test_while_fitting_the_model_is_asked_about_nothing_twice(tmp_path: Path) -> None:
    """What it says follows from the texts and from what it hears of rules; rules that it doesn't hear change nothing."""
    project = read_project(tmp_path, read(plant(tmp_path / "p", {"a.py": "def f(flag, table): ...\n"})))
    slot = next(slot.id for slot in project.modules["a.py"].slots if slot.id.name == "flag")
    ranker = ByName(KNOWN, hears=("name",))
    remembering = Remembering(ranker)
    heard, unheard = (({slot: [Evidence(slot, Named("bool"), rule)]}) for rule in ("name", "operator"))
    answers = [remembering.rank(project, evidence, lambda slot: True) for evidence in ({}, unheard, heard, heard)]
    assert len(ranker.asked) == 2
    assert all(said == answers[0] for said in answers)


def test_what_is_believed_of_others_hangs_on_no_file_that_fails_its_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run finds it as it is, and is to find nothing more."""
    check_laws = patch.check_laws

    def some_laws(*all: Any) -> None:
        if all[1].file.path == "box.py":
            raise patch.BrokenLaw("not proven")
        check_laws(*all)

    monkeypatch.setattr(patch, "check_laws", some_laws)
    root = plant(
        tmp_path / "p",
        {
            "box.py": "import far\n\n\nclass Box:\n    def get(self):\n        return 1\n",
            "use.py": "from box import Box\n\n\ndef size():\n    return Box().get()\n",
        },
    )
    first = run(root)
    assert [type(one) for one in first.outcomes] == [Failed, Changed]
    for name, text in results(first).items():
        (root / name).write_text(text, "utf-8")
    assert results(run(root)) == {}
