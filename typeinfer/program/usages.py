"""Usages: a project in; for each object of each function what defines it, what it calls and what it is passed to, out.

The shape is that of usage slices from code property graphs (`joern-slice usages`), so what reads those reads these.
Types that the source doesn't say are `ANY`, as there. Knows no language.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from typeinfer.program.arguments import Reached, reached
from typeinfer.program.places import inside, signature
from typeinfer.program.project import Project
from typeinfer.values.module import Attribute, Call, CallSite, Constant, Function, Module, Name, Value
from typeinfer.values.slots import Slot, SlotKind
from typeinfer.values.source import SourceFile, Span
from typeinfer.values.typeexpr import UNKNOWN, TypeExpr

ANY = "ANY"


class Label(Enum):
    """How an object comes to be."""

    PARAMETER = "PARAM"
    LOCAL = "LOCAL"
    LITERAL = "LITERAL"
    CALL = "CALL"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Definition:
    """`position` counts parameters from 1, the receiver left out; None for all else."""

    name: str
    type: str
    label: Label
    span: Span
    position: int | None = None


@dataclass(frozen=True, slots=True)
class ObservedCall:
    """`resolved` is the callee's qualified name where it is known; `argument` says where the object stands in the call:
    by position from 1, by keyword, or None where the object is what the call is made on.
    """

    name: str
    resolved: str | None
    parameter_types: tuple[str, ...]
    result_type: str
    is_external: bool
    span: Span
    argument: int | str | None = None


@dataclass(frozen=True, slots=True)
class ObjectUsages:
    target: Definition
    defined_by: Definition | None
    invoked: tuple[ObservedCall, ...]
    passed: tuple[ObservedCall, ...]


@dataclass(frozen=True, slots=True)
class UnitUsages:
    """The objects of one function, `span` its header; or of a module body, `name` the module's and `span` empty."""

    name: str
    path: str
    span: Span
    objects: tuple[ObjectUsages, ...]


def usages(project: Project) -> Iterator[UnitUsages]:
    """The usages of every function and module body that has any object, file by file."""
    calls = reached(project)
    for path in project.modules:
        yield from usages_of(project, path, calls)


def usages_of(project: Project, path: str, calls: Reached) -> Iterator[UnitUsages]:
    """The usages of one file; `calls` is `reached(project)`."""
    module = project.modules[path]
    reader = _Reader(project, module, calls)
    whole = Span(0, len(module.file.data))
    units: list[tuple[str, Span, Function | None]] = [("", whole, None)]
    units += [(function.qualname, function.span, function) for function in module.functions]
    for qualname, span, function in units:
        objects = tuple(reader.objects(qualname, span, function))
        if objects:
            header = signature(module.file, function) if function is not None else Span(0, 0)
            yield UnitUsages(f"{module.name}.{qualname}".rstrip("."), path, header, objects)


def usages_as_json(units: Iterable[UnitUsages], project: Project) -> dict[str, object]:
    """Plain data: `objectSlices`, and of the classes in the same files `userDefinedTypes`."""
    listed = list(units)
    paths = dict.fromkeys(unit.path for unit in listed)
    return {
        "objectSlices": [_unit_as_json(unit, project.modules[unit.path].file) for unit in listed],
        "userDefinedTypes": [declared for path in paths for declared in _types_as_json(project, project.modules[path])],
    }


