"""Remembering: runs in; the same run, when the same is asked of the same texts, out; else what still stands of the last one.

After an edit it would cost a whole run to come to what is known already of slots that have nothing to do with it (`edited.py`). So
they stay as they were, and the rest of the next run goes on from there; all that is to be written is checked together, and proven.
What was decided otherwise opens what names it in turn (`Search.reopen`). It may end elsewhere than a run that remembers nothing.
Knows nothing of how a run goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import msgspec

from typeinfer.deciding import READ_AT_RUN_TIME, UNHEARD
from typeinfer.reading import read_before
from typeinfer.values.module import Module
from typeinfer.values.outcomes import Changed, Failed, Outcome, Run, Skipped, Unchanged, reasons
from typeinfer.values.patches import Edit, Patch, Refused, apply_edits
from typeinfer.values.predictions import Abstain, Prediction, PutAway, Suggest
from typeinfer.values.slots import Slot, SlotId
from typeinfer.values.source import SourceFile, Span
from typeinfer.values.store import Store

if TYPE_CHECKING:
    from typeinfer.program.changes import Lines
    from typeinfer.program.project import Project


NOT_PACKED = (msgspec.MsgspecError, RecursionError, OverflowError)
"""What is raised where a type is nested too deep."""


@dataclass(frozen=True)
class Standing:
    """What the last run said of slots: `said` of those that stand as they were, `opened` of those that are asked about again."""

    said: Mapping[SlotId, Prediction] = field(default_factory=dict)
    opened: Mapping[SlotId, Prediction] = field(default_factory=dict)


NOTHING_STANDS = Standing()


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
        """The run that was made of these texts, put away. `named`: they, by the paths that they get in it."""
        found = self._found(files)
        return None if found is None else found.run(named)

    def keep(self, files: Mapping[str, SourceFile], run: Run) -> None:
        try:
            self._keep(files, _Remembered.of(run))
        except NOT_PACKED:
            return

    def wrote(self, files: Mapping[str, SourceFile], after: Mapping[str, Module]) -> None:
        """What the run about these texts said was written, and made this of some of them: the run about what came of it finds
        nothing more to write, and believes the same of what is left."""
        found = self._found(files)
        # Another process may have come to something else since, and what it would have written nobody wrote.
        if found is not None and found.changes >= after.keys():
            texts = {**files, **{path: module.file for path, module in after.items()}}
            self._keep(texts, found.written(after))

    def _found(self, files: Mapping[str, SourceFile]) -> _Remembered | None:
        return self.store.get("run", self.key(files), _Remembered)

    def _keep(self, files: Mapping[str, SourceFile], remembered: _Remembered) -> None:
        digests = _digests(files)
        self.store.put("run", self._key(self._asked, digests), remembered)
        last = self.store.get("last", self._of_last, _Last)
        # A run about a few files is less to go on from than the one about all that was before it, as far as those are still there.
        if last is None or not digests.keys() & last.whole > {*self._whole}:
            self.store.put("last", self._of_last, _Last(self._asked, digests, self._whole))

    def texts(self, files: Mapping[str, SourceFile]) -> Mapping[str, SourceFile]:
        """The files, with what the last run was to write in them, as far as nobody edited what is around it."""
        from typeinfer.program.project import module_names

        if self._last is None:
            return files
        last, found = self._last
        written = {kept.path: kept.edits for kept in found.files if kept.edits and kept.path in files}
        edited = [path for path in written if files[path].digest != last.digests.get(path)]
        names = module_names(files) if edited else {}
        for path in edited:
            before = read_before(self.store, path, last.digests.get(path, ""), names[path])
            written[path] = () if before is None else _outside(written[path], before, files[path])
        return {
            path: file.with_data(apply_edits(file.data, written[path])) if written.get(path) else file
            for path, file in files.items()
        }

    @cached_property
    def _last(self) -> tuple[_Last, _Remembered] | None:
        last = self.store.get("last", self._of_last, _Last)
        found = self.store.get("run", self._key(last.asked, last.digests), _Remembered) if last is not None else None
        return None if last is None or found is None else (last, found)

    def standing(self, project: Project) -> Standing:
        """What the last run said of slots that what was edited since doesn't bear on, where they stand now, and of the others."""
        from typeinfer.program.edited import Edits

        if self._last is None:
            return NOTHING_STANDS
        last, found = self._last
        digests = _digests({path: module.file for path, module in project.modules.items()})
        # What a file that is gone was good for nobody can tell any more.
        if not last.digests.keys() <= digests.keys():
            return NOTHING_STANDS
        changed = {path for path, digest in digests.items() if last.digests.get(path) != digest}
        # Where nothing was to be decided then, whoever names what is there looked at it without.
        unasked = digests.keys() & {*self._whole} - {*last.whole}
        refused = {kept.path for kept in found.files if kept.became == "skipped"}
        # Whoever brought an error that nobody was found for may be among those who were edited.
        unheard = {path for path, counts in found.counts.items() if UNHEARD in counts}
        heard_again = not unheard.isdisjoint(changed)
        before = {path: self._versions(project.modules[path], last.digests.get(path)) for path in changed - unasked}
        edits = Edits.of(before | {path: (None, project.modules[path]) for path in unasked})
        near = changed | unasked | project.beside(changed | unasked)
        standing, opened = dict[SlotId, Prediction](), dict[SlotId, Prediction]()
        for path in sorted({*last.whole}.intersection(self._whole, found.predictions)):
            module = project.modules[path]
            # Of a file that couldn't be read, or wasn't to be rewritten, nobody asked the model.
            anew = path in changed & refused
            touched = edits.bear_on(module) if path in near and not anew else frozenset()
            there = {slot.id: slot for slot in module.slots}
            for said in _moved(PutAway(*found.predictions[path]), there):
                stands = not anew and said.slot.id not in touched and _still_stands(project, module, said, heard_again)
                (standing if stands else opened)[said.slot.id] = said
        return Standing(standing, opened)

    def _versions(self, module: Module, digest: str | None) -> tuple[Module | None, Module]:
        """A file as it was read when it had this digest, where that is remembered, and as it was read now."""
        path, name = module.file.path, (module.name, module.is_package)
        now = read_before(self.store, path, module.file.digest, name)
        before = read_before(self.store, path, digest, name) if digest is not None and now is not None else None
        return before, now or module

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


