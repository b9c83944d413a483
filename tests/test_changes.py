"""Changed lines, as a real git tells them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from typeinfer.languages import language_of
from typeinfer.program.changes import EVERY_LINE, Lines, changed_since, concerned, staged
from typeinfer.program.files import UsageError
from typeinfer.values.source import decode


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "a.py").write_text("".join(f"line {number}\n" for number in range(1, 11)))
    (tmp_path / "gone.py").write_text("x\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_changed_added_and_removed_lines(repo: Path) -> None:
    edit(repo / "a.py", "line 2\n", "line two\nand a half\n")
    edit(repo / "a.py", "line 8\n", "")
    (repo / "gone.py").unlink()
    (repo / "new.py").write_text("x = 1\n")
    changes = {"a.py": (Lines(2, 3), Lines(8, 9)), "new.py": (EVERY_LINE,)}
    assert changed_since(repo, "HEAD") == changes
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "second")
    assert changed_since(repo, "HEAD") == {}
    assert changed_since(repo, "HEAD~1") == {**changes, "new.py": (Lines(1, 1),)}


def test_content_that_looks_like_a_header_and_names_that_git_quotes(repo: Path) -> None:
    names = ["ä b.py", 'quo"te.py', "tab\there.py", "back\\slash.py"]
    for name in names:
        (repo / name).write_text("x = 1\n")
    (repo / "cut.py").write_text("-- a/other.py")
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "names")
    (repo / "cut.py").write_text("++ b/other.py")
    for name in names:
        (repo / name).write_text("x = 1\n++ b/other.py\n-- a/other.py\n@@ -1 +1 @@\n")
    edit(repo / "a.py", "line 10\n", "line 10")
    changed = {"a.py": (Lines(10, 10),), "cut.py": (Lines(1, 1),), **{name: (Lines(2, 4),) for name in names}}
    assert changed_since(repo, "HEAD") == changed


def test_staged_lines_are_numbered_as_the_file_is_now(repo: Path) -> None:
    edit(repo / "a.py", "line 5\n", "line five\n")
    git(repo, "add", "a.py")
    assert staged(repo) == {"a.py": (Lines(5, 5),)}
    edit(repo / "a.py", "line 1\n", "zero\nline 1\n")
    edit(repo / "a.py", "line 10\n", "line 10\nline 11\n")
    assert staged(repo) == {"a.py": (Lines(6, 6),)}
    edit(repo / "a.py", "line five\n", "line five\nand six\n")
    assert staged(repo) == {"a.py": (Lines(6, 6),)}
    (repo / "b.py").write_text("not staged\n")
    assert "b.py" not in staged(repo)


def test_paths_count_from_the_folder_asked_about(repo: Path) -> None:
    (repo / "sub").mkdir()
    (repo / "sub" / "c.py").write_text("x\n")
    git(repo, "add", ".")
    edit(repo / "a.py", "line 1\n", "line one\n")
    assert staged(repo / "sub") == {"c.py": (Lines(1, 1),)}
    assert changed_since(repo / "sub", "HEAD") == {"c.py": (Lines(1, 1),)}


def test_what_git_cant_tell(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(UsageError, match=r"^--since nope: git knows no such revision in "):
        changed_since(repo, "nope")
    with pytest.raises(UsageError, match=r"^--since --output=x: git knows no such revision in "):
        changed_since(repo, "--output=x")
    bare = tmp_path_factory.mktemp("bare")
    with pytest.raises(UsageError, match=r"^--staged: .* is in no git repository"):
        staged(bare)


def test_no_program_that_the_repository_names_is_run(repo: Path) -> None:
    git(repo, "config", "diff.external", "touch ran")
    git(repo, "config", "diff.trap.textconv", "touch ran; cat")
    git(repo, "config", "core.fsmonitor", "touch ran")
    (repo / ".gitattributes").write_text("*.py diff=trap\n")
    edit(repo / "a.py", "line 1\n", "line one\n")
    (repo / "ran").unlink(missing_ok=True)
    assert changed_since(repo, "HEAD")["a.py"] == (Lines(1, 1),)
    assert staged(repo) == {}
    assert not (repo / "ran").exists()


def test_a_change_in_a_function_concerns_its_every_slot_and_no_other() -> None:
    text = """\
X = 1

def f(a):
    return a

class C:
    z = 1
    def __init__(self, b):
        self.b = b

    def g(self):
        return 1
"""
    language = language_of("a.py")
    assert language is not None
    module = language.read(decode("a.py", "python", text.encode()), "a", False)

    def names(*lines: Lines) -> set[str]:
        return {f"{slot.qualname}.{slot.name}" for slot in concerned(module, lines)}

    assert names(Lines(4, 4)) == {"f.a", "f.return"}
    assert names(Lines(1, 2)) == {".X"}
    assert names(Lines(7, 7)) == {"C.z"}
    assert names(Lines(9, 12)) >= {"C.__init__.b", "C.b", "C.g.return"}
    assert not names(Lines(9, 12)) & {"f.a", "C.z", ".X"}
    assert len(concerned(module, [EVERY_LINE])) == len(module.slots) and names() == set()
