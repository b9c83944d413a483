"""Projects: what the settings of a project say of names, and what a project needs once its files are TypeScript.

In: paths, facts of files, and the `tsconfig.json` and `package.json` below the root. Out: module names, imports by the name of
the module that they reach, new names for files. Settings that can't be read are passed over: they never raise.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from typeinfer.languages import treesitter
from typeinfer.languages.typescript import parsing, tsconfig
from typeinfer.languages.typescript.modules import SUFFIX
from typeinfer.languages.typescript.tsconfig import Configuration
from typeinfer.values.module import Import, Module
from typeinfer.values.source import SourceFile


def module_name(path: str) -> tuple[str, bool]:
    """The name of a file's module and whether it stands for its folder: `src/shop/index.ts` -> `src/shop`, True."""
    name = SUFFIX.sub("", path)
    folder, _, last = name.rpartition("/")
    return (folder or last, True) if last == "index" else (name, False)


# --- imports by another name ----------------------------------------------------------------------------------------


def localize(root: Path, modules: Mapping[str, Module]) -> dict[str, Module]:
    """The modules, their imports through path aliases, workspaces and `#` named as the module of the project they reach."""
    aliases = Aliases(root.absolute(), frozenset(module.name for module in modules.values()))
    return {path: _localized(path, module, aliases) for path, module in modules.items()}


def _localized(path: str, module: Module, aliases: Aliases) -> Module:
    imports = tuple(_redirected(path, found, aliases) for found in module.imports)
    return module if imports == module.imports else msgspec.structs.replace(module, imports=imports)


def _redirected(path: str, found: Import, aliases: Aliases) -> Import:
    if found.module in aliases.names:
        return found
    target = aliases.reached(path, found.module)
    return found if target is None else msgspec.structs.replace(found, module=target)


# What builds put their results into; the sources are in `src`, or beside.
BUILT = frozenset("dist build out output lib es esm cjs umd types typings dist-types module node browser".split())

# Which of a package's entries is nearest to its source.
NEAREST_SOURCE = ("source", "development", "types", "typings", "import", "module", "default", "main", "require")

# Conditions inside conditions go no deeper than this.
MAX_CONDITIONS = 8


@dataclass(frozen=True)
class Package:
    """One package.json: the folder that it is in, from the root, and what it says."""

    folder: str
    content: Mapping[str, Any]

    @property
    def name(self) -> str | None:
        name = self.content.get("name")
        return name if isinstance(name, str) and name else None


