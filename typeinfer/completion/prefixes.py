"""Prefixes: what may be written at a place. Each says of a beginning whether anything that is accepted begins so, and of a text
whether it is accepted.

Three laws hold for each: what is accepted is allowed, so is every beginning of what is allowed, and what goes on behind an allowed
text goes on as `rests` say. Those that decide early steer the search; those that are dear, or decide at the end only, are asked
about what it found.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from typeinfer.languages import treesitter
from typeinfer.languages.language import Language
from typeinfer.values.source import SourceFile

MEMBER = re.compile(rb"\.[ \t]*(#?[\w$\x80-\xff]*)")


class Prefixes(Protocol):
    """Texts are what is written at the place, in UTF-8."""

    def allows(self, text: bytes) -> bool:
        """Whether something that is accepted begins so."""

    def complete(self, text: bytes) -> bool:
        """Whether this is accepted as it is."""

    def rests(self, text: bytes) -> frozenset[bytes] | None:
        """Where a text ends in a word of which few are known: what is missing of each, of which one must follow, and behind it no
        letter. None where nothing is known."""


class Grammar:
    """On one line, and so that the text around it can be read, as far as it could be before: as it is, or once a block that is
    opened has a body.

    `least`: bytes of the text that can't be read whatever stands at the place.
    """

    def __init__(self, language: Language, file: SourceFile, start: int, end: int, least: int) -> None:
        self.language, self.path, self.least = language, file.path, least
        self.before, self.behind = file.data[:start], file.data[end:]

    def allows(self, text: bytes) -> bool:
        return b"\n" not in text

    def complete(self, text: bytes) -> bool:
        return self.whole(text) is not None

    def whole(self, text: bytes) -> bytes | None:
        """The text with the body that it needs to be accepted; None where none makes it so."""
        if not self.allows(text):
            return None
        # The grammar takes a block without a body, which the language does not.
        wholes = (*(text + body for body in bodies_of(self.language, text)), text)
        return next((whole for whole in wholes if self._unread(whole) <= self.least), None)

    def rests(self, text: bytes) -> frozenset[bytes] | None:
        return None

    def _unread(self, text: bytes) -> int:
        tree = self.language.parse(self.path, self.before + text + self.behind)
        return treesitter.unread(tree.root_node)


def bodies_of(language: Language, text: bytes) -> list[bytes]:
    """What may follow a text that opens a block."""
    return [body.encode() for opening, body in language.bodies.items() if text.rstrip().endswith(opening.encode())]


class Members:
    """Behind a dot only what the type of what is before it has, where that is known.

    `of`: the names that may stand behind the dot with which a text ends; None where anything may.
    """

    def __init__(self, of: Callable[[bytes], frozenset[str] | None]) -> None:
        self.of = of
        self._asked: dict[bytes, frozenset[bytes] | None] = {}

    def allows(self, text: bytes) -> bool:
        return all(
            names is None or (name in names if end < len(text) else any(other.startswith(name) for other in names))
            for end, name, names in self._written(text)
        )

    def complete(self, text: bytes) -> bool:
        return all(names is None or name in names for _, name, names in self._written(text))

    def rests(self, text: bytes) -> frozenset[bytes] | None:
        written = self._written(text)
        if not written or written[-1][0] < len(text) or (names := written[-1][2]) is None:
            return None
        begun = written[-1][1]
        return frozenset(name[len(begun) :] for name in names if name.startswith(begun))

    def _written(self, text: bytes) -> list[tuple[int, bytes, frozenset[bytes] | None]]:
        """Of every name behind a dot where it ends, itself, and what may stand there."""
        found = []
        for match in MEMBER.finditer(text):
            dot = text[: match.start(1)]
            if dot not in self._asked:
                names = self.of(dot)
                self._asked[dot] = None if names is None else frozenset(name.encode() for name in names)
            found.append((match.end(), match.group(1), self._asked[dot]))
        return found
