"""A checker that stays says what one says that begins anew, or fails in one line, and never outlives whoever started it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.laws.test_rules import CASES
from typeinfer.deciding import Options, begin_to_infer
from typeinfer.languages.python import checkers, inference, watching
from typeinfer.languages.python.watching import TURN, Watching
from typeinfer.program.evidence import gather
from typeinfer.program.project import read_project
from typeinfer.values.inferred import CheckerFailed, Inference
from typeinfer.values.source import SourceFile

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no checker stays there")

VERSION = (3, 11)


def files_of(texts: dict[str, str]) -> dict[str, SourceFile]:
    return {path: SourceFile(path, "python", text.encode()) for path, text in texts.items()}


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watching]:
    found = Watching(tmp_path, VERSION, infers=True)
    yield found
    found.close()


def test_it_says_what_one_says_that_begins_anew(watch: Watching, tmp_path: Path) -> None:
    """Signatures change in one file, and errors come and go in others."""
    random = Random(20261129)
    types = ["int", "str", "list[int]", "None", "'shop.Cart'", "Missing"]
    # A project may have a file of the name that is ours.
    texts = {f"part{number}.py": "" for number in range(6)} | {
        f"{TURN}.py": "x: int = ''\n",
        "shop.py": "class Cart: ...\n",
    }
    for turn in range(12):
        for path in random.sample([path for path in texts if path.startswith("part")], random.randrange(4)):
            other = random.randrange(6)
            texts[path] = (
                f"import shop\nfrom part{other} import give as other\n\n\n"
                f"def give(a: {random.choice(types)} = 1) -> {random.choice(types)}:\n    return other(a)\n# ä {turn}\n"
            )
        files = files_of(texts)
        anew = checkers.diagnose("pyrefly", tmp_path, files, VERSION)
        assert sorted(map(repr, watch.diagnose(files))) == sorted(map(repr, anew)), turn
        # Not each time: what changed in between is to be there, too.
        if turn % 3 != 1:
            inferred = watch.infer(files)
            assert inferred == inference.infer(files, VERSION), turn
            assert sorted(map(repr, inferred.reported or ())) == sorted(map(repr, anew)), turn
            assert inferred.of("part0.py").results or not texts["part0.py"]
        assert any(one.path == f"{TURN}.py" for one in anew)


def test_who_asks_about_few_slots_hears_the_same_of_a_report_of_which_less_is_read(watch: Watching) -> None:
    """All that the rules' spec shows, as one project: calls from other files, what is overridden, fields, aliases."""
    random = Random(20261130)
    files = {path: file for case in CASES if case.language.name == "python" for path, file in case.files.items()}
    project = read_project(Path(), files)
    whole = gather(project, watch.infer(files))
    read: Counter[int] = Counter()
    for number in [1] * 60 + [5] * 10 + [200]:
        few = frozenset(random.sample([*whole], number))
        told = watch.report.inference(watch.copy, files)
        assert gather(project, told, lambda slot, few=few: slot.id in few) == {slot: whole[slot] for slot in few}
        assert isinstance(told.files, inference._Files)
        read[number] = max(read[number], len(told.files.known))
    assert read[1] < 10 < len(files), read


@pytest.mark.parametrize(
    ("kind", "text"),
    [(kind, text) for kind in (inference.CALLS, inference.EXPRESSIONS) for text in (b"{}", b"{", None)]
    + [(inference.DEFINITIONS, b"{}"), (inference.DEFINITIONS, b"{")],
)
def test_a_report_of_another_shape_is_one_line_whenever_it_is_read(
    watch: Watching, kind: str, text: bytes | None
) -> None:
    files = files_of({"a.py": "def f(x=1):\n    return x\n"})
    watch.infer(files)
    (part,) = (watch.report.folder / kind).glob("a:*")
    part.unlink()
    if text is not None:
        part.write_bytes(text)
    with pytest.raises(CheckerFailed, match=r"can't be read|in a shape that is not known"):
        dict(watch.report.inference(watch.copy, files).files)


def test_of_the_same_texts_it_says_the_same(watch: Watching) -> None:
    files = files_of({"a.py": "x: int = ''\n"})
    assert watch.diagnose(files) == watch.diagnose(files) != ()
    assert watch.infer(files) == watch.infer(files) != Inference("")


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.25, 0.4, 0.6, 1.0])
def test_what_it_began_with_need_not_be_what_it_is_asked_about(watch: Watching, tmp_path: Path, delay: float) -> None:
    """It may be in the midst of its first look when others change, and has read some of them."""
    texts = {f"part{number}.py": f"def give(a: int) -> str:\n    return a * {number}\n" * 20 for number in range(30)}
    watch.begin(files_of(texts))
    time.sleep(delay)
    for path in Random(str(delay)).sample([*texts], 10):
        texts[path] = f"import part1\n\nx: str = part1.give({delay})\n"
    files = files_of(texts)
    assert sorted(map(repr, watch.diagnose(files))) == sorted(
        map(repr, checkers.diagnose("pyrefly", tmp_path, files, VERSION))
    )
    assert watch.infer(files) == inference.infer(files, VERSION)


