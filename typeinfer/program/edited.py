"""Edited: a file before and after an edit in; the slots, there and in other files, that the edit may bear on out.

A slot has to do with an edit if it stands in what changed, if what changed names it, or if what it stands in names something that
what changed defines. Only names count, so it is more than need be; and only one step is taken, so what follows from what follows is
left to whoever looks at all of it. Knows no language.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from typeinfer.languages import language_of
from typeinfer.values.module import Assignment, Function, Module
from typeinfer.values.slots import Slot, SlotId, SlotKind
from typeinfer.values.source import Span

if TYPE_CHECKING:
    from typeinfer.languages.language import Language
    from typeinfer.program.project import Project

WORD = re.compile(rb"[\w$\x80-\xff]+")
MEMBER = re.compile(rb"\.\s*([\w$\x80-\xff]+)")

Words = frozenset[bytes]
Unit = tuple[str, str]
"""What is compared as a whole: a function, what binds a name outside of all functions, the head of a class; its qualified name."""

FUNCTION, BINDING, HEAD = "function", "binding", "head"


@dataclass(frozen=True)
class Edits:
    """What edits are about. `units`: by path those that are others now, None for a file of which nothing is as it was; `said`: the
    words of all that changed, then or now; `defined`: those that it gives a meaning to."""

    units: Mapping[str, frozenset[Unit] | None]
    said: Words
    defined: Words

    @staticmethod
    def of(edited: Mapping[str, tuple[Module | None, Module]]) -> Edits:
        """`edited`: by path the file as it was, None if that isn't known, and as it is."""
        units: dict[str, frozenset[Unit] | None] = {}
        said: set[bytes] = set()
        defined: set[bytes] = set()
        for path, (before, after) in edited.items():
            texts = [_Texts(one) for one in (before, after) if one is not None]
            changed = None if before is None else texts[0].unlike(texts[1])
            units[path] = changed
            for one in texts:
                if changed is None:
                    said |= _words(one.module.file.data)
                    defined |= one.bound
                    continue
                other = texts[1] if one is texts[0] else texts[0]
                rest = _words(b"\n".join(one.rest - other.rest))
                said |= rest.union(*(one.words(unit) for unit in changed if unit in one.units))
                defined |= (rest & one.bound).union(*map(one.given_by, changed))
                defined |= _encoded(alias for alias, _, _ in one.imports - other.imports)
                defined |= _encoded(name for pair in one.exports - other.exports for name in pair)
        return Edits(units, frozenset(said), frozenset(defined))

    def bear_on(self, module: Module) -> frozenset[SlotId]:
        """Slots of a file, edited or not, that may not be what they were."""
        texts, changed = _Texts(module), self.units.get(module.file.path, frozenset())
        if changed is None:
            return frozenset(slot.id for slot in module.slots)
        # Most files say nothing of it, and those need not be taken apart.
        says = bool(changed) or not self.defined.isdisjoint(_words(module.file.data))
        units = texts.units if says else ()
        touched = {unit for unit in units if unit in changed or not self.defined.isdisjoint(texts.words(unit))}
        return frozenset(
            slot.id
            for slot in module.slots
            if not self.said.isdisjoint(texts.names(slot)) or not touched.isdisjoint(texts.around(slot))
        )


def naming(project: Project, slots: Collection[SlotId]) -> set[SlotId]:
    """The slots of what names some slots, which may not be what they were once something else is known of these."""
    paths = {slot.path for slot in slots}
    defined: set[bytes] = set()
    for path in paths:
        texts = _Texts(project.modules[path])
        defined = defined.union(*(texts.names(slot) for slot in texts.module.slots if slot.id in slots))
    edits = Edits({}, frozenset(), frozenset(defined))
    near = paths | project.beside(paths) if defined else ()
    return {slot for path in near for slot in edits.bear_on(project.modules[path])}


