"""Inferred: what a type checker says of a project, in our terms. Knows no checker.

Every place is a path relative to the project's root and a byte span of that file; names in types are qualified.
Types keep their holes: `list[Unknown]` is what the checker knew.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from typeinfer.values.slots import SlotId
from typeinfer.values.source import Span
from typeinfer.values.typeexpr import TypeExpr


@dataclass(frozen=True, slots=True)
class CallTarget:
    """A function of the project that a call reaches: its path and the span of its name."""

    path: str
    name_span: Span


@dataclass(frozen=True)
class FileInference:
    """One file: `results` by the span of the function's name (a generator's or coroutine's as the caller sees it),
    `variables` by the span of the bare name, `expressions` by their own span (names, constants, calls), `targets` by the
    span of the whole call. `expected`: what the function called takes in the place of an argument, by the argument's span.
    """

    results: Mapping[Span, TypeExpr] = field(default_factory=dict)
    variables: Mapping[Span, TypeExpr] = field(default_factory=dict)
    expressions: Mapping[Span, TypeExpr] = field(default_factory=dict)
    targets: Mapping[Span, tuple[CallTarget, ...]] = field(default_factory=dict)
    expected: Mapping[Span, TypeExpr] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One error that a checker reports: `code` is its own name for the kind of error, `message` one line."""

    path: str
    span: Span
    code: str
    message: str


@dataclass(frozen=True)
class Inference:
    """What the checker inferred over the project, by path; `fields`: by qualified class, its attributes' types. Either may be read
    out of a report when it is first asked for, which raises `CheckerFailed` where that has another shape.

    `seen`: of slots what is known only because installed packages were in view; `files` have it too.

    `notes` are one-line messages for the user: settings that could not be used. `reported`: the errors in the same texts, as in
    `Language.diagnose` by the usual checker; None where it didn't look for any. `mentioning`: as `reaching`, where there is one.
    """

    checker: str
    files: Mapping[str, FileInference] = field(default_factory=dict)
    fields: Mapping[str, Mapping[str, TypeExpr]] = field(default_factory=dict)
    seen: Mapping[SlotId, TypeExpr] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    reported: tuple[Diagnostic, ...] | None = field(default=None, compare=False)
    mentioning: Callable[[Collection[CallTarget]], Collection[str]] | None = field(
        default=None, compare=False, repr=False
    )

    def of(self, path: str) -> FileInference:
        return self.files.get(path, NOTHING)

    def reaching(self, functions: Collection[CallTarget]) -> Collection[str]:
        """The paths of the files in which a call may reach one of these functions: all of them where that is known only once they
        are read."""
        return self.files.keys() if self.mentioning is None else self.mentioning(functions)


NOTHING = FileInference()


Complaint: TypeAlias = tuple[str, str]
"""What is wrong, wherever: the checker's name for it, and one line."""


class CheckerFailed(Exception):
    """The checker is missing, crashed, hung or speaks another version; the message is one line that says which."""


class CheckerEnded(CheckerFailed):
    """One that was to stay has crashed: one that is begun anew may do better."""
