"""The checker's inference: the texts of a project in, what pyrefly infers of them out, in our terms.

A checker that infers well is evidence to take, not to rewrite. pyrefly reports in one batch the types of definitions,
fields and expressions with qualified names, and the targets of calls (`--report-pysa`), of the project alone: what it infers
with other people's packages in view is asked of it as a language server, one file a request (`hinted.py`).

The texts are copied to a temporary folder: nothing is written below the project's root, texts that exist only in memory
are seen like any other, and no configuration of the project's changes what is inferred. Knows nothing of rules.
"""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from typeinfer.languages.python.annotations import parse_type
from typeinfer.languages.python.checkers import (
    of_another_shape,
    program_of,
    run,
    version_of,
    write_copy,
    write_pyrefly_settings,
)
from typeinfer.languages.python.library import public_name
from typeinfer.values.inferred import CallTarget, CheckerFailed, FileInference, Inference
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

# Hundreds of thousands of type texts in a project repeat a few thousand; a text as long as this is a whole signature.
LONGEST_TYPE = 400

Version = tuple[int, int]
FunctionKey = tuple[int, str]


STUBS = "typeshed"
"""Where a report's copies of all bundled stubs begin: 7,000 files that nobody reads, between the modules and the index."""


def infer(files: Mapping[str, SourceFile], version: Version) -> Inference:
    """What pyrefly infers for these texts.

    Raises `CheckerFailed` when pyrefly is missing, fails, takes too long, or reports in a form that is not known.
    """
    program = program_of("pyrefly")
    with tempfile.TemporaryDirectory(prefix="typeinfer-check-") as folder:
        mirror, report = Path(folder, "project"), Report(Path(folder, "report"))
        write_copy(mirror, files)
        write_pyrefly_settings(mirror, mirror, version)
        ended = run([program, "check", *report.flags, "--output-format", "omit-errors"], mirror)
        if not report.is_whole(ended.stderr):
            raise CheckerFailed(f"{version_of(program)} made no whole report")
        return report.inference(mirror, files)


class Report:
    """A folder that pyrefly reports into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        # It gives up where the stubs can't be put, by which time it has told of all modules; the index tells nothing more.
        (folder / STUBS).touch()
        self.flags = ("--report-pysa", str(folder), "--report-pysa-format", "json")

    def is_whole(self, complaint: str) -> bool:
        """Whether it got as far as the stubs. `complaint`: what pyrefly said of it."""
        return str(self.folder / STUBS) in complaint

    def inference(self, mirror: Path, files: Mapping[str, SourceFile]) -> Inference:
        """What it says of a copy of these files, which need not be there any more when that is read. Raises `CheckerFailed`."""
        report = _Read(self.folder, mirror, files)
        return Inference(report.checker, _Files(report), _Fields(report), mentioning=report.mentioning)


class _Files(Mapping[str, FileInference]):
    """What is told of each file, read when somebody asks: after an edit that is of few."""

    def __init__(self, report: _Read) -> None:
        self.report = report
        self.numbers = {path: number for number, path in report.paths.items()}
        self.known: dict[str, FileInference] = {}

    def __getitem__(self, path: str) -> FileInference:
        if path not in self.known:
            number = self.numbers[path]
            with self.report.in_known_shape():
                self.known[path] = self.report.file(number)
        return self.known[path]

    # Python before 3.12 has no mark for what overrides.
    # pyrefly: ignore [missing-override-decorator]
    def __contains__(self, path: object) -> bool:
        return path in self.numbers

    def __iter__(self) -> Iterator[str]:
        return iter(self.numbers)

    def __len__(self) -> int:
        return len(self.numbers)


class _Fields(Mapping[str, Mapping[str, TypeExpr]]):
    """By qualified class what is told of its fields, read module by module as well."""

    def __init__(self, report: _Read) -> None:
        self.report = report
        self.known: dict[str, dict[str, dict[str, TypeExpr]]] = {}
        self.numbers: dict[str, list[int]] = defaultdict(list)
        for number in report.paths:
            self.numbers[report.modules[number]].append(number)

    def __getitem__(self, name: str) -> Mapping[str, TypeExpr]:
        module = name
        while module := module.rpartition(".")[0]:
            if module in self.numbers and name in (found := self.of_module(module)):
                return found[name]
        raise KeyError(name)

    def of_module(self, module: str) -> Mapping[str, Mapping[str, TypeExpr]]:
        if module not in self.known:
            self.known[module] = {}
            for number in self.numbers[module]:
                with self.report.in_known_shape():
                    self.known[module] |= self.report.declared(number).fields
        return self.known[module]

    def __iter__(self) -> Iterator[str]:
        return (name for module in self.numbers for name in self.of_module(module))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Head(msgspec.Struct):
    """How each module's part begins."""

    format_version: int
    module_id: int
    module_name: str
    source_path: Any


