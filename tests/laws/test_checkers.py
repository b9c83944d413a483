"""Every checker of Python is asked in the same way and answers in the same terms: one suite for all."""

from __future__ import annotations

from pathlib import Path

import pytest

from typeinfer.languages import language_of
from typeinfer.languages.python.checkers import CHECKERS, configured, diagnose, mypy_settings, write_copy
from typeinfer.values.inferred import CheckerFailed
from typeinfer.values.source import SourceFile, decode

VERSION = (3, 10)
TEXT = """\
import nowhere_to_be_found
# The line below holds what counts as one, two or four: \u00e9 \u20ac \U0001f600


def f(x: int) -> str:
    "\U0001f600"; return x


f("a")
"""


def test_the_language_names_those_that_there_are() -> None:
    """It does so without importing them."""
    python = language_of("a.py")
    assert python is not None and python.checkers == tuple(CHECKERS)
    assert {file for checker in CHECKERS.values() for file in checker.settings} < {*python.settings_files}


def found(name: str, root: Path, *files: SourceFile) -> list[tuple[str, int]]:
    reported = diagnose(name, root, {file.path: file for file in files}, VERSION)
    by_path = {file.path: file for file in files}
    return sorted((one.path, by_path[one.path].line_of(one.span.start)) for one in reported)


@pytest.fixture(params=sorted(CHECKERS.keys() - {"pyright"}))
def name(request: pytest.FixtureRequest) -> str:
    # pyright's package fetches a program of another registry when it is first asked; basedpyright is made of the same.
    return request.param


def test_errors_are_found_where_they_stand_and_missing_packages_are_none(name: str, tmp_path: Path) -> None:
    file = SourceFile("shop/a.py", "python", TEXT.encode())
    assert found(name, tmp_path, file) == [("shop/a.py", 6), ("shop/a.py", 9)]


def test_whatever_its_line_ends_and_encoding(name: str, tmp_path: Path) -> None:
    windows = decode("b.py", "python", TEXT.replace("\n", "\r\n").encode("utf-8-sig"))
    assert found(name, tmp_path, windows) == [("b.py", 6), ("b.py", 9)]


def test_bodies_without_annotations_are_looked_into(name: str, tmp_path: Path) -> None:
    """What is wrong there was wrong before: annotating its head must not make it new."""
    assert found(name, tmp_path, SourceFile("a.py", "python", b"def f():\n    return 1 + 'one'\n")) == [("a.py", 2)]


def test_two_files_of_one_name_are_two(name: str, tmp_path: Path) -> None:
    files = [SourceFile(f"{folder}/util.py", "python", b"x: int = 'one'\n") for folder in ("here", "there")]
    assert found(name, tmp_path, *files) == [("here/util.py", 1), ("there/util.py", 1)]


def test_packages_are_found_wherever_they_lie(tmp_path: Path) -> None:
    def files(folder: str, result: str) -> list[SourceFile]:
        texts = {"__init__": "", "a": f"def f():\n    return {result}\n", "b": "from app.a import f\n\nx: str = f()\n"}
        return [SourceFile(f"{folder}/app/{name}.py", "python", text.encode()) for name, text in texts.items()]

    assert found("pyrefly", tmp_path, *files("back/end", "1")) == [("back/end/app/b.py", 3)]
    assert found("pyrefly", tmp_path, *files("one", "1"), *files("other", "'1'")) == [], (
        "it would find the same for both"
    )


def test_a_class_is_one_class_wherever_its_file_is_imported_from(tmp_path: Path) -> None:
    """Below `src` it would have two names from the root, and what one file hands on would be no argument of the other's."""
    texts = {
        "proj/__init__.py": "",
        "proj/model.py": "class Account:\n    def send(self) -> None:\n        from proj.transfer import move; move(self)\n",
        "proj/transfer.py": "from proj.model import Account\n\n\ndef move(source: Account) -> None: ...\n",
    }

    def files(prefix: str, imported: str) -> list[SourceFile]:
        named = {path: text.replace("from proj", f"from {imported}") for path, text in texts.items()}
        return [SourceFile(f"{prefix}/{path}", "python", text.encode()) for path, text in named.items()]

    assert found("pyrefly", tmp_path, *files("src", "proj")) == []
    assert found("pyrefly", tmp_path, *files("src", "src.proj")) == []
    package = SourceFile("src/__init__.py", "python", b"")
    assert found("pyrefly", tmp_path, package, *files("src", "src.proj")) == []


