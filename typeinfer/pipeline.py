"""The whole flow on one page: the files of a project in; what is believed of every slot and the patches for it out.

Files are read, by several processes; what to write is decided (`deciding.py`), and held against the checker (`disposing.py`);
edits are made and proven; and the whole is remembered for when the same is asked again. Writes nothing. Knows no command line.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from typeinfer.deciding import Model, Options, Search, Stays, begin_to_infer, let_go
from typeinfer.disposing import begin_ahead, confirm, dispose
from typeinfer.engine.board import Telling, watched_board
from typeinfer.engine.cache import Cache, cache_folder
from typeinfer.engine.engine import Engine, Lost, Progress, silent
from typeinfer.engine.local import HERE
from typeinfer.languages import LANGUAGES
from typeinfer.reading import Reader, groups, project_of, read_as, settings_beside
from typeinfer.remembering import NOTHING_STANDS, Memory, Standing, put_away
from typeinfer.rewriting.rewrites import Rewrites
from typeinfer.tracing import Passage, recorded, stage, watched
from typeinfer.values.module import Module
from typeinfer.values.outcomes import Changed, Failed, Outcome, Run, Skipped, Unchanged
from typeinfer.values.patches import Patch, Placed
from typeinfer.values.predictions import Apply, Suggest
from typeinfer.values.slots import Slot, SlotId
from typeinfer.values.source import SourceFile
from typeinfer.values.store import Store
from typeinfer.weights import belief_path, load_beliefs, model_digest_of, model_of, shared_cache, shipped_model

if TYPE_CHECKING:
    from typeinfer.doubting import Doubt
    from typeinfer.languages.language import Staying
    from typeinfer.program.changes import Lines
    from typeinfer.program.project import Project


def predict(root: Path, files: Mapping[str, SourceFile], options: Options, progress: Progress = silent) -> Run:
    """What is believed of every slot of the files asked about; nothing is to be written, so every file is `Unchanged`."""
    run = annotate(root, files, options, progress)
    outcomes = tuple(
        outcome if isinstance(outcome, Skipped | Failed) else Unchanged(outcome.path, outcome.refused)
        for outcome in run.outcomes
    )
    return Run(outcomes, run.predictions, run.files, run.notes)


def annotate(root: Path, files: Mapping[str, SourceFile], options: Options, progress: Progress = silent) -> Run:
    """An outcome for every file asked about, with its patch, and what is believed of its slots.

    What has nothing to do with each other is looked at apart, and side by side where there are processors for it.
    """
    with Cache(cache_folder()) as cache:
        parts = _parts(root, files, options, cache, progress)
        with stage("what is remembered"):
            known = [part.remembered(cache) for part in parts]
        asked = [part for part, run in zip(parts, known, strict=True) if run is None]
        if _go_apart(asked, options.engine):
            cache.flush()  # What was read of the files is read from there.
            found = _side_by_side(asked, options.engine, progress)
        else:
            found = [part.annotated(cache, progress) for part in asked]
        fresh = iter(found)
        return _joined([next(fresh) if run is None else run for run in known])


def wrote(root: Path, files: Mapping[str, SourceFile], options: Options, run: Run) -> None:
    """What `annotate` came to has been written, of the files that are `Changed` in its run: the next one goes on from there."""
    after = {one.path: one.patch.result() for one in run.outcomes if isinstance(one, Changed)}
    # These begin anew each time, and who is in a hurry waits for what is of use alone.
    if options.rename or options.hasty or not after:
        return
    from typeinfer.program.project import module_names

    names = module_names(files)
    with Cache(cache_folder()) as cache:
        modules, _ = read_as({path: names[path] for path in after}, after, options.engine, cache, silent)
        for part in _parts(root, files, options, cache, silent):
            if there := {path: module for path, module in modules.items() if path in part.files}:
                part.memory(cache).wrote(part.files, there)


def something_open(files: Mapping[str, SourceFile], options: Options) -> tuple[str, ...]:
    """The files asked about that a run has something to do with, told by what stands in them alone.

    That is a slot that may be written and isn't, or something to say: it can't be read, or must not be rewritten.
    """
    from typeinfer.program.project import module_names

    if options.rename:
        return tuple(sorted(options.only))
    names = module_names(files)
    with Cache(cache_folder()) as cache:
        asked = {path: names[path] for path in options.only if path in names}
        modules, lost = read_as(asked, files, HERE, cache, silent)
    unread = {failed.path for failed in lost}
    return tuple(path for path in sorted(asked) if path in unread or _is_open(modules[path], options))


def _is_open(module: Module, options: Options) -> bool:
    from typeinfer.languages import language_of

    wanted, language = _wanted(module, options), language_of(module.file.path)
    if language is None or language.refusal(module.file, module) is not None:
        return True
    return any(_may_be_written(slot, options) for slot in module.slots if slot.id in wanted)


def _may_be_written(slot: Slot, options: Options) -> bool:
    if slot.id.kind not in options.kinds or (slot.local and not options.kinds_named):
        return False
    return slot.written is None or options.replace_any


def doubt(
    root: Path, files: Mapping[str, SourceFile], options: Options, progress: Progress = silent
) -> tuple[Doubt, ...]:
    """The annotations in the files asked about that all evidence speaks against. Files that are not rewritten are left aside."""
    with Cache(cache_folder()) as cache:
        parts = _parts(root, files, options, cache, progress)
        return tuple(found for part in parts for found in part.doubts(cache, progress))


def doubt_project(
    project: Project,
    options: Options,
    model: Model | None,
    progress: Progress,
    note: Callable[[str], None] = lambda _: None,
) -> tuple[Doubt, ...]:
    """As `doubt`, of a project and with a model that are in memory already. `note` is told what may be missing, and why."""
    from typeinfer.doubting import doubts

    wanted = {
        path: _wanted(module, options)
        for path, module in project.modules.items()
        if path in options.only and project.language_of(path).refusal(module.file, module) is None
    }
    return doubts(project, wanted, options, load_beliefs(), model, progress, note)


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


# --- parts ------------------------------------------------------------------------------------------------------------


WAITING = "other processes"


@dataclass(frozen=True)
class _Part:
    """A run about files that have nothing to do with the rest of the project. `name`: what the last run about them is found by."""

    root: Path
    files: Mapping[str, SourceFile]
    options: Options
    name: str = ""

    @property
    def size(self) -> int:
        return sum(len(file.data) for file in self.files.values())

    def memory(self, cache: Cache) -> Memory:
        circumstances = _circumstances(self.root, self.files, self.options)
        # What a file may be called is also up to what lies beside it and isn't read.
        circumstances += [skip.path for skip in self._move.skipped]
        return Memory(cache, circumstances, self.options.only, self.name)

    def remembered(self, cache: Cache) -> Run | None:
        return self.memory(cache).run(self.files, self._move.files)

    def annotated(self, cache: Cache, progress: Progress) -> Run:
        """Afresh, and remembered. Raises as `model_of`."""
        memory, move = self.memory(cache), self._move
        with stage("annotating"):
            options = move.options
            # Who is in a hurry asks about few lines, and files that get another name are new to every other file.
            goes_on = not (options.hasty or options.rename)
            with ExitStack() as leaving:
                likely = memory.texts(move.files) if goes_on else move.files
                begun = begin_to_infer(self.root, likely, options)
                for one in begun.values():
                    leaving.callback(one.close)
                model = model_of(options)
                project, lost = project_of(self.root, move.files, options.engine, cache, progress, options.packages)
                standing = memory.standing(project) if goes_on else NOTHING_STANDS
                settled = annotate_project(
                    project, lost, options, model, move.added, progress, standing=standing, begun=begun, store=cache
                )
        run = put_away(move.over(settled.run))
        # A file that failed may do better next time (memory), and a checker may be installed by then.
        if not run.notes and not any(isinstance(outcome, Failed) for outcome in run.outcomes):
            memory.keep(self.files, run)
        # What went wrong with remembering, and where the model computed, is told, and no reason not to remember the run.
        asked = (cache, shared_cache(), None if model is None else model.ranker)
        troubles = [one.trouble for one in asked if one is not None and one.trouble is not None]
        return replace(run, notes=(*run.notes, *troubles))

    def doubts(self, cache: Cache, progress: Progress) -> tuple[Doubt, ...]:
        from typeinfer.doubting import Doubt

        key = self.memory(cache).key(self.files)
        found = cache.get("doubts", key, tuple[Doubt, ...])
        if found is None:
            project, _ = project_of(self.root, self.files, self.options.engine, cache, progress, self.options.packages)
            notes: list[str] = []
            found = doubt_project(project, self.options, model_of(self.options), progress, notes.append)
            # A checker that had nothing to say may be installed next time.
            if not notes:
                cache.put("doubts", key, found)
        return found

    def failed(self, reason: str) -> Run:
        outcomes = tuple(Failed(path, reason) for path in sorted(self.options.only))
        return Run(outcomes, {}, {path: self.files[path] for path in self.options.only})

    @cached_property
    def _move(self) -> _Move:
        return _moved(self.root, self.files, self.options) if self.options.rename else _Move(self.files, self.options)


def _parts(
    root: Path, files: Mapping[str, SourceFile], options: Options, cache: Store, progress: Progress
) -> list[_Part]:
    """Those that are asked about anything; the whole where it isn't large."""
    from typeinfer.languages import language_of
    from typeinfer.program import parts

    sizes = {path: len(file.data) for path, file in files.items()}
    if options.rename or sum(sizes.values()) <= parts.ROOM:
        return [_Part(root, files, options)]
    ambient = frozenset(path for path in files if (language := language_of(path)) is not None and language.ambient)
    found = parts.packed(groups(files, ambient, options.engine, cache, progress), sizes)
    return [
        _Part(
            root, {path: files[path] for path in part}, replace(options, only=only), part[0] if len(found) > 1 else ""
        )
        for part in found
        if (only := {path: options.only[path] for path in part if path in options.only})
    ]


