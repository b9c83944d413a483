"""Deciding: a project in; for every slot what is believed of it, and what of that may be written, out.

Decided types are written into the texts in memory, and the checker and the type model, where there is one, are asked again until
nothing new is decided: what a second run would find is found by the first. Writes nothing, keeps nothing between runs.
"""

from __future__ import annotations

from collections import ChainMap, Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

import msgspec

from typeinfer.engine.engine import Engine, Progress, silent
from typeinfer.engine.freed import hand_back
from typeinfer.engine.local import HERE
from typeinfer.languages import LANGUAGES, language_of
from typeinfer.rewriting.rewrites import Rewrites
from typeinfer.tracing import stage
from typeinfer.values.inferred import CheckerEnded, CheckerFailed, Diagnostic, Inference
from typeinfer.values.module import Assignment, Constant, Module, Name, Value
from typeinfer.values.patches import Placed, Rewrite, apply_edits
from typeinfer.values.predictions import (
    Abstain,
    Apply,
    Evidence,
    Prediction,
    Ranked,
    Ranking,
    Refusal,
    Suggest,
    Verdict,
)
from typeinfer.values.slots import Slot, SlotId, SlotKind
from typeinfer.values.source import SourceFile
from typeinfer.values.typeexpr import NONE, UNKNOWN, TypeExpr, rename

if TYPE_CHECKING:
    from typeinfer.languages.language import Language, Staying
    from typeinfer.model.belief import Belief
    from typeinfer.program.changes import Lines
    from typeinfer.program.project import Project, Read
    from typeinfer.rewriting.verify import Misfit

CHECKS = 120
"""Each time what would be written is heard it is checked at most this often. Most projects need a few, dnspython 88, astroid all;
each costs 0.2 s for 7,000 lines of Python."""

REFUSED = "refused by the checker"
UNHEARD = "not found out in time"
UNCHECKED = "not checked"
UNCOVERING = "would uncover an error"
READ_AT_RUN_TIME = "the annotation would be read at run time"

ROUNDS = 24
"""Most projects settle in four to six, astroid in nine, dnspython in eleven."""

WORTH_BEGINNING = 4
"""A checker that stays is begun again if it was asked so often before it crashed: pyrefly 1.4.1 does once in some thirty checks of
astroid."""

Version = tuple[int, int]
Asked = tuple[str, bool, int]
"""A checker, whether it looks everywhere, and a hash of all that is written: thousands of slots for each of a hundred checks would
take thirty megabytes, and two of them share 64 bits once in a million million runs."""
Coming = Future[tuple[Diagnostic, ...]]
Stays = tuple[str, bool]
"""A checker that stays, by the name of its language and whether it infers."""
Infer: TypeAlias = "Callable[[Language, Mapping[str, SourceFile]], Inference]"


@dataclass(frozen=True)
class Options:
    """What is asked for. `only`: the files to annotate and the lines in them; the rest of the project is evidence."""

    only: Mapping[str, Sequence[Lines]]
    kinds: frozenset[SlotKind] = frozenset(SlotKind)
    kinds_named: bool = False
    """The user named the kinds: then locals, and annotations that only repeat the value, are written too."""
    min_confidence: float | None = None
    """The least probability of what is written; None for the bound that each language's belief was fitted with."""
    max_error: float | None = None
    """The share of what is written that may be wrong: the bound that was promised to keep it is used. Types that are not sure
    enough are then written without their arguments, where these alone are in doubt."""
    model: Path | None = None
    """The folder of the type model; None for rules and checker alone."""
    device: str = "cpu"
    """Where the model computes: `"cpu"`, or `"cuda"` for a GPU."""
    target_version: Version | None = None
    engine: Engine = HERE
    """Who does the work that many files or units need alike. What comes of it is the same."""
    replace_any: bool = False
    checker: bool = True
    packages: bool = False
    """The checker also sees the packages that are installed in the project's environment, where it has one."""
    checked_by: str | None = None
    """The checker that what would be written is held against; None for the one that the project is set up for."""
    check_budget: int = CHECKS
    """How often that checker is asked, at most."""
    require_check: bool = False
    """What couldn't be checked isn't written."""
    withhold_uncovered: bool = False
    """What has a checker look at errors that were there before is not written."""
    rounds: int = ROUNDS
    """Everybody is asked again at most this often."""
    hasty: bool = False
    """Nobody is asked again once all is decided that is to be written, though more might be believed of what isn't."""
    rename: bool = False
    """Files that take no annotations are renamed to what does, where their language has such a thing."""


