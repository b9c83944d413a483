"""Type names: a qualified name and a place in a file in; the words that mean it there out, with the import they need.

In a file that imports nothing, and in JavaScript, a type of another module is said as `import("./cart").Cart`, since an
import statement would make a module of the one, and code of the other. Knows nothing of edits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tree_sitter import Node

from typeinfer.languages import treesitter
from typeinfer.languages.typescript import library
from typeinfer.languages.typescript.import_lines import ImportedName, Specifiers
from typeinfer.values.module import Module
from typeinfer.values.naming import NamesInScope
from typeinfer.values.source import Span


class Unsayable(Exception):
    """A name that can't be said at a place; the message is one line that says why."""


@dataclass(frozen=True, slots=True)
class _Declared:
    """A type that is declared inside something, and the span in which its name means it."""

    name: str
    scope: Span
    parameter: bool


class TypeNames:
    """The names of one file. `planned` are the imports that what has been said so far needs."""

    def __init__(self, module: Module, names: NamesInScope, root: Node, javascript: bool) -> None:
        self.module, self.names, self.root, self.javascript = module, names, root, javascript
        self.inline = javascript or not _is_module(root)
        self.specifiers = Specifiers(module, names)
        self.planned: dict[tuple[str, str], ImportedName] = {}

    def say(self, name: str, at: int) -> str:
        """How a qualified name is said at a byte. Raises `Unsayable`."""
        if library.is_builtin(name):
            return self._global(name, at)
        if "." not in name:
            if any(found.parameter for found in self._declared_around(name, at)):
                return name
            raise Unsayable(f"{name} means nothing in this file")
        own = name.removeprefix(f"{self.names.module}.")
        if own != name and own in self.module.class_at:
            return self._own(own, at)
        said = self._bound(name, at)
        return said if said is not None else self._imported(name, at)

    # --- what the file has ------------------------------------------------------------------------------------------

    def _global(self, name: str, at: int) -> str:
        first = name.partition(".")[0]
        bound = self.names.bound.get(first)
        hidden = bound is not None and self._is_type(first) and not self._same_of_library(bound, first)
        if hidden or self._declared_around(first, at):
            raise Unsayable(f"{first} means something else here than the library's")
        return name

    def _same_of_library(self, bound: str, name: str) -> bool:
        """`import { Buffer } from "buffer"` binds what the global is."""
        module, _, inside = bound.rpartition(".")
        return inside == name and self.names.library(module)

    def _is_type(self, local: str) -> bool:
        """Whether a bound name may be that of a type; functions and variables of TypeScript hide no type."""
        return local in self.module.class_at or any(found.alias == local for found in self.module.imports)

    def _own(self, qualname: str, at: int) -> str:
        """A type that this file declares, where its block is open; a namespace's by its dotted name."""
        declared = self.module.class_at[qualname]
        node = self.root.descendant_for_byte_range(declared.name_span.start, declared.name_span.end)
        if (
            node is not None
            and node.parent is not None
            and node.parent.type == "variable_declarator"
            and not self.javascript
        ):
            raise Unsayable(f"{declared.name} is the name of a value, not of a type")
        scope = self._scope_of(node)
        if scope.start <= at < scope.end:
            if any(found.scope != scope for found in self._declared_around(declared.name, at)):
                raise Unsayable(f"{declared.name} means something else here")
            return declared.name
        outer, _, last = qualname.rpartition(".")
        if outer in self.module.class_at and not self.module.class_at[outer].constructs:
            return f"{self._own(outer, at)}.{last}"
        raise Unsayable(f"{declared.name} is declared inside {outer or 'a block'}, out of reach")

    def _scope_of(self, node: Node | None) -> Span:
        declaration = node.parent if node is not None else None
        here = declaration.parent if declaration is not None else None
        while here is not None and here.type not in _BLOCKS:
            here = here.parent
        return Span(here.start_byte, here.end_byte) if here is not None else Span(0, len(self.module.file.data) + 1)

    def _bound(self, name: str, at: int) -> str | None:
        """Said by what is imported: the thing itself before the module around it, the shortest first."""
        found: list[str] = []
        for local, qualified in self.names.bound.items():
            if qualified.startswith(f"{self.names.module}."):
                continue
            said = self._through(local, qualified, name)
            if said is not None and not self._declared_around(local, at):
                found.append(said)
        return min(found, key=lambda said: (said.count("."), len(said), said), default=None)

    def _through(self, local: str, qualified: str, name: str) -> str | None:
        if qualified == name:
            return local if self._is_type(local) else None
        module, _, inside = qualified.rpartition(".")
        if inside == "default" and self.names.path_of(module) is None and local in self._namespaces_used:
            # `import React from "react"`: the default export of what was written with `export =` holds its types.
            qualified = module
        if not name.startswith(f"{qualified}."):
            return None
        located = self.names.locate(name)
        if located is not None and located[0] == qualified:
            return f"{local}.{located[1]}" if not located[1].startswith("default") else None
        return f"{local}{name[len(qualified) :]}"

    # --- what it must import ----------------------------------------------------------------------------------------

    def _imported(self, name: str, at: int) -> str:
        module, inside = self._located(name)
        if module == self.names.module:
            raise Unsayable(f"{name} is no type that this file can name")
        specifier = self.specifiers.of(module)
        if specifier is None or "'" in specifier or '"' in specifier:
            raise Unsayable(f"{module} can't be imported from here")
        first, dot, rest = inside.partition(".")
        if self.inline:
            return f'import("{specifier}").{inside}'
        planned = self.planned.get((specifier, first))
        if planned is None:
            planned = ImportedName(specifier, first, self._local(first, name))
            self.planned[specifier, first] = planned
        return planned.local + dot + rest

    def _located(self, name: str) -> tuple[str, str]:
        found = self.names.locate(name)
        if found is not None:
            return found
        # The file imports from this package already; or the package is Node's own, and always there.
        for imported in self.module.imports:
            if (
                imported.module
                and name.startswith(f"{imported.module}.")
                and self.names.path_of(imported.module) is None
            ):
                return imported.module, name[len(imported.module) + 1 :]
        at = name.find(".", name.rfind("/") + 1)
        if self.names.library(name[:at]):
            return name[:at], name[at + 1 :]
        raise Unsayable(f"{name} can't be imported")

    def _local(self, name: str, qualified: str) -> str:
        """The name to import by: one that means nothing else anywhere in the file."""
        own = _class_name(qualified) if name == "default" else name
        for local in (own, f"{own}Type"):
            planned = any(imported.local == local for imported in self.planned.values())
            if not planned and local not in self._words and not library.is_builtin(local):
                return local
        raise Unsayable(f"the file gives {own} another meaning")

    # --- what the tree says -----------------------------------------------------------------------------------------

    @cached_property
    def _nodes(self) -> tuple[frozenset[str], frozenset[str], dict[str, list[_Declared]]]:
        words: set[str] = set()
        namespaces: set[str] = set()
        declared: dict[str, list[_Declared]] = {}
        for node in treesitter.walk(self.root):
            if node.type in _WORDS:
                words.add((node.text or b"").decode())
            elif node.type == "nested_type_identifier":
                namespaces.add((node.text or b"").decode().partition(".")[0])
            for found in _declared_by(node):
                declared.setdefault(found.name, []).append(found)
        return frozenset(words), frozenset(namespaces), declared

    @property
    def _words(self) -> frozenset[str]:
        """Every word in the file that could be the name of a type or value."""
        return self._nodes[0]

    @property
    def _namespaces_used(self) -> frozenset[str]:
        return self._nodes[1]

    def _declared_around(self, name: str, at: int) -> list[_Declared]:
        """Types of this name that are declared inside something that is open at a byte, and mean it there."""
        return [found for found in self._nodes[2].get(name, ()) if found.scope.start <= at <= found.scope.end]