@dataclass(frozen=True)
class Aliases:
    """What imports reach by the settings of one project, whose modules are `names`."""

    root: Path
    names: frozenset[str]

    def reached(self, path: str, specifier: str) -> str | None:
        """The name of the project's module that a file imports by a name of another kind, or None."""
        folder = PurePosixPath(path).parent.as_posix()
        key = (folder, specifier)
        if key not in self._reached:
            self._reached[key] = next(
                (name for place in self._places(path, folder, specifier) if (name := self._module_at(place))), None
            )
        return self._reached[key]

    @cached_property
    def _reached(self) -> dict[tuple[str, str], str | None]:
        return {}

    def _places(self, path: str, folder: str, specifier: str) -> Iterator[str]:
        """Paths from the root, without suffix or with any, where the module may be, the likeliest first."""
        if specifier.startswith("#"):
            yield from self._inside_package(folder, specifier)
        yield from self._by_configuration(path, folder, specifier)
        yield from self._by_workspace(specifier)
        # A folder that is imported by its path stands for what its package.json names; the root's path is `index`.
        place = "." if specifier == "index" else specifier
        if (place == "." or "/" in place) and (package := self._package_in(place)) is not None:
            yield from _entries(package, ".")

    def _module_at(self, place: str) -> str | None:
        normal = os.path.normpath(place)
        for name in (module_name(normal)[0], normal, "index" if normal == "." else normal):
            if name in self.names:
                return name
        return None

    # --- tsconfig.json, jsconfig.json

    def _by_configuration(self, path: str, folder: str, specifier: str) -> Iterator[str]:
        configuration = self._configuration_of(path, folder)
        if configuration is None or specifier.startswith("."):
            return
        options = configuration.options
        base = options.get("baseUrl")
        places = list(_mapped(options.get("paths"), specifier))
        if isinstance(base, str):
            places.append(f"{base}/{specifier}")
        for place in places:
            yield os.path.relpath(place, self.root).replace(os.sep, "/")

    def _configuration_of(self, path: str, folder: str) -> Configuration | None:
        """The nearest configuration that says anything of where modules are."""
        for above in _upward(folder):
            for configuration in self._configurations_in(above):
                if configuration.is_list_of_projects:
                    continue
                several = len(self._configurations_in(above)) > 1
                if several and not configuration.takes(self.root / path):
                    continue
                if configuration.options.keys() & {"paths", "baseUrl"}:
                    return configuration
        return None

    def _configurations_in(self, folder: str) -> list[Configuration]:
        """The configuration of a folder and, where that only lists projects, those that it lists."""
        if folder not in self._configurations:
            found = next(
                (
                    configuration
                    for name in tsconfig.NAMES
                    if (configuration := tsconfig.read_configuration(self.root / folder / name)) is not None
                ),
                None,
            )
            listed = [found] if found is not None else []
            if found is not None and found.is_list_of_projects:
                listed += [
                    referenced
                    for file in found.references
                    if (referenced := tsconfig.read_configuration(file)) is not None
                ]
            self._configurations[folder] = listed
        return self._configurations[folder]

    @cached_property
    def _configurations(self) -> dict[str, list[Configuration]]:
        return {}

    # --- package.json

    def _inside_package(self, folder: str, specifier: str) -> Iterator[str]:
        """What the nearest package.json says of its own `#` names."""
        package = next((found for above in _upward(folder) if (found := self._package_in(above)) is not None), None)
        if package is not None:
            for target in _matching(package.content.get("imports"), specifier):
                yield from _sources(package.folder, target)

    def _by_workspace(self, specifier: str) -> Iterator[str]:
        for name, package in self._by_name:
            if specifier == name:
                yield from _entries(package, ".")
            elif specifier.startswith(f"{name}/"):
                yield from _entries(package, f".{specifier.removeprefix(name)}")

    @cached_property
    def _by_name(self) -> list[tuple[str, Package]]:
        """The named packages of the project, the longest name first."""
        folders = {above for name in self.names for above in _upward(name)}
        packages = [package for folder in sorted(folders) if (package := self._package_in(folder)) is not None]
        named = [(package.name, package) for package in packages if package.name is not None]
        return sorted(named, key=lambda entry: -len(entry[0]))

    def _package_in(self, folder: str) -> Package | None:
        if folder not in self._packages:
            content = tsconfig.settings_of(self.root / folder / "package.json")
            self._packages[folder] = Package(folder, content) if content is not None else None
        return self._packages[folder]

    @cached_property
    def _packages(self) -> dict[str, Package | None]:
        return {}


def _upward(folder: str) -> Iterator[str]:
    """The folder and those above it, up to the root, which is `.`."""
    place = PurePosixPath(folder)
    yield from (above.as_posix() for above in (place, *place.parents) if not above.is_absolute())


def _mapped(paths: object, specifier: str) -> Iterator[str]:
    """Where `compilerOptions.paths` sends a specifier: the exact pattern counts first, then the longest beginning."""
    if not isinstance(paths, dict):
        return
    for pattern in sorted(paths, key=lambda pattern: ("*" in pattern, -pattern.find("*"))):
        rest = _matched(pattern, specifier)
        if rest is not None:
            for target in paths[pattern]:
                yield target.replace("*", rest, 1)
            return


def _matched(pattern: str, specifier: str) -> str | None:
    """What the star of a pattern stands for in a specifier; None where the pattern does not fit."""
    before, star, after = pattern.partition("*")
    if not star:
        return "" if pattern == specifier else None
    fits = len(specifier) >= len(before) + len(after) and specifier.startswith(before) and specifier.endswith(after)
    return specifier[len(before) : len(specifier) - len(after)] if fits else None


def _entries(package: Package, inside: str) -> Iterator[str]:
    """Where the source of a package's entry may be; `inside` is `.` or `./part`."""
    exports = package.content.get("exports")
    if isinstance(exports, dict) and any(key.startswith(".") for key in exports):
        targets = list(_matching(exports, inside))
    else:
        targets = list(_leaves(exports, 0)) if inside == "." else []
    if inside == ".":
        named = (package.content.get(key) for key in NEAREST_SOURCE)
        targets = [*(target for target in named if isinstance(target, str)), *targets, "src/index", "index"]
    else:
        targets = [*targets, inside]
    for target in targets:
        yield from _sources(package.folder, target)


