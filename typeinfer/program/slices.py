"""Slices: a unit (function, class or module body) in; the pieces of program that bear on its slots out, nearest first.

A piece is a place, not a text: whoever renders one says whether the unit's own annotations are to be seen. Knows no
language and nothing of tensors.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice

import numpy
from numpy.typing import NDArray

from typeinfer.program.arguments import bind, reached
from typeinfer.program.graph import (
    ARGUMENT_PARAMETER,
    COMPUTED_FROM,
    NEXT_USE,
    OVERRIDES,
    RETURN_CALL,
    EdgeKind,
    ProgramGraph,
)
from typeinfer.program.places import inside, signature, stripped
from typeinfer.program.project import Project
from typeinfer.values.module import Assignment, Call, CallSite, Class, Function, Module, Name
from typeinfer.values.slots import Slot, SlotId, SlotKind
from typeinfer.values.source import SourceFile, Span
from typeinfer.values.typeexpr import Named

BUDGET = 1024
"""Tokens a slice holds unless asked otherwise: three quarters of all functions fit with their surroundings."""

MOST_CALL_SITES = 16
MOST_USES = 32
MOST_MEMBERS = 64
"""Beyond these the next one repeats what the ones before it said."""


class Role(Enum):
    """What a piece is to the unit; of pieces equally near the earlier role comes first."""

    SIGNATURE = "signature"
    CLASS_HEADER = "class header"
    DECORATOR = "decorator"
    DOCSTRING = "docstring"
    BODY = "body"
    ATTRIBUTE = "attribute"
    OVERRIDDEN = "overridden"
    CALL_SITE = "call site"
    CALLEE = "callee"
    SIBLING = "sibling"
    USE = "use"
    BASE = "base"
    IMPORT = "import"


_RANK = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True, slots=True)
class Piece:
    """`hops`: relations between the unit and the piece; 0 is the unit itself."""

    role: Role
    path: str
    span: Span
    hops: int


class Origin(Enum):
    """Where a candidate's name comes from, seen from the file of the slot."""

    LOCAL = "local"
    IMPORTED = "imported"
    PROJECT = "project"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A class that the surroundings of a unit offer for its slots. Builtins need no offering; the model knows them."""

    type: Named
    origin: Origin

    @property
    def import_needed(self) -> bool:
        return self.origin is Origin.PROJECT


@dataclass(frozen=True, slots=True)
class Link:
    """`slot` is of the slice; a value or a contract ties it to `other`, by the graph's name for the relation."""

    slot: SlotId
    other: SlotId
    relation: EdgeKind


@dataclass(frozen=True)
class Slice:
    """`hidden`: every annotation of the slice's own slots, colon or arrow included, as spans of the slots' file."""

    slots: tuple[Slot, ...]
    pieces: tuple[Piece, ...]
    candidates: tuple[Candidate, ...]
    links: tuple[Link, ...]
    hidden: tuple[Span, ...]

    def text(self, piece: Piece, file: SourceFile, hide: bool) -> str:
        """A piece as text; `file` is that of the piece. With `hide` as if its slots had never been annotated."""
        if not hide or piece.path != self.slots[0].id.path:
            return file.at(piece.span)
        kept: list[bytes] = []
        position = piece.span.start
        for span in self.hidden:
            if span.start < piece.span.end and position < span.end:
                kept.append(file.data[position : max(span.start, position)])
                position = span.end
        kept.append(file.data[position : max(piece.span.end, position)])
        return b"".join(kept).decode("utf-8")


def slices(
    project: Project, graph: ProgramGraph, budget: int = BUDGET, wanted: Callable[[Slot], bool] = lambda _: True
) -> Iterator[Slice]:
    """A slice for every unit that has slots that are wanted, file by file, in source order. The graph is to show these files."""
    slicer = _Slicer(project, graph, budget, wanted)
    for path, module in project.modules.items():
        if any(map(wanted, module.slots)):
            yield from slicer.of_module(path)


def slices_of(project: Project, graph: ProgramGraph, path: str, budget: int = BUDGET) -> Iterator[Slice]:
    """The slices of one file. What is found once a project is found once a call: for many files ask `slices`."""
    return _Slicer(project, graph, budget, lambda _: True).of_module(path)


