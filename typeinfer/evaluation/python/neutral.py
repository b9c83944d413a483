"""Neutral: a project, and what a tool made of it, in; the latter with `Any` for every annotation that is the tool's, out.

What a checker reports there it reports of the code, whatever types are written: a body is looked into for the first time, and that
is no tool's fault. Reads with `ast` alone. Knows nothing of checkers.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeGuard

from typeinfer.evaluation.python.stripping import Cut, apply_cuts, end_of, start_of
from typeinfer.evaluation.python.written import Annotation, FieldClasses, FunctionNode, annotations_in, last_name
from typeinfer.values.slots import SlotId
from typeinfer.values.source import SourceFile, Unreadable, decode

ANYTHING = b"_Anything"
IMPORT = b"from typing import Any as _Anything"
MUST_BE_NONE = ("__init__", "__init_subclass__")
"""Of these a checker takes no other return type."""


def neutral(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of `after`. Imports that are the tool's go too. A file that this can't be made of is as it was before, so that all
    that is reported of it counts as new."""
    found = dict(after)
    for path, raw in before.items():
        if after.get(path, raw) != raw:
            try:
                made = _neutral(decode(path, "python", after[path]), ast.parse(raw), ast.parse(after[path]))
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    compile(made, path, "exec", dont_inherit=True)
                found[path] = made
            except (Unreadable, SyntaxError, RecursionError, ValueError, AssertionError):
                found[path] = raw
    return found


def _neutral(file: SourceFile, old: ast.Module, new: ast.Module) -> bytes:
    there = {_known_by(annotation) for annotation in annotations_in(file.path, old, FieldClasses())}
    cuts = [_line(file, new, IMPORT), *_imports(file, frozenset(_imported(old.body)), new.body)]
    for annotation in annotations_in(file.path, new, FieldClasses()):
        if _known_by(annotation) not in there:
            place = annotation.place
            returns = isinstance(place, FunctionNode) and place.name in MUST_BE_NONE
            text = b"None" if returns else ANYTHING
            cuts.append(Cut(start_of(file, annotation.node), end_of(file, annotation.node), text))
    return apply_cuts(file, cuts).to_bytes()


def _known_by(annotation: Annotation) -> SlotId | str:
    """Where an annotation stands; what it says, where that is at no slot."""
    return annotation.slot or ast.dump(annotation.node)


def _line(file: SourceFile, tree: ast.Module, text: bytes) -> Cut:
    """A line before the first statement that may stand behind it: docstring and imports from `__future__` come first."""
    line = 0
    for number, statement in enumerate(tree.body):
        documents = number == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if not documents and not _is_future(statement):
            first = min([statement.lineno, *(one.lineno for one in getattr(statement, "decorator_list", []))])
            beside = first == line
            at = start_of(file, statement) if beside else file.line_starts[first - 1]
            return Cut(at, at, text + (b"; " if beside else b"\n"))
        line = statement.end_lineno or 0
    return Cut(len(file.data), len(file.data), b"\n" + text + b"\n")


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def _guards(statement: ast.stmt) -> TypeGuard[ast.If]:
    return isinstance(statement, ast.If) and last_name(statement.test) == "TYPE_CHECKING"


def _imported(block: Iterable[ast.stmt]) -> Iterator[tuple[object, ...]]:
    """What a file imports at its top, guarded or not."""
    for statement in block:
        if _guards(statement):
            yield from _imported(statement.body)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            yield from (_named(statement, alias) for alias in statement.names)


def _named(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> tuple[object, ...]:
    source = (node.module, node.level) if isinstance(node, ast.ImportFrom) else ()
    return (*source, alias.name, alias.asname)


def _imports(file: SourceFile, there: frozenset[tuple[object, ...]], block: Iterable[ast.stmt]) -> Iterator[Cut]:
    """Those imports without the names that were not imported before, but for `TYPE_CHECKING`, which guards what is left."""
    for statement in block:
        if _guards(statement):
            yield from _imports(file, there, statement.body)
        elif isinstance(statement, ast.Import | ast.ImportFrom) and not _is_future(statement):
            kept = [one for one in statement.names if one.name == "TYPE_CHECKING" or _named(statement, one) in there]
            if len(kept) < len(statement.names):
                statement.names = kept
                text = ast.unparse(statement).encode() if kept else b"pass"
                yield Cut(start_of(file, statement), end_of(file, statement), text)
