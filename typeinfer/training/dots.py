"""Dots: a text in; places in it where a member or a name was written, each with the text as it was before the rest of its statement
was, out.

What stands above and below the statement is there, as it is for somebody who adds a statement to a file. Says nothing about
types.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from typeinfer.languages import language_of, treesitter
from typeinfer.languages.language import Language
from typeinfer.values.source import SourceFile

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True)
class Dot:
    """A name that was written behind a dot, or by itself: `member`, at a byte of a file, in a statement that ends at another. Of a
    parameter that a call names, `=` is a part."""

    file: SourceFile
    at: int
    member: str
    end: int

    @property
    def cut(self) -> SourceFile:
        """The text without the name and what stood behind it in its statement; a cursor stands at `at`."""
        return self.cut_behind(0)

    def cut_behind(self, letters: int) -> SourceFile:
        """The same with so many letters of the name; a cursor stands behind them."""
        return self.file.with_data(self.file.data[: self.at + letters] + self.file.data[self.end :])


def dots_of(file: SourceFile) -> list[Dot]:
    """All of a file whose names were there before they were written: what is bound behind a dot is left out."""
    language, root = _read(file)
    if root.has_error:
        return []
    found = treesitter.captures(language.grammar(file.path), language.name, "completion", root)
    written = {node.id for node in found.get("written", ())}
    members = [(node, treesitter.text_of(node)) for node in found.get("member", ()) if node.id not in written]
    return _cut_off(file, members, found.get("statement", ()))


def names_of(file: SourceFile) -> list[Dot]:
    """The names of a file that are read where they stand, and the parameters that calls name."""
    language, root = _read(file)
    if root.has_error:
        return []
    grammar = language.grammar(file.path)
    found = treesitter.captures(grammar, language.name, "reads", root)
    given = {node.id for node in found.get("argument", ())}
    made = {node.id for kind in ("bound", "written", "other") for node in found.get(kind, ())}
    imports = [treesitter.span_of(node) for node in found.get("import", ())]
    names = [
        (node, treesitter.text_of(node) + "=" * (node.id in given))
        for node in found.get("name", ())
        if node.id not in made and not any(span.start <= node.start_byte < span.end for span in imports)
    ]
    statements = treesitter.captures(grammar, language.name, "completion", root).get("statement", ())
    return _cut_off(file, names, statements)


def _read(file: SourceFile) -> tuple[Language, Node]:
    language = language_of(file.path)
    assert language is not None, "only files of known languages are read"
    return language, language.parse(file.path, file.data).root_node


def _cut_off(file: SourceFile, names: Iterable[tuple[Node, str]], statements: Iterable[Node]) -> list[Dot]:
    ends = {node.id: node.end_byte for node in statements}
    dots = []
    for node, text in names:
        above: Node | None = node
        while above is not None and above.id not in ends:
            above = above.parent
        if above is not None:
            dots.append(Dot(file, node.start_byte, text, ends[above.id]))
    return sorted(dots, key=lambda dot: dot.at)


Place = TypeVar("Place", "Dot", "Rest")


def sampled(places: Sequence[Place], count: int, seed: int) -> list[Place]:
    """So many of them by chance, the same for a seed whatever their order was."""
    ordered = sorted(places, key=lambda place: (place.file.path, place.at))
    return random.Random(seed).sample(ordered, min(count, len(ordered)))


@dataclass(frozen=True)
class Rest:
    """What was written in a file from a byte to the end of the line, `text`; without comment and blanks at its end."""

    file: SourceFile
    at: int
    text: str

    @property
    def cut(self) -> SourceFile:
        """The text without it; a cursor stands at `at`."""
        return self.with_text("")

    def with_text(self, text: str) -> SourceFile:
        data = self.file.data
        end = data.find(b"\n", self.at)
        end = len(data) if end < 0 else end
        end -= data[self.at : end].endswith(b"\r")
        return self.file.with_data(data[: self.at] + text.encode() + data[end:])


def rests_of(file: SourceFile) -> tuple[list[Rest], list[Rest]]:
    """Whole lines of code, from their first letter on; and what stands behind each dot of one."""
    language, root = _read(file)
    if root.has_error:
        return [], []
    found = treesitter.captures(language.grammar(file.path), language.name, "completion", root)
    asides = sorted((node.start_byte, node.end_byte) for node in found.get("aside", ()))
    # What stands in a string or a comment is no code: only lines that begin with a leaf of their own count.
    told = [(node.start_byte, node.end_byte) for node in found.get("documentation", ())]
    wholes = []
    start = 0
    for line in file.data.splitlines(keepends=True):
        at = start + len(line) - len(line.lstrip())
        text = _without_comment(file.data, at, start + len(line), asides)
        leaf = root.descendant_for_byte_range(at, at + 1)
        documents = any(begin <= at < end for begin, end in told)
        if text and not documents and leaf is not None and leaf.start_byte == at:
            wholes.append(Rest(file, at, text))
        start += len(line)
    behind = []
    written = {node.id for node in found.get("written", ())}
    for node in found.get("member", ()):
        end = file.data.find(b"\n", node.start_byte)
        text = _without_comment(file.data, node.start_byte, len(file.data) if end < 0 else end, asides)
        if node.id not in written and text:
            behind.append(Rest(file, node.start_byte, text))
    return wholes, sorted(behind, key=lambda rest: rest.at)


def _without_comment(data: bytes, start: int, end: int, asides: Sequence[tuple[int, int]]) -> str:
    for begin, _ in asides[bisect_left(asides, (start, 0)) :]:
        end = min(end, begin)
        break
    return data[start:end].decode("utf-8", "replace").strip()
