"""Expressions: a node of the tree in, a `Value` out, as far as rules look into it. Knows nothing of scopes."""

from __future__ import annotations

from tree_sitter import Node

from typeinfer.languages.treesitter import span_of, text_of
from typeinfer.values.module import (
    Argument,
    Attribute,
    Awaited,
    Call,
    Choice,
    Constant,
    Display,
    Name,
    Opaque,
    Value,
)
from typeinfer.values.source import Span
from typeinfer.values.typeexpr import NONE, Named

# Values are looked at this deep and this wide, no further: a generated table of 40,000 rows tells its type in the first few.
DEPTH = 6
WIDTH = 24

INT, FLOAT, COMPLEX, BOOL = Named("int"), Named("float"), Named("complex"), Named("bool")
STR, BYTES, PATH = Named("str"), Named("bytes"), Named("pathlib.Path")

DISPLAYS = {
    "list": "list",
    "list_comprehension": "list",
    "set": "set",
    "set_comprehension": "set",
    "dictionary": "dict",
    "dictionary_comprehension": "dict",
    "tuple": "tuple",
    "expression_list": "tuple",
}


def value_of(node: Node, depth: int = DEPTH) -> Value:
    """The value that an expression node stands for. Never raises; what it does not look into is `Opaque`."""
    span = span_of(node)
    if depth == 0:
        return Opaque(span)
    match node.type:
        case "identifier":
            return Name(text_of(node), span)
        case "none":
            return Constant(NONE, "none", span)
        case "true" | "false":
            return Constant(BOOL, "literal", span)
        case "integer" | "float":
            return Constant(_number(text_of(node)), "literal", span)
        case "string" | "concatenated_string":
            return _string(node, span)
        case "comparison_operator":
            return Constant(BOOL, _comparison(node), span)
        case "not_operator":
            return Constant(BOOL, "not", span)
        case "attribute":
            return _attribute(node, span, depth)
        case "call":
            return _call(node, span, depth)
        case "await":
            inner = node.named_children
            return Awaited(value_of(inner[0], depth - 1), span) if inner else Opaque(span)
        case "parenthesized_expression":
            inner = [child for child in node.named_children if child.type != "comment"]
            return value_of(inner[0], depth - 1) if len(inner) == 1 else Opaque(span)
        case "named_expression":
            value = node.child_by_field_name("value")
            return value_of(value, depth - 1) if value else Opaque(span)
        case "conditional_expression":
            inner = [child for child in node.named_children if child.type != "comment"]
            return (
                Choice(tuple(value_of(inner[at], depth - 1) for at in (0, 2)), span)
                if len(inner) == 3
                else Opaque(span)
            )
        case "boolean_operator":
            return _either(node, span, depth)
        case "binary_operator":
            return _arithmetic(node, span, depth)
        case "unary_operator":
            operand = node.child_by_field_name("argument")
            value = value_of(operand, depth - 1) if operand else Opaque(span)
            return (
                Constant(value.type, "literal", span)
                if isinstance(value, Constant) and value.type != BOOL
                else Opaque(span)
            )
        case kind if kind in DISPLAYS:
            return _display(node, DISPLAYS[kind], span, depth)
    return Opaque(span)


def _number(text: str) -> Named:
    lowered = text.lower()
    if lowered.endswith("j"):
        return COMPLEX
    if lowered.startswith(("0x", "0o", "0b")):
        return INT
    return FLOAT if "." in lowered or "e" in lowered else INT


def _string(node: Node, span: Span) -> Value:
    parts = [node] if node.type == "string" else [child for child in node.named_children if child.type == "string"]
    if not parts or not parts[0].children:
        return Opaque(span)
    prefixes = [text_of(part.children[0]).rstrip("\"'").lower() for part in parts]
    if "t" in "".join(prefixes):
        return Opaque(span)
    if "b" in prefixes[0]:
        return Constant(BYTES, "literal", span)
    return Constant(STR, "f-string" if any("f" in prefix for prefix in prefixes) else "literal", span)


