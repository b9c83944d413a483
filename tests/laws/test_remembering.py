"""What a run remembers of the one before it: all, where nothing changed; after an edit what it doesn't bear on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.laws.scripted_model import AS_IT_SAYS, ByName
from tests.laws.test_pipeline import plant, read, results, run
from typeinfer import pipeline, reading
from typeinfer.deciding import REFUSED, UNHEARD, Model, Options, Search
from typeinfer.engine.cache import Cache, cache_folder
from typeinfer.engine.engine import silent
from typeinfer.engine.local import HERE
from typeinfer.languages.python import Python
from typeinfer.languages.python.watching import Watching
from typeinfer.pipeline import annotate, wrote
from typeinfer.program import project
from typeinfer.program.changes import EVERY_LINE
from typeinfer.program.files import read_files
from typeinfer.program.project import read_project
from typeinfer.reading import heads
from typeinfer.remembering import NOTHING_STANDS, Memory
from typeinfer.rewriting import patch
from typeinfer.values.outcomes import Changed, Outcome, Run
from typeinfer.values.predictions import Abstain, Apply
from typeinfer.values.slots import SlotId
from typeinfer.values.source import SourceFile
from typeinfer.values.typeexpr import Named

pytestmark = pytest.mark.usefixtures("own_cache")

PROJECT = {
    "box.py": "class Box:\n    def get(self):\n        return 1\n",
    "make.py": "from box import Box\n\n\ndef make():\n    return Box()\n",
    "use.py": "from make import make\n\n\ndef size():\n    return make().get()\n",
    "alone.py": "def is_even(number=0):\n    return number % 2 == 0\n",
}


@pytest.fixture
def decided(monkeypatch: pytest.MonkeyPatch) -> list[SlotId]:
    """The slots that anything is decided of afresh."""
    found: list[SlotId] = []
    decide = Search.decide

    def noted(search: Search, *arguments: object) -> set[SlotId]:
        fresh = decide(search, *arguments)  # pyrefly: ignore
        found.extend(fresh)
        return fresh

    monkeypatch.setattr(Search, "decide", noted)
    return found


def edited(root: Path, name: str, old: str, new: str) -> None:
    text = (root / name).read_text("utf-8")
    assert old in text
    (root / name).write_text(text.replace(old, new), "utf-8")


def run_and_write(root: Path, **flags: object) -> Run:
    files = read(root)
    first = run(root, files, **flags)
    for name, text in results(first).items():
        (root / name).write_text(text, "utf-8")
    wrote(root, files, Options(only=dict.fromkeys(files, (EVERY_LINE,)), **flags), first)  # pyrefly: ignore
    return first


def test_after_an_edit_files_that_have_nothing_to_do_with_it_are_as_they_were(
    tmp_path: Path, decided: list[SlotId]
) -> None:
    root = plant(tmp_path / "p", PROJECT)
    before = run(root)
    decided.clear()
    edited(root, "alone.py", "is_even", "is_odd")
    after = run(root)
    assert {slot.path for slot in decided} == {"alone.py"}
    assert {**results(after), "alone.py": ""} == {**results(before), "alone.py": ""}
    assert "def is_odd(number: int = 0) -> bool:" in results(after)["alone.py"]
    assert {path: after.predictions[path] for path in ("box.py", "use.py")} == {
        path: before.predictions[path] for path in ("box.py", "use.py")
    }, "with all that moved them"
    assert after.checked_by == before.checked_by


def test_files_that_name_what_was_edited_are_thought_over(tmp_path: Path, decided: list[SlotId]) -> None:
    root = plant(tmp_path / "p", PROJECT)
    run(root)
    decided.clear()
    edited(root, "make.py", "return Box()", "return 'box'")
    found = results(run(root))
    assert {slot.path for slot in decided} == {"make.py"}
    assert "def make() -> str:" in found["make.py"] and "use.py" not in found, "a string has no `get`"
    assert "def get(self) -> int:" in found["box.py"], "nobody in what changed calls it"


def test_what_no_longer_holds_gives_way_to_what_does(tmp_path: Path, decided: list[SlotId]) -> None:
    """`use.py` names nothing of `box.py`, but the checker knows."""
    root = plant(tmp_path / "p", PROJECT)
    assert "def size() -> int:" in results(run(root))["use.py"]
    decided.clear()
    edited(root, "box.py", "return 1", "return 'one'")
    found = results(run(root))
    assert "def get(self) -> str:" in found["box.py"]
    assert "def size() -> str:" in found["use.py"]
    assert "alone.py" not in {slot.path for slot in decided}
    for name, text in found.items():
        (root / name).write_text(text, "utf-8")
    assert results(run(root)) == {}, "it is settled"


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Watching, Mapping[str, SourceFile]]]:
    """The checkers that infer, with the texts that they began with."""
    if os.name == "nt":
        pytest.skip("no checker stays there")
    found: list[tuple[Watching, Mapping[str, SourceFile]]] = []
    begin = Watching.begin

    def noted(watch: Watching, files: Mapping[str, SourceFile]) -> None:
        if watch.infers:
            found.append((watch, files))
        begin(watch, files)

    monkeypatch.setattr(Watching, "begin", noted)
    return found


def test_after_an_edit_the_checker_begins_with_what_the_last_run_came_to(
    tmp_path: Path, begun: list[tuple[Watching, Mapping[str, SourceFile]]]
) -> None:
    root = plant(tmp_path / "p", PROJECT)
    run(root)
    begun.clear()
    edited(root, "alone.py", "is_even", "is_odd")
    run(root)
    ((watch, files),) = begun
    assert "def size() -> int:" in files["use.py"].text and "def is_odd(number=0):" in files["alone.py"].text
    assert not watch.copy.exists(), "it ended with the run"


@pytest.mark.parametrize("other", ["other", "first = 1\n"])
def test_what_nobody_edited_of_a_file_is_what_it_begins_with_too(
    tmp_path: Path, begun: list[tuple[Watching, Mapping[str, SourceFile]]], monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    """So it need not look a second time before it answers."""
    asked: list[Mapping[str, SourceFile]] = []
    infer = Watching.infer
    monkeypatch.setattr(Watching, "infer", lambda watch, files: asked.append(files) or infer(watch, files))
    root = plant(tmp_path / "p", PROJECT)
    run(root)
    asked.clear()
    begun.clear()
    if other == "other":
        edited(root, "use.py", "get()\n", "get()\n\n\ndef other(count):\n    return count + 1\n")
    else:
        (root / "use.py").write_text(other + PROJECT["use.py"], "utf-8")
    run(root)
    ((_, files),) = begun
    assert "def size() -> int:" in files["use.py"].text and other in files["use.py"].text
    assert {path: file.text for path, file in asked[0].items()} == {path: file.text for path, file in files.items()}


def test_what_was_written_since_is_not_written_once_more(
    tmp_path: Path, begun: list[tuple[Watching, Mapping[str, SourceFile]]]
) -> None:
    root = plant(tmp_path / "p", PROJECT)
    run_and_write(root)
    begun.clear()
    edited(root, "use.py", "make().get()", "make().get() + 1")
    run(root)
    ((_, likely),) = begun
    assert {path: file.text for path, file in likely.items()} == {path: file.text for path, file in read(root).items()}


def test_a_checker_that_was_begun_goes_where_the_run_fails(
    tmp_path: Path, begun: list[tuple[Watching, Mapping[str, SourceFile]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = plant(tmp_path / "p", PROJECT)
    run(root)
    begun.clear()
    edited(root, "alone.py", "is_even", "is_odd")
    monkeypatch.setattr(pipeline, "project_of", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(root)
    ((watch, _),) = begun
    assert not watch.copy.exists()


def test_what_was_refused_there_stays_refused(tmp_path: Path, decided: list[SlotId]) -> None:
    refused = "import box\n\n\ndef late(number=0):\n    number.nothing = box.Box().get()\n\n\nlate(number='x')\n"
    root = plant(tmp_path / "p", {"box.py": PROJECT["box.py"], "alone.py": PROJECT["alone.py"], "late.py": refused})
    before = run(root)
    (late,) = (one for one in before.predictions["late.py"] if one.slot.id.name == "number")
    assert isinstance(late.verdict, Abstain) and late.verdict.reason == REFUSED
    decided.clear()
    edited(root, "alone.py", "is_even", "is_odd")
    after = run(root)
    assert {slot.path for slot in decided} == {"alone.py"} and late in after.predictions["late.py"]
    decided.clear()
    edited(root, "box.py", "return 1", "return 2")
    run(root)
    assert late.slot.id in decided, "what it names has changed"


@pytest.mark.parametrize("name", ["mypy.ini", "a/tsconfig.json", "a/b/base.json"])
def test_other_settings_beside_or_above_a_file_make_another_run(
    tmp_path: Path, decided: list[SlotId], name: str
) -> None:
    root = plant(tmp_path / "p", {"a/b/box.py": PROJECT["box.py"], "c/alone.py": PROJECT["alone.py"]})
    (root / "tsconfig.json").write_text('{"extends": ["./a/b/base", "./tsconfig.json"]}', "utf-8")
    run(root)
    decided.clear()
    run(root)
    assert not decided
    for text in ("{}", '{"compilerOptions": {}}'):
        (root / name).write_text(text, "utf-8")
        run(root)
        assert decided, f"{name} is new, or another"
        decided.clear()
    (root / "d").mkdir()
    (root / "d" / "tsconfig.json").write_text("{}", "utf-8")
    (root / "a" / "notes.json").write_text("{}", "utf-8")
    run(root)
    assert not decided, "neither is about these files"


def test_who_asks_about_one_file_meanwhile_makes_nobody_forget_the_others(
    tmp_path: Path, decided: list[SlotId]
) -> None:
    root = plant(tmp_path / "p", PROJECT)
    run(root, checker=False)
    edited(root, "alone.py", "is_even", "is_odd")
    annotate(root, read(root), Options(only={"alone.py": (EVERY_LINE,)}, checker=False))
    decided.clear()
    run(root, checker=False)
    assert {slot.path for slot in decided} == {"alone.py"}


def test_once_it_is_written_the_next_run_goes_on_from_there(
    tmp_path: Path, decided: list[SlotId], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = plant(tmp_path / "p", PROJECT)
    first = run_and_write(root, checker=False)
    decided.clear()
    with monkeypatch.context() as nobody:
        nobody.setattr(Search, "look", lambda *_: pytest.fail("nobody has to be asked"))
        second = run(root, checker=False)
    assert not results(second) and not decided
    left = {slot.slot.id for path in second.predictions for slot in second.predictions[path]}
    assert left == {
        slot.slot.id
        for path in first.predictions
        for slot in first.predictions[path]
        if not isinstance(slot.verdict, Apply)
    }, "what is believed of the others is told again"
    edited(root, "alone.py", "number: int = 0) -> bool", "number=0)")
    assert "number: int = 0) -> bool" in results(run(root, checker=False))["alone.py"]
    assert {slot.path for slot in decided} == {"alone.py"}


def test_of_what_was_written_nobody_is_asked_again_and_what_is_told_is_what_would_be_found(
    tmp_path: Path, decided: list[SlotId], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = (
        "import box\n\n\ndef late(number=0):\n    number.nothing = box.Box().get()\n    n = 1\n\n\nlate(number='x')\n"
    )
    root = plant(tmp_path / "p", PROJECT | {"late.py": refused, "broken.py": "def (\n", "none.py": "x = 1\n"})
    first = run_and_write(root)
    decided.clear()
    with monkeypatch.context() as nobody:
        nobody.setattr(pipeline, "project_of", lambda *_: pytest.fail("nobody has to be asked"))
        told = run(root)
    monkeypatch.setattr(Memory, "run", lambda *_: None)
    found = run(root)
    assert not decided and not results(told)
    assert told.annotated == first.annotated + len({slot for one in first.outcomes for slot in written(one)})
    assert {path: tuple(said) for path, said in told.predictions.items()} == {
        path: tuple(said) for path, said in found.predictions.items()
    }
    assert replace(told, predictions={}) == replace(found, predictions={}, checked_by=("pyrefly",))


def written(outcome: Outcome) -> frozenset[SlotId]:
    return outcome.patch.written if isinstance(outcome, Changed) else frozenset()


def test_what_somebody_else_wrote_meanwhile_is_not_taken_for_ours(tmp_path: Path, decided: list[SlotId]) -> None:
    root = plant(tmp_path / "p", PROJECT)
    files = read(root)
    options = Options(only=dict.fromkeys(files, (EVERY_LINE,)), checker=False)
    first = annotate(root, files, options)
    edited(root, "alone.py", "% 2", "% 3")
    run(root, checker=False)
    wrote(root, files, options, first)
    decided.clear()
    run(root, checker=False)
    assert not decided, "the last run was about other texts"


def test_where_a_file_is_gone_nothing_is_taken_for_granted(tmp_path: Path, decided: list[SlotId]) -> None:
    root = plant(tmp_path / "p", PROJECT)
    run(root, checker=False)
    decided.clear()
    (root / "alone.py").unlink()
    run(root, checker=False)
    assert {slot.path for slot in decided} == {"box.py"}


def test_whoever_asks_otherwise_gets_what_no_run_before_had_a_part_in(tmp_path: Path, decided: list[SlotId]) -> None:
    root = plant(tmp_path / "p", PROJECT)
    run(root, checker=False)
    decided.clear()
    edited(root, "alone.py", "is_even", "is_odd")
    run(root, min_confidence=0.99, checker=False)
    run(root, hasty=True, checker=False)
    assert "box.py" in {slot.path for slot in decided}


def afresh(root: Path, monkeypatch: pytest.MonkeyPatch, **flags: object) -> dict[str, str]:
    """What is written by a run that remembers nothing, and isn't remembered."""
    with monkeypatch.context() as nothing:
        nothing.setattr(Memory, "run", lambda *_: None)
        nothing.setattr(Memory, "standing", lambda *_: NOTHING_STANDS)
        nothing.setattr(Memory, "keep", lambda *_: None)
        return results(run(root, **flags))


