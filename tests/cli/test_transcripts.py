"""The command line by example: each `## section` of the Markdown files beside this one is played in its own folder.

A block "```python shop/cart.py" plants that file. A block "```console" holds `$ command` lines, each followed by all it
prints on both streams (blanks at line ends aside) and by `exit: N` where N is not 0. `...` alone on a line stands for
any lines, `[..]` within one for anything. Commands are run by bash: `printf` and `chmod` make what Markdown can't hold.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

FENCE = re.compile(r"^```(\w+) ?(.*)\n((?:.*\n)*?)```$", re.MULTILINE)


@dataclass(frozen=True)
class Command:
    line: str
    printed: str
    code: int


@dataclass(frozen=True)
class Section:
    name: str
    files: dict[str, str]
    commands: tuple[Command, ...]


def sections(path: Path) -> Iterator[Section]:
    for part in re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        files: dict[str, str] = {}
        commands: list[Command] = []
        for kind, name, content in FENCE.findall(part):
            if kind == "console":
                commands += map(command, re.split(r"^\$ ", content, flags=re.MULTILINE)[1:])
            elif name:
                files[name] = content
        yield Section(f"{path.stem}: {part.partition(chr(10))[0]}", files, tuple(commands))


def command(text: str) -> Command:
    line, _, printed = text.partition("\n")
    code = 0
    if found := re.search(r"^exit: (\d+)\n\Z", printed, re.MULTILINE):
        printed, code = printed[: found.start()], int(found.group(1))
    return Command(line, printed.strip("\n"), code)


def matches(expected: str, actual: str) -> bool:
    # Line by line: `...` takes any number of whole lines, `[..]` any part of one.
    pattern = "".join(
        r"(?:.*\n)*?" if line == "..." else r".*?".join(map(re.escape, line.split("[..]"))) + r"\n"
        for line in expected.split("\n")
    )
    return re.fullmatch(pattern, actual + "\n") is not None


ALL = [section for path in sorted(Path(__file__).parent.glob("*.md")) for section in sections(path)]


@pytest.mark.parametrize("section", ALL, ids=lambda section: section.name)
def test_transcript(section: Section, tmp_path: Path) -> None:
    tools, folder = tmp_path / "bin", tmp_path / "project"
    for place in (tools, folder):
        place.mkdir()
    (tools / "typeinfer").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m typeinfer "$@"\n')
    (tools / "typeinfer").chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "TYPEINFER_CACHE": str(tmp_path / "cache"),
        "COLUMNS": "100",
        "GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig"),
    }
    (tmp_path / "gitconfig").write_text("[user]\nname = t\nemail = t@example.org\n[init]\ndefaultBranch = main\n")
    for name, content in section.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    assert section.commands
    for given in section.commands:
        done = subprocess.run(
            ["bash", "-c", given.line],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
        printed = re.sub(r" +$", "", done.stdout.decode("utf-8", "backslashreplace"), flags=re.MULTILINE).strip("\n")
        if not matches(given.printed, printed):
            assert f"$ {given.line}\n{printed}" == f"$ {given.line}\n{given.printed}"
        assert (given.line, done.returncode) == (given.line, given.code)
