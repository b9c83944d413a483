"""pre-commit itself, in a repository of its own, with a clone of this one as the hook's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

CONFIG = """\
repos:
  - repo: {clone}
    rev: {revision}
    hooks:
      - id: typeinfer
"""


@pytest.mark.slow
def test_a_commit_is_stopped_once_annotated_and_then_goes_through(tmp_path: Path) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "PRE_COMMIT_HOME": str(tmp_path / "pre-commit"),
        "TYPEINFER_CACHE": str(tmp_path / "cache"),
        "PIP_CONSTRAINT": str(ROOT / "constraints.txt"),
    }
    work = tmp_path / "work"
    work.mkdir()

    def run(*command: str, place: Path = work) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)

    def git(*arguments: str, place: Path = work) -> subprocess.CompletedProcess[str]:
        identity = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false")
        return run("git", *identity, *arguments, place=place)

    # What stands in the tree, committed or not, as a repository that hooks are taken from.
    clone = tmp_path / "typeinfer"
    clone.mkdir()
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", place=ROOT).stdout.split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/", "benchmarks/")):
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            (clone / name).write_bytes((ROOT / name).read_bytes())
    git("init", "-q", place=clone)
    git("add", "-A", place=clone)
    assert git("commit", "-qm", "all", place=clone).returncode == 0
    revision = git("rev-parse", "HEAD", place=clone).stdout.strip()

    git("init", "-q")
    (work / ".pre-commit-config.yaml").write_text(CONFIG.format(clone=clone, revision=revision))
    (work / "shop.py").write_text("def is_open(late=False):\n    return not late\n")
    assert run(sys.executable, "-m", "pre_commit", "install").returncode == 0
    git("add", "-A")
    first = git("commit", "-m", "first")
    assert first.returncode != 0 and "files were modified by this hook" in first.stderr, first.stderr
    assert (work / "shop.py").read_text() == "def is_open(late: bool = False) -> bool:\n    return not late\n"
    git("add", "-A")
    second = git("commit", "-m", "second")
    assert second.returncode == 0, second.stderr
    (work / "shop.py").write_text((work / "shop.py").read_text() + "# closed on Sundays\n")
    git("add", "-A")
    assert git("commit", "-m", "third").returncode == 0


def test_the_action_s_command_tells_github_what_is_missing(tmp_path: Path) -> None:
    """The last step of action.yml as GitHub would run it, but with the typeinfer that is here."""
    step = (ROOT / "action.yml").read_text().rpartition("- shell: bash\n      run: '")[2].rpartition("'")[0]
    step = step.replace("${{ inputs.arguments }}", "--model none --no-checker").replace("${{ inputs.paths }}", ".")
    (tmp_path / "typeinfer" / "bin").mkdir(parents=True)
    (tmp_path / "typeinfer" / "bin" / "typeinfer").symlink_to(Path(sys.executable).with_name("typeinfer"))
    work = tmp_path / "work"
    work.mkdir()
    (work / "shop.py").write_text("def is_open(late=False):\n    return not late\n")
    environment = {**os.environ, "RUNNER_TEMP": str(tmp_path), "TYPEINFER_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(["bash", "-c", step], cwd=work, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "::warning file=shop.py,line=1,col=13,title=unannotated-parameter::" in done.stdout


def test_check_doubts_what_a_commit_writes_though_nothing_is_left_open(tmp_path: Path) -> None:
    """`annotate --staged` passes such a file by; `check` is about what is written there too."""
    environment = {**os.environ, "TYPEINFER_CACHE": str(tmp_path / "cache")}
    work = tmp_path / "work"
    work.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=work, check=True)
    text = "def shut(late: str = False) -> bool:\n    return not late\n\n\nshut(True)\nshut(late=False)\n"
    (work / "shop.py").write_text(text)
    subprocess.run(["git", "add", "-A"], cwd=work, check=True)
    command = [sys.executable, "-m", "typeinfer", "check", "--staged", "--model", "none", "."]
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)
    assert "shut.late (parameter) is annotated str; bool" in done.stdout
    assert "2 slots of 2 annotated" in done.stderr
    command[3] = "annotate"
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)
    assert "nothing here to annotate" in done.stderr


def test_a_broken_file_in_a_commit_is_told_of_though_nothing_in_it_is_open(tmp_path: Path) -> None:
    environment = {**os.environ, "TYPEINFER_CACHE": str(tmp_path / "cache")}
    work = tmp_path / "work"
    work.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=work, check=True)
    (work / "shop.py").write_text("late: bool = True\nif late\n")
    subprocess.run(["git", "add", "-A"], cwd=work, check=True)
    command = [sys.executable, "-m", "typeinfer", "annotate", "--staged", "--model", "none", "--no-checker", "."]
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)
    assert "shop.py: " in done.stderr and "1 file not done" in done.stderr
    assert done.returncode == 3
