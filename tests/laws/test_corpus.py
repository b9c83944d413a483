"""The corpus: splits that share nothing, files worth learning from, and a build that can be cut off at any time."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from typeinfer.cli import NOT_ALL_DONE
from typeinfer.languages import LANGUAGES
from typeinfer.training import corpus, published
from typeinfer.training.corpus import Built, CorpusProject, Seen, build_corpus, pinned_corpus, read_corpus, sketched
from typeinfer.training.published import ProjectUnavailable, is_reserved, pinned_projects, pinned_sets

PROJECTS = corpus.REPOSITORY / "benchmarks" / "projects.toml"


# --- the manifest in the repository ---------------------------------------------------------------------------------------


def test_a_project_stands_in_one_split_and_in_no_benchmark() -> None:
    names = [project.registered for _, project in pinned_corpus()]
    judged = {
        project.registered
        for language in LANGUAGES
        for chosen in pinned_sets(language.name, PROJECTS)
        for project in pinned_projects(language.name, chosen, PROJECTS)
    }
    assert len(names) == len(set(names))
    assert not judged & set(names)
    # The fork of one of them, under another name.
    assert "pypi:httpcore2" not in names


def test_no_project_of_the_manifest_is_reserved() -> None:
    assert [project.name for _, project in pinned_corpus() if is_reserved(project)] == []


@pytest.mark.parametrize("language", [language.name for language in LANGUAGES])
def test_every_language_has_every_split(language: str) -> None:
    found = {split: len(pinned_projects(language, split, corpus.MANIFEST)) for split in corpus.SPLITS}
    assert min(found.values()) >= 4
    assert found["train"] > sum(found.values()) / 2


def test_every_pin_has_a_digest_and_a_licence() -> None:
    for _, project in pinned_corpus():
        digest = project.sha256 if isinstance(project, published.Project) else project.integrity
        assert re.fullmatch(r"[0-9a-f]{64}|sha512-[A-Za-z0-9+/]{86}==", digest), project.name
        assert project.licence, project.name


# --- small archives of our own, already downloaded ------------------------------------------------------------------------


def program(name: str, functions: int = 12) -> str:
    """A file with something to learn from, unlike any of another name."""
    return "".join(
        f"def {name}_{number}(left_{name}: int, right_{number}: str) -> {name.title()}{number}:\n"
        f"    return {name.title()}{number}(left_{name} * {number}, right_{number}.{name}())\n\n\n"
        for number in range(functions)
    )


def wheel(folder: Path, name: str, files: Mapping[str, str]) -> str:
    """A wheel where downloads lie, so that nothing is downloaded; its entry in a manifest."""
    path = folder / "wheels" / f"{name}-1.0-py3-none-any.whl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for place, text in files.items():
            archive.writestr(place, text)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f'name = "{name}"\nversion = "1.0"\nwheel = "{path.name}"\nsha256 = "{digest}"\nlicence = "MIT"\n'


def tarball(folder: Path, name: str, files: Mapping[str, str]) -> str:
    path = folder / "wheels" / f"{name}-1.0.tgz"
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for place, text in files.items():
            member = tarfile.TarInfo(f"package/{place}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    digest = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    return f'name = "{name}"\nversion = "1.0"\nintegrity = "sha512-{digest}"\nsources = ["src"]\nlicence = "ISC"\n'


def manifest(folder: Path, entries: Mapping[str, list[str]]) -> Path:
    path = folder / "corpus.toml"
    path.write_text("".join(f"[[{table}]]\n{entry}\n" for table, listed in entries.items() for entry in listed))
    return path


def build(folder: Path, entries: Mapping[str, list[str]], limit: int | None = None) -> tuple[Built, list[str]]:
    said: list[str] = []
    listed = manifest(folder, entries)
    return build_corpus(folder, 2, lambda stage, done, total: None, said.append, limit, listed), said


def files_of(built: Built) -> dict[str, tuple[str, ...]]:
    return {project.name: project.files for project in built.projects}


def test_what_is_built_is_what_is_read(tmp_path: Path) -> None:
    entries = {
        "python.train": [wheel(tmp_path, "shop", {"shop/cart.py": program("cart"), "shop/till.py": program("till")})],
        "typescript.test": [tarball(tmp_path, "menu", {"src/menu.ts": program("menu"), "dist/menu.js": "1"})],
    }
    built, said = build(tmp_path, entries)
    assert not said
    assert read_corpus(tmp_path) == built.projects
    assert set(built.projects) == {
        CorpusProject("shop", "1.0", "python", "train", "MIT", "src/shop-1.0", ("shop/cart.py", "shop/till.py")),
        CorpusProject("menu", "1.0", "typescript", "test", "ISC", "src/menu-1.0", ("src/menu.ts",)),
    }
    for project in built.projects:
        assert all((tmp_path / project.root / file).is_file() for file in project.files)
    # What lies unpacked is not kept a second time.
    assert list((tmp_path / "wheels").iterdir()) == []
    assert build(tmp_path, entries) == (built, [])


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("shop/api_pb2.py", program("api")),
        ("shop/_generated/client.py", program("client")),
        ("shop/client.py", "# Code generated by openapi-python-client, DO NOT EDIT.\n" + program("client")),
        ("shop/models.py", '"""File generated from our OpenAPI spec."""\n' + program("models")),
        ("shop/cart.pyi", program("cart")),
        ("shop/tests/test_cart.py", program("test")),
        ("shop/_vendor/six.py", program("six")),
        ("shop/third_party/six.py", program("six")),
        ("shop/__init__.py", "from shop.cart import Cart\n"),
        ("shop/table.py", f"WORDS = {['word'] * 60_000}\n"),
    ],
)
def test_what_nobody_wrote_here_by_hand_is_not_learned_from(tmp_path: Path, path: str, text: str) -> None:
    built, _ = build(
        tmp_path, {"python.train": [wheel(tmp_path, "shop", {"shop/cart.py": program("cart"), path: text})]}
    )
    assert files_of(built) == {"shop": ("shop/cart.py",)}


def test_a_copy_of_a_reserved_project_is_not_learned_from(tmp_path: Path) -> None:
    reserved = tmp_path / "reserved.sha256"
    reserved.write_text(hashlib.sha256(b"pypi:six").hexdigest() + "\n")
    project = published.Project("shop", "1.0", "", "", "train")
    assert corpus._is_copied("shop/six/moves.py", project, reserved)
    assert not corpus._is_copied("shop/seven/moves.py", project, reserved)
    # Its own folder may be called as it likes.
    assert not corpus._is_copied("six/moves.py", project, reserved)


def test_a_project_gives_no_more_than_its_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "FILES_A_PROJECT", 5)
    names = ["ash", "birch", "cedar", "elm", "fir", "hazel", "larch", "maple", "oak"]
    entry = wheel(tmp_path, "trees", {f"trees/{name}.py": program(name) for name in names})
    built, _ = build(tmp_path, {"python.train": [entry]})
    assert len(built.projects[0].files) == 5
    # The names that resolve in those files still do: the rest lies there too.
    assert len(list((tmp_path / built.projects[0].root).rglob("*.py"))) == len(names)


def test_of_near_copies_the_one_that_is_judged_on_is_kept(tmp_path: Path) -> None:
    text = program("cart")
    copied = "# Copied from shop.\n" + text.replace("    return", "\n        return").replace("* 7", "* 8")
    built, _ = build(
        tmp_path,
        {
            "python.train": [wheel(tmp_path, "copy", {"copy/cart.py": copied, "copy/till.py": program("till")})],
            "python.test": [wheel(tmp_path, "shop", {"shop/cart.py": text})],
        },
    )
    assert files_of(built) == {"shop": ("shop/cart.py",), "copy": ("copy/till.py",)}
    assert built.copies == 1


def test_files_that_share_a_third_are_two_files() -> None:
    seen = Seen()
    for name in ["ash", "oak"]:
        sketch = sketched(name, (program(name) + program("shared", 6)).encode())
        assert sketch is not None and seen.is_new(sketch)
    assert seen.copies == 0


def test_a_wrong_digest_is_one_line_and_the_others_are_built(tmp_path: Path) -> None:
    good = wheel(tmp_path, "shop", {"shop/cart.py": program("cart")})
    bad = wheel(tmp_path, "till", {"till/till.py": program("till")})
    archive = tmp_path / "wheels" / "till-1.0-py3-none-any.whl"
    archive.write_bytes(archive.read_bytes() + b"\n")
    built, said = build(tmp_path, {"python.train": [good, bad]})
    assert files_of(built) == {"shop": ("shop/cart.py",)}
    assert said == list(built.missing)
    assert re.fullmatch(r"\S+till-1\.0-\S+: SHA-256 \w{64} is not the pinned \w{64}; delete it and try again", said[0])
    assert not (tmp_path / "src" / "till-1.0").exists()


def test_a_reserved_project_is_skipped_with_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "is_reserved", lambda project: project.name == "till")
    entries = [wheel(tmp_path, name, {f"{name}/{name}.py": program(name)}) for name in ["shop", "till"]]
    built, said = build(tmp_path, {"python.train": entries})
    assert list(files_of(built)) == ["shop"]
    assert said == ["till is reserved for the independent comparison: skipped"]
    assert not built.missing


KILLED = """
import os, signal, sys
from pathlib import Path
from typeinfer.training import published

