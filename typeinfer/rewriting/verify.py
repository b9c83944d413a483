"""Verify: what a checker says before and after in; which errors are new, and who may be at fault for each, out.

An error is new where the checker reports one more of its code, on one line of the old text, than it did before. The
blame is read off the names on that line: whoever is named there, or stands there, and was annotated may be at fault.
Knows no language and no checker.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from typeinfer.program.project import Project
from typeinfer.values.inferred import Diagnostic
from typeinfer.values.module import Function, Module
from typeinfer.values.patches import Edit
from typeinfer.values.slots import Slot, SlotId, SlotKind

WORD = re.compile(rb"[^\W\d]\w*|\$\w*")

LINES = 3
"""Of an error over more lines than this the first ones are read: it is about what stands at their head."""


@dataclass(frozen=True, order=True)
class Misfit:
    """An error at its line of the old text; the message is the checker's, for the user, and tells no two errors apart."""

    path: str
    line: int
    code: str
    message: str = field(compare=False)


def misfits(project: Project, reported: Iterable[Diagnostic], edits: Mapping[str, Sequence[Edit]]) -> Counter[Misfit]:
    """The errors reported for the texts of `project` with `edits` in them, by where they stand in the old texts."""
    places = {path: _Displacement(changes) for path, changes in edits.items()}

    def place(said: Diagnostic) -> Misfit:
        start = places[said.path].old(said.span.start) if said.path in places else said.span.start
        return Misfit(said.path, project.modules[said.path].file.line_of(start), said.code, said.message)

    # Of two on a line the first speaks for both, in whatever order a checker with several threads tells them.
    told = sorted(reported, key=lambda said: (said.path, said.span.start, said.code, said.message))
    return Counter(place(said) for said in told if said.path in project.modules)


