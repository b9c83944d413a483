"""What many users share: gives back what anybody left there, and is never in the way."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from typeinfer.engine.cache import key_of
from typeinfer.engine.shared import LAYOUT, Shared
from typeinfer.values.typeexpr import NONE, Named, TypeExpr, Union

TERM = Union((Named("dict", (Named("str"), Named("int"))), NONE))


@pytest.fixture(params=["a folder", "an object store"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "not" / "there yet") if request.param == "a folder" else f"memory://{uuid4().hex}/deep"


def test_what_one_user_left_another_finds_and_only_for_the_same_inputs(url: str) -> None:
    one = Shared(url)
    assert one.get("term", [["a.py"]], TypeExpr) == [None], "nobody left anything yet"
    one.put("term", [(["a.py", b"\0bytes"], TERM), (["b.py"], NONE)])
    other = Shared(url)
    asked = [["b.py"], ["c.py"], ["a.py", b"\0bytes"]]
    assert other.get("term", asked, TypeExpr) == [NONE, None, TERM]
    assert other.get("module", asked, TypeExpr) == [None, None, None]
    assert other.get("term", [], TypeExpr) == []
    assert one.trouble is None and other.trouble is None


def place_of(url: str, *inputs: str) -> tuple[fsspec.AbstractFileSystem, str]:
    system, root = fsspec.core.url_to_fs(url)
    name = key_of("number", inputs).hex()
    return system, f"{root}/{LAYOUT}/{name[:2]}/{name[2:]}"


def test_what_is_not_what_was_left_there_is_not_there(url: str) -> None:
    shared = Shared(url)
    shared.put("number", [([name], number) for number, name in enumerate(["half", "changed", "another's", "whole"])])
    for name, damaged in (
        ("half", lambda content: content[:-1]),
        ("changed", lambda content: content[:-1] + b"\x07"),
        ("another's", lambda _: place_of(url, "whole")[0].cat_file(place_of(url, "whole")[1])),
    ):
        system, place = place_of(url, name)
        system.pipe_file(place, damaged(system.cat_file(place)))
    assert shared.get("number", [["half"], ["changed"], ["another's"], ["whole"]], int) == [None, None, None, 3]
    shared.put("number", [(["half"], 0)])
    assert Shared(url).get("number", [["half"]], int) == [0], "whoever works it out again mends it"


def test_a_value_nested_too_deep_is_left_out(url: str) -> None:
    deep: TypeExpr = Named("int")
    for _ in range(50_000):
        deep = Named("list", (deep,))
    shared = Shared(url)
    shared.put("term", [(["deep"], deep), (["flat"], TERM)])
    assert shared.get("term", [["deep"], ["flat"]], TypeExpr) == [None, TERM] and shared.trouble is None


@pytest.mark.parametrize("said", ["nosuch://bucket/folder", "{folder}/file/folder"])
def test_a_place_that_cant_be_used_is_empty_and_a_line_says_so(tmp_path: Path, said: str) -> None:
    (tmp_path / "file").write_text("in the way")
    shared = Shared(said.format(folder=tmp_path))
    shared.put("term", [(["a"], TERM)])
    assert shared.get("term", [["a"]], TypeExpr) == [None]
    assert shared.trouble is not None and shared.trouble.startswith(f"the shared cache {shared.url} can't be ")
    assert "\n" not in shared.trouble and shared.trouble.endswith(
        ("going on without it", "it is only read from now on")
    )


class Full(MemoryFileSystem):
    """An object store that takes nothing more."""

    protocol = "full"

    def pipe_file(self, *_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left")


class Dead(MemoryFileSystem):
    """An object store that nobody reaches; it counts who tried."""

    protocol = "dead"
    tried = 0

    def cat_file(self, *_: object, **__: object) -> bytes:
        Dead.tried += 1
        raise TimeoutError("timed out")


@pytest.mark.parametrize("system", [Full, Dead])
def test_a_store_that_is_full_or_out_of_reach_is_tried_once(system: type[MemoryFileSystem]) -> None:
    fsspec.register_implementation(system.protocol, system, clobber=True)
    shared = Shared(f"{system.protocol}://bucket")
    for _ in range(3):
        assert shared.get("term", [["a"]], TypeExpr) == [None]
        shared.put("term", [(["a"], TERM)])
    assert shared.trouble is not None and shared.trouble.endswith(
        {
            Full: "can't be written to ([Errno 28] No space left); it is only read from now on",
            Dead: "can't be used (timed out); going on without it",
        }[system]
    )
    assert Dead.tried <= 1


def test_it_holds_no_more_than_its_limit(url: str) -> None:
    """Somebody looks after every 256 values or so; a clock that is set back changes nothing, since no clock is asked."""
    shared = Shared(url, limit_bytes=300_000)
    names = [str(number) for number in range(1_500)]
    for start in range(0, len(names), 50):
        shared.put("blob", [([name], b"x" * 1_000) for name in names[start : start + 50]])
    there = sum(found is not None for found in shared.get("blob", [[name] for name in names], bytes))
    assert 100 < there < 1_100, "a look at each 256th, on average"
    shared.take_away()
    there = sum(found is not None for found in shared.get("blob", [[name] for name in names], bytes))
    assert 200 < there < 300 and shared.trouble is None


def test_what_else_lies_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "others.txt").write_text("x" * 1_000)
    shared = Shared(str(tmp_path), limit_bytes=1)
    shared.put("term", [(["a"], TERM)])
    shared.take_away()
    assert shared.get("term", [["a"]], TypeExpr) == [None] and (tmp_path / "others.txt").exists()


def test_two_versions_share_a_place(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = Shared(url)
    shared.put("term", [(["a"], TERM)])
    monkeypatch.setattr("typeinfer.engine.cache.program_digest", lambda: b"another")
    assert shared.get("term", [["a"]], TypeExpr) == [None]
    shared.put("term", [(["a"], NONE)])
    monkeypatch.undo()
    assert shared.get("term", [["a"]], TypeExpr) == [TERM]


def test_a_place_that_cant_be_written_to_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Shared(str(tmp_path)).put("term", [(["a"], TERM)])

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    shared = Shared(str(tmp_path))
    shared.put("term", [(["b"], TERM)])
    assert shared.get("term", [["a"], ["b"]], TypeExpr) == [TERM, None]
    assert shared.trouble is not None and "can't be written to" in shared.trouble


def test_who_logs_in_is_not_told() -> None:
    shared = Shared("nosuch://user:secret@host/folder")
    shared.get("term", [["a"]], TypeExpr)
    assert shared.trouble is not None and "secret" not in shared.trouble and "nosuch://host/folder" in shared.trouble


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes are others there")
def test_a_folder_may_hold_links_and_pipes_and_nothing_of_ours_is_touched(tmp_path: Path) -> None:
    url, victim = str(tmp_path / "place"), tmp_path / "victim"
    victim.mkdir()
    (victim / "precious").write_text("mine")
    shared = Shared(url)
    names = ["link", "pipe", "large", "folder"]
    places = [Path(place_of(url, name)[1]) for name in names]
    for place in places:
        place.parent.mkdir(parents=True, exist_ok=True)
    places[0].symlink_to(victim / "precious")
    os.mkfifo(places[1])
    with places[2].open("wb") as file:
        file.truncate(10**12)
    places[3].mkdir()
    assert shared.get("number", [[name] for name in names], int) == [None] * 4
    shared.put("number", [([name], 7) for name in names[:3]])
    assert shared.get("number", [[name] for name in names[:3]], int) == [7, 7, 7] and shared.trouble is None
    assert (victim / "precious").read_text() == "mine"


@pytest.mark.skipif(sys.platform == "win32", reason="links are others there")
def test_what_the_folder_leads_to_is_not_taken_away(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    for name in ("precious", "ab/" + "0" * 38):
        (victim / name).parent.mkdir(parents=True, exist_ok=True)
        (victim / name).write_text("mine")
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / LAYOUT).symlink_to(victim)
    Shared(str(tmp_path / "place"), limit_bytes=1).take_away()
    (tmp_path / "place" / LAYOUT).unlink()
    (tmp_path / "place" / LAYOUT).mkdir()
    (tmp_path / "place" / LAYOUT / "precious").write_text("mine")
    Shared(str(tmp_path / "place"), limit_bytes=1).take_away()
    assert sum(path.is_file() for path in tmp_path.rglob("*")) == 3


WRITER = """
import sys
from typeinfer.engine.shared import Shared
shared = Shared(sys.argv[1], limit_bytes=500)
for turn in range(20):
    shared.put("number", [([str(number)], number) for number in range(100)])
    shared.take_away()
    found = shared.get("number", [[str(number)] for number in range(100)], int)
    assert all(one in (None, number) for number, one in enumerate(found)), found
assert shared.trouble is None, shared.trouble
"""


def test_processes_that_write_and_take_away_at_once_find_what_was_left_or_nothing(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)]) for _ in range(4)]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0, 0]