def _comparison(node: Node) -> str:
    # `==` and `<` may be overloaded to give anything (arrays, queries); `is` and `in` always give a truth value.
    words = {child.type for child in node.children if not child.is_named or child.type in ("is not", "not in")}
    return "identity" if words <= {"is", "is not", "in", "not in", "not"} else "comparison"


def _attribute(node: Node, span: Span, depth: int) -> Value:
    base, name = node.child_by_field_name("object"), node.child_by_field_name("attribute")
    return Attribute(value_of(base, depth - 1), text_of(name), span) if base and name else Opaque(span)


def _call(node: Node, span: Span, depth: int) -> Value:
    callee, listed = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if callee is None or listed is None:
        return Opaque(span)
    if listed.type != "argument_list":  # any(x for x in y): one generator, no parentheses of its own
        return Call(value_of(callee, depth - 1), (Argument(None, Opaque(span_of(listed))),), span)
    return Call(value_of(callee, depth - 1), arguments_of(listed, depth - 1), span)


def arguments_of(listed: Node, depth: int = DEPTH) -> tuple[Argument, ...]:
    """The arguments of a call or the bases of a class header, in order."""
    found = []
    for child in listed.named_children[: 4 * WIDTH]:
        match child.type:
            case "comment":
                continue
            case "keyword_argument":
                name, value = child.child_by_field_name("name"), child.child_by_field_name("value")
                if name and value:
                    found.append(Argument(text_of(name), value_of(value, depth)))
            case "list_splat" | "dictionary_splat":
                inner = child.named_children
                star = "*" if child.type == "list_splat" else "**"
                found.append(Argument(star, value_of(inner[0], depth) if inner else Opaque(span_of(child))))
            case _:
                found.append(Argument(None, value_of(child, depth)))
    return tuple(found)


def _either(node: Node, span: Span, depth: int) -> Value:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None:
        return Opaque(span)
    one, two = value_of(left, depth - 1), value_of(right, depth - 1)
    return Choice((one, two), span)


def _arithmetic(node: Node, span: Span, depth: int) -> Value:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    sign = node.child_by_field_name("operator")
    if left is None or right is None or sign is None:
        return Opaque(span)
    one, operator = value_of(left, depth - 1), sign.type
    if isinstance(one, Constant) and one.type in (STR, BYTES) and operator == "%":
        return Constant(one.type, "format", span)
    two = value_of(right, depth - 1)
    if isinstance(one, Constant) and isinstance(two, Constant):
        if one.type == two.type and one.type in (STR, BYTES) and operator == "+":
            return Constant(one.type, "literal", span)
        if {one.type, two.type} <= {INT, FLOAT} and operator in ("+", "-", "*", "/", "//", "%"):
            return Constant(FLOAT if operator == "/" or FLOAT in (one.type, two.type) else INT, "literal", span)
        if one.type == two.type == INT and operator in ("<<", ">>", "&", "|", "^"):
            return Constant(INT, "literal", span)
    return Opaque(span)


def _display(node: Node, constructor: str, span: Span, depth: int) -> Value:
    inner = [child for child in node.named_children if child.type != "comment"]
    if node.type.endswith("_comprehension"):
        body = node.child_by_field_name("body")
        inner = [body] if body else []
    if constructor == "dict":
        pairs = [
            (child.child_by_field_name("key"), child.child_by_field_name("value"))
            for child in inner[:WIDTH]
            if child.type == "pair"
        ]
        if any(child.type != "pair" for child in inner[:WIDTH]):
            return Display("dict", ((Opaque(span),), (Opaque(span),)), span)
        keys = tuple(value_of(key, depth - 1) for key, _ in pairs if key)
        values = tuple(value_of(value, depth - 1) for _, value in pairs if value)
        return Display("dict", (keys, values), span)
    if constructor == "tuple":
        # A tuple's type lists every item: one that is too wide to look at whole is not looked at.
        if len(inner) > WIDTH or any(child.type == "list_splat" for child in inner):
            return Display("tuple", ((Opaque(span),),), span)
        return Display("tuple", tuple((value_of(child, depth - 1),) for child in inner), span)
    return Display(constructor, (tuple(value_of(child, depth - 1) for child in inner[:WIDTH]),), span)
