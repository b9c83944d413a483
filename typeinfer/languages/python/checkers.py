"""Checkers: the texts of a Python project and the name of a checker in; the errors that it reports out.

Each runs as a command over a copy, with the settings that the project has for it, less what would run the project's own code.
Knows nothing of what a checker infers: that is asked of pyrefly alone (`inference.py`).
"""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePath
from typing import Any

from typeinfer.languages.python.conventions import SOURCE_FOLDERS
from typeinfer.languages.python.packages import ENVIRONMENTS, packages_below, stamp
from typeinfer.values.inferred import CheckerFailed, Diagnostic
from typeinfer.values.source import SourceFile, Span

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SECONDS = 600

Version = tuple[int, int]


@dataclass(frozen=True)
class Said:
    """One error as a checker's report has it: `line` counts from 1, `column` in characters from 0."""

    path: str
    line: int
    column: int
    code: str
    message: str


@dataclass(frozen=True)
class Checker:
    """A program that checks types. `settings`: files of a project that are made for it; `tables`: of its pyproject.toml, too.
    `unfound`: what it calls an import that it can't follow. `prepare` puts settings into the copy, from the project's root.
    `everywhere`: flags that have it look into functions without annotations, where it doesn't by itself; `shy`: what it reports in
    functions with annotations alone even so."""

    name: str
    settings: tuple[str, ...]
    tables: tuple[str, ...]
    unfound: frozenset[str]
    flags: Callable[[Version], Sequence[str]]
    report: Callable[[str], Iterable[Said]]
    prepare: Callable[[Path, Path, Version, Sequence[Path]], None]
    everywhere: tuple[str, ...] = ()
    shy: frozenset[str] = frozenset()


def diagnose(
    name: str,
    root: Path,
    files: Mapping[str, SourceFile],
    version: Version,
    everywhere: bool = True,
    packages: Sequence[Path] = (),
) -> tuple[Diagnostic, ...]:
    """The errors that a checker reports for these texts, `everywhere` or where it looks by itself; what it can't import is none.
    `packages`: folders of other people's that it is to see.

    Raises `CheckerFailed` when it is missing, fails, takes over `SECONDS`, or reports in a form that is not known.
    """
    checker = CHECKERS[name]
    program = program_of(name)
    with tempfile.TemporaryDirectory(prefix="typeinfer-check-") as folder:
        copy = Path(folder, "project")
        write_copy(copy, files)
        checker.prepare(root, copy, version, packages)
        said = run([program, *checker.flags(version), *(checker.everywhere if everywhere else ())], copy).stdout
        try:
            return diagnostics(checker, checker.report(said), copy, files)
        except (LookupError, TypeError, ValueError) as error:
            raise of_another_shape(version_of(program), error) from error


def of_another_shape(name: str, error: Exception) -> CheckerFailed:
    """What to raise where a report makes no sense, and this came of it."""
    reason = f"{type(error).__name__}: {error}".partition("\n")[0]
    return CheckerFailed(f"{name} reports in a shape that is not known ({reason})")


def diagnostics(
    checker: Checker, report: Iterable[Said], copy: Path, files: Mapping[str, SourceFile]
) -> tuple[Diagnostic, ...]:
    """A report about a copy of these files, missing packages left aside. Raises what `report` raises where it has another shape:
    `LookupError`, `TypeError` and `ValueError`."""
    bases = [f"{base}{os.sep}" for base in (copy, copy.resolve())]
    return tuple(
        _diagnostic(files[path], one)
        for one in report
        if one.code not in checker.unfound and (path := _within(one.path, bases)) in files
    )


def configured(root: Path) -> str | None:
    """The checker that a project has settings for; of several the quickest."""
    tables = _table(root / "pyproject.toml").get("tool", {})
    own = _ini(root / "setup.cfg")
    for name, checker in CHECKERS.items():
        if any(table in tables for table in checker.tables) or any(
            (root / file).is_file() for file in checker.settings
        ):
            return name
        if name in own:
            return name
    return None


