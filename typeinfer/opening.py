"""Opening: paths that somebody named in; the project around them, its files read, its settings and what is asked of it out.

The command line and the language server both come in here. Infers nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from typeinfer.config import Settings, load_settings, shown
from typeinfer.values.slots import SlotKind
from typeinfer.values.source import SourceFile

if TYPE_CHECKING:
    from typeinfer.deciding import Options
    from typeinfer.program.changes import Lines
    from typeinfer.program.files import ProjectFiles


@dataclass(frozen=True)
class Opened:
    """A project as a command finds it: settings, files read, and the lines of each named file that are asked about."""

    settings: Settings
    found: ProjectFiles
    files: Mapping[str, SourceFile]
    only: Mapping[str, tuple[Lines, ...]]
    hasty: bool = False

    def shown(self, path: str) -> str:
        """A file of the project as a person in the current folder would write it."""
        return shown(self.found.root / path).replace(os.sep, "/") + ("/" if path.endswith("/") else "")

    @property
    def options(self) -> Options:
        return replace(options_of(self.settings, self.only), hasty=self.hasty)


def open_project(
    paths: Sequence[Path], over: Callable[[Settings], Settings] = lambda found: found, exclude: Sequence[str] = ()
) -> Opened:
    """`over`: the settings that count in the place of those found; `exclude`: gitignore patterns from the current folder. Raises
    `UsageError` and `ConfigError`, each of one line."""
    from typeinfer.languages import LANGUAGE_OF_SUFFIX
    from typeinfer.program.changes import EVERY_LINE
    from typeinfer.program.files import Excludes, find_files, project_root, read_files, resolve_paths

    places = resolve_paths(paths)
    folders = [place if place.is_dir() else place.parent for place in places]
    settings = over(load_settings(Path(os.path.commonpath(folders)), project_root(places)))
    excludes = (Excludes(settings.folder, settings.exclude), Excludes(Path.cwd(), tuple(exclude)))
    found = find_files(places, excludes, LANGUAGE_OF_SUFFIX)
    files, unread = read_files(found.root, found.files, LANGUAGE_OF_SUFFIX)
    # What can't be read and was not asked for is no evidence, and no news either.
    skipped = (*found.skipped, *(skip for skip in unread if skip.path in found.named))
    found = replace(found, skipped=tuple(sorted(skipped, key=lambda skip: skip.path)))
    return Opened(settings, found, files, {path: (EVERY_LINE,) for path in sorted(found.named) if path in files})


def options_of(settings: Settings, only: Mapping[str, Sequence[Lines]]) -> Options:
    from typeinfer.deciding import CHECKS, Options
    from typeinfer.engine.local import Local, available_processors
    from typeinfer.model.device import device_of
    from typeinfer.weights import shipped_model

    return Options(
        only=only,
        kinds=settings.kinds or frozenset(SlotKind),
        kinds_named=settings.kinds is not None,
        # The program's own threshold stands with the figures that it was chosen by.
        min_confidence=settings.min_confidence,
        max_error=settings.max_error,
        model=(settings.model or shipped_model()) if settings.use_model else None,
        device=device_of(settings.device),
        target_version=settings.target_version,
        engine=Local(settings.jobs or available_processors()),
        replace_any=settings.replace_any,
        checker=settings.checker,
        packages=settings.packages and settings.checker,
        checked_by=settings.checked_by,
        check_budget=settings.check_budget or CHECKS,
        require_check=settings.require_check,
        withhold_uncovered=settings.withhold_uncovered,
        rename=settings.rename,
    )
