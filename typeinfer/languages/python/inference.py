"""The checker's inference: the texts of a project in, what pyrefly infers of them out, in our terms.

A checker that infers well is evidence to take, not to rewrite. pyrefly reports in one batch the types of definitions,
fields and expressions with qualified names, and the targets of calls (`--report-pysa`); its inlay hints over the Language
Server Protocol give the same return types as text for the eye, without the module of a name, one file a request.

The texts are copied to a temporary folder: nothing is written below the project's root, texts that exist only in memory
are seen like any other, and no configuration of the project's changes what is inferred. Knows nothing of rules.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from typeinfer.languages.python.annotations import parse_type
from typeinfer.languages.python.checkers import answer, program_of, version_of, write_copy, write_pyrefly_settings
from typeinfer.languages.python.library import public_name
from typeinfer.values.inferred import CallTarget, CheckerFailed, FileInference, Inference
from typeinfer.values.recent import Recent
from typeinfer.values.source import SourceFile, Span
from typeinfer.values.typeexpr import (
    UNKNOWN,
    CallableType,
    Literal,
    Named,
    Record,
    Tuple,
    TypeExpr,
    Union,
    Unknown,
    union,
)

REPORT_FORMAT = 1

ROOM = 200_000_000
"""Bytes that are free where the stubs are to be kept in memory; they take a fifth of it."""

# Hundreds of thousands of type texts in a project repeat a few thousand; a text as long as this is a whole signature.
LONGEST_TYPE = 400

T = TypeVar("T")

Version = tuple[int, int]
FunctionKey = tuple[int, str]
"""A module's number in this report, and what it calls the function."""


def infer(files: Mapping[str, SourceFile], version: Version, scratch: Path) -> Inference:
    """What pyrefly infers for these texts.

    Raises `CheckerFailed` when pyrefly is missing, fails, takes too long, or reports in a form that is not known.
    """
    program = program_of("pyrefly")
    name = version_of(program)
    with tempfile.TemporaryDirectory(prefix="typeinfer-check-") as folder:
        mirror, report = Path(folder, "project"), Path(folder, "report")
        write_copy(mirror, files)
        write_pyrefly_settings(mirror, mirror, version)
        _lend_stubs(report, (_in_memory() or scratch) / f"pyrefly-{name.rpartition(' ')[2]}")
        reporting = ["--report-pysa", str(report), "--report-pysa-format", "json", "--output-format", "omit-errors"]
        answer([program, "check", *reporting], mirror)
        try:
            return _Report(report, mirror, files).inference(name)
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise CheckerFailed(f"{name} reports in a shape that is not known ({reason})") from error


def _lend_stubs(report: Path, kept: Path) -> None:
    """Let the report's copies of every bundled stub land in a folder that is kept.

    Each report unpacks 7,000 stubs anew, 40 MB, and nobody reads them. On a disk creating them takes 4 to 6 s and overwriting
    them 1.6; in memory both take half a second.
    """
    try:
        report.mkdir()
        for name in ("typeshed", "third_party", "typeshed_third_party"):
            (kept / name).mkdir(parents=True, exist_ok=True)
            (report / name).symlink_to(kept / name, target_is_directory=True)
    except OSError:
        return  # No place to keep them, or no right to link: slower, not wrong.


def _in_memory() -> Path | None:
    """A folder of this user's alone in memory, where the system has such a thing and room in it."""
    for place in (os.environ.get("XDG_RUNTIME_DIR"), "/dev/shm"):
        try:
            folder = Path(place or "/dev/shm", f"typeinfer-{os.getuid()}")
            folder.mkdir(mode=0o700, exist_ok=True)
            found = folder.lstat()
            # What somebody else made there, or can write to, is not ours to use.
            own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
            if own and (any(folder.iterdir()) or shutil.disk_usage(folder).free > ROOM):
                return folder
        except (OSError, AttributeError):
            continue
    return None


@dataclass(frozen=True)
class _Function:
    """`place`: where its name stands, as the report has it; `result`: what a call gives, where that is one thing."""

    place: str | None
    result: TypeExpr


