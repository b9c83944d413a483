"""Dots: a text in; places in it where a member was written, each with the text as it was before the rest of its statement was, out.

What stands above and below the statement is there, as it is for somebody who adds a statement to a file. Says nothing about
types.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from typeinfer.languages import language_of, treesitter
from typeinfer.values.source import SourceFile


@dataclass(frozen=True)
class Dot:
    """A name that was written behind a dot: `member`, at a byte of a file, in a statement that ends at another."""

    file: SourceFile
    at: int
    member: str
    end: int

    @property
    def cut(self) -> SourceFile:
        """The text without the name and what stood behind it in its statement; a cursor stands at `at`."""
        return self.file.with_data(self.file.data[: self.at] + self.file.data[self.end :])


def dots_of(file: SourceFile) -> list[Dot]:
    """All of a file whose names were there before they were written: what is bound behind a dot is left out."""
    language = language_of(file.path)
    assert language is not None, "only files of known languages are read"
    root = language.parse(file.path, file.data).root_node
    if root.has_error:
        return []
    found = treesitter.captures(language.grammar(file.path), language.name, "completion", root)
    ends = {node.id: node.end_byte for node in found.get("statement", ())}
    written = {node.id for node in found.get("written", ())}
    dots = []
    for node in found.get("member", ()):
        above = node
        while above is not None and above.id not in ends:
            above = above.parent
        if above is not None and node.id not in written:
            dots.append(Dot(file, node.start_byte, treesitter.text_of(node), ends[above.id]))
    return sorted(dots, key=lambda dot: dot.at)


def sampled(dots: Sequence[Dot], count: int, seed: int) -> list[Dot]:
    """So many of them by chance, the same for a seed whatever their order was."""
    return random.Random(seed).sample(sorted(dots, key=lambda dot: (dot.file.path, dot.at)), min(count, len(dots)))