def _go_apart(parts: Sequence[_Part], engine: Engine) -> bool:
    """Whether parts are done sooner side by side than one after the other with all processors: the largest is waited for."""
    sizes = [part.size for part in parts]
    return len(parts) > 1 and engine.jobs > 1 and 4 * max(sizes) <= 3 * sum(sizes)


def _side_by_side(parts: Sequence[_Part], engine: Engine, progress: Progress) -> list[Run]:
    """What comes of each, in their order. Raises as `model_of`."""
    ordered = sorted(parts, key=lambda part: -part.size)
    with watched_board(progress) as (board, telling), stage(WAITING, parts=len(parts)):
        tasks = [
            _Task(
                replace(part, options=replace(part.options, engine=HERE)),
                watched() is not None,
                part.options.model == shipped_model(),
                board / f"{number}.at",
            )
            for number, part in enumerate(ordered)
        ]
        done = engine.run_over("annotating parts", tasks, _annotate_elsewhere, telling, heavy=True)
    found: dict[str, Run] = {}
    for part, one in zip(ordered, done, strict=True):
        if isinstance(one, Lost):
            found[part.name] = part.failed(one.reason)
            continue
        if isinstance(one.run, ValueError):
            raise one.run
        found[part.name] = one.run
        if (trace := watched()) is not None:
            trace.take(one.since, one.passages)
    return [found[part.name] for part in parts]


