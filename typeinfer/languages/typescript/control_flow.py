"""Control flow: can control reach the end of a block? In: the block's node; out: yes or no. Errs on the side of yes."""

from __future__ import annotations

from tree_sitter import Node

# A file may nest 5,000 deep; nobody's function does, and past this depth the answer is the careful one.
DEPTH = 60

EXITS = frozenset({b"process.exit", b"process.abort", b"assertNever", b"Deno.exit"})

LOOPS = frozenset({"for_statement", "for_in_statement", "while_statement", "do_statement"})
SCOPES = frozenset(
    "function_declaration generator_function_declaration function_expression generator_function arrow_function "
    "method_definition class class_declaration abstract_class_declaration".split()
)


def falls_through(block: Node, depth: int = DEPTH) -> bool:
    """Whether the statement after this one, or after this block, can be reached from its top."""
    return depth == 0 or not _never_ends(block, depth)


def _never_ends(node: Node, depth: int) -> bool:
    if depth == 0:
        return False
    match node.type:
        case "statement_block" | "switch_case" | "switch_default" | "finally_clause" | "else_clause":
            return any(_never_ends(statement, depth - 1) for statement in node.named_children)
        case "return_statement" | "throw_statement" | "continue_statement" | "break_statement":
            # A `break` leaves the loop or switch that has been looked at; what stands behind it is not reached.
            return True
        case "expression_statement":
            return _is_exit(node)
        case "if_statement":
            return _ends(node, "consequence", depth) and _ends(node, "alternative", depth)
        case "while_statement" | "for_statement" | "do_statement":
            return _loops_forever(node) or (
                node.type == "do_statement" and _ends(node, "body", depth) and not _breaks(node)
            )
        case "with_statement":
            return _ends(node, "body", depth)
        case "labeled_statement":
            return _ends(node, "body", depth) and not _leaves(node)
        case "try_statement":
            handler = node.child_by_field_name("handler")
            return _ends(node, "finalizer", depth) or (
                _ends(node, "body", depth) and (handler is None or _ends(handler, "body", depth))
            )
        case "switch_statement":
            return _switch_ends(node, depth)
    return False


def _ends(node: Node, field: str, depth: int) -> bool:
    part = node.child_by_field_name(field)
    return part is not None and _never_ends(part, depth - 1)


def _is_exit(node: Node) -> bool:
    inner = node.named_children
    if not inner or inner[0].type != "call_expression":
        return False
    callee = inner[0].child_by_field_name("function")
    return callee is not None and callee.text in EXITS


def _loops_forever(node: Node) -> bool:
    condition = node.child_by_field_name("condition")
    text = (condition.text or b"").strip(b"( )\t\r\n;") if condition is not None else b""
    # for (;;) has no condition, which the grammar shows as an empty statement.
    endless = text in (b"true", b"1") or (node.type == "for_statement" and not text)
    return endless and not _breaks(node)


def _breaks(loop: Node) -> bool:
    """Whether a `break` in the body of a loop or a switch leaves it. A labelled one may leave any loop: it counts."""
    body = loop.child_by_field_name("body")
    stack = [(child, False) for child in (body.named_children if body is not None else ())]
    while stack:
        here, nested = stack.pop()
        if here.type == "break_statement" and (not nested or here.child_by_field_name("label") is not None):
            return True
        if here.type not in SCOPES:
            deeper = nested or here.type in LOOPS or here.type == "switch_statement"
            stack.extend((child, deeper) for child in here.named_children)
    return False


def _leaves(labeled: Node) -> bool:
    """Whether a `break` with the statement's own label leaves it."""
    label = labeled.child_by_field_name("label")
    stack = list(labeled.named_children)
    while stack:
        here = stack.pop()
        target = here.child_by_field_name("label") if here.type == "break_statement" else None
        if target is not None and label is not None and target.text == label.text:
            return True
        if here.type not in SCOPES:
            stack.extend(here.named_children)
    return False


def _switch_ends(node: Node, depth: int) -> bool:
    """Every way through a switch ends: there is a default, no break, and the last case does not run out below."""
    body = node.child_by_field_name("body")
    cases = [child for child in (body.named_children if body else ()) if child.type != "comment"]
    if not cases or not any(case.type == "switch_default" for case in cases) or _breaks(node):
        return False
    return _never_ends(cases[-1], depth - 1)
