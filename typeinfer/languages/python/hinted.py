"""Hinted: files of a Python project in; what a checker that sees the installed packages infers of their slots, out.

The report that evidence is mostly taken from (`inference.py`) is of the project alone: with other people's packages in view pyrefly
reports all of them, whole, which takes a hundred times as long. As a language server it reads of them what a file needs, and its
inlay hints tell what functions return and what names hold, each class with the place of its definition. Knows nothing of rules.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from typeinfer.languages.python.annotations import BUILTIN_TYPES
from typeinfer.languages.python.checkers import Version
from typeinfer.languages.python.inference import told
from typeinfer.languages.python.packages import Packages
from typeinfer.languages.python.serving import Serving, place_of
from typeinfer.values.module import Module
from typeinfer.values.slots import SlotId
from typeinfer.values.typeexpr import UNKNOWN, Named, TypeExpr, is_complete, replaced, walk

BUNDLED = re.compile(r"/pyrefly_bundled_(?P<what>\w+?)_[0-9a-f]+/(?P<inside>.+)")
"""Where pyrefly unpacks the stubs that it comes with: those of the standard library, and others."""

COROUTINE = "collections.abc.Coroutine"

VARIABLES = frozenset({"TypeVar", "ParamSpec", "TypeVarTuple"})
"""What stands for a type that whoever calls decides."""

BARE = frozenset({"numpy.ndarray"})
"""Generic classes whose arguments have defaults, and are left to them by most authors."""


def hinted(
    modules: Mapping[str, Module], asked: Collection[str], version: Version, packages: Packages
) -> dict[SlotId, TypeExpr]:
    """What returns, attributes and variables of the files asked about hold; a coroutine's as its caller sees it. Classes go by the
    name that they are imported by. Raises `CheckerFailed`."""
    found: dict[SlotId, TypeExpr] = {}
    serving = Serving({path: module.file for path, module in modules.items()}, version, packages.folders)
    try:
        naming = _Naming(serving.folder, modules, packages)
        for path in sorted(asked):
            module = modules[path]
            slots = {place_of(module.file, slot.insert_at): slot for slot in module.slots if slot.written is None}
            functions = {one.result.id: one for one in module.functions if one.result is not None}
            for place, parts in serving.hints(module.file):
                if (slot := slots.get(place)) is None or (term := naming.term(parts)) is None:
                    continue
                function = functions.get(slot.id)
                if function is None:
                    found[slot.id] = term
                # What has no body of its own says nothing.
                elif not (function.overloaded or function.body_is_stub):
                    is_awaited = function.is_async and not function.is_generator
                    found[slot.id] = Named(COROUTINE, (UNKNOWN, UNKNOWN, term)) if is_awaited else term
    finally:
        serving.close()
    return found


class _Naming:
    """What hints are about, in qualified names."""

    def __init__(self, folder: Path, modules: Mapping[str, Module], packages: Packages) -> None:
        self.folder, self.modules, self.packages = folder, modules, packages
        self.imported = frozenset(f"{one.module}.{one.name}" for module in modules.values() for one in module.imports)

    def term(self, parts: list[dict[str, Any]]) -> TypeExpr | None:
        """The whole type that a hint tells, or None where it has holes, or tells of none that could be written down."""
        named = [self.named(part) for part in parts]
        if None in named:
            return None
        text = "".join(filter(None, named)).strip().removeprefix("->").removeprefix(":").strip()
        term = replaced(told(text), _without_defaults)
        names = {one.name for one in walk(term) if isinstance(one, Named)}
        # What has no place is no class.
        return term if is_complete(term) and all("." in name or name in BUILTIN_TYPES for name in names) else None

    def named(self, part: dict[str, Any]) -> str | None:
        """A piece of a hint with the class that it names, if any, in full; None where nobody can import that."""
        text, location = part["value"], part.get("location")
        if location is None:
            return text
        place = unquote(urlsplit(location["uri"]).path)
        bundled = BUNDLED.search(place)
        if bundled is not None and "third_party" not in bundled["what"]:
            return f"{_module(bundled['inside'])}.{text}" if text not in VARIABLES else None
        if bundled is not None:
            return self.foreign(f"{_module(bundled['inside'])}.{text}")
        if (own := _below(self.folder, place)) is not None:
            module = self.modules.get(own)
            return f"{module.name}.{text}" if module is not None and text in module.class_at else None
        below = next(filter(None, (_below(folder, place) for folder in self.packages.folders)), None)
        return self.foreign(f"{_module(below)}.{text}") if below is not None else None

    def foreign(self, qualified: str) -> str | None:
        """Somebody else's class by the name that the project imports it by, else the shortest."""
        names = self.packages.names_of(qualified)
        return next((name for name in names if name in self.imported), names[0] if names else None)


def _without_defaults(term: TypeExpr) -> TypeExpr:
    return Named(term.name) if isinstance(term, Named) and term.name in BARE else term


def _below(folder: Path, place: str) -> str | None:
    for base in (folder, folder.resolve()):
        if (inside := place.removeprefix(f"{base.as_posix()}/")) != place:
            return inside
    return None


def _module(inside: str) -> str:
    """The name of the module in a file of a package or of its stubs."""
    top, *below = inside.rpartition(".")[0].split("/")
    parts = [top.removesuffix("-stubs"), *below]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
