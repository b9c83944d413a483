"""A project of one file, for the laws of rewriting: its module, and the names that it and the world outside hold."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence

from typeinfer.languages.language import Language, Version
from typeinfer.languages.python.syntax import read
from typeinfer.rewriting.patch import propose, prove
from typeinfer.values.module import Module
from typeinfer.values.naming import NamesInScope
from typeinfer.values.outcomes import Outcome
from typeinfer.values.patches import Placed
from typeinfer.values.source import SourceFile
from typeinfer.values.typeexpr import TypeExpr


def module_of(
    text: str | bytes, name: str = "shop.cart", path: str = "shop/cart.py", is_package: bool = False
) -> Module:
    data = text.encode() if isinstance(text, str) else text
    return read(SourceFile(path, "python", data), name, is_package)


def names_of(module: Module, cyclic: Iterable[str] = ()) -> NamesInScope:
    """What the project would tell of this file. A dotted name is located by its last lower-case part, none of torch's anywhere."""
    bound: dict[str, set[str]] = {}
    for found in module.imports:
        if not found.scope:
            top = found.module if found.name or found.alias != found.module.partition(".")[0] else found.alias
            bound.setdefault(found.alias, set()).add(f"{top}.{found.name}" if found.name else top)
    for declared in (*module.classes, *module.functions):
        if "." not in declared.qualname:
            bound.setdefault(declared.name, set()).add(f"{module.name}.{declared.name}")
    for assignment in module.assignments:
        if not assignment.scope:
            bound.setdefault(assignment.name, set()).add(f"{module.name}.{assignment.name}")

    def locate(qualified: str) -> tuple[str, str] | None:
        parts = qualified.split(".")
        if parts[0] == "torch":
            return None
        at = next((at for at, part in enumerate(parts) if part.lstrip("_")[:1].isupper()), len(parts) - 1)
        if qualified == "datetime.datetime":
            at = 1
        return (".".join(parts[:at]), ".".join(parts[at:])) if at else None

    return NamesInScope(
        module=module.name,
        is_package=module.is_package,
        bound={local: next(iter(meanings)) for local, meanings in bound.items() if len(meanings) == 1},
        starred={},
        locate=locate,
        cyclic=frozenset(cyclic),
        library=lambda name: name.partition(".")[0] in sys.stdlib_module_names,
    )


def slots_by_name(module: Module) -> Mapping[str, object]:
    """Slots by what a reader of a test calls them: `f(x)`, `f()`, `C.x`, `x`."""
    named: dict[str, object] = {}
    for slot in module.slots:
        kind, where = slot.id.kind.value, slot.id.qualname
        if kind == "parameter":
            label = f"{where}({slot.id.name})"
        elif kind == "return":
            label = f"{where}()"
        else:
            label = f"{where}.{slot.id.name}".lstrip(".")
        named[label if slot.id.ordinal == 0 else f"{label}#{slot.id.ordinal}"] = slot
    return named


def place(module: Module, types: Mapping[str, TypeExpr]) -> list[Placed]:
    slots = slots_by_name(module)
    return [Placed(slots[label], term) for label, term in types.items()]  # type: ignore[arg-type]


def patched(
    language: Language, module: Module, placed: Sequence[Placed], names: NamesInScope, version: Version
) -> Outcome:
    """Proposed and proven in one step, as the pipeline does it in two."""
    return prove(propose(language, module, language.writer(module, names, version)(placed), ()))
