"""Habits: the texts of a project in; which members are used behind what, and how often, out.

A use is a name behind a dot. What stands before the dot is known by how it is written, not by its type: `self._file`, and by its
last word alone, `_file`. Knows no language, and nothing of what exists.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from typeinfer.languages import language_of, treesitter

LONGEST_RECEIVER = 60
"""Bytes above which what stands before a dot is known by its last word alone."""

LAST_WORD = re.compile(r"([\w$]+)\W*\Z")

LONGEST_REASON = 60

REASON = re.compile(r"(\w+ ?\(|\w+|[^\w\s])\s*\Z")

INNER = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")


class Use(Struct, frozen=True, array_like=True, gc=False):
    """A name behind a dot, at a byte; `receiver` is what stands before it, `last` how that ends: `name`, `call()`, `table[]`.
    `why` is what stands before that: `return`, `=`, `len(`."""

    receiver: str
    last: str
    member: str
    why: str
    at: int


def uses_in(path: str, data: bytes) -> tuple[Use, ...]:
    """The uses of a text, in its order; where it is broken, those that can be read."""
    language = language_of(path)
    assert language is not None, "only files of known languages are read"
    root = language.parse(path, data).root_node
    found = treesitter.captures(language.grammar(path), language.name, "completion", root)
    receivers = {node.parent.id: node for node in found.get("receiver", ()) if node.parent is not None}
    uses = []
    for node in found.get("member", ()):
        receiver = receivers.get(node.parent.id) if node.parent is not None else None
        if receiver is not None:
            before = data[receiver.start_byte : receiver.end_byte]
            why = reason(
                data[max(0, receiver.start_byte - LONGEST_REASON) : receiver.start_byte].decode("utf-8", "ignore")
            )
            spelling = spelled(before.decode("utf-8", "replace"))
            uses.append(Use(*spelling, treesitter.text_of(node), why, node.start_byte))
    return tuple(sorted(uses, key=lambda use: use.at))


def reason(before: str) -> str:
    """Why an expression is wanted, by the text before it: the word or mark there, of a call with what is called."""
    found = REASON.search(before.rpartition("\n")[2])
    return found.group(1).replace(" ", "") if found is not None else ""


def spelled(receiver: str) -> tuple[str, str]:
    """How an expression is known: as a whole, where it is short, and by its end."""
    short, last = receiver, receiver[-1000:]
    if len(receiver) > LONGEST_RECEIVER or "\n" in receiver:
        short = ""
    marks = ""
    while last.endswith((")", "]")):
        mark = "()" if last.endswith(")") else "[]"
        before, changed = last, 1
        # Brackets from the inside out, until the last pair is gone.
        while changed and last.endswith(mark[1]) and last:
            inner = INNER.sub("", last)
            changed, last = inner != last, inner
        marks = mark + marks
        if last == before:
            break
    word = LAST_WORD.search(last)
    last = (word.group(1) if word is not None and word.end() == len(last) else "") + marks[:2]
    return short or last, last


@dataclass
class Tally:
    """How often something was used."""

    members: Counter[str] = field(default_factory=Counter)
    behind: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By the last word of what stands before, and the member."""
    exactly: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By all that stands before, and the member."""

    because: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By why it is wanted, and the member."""
    after: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By the member that was used before it behind the same text, and the member."""

    def add(self, uses: Iterable[Use]) -> None:
        """The uses of one text, in its order."""
        before: dict[str, str] = {}
        for use in uses:
            self.members[use.member] += 1
            self.behind[use.last, use.member] += 1
            self.exactly[use.receiver, use.member] += 1
            self.because[use.why, use.member] += 1
            if (previous := before.get(use.receiver)) is not None:
                self.after[previous, use.member] += 1
            before[use.receiver] = use.member


@dataclass(frozen=True)
class Habits:
    """The uses of a project's files, by path."""

    uses: Mapping[str, tuple[Use, ...]]

    def elsewhere(self, path: str) -> Tally:
        """Of all files but one."""
        tally = Tally()
        for other, uses in self.uses.items():
            if other != path:
                tally.add(uses)
        return tally
