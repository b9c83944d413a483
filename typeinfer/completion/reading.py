"""Reading: a text and its tree in; the text as the language model reads it, and the lines that outline it, out.

What is written for people alone costs as many tokens as code and says less: comments go, of documentation the first line stays.
Training and completion read alike. Knows no language: what is an aside, an import or a header is said by
`grammars/<language>/completion.scm`. Knows nothing of tokens.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from typeinfer.languages import treesitter
from typeinfer.languages.language import Language

if TYPE_CHECKING:
    from tree_sitter import Node

LONGEST_LINE = 160
"""Bytes of an outline's line; of a longer one the first."""

LONGEST_DOCUMENTATION = 60

QUOTES = re.compile(rb"\w{0,2}(\"\"\"|'''|\"|')")

LINE_END = re.compile(rb"\r?\n")

BLANK_BEFORE = re.compile(rb"[ \t]*\Z")


@dataclass(frozen=True)
class Line:
    """An import, or the header of a definition, which begins at a byte of what is read."""

    at: int
    text: bytes
    imports: bool


@dataclass(frozen=True)
class Reading:
    """`data`: what is read. `left_out`: where in the text, and how many bytes of it up to there, aren't; both [n]."""

    data: bytes
    outline: tuple[Line, ...]
    left_out: tuple[tuple[int, ...], tuple[int, ...]]

    def place(self, offset: int) -> int:
        """Where a byte of the text is in what is read."""
        ends, gone = self.left_out
        at = bisect_right(ends, offset)
        return offset - (gone[at - 1] if at else 0)


def read(language: Language, path: str, data: bytes, root: Node, cursor: int | None = None) -> Reading:
    """`cursor`: a byte that is to be found again: what is left out around it begins there, and doesn't end its line."""
    found = treesitter.captures(language.grammar(path), language.name, "completion", root)
    parts: list[bytes] = []
    ends: list[int] = []
    gone: list[int] = []
    start = total = 0
    for begin, end in _left_out(data, found):
        if cursor is not None and begin <= cursor <= end:
            begin, end = max(begin, cursor), end - len(data[cursor:end]) + len(data[cursor:end].rstrip(b"\r\n"))
        if begin >= start and end > begin:
            parts.append(data[start:begin])
            total += end - begin
            ends.append(end)
            gone.append(total)
            start = end
    parts.append(data[start:])
    reading = Reading(b"".join(parts), (), (tuple(ends), tuple(gone)))
    outline = []
    for start, end, imports in sorted(_outline(found)):
        at = reading.place(start)
        outline.append(Line(at, _short(reading.data[at : reading.place(end)]), imports))
    return Reading(reading.data, tuple(outline), reading.left_out)


def _left_out(data: bytes, found: dict[str, list[Node]]) -> list[tuple[int, int]]:
    spans = [_with_its_line(data, node.start_byte, node.end_byte) for node in found.get("aside", ())]
    for node in found.get("documentation", ()):
        text = data[node.start_byte : node.end_byte]
        opened = QUOTES.match(text)
        first = text.find(b"\n") if b"\n" in text else len(text)
        kept = min(first, LONGEST_DOCUMENTATION)
        quote = len(opened.group(1)) if opened is not None else 0
        if quote and kept < len(text) - quote:
            spans.append((node.start_byte + kept, node.end_byte - quote))
    spans += [(match.start(), match.start() + 1) for match in re.finditer(rb"\r\n", data)]
    return sorted(spans)


def _with_its_line(data: bytes, start: int, end: int) -> tuple[int, int]:
    """A comment with the blanks before it, and with its line where nothing else stands there."""
    before = BLANK_BEFORE.search(data, max(0, start - 200), start)
    begin = before.start() if before is not None else start
    alone = begin == 0 or data[begin - 1 : begin] == b"\n"
    ended = LINE_END.match(data, end)
    return (begin, ended.end()) if alone and ended is not None else (begin, end)


def _outline(found: dict[str, list[Node]]) -> Iterator[tuple[int, int, bool]]:
    """Where each line of the outline begins and ends, and whether it is an import."""
    for node in found.get("import", ()):
        yield node.start_byte, node.end_byte, True
    for node in found.get("header", ()):
        body = node.child_by_field_name("body")
        yield node.start_byte, body.start_byte if body is not None else node.end_byte, False


def _short(line: bytes) -> bytes:
    return b" ".join(line[:LONGEST_LINE].split())