def test_after_a_file_is_gone_the_next_edit_costs_no_more_than_that_edit(tmp_path: Path, decided: list[SlotId]) -> None:
    root = plant(tmp_path / "p", PROJECT | {"gone.py": "def gone():\n    return 1\n"})
    run(root, checker=False)
    (root / "gone.py").unlink()
    run(root, checker=False)
    decided.clear()
    edited(root, "alone.py", "is_even", "is_odd")
    run(root, checker=False)
    assert {slot.path for slot in decided} == {"alone.py"}


CHAIN = {
    "a.py": "import far\n\n\ndef base():\n    return far.away()\n",
    "b.py": "from a import base\n\n\ndef mid():\n    return base()\n",
    "c.py": "from b import mid\n\n\ndef top():\n    return mid()\n",
}


@pytest.mark.parametrize("write", [True, False])
def test_what_is_decided_otherwise_opens_what_names_it_in_turn(
    tmp_path: Path, decided: list[SlotId], monkeypatch: pytest.MonkeyPatch, write: bool
) -> None:
    """However far it reaches: whoever only looks one step would miss `top` for good once the rest is written."""
    root = plant(tmp_path / "p", CHAIN | {"alone.py": PROJECT["alone.py"]})
    (run_and_write if write else run)(root)
    decided.clear()
    edited(root, "a.py", "far.away()", "1")
    found = results(run(root))
    assert "def top() -> int:" in found["c.py"] and "alone.py" not in {slot.path for slot in decided}
    assert found == afresh(root, monkeypatch)
    edited(root, "a.py", "return 1", "return far.away()")
    assert not {"b.py", "c.py"} & results(run(root)).keys(), "nor does anything stand on what is gone"


