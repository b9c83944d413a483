"""Remembering: runs in; the same run, when the same is asked of the same texts, out; else what still stands of the last one.

After an edit it would cost a whole run to come to what is known already of files that have nothing to do with it. So they stay as
they were, and the rest of the next run goes on from there; all that is to be written is checked together, and proven. It may end
elsewhere than a run that remembers nothing. Knows nothing of how a run goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from typeinfer.values.outcomes import Changed, Failed, Outcome, Run, Skipped, Unchanged
from typeinfer.values.patches import Edit, Patch, Refused
from typeinfer.values.predictions import Apply, Prediction
from typeinfer.values.slots import SlotId
from typeinfer.values.source import SourceFile
from typeinfer.values.store import Store

if TYPE_CHECKING:
    from typeinfer.program.changes import Lines
    from typeinfer.program.project import Project


@dataclass(frozen=True)
class Memory:
    """What a store remembers of runs under the same circumstances: the same options, weights, and versions of what is asked.
    `only`: the files asked about, and the lines in them; `part`: which part of the project they are, if it has several."""

    store: Store
    circumstances: Sequence[str | bytes]
    only: Mapping[str, Sequence[Lines]]
    part: str = ""

    def key(self, files: Mapping[str, SourceFile]) -> Sequence[str | bytes]:
        """All that a run depends on."""
        return self._key(self._asked, _digests(files))

    def run(self, files: Mapping[str, SourceFile], named: Mapping[str, SourceFile]) -> Run | None:
        """The run that was made of these texts. `named`: they, by the paths that they get in it."""
        found = self.store.get("run", self.key(files), _Remembered)
        return None if found is None else found.run(named)

    def keep(self, files: Mapping[str, SourceFile], run: Run) -> None:
        digests = _digests(files)
        self.store.put("run", self._key(self._asked, digests), _Remembered.of(run))
        last = self.store.get("last", self._of_last, _Last)
        # A run about a few files is less to go on from than the one about all that was before it.
        if last is None or not {*last.whole} > {*self._whole}:
            self.store.put("last", self._of_last, _Last(self._asked, digests, self._whole))

    def standing(self, project: Project) -> Mapping[SlotId, Prediction]:
        """What the last run said of files that haven't changed since, and have nothing to do with those that have."""
        last = self.store.get("last", self._of_last, _Last)
        digests = _digests({path: module.file for path, module in project.modules.items()})
        # What a file that is gone was good for nobody can tell any more.
        if last is None or not last.digests.keys() <= digests.keys():
            return {}
        found = self.store.get("run", self._key(last.asked, last.digests), _Remembered)
        if found is None:
            return {}
        changed = {path for path, digest in digests.items() if last.digests.get(path) != digest}
        untouched = {*last.whole}.intersection(self._whole) - changed - project.beside(changed)
        return {
            prediction.slot.id: prediction
            for path in sorted(untouched & found.predictions.keys())
            for prediction in found.predictions[path]
        }

    def _key(self, asked: bytes, digests: Mapping[str, str]) -> Sequence[str | bytes]:
        return [*self.circumstances, asked, *(part for pair in sorted(digests.items()) for part in pair)]

    @property
    def _of_last(self) -> Sequence[str | bytes]:
        return [*self.circumstances, self.part]

    @property
    def _asked(self) -> bytes:
        return msgspec.json.encode(sorted((path, repr(lines)) for path, lines in self.only.items()))

    @property
    def _whole(self) -> tuple[str, ...]:
        from typeinfer.program.changes import EVERY_LINE

        return tuple(path for path, lines in self.only.items() if EVERY_LINE in lines)


def _digests(files: Mapping[str, SourceFile]) -> dict[str, str]:
    return {path: file.digest for path, file in files.items()}


class _Last(msgspec.Struct, frozen=True, array_like=True):
    """What a run was asked, and of which texts. `whole`: files asked about as a whole."""

    asked: bytes
    digests: dict[str, str]
    whole: tuple[str, ...]


class _File(msgspec.Struct, frozen=True, array_like=True):
    path: str
    became: str
    reason: str = ""
    edits: tuple[Edit, ...] = ()
    refused: tuple[Refused, ...] = ()
    renamed_from: str | None = None


class _Remembered(msgspec.Struct, frozen=True, array_like=True):
    """A run without the texts, which the key of the cache stands for."""

    files: tuple[_File, ...]
    predictions: dict[str, tuple[Prediction, ...]]
    notes: tuple[str, ...]
    added: dict[str, str]
    checked_by: tuple[str, ...] = ()
    annotated: int = 0
    uncovered: int = 0

    @staticmethod
    def of(run: Run) -> _Remembered:
        kept = []
        for outcome in run.outcomes:
            match outcome:
                case Changed(path, patch, refused, renamed_from):
                    kept.append(_File(path, "changed", "", patch.edits, refused, renamed_from))
                case Unchanged(path, refused):
                    kept.append(_File(path, "unchanged", refused=refused))
                case Skipped(path, reason):
                    kept.append(_File(path, "skipped", reason))
                case Failed(path, reason):
                    kept.append(_File(path, "failed", reason))
        return _Remembered(
            tuple(kept), dict(run.predictions), run.notes, dict(run.added), run.checked_by, run.annotated, run.uncovered
        )

    def run(self, files: Mapping[str, SourceFile]) -> Run:
        outcomes = tuple(self.outcome(kept, files) for kept in self.files)
        texts = {path: files[path] for path in self.predictions}
        return Run(
            outcomes, self.predictions, texts, self.notes, self.added, self.checked_by, self.annotated, self.uncovered
        )

    def outcome(self, kept: _File, files: Mapping[str, SourceFile]) -> Outcome:
        match kept.became:
            case "changed":
                refused = {refusal.slot.id for refusal in kept.refused}
                written = tuple(
                    prediction
                    for prediction in self.predictions[kept.path]
                    if isinstance(prediction.verdict, Apply) and prediction.slot.id not in refused
                )
                return Changed(kept.path, Patch(files[kept.path], kept.edits, written), kept.refused, kept.renamed_from)
            case "unchanged":
                return Unchanged(kept.path, kept.refused)
            case "skipped":
                return Skipped(kept.path, kept.reason)
        return Failed(kept.path, kept.reason)