def _outside(edits: tuple[Edit, ...], before: Module, after: SourceFile) -> tuple[Edit, ...]:
    """The edits of a text as edits of another one: those outside of the functions in which the two differ."""
    old, new = before.file.data, after.data
    start = _alike(old, new)
    rest = _alike(old[start:][::-1], new[start:][::-1])
    end, shift = len(old) - rest, len(new) - len(old)
    for function in before.functions:
        if function.span.start < end and start < function.span.end:
            start, end = min(start, function.span.start), max(end, function.span.end)
    return tuple(
        edit if edit.span.end <= start else Edit(Span(edit.span.start + shift, edit.span.end + shift), edit.text)
        for edit in edits
        if edit.span.end <= start or edit.span.start >= end
    )


def _alike(one: bytes, two: bytes) -> int:
    """How many bytes both begin with."""
    return next((at for at, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))


def _still_stands(project: Project, module: Module, said: Prediction, heard_again: bool) -> bool:
    """Whether a verdict is what it was, whoever edited what. `heard_again`: for whom no checks were left there may be some now."""
    match said.verdict:
        case Abstain(reason):
            return reason != UNHEARD or not heard_again
        case Suggest(reason):
            return (reason == READ_AT_RUN_TIME) is project.is_read_at_run_time(module, said.slot)
    return not project.is_read_at_run_time(module, said.slot)


Said = TypeVar("Said", Prediction, Refused)


def _moved(said: Iterable[Said], slots: Mapping[SlotId, Slot]) -> tuple[Said, ...]:
    """What is said of these slots, of them where they stand now."""
    return tuple(msgspec.structs.replace(one, slot=slots[one.slot.id]) for one in said if one.slot.id in slots)


def _packed(predictions: Sequence[Prediction]) -> _Packed:
    put = PutAway.of(predictions)
    return put.told, put.size


