"""The cache: gives back what it was given, and is never in the way."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from typeinfer.engine.cache import Cache, CacheInfo, cache_folder, cache_info, clear_cache, key_of
from typeinfer.values.typeexpr import NONE, Named, TypeExpr, Union

TERM = Union((Named("dict", (Named("str"), Named("int"))), NONE))


def test_a_value_comes_back_in_the_next_process_and_only_for_the_same_inputs(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        cache.put("term", ["a.py", b"\0bytes"], TERM)
        assert cache.get("term", ["a.py", b"\0bytes"], TypeExpr) == TERM, "before it is written, too"
    with Cache(tmp_path) as cache:
        assert cache.get("term", ["a.py", b"\0bytes"], TypeExpr) == TERM
        assert cache.get("term", ["a.py", b"other"], TypeExpr) is None
        assert cache.get("module", ["a.py", b"\0bytes"], TypeExpr) is None
        assert cache.trouble is None


def test_the_border_between_two_inputs_counts() -> None:
    assert key_of("k", ["ab", "c"]) != key_of("k", ["a", "bc"])


def test_a_value_of_another_shape_is_a_miss(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        cache.put("term", ["a"], ["no", "term"])
        assert cache.get("term", ["a"], Named) is None


def test_a_value_nested_too_deep_is_not_remembered_and_harms_nothing(tmp_path: Path) -> None:
    deep: TypeExpr = Named("int")
    for _ in range(50_000):
        deep = Named("list", (deep,))
    with Cache(tmp_path) as cache:
        cache.put("term", ["deep"], deep)
        cache.put("term", ["flat"], TERM)
    with Cache(tmp_path) as cache:
        assert cache.get("term", ["deep"], TypeExpr) is None
        assert cache.get("term", ["flat"], TypeExpr) == TERM


@pytest.mark.parametrize("damage", ["garbage", "truncated", "all but the head", "the second half"])
def test_a_corrupt_database_costs_time_and_nothing_else(tmp_path: Path, damage: str) -> None:
    with Cache(tmp_path) as cache:
        for number in range(2000):
            cache.put("term", [str(number)], TERM)
        path = cache.path
    content = path.read_bytes()
    path.write_bytes(
        {
            "garbage": b"this is no database" * 1000,
            "truncated": content[:5000],
            "all but the head": content[:4096] + b"\xff" * (len(content) - 4096),
            "the second half": content[: len(content) // 2] + b"\xff" * (len(content) // 2),
        }[damage]
    )
    for _ in range(2):
        with Cache(tmp_path) as cache:
            for number in range(2000):
                cache.get("term", [str(number)], TypeExpr)
            cache.put("term", ["new"], TERM)
    with Cache(tmp_path) as cache:
        assert cache.get("term", ["new"], TypeExpr) == TERM, "a fresh database took the place of the broken one"
    assert path.with_suffix(".broken").exists()


def test_a_folder_that_cant_be_used_means_no_cache_and_a_line_about_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with Cache(tmp_path / "file" / "cache") as cache:
        cache.put("term", ["a"], TERM)
        assert cache.get("term", ["a"], TypeExpr) is None
        assert cache.trouble is not None and "going on without it" in cache.trouble and "\n" not in cache.trouble


def test_what_was_not_used_longest_goes_first(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        for number in range(100):
            cache.put("blob", [str(number)], b"x" * 10_000)
        path = cache.path
    with sqlite3.connect(path) as database:
        database.execute("UPDATE facts SET used = 1")
    with Cache(tmp_path, limit_bytes=500_000) as cache:
        assert cache.get("blob", ["42"], bytes) is not None
        cache.put("blob", ["new"], b"y" * 10_000)
    info = cache_info(tmp_path)
    assert 0 < info.used_bytes <= 500_000
    with Cache(tmp_path) as cache:
        assert cache.get("blob", ["42"], bytes) is not None, "used today"
        assert cache.get("blob", ["new"], bytes) is not None, "written today"


def test_a_value_that_is_not_the_one_that_was_written_is_a_miss(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        cache.put("number", ["one"], 1)
        cache.put("number", ["two"], 2)
    with sqlite3.connect(cache.path) as database:
        asked = "SELECT value FROM facts WHERE key = ?"
        (two,) = database.execute(asked, (key_of("number", ["two"]),)).fetchone()
        for name, value in (("one", two), ("two", two[:-1] + b"\x07")):
            database.execute("UPDATE facts SET value = ? WHERE key = ?", (value, key_of("number", [name])))
    with Cache(tmp_path) as cache:
        assert cache.get("number", ["one"], int) is None, "what belongs to another key"
        assert cache.get("number", ["two"], int) is None, "what somebody changed, though it can be read"
        cache.put("number", ["two"], 2)
    with Cache(tmp_path) as cache:
        assert cache.get("number", ["two"], int) == 2


def test_a_clock_that_is_set_back_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Cache(tmp_path) as cache:
        cache.put("term", ["a"], TERM)
    monkeypatch.setattr("time.time", lambda: 0.0)
    with Cache(tmp_path) as cache:
        assert cache.get("term", ["a"], TypeExpr) == TERM
        cache.put("term", ["b"], TERM)
    monkeypatch.undo()
    with Cache(tmp_path) as cache:
        assert [cache.get("term", [name], TypeExpr) for name in "ab"] == [TERM, TERM] and cache.trouble is None


def test_two_versions_share_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Cache(tmp_path) as cache:
        cache.put("term", ["a"], TERM)
    monkeypatch.setattr("typeinfer.engine.cache.program_digest", lambda: b"another")
    with Cache(tmp_path) as other:
        assert other.get("term", ["a"], TypeExpr) is None
        other.put("term", ["a"], NONE)
    monkeypatch.undo()
    with Cache(tmp_path) as cache:
        assert cache.get("term", ["a"], TypeExpr) == TERM


FULL = """
import resource, signal, sys
from pathlib import Path
from typeinfer.engine.cache import Cache
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
with Cache(Path(sys.argv[1])) as cache:
    for number in range(100):
        cache.put("blob", [str(number)], bytes([number]) * 50_000)
        if number == 0:
            cache.flush()
