"""Reading: the files of a project in; their modules, remembered or read by several processes, and the settings beside them out.

Knows nothing of types.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from typeinfer.engine.engine import Engine, Lost, Progress
from typeinfer.languages import LANGUAGES
from typeinfer.tracing import stage
from typeinfer.values.module import Module
from typeinfer.values.outcomes import Failed
from typeinfer.values.source import SourceFile
from typeinfer.values.store import Store

if TYPE_CHECKING:
    from typeinfer.program.project import ImportName, Project

AT_ONCE = 2_000
"""So many files are read before what isn't needed of them is let go."""


def project_of(
    root: Path,
    files: Mapping[str, SourceFile],
    engine: Engine,
    cache: Store,
    progress: Progress,
    packages: bool = False,
) -> tuple[Project, list[Failed]]:
    """All that could be read, and what could not. `packages`: as in `Project`."""
    from typeinfer.program.project import Project, localized, read_by_name

    lost: list[Failed] = []

    def read(names: Mapping[str, ImportName]) -> dict[str, Module]:
        modules, missing = read_as(names, files, engine, cache, progress)
        lost.extend(missing)
        return modules

    modules = read_by_name(files, read)
    # One that is read twice may be lost the second time only.
    return Project(root, localized(root, modules), packages), [one for one in lost if one.path not in modules]


class _Grouped(msgspec.Struct, frozen=True, array_like=True):
    """Files in groups, and of those that could be read the names that the imports know them by."""

    digests: dict[str, str]
    names: dict[str, tuple[str, bool]]
    groups: tuple[tuple[str, ...], ...]


def groups(
    files: Mapping[str, SourceFile], together: frozenset[str], engine: Engine, cache: Store, progress: Progress
) -> Sequence[tuple[str, ...]]:
    """The paths of the files that have to do with each other, as `parts.groups`, which doesn't look into those that are `together`.
    Of the same files nothing is looked at but what was edited, as long as that imports what it imported before."""
    from typeinfer.program import parts

    digests = {path: files[path].digest for path in sorted(files.keys() - together)}
    last = cache.get("groups", sorted(files), _Grouped)
    if last is not None:
        edited = {path for path, digest in digests.items() if digest != last.digests[path]}
        if not edited:
            return last.groups
        names = {path: last.names[path] for path in edited & last.names.keys()}
        now = _heads(names, files, engine, cache, progress)
        before = {path: _head(path, last.digests[path], name, cache) for path, name in names.items()}
        if all(_loads(now.get(path)) == _loads(before.get(path)) is not None for path in edited):
            cache.put("groups", sorted(files), msgspec.structs.replace(last, digests=digests))
            return last.groups
    found = heads({path: files[path] for path in digests}, engine, cache, progress)
    names = {path: (module.name, module.is_package) for path, module in found.items()}
    grouped = tuple(parts.groups(found, files, sorted(together)))
    cache.put("groups", sorted(files), _Grouped(digests, names, grouped))
    return grouped


def _loads(head: Module | None) -> frozenset[tuple[str, str | None]] | None:
    return None if head is None else frozenset((found.module, found.name) for found in head.imports)


def heads(files: Mapping[str, SourceFile], engine: Engine, cache: Store, progress: Progress) -> dict[str, Module]:
    """Of every file that can be read its name and its imports; the rest is not held, but remembered."""
    from typeinfer.program.project import read_by_name

    return read_by_name(files, lambda names: _heads(names, files, engine, cache, progress))


def _heads(
    names: Mapping[str, ImportName], files: Mapping[str, SourceFile], engine: Engine, cache: Store, progress: Progress
) -> dict[str, Module]:
    found: dict[str, Module] = {}
    for path, name in names.items():
        # The rest of what is remembered takes ten times as long to be looked at.
        if (head := _head(path, files[path].digest, name, cache)) is not None:
            found[path] = head
    asked = sorted(names.keys() - found.keys())
    for start in range(0, len(asked), AT_ONCE):
        some = {path: names[path] for path in asked[start : start + AT_ONCE]}
        for path, module in read_as(some, files, engine, cache, progress)[0].items():
            file = msgspec.structs.replace(module.file, data=b"")
            found[path] = Module(file, *names[path], imports=module.imports)
            cache.put("head", _key(path, files[path].digest, names[path]), found[path])
    return {path: found[path] for path in sorted(found)}


def _head(path: str, digest: str, name: ImportName, cache: Store) -> Module | None:
    return cache.get("head", _key(path, digest, name), Module)


def read_as(
    names: Mapping[str, ImportName],
    files: Mapping[str, SourceFile],
    engine: Engine,
    cache: Store,
    progress: Progress,
) -> tuple[dict[str, Module], list[Failed]]:
    """The facts of the files named, from the cache or read by several processes, in path order; and what could not be read."""
    tasks = {path: _Reading(files[path], names[path]) for path in sorted(names)}
    known = {path: read_before(cache, path, task.file.digest, task.name) for path, task in tasks.items()}
    asked = [task for path, task in tasks.items() if known[path] is None]
    lost: list[Failed] = []
    with stage("reading", files=len(asked)):
        read = engine.run_over("reading", asked, _read, progress)
    for task, module in zip(asked, read, strict=True):
        if isinstance(module, Lost):
            lost.append(Failed(task.file.path, module.reason))
        else:
            cache.put("module", _key(task.file.path, task.file.digest, task.name), module)
            known[task.file.path] = module
    return {path: module for path, module in known.items() if module is not None}, lost


def read_before(cache: Store, path: str, digest: str, name: ImportName) -> Module | None:
    """The facts of a file that had this text and this name, if it was read lately."""
    return cache.get("module", _key(path, digest, name), Module)


@dataclass
class Reader:
    """Reads texts that are to be written, and keeps what it read of each file last; what was kept isn't read again."""

    store: Store
    last: dict[str, Module] = field(default_factory=dict)

    def __call__(self, file: SourceFile, name: ImportName) -> Module:
        from typeinfer.program.project import read_module

        found = read_before(self.store, file.path, file.digest, name)
        if found is not None:
            self.last.pop(file.path, None)
            return found
        self.last[file.path] = read_module(file, name)
        return self.last[file.path]

    def keep(self) -> None:
        for path, module in self.last.items():
            self.store.put("module", _key(path, module.file.digest, (module.name, module.is_package)), module)


def _key(path: str, digest: str, name: ImportName) -> tuple[str, ...]:
    known_as, is_package = name
    return (path, digest, known_as, str(is_package))


@dataclass(frozen=True)
class _Reading:
    file: SourceFile
    name: ImportName


def _read(task: _Reading) -> Module:
    from typeinfer.languages import language_of
    from typeinfer.program.project import read_module

    module, language = read_module(task.file, task.name), language_of(task.file.path)
    fault = language.fault(task.file) if language is not None and not module.errors else None
    return module if fault is None else msgspec.structs.replace(module, errors=(fault,))


def settings_beside(root: Path, paths: Iterable[str]) -> dict[str, bytes]:
    """What says how files are checked: settings of checkers and compilers in every folder from theirs up to the root, and what
    they go on from, by path."""
    found: dict[str, bytes] = {}
    for folder in sorted({folder for path in paths for folder in PurePosixPath(path).parents}):
        for language in LANGUAGES:
            for name in language.settings_files:
                file = root / folder / name
                if file.is_file():
                    for one in (file, *language.settings_extended_by(file)):
                        with suppress(OSError):
                            found[one.as_posix()] = one.read_bytes()
    return found
