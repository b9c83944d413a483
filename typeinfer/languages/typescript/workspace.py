"""The workspace: a project's texts in; a copy of it out that a compiler can work in, outside the project.

The texts lie at the same places below the copy as below the top of the repository or workspace, each folder's configuration
beside them, flat and with every file listed; what other people wrote (`node_modules`) is linked. So what exists only in
memory is seen like any other text, path aliases, project references and workspaces of several packages hold, and
nothing is written into the project. A configuration that is missing or can't be read is no error: a strict one takes its place.

Knows nothing of protocols, and asks the compiler nothing.
"""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from typeinfer.languages.typescript.compiler import Place
from typeinfer.languages.typescript.projects import Aliases, module_name
from typeinfer.languages.typescript.tsconfig import NAMES, Configuration, configured, jsonc, read_configuration
from typeinfer.values.inferred import CheckerFailed
from typeinfer.values.source import SourceFile

STRICT: Mapping[str, Any] = {
    "strict": True,
    "target": "esnext",
    "lib": ["esnext", "dom", "dom.iterable"],
    "module": "esnext",
    "moduleResolution": "bundler",
    "moduleDetection": "auto",
    "esModuleInterop": True,
    "resolveJsonModule": True,
    "jsx": "preserve",
    "allowImportingTsExtensions": True,
    "noEmit": True,
}
"""For a folder without a configuration of its own."""

# Plugins are the project's code, and a build of their own is nobody's business here.
DROPPED = frozenset({"plugins", "incremental", "tsBuildInfoFile", "listFiles", "traceResolution", "generateTrace"})

# What the native compiler no longer takes, and what comes closest.
SINCE_7: Mapping[str, Mapping[str, str | None]] = {
    "moduleResolution": {"node": "bundler", "node10": "bundler", "classic": "bundler"},
    "module": {"amd": "esnext", "umd": "esnext", "system": "esnext", "none": "esnext"},
    "target": {"es3": "es2015", "es5": "es2015"},
    "esModuleInterop": {"false": None},
    "allowSyntheticDefaultImports": {"false": None},
    "alwaysStrict": {"false": None},
}
GONE_SINCE_7 = frozenset(
    "downlevelIteration outFile out charset keyofStringsOnly noImplicitUseStrict noStrictGenericChecks "
    "importsNotUsedAsValues preserveValueImports suppressExcessPropertyErrors suppressImplicitAnyIndexErrors "
    "ignoreDeprecations".split()
)

SCRIPTS = (".js", ".jsx", ".mjs", ".cjs")
DECLARATIONS = (".d.ts", ".d.mts", ".d.cts")

# tsserver also ends a line at the two separators of Unicode; the Language Server Protocol does not.
MORE_LINE_ENDS = re.compile(rb"\xe2\x80[\xa8\xa9]")

# What is imported from elsewhere than a place beside.
IMPORTED = re.compile(rb"""(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)["']([^"'./][^"'\n]*)["']""")

NAMED_FOLDER = re.compile(r'"(?:\./)?([\w.-]+)/')


