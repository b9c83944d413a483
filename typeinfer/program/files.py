"""Files: which files a command is about. In: the paths a person named; out: the project's root and its files, by name.

The whole project is listed, since callers elsewhere are evidence; `named` holds the files that may be written. Symbolic
links are not followed, so no link makes a loop or an annotation twice; a link that is named is taken for its target.
Knows nothing of what is in a file but its bytes' encoding.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pathspec import GitIgnoreSpec

from typeinfer.languages import LANGUAGES
from typeinfer.values.outcomes import Skipped
from typeinfer.values.source import MAX_BYTES, SourceFile, Unreadable, decode

NEVER = frozenset(
    {
        ".git", ".hg", ".svn", ".bzr",
        ".venv", "venv", "node_modules", "site-packages", "__pypackages__",
        "__pycache__", ".tox", ".nox", ".eggs", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis",
    }
)  # fmt: skip
"""Folders that hold no source of the project, wherever they stand."""

BUILT = frozenset({"build", "dist"})
"""Folders that hold no source where they stand beside a project's own files; deeper, `build` may be a package."""

MARKERS = ("typeinfer.toml", *(name for language in LANGUAGES for name in language.project_files))
"""Files that stand at the root of a project."""

FOREIGN = {suffix: reason for language in LANGUAGES for suffix, reason in language.foreign.items()}

DECLARATIONS = tuple(suffix for language in LANGUAGES for suffix in language.declaration_suffixes)
"""Files that declare and hold no code: read as evidence, and annotated by nobody."""


class UsageError(Exception):
    """What was asked can't be done at all; the message is one line for the user."""


@dataclass(frozen=True)
class Excludes:
    """gitignore patterns and the folder they count from."""

    folder: Path
    patterns: tuple[str, ...]


@dataclass(frozen=True)
class ProjectFiles:
    """Paths are relative to `root`, with forward slashes, sorted. `skipped` are named, but can't be taken."""

    root: Path
    files: tuple[str, ...]
    named: frozenset[str]
    skipped: tuple[Skipped, ...]


