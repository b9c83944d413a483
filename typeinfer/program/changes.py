"""Changes: which lines git says were changed, and which slots they concern. In: a folder and a revision; out: lines.

Knows no syntax.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from typeinfer.program.files import UsageError
from typeinfer.values.module import Module
from typeinfer.values.slots import Slot, SlotId
from typeinfer.values.source import SourceFile, Span

HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")

# No setting of the repository may run a program: no external diff, text conversion or file system monitor.
GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=true")
DIFF = ("diff", "-U0", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--relative", "--dst-prefix=b/")


@dataclass(frozen=True, slots=True, order=True)
class Lines:
    """Lines of a file as it is now, counted from 1, the last one included."""

    first: int
    last: int


EVERY_LINE = Lines(1, sys.maxsize)

Changes = Mapping[str, tuple[Lines, ...]]
"""By path relative to the folder asked about; a file that is not named did not change."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """`removed` lines from line `old` on gave way to `added` lines from line `new` on."""

    old: int
    removed: int
    new: int
    added: int


def changed_since(root: Path, revision: str) -> Changes:
    """Lines below `root` that differ from `revision`; a file git doesn't track yet is all new. Raises `UsageError`."""
    flag = f"--since {revision}"
    _expect_repository(root, flag)
    named = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}")
    if named.returncode != 0:
        raise UsageError(f"{flag}: git knows no such revision in {root}; see git log")
    commit = named.stdout.decode("ascii").strip()
    changes = {path: _lines(hunks) for path, hunks in _hunks(root, flag, commit).items()}
    untracked = _git(root, "ls-files", "-z", "--others", "--exclude-standard").stdout
    changes |= {_text(path): (EVERY_LINE,) for path in untracked.split(b"\0") if path}
    return changes


def staged(root: Path) -> Changes:
    """Lines below `root` that the index changes against HEAD, numbered as in the files now. Raises `UsageError`."""
    _expect_repository(root, "--staged")
    unstaged = _hunks(root, "--staged")
    return {
        path: tuple(_moved(lines, unstaged.get(path, ())) for lines in _lines(hunks))
        for path, hunks in _hunks(root, "--staged", "--cached").items()
    }


def concerned(module: Module, lines: Iterable[Lines]) -> frozenset[SlotId]:
    """The slots that these lines are about: those of every function that they touch, and others on the lines.

    A change inside a function can change the type of its every slot: a new `return`, a new use of a parameter.
    """
    asked = tuple(lines)
    if EVERY_LINE in asked:
        return frozenset(slot.id for slot in module.slots)
    return frozenset(slot.id for slot, unit in _units(module) if touches(module.file, unit, asked))


def _units(module: Module) -> Iterator[tuple[Slot, Span]]:
    """Every slot with the innermost function around it, or with its own place where there is none."""
    functions = sorted((function.span for function in module.functions), key=lambda span: (span.start, -span.end))
    functions.append(Span(len(module.file.data) + 1, len(module.file.data) + 1))
    opened, at = [Span(-1, len(module.file.data) + 1)], 0
    for slot in sorted(module.slots, key=lambda slot: slot.span):
        while functions[at].start <= slot.span.start:
            while opened[-1].end <= functions[at].start:
                opened.pop()
            opened.append(functions[at])
            at += 1
        while opened[-1].end <= slot.span.start:
            opened.pop()
        around = next(span for span in reversed(opened) if slot.span in span)
        yield slot, around if around.start >= 0 else slot.span


def touches(file: SourceFile, span: Span, lines: Iterable[Lines]) -> bool:
    """Whether a span stands on any of the lines."""
    first, last = file.line_of(span.start), file.line_of(span.end)
    return any(changed.first <= last and first <= changed.last for changed in lines)


def _moved(lines: Lines, later: tuple[Hunk, ...]) -> Lines:
    """Where lines stand after further hunks: those before push them down, those inside stretch them."""
    first, last = lines.first, lines.last
    for hunk in later:
        grown = hunk.added - hunk.removed
        # A pure insertion stands behind its line `old`, anything else begins at it.
        begins = hunk.old + (hunk.removed == 0)
        if begins < lines.first:
            first += grown
        if begins <= lines.last:
            last += grown
    return Lines(max(1, first), max(1, first, last))


def _lines(hunks: tuple[Hunk, ...]) -> tuple[Lines, ...]:
    """The lines that hunks left; a pure removal marks the lines on both sides of it."""
    return tuple(
        Lines(hunk.new, hunk.new + hunk.added - 1) if hunk.added else Lines(max(1, hunk.new), hunk.new + 1)
        for hunk in hunks
    )


def _hunks(root: Path, flag: str, *arguments: str) -> dict[str, tuple[Hunk, ...]]:
    done = _git(root, *DIFF, *arguments, "--")
    if done.returncode != 0:
        raise UsageError(f"{flag}: git failed in {root}: {_first_line(done.stderr)}")
    found: dict[str, list[Hunk]] = {}
    path: str | None = None
    content = iter(done.stdout.split(b"\n"))
    for line in content:
        if line.startswith(b"+++ "):
            # A file that was deleted is followed by /dev/null; a name with a space in it by a tab.
            name = _unquoted(line[4:].rstrip(b"\t"))
            path = _text(name[2:]) if name.startswith(b"b/") else None
        elif match := HUNK.match(line):
            old, removed, new, added = (1 if number is None else int(number) for number in match.groups())
            if path is not None:
                found.setdefault(path, []).append(Hunk(old, removed, new, added))
            # Content may look like a header (`++ b/x` added is `+++ b/x`), so it is counted and not looked at.
            left = removed + added
            while left:
                left -= not next(content).startswith(b"\\ No newline")
    return {path: tuple(hunks) for path, hunks in found.items()}


def _expect_repository(root: Path, flag: str) -> None:
    done = _git(root, "rev-parse", "--is-inside-work-tree")
    if done.returncode != 0 or done.stdout.strip() != b"true":
        raise UsageError(f"{flag}: {root} is in no git repository ({_first_line(done.stderr) or 'a bare one'})")


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run([*GIT, *arguments], cwd=root, capture_output=True, check=False)
    except OSError as error:
        raise UsageError(f"git can't be run ({error.strerror}); install it or leave --since and --staged out") from None


def _first_line(message: bytes) -> str:
    return message.decode("utf-8", "replace").strip().partition("\n")[0].removeprefix("fatal: ")


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _unquoted(name: bytes) -> bytes:
    """A path as git quotes it, in the manner of C, when it holds bytes outside ASCII, quotes or control characters."""
    if not name.startswith(b'"'):
        return name
    letters = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}

    def plain(match: re.Match[bytes]) -> bytes:
        code = match.group(1)
        return bytes([int(code, 8)]) if code.isdigit() else letters.get(code, code)

    return re.sub(rb"\\([0-7]{3}|.)", plain, name[1:-1])