@dataclass(frozen=True)
class Workspace:
    """The copy, and how its places are those of the project. `root` is where the project's root lies in it; `unreadable`
    are the configurations, by name from the top, that stand-ins were written for."""

    root: Path
    files: Mapping[str, SourceFile]
    major: int
    unreadable: tuple[str, ...] = ()

    @cached_property
    def texts(self) -> dict[Path, str]:
        return {self.path_of(name): file.text for name, file in self.files.items()}

    def path_of(self, name: str) -> Path:
        return self.root / name

    def place(self, name: str, offset: int) -> Place:
        """A byte offset of a file as the compiler counts."""
        data, starts = self.files[name].data, self._line_starts(name)
        line = bisect_right(starts, offset) - 1
        before = data[starts[line] : offset]
        column = len(before) if before.isascii() else len(before.decode("utf-8", "replace").encode("utf-16-le")) // 2
        return Place(self.path_of(name), line, column)

    def offset(self, name: str, line: int, column: int) -> int:
        """The byte offset of a place in a file that the compiler tells."""
        data, starts = self.files[name].data, self._line_starts(name)
        if line >= len(starts):
            return len(data)
        start, end = starts[line], starts[line + 1] if line + 1 < len(starts) else len(data)
        text = data[start:end]
        if text.isascii():
            return min(start + column, end)
        units = text.decode("utf-8").encode("utf-16-le")[: column * 2]
        return start + len(units.decode("utf-16-le", "replace").encode("utf-8"))

    def declared(self, place: Place) -> tuple[str, int] | None:
        """The file and the byte offset of a place that the compiler tells; None for what lies outside the project."""
        try:
            name = place.path.relative_to(self.root).as_posix()
        except ValueError:
            return None
        return (name, self.offset(name, place.line, place.column)) if name in self.files else None

    @cached_property
    def _all_line_starts(self) -> dict[str, list[int]]:
        return {}

    def _line_starts(self, name: str) -> list[int]:
        starts = self._all_line_starts.get(name)
        if starts is None:
            file = self.files[name]
            starts = file.line_starts
            if self.major < 7 and MORE_LINE_ENDS.search(file.data):
                starts = sorted({*starts, *(found.end() for found in MORE_LINE_ENDS.finditer(file.data))})
            self._all_line_starts[name] = starts
        return starts


@contextlib.contextmanager
def copied(
    root: Path, files: Mapping[str, SourceFile], added: Mapping[str, str], major: int, forced: Mapping[str, Any]
) -> Iterator[Workspace]:
    """A copy for a compiler of this major version, with options that count whatever the configurations say.

    `added` are configurations that the project is to have and hasn't yet, by path. Raises `CheckerFailed` where there is
    no room for it.
    """
    root = root.resolve()
    top = _top_of(root)
    with tempfile.TemporaryDirectory(prefix="typeinfer-check-") as folder:
        copy = Path(folder).resolve() / "project"
        copying = _Copying(root, top, copy, files, added, major, forced)
        try:
            copying.everything()
        except OSError as error:
            raise CheckerFailed(f"the project can't be copied for TypeScript to check: {error.strerror}") from None
        yield Workspace(copy / root.relative_to(top), files, major, copying.unreadable())


def _top_of(root: Path) -> Path:
    """The top of the repository or workspace that a project belongs to."""
    for folder in (root, *root.parents):
        if (folder / ".git").exists() or (folder / "pnpm-workspace.yaml").is_file() or _lists_workspaces(folder):
            return folder
    return root