def surroundings(name: str) -> Iterator[str]:
    """What a checker is and sees beside the texts and their settings: its program, its user's settings, stubs that
    `MYPYPATH` names, and which packages are installed, but not what is in them.

    pyrefly, whose version is known, is told to look at nothing else but the packages of the project (`packages.py`).
    """
    if name == "pyrefly":
        return
    try:
        program = Path(program_of(name))
    except CheckerFailed as error:
        yield str(error)
        return
    yield from (f"{variable}={os.environ.get(variable, '')}" for variable in (*ENVIRONMENTS, *PATHS))
    python = shutil.which("python3") or shutil.which("python")
    prefixes = {sys.prefix, str(program.parents[1]), *(os.environ.get(variable, "") for variable in ENVIRONMENTS)}
    prefixes |= {str(Path(python).parents[1])} if python is not None else set()
    installed = [place for prefix in sorted(filter(None, prefixes)) for place in packages_below(Path(prefix))]
    of_user = Path("~/.config", name, f"{name}.toml").expanduser()
    stubs, packages = ([*filter(None, os.environ.get(variable, "").split(os.pathsep))] for variable in PATHS)
    lent = [file for place in stubs for file in sorted(Path(place).rglob("*.py*"))]
    yield from map(stamp, (program, of_user, *installed, *map(Path, packages), *lent))


PATHS = ("MYPYPATH", "PYTHONPATH")


@cache
def program_of(name: str) -> str:
    """Where a checker is installed: beside typeinfer, else on the PATH. Raises `CheckerFailed`."""
    beside = Path(sysconfig.get_path("scripts"), name + (".exe" if os.name == "nt" else ""))
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise CheckerFailed(f"{name} is not installed; `pip install {name}`, or run with --no-checker")
    return found


@cache
def version_of(program: str) -> str:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30).stdout.strip()
        return said.partition("\n")[0]
    except (OSError, subprocess.TimeoutExpired):
        return Path(program).stem


def write_copy(folder: Path, files: Mapping[str, SourceFile]) -> None:
    """Raises `CheckerFailed` where there is no room for it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, file in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            # Always UTF-8: a cookie that says otherwise is only a comment to a checker, and spans count UTF-8 bytes.
            target.write_bytes(file.data)
    except OSError as error:
        raise CheckerFailed(f"no copy can be made for the checker in {folder.parent} ({error.strerror})") from None


def run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """What a checker prints, and what it complains of. Raises `CheckerFailed` where it doesn't come to an end with a report."""
    name = Path(command[0]).stem
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise CheckerFailed(f"{name} did not answer within {SECONDS} s") from None
    except OSError as error:
        raise CheckerFailed(f"{name} can't be started: {error.strerror}") from None
    if done.returncode not in (0, 1):
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise CheckerFailed(f"{name} ended with status {done.returncode}: {' '.join(last)}")
    return done


def _within(path: str, bases: Sequence[str]) -> str:
    """A path in a folder, however that is called, from there on."""
    base = next((base for base in bases if os.path.normcase(path).startswith(os.path.normcase(base))), "")
    return PurePath(path[len(base) :]).as_posix()


def _diagnostic(file: SourceFile, said: Said) -> Diagnostic:
    starts = file.line_starts
    line = min(max(said.line, 1), len(starts)) - 1
    text = file.data[starts[line] : starts[line + 1] if line + 1 < len(starts) else None].decode("utf-8", "replace")
    start = starts[line] + len(text.rstrip("\r\n")[: max(said.column, 0)].encode("utf-8"))
    return Diagnostic(file.path, Span(start, start), said.code, said.message.partition("\n")[0])


# --- their settings -----------------------------------------------------------------------------------------------------

RUNS_CODE = frozenset({"plugins", "python_executable"})
"""Settings of mypy that have it import what the project says, or run it."""
ELSEWHERE = frozenset({"files", "packages", "modules", "cache_dir", "python_version", "overrides"})
"""Settings of mypy that say where to look and what to write, which here is known."""


def write_pyrefly_settings(root: Path, copy: Path, version: Version, packages: Sequence[Path] = ()) -> None:
    """None of the project's: what is asked of pyrefly as evidence is to be judged as it was inferred. `packages`: folders of other
    people's that count."""
    source_roots = map(json.dumps, _import_roots(copy))
    (copy / "pyrefly.toml").write_text(
        "\n".join(
            [
                'project-includes = ["**/*.py", "**/*.pyi"]',
                "project-excludes = []",
                "disable-project-excludes-heuristics = true",
                "use-ignore-files = false",
                f"search-path = [{', '.join(source_roots)}]",
                f'python-version = "{_dotted(version)}"',
                f'python-platform = "{sys.platform}"',
                # In evidence they would be reported too, whole: 26 s a run for a project with numpy, for 1 s without.
                f"site-package-path = [{', '.join(json.dumps(str(place)) for place in packages)}]",
                "skip-interpreter-query = true",
            ]
        ),
        encoding="utf-8",
    )


