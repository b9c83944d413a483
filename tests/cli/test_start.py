"""Starting: what `--help` loads, and that the reference page says what the program does."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from typeinfer.cli_reference import reference
from typeinfer.deciding import CHECKS

HEAVY = {"libcst", "networkx", "tree_sitter", "numpy", "typeshed_client", "sqlite3", "packaging"}


def test_help_loads_nothing_heavy() -> None:
    probe = "import sys; from typeinfer.cli import run; run(['annotate', '--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert "rich_click" in loaded and not loaded & HEAVY


FULL = Path("/dev/full")


def program(*arguments: str | Path, **streams: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "typeinfer", *map(str, arguments)]
    return subprocess.run(command, text=True, check=False, **streams)  # type: ignore[call-overload]


def without_model(path: Path) -> list[str | Path]:
    return ["annotate", "--no-checker", "--model", "none", "--min-confidence", "0.5", path]


@pytest.mark.skipif(not FULL.exists(), reason="no device here is always full")
def test_where_nothing_more_can_be_printed_that_is_said_in_a_line(tmp_path: Path) -> None:
    file = tmp_path / "good.py"
    file.write_text("def close():\n    return True\n", "utf-8")
    with FULL.open("w") as full:
        done = program("annotate", "--format", "json", *without_model(file)[1:], stdout=full, stderr=PIPE)
    assert done.returncode == 3
    assert done.stderr.splitlines() == [
        "typeinfer: not all could be printed: No space left on device; what was to be written into files was"
    ]
    assert "-> bool" in file.read_text("utf-8")


@pytest.mark.parametrize("closed", [1, 2])
@pytest.mark.skipif(os.name == "nt", reason="no shell here closes a stream")
def test_who_closed_a_stream_gets_all_else(tmp_path: Path, closed: int) -> None:
    file = tmp_path / "good.py"
    file.write_text("def close():\n    return True\n", "utf-8")
    words = [sys.executable, "-m", "typeinfer", *map(str, without_model(file)), "--explain"]
    done = subprocess.run(f"{shlex.join(words)} {closed}>&-", shell=True, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert ("good.py" in done.stdout, "+1 annotation" in done.stderr) == (closed == 2, closed == 1)
    assert "-> bool" in file.read_text("utf-8")


@pytest.mark.skipif(os.name == "nt", reason="pipes are closed otherwise there")
def test_who_has_read_enough_is_no_failure(tmp_path: Path) -> None:
    file = tmp_path / "many.py"
    file.write_text("".join(f"def close_{number}():\n    return True\n" for number in range(3000)), "utf-8")
    words = [sys.executable, "-m", "typeinfer", *map(str, without_model(file)), "--diff", "--explain"]
    shell = f"set -o pipefail; {shlex.join(words)} | head -1"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 1), done.stderr


def test_an_interrupt_while_the_program_is_read_is_one_line() -> None:
    probe = (
        "import sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'rich_click': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from typeinfer.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "typeinfer: interrupted\n")


def test_the_reference_page_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "cli.md"
    assert page.read_text(encoding="utf-8") == reference(), "run: python -m typeinfer.cli_reference > docs/cli.md"
    assert f"[default: {CHECKS}]" in next(line for line in reference().splitlines() if "--check-budget" in line)
