"""Session: a project whose texts change in; what is believed of the slots of its open files, in the texts as they are now, out.

A thread of its own reads what changed, asks the pipeline about the files that are open and keeps the answer. Whoever asks
meanwhile gets the last answer at once, moved to where it stands in the present text, less what has been written over since: a
text that is broken for the moment, or an answer that is on its way, takes nothing from the rest. Writes nothing. Knows no editor
and no protocol.
"""

from __future__ import annotations

import gc
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from typeinfer.config import ConfigError, Settings
from typeinfer.engine.cache import Cache, cache_folder, key_of
from typeinfer.engine.engine import Progress, silent
from typeinfer.engine.freed import hand_back
from typeinfer.engine.local import HERE
from typeinfer.languages import language_of
from typeinfer.opening import Opened, open_project, options_of
from typeinfer.program.changes import EVERY_LINE
from typeinfer.program.files import UsageError
from typeinfer.program.moved import Moved
from typeinfer.values.lines import Continuation
from typeinfer.values.members import Offer
from typeinfer.values.module import Module
from typeinfer.values.outcomes import Changed, Failed, Run, Skipped
from typeinfer.values.patches import Edit, Placed, apply_edits
from typeinfer.values.predictions import Prediction
from typeinfer.values.slots import SlotId, SlotKind
from typeinfer.values.source import SourceFile, Span
from typeinfer.values.typeexpr import TypeExpr, rename

if TYPE_CHECKING:
    from typeinfer.completion.cursor import Cursor
    from typeinfer.completion.monitor import Beliefs, Monitor
    from typeinfer.deciding import Options, Stays
    from typeinfer.doubting import Doubt
    from typeinfer.languages.language import Staying
    from typeinfer.pipeline import Settled
    from typeinfer.program.importable import Importable
    from typeinfer.program.project import Project

T = TypeVar("T")

Version = tuple[int, int]

QUIET = 0.25
"""Seconds without an edit after which it is worth to begin."""

PATIENCE = 10.0
"""An answer is given up for a newer text, but not for longer than so many seconds on end."""

BEGUN = re.compile(r"\??[ \t]*(?P<mark>:|->)[ \t]*(?P<word>[\w$.]*)")
"""An annotation as far as somebody has typed it."""

LONGEST_WORD = 200

IDLE = 300.0
"""Seconds without an edit after which checkers that stay are not worth their memory."""

LONGEST_GOODBYE = 5.0
"""Seconds that the end waits for a checker to be done."""


@dataclass(frozen=True)
class Answer:
    """What was found out about one file: in `run`, of the text that it had then."""

    project: Project
    file: SourceFile
    run: Run
    version: Version | None
    """What its text is to be read by."""
    doubts: tuple[Doubt, ...] = ()

    @cached_property
    def beliefs(self) -> Beliefs | None:
        """What is believed of the types of the text that it is about."""
        from typeinfer.completing import beliefs_of

        return beliefs_of(self.project, self.run, self.file.path, self.version)

    @cached_property
    def sure(self) -> frozenset[SlotId]:
        """The slots whose first type the command line would write."""
        (outcome,) = (one for one in self.run.outcomes if one.path == self.file.path)
        return outcome.patch.written if isinstance(outcome, Changed) else frozenset()


@dataclass(frozen=True)
class Standing:
    """What is believed of a slot, and where it is in the present text: its name from `start` to `end`, its annotation to be at
    `place`, bytes all."""

    prediction: Prediction
    sure: bool
    start: int
    end: int
    place: int

    @property
    def slot(self) -> SlotId:
        return self.prediction.slot.id