def slice_as_json(cut: Slice, project: Project) -> dict[str, object]:
    """Plain data, texts included; the texts show the annotations of the slots."""

    def piece_as_json(piece: Piece) -> dict[str, object]:
        file = project.modules[piece.path].file
        return {
            "role": piece.role.value,
            "path": piece.path,
            "line": file.line_of(piece.span.start),
            "start": piece.span.start,
            "end": piece.span.end,
            "hops": piece.hops,
            "text": cut.text(piece, file, hide=False),
        }

    return {
        "path": cut.slots[0].id.path,
        "unit": cut.slots[0].id.qualname,
        "slots": [
            {"id": str(slot.id), "kind": slot.id.kind.value, "start": slot.span.start, "end": slot.span.end}
            for slot in cut.slots
        ],
        "pieces": [piece_as_json(piece) for piece in cut.pieces],
        "candidates": [
            {"type": candidate.type.name, "origin": candidate.origin.value, "importNeeded": candidate.import_needed}
            for candidate in cut.candidates
        ],
        "links": [{"slot": str(link.slot), "other": str(link.other), "relation": link.relation} for link in cut.links],
    }


# --- one project ----------------------------------------------------------------------------------------------------


class _Slicer:
    """What slicing needs to know of a project, each part found once."""

    def __init__(self, project: Project, graph: ProgramGraph, budget: int, wanted: Callable[[Slot], bool]) -> None:
        self.project, self.graph, self.budget, self.wanted = project, graph, budget, wanted
        self.reached = reached(project)
        self.counts: dict[str, NDArray[numpy.int32]] = {}
        self.next_use = numpy.full(len(graph.node_kind), -1, numpy.int32)
        sources, targets = graph.edges[NEXT_USE]
        self.next_use[sources] = targets
        self.slot_node = dict(zip(graph.slots, graph.slot_node.tolist(), strict=True))

    def of_module(self, path: str) -> Iterator[Slice]:
        module = self.project.modules[path]
        facts = _Facts(module)
        candidates = self.candidates(module)
        if any(map(self.wanted, facts.module_slots)):
            yield self.cut(facts, facts.module_slots, self.module_pieces(facts), candidates, ())
        units: list[Function | Class] = [*module.functions, *module.classes]
        for unit in sorted(units, key=lambda unit: unit.span):
            if isinstance(unit, Class):
                slots = facts.slots_of_class[unit.qualname] if module.class_at[unit.qualname] is unit else []
            else:
                slots = facts.slots_of(unit)
            if not any(map(self.wanted, slots)):
                continue
            if isinstance(unit, Class):
                yield self.cut(facts, slots, self.class_pieces(facts, unit), candidates, ())
            else:
                yield self.cut(facts, slots, self.function_pieces(facts, unit), candidates, self.links(facts, unit))

    def cut(
        self,
        facts: _Facts,
        slots: Sequence[Slot],
        near: Iterable[Piece],
        candidates: tuple[Candidate, ...],
        links: Iterable[Link],
    ) -> Slice:
        """Nearest first while the budget lasts; what doesn't fit is passed over for what does."""
        module, path, left = facts.module, facts.path, self.budget
        taken: list[Piece] = []
        covered: dict[str, list[Span]] = defaultdict(list)

        def take(pieces: Iterable[Piece]) -> None:
            nonlocal left
            order = sorted(pieces, key=lambda p: (p.hops, _RANK[p.role], p.path != path, p.path, p.span))
            for piece in order:
                size = self.tokens(piece.path, piece.span)
                if size <= left and size and not any(piece.span in span for span in covered[piece.path]):
                    taken.append(piece)
                    covered[piece.path].append(piece.span)
                    left -= size

        pieces = list(near)
        take(piece for piece in pieces if piece.hops == 0)
        words = {word for piece in taken for word in _WORD.findall(module.file.data, piece.span.start, piece.span.end)}
        take(piece for piece in pieces if piece.hops > 0)
        take(self.imports(module, words))
        taken.sort(key=lambda p: (p.hops, _RANK[p.role], p.path != path, p.path, p.span))
        return Slice(tuple(slots), tuple(taken), candidates, tuple(links), facts.annotations(slots))

    # --- pieces by kind of unit -------------------------------------------------------------------------------------

    def function_pieces(self, facts: _Facts, function: Function) -> Iterator[Piece]:
        project, module, path = self.project, facts.module, facts.path
        docstring = _docstring(module.file, function, function.body)
        yield Piece(Role.SIGNATURE, path, signature(module.file, function), 0)
        yield from _decorators(module.file, function, docstring)
        if docstring is not None:
            yield Piece(Role.DOCSTRING, path, docstring, 0)
        body = function.body
        if docstring is not None and docstring in body:
            body = stripped(module.file, Span(docstring.end, body.end))
        yield from self.body(facts, function, body)
        owner = module.class_at.get(function.owner) if function.owner is not None else None
        if owner is not None:
            yield Piece(Role.CLASS_HEADER, path, stripped(module.file, owner.header), 1)
            said = _WORD.findall(module.file.data, body.start, body.end) if self.fits(path, body) else ()
            yield from self.members(facts, owner, function, frozenset(said))
            yield from self.bases(module, owner, 2)
        if (above := project.overridden(module, function)) is not None:
            yield Piece(Role.OVERRIDDEN, above[0].file.path, _declaration(above[0].file, above[1]), 1)
        # A parameter that is a member of the class too is used outside.
        yield from self.uses(facts, (p.slot for p in function.parameters if p.slot is not None), function.span)
        if module.function_at[function.qualname] is function:
            yield from self.call_sites(module, f"{module.name}.{function.qualname}", 1)
        for site in facts.calls_in(function):
            callee = self.reached.get((path, site.call.span))
            if callee is not None and _is_annotated(callee[1]):
                yield Piece(Role.CALLEE, callee[0].file.path, _declaration(callee[0].file, callee[1]), 1)

    def class_pieces(self, facts: _Facts, declared: Class) -> Iterator[Piece]:
        path, file = facts.path, facts.module.file
        docstring = _docstring(file, declared, Span(declared.header.end, declared.span.end))
        yield Piece(Role.CLASS_HEADER, path, stripped(file, declared.header), 0)
        yield from _decorators(file, declared, docstring)
        if docstring is not None:
            yield Piece(Role.DOCSTRING, path, docstring, 0)
        for assignment in facts.assignments_in[declared.qualname]:
            yield Piece(Role.BODY, path, facts.statement(assignment), 0)
        for slot in facts.slots_of_class[declared.qualname]:
            # What is declared and given no value.
            if slot.written is not None and slot.id not in facts.assigned:
                yield Piece(Role.BODY, path, Span(slot.span.start, max(slot.insert_at, slot.written.end)), 0)
        for assignment in facts.attributes_of[declared.qualname]:
            if assignment.scope != declared.qualname:
                yield Piece(Role.ATTRIBUTE, path, facts.statement(assignment), 0)
        for method in facts.methods_of[declared.qualname]:
            yield Piece(Role.SIBLING, path, _declaration(file, method), 1)
        yield from self.uses(facts, facts.slots_of_class[declared.qualname])
        yield from self.bases(facts.module, declared, 1)
        yield from self.call_sites(facts.module, f"{facts.module.name}.{declared.qualname}", 1)
        # What a method's caller passes for `owner` is what `self.owner = owner` stores.
        for method in facts.methods_of[declared.qualname]:
            taken = {parameter.name for parameter in method.parameters}
            stored = [a.value.name for a in facts.assignments_in[method.qualname] if isinstance(a.value, Name)]
            if not taken.isdisjoint(stored):
                yield from self.call_sites(facts.module, f"{facts.module.name}.{method.qualname}", 2)

    def module_pieces(self, facts: _Facts) -> Iterator[Piece]:
        file = facts.module.file
        docstring = _found_at(file, facts.module.docstring, Span(0, len(file.data)))
        if docstring is not None:
            yield Piece(Role.DOCSTRING, facts.path, docstring, 0)
        for assignment in facts.assignments_in[""]:
            yield Piece(Role.BODY, facts.path, facts.statement(assignment), 0)
        yield from self.uses(facts, facts.module_slots)

    # --- pieces by relation -----------------------------------------------------------------------------------------

    def body(self, facts: _Facts, function: Function, body: Span) -> Iterator[Piece]:
        """The body, or of a long one the lines that tell most: those of slots, returns and uses of parameters, then the
        first ones.
        """
        if self.fits(facts.path, body):
            yield Piece(Role.BODY, facts.path, body, 0)
            return
        file, room = facts.module.file, self.budget * 3 // 4
        telling = [
            *(slot.span.start for slot in inside(body, facts.locals_of[function.qualname], _place_of_slot)),
            *(value.span.start for value in (*function.returns, *function.yields) if value is not None),
            *(usage.span.start for usage in function.usages),
        ]
        first, last = file.line_of(body.start), file.line_of(max(body.end - 1, body.start))
        wanted = [*sorted({file.line_of(at) for at in telling if body.start <= at < body.end}), *range(first, last + 1)]
        chosen: set[int] = set()
        for line in wanted:
            size = self.tokens(facts.path, _line(file, line, body))
            if line not in chosen and size <= room:
                chosen.add(line)
                room -= size
            elif size > room:
                break
        for start, end in _runs(sorted(chosen)):
            yield Piece(Role.BODY, facts.path, Span(_line(file, start, body).start, _line(file, end, body).end), 0)

    def members(self, facts: _Facts, owner: Class, function: Function, said: frozenset[bytes]) -> Iterator[Piece]:
        """What the class holds beside a method; one hop where the method says its name, else two, through the class."""
        attributes, methods = facts.attributes_of[owner.qualname], facts.methods_of[owner.qualname]
        named = facts.members_of[owner.qualname]
        for member in (member for word in said if word in named for member in named[word]):
            yield from self.member(facts, member, function, 1)
        for member in (*attributes[:MOST_MEMBERS], *methods[:MOST_MEMBERS]):
            if _spoken(member.name) not in said:
                yield from self.member(facts, member, function, 2)

    def member(self, facts: _Facts, member: Assignment | Function, function: Function, hops: int) -> Iterator[Piece]:
        if isinstance(member, Assignment):
            if member.scope != function.qualname:
                yield Piece(Role.ATTRIBUTE, facts.path, facts.statement(member), hops)
        elif member is not function:
            yield Piece(Role.SIBLING, facts.path, _declaration(facts.module.file, member), hops)

    def bases(self, module: Module, declared: Class, hops: int) -> Iterator[Piece]:
        for qualified in self.project.ancestors(f"{module.name}.{declared.qualname}"):
            if (found := self.project.declared_class(qualified)) is not None:
                yield Piece(Role.BASE, found[0].file.path, stripped(found[0].file, found[1].header), hops)

    def call_sites(self, module: Module, qualified: str, hops: int) -> Iterator[Piece]:
        """The lines of calls, those of the same file first: what becomes of the result stands beside the call."""
        callers = self.project.callers(qualified)
        order = sorted(callers, key=lambda c: (c[0] is not module, c[0].file.path, c[1].call.span))
        for caller, site in islice(order, MOST_CALL_SITES):
            yield Piece(Role.CALL_SITE, caller.file.path, _whole_lines(caller.file, site.call.span), hops)

    def uses(self, facts: _Facts, slots: Iterable[Slot], shown: Span | None = None) -> Iterator[Piece]:
        """The lines where variables are used outside what is shown, along the graph's chain of occurrences."""
        file = facts.module.file
        for slot in slots:
            node = self.slot_node[slot.id]
            for _ in range(MOST_USES):
                node = int(self.next_use[node]) if node >= 0 else -1
                if node < 0:
                    break
                place = Span(*self.graph.node_span[node].tolist())
                if shown is None or place not in shown:
                    yield Piece(Role.USE, facts.path, _whole_lines(file, place), 1)

    def imports(self, module: Module, words: set[bytes]) -> Iterator[Piece]:
        for statement in module.imports:
            if statement.alias.encode() in words and not statement.passed_on:
                yield Piece(Role.IMPORT, module.file.path, statement.span, 1)

    # --- what goes with the pieces ----------------------------------------------------------------------------------

    def candidates(self, module: Module) -> tuple[Candidate, ...]:
        """Classes of the file, and what it imports that isn't known to be no class. One tuple serves the whole file."""
        local = [Candidate(Named(f"{module.name}.{c.qualname}"), Origin.LOCAL) for c in module.classes]
        imported = []
        for statement in module.imports:
            if statement.name is None or statement.name == "*" or statement.passed_on:
                continue
            qualified = self.project.canonical(f"{statement.module}.{statement.name}")
            if not self.project.named(qualified) and not self.project.function(qualified):
                imported.append(Candidate(Named(qualified), Origin.IMPORTED))
        return tuple(dict.fromkeys((*local, *imported)))

    def links(self, facts: _Facts, function: Function) -> Iterator[Link]:
        """Slots that a function's slots are tied to, by facts alone."""
        own = {p.name: p.slot.id for p in function.parameters if p.slot is not None}
        own |= {slot.id.name: slot.id for slot in facts.slots_of(function) if slot.id.kind is SlotKind.VARIABLE}
        for assignment in inside(function.span, facts.assignments_in[function.qualname], _place_of_assignment):
            if assignment.slot is not None and isinstance(assignment.value, Name):
                source = own.get(assignment.value.name)
                if source is not None and source != assignment.slot.id:
                    yield Link(source, assignment.slot.id, COMPUTED_FROM)
        for site in facts.calls_in(function):
            callee = self.reached.get((facts.path, site.call.span))
            if callee is not None:
                for argument, parameter in bind(self.project, facts.module, site, callee[1]):
                    given = own.get(argument.value.name) if isinstance(argument.value, Name) else None
                    if given is not None and parameter.slot is not None:
                        yield Link(given, parameter.slot.id, ARGUMENT_PARAMETER)
        if function.result is not None:
            for value in function.returns:
                if isinstance(value, Call):
                    callee = self.reached.get((facts.path, value.span))
                    if callee is not None and callee[1].result is not None:
                        yield Link(function.result.id, callee[1].result.id, RETURN_CALL)
        if (above := self.project.overridden(facts.module, function)) is not None:
            theirs = {p.name: p.slot.id for p in above[1].parameters if p.slot is not None}
            for parameter in function.parameters:
                if parameter.slot is not None and parameter.name in theirs:
                    yield Link(parameter.slot.id, theirs[parameter.name], OVERRIDES)
            if function.result is not None and above[1].result is not None:
                yield Link(function.result.id, above[1].result.id, OVERRIDES)

    # --- tokens -----------------------------------------------------------------------------------------------------

    def tokens(self, path: str, span: Span) -> int:
        """Words and single signs between two bytes: what a model's own tokens are at least."""
        if path not in self.counts:
            self.counts[path] = _token_counts(self.project.modules[path].file.data)
        counts = self.counts[path]
        return int(counts[span.end] - counts[span.start])

    def fits(self, path: str, body: Span) -> bool:
        """Whether a body leaves a quarter of the budget to what stands around it."""
        return self.tokens(path, body) <= self.budget * 3 // 4


