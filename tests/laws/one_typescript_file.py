"""A project of one TypeScript or JavaScript file, for the laws of rewriting: its module and the names that it knows."""

from __future__ import annotations

from typeinfer.languages.typescript import TypeScript
from typeinfer.values.module import Module
from typeinfer.values.naming import NamesInScope
from typeinfer.values.source import SourceFile

TYPESCRIPT = TypeScript()


def module_of(text: str | bytes, path: str = "src/shop/cart.ts") -> Module:
    data = text.encode() if isinstance(text, str) else text
    name, is_package = TYPESCRIPT.module_name(path, frozenset())
    return TYPESCRIPT.read(SourceFile(path, "typescript", data), name, is_package)


def names_of(module: Module) -> NamesInScope:
    """What the project would tell of this file. Modules below `src/` are the project's, each a `.ts` file."""
    bound: dict[str, set[str]] = {}
    for found in module.imports:
        if not found.scope and not found.passed_on:
            bound.setdefault(found.alias, set()).add(f"{found.module}.{found.name}" if found.name else found.module)
    for declared in (*module.classes, *module.functions):
        if "." not in declared.qualname:
            bound.setdefault(declared.name, set()).add(f"{module.name}.{declared.name}")

    def locate(qualified: str) -> tuple[str, str] | None:
        at = qualified.find(".", qualified.rfind("/") + 1)
        if not qualified.startswith("src/") or at < 0:
            return None
        of, inside = qualified[:at], qualified[at + 1 :]
        return (of, "default" if of.endswith("/default") else inside)

    return NamesInScope(
        module=module.name,
        is_package=module.is_package,
        bound={local: meanings.pop() for local, meanings in bound.items() if len(meanings) == 1},
        starred={},
        locate=locate,
        cyclic=frozenset(),
        library=TYPESCRIPT.is_library,
        path_of=lambda name: f"{name}.ts" if name.startswith("src/") else None,
    )
