"""The checker: the texts of a project in; what the TypeScript compiler infers of them, or complains about, out.

A compiler that infers well is evidence to take, not to rewrite. It works on a copy outside the project. Knows nothing of
rules, nor how a compiler is found or spoken to, nor what it has to be asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from typeinfer.languages.typescript import projects
from typeinfer.languages.typescript.compiler import Complaint, find_compiler, started
from typeinfer.languages.typescript.questions import Questions
from typeinfer.languages.typescript.syntax import read
from typeinfer.languages.typescript.workspace import SCRIPTS, Workspace, copied
from typeinfer.values.inferred import Diagnostic, Inference
from typeinfer.values.module import Module
from typeinfer.values.source import SourceFile, Span

# Without it an array that is filled later, or a variable that is, has no type at all.
INFERRING = {"noImplicitAny": True}

# Nobody hears of a wrong JSDoc type in a project that leaves its JavaScript unchecked; its new errors are new all the same.
CHECKING_SCRIPTS = {"checkJs": True}

MISSING_PACKAGES = frozenset({2307, 2688, 2732, 2792, 2874, 2875, 7016})
MISSING_TYPINGS = frozenset({2580, 2581, 2582, 2591, 2592, 2593, 2867, 2868})
UNUSED = frozenset({6133, 6138, 6192, 6196, 6198, 6199, 6205})
IMPLICIT_ANY = frozenset(range(7000, 8000)) - {7027, 7028, 7029, 7030}  # These four are of control flow.
NO_ERRORS = MISSING_PACKAGES | MISSING_TYPINGS | UNUSED | IMPLICIT_ANY

CANNOT_FIND = frozenset({2304, 2503, 2552})
PROVIDED = re.compile(
    r"'(?:require|process|module|exports|global|Buffer|NodeJS|JSX|React|__dirname|__filename|setImmediate|clearImmediate"
    r"|describe|it|test|expect|jest|vi|suite|before|after|beforeEach|afterEach|beforeAll|afterAll|Bun|Deno|chrome"
    r"|define|\$|jQuery)'"
)
"""Names that a runtime, a test runner or a browser provides: their typings are a package that may be missing."""


NONE_ADDED: Mapping[str, str] = MappingProxyType({})


def infer(root: Path, files: Mapping[str, SourceFile], added: Mapping[str, str] = NONE_ADDED) -> Inference:
    """What the compiler infers for these texts. `added`: settings that the project is to have and hasn't yet, by path.

    Raises `CheckerFailed` when there is no compiler, or it fails, falls silent, or answers in a shape that is not known.
    """
    compiler = find_compiler(root)
    modules = {path: _read(file, *projects.module_name(path)) for path, file in sorted(files.items())}
    modules = dict(projects.localize(root, modules))
    with (
        copied(root, files, added, compiler.major, INFERRING) as workspace,
        started(compiler, workspace.root) as session,
    ):
        session.open(workspace.texts)
        inference = Questions(modules, workspace, session).inference(compiler.name)
        notes = (f"{name}: can't be read as JSON; strict defaults take its place" for name in workspace.unreadable)
        return replace(inference, notes=tuple(notes))


def diagnose(
    root: Path, files: Mapping[str, SourceFile], added: Mapping[str, str] = NONE_ADDED
) -> tuple[Diagnostic, ...]:
    """The errors that the compiler reports for these texts; missing packages and annotations are none. `added` as above.

    Raises `CheckerFailed`.
    """
    compiler = find_compiler(root)
    forced = CHECKING_SCRIPTS if any(path.endswith(SCRIPTS) for path in files) else {}
    with copied(root, files, added, compiler.major, forced) as workspace, started(compiler, workspace.root) as session:
        session.open(workspace.texts)
        complaints = session.complaints(list(workspace.texts))
        return tuple(
            found
            for of_file in complaints
            for complaint in of_file
            if _counts(complaint) and (found := _diagnostic(workspace, complaint)) is not None
        )


# A project is inferred anew in every round, and most of its files are the same in all of them.
@lru_cache(maxsize=4096)
def _read(file: SourceFile, name: str, is_package: bool) -> Module:
    return read(file, name, is_package)


def _counts(complaint: Complaint) -> bool:
    if complaint.code in NO_ERRORS:
        return False
    return not (complaint.code in CANNOT_FIND and PROVIDED.search(complaint.message))


def _diagnostic(workspace: Workspace, complaint: Complaint) -> Diagnostic | None:
    start, end = workspace.declared(complaint.start), workspace.declared(complaint.end)
    if start is None or end is None:
        return None
    return Diagnostic(start[0], Span(start[1], max(start[1], end[1])), f"TS{complaint.code}", complaint.message)
