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

STRING, NUMBER, BOOLEAN, BIGINT = Named("string"), Named("number"), Named("boolean"), Named("bigint")
NULL, REGEXP = Named("null"), Named("RegExp")

ARITHMETIC = frozenset({"-", "*", "/", "%", "**", "&", "|", "^", "<<", ">>", ">>>"})
COMPARISONS = frozenset({"==", "===", "!=", "!==", "<", ">", "<=", ">=", "in", "instanceof"})


def inside(node: Node) -> list[Node]:
    """The named children of a node, less the comments among them."""
    return [child for child in node.named_children if child.type != "comment"]


def value_of(node: Node, depth: int = DEPTH) -> Value:
    """The value that an expression node stands for. Never raises; what it does not look into is `Opaque`."""
    span = span_of(node)
    if depth == 0:
        return Opaque(span)
    match node.type:
        case "identifier":
            spelled = text_of(node)
            return Constant(NUMBER, "literal", span) if spelled in ("NaN", "Infinity") else Name(spelled, span)
        case "this" | "super":
            return Name(node.type, span)
        case "undefined":
            return Constant(NONE, "none", span)
        case "null":
            return Constant(NULL, "null", span)
        case "true" | "false":
            return Constant(BOOLEAN, "literal", span)
        case "number":
            return Constant(BIGINT if (node.text or b"").endswith(b"n") else NUMBER, "literal", span)
        case "string":
            return Constant(STRING, "literal", span)
        case "template_string":
            return Constant(STRING, "template", span)
        case "regex":
            return Constant(REGEXP, "literal", span)
        case "member_expression":
            return _member(node, span, depth)
        case "call_expression" | "new_expression":
            return _call(node, span, depth)
        case "await_expression":
            inner = inside(node)
            return Awaited(value_of(inner[0], depth - 1), span) if inner else Opaque(span)
        case "parenthesized_expression" | "satisfies_expression" | "non_null_expression":
            inner = inside(node)
            return value_of(inner[0], depth - 1) if inner else Opaque(span)
        case "as_expression":
            # `x as const` is x; any other `as` says what x is not known to be.
            inner = inside(node)
            is_const = len(inner) == 1 and node.children[-1].type == "const"
            return value_of(inner[0], depth - 1) if is_const else Opaque(span)
        case "ternary_expression":
            return _choice(node, ("consequence", "alternative"), span, depth)
        case "binary_expression":
            return _binary(node, span, depth)
        case "unary_expression":
            return _unary(node, span, depth)
        case "update_expression":
            return Constant(NUMBER, "arithmetic", span)
        case "assignment_expression":
            right = node.child_by_field_name("right")
            return value_of(right, depth - 1) if right else Opaque(span)
        case "array":
            return _array(node, span, depth)
    return Opaque(span)


def _member(node: Node, span: Span, depth: int) -> Value:
    base, name = node.child_by_field_name("object"), node.child_by_field_name("property")
    if base is None or name is None:
        return Opaque(span)
    found = Attribute(value_of(base, depth - 1), text_of(name), span)
    return _or_undefined(found, span) if node.child_by_field_name("optional_chain") else found


def _call(node: Node, span: Span, depth: int) -> Value:
    found, optional = _called(node, span, depth)
    return _or_undefined(found, span) if optional else found


def call_of(node: Node) -> Call | None:
    """The call that a call or `new` stands for, whether or not it may be skipped (`a?.b()`)."""
    found, _ = _called(node, span_of(node), DEPTH)
    return found if isinstance(found, Call) else None


def _called(node: Node, span: Span, depth: int) -> tuple[Value, bool]:
    callee = node.child_by_field_name("constructor" if node.type == "new_expression" else "function")
    listed = node.child_by_field_name("arguments")
    if callee is None or callee.type == "import":
        return Opaque(span), False
    arguments = arguments_of(listed, depth - 1) if listed is not None else ()
    reached, optional = value_of(callee, depth - 1), node.child_by_field_name("optional_chain") is not None
    if isinstance(reached, Choice) and callee.type == "member_expression":
        # a?.b(c): what is called is a.b, or nothing is.
        reached, optional = reached.options[0], True
    return Call(reached, arguments, span), optional


def _or_undefined(value: Value, span: Span) -> Value:
    return Choice((value, Constant(NONE, "none", span)), span)


def arguments_of(listed: Node, depth: int = DEPTH) -> tuple[Argument, ...]:
    """The arguments of a call, in order; of a tagged template one that no rule looks into."""
    if listed.type != "arguments":
        return (Argument(None, Opaque(span_of(listed))),)
    found = []
    for child in listed.named_children[: 4 * WIDTH]:
        if child.type == "spread_element":
            inner = inside(child)
            found.append(Argument("*", value_of(inner[0], depth) if inner else Opaque(span_of(child))))
        elif child.type != "comment":
            found.append(Argument(None, value_of(child, depth)))
    return tuple(found)


def _choice(node: Node, fields: tuple[str, str], span: Span, depth: int) -> Value:
    one, two = (node.child_by_field_name(field) for field in fields)
    if one is None or two is None:
        return Opaque(span)
    return Choice((value_of(one, depth - 1), value_of(two, depth - 1)), span)


def _binary(node: Node, span: Span, depth: int) -> Value:
    sign = node.child_by_field_name("operator")
    operator = sign.type if sign else ""
    if operator in ("||", "??"):
        return _choice(node, ("left", "right"), span, depth)
    if operator in COMPARISONS:
        return Constant(BOOLEAN, "comparison", span)
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None or operator not in ("+", "&&", *ARITHMETIC):
        return Opaque(span)
    one, two = value_of(left, depth - 1), value_of(right, depth - 1)
    types = {value.type for value in (one, two) if isinstance(value, Constant)}
    known = isinstance(one, Constant) and isinstance(two, Constant)
    if operator == "&&":
        return Constant(BOOLEAN, "comparison", span) if known and types == {BOOLEAN} else Opaque(span)
    if operator in ARITHMETIC:
        return Constant(BIGINT if BIGINT in types else NUMBER, "arithmetic", span)
    if STRING in types:
        return Constant(STRING, "concatenation", span)
    return Constant(NUMBER, "arithmetic", span) if known and types == {NUMBER} else Opaque(span)


def _unary(node: Node, span: Span, depth: int) -> Value:
    sign, operand = node.child_by_field_name("operator"), node.child_by_field_name("argument")
    match sign.type if sign else "":
        case "!":
            return Constant(BOOLEAN, "not", span)
        case "typeof":
            return Constant(STRING, "typeof", span)
        case "void":
            return Constant(NONE, "none", span)
        case "delete":
            return Constant(BOOLEAN, "comparison", span)
        case "-" | "~":
            value = value_of(operand, depth - 1) if operand else None
            is_big = isinstance(value, Constant) and value.type == BIGINT
            form = "literal" if isinstance(value, Constant) and value.form == "literal" else "arithmetic"
            return Constant(BIGINT if is_big else NUMBER, form, span)
        case "+":
            return Constant(NUMBER, "arithmetic", span)
    return Opaque(span)


def _array(node: Node, span: Span, depth: int) -> Value:
    parts: list[Value] = []
    for child in inside(node)[:WIDTH]:
        parts.append(Opaque(span_of(child)) if child.type == "spread_element" else value_of(child, depth - 1))
    return Display("Array", (tuple(parts),), span)
