"""Texts: projects of the corpus in; what a language model learns from, as flat arrays, out.

A file is read as completion reads it (`completion/reading.py`) and cut into tokens once; beside it lie the lines that outline it,
and where each stands, so that any part of a file can be shown with an outline of the rest. Knows nothing of batches.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from typeinfer.completion.reading import Reading, read
from typeinfer.completion.tokens import Tokens, learn
from typeinfer.languages import LANGUAGES, language_of
from typeinfer.training.corpus import CorpusProject

SIZE = 8192

LEARNT_FROM = 16
"""Files of each project that the tokens are learnt from."""

TOKENIZER, META = "tokenizer.json", "meta.json"

SPLITS = ("train", "development")


@dataclass(frozen=True)
class Texts:
    """Many files. Of file f the tokens are `token[token_of[f]:token_of[f + 1]]`, its lines `line_of[f]` to `line_of[f + 1]`;
    line l begins at token `line_at[l]` of its file, `line_import[l]` says whether it is an import, and reads
    `word[word_of[l]:word_of[l + 1]]`."""

    token: NDArray[np.uint16]
    token_of: NDArray[np.int64]
    project: NDArray[np.int32]
    language: NDArray[np.uint8]
    line_of: NDArray[np.int64]
    line_at: NDArray[np.int32]
    line_import: NDArray[np.bool_]
    word: NDArray[np.uint16]
    word_of: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.project)

    @staticmethod
    def load(folder: Path, split: str) -> Texts:
        """Raises `FileNotFoundError` for a folder without them."""
        path = folder / f"{split}.npz"
        if not path.is_file():
            raise FileNotFoundError(f"{path}: not found; make it with: typeinfer train texts")
        with np.load(path) as held:
            return Texts(**{field.name: held[field.name] for field in fields(Texts)})


def readings(root: Path, project: CorpusProject, most: int | None = None) -> Iterator[tuple[int, Reading]]:
    """The files of a project, each with the number of its language."""
    for path in islice(project.files, most):
        language = language_of(path)
        assert language is not None, "the index lists code"
        data = (root / project.root / path).read_bytes()
        yield LANGUAGES.index(language), read(language, path, data, language.parse(path, data).root_node)


def encoded(tokens: Tokens, reading: Reading) -> tuple[list[int], list[tuple[int, bool, list[int]]]]:
    """The tokens of a file; and of every line of its outline the token where it begins, whether it imports, and its own."""
    text = reading.data.decode("utf-8", "replace")
    found = tokens.tokenizer.encode(text, add_special_tokens=False)
    starts = np.array([start for start, _ in found.offsets], np.int64)
    lines = []
    for line in reading.outline:
        letters = len(reading.data[: line.at].decode("utf-8", "replace"))
        at = int(np.searchsorted(starts, letters))
        lines.append((at, line.imports, tokens.encode(line.text.decode("utf-8", "replace") + "\n")))
    return found.ids, lines


def _sample(task: tuple[Path, CorpusProject]) -> list[str]:
    root, project = task
    return [reading.data.decode("utf-8", "replace") for _, reading in readings(root, project, LEARNT_FROM)]


def _project(task: tuple[Path, CorpusProject, int, str]) -> Texts:
    root, project, number, tokenizer = task
    tokens = Tokens.parse(tokenizer)
    token: list[int] = []
    word: list[int] = []
    token_of, line_of, word_of = [0], [0], [0]
    languages: list[int] = []
    line_at: list[int] = []
    line_import: list[bool] = []
    for language, reading in readings(root, project):
        ids, lines = encoded(tokens, reading)
        token += ids
        token_of.append(len(token))
        languages.append(language)
        for at, imports, own in lines:
            line_at.append(at)
            line_import.append(imports)
            word += own
            word_of.append(len(word))
        line_of.append(len(line_at))
    return Texts(
        token=np.array(token, np.uint16),
        token_of=np.array(token_of, np.int64),
        project=np.full(len(languages), number, np.int32),
        language=np.array(languages, np.uint8),
        line_of=np.array(line_of, np.int64),
        line_at=np.array(line_at, np.int32),
        line_import=np.array(line_import, bool),
        word=np.array(word, np.uint16),
        word_of=np.array(word_of, np.int64),
    )


def _joined(parts: Sequence[Texts]) -> Texts:
    merged = {}
    for field in fields(Texts):
        arrays = [getattr(part, field.name) for part in parts]
        if field.name.endswith("_of"):
            ends = np.cumsum([0] + [array[-1] for array in arrays])
            merged[field.name] = np.concatenate(
                [[0], *(array[1:] + end for array, end in zip(arrays, ends, strict=False))]
            )
        else:
            merged[field.name] = np.concatenate(arrays)
    return Texts(**merged)


def prepare(
    projects: Sequence[CorpusProject], root: Path, folder: Path, jobs: int, progress: Callable[[str, int, int], None]
) -> str:
    """Writes the arrays and `tokenizer.json` of all projects, and returns what was made as a line."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    folder.mkdir(parents=True, exist_ok=True)
    chosen = {split: [one for one in projects if one.split == split] for split in SPLITS}
    told = []
    with ProcessPoolExecutor(jobs) as workers:
        texts: list[str] = []
        training = chosen["train"]
        for number, found in enumerate(workers.map(_sample, [(root, one) for one in training])):
            texts += found
            progress("reading", number + 1, len(training))
        tokens = learn(texts, SIZE)
        tokens.store(folder / TOKENIZER)
        tokenizer = (folder / TOKENIZER).read_text(encoding="utf-8")
        for split, members in chosen.items():
            tasks = [(root, one, number, tokenizer) for number, one in enumerate(members)]
            parts = []
            for number, part in enumerate(workers.map(_project, tasks)):
                parts.append(part)
                progress(split, number + 1, len(members))
            whole = _joined(parts)
            np.savez(folder / f"{split}.npz", **{field.name: getattr(whole, field.name) for field in fields(Texts)})
            told.append(f"{len(whole.token) / 1e6:.1f} M tokens of {len(whole)} files for {split}")
    meta = {
        "projects": {split: [one.name for one in members] for split, members in chosen.items()},
        "licences": [one.licence for one in chosen["train"]],
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "vocabulary": tokens.size,
    }
    (folder / META).write_text(json.dumps(meta), encoding="utf-8")
    return f"{folder}: {', '.join(told)}"
