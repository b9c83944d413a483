"""Questions: the facts of a project and a compiler's session in, what the compiler infers out.

Its hints tell the types where none is written, its hovers those of names where they are used and of calls, its definitions
which function of the project a call reaches. Only what some rule looks at is asked for, each place once: what a
parameter that has its annotation is called with is no question. Knows no protocol.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from typeinfer.languages.typescript.compiler import Hint, Place, Session
from typeinfer.languages.typescript.conventions import PUTS
from typeinfer.languages.typescript.display import (
    type_of_call,
    type_of_result,
    type_of_value,
    types_of_parameters,
)
from typeinfer.languages.typescript.meanings import Meanings
from typeinfer.languages.typescript.workspace import Workspace
from typeinfer.values.inferred import CallTarget, FileInference, Inference
from typeinfer.values.module import (
    Attribute,
    Awaited,
    Call,
    CallSite,
    Choice,
    Display,
    Function,
    Module,
    Name,
    Value,
)
from typeinfer.values.slots import Slot, SlotKind
from typeinfer.values.source import Span
from typeinfer.values.typeexpr import NONE, UNKNOWN, Named, TypeExpr, Unknown, is_none, walk, without


class Use(Enum):
    """What a hover at a name is read for."""

    VALUE = "the type of the value"
    CALL = "what the call gives"
    ARGUMENTS = "what the call takes"
    VARIABLE = "the type of the variable that is declared here"
    RESULT = "what the function that is declared here gives"


@dataclass
class _Found:
    """What is known of one file so far."""

    results: dict[Span, TypeExpr] = field(default_factory=dict)
    variables: dict[Span, TypeExpr] = field(default_factory=dict)
    expressions: dict[Span, TypeExpr] = field(default_factory=dict)
    targets: dict[Span, tuple[CallTarget, ...]] = field(default_factory=dict)
    expected: dict[Span, TypeExpr] = field(default_factory=dict)


@dataclass(frozen=True)
class Questions:
    """One session's questions about one project, and what the answers come to."""

    modules: Mapping[str, Module]
    workspace: Workspace
    session: Session

    def inference(self, checker: str) -> Inference:
        """Ask everything. Raises what the session raises."""
        self._ask_hints()
        self._ask_definitions()
        self._ask_hovers()
        files = {
            path: FileInference(found.results, found.variables, found.expressions, found.targets, found.expected)
            for path, found in self.found.items()
        }
        return Inference(checker, files, self._fields())

    @cached_property
    def found(self) -> dict[str, _Found]:
        return {path: _Found() for path in self.modules}

    @cached_property
    def wanted(self) -> dict[tuple[str, int], list[tuple[Use, Span]]]:
        """What hovers are read for, by the place to ask at."""
        return defaultdict(list)

    @cached_property
    def half_told(self) -> dict[tuple[str, Use, Span], Hint]:
        """Hints that tell where the names are declared, and whose text is only half of the truth."""
        return {}

    @cached_property
    def meanings(self) -> Meanings:
        return Meanings(self.modules, self.workspace.declared)

    def _note(self, path: str, use: Use, span: Span, term: TypeExpr) -> None:
        if use is Use.VARIABLE:
            term = self._as_variable(path, span, term)
        # What a method gives that gives its own object is its own object's to say.
        if isinstance(term, Unknown) or (use is not Use.RESULT and THIS in walk(term)):
            return
        found = self.found[path]
        known = {Use.VARIABLE: found.variables, Use.RESULT: found.results, Use.ARGUMENTS: found.expected}
        known.get(use, found.expressions)[span] = term

    def _as_variable(self, path: str, span: Span, term: TypeExpr) -> TypeExpr:
        """What a variable's annotation would say: no more than `null` is what it begins with, not what it may be."""
        if is_none(term):
            return UNKNOWN
        return without(NONE, term) if span in self._optional[path] else term

    @cached_property
    def _optional(self) -> dict[str, set[Span]]:
        """The parameters that say by themselves that they may be left out."""
        return {
            path: {
                parameter.slot.span
                for function in module.functions
                for parameter in function.parameters
                if parameter.optional and parameter.slot is not None
            }
            for path, module in self.modules.items()
        }

    # --- hints --------------------------------------------------------------------------------------------------------

    def _ask_hints(self) -> None:
        """The types of functions' results, of variables, attributes and parameters, where none is written."""
        paths = list(self.modules)
        answers = self.session.hints([self.workspace.path_of(path) for path in paths])
        for path, hints in zip(paths, answers, strict=True):
            module = self.modules[path]
            results = {
                function.result.insert_at: function.name_span
                for function in module.functions
                if function.result is not None and _is_open(module, function.result)
            }
            others = {
                slot.insert_at: _bare_name(slot)
                for slot in module.slots
                if slot.id.kind is not SlotKind.RETURN and _is_open(module, slot)
            }
            for hint in hints:
                at = self.workspace.offset(path, hint.line, hint.column)
                # Behind a lone parameter without brackets (`x => x`) a hint is the parameter's.
                if at in others:
                    self._take_hint(path, Use.VARIABLE, others[at], hint)
                elif at in results:
                    self._take_hint(path, Use.RESULT, results[at], hint)

    def _take_hint(self, path: str, use: Use, span: Span, hint: Hint) -> None:
        # Hints of the native compiler leave out brackets: `() => A | B` may be `(() => A) | B`.
        if "=>" in hint.text and any(sign in hint.text for sign in "|&["):
            self.half_told[path, use, span] = hint
            self.wanted[path, span.start].append((use, span))
        else:
            self._note(path, use, span, self.meanings.of_hint(path, hint.text, hint, self._inside(path, use, span)))

    def _inside(self, path: str, use: Use, span: Span) -> str | None:
        """The function that a type stays with: that of a result, which no other place is told of."""
        return self._qualnames[path].get(span) if use is Use.RESULT else None

    @cached_property
    def _qualnames(self) -> dict[str, dict[Span, str]]:
        return {
            path: {function.name_span: function.qualname for function in module.functions}
            for path, module in self.modules.items()
        }

    # --- definitions --------------------------------------------------------------------------------------------------

    def _ask_definitions(self) -> None:
        """The functions of the project that calls reach; a call of a class reaches its constructor."""
        asked = [
            (path, site.call.span, at)
            for path, module in self.modules.items()
            for site in module.calls
            if self._may_tell(module, site) and (at := _name_to_ask(module, site.call)) is not None
        ]
        answers = self.session.definitions([self.workspace.place(path, at) for path, _, at in asked])
        for (path, span, _), places in zip(asked, answers, strict=True):
            reached = [target for place in places if (target := self._target(place)) is not None]
            if reached:
                self.found[path].targets[span] = tuple(dict.fromkeys(reached))

    def _may_tell(self, module: Module, site: CallSite) -> bool:
        """Whether a call could say something of an open parameter: of what it calls, or of where it stands."""
        callee = site.call.callee
        if not site.call.arguments or not isinstance(callee, (Name, Attribute)):
            return False
        name = self._original_names[module.file.path].get(callee.name, callee.name)
        is_open = self._callable_names.get(name)
        return is_open is not None and (is_open or self._hands_on(module, site))

    def _hands_on(self, module: Module, site: CallSite) -> bool:
        """Whether a call passes on an open parameter of the function that it stands in."""
        handed = {argument.value.name for argument in site.call.arguments if isinstance(argument.value, Name)}
        return not handed.isdisjoint(self._open_parameters[module.file.path].get(site.scope, ()))

    @cached_property
    def _open_parameters(self) -> dict[str, dict[str, set[str]]]:
        """The parameters without annotation, by path and qualified name of their function."""
        found: dict[str, dict[str, set[str]]] = {}
        for path, module in self.modules.items():
            found[path] = defaultdict(set)
            for function in module.functions:
                names = {parameter.name for parameter in function.parameters if _is_open(module, parameter.slot)}
                found[path][function.qualname] |= names
        return found

    @cached_property
    def _callable_names(self) -> dict[str, bool]:
        """The names that functions and classes of the project are called by, and whether one so called is open."""
        found: dict[str, bool] = {}
        for module in self.modules.values():
            for function in module.functions:
                name = function.name
                if name == "constructor" and function.owner is not None:
                    name = function.owner.rpartition(".")[2]
                found[name] = found.get(name, False) or _has_open_parameter(module, function)
        return found

    @cached_property
    def _original_names(self) -> dict[str, dict[str, str]]:
        """What imports under another name are called where they are declared."""
        return {
            path: {found.alias: found.name for found in module.imports if found.name not in (None, "*", "default")}
            for path, module in self.modules.items()
        }

    def _target(self, place: Place) -> CallTarget | None:
        declared = self.workspace.declared(place)
        function = self._functions.get(declared) if declared is not None else None
        return CallTarget(declared[0], function.name_span) if declared is not None and function is not None else None

    @cached_property
    def _functions(self) -> dict[tuple[str, int], Function]:
        """The functions by where their names start; at the name of a class its constructor."""
        found = {}
        for path, module in self.modules.items():
            for declared in module.classes:
                constructor = module.function_at.get(f"{declared.qualname}.constructor")
                if constructor is not None:
                    found[path, declared.name_span.start] = constructor
            for function in module.functions:
                found[path, function.name_span.start] = function
        return found

    # --- hovers -------------------------------------------------------------------------------------------------------

    def _ask_hovers(self) -> None:
        """The types of the values that rules look at, and of what the compiler gives no hint of."""
        for path, module in self.modules.items():
            for value in self._looked_at(module):
                if (at := _name_to_ask(module, value)) is not None:
                    self.wanted[path, at].append((Use.CALL if isinstance(value, Call) else Use.VALUE, value.span))
            for site in module.calls:
                if self._hands_on(module, site) and (at := _name_to_ask(module, site.call)) is not None:
                    self.wanted[path, at].append((Use.ARGUMENTS, site.call.span))
            for slot in module.slots:
                if self._is_silent(module, slot):
                    self.wanted[path, _place_to_ask(module, slot)].append((Use.VARIABLE, _bare_name(slot)))
            for function in module.functions:
                if self._is_silent_function(module, function):
                    self.wanted[path, function.name_span.start].append((Use.RESULT, function.name_span))
        places = list(self.wanted)
        answers = self.session.shown([self.workspace.place(path, at) for path, at in places])
        for (path, at), shown in zip(places, answers, strict=True):
            if shown is not None:
                for use, span in dict.fromkeys(self.wanted[path, at]):
                    self._take_shown(path, use, span, shown)

    def _is_silent(self, module: Module, slot: Slot) -> bool:
        """No hint is given for a value that says it all (`count = 0`), nor for `this.x = ...`."""
        named = slot.id.kind in (SlotKind.ATTRIBUTE, SlotKind.VARIABLE) and not slot.local
        return named and _is_open(module, slot) and not self._is_known(module, Use.VARIABLE, _bare_name(slot))

    def _is_silent_function(self, module: Module, function: Function) -> bool:
        """No hint is given for the result of `x => x`; a hover tells it where there is a name to hover on."""
        span = function.name_span
        named = module.file.at(span) not in ("=>", "function")
        return named and _is_open(module, function.result) and not self._is_known(module, Use.RESULT, span)

    def _is_known(self, module: Module, use: Use, span: Span) -> bool:
        path = module.file.path
        known = self.found[path].results if use is Use.RESULT else self.found[path].variables
        return span in known or (path, use, span) in self.half_told

    def _looked_at(self, module: Module) -> Iterator[Value]:
        """The values whose types rules ask for, to learn of something that has no annotation."""
        for site in module.calls:
            targets = self.found[module.file.path].targets.get(site.call.span, ())
            if any(self._is_open_target(target) for target in targets):
                yield from _inside(argument.value for argument in site.call.arguments)
        for function in module.functions:
            if _is_open(module, function.result):
                yield from _inside((*function.returns, *function.yields))
            yield from _inside(
                parameter.default for parameter in function.parameters if _is_open(module, parameter.slot)
            )
        # Of a name that is bound several times only the first has the slot.
        names = {slot.id.name for slot in module.slots if _is_open(module, slot) and not slot.local}
        yield from _inside(found.value for found in module.assignments if found.name in names)
        for site in module.calls:
            yield from _inside(self._put(site.call))

    def _put(self, call: Call) -> Iterable[Value]:
        """What a call puts into a container that is open, and the object whose property that is."""
        match call.callee:
            case Attribute(Attribute() | Name() as container, method) if method in PUTS:
                if container.name in self._open_containers:
                    holder = (container.base,) if isinstance(container, Attribute) else ()
                    return (*holder, *(argument.value for argument in call.arguments))
        return ()

    @cached_property
    def _open_containers(self) -> frozenset[str]:
        """The names of properties and variables without annotation that hold something empty at first."""
        return frozenset(
            found.name
            for module in self.modules.values()
            for found in module.assignments
            if found.slot is None or (not found.slot.local and _is_open(module, found.slot))
            if (isinstance(found.value, Display) and not any(found.value.parts))
            or (isinstance(found.value, Call) and not found.value.arguments)
        )

    def _is_open_target(self, target: CallTarget) -> bool:
        function = self._functions[target.path, target.name_span.start]
        return _has_open_parameter(self.modules[target.path], function)

    def _take_shown(self, path: str, use: Use, span: Span, shown: str) -> None:
        if use is Use.ARGUMENTS:
            self._take_expected(path, span, shown)
            return
        readers = {Use.CALL: type_of_call, Use.RESULT: type_of_result}
        text = readers.get(use, type_of_value)(shown)
        if text is not None:
            hint = self.half_told.get((path, use, span))
            inside = self._inside(path, use, span)
            if hint is None:
                self._note(path, use, span, self.meanings.of_text(path, text, inside))
            else:
                self._note(path, use, span, self.meanings.of_hint(path, text, hint, inside))

    def _take_expected(self, path: str, span: Span, shown: str) -> None:
        """What is taken in the place of each argument, up to the first that several values are spread from."""
        for argument, text in zip(self._calls[path][span].arguments, types_of_parameters(shown), strict=False):
            if argument.name is not None:
                return
            term = self.meanings.of_text(path, text) if text is not None else NONE
            if isinstance(argument.value, Name) and not is_none(term):
                self._note(path, Use.ARGUMENTS, argument.value.span, term)

    @cached_property
    def _calls(self) -> dict[str, dict[Span, Call]]:
        return {path: {site.call.span: site.call for site in module.calls} for path, module in self.modules.items()}

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
                    seen = self.found[path].variables.get(_bare_name(slot), NONE)
                if not isinstance(seen, Unknown) and seen != NONE:
                    fields[f"{module.name}.{slot.id.qualname}"].setdefault(slot.id.name, seen)
        return dict(fields)


