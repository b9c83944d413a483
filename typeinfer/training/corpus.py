"""The corpus: `benchmarks/corpus.toml` in; unpacked sources on disk and an index of the files worth learning from out.

A project's folder holds its published sources whole, so that names resolve across files; the index lists of them at most
`FILES_A_PROJECT`, and none that is generated, a declaration, or nearly the same as one listed before. Knows nothing of
annotations.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from typeinfer.languages import LANGUAGES, language_of
from typeinfer.training.published import (
    PARTIAL,
    REPOSITORY,
    RESERVED,
    Package,
    Project,
    ProjectUnavailable,
    fetch,
    is_reserved,
    is_reserved_name,
    pinned_projects,
    pinned_sets,
    root_of,
)

MANIFEST = REPOSITORY / "benchmarks" / "corpus.toml"

INDEX = "index.json"

# Of two files that are nearly the same the one in the split named first is kept, so that training never saw what is judged on.
SPLITS = ("test", "development", "calibration", "train")

FILES_A_PROJECT = 700

LARGEST = 400_000
"""Bytes above which a file is a table and not a program."""

FEWEST = 30
"""Words below which a file has nothing to learn from."""

# Paths of what the project did not write by hand, wrote only to test itself, or copied from another project.
LEFT_OUT = re.compile(
    r"(^|/)(_?tests?|testdata|__tests__|__mocks__|fixtures?|examples?|bench(marks?)?|docs?|(_|\b)vendor(ed|s)?|_?third_?party"
    r"(_files)?|extern(al|als)?|node_modules|_?generated|_?gen|openapi_client|sdk/openapi)/"
    r"|(_pb2(_grpc)?|_generated|[._-]gen|\.generated)\.\w+$|(^|/)(test_[^/]*|[^/]*_tests?|conftest|_?version)\.py$"
)

# What generators write at the top of a file.
GENERATED = re.compile(
    rb"@generated\b|\bdo not (edit|modify)\b|\bauto(matically)?[- ]?generated\b|\bgenerated (by|from|with|using)\b"
    rb"|\b(file|code|module|class) (is|was|has been) generated\b",
    re.I,
)

HEAD = 1000
"""Bytes in which a file says that it is generated."""

WORD = re.compile(rb"[^\W\d]\w*")

COMMENT = re.compile(rb"^\s*(#|//|\*|/\*).*$", re.M)

SHINGLE = 5
"""Words in a row that are hashed together."""

BANDS, ROWS = 16, 4

NEARLY = 0.8
"""Share of shingles in common (Jaccard, as estimated from signatures) from which two files are one."""


@dataclass(frozen=True)
class CorpusProject:
    """One project of the index. `files` are paths below `root`, which is a path below the corpus folder."""

    name: str
    version: str
    language: str
    split: str
    licence: str
    root: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Index:
    """What `index.json` holds."""

    projects: tuple[CorpusProject, ...]


@dataclass(frozen=True)
class Built:
    """What became of a corpus: the projects in it, how many files were copies, and why others are not in it."""

    projects: tuple[CorpusProject, ...]
    copies: int
    missing: tuple[str, ...]


def corpus_folder() -> Path:
    """`$TYPEINFER_CORPUS`, else `~/.cache/typeinfer/corpus`."""
    return Path(os.environ.get("TYPEINFER_CORPUS") or "~/.cache/typeinfer/corpus").expanduser()


def read_corpus(folder: Path | None = None) -> tuple[CorpusProject, ...]:
    """The projects of the corpus in this folder. Raises `ProjectUnavailable` where none was built."""
    path = (folder or corpus_folder()) / INDEX
    try:
        return msgspec.json.decode(path.read_bytes(), type=Index).projects
    except FileNotFoundError:
        raise ProjectUnavailable(f"{path}: not found; run typeinfer train corpus first") from None
    except (OSError, msgspec.DecodeError) as error:
        raise ProjectUnavailable(f"{path}: can't be read ({error}); run typeinfer train corpus again") from None


def pinned_corpus(manifest: Path = MANIFEST) -> Iterator[tuple[str, Project | Package]]:
    """The language and the pin of every project, those of the splits that are judged on first."""
    for split in SPLITS:
        for language in LANGUAGES:
            if split in pinned_sets(language.name, manifest):
                yield from ((language.name, project) for project in pinned_projects(language.name, split, manifest))


def build_corpus(
    folder: Path,
    jobs: int,
    progress: Callable[[str, int, int], None],
    say: Callable[[str], None],
    limit: int | None = None,
    manifest: Path = MANIFEST,
) -> Built:
    """Fetch what is not there yet and write the index. One run a folder at a time.

    A project is there as a whole or not at all, so a run that was killed is taken up where it ended. `limit`: only so many
    projects of each language, the first of the manifest.
    """
    shutil.rmtree(folder / PARTIAL, ignore_errors=True)
    wanted: list[tuple[str, Project | Package]] = []
    for language, project in _limited(pinned_corpus(manifest), limit):
        if is_reserved(project):
            say(f"{project.name} is reserved for the independent comparison: skipped")
        else:
            wanted.append((language, project))
    missing: list[str] = []
    sketches: dict[int, list[Sketch]] = {}
    with ProcessPoolExecutor(jobs) as workers:
        running = {workers.submit(_sketches_of, project, folder): number for number, (_, project) in enumerate(wanted)}
        try:
            for done, future in enumerate(as_completed(running), 1):
                try:
                    sketches[running[future]] = future.result()
                except ProjectUnavailable as error:
                    missing.append(str(error))
                    say(str(error))
                progress("corpus", done, len(wanted))
        except BaseException:
            workers.shutdown(wait=False, cancel_futures=True)
            raise
    seen = Seen()
    projects: list[CorpusProject] = []
    for number in sorted(sketches):
        language, project = wanted[number]
        files = tuple(sorted(sketch.path for sketch in sketches.pop(number) if seen.is_new(sketch)))
        if files:
            root = root_of(project)
            projects.append(
                CorpusProject(project.name, project.version, language, project.set, project.licence, root, files)
            )
    built = Built(tuple(projects), seen.copies, tuple(missing))
    _write_index(folder, built)
    return built


def _limited(
    pinned: Iterator[tuple[str, Project | Package]], limit: int | None
) -> Iterator[tuple[str, Project | Package]]:
    by_language: dict[str, list[tuple[str, Project | Package]]] = defaultdict(list)
    for language, project in pinned:
        by_language[language].append((language, project))
    for projects in by_language.values():
        yield from islice(projects, limit)


def _write_index(folder: Path, built: Built) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"{INDEX}.{os.getpid()}"
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(Index(built.projects)), indent=1))
    fresh.replace(folder / INDEX)


# --- one project ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sketch:
    """A file's path in its project, and the least hash of its shingles under each of `BANDS * ROWS` permutations."""

    path: str
    signature: np.ndarray[Any, np.dtype[np.uint64]]


