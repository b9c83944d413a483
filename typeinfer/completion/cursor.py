"""Cursor: a text and a place in it in; the member or name that is being typed there, and the text made whole around it, out.

A text at a cursor is hardly ever one that parses: brackets are open, a header has no body. What is missing is put in behind the
cursor, so that a checker and the pipeline read it as they read any file. Knows no language: what opens, closes and ends is said by
`grammars/<language>/completion.scm` and the language's `endings`. Infers nothing.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from typeinfer.languages import language_of, treesitter
from typeinfer.languages.language import Language
from typeinfer.values.source import SourceFile

if TYPE_CHECKING:
    from tree_sitter import Node

PLACEHOLDER = "typeinfer_here"
"""What stands for the name that isn't there yet."""

NEARBY = 20_000
"""Bytes before and behind the cursor that are looked through for open brackets."""

WORD_BEFORE = re.compile(rb"[\w$\x80-\xff]*\Z")
WORD_BEHIND = re.compile(rb"[\w$\x80-\xff]*")

DOT = re.compile(rb"\??\.\s*#?\Z")

CLOSING = {"(": ")", "[": "]", "{": "}", "${": "}", "`": "`"}


@dataclass(frozen=True)
class Cursor:
    """`begin`, `end`: the bytes of what is there of the name, of which `typed` stands before the cursor. `asked` is the text made
    whole, with `PLACEHOLDER` at `begin`; `without` the same without the dot and the name. `receiver`: the expression before the
    dot; empty where there is none."""

    begin: int
    end: int
    typed: str
    receiver: str
    asked: SourceFile
    without: SourceFile
    root: Node
    """The tree of `asked`."""


def word_at(data: bytes, offset: int) -> tuple[int, int]:
    """Where the word at a byte begins and ends."""
    before = WORD_BEFORE.search(data, max(0, offset - NEARBY), offset)
    behind = WORD_BEHIND.match(data, offset)
    assert before is not None and behind is not None, "an empty word stands everywhere"
    return before.start(), behind.end()


def line_start(data: bytes, at: int) -> int:
    """Where the line of a byte begins."""
    return data.rfind(b"\n", 0, at) + 1


def dot_before(data: bytes, begin: int) -> re.Match[bytes] | None:
    return DOT.search(data, max(0, begin - NEARBY), begin)


def cursor_at(file: SourceFile, offset: int) -> Cursor | None:
    """None where no member is typed at a byte: in strings and comments, and where no dot stands before."""
    language, data = language_of(file.path), file.data
    assert language is not None, "only files of known languages are completed"
    begin, end = word_at(data, offset)
    dot = dot_before(data, begin)
    if dot is None:
        return None
    asked, root = made_whole(language, file, begin, end)
    receiver = _receiver(language, asked, root, begin)
    if receiver is None:
        return None
    without = file.with_data(asked.data[: dot.start()] + asked.data[begin + len(PLACEHOLDER) :])
    typed = data[begin:offset].decode("utf-8", "replace")
    return Cursor(begin, end, typed, receiver, asked, without, root)


def name_at(file: SourceFile, offset: int) -> Cursor | None:
    """None where no name is read at a byte: in strings, comments and numbers, behind a dot, and where it is made or imported."""
    language, data = language_of(file.path), file.data
    assert language is not None, "only files of known languages are completed"
    begin, end = word_at(data, offset)
    line = data[line_start(data, begin) : begin]
    if dot_before(data, begin) is not None or data[begin : begin + 1].isdigit() or language.binding.search(line):
        return None
    asked, root = made_whole(language, file, begin, end)
    here = begin, begin + len(PLACEHOLDER)
    leaf = root.descendant_for_byte_range(*here)
    found = treesitter.captures(language.grammar(file.path), language.name, "reads", root, here)
    made = (*found.get("bound", ()), *found.get("other", ()))
    imported = any(node.start_byte <= begin < node.end_byte for node in found.get("import", ()))
    if leaf is None or imported or leaf not in found.get("name", ()) or leaf in made:
        return None
    without = file.with_data(asked.data[:begin] + asked.data[begin + len(PLACEHOLDER) :])
    return Cursor(begin, end, data[begin:offset].decode("utf-8", "replace"), "", asked, without, root)