@dataclass(frozen=True)
class View:
    """One file as it is now."""

    file: SourceFile
    answer: Answer | None = None

    @cached_property
    def moved(self) -> Moved:
        return Moved(self.answer.file.data if self.answer is not None else b"", self.file.data)

    @cached_property
    def standings(self) -> tuple[Standing, ...]:
        """The slots without an annotation that are still there, in the order of the text."""
        if self.answer is None:
            return ()
        found = []
        for prediction in self.answer.run.predictions.get(self.file.path, ()):
            slot = prediction.slot
            name, place = self.moved.kept(slot.span.start, slot.span.end), self.moved.exact(slot.insert_at)
            if slot.written is None and name is not None and place is not None:
                found.append(Standing(prediction, slot.id in self.answer.sure, *name, place))
        return tuple(sorted(found, key=lambda one: one.place))

    @cached_property
    def doubts(self) -> tuple[tuple[Doubt, int, int], ...]:
        """Annotations that all evidence speaks against, and from where to where they stand, in bytes."""
        if self.answer is None or not self.answer.doubts:
            return ()
        # What goes on behind its last word has become another annotation, and what was inserted may have taken its name over.
        present = None if self.module is None else {slot.id: slot.written for slot in self.module.slots}
        found = []
        for doubt in self.answer.doubts:
            id, written = doubt.prediction.slot.id, doubt.prediction.slot.written
            if written is None or id.path != self.file.path:
                continue
            place = self.moved.kept(written.start, written.end)
            if place is not None and (present is None or present.get(id) == Span(*place)):
                found.append((doubt, *place))
        return tuple(found)

    def about(self, slot: SlotId) -> Prediction | None:
        """What is believed of a slot that is open, or whose annotation is doubted."""
        found = (*(one.prediction for one in self.standings), *(doubt.prediction for doubt, _, _ in self.doubts))
        return next((one for one in found if one.slot.id == slot), None)

    def awaited(self, offset: int) -> tuple[Prediction, int, int] | None:
        """The slot whose annotation is being written at a byte, where that begins with its mark, and where its last word does."""
        language = language_of(self.file.path)
        if self.answer is None or language is None:
            return None
        for prediction in self.answer.run.predictions.get(self.file.path, ()):
            place = self.moved.left(prediction.slot.insert_at)
            if place is None or not place <= offset <= place + LONGEST_WORD:
                continue
            mark = language.result_mark if prediction.slot.id.kind is SlotKind.RETURN else ":"
            found = BEGUN.fullmatch(self.file.data[place:offset].decode("utf-8", "replace"))
            if found is not None and found["mark"] == mark:
                return prediction, place, offset - len(found["word"].encode())
        return None

    def completed(
        self, slot: SlotId, types: Sequence[TypeExpr], place: int, offset: int, version: Version | None
    ) -> list[tuple[str, tuple[Edit, ...]]]:
        """For each type its text, to stand where the annotation's last word is, and the edits that import what it names.

        `place`: where the annotation begins with its mark; `offset`: where it ends.
        """
        assert self.answer is not None
        # Without what has been typed of it the text is whole.
        whole = self.file.with_data(self.file.data[:place] + self.file.data[offset:])
        project, language = self.answer.project.with_data({self.file.path: whole.data}), language_of(self.file.path)
        assert language is not None
        module = project.modules[self.file.path]
        asked = [one for one in module.slots if one.id == slot and one.written is None]
        if not asked or language.refusal(whole, module) is not None:
            return [(language.write_type(term), ()) for term in types]
        found: list[tuple[str, tuple[Edit, ...]]] = []
        write = language.writer(module, project.names_in_scope(module), version or language.default_version)
        for term in types:
            edits = write([Placed(asked[0], rename(term, project.canonical))]).edits
            annotated = whole.with_data(apply_edits(whole.data, edits))
            after = language.read(annotated, module.name, module.is_package)
            written = next((one.written for one in after.slots if one.id == slot), None)
            text = language.write_type(term) if written is None else annotated.at(written)
            # The annotation itself, and the blanks that go with it around a default, are for the client to insert.
            others = (edit for edit in edits if edit.span.start != asked[0].insert_at)
            found.append((text, tuple(self._behind(edit, place, offset - place) for edit in others)))
        return found

    @staticmethod
    def _behind(edit: Edit, place: int, by: int) -> Edit:
        """An edit of a text without some bytes at `place` as one of the text with them."""
        moved = by if edit.span.start >= place else 0
        return Edit(Span(edit.span.start + moved, edit.span.end + moved), edit.text)

    @cached_property
    def module(self) -> Module | None:
        """What the present text defines; None where it is broken."""
        if self.answer is None:
            return None
        language = language_of(self.file.path)
        before = self.answer.project.modules.get(self.file.path)
        assert language is not None and before is not None, "only files that were read are answered for"
        module = language.read(self.file, before.name, before.is_package)
        return None if language.refusal(self.file, module) is not None else module

    def edits(self, wanted: Mapping[SlotId, TypeExpr], version: Version | None) -> tuple[Edit, ...] | str:
        """What writes these types into the present text, proven to change annotations and nothing else; or why it can't be. Only
        an annotation that is doubted is written over."""
        from typeinfer.rewriting.patch import propose, prove

        assert self.answer is not None, "what is to be written was answered for"
        project = self.answer.project.with_data({self.file.path: self.file.data})
        language, module = project.language_of(self.file.path), project.modules[self.file.path]
        if language.refusal(self.file, module) is not None:
            return "the text can't be read as it is now"
        doubted = {doubt.prediction.slot.id for doubt, _, _ in self.doubts}
        places = {one.slot: one.place for one in self.standings}
        placed = [
            Placed(slot, rename(wanted[slot.id], project.canonical))
            for slot in module.slots
            if slot.id in wanted
            # A function of the same name that was inserted above is another one.
            and (slot.insert_at == places.get(slot.id) if slot.written is None else slot.id in doubted)
        ]
        write = language.writer(module, project.names_in_scope(module), version or language.default_version)
        outcome = prove(propose(language, module, write(placed), ()))
        if isinstance(outcome, Changed):
            return outcome.patch.edits
        refused = outcome.refused if not isinstance(outcome, Failed | Skipped) else ()
        return next((left.reason for left in refused), getattr(outcome, "reason", "it is written already"))


