"""Judge: what the benchmark asks of a language: strip a project, read what a tool wrote, say when two types are the same.

A judge reads with the language's own parser and never with ours, so that it can't share a bug with what it judges. Knows no
tool but by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from typeinfer.evaluation.peers import Tool
from typeinfer.values.slots import SlotId

Variant: TypeAlias = Literal["kept", "bare"]
"""What of a published project stays beside its code: all imports, or no import that only annotations used."""


@dataclass(frozen=True)
class StrippedProject:
    """`files` by path: the bytes after stripping. `truth`: the removed annotation of every slot that is judged.

    `skipped`: files that can't be stripped, with the reason; they stand in `files` as they were.
    """

    files: Mapping[str, bytes]
    truth: Mapping[SlotId, str]
    skipped: Mapping[str, str]


class Origin(Enum):
    """Where the names of a type come from; a type counts by its farthest name, the last of this list."""

    BUILTIN = "builtin"
    LIBRARY = "standard library"
    THIRD_PARTY = "third party"
    PROJECT = "project-defined"


@dataclass(frozen=True)
class Form:
    """A type, apart from how it is spelled: equal types agree in `exact`, their outermost constructors in `base`."""

    exact: str
    base: str
    generic: bool
    """It has arguments, or one of its alternatives has."""


@dataclass(frozen=True)
class Review:
    """What a tool made of the files that were stripped: every annotation that is there now, and how many were added.

    `broken`: files that no longer parse. `altered`: files in which more changed than annotations and imports.
    """

    written: Mapping[SlotId, str]
    added: int
    broken: int
    altered: int


class Judge(Protocol):
    """One language. Every language has its own projects, peers and checker; figures mean the same for all."""

    @property
    def language(self) -> str:
        """Its name: the key of its projects in `benchmarks/projects.toml`."""

    @property
    def peers(self) -> tuple[Tool, ...]:
        """The tools that ours is compared with."""

    def read_tree(self, root: Path) -> dict[str, bytes]:
        """The files below a folder that are the project's, by path relative to it with forward slashes."""

    def strip(self, files: Mapping[str, bytes], variant: Variant) -> StrippedProject:
        """The project without annotations, and what they were."""

    def review(self, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Review:
        """Compare the files of `before` with what a tool made of them."""

    def forms(self, annotations: Iterable[str]) -> Mapping[str, Form]:
        """The form of each of these annotations."""

    def origins(self, files: Mapping[str, bytes], truth: Mapping[SlotId, str]) -> dict[SlotId, Origin]:
        """The class of every ground truth type, by what its names mean in the annotated files."""

    def errors(self, root: Path) -> int:
        """How many errors the checker reports below a folder; what is missing because it isn't installed is none."""

    def errors_of_others(self, root: Path) -> Mapping[str, int]:
        """How many errors other checkers report there, by their names; one that isn't installed, or fails, is left out."""

    def neutral(self, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """The files of `after` with a type that says nothing wherever they have an annotation that `before` hadn't: what a checker
        reports there was uncovered and not made."""


def write_tree(root: Path, files: Mapping[str, bytes]) -> None:
    for path, raw in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(raw)
