"""The whole flow on one page: the files of a project in; what is believed of every slot and the patches for it out.

Decided types are written into the texts in memory and the checker is asked again, until nothing new is decided: what a
second run would find is found by the first. Writes nothing. Knows no command line.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from typeinfer.engine.cache import Cache, cache_folder
from typeinfer.engine.local import Lost, Progress, run_over, silent
from typeinfer.languages import LANGUAGES, treesitter
from typeinfer.values.inferred import CheckerFailed, FileInference, Inference
from typeinfer.values.module import Assignment, Constant, Module, Name, Value
from typeinfer.values.outcomes import Changed, Failed, Outcome, Run, Skipped, Unchanged
from typeinfer.values.patches import Edit, Patch, Placed, Refused, Rewrite, apply_edits
from typeinfer.values.predictions import Abstain, Apply, Evidence, Prediction, Suggest, Verdict
from typeinfer.values.slots import Slot, SlotId, SlotKind
from typeinfer.values.source import SourceFile
from typeinfer.values.typeexpr import NONE, UNKNOWN, TypeExpr, rename

if TYPE_CHECKING:
    from typeinfer.languages.language import Language
    from typeinfer.model.belief import Belief
    from typeinfer.program.changes import Lines
    from typeinfer.program.project import Project
    from typeinfer.rewriting.verify import Misfit

CHECKS = 12
"""What would be written is checked at most this often. Most projects need two or three."""

REVISIONS = 4
"""With something taken back, the rest is thought over again at most this often: a second run would do so."""

ROUNDS = 8
"""The checker is asked again at most this often. Most projects settle in three or four."""

Version = tuple[int, int]


@dataclass(frozen=True)
class Options:
    """What is asked for. `only`: the files to annotate and the lines in them; the rest of the project is evidence."""

    only: Mapping[str, Sequence[Lines]]
    kinds: frozenset[SlotKind] = frozenset(SlotKind)
    kinds_named: bool = False
    """The user named the kinds: then locals, and annotations that only repeat the value, are written too."""
    min_confidence: float | None = None
    """The least probability of what is written; None for the bound that each language's belief was fitted with."""
    target_version: Version | None = None
    jobs: int = 1
    replace_any: bool = False
    checker: bool = True
    rename: bool = False
    """Files that take no annotations are renamed to what does, where their language has such a thing."""


def predict(root: Path, files: Mapping[str, SourceFile], options: Options, progress: Progress = silent) -> Run:
    """What is believed of every slot of the files asked about; nothing is to be written, so every file is `Unchanged`."""
    run = annotate(root, files, options, progress)
    outcomes = tuple(
        outcome if isinstance(outcome, Skipped | Failed) else Unchanged(outcome.path, outcome.refused)
        for outcome in run.outcomes
    )
    return Run(outcomes, run.predictions, run.files, run.notes)


def annotate(root: Path, files: Mapping[str, SourceFile], options: Options, progress: Progress = silent) -> Run:
    """An outcome for every file asked about, with its patch, and what is believed of its slots."""
    move = _moved(root, files, options) if options.rename else _Move(files, options)
    with Cache(cache_folder()) as cache:
        key = _key(root, files, options)
        remembered = cache.get("run", key, _Remembered)
        if remembered is None:
            run = move.over(_annotate_afresh(root, move, cache, progress))
            # A file that failed may do better next time (memory), and a checker may be installed by then.
            if not run.notes and not any(isinstance(outcome, Failed) for outcome in run.outcomes):
                cache.put("run", key, _Remembered.of(run))
            return run
        return remembered.run(move.files)


# --- files that change their name -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Move:
    """The files as they are to be called; `old_names`: the path until now, by the new one."""

    files: Mapping[str, SourceFile]
    options: Options
    old_names: Mapping[str, str] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()
    added: Mapping[str, str] = field(default_factory=dict)

    def over(self, run: Run) -> Run:
        """The run with every renamed file among the changed ones, whether it got an annotation or not."""
        outcomes = [self.renamed(outcome, run.files) for outcome in run.outcomes]
        return replace(
            run,
            outcomes=tuple(sorted([*outcomes, *self.skipped], key=lambda outcome: outcome.path)),
            added=self.added,
        )

    def renamed(self, outcome: Outcome, files: Mapping[str, SourceFile]) -> Outcome:
        old_name = self.old_names.get(outcome.path)
        match outcome:
            case Changed() if old_name is not None:
                return replace(outcome, renamed_from=old_name)
            case Unchanged(path, refused) if old_name is not None:
                return Changed(path, Patch(files[path], (), ()), refused, old_name)
            case Skipped(_, reason) | Failed(_, reason) if old_name is not None:
                return replace(outcome, path=old_name, reason=reason)
        return outcome


