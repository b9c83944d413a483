"""Doubting: a project with annotations in; those of them that all evidence speaks against, out.

The annotations asked about are taken out of the texts, in memory, and found again as if nobody had written them. What is then
believed and can't be what was written is a doubt in two cases: it is almost sure, on the word of rules that may decide; or it is
likely and the checker bears it out, for an error that it reports goes once the one stands in the place of the other. In neither may
it report a new one. Wider and narrower types are no contradiction; `X` where `X | None` is seen is one. Writes nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from typeinfer.deciding import Model, Options, Search, Version
from typeinfer.disposing import texts
from typeinfer.engine.engine import Progress
from typeinfer.languages.taking import takes
from typeinfer.rewriting.rewrites import Rewrites
from typeinfer.values.inferred import CheckerFailed
from typeinfer.values.module import Module
from typeinfer.values.patches import Edit, Placed, apply_edits
from typeinfer.values.predictions import Apply, Prediction, Suggest
from typeinfer.values.slots import Slot, SlotId
from typeinfer.values.source import Span
from typeinfer.values.typeexpr import NONE, UNKNOWN, TypeExpr, without

if TYPE_CHECKING:
    from typeinfer.languages.language import Language
    from typeinfer.model.belief import Belief
    from typeinfer.program.project import Project
    from typeinfer.rewriting.verify import Misfit

SURE = 0.95
"""The least probability of what speaks against an annotation."""

TRACE = 0.02
"""The most that may be left for what was written."""

LIKELY, LITTLE = 0.3, 0.2
"""The same where the checker bears the doubt out."""

STRUCTURAL = ("typing.", "collections.abc.", "typing_extensions.", "os.PathLike", "numbers.", "_typeshed.")
"""Types that others are without saying so."""


class Doubt(msgspec.Struct, frozen=True, array_like=True):
    """An annotation, and what is believed of its slot by everybody else: `prediction`, of the text without it, by the slot as it
    stands in the text with it. `said`: the checker of what is written, and not of what is believed."""

    written: TypeExpr
    prediction: Prediction
    said: str = ""


def doubts(
    project: Project,
    wanted: Mapping[str, frozenset[SlotId]],
    options: Options,
    beliefs: Mapping[str, Belief],
    model: Model | None,
    progress: Progress,
    note: Callable[[str], None],
) -> tuple[Doubt, ...]:
    """`wanted`: the slots asked about, by path; those without an annotation are left aside. `note` is told what may be missing,
    and why."""
    written = {
        slot.id: (slot, term)
        for path, slots in wanted.items()
        for slot in project.modules[path].slots
        if slot.id in slots and _is_removable(project, project.modules[path], slot)
        if (term := project.written_type(project.modules[path], slot)) is not None
    }
    if not written:
        return ()
    bare = _without(project, [slot for slot, _ in written.values()])
    search = Search(bare, replace(options, max_error=None), wanted, frozenset(), beliefs, Rewrites(bare), model)
    for _ in search.settle(progress):
        pass
    for line in search.notes:
        note(line)
    search.explain(written)
    found = [
        Doubt(term, msgspec.structs.replace(search.predictions[id], slot=slot))
        for id, (slot, term) in written.items()
        if id in search.predictions and _left(project, search.predictions[id], term) <= LITTLE
    ]
    return tuple(_as_the_checker_has_it(project, options, beliefs, found, note))


def _is_removable(project: Project, module: Module, slot: Slot) -> bool:
    """An annotation behind what it annotates, that nothing reads and nothing else depends on."""
    if slot.written is None or slot.local or project.is_given(module, slot):
        return False
    between = module.file.data[slot.insert_at : slot.written.start].strip()
    return slot.insert_at <= slot.written.start and between in (b":", b"->", b"?:", b"")


def _without(project: Project, slots: Iterable[Slot]) -> Project:
    edits: dict[str, list[Edit]] = defaultdict(list)
    for slot in sorted(slots, key=lambda slot: slot.insert_at):
        if slot.written is not None:
            edits[slot.id.path].append(Edit(Span(slot.insert_at, slot.written.end), ""))
    return project.with_data(
        {path: apply_edits(project.modules[path].file.data, tuple(some)) for path, some in edits.items()}
    )


def _left(project: Project, prediction: Prediction, written: TypeExpr) -> float:
    """What is left, of all belief, for what was written: 1 where what is likely does not contradict it."""
    best, language = prediction.best, project.language_of(prediction.slot.id.path)
    if best is None or best.probability < LIKELY or isinstance(prediction.verdict, Suggest):
        return 1.0
    if not contradicts(project, language, written, best.type):
        return 1.0
    return sum(
        other.probability for other in prediction.ranked if not contradicts(project, language, written, other.type)
    )


def _is_sure(project: Project, beliefs: Mapping[str, Belief], doubt: Doubt) -> bool:
    """Whether a doubt can do without the checker's word. The model alone proves nothing to whoever wrote otherwise."""
    prediction, best = doubt.prediction, doubt.prediction.best
    return (
        best is not None
        and best.probability >= SURE
        and isinstance(prediction.verdict, Apply)
        and _left(project, prediction, doubt.written) <= TRACE
        and beliefs[project.language_of(prediction.slot.id.path).name].decides(
            prediction.slot.place, best.type, prediction.because
        )
    )


