"""What a language model is to be trusted with: a trained one and projects that training never saw in; `calibration.json` out.

How far each kind of recollection counts beside the model is what makes the texts of the development split likeliest (EM); from
which probability on a line is shown unasked follows from lines of the calibration split that were cut off and drawn again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from typeinfer.completion import names
from typeinfer.completion.cursor import PLACEHOLDER, cursor_at, name_at
from typeinfer.completion.habits import Habits, uses_below, uses_in
from typeinfer.completion.lines import LineModel, Writer, place_at
from typeinfer.completion.lm import Counted, Stored, Trust
from typeinfer.completion.monitor import NEVER, WORDED
from typeinfer.completion.prefixes import Grammar
from typeinfer.completion.ranking import Weights, guessed, mixed, moment_of, rank
from typeinfer.completion.recall import KINDS, LONGEST, Text, recalled
from typeinfer.languages import LANGUAGES
from typeinfer.languages.language import Companion, Language
from typeinfer.training.corpus import CorpusProject
from typeinfer.training.dots import Rest, dots_of, names_of, rests_of, sampled
from typeinfer.training.texts import Texts
from typeinfer.values.inferred import CheckerFailed
from typeinfer.values.source import SourceFile

ROUNDS = 40

ROWS = 12
"""Rows of a project that recollections are compared with the model on."""

MOST_TOKENS = 1_000_000

RIGHT = 0.5
"""Share of the lines shown unasked that are to be just what was written."""

FLOOR = 0.1

FEWEST, FEWEST_TOKENS = 30, 10
"""Lines, and tokens, from which a share is told."""


# --- recollections ----------------------------------------------------------------------------------------------------------


def trust_in_recall(model: LineModel, texts: Texts, progress: Callable[[str, int, int], None]) -> tuple[float, ...]:
    """For each kind the share that makes what was written likeliest, where a project's other files are recalled."""
    ours: list[list[float]] = [[] for _ in range(KINDS)]
    theirs: list[list[float]] = [[] for _ in range(KINDS)]
    random = np.random.default_rng(0)
    projects = np.unique(texts.project)
    for number, project in enumerate(projects):
        progress("recall", number, len(projects))
        files = np.flatnonzero(texts.project == project)
        for file in random.choice(files, min(ROWS, len(files)), replace=False):
            others = [texts.token[texts.token_of[one] : texts.token_of[one + 1]] for one in files if one != file]
            whole = np.concatenate([np.zeros(0, np.uint16), *others])[:MOST_TOKENS].astype(np.int64)
            own = texts.token[texts.token_of[file] : texts.token_of[file + 1]].astype(np.int64)
            for kind, mine, other in compared(model, own, Text(whole), int(texts.language[file]), random):
                ours[kind].append(mine)
                theirs[kind].append(other)
    shares: list[float] = []
    for one, two in zip(ours, theirs, strict=True):
        # Of runs that hardly occur as much is believed as of those that are shorter.
        shorter = shares[-3] if len(shares) > 2 else 0.0
        shares.append(share_of(np.array(one), np.array(two)) if len(one) >= FEWEST_TOKENS else shorter)
    return tuple(shares)


def compared(
    model: LineModel, own: NDArray[np.int64], others: Text, language: int, random: np.random.Generator
) -> Iterator[tuple[int, float, float]]:
    """Of some tokens of a file: the kind of what is recalled there, and how probable the token was to model and recollection."""
    seen = model.prompter.room
    stop = int(random.integers(1, len(own) + 1))
    start = max(0, stop - seen)
    row = model.prompter.row(
        language, [], own[stop : stop + model.prompter.shape.suffix].tolist(), own[start:stop].tolist()
    )
    first = len(row) - 1 - (stop - start)
    scores = model.model.told(row)
    # Of the text itself what stands before the row is recalled too, as when a line is written.
    before = Text(own[:start])
    for at in range(max(start + 1, stop - 100), stop):
        found = recalled((Text(own[start:at]), before, others), own[:at].tolist()[-LONGEST:])
        if found is not None:
            told = float(found.share[found.tokens == own[at]].sum())
            yield found.kind, float(np.exp(scores[first + at - start - 1, own[at]])), told