class _Facts:
    """One module's facts by the unit that they belong to."""

    def __init__(self, module: Module) -> None:
        self.module, self.path = module, module.file.path
        self.module_slots: list[Slot] = []
        self.slots_of_class: dict[str, list[Slot]] = defaultdict(list)
        self.locals_of: dict[str, list[Slot]] = defaultdict(list)
        self.assignments_in: dict[str, list[Assignment]] = defaultdict(list)
        self.attributes_of: dict[str, list[Assignment]] = defaultdict(list)
        self.methods_of: dict[str, list[Function]] = defaultdict(list)
        self.members_of: dict[str, dict[bytes, list[Assignment | Function]]] = defaultdict(lambda: defaultdict(list))
        self.calls: dict[str, list[CallSite]] = defaultdict(list)
        self.function_named_at = {function.name_span: function for function in module.functions}
        self.annotated: dict[SlotId, list[Span]] = defaultdict(list)
        self.assigned: set[SlotId] = set()
        for slot in module.slots:
            if slot.id.kind is SlotKind.ATTRIBUTE:
                self.slots_of_class[slot.id.qualname].append(slot)
            elif slot.id.kind is SlotKind.VARIABLE:
                (self.locals_of[slot.id.qualname] if slot.local else self.module_slots).append(slot)
        for assignment in module.assignments:
            if assignment.slot is None:
                continue
            self.assignments_in[assignment.scope].append(assignment)
            self.assigned.add(assignment.slot.id)
            if (again := _annotation(module.file, assignment)) is not None:
                self.annotated[assignment.slot.id].append(again)
            if assignment.slot.id.kind is SlotKind.ATTRIBUTE:
                self.attributes_of[assignment.slot.id.qualname].append(assignment)
                self.members_of[assignment.slot.id.qualname][_spoken(assignment.name)].append(assignment)
        for function in module.functions:
            if function.owner is not None:
                self.methods_of[function.owner].append(function)
                self.members_of[function.owner][_spoken(function.name)].append(function)
        for site in module.calls:
            self.calls[site.scope].append(site)
        for slots in self.locals_of.values():
            slots.sort(key=_place_of_slot)
        for assignments in self.assignments_in.values():
            assignments.sort(key=_place_of_assignment)
        for calls in self.calls.values():
            calls.sort(key=_place_of_call)

    def slots_of(self, function: Function) -> list[Slot]:
        """Parameters in order, the result, then locals. Functions of one name share a name, so locals go by place."""
        slots = [parameter.slot for parameter in function.parameters if parameter.slot is not None]
        slots += [function.result] if function.result is not None else []
        return [*slots, *inside(function.span, self.locals_of[function.qualname], _place_of_slot)]

    def statement(self, assignment: Assignment) -> Span:
        """An assignment, or of one that names a function what the function takes: its body is a slice of its own."""
        function = self.function_named_at.get(assignment.slot.span) if assignment.slot is not None else None
        named = function is not None and function.header in assignment.span
        return signature(self.module.file, function) if function is not None and named else assignment.span

    def annotations(self, slots: Iterable[Slot]) -> tuple[Span, ...]:
        """Where the annotations of these slots stand, with what leads from the name to them.

        A variable may be annotated more than once (`if a: n: int = 1`, `else: n: int = 2`): each is the answer.
        """
        spans = {_hidden(self.module.file, slot, slot.written) for slot in slots if slot.written is not None}
        return tuple(sorted(spans.union(*(self.annotated.get(slot.id, ()) for slot in slots))))

    def calls_in(self, function: Function) -> Iterator[CallSite]:
        return inside(function.body, self.calls[function.qualname], _place_of_call)