def _lists_workspaces(folder: Path) -> bool:
    try:
        content = json.loads((folder / "package.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and "workspaces" in content


@dataclass(frozen=True)
class _Copying:
    root: Path
    top: Path
    copy: Path
    files: Mapping[str, SourceFile]
    added: Mapping[str, str]
    major: int
    forced: Mapping[str, Any]

    def everything(self) -> None:
        for name, file in self.files.items():
            self._write(self.root / name, file.data)
        for folder in self.folders:
            self._copy_package(folder)
        for folder in self.folders:
            self._link_packages(folder / "node_modules")
        self._write_configurations()

    @cached_property
    def folders(self) -> tuple[Path, ...]:
        """The folders that hold the texts, and all above them up to the top, outermost first."""
        found = {self.root, *(parent for parent in self.root.parents if self._is_inside(parent))}
        for folder in {(self.root / name).parent for name in self.files}:
            while folder not in found:
                found.add(folder)
                folder = folder.parent
        return tuple(sorted(found))

    def _is_inside(self, path: Path) -> bool:
        return path == self.top or self.top in path.parents

    def _place(self, path: Path) -> Path:
        """Where a path of the project lies in the copy; a path from elsewhere stays where it is."""
        return self.copy / path.relative_to(self.top) if self._is_inside(path) else path

    def _write(self, path: Path, data: bytes) -> None:
        place = self._place(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)

    # --- packages ---------------------------------------------------------------------------------------------------

    def _copy_package(self, folder: Path) -> None:
        with contextlib.suppress(OSError):
            self._write(folder / "package.json", (folder / "package.json").read_bytes())

    def _link_packages(self, installed: Path) -> None:
        """Link what is installed, but for packages of this workspace, which are the copy's own."""
        if not installed.is_dir():
            return
        with contextlib.suppress(OSError):
            own = dict(self._own_packages(installed))
            if not own:
                _link(self._place(installed), installed)
                return
            for entry in _packages_in(installed):
                place = self._place(installed / entry)
                if entry in own:
                    self._link_built(own[entry])
                    _link(place, self._place(own[entry]))
                else:
                    _link(place, installed / entry)

    def _own_packages(self, installed: Path) -> Iterator[tuple[str, Path]]:
        for entry in _packages_in(installed):
            if (installed / entry).is_symlink():
                meant = (installed / entry).resolve()
                if self._is_inside(meant) and "node_modules" not in meant.parts and self._place(meant).is_dir():
                    yield entry, meant

    def _link_built(self, package: Path) -> None:
        """Link the folders that a package's package.json names and that hold nothing to be copied: what was built."""
        text = (package / "package.json").read_text(encoding="utf-8", errors="replace")
        for name in set(NAMED_FOLDER.findall(text)) - {".", "..", "node_modules"}:
            if (package / name).is_dir() and not self._place(package / name).exists():
                _link(self._place(package / name), package / name)

    @cached_property
    def _own_sources(self) -> dict[str, list[str]]:
        """Where the source is of what the texts import from the project's own packages: what these name may not be built."""
        by_module = {module_name(name)[0]: name for name in reversed(list(self.files))}
        aliases = Aliases(self.root, frozenset(by_module))
        imported = {found for file in self.files.values() for found in IMPORTED.findall(file.data)}
        found: dict[str, list[str]] = {}
        for name in sorted(specifier.decode("utf-8", "replace") for specifier in imported):
            module = aliases.reached("anywhere", name)
            if module is not None:
                found[name] = [str(self._place(self.root / by_module[module]))]
        return found

    # --- configurations ---------------------------------------------------------------------------------------------

    def _write_configurations(self) -> None:
        taken: dict[Path, list[str]] = defaultdict(list)
        configurations: dict[Path, Configuration] = {}
        for name in self.files:
            path = self.root / name
            configuration = self._configuration_for(path)
            configurations[configuration.file] = configuration
            taken[configuration.file].append(str(self._place(path)))
        for file, configuration in configurations.items():
            listed = {*taken[file], *self._declarations_for(configuration)}
            references = [ref for ref in configuration.references if ref in configurations and ref != file]
            self._write_configuration(file, self._options(configuration, listed), sorted(listed), references)
        for file, configuration in self._lists_of_projects.items():
            if file not in configurations:
                named = [reference for reference in configuration.references if reference in configurations]
                self._write_configuration(file, {}, [], named)

    def _write_configuration(
        self, file: Path, options: Mapping[str, Any], listed: list[str], references: Iterable[Path]
    ) -> None:
        content = {
            "compilerOptions": options,
            "files": listed,
            "include": (),
            "references": [{"path": str(self._place(reference))} for reference in references],
            "typeAcquisition": {"enable": False},
        }
        name = "tsconfig.json" if file.name in NAMES else file.name
        self._write(file.with_name(name), json.dumps(content).encode())

    def _configuration_for(self, path: Path) -> Configuration:
        nearest = self._nearest(path.parent)
        if not nearest.is_list_of_projects:
            return nearest
        projects = [found for reference in nearest.references if (found := self._read(reference)) is not None]
        projects = [found for found in projects if self._is_inside(found.file)]
        return next((found for found in projects if found.takes(path)), projects[0] if projects else nearest)

    def _nearest(self, folder: Path) -> Configuration:
        known = self._nearest_known.get(folder)
        if known is None:
            places = (folder / name for name in NAMES)
            file = next((place for place in places if place.is_file() or place in self._read_known), None)
            if file is not None:
                known = self._read(file) or Configuration(file, stands_in=True)
                if known.is_list_of_projects:
                    self._lists_of_projects[known.file] = known
            elif folder == self.top:
                known = Configuration(self.root / "tsconfig.json", stands_in=True)
            else:
                known = self._nearest(folder.parent)
            self._nearest_known[folder] = known
        return known

    @cached_property
    def _nearest_known(self) -> dict[Path, Configuration]:
        return {}

    @cached_property
    def _lists_of_projects(self) -> dict[Path, Configuration]:
        return {}

    def unreadable(self) -> tuple[str, ...]:
        broken = (file for file, found in self._read_known.items() if found is None and file.is_file())
        return tuple(file.relative_to(self.top).as_posix() for file in sorted(broken) if self._is_inside(file))

    def _read(self, file: Path) -> Configuration | None:
        if file not in self._read_known:
            self._read_known[file] = read_configuration(file)
        return self._read_known[file]

    @cached_property
    def _read_known(self) -> dict[Path, Configuration | None]:
        return {self.root / name: configured(self.root / name, jsonc(text)) for name, text in self.added.items()}

    def _declarations_for(self, configuration: Configuration) -> Iterator[str]:
        """Declarations that a configuration counts in from elsewhere: what they declare may be global."""
        for name in self.files:
            if name.endswith(DECLARATIONS) and configuration.takes(self.root / name):
                yield str(self._place(self.root / name))

    def _options(self, configuration: Configuration, listed: Iterable[str]) -> dict[str, Any]:
        options: dict[str, Any] = {
            key: self._moved(value) for key, value in configuration.options.items() if key not in DROPPED
        }
        if configuration.stands_in:
            options = {**STRICT, "types": self._installed_typings()}
        base_url = options.pop("baseUrl", None)
        mapped: dict[str, list[str]] = options.pop("paths", {})
        if base_url is not None:
            # The native compiler has no baseUrl any more; this says the same to all of them.
            mapped = {"*": [f"{base_url}/*"], **mapped}
        own = {name: source for name, source in self._own_sources.items() if not _maps(mapped, name)}
        options["paths"] = {**own, **mapped}
        if self.major >= 7:
            options = dict(_as_since_7(options))
        if any(name.endswith(SCRIPTS) for name in listed):
            options |= {"allowJs": True, "maxNodeModuleJsDepth": 0}
        return {**options, "skipLibCheck": True, **self.forced}

    def _moved(self, value: Any) -> Any:
        if isinstance(value, str):
            return str(self._place(Path(value))) if Path(value).is_absolute() else value
        if isinstance(value, list):
            return [self._moved(entry) for entry in value]
        if isinstance(value, dict):
            return {key: self._moved(entry) for key, entry in value.items()}
        return value

    def _installed_typings(self) -> list[str]:
        folders = (folder / "node_modules" / "@types" for folder in self.folders if self.root.is_relative_to(folder))
        return sorted({entry.name for folder in folders if folder.is_dir() for entry in folder.iterdir()})


def _maps(mapped: Mapping[str, list[str]], name: str) -> bool:
    """Whether the configuration itself says where to find what is imported by a name; `*` alone says it of everything."""
    patterns = (pattern.partition("*") for pattern in mapped if pattern != "*")
    return any(name.startswith(before) if star else name == before for before, star, _ in patterns)


def _as_since_7(options: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in options.items():
        if key in GONE_SINCE_7:
            continue
        written = json.dumps(value).strip('"').lower()
        replaced = SINCE_7.get(key, {}).get(written, value)
        if replaced is not None:
            yield key, replaced


def _packages_in(installed: Path) -> Iterator[str]:
    """The names of what is installed, `@scope/name` for what is in a scope."""
    for entry in sorted(installed.iterdir()):
        if entry.name.startswith("@") and not entry.is_symlink() and entry.is_dir():
            yield from (f"{entry.name}/{inner.name}" for inner in sorted(entry.iterdir()))
        else:
            yield entry.name


def _link(place: Path, meant: Path) -> None:
    if place.is_symlink() or place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(meant, target_is_directory=meant.is_dir())
