"""Starting: what `--help` loads, and that the reference page says what the program does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from typeinfer.cli_reference import reference

HEAVY = {"libcst", "networkx", "tree_sitter", "numpy", "typeshed_client", "sqlite3", "packaging"}


def test_help_loads_nothing_heavy() -> None:
    probe = "import sys; from typeinfer.cli import run; run(['annotate', '--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert "rich_click" in loaded and not loaded & HEAVY


def test_the_reference_page_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "cli.md"
    assert page.read_text(encoding="utf-8") == reference(), "run: python -m typeinfer.cli_reference > docs/cli.md"