def test_who_asks_about_one_file_first_finds_as_much_of_it_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the others nothing was decided then, so that whatever hangs on them was looked at without."""
    edited_already = CHAIN | {"a.py": "def base():\n    return 1\n"}
    root = plant(tmp_path / "p", edited_already)
    annotate(root, read(root), Options(only={"c.py": (EVERY_LINE,)}))
    found = results(run(root))
    assert found == afresh(root, monkeypatch) and "def top() -> int:" in found["c.py"]


def test_a_file_that_can_be_read_by_now_is_asked_about_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it could not, nobody asked the model about any of it."""
    model = Model(ByName({"text": [(Named("str"), 0.99)]}), {"python": AS_IT_SAYS})
    monkeypatch.setattr(pipeline, "model_of", lambda _: model)
    root = plant(tmp_path / "p", {"a.py": "def shout(text):\n    return text\n\n\ndef broken(a, b)\n    return a\n"})
    assert results(run(root, checker=False)) == {}
    edited(root, "a.py", "(a, b)", "(a, b):")
    assert "def shout(text: str)" in results(run(root, checker=False))["a.py"]


def test_what_is_read_at_run_time_by_now_is_not_written_and_what_no_longer_is_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`leaf.py` names nothing of what was edited, two classes above."""
    model = Model(ByName({"names": [(Named("str"), 0.99)]}), {"python": AS_IT_SAYS})
    monkeypatch.setattr(pipeline, "model_of", lambda _: model)
    root = plant(
        tmp_path / "p",
        {
            "kernel.py": "class Kernel:\n    pass\n",
            "mid.py": "from kernel import Kernel\n\n\nclass Mid(Kernel):\n    pass\n",
            "leaf.py": "import os\nfrom mid import Mid\n\n\nclass Leaf(Mid):\n    names = os.listdir('/')\n",
        },
    )
    assert "names: str = " in results(run(root, checker=False))["leaf.py"]
    edited(root, "kernel.py", "class Kernel:", "from pydantic import BaseModel\n\n\nclass Kernel(BaseModel):")
    assert "leaf.py" not in results(run(root, checker=False))
    edited(root, "kernel.py", "(BaseModel)", "")
    assert "names: str = " in results(run(root, checker=False))["leaf.py"]


def test_what_there_were_no_checks_left_for_is_asked_about_again(tmp_path: Path, decided: list[SlotId]) -> None:
    root = plant(tmp_path / "p", PROJECT)
    told = run(root, check_budget=1)
    assert not results(told) and told.counts["alone.py"][UNHEARD] == 2
    decided.clear()
    edited(root, "box.py", "return 1", "return 2")
    run(root, check_budget=1)
    assert "alone.py" in {slot.path for slot in decided}


def test_whether_a_file_can_be_renamed_is_asked_each_time(tmp_path: Path) -> None:
    root = plant(tmp_path / "p", {"package.json": "{}", "a.js": "export const one = () => 1;\n"})

    def renamed() -> list[str]:
        files = read_files(root, ["a.js"], {".js": "typescript"})[0]
        found = annotate(root, files, Options(only={"a.js": (EVERY_LINE,)}, rename=True, checker=False))
        return [one.path for one in found.outcomes]

    assert renamed() == ["a.ts"]
    (root / "a.ts").symlink_to("package.json")
    assert renamed() == ["a.js"], "there is a file of that name that isn't read"
    (root / "a.ts").unlink()
    assert renamed() == ["a.ts"]


def test_what_a_fixture_gives_by_now_is_what_the_tests_take_that_ask_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing in them names the fixture but a parameter, and no import leads there."""
    root = plant(
        tmp_path / "p",
        {
            "conftest.py": "import pytest\n\n\n@pytest.fixture\ndef amount():\n    return 1\n",
            "test_shop.py": "def test_amount(amount):\n    assert amount\n",
            "shop.py": "def name():\n    return 'shop'\n",
        },
    )
    assert "def test_amount(amount: int) -> None:" in results(run(root, min_confidence=0.5))["test_shop.py"]
    edited(root, "conftest.py", "return 1", "return True")
    found = results(run(root, min_confidence=0.5))
    assert "def test_amount(amount: bool) -> None:" in found["test_shop.py"]
    assert found == afresh(root, monkeypatch, min_confidence=0.5)