@dataclass(frozen=True)
class _Defined:
    """What a module's report says of its definitions. Of fields by the name of their class within the module."""

    functions: Mapping[str, _Function]
    results: Mapping[Span, TypeExpr] = field(default_factory=dict)
    variables: Mapping[Span, TypeExpr] = field(default_factory=dict)
    fields: Mapping[str, Mapping[str, TypeExpr]] = field(default_factory=dict)

    @property
    def weight(self) -> int:
        return len(self.functions) + len(self.results) + len(self.variables) + sum(map(len, self.fields.values()))


@dataclass(frozen=True)
class _Call:
    """`calls`, `makes`: the functions that it may reach by themselves, or as constructors of `instances`; None for one unknown.
    `is_known`: these are all."""

    calls: tuple[FunctionKey | None, ...]
    makes: tuple[FunctionKey | None, ...]
    instances: tuple[TypeExpr, ...]
    is_known: bool


class _Report:
    """The report folder, read module by module; of the library's modules only those that a call reaches.

    What was read of a module lately counts again where its report and its text are the same to the byte: rounds change few files.
    """

    def __init__(self, folder: Path, mirror: Path, files: Mapping[str, SourceFile]) -> None:
        self.folder, self.files = folder, files
        self.defined: dict[int, _Defined] = {}
        index = _decoded("pyrefly.pysa.json", self._content("pyrefly.pysa.json"))
        if index.get("format_version") != REPORT_FORMAT:
            raise CheckerFailed(
                f"pyrefly reports in format {index.get('format_version')}; this version reads {REPORT_FORMAT}"
            )
        self.modules: dict[int, dict[str, Any]] = {entry["module_id"]: entry for entry in index["modules"].values()}
        self.paths: dict[int, str] = {}
        for number, entry in self.modules.items():
            source = entry["source_path"]
            if isinstance(source, dict) and "FileSystem" in source:
                place = Path(source["FileSystem"])
                for base in (mirror, mirror.resolve()):
                    if place.is_relative_to(base) and (path := place.relative_to(base).as_posix()) in files:
                        self.paths[number] = path

    def _content(self, name: str) -> bytes:
        try:
            return (self.folder / name).read_bytes()
        except OSError as error:
            raise CheckerFailed(f"pyrefly's report can't be read: {name}: {error}") from None

    def _read(
        self,
        part: str,
        number: int,
        read: Callable[[dict[str, Any], SourceFile | None], T],
        weigh: Callable[[T], int],
        lately: Recent[T],
    ) -> T:
        """One part of what is reported of a module, read as `read` does, of the project's own with its text."""
        name = f"{part}/{self.modules[number]['info_filename']}"
        file = self.files[self.paths[number]] if number in self.paths else None
        content = self._content(name)
        key = (blake2b(content, digest_size=16).digest(), "" if file is None else file.digest)
        return lately.get(key, lambda: read(_decoded(name, content), file), weigh)

    def _definitions(self, number: int) -> _Defined:
        if number not in self.defined:
            known = number in self.modules and self.modules[number].get("info_filename")
            self.defined[number] = (
                self._read("definitions", number, _definitions, lambda one: one.weight, _DEFINED)
                if known
                else _Defined({})
            )
        return self.defined[number]

    def inference(self, checker: str) -> Inference:
        inferred: dict[str, FileInference] = {}
        fields: dict[str, Mapping[str, TypeExpr]] = {}
        for number, path in sorted(self.paths.items(), key=lambda pair: pair[1]):
            defined, module = self._definitions(number), self.modules[number]["module_name"]
            fields |= {f"{module}.{name}": found for name, found in defined.fields.items()}
            expressions = self._read("type_of_expressions", number, _expressions, len, _EXPRESSIONS)
            calls = self._read("call_graphs", number, _calls, len, _CALLS)
            given = {span: result for span, call in calls.items() if (result := self._given(call)) is not UNKNOWN}
            reached = {span: targets for span, call in calls.items() if (targets := self._targets(call))}
            inferred[path] = FileInference(defined.results, defined.variables, {**expressions, **given}, reached)
        return Inference(checker, inferred, fields)

    def _function(self, key: FunctionKey | None) -> _Function | None:
        return None if key is None else self._definitions(key[0]).functions.get(key[1])

    def _given(self, call: _Call) -> TypeExpr:
        """What a call gives, as far as all is known that it may reach."""
        found = [self._function(key) for key in call.calls]
        given = [*(UNKNOWN if one is None else one.result for one in found), *call.instances]
        result = union(given) if call.is_known and given else UNKNOWN
        return UNKNOWN if isinstance(result, Unknown) else result

    def _targets(self, call: _Call) -> tuple[CallTarget, ...]:
        """The project's own functions that a call may reach."""
        targets: list[CallTarget] = []
        for key in (*call.calls, *call.makes):
            if key is None or key[0] not in self.paths or (found := self._function(key)) is None:
                continue
            path = self.paths[key[0]]
            if (span := _span(self.files[path], found.place)) is not None:
                targets.append(CallTarget(path, span))
        return tuple(targets)


