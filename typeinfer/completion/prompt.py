"""Prompt: a text, its tree and a place in it in; the row of tokens that the language model is asked with, out.

An outline of what is far, what stands behind the place, what stands before it, in this order: while somebody types only the end of
the row changes. The last token before the place is taken back, since it may be half of one; what is written has to begin with it.
Knows nothing of what is likely.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from typeinfer.completion.cursor import dot_before, word_at
from typeinfer.completion.lm import Shape
from typeinfer.completion.reading import read
from typeinfer.completion.tokens import LANGUAGE, MIDDLE, OUTLINE, PREFIX, SUFFIX, Tokens
from typeinfer.languages.language import Language

if TYPE_CHECKING:
    from tree_sitter import Node

FAR = 4096
"""Bytes before the place, at least, from which tokens are made; more than a row holds."""

STEP = 48
"""Tokens by which the part of a text that is seen moves on, so that it doesn't with every key."""

FAR_FROM_WORD = 1500

WORDS_BEFORE, WORDS_BEHIND = 96, 24
"""Tokens that are seen around a word: a list of members has to be there at once."""

NEAR = 600
"""Bytes behind the place; more than a row holds."""


@dataclass(frozen=True)
class Prompt:
    """`row` of tokens, of which `seen` are those of the text before the place; `begun`: the bytes before the place with which what
    is written begins; `inside`: whether something stands on the line behind the place."""

    row: list[int]
    seen: list[int]
    begun: bytes
    inside: bool


class Prompter:
    """Makes prompts for one model."""

    def __init__(self, tokens: Tokens, shape: Shape) -> None:
        self.tokens, self.shape = tokens, shape
        self._line = lru_cache(4096)(self._encoded_line)

    def before_word(self, language: Language, number: int, path: str, data: bytes, begin: int, end: int) -> list[int]:
        """A short row for the word between two bytes, which begins a token: what stands right before it and behind it."""
        start = _line_start(data, max(0, begin - FAR_FROM_WORD)) if begin > FAR_FROM_WORD else 0
        near = data[min(start, begin) : begin] + data[end : end + NEAR]
        place = begin - min(start, begin)
        reading = read(language, path, near, language.parse(path, near).root_node, place)
        place = reading.place(place)
        before = self.tokens.encode(reading.data[:place].decode("utf-8", "ignore"))[-WORDS_BEFORE:]
        behind = self.tokens.encode(reading.data[place:].decode("utf-8", "ignore"))[:WORDS_BEHIND]
        return self.row(number, [], behind, before)

    @property
    def room(self) -> int:
        """Tokens before the place that are seen."""
        return self.shape.row - self.shape.outline - self.shape.suffix - 5

    def row(self, number: int, outline: list[int], suffix: list[int], seen: list[int]) -> list[int]:
        """As `training/decoder.Reader` makes them."""
        return [LANGUAGE + number, OUTLINE, *outline, SUFFIX, *suffix, PREFIX, *seen, MIDDLE]

    def _encoded_line(self, line: bytes) -> list[int]:
        return self.tokens.encode(line.decode("utf-8", "replace") + "\n")

    def prompt(self, language: Language, number: int, path: str, data: bytes, root: Node, offset: int) -> Prompt:
        """`number`: that of the language among the model's. All that a row holds."""
        reading = read(language, path, data, root, offset)
        place = reading.place(offset)
        head, tail = reading.data[:place], reading.data[place:]
        start = _line_start(head, max(0, (len(head) - FAR) // 1024 * 1024))
        before = self.tokens.encode(head[start:].decode("utf-8", "replace"))
        drop = max(0, -(-(len(before) - self.room) // STEP) * STEP)
        seen = before[drop:]
        begun = self.tokens.bytes[seen.pop()] if seen else b""
        # A word behind a dot is begun anew with its dot: what may stand there is asked for the whole of it.
        dot = dot_before(head, word_at(head, place)[0])
        while dot is not None and len(begun) < place - dot.start() and seen:
            begun = self.tokens.bytes[seen.pop()] + begun
        suffix = self.tokens.encode(tail[:NEAR].decode("utf-8", "replace"))[: self.shape.suffix]
        first = place - len(self.tokens.decode(seen)) - len(begun)
        lines = [(line.at, line.imports, self._line(line.text)) for line in reading.outline]
        outline = self.shape.outlined(lines, first, place)
        return Prompt(self.row(number, outline, suffix, seen), seen, begun, bool(tail.partition(b"\n")[0].strip()))


def _line_start(data: bytes, at: int) -> int:
    return 0 if at == 0 else data.find(b"\n", at) + 1
