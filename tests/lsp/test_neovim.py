"""Neovim itself, without a screen, by its own client."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def test_neovim_shows_and_fixes(root: Path) -> None:
    nvim = shutil.which("nvim", path=str(Path(sys.executable).parent)) or shutil.which("nvim")
    if nvim is None:
        pytest.fail("Neovim 0.11 or later is missing; run: pip install -e '.[test]', or install it", pytrace=False)
    (root / "a.py").write_text("def f(flag=True):\n    return not flag\n")
    script = Path(__file__).with_name("drive.lua")
    command = [nvim, "--clean", "--headless", "-l", str(script), str(root), sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, timeout=80, check=False)
    assert done.returncode == 0, done.stderr
    assert [line.partition(";")[0] for line in done.stdout.splitlines()] == [
        "hint 0:10: bool",
        "hint 0:16 -> bool",
        "remark f.flag has no annotation",
        "remark f() has no annotation",
        "hover **f.flag** (parameter), by typeinfer",
    ]
    assert (root / "a.py").read_text() == "def f(flag: bool = True) -> bool:\n    return not flag\n"