def contradicts(project: Project, language: Language, written: TypeExpr, seen: TypeExpr) -> bool:
    """Whether values of one type can't all be of the other, nor the other way round, or null is seen and wasn't written."""
    one, other = without(NONE, written), without(NONE, seen)
    missing_none = other != seen and one == written and _takes(project, language, written, NONE) is False
    if UNKNOWN in (one, other):
        return missing_none
    related = _takes(project, language, one, other) is not False or _takes(project, language, other, one) is not False
    return missing_none if related else True


def _takes(project: Project, language: Language, wide: TypeExpr, narrow: TypeExpr) -> bool | None:
    """Whether a value of `narrow` may stand where `wide` is asked for; None where that isn't known."""

    def is_below(above: str, name: str) -> bool | None:
        if above == "object" or above.startswith(STRUCTURAL) or not _is_known(project, language, above):
            return None
        ancestors = project.ancestors(name)
        if above in ancestors:
            return True
        known = _is_known(project, language, name) and all(_is_known(project, language, one) for one in ancestors)
        return False if known else None

    return takes(language, wide, narrow, is_below)


def _is_known(project: Project, language: Language, name: str) -> bool:
    """Whether all ancestors of a class can be told."""
    return language.is_builtin(name) or project.declared_class(name) is not None or bool(language.library_bases(name))


def _as_the_checker_has_it(
    project: Project,
    options: Options,
    beliefs: Mapping[str, Belief],
    found: Sequence[Doubt],
    note: Callable[[str], None],
) -> list[Doubt]:
    """Those that bring no new error in the place of what is written; those that are not sure only where an error goes."""
    sure = {doubt.prediction.slot.id for doubt in found if _is_sure(project, beliefs, doubt)}
    kept: list[Doubt] = []
    for language in project.languages:
        own = [doubt for doubt in found if project.language_of(doubt.prediction.slot.id.path) is language]
        certain = [doubt for doubt in own if doubt.prediction.slot.id in sure]
        others: list[Doubt] = []
        if options.checker and own:
            try:
                checker = options.checked_by if options.checked_by in language.checkers else language.checkers[0]
                version = options.target_version or language.default_version
                before = _reported(project, language, {}, version, checker)
                # Alone: of many that are not sure one may bring an error that is laid at the door of one that is.
                certain = _taken(project, language, version, checker, before, certain)
                taken = _taken(project, language, version, checker, before, own)
                others = [doubt for doubt in taken if doubt.said and doubt.prediction.slot.id not in sure]
            except CheckerFailed as error:
                note(str(error))
        kept += [*certain, *others]
    return sorted(kept, key=lambda doubt: (doubt.prediction.slot.id.path, doubt.prediction.slot.span.start))


def _taken(
    project: Project,
    language: Language,
    version: Version,
    checker: str,
    before: Counter[Misfit],
    some: Sequence[Doubt],
) -> list[Doubt]:
    """Those that the checker takes, with what it then no longer says; `before`: what it says of all as it is written. Raises
    `CheckerFailed`."""
    from typeinfer.rewriting.verify import Blame

    if not some:
        return []
    placed: dict[str, list[Placed]] = defaultdict(list)
    for doubt in some:
        slot, best = doubt.prediction.slot, doubt.prediction.best
        if best is not None:
            placed[slot.id.path].append(Placed(slot, best.type))
    edits = {
        path: language.writer(module, project.names_in_scope(module), version)(asked).edits
        for path, asked in placed.items()
        for module in (project.modules[path],)
    }
    after = _reported(project, language, edits, version, checker)
    blame = Blame(project, {doubt.prediction.slot.id: doubt.prediction.slot for doubt in some})
    new = after - before
    guilty = {slot for near in blame.of_all(new).values() for slot in near} if new else set()
    said = {slot: f"{misfit.code}: {misfit.message}" for misfit in before - after for slot in blame.named_by(misfit)}
    return [
        msgspec.structs.replace(doubt, said=said.get(doubt.prediction.slot.id, ""))
        for doubt in some
        if doubt.prediction.slot.id not in guilty
    ]


def _reported(
    project: Project, language: Language, edits: Mapping[str, tuple[Edit, ...]], version: Version, checker: str
) -> Counter[Misfit]:
    """What a checker reports of the files of one language with these edits in them, by path. Raises `CheckerFailed`."""
    from typeinfer.rewriting.verify import misfits

    installed = project.installed.get(language.name)
    said = language.diagnose(project.root, texts(project, language, edits), {}, version, checker, installed=installed)
    return misfits(project, said, edits)
