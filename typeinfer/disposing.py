"""Disposing: what is decided and a checker in; of it what brings no new error out.

The checker is asked about the texts with everything written. Whoever is least believed of those near an error steps back, and is
heard again once the rest stands; who brings an error even then gives way, to the next type that is believed enough now that this
one is refuted, or to none. For an error that stays though its suspect stepped back, whoever brings it is found by halves, those
around it first, in as many checks for many such errors as for one. So what is left was checked as it stands, and nobody is missing
who could have been added. Writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from typeinfer.deciding import REFUSED, UNCHECKED, UNCOVERING, UNHEARD
from typeinfer.engine.engine import silent
from typeinfer.tracing import stage
from typeinfer.values.inferred import CheckerFailed, Diagnostic
from typeinfer.values.patches import Edit, apply_edits
from typeinfer.values.slots import SlotId
from typeinfer.values.source import SourceFile

if TYPE_CHECKING:
    from typeinfer.deciding import Asked, Coming, Search
    from typeinfer.engine.engine import Progress
    from typeinfer.languages.language import Installed, Language, Staying
    from typeinfer.program.project import Project
    from typeinfer.rewriting.verify import Blame, Misfit

Wanted = Mapping[str, frozenset[SlotId]]

FEW = 16
"""Of so many slots hardly ever one brings an error: after an edit, or before a commit."""


TICK = 0.1
"""Seconds between two looks at whether somebody still wants to know."""


def dispose(search: Search, progress: Progress) -> None:
    """Take back what makes the checker report an error that it didn't report before."""
    for language in search.project.languages if search.options.checker else ():
        wanted = wanted_of(search, language)
        slots = {slot for some in wanted.values() for slot in some}
        fresh = (slots & search.decided.keys()) - search.verified
        if not fresh:
            continue
        try:
            if language.name in search.failed:
                raise search.failed[language.name]
            with stage("disposing"):
                search.checkers[language.name] = hold(search, language, wanted, progress)
        except CheckerFailed as error:
            # Who hangs once is not waited for again.
            search.failed[language.name], search.checkers[language.name] = error, None
            unchecked(search, fresh, str(error))
        search.verified |= fresh & search.decided.keys()


def begin_ahead(search: Search) -> None:
    """Have every checker begin on what it is asked first, what it reports without anything new, while the model is still asked what
    may be new."""
    for language in search.project.languages if search.options.checker else ():
        checker = checker_of(search, language) or language.checkers[0]
        hearing = Hearing(search, language, wanted_of(search, language), checker)
        asked = hearing.asked(search.verified)
        if not any(hearing.wanted.values()):
            continue
        files = texts(search.project, language, hearing.edits(asked))
        if hearing.is_likely_clean(frozenset(search.open_slots())) and hearing.by_the_way(files) is not None:
            continue
        if (staying := hearing.who_stays()) is None:
            hearing.ask_early(asked)
            continue
        staying.begin(files)


def confirm(search: Search, progress: Progress) -> Callable[[], bool]:
    """Have what is decided heard once more by checkers that begin anew, beside whatever is done next: who looks at what changed
    only may miss something. What waits for them, and tells whether they report the same."""
    waits = [confirm_in(search, language, progress) for language in search.project.languages]
    return lambda: all(wait() for wait in waits)


def confirm_in(search: Search, language: Language, progress: Progress) -> Callable[[], bool]:
    """As `confirm`, of one language."""
    from typeinfer.rewriting.verify import misfits

    checker = search.checkers.get(language.name)
    if checker is None:
        return lambda: True
    hearing = Hearing(search, language, wanted_of(search, language), checker)
    asked = hearing.asked(search.verified)
    key = hearing.key(asked, True)
    if key not in search.by_staying:
        return lambda: True
    edits = hearing.edits(asked)
    coming = hearing.begin_beside(texts(search.project, language, edits))

    def is_confirmed() -> bool:
        try:
            with stage("the checker confirms"):
                while not wait([coming], TICK).done:
                    progress("confirming", 0, 1)
                return misfits(search.project, coming.result(), edits) == search.reported[key]
        except CheckerFailed:
            return False

    return is_confirmed


def wanted_of(search: Search, language: Language) -> Wanted:
    """The slots asked about that are of one language."""
    wanted = search.wanted.items()
    return {path: slots for path, slots in wanted if search.project.language_of(path) is language}


def checker_of(search: Search, language: Language) -> str | None:
    """The checker that was asked for, or that the project is set up for, if there is one."""
    asked = search.options.checked_by
    return asked if asked in language.checkers else language.checker_of(search.project.root)