def _receiver(language: Language, file: SourceFile, root: Node, begin: int) -> str | None:
    """The expression before the dot that the placeholder at a byte stands behind."""
    leaf = root.descendant_for_byte_range(begin, begin + len(PLACEHOLDER))
    if leaf is None or leaf.parent is None:
        return None
    found = _captured(language, file.path, leaf.parent)
    if leaf not in found.get("member", ()):
        return None
    return next((treesitter.text_of(one) for one in found.get("receiver", ()) if one.parent == leaf.parent), None)


def made_whole(language: Language, file: SourceFile, begin: int, end: int) -> tuple[SourceFile, Node]:
    """The text with a name at the cursor and behind it what makes the least of the text unreadable; and its tree."""
    head, rest = file.data[:begin] + PLACEHOLDER.encode(), file.data[end:]
    line, brk, below = rest.partition(b"\n")
    grammar = language.grammar(file.path)
    least: int | None = None
    chosen, fewest = line, sys.maxsize
    # A language mends what its grammar lacks, which takes many times as long and is the same for all.
    tree, there = treesitter.parse(grammar, head + line + brk + below), line
    for tail in _tails(language, file.path, head, line, below):
        text = head + tail + brk + below
        if tail != there:
            ends = len(head) + len(there), len(head) + len(tail)
            tree, there = treesitter.reparse(grammar, tree, text, len(head), *ends), tail
        unread = treesitter.unread(tree.root_node)
        if unread < fewest:
            fewest, chosen = unread, tail
        if unread and least is None:
            # What can't be read without the line can't be with it.
            above = file.data[: line_start(file.data, begin)]
            least = treesitter.unread(treesitter.parse(grammar, above + brk + below).root_node)
        if unread <= (least or 0):
            break
    whole = head + chosen + brk + below
    return file.with_data(whole), language.parse(file.path, whole).root_node


def _tails(language: Language, path: str, head: bytes, line: bytes, below: bytes) -> Iterator[bytes]:
    """What may go behind the name: the rest of the line; then brackets, of which some are closed below, and what ends a
    statement."""
    yield line
    closing, closed = _unclosed(language, path, head), _unopened(language, path, below[:NEARBY])
    inner = "".join(reversed(closing[min(closed, len(closing)) :]))
    yield inner.encode() + line
    for closers in dict.fromkeys((inner, "".join(reversed(closing)))):
        for ending in language.endings:
            yield (closers + ending).encode()
    # What is open inside of brackets: `if (a ? b.`.
    for inside in filter(None, language.endings):
        for ending in language.endings:
            yield (inside + inner + ending).encode()


def _unclosed(language: Language, path: str, head: bytes) -> list[str]:
    """What closes each bracket or quote that is open at the end of a text, the outermost first."""
    waiting: list[str] = []
    for leaf, opens in _brackets(language, path, head, max(0, len(head) - NEARBY)):
        if waiting and waiting[-1] == leaf:
            waiting.pop()
        elif opens:
            waiting.append(CLOSING.get(leaf) or leaf.lstrip("rRbBuUfFtT"))
    return waiting


def _unopened(language: Language, path: str, below: bytes) -> int:
    """How many brackets a text closes that were opened before it."""
    depth, lowest = 0, 0
    for _, opens in _brackets(language, path, below):
        depth += 1 if opens else -1
        lowest = min(lowest, depth)
    return -lowest


def _brackets(language: Language, path: str, data: bytes, start: int = 0) -> list[tuple[str, bool]]:
    """What opens and what closes, from a byte on."""
    grammar = language.grammar(path)
    root = treesitter.parse(grammar, data).root_node
    found = treesitter.captures(grammar, language.name, "completion", root, (start, len(data)))
    leaves = [
        (node, kind == "open") for kind in ("close", "open") for node in found.get(kind, ()) if node.start_byte >= start
    ]
    return [(treesitter.text_of(node), opens) for node, opens in sorted(leaves, key=lambda one: one[0].start_byte)]


def _captured(language: Language, path: str, root: Node) -> dict[str, list[Node]]:
    return treesitter.captures(language.grammar(path), language.name, "completion", root)