def _sketches_of(project: Project | Package, folder: Path) -> list[Sketch]:
    """What to learn from in a project, fetched if it is not there yet."""
    root = fetch(project, folder)
    # The archive is no longer needed: what it held that matters lies unpacked.
    (folder / "wheels" / project.archive).unlink(missing_ok=True)
    return list(islice(_sketched_files(root, project), FILES_A_PROJECT))


def _sketched_files(root: Path, project: Project | Package) -> Iterator[Sketch]:
    """The files worth learning from, in an order that favours no part of the project."""
    paths = (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    chosen = [path for path in paths if _is_code(path) and not _is_copied(path, project)]
    for path in sorted(chosen, key=lambda path: hashlib.sha256(path.encode()).digest()):
        sketch = sketched(path, (root / path).read_bytes())
        if sketch is not None:
            yield sketch


def _is_code(path: str) -> bool:
    language = language_of(path)
    return (
        language is not None and not path.endswith(language.declaration_suffixes or "\0") and not LEFT_OUT.search(path)
    )


def _is_copied(path: str, project: Project | Package, reserved: Path = RESERVED) -> bool:
    """Whether a file lies in a folder inside the project's own that is called as a reserved project is."""
    return any(is_reserved_name(f"{project.registry}:{folder.lower()}", reserved) for folder in path.split("/")[1:-1])


def sketched(path: str, text: bytes) -> Sketch | None:
    """The sketch of a file, or None where it is not worth learning from."""
    if len(text) > LARGEST or GENERATED.search(text[:HEAD]):
        return None
    words = np.fromiter(map(zlib.crc32, WORD.findall(COMMENT.sub(b"", text))), dtype=np.uint64)
    if len(words) < FEWEST:
        return None
    shingles = np.zeros(len(words) - SHINGLE + 1, dtype=np.uint64)
    for place in range(SHINGLE):
        shingles = shingles * np.uint64(0x9E3779B97F4A7C15) + words[place : len(words) - SHINGLE + 1 + place]
    shingles ^= shingles >> np.uint64(29)
    # One row a permutation; the high bits of a product are the mixed ones.
    mixed = (np.unique(shingles)[None, :] * FACTORS[:, None]) >> np.uint64(24)
    return Sketch(path, mixed.min(axis=1))


FACTORS = np.random.default_rng(5).integers(1, 2**63, BANDS * ROWS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)


# --- files that are nearly the same ------------------------------------------------------------------------------------------


class Seen:
    """The sketches of all files kept so far. Takes 0.5 kB a file, and some more for its bands."""

    def __init__(self) -> None:
        self.copies = 0
        self._kept: list[np.ndarray[Any, np.dtype[np.uint64]]] = []
        self._bands: dict[bytes, list[int]] = defaultdict(list)

    def is_new(self, sketch: Sketch) -> bool:
        """Whether no file kept so far is nearly this one; if so, it is kept."""
        keys = list(_bands_of(sketch.signature))
        alike = {number for key in keys for number in self._bands.get(key, ())}
        if any(np.mean(self._kept[number] == sketch.signature) >= NEARLY for number in alike):
            self.copies += 1
            return False
        for key in keys:
            self._bands[key].append(len(self._kept))
        self._kept.append(sketch.signature)
        return True


def _bands_of(signature: np.ndarray[Any, np.dtype[np.uint64]]) -> Iterator[bytes]:
    for band in range(BANDS):
        yield zlib.crc32(signature[band * ROWS : (band + 1) * ROWS].tobytes(), band).to_bytes(4, "big") + bytes([band])
