"""Written: the text of one Python file in; every annotation that stands in it, with its slot and its place, out.

Reads with `ast` alone: the scorer must not share a bug with the reader that it judges. Knows nothing of types, and of
other files only what `FieldClasses` has been told.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from typeinfer.values.slots import SlotId, SlotKind

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

FIELD_DECORATORS = frozenset({"dataclass", "define", "frozen", "mutable", "attrs", "dataclass_json"})

ATTRS = frozenset({"attr", "attrs"})

# Fields by direct inheritance only: a subclass of a named tuple or of a protocol is an ordinary class again.
FIELD_BASES = frozenset({"NamedTuple", "Protocol"})

# Fields in every descendant.
FIELD_ANCESTORS = frozenset(
    {"TypedDict", "BaseModel", "BaseSettings", "RootModel", "GenericModel", "SQLModel", "Struct", "DeclarativeBase"}
)


@dataclass(frozen=True)
class Annotation:
    """One annotation. `slot` is None where it stands at none (`other.x: int`, `table[0]: int`, an annotated receiver).

    `kept`: it has meaning at run time and belongs to the program, not to the task.
    """

    slot: SlotId | None
    node: ast.expr
    place: ast.arg | FunctionNode | ast.AnnAssign
    default: ast.expr | None = None
    kept: bool = False


@dataclass(frozen=True)
class FieldClasses:
    """Which classes turn annotations into fields, by simple name: what they derive from and what decorates them."""

    ancestors: frozenset[str] = FIELD_ANCESTORS
    decorators: frozenset[str] = FIELD_DECORATORS

    def holds(self, declared: ast.ClassDef) -> bool:
        bases = {last_name(base) for base in declared.bases}
        if bases & FIELD_BASES or bases & self.ancestors or declared.name in self.ancestors:
            return True
        return any(last_name(made) in self.decorators or _is_attr_s(made) for made in declared.decorator_list)


def field_classes(trees: Iterable[ast.Module]) -> FieldClasses:
    """Follow inheritance and `dataclass_transform` through a whole project, by simple names.

    Two classes of one name are taken for one: an annotation kept too many is a slot less, never a program that breaks.
    """
    bases: dict[str, set[str]] = {}
    ancestors, decorators = set(FIELD_ANCESTORS), set(FIELD_DECORATORS)
    for tree in trees:
        for node in ast.walk(tree):
            transforms = isinstance(node, ast.ClassDef | ast.FunctionDef) and any(
                last_name(made) == "dataclass_transform" for made in node.decorator_list
            )
            if isinstance(node, ast.ClassDef):
                metaclass = [last_name(keyword.value) for keyword in node.keywords if keyword.arg == "metaclass"]
                bases.setdefault(node.name, set()).update(map(last_name, node.bases), metaclass)
                ancestors |= {node.name} if transforms else set()
            elif isinstance(node, ast.FunctionDef) and transforms:
                decorators.add(node.name)
            elif isinstance(node, ast.Assign) and _makes_decorator(node.value):
                decorators |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    while grown := {name for name, above in bases.items() if name not in ancestors and above & ancestors}:
        ancestors |= grown
    return FieldClasses(frozenset(ancestors), frozenset(decorators))


def annotations_in(path: str, tree: ast.Module, fields: FieldClasses) -> list[Annotation]:
    """Every annotation of a file in source order. Ordinals of slots count the unannotated ones too."""
    return list(_Walk(path, fields).block(tree.body, _Scope("", False)))


def written_types(path: str, tree: ast.Module) -> dict[SlotId, str]:
    """The text of the annotation at every slot; where a variable has several, the first."""
    found: dict[SlotId, str] = {}
    for annotation in annotations_in(path, tree, FieldClasses()):
        if annotation.slot is not None:
            found.setdefault(annotation.slot, ast.unparse(annotation.node))
    return found


def skeleton(tree: ast.Module) -> str:
    """What is left of a file without annotations and imports: equal before and after, or more was altered.

    Uses the tree up.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
    tree.body = list(_bones(tree.body))
    return ast.dump(tree)


