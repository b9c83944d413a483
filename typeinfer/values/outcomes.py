"""Outcomes: what became of each file and of the whole run. Knows no terminal: reports are made of these."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from typeinfer.values.patches import Patch, Refused
from typeinfer.values.predictions import Abstain, Apply, Prediction, Suggest
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
    annotation, locals left aside. `counts`: as `reasons` of files whose predictions are put away.
    """

    outcomes: tuple[Outcome, ...]
    predictions: Mapping[str, Sequence[Prediction]]
    files: Mapping[str, SourceFile] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    added: Mapping[str, str] = field(default_factory=dict)
    checked_by: tuple[str, ...] = ()
    annotated: int = 0
    uncovered: int = 0
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


GIVEN = ""
"""Stands for the reason of slots that get their annotation."""


def reasons(predictions: Iterable[Prediction], outcome: Outcome | None) -> dict[str, int]:
    """How many slots of a file are withheld, by reason, and how many are not."""
    return dict(Counter(withheld_because(prediction, outcome) or GIVEN for prediction in predictions))


def withheld_because(prediction: Prediction, outcome: Outcome | None) -> str | None:
    """Why a slot gets no annotation, or None when it gets one."""
    match prediction.verdict, outcome:
        case (Suggest(reason) | Abstain(reason), _):
            return reason
        case Apply(), Changed(_, patch, refused):
            if prediction.slot.id in patch.written:
                return None
            return _refusal(refused, prediction)
        case Apply(), Unchanged(_, refused):
            return _refusal(refused, prediction)
        case Apply(), Skipped() | Failed():
            return "its file was left alone"
    return "no edit was made"


def _refusal(refused: Iterable[Refused], prediction: Prediction) -> str:
    return next((left.reason for left in refused if left.slot.id == prediction.slot.id), "no edit was made")
