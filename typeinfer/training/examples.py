"""Examples: projects of the corpus in; units with the types that people wrote, as arrays in shards, out.

A project is read twice: as it is, for words and labels, and without its annotations, for what rules and checker would say of it
then. What is written stays in the words, marked by slot: what of it is hidden is drawn anew whenever a unit is trained on.
Where nothing is written, what the checker infers is a label too, marked as such.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from typeinfer.deciding import ask_checkers
from typeinfer.engine.engine import Engine, EngineFailed, Lost
from typeinfer.languages import LANGUAGE_OF_SUFFIX, LANGUAGES
from typeinfer.model import terms
from typeinfer.model.sentences import (
    NAME_KINDS,
    READING,
    RELATIONS,
    ROLES,
    SAID,
    SURROUNDINGS,
    Around,
    sentences,
    stack,
)
from typeinfer.model.terms import Vocabulary
from typeinfer.model.tokens import learn
from typeinfer.model.units import CHECKER, PERSON, Units, one_after_the_other, runs
from typeinfer.program.evidence import gather
from typeinfer.program.files import read_files
from typeinfer.program.project import Project, read_project
from typeinfer.training.corpus import CorpusProject
from typeinfer.values.inferred import Inference
from typeinfer.values.patches import Edit, apply_edits
from typeinfer.values.slots import Slot, SlotId, SlotKind
from typeinfer.values.source import SourceFile, Span
from typeinfer.values.typeexpr import UNKNOWN, Named, TypeExpr, rename

SYMBOLS = 3000
SUBWORDS = 12000
UNITS_A_SHARD = 20_000
SEEN_OFTEN = 50
"""A rule that is heard less often than this in training is not heard afterwards."""

Spelled = list[tuple[str, int, int]]
Label = tuple[int, Spelled]
"""Whose word it is, `PERSON` or `CHECKER`, and the type as symbols: key, arity, the name in scope that says the same or -1."""

CHECKED = ("checker-return", "checker-variable")
"""The rules by which a checker alone says what a type is."""

MOST_FILES = 240
"""Of a larger project the first files in path order, so that what belongs together stays so and no project dominates."""


# --- one project ------------------------------------------------------------------------------------------------------


def is_learnt(project: Project, slot: Slot) -> bool:
    """Whether a slot has an annotation that people write for readers and checkers alone."""
    return slot.written is not None and not project.is_given(project.modules[slot.id.path], slot)


@dataclass(frozen=True)
class Examples:
    """One project: its units, the words that `Units.word` counts, the label of every slot, and what checkers had to say."""

    units: Units
    lexemes: Sequence[str]
    labels: Sequence[Label | None]
    notes: tuple[str, ...] = ()


def examples(source: CorpusProject, corpus: Path) -> Examples:
    root = corpus / source.root
    files, _ = read_files(root, list(source.files[:MOST_FILES]), LANGUAGE_OF_SUFFIX)
    project = read_project(root, files)
    bare = read_project(root, without_annotations(project))
    said_of_bare, said = ask_checkers(bare), ask_checkers(project)
    evidence, inferred = gather(bare, said_of_bare), inferred_types(project, said)
    made = list(sentences(Around(project), evidence, lambda slot: is_learnt(project, slot) or slot.id in inferred))
    lexemes: dict[str, int] = {}
    labels: list[Label | None] = []
    for sentence in made:
        scope = {name.qualified: at for at, name in reversed(list(enumerate(sentence.names)))}
        for slot in sentence.slots:
            whose = CHECKER if slot.id in inferred else PERSON
            term = inferred.get(slot.id) or written_type(project, slot)
            spelled = (
                [(key, arity, scope.get(name or "", -1)) for key, arity, name in terms.spell(term)] if term else []
            )
            labels.append((whose, spelled) if spelled else None)
    units = stack(
        made,
        lambda word: lexemes.setdefault(word, len(lexemes)),
        [language.name for language in LANGUAGES],
    )
    return Examples(units, list(lexemes), labels, tuple(dict.fromkeys((*said_of_bare.notes, *said.notes))))


def inferred_types(project: Project, inference: Inference) -> dict[SlotId, TypeExpr]:
    """What a checker infers of returns, attributes and variables that nobody annotated, locals aside: people don't say those."""
    asked = {
        slot.id
        for module in project.modules.values()
        for slot in module.slots
        if slot.written is None and not slot.local and not project.is_given(module, slot)
    }
    return {
        slot: rename(one.type, project.canonical)
        for slot, said in gather(project, inference).items()
        if slot in asked
        for one in said
        if one.rule in CHECKED
    }