def _lend(*names: str) -> Callable[[Path, Path, Version, Sequence[Path]], None]:
    """Settings are read, never run: a copy of these files of the project. Packages it looks for itself."""

    def lend(root: Path, copy: Path, version: Version, packages: Sequence[Path]) -> None:
        for name in names:
            if (root / name).is_file():
                (copy / name).write_bytes((root / name).read_bytes())

    return lend


def _write_mypy_settings(root: Path, copy: Path, version: Version, packages: Sequence[Path]) -> None:
    written = configparser.RawConfigParser()
    for section, values in mypy_settings(root).items():
        written[section] = {key: value for key, value in values.items() if key not in RUNS_CODE | ELSEWHERE}
    own = dict(written["mypy"]) if written.has_section("mypy") else {}
    written["mypy"] = {
        **own,
        "python_version": _dotted(version),
        # By its folder every file has a name of its own; two of one name end the run.
        "explicit_package_bases": "True",
        "namespace_packages": "True",
        "mypy_path": ":".join([*filter(None, [own.get("mypy_path", "")]), *_source_folders(copy)]),
    }
    with (copy / "mypy.ini").open("w", encoding="utf-8") as file:
        written.write(file)


def mypy_settings(root: Path) -> Mapping[str, Mapping[str, str]]:
    """The first settings of a project for mypy that there are, as sections of an INI file."""
    for name in ("mypy.ini", ".mypy.ini"):
        if (root / name).is_file():
            return _mypy_sections(_ini(root / name))
    table = _table(root / "pyproject.toml").get("tool", {}).get("mypy")
    if isinstance(table, dict):
        sections = {"mypy": _as_ini(table)}
        for override in table.get("overrides", ()):
            modules = override.get("module", ())
            name = ",".join([modules] if isinstance(modules, str) else modules)
            sections[f"mypy-{name}"] = _as_ini({key: value for key, value in override.items() if key != "module"})
        return sections
    return _mypy_sections(_ini(root / "setup.cfg"))


