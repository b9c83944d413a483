"""tsconfig: a configuration file of TypeScript in; its options out, `extends` followed, every path absolute.

Written as people write it: comments, commas at the end, a byte order mark. What can't be read is None, never an error, and
what an option means is the compiler's to know, but for those that hold paths.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAMES = ("tsconfig.json", "jsconfig.json")
"""What a folder's configuration is called, the first that is there counts."""

# A file over this size was not written by a person.
MAX_SETTINGS = 1_000_000

PATHS = frozenset({"baseUrl", "rootDir", "outDir", "outFile", "declarationDir", "tsBuildInfoFile"})
LISTS_OF_PATHS = frozenset({"rootDirs", "typeRoots"})

NOT_CODE = re.compile(r'("(?:\\.|[^"\\])*")|//[^\r\n]*|/\*.*?\*/', re.DOTALL)
LAST_COMMA = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])', re.DOTALL)


@dataclass(frozen=True)
class Configuration:
    """One configuration file. `include`, `exclude` and `files` are None where nothing says so; `references` name files.

    `stands_in`: there is no such file, or none that can be read.
    """

    file: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] | None = None
    files: tuple[str, ...] | None = None
    references: tuple[Path, ...] = ()
    stands_in: bool = False

    @property
    def is_list_of_projects(self) -> bool:
        """It compiles nothing itself, and only names those that do."""
        return self.files == () and not self.include and bool(self.references)

    def takes(self, path: Path) -> bool:
        """Whether the compiler would count a file in, going by the patterns."""
        name = path.as_posix()
        if self.files is not None and name in self.files:
            return True
        include = self.include
        if include is None:
            include = () if self.files is not None else (self.file.parent.as_posix() + "/**/*",)
        return any(_matches(pattern, name) for pattern in include) and not any(
            _matches(pattern, name) for pattern in self.exclude or ()
        )


def read_configuration(file: Path) -> Configuration | None:
    """The configuration of a file, with everything that it extends; None where it can't be read."""
    content = settings_of(file)
    return None if content is None else configured(file, content)


def configured(file: Path, content: Mapping[str, Any]) -> Configuration:
    """The configuration that a file of this content is."""
    flat = _flattened(file, content, (file,))
    options = flat.get("compilerOptions", {})
    for key, value in options.items():
        options[key] = _in_folder(value, file.parent)
    include, exclude, files = (
        tuple(_in_folder(flat[key], file.parent)) if key in flat else None for key in ("include", "exclude", "files")
    )
    references = tuple(
        _referenced(file.parent, entry["path"])
        for entry in _listed(content.get("references"))
        if isinstance(entry, dict) and isinstance(entry.get("path"), str)
    )
    return Configuration(file, options, include, exclude, files, references)


def jsonc(text: str) -> Any:
    """JSON as TypeScript reads it: with comments and with commas before a bracket closes. Raises `ValueError`."""

    def kept(found: re.Match[str]) -> str:
        return found.group(1) or " "

    return json.loads(LAST_COMMA.sub(kept, NOT_CODE.sub(kept, text)))


def settings_of(file: Path) -> dict[str, Any] | None:
    """What a file of settings says, this one or a `package.json`; None where it can't be read."""
    try:
        # A pipe would wait for its writer for ever.
        if not file.is_file() or file.stat().st_size > MAX_SETTINGS:
            return None
        content = jsonc(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _flattened(file: Path, content: Mapping[str, Any], below: tuple[Path, ...]) -> dict[str, Any]:
    """What a file says on top of what it extends: of options each, of lists of files whole. `below` led here."""
    flat: dict[str, Any] = {"compilerOptions": {}}
    for base in _bases(file, content):
        above = settings_of(base) if base not in below else None
        if above is not None:
            found = _flattened(base, above, (*below, base))
            flat = {**flat, **found, "compilerOptions": {**flat["compilerOptions"], **found["compilerOptions"]}}
    own = content.get("compilerOptions")
    options = _absolute(own, file.parent) if isinstance(own, dict) else {}
    if "paths" in options:
        base_url = options.get("baseUrl", flat["compilerOptions"].get("baseUrl"))
        folder = Path(base_url) if isinstance(base_url, str) else file.parent
        options["paths"] = _mapped(options["paths"], folder)
    flat["compilerOptions"] = {**flat["compilerOptions"], **options}
    for key in ("include", "exclude", "files"):
        if isinstance(content.get(key), list):
            flat[key] = [_joined(file.parent, entry) for entry in content[key] if isinstance(entry, str)]
    return flat


def _bases(file: Path, content: Mapping[str, Any]) -> Iterator[Path]:
    """The files that one says it extends, as far as they are there."""
    extended = content.get("extends")
    for name in (extended,) if isinstance(extended, str) else _listed(extended):
        base = _extended(file.parent, name) if isinstance(name, str) else None
        if base is not None:
            yield base


def extended_by(file: Path) -> list[Path]:
    """All files that one extends, through others too."""
    found, waiting = {file: None}, [file]
    while waiting:
        one = waiting.pop()
        fresh = [base for base in _bases(one, settings_of(one) or {}) if base not in found]
        found.update(dict.fromkeys(fresh))
        waiting += fresh
    return [*found][1:]


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _absolute(options: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in options.items():
        if key in PATHS and isinstance(value, str):
            found[key] = _joined(folder, value)
        elif key in LISTS_OF_PATHS and isinstance(value, list):
            found[key] = [_joined(folder, entry) for entry in value if isinstance(entry, str)]
        else:
            found[key] = value
    return found


def _mapped(paths: object, folder: Path) -> dict[str, list[str]]:
    if not isinstance(paths, dict):
        return {}
    return {
        key: [_joined(folder, entry) for entry in entries if isinstance(entry, str)]
        for key, entries in paths.items()
        if isinstance(entries, list)
    }


def _joined(folder: Path, entry: str) -> str:
    if entry.startswith("${configDir}"):
        return entry  # Meant for whoever extends this file last.
    return Path(os.path.normpath(folder / entry)).as_posix()


def _in_folder(value: Any, folder: Path) -> Any:
    if isinstance(value, str):
        return _joined(folder, value.replace("${configDir}", ".", 1)) if value.startswith("${configDir}") else value
    if isinstance(value, list):
        return [_in_folder(entry, folder) for entry in value]
    if isinstance(value, dict):
        return {key: _in_folder(entry, folder) for key, entry in value.items()}
    return value


def _extended(folder: Path, name: str) -> Path | None:
    """The file that `extends` names: a path, or a file of a package."""
    if name.startswith(".") or Path(name).is_absolute():
        return _first_file(Path(os.path.normpath(folder / name)))
    for above in (folder, *folder.parents):
        if (found := _first_file(above / "node_modules" / name)) is not None:
            return found
    return None


def _first_file(path: Path) -> Path | None:
    # By its text: the root of the file system has no name that could be added to.
    candidates = (path, Path(f"{path}.json"), path / "tsconfig.json")
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _referenced(folder: Path, name: str) -> Path:
    path = Path(os.path.normpath(folder / name))
    return path if path.suffix == ".json" else path / "tsconfig.json"


def _matches(pattern: str, name: str) -> bool:
    last = pattern.rpartition("/")[2]
    if last == "**":
        pattern += "/*"
    elif "*" not in last and "?" not in last and "." not in last.lstrip("."):
        pattern += "/**/*"
    parts = re.split(r"(\*\*/|\*|\?)", pattern)
    meant = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    return re.fullmatch("".join(meant.get(part) or re.escape(part) for part in parts), name) is not None