print(cache.trouble)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits to the size of a file")
def test_a_full_disk_means_no_cache_and_a_line_about_it(tmp_path: Path) -> None:
    run = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "going on without it" in run.stdout and run.stdout.count("\n") == 1
    with Cache(tmp_path) as cache:
        assert cache.get("blob", ["0"], bytes) == b"\0" * 50_000, "what was there before stays"
        assert cache.get("blob", ["99"], bytes) is None


WRITER = """
import sys
from pathlib import Path
from typeinfer.engine.cache import Cache
who, folder = sys.argv[1], Path(sys.argv[2])
for turn in range(20):
    with Cache(folder) as cache:
        for number in range(50):
            cache.put("number", [who, str(turn), str(number)], [turn, number])
            cache.put("shared", [str(number)], number)
            found = cache.get("shared", [str(number)], int)
            assert found == number, found
        assert cache.trouble is None, cache.trouble
"""


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there" / "yet"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(who), str(folder)]) for who in range(4)]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0, 0]
    with Cache(folder) as cache:
        for who in range(4):
            for turn in range(20):
                for number in range(50):
                    assert cache.get("number", [str(who), str(turn), str(number)], list[int]) == [turn, number]
    assert cache_info(folder).entries == 4 * 20 * 50 + 50


def test_a_writer_killed_in_the_middle_leaves_a_cache_that_works(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, "0", str(tmp_path)])
    while cache_info(tmp_path).entries < 100 and writer.poll() is None:
        pass
    writer.kill()
    writer.wait()
    with Cache(tmp_path) as cache:
        assert cache.get("number", ["0", "0", "0"], list[int]) == [0, 0]
        cache.put("term", ["after"], TERM)
        assert cache.trouble is None


def test_clearing_and_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TYPEINFER_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    with Cache(cache_folder()) as cache:
        cache.put("term", ["a"], TERM)
    assert cache_info(cache_folder()).entries == 1
    assert clear_cache(cache_folder()) > 0
    assert cache_info(cache_folder()) == CacheInfo(cache_info(cache_folder()).path, 0, 0, 1_000_000_000)
    assert clear_cache(tmp_path / "never made") == 0
    monkeypatch.delenv("TYPEINFER_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "typeinfer"