THIS = Named("this")


def _is_open(module: Module, slot: Slot | None) -> bool:
    """Whether a slot is there and has no annotation, or one that says nothing."""
    return slot is not None and (slot.written is None or module.file.at(slot.written) == "any")


def _has_open_parameter(module: Module, function: Function) -> bool:
    return any(_is_open(module, parameter.slot) for parameter in function.parameters)


def _bare_name(slot: Slot) -> Span:
    """The span of the name alone: of `this.x` its `x`. That of a destructured parameter is its pattern's."""
    return slot.span if slot.id.kind is SlotKind.PARAMETER else slot.bare_span


def _place_to_ask(module: Module, slot: Slot) -> int:
    """Where a hover tells the type of what a slot is for.

    Of `this.x = ...` the compiler tells nothing where it is assigned, and the type that all assignments make where it is read.
    """
    name, data = _bare_name(slot), module.file.data
    holder = module.class_at.get(slot.id.qualname)
    if slot.id.kind is SlotKind.ATTRIBUTE and holder is not None and data[: name.start].endswith(b"this."):
        read = re.compile(rb"\bthis\." + re.escape(data[name.start : name.end]) + rb"(?![\w$]|\s*=[^=])")
        found = read.search(data, holder.span.start, holder.span.end)
        return name.start if found is None else found.start() + len(b"this.")
    return name.start


def _inside(values: Iterable[Value | None]) -> Iterator[Value]:
    """Those of the values, and of the values they are made of, that have a name to ask at."""
    for value in values:
        match value:
            case Name() | Attribute() | Call():
                yield value
            case Display(_, parts, _):
                for part in parts:
                    yield from _inside(part)
            case Choice(options, _):
                yield from _inside(options)
            case Awaited(inner, _):
                yield from _inside((inner,))
            case _:
                pass


def _name_to_ask(module: Module, value: Value) -> int | None:
    """Where the name stands that tells what a value is: of `a.b` its `b`, of a call that of what is called."""
    match value:
        case Call(Name() | Attribute() as callee, _, _):
            return _name_to_ask(module, callee)
        case Name(name, span) if name != "this":
            return span.start
        case Attribute(_, name, span):
            written = name.encode("utf-8")
            at = span.end - len(written)
            return at if module.file.data[at : span.end] == written else None
        case _:
            return None