def _matching(table: object, name: str) -> Iterator[str]:
    """The targets that `exports` or `imports` give a name, of all conditions, the nearest to the source first."""
    if not isinstance(table, dict):
        return
    for pattern in sorted(table, key=lambda pattern: ("*" in pattern, -pattern.find("*"))):
        rest = _matched(pattern, name)
        if rest is not None:
            yield from (target.replace("*", rest) for target in _leaves(table[pattern], 0))


def _leaves(value: object, nesting: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif nesting < MAX_CONDITIONS and isinstance(value, list):
        for entry in value:
            yield from _leaves(entry, nesting + 1)
    elif nesting < MAX_CONDITIONS and isinstance(value, dict):
        for key in sorted(value, key=_distance_from_source):
            yield from _leaves(value[key], nesting + 1)


def _distance_from_source(condition: str) -> int:
    return NEAREST_SOURCE.index(condition) if condition in NEAREST_SOURCE else len(NEAREST_SOURCE)


def _sources(folder: str, target: str) -> Iterator[str]:
    """Where what a package.json names may come from: `dist/esm/cart.js` is made of `src/cart.ts`."""
    place = PurePosixPath(os.path.normpath(SUFFIX.sub("", target)))
    if place.is_absolute() or ".." in place.parts:
        return
    yield f"{folder}/{place}"
    parts = place.parts
    while len(parts) > 1 and parts[0] in BUILT:
        parts = parts[1:]
        yield f"{folder}/{'/'.join(('src', *parts))}"
        yield f"{folder}/{'/'.join(parts)}"
    if place.parts[:1] != ("src",):
        yield f"{folder}/src/{place}"


# --- becoming TypeScript --------------------------------------------------------------------------------------------

MIGRATED = {".jsx": ".tsx", ".mjs": ".mts", ".cjs": ".cts"}

CLOSES_TAG = re.compile(rb"</|/>")


def migrated(file: SourceFile) -> str | None:
    """The path under which a JavaScript file is TypeScript; None for what is TypeScript already."""
    path = PurePosixPath(file.path)
    if path.suffix == ".js":
        return path.with_suffix(".tsx" if _holds_jsx(file) else ".ts").as_posix()
    new = MIGRATED.get(path.suffix)
    return path.with_suffix(new).as_posix() if new is not None else None


def _holds_jsx(file: SourceFile) -> bool:
    if CLOSES_TAG.search(file.data) is None:
        return False
    tree = parsing.parse(file.path, file.data)
    return any(node.type.startswith("jsx_") for node in treesitter.walk(tree.root_node))


CONFIGURATION: Mapping[str, object] = {
    "target": "esnext",
    # Takes `import` and `require` alike, without file endings, as those who wrote for bundlers and for Node do.
    "module": "preserve",
    "moduleResolution": "bundler",
    # A file without import or export is no script whose variables everyone shares.
    "moduleDetection": "force",
    "esModuleInterop": True,
    "resolveJsonModule": True,
    "jsx": "preserve",
    "allowJs": True,
    "checkJs": False,
    # What was never checked is not null-checked on its first day.
    "strict": False,
    "skipLibCheck": True,
    "noEmit": True,
}


def project_additions(root: Path, migrated: Iterable[str]) -> dict[str, str]:
    """A `tsconfig.json` for files that have none in their folder or above it."""
    orphans = [
        path
        for path in migrated
        if not any(
            (root / above / "tsconfig.json").exists() for above in _upward(PurePosixPath(path).parent.as_posix())
        )
    ]
    if not orphans:
        return {}
    tops = {path.partition("/")[0] if "/" in path else "*" for path in orphans}
    configuration: dict[str, object] = {"compilerOptions": CONFIGURATION, "include": sorted(tops)}
    if (root / "jsconfig.json").exists():
        configuration = {"extends": "./jsconfig.json", **configuration}
    return {"tsconfig.json": json.dumps(configuration, indent=2) + "\n"}