def _annotation(file: SourceFile, assignment: Assignment) -> Span | None:
    """From behind the target of an assignment to the end of its annotation, or None where it has none."""
    data, (start, end) = file.data, (assignment.span.start, assignment.span.end)
    if assignment.slot is not None and assignment.slot.span in assignment.span:
        start = assignment.slot.span.end
    colon = data.find(b":", start, end)
    if colon < 0 or 0 <= data.find(b"=", start, end) < colon:
        return None
    if assignment.value is not None:
        # What stands between the value and its equals sign is space and brackets.
        end = data.rfind(b"=", colon, assignment.value.span.start)
    return Span(stripped(file, Span(start, colon)).end, stripped(file, Span(colon, end)).end) if end > colon else None


# --- places ---------------------------------------------------------------------------------------------------------


def _place_of_slot(slot: Slot) -> Span:
    return slot.span


def _place_of_assignment(assignment: Assignment) -> Span:
    return assignment.span


def _place_of_call(site: CallSite) -> Span:
    return site.call.span


_CLOSING = re.compile(rb"[\s=]*\}")
_WORD = re.compile(rb"[A-Za-z_$\x80-\xff][\w$\x80-\xff]*")


def _spoken(name: str) -> bytes:
    """A member's name as the word by which code says it; the mark of a private one (`#size`) is no part of the word."""
    return name.encode().removeprefix(b"#")