class _Reader:
    def __init__(self, project: Project, module: Module, calls: Reached) -> None:
        self.project, self.module, self.reached = project, module, calls
        self.language = project.language_of(module.file.path)
        self.calls: dict[str, list[CallSite]] = defaultdict(list)
        for site in module.calls:
            self.calls[site.scope].append(site)
        self.assigned: dict[str, list[tuple[Slot, Value | None]]] = defaultdict(list)
        for assignment in module.assignments:
            if assignment.slot is not None:
                self.assigned[assignment.scope].append((assignment.slot, assignment.value))
        for sites in self.calls.values():
            sites.sort(key=_place_of_call)
        for assigned in self.assigned.values():
            assigned.sort(key=_place_of_target)

    def objects(self, qualname: str, span: Span, function: Function | None) -> Iterator[ObjectUsages]:
        """Parameters in order, then locals in order of their first assignment."""
        targets: dict[str, tuple[Definition, Value | None]] = {}
        known: dict[str, str] = {}
        listed = [p for p in function.parameters if p.slot is not None] if function is not None else []
        for position, parameter in enumerate(listed, 1):
            assert parameter.slot is not None, "receivers were left out"
            written = self.written(parameter.slot)
            target = Definition(parameter.name, written, Label.PARAMETER, parameter.slot.span, position)
            targets[parameter.name] = (target, None)
        for slot, value in inside(span, self.assigned[qualname], _place_of_target):
            name = self.name_of(slot, qualname)
            if name not in targets:
                written = self.written(slot)
                spelled = written if written != ANY else self.type_of(value, {})
                targets[name] = (Definition(name, spelled, Label.LOCAL, slot.span), value)
        known.update({name: target.type for name, (target, _) in targets.items()})
        invoked: dict[str, list[ObservedCall]] = defaultdict(list)
        passed: dict[str, list[ObservedCall]] = defaultdict(list)
        for site in inside(span, self.calls[qualname], _place_of_call):
            self.observe(site, known, invoked, passed)
        for name, (target, value) in targets.items():
            defined_by = target if target.label is Label.PARAMETER else self.definition(value, known)
            yield ObjectUsages(target, defined_by, tuple(invoked[name]), tuple(passed[name]))

    def name_of(self, slot: Slot, scope: str) -> str:
        """How code in a function says what a slot holds: an attribute of its own object by the word for that object."""
        word = self.language.receiver
        is_member = slot.id.kind is SlotKind.ATTRIBUTE and slot.id.qualname != scope
        return f"{word}.{slot.id.name}" if is_member and word is not None else self.module.file.at(slot.span)

    def observe(
        self,
        site: CallSite,
        known: Mapping[str, str],
        invoked: Mapping[str, list[ObservedCall]],
        passed: Mapping[str, list[ObservedCall]],
    ) -> None:
        call = site.call
        resolved = self.project.resolve(self.module, site.scope, call.callee)
        found = self.reached.get((self.module.file.path, site.call.span))
        declared = self.project.declared_class(resolved) if resolved is not None else None
        result = resolved if declared is not None and resolved is not None else ANY
        if found is not None and found[1].result is not None and declared is None:
            result = self.spelled(self.project.written_type(found[0], found[1].result))
        types = tuple(self.type_of(argument.value, known) for argument in call.arguments)
        name = call.callee.name if isinstance(call.callee, Name | Attribute) else self.module.file.at(call.callee.span)
        is_external = found is None and declared is None
        if isinstance(call.callee, Attribute) and (holder := _dotted(call.callee.base)) in known:
            invoked[holder].append(ObservedCall(name, resolved, types, result, is_external, call.span))
        elif isinstance(call.callee, Name) and call.callee.name in known:
            invoked[call.callee.name].append(ObservedCall(name, resolved, types, result, is_external, call.span))
        for position, argument in enumerate(call.arguments, 1):
            if (holder := _dotted(argument.value)) in known:
                where = argument.name if argument.name is not None else position
                passed[holder].append(ObservedCall(name, resolved, types, result, is_external, call.span, where))

    def definition(self, value: Value | None, known: Mapping[str, str]) -> Definition | None:
        if value is None:
            return None
        match value:
            case Constant():
                label = Label.LITERAL
            case Call():
                label = Label.CALL
            case Name():
                label = Label.LOCAL
            case _:
                label = Label.UNKNOWN
        text = self.module.file.at(value.callee.span if isinstance(value, Call) else value.span)
        return Definition(text, self.type_of(value, known), label, value.span)

    def type_of(self, value: Value | None, known: Mapping[str, str]) -> str:
        match value:
            case Constant(term, _, _):
                return self.spelled(term)
            case Name() | Attribute():
                return known.get(_dotted(value), ANY)
            case Call(callee, _, _) if isinstance(callee, Name | Attribute):
                resolved = self.project.resolve(self.module, "", callee)
                return resolved if resolved is not None and self.project.declared_class(resolved) is not None else ANY
            case _:
                return ANY

    def written(self, slot: Slot) -> str:
        return self.spelled(self.project.written_type(self.module, slot)) if slot.written is not None else ANY

    def spelled(self, term: TypeExpr | None) -> str:
        if term is None or term == UNKNOWN:
            return ANY
        return self.language.write_type(term)