def written_type(project: Project, slot: Slot) -> TypeExpr | None:
    """What a person wrote, or None where it says nothing that could be learnt: `Any`, a bare type variable,
    `Self`, the mark of an alias."""
    module = project.modules[slot.id.path]
    term = project.written_type(module, slot)
    if term is None or term == UNKNOWN:
        return None
    term = rename(term, project.canonical)
    if isinstance(term, Named) and not term.args:
        if term.name.rpartition(".")[2] in ("Self", "TypeAlias"):
            return None
        found = project.split(term.name)
        if found is not None and found[1] not in found[0].class_at and len(found[1]) <= 2:
            return None
    return term


def without_annotations(project: Project) -> dict[str, SourceFile]:
    """The files with every annotation taken out that is nobody's business at run time."""
    files = {}
    for path, module in project.modules.items():
        spans = []
        for slot in module.slots:
            if is_learnt(project, slot) and slot.written is not None and slot.insert_at <= slot.written.start:
                spans.append(Span(slot.insert_at, slot.written.end))
        kept: list[Edit] = []
        for span in sorted(set(spans)):
            if not kept or kept[-1].span.end <= span.start:
                kept.append(Edit(span, ""))
        files[path] = module.file.with_data(apply_edits(module.file.data, tuple(kept)))
    return files


# --- the corpus -------------------------------------------------------------------------------------------------------


def _prepare(task: tuple[CorpusProject, Path, Path]) -> tuple[str, ...]:
    """Make one project's examples and keep them, unless that is done: what there is to say."""
    source, corpus, folder = task
    arrays, facts = _files_of(source, folder)
    if facts.is_file():
        return ()
    try:
        made = examples(source, corpus)
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        return (f"{source.name}: left out ({type(error).__name__}: {error})",)
    made.units.save(arrays)
    partial = facts.with_name(f"{facts.name}.partial")
    partial.write_text(json.dumps({"lexemes": made.lexemes, "labels": made.labels}), encoding="utf-8")
    partial.rename(facts)
    return made.notes


def prepare(
    sources: Sequence[CorpusProject],
    corpus: Path,
    folder: Path,
    jobs: int,
    progress: Callable[[str, int, int], None],
    say: Callable[[str], None],
    engine: Engine | None = None,
) -> None:
    """Make the examples of every project that has none yet, in so many processes or by an engine whose machines all see both
    folders. What can't be read is said and left out. Raises `EngineFailed`."""
    (folder / "projects").mkdir(parents=True, exist_ok=True)
    tasks = [(source, corpus, folder) for source in sources]
    known: set[str] = set()
    for notes in _prepared(tasks, jobs, progress, engine):
        for note in notes:
            if note not in known:
                say(note)
                known.add(note)


def _prepared(
    tasks: Sequence[tuple[CorpusProject, Path, Path]],
    jobs: int,
    progress: Callable[[str, int, int], None],
    engine: Engine | None,
) -> Iterator[tuple[str, ...]]:
    if engine is None:
        with multiprocessing.get_context("spawn").Pool(jobs, maxtasksperchild=8) as pool:
            for at, notes in enumerate(pool.imap_unordered(_prepare, tasks)):
                progress("reading", at + 1, len(tasks))
                yield notes
        return
    for task, done in zip(tasks, engine.run_over("reading", tasks, _prepare, progress), strict=True):
        source, _, folder = task
        if isinstance(done, Lost):
            yield (f"{source.name}: left out ({done.reason})",)
        elif not done and not _files_of(source, folder)[1].is_file():
            raise EngineFailed(f"--engine ray: {folder} is another folder there; all machines must share it")
        else:
            yield done


