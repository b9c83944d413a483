"""Scopes: where a file binds a name, and which bindings an annotation would see. In: a tree; out: answers about names.

A name is looked for in the text and only its occurrences are looked at, since few names are ever asked for. Knows
nothing of types and of what a name stands for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum

from tree_sitter import Node

from typeinfer.values.slots import Slot, SlotKind

_SCOPES = frozenset({"function_definition", "class_definition", "lambda"})
_PATTERNS = frozenset(
    (
        "pattern_list tuple_pattern list_pattern list_splat_pattern dictionary_splat_pattern as_pattern_target "
        "tuple list expression_list parenthesized_expression"
    ).split()
)
_PARAMETERS = frozenset({"parameters", "lambda_parameters", "typed_parameter"})
_BINDING_FIELDS = {
    "assignment": "left",
    "augmented_assignment": "left",
    "for_statement": "left",
    "named_expression": "name",
    "function_definition": "name",
    "class_definition": "name",
    "default_parameter": "name",
    "typed_default_parameter": "name",
    "aliased_import": "alias",
    "type_alias_statement": "left",
}


class Use(Enum):
    BINDS = "binds"
    READS = "reads"
    IMPORTS = "imports"


class Scopes:
    """Names of one parsed file. Made for one rewrite and thrown away."""

    def __init__(self, root: Node, data: bytes) -> None:
        self._root, self._data = root, data
        self._uses: dict[str, list[tuple[Use, Node]]] = {}

    def uses(self, name: str) -> list[tuple[Use, Node]]:
        """Every occurrence of a variable of that name, in source order; attributes and keywords are no variables."""
        if name not in self._uses:
            self._uses[name] = list(self._look_for(name))
        return self._uses[name]

    def binds(self, name: str) -> bool:
        return any(use is not Use.READS for use, _ in self.uses(name))

    def shadowed(self, name: str, slot: Slot) -> bool:
        """Whether an annotation at `slot` would see another binding of `name` before that of the module."""
        bindings = [node for use, node in self.uses(name) if use is not Use.READS]
        if not bindings:
            return False
        visible = {scope.id for scope in self._visible(slot)}
        return any((scope := _holder(node)) is not None and scope.id in visible for node in bindings)

    def bound_by_module(self, name: str) -> bool:
        return any(use is not Use.READS and _holder(node) is None for use, node in self.uses(name))

    def evaluated(self, slot: Slot) -> bool:
        """Whether Python evaluates an annotation there, unless told to be lazy: not inside a function (PEP 526)."""
        if slot.id.kind in (SlotKind.PARAMETER, SlotKind.RETURN):
            return True
        innermost = next(_enclosing(self._at(slot)), None)
        return innermost is None or innermost.type == "class_definition"

    def in_class(self, slot: Slot) -> bool:
        """Whether names that begin with two underscores are mangled there."""
        return any(scope.type == "class_definition" for scope in _enclosing(self._at(slot)))

    def _at(self, slot: Slot) -> Node:
        return self._root.named_descendant_for_byte_range(slot.span.start, slot.span.end) or self._root

    def _visible(self, slot: Slot) -> list[Node]:
        chain = list(_enclosing(self._at(slot)))
        if slot.id.kind in (SlotKind.PARAMETER, SlotKind.RETURN):
            # An annotation of a signature is evaluated outside the function.
            chain = chain[1:]
        # A class body sees its own names; what is nested in it doesn't.
        return [scope for depth, scope in enumerate(chain) if depth == 0 or scope.type != "class_definition"]

    def _look_for(self, name: str) -> Iterator[tuple[Use, Node]]:
        for found in re.finditer(rb"(?<![\w.])" + re.escape(name.encode()) + rb"(?!\w)", self._data):
            node = self._root.named_descendant_for_byte_range(found.start(), found.end())
            if node is not None and node.type == "identifier" and (use := _use(node)) is not None:
                yield use, node


def _enclosing(node: Node) -> Iterator[Node]:
    """The scopes around a node, innermost first. The name of a function belongs to the function here."""
    here: Node | None = node
    while here is not None:
        if here.type in _SCOPES:
            yield here
        here = here.parent


def _holder(node: Node) -> Node | None:
    """The scope that a binding puts its name into; None for the module."""
    parent = node.parent
    declares = parent is not None and parent.type in ("function_definition", "class_definition")
    if declares and parent is not None and parent.child_by_field_name("name") == node:
        return next(_enclosing(parent.parent), None) if parent.parent is not None else None
    return next(_enclosing(node), None)


def _use(node: Node) -> Use | None:
    """How an identifier is used; None where it is no variable."""
    child, parent = node, node.parent
    while parent is not None and parent.type in _PATTERNS:
        child, parent = parent, parent.parent
    if parent is None:
        return Use.READS
    kind = parent.type
    if kind == "attribute" and parent.child_by_field_name("attribute") == child:
        return None
    if kind == "keyword_argument" and parent.child_by_field_name("name") == child:
        return None
    if kind == "dotted_name":
        return _import_use(parent, child)
    field = _BINDING_FIELDS.get(kind)
    if kind == "aliased_import":
        return Use.IMPORTS if parent.child_by_field_name("alias") == child else None
    if field is not None and parent.child_by_field_name(field) == child:
        return Use.BINDS
    if kind in _PARAMETERS or kind in ("global_statement", "nonlocal_statement", "delete_statement", "as_pattern"):
        # `except E as name` and `with open(p) as name`: the name stands in an as_pattern_target, a pattern above.
        return Use.BINDS if kind != "as_pattern" or child.type == "as_pattern_target" else Use.READS
    if kind in ("type_parameter", "splat_type", "case_pattern", "splat_pattern", "keyword_pattern"):
        return Use.BINDS
    if kind == "for_in_clause" and parent.child_by_field_name("left") == child:
        # Bound in the comprehension alone, where no annotation stands.
        return None
    return Use.READS


def _import_use(dotted: Node, identifier: Node) -> Use | None:
    statement = dotted.parent
    if statement is None:
        return Use.READS
    if statement.type == "import_statement":
        return Use.IMPORTS if dotted.named_children[0] == identifier else None
    if statement.type in ("import_from_statement", "future_import_statement"):
        return None if statement.child_by_field_name("module_name") == dotted else Use.IMPORTS
    if statement.type in ("aliased_import", "relative_import"):
        return None
    # A dotted name elsewhere is a pattern: `case Name` binds, `case mod.Name` reads.
    return Use.BINDS if len(dotted.named_children) == 1 else Use.READS
