"""Erasure: a file before and after in; nothing out, or `NotErasable` saying what differs besides annotations.

The law: with types erased the JavaScript of the result is that of the file before; whatever else of types was there is
there still; and outside the edits not a byte differs. In a JavaScript file the types of JSDoc tags are what may come,
in a TypeScript file annotations, `declare` fields and imports of types. Knows nothing of what made the edits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from itertools import zip_longest

from tree_sitter import Node

from typeinfer.languages.language import NotErasable
from typeinfer.languages.typescript import jsdoc
from typeinfer.languages.typescript.parsing import parse
from typeinfer.languages.typescript.refusals import JAVASCRIPT
from typeinfer.values.patches import Rewrite, apply_edits
from typeinfer.values.source import SourceFile, Span


class Part(Enum):
    """What a token belongs to."""

    CODE = "code"
    TYPE = "type"
    """Erased, and never added: interfaces, type arguments, overloads, `as T`, `readonly`."""
    ANNOTATION = "annotation"
    """Erased, and what annotating adds: annotations, `declare` fields, imports of types."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token and its first byte. Marks of structure (where a statement ends, what an arrow spans) are tokens too, so
    that two programs with the same words are told apart where a semicolon is implied in one place or another."""

    text: str
    at: int


@dataclass(frozen=True)
class Erased:
    """One file in parts. `code`: its JavaScript; `kept`: that and all types that annotating never adds, in one order."""

    code: list[Token] = field(default_factory=list)
    kept: list[Token] = field(default_factory=list)
    added: list[Token] = field(default_factory=list)
    """What annotating adds: annotations, `declare` fields, imports of types."""
    comments: list[Token] = field(default_factory=list)
    annotations: list[Span] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)
    """First bytes of what does not parse."""

    @property
    def javascript(self) -> list[str]:
        return [token.text for token in self.code]


def erased(data: bytes, path: str) -> Erased:
    """The parts of one file; its name tells how it is read."""
    parts = Erased()
    # A mark that closes a node stands on the stack as its text.
    stack: list[tuple[Node | str, Part, int]] = [(parse(path, data).root_node, Part.CODE, 0)]
    while stack:
        node, part, at = stack.pop()
        if isinstance(node, str):
            _emit(parts, node, part, at)
            continue
        kind = node.type
        if kind == "comment" or kind == "html_comment":
            parts.comments.append(Token(_text(node), node.start_byte))
            continue
        if kind == "ERROR" or node.is_missing:
            parts.broken.append(node.start_byte)
        if kind == "type_annotation" and part is Part.ANNOTATION:
            parts.annotations.append(Span(node.start_byte, node.end_byte))
        if kind in ATOMS or not node.child_count:
            if node.start_byte < node.end_byte:
                _emit(parts, _text(node), part, node.start_byte)
            continue
        if kind in SPANNING:
            _emit(parts, OPENING, part, node.start_byte)
        if (end := ENDINGS.get(kind)) is not None:
            stack.append((end, part, node.end_byte))
        stack.extend(reversed(list(_inside(node, part, data))))
    return parts


def prove_erasable(before: SourceFile, after: SourceFile, rewrite: Rewrite) -> None:
    """Raise `NotErasable` unless `after` is `before` plus annotations, or in JavaScript plus types in JSDoc."""
    if apply_edits(before.data, rewrite.edits) != after.data:
        raise NotErasable("the result is not what its edits make of the file")
    one, two = erased(before.data, before.path), erased(after.data, after.path)
    if len(two.broken) > len(one.broken):
        raise NotErasable(f"line {after.line_of(two.broken[0])} does not parse")
    _refuse_difference(one.code, two.code, after)
    _refuse_difference(one.kept, two.kept, after)
    overwritten = [edit.span for edit in rewrite.edits if edit.span.start < edit.span.end]
    if after.path.endswith(JAVASCRIPT):
        _refuse_difference(one.added, two.added, after)
        _refuse_difference(_said(one.comments), _said(two.comments), after)
        _refuse_outside(
            overwritten, [Span(said.at, said.at + len(said.text.encode())) for said in one.comments], before
        )
    else:
        _refuse_difference(one.comments, two.comments, after)
        _refuse_outside(overwritten, one.annotations, before)


def _refuse_difference(before: Iterable[Token], after: Iterable[Token], file: SourceFile) -> None:
    for one, two in zip_longest(before, after):
        if one is None or two is None or one.text != two.text:
            was, now = (_shown(token) for token in (one, two))
            line = file.line_of(two.at if two is not None else len(file.data))
            raise NotErasable(f"line {line}: {was} became {now}")


def _shown(token: Token | None) -> str:
    if token is None:
        return "the end"
    if token.text in (OPENING, CLOSING):
        return "the extent of an expression"
    return f"`{token.text.splitlines()[0][:40]}`"


def _refuse_outside(spans: Iterable[Span], allowed: Iterable[Span], file: SourceFile) -> None:
    """Only what has been an annotation may be overwritten by one."""
    for span in spans:
        if not any(span in one for one in allowed):
            raise NotErasable(f"line {file.line_of(span.start)}: `{file.at(span)}` would be overwritten")


# --- what is a type -------------------------------------------------------------------------------------------------

OPENING, CLOSING = "\x02", "\x03"
SPANNING = frozenset({"arrow_function", "ternary_expression"})
STATEMENTS = frozenset(
    (
        "expression_statement lexical_declaration variable_declaration return_statement throw_statement break_statement "
        "continue_statement debugger_statement do_statement import_statement export_statement public_field_definition "
        "type_alias_declaration ambient_declaration function_signature import_alias"
    ).split()
)
LISTS = frozenset({"formal_parameters", "named_imports", "export_clause"})
ENDINGS = {**dict.fromkeys(STATEMENTS, ";"), **dict.fromkeys(SPANNING, CLOSING)}
# Nodes whose every byte counts.
ATOMS = frozenset({"string", "number", "regex", "jsx_text", "hash_bang_line", "html_character_reference"})
VERBATIM = frozenset({"template_string", "jsx_element"})

_TYPES = frozenset(
    (
        "type_parameters type_arguments implements_clause interface_declaration type_alias_declaration "
        "ambient_declaration function_signature method_signature abstract_method_signature index_signature "
        "asserts_annotation type_predicate_annotation"
    ).split()
)
_MODIFIERS = frozenset({"accessibility_modifier", "override_modifier", "readonly"})
_PARAMETERS = frozenset({"required_parameter", "optional_parameter"})
_CASTS = frozenset({"as_expression", "satisfies_expression"})
_MARKED = frozenset(
    "non_null_expression public_field_definition variable_declarator method_definition optional_parameter".split()
)


def _inside(node: Node, part: Part, data: bytes) -> Iterator[tuple[Node | str, Part, int]]:
    """The children of a node, each with the part that it belongs to, less what is a matter of style."""
    kind = node.type
    if kind == "arrow_function" and (bare := node.child_by_field_name("parameter")) is not None:
        for child in node.children:
            if child == bare:
                yield from (("(", part, child.start_byte), (child, part, 0), *_close_list(part, child.end_byte))
            else:
                yield child, part, 0
        return
    position = node.start_byte
    subject_seen = False
    for child in node.children:
        if kind in VERBATIM and position < child.start_byte:
            yield data[position : child.start_byte].decode(), part, position
        position = child.end_byte
        if child.type == "," and kind in LISTS:
            continue
        if child.type == ";" and (kind in STATEMENTS or kind == "class_body"):
            continue
        belongs = _part(child, kind, subject_seen) if part is Part.CODE else _inner_part(child, part)
        subject_seen = subject_seen or (child.is_named and child.type != "comment")
        yield child, belongs, 0
        if kind in LISTS and child.is_named and child.type != "comment":
            yield ",", belongs, child.end_byte


def _close_list(part: Part, at: int) -> Iterator[tuple[str, Part, int]]:
    yield ",", part, at
    yield ")", part, at


def _part(child: Node, parent: str, subject_seen: bool) -> Part:
    """What a child of code belongs to; `subject_seen`: the expression that a cast is about stands before it."""
    kind = child.type
    if kind == "type_annotation":
        return Part.ANNOTATION
    if kind in _TYPES or (parent in _CASTS and subject_seen):
        return Part.TYPE
    # A modifier of a parameter makes a property of it.
    if kind in _MODIFIERS and parent not in _PARAMETERS:
        return Part.TYPE
    if kind in ("!", "?") and parent in _MARKED:
        return Part.TYPE
    if kind == "abstract" and parent == "abstract_class_declaration":
        return Part.TYPE
    match kind:
        case "import_statement" | "import_specifier" if _has(child, "type"):
            return Part.ANNOTATION
        case "export_statement" | "export_specifier" if _exports_type(child):
            return Part.TYPE
        case "public_field_definition" if _has(child, "declare"):
            return Part.ANNOTATION
        case "public_field_definition" if _has(child, "abstract"):
            return Part.TYPE
        case "required_parameter" | "optional_parameter" if _is_this(child):
            return Part.TYPE
    return Part.CODE


def _inner_part(child: Node, part: Part) -> Part:
    return Part.ANNOTATION if child.type == "type_annotation" else part


def _has(node: Node, word: str) -> bool:
    return any(child.type == word for child in node.children)


def _is_this(parameter: Node) -> bool:
    pattern = parameter.child_by_field_name("pattern")
    return pattern is not None and pattern.type == "this"


def _exports_type(node: Node) -> bool:
    """`export type { A }`, `export interface A`, `export declare ...`, `export as namespace A`."""
    declared = node.child_by_field_name("declaration")
    if declared is not None:
        return declared.type in _TYPES
    return _has(node, "type") or _has(node, "namespace")


def _emit(parts: Erased, text: str, part: Part, at: int) -> None:
    token = Token(text, at)
    if part is Part.CODE:
        parts.code.append(token)
    (parts.added if part is Part.ANNOTATION else parts.kept).append(token)


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8")


# --- what a comment says besides types --------------------------------------------------------------------------------

_BARE_TAG = re.compile(r"@(?:param|arg|argument|returns?|type)(?:\s+\[?[\w$.]+\]?)?")
_TYPED_TAGS = frozenset({"param", "returns", "type"})


def _said(comments: Iterable[Token]) -> Iterator[Token]:
    """The comments of a JavaScript file without the types in JSDoc and the tags that say nothing besides."""
    for comment in comments:
        text = comment.text
        if text.startswith("/**") and text != "/**/":
            text = _without_types(text)
        if text:
            yield Token(text, comment.at)


def _without_types(comment: str) -> str:
    data = comment.encode("utf-8")
    for tag in reversed(jsdoc.tags(comment)):
        if tag.name in _TYPED_TAGS:
            start, end = data.rfind(b"{", 0, tag.span.start), data.find(b"}", tag.span.end)
            inside = data[start + 1 : tag.span.start] + data[tag.span.end : end]
            if 0 <= start < end and not inside.strip(b" \t\r\n*.="):
                data = data[:start] + data[end + 1 :]
    lines = (" ".join(line.strip(" \t\r*/").split()) for line in data.decode("utf-8").split("\n"))
    return "\n".join(line for line in lines if line and not _BARE_TAG.fullmatch(line))
