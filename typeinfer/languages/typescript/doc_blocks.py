"""Doc blocks: types that a JavaScript file is to state in; edits to its JSDoc comments out, or new comments.

A comment stands before the statement, member or property that holds a function or variable, where the compiler looks for
it. Tags that are there get their types, others are added in the order of the signature. Knows nothing of names.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from tree_sitter import Node

from typeinfer.languages.typescript import jsdoc
from typeinfer.languages.typescript.jsdoc import Tag
from typeinfer.values.patches import Edit
from typeinfer.values.source import SourceFile, Span


class Unplaceable(Exception):
    """A type that no comment can state; the message is one line that says why."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What a tag is to say: `@param {type} name`, `@returns {type}` or `@type {type}`.

    `name` is the parameter's; `position` its place in the signature. `nameless`: it is destructured, so the compiler finds
    its tag by position.
    """

    tag: str
    type: str
    name: str = ""
    position: int = 0
    nameless: bool = False


# A comment with one of these speaks of something else than what stands behind it.
OTHERS = frozenset(
    (
        "typedef callback import file fileoverview overview module license licence copyright preserve jsx jsxImportSource "
        "namespace"
    ).split()
)


@dataclass(frozen=True)
class Place:
    """Where the comment of a host stands or would stand. `own_line`: nothing but blanks stands before it.

    Behind something on the same line the compiler reads the comment of a variable only (`let a, /** @type {T} */ b`).
    """

    file: SourceFile
    at: int
    own_line: bool
    comment: Node | None

    @classmethod
    def of(cls, file: SourceFile, host: Node) -> Place:
        """Raises `Unplaceable` where a comment would not be read."""
        comment, between = None, False
        here = host.prev_sibling
        while here is not None and here.type == "comment":
            if (here.text or b"").startswith(b"/**") and here.end_byte - here.start_byte > 4:
                comment = here
                break
            between = True
            here = here.prev_sibling
        if comment is not None and _speaks_of_others(file, comment, host):
            comment, between = None, False
        if between and comment is not None:
            raise Unplaceable("another comment stands between it and its JSDoc")
        begin = host.start_byte if comment is None else comment.start_byte
        own_line = not file.data[file.data.rfind(b"\n", 0, begin) + 1 : begin].strip()
        if not own_line and host.type != "variable_declarator":
            raise Unplaceable("it does not begin its line, so the compiler would not read its comment")
        return cls(file, host.start_byte, own_line, comment)

    @property
    def indent(self) -> str:
        anchor = self.at if self.comment is None else self.comment.start_byte
        line = self.file.data[self.file.data.rfind(b"\n", 0, anchor) + 1 : anchor].decode()
        return "".join(takewhile(lambda sign: sign in " \t", line))


def _speaks_of_others(file: SourceFile, comment: Node, host: Node) -> bool:
    tags = {found.group(1) for found in re.finditer(r"@(\w+)", _text(comment))}
    first = not file.data[: comment.start_byte].strip()
    apart = file.data[comment.end_byte : host.start_byte].count(b"\n") > 1
    return bool(tags & OTHERS) or (first and apart)


def edits_of(place: Place, stated: Sequence[Stated], parameters: Sequence[str]) -> list[Edit]:
    """The edits that state these types; `parameters` are all names of the signature, in order.

    Raises `Unplaceable`.
    """
    for one in stated:
        if "*/" in one.type or "\n" in one.type:
            raise Unplaceable("no comment can hold the type")
    if place.comment is None:
        _refuse_misplaced((), stated)
        return [_new_block(place, stated)]
    return _Block(place, place.comment, stated, parameters).edits()


def _refuse_misplaced(tagged: Sequence[Tag], stated: Sequence[Stated]) -> None:
    """A destructured parameter's tag must be the n-th of all."""
    for one in stated:
        others = {other.position for other in stated if other.tag == "param" and other.position < one.position}
        if one.nameless and len(others) + len(tagged) < one.position:
            raise Unplaceable("JSDoc finds a destructured parameter by its place, and one before it has no tag")


def _line(one: Stated) -> str:
    return f"@{one.tag} {{{one.type}}}" + (f" {one.name}" if one.name else "")


def _new_block(place: Place, stated: Sequence[Stated]) -> Edit:
    newline, indent = place.file.newline, place.indent
    if stated[0].tag == "type":
        gap = f"{newline}{indent}" if place.own_line else " "
        return Edit(Span(place.at, place.at), f"/** {_line(stated[0])} */{gap}")
    rows = "".join(f"{newline}{indent} * {_line(one)}" for one in stated)
    return Edit(Span(place.at, place.at), f"/**{rows}{newline}{indent} */{newline}{indent}")