written = Path.write_bytes
def cut_off(path, data):
    if path.name == "till.py":
        os.kill(os.getpid(), signal.SIGKILL)
    return written(path, data)
Path.write_bytes = cut_off
folder = Path(sys.argv[1])
for project in published.pinned_projects("python", "train", folder / "corpus.toml"):
    published.fetch(project, folder)
"""


def test_after_a_kill_there_are_whole_projects_only_and_the_next_run_ends_it(tmp_path: Path) -> None:
    files = {"shop/cart.py": program("cart"), "shop/till.py": program("till")}
    entries = {
        "python.train": [wheel(tmp_path, "first", {"first/first.py": program("first")}), wheel(tmp_path, "shop", files)]
    }
    manifest(tmp_path, entries)
    killed = subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert [path.name for path in (tmp_path / "src").iterdir()] == ["first-1.0"]
    assert list((tmp_path / "partial").iterdir()) != []
    built, said = build(tmp_path, entries)
    assert not said
    assert files_of(built) == {"first": ("first/first.py",), "shop": ("shop/cart.py", "shop/till.py")}
    assert not (tmp_path / "partial").exists() or list((tmp_path / "partial").iterdir()) == []


def test_a_limit_counts_for_each_language(tmp_path: Path) -> None:
    entries = {
        "python.train": [wheel(tmp_path, name, {f"{name}/{name}.py": program(name)}) for name in ["shop", "till"]],
        "typescript.train": [tarball(tmp_path, "menu", {"src/menu.ts": program("menu")})],
    }
    assert set(files_of(build(tmp_path, entries, limit=1)[0])) == {"shop", "menu"}


def test_sources_above_the_package_are_taken_from_its_maps(tmp_path: Path) -> None:
    mapped = json.dumps({"sources": ["../../src/menu.ts"], "sourcesContent": [program("menu")]})
    built, _ = build(tmp_path, {"typescript.train": [tarball(tmp_path, "menu", {"lib/menu.js.map": mapped})]})
    assert files_of(built) == {"menu": ("src/menu.ts",)}


@pytest.mark.parametrize(("text", "advice"), [(None, "not found; run typeinfer train corpus first"), ("{", "again")])
def test_no_corpus_says_how_to_get_one(tmp_path: Path, text: str | None, advice: str) -> None:
    if text is not None:
        (tmp_path / "index.json").write_text(text)
    with pytest.raises(ProjectUnavailable, match=advice):
        read_corpus(tmp_path)


COMMAND = """
import sys
from typeinfer.cli import run
from typeinfer.training import corpus

project = corpus.CorpusProject("shop", "1.0", "python", "train", "MIT", "src/shop-1.0", ("shop/cart.py",))
corpus.build_corpus = lambda *given: corpus.Built((project,), 3, ("till: gone",))
sys.exit(run(["train", "corpus", "--limit", "1"]))
"""


def test_the_command_says_what_is_there(tmp_path: Path) -> None:
    environment = {**os.environ, "TYPEINFER_CORPUS": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", COMMAND], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == NOT_ALL_DONE
    assert done.stdout == f"{tmp_path}: 1 projects, 1 files; 3 near copies left out, 1 projects missing\n"