@pytest.mark.parametrize("checker", ["mypy", "ty"])
def test_what_a_checker_sees_beside_the_project_makes_another_run(
    tmp_path: Path, decided: list[SlotId], monkeypatch: pytest.MonkeyPatch, checker: str
) -> None:
    stubs, environment = tmp_path / "stubs", tmp_path / "environment"
    packages = environment / "lib" / "python3.11" / "site-packages"
    for folder in (stubs, packages):
        folder.mkdir(parents=True)
    monkeypatch.setenv("MYPYPATH", str(stubs))
    monkeypatch.setenv("VIRTUAL_ENV", str(environment))
    monkeypatch.setattr(Python, "diagnose", lambda *_: ())
    root = plant(tmp_path / "p", {"alone.py": PROJECT["alone.py"]})
    run(root, checked_by=checker)
    for change in (
        lambda: (stubs / "far.pyi").write_text("def away() -> int: ...\n", "utf-8"),
        lambda: (packages / "far").mkdir(),
        lambda: monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path)),
    ):
        decided.clear()
        run(root, checked_by=checker)
        assert not decided
        change()
        run(root, checked_by=checker)
        assert decided


def test_the_same_edits_of_the_same_text_are_proven_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proven: list[str] = []
    check_laws = patch.check_laws
    monkeypatch.setattr(patch, "check_laws", lambda *all: (proven.append(all[1].file.path), check_laws(*all)))
    root = plant(tmp_path / "p", PROJECT)
    before = results(run(root, checker=False))
    assert set(proven) == {"box.py", "alone.py"}
    proven.clear()
    edited(root, "alone.py", "% 2", "% 3")
    after = results(run(root, checker=False))
    assert proven == ["alone.py"] and after.keys() == before.keys()


