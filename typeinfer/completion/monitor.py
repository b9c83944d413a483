"""Monitor: a project whose texts change, and what is believed of its types in; what may stand behind a dot, or on the rest of a
line, out, ranked.

What the receiver has is a checker's to say. It is asked about the text as it is; where it knows no type, about the text with the
annotations that would be written; and then with every one that is believed at all. The less is proven, the more of the
probability goes to names that the project uses anyway. Writes nothing, and predicts no types.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from typeinfer.completion.cursor import PLACEHOLDER, Cursor, cursor_at, dot_before, name_at, word_at
from typeinfer.completion.habits import Habits, uses_below, uses_in
from typeinfer.completion.lines import Block, Gap, LineModel, Place, Writer, place_at
from typeinfer.completion.lm import Trust
from typeinfer.completion.names import PLAIN, around, fitting, ranked, told
from typeinfer.completion.ranking import Moment, Weights, guessed, moment_of, rank, weighed
from typeinfer.languages import LANGUAGES, language_of
from typeinfer.languages.language import Companion, Language, Version
from typeinfer.model.folder import NoModel
from typeinfer.program.importable import Importable
from typeinfer.program.moved import Moved
from typeinfer.values.inferred import CheckerFailed, Complaint
from typeinfer.values.lines import Continuation
from typeinfer.values.members import Ground, Member, MemberKind, Offer, Suggestion
from typeinfer.values.patches import Edit, apply_edits
from typeinfer.values.source import SourceFile, Span

T = TypeVar("T")

NEVER = 2.0
"""A probability that nothing has: where no threshold was fitted nothing is shown unasked."""

WORDED = 40
"""Members of which the language model is asked."""

LETTERS = 2
"""Of a name that has to be imported so many are typed before it is offered."""

GIVEN = re.compile(rb"[ \t]*=(?!=)")
"""What stands behind the name of a parameter that is given a value already."""

ALONE = 30.0
"""Seconds that a checker is left alone after it failed."""

MOMENT = 0.05
"""Seconds that a list of members waits for texts to be recalled; what isn't read by then is read the next time."""


@dataclass(frozen=True)
class Beliefs:
    """What is believed of the types of a text, as edits of it that write them: those `sure` enough to be written by themselves,
    and those of `all` slots of which anything is believed."""

    file: SourceFile
    sure: tuple[Edit, ...]
    all: tuple[Edit, ...]


@dataclass(frozen=True)
class Words:
    """What the language model says of names at one place, once it has read what is around it; and how far it is trusted."""

    trust: Trust
    reading: Future[tuple[Writer, Gap]]

    def of(self, names: Sequence[Member]) -> NDArray[np.float64]:
        """[n]"""
        writer, gap = self.reading.result()
        return writer.words(gap, [one.name for one in names])