def test_a_package_of_the_projects_hides_none_of_the_librarys(tmp_path: Path) -> None:
    files = [
        SourceFile("deep/json/__init__.py", "python", b"def dumps() -> int: ...\n"),
        SourceFile("a.py", "python", b"import json\n\nx: int = json.dumps(1)\n"),
    ]
    assert found("pyrefly", tmp_path, *files) == [("a.py", 3)]


def test_what_is_wrong_with_a_whole_file_stands_at_its_head(tmp_path: Path) -> None:
    """basedpyright reports cycles of imports, and gives them no place."""
    files = [
        SourceFile("shop/__init__.py", "python", b""),
        SourceFile("shop/a.py", "python", b"import shop.b\n\nx = shop.b.y\n"),
        SourceFile("shop/b.py", "python", b"import shop.a\n\ny = shop.a.x\n"),
    ]
    assert {("shop/a.py", 1), ("shop/b.py", 1)} & {*found("basedpyright", tmp_path, *files)}


def test_what_lies_on_the_disk_is_not_what_is_asked_about(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x: int = 'one'\n")
    assert found(name, tmp_path, SourceFile("a.py", "python", b"x: int = 1\n")) == []
    assert (tmp_path / "a.py").read_text() == "x: int = 'one'\n" and len([*tmp_path.iterdir()]) == 1


def test_where_there_is_no_room_for_a_copy_nothing_is_checked() -> None:
    with pytest.raises(CheckerFailed, match=r"no copy can be made for the checker in /proc \(.*\)"):
        write_copy(Path("/proc/nowhere"), {"a.py": SourceFile("a.py", "python", b"")})


@pytest.mark.parametrize(
    ("settings", "text", "expected"),
    [
        ("mypy.ini", "[mypy]\n", "mypy"),
        ("setup.cfg", "[mypy]\nstrict = true\n", "mypy"),
        ("pyproject.toml", "[tool.mypy]\n", "mypy"),
        ("pyproject.toml", "[tool.mypy]\n[tool.ty]\n", "ty"),
        ("pyrightconfig.json", "{}", "pyright"),
        ("pyproject.toml", "[tool.basedpyright]\n", "basedpyright"),
        ("pyproject.toml", "[tool.ruff]\n", None),
        ("pyproject.toml", "no TOML", None),
        ("setup.cfg", "no sections", None),
    ],
)
def test_a_project_says_by_its_settings_who_checks_it(
    tmp_path: Path, settings: str, text: str, expected: str | None
) -> None:
    (tmp_path / settings).write_text(text)
    assert configured(tmp_path) == expected


def test_settings_for_mypy_are_the_same_wherever_they_stand(tmp_path: Path) -> None:
    one, other = tmp_path / "ini", tmp_path / "toml"
    for folder in (one, other):
        folder.mkdir()
    (one / "mypy.ini").write_text("[mypy]\nstrict = True\n[mypy-shop.*,till]\nignore_errors = True\n")
    (other / "pyproject.toml").write_text(
        '[tool.mypy]\nstrict = true\n[[tool.mypy.overrides]]\nmodule = ["shop.*", "till"]\nignore_errors = true\n'
    )
    assert mypy_settings(one) == mypy_settings(other) != {}


def test_they_are_kept(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[[tool.mypy.overrides]]\nmodule = "shop.*"\nignore_errors = true\n')
    (tmp_path / "ty.toml").write_text('[rules]\ninvalid-return-type = "ignore"\ninvalid-argument-type = "ignore"\n')
    file = SourceFile("shop/a.py", "python", TEXT.encode())
    assert found("mypy", tmp_path, file) == [] == found("ty", tmp_path, file)
