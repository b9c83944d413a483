"""Targets: the node of a function, class or object in; what it is called by what it is assigned to out.

`const shop = { cart: { add: (x) => x } }` calls the arrow `shop.cart.add`. Knows nothing of scopes.
"""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from typeinfer.languages.treesitter import text_of
from typeinfer.languages.typescript.declarations import unquoted

ANONYMOUS = "<anonymous>"

CLIMB = 16
"""How far up the tree a name is looked for; `a = b = c = function` deeper than this is nameless."""

WRAPPERS = frozenset(
    "parenthesized_expression as_expression satisfies_expression non_null_expression type_assertion".split()
)
"""Expressions that hand on, under the same name, what is inside them."""


@dataclass(frozen=True, slots=True)
class Target:
    """The dotted `path` from the scope around it, and the node of its last name.

    `member`: it initialises a field of the class around it. `prototype`: it is assigned to a prototype's member.
    """

    path: str
    name: Node
    member: bool = False
    prototype: bool = False


def target_of(node: Node, own: Node | None = None) -> Target | None:
    """The name that a function, class or object takes from where it stands, or None: a callback has none.

    `own` is the name that a member of an object literal has of its own, whose object then is `node`.
    """
    names = [] if own is None else [own]
    child, parent = node, node.parent
    for _ in range(CLIMB):
        if parent is None:
            break
        match parent.type:
            case "variable_declarator":
                name = parent.child_by_field_name("name")
                is_value = parent.child_by_field_name("value") == child
                if name is None or not is_value or name.type != "identifier":
                    break
                return _qualified(text_of(name), name, names)
            case "assignment_expression":
                if parent.child_by_field_name("right") != child:
                    break
                return _assigned_to(parent.child_by_field_name("left"), names)
            case "public_field_definition":
                name = parent.child_by_field_name("name")
                if name is None:
                    break
                return _qualified(unquoted(name), name, names, member=not names)
            case "pair":
                name, held = parent.child_by_field_name("key"), parent.parent
                if name is None or held is None or held.type != "object" or name == child:
                    break
                names.append(name)
                child, parent = held, held.parent
            case "export_statement":
                word = next((part for part in parent.children if part.type == "default"), None)
                if word is None or (not names and node.child_by_field_name("name") is not None):
                    break
                return _qualified("default", word, names)
            case kind if kind in WRAPPERS:
                child, parent = parent, parent.parent
            case _:
                break
    return _qualified(ANONYMOUS, names[0], names) if names else None


def _qualified(path: str, name: Node, names: list[Node], member: bool = False, prototype: bool = False) -> Target:
    """The keys of the objects on the way, innermost first, behind what the outermost is assigned to."""
    spelled = [path, *(unquoted(key) for key in reversed(names))]
    return Target(".".join(spelled), names[0] if names else name, member, prototype)


def _assigned_to(left: Node | None, names: list[Node]) -> Target | None:
    """`exports.f`, `module.exports.f` and `this.f` are `f`; `Foo.prototype.bar` is `Foo.bar`."""
    if left is None or left.type not in ("identifier", "member_expression"):
        return _qualified(ANONYMOUS, names[0], names) if names else None
    parts: list[str] = []
    here: Node | None = left
    last = left if left.type == "identifier" else left.child_by_field_name("property")
    while here is not None and here.type == "member_expression" and len(parts) < CLIMB:
        name = here.child_by_field_name("property")
        parts.append(text_of(name) if name is not None else "")
        here = here.child_by_field_name("object")
    if last is None or here is None or here.type not in ("identifier", "this"):
        return _qualified(ANONYMOUS, names[0], names) if names else None
    parts += [text_of(here)] if here.type == "identifier" else []
    parts.reverse()
    if parts[:2] == ["module", "exports"] and len(parts) > 2:
        parts = parts[2:]
    elif parts[0] in ("module", "exports") and len(parts) > 1:
        parts = parts[1:]
    shown = [part for part in parts if part != "prototype"]
    return _qualified(".".join(shown) or ANONYMOUS, last, names, prototype="prototype" in parts)


def statement_of(node: Node) -> Node:
    """The statement, member or pair that a declaration is the subject of, whose comment is its comment."""
    here = node
    for _ in range(CLIMB):
        parent = here.parent
        if parent is None:
            return here
        match parent.type:
            case (
                "variable_declarator" | "pair" | "public_field_definition" | "export_statement" | "ambient_declaration"
            ):
                here = parent
            case "lexical_declaration" | "variable_declaration" if parent.named_child(0) == here:
                here = parent
            case "assignment_expression" if parent.child_by_field_name("right") == here:
                here = parent
            case "expression_statement" if here.type in ("assignment_expression", "internal_module"):
                here = parent
            case kind if kind in WRAPPERS and here.type not in ("assignment_expression",):
                here = parent
            case _:
                return here
    return here


def is_contextual(node: Node) -> bool:
    """Whether what stands around a function says what it takes: an argument, a member of one, a typed variable."""
    parent = node.parent
    for _ in range(CLIMB):
        if parent is None:
            return False
        match parent.type:
            case "arguments" | "jsx_expression":
                return True
            case "variable_declarator" | "public_field_definition":
                return parent.child_by_field_name("type") is not None
            case "satisfies_expression":
                return True
            case "as_expression":
                return parent.children[-1].type != "const"
            case "pair" | "object" | "array" | "ternary_expression" | "parenthesized_expression":
                parent = parent.parent
            case _:
                return False
    return False
