"""Meanings: types as the compiler prints them in, for somebody who reads one file; types with qualified names out.

A printed name may be a class of this file, one that it imports, one declared elsewhere in the project, or the language's
own. Where a hint says at which place a name is declared, that decides. A type of which one name means nothing certain, or is a type
parameter, is `Unknown`, for it could not be written down anywhere else. Asks the compiler nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, lru_cache
from pathlib import Path

from typeinfer.languages.typescript.annotations import parse_type
from typeinfer.languages.typescript.compiler import Hint, Place
from typeinfer.languages.typescript.library import is_builtin
from typeinfer.values.module import Function, Import, Module
from typeinfer.values.source import Span
from typeinfer.values.typeexpr import (
    NONE,
    UNKNOWN,
    CallableType,
    Named,
    Record,
    Tuple,
    TypeExpr,
    Union,
    rename,
    union,
    walk,
)

# Re-exports are followed this far; a longer chain is a loop.
REEXPORTS = 12

# Hundreds of thousands of printed types in a project repeat a few thousand; a longer one nobody would write.
LONGEST_TYPE = 600

TYPE_PARAMETERS = re.compile(r"[^()]*?<([^()]*)>\s*\(")
PARAMETER_NAME = re.compile(r"\s*(?:(?:const|in|out)\s+)*([A-Za-z_$][\w$]*)")

Declared = Callable[[Place], tuple[str, int] | None]
"""The project's path and byte offset of a place that the compiler tells, or None where it is outside."""


# What a generator is sent is `unknown` in most of them, and so it is written.
SENT = 2
GENERATORS = frozenset({"Generator", "AsyncGenerator", "Iterator", "AsyncIterator"})

# True of much that was never thought about: `[]` is `never[]`, an argument without type makes a `Box<unknown>`.
SAYS_NOTHING = frozenset({Named("never"), Named("unknown"), Named("object"), Named("Function"), Record(())})


@lru_cache(maxsize=50_000)
def _parsed(text: str) -> TypeExpr:
    return _with_holes(parse_type(text)) if len(text) <= LONGEST_TYPE else UNKNOWN


def _with_holes(term: TypeExpr) -> TypeExpr:
    """The type with a hole in each place where the compiler has a word for knowing nothing."""
    match term:
        case Named(name, args) if args and name in GENERATORS:
            return Named(name, (*map(_with_holes, args[:SENT]), *args[SENT:]))
        case Named(name, args) if args:
            return Named(name, tuple(map(_with_holes, args)))
        case Union(members):
            return union(map(_with_holes, members))
        case Tuple(items, is_open):
            return Tuple(tuple(map(_with_holes, items)), is_open)
        case CallableType(params, result):
            return CallableType(None if params is None else tuple(map(_with_holes, params)), _with_holes(result))
        case Record(fields) if fields:
            return Record(tuple((key, _with_holes(part)) for key, part in fields))
        case _:
            return UNKNOWN if term in SAYS_NOTHING else term