def assemble(sources: Sequence[CorpusProject], folder: Path, say: Callable[[str], None]) -> None:
    """Shards from the examples of all projects: vocabulary and subwords come from those that are trained on."""
    held = [source for source in sources if _files_of(source, folder)[1].is_file()]
    counts: Counter[str] = Counter()
    symbols: Counter[tuple[str, int, str]] = Counter()
    rules: Counter[str] = Counter()
    spread: dict[tuple[str, int], set[str]] = defaultdict(set)
    for source in held:
        if source.split == "train":
            made = _load(source, folder)
            units, size = made.units, len(made.lexemes)
            seen = np.bincount(units.word, minlength=size) + np.bincount(units.name, minlength=size)
            for word, count in zip(made.lexemes, seen.tolist(), strict=True):
                counts[word] += count
            rules.update(made.lexemes[word] for word in _rules(units).tolist())
            for whose, spelled in filter(None, made.labels):
                for key, arity, _ in spelled if whose == PERSON else ():
                    symbols[key, arity, source.language] += 1
                    spread[key, arity].add(source.name)
    vocabulary = terms.collect(
        ((key, arity, language, count) for (key, arity, language), count in symbols.items()),
        {pair: len(found) for pair, found in spread.items()},
        SYMBOLS,
    )
    vocabulary.store(folder / "vocabulary.json")
    subwords = learn(counts, SUBWORDS)
    for path in folder.glob("*.npz"):
        path.unlink()
    subwords.store(folder / "tokenizer.json")
    say(f"{len(vocabulary.symbols)} symbols, {subwords.size} subwords from {len(counts)} words")
    number: dict[str, int] = {}
    shards: Counter[str] = Counter()
    for split in ("development", "calibration", "test", "train"):
        gathered: list[Units] = []
        chosen = [(at, source) for at, source in enumerate(held) if source.split == split]
        np.random.default_rng(7).shuffle(chosen)  # type: ignore[arg-type]
        for at, source in chosen:
            made = _load(source, folder)
            table = np.array([number.setdefault(word, len(number)) for word in made.lexemes], np.int32)
            gathered.append(_numbered(made, at, table, vocabulary))
            if sum(map(len, gathered)) >= UNITS_A_SHARD:
                joined(gathered).save(folder / f"{split}-{shards[split]:03}.npz")
                shards[split] += 1
                gathered = []
        if gathered:
            joined(gathered).save(folder / f"{split}-{shards[split]:03}.npz")
            shards[split] += 1
    rows = subwords.rows(list(number))
    np.save(folder / "lexemes.npy", rows)
    frequent = [number[word] for word, _ in counts.most_common(4000) if word.isidentifier() and word in number]
    meta = {
        "config": {
            "subwords": subwords.size,
            "symbols": len(vocabulary.symbols),
            "roles": len(ROLES),
            "relations": len(RELATIONS),
            "slot_kinds": len(SlotKind),
            "name_kinds": len(NAME_KINDS),
            "languages": len(LANGUAGES),
        },
        "languages": [language.name for language in LANGUAGES],
        "reading": READING,
        "asides": {"around": SURROUNDINGS, "said": [SAID]},
        "rules": sorted(rule for rule, count in rules.items() if count >= SEEN_OFTEN),
        "arity": [symbol.arity for symbol in vocabulary.symbols],
        "placeholders": frequent[500:2500],
        "shards": dict(shards),
        "licences": [source.licence for source in held if source.split == "train"],
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "projects": {split: sorted(source.name for source in held if source.split == split) for split in shards},
    }
    (folder / "meta.json").write_text(json.dumps(meta, indent=1), encoding="utf-8")


def _rules(units: Units) -> np.ndarray:
    """The words that name the rules of all evidence."""
    unit = runs(units.edges_of, np.arange(len(units)))[1]
    said = units.edge[0] == RELATIONS.index("evidence")
    return units.word[units.words_of[unit[said]] + units.edge[1][said]]


def _files_of(source: CorpusProject, folder: Path) -> tuple[Path, Path]:
    # Names have dots in them, too: `@deck.gl/core`.
    stem = f"{source.language}-{source.name.replace('/', '-')}"
    return folder / "projects" / f"{stem}.npz", folder / "projects" / f"{stem}.json"


def _load(source: CorpusProject, folder: Path) -> Examples:
    arrays, facts = _files_of(source, folder)
    return Examples(Units.load(arrays), **json.loads(facts.read_text(encoding="utf-8")))


def _numbered(made: Examples, project: int, table: np.ndarray, vocabulary: Vocabulary) -> Units:
    """The units with words by their number in the whole corpus, labels by the vocabulary, and their project by its place among all
    that there are."""
    units, labels = made.units, made.labels
    found = [None if label is None else terms.label(label[1], vocabulary) for label in labels]
    whose = [-1 if one is None or label is None else label[0] for one, label in zip(found, labels, strict=True)]
    return replace(
        units,
        project=np.full_like(units.project, project),
        word=table[units.word],
        name=table[units.name],
        member=np.stack((units.member[0], table[units.member[1]])),
        slot_source=np.array(whose, np.int8),
        symbols_of=np.concatenate(([0], np.cumsum([len(one[0]) if one else 0 for one in found]))).astype(np.int64),
        symbol=np.array([symbol for one in found if one for symbol in one[0]], np.int16),
        pointer=np.array([pointer for one in found if one for pointer in one[1]], np.int16),
    )


def joined(parts: Sequence[Units]) -> Units:
    """The units of all parts, one after the other."""
    names = [field.name for field in fields(Units)]
    return Units(**{name: one_after_the_other(name, [getattr(part, name) for part in parts]) for name in names})
