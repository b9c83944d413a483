"""lefthook itself, set up as docs/editors.md says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_commit_takes_its_annotations_along(tmp_path: Path) -> None:
    found = re.search(r"## lefthook\n\n```yaml\n(.*?)```", (ROOT / "docs" / "editors.md").read_text(), re.DOTALL)
    assert found is not None
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "LEFTHOOK"))}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment["TYPEINFER_CACHE"] = str(tmp_path / "cache")
    work = tmp_path / "work"
    work.mkdir()

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("git", "init", "-q")
    run("git", "config", "user.name", "somebody")
    run("git", "config", "user.email", "somebody@example.org")
    (work / "lefthook.yml").write_text(found[1])
    (work / "shop.py").write_text("def is_open(late=False):\n    return not late\n")
    run("lefthook", "install")
    run("git", "add", "-A")
    run("git", "commit", "-m", "first")
    assert run("git", "show", "HEAD:shop.py") == "def is_open(late: bool = False) -> bool:\n    return not late\n"
    assert run("git", "status", "--short") == ""
