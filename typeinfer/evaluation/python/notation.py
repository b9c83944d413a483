"""Notation: the text of a Python annotation in; its form, and where its names come from, out.

Works on text with a normal form of its own, so that it can't share a bug with the types it judges.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Mapping

from typeinfer.evaluation.judge import Form, Origin
from typeinfer.evaluation.python.written import last_name
from typeinfer.values.slots import SlotId

SPELLINGS: Mapping[str, str] = {
    "List": "list",
    "Dict": "dict",
    "Set": "set",
    "FrozenSet": "frozenset",
    "Tuple": "tuple",
    "Type": "type",
    "Deque": "deque",
    "DefaultDict": "defaultdict",
    "Text": "str",
    "ContextManager": "AbstractContextManager",
    "AsyncContextManager": "AbstractAsyncContextManager",
    "NoneType": "None",
}
"""Second spellings of one type. `collections.abc.Set` reads as `set` too: its last component tells no difference."""


def form(annotation: str) -> Form:
    return Form(normal_form(annotation), base_form(annotation), is_generic(annotation))


def normal_form(annotation: str) -> str:
    """The spelling that two equal annotations share; text that is no expression stays as it is, less its blanks.

    `Optional["t.List[a.B]"]` -> `None | list[B]`. Members of a union are sorted; a literal of two values is
    a union of two.
    """
    return " | ".join(members(annotation))


def base_form(annotation: str) -> str:
    """The outermost constructor, of a union those of its members: `dict[str, int] | None` -> `None | dict`."""
    return " | ".join(sorted({member.partition("[")[0] for member in members(annotation)}))


def is_generic(annotation: str) -> bool:
    """Whether a constructor has arguments. `int | None` is simple."""
    return any("[" in member for member in members(annotation))


def members(annotation: str) -> list[str]:
    """The alternatives of an annotation in normal form, sorted; of no union the one."""
    tree = _parsed(annotation)
    return sorted(_members(tree)) if tree is not None else ["".join(annotation.split())]


def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(f"({text.strip()}\n)", mode="eval").body
    except (SyntaxError, ValueError):
        return None


def _members(node: ast.expr) -> set[str]:
    match node:
        case ast.Constant(value=str(text)):
            quoted = _parsed(text)
            return _members(quoted) if quoted is not None else {"".join(text.split())}
        case ast.Constant(value=None):
            return {"None"}
        case ast.Constant(value=value) if value is Ellipsis:
            return {"..."}
        case ast.Name() | ast.Attribute():
            name = last_name(node)
            return {SPELLINGS.get(name, name)}
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _members(left) | _members(right)
        case ast.Subscript(value=head, slice=inside):
            name = last_name(head)
            parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
            if name == "Optional":
                return _members(inside) | {"None"}
            if name == "Union":
                return set().union(*map(_members, parts))
            if name == "Literal":
                return {"None" if _is_none(part) else f"Literal[{ast.unparse(part)}]" for part in parts}
            if name == "Annotated":
                return {f"Annotated[{', '.join([_form(parts[0]), *map(ast.unparse, parts[1:])])}]"}
            return {f"{SPELLINGS.get(name, name)}[{', '.join(map(_form, parts))}]"}
        case ast.List(elts=parts):
            return {f"[{', '.join(map(_form, parts))}]"}
        case ast.Starred(value=value):
            return {f"Unpack[{_form(value)}]"}
    return {ast.unparse(node)}


def _form(node: ast.expr) -> str:
    return " | ".join(sorted(_members(node)))


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


# --- classes of types -----------------------------------------------------------------------------------------------


FORMS = frozenset(
    {"Any", "Union", "Optional", "Literal", "Annotated", "ClassVar", "Final", "None", "Unpack", *SPELLINGS}
)
"""Names of the typing module that are the language's own: `List` is a builtin type in another spelling."""


def origins(files: Mapping[str, bytes], truth: Mapping[SlotId, str]) -> dict[SlotId, Origin]:
    """The class of every ground truth type, by what its names mean in the annotated files."""
    packages = {path.split("/")[0].removesuffix(".py") for path in files}
    bound = {path: _bound_origins(files[path], packages) for path in {slot.path for slot in truth}}
    return {slot: _origin(written, bound[slot.path]) for slot, written in truth.items()}


def _bound_origins(raw: bytes, packages: set[str]) -> dict[str, Origin]:
    """What each name of a file stands for. What is neither imported nor a builtin was defined in the file."""
    found: dict[str, Origin] = {}
    for node in ast.walk(ast.parse(raw)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.asname or alias.name.split(".")[0]] = _module_origin(alias.name, packages)
        elif isinstance(node, ast.ImportFrom):
            origin = Origin.PROJECT if node.level else _module_origin(node.module or "", packages)
            for alias in node.names:
                is_form = origin is not Origin.PROJECT and alias.name in FORMS
                found[alias.asname or alias.name] = Origin.BUILTIN if is_form else origin
        elif isinstance(node, ast.ClassDef):
            found.setdefault(node.name, Origin.PROJECT)
    return found


def _module_origin(module: str, packages: set[str]) -> Origin:
    top = module.split(".")[0]
    if top in packages:
        return Origin.PROJECT
    # `typing_extensions` and `_typeshed` hold what the library's own `typing` will or does.
    if top in sys.stdlib_module_names or top in ("typing_extensions", "_typeshed"):
        return Origin.LIBRARY
    return Origin.THIRD_PARTY


def _origin(written: str, bound: Mapping[str, Origin]) -> Origin:
    order = list(Origin)
    found = [Origin.BUILTIN]

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            inner = _parsed(node.value)
            if inner is not None:
                visit(inner)
        elif isinstance(node, ast.Name | ast.Attribute):
            root: ast.expr = node
            while isinstance(root, ast.Attribute):
                root = root.value
            name = root.id if isinstance(root, ast.Name) else ""
            known = bound.get(name) or (Origin.BUILTIN if hasattr(builtins, name) else Origin.PROJECT)
            is_form = isinstance(node, ast.Attribute) and known is Origin.LIBRARY and node.attr in FORMS
            found.append(Origin.BUILTIN if is_form else known)
        elif isinstance(node, ast.Subscript) and last_name(node.value) == "Literal":
            return
        else:
            for child in ast.iter_child_nodes(node):
                visit(child)

    tree = _parsed(written)
    if tree is not None:
        visit(tree)
    return max(found, key=order.index)
