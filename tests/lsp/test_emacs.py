"""Emacs itself, without a screen, by eglot."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT = "Emacs with eglot is missing: apt-get install emacs-nox elpa-eglot"


def test_emacs_shows_and_fixes(root: Path) -> None:
    emacs = shutil.which("emacs")
    has_eglot = [emacs or "", "-q", "--batch", "--eval", "(require 'eglot)"]
    if emacs is None or subprocess.run(has_eglot, capture_output=True, check=False).returncode:
        pytest.skip(WITHOUT)
    (root / "a.py").write_text("def f(flag=True):\n    return not flag\n")
    script = Path(__file__).with_name("drive.el")
    command = [emacs, "-q", "--batch", "-l", str(script), str(root), sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, timeout=80, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(line.partition(";")[0] for line in done.stdout.splitlines()) == [
        "hover **f.flag** (parameter), by typeinfer",
        "remark typeinfer [unannotated-parameter]: f.flag has no annotation",
        "remark typeinfer [unannotated-return]: f() has no annotation",
    ]
    assert (root / "a.py").read_text() == "def f(flag: bool = True) -> bool:\n    return not flag\n"