def hold(search: Search, language: Language, wanted: Wanted, progress: Progress) -> str:
    """Let the checker that was asked for, or that the project is set up for, else the usual one hear what is decided; its name."""
    asked, usual = search.options.checked_by, language.checkers[0]
    own = search.checkers.get(language.name) or checker_of(search, language)
    try:
        Hearing(search, language, wanted, own or usual, progress).hold()
        return own or usual
    except CheckerFailed as error:
        if own in (asked, usual, None):
            raise
        note = f"the project is set up for {own}, but {error}; {usual} checks instead"
        search.notes += [note] if note not in search.notes else []
        Hearing(search, language, wanted, usual, progress).hold()
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
    """The decided slots of one language before its checker. `before`: what it reports without them; `kept`: those that are known to
    bring nothing new; `clean`: whom it heard together, those kept among them, when there was nothing new; `next`: those that gave
    way to another type, which has not been heard yet."""

    search: Search
    language: Language
    wanted: Wanted
    checker: str
    progress: Progress = silent
    before: Counter[Misfit] = field(default_factory=Counter)
    kept: set[SlotId] = field(default_factory=set)
    clean: list[frozenset[SlotId]] = field(default_factory=list)
    next: set[SlotId] = field(default_factory=set)
    checks: int = 0

    @property
    def budget(self) -> int:
        return self.search.options.check_budget

    def hold(self) -> None:
        """Raises `CheckerFailed`; whatever gave way until then has done so."""
        fresh = self.fresh
        if self.is_likely_clean(fresh) and self.who_stays() is not None:
            # What one says that begins anew need not be confirmed.
            self.ask_early(self.asked(self.search.verified | fresh))
        self.before = self.errors(self.search.verified)
        self.admit(fresh, again=False)
        while heard := self.next:
            self.next = set()
            self.admit(heard, again=True)
        if self.language.leaves_out(self.checker):
            self.uncover()
        self.progress("checking", self.budget, self.budget)

    def is_likely_clean(self, fresh: Collection[SlotId]) -> bool:
        """Whether there is hardly anything to be heard that wasn't heard by the last run."""
        return not self.search.reported and (bool(self.search.let_be) or len(fresh) <= FEW)

    def admit(
        self,
        group: Collection[SlotId],
        again: bool,
        tried: frozenset[Misfit] = frozenset(),
        known: Counter[Misfit] | None = None,
    ) -> None:
        """Keep as many of a group as bring no new error. `again`: they have stepped back for others before; `tried`: the errors for
        which a suspect stepped back in vain; `known`: the new errors with the group written, where that is known."""
        if not group:
            return
        if self.checks >= self.budget and (known is None or known):
            self.unheard(group)
            return
        new = self.new(group) if known is None else known
        if not new:
            self.kept.update(group)
            return
        if len(group) == 1:
            (slot,) = group
            self.give_way(slot, next(iter(new)))
            return
        suspects = self.suspects(group, new.keys() - tried)
        searched = not suspects
        if searched:
            suspects = self.culprits(group, new)
        if not suspects:
            self.unheard(group)
            return
        rest = set(group) - suspects.keys()
        left: Counter[Misfit] = self.new(rest) if rest else Counter()
        self.admit(rest, again, tried | new.keys(), left)
        # Of an error that went with several who stepped back it isn't known yet whose it was.
        guilty = {
            one: misfit
            for one, misfit in suspects.items()
            if (again and not searched and misfit not in left) or (searched and not rest)
        }
        for slot, misfit in guilty.items():
            self.give_way(slot, misfit)
        self.admit(suspects.keys() - guilty.keys(), again=True)

    def suspects(self, group: Collection[SlotId], new: Collection[Misfit]) -> dict[SlotId, Misfit]:
        """Of a group the least believed of those near each error. Of several errors of one the first counts, in every run."""
        if not new:
            return {}
        near = self.blame(group).of_all(new)
        return {min(near[misfit], key=self.standing): misfit for misfit in sorted(near, reverse=True)}

    def culprits(self, group: Collection[SlotId], new: Counter[Misfit]) -> dict[SlotId, Misfit]:
        """With whom each error comes: of those in question for it, the most believed first, the one from whom on it is there. Found
        by halves, for all errors at once; none where that takes too many checks.

        An error may go with somebody who steps back for another one: who is found is heard again.
        """
        blame, everybody = self.blame(group), set(group)
        orders: dict[Misfit, list[SlotId]] = {}
        stubborn = set(new)
        for ring in (blame.of, blame.around, blame.within_reach, blame.anywhere):
            orders |= {misfit: sorted(ring(misfit), key=self.standing, reverse=True) for misfit in stubborn}
            stubborn &= self.new(everybody.difference(*orders.values())).keys()
            if not stubborn or self.checks >= self.budget:
                break
        bounds = {misfit: (0, len(order)) for misfit, order in orders.items() if order}
        while any(high - low > 1 for low, high in bounds.values()):
            if self.checks >= self.budget:
                return {}
            # Up to the middle everybody is written; of whom it is known already, only the one is not.
            out: set[SlotId] = set()
            for misfit, (low, high) in bounds.items():
                out.update(orders[misfit][(low + high) // 2 :] if high - low > 1 else orders[misfit][low:high])
            found = self.new(everybody - out)
            for misfit, (low, high) in bounds.items():
                if high - low > 1:
                    middle = (low + high) // 2
                    bounds[misfit] = (low, middle) if misfit in found else (middle, high)
        return {orders[misfit][bounds[misfit][0]]: misfit for misfit in sorted(bounds, reverse=True)}

    def uncover(self) -> None:
        """Count the errors that were there before, where the checker didn't look, or kept silent, for want of annotations; what has
        it report them is taken back, if that was asked for."""
        search, said = self.search, self.errors((), everywhere=False)
        while True:
            found = self.errors(search.decided.keys(), everywhere=False) - said
            uncovered = (found & self.before) | self.shy(found)
            search.uncovered[self.language.name] = uncovered.total()
            fresh = self.fresh
            around = {slot: misfit for misfit in uncovered for slot in self.around(misfit, fresh)}
            if not search.options.withhold_uncovered or not around:
                return
            for slot, misfit in around.items():
                search.take_back(slot, UNCOVERING, f"{misfit.code}: {misfit.message}")

    def around(self, misfit: Misfit, fresh: Collection[SlotId]) -> set[SlotId]:
        """The fresh slots of the functions that an error stands in."""
        module = self.search.project.modules[misfit.path]
        start = module.file.line_starts[misfit.line - 1]
        names = {one.qualname for one in module.functions if one.span.start <= start < one.span.end}
        return {slot for slot in fresh if slot.path == misfit.path and slot.qualname in names}

    @property
    def fresh(self) -> set[SlotId]:
        """What is decided, can be written and is not known to do no harm.

        What can't be written brings no error, and among those in question it would have others found guilty in a second run, which
        decides it again, than in the first.
        """
        slots = {slot for slots in self.wanted.values() for slot in slots}
        return (slots & self.search.decided.keys()) - self.search.verified - self.search.unwritten()

    def unheard(self, group: Collection[SlotId]) -> None:
        """Where it can't be found out any more who brings an error, the most that were heard together without any are kept, and the
        others aren't written."""
        everybody = self.kept.union(group)
        heard = [them for them in self.clean if self.kept <= them <= everybody]
        self.kept.update(max(heard, key=len, default=()))
        for slot in everybody - self.kept:
            self.search.take_back(slot, UNHEARD, f"within {self.budget} checks")

    def errors(self, written: Collection[SlotId], everywhere: bool = True) -> Counter[Misfit]:
        """What the checker reports with these slots written, of those that are wanted."""
        from typeinfer.rewriting.verify import misfits

        search = self.search
        # One that was asked before counts too: a second run has to ask, and is to come to the same.
        self.checks += 1
        asked = self.asked(written)
        key = self.key(asked, everywhere)
        known = search.reported.get(key)
        if known is not None:
            return known
        edits = self.edits(asked)
        with stage("the checker checks"):
            said, stayed = self.ask(key, texts(search.project, self.language, edits), everywhere)
            found = misfits(search.project, said, edits)
        search.reported[key] = found
        if stayed:
            search.by_staying.add(key)
        return found

    def ask(self, key: Asked, files: Mapping[str, SourceFile], everywhere: bool) -> tuple[tuple[Diagnostic, ...], bool]:
        """What the checker reports, and whether it is one that stays. Raises `CheckerFailed`."""
        if (coming := self.search.coming.pop(key, None)) is not None:
            return coming.result(), False
        if everywhere and (reported := self.by_the_way(files)) is not None:
            return reported, True
        if everywhere and (staying := self.who_stays()) is not None:
            self.search.asked[self.language.name, False] += 1
            try:
                return staying.diagnose(files), True
            except CheckerFailed as error:
                self.search.give_up(self.language, infers=False, error=error)
        return self.begin_anew(files, everywhere), False

    def by_the_way(self, files: Mapping[str, SourceFile]) -> tuple[Diagnostic, ...] | None:
        """What who infers reported of these very texts, if that is the checker and was asked about them last."""
        asked, reported = self.search.by_the_way.get(self.language.name, (None, ()))
        # Who infers sees no packages.
        return reported if self.is_usual and self.installed is None and asked == files else None

    def who_stays(self) -> Staying | None:
        """Who is asked, if it is one that stays."""
        return self.search.stay(self.language, infers=False) if self.is_usual else None

    @property
    def installed(self) -> Installed | None:
        return self.search.project.installed.get(self.language.name)

    @property
    def is_usual(self) -> bool:
        return self.checker == self.language.checkers[0]

    def ask_early(self, asked: Wanted) -> None:
        """Have one that begins anew asked what will be asked of these slots."""
        files = texts(self.search.project, self.language, self.edits(asked))
        self.search.coming[self.key(asked, True)] = self.begin_beside(files)

    def begin_beside(self, files: Mapping[str, SourceFile]) -> Coming:
        """In a thread of its own one that begins anew."""
        beside = ThreadPoolExecutor(1, "checker")
        coming = beside.submit(self.begin_anew, files, True)
        beside.shutdown(wait=False)
        return coming

    def begin_anew(self, files: Mapping[str, SourceFile], everywhere: bool) -> tuple[Diagnostic, ...]:
        """Raises `CheckerFailed`."""
        root, added, version = self.search.project.root, self.search.added, self.search.version(self.language)
        return self.language.diagnose(root, files, added, version, self.checker, everywhere, self.installed)

    def edits(self, asked: Wanted) -> dict[str, tuple[Edit, ...]]:
        """What writes these slots, by path."""
        modules = self.search.project.modules
        with stage("rewriting"):
            return {path: self.search.rewrite(modules[path], slots).edits for path, slots in asked.items() if slots}

    def key(self, asked: Wanted, everywhere: bool) -> Asked:
        """By what a report is found again."""
        slots = (slot for slots in asked.values() for slot in slots)
        return self.checker, everywhere, hash(frozenset((slot, self.search.decided[slot].type) for slot in slots))

    def asked(self, written: Collection[SlotId]) -> dict[str, frozenset[SlotId]]:
        """What is written with these slots, of those that are wanted."""
        there = self.search.decided.keys() & set(written)
        return {path: slots & there for path, slots in self.wanted.items()}

    def new(self, group: Iterable[SlotId]) -> Counter[Misfit]:
        """The errors that weren't there before, with a group written beside what is kept."""
        self.progress("checking", self.checks, self.budget)
        heard = self.kept.union(group)
        found = self.errors(self.search.verified | heard) - self.before
        new = found - self.shy(found)
        if not new:
            self.clean.append(frozenset(heard))
        return new

    def shy(self, found: Counter[Misfit]) -> Counter[Misfit]:
        """Those that come with an annotation, whichever it is, and are nobody's fault."""
        codes = self.language.shy(self.checker)
        return Counter({misfit: count for misfit, count in found.items() if misfit.code in codes})

    def blame(self, group: Iterable[SlotId]) -> Blame:
        from typeinfer.rewriting.verify import Blame

        return Blame(self.search.project, {slot: self.search.decided[slot].slot for slot in group})

    def standing(self, slot: SlotId) -> tuple[float, str]:
        """By this slots are ordered, the least believed first."""
        best = self.search.predictions[slot].best
        return (best.probability if best is not None else 0.0, repr(slot))

    def give_way(self, slot: SlotId, misfit: Misfit) -> None:
        """To the next type that may be written, or to none."""
        search, said = self.search, f"{misfit.code}: {misfit.message}"
        self.clean = [them for them in self.clean if slot not in them]
        following = search.following(slot, said)
        if following is None:
            search.take_back(slot, REFUSED, said)
        else:
            search.predictions[slot] = following
            search.write_down(slot)
            self.next.add(slot)


def texts(project: Project, language: Language, edits: Mapping[str, tuple[Edit, ...]]) -> dict[str, SourceFile]:
    """The files of one language with these edits in them, by path."""
    files = {path: one.file for path, one in project.modules.items() if project.language_of(path) is language}
    return files | {path: files[path].with_data(apply_edits(files[path].data, some)) for path, some in edits.items()}
