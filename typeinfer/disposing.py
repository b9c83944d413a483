"""Disposing: what is decided and a checker in; of it what brings no new error out.

The checker is asked about the texts with everything written. For each error more than before the least believed of those near it
gives way, to the next type that is believed enough now that this one is refuted, or to none; for one that stays twice as many
do. Whoever gave way in vain is heard once more at the end. What is left was checked as it stands. Writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from typeinfer.deciding import REFUSED, UNCHECKED, UNCOVERING
from typeinfer.values.inferred import CheckerFailed
from typeinfer.values.patches import Edit, Placed, apply_edits
from typeinfer.values.predictions import Prediction
from typeinfer.values.slots import SlotId

if TYPE_CHECKING:
    from typeinfer.deciding import Search, Version
    from typeinfer.engine.local import Progress
    from typeinfer.languages.language import Language
    from typeinfer.program.project import Project
    from typeinfer.rewriting.verify import Misfit

Wanted = Mapping[str, frozenset[SlotId]]


def dispose(search: Search, wanted: Wanted, progress: Progress) -> bool:
    """Take back what makes the checker report an error that it didn't report before. `wanted`: the slots to be written, by path.

    True where something was taken back and something else is new: then there may be more to find.
    """
    taken = kept = False
    for language in search.project.languages if search.options.checker else ():
        of_language = {path: slots for path, slots in wanted.items() if search.project.language_of(path) is language}
        slots = {slot for some in of_language.values() for slot in some}
        fresh = (slots & search.decided.keys()) - search.verified
        if not fresh:
            continue
        try:
            search.checkers[language.name] = hold(search, language, of_language, progress)
        except CheckerFailed as error:
            search.checkers[language.name] = None
            unchecked(search, fresh, str(error))
        taken |= not fresh <= search.decided.keys()
        kept |= bool(fresh & search.decided.keys())
        search.verified |= fresh & search.decided.keys()
    return taken and kept


def hold(search: Search, language: Language, wanted: Wanted, progress: Progress) -> str:
    """Let the checker that was asked for, or that the project is set up for, else the usual one hear what is decided; its name."""
    asked = search.options.checked_by
    own = asked if asked in language.checkers else language.checker_of(search.project.root)
    usual = language.checkers[0]
    try:
        Hearing(search, language, wanted, own or usual).hold(progress)
        return own or usual
    except CheckerFailed as error:
        if own in (asked, usual, None):
            raise
        note = f"the project is set up for {own}, but {error}; {usual} checks instead"
        search.notes += [note] if note not in search.notes else []
        Hearing(search, language, wanted, usual).hold(progress)
        return usual


def unchecked(search: Search, fresh: Iterable[SlotId], why: str) -> None:
    """Without its checker what is decided is written unchecked, or not at all, as was asked."""
    required = search.options.require_check
    if all(why not in note for note in search.notes):
        search.notes.append(
            f"{why}; what is written is not checked" if not required else f"{why}; nothing is written unchecked"
        )
    for slot in fresh if required else ():
        search.take_back(slot, UNCHECKED, why)


@dataclass
class Hearing:
    """The decided slots of one language before its checker. `first`: what stood at those that gave way; `blamed`: the error that
    each gave way for last; `seen`: how often each error was reported."""

    search: Search
    language: Language
    wanted: Wanted
    checker: str
    first: dict[SlotId, tuple[Placed, Prediction]] = field(default_factory=dict)
    blamed: dict[SlotId, Misfit] = field(default_factory=dict)
    acquitted: set[SlotId] = field(default_factory=set)
    seen: Counter[Misfit] = field(default_factory=Counter)
    checks: int = 0

    def hold(self, progress: Progress) -> None:
        """Raises `CheckerFailed`; whatever gave way until then has done so."""
        budget = self.search.options.check_budget
        before = self.errors(self.search.verified)
        while self.fresh:
            progress("checking", self.checks, budget)
            new = self.errors(self.search.decided.keys()) - before
            self.acquitted |= {slot for slot, misfit in self.blamed.items() if misfit in new}
            if not new:
                break
            self.seen.update(new.keys())
            # Whoever can't be found out by then, all go.
            if self.checks >= budget:
                for slot in self.fresh:
                    self.take_back(slot, next(iter(new)))
            for slot, misfit in self.suspects(new).items():
                self.give_way(slot, misfit)
        self.hear_again(before, budget)
        if self.language.leaves_out(self.checker):
            self.uncover(before)
        progress("checking", budget, budget)

    def uncover(self, before: Counter[Misfit]) -> None:
        """Count the errors that were there before, where the checker didn't look for want of annotations; what has it look there is
        taken back, if that was asked for."""
        search, said = self.search, self.errors((), everywhere=False)
        while True:
            uncovered = (self.errors(search.decided.keys(), everywhere=False) - said) & before
            search.uncovered[self.language.name] = uncovered.total()
            around = {slot: misfit for misfit in uncovered for slot in self.around(misfit)}
            if not search.options.withhold_uncovered or not around:
                return
            for slot, misfit in around.items():
                search.take_back(slot, UNCOVERING, f"{misfit.code}: {misfit.message}")

    def around(self, misfit: Misfit) -> set[SlotId]:
        """The fresh slots of the functions that an error stands in."""
        module = self.search.project.modules[misfit.path]
        start = module.file.line_starts[misfit.line - 1]
        names = {one.qualname for one in module.functions if one.span.start <= start < one.span.end}
        return {slot for slot in self.fresh if slot.path == misfit.path and slot.qualname in names}

    @property
    def fresh(self) -> set[SlotId]:
        """What is decided and not known to do no harm."""
        slots = {slot for slots in self.wanted.values() for slot in slots}
        return (slots & self.search.decided.keys()) - self.search.verified

    def errors(self, written: Collection[SlotId], everywhere: bool = True) -> Counter[Misfit]:
        """What the checker reports with these slots written, of those that are wanted."""
        search, modules = self.search, self.search.project.modules
        asked = {path: slots & set(written) for path, slots in self.wanted.items()}
        edits = {path: search.rewrite(modules[path], slots).edits for path, slots in asked.items() if slots}
        version = search.options.target_version or self.language.default_version
        self.checks += 1
        return reported(search.project, self.language, edits, search.added, version, self.checker, everywhere)

    def suspects(self, new: Counter[Misfit]) -> dict[SlotId, Misfit]:
        """The least believed of those near each error, one where it is new, twice as many each time that it stays."""
        from typeinfer.rewriting.verify import Blame

        decided, predictions = self.search.decided, self.search.predictions
        blame = Blame(self.search.project, {slot: decided[slot].slot for slot in self.fresh})
        found: dict[SlotId, Misfit] = {}
        for misfit, near in blame.of_all(new).items():
            ordered = sorted(near, key=lambda slot: (_probability(predictions[slot]), repr(slot)))
            found |= dict.fromkeys(ordered[: 2 ** (self.seen[misfit] - 1)], misfit)
        return found

    def give_way(self, slot: SlotId, misfit: Misfit) -> None:
        """To the next type that may be written, or to none."""
        search = self.search
        self.first.setdefault(slot, (search.decided[slot], search.predictions[slot]))
        self.blamed[slot] = misfit
        following = search.following(slot, f"{misfit.code}: {misfit.message}")
        if following is None:
            self.take_back(slot, misfit)
        else:
            search.predictions[slot] = following
            search.write_down(slot)

    def take_back(self, slot: SlotId, misfit: Misfit) -> None:
        self.first.setdefault(slot, (self.search.decided[slot], self.search.predictions[slot]))
        self.search.take_back(slot, REFUSED, f"{misfit.code}: {misfit.message}")

    def hear_again(self, before: Counter[Misfit], budget: int) -> None:
        """Write what gave way for errors that stayed all the same, as far as it does no harm now."""
        from typeinfer.rewriting.verify import Blame

        search = self.search
        again = {slot for slot in self.acquitted if search.decided.get(slot) != self.first[slot][0]}
        instead = {slot: (search.decided.get(slot), search.predictions[slot]) for slot in again}
        for slot in again:
            search.decided[slot], search.predictions[slot] = self.first[slot]
        while again:
            new = self.errors(search.decided.keys()) - before if self.checks < budget else None
            if new is not None and not new:
                return
            near = Blame(search.project, {slot: self.first[slot][0].slot for slot in again}).of_all(new or ())
            guilty = {slot for slots in near.values() for slot in slots} if new else set(again)
            for slot in guilty:
                placed, search.predictions[slot] = instead[slot]
                search.decided.pop(slot)
                if placed is not None:
                    search.decided[slot] = placed
            again -= guilty


def reported(
    project: Project,
    language: Language,
    edits: Mapping[str, tuple[Edit, ...]],
    added: Mapping[str, str],
    version: Version,
    checker: str,
    everywhere: bool = True,
) -> Counter[Misfit]:
    """What a checker reports of the files of one language with these edits in them, by path. Raises `CheckerFailed`."""
    from typeinfer.rewriting.verify import misfits

    files = {path: one.file for path, one in project.modules.items() if project.language_of(path) is language}
    texts = {path: files[path].with_data(apply_edits(files[path].data, some)) for path, some in edits.items()}
    said = language.diagnose(project.root, {**files, **texts}, added, version, checker, everywhere)
    return misfits(project, said, edits)


def _probability(prediction: Prediction) -> float:
    return prediction.best.probability if prediction.best is not None else 0.0
