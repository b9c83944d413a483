"""Weights: the models and beliefs that come with the program, or that are named, each loaded once. Knows nothing of what they are
asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from typeinfer.deciding import Model, Options, Ranker
from typeinfer.engine.cache import Cache, cache_folder
from typeinfer.engine.engine import Engine
from typeinfer.languages import LANGUAGES, treesitter
from typeinfer.values.predictions import Evidence, Ranking
from typeinfer.values.slots import Slot, SlotId

if TYPE_CHECKING:
    from typeinfer.completion.lines import LineModel
    from typeinfer.completion.ranking import Weights
    from typeinfer.engine.shared import Shared
    from typeinfer.model.belief import Belief
    from typeinfer.model.folder import NoModel
    from typeinfer.program.project import Project


def model_digest_of(folder: Path) -> str:
    from typeinfer.model.folder import model_digest

    return model_digest(folder)


def shipped_model() -> Path | None:
    """The folder of the type model that came with the program, if one did."""
    folder = treesitter.grammar_folder().parent / "models" / "types"
    return folder if folder.is_dir() else None


@dataclass(frozen=True)
class _Coming:
    """A ranker that is being loaded: a checker has its first word meanwhile, and whoever asks the model waits for the rest."""

    coming: Future[Ranker]

    @property
    def ranker(self) -> Ranker:
        try:
            return self.coming.result()
        except Exception:
            load_model.cache_clear()  # Whoever asks next may find it mended.
            raise

    @property
    def hears(self) -> Collection[str]:
        return self.ranker.hears

    @property
    def trouble(self) -> str | None:
        loaded = self.coming.done() and self.coming.exception() is None
        return self.coming.result().trouble if loaded else None

    def read_ahead(self, project: Project, asked: frozenset[SlotId]) -> None:
        self.ranker.read_ahead(project, asked)

    def rank(
        self,
        project: Project,
        evidence: Mapping[SlotId, Sequence[Evidence]],
        wanted: Callable[[Slot], bool],
    ) -> Mapping[SlotId, Ranking]:
        return self.ranker.rank(project, evidence, wanted)


@cache
def load_model(folder: Path, engine: Engine, device: str = "cpu") -> Model:
    """The model stored in a folder, with its beliefs, to be held where the engine is, its encoder on `device`. Raises `NoModel`
    and `NoDevice`, where only the weights are at fault once it is asked."""
    from typeinfer.model.calibration import load_calibration
    from typeinfer.model.folder import NoModel

    beside = ThreadPoolExecutor(1, "model")
    coming = beside.submit(_load_ranker, folder, engine, device)
    beside.shutdown(
        wait=False
    )  # The process won't end in the middle of it, which the runtime's own threads don't bear.
    try:
        beliefs = load_calibration(folder)
        if not beliefs:
            raise NoModel(f"{folder}: was never calibrated; run: typeinfer evaluate --fit {folder}")
    except NoModel:
        coming.result()  # What is wrong with the whole folder is told first.
        raise
    return Model(_Coming(coming), beliefs)


def model_of(options: Options) -> Model | None:
    """The model that is asked for, if one is. Raises as `load_model`."""
    return None if options.model is None else load_model(options.model, options.engine, options.device)


def _load_ranker(folder: Path, engine: Engine, device: str) -> Ranker:
    from typeinfer.model.ranking import load_ranker

    ranker = load_ranker(folder, engine.jobs, device, engine.answering)
    return replace(ranker, digest=model_digest_of(folder), kept=lambda: Cache(cache_folder()), shared=shared_cache())


@cache
def shared_cache() -> Shared | None:
    """Where what the model said is kept for others too, if the user says so. A project's settings can't: it is for nobody else to
    say whom a person's computer talks to."""
    url = os.environ.get("TYPEINFER_SHARED_CACHE")
    if not url:
        return None
    from typeinfer.engine.shared import Shared

    return Shared(url)


def belief_path(language: str) -> Path:
    return treesitter.grammar_folder().parent / "models" / "rules" / f"{language}.json"


@cache
def load_beliefs() -> Mapping[str, Belief]:
    """The belief of each language, by its name."""
    from typeinfer.model.belief import load_belief

    return {language.name: load_belief(belief_path(language.name)) for language in LANGUAGES}


@cache
def load_weights_of(language: str) -> Weights | None:
    """What a language's members are ranked by; None where nothing of it is installed."""
    from typeinfer.completion.ranking import load_weights

    path = weights_path(language)
    return load_weights(path) if path.is_file() else None


def load_lines() -> LineModel | None:
    """The language model; None where none is installed. Raises `NoModel` for one that can't be used."""
    found = _lines()
    if isinstance(found, Exception):
        raise found
    return found


@cache
def _lines() -> LineModel | NoModel | None:
    """What is wrong with a model is found out once, too."""
    from typeinfer.completion.lines import LineModel
    from typeinfer.completion.lm import load
    from typeinfer.model.folder import NoModel

    folder = treesitter.grammar_folder().parent / "models" / "lines"
    try:
        return LineModel(load(folder)) if folder.is_dir() else None
    except NoModel as error:
        return error


def weights_path(language: str) -> Path:
    return treesitter.grammar_folder().parent / "models" / "members" / f"{language}.json"
