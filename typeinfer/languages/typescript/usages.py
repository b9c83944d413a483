"""Usages: an expression that is a parameter's name in; how the code around it uses that parameter out.

The forms are those of `values/module.py`, whatever the operator is spelled like here.
"""

from __future__ import annotations

from tree_sitter import Node

from typeinfer.languages.treesitter import span_of, text_of
from typeinfer.languages.typescript.expressions import ARITHMETIC, NUMBER, inside, value_of
from typeinfer.values.module import Constant, Usage
from typeinfer.values.source import Span
from typeinfer.values.typeexpr import NONE, UNKNOWN, Named, TypeExpr, is_none

WIDEST = 96
"""Counting to each of 50,000 arguments takes minutes; a generated table tells nothing by its positions."""

TYPEOF = {name: Named(name) for name in ("string", "number", "boolean", "bigint", "symbol")}


def usage_of(node: Node, name: str) -> Usage | None:
    """How an expression uses a parameter, where the use says something of its type."""
    parent = node.parent
    if parent is None:
        return None
    span = span_of(parent)
    match parent.type:
        case "non_null_expression":
            return usage_of(parent, name)
        case "parenthesized_expression":
            return _parenthesized(parent, name)
        case "member_expression":
            return _member(parent, name, span)
        case "subscript_expression":
            if parent.child_by_field_name("object") != node:
                return Usage(name, "index", UNKNOWN, span)
            return Usage(name, "subscript", _type_of(parent.child_by_field_name("index")), span)
        case "binary_expression":
            return _binary(node, name, parent, span)
        case "augmented_assignment_expression":
            return _augmented(node, name, parent, span)
        case "unary_expression":
            return _unary(name, parent, span)
        case "update_expression":
            return Usage(name, "operator ++", NUMBER, span)
        case "call_expression" | "new_expression":
            return Usage(name, "call", UNKNOWN, span)
        case "for_in_statement":
            word = parent.child_by_field_name("operator")
            return Usage(name, "iterate" if word is not None and word.type == "of" else "keys", UNKNOWN, span)
        case "spread_element":
            held = parent.parent
            return Usage(name, "spread" if held is not None and held.type == "object" else "iterate", UNKNOWN, span)
        case "yield_expression":
            delegates = any(child.type == "*" for child in parent.children)
            return Usage(name, "iterate", UNKNOWN, span) if delegates else None
        case "await_expression":
            return Usage(name, "await", UNKNOWN, span)
        case "ternary_expression":
            return Usage(name, "test", UNKNOWN, span)
        case "template_substitution":
            return Usage(name, "template", UNKNOWN, span)
        case "arguments":
            return _argument(node, name, parent)
    return None


def _parenthesized(node: Node, name: str) -> Usage | None:
    parent = node.parent
    if parent is None:
        return None
    if parent.type in ("if_statement", "while_statement", "do_statement"):
        return Usage(name, "test", UNKNOWN, span_of(parent))
    return None


def _type_of(node: Node | None) -> TypeExpr:
    """The type of a constant; of null-likes the one that says that a value may be missing."""
    known = value_of(node, 2) if node is not None else None
    if not isinstance(known, Constant):
        return UNKNOWN
    return NONE if is_none(known.type) else known.type


def _member(parent: Node, name: str, span: Span) -> Usage | None:
    member, outer = parent.child_by_field_name("property"), parent.parent
    if member is None:
        return None
    called = outer is not None and outer.type == "call_expression" and outer.child_by_field_name("function") == parent
    return Usage(name, f"{'method' if called else 'attribute'} {text_of(member)}", UNKNOWN, span)


def _binary(node: Node, name: str, parent: Node, span: Span) -> Usage | None:
    sign = parent.child_by_field_name("operator")
    left, right = parent.child_by_field_name("left"), parent.child_by_field_name("right")
    operator, is_left = sign.type if sign is not None else "?", left == node
    other = right if is_left else left
    side = "" if is_left else " right"
    match operator:
        case "&&" | "||" | "??":
            return Usage(name, "test", UNKNOWN, span) if is_left else None
        case "==" | "===" | "!=" | "!==" | "<" | ">" | "<=" | ">=":
            return Usage(name, f"compare {operator}{side}", _type_of(other), span)
        case "instanceof":
            spelled = text_of(other) if other is not None and other.end_byte - other.start_byte < 80 else "?"
            return Usage(name, f"instanceof {spelled}" if is_left else "instanceof right", UNKNOWN, span)
        case "in":
            return Usage(name, f"in{side}", UNKNOWN, span)
        case "+":
            # "text" + x says nothing of x: anything is turned into text there.
            known = _type_of(other)
            return Usage(name, f"operator +{side}", known if known == NUMBER else UNKNOWN, span)
    return Usage(name, f"operator {operator}{side}", _arithmetic(operator, other), span)


def _arithmetic(operator: str, other: Node | None) -> TypeExpr:
    if operator not in ARITHMETIC:
        return UNKNOWN
    known = _type_of(other)
    return NUMBER if known == UNKNOWN else known


def _augmented(node: Node, name: str, parent: Node, span: Span) -> Usage | None:
    sign = parent.child_by_field_name("operator")
    left, right = parent.child_by_field_name("left"), parent.child_by_field_name("right")
    operator, is_left = (sign.type if sign is not None else "?=")[:-1], left == node
    if operator in ("&&", "||", "??"):
        return Usage(name, "test", UNKNOWN, span) if is_left else None
    other = right if is_left else left
    side = "" if is_left else " right"
    if operator == "+":
        known = _type_of(other)
        return Usage(name, f"operator +{side}", known if known == NUMBER else UNKNOWN, span)
    return Usage(name, f"operator {operator}{side}", _arithmetic(operator, other), span)


def _unary(name: str, parent: Node, span: Span) -> Usage | None:
    sign = parent.child_by_field_name("operator")
    match sign.type if sign is not None else "":
        case "!":
            return Usage(name, "test", UNKNOWN, span)
        case "typeof":
            return _typeof(name, parent, span)
        case "-" | "~":
            return Usage(name, f"operator {text_of(sign) if sign else ''} right", NUMBER, span)
    return None


def _typeof(name: str, node: Node, span: Span) -> Usage | None:
    """`typeof x === "string"`: x is asked whether it is one."""
    outer = node.parent
    if outer is None or outer.type != "binary_expression":
        return None
    strings = [text_of(child)[1:-1] for child in inside(outer) if child.type == "string"]
    return Usage(name, f"typeof {strings[0]}", TYPEOF.get(strings[0], UNKNOWN), span) if strings else None


def _argument(node: Node, name: str, parent: Node) -> Usage | None:
    call = parent.parent
    if call is None or parent.named_child_count > WIDEST:
        return None
    callee = call.child_by_field_name("constructor" if call.type == "new_expression" else "function")
    if callee is None or callee.type not in ("identifier", "member_expression"):
        return None
    position = next((at for at, child in enumerate(inside(parent)) if child == node), 0)
    if callee.end_byte - callee.start_byte >= 80:
        return None
    return Usage(name, f"argument {position} of {text_of(callee)}", UNKNOWN, span_of(call))