class Ranker(Protocol):
    """The type model: texts and what rules say of them in, its ranking of every slot that is wanted out."""

    @property
    def hears(self) -> Collection[str]:
        """The rules whose word it takes; what others say is nothing to it."""

    @property
    def trouble(self) -> str | None:
        """Why it computes elsewhere than it was asked to, if it does: one line for the user."""

    def read_ahead(self, project: Project, asked: frozenset[SlotId]) -> None:
        """Have done what needs no evidence, for whoever asks about some of these slots of this very project next."""

    def rank(
        self,
        project: Project,
        evidence: Mapping[SlotId, Sequence[Evidence]],
        wanted: Callable[[Slot], bool],
    ) -> Mapping[SlotId, Ranking]: ...


@dataclass(frozen=True)
class Model:
    """A model ready to be asked and, by language, what to believe of a slot that it was asked about. Slots of other languages
    are left to the rules."""

    ranker: Ranker
    beliefs: Mapping[str, Belief]


@dataclass(frozen=True)
class Heard:
    evidence: tuple[Evidence, ...]
    ranking: Ranking | None
    checked: bool


@dataclass
class Search:
    """What is decided so far. What is left of it after a round only grows, and every round sees it written into the texts."""

    project: Project
    options: Options
    wanted: Mapping[str, frozenset[SlotId]]
    """The slots asked about, by path. Of others nothing is decided: it wouldn't be written, and the next run, which finds these
    written and those not, would come to something else of those, and then of more of these."""
    closed: frozenset[str]
    """Files that are not rewritten, whatever is believed."""
    beliefs: Mapping[str, Belief]
    """By the name of the language that it was fitted for."""
    rewrites: Rewrites
    model: Model | None = None
    added: Mapping[str, str] = field(default_factory=dict)
    """Files that the project is to have and hasn't yet, by path."""
    read: Read | None = None
    """As in `Project.with_data`."""
    decided: dict[SlotId, Placed] = field(default_factory=dict)
    predictions: dict[SlotId, Prediction] = field(default_factory=dict)
    let_be: set[SlotId] = field(default_factory=set)
    """Slots that stay as a run before this one had them, unless what was decided of them is taken back, or something else of what
    they name."""
    before: Mapping[SlotId, Prediction] = field(default_factory=dict)
    """What that run said of them, and of the others."""
    verified: set[SlotId] = field(default_factory=set)
    """Decided slots of which it is known that they bring no new error."""
    checkers: dict[str, str | None] = field(default_factory=dict)
    """Who knows, by language; None where nobody could be asked."""
    failed: dict[str, CheckerFailed] = field(default_factory=dict)
    """Why nobody could be, by language."""
    uncovered: dict[str, int] = field(default_factory=dict)
    """By language, how many errors of before the checker reports only now that something around them is annotated."""
    checked: bool = True
    """A checker answered in this round."""
    rankings: dict[SlotId, Ranking] = field(default_factory=dict)
    """The model's last word."""
    locals_asked: frozenset[SlotId] | None = None
    """The locals that the model is asked about; None for all where they may be written, or none."""
    heard: dict[SlotId, Heard] = field(default_factory=dict)
    """What each prediction was made of: of the same comes the same."""
    reported: dict[Asked, Counter[Misfit]] = field(default_factory=dict)
    """What each checker reported with so much written: a hearing begins where the one before it ended."""
    by_staying: set[Asked] = field(default_factory=set)
    """Of these a checker reported that stayed and looked at what changed: `disposing.confirm` in the end."""
    by_the_way: dict[str, tuple[Mapping[str, SourceFile], tuple[Diagnostic, ...]]] = field(default_factory=dict)
    """By language, what the checker that infers reported by the way, and of which texts, when it was asked last."""
    coming: dict[Asked, Coming] = field(default_factory=dict)
    """What a checker is being asked already."""
    checkers_stay: bool = True
    """They may, where they can."""
    staying: dict[Stays, Staying] = field(default_factory=dict)
    """The checkers that stay for as long as `settle` goes on."""
    stay_on: bool = False
    """They stay when it is over, too: whoever gave them ends them."""
    asked: Counter[Stays] = field(default_factory=Counter)
    """How often each of them was asked since it was begun."""
    left: set[Stays] = field(default_factory=set)
    """Those that hung, or crashed too soon, and aren't begun again."""
    seen: dict[SlotId, TypeExpr] = field(default_factory=dict)
    """What is inferred of slots with installed packages in view."""
    seen_in: set[str] = field(default_factory=set)
    """The files that this was asked about."""
    notes: list[str] = field(default_factory=list)
    evident_slots: dict[str, frozenset[SlotId]] = field(default_factory=dict)
    canonical_names: dict[TypeExpr, TypeExpr] = field(default_factory=dict)

    def settle(
        self,
        progress: Progress,
        hear: Callable[[], None] = lambda: None,
        ahead: Callable[[], None] = lambda: None,
    ) -> Iterator[Mapping[SlotId, tuple[Evidence, ...]]]:
        """Ask, decide, write down in memory, and ask again until nothing is new; the evidence of every round. `hear` takes back
        what is not to stand (`disposing.py`); of whom that wasn't found out in time is decided again in the next round, and once
        nothing else is new of those that were refused, too, as a second run would. What stood before is heard with the first
        that is new, and with none if there is none. `ahead`: what may begin once the first inference is there."""
        try:
            yield from self._rounds(progress, hear, ahead)
        finally:
            if not self.stay_on:
                let_go(self.staying)

    def _rounds(
        self, progress: Progress, hear: Callable[[], None], ahead: Callable[[], None]
    ) -> Iterator[Mapping[SlotId, tuple[Evidence, ...]]]:
        # What was known before is written down from the start.
        overlay = self.with_decided(self.project, {slot.path for slot in self.decided})
        rounds = self.options.rounds
        for turn in range(rounds):
            progress("inferring", turn, rounds)
            begin = ahead if turn == 0 else lambda: None
            evidence = self.look(overlay, progress, begin) if any(self.open_slots()) else {}
            # Checkers are about to take as much.
            hand_back()
            kept: set[SlotId] = set()
            stood = dict(self.decided)
            for refused in (False, True):
                with stage("deciding"):
                    fresh = self.decide(evidence, refused)
                if fresh or self.let_be & (self.decided.keys() - self.verified):
                    hear()
                    kept = {slot for slot in {*self.decided, *stood} if self.decided.get(slot) != stood.get(slot)}
                if kept:
                    break
            yield evidence
            if not kept and not (kept := self.reopen()):
                break
            with stage("reading what is written", files=len({slot.path for slot in kept})):
                overlay = self.with_decided(overlay, {slot.path for slot in kept})
        else:
            self.notes.append(f"types still came to light in round {rounds}; run again to find the rest")
        progress("inferring", rounds, rounds)

    def reopen(self) -> set[SlotId]:
        """Ask again about those that were let be and name what something else is believed of than in the run before; they. What was
        decided of them stays where they name what nothing was decided of then: that can only have more speak for it, and who is
        asked when all else is known is a little less sure, or surer, of the same."""
        if not self.let_be:
            return set()
        from typeinfer.program.edited import naming

        new = {slot: placed.type for slot, placed in self.decided.items() if slot not in self.let_be}
        old = {
            slot: self.named(said)
            for slot, said in self.before.items()
            if slot not in self.let_be and isinstance(said.verdict, Apply)
        }
        others = {slot for slot in old if old[slot] != (new.get(slot) or self.named(self.predictions.get(slot)))}
        found = naming(self.project, others) & self.let_be
        found |= naming(self.project, new.keys() - old.keys()) & (self.let_be - self.decided.keys())
        self.let_be -= found
        self.verified -= found
        for slot in found:
            self.decided.pop(slot, None)
            self.predictions.pop(slot)
        return found

    def look(
        self, overlay: Project, progress: Progress, ahead: Callable[[], None]
    ) -> Mapping[SlotId, tuple[Evidence, ...]]:
        """What checkers and rules say of the texts as they are now; and the model, in `rankings`. `ahead`: as in `settle`."""
        from typeinfer.program.graph import read_trees

        with ThreadPoolExecutor(1, "reading ahead") as beside, ThreadPoolExecutor(1, "packages") as aside:
            seeing = aside.submit(self.see, overlay)
            # The checker is a process of its own.
            if self.model is not None and self.options.engine.jobs > 1:
                asked = frozenset(self.open_slots())
                beside.submit(read_trees, overlay, sorted({slot.path for slot in asked}))
                beside.submit(self.model.ranker.read_ahead, overlay, asked)
                for language in overlay.languages:
                    beside.submit(language.load_proof)
            inference = self.infer(overlay)
            seeing.result()
        ahead()
        with stage("rules"):
            evidence = self.by_one_name(self.said(overlay, inference))
        # The model is about to take as much.
        del inference
        self.ask(overlay, evidence, progress)
        return evidence

    def said(self, overlay: Project, inference: Inference) -> Mapping[SlotId, tuple[Evidence, ...]]:
        """What rules say, without the checker where its report, which is read only now, is of no known shape."""
        from typeinfer.program.evidence import gather
        from typeinfer.program.installed import added

        # Of what stands as it was nothing is decided.
        wanted = frozenset().union(*self.wanted.values()) - self.let_be
        self.checked = bool(inference.checker)
        try:
            if self.seen and inference.checker:
                inference = added(inference, overlay, self.seen)
            return gather(overlay, inference, lambda slot: slot.id in wanted)
        except CheckerFailed as error:
            note = f"{error}; going on without it"
            self.notes += [note] if note not in self.notes else []
            return self.said(overlay, Inference(""))

    def open_slots(self) -> Iterator[SlotId]:
        """The slots that something may be decided of."""
        settled = self.decided.keys() | self.let_be
        for path, slots in self.wanted.items():
            module = self.project.modules[path]
            for slot in module.slots:
                if slot.id in slots and slot.id not in settled and self.is_open(module, slot):
                    yield slot.id

    def ask(self, overlay: Project, evidence: Mapping[SlotId, tuple[Evidence, ...]], progress: Progress) -> None:
        """Have the model rank every open slot that may be written, given the texts as they are now."""
        if self.model is None:
            return
        progress("asking the model", 0, 1)
        unwritten = self.unwritten()
        open_slots = {
            slot.id
            for path, slots in self.wanted.items()
            if path not in self.closed and self.project.language_of(path).name in self.model.beliefs
            for module in (self.project.modules[path],)
            for slot in module.slots
            if slot.id in slots and (slot.id not in self.decided or slot.id in unwritten) and slot.id not in self.let_be
            if self.is_open(module, slot) and self.is_asked(slot)
        }
        if not open_slots:
            return
        found = self.model.ranker.rank(overlay, evidence, lambda slot: slot.id in open_slots)
        # A slot that it has nothing to say of is as one that it was not asked about.
        said = {slot: ranking for slot, ranking in found.items() if slot in open_slots and ranking.ranked}
        self.rankings |= {slot: self.in_canonical_names(ranking) for slot, ranking in said.items()}

    def unwritten(self) -> set[SlotId]:
        """What is decided and can't be written: a second run finds it open, and slots of a unit are read together."""
        paths = {slot.path for slot in self.decided}
        return {left.slot.id for path in paths for left in self.rewrite(self.project.modules[path]).refused}

    def is_asked(self, slot: Slot) -> bool:
        """Whether the model is asked about a slot: not about locals, unless they may be written."""
        return not slot.local or (
            self.options.kinds_named if self.locals_asked is None else slot.id in self.locals_asked
        )

    def by_one_name(self, evidence: Mapping[SlotId, tuple[Evidence, ...]]) -> Mapping[SlotId, tuple[Evidence, ...]]:
        """Evidence as the model names things: where they are defined. A checker that knows no packages names a class by where
        its file lies, and rules by where it is imported from."""
        if self.model is None:
            return evidence
        return {
            slot: tuple(msgspec.structs.replace(one, type=self.canonical(one.type)) for one in said)
            for slot, said in evidence.items()
        }

    def in_canonical_names(self, ranking: Ranking) -> Ranking:
        total: dict[TypeExpr, float] = defaultdict(float)
        for word in ranking.ranked:
            total[self.canonical(word.type)] += word.probability
        ranked = sorted(total.items(), key=lambda pair: (-pair[1], repr(pair[0])))
        return Ranking(tuple(Ranked(term, probability) for term, probability in ranked), ranking.beyond)

    def canonical(self, term: TypeExpr) -> TypeExpr:
        known = self.canonical_names.get(term)
        if known is None:
            known = self.canonical_names[term] = rename(term, self.project.canonical)
        return known

    def decide(self, evidence: Mapping[SlotId, tuple[Evidence, ...]], refused: bool) -> set[SlotId]:
        """Predict every open slot, those that the checker refused only if told to; those that something was decided of."""
        fresh = set()
        for path, slots in self.wanted.items():
            module = self.project.modules[path]
            for slot in module.slots:
                if slot.id not in slots or slot.id in self.decided or slot.id in self.let_be:
                    continue
                if not self.is_open(module, slot) or (self.had_to_go(slot.id, (REFUSED,)) and not refused):
                    continue
                prediction = self.prediction(module, slot, evidence.get(slot.id, ()))
                self.predictions[slot.id] = prediction
                if isinstance(prediction.verdict, Apply) and prediction.best is not None and path not in self.closed:
                    self.write_down(slot.id)
                    fresh.add(slot.id)
        return fresh

    def had_to_go(self, slot: SlotId, reasons: Collection[str] = (REFUSED, UNHEARD)) -> bool:
        """Whether what was to be written there is not to stand, for one of these reasons."""
        found = self.predictions.get(slot)
        return found is not None and isinstance(found.verdict, Abstain) and found.verdict.reason in reasons

    def infer(self, overlay: Project) -> Inference:
        if not self.options.checker:
            return Inference("")
        with stage("the checker infers"):
            inference = ask_checkers(overlay, self.infer_again)
        self.notes += [note for note in inference.notes if note not in self.notes]
        return inference

    def see(self, overlay: Project) -> None:
        """Have checkers infer what they can with installed packages in view, of files in which something is open, each once."""
        if not (self.options.checker and overlay.installed):
            return
        from typeinfer.program.installed import may_know_more

        asked = may_know_more(overlay, {slot.path for slot in self.open_slots()} - self.seen_in)
        self.seen_in |= asked
        for language in overlay.languages:
            here = {path: module for path, module in overlay.modules.items() if language_of(path) is language}
            if not (about := asked & here.keys()):
                continue
            installed, version = overlay.installed[language.name], self.version(language)
            try:
                with stage("the checker sees packages", files=len(about)):
                    self.seen |= language.infer_seeing(installed, here, about, version)
            except CheckerFailed as error:
                note = f"{error}; going on without what is installed"
                self.notes += [note] if note not in self.notes else []

    def infer_again(self, language: Language, files: Mapping[str, SourceFile]) -> Inference:
        """By the checker that stays, where it can, else by one that begins anew. Raises `CheckerFailed`."""
        if (staying := self.stay(language, infers=True)) is not None:
            self.asked[language.name, True] += 1
            try:
                inference = staying.infer(files)
                if inference.reported is not None:
                    self.by_the_way[language.name] = files, inference.reported
                return inference
            except CheckerFailed as error:
                self.give_up(language, infers=True, error=error)
        return language.infer(self.project.root, files, self.added, self.version(language))

    def stay(self, language: Language, infers: bool) -> Staying | None:
        """A checker of a language that stays, to be asked once more, begun where it wasn't yet; None where none can stay."""
        key = language.name, infers
        if not self.checkers_stay or key in self.left:
            return None
        if key not in self.staying:
            # Who infers reports all that it sees, whole.
            installed = None if infers else self.project.installed.get(language.name)
            staying = language.staying(self.project.root, self.version(language), infers, installed)
            if staying is None:
                return None
            self.staying[key] = staying
        return self.staying[key]

    def give_up(self, language: Language, infers: bool, error: CheckerFailed) -> None:
        """One that stayed is of no use any more; who crashed may be begun again, and who hung is not waited for again."""
        key = language.name, infers
        self.staying.pop(key).close()
        if not isinstance(error, CheckerEnded) or self.asked.pop(key, 0) <= WORTH_BEGINNING:
            self.left.add(key)

    def version(self, language: Language) -> Version:
        return self.options.target_version or language.default_version

    def is_open(self, module: Module, slot: Slot) -> bool:
        if slot.written is None:
            return True
        language = self.project.language_of(module.file.path)
        return self.options.replace_any and language.parse_type(module.file.at(slot.written)) == UNKNOWN

    def prediction(self, module: Module, slot: Slot, evidence: tuple[Evidence, ...]) -> Prediction:
        ranking = self.rankings.get(slot.id)
        heard = Heard(evidence, ranking, self.checked)
        before = self.predictions.get(slot.id)
        # What had to go is thought over again: with others there it may do no harm.
        if before is not None and not self.had_to_go(slot.id) and self.heard.get(slot.id) == heard:
            return before
        self.heard[slot.id] = heard
        language = self.project.language_of(module.file.path)
        belief = self.belief(language.name, ranking)
        ranked = belief.rank(slot.place, evidence, self.checked, ranking)
        bound = self.bound(language.name, belief)
        decides = bool(ranked) and belief.decides(slot.place, ranked[0].type, evidence, ranking)
        if self.options.max_error is not None and ranked and bound is not None and ranked[0].probability < bound:
            hollow = self.hollow(slot, ranked, evidence, ranking)
            if hollow is not None and hollow.probability >= bound:
                ranked, decides = (hollow, *(other for other in ranked if other.type != hollow.type)), True
        verdict: Verdict
        if not ranked:
            verdict = Abstain("no evidence")
        elif bound is None:
            verdict = Abstain("so small an error can't be promised")
        elif ranked[0].probability < bound:
            verdict = Abstain("not believed")
        elif not decides:
            verdict = Abstain("said by one rule alone that is too often wrong")
        elif self.project.is_read_at_run_time(module, slot):
            verdict = Suggest(READ_AT_RUN_TIME)
        elif slot.id.kind not in self.options.kinds or (slot.local and not self.options.kinds_named):
            verdict = Suggest("its kind was not asked for")
        elif not self.options.kinds_named and slot.id in self.evident(module):
            verdict = Suggest("its value says as much")
        else:
            verdict = Apply()
        return Prediction(slot, ranked, evidence, verdict, ranking)

    def belief(self, language: str, ranking: Ranking | None) -> Belief:
        """What weighs the evidence on a slot: one belief where the model was asked, another where rules are alone."""
        return self.beliefs[language] if ranking is None or self.model is None else self.model.beliefs[language]

    def bound(self, language: str, belief: Belief) -> float | None:
        """The least probability of what is written; None where what is asked for can't be promised."""
        if self.options.min_confidence is not None:
            return self.options.min_confidence
        if self.options.max_error is None:
            return belief.bound
        # A promise is about all that a run writes, whether the model was asked or not.
        whole = (
            self.beliefs[language] if self.model is None else self.model.beliefs.get(language, self.beliefs[language])
        )
        bound = whole.promised(self.options.max_error)
        if bound is None:
            least = f"the least that can be is {min(whole.promises):g}" if whole.promises else "nor can any other"
            note = f"an error under {self.options.max_error:g} can't be promised for {language}: nothing is written; {least}"
            self.notes += [note] if note not in self.notes else []
        return bound

    def explain(self, slots: Iterable[SlotId]) -> None:
        """Put into the predictions of these slots what moved them most."""
        for slot in slots:
            prediction = self.predictions.get(slot)
            # Of what stood before, what moved it is known.
            if prediction is None or prediction.best is None or slot not in self.heard:
                continue
            said, ranking = prediction.because, prediction.ranking
            # A type that lost its arguments was believed for the sake of those that have them.
            named = {word.type for word in (*said, *(ranking.ranked if ranking is not None else ()))}
            best = next((one.type for one in prediction.ranked if one.type in named), prediction.best.type)
            belief = self.belief(self.project.language_of(slot.path).name, ranking)
            moved = belief.reasons(prediction.slot.place, best, said, self.heard[slot].checked, ranking)
            self.predictions[slot] = msgspec.structs.replace(prediction, moved=moved)

    def evident(self, module: Module) -> frozenset[SlotId]:
        """Attributes and variables that are only ever bound to plain values of one type (`RETRIES = 3`), or once, to a
        parameter, whose annotation says it (`self.name = name`)."""
        known = self.evident_slots.get(module.file.path)
        if known is None:
            bound: dict[SlotId, list[Assignment]] = defaultdict(list)
            for assignment in module.assignments:
                if assignment.slot is not None:
                    bound[assignment.slot.id].append(assignment)
            known = frozenset(
                slot
                for slot, assignments in bound.items()
                if _tell_one_type([assignment.value for assignment in assignments])
                or (len(assignments) == 1 and _hands_on(module, assignments[0]))
            )
            self.evident_slots[module.file.path] = known
        return known

    def with_decided(self, overlay: Project, fresh: set[str]) -> Project:
        """The project with everything decided written into its texts."""
        modules = [self.project.modules[path] for path in fresh]
        texts = {module.file.path: apply_edits(module.file.data, self.rewrite(module).edits) for module in modules}
        return overlay.with_data(texts, self.read)

    def rewrite(self, module: Module, slots: frozenset[SlotId] | None = None) -> Rewrite:
        """What is decided of a file, or of these slots of it, as edits."""
        return self.rewrites.of(module, self.placed(module, slots))

    def write_down(self, slot: SlotId) -> None:
        """Decide on the best type that is predicted of a slot."""
        prediction = self.predictions[slot]
        best = self.named(prediction)
        assert best is not None, "nothing is decided of a slot that nothing is believed of"
        self.decided[slot] = Placed(prediction.slot, best)

    def named(self, prediction: Prediction | None) -> TypeExpr | None:
        """The best type of a prediction, by its names in this project: a checker that knows no packages calls a class by where its
        file lies."""
        best = prediction.best if prediction is not None else None
        return rename(best.type, self.project.canonical) if best is not None else None

    def following(self, slot: SlotId, said: str) -> Prediction | None:
        """What to write where the checker took the best type amiss, as a prediction: the next type, else what the others have in
        common (`dict`), else None. `said`: by the checker.

        What was believed of the type that is refuted is shared out among the others, and that it is none of them.
        """
        prediction = self.predictions[slot]
        refused, *rest = prediction.ranked
        if not rest:
            return None
        left = max(1.0 - refused.probability, 1e-9)
        ranked = tuple(Ranked(other.type, min(1.0, other.probability / left)) for other in rest)
        language = self.project.language_of(slot.path).name
        belief = self.belief(language, prediction.ranking)
        bound = self.bound(language, belief)
        if bound is None:
            return None
        if ranked[0].probability < bound:
            hollow = self.hollow(prediction.slot, ranked, prediction.because, prediction.ranking)
            if hollow is None or hollow.probability < bound:
                return None
            ranked = (hollow, *(other for other in ranked if other.type != hollow.type))
        elif not belief.decides(prediction.slot.place, ranked[0].type, prediction.because, prediction.ranking):
            return None
        refusals = (*prediction.refused, Refusal(refused.type, said))
        return msgspec.structs.replace(prediction, ranked=ranked, refused=refusals)

    def hollow(
        self, slot: Slot, ranked: Sequence[Ranked], evidence: Sequence[Evidence], ranking: Ranking | None
    ) -> Ranked | None:
        """The most probable type of these less its arguments, if that may be written."""
        path = slot.id.path
        belief = self.belief(self.project.language_of(path).name, ranking)
        return belief.hollow(
            slot.place, ranked, evidence, ranking, lambda term: may_stand_bare(self.project, path, term)
        )

    def take_back(self, slot: SlotId, reason: str, detail: str) -> None:
        if self.decided.pop(slot, None) is not None:
            self.let_be.discard(slot)
            verdict = Abstain(reason, detail)
            self.predictions[slot] = msgspec.structs.replace(self.predictions[slot], verdict=verdict)

    def placed(self, module: Module, slots: frozenset[SlotId] | None = None) -> list[Placed]:
        """What is decided of a file, or of these slots of it."""
        there = (slot.id for slot in module.slots if slot.id in self.decided)
        return [self.decided[slot] for slot in there if slots is None or slot in slots]