class Meanings:
    """What printed names mean, for every file of a project."""

    def __init__(self, modules: Mapping[str, Module], declared: Declared) -> None:
        self.modules, self.declared = modules, declared
        self.known: dict[tuple[str, str, str | None], TypeExpr] = {}

    def of_text(self, path: str, text: str, inside: str | None = None) -> TypeExpr:
        """A type that is printed without places, in a file.

        `inside`: the function that it is said of and stays with, so that its type parameters, and those of what is
        around it, mean something. Anywhere else they mean nothing.
        """
        found = self.known.get((path, text, inside))
        if found is None:
            found = self._qualified(_parsed(text), lambda name: self._named(path, name, inside))
            self.known[path, text, inside] = found
        return found

    def of_hint(self, path: str, text: str, hint: Hint, inside: str | None = None) -> TypeExpr:
        """A type that is printed in a file, of which a hint tells where the names are declared."""
        places = {part.text: part.declared for part in hint.parts if part.declared is not None}
        if not places:
            return self.of_text(path, text, inside)

        def named(name: str) -> str | None:
            first = name.partition(".")[0]
            place = places.get(first)
            if place is None or first in self._type_parameters(path):
                return self._named(path, name, inside)
            return self._declared_at(path, name, place)

        return self._qualified(_parsed(text), named)

    def _qualified(self, term: TypeExpr, named: Callable[[str], str | None]) -> TypeExpr:
        known: dict[str, str] = {}
        for part in walk(term):
            if isinstance(part, Named) and part != NONE and part.name not in known:
                meant = named(part.name)
                if meant is None:
                    return UNKNOWN
                known[part.name] = meant
        return rename(term, lambda name: known.get(name, name)) if known else term

    # --- one name -------------------------------------------------------------------------------------------------------

    def _declared_at(self, path: str, name: str, place: Place) -> str | None:
        here = self.declared(place)
        first, _, rest = name.partition(".")
        if here is not None:
            found = self._class_at(here)
            return self._member(found, rest) if found is not None else None
        if "node_modules" in place.path.parts and not _is_own_library(place.path):
            return self._imported(path, name) or self._imported_elsewhere(first, rest)
        return name

    def _named(self, path: str, name: str, inside: str | None) -> str | None:
        first, _, rest = name.partition(".")
        if (owners := self._type_parameters(path).get(first)) is not None:
            around = inside is not None and any(f"{inside}.".startswith(f"{owner}.") for owner in owners)
            return first if around and not rest else None
        here = self._classes_named(path).get(first, ())
        if here:
            return self._member(f"{self.modules[path].name}.{here[0]}", rest) if len(here) == 1 else None
        if (imported := self._imported(path, name)) is not None:
            return imported
        elsewhere = self._by_bare_name.get(first, ())
        if is_builtin(first):
            return None if elsewhere else name
        if elsewhere:
            return self._member(elsewhere[0], rest) if len(elsewhere) == 1 else None
        return self._imported_elsewhere(first, rest)

    def _member(self, qualified: str, rest: str) -> str:
        # The type of one member of an enumeration is written as the enumeration's.
        inner = f"{qualified}.{rest}" if rest else qualified
        return inner if inner in self._classes else qualified

    def _imported(self, path: str, name: str) -> str | None:
        first, _, rest = name.partition(".")
        found = self._imports(path).get(first)
        if found is None:
            return None
        if found.name is None:
            if found.module not in self._by_name:
                return f"{found.module}.{rest}" if rest else None
            first, _, rest = rest.partition(".")
            target = self._exported(found.module, first, REEXPORTS) if first else None
        else:
            target = self._exported(found.module, found.name, REEXPORTS)
        if target is None:
            return None
        return self._member(target, rest) if target in self._classes else f"{target}.{rest}" if rest else target

    def _exported(self, module_name: str, name: str, left: int) -> str | None:
        """What a module exports under a name: the class of the project, or a name of somebody else's module."""
        module = self._by_name.get(module_name)
        if module is None:
            return f"{module_name}.{name}"
        if not left:
            return None
        inside = (module.exports or {}).get(name, name)
        if f"{module.name}.{inside}" in self._classes:
            return f"{module.name}.{inside}"
        for found in module.imports:
            if found.alias == (name if found.passed_on else inside) and found.name not in (None, "*"):
                return self._exported(found.module, str(found.name), left - 1)
        for found in module.imports:
            if found.name == "*" and found.passed_on and found.module in self._by_name:
                target = self._exported(found.module, name, left - 1)
                if target in self._classes:
                    return target
        return None

    def _imported_elsewhere(self, first: str, rest: str) -> str | None:
        """A name that other files of the project import, all from the same package of other people's."""
        found = self._foreign_names.get(first, ())
        return (f"{found[0]}.{rest}" if rest else found[0]) if len(found) == 1 else None

    # --- tables -----------------------------------------------------------------------------------------------------------

    @cached_property
    def _by_name(self) -> dict[str, Module]:
        return {module.name: module for module in reversed(list(self.modules.values()))}

    @cached_property
    def _classes(self) -> frozenset[str]:
        """Every class of the project by its qualified name."""
        return frozenset(
            f"{module.name}.{found.qualname}" for module in self.modules.values() for found in module.classes
        )

    @cached_property
    def _by_bare_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for module in self.modules.values():
            for qualname in module.class_at:
                found[qualname.rpartition(".")[2]].append(f"{module.name}.{qualname}")
        return dict(found)

    @cached_property
    def _foreign_names(self) -> dict[str, list[str]]:
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for module in self.modules.values():
            for name, imported in self._imports(module.file.path).items():
                if imported.name is not None and imported.module not in self._by_name:
                    found[name][f"{imported.module}.{imported.name}"] = None
        return {name: list(meant) for name, meant in found.items()}

    @cached_property
    def _tables(self) -> dict[tuple[str, str], dict[str, list[str]]]:
        return {}

    def _classes_named(self, path: str) -> dict[str, list[str]]:
        """The classes of a file by their bare name."""
        known = self._tables.get((path, "classes"))
        if known is None:
            known = defaultdict(list)
            for qualname in self.modules[path].class_at:
                known[qualname.rpartition(".")[2]].append(qualname)
            self._tables[path, "classes"] = known = dict(known)
        return known

    def _type_parameters(self, path: str) -> dict[str, list[str]]:
        """The type parameters of a file by name, and whose they are."""
        known = self._tables.get((path, "type parameters"))
        if known is None:
            known = defaultdict(list)
            module = self.modules[path]
            for declared in module.classes:
                for name in declared.type_parameters:
                    known[name].append(declared.qualname)
            for function in module.functions:
                for name in _type_parameters_of(module, function):
                    known[name].append(function.qualname)
            self._tables[path, "type parameters"] = known = dict(known)
        return known

    @cached_property
    def _import_tables(self) -> dict[str, dict[str, Import]]:
        return {}

    def _imports(self, path: str) -> dict[str, Import]:
        known = self._import_tables.get(path)
        if known is None:
            imports = self.modules[path].imports
            known = {found.alias: found for found in reversed(imports) if not found.passed_on and found.name != "*"}
            self._import_tables[path] = known
        return known

    @cached_property
    def _starts(self) -> dict[tuple[str, int], str]:
        """The qualified names of classes by the place where their name starts."""
        return {
            (path, found.name_span.start): f"{module.name}.{found.qualname}"
            for path, module in self.modules.items()
            for found in module.classes
        }

    def _class_at(self, place: tuple[str, int]) -> str | None:
        return self._starts.get(place)


def _is_own_library(path: Path) -> bool:
    """Whether a file is one of those that come with the compiler."""
    return path.name.startswith("lib.") and path.parent.name == "lib"


def _type_parameters_of(module: Module, function: Function) -> Iterator[str]:
    data = module.file.data
    start = function.name_span.end if function.name_span in function.header else function.header.start
    if b"<" not in data[start : function.header.end]:
        return
    found = TYPE_PARAMETERS.match(module.file.at(Span(start, function.header.end)))
    if found is None:
        return
    depth, begins = 0, 0
    listed = found.group(1) + ","
    for at, sign in enumerate(listed):
        depth += (sign in "<{[") - (sign in "}]" or (sign == ">" and listed[at - 1] != "="))
        if sign == "," and depth == 0:
            if (name := PARAMETER_NAME.match(listed, begins)) is not None:
                yield name.group(1)
            begins = at + 1
