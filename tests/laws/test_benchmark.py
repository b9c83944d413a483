"""The benchmark: pinned projects in, a table out; and what must never happen on the way."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tarfile
import textwrap
import zipfile
from pathlib import Path

import pytest

from typeinfer.evaluation import benchmark
from typeinfer.evaluation.judge import Origin
from typeinfer.evaluation.metrics import Score
from typeinfer.evaluation.peers import HUMAN, OURS, Tool, run, tools_named
from typeinfer.evaluation.projects import Package, Project, ProjectUnavailable, fetch, pinned_projects
from typeinfer.evaluation.python import PythonJudge
from typeinfer.evaluation.python.hints import insert_hints
from typeinfer.training import published
from typeinfer.training.published import is_reserved
from typeinfer.values.slots import SlotKind
from typeinfer.values.source import SourceFile

CART = "class Cart:\n    def add(self, item: str, count: int = 1) -> None:\n        self.last: str = item\n"


PYTHON = PythonJudge()


@pytest.mark.parametrize(("language", "size"), [("python", 12), ("typescript", 10)])
def test_the_two_sets_share_no_project_and_none_is_reserved(language: str, size: int) -> None:
    development, calibration = pinned_projects(language, "development"), pinned_projects(language, "calibration")
    assert len(development) == size
    assert not {project.name for project in development} & {project.name for project in calibration}
    assert not [project.name for project in (*development, *calibration) if is_reserved(project)]


def test_a_set_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(ProjectUnavailable, match="no set 'tiny' for python; there are: calibration, development"):
        pinned_projects("python", "tiny")


def shop(folder: Path, name: str = "shop") -> Project:
    """A project of our own as a wheel in the cache folder, so that nothing is downloaded."""
    wheel = folder / "wheels" / f"{name}-1.0-py3-none-any.whl"
    wheel.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("shop/__init__.py", "")
        archive.writestr("shop/cart.py", CART)
        archive.writestr("shop/_vendor/six.py", "x: int = 1\n")
        archive.writestr("shop/tests/test_cart.py", "x: int = 1\n")
        archive.writestr("shop/cart.pyi", "x: int\n")
        archive.writestr("shop-1.0.dist-info/METADATA", "")
    return Project(name, "1.0", wheel.name, hashlib.sha256(wheel.read_bytes()).hexdigest(), "development")


def test_only_what_the_project_wrote_itself_is_unpacked(tmp_path: Path) -> None:
    root = fetch(shop(tmp_path), tmp_path)
    found = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    assert found == ["shop/__init__.py", "shop/cart.py"]


def test_of_a_source_distribution_what_is_asked_for_is_unpacked_with_its_tests(tmp_path: Path) -> None:
    fetch(shop(tmp_path), tmp_path)
    archive = tmp_path / "wheels" / "shop-1.0.tar.gz"
    with tarfile.open(archive, "w:gz") as held:
        for name in ("src/shop/cart.py", "tests/test_cart.py", "tests/cart.json", "docs/conf.py", "../tests/out.py"):
            held.addfile(tarfile.TarInfo(f"shop-1.0/{name}"), io.BytesIO())
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    project = Project("shop", "1.0", archive.name, digest, "tests", sources=("src", "tests"))
    root = fetch(project, tmp_path)
    found = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    assert found == ["src/shop/cart.py", "tests/test_cart.py"], "beside the wheel of the same version"
    assert pinned_projects("python", "tests")[0].sources == ("cibuildwheel", "unit_test", "test")


def test_a_wheel_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    pinned = shop(tmp_path)
    (tmp_path / "wheels" / pinned.archive).write_bytes(b"another")
    with pytest.raises(ProjectUnavailable, match="is not the pinned"):
        fetch(pinned, tmp_path)


def test_a_reserved_project_is_refused_by_any_spelling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reserved = tmp_path / "reserved.sha256"
    reserved.write_text(hashlib.sha256(b"pypi:my-shop").hexdigest() + "\n")
    project = Project("My_.Shop", "1.0", "", "", "development")
    assert is_reserved(project, reserved)
    assert not is_reserved(Project("shop", "1.0", "", "", "development"), reserved)
    assert not is_reserved(Package("my-shop", "1.0", "", (), "development"), reserved)
    assert not is_reserved(project, tmp_path / "absent")
    monkeypatch.setattr(published, "is_reserved", lambda project: True)
    with pytest.raises(ProjectUnavailable, match="shop is reserved"):
        fetch(shop(tmp_path), tmp_path)


EDITOR = """
import pathlib, sys
path = pathlib.Path(sys.argv[1], "shop/cart.py")
path.write_text(path.read_text().replace({old!r}, {new!r}))
"""


def editing(name: str, old: str, new: str) -> Tool:
    """A tool that replaces one text by another."""
    return Tool(name, "pytest", (sys.executable, "-c", EDITOR.format(old=old, new=new)))


def test_every_tool_is_judged_on_the_same_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pinned = shop(tmp_path)
    monkeypatch.setattr(benchmark, "pinned_projects", lambda language, chosen: (pinned,))
    tools = [
        editing("half right", "(self, item, count=1)", "(self, item: bytes, count: int = 1)"),
        editing("breaks", "def add", "def def add"),
        editing("alters", "count=1", "count: int = 2"),
        Tool("fails", "pytest", (sys.executable, "-c", "raise SystemExit('no such file')")),
        HUMAN,
    ]
    said: list[str] = []
    results = tmp_path / "results"
    table = benchmark.evaluate(PYTHON, "development", "bare", tools, said.append, folder=tmp_path, results=results)
    row = json.loads((results / "development-bare.jsonl").read_text())
    figures = {name: (tool["total"], tool["broken"], tool["altered"]) for name, tool in row["tools"].items()}
    assert figures == {
        "half right": ({"slots": 4, "annotated": 2, "exact": 1, "base": 1}, 0, 0),
        "breaks": ({"slots": 4, "annotated": 0, "exact": 0, "base": 0}, 1, 0),
        "alters": ({"slots": 4, "annotated": 1, "exact": 1, "base": 1}, 0, 1),
        "fails": ({"slots": 4, "annotated": 0, "exact": 0, "base": 0}, 0, 0),
        "human": ({"slots": 4, "annotated": 4, "exact": 4, "base": 4}, 0, 0),
    }
    assert row["tools"]["fails"]["failure"] == "status 1: no such file"
    assert "| half right | 50.0 | 50.0 | 25.0 | 50.0 | 50.0 / 50.0 |" in table


def test_the_checker_peers_run_for_real(tmp_path: Path) -> None:
    for tool in PYTHON.peers:
        if tool.name.startswith("pyrefly"):
            root = tmp_path / tool.name.replace(" ", "-").replace(",", "")
            (root / "shop").mkdir(parents=True)
            (root / "shop" / "till.py").write_text("def total():\n    return str(1)\n")
            assert run(tool, root, tmp_path / "cache").failure is None
            assert "-> str" in (root / "shop" / "till.py").read_text()
            assert [path.name for path in root.iterdir()] == ["shop"]


def test_checkers_that_were_not_asked_count_for_themselves(tmp_path: Path) -> None:
    (tmp_path / "till.py").write_text("import nowhere\nx: int = 'one'\n")
    assert PYTHON.errors(tmp_path) == 1
    assert PYTHON.errors_of_others(tmp_path) == {"ty": 1, "basedpyright": 1, "mypy": 1}


BEFORE = '''\
"""A till."""
from __future__ import annotations
from typing import Dict
import os

class Till:
    def __init__(self, name, rate: float):  # who
        self.last = None
        self.sums: Dict[str, int] = {}

    @staticmethod
    def open(path, *more, **named):
        return os.fspath(path)

    def pay(self, sum):
        self.last = sum
'''

AFTER = '''\
"""A till."""
from __future__ import annotations
from typing import Dict, List, TYPE_CHECKING
import os
from pathlib import Path
if TYPE_CHECKING:
    from shop import Cart

class Till:
    def __init__(self, name: List[Cart], rate: float) -> None:  # who
        self.last: "Cart | None" = None
        self.sums: Dict[str, int] = {}

    @staticmethod
    def open(path: Path, *more: str, **named: (int)) -> str:
        return os.fspath(path)

    def pay(self, sum: (
            Cart)) -> None:
        self.last = sum
'''

NEUTRAL = '''\
"""A till."""
from __future__ import annotations
from typing import Any as _Anything
from typing import Dict, TYPE_CHECKING
import os
pass
if TYPE_CHECKING:
    pass

class Till:
    def __init__(self, name: _Anything, rate: float) -> None:  # who
        self.last: _Anything = None
        self.sums: Dict[str, int] = {}

    @staticmethod
    def open(path: _Anything, *more: _Anything, **named: (_Anything)) -> _Anything:
        return os.fspath(path)

    def pay(self, sum: (
            _Anything)) -> _Anything:
        self.last = sum
'''


def test_what_a_checker_would_say_whatever_is_written_is_said_of_any() -> None:
    before, after = {"till.py": BEFORE.encode(), "broken.py": b"x ="}, {"till.py": AFTER.encode(), "broken.py": b"y ="}
    assert PYTHON.neutral(before, after) == {"till.py": NEUTRAL.encode(), "broken.py": b"x ="}
    assert PYTHON.neutral(before, before) == before
    alone = {"a.py": b"\xef\xbb\xbf# coding: utf-8\r\nf = lambda: 0\r\ndef g(x): pass\r\n"}
    written = {"a.py": alone["a.py"].replace(b"g(x)", b"g(x: int) -> None")}
    said = PYTHON.neutral(alone, written)["a.py"]
    assert said.endswith(b"Any as _Anything\nf = lambda: 0\r\ndef g(x: _Anything) -> _Anything: pass\r\n")


GUARDED = """\
from __future__ import annotations; import os
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    Alias = dict
    def f(x): ...