_WORDS = frozenset(
    (
        "identifier type_identifier shorthand_property_identifier shorthand_property_identifier_pattern "
        "statement_identifier"
    ).split()
)
_BLOCKS = frozenset({"program", "statement_block", "switch_body", "class_static_block"})
_TYPE_DECLARATIONS = frozenset(
    (
        "class_declaration abstract_class_declaration interface_declaration type_alias_declaration enum_declaration "
        "internal_module"
    ).split()
)


def _is_module(root: Node) -> bool:
    """Whether the file imports or exports anything the way that modules do: `import x = require()` is another way."""
    for child in root.named_children:
        if child.type == "import_statement" and child.child_by_field_name("source") is not None:
            return True
        if child.type == "export_statement" and not any(part.type in ("=", "namespace") for part in child.children):
            return True
    return False


def _declared_by(node: Node) -> Iterator[_Declared]:
    """The types that a node declares for a part of the file only."""
    if node.type == "type_parameter":
        holder = node.parent.parent if node.parent is not None else None
        name = node.child_by_field_name("name")
        if holder is not None and name is not None:
            yield _Declared((name.text or b"").decode(), Span(holder.start_byte, holder.end_byte), True)
    elif node.type in _TYPE_DECLARATIONS:
        name, block = node.child_by_field_name("name"), node.parent
        while block is not None and block.type not in _BLOCKS:
            block = block.parent
        if name is not None and block is not None and block.type != "program":
            yield _Declared((name.text or b"").decode(), Span(block.start_byte, block.end_byte), False)
    elif node.type == "class" and (name := node.child_by_field_name("name")) is not None:
        yield _Declared((name.text or b"").decode(), Span(node.start_byte, node.end_byte), False)


def _class_name(qualified: str) -> str:
    """A name for a default export that has none of its own: `src/shop/cart.default` -> `Cart`."""
    last = qualified.rpartition(".")[2]
    if last != "default":
        return last
    stem = qualified.rpartition(".")[0].rpartition("/")[2]
    parts = "".join(sign if sign.isalnum() else " " for sign in stem).split()
    return "".join(part[:1].upper() + part[1:] for part in parts) or "Default"
