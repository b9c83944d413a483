"""Control flow: can control reach the end of a block? In: the block's node; out: yes or no. Errs on the side of yes."""

from __future__ import annotations

from tree_sitter import Node

# A file may nest 5,000 deep; nobody's function does, and past this depth the answer is the careful one.
DEPTH = 60

EXITS = frozenset(b"sys.exit os._exit exit quit os.abort assert_never typing.assert_never".split())

# Context managers that end the exception which leaves their block: what stands behind the block is reached.
SWALLOWERS = frozenset(b"suppress raises assertRaises assertRaisesRegex".split())


def falls_through(block: Node, depth: int = DEPTH) -> bool:
    """Whether the statement after this block can be reached from its top."""
    if depth == 0:
        return True
    return not any(_never_ends(statement, depth - 1) for statement in block.named_children)


def _never_ends(node: Node, depth: int) -> bool:
    match node.type:
        case "return_statement" | "raise_statement" | "continue_statement" | "break_statement":
            # A `break` leaves the loop that `_loops_forever` has looked at; the block behind it is not reached.
            return True
        case "expression_statement":
            return _is_exit(node)
        case "assert_statement":
            return bool(node.named_children) and node.named_children[0].text in (b"False", b"0")
        case "if_statement":
            return _every_branch_ends(node, depth)
        case "while_statement":
            return _loops_forever(node) or _else_ends(node, depth)
        case "for_statement":
            return _else_ends(node, depth)
        case "with_statement":
            return _body_ends(node, depth) and not _swallows(node)
        case "try_statement":
            return _try_ends(node, depth)
        case "match_statement":
            return _match_ends(node, depth)
    return False


def _is_exit(node: Node) -> bool:
    inner = node.named_children
    if not inner or inner[0].type != "call":
        return False
    callee = inner[0].child_by_field_name("function")
    return callee is not None and callee.text in EXITS


def _body_ends(node: Node, depth: int, field: str = "body") -> bool:
    body = node.child_by_field_name(field)
    return body is not None and not falls_through(body, depth)


def _every_branch_ends(node: Node, depth: int) -> bool:
    if not _body_ends(node, depth, "consequence"):
        return False
    has_else = False
    for child in node.named_children:
        if child.type == "elif_clause" and not _body_ends(child, depth, "consequence"):
            return False
        if child.type == "else_clause":
            has_else = True
            if not _body_ends(child, depth):
                return False
    return has_else


def _loops_forever(node: Node) -> bool:
    condition, body = node.child_by_field_name("condition"), node.child_by_field_name("body")
    if condition is None or body is None or condition.text not in (b"True", b"1"):
        return False
    return not _breaks(body)


def _else_ends(node: Node, depth: int) -> bool:
    """A loop that no `break` leaves runs into its `else`."""
    body, last = node.child_by_field_name("body"), node.child_by_field_name("alternative")
    return body is not None and last is not None and _body_ends(last, depth) and not _breaks(body)


def _breaks(body: Node) -> bool:
    """Whether a `break` in the body of a loop leaves that loop."""
    stack = list(body.named_children)
    while stack:
        here = stack.pop()
        if here.type == "break_statement":
            return True
        if here.type not in ("for_statement", "while_statement", "function_definition", "class_definition", "lambda"):
            stack.extend(here.named_children)
        elif here.type in ("for_statement", "while_statement"):
            # A break inside an inner loop is the inner loop's; one in its else clause is ours.
            stack.extend(child for child in here.named_children if child.type == "else_clause")
    return False


def _swallows(node: Node) -> bool:
    calls = [child for item in _with_items(node) for child in item.named_children if child.type == "call"]
    callees = [callee for call in calls if (callee := call.child_by_field_name("function")) is not None]
    return any((callee.text or b"").rpartition(b".")[2] in SWALLOWERS for callee in callees)


def _with_items(node: Node) -> list[Node]:
    clauses = [child for child in node.named_children if child.type == "with_clause"]
    items = [item for clause in clauses for item in clause.named_children if item.type == "with_item"]
    # with suppress(KeyError) as x: the call stands one level deeper.
    return items + [value for item in items for value in item.named_children if value.type == "as_pattern"]


def _try_ends(node: Node, depth: int) -> bool:
    parts = {child.type: child for child in node.named_children}
    if (last := parts.get("finally_clause")) and any(not falls_through(block, depth) for block in _blocks(last)):
        return True
    normal = _body_ends(node, depth) or ("else_clause" in parts and _body_ends(parts["else_clause"], depth))
    handlers = [child for child in node.named_children if child.type in ("except_clause", "except_group_clause")]
    return normal and all(any(not falls_through(block, depth) for block in _blocks(handler)) for handler in handlers)


def _match_ends(node: Node, depth: int) -> bool:
    body = node.child_by_field_name("body")
    cases = [child for child in (body.named_children if body else ()) if child.type == "case_clause"]
    if not cases or not all(_body_ends(case, depth, "consequence") for case in cases):
        return False
    # Only a last `case _:` or `case name:` without a guard catches whatever is left.
    patterns = [child for child in cases[-1].named_children if child.type == "case_pattern"]
    catches_all = len(patterns) == 1 and (patterns[0].text or b"").decode("utf-8", "replace").isidentifier()
    return catches_all and cases[-1].child_by_field_name("guard") is None


def _blocks(node: Node) -> list[Node]:
    return [child for child in node.named_children if child.type == "block"]