@pytest.mark.parametrize("asked", [True, False])
def test_one_that_is_at_work_is_told_again_what_it_will_be_asked(watch: Watching, tmp_path: Path, asked: bool) -> None:
    texts = {"a.py": "def f() -> int:\n    return 1\n", "b.py": "import a\n\nx: int = a.f()\n"}
    watch.begin(files_of(texts))
    if asked:
        assert watch.diagnose(files_of(texts)) == ()
    texts["a.py"] = texts["a.py"].replace("int", "str")
    watch.begin(files_of(texts))
    assert watch.diagnose(files_of(texts)) == checkers.diagnose("pyrefly", tmp_path, files_of(texts), VERSION) != ()


def test_nothing_is_left_of_it(tmp_path: Path) -> None:
    watch = Watching(tmp_path, VERSION, infers=True)
    watch.diagnose(files_of({"a.py": ""}))
    copy = watch.copy
    watch.close()
    assert not copy.exists() and not watching_in(copy)
    Watching(tmp_path, VERSION, infers=True).close()


def test_nothing_is_left_of_one_that_cannot_be_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise CheckerFailed(f"{name} is not installed")

    monkeypatch.setattr(watching, "program_of", missing)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    files = files_of({"a.py": ""})
    (watch,) = begin_to_infer(tmp_path, files, Options(only={})).values()
    with pytest.raises(CheckerFailed, match="pyrefly is not installed"):
        watch.infer(files)
    watch.close()
    assert not list(tmp_path.iterdir())


def watching_in(folder: Path) -> list[int]:
    """The processes that work in a folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cwd"):
        try:
            found += [int(place.parts[2])] if place.readlink().is_relative_to(folder) else []
        except OSError:
            continue
    return found


STARTS = """
import sys
from pathlib import Path
from typeinfer.languages.python.watching import Watching
from typeinfer.values.source import SourceFile
watch = Watching(Path(sys.argv[1]), (3, 11), False)
watch.diagnose({"a.py": SourceFile("a.py", "python", b"")})
print(watch.copy, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="looks for processes in /proc")
def test_it_goes_with_whoever_started_it_even_if_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTS, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        copy = Path(starter.stdout.readline().strip())
        assert watching_in(copy)
        starter.send_signal(signal.SIGKILL)
        starter.wait()
    until = time.monotonic() + 10
    while (watching_in(copy) or copy.parent.exists()) and time.monotonic() < until:
        time.sleep(0.05)
    assert not watching_in(copy) and not copy.parent.exists(), "nothing runs, and nothing lies about"


def pretending(folder: Path, does: str) -> str:
    """A pyrefly that does as this script says."""
    program = folder / "pyrefly"
    program.write_text(f"#!/bin/sh\n{does}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("exit 3", "pyrefly ended while it was to watch"),
        ("echo 'Segmentation fault'; sleep 60", "pyrefly noticed no change within 1 s"),
        ("echo '{\"errors\": []}'; sleep 60", "pyrefly noticed no change within 1 s"),
        ("echo '{\"errors\": [{}]}'; sleep 60", "pyrefly reports in a shape that is not known (KeyError: 'severity')"),
        ("while true; do echo '{\"errors\": []}'; done", "pyrefly noticed no change within 1 s"),
    ],
)
def test_whatever_goes_wrong_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str, said: str) -> None:
    program = pretending(tmp_path, does)
    monkeypatch.setattr(watching, "program_of", lambda name: program)
    monkeypatch.setattr(watching, "SECONDS", 1)
    watch = Watching(tmp_path, VERSION, infers=True)
    with pytest.raises(CheckerFailed) as failed:
        watch.diagnose(files_of({"a.py": ""}))
    with pytest.raises(CheckerFailed):
        watch.infer(files_of({"a.py": ""}))
    watch.close()
    assert str(failed.value) == said


ERRORS = 'printf \'{"errors": [{"path": "%s.py", "line": 1, "column": 1, "name": "x", "severity": "error", '
ERRORS += '"description": "`%s1`"}]}\' ' + f"{TURN} {TURN}"


@pytest.mark.parametrize(
    ("does", "said"),
    [
        (f"{ERRORS}; exit 3", "pyrefly ended while it was to watch"),
        (f"{ERRORS}; echo no room >&2; sleep 60", "pyrefly made no whole report within 1 s"),
    ],
)
def test_of_what_it_infers_it_must_have_come_to_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str, said: str
) -> None:
    program = pretending(tmp_path, does)
    monkeypatch.setattr(watching, "program_of", lambda name: program)
    monkeypatch.setattr(watching, "SECONDS", 1)
    monkeypatch.setattr(watching, "PATIENCE", 1.0)
    watch = Watching(tmp_path, VERSION, infers=True)
    with pytest.raises(CheckerFailed) as failed:
        watch.infer(files_of({"a.py": ""}))
    watch.close()
    assert str(failed.value) == said


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("exit 0", "made no whole report"),
        ("echo 'No space left on device' >&2; exit 1", "made no whole report"),
        ("echo nothing >&2; exit 101", "pyrefly ended with status 101: nothing"),
    ],
)
def test_who_infers_anew_must_have_come_to_the_end_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str, said: str
) -> None:
    program = pretending(tmp_path, does)
    monkeypatch.setattr(inference, "program_of", lambda name: program)
    with pytest.raises(CheckerFailed, match=said):
        inference.infer(files_of({"a.py": ""}), VERSION)