class _Declared(NamedTuple):
    """What a module defines: as in `FileInference`, and by qualified class its fields."""

    results: dict[Span, TypeExpr]
    variables: dict[Span, TypeExpr]
    fields: dict[str, dict[str, TypeExpr]]


FEW = 64
"""So many functions are looked for in what is told of calls; of more it would take as long as to read that."""

CALLS, EXPRESSIONS, DEFINITIONS = "call_graphs", "type_of_expressions", "definitions"


class _Read:
    """A report in memory, made sense of module by module; of the library's modules only those that a call reaches."""

    def __init__(self, folder: Path, mirror: Path, files: Mapping[str, SourceFile]) -> None:
        self.checker, self.files = version_of(program_of("pyrefly")), files
        self.functions: dict[int, dict[str, Any]] = {}
        self.known: dict[int, _Declared] = {}
        self.texts: dict[tuple[str, int], bytes] = {}
        self.modules: dict[int, str] = {}
        paths: dict[int, str] = {}
        bases = (mirror, mirror.resolve())
        with self.in_known_shape():
            for part in (folder / DEFINITIONS).iterdir():
                text = part.read_bytes()
                head = msgspec.json.decode(text, type=_Head)
                if head.format_version != REPORT_FORMAT:
                    raise CheckerFailed(
                        f"pyrefly reports in format {head.format_version}; this version reads {REPORT_FORMAT}"
                    )
                self.texts[DEFINITIONS, head.module_id], self.modules[head.module_id] = text, head.module_name
                if isinstance(head.source_path, dict) and "FileSystem" in head.source_path:
                    place = Path(head.source_path["FileSystem"])
                    for base in bases:
                        if place.is_relative_to(base) and (path := place.relative_to(base).as_posix()) in files:
                            paths[head.module_id] = path
                            for kind in (CALLS, EXPRESSIONS):
                                self.texts[kind, head.module_id] = (folder / kind / part.name).read_bytes()
        # In order, whatever the order that a folder is listed in: of two classes of one name the last counts.
        self.paths = dict(sorted(paths.items(), key=lambda pair: pair[1]))

    @contextmanager
    def in_known_shape(self) -> Iterator[None]:
        """Raises `CheckerFailed` where what is read is another one."""
        try:
            yield
        except (OSError, msgspec.DecodeError) as error:
            raise CheckerFailed(f"{self.checker}'s report can't be read: {error}") from None
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise of_another_shape(self.checker, error) from error

    def mentioning(self, functions: Collection[CallTarget]) -> Collection[str]:
        """The files in which a call may reach one of these functions."""
        if len(functions) > FEW:
            return self.paths.values()
        with self.in_known_shape():
            marks = [*self._marks(functions)]
        # Of a file that was read already it isn't told apart any more.
        calls = {number: self.texts.get((CALLS, number)) for number in self.paths}
        return {
            self.paths[number] for number, text in calls.items() if text is None or any(mark in text for mark in marks)
        }

    def _marks(self, functions: Collection[CallTarget]) -> Iterator[bytes]:
        """What stands wherever a call reaches one of these."""
        for number, path in self.paths.items():
            spans = {one.name_span for one in functions if one.path == path}
            for key, found in self._functions(number).items() if spans else ():
                if _span(self.files[path], found.get("name_location")) in spans:
                    name = self.modules[number]
                    yield f'"module_id":{number},"module_name":"{name}","function_id":"{key}"'.encode()

    def _take(self, kind: str, number: int) -> dict[str, Any]:
        """One part of a module, once: what was made of it is kept instead."""
        content: dict[str, Any] = msgspec.json.decode(self.texts.pop((kind, number)))
        return content

    def _functions(self, number: int) -> dict[str, Any]:
        if number in self.paths:
            self.declared(number)
        elif number not in self.functions:
            known = (DEFINITIONS, number) in self.texts
            self.functions[number] = self._take(DEFINITIONS, number)["function_definitions"] if known else {}
        return self.functions[number]

    def declared(self, number: int) -> _Declared:
        """What a module of the project defines."""
        if number not in self.known:
            self.known[number] = self._declared(number, self.files[self.paths[number]])
        return self.known[number]

    def file(self, number: int) -> FileInference:
        file, declared = self.files[self.paths[number]], self.declared(number)
        expressions = self._expressions(number, file)
        targets = self._calls(number, file, expressions)
        return FileInference(declared.results, declared.variables, expressions, targets)

    def _declared(self, number: int, file: SourceFile) -> _Declared:
        found = _Declared({}, {}, {})
        content = self._take(DEFINITIONS, number)
        self.functions[number] = content["function_definitions"]
        for function in content["function_definitions"].values():
            span = _span(file, function.get("name_location"))
            signatures = function["undecorated_signatures"]
            if span is None or len(signatures) != 1:
                continue
            found.results[span] = _type(signatures[0].get("return_annotation"))
        module = self.modules[number]
        for name, declared in _qualified_classes(content["class_definitions"], content["function_definitions"]):
            entries = declared.get("fields", {})
            found.fields[f"{module}.{name}"] = {key: _type(entry.get("type")) for key, entry in entries.items()}
            for entry in entries.values():
                if (span := _span(file, entry.get("location"))) is not None:
                    found.variables[span] = _type(entry.get("type"))
        for entry in content.get("global_variables", {}).values():
            if (span := _span(file, entry.get("location"))) is not None:
                found.variables[span] = _type(entry.get("type"))
        return found

    def _expressions(self, number: int, file: SourceFile) -> dict[Span, TypeExpr]:
        found: dict[Span, TypeExpr] = {}
        for function in self._take(EXPRESSIONS, number)["functions"].values():
            table = [_type(entry) for entry in function["type_table"]]
            for location, at in function["locations"].items():
                if not isinstance(table[at], Unknown) and (span := _span(file, location)) is not None:
                    found[span] = table[at]
        return found

    def _calls(
        self, number: int, file: SourceFile, expressions: dict[Span, TypeExpr]
    ) -> dict[Span, tuple[CallTarget, ...]]:
        """Fills `expressions` with what calls give, and returns the project's functions that calls reach."""
        reached: dict[Span, tuple[CallTarget, ...]] = {}
        for graph in self._take(CALLS, number)["call_graphs"].values():
            for location, entry in graph.items():
                called = entry.get("Call") if "|" not in location else None
                span = _span(file, location) if called else None
                if not called or span is None:
                    continue
                calls, made = called.get("call_targets", ()), called.get("init_targets", ())
                if "unresolved" not in called:
                    given = [self._result(target) for target in calls] + [_instance(target) for target in made]
                    result = union(given) if given else UNKNOWN
                    if not isinstance(result, Unknown):
                        expressions[span] = result
                found = [self._target(target) for target in (*calls, *made)]
                if project := tuple(target for target in found if target is not None):
                    reached[span] = project
        return reached

    def _definition(self, target: Mapping[str, Any]) -> tuple[FunctionKey, dict[str, Any]] | None:
        for pointer in target.get("target", {}).values():
            if isinstance(pointer, dict) and "function_id" in pointer:
                key = (pointer["module_id"], pointer["function_id"])
                found = self._functions(key[0]).get(key[1])
                return (key, found) if found else None
        return None

    def _result(self, target: Mapping[str, Any]) -> TypeExpr:
        found = self._definition(target)
        if found is None or len(found[1]["undecorated_signatures"]) != 1 or found[1].get("decorator_callees"):
            return UNKNOWN
        return _type(found[1]["undecorated_signatures"][0].get("return_annotation"))

    def _target(self, target: Mapping[str, Any]) -> CallTarget | None:
        found = self._definition(target)
        if found is None or found[0][0] not in self.paths:
            return None
        path = self.paths[found[0][0]]
        span = _span(self.files[path], found[1].get("name_location"))
        return CallTarget(path, span) if span is not None else None


def _instance(target: Mapping[str, Any]) -> TypeExpr:
    receiver = target.get("receiver_class")
    return _type({"string": f"{receiver['module_name']}.{receiver['class_name']}"}) if receiver else UNKNOWN


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
    return told(text) if isinstance(text, str) else UNKNOWN


@cache
def told(text: str) -> TypeExpr:
    """The type that pyrefly tells in qualified names."""
    if len(text) > LONGEST_TYPE:
        return UNKNOWN
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
    {"Unknown", "Ellipsis", "object", "super"}
    | {
        f"{module}{name}"
        for module in ("", "typing.", "typing_extensions.")
        for name in ("Any", "Never", "NoReturn", "Self")
    }
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