def _hands_on(module: Module, assignment: Assignment) -> bool:
    function = module.function_at.get(assignment.scope)
    parameters = function.parameters if function is not None else ()
    value = assignment.value
    return isinstance(value, Name) and any(parameter.name == value.name for parameter in parameters)


def _tell_one_type(values: Sequence[Value | None]) -> bool:
    types = {value.type if isinstance(value, Constant) else None for value in values}
    return len(types) == 1 and None not in types and NONE not in types


def let_go(staying: dict[Stays, Staying]) -> None:
    """End checkers that stay."""
    for one in staying.values():
        one.close()
    staying.clear()


def begin_to_infer(root: Path, files: Mapping[str, SourceFile], options: Options) -> dict[Stays, Staying]:
    """Checkers that stay, as in `Search.staying`, at work on texts that are much like those that they will be asked about."""
    begun: dict[Stays, Staying] = {}
    for language in LANGUAGES if options.checker else ():
        there = {path: file for path, file in files.items() if language_of(path) is language}
        version = options.target_version or language.default_version
        staying = language.staying(root, version, True) if there else None
        if staying is None:
            continue
        staying.begin(there)
        begun[language.name, True] = staying
    return begun


def ask_checkers(project: Project, infer: Infer | None = None) -> Inference:
    """What the checker of every language infers; one that fails is a note. `infer`: what asks it, and raises `CheckerFailed`."""
    infer = infer or (lambda language, files: language.infer(project.root, files, {}, language.default_version))
    by_language: dict[str, dict[str, SourceFile]] = defaultdict(dict)
    for path, module in project.modules.items():
        by_language[project.language_of(path).name][path] = module.file
    found: list[Inference] = []
    notes: list[str] = []
    for files in by_language.values():
        language = project.language_of(next(iter(files)))
        try:
            found.append(infer(language, files))
        except CheckerFailed as error:
            notes.append(f"{error}; going on without it")
            continue
        notes += found[-1].notes
    if len(found) == 1:
        return replace(found[0], notes=tuple(dict.fromkeys(notes)))
    return Inference(
        ", ".join(one.checker for one in found),
        # They are read, never written.
        ChainMap(*(one.files for one in found)),  # pyrefly: ignore
        ChainMap(*(one.fields for one in found)),  # pyrefly: ignore
        notes=tuple(dict.fromkeys(notes)),
        mentioning=lambda functions: {path for one in found for path in one.reaching(functions)},
    )


