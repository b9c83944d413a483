"""Parsing: the bytes of a file in; its tree out, each node at the bytes that it stands for.

The grammar lacks some of the language: variance marks, `export type *`, members of a type that only a line end parts, words of
the language as names. A file that it does not parse is read once more with those places written in a way that it knows, byte for
byte as long: `interface Box<in out T>` as `interface Box<       T>`. A place counts only where the tree then shows that it was
meant so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import tree_sitter
import tree_sitter_typescript
from tree_sitter import Node

from typeinfer.languages import treesitter
from typeinfer.values.source import Span

TYPESCRIPT = tree_sitter.Language(tree_sitter_typescript.language_typescript())
TSX = tree_sitter.Language(tree_sitter_typescript.language_tsx())

ROUNDS = 4
"""How often what turned out not to be meant so is put back, each time with another parse."""

FARTHEST = 2_000
"""Type arguments longer than this are not looked for."""


def grammar(path: str) -> tree_sitter.Language:
    """The grammar that reads a file of this name: `<T>x` is a cast in `.ts` alone, elsewhere it opens an element."""
    return TYPESCRIPT if path.endswith((".ts", ".mts", ".cts")) else TSX


def parse(path: str, data: bytes) -> tree_sitter.Tree:
    """The tree of a file, with as few errors as the grammar allows. Never raises."""
    language = grammar(path)
    tree, mended = treesitter.parse(language, data), 0
    # What is a comment or a string is told by a tree that has errors, so a better tree may find more places.
    for _ in range(ROUNDS):
        if not tree.root_node.has_error:
            break
        better, found = _mended(language, data, tree)
        if found <= mended:
            break
        tree, mended = better, found
    return tree


def _mended(language: tree_sitter.Language, data: bytes, tree: tree_sitter.Tree) -> tuple[tree_sitter.Tree, int]:
    """The tree with every place mended that is meant so, and the number of these places."""
    mends = [mend for mend in _mends(data, language == TSX) if not _is_text(tree.root_node, mend.span)]
    for _ in range(ROUNDS):
        if not mends:
            break
        again = _parse_as(language, _with(data, mends), data)
        meant = [mend for mend in mends if mend.is_meant(again.root_node, mend.span)]
        if len(meant) == len(mends):
            return again, len(mends)
        mends = meant
    return tree, 0


@dataclass(frozen=True, slots=True)
class _Mend:
    """A place that the grammar does not know, and the text to read there; `is_meant`: whether the tree bears it out."""

    span: Span
    text: bytes
    is_meant: Callable[[Node, Span], bool]


def _with(data: bytes, mends: list[_Mend]) -> bytearray:
    changed = bytearray(data)
    for mend in mends:
        changed[mend.span.start : mend.span.end] = mend.text
    return changed


def _parse_as(language: tree_sitter.Language, read: bytearray, data: bytes) -> tree_sitter.Tree:
    """The tree of a text whose nodes say what stands in another one of the same length."""
    tree = treesitter.parse(language, read)
    read[:] = data  # A node's text is looked up, when asked for, in the buffer that was parsed.
    return tree


def _is_text(root: Node, place: Span) -> bool:
    """Whether a place lies in a comment or a string, where nothing is code, or right behind a comment that it ends."""
    around = (root.descendant_for_byte_range(start, place.end) for start in (place.start, max(place.start - 1, 0)))
    before = root.descendant_for_byte_range(max(place.start - 1, 0), place.start)
    return any(node is not None and node.is_named and node.type in TEXT for node in (*around, before))


TEXT = frozenset({"comment", "string_fragment", "string", "template_string", "regex_pattern", "jsx_text"})


# --- places that the grammar does not know --------------------------------------------------------------------------

TRIVIA = rb"(?:\s|//[^\n]*\n|/\*(?:[^*]|\*(?!/))*\*/)*"
VARIANCE = re.compile(rb"[<,]" + TRIVIA + rb"(?P<gap>in\s+out|in|out)(?=\s+[A-Za-z_$][\w$]*\s*(?:[,>=]|extends\b))")
TYPES_PASSED_ON = re.compile(rb"\bexport\s+(?P<gap>type)(?=\s*\*)")
ACCESSOR = re.compile(rb"(?<![\w$.])(?P<gap>accessor)(?=[ \t]+[\w$#\[\"'])")
OVERRIDE = re.compile(rb"\babstract\s+(?P<gap>override)(?=\s+[\w$#\[\"'])")
GENERIC_FUNCTION = re.compile(rb"(?<=[\w$]<)<")
# The scanner looks no further than a comment for what makes `?` part of a name.
OPTIONAL = re.compile(rb"(?P<gap>\?(?=\s*/[/*])" + TRIVIA + rb")(?=[,):])")
LINE_END = re.compile(
    rb"(?<=[\w$)\]}>\"'`])(?<!=>)(?P<gap>\s)(?P<rest>" + TRIVIA + rb")(?=[<(\[]|in\s*\??:)",
)
IMPORT_TYPE = re.compile(rb"\b(?P<gap>import\(\s*(?:\"[^\"\n]*\"|'[^'\n]*')\s*\))(?=\s*\.[\w$.]+\s*[<\[>])")
# Words that are names wherever no declaration follows them.
NAMES = (
    re.compile(rb"(?:(?<![\w$.#])|(?<=\.\.\.))(?P<gap>using)(?![\w$])(?!\s+[\w$])"),
    re.compile(
        rb"(?:\b(?:let|const|var|return|private|protected|public|readonly)\s+|[=(,!?:&|]\s*)(?P<gap>as)(?=\s*[=,;:).\[?!])"
    ),
    re.compile(rb"[{,<]\s*(?P<gap>type)(?=\s*[,}>])"),
    re.compile(rb"(?:[(|&?:=]|=>)\s*(?P<gap>type)(?=\s+extends\b)"),
    re.compile(rb"(?:^|[{;,])\s*(?P<gap>abstract)(?=\s*[?!]?[:=;])", re.MULTILINE),
)
PARAMETER = re.compile(
    rb"[(,]\s*(?P<gap>any|bigint|boolean|never|number|object|string|symbol|unknown|void)(?=\s*(?:[,):]|\?\s*[,):]))"
)
ATTRIBUTE = re.compile(rb"(?<=\s)(?P<gap>extends)(?==)")
TAGGED = re.compile(rb"(?<!=)>(?=\s*`)")
CALLED = re.compile(rb"(?<=[\w$])<(?=\[)")
ELEMENT = re.compile(rb"<[A-Za-z_$][\w$.]*(?=<)")


def _mends(data: bytes, elements: bool) -> Iterator[_Mend]:
    for pattern, held in (
        (VARIANCE, ("type_parameters",)),
        (TYPES_PASSED_ON, ("export_statement",)),
        (ACCESSOR, ("public_field_definition", "class_body")),
        (OVERRIDE, ("public_field_definition", "abstract_method_signature")),
    ):
        for found in pattern.finditer(data):
            yield _blank(Span(*found.span("gap")), held)
    for found in LINE_END.finditer(data):
        if b"\n" in found["gap"] + found["rest"]:
            start = found.start("gap")
            yield _Mend(Span(start, start + 1), b";", _parts_members)
    for found in IMPORT_TYPE.finditer(data):
        text = b"import".ljust(len(found["gap"]), b"_")
        yield _Mend(Span(*found.span("gap")), text, _is_qualifier)
    for pattern in NAMES:
        for found in pattern.finditer(data):
            yield _Mend(Span(*found.span("gap")), found["gap"][:-1] + b"_", _is_name)
    for found in OPTIONAL.finditer(data):
        yield _Mend(Span(*found.span("gap")), b"?".ljust(len(found["gap"])), _is_optional)
    for found in PARAMETER.finditer(data):
        yield _Mend(Span(*found.span("gap")), found["gap"][:-1] + b"_", _is_parameter)
    for found in ATTRIBUTE.finditer(data) if elements else ():
        yield _Mend(Span(*found.span("gap")), found["gap"][:-1] + b"_", _is_name)
    for found in GENERIC_FUNCTION.finditer(data):
        if (end := _closing(data, found.start())) is not None:
            yield _blank(Span(found.start(), end), ("type_arguments",))
    for found in TAGGED.finditer(data):
        if (start := _opening(data, found.start())) is not None:
            yield _blank(Span(start, found.end()), ("call_expression",))
    for found in CALLED.finditer(data):
        if (end := _closing(data, found.start())) is not None and data[end : end + 1] == b"(":
            yield _blank(Span(found.start(), end), ("call_expression", "new_expression"))
    for found in ELEMENT.finditer(data) if elements else ():
        if (end := _closing(data, found.end())) is not None:
            yield _blank(Span(found.end(), end), ("jsx_opening_element", "jsx_self_closing_element"))


def _blank(span: Span, held: tuple[str, ...]) -> _Mend:
    """A place that says nothing of values, left out where the tree has one of these nodes around it."""

    def is_meant(root: Node, place: Span) -> bool:
        node = root.descendant_for_byte_range(place.start, place.end)
        return node is not None and node.type in held

    return _Mend(span, b" " * (span.end - span.start), is_meant)


def _parts_members(root: Node, place: Span) -> bool:
    """Whether a semicolon stands between two members of a type, where a line end is as good as one."""
    node = root.descendant_for_byte_range(place.start, place.end)
    body, before = (node.parent, node.prev_sibling) if node is not None else (None, None)
    if node is None or node.type != ";" or body is None or before is None:
        return False
    if body.type == "class_body":
        # x: Foo and [key]: Bar are two fields; x = foo and [key] are one.
        return before.type == "public_field_definition" and before.child_by_field_name("value") is None
    # A bare name and (x: T) on the next line are one method.
    is_bare = before.type == "property_signature" and before.child_by_field_name("type") is None
    return body.type in ("interface_body", "object_type") and not is_bare


def _is_qualifier(root: Node, place: Span) -> bool:
    node = root.descendant_for_byte_range(place.start, place.end)
    return node is not None and node.parent is not None and node.parent.type.startswith("nested_")


def _is_name(root: Node, place: Span) -> bool:
    node = root.descendant_for_byte_range(place.start, place.end)
    return node is not None and node.is_named and "identifier" in node.type


def _is_parameter(root: Node, place: Span) -> bool:
    """Whether a word names a parameter of a function type, as no word does that stands for a type."""
    node = root.descendant_for_byte_range(place.start, place.end)
    return (
        node is not None
        and node.type == "identifier"
        and node.parent is not None
        and node.parent.type in ("required_parameter", "optional_parameter")
    )


def _is_optional(root: Node, place: Span) -> bool:
    node = root.descendant_for_byte_range(place.start, place.start + 1)
    return (
        node is not None and node.type == "?" and node.parent is not None and node.parent.type != "ternary_expression"
    )


def _opening(data: bytes, close: int) -> int | None:
    """Where the type arguments that end at this `>` begin, right behind a name."""
    depth = 0
    for at in range(close, max(close - FARTHEST, 0), -1):
        if data[at] == 0x3E and data[at - 1] != 0x3D:  # `>`, but not that of `=>`
            depth += 1
        elif data[at] == 0x3C:
            depth -= 1
            if depth == 0:
                return at if chr(data[at - 1]).isalnum() or data[at - 1] in b"_$)]" else None
    return None


def _closing(data: bytes, start: int) -> int | None:
    """Behind the `>` that ends the type arguments that begin here."""
    depth = 0
    for at in range(start, min(start + FARTHEST, len(data))):
        if data[at] == 0x3C:
            depth += 1
        elif data[at] == 0x3E and data[at - 1] != 0x3D:
            depth -= 1
            if depth == 0:
                return at + 1
    return None