def _moved(root: Path, files: Mapping[str, SourceFile], options: Options) -> _Move:
    """The files asked about under the names that let them take annotations."""
    from typeinfer.languages import language_of

    named = dict(files)
    only: dict[str, Sequence[Lines]] = {}
    old_names: dict[str, str] = {}
    skipped: list[Skipped] = []
    for path, lines in options.only.items():
        language = language_of(path)
        new = language.migrated(files[path]) if language is not None else None
        if new is None:
            only[path] = lines
        elif new in files or (root / new).exists():
            skipped.append(Skipped(path, f"can't be renamed: {new} is there already"))
        else:
            file = named.pop(path)
            named[new] = SourceFile(new, file.language, file.data, file.encoding, file.bom)
            only[new], old_names[new] = lines, path
    added: dict[str, str] = {}
    for language in LANGUAGES:
        if old_names:
            added |= language.project_additions(root, old_names)
    return _Move(named, replace(options, only=only), old_names, tuple(skipped), added)


# --- the flow ---------------------------------------------------------------------------------------------------------


def _annotate_afresh(root: Path, move: _Move, cache: Cache, progress: Progress) -> Run:
    from typeinfer.program.project import Project, localized

    files, options = move.files, move.options
    modules, lost = _read(files, options.jobs, cache, progress)
    project = Project(root, localized(root, modules))
    refusals = {
        path: reason
        for path, module in project.modules.items()
        if (reason := project.language_of(path).refusal(module.file, module)) is not None
    }
    search = _Search(project, options, frozenset(refusals), load_beliefs(), move.added)
    wanted = {path: _wanted(project.modules[path], options) for path in sorted(options.only) if path in project.modules}
    for _ in range(REVISIONS):
        for _ in search.settle(progress):
            pass
        if not search.dispose(wanted, progress):
            break
    outcomes = [*_patches(search, wanted, refusals, progress), *(skip for skip in lost if skip.path in options.only)]
    predictions = {
        path: tuple(
            search.predictions[slot.id]
            for slot in project.modules[path].slots
            if slot.id in slots and slot.id in search.predictions
        )
        for path, slots in wanted.items()
    }
    return Run(
        tuple(sorted(outcomes, key=lambda outcome: outcome.path)),
        predictions,
        {path: files[path] for path in wanted},
        tuple(search.notes),
    )


def _read(
    files: Mapping[str, SourceFile], jobs: int, cache: Cache, progress: Progress
) -> tuple[dict[str, Module], list[Failed]]:
    """The facts of every file, in path order, and what could not be read."""
    from typeinfer.program.project import imported_names, module_names

    modules, lost = _read_as(module_names(files), files, jobs, cache, progress)
    names = module_names(files, imported_names(modules.values()))
    renamed = {path: names[path] for path, module in modules.items() if names[path][0] != module.name}
    again, _ = _read_as(renamed, files, jobs, cache, progress)
    return {**modules, **again}, lost


def _read_as(
    names: Mapping[str, tuple[str, bool]], files: Mapping[str, SourceFile], jobs: int, cache: Cache, progress: Progress
) -> tuple[dict[str, Module], list[Failed]]:
    """The facts of the files named, from the cache or read by several processes."""
    tasks = {path: _Reading(files[path], *names[path]) for path in sorted(names)}
    known = {path: cache.get("module", task.key, Module) for path, task in tasks.items()}
    asked = [task for path, task in tasks.items() if known[path] is None]
    lost: list[Failed] = []
    for task, module in zip(asked, run_over("reading", asked, _read_one, jobs, progress), strict=True):
        if isinstance(module, Lost):
            lost.append(Failed(task.file.path, module.reason))
        else:
            cache.put("module", task.key, module)
            known[task.file.path] = module
    return {path: module for path, module in known.items() if module is not None}, lost


@dataclass(frozen=True)
class _Reading:
    file: SourceFile
    name: str
    is_package: bool

    @property
    def key(self) -> tuple[str, ...]:
        return (self.file.path, self.file.digest, self.name, str(self.is_package))


def _read_one(task: _Reading) -> Module:
    from typeinfer.languages import language_of

    language = language_of(task.file.path)
    assert language is not None, "only files of known languages are read"
    return language.read(task.file, task.name, task.is_package)