def put_away(run: Run) -> Run:
    """The same run, what it believes of slots as bytes until somebody looks, and counted. As it is where a type is nested too
    deep."""
    outcomes = {outcome.path: outcome for outcome in run.outcomes}
    counts = {path: reasons(predictions, outcomes.get(path)) for path, predictions in run.predictions.items()}
    try:
        predictions = {path: PutAway.of(predictions) for path, predictions in run.predictions.items()}
        return replace(run, outcomes=tuple(map(_put_away, run.outcomes)), predictions=predictions, counts=counts)
    except NOT_PACKED:
        return run


def _put_away(outcome: Outcome) -> Outcome:
    if not isinstance(outcome, Changed):
        return outcome
    patch = outcome.patch
    return replace(outcome, patch=Patch(patch.file, patch.edits, PutAway.of(patch.predictions)))


def _digests(files: Mapping[str, SourceFile]) -> dict[str, str]:
    return {path: file.digest for path, file in files.items()}


class _Last(msgspec.Struct, frozen=True, array_like=True):
    """What a run was asked, and of which texts. `whole`: files asked about as a whole."""

    asked: bytes
    digests: dict[str, str]
    whole: tuple[str, ...]


_Packed: TypeAlias = tuple[bytes, int]
"""What a `PutAway` is made of."""


class _File(msgspec.Struct, frozen=True, array_like=True):
    path: str
    became: str
    reason: str = ""
    edits: tuple[Edit, ...] = ()
    written: _Packed = (b"", 0)
    refused: tuple[Refused, ...] = ()
    renamed_from: str | None = None


class _Remembered(msgspec.Struct, frozen=True, array_like=True):
    """A run without the texts, which the key of the cache stands for."""

    files: tuple[_File, ...]
    predictions: dict[str, _Packed]
    counts: dict[str, dict[str, int]]
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
                    written = _packed(patch.predictions)
                    kept.append(_File(path, "changed", "", patch.edits, written, refused, renamed_from))
                case Unchanged(path, refused):
                    kept.append(_File(path, "unchanged", refused=refused))
                case Skipped(path, reason):
                    kept.append(_File(path, "skipped", reason))
                case Failed(path, reason):
                    kept.append(_File(path, "failed", reason))
        return _Remembered(
            tuple(kept),
            {path: _packed(predictions) for path, predictions in run.predictions.items()},
            {path: dict(counts) for path, counts in run.counts.items()},
            run.notes,
            dict(run.added),
            run.checked_by,
            run.annotated,
            run.uncovered,
        )

    def run(self, files: Mapping[str, SourceFile]) -> Run:
        return Run(
            tuple(self.outcome(kept, files) for kept in self.files),
            {path: PutAway(*told) for path, told in self.predictions.items()},
            {path: files[path] for path in self.predictions},
            self.notes,
            self.added,
            self.checked_by,
            self.annotated,
            self.uncovered,
            self.counts,
        )

    @property
    def changes(self) -> set[str]:
        return {kept.path for kept in self.files if kept.became == "changed"}

    def written(self, after: Mapping[str, Module]) -> _Remembered:
        """What there is to say once it is written, which made this of some files."""
        files = {kept.path: kept for kept in self.files}
        predictions, counts, annotated = dict(self.predictions), dict(self.counts), self.annotated
        for path, module in after.items():
            given = {one.slot.id: one.slot for one in PutAway(*files[path].written)}
            annotated += sum(slot.written is None and not slot.local for slot in given.values())
            slots = {slot.id: slot for slot in module.slots if slot.id not in given}
            left = _moved(PutAway(*predictions[path]), slots)
            files[path] = _File(path, "unchanged", refused=_moved(files[path].refused, slots))
            predictions[path] = _packed(left)
            counts[path] = reasons(left, Unchanged(path, files[path].refused))
        return msgspec.structs.replace(
            self,
            files=tuple(files.values()),
            predictions=predictions,
            counts=counts,
            annotated=annotated,
            uncovered=0,
        )

    def outcome(self, kept: _File, files: Mapping[str, SourceFile]) -> Outcome:
        match kept.became:
            case "changed":
                patch = Patch(files[kept.path], kept.edits, PutAway(*kept.written))
                return Changed(kept.path, patch, kept.refused, kept.renamed_from)
            case "unchanged":
                return Unchanged(kept.path, kept.refused)
            case "skipped":
                return Skipped(kept.path, kept.reason)
        return Failed(kept.path, kept.reason)