def _decoded(name: str, content: bytes) -> dict[str, Any]:
    try:
        decoded: dict[str, Any] = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise CheckerFailed(f"pyrefly's report can't be read: {name}: {error}") from None
    return decoded


def _definitions(declared: Mapping[str, Any], file: SourceFile | None) -> _Defined:
    """`file`: the text, of a module of the project; of others their functions alone count."""
    functions: dict[str, _Function] = {}
    results: dict[Span, TypeExpr] = {}
    for key, function in declared["function_definitions"].items():
        place, signatures = function.get("name_location"), function["undecorated_signatures"]
        given = _type(signatures[0].get("return_annotation")) if len(signatures) == 1 else UNKNOWN
        functions[key] = _Function(place, UNKNOWN if function.get("decorator_callees") else given)
        if file is not None and len(signatures) == 1 and (span := _span(file, place)) is not None:
            results[span] = given
    if file is None:
        return _Defined(functions)
    variables: dict[Span, TypeExpr] = {}
    fields: dict[str, Mapping[str, TypeExpr]] = {}
    for name, found in _qualified_classes(declared["class_definitions"], declared["function_definitions"]):
        entries = found.get("fields", {})
        fields[name] = {key: _type(entry.get("type")) for key, entry in entries.items()}
        for entry in entries.values():
            if (span := _span(file, entry.get("location"))) is not None:
                variables[span] = _type(entry.get("type"))
    for entry in declared.get("global_variables", {}).values():
        if (span := _span(file, entry.get("location"))) is not None:
            variables[span] = _type(entry.get("type"))
    return _Defined(functions, results, variables, fields)


def _expressions(reported: Mapping[str, Any], file: SourceFile | None) -> Mapping[Span, TypeExpr]:
    assert file is not None, "of other people's modules no expression is read"
    found: dict[Span, TypeExpr] = {}
    for function in reported["functions"].values():
        table = [_type(entry) for entry in function["type_table"]]
        for location, at in function["locations"].items():
            if not isinstance(table[at], Unknown) and (span := _span(file, location)) is not None:
                found[span] = table[at]
    return found


def _calls(reported: Mapping[str, Any], file: SourceFile | None) -> Mapping[Span, _Call]:
    assert file is not None, "of other people's modules no call is read"
    found: dict[Span, _Call] = {}
    for graph in reported["call_graphs"].values():
        for location, entry in graph.items():
            called = entry.get("Call") if "|" not in location else None
            span = _span(file, location) if called else None
            if called and span is not None:
                calls, made = called.get("call_targets", ()), called.get("init_targets", ())
                found[span] = _Call(
                    tuple(map(_function_key, calls)),
                    tuple(map(_function_key, made)),
                    tuple(map(_instance, made)),
                    "unresolved" not in called,
                )
    return found


def _function_key(target: Mapping[str, Any]) -> FunctionKey | None:
    for pointer in target.get("target", {}).values():
        if isinstance(pointer, dict) and "function_id" in pointer:
            return (pointer["module_id"], pointer["function_id"])
    return None


def _instance(target: Mapping[str, Any]) -> TypeExpr:
    receiver = target.get("receiver_class")
    return _type({"string": f"{receiver['module_name']}.{receiver['class_name']}"}) if receiver else UNKNOWN