@dataclass(frozen=True)
class _Task:
    """A part to be looked at in another process. `watched`: somebody wants to know what takes how long there; `shipped`: its model
    is the one that came with the program, which may lie elsewhere on another machine; `board`: where it tells what it is at."""

    part: _Part
    watched: bool
    shipped: bool
    board: Path


@dataclass(frozen=True)
class _Done:
    """The run, or why there is none, for the user; and what was gone through since a time, if anybody wants to know."""

    run: Run | ValueError
    since: float = 0.0
    passages: Sequence[Passage] = ()


def _annotate_elsewhere(task: _Task) -> _Done:
    options = task.part.options
    part = replace(task.part, options=replace(options, model=shipped_model() if task.shipped else options.model))
    telling = Telling(task.board)
    with (
        closing(telling),
        recorded() if task.watched else nullcontext() as trace,
        Cache(cache_folder()) as cache,
    ):
        try:
            run = part.annotated(cache, telling)
        except ValueError as error:
            if not _is_for_the_user(error):
                raise
            return _Done(error)
    return _Done(run) if trace is None else _Done(run, trace.since, trace.spans)


def _is_for_the_user(error: ValueError) -> bool:
    from typeinfer.model.folder import NoModel
    from typeinfer.model.runtime import NoDevice

    return isinstance(error, NoModel | NoDevice)


def _joined(runs: Sequence[Run]) -> Run:
    """The runs about all parts as one."""
    if len(runs) == 1:
        return runs[0]
    unchecked = any(not run.checked_by and any(isinstance(one, Changed) for one in run.outcomes) for run in runs)
    return Run(
        tuple(sorted((one for run in runs for one in run.outcomes), key=lambda one: one.path)),
        dict(sorted((pair for run in runs for pair in run.predictions.items()), key=lambda pair: pair[0])),
        dict(sorted((pair for run in runs for pair in run.files.items()), key=lambda pair: pair[0])),
        tuple(dict.fromkeys(note for run in runs for note in run.notes)),
        {path: text for run in runs for path, text in run.added.items()},
        () if unchecked else tuple(dict.fromkeys(name for run in runs for name in run.checked_by)),
        sum(run.annotated for run in runs),
        sum(run.uncovered for run in runs),
        {path: counts for run in runs for path, counts in run.counts.items()},
    )


