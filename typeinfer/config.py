"""Config: the settings nearest to a folder, in typeinfer.toml, pyproject.toml or package.json. Out: `Settings`, checked.

Every complaint is one line that names the file, the key and what is allowed. Knows nothing of the command line, whose
flags come on top, nor of what the settings do.
"""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from typeinfer.values.slots import SlotKind

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")

Version = tuple[int, int]

OLDEST: Version = (3, 6)
"""The first version with annotations on everything."""

NEWEST: Version = (3, 14)


class ConfigError(Exception):
    """A setting that can't be used; the message is one line for the user."""


@dataclass(frozen=True)
class Settings:
    """What a project asks for; None where it leaves the choice to the program. `exclude` counts from `folder`."""

    folder: Path
    kinds: frozenset[SlotKind] | None = None
    min_confidence: float | None = None
    max_error: float | None = None
    model: Path | None = None
    """The folder of the type model; None for the one that the program comes with."""
    use_model: bool = True
    device: str = "cpu"
    """Where the model computes."""
    target_version: Version | None = None
    exclude: tuple[str, ...] = ()
    jobs: int | None = None
    replace_any: bool = False
    checker: bool = True
    packages: bool = True
    """What is installed in the project's environment counts."""
    checked_by: str | None = None
    """The checker that what would be written is held against; None for the project's own, or the usual one."""
    check_budget: int | None = None
    require_check: bool = False
    withhold_uncovered: bool = False
    """Nothing is written that has a checker look at errors of before (`uncovered = "withhold"`)."""
    rename: bool = False
    """Files of a language that takes no annotations are renamed to the one that does (`js = "rename"`)."""


def load_settings(start: Path, root: Path) -> Settings:
    """The settings that hold in `start`: of the nearest folder, from there to `root`, with a file that may hold some.

    Of several in one folder typeinfer.toml counts before pyproject.toml, and that before package.json, which is passed by
    where it has no key `typeinfer`. Raises `ConfigError`.
    """
    for folder in (start, *start.parents):
        own, project, package = folder / "typeinfer.toml", folder / "pyproject.toml", folder / "package.json"
        content = read_toml(project) if project.is_file() else None
        tables = [
            *([_Table(shown(own), "", read_toml(own))] if own.is_file() else []),
            *([table] if content is not None and (table := _tool_table(shown(project), content)) else []),
            *([table] if package.is_file() and (table := _package_table(package)) else []),
        ]
        if tables or content is not None:
            settings = tables[0].settings(folder) if tables else Settings(folder)
            if content is None or settings.target_version is not None:
                return settings
            return replace(settings, target_version=_required_version(shown(project), content))
        if folder == root:
            break
    return Settings(root)