class Monitor:
    """One project. `complete` and `line` may be called from any thread; of two calls that wait for each other the older is given
    up, and a line for a list of members.

    `weights`: by which members of a language are ranked; `lines`: the language model; both None where none is installed.
    """

    def __init__(
        self,
        root: Path,
        version: Version | None,
        weights: Callable[[str], Weights | None],
        lines: Callable[[], LineModel | None] = lambda: None,
    ) -> None:
        self.root, self.version, self.weights, self.lines = root, version, weights, lines
        self.notes: list[str] = []
        """Why something is not as good as it could be, each once."""
        self._companions: dict[str, Companion] = {}
        self._failed: dict[str, tuple[float, float]] = {}
        """When a language's checker failed last, and how long it is left alone for that."""
        # By language: what a companion was told of each file, what it is yet to be told, and what habits were read from.
        self._told: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
        self._changed: defaultdict[str, dict[str, SourceFile | None]] = defaultdict(dict)
        self._read: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
        self._habits: defaultdict[str, Habits] = defaultdict(Habits)
        self._asking = threading.Lock()
        self._last: Counter[str] = Counter()
        """How often each thing was asked for."""
        self._closed = False
        self._writer: Writer | None = None
        self._recalled: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
        self._aside = ThreadPoolExecutor(1)

    def complete(
        self,
        files: Mapping[str, SourceFile],
        file: SourceFile,
        offset: int,
        beliefs: Callable[[Cursor], Beliefs | None] = lambda cursor: None,
        imports: Callable[[Cursor], Sequence[Importable]] = lambda cursor: (),
    ) -> Offer | None:
        """What may stand at a byte of a text, behind a dot or where a name is read. `files`: the project's texts as they are;
        `imports`: what could be imported for what is typed."""
        behind_dot = dot_before(file.data, word_at(file.data, offset)[0]) is not None
        with self._turn("members" if behind_dot else "names", "members") as given_up:
            cursor = None if given_up() else cursor_at(file, offset) if behind_dot else name_at(file, offset)
            language = language_of(file.path)
            if cursor is None or language is None:
                return None
            mine = {path: one for path, one in files.items() if language_of(path) is language}
            with self._words(language, mine, file, cursor) as words:
                if behind_dot:
                    return self._members(language, mine, file, cursor, beliefs, words)
                return self._names(language, mine, file, cursor, imports, words)

    def _members(
        self,
        language: Language,
        mine: Mapping[str, SourceFile],
        file: SourceFile,
        cursor: Cursor,
        beliefs: Callable[[Cursor], Beliefs | None],
        words: Words | None,
    ) -> Offer:
        weights = self.weights(language.name)
        self._take_in(language.name, mine, file.path)
        uses = uses_below(file.path, cursor.asked.data, cursor.root)
        uses = tuple(use for use in uses if use.at != cursor.begin)
        moment = moment_of(
            cursor.receiver, file.data, cursor.begin, uses, self._habits[language.name].elsewhere(file.path)
        )
        ground, listed = self._listed(language.name, mine, cursor, beliefs)
        suggestions = self._ranked(moment, ground, listed, weights)
        if words is not None and (counted := words.trust.words.get(language.name)) is not None:
            said = words.of([one.member for one in suggestions[:WORDED]])
            suggestions = tuple(weighed(suggestions, said, counted[ground is Ground.GUESSED]))
        return Offer(cursor.begin, cursor.end, cursor.typed, cursor.receiver, ground, suggestions)

    def _names(
        self,
        language: Language,
        mine: Mapping[str, SourceFile],
        file: SourceFile,
        cursor: Cursor,
        imports: Callable[[Cursor], Sequence[Importable]],
        words: Words | None,
    ) -> Offer:
        self._take_in(language.name, mine, file.path)
        end = cursor.begin + len(PLACEHOLDER)
        given = GIVEN.match(file.data, cursor.end) is not None
        listed = self._asked(language.name, mine, lambda one: one.names(cursor.asked, cursor.begin, end), ())
        near = around(file.data, cursor.begin, cursor.end)
        ground = Ground.KNOWN if listed else Ground.GUESSED
        guesses = [Member(name, MemberKind.VALUE) for name in near.times]
        there = {one.name for one in listed}
        # An import below the place would come too late, and two edits at one place go by no order.
        brought = {
            one.member.name: one
            for one in (imports(cursor) if len(cursor.typed) >= LETTERS else ())
            if one.member.name not in there and all(edit.span.end < cursor.begin for edit in one.edits)
        }
        offered = fitting([*(listed or guesses), *(one.member for one in brought.values())], cursor.typed, near)
        untold: Mapping[str, bool] = {}
        suiting = self._asked(
            language.name, mine, lambda one: one.suiting(cursor.asked, cursor.begin, end, offered), untold
        )
        said = words.of(offered) if words is not None and offered else None
        weights = PLAIN if words is None else words.trust.names.get(language.name, PLAIN)
        offered = [replace(one, name=one.name.rstrip("=")) if given else one for one in offered]
        suggestions = tuple(
            replace(one, edits=brought[one.member.name].edits) if one.member.source else one
            for one in ranked(offered, told(offered, near, said, suiting), weights, bool(listed))
        )
        return Offer(cursor.begin, cursor.end, cursor.typed, "", ground, suggestions)

    def line(
        self,
        files: Mapping[str, SourceFile],
        file: SourceFile,
        offset: int,
        count: int = 1,
        floor: float | None = None,
        beliefs: Callable[[Cursor], Beliefs | None] = lambda cursor: None,
    ) -> tuple[Continuation, ...]:
        """How the line may go on at a byte of a text, the likeliest first; each at least as probable as `floor`, or as what is
        shown unasked."""
        with self._turn("line", "members") as given_up:
            place = None if given_up() else place_at(file, offset)
            return () if place is None else self._line(files, place, count, floor, beliefs, given_up)

    def block(
        self,
        files: Mapping[str, SourceFile],
        file: SourceFile,
        offset: int,
        floor: float | None = None,
        beliefs: Callable[[Cursor], Beliefs | None] = lambda cursor: None,
    ) -> tuple[Continuation, ...]:
        """The likeliest of `line`, if there is any, and where that opens a block the lines in it, one by one while each by itself
        would be shown unasked; as probable as all of them together."""
        with self._turn("line", "members", "names") as given_up:
            place = None if given_up() else place_at(file, offset)
            found = () if place is None else self._line(files, place, 1, floor, beliefs, given_up)
            if place is None or not found:
                return ()
            block = Block(place, found[0])
            while not given_up() and (inside := block.inside()) is not None:
                found = self._line(files, inside, 1, None, beliefs, given_up)
                if not found or not block.add(found[0]):
                    break
            return () if given_up() else (block.whole,)

    def _line(
        self,
        files: Mapping[str, SourceFile],
        place: Place,
        count: int,
        floor: float | None,
        beliefs: Callable[[Cursor], Beliefs | None],
        given_up: Callable[[], bool],
    ) -> tuple[Continuation, ...]:
        name = place.language.name
        mine = {path: one for path, one in files.items() if language_of(path) is place.language}
        model = self._model(needed=True)
        least = floor if floor is not None else NEVER if model is None else model.trust.shown.get(name, NEVER)
        if model is None or least >= NEVER:
            return ()
        writer = self._writer_of(model, name, mine, place.file.path, given_up)
        if given_up():
            return ()
        self._take_in(name, mine, place.file.path)
        # A companion takes its time to start; a project without a checker's word is still written in.
        companion = self._asked(name, mine, lambda companion: companion, None)

        def members(text: bytes, before: int) -> frozenset[str] | None:
            cursor = cursor_at(place.with_text(text, before), place.start - before + len(text))
            if cursor is None:
                return None
            ground, listed = self._listed(name, mine, cursor, beliefs)
            sure = ground in (Ground.KNOWN, Ground.PREDICTED) and _tells(listed)
            return frozenset(member.name for member in listed) if sure else None

        def errors(file: SourceFile) -> Sequence[Complaint]:
            return self._asked(name, mine, lambda companion: companion.errors(file), ())

        asked = (members, errors) if companion is not None else (None, None)
        found = writer.written(place, count, least, *asked, given_up)
        return tuple(one for one in found if one.probability >= least)

    def close(self) -> None:
        self._closed = True
        with self._asking:
            for companion in self._companions.values():
                companion.close()
            self._companions = {}
        self._aside.shutdown()

    @contextmanager
    def _turn(self, wanted: str, *sooner: str) -> Iterator[Callable[[], bool]]:
        """Everything else waits meanwhile. Yields what says whether this is given up: for another of what is `wanted`, or for what
        is needed `sooner`; who is, doesn't wait for those before him."""
        self._last[wanted] += 1
        mine = {one: self._last[one] for one in (wanted, *sooner)}

        def given_up() -> bool:
            return self._closed or any(self._last[one] != number for one, number in mine.items())

        held = False
        while not held and not given_up():
            held = self._asking.acquire(timeout=MOMENT)
        try:
            yield given_up
        finally:
            if held:
                self._asking.release()

    # --- what there is ---------------------------------------------------------------------------------------------

    def _listed(
        self,
        language: str,
        files: Mapping[str, SourceFile],
        cursor: Cursor,
        beliefs: Callable[[Cursor], Beliefs | None],
    ) -> tuple[Ground, tuple[Member, ...]]:
        def listed(companion: Companion) -> tuple[Ground, tuple[Member, ...]]:
            known = companion.members(cursor.asked, cursor.begin)
            if _tells(known):
                return Ground.KNOWN, known
            believed = beliefs(cursor)
            if believed is not None:
                for ground, edits in ((Ground.PREDICTED, believed.sure), (Ground.BELIEVED, believed.all)):
                    if edits:
                        text, at = written_in(cursor, believed.file, edits)
                        if _tells(found := companion.members(text, at)):
                            return ground, found
            return (Ground.KNOWN if known else Ground.GUESSED), known

        return self._asked(language, files, listed, (Ground.GUESSED, ()))

    def _asked(self, language: str, files: Mapping[str, SourceFile], ask: Callable[[Companion], T], otherwise: T) -> T:
        """What a language's checker answers, or `otherwise` where there is none: one that fails is left alone for a while, and
        after every further failure for twice as long."""
        try:
            companion = self._companion(language, files)
            return otherwise if companion is None else ask(companion)
        except CheckerFailed as error:
            self._note(str(error))
            if (failed := self._companions.pop(language, None)) is not None:
                failed.close()
            _, waited = self._failed.get(language, (0.0, ALONE / 2))
            self._failed[language] = (time.monotonic(), 2 * waited)
            return otherwise

    def _companion(self, name: str, files: Mapping[str, SourceFile]) -> Companion | None:
        """The checker that was started for a language, told of what has changed; None where it failed a moment ago."""
        (language,) = (one for one in LANGUAGES if one.name == name)
        if (companion := self._companions.get(name)) is not None:
            companion.put(self._changed[name])
        else:
            failed, alone = self._failed.get(name, (0.0, 0.0))
            if time.monotonic() < failed + alone:
                return None
            companion = language.companion(self.root, files, self.version or language.default_version)
            self._companions[name] = companion
        self._changed[name] = {}
        return companion

    def _take_in(self, language: str, files: Mapping[str, SourceFile], but: str) -> None:
        """Read what is new; of the file that is asked about nothing is read, since that is cut off somewhere."""
        told, read, changed = self._told[language], self._read[language], self._changed[language]
        for path, file in files.items():
            # Of a project that was opened again all texts are other values, and nearly all of them the same.
            if told.get(path) != file.data:
                told[path], changed[path] = file.data, file
            if path != but and read.get(path) != file.data:
                read[path] = file.data
                self._habits[language].put(path, uses_in(path, file.data))
        for path in told.keys() - files.keys():
            del told[path]
            read.pop(path, None)
            changed[path] = None
            self._habits[language].put(path, ())

    def _note(self, line: str) -> None:
        if line not in self.notes:
            self.notes.append(line)

    # --- what is likely ------------------------------------------------------------------------------------------------

    def _model(self, needed: bool = False) -> LineModel | None:
        """The language model; that there is none is told where it is `needed`."""
        try:
            model = self.lines()
            if model is None and needed:
                self._note("no language model is installed: lines are not completed")
            return model
        except NoModel as error:
            self._note(f"the language model can't be used: {error}")
            return None

    @contextmanager
    def _words(
        self, language: Language, files: Mapping[str, SourceFile], file: SourceFile, cursor: Cursor
    ) -> Iterator[Words | None]:
        """The language model's word on names at a cursor, where there is a model. It reads what is around while a checker is asked
        for the names; texts that are new to it are recalled for a moment."""
        model = self._model()
        if model is None:
            yield None
            return

        def read() -> tuple[Writer, Gap]:
            until = time.monotonic() + MOMENT
            writer = self._writer_of(model, language.name, files, file.path, lambda: time.monotonic() > until)
            return writer, writer.gap(language, file, cursor.begin, cursor.end)

        reading = self._aside.submit(read)
        try:
            yield Words(model.trust, reading)
        finally:
            # What it changes is for whoever has the turn.
            wait([reading])

    def _writer_of(
        self,
        model: LineModel,
        language: str,
        files: Mapping[str, SourceFile],
        but: str,
        enough: Callable[[], bool],
    ) -> Writer:
        """What knows the texts of the project, but the one that is being written; those that are new to it only until it is
        `enough`."""
        if self._writer is None:
            self._writer = Writer(model)
        recalled = self._recalled[language]
        for path in recalled.keys() - files.keys():
            del recalled[path]
            self._writer.put(path, None)
        for path, file in files.items():
            if path != but and recalled.get(path) != file.data:
                if enough():
                    break
                recalled[path] = file.data
                self._writer.put(path, file.data)
        return self._writer

    def _ranked(
        self, moment: Moment, ground: Ground, listed: Iterable[Member], weights: Weights | None
    ) -> tuple[Suggestion, ...]:
        if weights is None:
            self._note("no weights for members are installed: they are listed by name")
            found = sorted({member.name: member for member in listed}.values(), key=lambda one: one.name)
            return tuple(Suggestion(member, 1 / len(found), True) for member in found)
        listed = tuple(listed)
        if ground is Ground.KNOWN:
            return tuple(rank(moment, listed, weights, known=True))
        names = rank(moment, guessed(moment, weights.prior), weights, known=False)
        if ground is Ground.GUESSED:
            return tuple(names)
        trust = weights.trust[ground.value]
        mixed = {one.member.name: Suggestion(one.member, (1 - trust) * one.probability, False) for one in names}
        for one in rank(moment, listed, weights, known=True):
            beside = mixed.get(one.member.name)
            share = trust * one.probability + (beside.probability if beside is not None else 0.0)
            mixed[one.member.name] = Suggestion(one.member, share, True)
        return tuple(sorted(mixed.values(), key=lambda one: (-one.probability, one.member.name)))


def _tells(members: Iterable[Member]) -> bool:
    """Whether there is more than what everything has: a value that is nothing yet has that much."""
    return any(not member.name.startswith("__") for member in members)


def written_in(cursor: Cursor, before: SourceFile, edits: Iterable[Edit]) -> tuple[SourceFile, int]:
    """The text around a cursor with edits of an older text, as far as their places are still there; and where the name is now."""
    moved = Moved(before.data, cursor.asked.data)
    kept: list[Edit] = []
    for edit in edits:
        start, end = moved.exact(edit.span.start), moved.exact(edit.span.end)
        if start is not None and end is not None and not start < cursor.begin < end:
            kept.append(Edit(Span(start, end), edit.text))
    text = cursor.asked.with_data(apply_edits(cursor.asked.data, tuple(kept)))
    shift = sum(
        len(edit.text.encode()) - (edit.span.end - edit.span.start) for edit in kept if edit.span.end <= cursor.begin
    )
    return text, cursor.begin + shift