def test_a_text_that_was_to_be_written_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = plant(tmp_path / "p", PROJECT)
    before = run(root)
    texts: list[str] = []
    read_module = project.read_module
    monkeypatch.setattr(project, "read_module", lambda file, name: texts.append(file.path) or read_module(file, name))
    edited(root, "alone.py", "is_even", "is_odd")
    after = run(root)
    assert set(texts) == {"alone.py"}, "once as it is, and once as it is to be"
    assert results(after)["use.py"] == results(before)["use.py"] != PROJECT["use.py"]


def test_of_a_project_in_parts_names_and_imports_are_remembered_by_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = plant(tmp_path / "p", PROJECT)
    files = read(root)
    with Cache(cache_folder()) as cache:
        found = heads(files, HERE, cache, silent)
        monkeypatch.setattr(reading, "read_as", lambda *_: pytest.fail("nothing is to be read"))
        assert heads(files, HERE, cache, silent) == found
    assert [one.module for one in found["use.py"].imports] == ["make"]
    assert not found["use.py"].functions and not found["use.py"].file.data


def test_files_are_beside_each_other_by_what_they_name(tmp_path: Path) -> None:
    root = plant(
        tmp_path / "p",
        {
            "a/__init__.py": "from .inner import Inner\n",
            "a/inner.py": "class Inner: ...\n",
            "a/other.py": "def other(): ...\n",
            "b.py": "from a import Inner\n",
            "c.py": "import a.other\n",
        },
    )
    project = read_project(root, read(root))
    assert project.beside({"a/inner.py"}) == {"a/__init__.py", "b.py"}
    assert project.beside({"b.py"}) == {"a/__init__.py", "a/inner.py"}
    assert project.beside({"c.py"}) == {"a/other.py"}