@dataclass
class _Search:
    """What is decided so far. `decided` only grows, and every round sees it written into the texts."""

    project: Project
    options: Options
    closed: frozenset[str]
    """Files that are not rewritten, whatever is believed."""
    beliefs: Mapping[str, Belief]
    """By the name of the language that it was fitted for."""
    added: Mapping[str, str] = field(default_factory=dict)
    """Files that the project is to have and hasn't yet, by path."""
    decided: dict[SlotId, Placed] = field(default_factory=dict)
    predictions: dict[SlotId, Prediction] = field(default_factory=dict)
    verified: set[SlotId] = field(default_factory=set)
    """Decided slots of which it is known that they bring no new error."""
    checked: bool = True
    """A checker answered in this round."""
    notes: list[str] = field(default_factory=list)
    evident_slots: dict[str, frozenset[SlotId]] = field(default_factory=dict)

    def settle(self, progress: Progress) -> Iterator[Mapping[SlotId, tuple[Evidence, ...]]]:
        """Ask, decide, write down in memory, and ask again until nothing is new; the evidence of every round."""
        from typeinfer.program.evidence import gather

        overlay = self.with_decided(self.project, {slot.path for slot in self.decided})
        for turn in range(ROUNDS):
            progress("inferring", turn, ROUNDS)
            inference = self.infer(overlay)
            self.checked = bool(inference.checker)
            evidence = gather(overlay, inference)
            fresh = self.decide(evidence)
            yield evidence
            if not fresh:
                break
            overlay = self.with_decided(overlay, fresh)
        else:
            self.notes.append(f"types still came to light in round {ROUNDS}; run again to find the rest")
        progress("inferring", ROUNDS, ROUNDS)

    def decide(self, evidence: Mapping[SlotId, tuple[Evidence, ...]]) -> set[str]:
        """Predict every open slot; the paths where something was decided."""
        fresh = set()
        for path, module in self.project.modules.items():
            for slot in module.slots:
                if slot.id in self.decided or not self.is_open(module, slot):
                    continue
                prediction = self.prediction(module, slot, evidence.get(slot.id, ()))
                self.predictions[slot.id] = prediction
                if isinstance(prediction.verdict, Apply) and prediction.best is not None and path not in self.closed:
                    # A checker that knows no packages calls a class by where its file lies.
                    self.decided[slot.id] = Placed(slot, rename(prediction.best.type, self.project.canonical))
                    fresh.add(path)
        return fresh

    def infer(self, overlay: Project) -> Inference:
        if not self.options.checker:
            return Inference("")
        by_language: dict[str, dict[str, SourceFile]] = defaultdict(dict)
        for path, module in overlay.modules.items():
            by_language[overlay.language_of(path).name][path] = module.file
        inferred: dict[str, FileInference] = {}
        fields: dict[str, Mapping[str, TypeExpr]] = {}
        checkers: list[str] = []
        for files in by_language.values():
            language = overlay.language_of(next(iter(files)))
            try:
                version = self.options.target_version or language.default_version
                found = language.infer(overlay.root, files, self.added, version, cache_folder())
            except CheckerFailed as error:
                if not any(str(error) in note for note in self.notes):
                    self.notes.append(f"{error}; going on with rules alone")
                continue
            self.notes += [note for note in found.notes if note not in self.notes]
            inferred.update(found.files)
            fields.update(found.fields)
            checkers.append(found.checker)
        return Inference(", ".join(checkers), inferred, fields)

    def is_open(self, module: Module, slot: Slot) -> bool:
        if slot.written is None:
            return True
        language = self.project.language_of(module.file.path)
        return self.options.replace_any and language.parse_type(module.file.at(slot.written)) == UNKNOWN

    def prediction(self, module: Module, slot: Slot, evidence: tuple[Evidence, ...]) -> Prediction:
        belief = self.beliefs[self.project.language_of(module.file.path).name]
        ranked = belief.rank(slot.id.kind, evidence, self.checked)
        verdict: Verdict
        if not ranked:
            verdict = Abstain("no evidence")
        elif ranked[0].probability < (
            belief.bound if self.options.min_confidence is None else self.options.min_confidence
        ):
            verdict = Abstain("not believed")
        elif not belief.decides(slot.id.kind, ranked[0].type, evidence):
            verdict = Abstain("only one rule says so, and that is wrong too often")
        elif slot.runtime_visible or self.means_a_field(module, slot):
            verdict = Suggest("the annotation would be read at run time")
        elif slot.id.kind not in self.options.kinds or (slot.local and not self.options.kinds_named):
            verdict = Suggest("its kind was not asked for")
        elif not self.options.kinds_named and slot.id in self.evident(module):
            verdict = Suggest("its value says as much")
        else:
            verdict = Apply()
        return Prediction(slot, ranked, evidence, verdict)

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

    def means_a_field(self, module: Module, slot: Slot) -> bool:
        declared = module.class_at.get(slot.id.qualname) if slot.id.kind is SlotKind.ATTRIBUTE else None
        if declared is None or module.file.data[slot.span.start : slot.span.end] != slot.id.name.encode("utf-8"):
            return False  # no class, or `self.x` in a method, which makes no field
        ancestors = self.project.ancestors(f"{module.name}.{declared.qualname}")
        return self.project.language_of(module.file.path).is_field_class(declared, ancestors)

    def with_decided(self, overlay: Project, fresh: set[str]) -> Project:
        """The project with everything decided written into its texts."""
        from typeinfer.program.project import Project, localized

        modules = dict(overlay.modules)
        for path in fresh:
            module = self.project.modules[path]
            data = apply_edits(module.file.data, self.rewrite(module).edits)
            modules[path] = self.project.language_of(path).read(
                module.file.with_data(data), module.name, module.is_package
            )
        return Project(self.project.root, localized(self.project.root, modules))

    def rewrite(self, module: Module, slots: frozenset[SlotId] | None = None) -> Rewrite:
        """What is decided of a file, or of these slots of it, as edits."""
        language = self.project.language_of(module.file.path)
        version = self.options.target_version or language.default_version
        placed = [asked for asked in self.placed(module) if slots is None or asked.slot.id in slots]
        return language.annotate(module, placed, self.project.names_in_scope(module), version)

    def dispose(self, wanted: Mapping[str, frozenset[SlotId]], progress: Progress) -> bool:
        """Take back what makes the checker report an error that it didn't report before.

        True where something was taken back and something else is new: then there may be more to find.
        """
        taken = kept = False
        for language in self.project.languages if self.options.checker else ():
            paths = [path for path in self.project.modules if self.project.language_of(path) is language]
            slots = {slot for path in paths for slot in wanted.get(path, ())}
            fresh = (slots & self.decided.keys()) - self.verified
            if not fresh:
                continue
            try:
                self.dispose_of(language, paths, wanted, progress)
            except CheckerFailed as error:
                if all(str(error) not in note for note in self.notes):
                    self.notes.append(f"{error}; what is written is not checked")
            taken |= not fresh <= self.decided.keys()
            kept |= bool(fresh & self.decided.keys())
            self.verified |= fresh & self.decided.keys()
        return taken and kept

    def dispose_of(
        self, language: Language, paths: Sequence[str], wanted: Mapping[str, frozenset[SlotId]], progress: Progress
    ) -> None:
        from typeinfer.rewriting.verify import Blame, misfits

        version = self.options.target_version or language.default_version
        files = {path: self.project.modules[path].file for path in paths}

        def errors(slots: Mapping[str, frozenset[SlotId]]) -> Counter[Misfit]:
            """What the checker reports with the decided ones of these slots written."""
            edits = {path: self.rewrite(self.project.modules[path], chosen).edits for path, chosen in slots.items()}
            texts = {path: files[path].with_data(apply_edits(files[path].data, edits[path])) for path in edits}
            texts = {**files, **texts}
            reported = language.diagnose(self.project.root, texts, self.added, version, cache_folder())
            return misfits(self.project, reported, edits)

        asked = {path: wanted[path] for path in paths if path in wanted}
        before = errors({path: slots & self.verified for path, slots in asked.items() if slots & self.verified})
        for turn in range(CHECKS):
            progress("checking", turn, CHECKS)
            fresh = {slot for slots in asked.values() for slot in (slots & self.decided.keys()) - self.verified}
            written = {path: slots for path, slots in asked.items() if slots & self.decided.keys()}
            new = errors(written) - before if fresh else None
            if not new:
                break
            blame = Blame(self.project, {slot: self.decided[slot].slot for slot in fresh})
            # Whoever can't be found out by then, all go.
            everybody = dict.fromkeys(fresh, next(iter(new))) if turn >= CHECKS - 2 else {}
            for slot, misfit in {**everybody, **blame.of_all(new)}.items():
                self.take_back(slot, f"{misfit.code}: {misfit.message}")
        progress("checking", CHECKS, CHECKS)

    def take_back(self, slot: SlotId, reason: str) -> None:
        if self.decided.pop(slot, None) is not None:
            refused = Abstain("refused by the checker", reason)
            self.predictions[slot] = msgspec.structs.replace(self.predictions[slot], verdict=refused)

    def placed(self, module: Module) -> list[Placed]:
        return [self.decided[slot.id] for slot in module.slots if slot.id in self.decided]


