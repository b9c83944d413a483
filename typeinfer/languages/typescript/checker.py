"""The checker: the texts of a project in, what the TypeScript compiler infers of them and complains about out.

A compiler that infers well is evidence to take, not to rewrite. Its hints tell the types where none is written, its
hovers those of names where they are used and of calls, its definitions which function of the project a call reaches.

Only what some rule looks at is asked for, each place once. The compiler works on a copy outside the project. Knows
nothing of rules, nor how a compiler is found or spoken to.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from typeinfer.languages.typescript import projects
from typeinfer.languages.typescript.compiler import Complaint, Place, Session, find_compiler, started
from typeinfer.languages.typescript.display import type_of_call, type_of_value
from typeinfer.languages.typescript.meanings import Meanings
from typeinfer.languages.typescript.syntax import read
from typeinfer.languages.typescript.workspace import SCRIPTS, Workspace, copied
from typeinfer.values.inferred import CallTarget, Diagnostic, FileInference, Inference
from typeinfer.values.module import Attribute, Awaited, Call, Choice, Display, Module, Name, Value
from typeinfer.values.slots import Slot, SlotKind
from typeinfer.values.source import SourceFile, Span
from typeinfer.values.typeexpr import TypeExpr, Unknown

# Without it an array that is filled later, or a variable that is, has no type at all.
INFERRING = {"noImplicitAny": True}

MISSING_PACKAGES = frozenset({2307, 2792, 7016, 2688, 2732, 2875, 2874})
MISSING_TYPINGS = frozenset({2580, 2581, 2582, 2591, 2592, 2593, 2867, 2868})
UNUSED = frozenset({6133, 6138, 6192, 6196, 6198, 6199, 6205})
# Of the 7000s these say nothing of a missing annotation.
NOT_IMPLICIT = frozenset({7027, 7028, 7029, 7030})

CANNOT_FIND = frozenset({2304, 2503, 2552})
PROVIDED = re.compile(
    r"'(?:require|process|module|exports|global|Buffer|NodeJS|JSX|React|__dirname|__filename|setImmediate|clearImmediate"
    r"|describe|it|test|expect|jest|vi|suite|before|after|beforeEach|afterEach|beforeAll|afterAll|Bun|Deno|chrome"
    r"|define|\$|jQuery)'"
)
"""Names that a runtime, a test runner or a browser provides: their typings are a package that may be missing."""


def infer(root: Path, files: Mapping[str, SourceFile]) -> Inference:
    """What the compiler infers for these texts.

    Raises `CheckerFailed` when there is no compiler, or it fails, falls silent, or answers in a shape that is not known.
    """
    compiler = find_compiler(root)
    named = {path: projects.module_name(path) for path in files}
    modules = projects.localize(root, {path: _read(file, *named[path]) for path, file in sorted(files.items())})
    with (
        copied(root, files, compiler.major, INFERRING) as workspace,
        started(compiler, workspace.root) as session,
    ):
        session.open({workspace.path_of(path): file.text for path, file in files.items()})
        return _Asking(modules, workspace, session).inference(compiler.name)


def diagnose(root: Path, files: Mapping[str, SourceFile]) -> tuple[Diagnostic, ...]:
    """The errors that the compiler reports for these texts; missing packages and annotations are none.

    Raises `CheckerFailed`.
    """
    compiler = find_compiler(root)
    forced = {"checkJs": True} if any(path.endswith(SCRIPTS) for path in files) else {}
    with copied(root, files, compiler.major, forced) as workspace, started(compiler, workspace.root) as session:
        session.open({workspace.path_of(path): file.text for path, file in files.items()})
        complaints = session.complaints([workspace.path_of(path) for path in files])
        return tuple(
            _diagnostic(_Positions(file), complaint)
            for file, found in zip(files.values(), complaints, strict=True)
            for complaint in found
            if _counts(complaint)
        )


# A file is inferred anew in every round, and most files are the same in all of them.
@lru_cache(maxsize=4096)
def _read(file: SourceFile, name: str, is_package: bool) -> Module:
    return read(file, name, is_package)


def _counts(complaint: Complaint) -> bool:
    code = complaint.code
    if code in MISSING_PACKAGES | MISSING_TYPINGS | UNUSED or (7000 <= code < 8000 and code not in NOT_IMPLICIT):
        return False
    return not (code in CANNOT_FIND and PROVIDED.search(complaint.message))


def _diagnostic(positions: _Positions, complaint: Complaint) -> Diagnostic:
    start = positions.offset(complaint.start.line, complaint.start.column)
    end = positions.offset(complaint.end.line, complaint.end.column)
    return Diagnostic(positions.file.path, Span(start, max(start, end)), f"TS{complaint.code}", complaint.message)


# --- places -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Positions:
    """Byte offsets of one file as lines and UTF-16 columns, and back."""

    file: SourceFile

    @cached_property
    def _is_plain(self) -> bool:
        return self.file.data.isascii()

    def place(self, path: Path, offset: int) -> Place:
        line = self.file.line_of(offset) - 1
        if self._is_plain:
            return Place(path, line, offset - self.file.line_starts[line])
        return Place(path, line, self.file.utf16_column_of(offset))

    def offset(self, line: int, column: int) -> int:
        starts = self.file.line_starts
        if line >= len(starts):
            return len(self.file.data)
        start = starts[line]
        end = starts[line + 1] if line + 1 < len(starts) else len(self.file.data)
        if self._is_plain:
            return min(start + column, end)
        units = self.file.data[start:end].decode("utf-8").encode("utf-16-le")[: column * 2]
        return start + len(units.decode("utf-16-le", "replace").encode("utf-8"))


@dataclass
class _Found:
    """What is known of one file so far."""

    results: dict[Span, TypeExpr] = field(default_factory=dict)
    variables: dict[Span, TypeExpr] = field(default_factory=dict)
    expressions: dict[Span, TypeExpr] = field(default_factory=dict)
    targets: dict[Span, tuple[CallTarget, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Asking:
    """One session's questions about one project, and what the answers come to."""

    modules: Mapping[str, Module]
    workspace: Workspace
    session: Session

    def inference(self, checker: str) -> Inference:
        self._take_hints()
        self._take_values()
        self._take_targets()
        files = {
            path: FileInference(found.results, found.variables, found.expressions, found.targets)
            for path, found in self.found.items()
        }
        return Inference(checker, files, self._fields())

    @cached_property
    def found(self) -> dict[str, _Found]:
        return {path: _Found() for path in self.modules}

    @cached_property
    def positions(self) -> dict[str, _Positions]:
        return {path: _Positions(module.file) for path, module in self.modules.items()}

    @cached_property
    def meanings(self) -> Meanings:
        return Meanings(self.modules, self._declared)

    def _declared(self, place: Place) -> tuple[str, int] | None:
        name = self.workspace.name_of(place.path)
        if name not in self.modules:
            return None
        return name, self.positions[name].offset(place.line, place.column)

    def _place(self, path: str, offset: int) -> Place:
        return self.positions[path].place(self.workspace.path_of(path), offset)

    # --- hints --------------------------------------------------------------------------------------------------------

    def _take_hints(self) -> None:
        """The types of functions' results, of variables, attributes and parameters, where none is written."""
        paths = list(self.modules)
        answers = self.session.hints([self.workspace.path_of(path) for path in paths])
        for path, hints in zip(paths, answers, strict=True):
            module, found, positions = self.modules[path], self.found[path], self.positions[path]
            results = {
                function.result.insert_at: function.name_span
                for function in module.functions
                if function.result is not None and function.result.written is None
            }
            others = {
                slot.insert_at: _bare_name(slot)
                for slot in module.slots
                if slot.id.kind is not SlotKind.RETURN and slot.written is None
            }
            for hint in hints:
                at = positions.offset(hint.line, hint.column)
                # Behind a lone parameter without brackets (`x => x`) a hint is the parameter's.
                if at in others:
                    _note(found.variables, others[at], self.meanings.of_hint(path, hint.parts))
                elif at in results:
                    _note(found.results, results[at], self.meanings.of_hint(path, hint.parts))

    # --- hovers -------------------------------------------------------------------------------------------------------

    def _take_values(self) -> None:
        """The types of the values that rules look at, and of what the compiler gives no hint of."""
        wanted: dict[tuple[str, int], list[tuple[str, Span]]] = defaultdict(list)
        for path, module in self.modules.items():
            found = self.found[path]
            for value in _looked_at(module):
                if (at := _name_to_ask(module, value)) is not None:
                    wanted[path, at].append(("call" if isinstance(value, Call) else "value", value.span))
            for slot in module.slots:
                if self._is_silent(slot, found):
                    name = _bare_name(slot)
                    wanted[path, name.start].append(("variable", name))
            for function in module.functions:
                if _is_named_result(function.result, module) and function.name_span not in found.results:
                    wanted[path, function.name_span.start].append(("result", function.name_span))
        places = list(wanted)
        answers = self.session.shown([self._place(path, at) for path, at in places])
        for (path, at), shown in zip(places, answers, strict=True):
            if shown is not None:
                for use, span in wanted[path, at]:
                    self._take_shown(path, use, span, shown)

    def _is_silent(self, slot: Slot, found: _Found) -> bool:
        """No hint is given for a value that says it all (`count = 0`), nor for `this.x = ...`."""
        return (
            slot.written is None
            and not slot.local
            and slot.id.kind in (SlotKind.ATTRIBUTE, SlotKind.VARIABLE)
            and _bare_name(slot) not in found.variables
        )

    def _take_shown(self, path: str, use: str, span: Span, shown: str) -> None:
        text = type_of_call(shown) if use in ("call", "result") else type_of_value(shown)
        if text is None:
            return
        found, term = self.found[path], self.meanings.of_text(path, text)
        match use:
            case "variable":
                _note(found.variables, span, term)
            case "result":
                _note(found.results, span, term)
            case _:
                _note(found.expressions, span, term)

    # --- definitions --------------------------------------------------------------------------------------------------

    def _take_targets(self) -> None:
        """The functions of the project that calls reach; a call of a class reaches its constructor."""
        asked = [
            (path, site.call.span, at)
            for path, module in self.modules.items()
            for site in module.calls
            if (at := _name_to_ask(module, site.call)) is not None
        ]
        answers = self.session.definitions([self._place(path, at) for path, _, at in asked])
        for (path, span, _), places in zip(asked, answers, strict=True):
            reached = [target for place in places if (target := self._target(place)) is not None]
            if reached:
                self.found[path].targets[span] = tuple(dict.fromkeys(reached))

    def _target(self, place: Place) -> CallTarget | None:
        declared = self._declared(place)
        span = self._functions.get(declared) if declared is not None else None
        return CallTarget(declared[0], span) if declared is not None and span is not None else None

    @cached_property
    def _functions(self) -> dict[tuple[str, int], Span]:
        """The spans of functions' names by where these start; at the name of a class its constructor's."""
        found = {}
        for path, module in self.modules.items():
            for declared in module.classes:
                constructor = module.function_at.get(f"{declared.qualname}.constructor")
                if constructor is not None:
                    found[path, declared.name_span.start] = constructor.name_span
            for function in module.functions:
                found[path, function.name_span.start] = function.name_span
        return found

    # --- attributes ---------------------------------------------------------------------------------------------------

    def _fields(self) -> dict[str, dict[str, TypeExpr]]:
        fields: dict[str, dict[str, TypeExpr]] = defaultdict(dict)
        for path, module in self.modules.items():
            for slot in module.slots:
                if slot.id.kind is not SlotKind.ATTRIBUTE:
                    continue
                if slot.written is not None:
                    seen = self.meanings.of_text(path, module.file.at(slot.written))
                else:
                    seen = self.found[path].variables.get(_bare_name(slot))
                if seen is not None and not isinstance(seen, Unknown):
                    fields[f"{module.name}.{slot.id.qualname}"].setdefault(slot.id.name, seen)
        return dict(fields)