def share_of(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    """The weight of theirs beside ours under which what was seen is likeliest."""
    if not len(ours):
        return 0.0
    share = 0.5
    for _ in range(ROUNDS):
        both = share * theirs + (1 - share) * ours
        share = float(np.mean(share * theirs / np.maximum(both, 1e-12)))
    return round(min(0.95, share), 4)


# --- lines ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Drawn:
    """The likeliest line of a place, how likely it was thought, and whether it was what had been written."""

    probability: float
    right: bool


def drawn_of(writer: Writer, files: Mapping[str, SourceFile], count: int) -> list[Drawn]:
    wholes: list[Rest] = []
    behind: list[Rest] = []
    for file in files.values():
        one, two = rests_of(file)
        wholes, behind = wholes + one, behind + two
    found = []
    for rest in (*sampled(wholes, count, 0), *sampled(behind, count, 0)):
        cut = rest.cut
        place = place_at(cut, rest.at)
        if place is None:
            continue
        lines = writer.drawn(place, 3, FLOOR)
        grammar = Grammar(place.language, cut, place.start, place.end, place.least)
        texts = [(line.text.decode("utf-8", "replace").strip(), line.probability) for line in lines]
        texts = [(text, likely) for text, likely in texts if text and grammar.complete(text.encode())]
        if texts:
            found.append(Drawn(texts[0][1], texts[0][0] == rest.text))
    return found


def shown_from(drawn: Sequence[Drawn]) -> float:
    """The lowest probability from which on `RIGHT` of the lines are what was written."""
    ordered = sorted(drawn, key=lambda one: -one.probability)
    lowest = NEVER
    right = 0
    for number, one in enumerate(ordered, 1):
        right += one.right
        if number >= FEWEST and right >= RIGHT * number:
            lowest = one.probability
    return round(lowest, 4)


# --- words ------------------------------------------------------------------------------------------------------------------

WEIGHTS = tuple((ranked / 10, word / 20) for ranked in range(3, 11) for word in range(13))


@dataclass(frozen=True)
class Weighed:
    """A place where the ranking offered what was meant: the log of how likely it thought each of the first, [n], what the language
    model said of each, [n], and which was meant."""

    ranked: NDArray[np.float64]
    words: NDArray[np.float64]
    meant: int

    def likelihood(self, counted: Counted) -> float:
        scores = mixed(self.ranked, self.words, counted)
        return float(scores[self.meant] - np.logaddexp.reduce(scores))


def weighed_places(
    writer: Writer,
    companion: Companion,
    files: Mapping[str, SourceFile],
    language: Language,
    weights: Weights,
    count: int,
    known: list[Weighed],
    guesses: list[Weighed],
) -> None:
    """Adds places where the type is known, and the same with names that are guessed."""
    habits = Habits()
    for path, file in files.items():
        habits.put(path, uses_in(path, file.data))
    for dot in sampled([dot for file in files.values() for dot in dots_of(file)], count, 0):
        cut, path = dot.cut, dot.file.path
        cursor = cursor_at(cut, dot.at)
        if cursor is None:
            continue
        uses = [use for use in uses_below(path, cursor.asked.data, cursor.root) if use.at != cursor.begin]
        moment = moment_of(cursor.receiver, cut.data, cursor.begin, uses, habits.elsewhere(path))
        offered = companion.members(cursor.asked, cursor.begin)
        for members, by_type, into in ((offered, True, known), (guessed(moment, weights.prior), False, guesses)):
            first = rank(moment, members, weights, known=by_type)[:WORDED]
            listed = [one.member.name for one in first]
            if dot.member in listed:
                words = writer.words(writer.gap(language, cut, cursor.begin, cursor.end), listed)
                logs = np.log(np.maximum([one.probability for one in first], 1e-12))
                into.append(Weighed(logs, words, listed.index(dot.member)))


def counted_of(places: Sequence[Weighed]) -> Counted:
    if not places:
        return 1.0, 0.0
    return max(WEIGHTS, key=lambda counted: sum(one.likelihood(counted) for one in places))


# --- names ------------------------------------------------------------------------------------------------------------------

STEPS, RIDGE = 30, 1.0


@dataclass(frozen=True)
class Named:
    """A place where a name was meant: what `names.FEATURES` tell of each that was offered, [n, features], and which it was."""

    told: NDArray[np.float64]
    meant: int


def named_places(
    writer: Writer,
    companion: Companion,
    files: Mapping[str, SourceFile],
    language: Language,
    count: int,
    places: list[Named],
) -> None:
    """Adds places of which nothing is typed yet, and the same with one letter."""
    for dot in sampled([dot for file in files.values() for dot in names_of(file)], count, 0):
        for letters in (0, 1):
            cut = dot.cut_behind(letters)
            cursor = name_at(cut, dot.at + letters)
            if cursor is None:
                continue
            here = cursor.asked, cursor.begin, cursor.begin + len(PLACEHOLDER)
            listed = companion.names(*here)
            near = names.around(cut.data, cursor.begin, cursor.end)
            offered = names.fitting(listed, cursor.typed, near)
            meant = next((at for at, one in enumerate(offered) if one.name == dot.member), None)
            if meant is not None:
                gap = writer.gap(language, cut, cursor.begin, cursor.end)
                words = writer.words(gap, [one.name for one in offered])
                suiting = companion.suiting(*here, offered)
                places.append(Named(names.told(offered, near, words, suiting), meant))


def weights_of_names(places: Sequence[Named]) -> dict[str, float]:
    """What each feature counts where what was meant is likeliest (a conditional logit, by Newton's steps)."""
    weights = np.array([names.PLAIN.get(name, 0.0) for name in names.FEATURES])
    prior = weights.copy()
    for _ in range(STEPS):
        slope, bend = -RIDGE * (weights - prior), np.eye(len(weights)) * RIDGE
        for place in places:
            scores = place.told @ weights
            shares = np.exp(scores - scores.max())
            shares /= shares.sum()
            mean = shares @ place.told
            slope += place.told[place.meant] - mean
            bend += place.told.T @ (place.told * shares[:, None]) - np.outer(mean, mean)
        weights = weights + np.linalg.solve(bend, slope)
    return {name: round(float(weight), 3) for name, weight in zip(names.FEATURES, weights, strict=True)}


def fit(
    stored: Stored,
    texts: Texts,
    root: Path,
    projects: Sequence[CorpusProject],
    weights_of: Callable[[str], Weights | None],
    count: int,
    progress: Callable[[str, int, int], None],
) -> Trust:
    """`projects`: those of the calibration split, `count` lines and as many dots of each."""
    recall = trust_in_recall(LineModel(stored), texts, progress)
    model = LineModel(Stored(stored.shape, stored.tokenizer, stored.weights, Trust({}, recall), "", ""))
    shown: dict[str, float] = {}
    words: dict[str, tuple[Counted, Counted]] = {}
    of_names: dict[str, dict[str, float]] = {}
    for language in LANGUAGES:
        named: list[Named] = []
        drawn: list[Drawn] = []
        known: list[Weighed] = []
        guesses: list[Weighed] = []
        ranking = weights_of(language.name)
        mine = [one for one in projects if one.language == language.name]
        for number, project in enumerate(mine):
            progress(f"lines of {language.name}", number, len(mine))
            folder = root / project.root
            files = {path: SourceFile(path, language.name, (folder / path).read_bytes()) for path in project.files}
            writer = Writer(model)
            for path, file in files.items():
                writer.put(path, file.data)
            drawn += drawn_of(writer, files, count)
            with contextlib.suppress(CheckerFailed), contextlib.ExitStack() as ended:
                companion = language.companion(folder, files, language.default_version)
                ended.callback(companion.close)
                named_places(writer, companion, files, language, count, named)
                if ranking is not None:
                    weighed_places(writer, companion, files, language, ranking, count, known, guesses)
        shown[language.name] = shown_from(drawn)
        if ranking is not None:
            words[language.name] = (counted_of(known), counted_of(guesses))
        if named:
            of_names[language.name] = weights_of_names(named)
    return Trust(shown, recall, words, of_names)