def _declaration(file: SourceFile, function: Function) -> Span:
    """A signature with all of its annotations, though they stand in the comment before it."""
    header = signature(file, function)
    slots = (function.result, *(parameter.slot for parameter in function.parameters))
    apart = any(slot is not None and slot.written is not None and slot.written not in header for slot in slots)
    return Span(function.span.start, header.end) if apart else header


def _decorators(file: SourceFile, declared: Function | Class, docstring: Span | None) -> Iterator[Piece]:
    start = declared.span.start
    if docstring is not None and docstring.start == start:
        start = stripped(file, Span(docstring.end, declared.header.start)).start
    ends = [value.span.end for value in declared.decorators if start < value.span.end <= declared.header.start]
    if ends:
        yield Piece(Role.DECORATOR, file.path, Span(start, max(ends)), 0)


def _hidden(file: SourceFile, slot: Slot, written: Span) -> Span:
    """An annotation and what leads to it: from the name on or, where it stands in a comment before the name, the braces
    around it and the blanks before them.
    """
    if slot.insert_at <= written.start:
        return Span(slot.insert_at, written.end)
    opens = file.data.rfind(b"{", 0, written.start)
    closes = _CLOSING.match(file.data, written.end)
    if opens < 0 or closes is None or file.data[opens + 1 : written.start].strip(b" ."):
        return written
    while file.data[opens - 1 : opens] in (b" ", b"\t"):
        opens -= 1
    return Span(opens, closes.end())