# --- the flow ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Settled:
    """A run, and all that was decided in it, of other files too: where a project hardly changed, the next run may begin there."""

    run: Run
    decided: Mapping[SlotId, Placed]


def annotate_project(
    project: Project,
    lost: Sequence[Failed],
    options: Options,
    model: Model | None,
    added: Mapping[str, str],
    progress: Progress,
    known: Mapping[SlotId, Placed] = MappingProxyType({}),
    told: Callable[[Settled], None] | None = None,
    standing: Standing = NOTHING_STANDS,
    begun: Mapping[Stays, Staying] = MappingProxyType({}),
    store: Store | None = None,
    staying: dict[Stays, Staying] | None = None,
) -> Settled:
    """As `annotate`, of a project and with a model that are in memory already. `lost`: files that couldn't be read; `added`: as in
    `Language.infer`; `known`: what was decided before, of files that aren't asked about; `told`: what is known after each round;
    `standing`: what was said before of slots that are asked about, to stand where the checker doesn't speak against it; `begun`:
    checkers that stay and are at work on much the same texts; `store`: where it is kept what was read, and which edits were
    proven; `staying`: checkers that looked at the same files before, in the place of `begun`, and those that begin now, all of
    which stay when this is over."""
    refusals = {
        path: reason
        for path, module in project.modules.items()
        if (reason := project.language_of(path).refusal(module.file, module)) is not None
    }
    wanted = {path: _wanted(project.modules[path], options) for path in sorted(options.only) if path in project.modules}
    reader = None if store is None else Reader(store)
    rewrites = Rewrites(project, options.target_version, store)

    unproven: dict[str, Failed] = {}

    def settled(search: Search) -> Settled:
        search.explain(slot for slots in wanted.values() for slot in slots)
        outcomes = [
            *_patches(search, {**refusals, **unproven}, store, progress),
            *(skip for skip in lost if skip.path in options.only),
        ]
        return Settled(_run(search, outcomes), dict(search.decided))

    def is_done(search: Search) -> bool:
        return all(
            isinstance(search.predictions[slot.id].verdict, Suggest)
            for path, slots in wanted.items()
            if path not in refusals
            for slot in project.modules[path].slots
            if slot.id in slots and slot.id not in search.decided
            if _may_be_written(slot, options) and search.is_open(project.modules[path], slot)
        )

    def found(checkers_stay: bool) -> Search:
        closed = frozenset([*refusals, *unproven])
        search = Search(project, options, wanted, closed, load_beliefs(), rewrites, model, added)
        search.read, search.checkers_stay = reader, checkers_stay
        if checkers_stay and staying is not None:
            search.staying, search.stay_on = staying, True
        elif checkers_stay and not lost and not unproven:
            search.staying.update(begun)
        search.decided = {slot: placed for slot, placed in known.items() if slot.path not in options.only}
        search.verified = set(search.decided)
        search.before = {**standing.said, **standing.opened}
        for slot, prediction in standing.said.items():
            search.predictions[slot] = prediction
            search.let_be.add(slot)
            if isinstance(prediction.verdict, Apply) and slot.path not in closed:
                search.write_down(slot)
        for _ in search.settle(progress, lambda: dispose(search, progress), lambda: begin_ahead(search)):
            if told is not None:
                told(settled(search))
            if options.hasty and is_done(search):
                break
        return search

    while True:
        search = found(checkers_stay=True)
        is_confirmed = confirm(search, progress)
        outcome = settled(search)
        if not is_confirmed():
            # Nothing that a checker said counts that stayed and missed something.
            if staying is not None:
                let_go(staying)
            outcome = settled(found(checkers_stay=False))
        failed = {one.path: one for one in outcome.run.outcomes if isinstance(one, Failed) and one.path in wanted}
        if failed.keys() <= unproven.keys():
            break
        # What is believed of the others is to be what the next run finds, which sees these as they are.
        unproven |= failed
    if reader is not None:
        reader.keep()
        rewrites.keep()
    return outcome


