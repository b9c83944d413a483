"""Outcomes: what became of each file and of the whole run. Knows no terminal: reports are made of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from typeinfer.values.patches import Patch, Refused
from typeinfer.values.predictions import Prediction
from typeinfer.values.source import SourceFile


@dataclass(frozen=True)
class Changed:
    """The file gets the edits of `patch`; `refused` are slots that were decided but can't be spelled here.

    `renamed_from`: the file's path until now, where the result goes by another name.
    """

    path: str
    patch: Patch
    refused: tuple[Refused, ...] = ()
    renamed_from: str | None = None


@dataclass(frozen=True)
class Unchanged:
    """Nothing to write; `refused` as in `Changed`."""

    path: str
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True)
class Skipped:
    """Left alone on purpose, as the reason says: unreadable, broken, another version of the language, generated."""

    path: str
    reason: str


@dataclass(frozen=True)
class Failed:
    """Something went wrong with this file after it was read (it changed meanwhile, the disk is full, a law would break)."""

    path: str
    reason: str


Outcome: TypeAlias = Changed | Unchanged | Skipped | Failed


@dataclass(frozen=True)
class Run:
    """One annotation of one project: an outcome a file, in path order, and what is believed of every slot.

    `notes` are one-line messages for the user about the run as a whole (no checker, no typeshed). `added` are whole files
    that the project needs beside its annotations, by path. `checked_by`: the checkers that report no more of the result than
    of the files before; none where any of it could not be checked. `uncovered`: how many errors of before they report only now,
    since they look into what is annotated. `annotated`: how many of the slots asked about have their
    annotation, locals left aside.
    """

    outcomes: tuple[Outcome, ...]
    predictions: Mapping[str, tuple[Prediction, ...]]
    files: Mapping[str, SourceFile] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    added: Mapping[str, str] = field(default_factory=dict)
    checked_by: tuple[str, ...] = ()
    annotated: int = 0
    uncovered: int = 0
