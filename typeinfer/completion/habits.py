"""Habits: the texts of a project in; which members are used behind what, and how often, out.

A use is a name behind a dot. What stands before the dot is known by how it is written, not by its type: `self._file`, and by its
last word alone, `_file`. Knows no language, and nothing of what exists.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from typeinfer.languages import language_of, treesitter

if TYPE_CHECKING:
    from tree_sitter import Node

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
    return uses_below(path, data, language.parse(path, data).root_node)


def uses_below(path: str, data: bytes, root: Node) -> tuple[Use, ...]:
    """The same, of a text that is parsed already."""
    language = language_of(path)
    assert language is not None, "it was parsed"
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


Counts: TypeAlias = "defaultdict[str, Counter[str]]"


def _counts() -> Counts:
    return defaultdict(Counter)


@dataclass
class Tally:
    """How often each member was used: at all, and given what stood around it."""

    members: Counter[str] = field(default_factory=Counter)
    behind: Counts = field(default_factory=_counts)
    """By the last word of what stands before."""
    exactly: Counts = field(default_factory=_counts)
    """By all that stands before."""
    because: Counts = field(default_factory=_counts)
    """By why it is wanted."""
    after: Counts = field(default_factory=_counts)
    """By the member that was used before it behind the same text."""

    def add(self, uses: Iterable[Use], times: int = 1) -> None:
        """The uses of one text, in its order; with -1 for `times` they are taken out again."""
        before: dict[str, str] = {}
        for use in uses:
            self.members[use.member] += times
            self.behind[use.last][use.member] += times
            self.exactly[use.receiver][use.member] += times
            self.because[use.why][use.member] += times
            if (previous := before.get(use.receiver)) is not None:
                self.after[previous][use.member] += times
            before[use.receiver] = use.member


NO_COUNTS: Counter[str] = Counter()


@dataclass(frozen=True)
class Given:
    """How often each member was used given one thing, in all texts but one."""

    all: Counter[str]
    own: Counter[str] = field(default_factory=Counter)

    def __getitem__(self, name: str) -> int:
        return self.all[name] - self.own[name]

    def items(self) -> Iterator[tuple[str, int]]:
        for name in self.all:
            if (times := self[name]) > 0:
                yield name, times


@dataclass(frozen=True)
class Rest:
    """A tally less another one."""

    all: Tally
    own: Tally = field(default_factory=Tally)

    @property
    def members(self) -> Given:
        return Given(self.all.members, self.own.members)

    def given(self, by: str, what: str) -> Given:
        """`by`: the name of one of a tally's tables."""
        every, own = getattr(self.all, by), getattr(self.own, by)
        return Given(every.get(what, NO_COUNTS), own.get(what, NO_COUNTS))


class Habits:
    """The uses of a project's files, which may change."""

    def __init__(self) -> None:
        self.uses: dict[str, tuple[Use, ...]] = {}
        self.total = Tally()

    def put(self, path: str, uses: tuple[Use, ...]) -> None:
        self.total.add(self.uses.get(path, ()), -1)
        self.total.add(uses)
        self.uses[path] = uses

    def elsewhere(self, path: str) -> Rest:
        """In all files but one."""
        own = Tally()
        own.add(self.uses.get(path, ()))
        return Rest(self.total, own)