def _hands_on(module: Module, assignment: Assignment) -> bool:
    function = module.function_at.get(assignment.scope)
    parameters = function.parameters if function is not None else ()
    value = assignment.value
    return isinstance(value, Name) and any(parameter.name == value.name for parameter in parameters)


def _tell_one_type(values: Sequence[Value | None]) -> bool:
    types = {value.type if isinstance(value, Constant) else None for value in values}
    return len(types) == 1 and None not in types and NONE not in types


def _wanted(module: Module, options: Options) -> frozenset[SlotId]:
    from typeinfer.program.changes import concerned

    return concerned(module, options.only[module.file.path])


def _patches(
    search: _Search, wanted: Mapping[str, frozenset[SlotId]], refusals: Mapping[str, str], progress: Progress
) -> tuple[Outcome, ...]:
    """An outcome a file asked about. Edits are made here, proven by several processes."""
    from typeinfer.rewriting.patch import Proposal, propose, prove

    proposals: list[Proposal] = []
    outcomes: dict[str, Outcome] = {}
    for path, slots in wanted.items():
        if path in refusals:
            outcomes[path] = Skipped(path, refusals[path])
            continue
        module = search.project.modules[path]
        language = search.project.language_of(path)
        version = search.options.target_version or language.default_version
        placed = [asked for asked in search.placed(module) if asked.slot.id in slots]
        predictions = [search.predictions[asked.slot.id] for asked in placed]
        proposals.append(propose(language, module, placed, predictions, search.project.names_in_scope(module), version))
    proven = run_over("proving", proposals, prove, search.options.jobs, progress)
    for proposal, outcome in zip(proposals, proven, strict=True):
        path = proposal.before.file.path
        outcomes[path] = Failed(path, outcome.reason) if isinstance(outcome, Lost) else outcome
    return tuple(outcomes[path] for path in wanted)