class Superseded(Exception):
    """The text changed while it was being thought about."""


@dataclass
class Kept:
    """A cache in front of the one on disk, that forgets what the last reading didn't ask for."""

    known: dict[bytes, object] = field(default_factory=dict)
    used: set[bytes] = field(default_factory=set)
    disk: Cache | None = None

    def get(self, kind: str, inputs: Iterable[str | bytes], type_: type[T]) -> T | None:
        inputs = tuple(inputs)
        key = key_of(kind, inputs)
        found = self.known.get(key)
        if found is None and self.disk is not None:
            found = self.disk.get(kind, inputs, type_)
        if found is None:
            return None
        assert isinstance(found, type_)
        self.known[key] = found
        self.used.add(key)
        return found

    def put(self, kind: str, inputs: Iterable[str | bytes], value: object) -> None:
        inputs = tuple(inputs)
        key = key_of(kind, inputs)
        self.known[key] = value
        self.used.add(key)
        if self.disk is not None:
            self.disk.put(kind, inputs, value)

    def forget(self) -> None:
        self.known = {key: value for key, value in self.known.items() if key in self.used}
        self.used = set()


@dataclass
class Listener:
    """Who wants to know; called from the session's own thread."""

    progress: Progress = silent
    answered: Callable[[frozenset[str]], None] = lambda paths: None
    """There is something new about these files."""
    said: Callable[[str], None] = lambda line: None
    """A line for the user: a note, or why nothing can be found out."""


@dataclass(frozen=True)
class _Asked:
    """What a completion goes by."""

    monitor: Monitor
    files: Mapping[str, SourceFile]
    file: SourceFile
    beliefs: Callable[[Cursor], Beliefs | None]
    imports: Callable[[Cursor], Sequence[Importable]]