def _mypy_sections(found: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
    return {name: values for name, values in found.items() if name == "mypy" or name.startswith("mypy-")}


def _as_ini(table: Mapping[str, Any]) -> dict[str, str]:
    def text(key: str, value: object) -> str:
        if isinstance(value, list):
            return ("|" if key == "exclude" else ",").join(map(str, value))
        return str(value)

    return {key: text(key, value) for key, value in table.items() if not isinstance(value, dict) and key != "overrides"}


def _ini(path: Path) -> Mapping[str, Mapping[str, str]]:
    """The sections of an INI file; none where there is no such file, or nobody can read it."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read(path, encoding="utf-8")
        return {name: dict(parser[name]) for name in parser.sections()}
    except (configparser.Error, OSError, ValueError):
        return {}


def _table(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _source_folders(copy: Path) -> list[str]:
    return [name for name in SOURCE_FOLDERS if (copy / name).is_dir()]


def _import_roots(copy: Path) -> list[str]:
    """Where imports begin: the root, the usual folders, and others that hold packages whose names no other place has.

    pyrefly takes what it can't find for anything, and finds no error then; of two packages of a name it finds one.
    """
    usual = [".", *_source_folders(copy)]
    roots: dict[str, set[str]] = {root: set() for root in usual}
    for marker in sorted(copy.rglob("__init__.py")):
        folder = marker.parent.parent
        if not folder.is_relative_to(copy):
            continue
        root = folder.relative_to(copy).as_posix()
        if root in roots or not (folder / "__init__.py").exists():
            roots.setdefault(root, set()).add(marker.parent.name)
    times = Counter(name for packages in roots.values() for name in packages)
    others = [
        root
        for root, packages in roots.items()
        if root not in usual and all(times[name] == 1 and name not in sys.stdlib_module_names for name in packages)
    ]
    named = [root for root in usual if root == "." or _is_imported(copy, root)]
    # From a root above, a file has a second name, and its classes are others by that: the deepest first, unless imports go by it.
    inner = [root for root in usual if root not in named]
    return [*sorted(others, key=lambda root: -root.count("/")), *inner, *named]


def _is_imported(copy: Path, folder: str) -> bool:
    """Whether a folder is a package, or imports name it as if it were."""
    through = re.compile(rb"^\s*(?:from|import)\s+" + folder.encode() + rb"[.\s]", re.MULTILINE)
    return (copy / folder / "__init__.py").exists() or any(
        through.search(file.read_bytes()) is not None for file in copy.rglob("*.py")
    )


# --- their reports ------------------------------------------------------------------------------------------------------


def _of_pyrefly(text: str) -> Iterator[Said]:
    for error in json.loads(text)["errors"]:
        if error["severity"] == "error":
            yield Said(error["path"], error["line"], error["column"] - 1, error["name"], error["description"])


def _of_ty(text: str) -> Iterator[Said]:
    for error in json.loads(text):
        if error["severity"] in ("major", "critical", "blocker"):
            begin = error["location"]["positions"]["begin"]
            message = error["description"].removeprefix(f"{error['check_name']}: ")
            yield Said(error["location"]["path"], begin["line"], begin["column"] - 1, error["check_name"], message)


def _of_pyright(text: str) -> Iterator[Said]:
    for error in json.loads(text)["generalDiagnostics"]:
        if error["severity"] == "error":
            # What is wrong with a file as a whole (a cycle of imports) has no place in it.
            begin = error["range"]["start"] if "range" in error else {"line": 0, "character": 0}
            code = error.get("rule", "syntax")
            yield Said(error["file"], begin["line"] + 1, begin["character"], code, error["message"])


def _of_mypy(text: str) -> Iterator[Said]:
    for line in text.splitlines():
        if line.startswith("{") and (error := json.loads(line))["severity"] == "error":
            yield Said(error["file"], error["line"], error["column"], error["code"] or "misc", error["message"])


def _dotted(version: Version) -> str:
    return f"{version[0]}.{version[1]}"


UNFOUND_BY_PYRIGHT = frozenset({"reportMissingImports", "reportMissingModuleSource", "reportMissingTypeStubs"})

CHECKERS: Mapping[str, Checker] = {
    checker.name: checker
    for checker in (
        Checker(
            "pyrefly",
            ("pyrefly.toml",),
            ("pyrefly",),
            frozenset({"missing-import", "missing-source", "missing-source-for-stubs", "untyped-import"}),
            lambda version: ("check", "--output-format", "json"),
            _of_pyrefly,
            write_pyrefly_settings,
        ),
        Checker(
            "ty",
            ("ty.toml",),
            ("ty",),
            frozenset({"unresolved-import", "import-not-found"}),
            lambda version: ("check", "--output-format", "gitlab", "--python-version", _dotted(version), "."),
            _of_ty,
            _lend("ty.toml", "pyproject.toml"),
        ),
        Checker(
            "basedpyright",
            (),
            ("basedpyright",),
            UNFOUND_BY_PYRIGHT,
            lambda version: ("-p", ".", "--outputjson", "--pythonversion", _dotted(version)),
            _of_pyright,
            _lend("pyrightconfig.json", "pyproject.toml"),
        ),
        Checker(
            "pyright",
            ("pyrightconfig.json",),
            ("pyright",),
            UNFOUND_BY_PYRIGHT,
            lambda version: ("-p", ".", "--outputjson", "--pythonversion", _dotted(version)),
            _of_pyright,
            _lend("pyrightconfig.json", "pyproject.toml"),
        ),
        Checker(
            "mypy",
            ("mypy.ini", ".mypy.ini"),
            ("mypy",),
            frozenset({"import", "import-not-found", "import-untyped"}),
            lambda version: (".", "--config-file", "mypy.ini", "--output", "json", "--no-incremental", "--cache-dir", os.devnull),
            _of_mypy,
            _write_mypy_settings,
            ("--check-untyped-defs",),
            # An empty display, say, of which it can't tell what it will hold.
            frozenset({"var-annotated"}),
        ),
    )
}  # fmt: skip
"""Those that are known, the quickest first."""
