"""Writing: whatever happens, and whenever, the file is the one before or the one after, and nothing lies beside it."""

from __future__ import annotations

import os
import random
import signal
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from typeinfer.rewriting.safety import NotWritten, write_atomically
from typeinfer.values.source import SourceFile, decode

BEFORE = b"def f(a):\n    return a\n"
AFTER = b"def f(a: int):\n    return a\n"


def read(path: Path) -> SourceFile:
    return decode(path.name, "python", path.read_bytes())


def beside(path: Path) -> list[str]:
    return sorted(child.name for child in path.parent.iterdir())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "cart.py"
    made.write_bytes(BEFORE)
    return made


def test_the_result_is_there_with_its_mode_and_nothing_beside_it(path: Path) -> None:
    path.chmod(0o751)
    before = read(path)
    write_atomically(path, before.with_data(AFTER), before.digest)
    assert path.read_bytes() == AFTER
    assert stat.S_IMODE(path.stat().st_mode) == 0o751
    assert beside(path) == ["cart.py"]


@pytest.mark.parametrize("raw", [b"\xef\xbb\xbfx = 1\n", b"# coding: latin-1\nx = '\xe9'\n", b"x = 1\r\n", b"x = 1"])
def test_bytes_are_written_in_the_files_own_encoding(path: Path, raw: bytes) -> None:
    path.write_bytes(raw)
    before = read(path)
    write_atomically(path, before.with_data(before.data.replace(b"x =", b"x: int =")), before.digest)
    assert path.read_bytes() == raw.replace(b"x =", b"x: int =")


def test_a_symbolic_link_goes_on_pointing_at_what_was_written(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    link = folder / "link.py"
    link.symlink_to(path)
    before = read(link)
    write_atomically(link, before.with_data(AFTER), before.digest)
    assert link.is_symlink()
    assert path.read_bytes() == AFTER
    assert beside(link) == ["link.py"]


def test_a_file_that_changed_since_it_was_read_is_left_as_it_is(path: Path) -> None:
    before = read(path)
    path.write_bytes(b"x = 1\n")
    with pytest.raises(NotWritten, match=r"^changed while it was being annotated$"):
        write_atomically(path, before.with_data(AFTER), before.digest)
    assert path.read_bytes() == b"x = 1\n"
    path.write_bytes(b"\0")
    with pytest.raises(NotWritten, match=r"^changed while"):
        write_atomically(path, before.with_data(AFTER), before.digest)


def test_a_file_that_is_gone(path: Path) -> None:
    before = read(path)
    path.unlink()
    with pytest.raises(NotWritten, match=r"^could not be written: no such file or directory$"):
        write_atomically(path, before.with_data(AFTER), before.digest)
    assert beside(path) == []


def test_a_read_only_file(path: Path) -> None:
    path.chmod(0o444)
    before = read(path)
    with pytest.raises(NotWritten, match=r"^is read-only$"):
        write_atomically(path, before.with_data(AFTER), before.digest)
    assert path.read_bytes() == BEFORE


def in_a_process(body: str, path: Path, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a script that may limit or drop what the operating system grants it; `before` and `after` are made."""
    return subprocess.run(
        [sys.executable, "-c", script(body, path)], capture_output=True, text=True, timeout=timeout, check=False
    )


def script(body: str, path: Path) -> str:
    return textwrap.dedent(
        f"""
        import os, resource, signal
        from pathlib import Path
        from typeinfer.rewriting.safety import NotWritten, write_atomically
        from typeinfer.values.source import decode
        path = Path({str(path)!r})
        before = decode("cart.py", "python", path.read_bytes())
        after = before.with_data(before.data.replace(b"(a)", b"(a: int)"))
        def write(result=after):
            try:
                write_atomically(path, result, before.digest)
            except NotWritten as error:
                print(error)
            else:
                print("written")
        """
    ) + textwrap.dedent(body)


def test_a_read_only_folder(path: Path) -> None:
    path.chmod(0o666)
    path.parent.chmod(0o555)
    # Root may write anywhere; nobody may not. The modules are imported before the rights are gone.
    drop = "if os.geteuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
    for parent in path.parents:
        if parent.stat().st_uid == os.geteuid() and parent != path.parent and parent != Path("/"):
            parent.chmod(stat.S_IMODE(parent.stat().st_mode) | 0o055)
    try:
        done = in_a_process(drop + "write()", path)
    finally:
        path.parent.chmod(0o755)
    assert done.stdout == "could not be written: permission denied\n", done.stderr
    assert path.read_bytes() == BEFORE
    assert beside(path) == ["cart.py"]


def test_a_full_disk(path: Path) -> None:
    """A limit on file size fails in `write`, half way through, as a full disk does."""
    path.write_bytes(BEFORE * 5_000)
    done = in_a_process(
        """
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        write()
        """,
        path,
    )
    assert done.stdout == "could not be written: file too large\n", done.stderr
    assert path.read_bytes() == BEFORE * 5_000
    assert beside(path) == ["cart.py"]


def test_an_interrupt_while_writing_leaves_nothing_behind(path: Path) -> None:
    path.write_bytes(BEFORE * 50_000)
    done = in_a_process(
        """
        real = os.fsync
        def interrupted(handle):
            real(handle)
            os.kill(os.getpid(), signal.SIGINT)
        os.fsync = interrupted
        try:
            write()
        except KeyboardInterrupt:
            print("interrupted")
        """,
        path,
    )
    assert done.stdout == "interrupted\n", done.stderr
    assert path.read_bytes() == BEFORE * 50_000
    assert beside(path) == ["cart.py"]


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_the_file_before_or_the_file_after(path: Path) -> None:
    small, large = BEFORE * 20_000, AFTER * 20_000
    path.write_bytes(small)
    loop = """
        print("ready", flush=True)
        while True:
            write_atomically(path, after, before.digest)
            write_atomically(path, before, after.digest)
        """
    randomly = random.Random(7)
    left_behind = set()
    for _ in range(12):
        path.write_bytes(small)
        process = subprocess.Popen([sys.executable, "-c", script(loop, path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(randomly.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert path.read_bytes() in (small, large)
        left_behind |= {name for name in beside(path) if name != "cart.py"}
    assert all(name.startswith(".typeinfer-") and name.endswith(".tmp") for name in left_behind)