class Session:
    """One project. `over`: the settings that count in the place of those found. Its thread ends with `close`."""

    def __init__(
        self, root: Path, listener: Listener, over: Callable[[Settings], Settings] = lambda found: found
    ) -> None:
        self.root, self.listener, self.over = root, listener, over
        self.opened: Opened | None = None
        self.texts: dict[str, SourceFile] = {}
        self.answers: dict[str, Answer] = {}
        self.known = Kept()
        self.decided: dict[SlotId, Placed] = {}
        self.monitor: Monitor | None = None
        """From the first completion on."""
        self.notes: set[str] = set()
        self._staying: dict[Stays, Staying] = {}
        """Checkers that stay from one answer to the next, and begin anew where they were begun for something else."""
        self._begun_for: object = None
        self._version = 0
        self._answered = -1
        self._changed_at = 0.0
        self._answered_at = 0.0
        self._reopen = True
        self._closed = False
        self._thinking = threading.Lock()
        """The model answers one at a time."""
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"typeinfer {root.name}", daemon=True)
        self._thread.start()

    # --- asked by whoever is served; quick, from any thread -----------------------------------------------------------

    def put(self, path: str, text: str | None) -> None:
        """The present text of an open file; None once it is closed, when the one on disk counts again."""
        language = language_of(path)
        with self._changed:
            if text is None or language is None:
                self.texts.pop(path, None)
                self._reopen = True
            else:
                data = text.encode("utf-8", "replace")
                before = self.texts.get(path)
                if before is not None and before.data == data:
                    return
                self.texts[path] = SourceFile(path, language.name, data)
            self._touch()

    def reopen(self) -> None:
        """Files came, went or changed on the disk, or settings did."""
        with self._changed:
            self._reopen = True
            self._touch()

    def view(self, path: str) -> View | None:
        """An open file as it is now."""
        with self._changed:
            file = self.texts.get(path)
            return None if file is None else View(file, self.answers.get(path))

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def join(self) -> None:
        """Wait for its thread, as long as a checker that was asked may take."""
        self._thread.join(LONGEST_GOODBYE)
        if self.monitor is not None:
            self.monitor.close()

    @property
    def _target_version(self) -> Version | None:
        return None if self.opened is None else self.opened.settings.target_version

    @property
    def options(self) -> Options | None:
        return None if self.opened is None else self.opened.options

    def complete(self, path: str, offset: int) -> Offer | None:
        """What may stand at a byte of an open file, where that is behind a dot and nobody asks for another place meanwhile."""
        asked = self._asked(path)
        if asked is None:
            return None
        offer = asked.monitor.complete(asked.files, asked.file, offset, asked.beliefs, asked.imports)
        self._tell(asked.monitor)
        return offer

    def line(self, path: str, offset: int, block: bool = False) -> Continuation | None:
        """How the line goes on at a byte of an open file, or the block that it opens, where that is probable enough to be shown
        unasked, and nobody asks for anything else meanwhile."""
        asked = self._asked(path)
        if asked is None:
            return None
        ask = asked.monitor.block if block else asked.monitor.line
        found = ask(asked.files, asked.file, offset, beliefs=asked.beliefs)
        self._tell(asked.monitor)
        return found[0] if found else None

    def _asked(self, path: str) -> _Asked | None:
        """What a completion in a file needs; None where the file is not open, or not yet."""
        from typeinfer.completing import imports_for
        from typeinfer.completion.monitor import Monitor
        from typeinfer.weights import load_lines, load_weights_of

        with self._changed:
            file, answer, opened, texts = self.texts.get(path), self.answers.get(path), self.opened, dict(self.texts)
            if file is None or opened is None or self._closed:
                return None
            if self.monitor is None:
                self.monitor = Monitor(self.root, opened.settings.target_version, load_weights_of, load_lines)
            return _Asked(
                self.monitor,
                {**opened.files, **texts},
                file,
                lambda cursor: None if answer is None else answer.beliefs,
                lambda cursor: () if answer is None else imports_for(answer.project, path, cursor),
            )

    def _tell(self, monitor: Monitor) -> None:
        for note in monitor.notes:
            self._say(note)

    def all_files(self, progress: Progress) -> Run | None:
        """An annotation of the whole project as it is now; nothing is written. Takes as long as it takes. Raises `Superseded` once
        the session is closed, and what `progress` raises."""
        from typeinfer.pipeline import annotate_project
        from typeinfer.reading import project_of
        from typeinfer.weights import model_of

        def going_on(stage: str, done: int, total: int) -> None:
            if self._closed:
                raise Superseded
            progress(stage, done, total)

        while not self._thinking.acquire(timeout=QUIET):
            going_on("waiting", 0, 1)
        try:
            with self._changed:
                opened, texts = self.opened, dict(self.texts)
            if opened is None:
                return None
            files = {**opened.files, **texts}
            only = {path: (EVERY_LINE,) for path in sorted(opened.found.named) if path in files}
            options = replace(opened.options, only=only)
            model = model_of(options)
            with Cache(cache_folder()) as cache:
                project, lost = project_of(self.root, files, HERE, cache, going_on, options.packages)
                return annotate_project(project, lost, options, model, {}, going_on).run
        finally:
            self._thinking.release()

    def _touch(self) -> None:
        self._version += 1
        self._changed_at = time.monotonic()
        self._changed.notify_all()

    # --- the thread ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._work()
        finally:
            self._let_go()

    def _work(self) -> None:
        while True:
            with self._changed:
                is_idle = not self._changed.wait_for(lambda: self._closed or self._version != self._answered, IDLE)
            if is_idle:
                self._let_go()
                give_back()
                continue
            with self._changed:
                while not self._closed and (left := self._changed_at + QUIET - time.monotonic()) > 0:
                    self._changed.wait(left)
                if self._closed:
                    return
                version, texts, reopen = self._version, dict(self.texts), self._reopen
                self._reopen = False
                self._answered_at = self._answered_at or time.monotonic()
            try:
                with self._thinking:
                    self._answer(version, texts, reopen)
            except Superseded:
                if reopen:
                    with self._changed:
                        self._reopen = True
                continue
            except (UsageError, ConfigError, ValueError, OSError) as error:
                self._say(str(error))
                self.listener.answered(frozenset())
            except Exception as error:  # Whatever is wrong with one text, the next one may be served again.
                self._let_go()
                self._say(f"a bug in typeinfer: {type(error).__name__}: {error}; the log has more")
                self.listener.said(_trace(error))
                self.listener.answered(frozenset())
            give_back()
            with self._changed:
                self._answered, self._answered_at = version, 0.0

    def _say(self, line: str) -> None:
        if line not in self.notes:
            self.notes.add(line)
            self.listener.said(line)

    def _answer(self, version: int, texts: Mapping[str, SourceFile], reopen: bool) -> None:
        opened = self.opened
        # A file that was new until it was saved is found by looking again, whether anybody told of it or not.
        stored = [path for path in texts if (self.root / path).exists()]
        if reopen or opened is None or not opened.found.named.issuperset(stored):
            opened = self.opened = open_project([self.root], self.over)
        asked = sorted(path for path in texts if path in opened.found.named or path not in stored)
        if not asked:
            return
        from typeinfer.pipeline import annotate_project, doubt_project
        from typeinfer.reading import project_of
        from typeinfer.weights import model_of

        def progress(stage: str, done: int, total: int) -> None:
            late = time.monotonic() - self._answered_at > PATIENCE
            if self._closed or (self._version != version and not late):
                raise Superseded
            self.listener.progress(stage, done, total)

        options = replace(options_of(opened.settings, dict.fromkeys(asked, (EVERY_LINE,))), rename=False)
        files = {**opened.files, **texts}
        model = model_of(options)
        with Cache(cache_folder()) as cache:
            self.known.disk = cache
            project, lost = project_of(
                self.root, dict(sorted(files.items())), options.engine, self.known, progress, options.packages
            )
            self.known.forget()
            self.known.disk = None

        def told(settled: Settled) -> None:
            # Of a file that is being edited what was decided goes with its text.
            self.decided = {slot: one for slot, one in settled.decided.items() if slot.path not in texts}
            self.listener.answered(self._keep(project, texts, settled.run, {}))

        if options.checker and (new := {path: options.only[path] for path in asked if path not in self.answers}):
            # A file that was just opened need not wait for the checker: what is believed without it is weighed for that.
            alone = replace(options, only=new, checker=False, rounds=1)
            at_first = annotate_project(project, lost, alone, model, {}, progress, self._known_of(project))
            self.listener.answered(self._keep(project, texts, at_first.run, {}))
        staying = self._staying_for(project, options, reopen)
        known = self._known_of(project)
        found = annotate_project(project, lost, options, model, {}, progress, known, told, staying=staying)
        for note in found.run.notes:
            self._say(note)
        if model is not None and (trouble := model.ranker.trouble) is not None:
            self._say(trouble)
        if options.checker:
            by_path: dict[str, tuple[Doubt, ...]] = {}
            for doubt in doubt_project(project, options, model, progress):
                path = doubt.prediction.slot.id.path
                by_path[path] = (*by_path.get(path, ()), doubt)
            if by_path:
                self.listener.answered(self._keep(project, texts, found.run, by_path))

    def _staying_for(self, project: Project, options: Options, reopen: bool) -> dict[Stays, Staying]:
        """The checkers that stay, as far as what they were begun for is what there is: files, settings, packages."""
        packages = {name: installed.state for name, installed in project.installed.items()}
        begun_for = frozenset(project.modules), options.target_version, packages
        if reopen or begun_for != self._begun_for:
            self._let_go()
            self._begun_for = begun_for
        return self._staying

    def _let_go(self) -> None:
        from typeinfer.deciding import let_go

        let_go(self._staying)

    def _known_of(self, project: Project) -> dict[SlotId, Placed]:
        """What was decided of slots that are still there, and open."""
        return {
            slot.id: Placed(slot, self.decided[slot.id].type)
            for module in project.modules.values()
            for slot in module.slots
            if slot.id in self.decided and slot.written is None
        }

    def _keep(
        self, project: Project, texts: Mapping[str, SourceFile], run: Run, doubts: Mapping[str, tuple[Doubt, ...]]
    ) -> frozenset[str]:
        """Take an answer in; of a file that is broken at the moment the one before it stays."""
        told = set()
        for outcome in run.outcomes:
            if outcome.path in texts and not isinstance(outcome, Skipped | Failed):
                path = outcome.path
                answer = Answer(project, texts[path], run, self._target_version, doubts.get(path, ()))
                if self.monitor is not None:
                    _ = answer.beliefs  # Whoever completes is not to wait for them.
                self.answers[path] = answer
                told.add(path)
        return frozenset(told)


def give_back() -> None:
    """Hand what a round has left behind to the machine, a few megabytes each time."""
    gc.collect()
    hand_back()


def _trace(error: Exception) -> str:
    import traceback

    return "".join(traceback.format_exception(error))