KEPT_TYPES = 1_000_000
"""Types, and calls, that are kept of the reports of lately; some 100 bytes each."""

_DEFINED: Recent[_Defined] = Recent(KEPT_TYPES)
_EXPRESSIONS: Recent[Mapping[Span, TypeExpr]] = Recent(KEPT_TYPES)
_CALLS: Recent[Mapping[Span, _Call]] = Recent(KEPT_TYPES)


def _qualified_classes(
    classes: Mapping[str, dict[str, Any]], functions: Mapping[str, dict[str, Any]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    def name_of(found: dict[str, Any], left: int = 50) -> str:
        parent = found.get("parent")
        if not isinstance(parent, dict) or left == 0:
            return str(found["name"])
        if "Class" in parent and (outer := classes.get(str(parent["Class"]["class_id"]))):
            return f"{name_of(outer, left - 1)}.{found['name']}"
        if "Function" in parent and (around := functions.get(f"F:{parent['Function']['func_def_index']}")):
            return f"{name_of(around, left - 1)}.{found['name']}"
        return str(found["name"])

    for found in classes.values():
        yield name_of(found), found


LOCATION = re.compile(r"(\d+):(\d+)-(?:(\d+):)?(\d+)$")


def _span(file: SourceFile, location: str | None) -> Span | None:
    """A place as pyrefly writes it (`3:5-3:9`: lines and columns from 1, columns in bytes of UTF-8) as a span."""
    found = LOCATION.match(location) if location else None
    if found is None:
        return None
    line, column, last, end = found.groups()
    starts = file.line_starts
    first, final = int(line) - 1, int(last or line) - 1
    if final >= len(starts):
        return None
    return Span(starts[first] + int(column) - 1, starts[final] + int(end) - 1)


def _type(entry: Mapping[str, Any] | None) -> TypeExpr:
    text = entry.get("string") if entry else None
    return _parsed(text) if isinstance(text, str) and len(text) <= LONGEST_TYPE else UNKNOWN


@cache
def _parsed(text: str) -> TypeExpr:
    return _in_our_terms(parse_type(text))


def _in_our_terms(term: TypeExpr) -> TypeExpr:
    """Widen literals to their classes, drop what no annotation can say, and name what the library keeps private."""
    match term:
        case Literal(value):
            return _class_of_literal(value)
        case Named("LiteralString" | "typing.LiteralString" | "typing_extensions.LiteralString"):
            return Named("str")
        case Named(name, args):
            if not name or name in NOT_A_TYPE or name.startswith("Module") or "@" in name or TYPE_VARIABLE.match(name):
                return UNKNOWN
            public = public_name(name)
            return Named(public, tuple(map(_in_our_terms, args))) if public else UNKNOWN
        case Union(members):
            # `return NotImplemented` is how a method says that it gives no answer, not what it gives.
            return union(_in_our_terms(member) for member in members if member not in NO_ANSWER)
        case Tuple(items, is_open):
            return Tuple(tuple(map(_in_our_terms, items)), is_open)
        case CallableType(params, result):
            return CallableType(None if params is None else tuple(map(_in_our_terms, params)), _in_our_terms(result))
        case Record():
            return UNKNOWN
    return term


NO_ANSWER = (Named("types.NotImplementedType"), Named("NotImplementedType"), Named("builtins._NotImplementedType"))

# `Never` and `NoReturn` are true of a body that always raises, and hardly ever what its author means by it.
NOT_A_TYPE = frozenset(
    (
        "Unknown Any typing.Any Never NoReturn typing.Never typing.NoReturn Ellipsis object Self typing.Self super"
    ).split()
)
TYPE_VARIABLE = re.compile(r"_?[A-Z][A-Z0-9]?(_co|_contra)?$|_[A-Z]\w*$")


def _class_of_literal(value: str) -> TypeExpr:
    if value in ("True", "False"):
        return Named("bool")
    if value[:1] in "\"'":
        return Named("str")
    if value[:2] in ("b'", 'b"'):
        return Named("bytes")
    return Named("int") if value.lstrip("-")[:1].isdigit() else UNKNOWN
