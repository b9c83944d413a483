"""Patches: what is to change in one file, as byte spans and texts. Overlap is refused at construction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TypeAlias

from msgspec import Struct

from typeinfer.values.predictions import Prediction
from typeinfer.values.slots import Slot, SlotId
from typeinfer.values.source import SourceFile, Span
from typeinfer.values.typeexpr import TypeExpr


class Edit(Struct, frozen=True, order=True, array_like=True, gc=False):
    """Replace the bytes of `span` with `text`; an empty span inserts."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A type that is to be written at a slot; its names are qualified."""

    slot: Slot
    type: TypeExpr


class Refused(Struct, frozen=True, array_like=True, gc=False):
    """A slot that can't be written after all, with the reason."""

    slot: Slot
    reason: str


@dataclass(frozen=True)
class Rewrite:
    """What a language makes of placed types: the edits, the import statements among them, and what it refused.

    `added_imports` holds the qualified names that the edits import, for the erasure law to take out again.
    """

    edits: tuple[Edit, ...]
    added_imports: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()

    def __post_init__(self) -> None:
        refuse_overlap(self.edits)


Writer: TypeAlias = "Callable[[Sequence[Placed]], Rewrite]"
"""What writes types into one file."""


@dataclass(frozen=True)
class Patch:
    """The edits of one file and the predictions that asked for them.

    Raises `ValueError` when two edits overlap. Two insertions at one place are kept in the order given.
    """

    file: SourceFile
    edits: tuple[Edit, ...]
    predictions: Sequence[Prediction]

    def __post_init__(self) -> None:
        refuse_overlap(self.edits)

    @cached_property
    def written(self) -> frozenset[SlotId]:
        """The slots that get an annotation."""
        return frozenset(prediction.slot.id for prediction in self.predictions)

    def result(self) -> SourceFile:
        return self.file.with_data(apply_edits(self.file.data, self.edits))


def refuse_overlap(edits: tuple[Edit, ...]) -> None:
    ordered = sorted(edits, key=lambda edit: (edit.span.start, edit.span.end))
    for before, after in pairwise(ordered):
        if after.span.start < before.span.end:
            raise ValueError(f"edits overlap at bytes {after.span.start} to {before.span.end}")


def apply_edits(data: bytes, edits: tuple[Edit, ...]) -> bytes:
    pieces: list[bytes] = []
    position = 0
    for edit in sorted(edits, key=lambda edit: (edit.span.start, edit.span.end)):
        pieces += [data[position : edit.span.start], edit.text.encode("utf-8")]
        position = edit.span.end
    return b"".join([*pieces, data[position:]])
