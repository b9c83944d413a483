"""JSDoc: the text of a `/** ... */` comment in; its tags, the types inside them and what they are said of out.

Knows nothing of the file that the comment stands in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from typeinfer.values.source import Span

# Code in backquotes holds no tags; an `@` in the middle of a word (a mail address) or behind a brace (`{@link x}`) is none.
TAG = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|(?<![^\s*])@(?P<tag>[A-Za-z]+)", re.DOTALL)
GAP = re.compile(r"(?:[ \t\r]|\n[ \t]*(?:\*(?!/))?)*")
"""What may stand between the parts of a tag: blanks, and line ends with the star of the next line."""
STAR = re.compile(r"\r?\n[ \t]*\*?(?!/)")
NAME = re.compile(r"(?P<tick>`)?(?P<optional>\[\s*)?(?P<name>(?:\.\.\.)?[\w$#]+(?:\[\])?(?:\.[\w$#]+(?:\[\])?)*)")
TEMPLATE = re.compile(r"\[?(?P<name>[A-Za-z_$][\w$]*)(?:\s*=[^\]\n]*\])?\]?\s*(?P<more>,\s*)?")

SAME = {"arg": "param", "argument": "param", "return": "returns", "yield": "yields", "prop": "property"}
NAMED = frozenset({"param", "property", "typedef", "callback"})


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag of a comment: `@param {T} [name=1]` is `Tag("param", "T", ..., "name", optional=True)`.

    `name` is spelled one way (`@arg` and `@argument` are `param`, `@return` is `returns`, `@yield` is `yields`, `@prop` is
    `property`). `span` counts the bytes of the type's text from the start of the comment; without a type `type` is empty
    and `span` is the empty one where `{T} ` would go. `parameter` is dotted for a property (`options.size`). `variadic`:
    written `{...T}`, where `type` is that of one argument.
    """

    name: str
    type: str
    span: Span
    parameter: str = ""
    optional: bool = False
    variadic: bool = False


def tags(comment: str) -> list[Tag]:
    """The tags of a comment in their order; one `Tag` for each name of a `@template`."""
    if "@" not in comment:
        return []
    return [tag for found in TAG.finditer(comment) if found["tag"] for tag in _tag(comment, found)]


def _tag(comment: str, found: re.Match[str]) -> Iterator[Tag]:
    name = SAME.get(found["tag"], found["tag"])
    at = _behind_gap(comment, found.end())
    braces = _braces(comment, at)
    if name == "template":
        yield from _templates(comment, at, braces)
        return
    parameter, optional = "", False
    if name in NAMED:
        named = NAME.match(comment, at if braces is None else _behind_gap(comment, braces[1]))
        if named is not None:
            parameter, optional = named["name"].removeprefix("..."), named["optional"] is not None
            if braces is None:  # @param name {T}
                braces = _braces(comment, _behind_gap(comment, named.end()))
    if braces is None:
        yield Tag(name, "", _bytes(comment, at, at), parameter, optional)
        return
    start, end = braces[0] + 1, braces[1] - 1
    variadic = comment.startswith("...", start)
    start += 3 if variadic else 0
    # Closure's `{T=}` is a parameter that may be left out.
    left_out = comment[start:end].rstrip().endswith("=")
    end = start + comment[start:end].rstrip().rindex("=") if left_out else end
    start, end = _trimmed(comment, start, end)
    text = STAR.sub("\n", comment[start:end])
    yield Tag(name, text, _bytes(comment, start, end), parameter, optional or left_out, variadic)


def _templates(comment: str, at: int, braces: tuple[int, int] | None) -> Iterator[Tag]:
    """`@template {Constraint} T, U`: the constraint is said of the first name."""
    start, end = (at, at) if braces is None else _trimmed(comment, braces[0] + 1, braces[1] - 1)
    text, span = comment[start:end], _bytes(comment, start, end)
    at = at if braces is None else _behind_gap(comment, braces[1])
    while (found := TEMPLATE.match(comment, at)) is not None:
        yield Tag("template", text, span, found["name"])
        if not found["more"]:
            return
        at, text, span = found.end(), "", _bytes(comment, found.end(), found.end())


def _behind_gap(comment: str, at: int) -> int:
    found = GAP.match(comment, at)
    return found.end() if found else at


def _braces(comment: str, at: int) -> tuple[int, int] | None:
    """Where a type in braces begins and ends, braces included; strings inside it may hold braces of their own."""
    if not comment.startswith("{", at) or comment.startswith("{@", at):
        return None
    depth, quote = 0, ""
    for index in range(at, len(comment)):
        sign = comment[index]
        if quote:
            quote = "" if sign in (quote, "\n") else quote
        elif sign in "\"'`":
            quote = sign
        elif sign == "{":
            depth += 1
        elif sign == "}":
            depth -= 1
            if depth == 0:
                return at, index + 1
    return None


def _trimmed(comment: str, start: int, end: int) -> tuple[int, int]:
    text = comment[start:end]
    return start + len(text) - len(text.lstrip()), start + len(text.rstrip()) if text.strip() else start


def _bytes(comment: str, start: int, end: int) -> Span:
    if comment.isascii():
        return Span(start, end)
    before = len(comment[:start].encode("utf-8", "replace"))
    return Span(before, before + len(comment[start:end].encode("utf-8", "replace")))