def resolve_paths(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The real places of the paths. Raises `UsageError` for one that isn't there."""
    found = []
    for path in paths:
        try:
            found.append(path.resolve(strict=True))
        except FileNotFoundError:
            raise UsageError(f"{path}: no such file or folder") from None
        except (OSError, RuntimeError, ValueError) as error:
            # Up to Python 3.12 a link to itself is a RuntimeError.
            reason = getattr(error, "strerror", None) or "not a path that can be followed"
            raise UsageError(f"{path}: {reason}") from None
    return tuple(found)


def project_root(paths: Sequence[Path]) -> Path:
    """The root of the project around the resolved paths: the nearest folder with a project file, else git's top folder.

    Projects side by side in one repository are taken together when several are named. Raises `UsageError` when the paths
    have nothing in common.
    """
    roots = {_root_of(path): path for path in paths}
    outermost = {root for root in roots if not any(other in root.parents for other in roots)}
    if len(outermost) > 1:
        tops = {_top_of(root) for root in outermost}
        if len(tops) == 1 and (top := tops.pop()) is not None:
            return top
        one, two, *_ = (roots[root] for root in sorted(outermost))
        raise UsageError(f"{one} and {two} belong to different projects; run typeinfer once for each")
    return outermost.pop()


def find_files(paths: Sequence[Path], excludes: Sequence[Excludes], suffixes: Iterable[str]) -> ProjectFiles:
    """The files of the project with these suffixes; `paths` are resolved. Raises `UsageError`."""
    root = project_root(paths)
    endings = tuple(suffixes)
    chosen = _rules_given(excludes)
    files, unlisted = _walk(root, chosen, endings, root)
    named: set[str] = set()
    skipped: dict[str, str] = {}
    for path in paths:
        name = _relative(path, root)
        if path.is_dir():
            below, trouble = (files, unlisted) if path == root else _walk(path, chosen, endings, root)
            named |= {found for found in below if not found.endswith(DECLARATIONS)}
            skipped |= trouble
        elif path.suffix in FOREIGN:
            skipped[name] = FOREIGN[path.suffix]
        elif not path.name.endswith(endings):
            skipped[name] = f"is in no language that typeinfer reads ({', '.join(endings)})"
        elif not _is_printable(path.name):
            skipped[name] = "its name is not valid UTF-8"
        else:
            named.add(name)
    return ProjectFiles(
        root,
        tuple(sorted(files | named)),
        frozenset(named),
        tuple(Skipped(name, skipped[name]) for name in sorted(skipped)),
    )


def read_files(
    root: Path, names: Iterable[str], languages: Mapping[str, str]
) -> tuple[dict[str, SourceFile], tuple[Skipped, ...]]:
    """The files by name, in the order given, and those that can't be read; `languages`: a suffix -> its language."""
    read: dict[str, SourceFile] = {}
    skipped: list[Skipped] = []
    for name in names:
        try:
            read[name] = read_file(root, name, languages[PurePosixPath(name).suffix])
        except Unreadable as error:
            skipped.append(Skipped(name, str(error)))
    return read, tuple(skipped)


def read_file(root: Path, name: str, language: str) -> SourceFile:
    """One file of the project. Raises `Unreadable`."""
    try:
        # Opening a pipe would wait for its writer for ever; not blocking, it opens and shows what it is.
        descriptor = os.open(root / name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Unreadable("is no regular file")
            # One byte more than is taken in, so that a huge file is refused without being read.
            raw = stream.read(MAX_BYTES + 1)
            size = os.fstat(descriptor).st_size
    except OSError as error:
        raise Unreadable(f"can't be read: {error.strerror or error}") from None
    if len(raw) > MAX_BYTES:
        raise Unreadable(
            f"{size / 1e6:.1f} MB is over the limit of {MAX_BYTES / 1e6:.0f} MB; generated files are left alone"
        )
    return decode(name, language, raw)


# --- what git ignores -----------------------------------------------------------------------------------------------

Rules = list[tuple[Path, GitIgnoreSpec]]


def _ignores(levels: Sequence[Rules], path: Path, is_folder: bool) -> bool:
    """Whether the innermost pattern that matches excludes the path, as git decides. `levels` are outermost first."""
    for rules in reversed(levels):
        for folder, spec in reversed(rules):
            if folder not in path.parents:
                continue
            decided = _decides(spec, path.relative_to(folder).as_posix() + ("/" if is_folder else ""))
            if decided is not None:
                return decided
    return False


def _decides(spec: GitIgnoreSpec, path: str) -> bool | None:
    """What the last pattern that matches the path itself says of it; None where none does.

    A pattern also matches what lies below a folder that it matches. That folder was asked about on the way down, and
    `!folder` must not let in again what a later pattern keeps out below it.
    """
    for pattern in reversed(list(spec.patterns)):
        if pattern.include is None or (found := pattern.match_file(path)) is None:
            continue
        matched = found.match
        # What stops at a folder's slash spoke of that folder; `x/**` speaks of all below x, and of x itself not.
        speaks_of_path = matched.end() == len(path) if "ps_d" in matched.re.groupindex else matched.end() < len(path)
        if speaks_of_path:
            return pattern.include
    return None


def _rules_of(folder: Path) -> Rules:
    """The patterns that one folder brings."""
    rules: Rules = []
    for path in (folder / ".git" / "info" / "exclude", folder / ".gitignore"):
        try:
            lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        except OSError:
            continue
        if spec := _spec(lines):
            rules.append((folder, spec))
    return rules


def _rules_given(excludes: Sequence[Excludes]) -> Rules:
    """The patterns that the user gave. They have the last word, over every .gitignore."""
    rules: Rules = []
    for given in excludes:
        try:
            rules.append((given.folder, GitIgnoreSpec.from_lines(given.patterns)))
        except ValueError as error:
            raise UsageError(f"exclude {', '.join(given.patterns)}: no gitignore pattern ({error})") from None
    return rules


def _spec(lines: Sequence[str]) -> GitIgnoreSpec | None:
    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError:
        # git passes over a pattern that it can't make sense of.
        usable = []
        for line in lines:
            try:
                GitIgnoreSpec.from_lines([line])
            except ValueError:
                continue
            usable.append(line)
        return GitIgnoreSpec.from_lines(usable) if usable else None


# --- walking --------------------------------------------------------------------------------------------------------


def _walk(start: Path, chosen: Rules, endings: tuple[str, ...], root: Path) -> tuple[set[str], dict[str, str]]:
    """The files below a folder of the project; the rules of the folders above hold in it too."""
    highest = _top_of(root) or root
    above = [folder for folder in reversed(start.parents) if folder == highest or highest in folder.parents]
    files: set[str] = set()
    trouble: dict[str, str] = {}
    stack = [(start, [*map(_rules_of, above), _rules_of(start)])]
    while stack:
        folder, levels = stack.pop()
        rules = (*levels, chosen)
        try:
            with os.scandir(folder) as listing:
                entries = list(listing)
        except OSError as error:
            trouble[_relative(folder, root) + "/"] = f"can't be listed: {error.strerror}"
            continue
        is_project = folder == root or any(entry.name in MARKERS for entry in entries)
        for entry in entries:
            path = folder / entry.name
            if entry.is_dir(follow_symlinks=False):
                if not _holds_source(path, is_project) or _ignores(rules, path, is_folder=True):
                    continue
                own = _rules_of(path)
                stack.append((path, [*levels, own] if own else levels))
            elif entry.name.endswith(endings) and not entry.is_symlink() and not _ignores(rules, path, is_folder=False):
                if _is_printable(entry.name):
                    files.add(_relative(path, root))
                else:
                    trouble[_relative(path, root)] = "its name is not valid UTF-8"
            elif path.suffix in FOREIGN and not _ignores(rules, path, is_folder=False):
                trouble[_relative(path, root)] = FOREIGN[path.suffix]
    return files, trouble


def _holds_source(folder: Path, beside_project: bool) -> bool:
    name = folder.name
    if name in NEVER or name.endswith(".egg-info") or (beside_project and name in BUILT):
        return False
    # A virtual environment under any other name, and a folder whose name can't be printed or put into a report. One that may not be
    # looked into is told of when it is.
    return _is_printable(name) and not os.path.exists(folder / "pyvenv.cfg")  # noqa: PTH110


def _root_of(path: Path) -> Path:
    folder = path if path.is_dir() else path.parent
    top = _top_of(folder)
    upward = (folder, *folder.parents)
    within = upward if top is None else upward[: upward.index(top) + 1]
    return next((above for above in within if any((above / marker).is_file() for marker in MARKERS)), top or folder)


def _top_of(folder: Path) -> Path | None:
    """The top folder of the git repository that a folder belongs to, or None.

    What git ignores is no part of the repository around it: an unpacked archive, a scratch folder.
    """
    top = next((above for above in (folder, *folder.parents) if (above / ".git").exists()), None)
    return top if top is not None and not _is_ignored_below(top, folder) else None


def _is_ignored_below(top: Path, folder: Path) -> bool:
    levels: list[Rules] = []
    for part in reversed((folder, *folder.parents)):
        if top in part.parents and _ignores(levels, part, is_folder=True):
            return True
        if part == top or top in part.parents:
            levels.append(_rules_of(part))
    return False


def _relative(path: Path, root: Path) -> str:
    """The name of a path within the project; bytes that are no UTF-8 are shown as escapes."""
    name = path.relative_to(root).as_posix()
    return name if _is_printable(name) else os.fsencode(name).decode("utf-8", "backslashreplace")


def _is_printable(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