def _run(search: Search, outcomes: Sequence[Outcome]) -> Run:
    modules, wanted = search.project.modules, search.wanted
    predictions = {
        path: tuple(
            search.predictions[slot.id]
            for slot in modules[path].slots
            if slot.id in slots and slot.id in search.predictions
        )
        for path, slots in wanted.items()
    }
    return Run(
        tuple(sorted(outcomes, key=lambda outcome: outcome.path)),
        predictions,
        {path: modules[path].file for path in wanted},
        tuple(search.notes),
        checked_by=_checked_by(search, outcomes),
        annotated=sum(
            slot.written is not None and not slot.local and slot.id in slots
            for path, slots in wanted.items()
            for slot in modules[path].slots
        ),
        uncovered=sum(search.uncovered.values()),
    )


def _checked_by(search: Search, outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    """Nobody, where something is written in a language of which nobody could be asked."""
    written = {search.project.language_of(one.path).name for one in outcomes if isinstance(one, Changed)}
    if any(search.checkers.get(language, "") is None for language in written):
        return ()
    return tuple(filter(None, search.checkers.values()))


def _wanted(module: Module, options: Options) -> frozenset[SlotId]:
    from typeinfer.program.changes import concerned

    return concerned(module, options.only[module.file.path])


def _patches(
    search: Search,
    closed: Mapping[str, str | Failed],
    store: Store | None,
    progress: Progress,
) -> tuple[Outcome, ...]:
    """An outcome a file asked about. Edits are made here, proven by several processes; what was proven before is proven. `closed`:
    by path why a file is not rewritten, or what became of it before."""
    from typeinfer.rewriting.patch import Proposal, propose, prove, proven

    proposals: list[Proposal] = []
    outcomes: dict[str, Outcome] = {}
    for path, slots in search.wanted.items():
        if (why := closed.get(path)) is not None:
            outcomes[path] = Skipped(path, why) if isinstance(why, str) else why
            continue
        module = search.project.modules[path]
        predictions = [search.predictions[asked.slot.id] for asked in search.placed(module, slots)]
        proposals.append(propose(search.project.language_of(path), module, search.rewrite(module, slots), predictions))
    for proposal in proposals:
        # Where there is nothing to write there is nothing to prove, and no other process need hear of it.
        if not proposal.rewrite.edits or (store is not None and store.get("proof", proposal.key, bool)):
            outcomes[proposal.path] = proven(proposal)
    asked = [proposal for proposal in proposals if proposal.path not in outcomes]
    with stage("proving", files=len(asked)):
        found = search.options.engine.run_over("proving", asked, prove, progress)
    for proposal, outcome in zip(asked, found, strict=True):
        outcomes[proposal.path] = Failed(proposal.path, outcome.reason) if isinstance(outcome, Lost) else outcome
        if store is not None and isinstance(outcome, Changed):
            store.put("proof", proposal.key, True)
    return tuple(outcomes[path] for path in search.wanted)


# --- what a run depends on --------------------------------------------------------------------------------------------


def _circumstances(root: Path, files: Iterable[str], options: Options) -> list[str | bytes]:
    """All that a run depends on but the texts and what it is about: options, weights, settings, versions of what is asked, and what
    else that sees."""
    from typeinfer.languages import language_of

    chosen = msgspec.json.encode(
        [
            sorted(kind.value for kind in options.kinds),
            [options.kinds_named, options.min_confidence, options.target_version, options.replace_any],
            [options.checker, options.packages, options.checked_by, options.check_budget, options.require_check],
            [options.rounds, options.hasty],
            [
                options.withhold_uncovered,
                options.rename,
                options.max_error,
                None if options.model is None else model_digest_of(options.model),
                options.device,
            ],
        ]
    )
    versions = [version for language in LANGUAGES for version in language.versions()]
    if options.checker:
        there = {language.name for path in files if (language := language_of(path)) is not None}
        for language in LANGUAGES:
            checker = options.checked_by if options.checked_by in language.checkers else language.checker_of(root)
            versions += language.surroundings(root, checker or language.checkers[0]) if language.name in there else ()
            if options.packages and (installed := language.installed(root)) is not None:
                versions += installed.state
    return [
        str(root),
        chosen,
        # What others said is theirs to answer for: whoever asks them no more begins anew.
        shared.url if (shared := shared_cache()) is not None else "",
        sys.version,
        *versions,
        *(part for path, text in settings_beside(root, files).items() for part in (path, text)),
        *(belief_path(language.name).read_bytes() for language in LANGUAGES),
    ]