def _place_of_call(site: CallSite) -> Span:
    return site.call.span


def _place_of_target(assigned: tuple[Slot, Value | None]) -> Span:
    return assigned[0].span


def _dotted(value: Value) -> str:
    """`cart` and `self.cart` as they are written; "" for what is no name."""
    names: list[str] = []
    while isinstance(value, Attribute):
        names.append(value.name)
        value = value.base
    return ".".join([value.name, *reversed(names)]) if isinstance(value, Name) else ""


# --- as plain data --------------------------------------------------------------------------------------------------


def _place(file: SourceFile, span: Span) -> dict[str, object]:
    return {"lineNumber": file.line_of(span.start), "columnNumber": file.column_of(span.start)}


def _definition_as_json(definition: Definition, file: SourceFile) -> dict[str, object]:
    said: dict[str, object] = {
        "name": definition.name,
        "typeFullName": definition.type,
        "label": definition.label.value,
    }
    if definition.position is not None:
        said["position"] = definition.position
    return said | _place(file, definition.span)


def _call_as_json(call: ObservedCall, file: SourceFile) -> dict[str, object]:
    said: dict[str, object] = {
        "callName": call.name,
        "resolvedMethod": call.resolved,
        "paramTypes": list(call.parameter_types),
        "returnType": call.result_type,
        "isExternal": call.is_external,
    }
    if call.argument is not None:
        said["position"] = call.argument
    return said | _place(file, call.span)


def _unit_as_json(unit: UnitUsages, file: SourceFile) -> dict[str, object]:
    return {
        "code": file.at(unit.span),
        "fullName": unit.name,
        "fileName": unit.path,
        **_place(file, unit.span),
        "slices": [
            {
                "targetObj": _definition_as_json(one.target, file),
                "definedBy": None if one.defined_by is None else _definition_as_json(one.defined_by, file),
                "invokedCalls": [_call_as_json(call, file) for call in one.invoked],
                "argToCalls": [_call_as_json(call, file) for call in one.passed],
            }
            for one in unit.objects
        ],
    }


def _types_as_json(project: Project, module: Module) -> Iterator[dict[str, object]]:
    reader, file = _Reader(project, module, {}), module.file
    for declared in module.classes:
        fields = [s for s in module.slots if s.id.qualname == declared.qualname and s.id.kind is SlotKind.ATTRIBUTE]
        methods = [function for function in module.functions if function.owner == declared.qualname]
        yield {
            "name": f"{module.name}.{declared.qualname}",
            "fields": [
                _definition_as_json(Definition(slot.id.name, reader.written(slot), Label.LOCAL, slot.span), file)
                for slot in fields
            ],
            "procedures": [
                _call_as_json(
                    ObservedCall(
                        method.name,
                        f"{module.name}.{method.qualname}",
                        tuple(reader.written(p.slot) for p in method.parameters if p.slot is not None),
                        reader.written(method.result) if method.result is not None else ANY,
                        False,
                        method.name_span,
                    ),
                    file,
                )
                for method in methods
            ],
            "fileName": file.path,
            **_place(file, declared.span),
        }