def listen(
    root: Path, files: Mapping[str, SourceFile], belief: Belief, checker: bool = True
) -> Iterator[Mapping[SlotId, tuple[Evidence, ...]]]:
    """The evidence of every round, as decisions by `belief` bring more of it to light: what a belief is fitted on."""
    from typeinfer.program.project import read_project

    project = read_project(root, files)
    options = Options(only={}, kinds_named=True, checker=checker)
    yield from _Search(project, options, frozenset(), {language.name: belief for language in LANGUAGES}).settle(silent)


# --- what is remembered between runs ----------------------------------------------------------------------------------


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
        return _Remembered(tuple(kept), dict(run.predictions), run.notes, dict(run.added))

    def run(self, files: Mapping[str, SourceFile]) -> Run:
        outcomes = tuple(self.outcome(kept, files) for kept in self.files)
        texts = {path: files[path] for path in self.predictions}
        return Run(outcomes, self.predictions, texts, self.notes, self.added)

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


def _key(root: Path, files: Mapping[str, SourceFile], options: Options) -> list[str | bytes]:
    """All that a run depends on: texts, options, weights, and the versions of what is asked."""
    asked = msgspec.json.encode(
        [
            sorted((path, repr(lines)) for path, lines in options.only.items()),
            sorted(kind.value for kind in options.kinds),
            [options.kinds_named, options.min_confidence, options.target_version, options.replace_any],
            [options.checker, options.rename],
        ]
    )
    texts = [part for path, file in sorted(files.items()) for part in (path, file.digest)]
    versions = [version for language in LANGUAGES for version in language.versions()]
    return [
        str(root),
        asked,
        sys.version,
        *versions,
        *(belief_path(language.name).read_bytes() for language in LANGUAGES),
        *texts,
    ]


# --- the weights that ship --------------------------------------------------------------------------------------------


def belief_path(language: str) -> Path:
    return treesitter.grammar_folder().parent / "models" / "rules" / f"{language}.json"


@cache
def load_beliefs() -> Mapping[str, Belief]:
    """The belief of each language, by its name."""
    from typeinfer.model.belief import load_belief

    return {language.name: load_belief(belief_path(language.name)) for language in LANGUAGES}
