"""Rewrites: files of a project and the types decided of them in; the edits that write these out.

What was made once isn't made again: not for the next check, which differs in few files, and with a store not in the next run
either, as long as the file is the same and all that it was answered about the names of others. Knows nothing of why a type was
decided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeVar

import msgspec

from typeinfer.values.module import Module
from typeinfer.values.naming import NamesInScope
from typeinfer.values.patches import Placed, Rewrite, Writer
from typeinfer.values.slots import SlotId
from typeinfer.values.store import Store
from typeinfer.values.typeexpr import TypeExpr

if TYPE_CHECKING:
    from typeinfer.languages.language import Language
    from typeinfer.program.project import Project

A = TypeVar("A")
Version = tuple[int, int]
Written = frozenset[tuple[SlotId, TypeExpr]]

VERSIONS = 32
"""So many versions of a file are kept in mind."""


@dataclass
class Rewrites:
    """`target_version`: as in `deciding.Options`; `store`: where the last rewrite of each file is kept."""

    project: Project
    target_version: Version | None = None
    store: Store | None = None
    files: dict[str, _File] = field(default_factory=dict)

    def of(self, module: Module, placed: Sequence[Placed]) -> Rewrite:
        """What writes these types into a file."""
        path = module.file.path
        if not placed:
            return Rewrite(())
        if path not in self.files:
            language = self.project.language_of(path)
            self.files[path] = _File(self.project, module, language, self.target_version or language.default_version)
            if self.store is not None:
                self.files[path].go_on_from(self.store)
        return self.files[path].rewrite(placed)

    def keep(self) -> None:
        """The last rewrite of every file, for the next run."""
        for file in self.files.values():
            if self.store is not None:
                file.keep(self.store)


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    """A rewrite, and all that it was made of that the file doesn't tell."""

    written: Written
    rewrite: Rewrite
    names: bytes
    answers: _Answers


class _Answers(msgspec.Struct, array_like=True):
    """What was answered about the names of others, question by question."""

    locate: dict[str, tuple[str, str] | None] = {}
    library: dict[str, bool] = {}
    path_of: dict[str, str | None] = {}

    def hold(self, names: NamesInScope) -> bool:
        """Whether these names answer the same."""
        return (
            all(names.locate(name) == answer for name, answer in self.locate.items())
            and all(names.library(name) == answer for name, answer in self.library.items())
            and all(names.path_of(name) == answer for name, answer in self.path_of.items())
        )


@dataclass
class _File:
    """The rewrites of one file. `last`: the one that was asked for last; `kept`: whether the store has it."""

    project: Project
    module: Module
    language: Language
    version: Version
    known: dict[Written, Rewrite] = field(default_factory=dict)
    last: Written = frozenset()
    kept: Written | None = None
    answers: _Answers = field(default_factory=_Answers)

    def rewrite(self, placed: Sequence[Placed]) -> Rewrite:
        self.last = frozenset((asked.slot.id, asked.type) for asked in placed)
        if self.last not in self.known:
            if len(self.known) == VERSIONS:
                self.known.clear()
            self.known[self.last] = self.write(placed)
        return self.known[self.last]

    @cached_property
    def write(self) -> Writer:
        answers, names = self.answers, self.names
        noted = replace(
            names,
            locate=_noted(names.locate, answers.locate),
            library=_noted(names.library, answers.library),
            path_of=_noted(names.path_of, answers.path_of),
        )
        return self.language.writer(self.module, noted, self.version)

    @cached_property
    def names(self) -> NamesInScope:
        return self.project.names_in_scope(self.module)

    @cached_property
    def key(self) -> tuple[str, ...]:
        module = self.module
        return (module.file.path, module.file.digest, module.name, str(module.is_package), *map(str, self.version))

    @cached_property
    def names_told(self) -> bytes:
        """A digest of what the project told of the names in the file before it was asked anything. Settings may say what imports
        mean."""
        names = self.names
        tables: tuple[Mapping[str, str], ...] = (names.bound, names.starred)
        told = [*(sorted(table.items()) for table in tables), sorted(names.cyclic), self.module.imports]
        return blake2b(msgspec.msgpack.encode(told), digest_size=16).digest()

    def go_on_from(self, store: Store) -> None:
        kept = store.get("rewrite", self.key, _Kept)
        if kept is not None and kept.names == self.names_told and kept.answers.hold(self.names):
            self.known[kept.written], self.kept = kept.rewrite, kept.written

    def keep(self, store: Store) -> None:
        if self.last and self.last != self.kept:
            kept = _Kept(self.last, self.known[self.last], self.names_told, self.answers)
            store.put("rewrite", self.key, kept)


def _noted(answer: Callable[[str], A], notes: dict[str, A]) -> Callable[[str], A]:
    """As it answers, each answer noted."""

    def asked(name: str) -> A:
        notes[name] = answer(name)
        return notes[name]

    return asked