class _Displacement:
    """Where a byte of the new text stood in the old one; what was inserted stood where it was inserted."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        self.starts, self.shifts, self.anchors = [0], [0], [0]
        self.ends = [0]
        shift = 0
        for edit in sorted(edits, key=lambda edit: (edit.span.start, edit.span.end)):
            self.ends.append(edit.span.end)
            size = len(edit.text.encode("utf-8"))
            self.starts.append(edit.span.start + shift)
            self.anchors.append(edit.span.start)
            shift += size - (edit.span.end - edit.span.start)
            self.shifts.append(shift)

    def old(self, offset: int) -> int:
        at = bisect_right(self.starts, offset) - 1
        return self.anchors[at] if at and offset < self.ends[at] + self.shifts[at] else offset - self.shifts[at]


@dataclass(frozen=True)
class Blame:
    """Who may be at fault for a new error, among the slots that were annotated."""

    project: Project
    annotated: Mapping[SlotId, Slot]

    def of_all(self, misfits: Collection[Misfit]) -> dict[Misfit, frozenset[SlotId]]:
        """The nearest suspects of every error that has any; where none has, whoever stands in the files that theirs import,
        else everybody."""
        suspects = {misfit: near for misfit in misfits if (near := self.of(misfit))}
        if suspects:
            return suspects
        graph = self.project.import_graph
        names = {self.project.modules[misfit.path].name for misfit in misfits}
        near = {name for own in names for name in (own, *graph.successors(own))}
        standing_near = [slot for slot in self.annotated if self.project.modules[slot.path].name in near]
        return dict.fromkeys(misfits, frozenset(standing_near or self.annotated))

    def of(self, misfit: Misfit) -> frozenset[SlotId]:
        """The nearest suspects: those that the checker names in full; else those on the line; else those around it that it names;
        else all around it. There may be none: what is wrong with it came from somewhere that has suspects of its own.
        """
        module = self.project.modules[misfit.path]
        functions = self._around(module, misfit.line)
        words, told = self._words(module, misfit.line), self._told_of(misfit)
        for suspects in (
            {slot for slot in told if self._is_named_in_full(slot, misfit)},
            self._standing_there(module, misfit.line),
            self._named(module, functions, words) | told,
            self._called(words),
            self._all_of(functions[:1], module),
            {slot for slot in self.annotated if slot.path == misfit.path},
        ):
            if suspects:
                return frozenset(suspects)
        return frozenset()

    def named_by(self, misfit: Misfit) -> frozenset[SlotId]:
        """Whoever stands on its line, or is named there or by the checker."""
        module = self.project.modules[misfit.path]
        named = self._named(module, self._around(module, misfit.line), self._words(module, misfit.line))
        return frozenset(self._standing_there(module, misfit.line) | named | self._told_of(misfit))

    def around(self, misfit: Misfit) -> frozenset[SlotId]:
        """Whoever stands in the function around it or is named there; where none is around it, on its line."""
        module = self.project.modules[misfit.path]
        functions = self._around(module, misfit.line)
        words = self._words(module, misfit.line)
        if functions:
            span = functions[0].span
            words |= self._said(self._bare(module)[span.start : span.end])
        return frozenset(
            self._standing_there(module, misfit.line)
            | self._told_of(misfit)
            | self._named(module, functions, words)
            | self._called(words)
            | self._all_of(functions, module)
        )

    def within_reach(self, misfit: Misfit) -> frozenset[SlotId]:
        """Whoever stands in its file, or in one that this needs."""
        names = self.project.loaded_with(self.project.modules[misfit.path].name)
        return frozenset(slot for slot in self.annotated if self.project.modules[slot.path].name in names)

    def anywhere(self, _: Misfit) -> frozenset[SlotId]:
        return frozenset(self.annotated)

    def _standing_there(self, module: Module, line: int) -> set[SlotId]:
        return {
            slot.id
            for slot in self._in_file.get(module.file.path, ())
            if module.file.line_of(slot.insert_at) == line or module.file.line_of(slot.span.start) == line
        }

    def _named(self, module: Module, functions: Sequence[Function], words: frozenset[str]) -> set[SlotId]:
        """Parameters, variables and attributes that the line names, and the result of the function that it returns from."""
        scopes = {function.qualname for function in functions} | {""}
        returns = {function.qualname for function in functions[:1] if words & {"return", "yield"}}
        found: set[SlotId] = set()
        for slot in self._in_file.get(module.file.path, ()):
            if slot.id.kind in (SlotKind.PARAMETER, SlotKind.VARIABLE):
                # A destructured parameter has no name of its own that the line could hold.
                is_named = slot.id.name in words or slot.id.name.startswith("__")
                if is_named and slot.id.qualname in scopes:
                    found.add(slot.id)
            elif slot.id.kind is SlotKind.RETURN and slot.id.qualname in returns:
                found.add(slot.id)
        return found | {slot for word in words for slot in self._attributes.get(word, ())}

    def _called(self, words: frozenset[str]) -> set[SlotId]:
        return {slot for word in words for slot in self._by_function.get(word, ())}

    def _told_of(self, misfit: Misfit) -> set[SlotId]:
        """Parameters that the checker names together with their function, and attributes with their class."""
        words = self._said(misfit.message.encode())
        return {
            slot
            for word in words
            for slot in (*self._by_function.get(word, ()), *self._attributes.get(word, ()))
            if slot.name in words and words.intersection(slot.qualname.split(".")[-2:])
        }

    @staticmethod
    def _is_named_in_full(slot: SlotId, misfit: Misfit) -> bool:
        """A parameter of a function that the checker calls by its whole name: `lineno` in function `nodes.Call.__init__`."""
        whole = rf"(?<!\w){re.escape(slot.qualname)}(?![\w.])"
        return slot.kind is SlotKind.PARAMETER and re.search(whole, misfit.message) is not None

    def _all_of(self, functions: Sequence[Function], module: Module) -> set[SlotId]:
        names = {function.qualname for function in functions}
        return {slot.id for slot in self._in_file.get(module.file.path, ()) if slot.id.qualname in names}

    def _around(self, module: Module, line: int) -> list[Function]:
        """The functions around a line, innermost first."""
        starts = module.file.line_starts
        begin = starts[line - 1]
        end = starts[line] if line < len(starts) else len(module.file.data)
        around = [one for one in module.functions if one.span.start < end and begin < one.span.end]
        return sorted(around, key=lambda one: one.span.end - one.span.start)

    def _words(self, module: Module, line: int) -> frozenset[str]:
        starts = module.file.line_starts
        begin, last = starts[line - 1], min(line + LINES - 1, len(starts) - 1)
        end = starts[last] if last > line - 1 else len(module.file.data)
        return self._said(self._bare(module)[begin:end])

    def _bare(self, module: Module) -> bytes:
        """The text without its annotations: what stands in them names nobody, and in a second run there are more of them."""
        known = self._texts.get(module.file.path)
        if known is None:
            text = bytearray(module.file.data)
            for slot in module.slots:
                if slot.written is not None:
                    begin = min(slot.insert_at, slot.written.start)
                    text[begin : slot.written.end] = b" " * (slot.written.end - begin)
            known = self._texts[module.file.path] = bytes(text)
        return known

    @cached_property
    def _texts(self) -> dict[str, bytes]:
        return {}

    @staticmethod
    def _said(data: bytes) -> frozenset[str]:
        return frozenset(word.decode("utf-8", "replace") for word in WORD.findall(data))

    @cached_property
    def _in_file(self) -> dict[str, list[Slot]]:
        found: dict[str, list[Slot]] = defaultdict(list)
        for slot in self.annotated.values():
            found[slot.id.path].append(slot)
        return found

    @cached_property
    def _attributes(self) -> dict[str, list[SlotId]]:
        return _grouped((slot.name, slot) for slot in self.annotated if slot.kind is SlotKind.ATTRIBUTE)

    @cached_property
    def _by_function(self) -> dict[str, list[SlotId]]:
        """Parameters and results by the last name of their function; a constructor's also by its class's."""

        def names(slot: SlotId) -> Iterator[tuple[str, SlotId]]:
            if slot.kind in (SlotKind.PARAMETER, SlotKind.RETURN):
                for name in slot.qualname.split(".")[-2:]:
                    yield name, slot

        return _grouped(pair for slot in self.annotated for pair in names(slot))


def _grouped(pairs: Iterable[tuple[str, SlotId]]) -> dict[str, list[SlotId]]:
    found: dict[str, list[SlotId]] = defaultdict(list)
    for name, slot in pairs:
        found[name].append(slot)
    return found
