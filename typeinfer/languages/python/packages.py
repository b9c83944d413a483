"""Packages: a project's folder in; the packages that it is run with, and by which names what they define is imported, out.

Files are read, nothing in them is run, and no Python is asked. A class is imported by the shortest public name that is bound to it
when a package is imported: `requests.models.Response` by `requests.Response`. Knows nothing of what is in a class.
"""

from __future__ import annotations

import ast
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path

MOST_HOPS = 12
"""So many modules hand a name on to the next at most."""

LONGEST = 4_000_000
"""Bytes of the longest file that is read."""


ENVIRONMENTS = ("VIRTUAL_ENV", "CONDA_PREFIX")
"""Variables that name the active environment."""


def packages_of(root: Path) -> tuple[Path, ...]:
    """Where the packages of a project's environment lie: `.venv` or `venv` in it, else the one that is active."""
    active = next(filter(None, map(os.environ.get, ENVIRONMENTS)), None)
    places = (root / ".venv", root / "venv", *([Path(active)] if active else []))
    return next((tuple(found) for place in places if (found := packages_below(place))), ())


def packages_below(prefix: Path) -> list[Path]:
    return sorted([*prefix.glob("lib/python*/site-packages"), *prefix.glob("Lib/site-packages")])


def stamp(place: Path) -> str:
    """Another one when something is put into a folder or taken away, or a file is written."""
    try:
        found = place.stat()
    except OSError:
        return f"{place} isn't there"
    return f"{place} {found.st_mtime_ns} {found.st_size}"


def installed(root: Path) -> Packages | None:
    folders = packages_of(root)
    return _packages(folders, tuple(map(stamp, folders))) if folders else None


class Packages:
    """See `languages.language.Installed`."""

    def __init__(self, folders: Sequence[Path], state: tuple[str, ...] = ()) -> None:
        self.folders, self.state = folders, state
        self.place, self.text, self.origin = cache(self._place), cache(self._text), cache(self._origin)
        self.imports = cache(self._imports)

    def has(self, package: str) -> bool:
        return any(Path(folder, f"{package}{end}").exists() for folder in self.folders for end in ("", ".py", ".pyi"))

    def names_of(self, qualified: str) -> tuple[str, ...]:
        module, _, name = qualified.rpartition(".")
        if name.startswith("_") or (origin := self.origin(module, name)) is None:
            return ()
        parts = module.split(".")
        above = (".".join(parts[:size]) for size in range(1, len(parts) + 1) if not parts[size - 1].startswith("_"))
        return tuple(f"{one}.{name}" for one in above if self.origin(one, name) == origin)

    def _place(self, module: str) -> Path | None:
        """The file of a module; its stub where there is no source. Of what comes in pieces, and has no file, None."""
        inside = module.replace(".", "/")
        for end in (".py", "/__init__.py", ".pyi", "/__init__.pyi"):
            for folder in self.folders:
                if (place := Path(folder, f"{inside}{end}")).is_file():
                    return place
        return None

    def _text(self, module: str) -> str | None:
        place = self.place(module)
        try:
            if place is None or place.stat().st_size > LONGEST:
                return None
            return place.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None

    def _origin(self, module: str, name: str, hops: int = 0) -> str | None:
        """Where what a module binds to a name comes from, as far as can be read; None where it binds it to nothing, or who knows
        to what."""
        text = self.text(module)
        if text is None or hops > MOST_HOPS:
            return None
        if re.search(rf"^class {re.escape(name)}\b", text, re.MULTILINE):
            return f"{module}.{name}"
        if name not in text and "import *" not in text:
            return None
        for source, taken in self._bound(module, name):
            found = self.origin(source, taken, hops + 1)
            # What is written in another language has no text to be found in.
            if found is None and name in text and self.place(source) is None:
                found = f"{source}.{taken}"
            if found is not None:
                return found
        return None

    def _imports(self, module: str) -> tuple[ast.ImportFrom, ...]:
        return tuple(_imports(self.text(module) or ""))

    def _bound(self, module: str, name: str) -> Iterator[tuple[str, str]]:
        """What the imports of a module may bind to a name, those of the name itself first: (module, name in it)."""
        place, parts = self.place(module), module.split(".")
        starred: list[tuple[str, str]] = []
        is_package = place is not None and place.stem == "__init__"
        for statement in self.imports(module):
            above = parts[: len(parts) - statement.level + is_package] if statement.level else []
            source = ".".join([*above, *filter(None, [statement.module])])
            for one in statement.names:
                if (one.asname or one.name) == name:
                    yield source, one.name
                if one.name == "*":
                    starred.append((source, name))
        if not name.startswith("_"):
            yield from starred


# What was read of them stays in memory, for the next run of a server too.
_packages = lru_cache(4)(Packages)


def _imports(text: str) -> Iterator[ast.ImportFrom]:
    """The `from` imports of a file that are made when it is imported, wherever they stand."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            left: list[ast.stmt] = [*ast.parse(text).body]
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return
    while left:
        match left.pop(0):
            case ast.ImportFrom() as found:
                yield found
            case ast.If(test=test) as found:
                left[:0] = [*([] if "TYPE_CHECKING" in ast.dump(test) else found.body), *found.orelse]
            case ast.Try() as found:
                handled = [statement for handler in found.handlers for statement in handler.body]
                left[:0] = [*found.body, *handled, *found.orelse, *found.finalbody]
            case ast.With() as found:
                left[:0] = found.body