def _note(known: dict[Span, TypeExpr], span: Span, term: TypeExpr) -> None:
    if not isinstance(term, Unknown):
        known[span] = term


def _bare_name(slot: Slot) -> Span:
    """The span of the name alone: of `this.x` its `x`. That of a pattern is the pattern's."""
    if slot.id.kind is SlotKind.PARAMETER:
        return slot.span
    return Span(slot.span.end - len(slot.id.name.encode("utf-8")), slot.span.end)


def _is_named_result(slot: Slot | None, module: Module) -> bool:
    """A result that a hover on the function's name could tell: of `=>` and `function` it tells nothing."""
    return slot is not None and slot.written is None and module.file.at(slot.span) not in ("=>", "function")


def _looked_at(module: Module) -> Iterator[Value]:
    """The values whose types rules ask for."""
    for site in module.calls:
        for argument in site.call.arguments:
            yield from _inside(argument.value)
    for function in module.functions:
        yield from _all_inside((*function.returns, *function.yields))
        yield from _all_inside(parameter.default for parameter in function.parameters)
    yield from _all_inside(assignment.value for assignment in module.assignments)


def _all_inside(values: Iterable[Value | None]) -> Iterator[Value]:
    for value in values:
        if value is not None:
            yield from _inside(value)


def _inside(value: Value) -> Iterator[Value]:
    """A value and those that it is made of."""
    match value:
        case Name() | Attribute() | Call():
            yield value
        case Display(_, parts, _):
            for part in parts:
                yield from _all_inside(part)
        case Choice(options, _):
            yield from _all_inside(options)
        case Awaited(inner, _):
            yield from _inside(inner)
        case _:
            return


def _name_to_ask(module: Module, value: Value) -> int | None:
    """Where the name stands that tells what a value is: of `a.b` its `b`, of a call that of what is called."""
    match value:
        case Call(callee, _, _):
            return _name_to_ask(module, callee) if isinstance(callee, (Name, Attribute)) else None
        case Name(name, span) if name != "this":
            return span.start
        case Attribute(_, name, span):
            written = name.encode("utf-8")
            at = span.end - len(written)
            return at if module.file.data[at : span.end] == written else None
        case _:
            return None