@dataclass(frozen=True)
class _Texts:
    """A file in pieces."""

    module: Module

    def unlike(self, other: _Texts) -> frozenset[Unit] | None:
        """The units that the other file has not, or has otherwise; None where any name may stand for something else."""
        if any(name == "*" for _, _, name in self.imports ^ other.imports):
            return None
        one, two = self.units, other.units
        return frozenset(unit for unit in one.keys() | two.keys() if one.get(unit) != two.get(unit))

    @cached_property
    def units(self) -> Mapping[Unit, bytes]:
        """Their texts with what is said to people before them, less comments and empty lines."""
        found: dict[Unit, bytes] = defaultdict(bytes)
        for before, (span, unit) in zip(self.between, self.places, strict=False):
            prose = [one[0] for one in self.unread.finditer(before) if one["prose"] is not None]
            text = self.without("comment", b"\n".join([*prose[-1:], self.module.file.data[span.start : span.end]]))
            found[unit] += b"".join(line.rstrip() + b"\n" for line in text.splitlines() if line.strip())
        return found

    def words(self, unit: Unit) -> Words:
        """The names by which it reaches others: not those of its own parameters and locals, but for members called the same, nor
        what is said to people, which tells something of what it stands at alone."""
        kind, qualname = unit
        text = self.without("prose", self.units[unit])
        own = _encoded(self._own[qualname]) if kind == FUNCTION else frozenset()
        return _words(text) - (own - frozenset(MEMBER.findall(text)))

    @cached_property
    def _own(self) -> dict[str, list[str]]:
        """The names that nobody outside of each outermost function knows."""
        found: dict[str, list[str]] = defaultdict(list)
        for function in self.module.functions:
            if (around := self.function_around(function.span)) is not None:
                handed = self.language.handed(self.module, function)
                asked = handed.asked if handed is not None else ()
                found[around.qualname] += (one.name for one in function.parameters if one.name not in asked)
        for one in self.module.assignments:
            around = self.function_around(one.span)
            if around is not None and (one.slot is None or one.slot.local):
                found[around.qualname].append(one.name)
        return found

    @cached_property
    def rest(self) -> Counter[bytes]:
        """The lines outside of all units, of code."""
        left = (self.without("prose", self.without("comment", text)) for text in self.between)
        return Counter(line for text in left for line in text.splitlines())

    @cached_property
    def between(self) -> list[bytes]:
        """What stands before each unit, and after the last."""
        data, at = self.module.file.data, 0
        found: list[bytes] = []
        for span, _ in self.places:
            found.append(data[at : max(at, span.start)])
            at = max(at, span.end)
        return [*found, data[at:]]

    def without(self, group: str, text: bytes) -> bytes:
        def left(found: re.Match[bytes]) -> bytes:
            return found[0] if found[group] is None else b" "

        return self.unread.sub(left, text)

    @property
    def unread(self) -> re.Pattern[bytes]:
        return self.language.unread

    @cached_property
    def language(self) -> Language:
        language = language_of(self.module.file.path)
        assert language is not None, "only files of known languages are read"
        return language

    @cached_property
    def places(self) -> list[tuple[Span, Unit]]:
        """Where the units stand, in order. One may stand at several places."""
        module = self.module
        heads = ((Span(one.span.start, one.header.end), (HEAD, one.qualname)) for one in module.classes)
        bindings = ((one.span, self.unit_of(one)) for one in module.assignments)
        outside = [(span, unit) for span, unit in (*heads, *bindings) if self.function_around(span) is None]
        return sorted([*outside, *((one.span, (FUNCTION, one.qualname)) for one in self.outermost)])

    @cached_property
    def outermost(self) -> list[Function]:
        """The functions that stand in no other, in order."""
        found: list[Function] = []
        for one in sorted(self.module.functions, key=lambda one: (one.span.start, -one.span.end)):
            if not found or one.span.start >= found[-1].span.end:
                found.append(one)
        return found

    def function_around(self, span: Span) -> Function | None:
        at = bisect_right(self._starts, span.start) - 1
        return self.outermost[at] if at >= 0 and span.end <= self.outermost[at].span.end else None

    @cached_property
    def _starts(self) -> list[int]:
        return [one.span.start for one in self.outermost]

    @cached_property
    def bound(self) -> Words:
        """All names that the file gives a meaning to."""
        named = (*self.module.functions, *self.module.classes, *self.module.assignments)
        return _encoded([*(one.name for one in named), *(one.alias for one in self.module.imports)])

    @cached_property
    def imports(self) -> frozenset[tuple[str, str, str | None]]:
        return frozenset((one.alias, one.module, one.name) for one in self.module.imports)

    @cached_property
    def exports(self) -> frozenset[tuple[str, str]]:
        return frozenset((self.module.exports or {}).items())

    def given_by(self, unit: Unit) -> Words:
        """The names by which others reach what a unit makes."""
        kind, qualname = unit
        bound = self._bound_in[qualname] if kind == FUNCTION else []
        return self.called(qualname) | _encoded(bound)

    @cached_property
    def _bound_in(self) -> dict[str, list[str]]:
        """Attributes and variables of the module that each outermost function binds."""
        found: dict[str, list[str]] = defaultdict(list)
        for one in self.module.assignments:
            around = self.function_around(one.span)
            if around is not None and one.slot is not None and not one.slot.local:
                found[around.qualname].append(one.name)
        return found

    def called(self, qualname: str) -> Words:
        """The names by which a function, a class or a variable is reached: a constructor by that of its class as well, and what is
        offered by the name that it is asked for."""
        owner, _, name = qualname.rpartition(".")
        function = self.module.function_at.get(qualname)
        offered = self.language.offered_as(self.module, function) if function is not None else None
        is_made = name == self.language.constructor
        return _encoded([name, *([owner.rpartition(".")[2]] if is_made else ()), *([offered] if offered else ())])

    def names(self, slot: Slot) -> Words:
        """The names by which others reach a slot; none where nobody outside of its function can."""
        if slot.id.kind in (SlotKind.PARAMETER, SlotKind.RETURN):
            return self.called(slot.id.qualname)
        return frozenset() if slot.local else _encoded([slot.id.name])

    def around(self, slot: Slot) -> Iterator[Unit]:
        """The units that a slot stands in, or is bound in."""
        yield from self._bindings.get(slot.id, ())
        outer = self.function_around(slot.span)
        if outer is not None:
            yield FUNCTION, outer.qualname
        parts = slot.id.qualname.split(".")
        yield from ((HEAD, ".".join(parts[:count])) for count in range(1, len(parts) + 1))

    @cached_property
    def _bindings(self) -> dict[SlotId, list[Unit]]:
        found: dict[SlotId, list[Unit]] = defaultdict(list)
        for one in self.module.assignments:
            if one.slot is not None:
                found[one.slot.id].append(self.unit_of(one))
        return found

    def unit_of(self, binding: Assignment) -> Unit:
        outer = self.function_around(binding.span)
        return (BINDING, f"{binding.scope}.{binding.name}") if outer is None else (FUNCTION, outer.qualname)


def _words(text: bytes) -> Words:
    return frozenset(WORD.findall(text))


def _encoded(names: Iterable[str]) -> Words:
    return frozenset(name.encode("utf-8") for name in names)