def _bones(statements: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in statements:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            continue
        if isinstance(statement, ast.AnnAssign):
            if statement.value is not None:
                yield ast.Assign([statement.target], statement.value)
            continue
        for block in blocks(statement):
            block[:] = _bones(block)
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            statement.returns = None
        guards = isinstance(statement, ast.If) and last_name(statement.test) == "TYPE_CHECKING"
        if not guards or any(True for _ in blocks(statement)):
            yield statement


def last_name(node: ast.expr) -> str:
    """The last component of a dotted name, whatever was called or subscripted to make it."""
    while isinstance(node, ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The statement lists directly inside a compound statement."""
    for name in ("body", "orelse", "finalbody"):
        if block := getattr(statement, name, None):
            yield block
    for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield part.body


@dataclass(frozen=True)
class _Scope:
    qualname: str
    is_class: bool
    field_class: bool = False
    receivers: Mapping[str, str] | None = None
    """Names that stand for the instance or class here, each with the qualified name of the class."""

    def inner(self, name: str) -> str:
        return f"{self.qualname}.{name}" if self.qualname else name


class _Walk:
    def __init__(self, path: str, fields: FieldClasses) -> None:
        self.path, self.fields = path, fields
        self.ordinals: Counter[tuple[str, SlotKind, str]] = Counter()

    def block(self, statements: Sequence[ast.stmt], scope: _Scope) -> Iterator[Annotation]:
        for statement in statements:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from self.function(statement, scope)
            elif isinstance(statement, ast.ClassDef):
                inner = _Scope(scope.inner(statement.name), True, self.fields.holds(statement), scope.receivers)
                yield from self.block(statement.body, inner)
            elif isinstance(statement, ast.AnnAssign):
                yield self.assignment(statement, scope)
            else:
                for block in blocks(statement):
                    yield from self.block(block, scope)

    def function(self, node: FunctionNode, scope: _Scope) -> Iterator[Annotation]:
        qualname, listed = scope.inner(node.name), node.args
        positional = [*listed.posonlyargs, *listed.args]
        static = any(last_name(made) == "staticmethod" for made in node.decorator_list)
        receiver = positional[0] if scope.is_class and not static and positional else None
        padding: list[ast.expr | None] = [None] * (len(positional) - len(listed.defaults))
        pairs = [
            *zip(positional, [*padding, *listed.defaults], strict=True),
            *([(listed.vararg, None)] if listed.vararg else []),
            *zip(listed.kwonlyargs, listed.kw_defaults, strict=True),
            *([(listed.kwarg, None)] if listed.kwarg else []),
        ]
        for parameter, default in pairs:
            slot = None if parameter is receiver else self.slot(qualname, SlotKind.PARAMETER, parameter.arg)
            if parameter.annotation is not None:
                yield Annotation(slot, parameter.annotation, parameter, default)
        slot = self.slot(qualname, SlotKind.RETURN, "return")
        if node.returns is not None:
            yield Annotation(slot, node.returns, node)
        # A nested function's parameter of the same name hides the receiver.
        hidden = {parameter.arg for parameter, _ in pairs}
        receivers = {name: owner for name, owner in (scope.receivers or {}).items() if name not in hidden}
        if receiver is not None:
            receivers[receiver.arg] = scope.qualname
        yield from self.block(node.body, _Scope(qualname, False, receivers=receivers))

    def assignment(self, node: ast.AnnAssign, scope: _Scope) -> Annotation:
        is_alias = last_name(node.annotation) == "TypeAlias" or _quoted_alias(node.annotation)
        target, slot = node.target, None
        if isinstance(target, ast.Name):
            kind = SlotKind.ATTRIBUTE if scope.is_class else SlotKind.VARIABLE
            slot = SlotId(self.path, scope.qualname, kind, target.id)
        elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            owner = (scope.receivers or {}).get(target.value.id)
            if owner is not None:
                slot = SlotId(self.path, owner, SlotKind.ATTRIBUTE, target.attr)
        return Annotation(slot, node.annotation, node, node.value, kept=is_alias or scope.field_class)

    def slot(self, qualname: str, kind: SlotKind, name: str) -> SlotId:
        ordinal = self.ordinals[qualname, kind, name]
        self.ordinals[qualname, kind, name] += 1
        return SlotId(self.path, qualname, kind, name, ordinal)


def _quoted_alias(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith("TypeAlias")


def _is_attr_s(node: ast.expr) -> bool:
    made = node.func if isinstance(node, ast.Call) else node
    return isinstance(made, ast.Attribute) and made.attr == "s" and last_name(made.value) in ATTRS


def _makes_decorator(node: ast.expr) -> bool:
    """`frozen = partial(dataclass, frozen=True)`, `record = dataclass(slots=True)`, `define = attrs.define`."""
    if isinstance(node, ast.Call):
        named = [last_name(node.func), *(last_name(part) for part in node.args[:1])]
        return named[0] in FIELD_DECORATORS or (named[0] == "partial" and named[-1] in FIELD_DECORATORS)
    return isinstance(node, ast.Attribute) and node.attr in FIELD_DECORATORS and last_name(node.value) in ATTRS
