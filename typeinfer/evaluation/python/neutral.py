"""Neutral: a project, and what a tool made of it, in; the latter with `Any` for every annotation that is the tool's, out.

What a checker reports there it reports of the code, whatever types are written: a body is looked into for the first time, and that
is no tool's fault. Reads with `ast` alone. Knows nothing of checkers.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from typeinfer.evaluation.python.stripping import Cut, apply_cuts, end_of, start_of
from typeinfer.evaluation.python.written import FieldClasses, annotations_in, last_name
from typeinfer.values.slots import SlotId
from typeinfer.values.source import SourceFile, decode

ANYTHING = b"_Anything"
IMPORT = b"from typing import Any as _Anything"
MUST_BE_NONE = ("__init__", "__init_subclass__")
"""Of these a checker takes no other return type."""


def neutral(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of `after`. Imports that are the tool's go too; one that can't be read stays as it is."""
    found = dict(after)
    for path, raw in before.items():
        if after.get(path, raw) != raw:
            try:
                old, new = ast.parse(raw), ast.parse(after[path])
            except (SyntaxError, ValueError):
                continue
            found[path] = _neutral(decode(path, "python", after[path]), old, new)
    return found


def _neutral(file: SourceFile, old: ast.Module, new: ast.Module) -> bytes:
    there = _slots(file.path, old)
    cuts = [_line(file, new, IMPORT), *_imports(file, frozenset(_imported(old.body)), new.body)]
    for annotation in annotations_in(file.path, new, FieldClasses()):
        must_be = getattr(annotation.place, "name", None) in MUST_BE_NONE
        if annotation.slot is not None and annotation.slot not in there and not must_be:
            cuts.append(Cut(start_of(file, annotation.node), end_of(file, annotation.node), ANYTHING))
    return apply_cuts(file, cuts).to_bytes()


def _slots(path: str, tree: ast.Module) -> frozenset[SlotId | None]:
    return frozenset(annotation.slot for annotation in annotations_in(path, tree, FieldClasses()))


def _line(file: SourceFile, tree: ast.Module, text: bytes) -> Cut:
    """A line before the first statement that may stand behind it: docstring and imports from `__future__` come first."""
    for number, statement in enumerate(tree.body):
        documents = number == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if not documents and not (isinstance(statement, ast.ImportFrom) and statement.module == "__future__"):
            first = min([statement.lineno, *(one.lineno for one in getattr(statement, "decorator_list", []))])
            at = file.line_starts[first - 1]
            return Cut(at, at, text + b"\n")
    return Cut(len(file.data), len(file.data), b"\n" + text + b"\n")


def _imported(statements: Iterable[ast.stmt]) -> Iterator[tuple[object, ...]]:
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield from (_named(node, alias) for alias in node.names)


def _named(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> tuple[object, ...]:
    source = (node.module, node.level) if isinstance(node, ast.ImportFrom) else ()
    return (*source, alias.name, alias.asname)


def _imports(file: SourceFile, there: frozenset[tuple[object, ...]], block: Iterable[ast.stmt]) -> Iterator[Cut]:
    """Imports at the top of a file, and guarded ones there, without the names that were not imported before."""
    for statement in block:
        if isinstance(statement, ast.If) and last_name(statement.test) == "TYPE_CHECKING":
            if there.isdisjoint(_imported(statement.body)) and not statement.orelse:
                yield Cut(start_of(file, statement), end_of(file, statement), b"pass")
            else:
                yield from _imports(file, there, statement.body)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            kept = [alias for alias in statement.names if _named(statement, alias) in there]
            if len(kept) < len(statement.names):
                statement.names = kept
                text = ast.unparse(statement).encode() if kept else b"pass"
                yield Cut(start_of(file, statement), end_of(file, statement), text)