def _docstring(file: SourceFile, declared: Function | Class, body: Span) -> Span | None:
    """The place of a docstring: before all else of the declaration, or at the start of its body."""
    text = (declared.docstring or "").encode()
    if text and file.data.startswith(text, declared.span.start):
        return Span(declared.span.start, declared.span.start + len(text))
    return _found_at(file, declared.docstring, body)


def _found_at(file: SourceFile, text: str | None, within: Span) -> Span | None:
    """The place of a docstring, from the line (or the start of the body) where its text begins to where its text's last
    line ends.
    """
    needle = text.encode("utf-8") if text and text.strip() else None
    at = file.data.find(needle, within.start, within.end) if needle is not None else -1
    if needle is None or at < 0:
        return None
    lines = _whole_lines(file, Span(at, at + len(needle)))
    return Span(max(lines.start, within.start), min(lines.end, within.end))


def _line(file: SourceFile, line: int, within: Span) -> Span:
    """One line, counted from 1, less its indentation and line end, as far as it lies within a span."""
    starts = file.line_starts
    start, end = starts[line - 1], starts[line] if line < len(starts) else len(file.data)
    return stripped(file, Span(max(start, within.start), max(min(end, within.end), within.start)))


def _whole_lines(file: SourceFile, span: Span) -> Span:
    """The span grown to whole lines, less the indentation of the first and the end of the last."""
    whole = Span(0, len(file.data))
    first = _line(file, file.line_of(span.start), whole)
    return Span(first.start, _line(file, file.line_of(max(span.end - 1, span.start)), whole).end)


def _runs(lines: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Neighbouring numbers as (first, last)."""
    start = 0
    for at in range(1, len(lines) + 1):
        if at == len(lines) or lines[at] != lines[at - 1] + 1:
            yield lines[start], lines[at - 1]
            start = at


def _is_annotated(function: Function) -> bool:
    slots = [function.result, *(parameter.slot for parameter in function.parameters)]
    return any(slot is not None and slot.written is not None for slot in slots)


_SPACE, _SIGN, _LETTER = range(3)
_CLASS_OF_BYTE = numpy.array(
    [
        _LETTER if byte >= 128 or chr(byte).isalnum() or byte == ord("_") else _SPACE if byte <= 32 else _SIGN
        for byte in range(256)
    ],
    numpy.uint8,
)


def _token_counts(data: bytes) -> NDArray[numpy.int32]:
    """For every byte offset how many tokens begin before it."""
    classes = _CLASS_OF_BYTE[numpy.frombuffer(data, numpy.uint8)]
    begins = classes == _SIGN
    letters = classes == _LETTER
    begins |= letters & ~numpy.concatenate(([False], letters[:-1]))[: len(letters)]
    return numpy.concatenate(([0], numpy.cumsum(begins, dtype=numpy.int32))).astype(numpy.int32)