def may_stand_bare(project: Project, path: str, term: TypeExpr) -> bool:
    """Whether a type without arguments may be written as it is, in the language of this file."""
    from typeinfer.program.evidence import Witness

    return project.language_of(path).is_writable(term) and Witness(project, Inference("")).is_whole(term)


@dataclass(frozen=True)
class Round:
    """What was known in one round of the slots still open: the evidence, and the model's word where it was asked."""

    evidence: Mapping[SlotId, tuple[Evidence, ...]]
    rankings: Mapping[SlotId, Ranking]


def listen(
    project: Project,
    beliefs: Mapping[str, Belief],
    model: Model | None = None,
    asked: frozenset[SlotId] = frozenset(),
    checker: bool = True,
) -> Iterator[Round]:
    """What is known in every round, as decisions bring more of it to light: what a belief is fitted on. `asked`: locals that the
    model is asked about too."""
    search = _listening(project, beliefs, model, asked, checker)
    decided: frozenset[SlotId] = frozenset()
    for evidence in search.settle(silent):
        yield Round(evidence, {slot: word for slot, word in search.rankings.items() if slot not in decided})
        decided = frozenset(search.decided)


def believe(
    project: Project,
    beliefs: Mapping[str, Belief],
    model: Model | None = None,
    asked: frozenset[SlotId] = frozenset(),
) -> Mapping[SlotId, Prediction]:
    """What is believed of every slot once nothing new is decided, whether sure enough to be written or not."""
    search = _listening(project, beliefs, model, asked)
    for _ in search.settle(silent):
        pass
    return search.predictions


def _listening(
    project: Project,
    beliefs: Mapping[str, Belief],
    model: Model | None,
    asked: frozenset[SlotId],
    checker: bool = True,
) -> Search:
    """A search of which nothing is written in the end: no kind of slot is left out."""
    options = Options(only={}, kinds_named=True, checker=checker)
    wanted = {path: frozenset(slot.id for slot in module.slots) for path, module in project.modules.items()}
    rewrites = Rewrites(project)
    return Search(project, options, wanted, frozenset(), beliefs, rewrites, model, locals_asked=asked)