class _Block:
    """A comment that is there, and what is inserted into it, by byte of the file."""

    def __init__(self, place: Place, comment: Node, stated: Sequence[Stated], parameters: Sequence[str]) -> None:
        self.place, self.stated, self.parameters = place, stated, parameters
        self.data, self.newline = place.file.data, place.file.newline
        self.start, self.end = comment.start_byte, comment.end_byte
        self.text = _text(comment)
        self.tags = jsdoc.tags(self.text)
        self.params = [tag for tag in self.tags if tag.name == "param" and "." not in tag.parameter]

    def edits(self) -> list[Edit]:
        names = {tag.name for tag in self.tags}
        function = any(one.tag != "type" for one in self.stated)
        if function and names & {"type", "overload"}:
            raise Unplaceable("its JSDoc gives the function a type as a whole")
        if "inheritDoc" in self.text:
            raise Unplaceable("its JSDoc is another one's")
        _refuse_misplaced([tag for tag in self.params if tag.type], self.stated)
        filled: list[Edit] = []
        added: list[Stated] = []
        for one in self.stated:
            tag = self._tag_of(one)
            if tag is None:
                added.append(one)
            elif tag.type:
                raise Unplaceable("its JSDoc states a type already")
            else:
                filled.append(self._fill(tag, one))
        return filled + (self._add(added) if added else [])

    def _tag_of(self, one: Stated) -> Tag | None:
        if one.tag != "param":
            return next((tag for tag in self.tags if tag.name == one.tag), None)
        if one.nameless:
            return self.params[one.position] if one.position < len(self.params) else None
        return next((tag for tag in self.params if tag.parameter == self.parameters[one.position]), None)

    def _fill(self, tag: Tag, one: Stated) -> Edit:
        at = self.start + tag.span.start
        in_braces = self.data[at - 1 : at] == b"{"
        if in_braces:
            return Edit(Span(at, at), one.type)
        # `{T} ` goes behind the tag, which may end its line.
        before = "" if self.data[at - 1 : at] in (b" ", b"\t") else " "
        behind = "" if self.data[at : at + 1] in (b"\r", b"\n", b"") else " "
        return Edit(Span(at, at), f"{before}{{{one.type}}}{behind}")

    # --- tags that are missing --------------------------------------------------------------------------------------

    def _add(self, added: Sequence[Stated]) -> list[Edit]:
        lines = self.text.split("\n")
        if len(lines) == 1:
            return self._opened(added)
        prefix = self._prefix(lines)
        closing = self.data.rfind(b"\n", 0, self.end)
        shares_line = bool(self.data[closing : self.end].strip(b" \t\r\n*/"))
        edits: dict[int, list[str]] = defaultdict(list)
        for one in added:
            edits[self._line_before(one)].append(f"{prefix}{_line(one)}")
        found: list[Edit] = []
        for at, rows in edits.items():
            if at < 0 and shares_line:
                end = self.end - 2
                start = len(self.data[:end].rstrip(b" \t"))
                text = "".join(f"{self.newline}{row}" for row in rows)
                found.append(Edit(Span(start, end), f"{text}{self.newline}{self.place.indent} "))
            else:
                where = closing + 1 if at < 0 else at
                found.append(Edit(Span(where, where), "".join(f"{row}{self.newline}" for row in rows)))
        return found

    def _opened(self, added: Sequence[Stated]) -> list[Edit]:
        """`/** Adds. */` becomes a comment of several lines."""
        if not self.place.own_line:
            raise Unplaceable("its JSDoc does not begin a line, which leaves no room in it")
        indent = self.place.indent
        inside = self.data[self.start + 3 : self.end - 2]
        first = self.start + 3 + len(inside) - len(inside.lstrip(b" \t"))
        last = self.start + 3 + len(inside.rstrip(b" \t"))
        text = "".join(f"{self.newline}{indent} * {_line(one)}" for one in added) + f"{self.newline}{indent} "
        if not inside.strip():
            return [Edit(Span(self.start + 3, self.end - 2), text)]
        opening = Edit(Span(self.start + 3, first), f"{self.newline}{indent} * ")
        return [opening, Edit(Span(last, self.end - 2), text)]

    def _prefix(self, lines: Sequence[str]) -> str:
        """What stands before the words of a line."""
        for line in lines[1:]:
            found = re.match(r"[ \t]*\*(?!/)[ \t]*", line)
            if found and line[found.end() :].strip():
                return found.group()
        starred = any(line.lstrip().startswith("*") and not line.lstrip().startswith("*/") for line in lines[1:])
        if starred or not any(line.strip(" \t\r*/") for line in lines[1:]):
            return f"{self.place.indent} * "
        return next(re.match(r"[ \t]*", line) for line in lines[1:] if line.strip()).group()  # type: ignore[union-attr]

    def _line_before(self, one: Stated) -> int:
        """The line before which a tag goes, by its first byte; -1: at the end."""
        starts = self._tag_starts()
        if one.tag == "param":
            positions = {name: at for at, name in enumerate(self.parameters)}
            later = [tag for tag in self.params if positions.get(tag.parameter, -1) > one.position]
            if later:
                return starts[id(later[0])]
            if (returns := next((tag for tag in self.tags if tag.name == "returns"), None)) is not None:
                return starts[id(returns)]
        # Code in an example runs to the end of the comment.
        example = re.search(r"^[ \t]*\*?[ \t]*@example\b", self.text, re.MULTILINE)
        if example is not None and example.start():
            return self.start + len(self.text[: example.start()].encode("utf-8"))
        return -1

    def _tag_starts(self) -> Mapping[int, int]:
        """The first byte of the line of each tag, by the tag's identity."""
        return {id(tag): self.data.rfind(b"\n", 0, self._sign_of(tag)) + 1 for tag in self.tags}

    def _sign_of(self, tag: Tag) -> int:
        return self.data.rfind(b"@", self.start, self.start + tag.span.start)


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8")
