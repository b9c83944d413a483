"""What has to do with each other stays together; the rest is looked at apart, and comes to the same as by itself."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random

import pytest

from tests.laws.test_pipeline import plant, read, results, run
from typeinfer import pipeline, reading
from typeinfer.deciding import Search
from typeinfer.engine.cache import Cache, cache_folder
from typeinfer.engine.engine import silent
from typeinfer.engine.local import HERE, Local
from typeinfer.model.folder import NoModel
from typeinfer.program import parts
from typeinfer.program.changes import EVERY_LINE
from typeinfer.program.project import read_project
from typeinfer.tracing import recorded
from typeinfer.values.outcomes import Failed
from typeinfer.values.source import SourceFile

pytestmark = pytest.mark.usefixtures("own_cache")

SHOP = {
    "shop/shop/__init__.py": "",
    "shop/shop/box.py": "class Box:\n    def get(self):\n        return 1\n",
    "shop/shop/make.py": "from .box import Box\n\n\ndef make():\n    return Box()\n",
    "shop/tests/__init__.py": "",
    "shop/tests/tools.py": "def made():\n    from shop import make\n\n    return make.make()\n",
    "shop/tests/test_box.py": "from tests.tools import made\n\n\ndef test_box():\n    assert made().get() == 1\n",
}
BANK = {
    "bank/bank.py": "def is_even(number=0):\n    return number % 2 == 0\n",
    "bank/tests/__init__.py": "",
    "bank/tests/tools.py": "def one():\n    return 'one'\n",
    "bank/tests/test_bank.py": "import bank\nfrom tests.tools import one\n\n\ndef test():\n    assert bank.is_even(2), one()\n",
}
BOTH = {**SHOP, **BANK}


def cut(files: Mapping[str, str], size: int = parts.ROOM, together: Iterable[str] = ()) -> list[set[str]]:
    sources = {path: SourceFile(path, "python", text.encode()) for path, text in files.items()}
    modules = read_project(Path("/nowhere"), sources).modules
    found = parts.packed(parts.groups(modules, files, together), dict.fromkeys(files, size))
    assert sorted(path for part in found for path in part) == sorted(files), "every file is in one part"
    return [{*part} for part in found]


def test_files_that_import_each_other_stay_together() -> None:
    assert cut(BOTH) == [BANK.keys(), SHOP.keys()], "each with its own `tests.tools`, though they have one name"


def test_tests_stay_with_whoever_offers_them_fixtures() -> None:
    testing = {"conftest.py", "test_shop.py", "bank/conftest.py", "bank/test_bank.py"}
    assert testing in cut(dict.fromkeys([*testing, "bank/tool.py", "tool.py"], ""))


def test_a_module_stays_with_the_packages_that_it_is_in() -> None:
    assert cut({"a/__init__.py": "", "a/b/__init__.py": "", "a/b/c.py": "", "d.py": ""}) == [
        {"a/__init__.py", "a/b/__init__.py", "a/b/c.py"},
        {"d.py"},
    ]


def test_files_may_have_to_do_with_each_other_without_an_import() -> None:
    assert cut({"a.py": "", "b.py": "", "c.py": ""}, together=["a.py", "c.py"]) == [{"a.py", "c.py"}, {"b.py"}]


def test_small_parts_are_put_together_while_there_is_room() -> None:
    files = {f"{name}.py": "" for name in "abcdefg"}
    assert [len(part) for part in cut(files, parts.ROOM // 3)] == [2, 2, 2, 1], "sizes are rounded up"
    assert cut(files, 1) == [files.keys()]


def test_what_is_next_to_nothing_is_no_part_of_its_own() -> None:
    files = {"a.py": "", "b.py": "", "c.py": ""}
    modules = read_project(Path("/nowhere"), {path: SourceFile(path, "python", b"") for path in files}).modules
    sizes = {"a.py": 2 * parts.ROOM, "b.py": 10, "c.py": parts.ROOM}
    assert parts.packed(parts.groups(modules, files), sizes) == [("a.py", "b.py"), ("c.py",)]


@pytest.fixture
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "ROOM", 60)
    monkeypatch.setattr(parts, "GRAIN", 1)


@pytest.mark.usefixtures("little_room")
@pytest.mark.parametrize("jobs", [1, 2])
def test_each_part_comes_to_the_same_as_by_itself(tmp_path: Path, jobs: int) -> None:
    root = plant(tmp_path / "p", BOTH)
    whole = run(root, engine=Local(jobs))
    alone = {**results(run(plant(tmp_path / "s", SHOP))), **results(run(plant(tmp_path / "b", BANK)))}
    assert results(whole) == alone and "def made() -> Box:" in alone["shop/tests/tools.py"]
    assert [outcome.path for outcome in whole.outcomes] == sorted(BOTH)
    assert whole.files.keys() == BOTH.keys() and whole.checked_by == ("pyrefly",)


@pytest.mark.usefixtures("little_room")
def test_an_edit_has_its_part_looked_at_again_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = plant(tmp_path / "p", BOTH)
    before = run(root)
    seen: list[set[str]] = []
    settle = Search.settle

    def noted(search: Search, *arguments: object) -> object:
        seen.append({*search.project.modules})
        return settle(search, *arguments)  # pyrefly: ignore

    monkeypatch.setattr(Search, "settle", noted)
    assert run(root) == before and not seen
    plant(root, {"bank/tests/tools.py": "def one():\n    return 1.5\n"})
    after = run(root)
    assert seen == [BANK.keys()]
    assert "def one() -> float:" in results(after)["bank/tests/tools.py"]
    assert results(after)["shop/shop/box.py"] == results(before)["shop/shop/box.py"]


def test_what_is_remembered_of_groups_is_what_would_be_found(tmp_path: Path) -> None:
    """Imports, files and mistakes come and go."""
    random = Random(20261130)
    texts = {f"{name}.py": "" for name in "abcdefgh"} | {
        "src/pack/__init__.py": "",
        "src/pack/inner.py": "",
        "page.js": "",
    }
    lines = [
        "import b",
        "from c import d",
        "from pack import inner",
        "import src.pack",
        "x = 1",
        "def f(:",
        "\n",
        "import gone",
    ]
    with Cache(cache_folder()) as cache:
        for turn in range(60):
            if turn % 10 == 9:
                texts.pop(f"{random.choice('abcdefgh')}.py", None)
            for path in random.sample([*texts], random.randrange(3)):
                texts[path] = random.choice(lines) + "\n" if path != "page.js" else f"// {turn}\n"
            files = {
                path: SourceFile(path, "typescript" if path == "page.js" else "python", text.encode())
                for path, text in texts.items()
            }
            with Cache(tmp_path / str(turn)) as nothing:
                fresh = reading.groups(files, frozenset({"page.js"}), HERE, nothing, silent)
            assert tuple(reading.groups(files, frozenset({"page.js"}), HERE, cache, silent)) == fresh, turn


def test_after_an_edit_that_is_looked_at_alone_to_tell_what_hangs_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = {path: SourceFile(path, "python", text.encode()) for path, text in BOTH.items()}
    with Cache(cache_folder()) as cache:
        before = reading.groups(files, frozenset(), HERE, cache, silent)
        monkeypatch.setattr(reading, "heads", lambda *_: pytest.fail("the others are as they were"))
        assert reading.groups(files, frozenset(), HERE, cache, silent) == before
        bank = files["bank/bank.py"]
        for number in range(3):
            files["bank/bank.py"] = bank.with_data(bank.data + b"x = %d\n" % number)
            assert reading.groups(files, frozenset(), HERE, cache, silent) == before


@pytest.mark.usefixtures("little_room")
def test_a_part_that_nothing_is_asked_of_is_not_looked_at(tmp_path: Path) -> None:
    root = plant(tmp_path / "p", BOTH)
    found = pipeline.annotate(root, read(root), pipeline.Options(only={"bank/bank.py": (EVERY_LINE,)}))
    assert [*found.files] == ["bank/bank.py"]


@pytest.mark.usefixtures("little_room")
def test_a_process_that_dies_costs_its_own_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = plant(tmp_path / "p", BOTH)
    monkeypatch.setattr(pipeline, "_annotate_elsewhere", die_over_the_bank)
    found = run(root, engine=Local(2))
    lost = {outcome.path: outcome.reason for outcome in found.outcomes if isinstance(outcome, Failed)}
    assert lost.keys() == BANK.keys() and all("died" in reason for reason in lost.values())
    assert "def get(self) -> int:" in results(found)["shop/shop/box.py"]


ANNOTATE = pipeline._annotate_elsewhere


def die_over_the_bank(task: pipeline._Task) -> object:
    if "bank/bank.py" in task.part.files:
        os._exit(9)
    return ANNOTATE(task)


@pytest.mark.usefixtures("little_room")
def test_what_is_wrong_with_the_model_is_told_as_it_is_of_the_whole(tmp_path: Path) -> None:
    root = plant(tmp_path / "p", BOTH)
    with pytest.raises(NoModel, match="checksums"):
        run(root, engine=Local(2), model=tmp_path)


@pytest.mark.usefixtures("little_room")
def test_stages_of_other_processes_are_told_too(tmp_path: Path) -> None:
    root = plant(tmp_path / "p", BOTH)
    with recorded() as trace:
        run(root, engine=Local(2))
    stages = trace.stages()
    assert stages["other processes"][0] == 1 and stages["the checker checks"][0] >= 4
    assert len({span.thread for span in trace.spans if span.stage == "annotating"}) == 2
    assert all(0 <= span.start < 300 for span in trace.spans)
