"""Discovery: which files a command is about, with git itself as the judge of what is ignored."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from typeinfer.program.files import (
    Excludes,
    ProjectFiles,
    UsageError,
    find_files,
    project_root,
    read_file,
    read_files,
    resolve_paths,
)
from typeinfer.values.outcomes import Skipped
from typeinfer.values.source import Unreadable


def plant(root: Path, *names: str, **contents: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(contents.get(name, ""))


def find(*paths: Path, excludes: tuple[Excludes, ...] = ()) -> ProjectFiles:
    return find_files(resolve_paths(paths), excludes, [".py"])


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def test_a_named_file_is_annotated_and_the_project_around_it_is_read(tmp_path: Path) -> None:
    plant(tmp_path, "pyproject.toml", "shop/a.py", "shop/b.py", "shop/deep/c.py", "readme.md", "data.pyc")
    found = find(tmp_path / "shop" / "a.py")
    assert found == ProjectFiles(tmp_path, ("shop/a.py", "shop/b.py", "shop/deep/c.py"), frozenset({"shop/a.py"}), ())
    assert find(tmp_path / "shop" / "deep", tmp_path / "shop" / "b.py").named == {"shop/deep/c.py", "shop/b.py"}


def test_the_root(tmp_path: Path) -> None:
    plant(
        tmp_path,
        "repo/pkg/setup.py",
        "repo/pkg/src/a.py",
        "repo/scratch/x/b.py",
        "repo/scratch/setup.cfg",
        "loose/d/c.py",
    )
    root = lambda name: project_root([tmp_path / name])  # noqa: E731
    assert root("loose/d") == tmp_path / "loose" / "d"
    assert root("loose/d/c.py") == tmp_path / "loose" / "d"
    assert root("repo/pkg/src/a.py") == tmp_path / "repo" / "pkg"
    git(tmp_path / "repo", "init", "-q")
    assert root("repo/pkg/src/a.py") == tmp_path / "repo" / "pkg", "one project of several in a repository"
    plant(tmp_path, "repo/loose.py")
    assert root("repo/loose.py") == tmp_path / "repo"
    assert project_root([tmp_path / "repo" / "pkg", tmp_path / "repo" / "scratch"]) == tmp_path / "repo"
    plant(tmp_path, "repo/.gitignore", **{"repo/.gitignore": "scratch/\n"})
    assert root("repo/scratch/x") == tmp_path / "repo" / "scratch", "what git ignores is no part of the repository"
    assert find(tmp_path / "repo" / "scratch").named == {"x/b.py"}
    with pytest.raises(UsageError, match="belong to different projects; run typeinfer once for each"):
        project_root([tmp_path / "loose" / "d", tmp_path / "repo"])


def test_folders_without_source_are_left_out(tmp_path: Path) -> None:
    plant(
        tmp_path,
        *["pyproject.toml", "a.py", "build/lib/a.py", "dist/a.py", "src/build/__init__.py", "x.egg-info/a.py"],
        *[".venv/a.py", "venv/a.py", "node_modules/n/a.py", "env/pyvenv.cfg", "env/lib/a.py", "lib/site-packages/a.py"],
        *["src/__pycache__/a.py", ".tox/a.py", ".mypy_cache/a.py", ".git/hooks/a.py"],
    )
    assert find(tmp_path).files == ("a.py", "src/build/__init__.py")


def test_excludes_count_from_their_folder_and_a_named_file_is_always_taken(tmp_path: Path) -> None:
    plant(tmp_path, "setup.py", "gen/a.py", "pkg/gen/a.py", "pkg/gen/b.py", "pkg/c_pb2.py", "pkg/d.py")
    excludes = (Excludes(tmp_path / "pkg", ("/gen/", "*_pb2.py")),)
    assert find(tmp_path, excludes=excludes).files == ("gen/a.py", "pkg/d.py", "setup.py")
    assert find(tmp_path / "pkg", excludes=excludes).named == {"pkg/d.py"}
    plant(tmp_path, "pkg/.gitignore", **{"pkg/.gitignore": "!c_pb2.py\n"})
    assert find(tmp_path, excludes=excludes).files == ("gen/a.py", "pkg/d.py", "setup.py"), "the user has the last word"
    with pytest.raises(UsageError, match="exclude !: no gitignore pattern"):
        find(tmp_path, excludes=(Excludes(tmp_path, ("!",)),))
    found = find(tmp_path / "pkg" / "gen" / "b.py", excludes=excludes)
    assert found.named == {"pkg/gen/b.py"}
    assert found.files == ("gen/a.py", "pkg/d.py", "pkg/gen/b.py", "setup.py")


def test_links_are_not_followed_so_none_makes_a_loop(tmp_path: Path) -> None:
    plant(tmp_path, "setup.py", "pkg/a.py")
    (tmp_path / "pkg" / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "pkg" / "b.py").symlink_to("a.py")
    (tmp_path / "round").symlink_to("round")
    assert find(tmp_path).files == ("pkg/a.py", "setup.py")
    assert find(tmp_path / "pkg" / "b.py").named == {"pkg/a.py"}
    with pytest.raises(UsageError, match="round: "):
        find(tmp_path / "round")


def test_what_is_not_there_or_of_no_language(tmp_path: Path) -> None:
    plant(tmp_path, "setup.cfg", "notes.txt")
    with pytest.raises(UsageError, match=r"nope.py: no such file or folder"):
        find(tmp_path / "nope.py")
    assert find(tmp_path) == ProjectFiles(tmp_path, (), frozenset(), ())
    assert find(tmp_path / "notes.txt").skipped == (
        Skipped("notes.txt", "is in no language that typeinfer reads (.py)"),
    )


def test_names_that_are_no_text(tmp_path: Path) -> None:
    plant(tmp_path, "a.py")
    with open(os.fsencode(tmp_path) + b"/\xff.py", "wb"):
        pass
    assert find(tmp_path) == ProjectFiles(
        tmp_path, ("a.py",), frozenset({"a.py"}), (Skipped("\\xff.py", "its name is not valid UTF-8"),)
    )


def test_reading_gives_a_reason_for_every_file_that_cant_be_read(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_bytes(b"x = 1\r\n")
    (tmp_path / "nul.py").write_bytes(b"x = '\0'\n")
    (tmp_path / "big.py").write_bytes(b"x = 1\n" * 900_000)
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "folder.py").mkdir()
    read, skipped = read_files(
        tmp_path, ["good.py", "nul.py", "big.py", "pipe.py", "folder.py", "gone.py"], {".py": "python"}
    )
    assert [*read] == ["good.py"] and read["good.py"].to_bytes() == b"x = 1\r\n"
    assert {skip.path: skip.reason for skip in skipped} == {
        "nul.py": "holds NUL bytes, so it is no text",
        "big.py": "5.4 MB is over the limit of 2 MB; generated files are left alone",
        "pipe.py": "is no regular file",
        "folder.py": "can't be read: Is a directory",
        "gone.py": "can't be read: No such file or directory",
    }
    with pytest.raises(Unreadable):
        read_file(tmp_path, "gone.py", "python")


NAMES = st.sampled_from(["a", "b", "ab", "d.py", "x y", "ä"])
PATTERNS = st.sampled_from(
    [
        "a",
        "/a",
        "a/",
        "*.py",
        "!c.py",
        "b/c.py",
        "**/b",
        "a/**",
        "!a/b/",
        "[ab]",
        "a?",
        "\\!x",
        "#a",
        "",
        "x y",
        "*",
        "!b",
    ]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.lists(st.lists(NAMES, min_size=0, max_size=3), min_size=1, max_size=8),
    ignores=st.dictionaries(st.lists(NAMES, max_size=2).map(tuple), st.lists(PATTERNS, max_size=4), max_size=3),
    exclude=st.lists(PATTERNS, max_size=2),
)
def test_git_agrees(
    tmp_path_factory: pytest.TempPathFactory,
    files: list[list[str]],
    ignores: dict[tuple[str, ...], list[str]],
    exclude: list[str],
) -> None:
    root = tmp_path_factory.mktemp("repo")
    git(root, "init", "-q")
    (root / ".git" / "info" / "exclude").write_text("\n".join(exclude) + "\n")
    for index, parts in enumerate(files):
        folder = root.joinpath(*parts)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"m{index}.py").touch()
        (folder / "c.py").touch()
    for place, patterns in ignores.items():
        folder = root.joinpath(*place)
        if folder.is_dir():
            (folder / ".gitignore").write_text("\n".join(patterns) + "\n")
    listed = git(root, "ls-files", "-z", "--others", "--exclude-standard").split("\0")
    assert {*find(root).files} == {name for name in listed if name.endswith(".py")}


def test_a_folder_let_in_again_lets_in_nothing_below_it(tmp_path: Path) -> None:
    plant(tmp_path, "b/a/c.py", "b/d.py")
    (tmp_path / ".gitignore").write_text("a\n!b\n")
    assert find(tmp_path).files == ("b/d.py",)