else:
    def f(x):
        from shop import Cart
        return Cart(x)
class A:
    def __init__(self): pass
def g(a: Alias): return os.sep
other.x = f(1)
"""

WRITTEN = GUARDED.replace("    Alias", "    from shop import Cart\n    Alias").replace(
    "f(x): ...", "f(x: Cart) -> Cart: ..."
)
WRITTEN = WRITTEN.replace("__init__(self)", "__init__(self) -> str").replace("Alias):", "Alias) -> str:")
WRITTEN = WRITTEN.replace("other.x =", "other.x: Cart =")


def test_the_projects_own_code_stays_in_what_says_any() -> None:
    """Else what it lacks would be reported, and pass for uncovered."""
    made = PYTHON.neutral({"a.py": GUARDED.encode()}, {"a.py": WRITTEN.encode()})["a.py"].decode()
    assert made == GUARDED.replace("    Alias", "    pass\n    Alias").replace(
        "f(x): ...", "f(x: _Anything) -> _Anything: ..."
    ).replace("__init__(self)", "__init__(self) -> None").replace("Alias):", "Alias) -> _Anything:").replace(
        "other.x =", "other.x: _Anything ="
    ).replace("annotations; import os\n", "annotations; from typing import Any as _Anything; import os\n")


def test_what_others_report_of_any_too_was_uncovered_and_not_made(tmp_path: Path) -> None:
    """mypy keeps a variable that needs an annotation to itself while nothing of its function is annotated."""
    files = {"till.py": b"def pay(sum):\n    seen = {}\n    return sum + 1\n"}
    wrong = {"till.py": b"def pay(sum: str) -> int:\n    seen = {}\n    return sum + 1\n"}
    counts = []
    for name, tree in {"before": files, "wrong": wrong, "neutral": PYTHON.neutral(files, wrong)}.items():
        benchmark.write_tree(tmp_path / name, tree)
        counts.append(PYTHON.errors_of_others(tmp_path / name)["mypy"])
    assert counts == [0, 2, 1]


def test_a_tool_of_another_name_is_answered_with_those_there_are() -> None:
    assert tools_named([], PYTHON.peers) == (OURS, *PYTHON.peers, HUMAN)
    assert tools_named(["human"], PYTHON.peers) == (HUMAN,)
    (alone,) = tools_named(["typeinfer --model none"], PYTHON.peers)
    assert alone.command == (*OURS.command, "--model", "none")
    with pytest.raises(ValueError, match="no tool is named 'mypy'; there are: typeinfer, "):
        tools_named(["mypy"], PYTHON.peers)


def test_hints_are_written_where_an_annotation_may_stand_and_nowhere_else() -> None:
    text = textwrap.dedent("""\
        é = "😀"; name = f(1)
        for each in name: pass
        def f(x): return x
        """)
    file = SourceFile("a.py", "python", text.encode())

    def hint(line: int, character: int, label: str) -> dict[str, object]:
        return {"position": {"line": line, "character": character}, "label": label}

    hints = [hint(0, 14, ": str"), hint(0, 19, "x="), hint(1, 8, ": str"), hint(2, 8, " -> (x) -> int")]
    assert insert_hints(file, hints).text == text.replace("name =", "name: str =")
    assert insert_hints(file, [hint(2, 8, " -> int")]).text == text.replace("f(x):", "f(x) -> int:")


def test_groups_add_up_to_the_whole() -> None:
    group = (SlotKind.RETURN, Origin.BUILTIN, False)
    one = benchmark.Outcome(
        benchmark.Cost(1, 5, None),
        {group: Score(2, 1, 1, 1)},
        3,
        1,
        0,
        0,
        1,
        0.5,
        {"ty": 1},
        {"ty": 2},
        {"not believed": 2},
        1,
    )
    other = benchmark.Outcome(
        benchmark.Cost(2, 4, "late"),
        {group: Score(1, 0, 0, 0)},
        1,
        0,
        1,
        0,
        0,
        0.5,
        {"ty": 3, "mypy": 1},
        {"ty": 0, "mypy": 4},
        {"not believed": 1, "no evidence": 4},
    )
    assert one + other == benchmark.Outcome(
        benchmark.Cost(3, 5, "late"),
        {group: Score(3, 1, 1, 1)},
        4,
        1,
        1,
        0,
        1,
        1.0,
        {"ty": 4},
        {"ty": 2},
        {"not believed": 3, "no evidence": 4},
        1,
    )
