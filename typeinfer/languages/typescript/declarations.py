"""Declarations: the node of a function, class, interface or variable in; its names, spans, bases and members out.

Knows nothing of scopes, nor of what a declaration is assigned to.
"""

from __future__ import annotations

from tree_sitter import Node

from typeinfer.languages.treesitter import span_of, text_of
from typeinfer.languages.typescript.expressions import WIDTH, inside, value_of
from typeinfer.values.module import Attribute, Name, Opaque, Value
from typeinfer.values.source import Span

LONGEST = 16
"""Parts of a dotted name, and nodes between a declaration and the block around it, that are looked at."""


def unquoted(name: Node) -> str:
    spelled = text_of(name)
    return spelled[1:-1] if name.type == "string" and len(spelled) > 1 else spelled


def name_span(name: Node) -> Span:
    if name.type == "string" and name.end_byte - name.start_byte > 2:
        return Span(name.start_byte + 1, name.end_byte - 1)
    return span_of(name)


def keyword_span(node: Node) -> Span:
    """What stands for the name of a nameless function: its arrow, or the word `function`."""
    sign = "=>" if node.type == "arrow_function" else "function"
    return next((span_of(child) for child in node.children if child.type == sign), span_of(node))


def bare_end(node: Node) -> int | None:
    parameter = node.child_by_field_name("parameter")
    return parameter.end_byte if parameter is not None else None


def annotation_span(annotation: Node | None) -> Span | None:
    """The type behind a colon. `x is T` and `asserts x` are types too."""
    inner = inside(annotation) if annotation is not None else []
    return span_of(inner[0]) if inner else None


def accessor_kind(node: Node) -> str:
    """`get` or `set` before the name of a method, else nothing."""
    for child in node.children:
        if child.type in ("get", "set"):
            return child.type
        if child.type in ("property_identifier", "formal_parameters"):
            return ""
    return ""


def decorator_value(node: Node) -> Value:
    inner = inside(node)
    return value_of(inner[0]) if inner else Opaque(span_of(node))


def has_decorated_parameter(listed: Node | None) -> bool:
    return listed is not None and any(
        child.type == "decorator" for parameter in listed.named_children for child in parameter.named_children[:1]
    )


def type_parameters(node: Node) -> tuple[str, ...]:
    listed = node.child_by_field_name("type_parameters")
    names = [child.child_by_field_name("name") for child in (listed.named_children if listed is not None else ())]
    return tuple(text_of(name) for name in names if name is not None)


def required_arguments(node: Node) -> int:
    """How many type parameters have no default."""
    listed = node.child_by_field_name("type_parameters")
    parameters = inside(listed) if listed is not None else []
    return sum(parameter.child_by_field_name("value") is None for parameter in parameters)


def bases_of(node: Node) -> tuple[Value, ...]:
    """What a class extends and implements, what an interface extends, type arguments aside."""
    found: list[Value] = []
    for child in node.named_children:
        if child.type == "extends_type_clause":
            found.extend(type_value(part) for part in child.children_by_field_name("type"))
        elif child.type == "class_heritage":
            for clause in child.named_children:
                if clause.type == "extends_clause":
                    value = clause.child_by_field_name("value")
                    found.extend([value_of(value)] if value is not None else [])
                elif clause.type == "implements_clause":
                    found.extend(type_value(part) for part in inside(clause))
    return tuple(found[:WIDTH])


def type_value(node: Node) -> Value:
    """A type by name as the value that the name stands for."""
    if node.type == "generic_type":
        name = node.child_by_field_name("name")
        return type_value(name) if name is not None else Opaque(span_of(node))
    if node.type in ("type_identifier", "identifier"):
        return Name(text_of(node), span_of(node))
    if node.type in ("nested_type_identifier", "nested_identifier", "member_expression"):
        parts = text_of(node).split(".")
        if len(parts) <= LONGEST:
            value: Value = Name(parts[0].strip(), span_of(node))
            for part in parts[1:]:
                value = Attribute(value, part.strip(), span_of(node))
            return value
    return Opaque(span_of(node))


def members_of(body: Node) -> tuple[dict[int, list[Node]], frozenset[str]]:
    """The decorators of each member of a class, and the names that its fields, accessors and constructor declare."""
    decorators: dict[int, list[Node]] = {}
    names: set[str] = set()
    pending: list[Node] = []
    for child in body.named_children:
        if child.type == "decorator":
            pending.append(child)
            continue
        if child.type == "comment":
            continue
        if pending:
            decorators[child.id] = pending
            pending = []
        name = child.child_by_field_name("name")
        if name is None:
            continue
        if child.type == "public_field_definition" or accessor_kind(child):
            names.add(unquoted(name))
        elif name.text == b"constructor":
            names.update(_parameter_properties(child))
    return decorators, frozenset(names)


def _parameter_properties(constructor: Node) -> list[str]:
    listed = constructor.child_by_field_name("parameters")
    found = []
    for child in listed.named_children if listed is not None else ():
        pattern = child.child_by_field_name("pattern")
        marks = {part.type for part in child.children}
        if pattern is not None and marks & {"accessibility_modifier", "readonly", "override_modifier"}:
            found.append(text_of(pattern))
    return found


def bound_names(node: Node) -> list[str]:
    """Every name that the parameters of a function bind."""
    bare = node.child_by_field_name("parameter")
    if bare is not None:
        return [text_of(bare)]
    listed = node.child_by_field_name("parameters")
    patterns = [child.child_by_field_name("pattern") for child in (listed.named_children if listed is not None else ())]
    return [text_of(name) for pattern in patterns if pattern is not None for name in names_in(pattern)]


def names_in(pattern: Node) -> list[Node]:
    """The names that a pattern binds; defaults and keys inside it are no names."""
    if pattern.type == "identifier":
        return [] if pattern.is_missing else [pattern]
    found: list[Node] = []
    stack = [pattern]
    while stack:
        here = stack.pop()
        match here.type:
            case "identifier" | "shorthand_property_identifier_pattern":
                found.append(here)
            case "object_pattern" | "array_pattern" | "rest_pattern":
                stack.extend(reversed(here.named_children))
            case "pair_pattern":
                value = here.child_by_field_name("value")
                stack.extend([value] if value is not None else [])
            case "assignment_pattern" | "object_assignment_pattern":
                left = here.child_by_field_name("left")
                stack.extend([left] if left is not None else [])
    return found


def declared_body(node: Node) -> Node | None:
    """The members that an interface or an alias of an object type declares."""
    return node.child_by_field_name("body") or node.child_by_field_name("value")


BLOCKS = frozenset(
    "statement_block program switch_body for_statement for_in_statement class_static_block class_body".split()
)


def block_of(statement: Node, scope: Node) -> Span:
    """Where a declared name means what it means: the block of `let` and `const`, the function of `var`."""
    if statement.type == "variable_declaration":
        return span_of(scope)
    here = statement.parent
    for _ in range(LONGEST):
        if here is None or here.type in BLOCKS:
            break
        here = here.parent
    return span_of(here) if here is not None else span_of(scope)