def read_toml(path: Path) -> Mapping[str, object]:
    """What a TOML file holds. Raises `ConfigError`."""
    name = shown(path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{name}: can't be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}: is not UTF-8 at byte {error.start}, as TOML must be") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{name}: is no valid TOML: {str(error) or 'nested too deep'}") from None


@dataclass(frozen=True)
class _Table:
    """The settings as one file holds them; `file` and `table` say where a complaint is about."""

    file: str
    table: str
    entries: Mapping[str, object]

    def settings(self, folder: Path) -> Settings:
        settings = Settings(folder)
        place = f"{self.file} {self.table}".rstrip()
        for key, value in self.entries.items():
            where = f"{place} {key} = {toml(value)}"
            match key:
                case "kinds":
                    settings = replace(settings, kinds=parse_kinds(_strings(value, where), where))
                case "min-confidence":
                    settings = replace(settings, min_confidence=parse_confidence(_number(value, where), where))
                case "max-error":
                    settings = replace(settings, max_error=parse_error(_number(value, where), where))
                case "model":
                    settings = with_model(settings, _string(value, where), folder, where)
                case "device":
                    settings = replace(settings, device=parse_device(_string(value, where), where))
                case "target-version":
                    settings = replace(settings, target_version=parse_version(_string(value, where), where))
                case "exclude":
                    settings = replace(settings, exclude=_strings(value, where))
                case "jobs":
                    settings = replace(settings, jobs=parse_jobs(_whole(value, where), where))
                case "replace-any":
                    settings = replace(settings, replace_any=_truth(value, where))
                case "checker" if isinstance(value, str):
                    settings = replace(settings, checked_by=parse_checker(value, where), checker=True)
                case "checker":
                    settings = replace(settings, checker=_truth(value, where))
                case "packages":
                    settings = replace(settings, packages=_truth(value, where))
                case "check-budget":
                    settings = replace(settings, check_budget=parse_budget(_whole(value, where), where))
                case "uncovered":
                    settings = replace(settings, withhold_uncovered=parse_uncovered(_string(value, where), where))
                case "require-check":
                    settings = replace(settings, require_check=_truth(value, where))
                case "js":
                    settings = replace(settings, rename=parse_js(_string(value, where), where))
                case _:
                    raise ConfigError(f"{place} {key}: no such key; {suggestion(key, KEYS)}")
        if settings.min_confidence is not None and settings.max_error is not None:
            raise ConfigError(f"{place} max-error: can't be kept beside min-confidence; leave one of them out")
        if settings.require_check and not settings.checker:
            raise ConfigError(f"{place} require-check: can't be kept beside checker = false; leave one of them out")
        return settings


def _tool_table(name: str, content: Mapping[str, object]) -> _Table | None:
    tool = content.get("tool", {})
    table = tool.get("typeinfer") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise ConfigError(f"{name} [tool.typeinfer]: must be a table, not {toml(table)}")
    return None if table is None else _Table(name, "[tool.typeinfer]", table)


def _package_table(path: Path) -> _Table | None:
    name = shown(path)
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{name}: can't be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        # Not ours to complain about: a fixture, a template, a file that another tool will tell of.
        return None
    table = content.get("typeinfer") if isinstance(content, dict) else None
    if table is not None and not isinstance(table, dict):
        raise ConfigError(f'{name} "typeinfer": must be an object, not {toml(table)}')
    return None if table is None else _Table(name, '"typeinfer"', table)


KEYS = (
    "kinds", "min-confidence", "max-error", "model", "device", "target-version", "exclude", "jobs", "replace-any",
    "checker", "packages", "check-budget", "require-check", "uncovered", "js",
)  # fmt: skip

NO_MODEL = "none"

DEVICES = ("cpu", "cuda", "auto")

JS = ("jsdoc", "rename")

UNCOVERED = ("keep", "withhold")

LEAST_CHECKS = 2


def parse_kinds(names: tuple[str, ...], where: str) -> frozenset[SlotKind]:
    """`where` opens the complaint: a file and key, or a flag. Raises `ConfigError`."""
    known = {kind.value: kind for kind in SlotKind}
    for name in names:
        if name not in known:
            raise ConfigError(f"{where}: no such kind; there are: {', '.join(known)}")
    if not names:
        raise ConfigError(f"{where}: names no kind; there are: {', '.join(known)}")
    return frozenset(known[name] for name in names)


def parse_confidence(number: float, where: str) -> float:
    if not 0.0 <= number <= 1.0:
        raise ConfigError(f"{where}: must be a probability from 0 to 1")
    return number


def parse_error(number: float, where: str) -> float:
    if not 0.0 < number < 1.0:
        raise ConfigError(f"{where}: must be a share of what is written, such as 0.05")
    return number


def with_model(settings: Settings, text: str, folder: Path, where: str) -> Settings:
    """The settings with the model in the folder `text`, which counts from `folder`, or without one. Raises `ConfigError`."""
    if text == NO_MODEL:
        return replace(settings, model=None, use_model=False)
    path = folder / Path(text).expanduser()
    if not path.is_dir():
        raise ConfigError(f"{where}: no such folder; name one that holds a model, or {NO_MODEL}")
    return replace(settings, model=path, use_model=True)


def parse_device(word: str, where: str) -> str:
    return _one_of(word, DEVICES, where)


def parse_version(text: str, where: str) -> Version:
    major, _, minor = text.partition(".")
    if major.isascii() and major.isdigit() and minor.isascii() and minor.isdigit():
        version = int(major), int(minor)
        if OLDEST <= version <= NEWEST:
            return version
    raise ConfigError(f"{where}: must be a version from {dotted(OLDEST)} to {dotted(NEWEST)}, such as 3.10")


def parse_jobs(number: int, where: str) -> int:
    if number < 1:
        raise ConfigError(f"{where}: must be 1 or more")
    return number


def parse_checker(name: str, where: str) -> str:
    # Needed only here, and it costs 70 ms.
    from typeinfer.languages import LANGUAGES

    known = tuple(checker for language in LANGUAGES for checker in language.checkers)
    if name not in known:
        raise ConfigError(f"{where}: no such checker; there are: {', '.join(known)}")
    return name


def parse_budget(number: int, where: str) -> int:
    if number < LEAST_CHECKS:
        raise ConfigError(f"{where}: must be {LEAST_CHECKS} or more: one check before and one after")
    return number


def parse_uncovered(word: str, where: str) -> bool:
    """Whether what uncovers errors is withheld."""
    return _one_of(word, UNCOVERED, where) == "withhold"


def parse_js(word: str, where: str) -> bool:
    """Whether JavaScript files are renamed, rather than annotated in comments."""
    return _one_of(word, JS, where) == "rename"


def _one_of(word: str, allowed: tuple[str, ...], where: str) -> str:
    if word not in allowed:
        raise ConfigError(f"{where}: must be one of: {', '.join(allowed)}")
    return word


def dotted(version: Version) -> str:
    return f"{version[0]}.{version[1]}"


def suggestion(word: str, known: tuple[str, ...]) -> str:
    """What the writer of an unknown word may have meant."""
    if close := difflib.get_close_matches(word.replace("_", "-"), known, n=1, cutoff=0.5):
        return f"did you mean {close[0]}?"
    return f"there are: {', '.join(known)}"


def shown(path: Path) -> str:
    """The path as a person in the current folder would write it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def toml(value: object) -> str:
    """A value as its TOML looked, near enough for the reader to find it."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        case list():
            return f"[{', '.join(map(toml, value))}]"
        case dict():
            return "{" + ", ".join(f"{key} = {toml(part)}" for key, part in value.items()) + "}"
        case _:
            return str(value)


def _required_version(name: str, content: Mapping[str, object]) -> Version | None:
    """The oldest version that `requires-python` lets in: syntax must work on all of them."""
    project = content.get("project")
    required = project.get("requires-python") if isinstance(project, dict) else None
    if required is None:
        return None
    # Needed only here, and it costs 20 ms.
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    where = f"{name} [project] requires-python = {toml(required)}"
    try:
        specifiers = SpecifierSet(_string(required, where))
    except InvalidSpecifier:
        raise ConfigError(f"{where}: must be version specifiers, such as >=3.10") from None
    if any(part.operator in (">=", ">", "==", "~=", "===") and part.version.startswith("2") for part in specifiers):
        raise ConfigError(
            f"{where}: takes in Python 2, which has no annotations; "
            'where that is history, set [tool.typeinfer] target-version = "3.8" or later'
        )
    for minor in range(OLDEST[1], NEWEST[1] + 1):
        # `>=3.8.1` lets 3.8 in though not 3.8.0; no series has had more than 30 releases.
        if any(specifiers.contains(f"3.{minor}.{patch}") for patch in range(31)):
            return 3, minor
    raise ConfigError(f"{where}: lets no version from {dotted(OLDEST)} to {dotted(NEWEST)} in")


def _expect(value: object, allowed: type[T], where: str, what: str) -> T:
    # bool is an int to Python, but `jobs = true` is a mistake.
    if not isinstance(value, allowed) or (isinstance(value, bool) and allowed is not bool):
        raise ConfigError(f"{where}: must be {what}")
    return value


def _string(value: object, where: str) -> str:
    return _expect(value, str, where, "a string")


def _strings(value: object, where: str) -> tuple[str, ...]:
    what = "a list of strings"
    return tuple(_expect(part, str, where, what) for part in _expect(value, list, where, what))


def _whole(value: object, where: str) -> int:
    return _expect(value, int, where, "a whole number")


def _number(value: object, where: str) -> float:
    return (
        float(value)
        if isinstance(value, int) and not isinstance(value, bool)
        else _expect(value, float, where, "a number")
    )


def _truth(value: object, where: str) -> bool:
    return _expect(value, bool, where, "true or false")
