"""Ranking: a project and what the rules say in; for every slot asked about, the types that the model ranks, with probability, out.

The whole model behind one door: sentences, words, encoder, head. Knows nothing of what becomes of a ranking.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from msgspec import json
from numpy.typing import NDArray

from typeinfer.languages import LANGUAGES
from typeinfer.languages.language import Language
from typeinfer.model import terms
from typeinfer.model.search import Composed
from typeinfer.model.sentences import READING, Around, Sentence, sentences, stack
from typeinfer.program.project import Project
from typeinfer.tracing import stage
from typeinfer.values.predictions import Evidence, Ranked, Ranking
from typeinfer.values.slots import Slot, SlotId
from typeinfer.values.store import FarStore, Store
from typeinfer.values.typeexpr import TypeExpr, is_complete

if TYPE_CHECKING:
    from typeinfer.model.checkpoint import Checkpoint
    from typeinfer.model.runtime import Asked, Spread
    from typeinfer.model.tokens import Subwords

MOST_RANKED = 8

BEAM = 8
"""Types that are composed of a slot."""

SLACK = 0.01
"""Probabilities that are added up may be too large by so much."""

REMEMBERED = 4_096
"""Units whose answers are kept: who asks again after an edit asks about few others."""

LANGUAGE_NAMES = tuple(language.name for language in LANGUAGES)
"""In the order in which a model counts them."""


UNIT: Final = "unit"
FILE: Final = "units of a file"
Answer: TypeAlias = tuple[Composed, ...]
"""What was said of the slots of a unit."""


@dataclass
class TypeRanker:
    """A model ready to be asked. `checkpoint`: less its weights; `answered`: what it said of units, by all that it read there, the
    latest last; `kept`: what opens the store where that is kept beyond this process, under a `digest` of the model and what it
    computes on; `shared`: where it is kept for others, too."""

    checkpoint: Checkpoint
    runtime: Asked
    subwords: Subwords
    answered: dict[bytes, Answer] = field(default_factory=dict)
    digest: str = ""
    kept: Callable[[], AbstractContextManager[Store]] | None = None
    shared: FarStore | None = None
    told: set[bytes] = field(default_factory=set)
    """The units of `answered` that others answered for: they are taken for this process, and handed on to nobody."""
    ahead: Around | None = None
    """What was read of the project that is asked about next."""

    @property
    def hears(self) -> Collection[str]:
        """The rules that it was trained with."""
        return self.checkpoint.config.rules

    @property
    def trouble(self) -> str | None:
        return self.runtime.trouble

    @property
    def computed(self) -> tuple[str, str]:
        """Under which its answers are kept."""
        return self.digest, self.runtime.device

    def read_ahead(self, project: Project, asked: frozenset[SlotId]) -> None:
        self.ahead = Around(project, asked, self.kept)

    def rank(
        self,
        project: Project,
        evidence: Mapping[SlotId, Sequence[Evidence]],
        wanted: Callable[[Slot], bool],
    ) -> dict[SlotId, Ranking]:
        """The types of every slot that is wanted."""
        heard = {slot: [one for one in said if one.rule in self.hears] for slot, said in evidence.items()}
        by_language: dict[str, list[Sentence]] = defaultdict(list)
        asked = frozenset(slot.id for module in project.modules.values() for slot in module.slots if wanted(slot))
        around = self.ahead
        if around is None or not around.answers_for(project, asked):
            around = Around(project, asked, self.kept)
        # It is as large as the project.
        self.ahead = None
        with stage("units"):
            for sentence in sentences(around, heard, wanted):
                by_language[sentence.language].append(sentence)
        found: dict[SlotId, Ranking] = {}
        answers: dict[bytes, Answer] = {}
        for language in project.languages:
            if made := by_language[language.name]:
                found |= self._rank(project, language, made, answers)
        known = {**self.answered, **answers}
        self.answered = dict(list(known.items())[-max(REMEMBERED, len(answers)) :])
        self.told &= self.answered.keys()
        return found

    def _rank(
        self, project: Project, language: Language, made: Sequence[Sentence], answers: dict[bytes, Answer]
    ) -> dict[SlotId, Ranking]:
        allowed = self._sayable(project, language)
        keys = [read_as(sentence, allowed) for sentence in made]
        answers |= {key: self.answered[key] for key in keys if key in self.answered}
        unread = {key: sentence for key, sentence in zip(keys, made, strict=True) if key not in answers}
        if unread and self.kept is not None:
            with stage("what is remembered"), self.kept() as store:
                told = {key: store.get(UNIT, (*self.computed, key), Answer) for key in unread}
            answers |= {key: answer for key, answer in told.items() if answer is not None}
            unread = {key: sentence for key, sentence in unread.items() if key not in answers}
        unknown: list[Sequence[bytes]] = []
        if unread and self.shared is not None:
            with stage("what others know"):
                by_others, unknown = self._told_by_others(self.shared, language, keys, made, unread, allowed)
            answers |= by_others
            self.told |= by_others.keys()
            unread = {key: sentence for key, sentence in unread.items() if key not in by_others}
        with stage("model", units=len(unread), slots=sum(len(one.slots) for one in unread.values())):
            said = iter(self._composed(list(unread.values()), allowed) if unread else ())
        fresh = {key: tuple(next(said) for _ in sentence.slots) for key, sentence in unread.items()}
        answers |= fresh
        if unknown and self.shared is not None:
            with stage("what others know"):
                own = [some for some in unknown if self.told.isdisjoint(some)]
                self.shared.put(FILE, [((*self.computed, *some), [answers[key] for key in some]) for some in own])
        if fresh and self.kept is not None:
            with stage("what is remembered"), self.kept() as store:
                for key, answer in fresh.items():
                    store.put(UNIT, (*self.computed, key), answer)
        with stage("types of answers"):
            return {
                slot.id: self._ranking(language, sentence, composed)
                for key, sentence in zip(keys, made, strict=True)
                for slot, composed in zip(sentence.slots, answers[key], strict=True)
            }

    def _told_by_others(
        self,
        shared: FarStore,
        language: Language,
        keys: Sequence[bytes],
        made: Sequence[Sentence],
        unread: Mapping[bytes, Sentence],
        allowed: NDArray[np.bool_],
    ) -> tuple[dict[bytes, Answer], list[Sequence[bytes]]]:
        """What is known of units that were not read yet, by theirs and their file's others, since asking for each would take longer
        than reading it; and the units of each file of which nothing is known."""
        files: dict[str, list[tuple[bytes, Sentence]]] = defaultdict(list)
        for key, sentence in zip(keys, made, strict=True):
            files[sentence.slots[0].id.path].append((key, sentence))
        asked = [units for units in files.values() if any(key in unread for key, _ in units)]
        told: dict[bytes, Answer] = {}
        unknown: list[Sequence[bytes]] = []
        found = shared.get(FILE, [(*self.computed, *(key for key, _ in units)) for units in asked], tuple[Answer, ...])
        for units, answers in zip(asked, found, strict=True):
            if answers is not None and self._may_be_said(language, [one for _, one in units], answers, allowed):
                told |= {key: answer for (key, _), answer in zip(units, answers, strict=True) if key in unread}
            else:
                unknown.append([key for key, _ in units])
        return told, unknown

    def _may_be_said(
        self, language: Language, made: Sequence[Sentence], answers: Sequence[Answer], allowed: NDArray[np.bool_]
    ) -> bool:
        """Whether the model may have said this of these units: whoever shares a store is no more trusted than that."""
        if [len(one.slots) for one in made] != [len(answer) for answer in answers]:
            return False
        allowed = allowed.copy()
        allowed[terms.NO_TYPE] = True
        for sentence, answer in zip(made, answers, strict=True):
            sayable = [*allowed, *([True] * len(sentence.names))]
            for composed in answer:
                numbers = [number for symbols, _ in composed.types for number in symbols]
                longest = max((len(symbols) for symbols, _ in composed.types), default=0)
                if len(composed.types) > BEAM or longest > self.checkpoint.config.steps:
                    return False
                if not all(0 <= number < len(sayable) and sayable[number] for number in numbers):
                    return False
                scores = [score for _, score in composed.types]
                if not all(score <= SLACK for score in scores) or not 0.0 <= composed.beyond <= 1.0 + SLACK:
                    return False
                if sum(map(exp, scores)) + composed.beyond > 1.0 + SLACK:
                    return False
                try:
                    self._ranking(language, sentence, composed)
                except (LookupError, StopIteration, RuntimeError):  # A type that doesn't end.
                    return False
        return True

    def _composed(self, made: Sequence[Sentence], allowed: NDArray[np.bool_]) -> Sequence[Composed]:
        lexemes: dict[str, int] = {}
        units = stack(made, lambda word: lexemes.setdefault(word, len(lexemes)), LANGUAGE_NAMES)
        return self.runtime.rank(units, self.subwords.rows(list(lexemes)), range(len(units)), BEAM, allowed)

    def _ranking(self, language: Language, sentence: Sentence, composed: Composed) -> Ranking:
        """Sequences as types: the vocabulary and a pointer may say the same."""
        scope = [name.qualified for name in sentence.names]
        total: dict[TypeExpr, float] = defaultdict(float)
        for symbols, score in composed.types:
            term = terms.read(symbols, self.checkpoint.vocabulary, scope, language.anything)
            if is_complete(term) and term != language.anything and language.is_writable(term):
                total[term] += exp(score)
        best = sorted(total.items(), key=lambda pair: (-pair[1], repr(pair[0])))[:MOST_RANKED]
        return Ranking(tuple(Ranked(term, probability) for term, probability in best), composed.beyond)

    def _sayable(self, project: Project, language: Language) -> NDArray[np.bool_]:
        """Which symbols a file of this project can say: the language's own, its library's, and those of the packages that the
        project imports."""
        imported = {
            found.module.partition(".")[0]
            for path, module in project.modules.items()
            if project.language_of(path) is language
            for found in module.imports
        }

        def sayable(symbol: terms.Symbol) -> bool:
            if language.name not in symbol.languages:
                return False
            if not terms.is_name(symbol):
                return True
            top, dot, _ = symbol.key.partition(".")
            return language.is_builtin(symbol.key) or (bool(dot) and (language.is_library(top) or top in imported))

        return np.array([sayable(symbol) for symbol in self.checkpoint.vocabulary.symbols])


def read_as(sentence: Sentence, allowed: NDArray[np.bool_]) -> bytes:
    """A digest of all that the model is given of a unit."""
    read = [
        sentence.language,
        [slot.id.kind.value for slot in sentence.slots],
        [(name.lexeme, name.kind, name.bare, name.members) for name in sentence.names],
        [sentence.words, sentence.roles, sentence.told, sentence.places, sentence.mentions],
    ]
    told = json.encode(read) + sentence.joins.tobytes() + allowed.tobytes()
    return hashlib.blake2b(told, digest_size=16).digest()


def load_ranker(folder: Path, threads: int, device: str = "cpu", spread: Spread | None = None) -> TypeRanker:
    """The model stored in a folder, to run on so many threads, or in all places that `spread` leads to; its encoder on `device`:
    `"cpu"` or `"cuda"`. Raises `checkpoint.NoModel` and `runtime.NoDevice`, each a `ValueError` of one line."""
    from typeinfer.model.checkpoint import load
    from typeinfer.model.folder import CONFIG, OTHER_VERSION, NoModel
    from typeinfer.model.runtime import Elsewhere, Runtime
    from typeinfer.model.tokens import Subwords

    checkpoint = load(folder)
    if checkpoint.config.reading != READING:
        raise NoModel(f"{folder / CONFIG}: was trained on units that are read in another way; {OTHER_VERSION}")
    runtime = Runtime(checkpoint, threads, device=device) if spread is None else Elsewhere(checkpoint, device, spread)
    # What computes holds the weights that it needs.
    return TypeRanker(replace(checkpoint, weights={}), runtime, Subwords.parse(checkpoint.tokenizer))
