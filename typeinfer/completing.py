"""Completing: a file with a cursor in it in; what may stand there, or how the line may go on, with notes, out.

Types are predicted (`pipeline.py`) only where the checker alone knows none. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from typeinfer.deciding import Options
from typeinfer.engine.cache import Cache, cache_folder
from typeinfer.engine.engine import Progress, silent
from typeinfer.languages.language import Version
from typeinfer.pipeline import annotate_project
from typeinfer.reading import project_of
from typeinfer.values.lines import Continuation
from typeinfer.values.members import Offer
from typeinfer.values.outcomes import Changed, Run
from typeinfer.values.patches import Edit, Placed
from typeinfer.values.source import SourceFile
from typeinfer.values.typeexpr import rename
from typeinfer.weights import load_lines, load_weights_of, model_of

if TYPE_CHECKING:
    from typeinfer.completion.cursor import Cursor
    from typeinfer.completion.monitor import Beliefs, Monitor
    from typeinfer.program.importable import Importable
    from typeinfer.program.project import Project

LEAST_LINE = 0.01
"""How a line goes on is told, where it is asked for, from this probability on."""

MOST_IMPORTS = 20
"""Names that are offered with an import, at most."""

LEAST_BELIEF = 0.1
"""Below this a type is not even tried where nothing better is known of what stands before a dot."""


def complete(
    root: Path, files: Mapping[str, SourceFile], path: str, offset: int, options: Options, progress: Progress = silent
) -> tuple[Offer | None, tuple[str, ...]]:
    """What may stand at a byte of a file, behind a dot or where a name is read, and notes on what couldn't be asked."""

    def imports(cursor: Cursor) -> Sequence[Importable]:
        with Cache(cache_folder()) as cache:
            project, _ = project_of(root, {**files, path: cursor.asked}, options.engine, cache, progress)
        return imports_for(project, path, cursor)

    with _monitor(root, options) as monitor:
        beliefs = _beliefs_when_asked(root, files, path, options, progress)
        return monitor.complete(files, files[path], offset, beliefs, imports), tuple(monitor.notes)


def imports_for(project: Project, path: str, cursor: Cursor) -> Sequence[Importable]:
    """What a file could import for what is typed at a cursor; of the rest of its text the project may know an older one."""
    from typeinfer.program.importable import importable

    return importable(project.with_data({path: cursor.asked.data}), path, cursor.typed, MOST_IMPORTS)


def continue_line(
    root: Path,
    files: Mapping[str, SourceFile],
    path: str,
    offset: int,
    count: int,
    floor: float,
    options: Options,
    progress: Progress = silent,
    block: bool = False,
) -> tuple[tuple[Continuation, ...], tuple[str, ...]]:
    """How the line may go on at a byte of a file, at most `count` continuations of a probability of at least `floor`, or for a
    `block` the likeliest with those that go on in it; and notes, as `complete`."""
    with _monitor(root, options) as monitor:
        beliefs = _beliefs_when_asked(root, files, path, options, progress)
        if block:
            found = monitor.block(files, files[path], offset, floor, beliefs)
        else:
            found = monitor.line(files, files[path], offset, count, floor, beliefs)
        return found, tuple(monitor.notes)


def _monitor(root: Path, options: Options) -> closing[Monitor]:
    from typeinfer.completion.monitor import Monitor

    return closing(Monitor(root, options.target_version, load_weights_of, load_lines))


def _beliefs_when_asked(
    root: Path, files: Mapping[str, SourceFile], path: str, options: Options, progress: Progress
) -> Callable[[Cursor], Beliefs | None]:
    """What is believed of the types of a file; they are predicted once, when it is asked for first."""
    from typeinfer.program.changes import EVERY_LINE

    found: list[Beliefs | None] = []

    def beliefs(cursor: Cursor) -> Beliefs | None:
        if not found:
            texts = {**files, path: cursor.without}
            asked = replace(options, only={path: (EVERY_LINE,)}, rename=False)
            model = model_of(asked)
            with Cache(cache_folder()) as cache:
                project, lost = project_of(root, texts, asked.engine, cache, progress)
            run = annotate_project(project, lost, asked, model, {}, progress).run
            found.append(beliefs_of(project, run, path, asked.target_version))
        return found[0]

    return beliefs


def beliefs_of(project: Project, run: Run, path: str, version: Version | None) -> Beliefs | None:
    """What a run believes of the types of one file; None where the file can't be read."""
    from typeinfer.completion.monitor import Beliefs

    language, module = project.language_of(path), project.modules[path]
    if language.refusal(module.file, module) is not None:
        return None
    sure: tuple[Edit, ...] = ()
    for outcome in run.outcomes:
        if outcome.path == path and isinstance(outcome, Changed):
            sure = outcome.patch.edits
    placed = [
        Placed(one.slot, rename(one.ranked[0].type, project.canonical))
        for one in run.predictions.get(path, ())
        if one.slot.written is None and one.ranked and one.ranked[0].probability >= LEAST_BELIEF
    ]
    names = project.names_in_scope(module)
    rewrite = language.writer(module, names, version or language.default_version)(placed)
    return Beliefs(module.file, sure, rewrite.edits)
