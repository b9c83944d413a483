"""Display: what the compiler shows in a hover in; the text of the type that it says something has, out.

A hover is a declaration as the compiler prints it: `(method) Cart<string>.add(x: string): Cart<string>`, `const n: number`.
Read as a value it tells the type of a name where it is used; read as a call, what the call gives. Knows no type terms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat

ENUM_MEMBER = re.compile(r"(?:\(alias\) )?\(enum member\) ([\w$.]+)\.")

NO_VALUE = ("class ", "interface ", "namespace ", "module ", "type ", "import ", "this", "enum ", "(type parameter)")

ANONYMOUS = "(Anonymous function)"

# `(alias)` and `(method)`, `(local var)`, `const`: what the compiler says before the name.
KIND = re.compile(r"\((?!Anonymous )[a-z ]+\) |(?:const|let|var|using|await using|function|constructor|enum) ")

OVERLOADS = re.compile(r" \(\+\d+ (?:\w+ )?overloads?\)$")

# `...` before a name or a bracket belongs to the type; anywhere else something has been left out.
LEFT_OUT = re.compile(r"\.\.\.(?![\w$\[({<])|\.\.\. ?\d+ more ")

PARAMETER = re.compile(r"(?:\.\.\.)?(?:[\w$]+|\{[^{}]*\}|\[[^\[\]]*\])\??:")
SIMPLE_ARRAY = re.compile(r"[\w$.]+(?:<[\w$., ]*>)?\[\]")

CLOSING = {"(": ")", "[": "]", "{": "}", "<": ">"}
QUOTES = "\"'`"


def type_of_value(shown: str) -> str | None:
    """The type of a name or a member where it is used, as text; None where the hover is of no value."""
    if (member := ENUM_MEMBER.match(shown)) is not None:
        return member.group(1)
    head = _Head.of(shown)
    if head is None or head.kind == "constructor":
        return None
    if head.rest.startswith(":"):
        return _whole(head.rest[1:])
    found = _signature(head.rest)
    return _whole(f"{found[0]} => {found[1]}") if found else None


def type_of_call(shown: str) -> str | None:
    """The type that a call of what is shown gives, as text; None where the hover is of nothing that is called."""
    head = _Head.of(shown)
    if head is None:
        return None
    if head.rest.startswith("("):
        found = _signature(head.rest)
        return _whole(found[1]) if found else None
    if head.rest.startswith(":"):
        called = _called(head)
        after = _after_bracket(called, 0) if called.startswith("<") else 0
        close = _after_bracket(called, after) if called.startswith("(", after) else 0
        # A bracket around the whole type, as in `((x: A) => B) | undefined`, is behind no arrow.
        return _whole(called[close + 4 :]) if close and called.startswith(" => ", close) else None
    return None


def type_of_result(shown: str) -> str | None:
    """The type that a function gives, as text, where its own name is hovered on."""
    head = _Head.of(shown)
    return type_of_value(shown) if head is not None and head.kind in ("accessor", "getter") else type_of_call(shown)


def types_of_parameters(shown: str) -> Iterator[str | None]:
    """The types that a call of what is shown takes, as text, one for each argument in order; None where it is cut short.

    What may be left out is of the type that it has when it is there. The last may repeat without end.
    """
    head = _Head.of(shown)
    text = head.rest if head is not None and not head.rest.startswith(":") else _called(head)
    start = _after_bracket(text, 0) if text.startswith("<") else 0
    if not text.startswith("(", start):
        return
    for part in _parts(text[start + 1 : _after_bracket(text, start) - 1]):
        if part.startswith("this:"):
            continue  # What the method is called on, which is no argument.
        found = PARAMETER.match(part)
        taken = _whole(part[found.end() :]) if found else None
        if part.startswith("..."):
            yield from repeat(_element(taken))
        yield taken


def _called(head: _Head | None) -> str:
    """The function type behind the colon, or the signature below."""
    return "" if head is None else (head.called or head.rest[1:]).strip().removeprefix("new ")


def _parts(text: str) -> Iterator[str]:
    start = at = 0
    while at < len(text):
        if text[at] == ",":
            yield text[start:at].strip()
            start = at + 1
        at = (
            _after_quote(text, at)
            if text[at] in QUOTES
            else _after_bracket(text, at)
            if text[at] in CLOSING
            else at + 1
        )
    if text[start:].strip():
        yield text[start:].strip()


def _element(text: str | None) -> str | None:
    """The type of one of several values: of `A[]` its A."""
    return text[:-2] if text is not None and SIMPLE_ARRAY.fullmatch(text) else None


@dataclass(frozen=True, slots=True)
class _Head:
    """A declaration up to its type: `rest` begins at the colon or the bracket. `called`: the signature shown below it."""

    kind: str
    rest: str
    called: str

    @staticmethod
    @lru_cache(maxsize=20_000)
    def of(shown: str) -> _Head | None:
        if shown.startswith(NO_VALUE) or "\n(alias) " in shown:  # Of overloads shown together none is meant.
            return None
        text, _, called = OVERLOADS.sub("", shown.partition("\nimport ")[0]).partition("\n(")
        at, kind = 0, ""
        while found := KIND.match(text, at):
            kind, at = found.group().strip(" ()"), found.end()
        if text.startswith(ANONYMOUS, at):
            at += len(ANONYMOUS)
        while at < len(text) and text[at] not in ":(":
            if text[at] in QUOTES:
                at = _after_quote(text, at)
            else:
                at = _after_bracket(text, at) if text[at] in CLOSING else at + 1
        return _Head(kind, text[at:], "(" + called if called else "") if at < len(text) else None


def _signature(text: str) -> tuple[str, str] | None:
    """`(x: A): B` as its parameters, brackets included, and its result."""
    after = _after_bracket(text, 0) if text.startswith("(") else 0
    return (text[:after], text[after + 1 :].strip()) if after and text.startswith(":", after) else None


def _whole(text: str) -> str | None:
    text = text.strip()
    return None if not text or LEFT_OUT.search(text) else text


def _after_bracket(text: str, at: int) -> int:
    """The place behind the bracket that closes the one at `at`; the end where none does."""
    open_brackets = []
    while at < len(text):
        sign = text[at]
        if sign in QUOTES:
            at = _after_quote(text, at)
            continue
        if sign in CLOSING:
            open_brackets.append(CLOSING[sign])
        elif open_brackets and sign == open_brackets[-1] and not (sign == ">" and text[at - 1] == "="):
            open_brackets.pop()
            if not open_brackets:
                return at + 1
        at += 1
    return at


def _after_quote(text: str, at: int) -> int:
    quote = text[at]
    at += 1
    while at < len(text) and text[at] != quote:
        at += 2 if text[at] == "\\" else 1
    return at + 1
