"""Sentences: slices of a project in; for each unit its words, what joins them and the names in scope, as the model reads them, out.

A word is a leaf of the tree; signs that stand together are one word, a string is its first words, a comment is none. Every
slot gets a word of its own behind the code, and after it what the rules say of it. Training and inference both read here.
Knows no language and nothing of tensors.
"""

from __future__ import annotations

import hashlib
import math
import re
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from msgspec import Struct

from typeinfer.model.units import ONLY_FOR_ANNOTATIONS, Array, Ints, Units
from typeinfer.program.graph import (
    ARGUMENT_PARAMETER,
    COMPUTED_FROM,
    INHERITS,
    LAST_WRITE,
    MEMBER_OF,
    NEXT_TOKEN,
    NEXT_USE,
    OVERRIDES,
    RETURN_CALL,
    ProgramGraph,
    build_graph,
    leaves_of,
)
from typeinfer.program.project import Project
from typeinfer.program.recent import Recent
from typeinfer.program.slices import Piece, Role, Slice, slices
from typeinfer.tracing import stage
from typeinfer.values.module import Import, Module
from typeinfer.values.predictions import Evidence
from typeinfer.values.slots import Slot, SlotId, SlotKind
from typeinfer.values.source import Span
from typeinfer.values.store import Store

BUDGET = 360
"""Tokens of a slice: some 200 words."""

MOST_WORDS = 256
MOST_SLOTS = 24
MOST_USES = 12
MOST_EVIDENCE = 6
MOST_NAMES = 80
MOST_MEMBERS = 10
LONGEST_RUN = 8

KINDS = tuple(SlotKind)

ROLES = (*(role.value for role in Role), *(f"slot {kind.value}" for kind in KINDS), "evidence")

SURROUNDINGS = tuple(
    number
    for number, role in enumerate(Role)
    if role not in (Role.SIGNATURE, Role.CLASS_HEADER, Role.DECORATOR, Role.DOCSTRING, Role.BODY)
)
"""The numbers of roles that words around a unit have."""

SAID = len(ROLES) - 1
"""The number of the role that words of evidence have."""

_GRAPH = (NEXT_USE, LAST_WRITE, COMPUTED_FROM, ARGUMENT_PARAMETER, RETURN_CALL, MEMBER_OF, INHERITS, OVERRIDES)
RELATIONS = tuple(f"{name}{way}" for way in ("", " back") for name in (*_GRAPH, "slot", "evidence"))
"""Edges of the graph, a slot's word to each place of the slot, and the same the other way round."""

_BACK = len(RELATIONS) // 2
_SLOT, _EVIDENCE = len(_GRAPH), len(_GRAPH) + 1

LOCAL, IMPORTED, FOREIGN, ELSEWHERE, ALIAS, FOREIGN_ELSEWHERE = range(6)
NAME_KINDS = (
    "class of the file",
    "imported class",
    "imported from another package",
    "class of the project",
    "alias",
    "imported from another package elsewhere in the project",
)

READING = hashlib.sha256(repr((ROLES, RELATIONS, NAME_KINDS, "small letters")).encode()).hexdigest()[:16]
"""Changes with whatever a model counts by number, and with how words are cut, so that none is asked about what it never learnt."""

LINE = "¶"
EMPTY = "''"

_WORD = re.compile(r"[^\W\d_][\w$]*|_[\w$]*|\d+|\S")
_LETTERS = re.compile(r"[\w$]")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True)
class InScope:
    """A name that a type may point at. `bare`: its kind once imports that only annotations need are gone, -1 if then unseen."""

    qualified: str
    lexeme: str
    kind: int
    bare: int
    members: tuple[str, ...] = ()


@dataclass
class Sentence:
    """One unit. `told`, `edges`, `places`, `mentions`: as in `Units`, words, slots and names by number."""

    language: str
    slots: tuple[Slot, ...]
    names: tuple[InScope, ...] = ()
    words: list[str] = field(default_factory=list)
    roles: list[int] = field(default_factory=list)
    told: list[int] = field(default_factory=list)
    joins: array[int] = field(default_factory=lambda: array("h"))
    """`edges`, one after the other: thousands of them as objects would take most of the time."""
    places: list[tuple[int, int]] = field(default_factory=list)
    mentions: list[tuple[int, int]] = field(default_factory=list)

    def add(self, word: str, role: int, told: int = -1) -> int:
        self.words.append(word)
        self.roles.append(role)
        self.told.append(told)
        return len(self.words) - 1

    @property
    def edges(self) -> Array:
        """int16 [e, 3]"""
        return np.array(self.joins, np.int16).reshape(-1, 3)

    def join(self, relation: int, source: int, target: int) -> None:
        self.joins.extend((relation, source, target, relation + _BACK, target, source))

    def join_all(self, relation: Array, source: Array, target: Array) -> None:
        """Each [e]"""
        both = np.stack((relation, source, target, relation + _BACK, target, source), axis=1)
        self.joins.frombytes(both.astype(np.int16).tobytes())


Wanted = Callable[[Slot], bool]


FEW = 64
"""Of so many slots it is looked first which files their slices show: the graph of a large project takes longer than that."""

KEPT: Final = "names said"


class Around:
    """What sentences about some slots of a project are made of and nobody's word is needed for: the graph of what their slices
    show, its words, and what may be named. `asked`: the slots, all of them if None; `kept`: what opens a store where it is
    remembered which names a file says."""

    def __init__(
        self,
        project: Project,
        asked: frozenset[SlotId] | None = None,
        kept: Callable[[], AbstractContextManager[Store]] | None = None,
    ) -> None:
        self.project = project
        self.asked = asked if asked is not None and len(asked) <= FEW else None
        with stage("graph"):
            self.graph = build_graph(project, None if self.asked is None else _shown(project, self.asked))
        with stage("words"), nullcontext() if kept is None else kept() as store:
            self.texts = _Texts(project, self.graph, store)
            self.scopes = _Scopes(project, self.texts)
            self.texts.store = None

    def answers_for(self, project: Project, asked: Iterable[SlotId]) -> bool:
        return self.project is project and (self.asked is None or self.asked.issuperset(asked))


def _shown(project: Project, asked: frozenset[SlotId]) -> frozenset[str]:
    """The files that slices with these slots show."""
    own = {slot.path for slot in asked}
    cuts = slices(project, build_graph(project, own), BUDGET, lambda slot: slot.id in asked)
    return frozenset(own.union(piece.path for cut in cuts for piece in cut.pieces))


def sentences(around: Around, evidence: Mapping[SlotId, Sequence[Evidence]], wanted: Wanted) -> Iterator[Sentence]:
    """A sentence for every unit that has slots that are wanted; units with very many come in several."""
    project = around.project
    for cut in slices(project, around.graph, BUDGET, wanted):
        asked = [slot for slot in cut.slots if wanted(slot)]
        for start in range(0, len(asked), MOST_SLOTS):
            some = tuple(asked[start : start + MOST_SLOTS])
            yield _sentence(project, around.texts, around.scopes, cut, some, evidence)


def _sentence(
    project: Project,
    texts: _Texts,
    scopes: _Scopes,
    cut: Slice,
    slots: tuple[Slot, ...],
    evidence: Mapping[SlotId, Sequence[Evidence]],
) -> Sentence:
    path = slots[0].id.path
    module = project.modules[path]
    language = project.language_of(path)
    made = Sentence(language.name, slots)
    number = {slot.id: index for index, slot in enumerate(slots)}
    others: dict[SlotId, int] = {}
    ranges: list[tuple[int, int]] = []
    texts.begin()
    for piece in cut.pieces:
        if piece.hops > 1 and piece.role is not Role.BASE:
            continue  # Members that the unit doesn't name cost more than they tell.
        ranges += texts.write(piece, cut, made, number, others)
    for index, slot in enumerate(slots):
        word = made.add(slot.id.name, len(Role) + KINDS.index(slot.id.kind))
        made.places.append((index, word))
        for place in texts.places(module, slot):
            made.places.append((index, place))
            made.join(_SLOT, word, place)
        for said in evidence.get(slot.id, ())[:MOST_EVIDENCE]:
            rule = made.add(said.rule, SAID)
            made.join(_EVIDENCE, rule, word)
            for part in _WORD.findall(language.write_type(said.type))[:8]:
                made.add(part, SAID)
    texts.join(ranges, made)
    made.names = scopes.of(module, made)
    by_lexeme = {name.lexeme: index for index, name in reversed(list(enumerate(made.names)))}
    made.mentions = [(by_lexeme[word], at) for at, word in enumerate(made.words) if word in by_lexeme]
    return made


# --- words ------------------------------------------------------------------------------------------------------------


class Said(Struct, frozen=True):
    """What a file says of what it imports. `needed`: the names that code outside of annotations says; `parts`: what is said of a
    name by a dot, as far as it is called like a type: in `epath.Path` the `Path` of `epath`; and whether more than annotations say
    so."""

    needed: frozenset[str]
    parts: dict[str, dict[str, bool]]

    def needs(self, statement: Import) -> bool:
        return statement.passed_on or statement.name == "*" or statement.alias in self.needed


class _Text:
    """The words of one file; `given`: its slots whose annotations are part of the program. `start` [t]: the byte where each begins;
    `told` [t]: which slot's annotation it is part of, as a number into `slots`; `of_leaf`: the word of each leaf, -1 for none."""

    def __init__(
        self, module: Module, given: Collection[SlotId], starts: Array, ends: Array, kinds: Sequence[str]
    ) -> None:
        self.module = module
        self.slots = tuple(slot.id for slot in module.slots)
        self.words: list[str] = []
        self.start_of = array("i")
        self.told = array("i")
        self.of_leaf = np.full(len(starts), -1, np.int32)
        self.leaf_starts = _packed(starts)
        told = _annotations(module, given, starts)
        self.given_ends = {s.written.end for s in module.slots if s.written is not None and s.id in given}
        breaks = {slot.insert_at for slot in module.slots}
        data = module.file.data
        begins, stops, whose = starts.tolist(), ends.tolist(), told.tolist()
        run, after_quote, end_before = False, False, 0
        for leaf, (start, end, kind, told_by) in enumerate(zip(begins, stops, kinds, whose, strict=True)):
            if start == end or "comment" in kind:
                continue
            line = data.find(b"\n", end_before, start) >= 0 and bool(self.words)
            end_before = end
            text = data[start:end].decode("utf-8", "replace")
            same = run and self.told[-1] == told_by and start not in breaks
            if kind in _CONTENTS:
                after_quote = False
                long = "\n" in text or len(text) > 80
                found = _WORD.findall(text[:2000])[: 48 if long else 5]
                at = len(self.words)
                for word in found or ["' '"]:
                    self.put(word if long else f"'{word}", start, told_by)
                self.of_leaf[leaf] = at
                run = False
                continue
            if text[-1] in "\"'`" and kind not in _NAMES:
                prefix = text.rstrip("\"'`")
                if after_quote:
                    self.put(EMPTY, start, told_by)
                    self.of_leaf[leaf] = len(self.words) - 1
                elif prefix:
                    self.put(f"{prefix}'", start, told_by)
                    self.of_leaf[leaf] = len(self.words) - 1
                if line and not after_quote and same and not prefix:
                    self.words[-1] += LINE
                elif line and not after_quote and not prefix:
                    self.put(LINE, start, told_by)
                run, after_quote = False, not after_quote
                continue
            after_quote = False
            if _LETTERS.match(text):
                if line and same:
                    self.words[-1] += LINE
                elif line:
                    self.put(LINE, start, told_by)
                self.put(_plain(text), start, told_by)
                run = False
            else:
                text = (LINE if line else "") + text[:LONGEST_RUN]
                if same and len(self.words[-1]) + len(text) <= LONGEST_RUN:
                    self.words[-1] += text
                else:
                    self.put(text, start, told_by)
                run = True
            self.of_leaf[leaf] = len(self.words) - 1
        self.start = np.array(self.start_of, np.int64)
        told_words = np.flatnonzero(np.array(self.told, np.int64) >= 0)
        self.first_told = _packed(np.searchsorted(told_words, np.arange(len(self.words) + 1)))

    def tells(self, low: int, high: int) -> bool:
        """Whether some of these words are part of an annotation."""
        return self.first_told[low] < self.first_told[high]

    def put(self, word: str, start: int, told: int) -> None:
        # Most are said many times, and there are hundreds of thousands.
        self.words.append(sys.intern(word))
        self.start_of.append(start)
        self.told.append(told)

    def leaf_at(self, byte: int) -> int:
        return bisect_right(self.leaf_starts, byte) - 1

    @cached_property
    def only_for_annotations(self) -> tuple[Span, ...]:
        """The imports that nothing but annotations needs, statement by statement."""
        statements: dict[Span, list[Import]] = defaultdict(list)
        for statement in self.module.imports:
            statements[statement.span].append(statement)
        return tuple(
            span for span, bound in statements.items() if not any(self.needs(statement) for statement in bound)
        )

    def needs(self, statement: Import) -> bool:
        """Whether code outside of annotations says the name that an import binds."""
        return self.said.needs(statement)

    @cached_property
    def said(self) -> Said:
        aliases = {statement.alias for statement in self.module.imports}
        parts: dict[str, dict[str, bool]] = defaultdict(dict)
        for at in range(1, len(self.words) - 1):
            if self.words[at] == "." and self.words[at - 1] in aliases and _is_like_type(self.words[at + 1]):
                found = parts[self.words[at - 1]]
                found[self.words[at + 1]] = found.get(self.words[at + 1], False) or self.told[at - 1] < 0
        return Said(frozenset(alias for alias in aliases if self._said[alias]), dict(parts))

    @cached_property
    def _said(self) -> Counter[str]:
        told = np.array(self.told) if self.told else np.zeros(0, int)
        free = told < 0
        for statement in self.module.imports:
            low, high = np.searchsorted(self.start, (statement.span.start, statement.span.end))
            free[low:high] = False
        return Counter(self.words[at] for at in np.flatnonzero(free).tolist())


def _packed(numbers: Array) -> array[int]:
    """Four bytes each, where a list takes forty, and quicker to look into than an array of numpy's."""
    return array("i", numbers.astype(np.int32).tobytes())


_CONTENTS = frozenset({"string_content", "string_fragment", "escape_sequence"})
_NAMES = frozenset({"identifier"})


def _plain(text: str) -> str:
    """A number by what it is, but for the smallest, which mean something."""
    if not text[0].isdigit() or len(text) < 3:
        return text
    return "1.5" if any(sign in text for sign in ".eE") and not text.startswith(("0x", "0X")) else "100"


def _annotations(module: Module, given: Collection[SlotId], starts: Array) -> Array:
    """For each leaf the number of the slot in whose annotation it stands, or -1; what is part of the program is no secret."""
    told = np.full(len(starts), -1, np.int32)
    for number, slot in enumerate(module.slots):
        if slot.written is not None and slot.id not in given:
            begin = slot.insert_at if slot.insert_at <= slot.written.start else slot.written.start
            low, high = np.searchsorted(starts, (begin, slot.written.end))
            told[low:high] = number
    return told


KEPT_WORDS = 600_000
"""Of the words of files that were read lately so many are kept, at some 100 bytes each."""

_read_lately: Recent[_Text] = Recent(KEPT_WORDS)


class _Texts:
    """The words of all files of a project, and the edges between them."""

    def __init__(self, project: Project, graph: ProgramGraph, store: Store | None = None) -> None:
        self.project, self.graph, self.store = project, graph, store
        steps = graph.edges[NEXT_TOKEN]
        self.leaves = np.unique(steps)
        self.first_leaf = np.searchsorted(graph.node_file[self.leaves], np.arange(len(graph.files) + 1))
        self.file_number = {path: number for number, path in enumerate(graph.files)}
        self.texts: dict[str, _Text] = {}
        sources: list[Array] = []
        targets: list[Array] = []
        relations: list[Array] = []
        for relation, kind in enumerate(_GRAPH):
            ends = graph.edges[kind]
            source, target = self.leaf_of(ends[0]), self.leaf_of(ends[1])
            sources.append(source)
            targets.append(target)
            relations.append(np.full(len(source), relation, np.int32))
        source = np.concatenate(sources)
        order = np.argsort(source, kind="stable")
        self.source, self.target = source[order], np.concatenate(targets)[order]
        self.relation = np.concatenate(relations)[order]
        self.word_at = np.full(len(self.leaves), -1, np.int32)
        self.set_leaves: list[tuple[int, int]] = []
        self.next_use = np.full(len(self.leaves), -1, np.int64)
        uses = graph.edges[NEXT_USE]
        self.next_use[self.leaf_of(uses[0])] = self.leaf_of(uses[1])
        self.slot_leaf = dict(zip(graph.slots, self.leaf_of(graph.slot_node).tolist(), strict=True))

    def leaf_of(self, nodes: Array) -> Array:
        """The first leaf of each node: in preorder the next one."""
        return np.minimum(np.searchsorted(self.leaves, nodes), max(len(self.leaves) - 1, 0))

    def text(self, path: str) -> _Text:
        if path not in self.texts:
            module, given = self.project.modules[path], self.given(path)

            def make() -> _Text:
                return _Text(module, given, *leaves_of(self.project, path))

            # A module that is kept stays the one of its number.
            self.texts[path] = _read_lately.get((id(module), given), make, lambda text: len(text.words))
        return self.texts[path]

    def given(self, path: str) -> frozenset[SlotId]:
        """The slots of a file whose annotations are part of the program."""
        module = self.project.modules[path]
        return frozenset(s.id for s in module.slots if s.written is not None and self.project.is_given(module, s))

    def said(self, path: str) -> Said:
        """Of a file that isn't shown no words are read, where it is remembered."""
        if self.store is None:
            return self.text(path).said
        key = [READING, path, self.project.modules[path].file.digest, *sorted(map(repr, self.given(path)))]
        known = self.store.get(KEPT, key, Said)
        if known is None:
            known = self.text(path).said
            self.store.put(KEPT, key, known)
        return known

    def begin(self) -> None:
        for low, high in self.set_leaves:
            self.word_at[low:high] = -1
        self.set_leaves = []

    def write(
        self, piece: Piece, cut: Slice, made: Sentence, number: Mapping[SlotId, int], others: dict[SlotId, int]
    ) -> Iterator[tuple[int, int]]:
        """Append the words of a piece, as far as there is room; the run of leaves that they came from."""
        text = self.text(piece.path)
        low, high = bisect_left(text.start_of, piece.span.start), bisect_left(text.start_of, piece.span.end)
        high = min(high, low + MOST_WORDS - len(made.words))
        if high <= low:
            return
        role = _ROLE[piece.role]
        own = piece.path == made.slots[0].id.path
        begin = len(made.words)
        hidden = [
            span
            for span in cut.hidden
            if own and span.start < piece.span.end and piece.span.start < span.end and span.end not in text.given_ends
        ]
        only = piece.role is Role.IMPORT and any(piece.span in span for span in text.only_for_annotations)
        if only or hidden or text.tells(low, high):
            at = self._write_apart(text, range(low, high), role, only, hidden, made, number, others)
            if len(made.words) == begin:
                return
        else:
            made.words += text.words[low:high]
            made.roles += [role] * (high - low)
            made.told += [-1] * (high - low)
            at = list(range(begin, begin + high - low))
        base = int(self.first_leaf[self.file_number[piece.path]])
        first = text.leaf_at(text.start_of[low])
        last = text.leaf_at(text.start_of[high - 1]) + 1
        words, set_ = text.of_leaf[first:last], self.word_at[base + first : base + last]
        # Where a word is told twice, its first place stays.
        free = (words >= low) & (words < high) & (set_ < 0)
        set_[free] = np.array(at, np.int32)[words[free] - low]
        self.set_leaves.append((base + first, base + last))
        yield base + first, base + last

    def _write_apart(
        self,
        text: _Text,
        words: Iterable[int],
        role: int,
        only: bool,
        hidden: Sequence[Span],
        made: Sentence,
        number: Mapping[SlotId, int],
        others: dict[SlotId, int],
    ) -> list[int]:
        """Append words of which some stand in annotations, or are `only` for them; where each went, -1 for what is left out."""
        at: list[int] = []
        for word in words:
            told = text.told[word]
            if told >= 0:
                slot = text.slots[told]
                index = number.get(slot)
                if index is None:
                    index = others.setdefault(slot, len(made.slots) + len(others))
            elif only:
                index = ONLY_FOR_ANNOTATIONS
            elif hidden and any(span.start <= text.start_of[word] < span.end for span in hidden):
                at.append(-1)  # Another annotation of a slot that is asked for.
                continue
            else:
                index = -1
            at.append(made.add(text.words[word], role, index))
        return at

    def join(self, ranges: Sequence[tuple[int, int]], made: Sentence) -> None:
        if not ranges:
            return
        bounds = self.source.searchsorted(np.array(ranges).ravel()).tolist()
        places = [np.arange(low, high) for low, high in zip(bounds[::2], bounds[1::2], strict=True)]
        edges = np.concatenate(places)
        source, target = self.word_at[self.source[edges]], self.word_at[self.target[edges]]
        kept = (source >= 0) & (target >= 0) & (source != target)
        made.join_all(self.relation[edges[kept]], source[kept], target[kept])

    def places(self, module: Module, slot: Slot) -> list[int]:
        """The words where a slot occurs: its name, the uses of the variable, what is returned."""
        text = self.text(slot.id.path)
        base = int(self.first_leaf[self.file_number[slot.id.path]])
        leaves: list[int] = []
        leaf = self.slot_leaf.get(slot.id, -1)
        if slot.id.kind is SlotKind.RETURN:
            leaves = [base + text.leaf_at(slot.span.start)]
            function = module.function_of[slot.id]
            results = (value for value in (*function.returns, *function.yields) if value is not None)
            leaves += [base + text.leaf_at(value.span.start) for value in results]
        else:
            while leaf >= 0 and len(leaves) < MOST_USES:
                leaves.append(leaf)
                leaf = int(self.next_use[leaf])
        words = (int(self.word_at[leaf]) for leaf in leaves)
        return list(dict.fromkeys(word for word in words if word >= 0))[:MOST_USES]


_ROLE = {role: number for number, role in enumerate(Role)}

# --- names ------------------------------------------------------------------------------------------------------------


class _Scopes:
    """Which classes of a project a unit's types may name, the likeliest first where there are too many."""

    def __init__(self, project: Project, texts: _Texts) -> None:
        self.project, self.texts = project, texts
        self.classes: list[tuple[str, str, Module]] = [
            (f"{module.name}.{declared.qualname}", declared.name, module)
            for module in project.modules.values()
            for declared in module.class_at.values()
        ]
        self.declared = len(self.classes)
        self.classes += [
            (f"{module.name}.{name}", name, module)
            for module in project.modules.values()
            for name in dict.fromkeys(a.name for a in module.assignments if not a.scope and _is_like_type(a.name))
            if name not in module.class_at
        ]
        self.number = {qualified: number for number, (qualified, _, _) in enumerate(self.classes)}
        self.of_file: dict[str, list[int]] = defaultdict(list)
        for number, (_, _, module) in enumerate(self.classes):
            self.of_file[module.file.path].append(number)
        self.named: dict[str, list[int]] = defaultdict(list)
        self.with_part: dict[str, list[int]] = defaultdict(list)
        self.with_member: dict[str, list[int]] = defaultdict(list)
        self.members: dict[str, tuple[str, ...]] = {}
        for module in project.modules.values():
            held: dict[str, dict[str, None]] = defaultdict(dict)
            for slot in module.slots:
                if slot.id.kind is SlotKind.ATTRIBUTE:
                    held[slot.id.qualname][slot.id.name] = None
            for function in module.functions:
                if function.owner is not None and not function.name.startswith("__"):
                    held[function.owner][function.name] = None
            for qualname, found in held.items():
                self.members[f"{module.name}.{qualname}"] = tuple(found)
        # What one file imports from another package, another may; whether any but annotations need it, by qualified name.
        self.foreign: dict[str, bool] = {}
        self.own = len(self.classes)
        self.unread = {path: tuple(self._unread(module)) for path, module in project.modules.items()}
        for path, unread in self.unread.items():
            for qualified, name, needed in unread:
                if qualified not in self.foreign:
                    self.classes.append((qualified, name, project.modules[path]))
                self.foreign[qualified] = needed or self.foreign.get(qualified, False)
        for number, (qualified, name, _) in enumerate(self.classes):
            self.named[name].append(number)
            for part in set(parts(name)):
                self.with_part[part].append(number)
            for member in self.members.get(qualified, ()):
                self.with_member[member].append(number)
        self._of_module: tuple[str, list[InScope], dict[int, float]] | None = None
        self._meant: dict[str, tuple[tuple[int, float], ...]] = {}
        self._elsewhere: dict[int, InScope] = {}

    def _unread(self, module: Module) -> Iterator[tuple[str, str, bool]]:
        """What a file imports and calls like a type, of another package or of a file that is not read: its qualified name, its
        name, and whether anything but annotations needs it."""
        said = self.texts.said(module.file.path)
        for statement in module.imports:
            if statement.passed_on or statement.name == "*":
                continue
            if statement.name is not None and _is_like_type(statement.name):
                qualified = self.project.canonical(f"{statement.module}.{statement.name}")
                if self._is_unread(qualified):
                    yield qualified, statement.name, said.needs(statement)
                continue
            whole = statement.module if statement.name is None else f"{statement.module}.{statement.name}"
            # `import a.b` binds `a`.
            base = statement.alias if whole.startswith(f"{statement.alias}.") and statement.name is None else whole
            for name, needed in said.parts.get(statement.alias, {}).items():
                qualified = self.project.canonical(f"{base}.{name}")
                if self._is_unread(qualified):
                    yield qualified, name, needed

    def _is_unread(self, qualified: str) -> bool:
        found = self.project.split(qualified)
        if found is None:
            return True
        first, dot, _ = found[1].partition(".")
        return bool(dot) and first not in found[0].class_at

    def of(self, module: Module, made: Sentence) -> tuple[InScope, ...]:
        bound, near = self.bound(module)
        score: dict[int, float] = defaultdict(float)
        score.update(near)
        # In one order: sums of the same shares differ in their last bit by the order, and so would the order of the names.
        seen = dict.fromkeys(word for word, told in zip(made.words, made.told, strict=True) if told == -1)
        for word in seen:
            meant = self._meant.get(word)
            if meant is None:
                meant = self._meant[word] = tuple(self.meant(word))
            for number, share in meant:
                score[number] += share
        asked = Counter(part for slot in made.slots for part in parts(slot.id.name))
        asked.update(parts(made.slots[0].id.qualname.rpartition(".")[2]))
        for part, count in asked.items():
            having = self.with_part.get(part, ())
            for number in having if len(having) <= 200 else ():
                score[number] += 2 * min(count, 2) / math.sqrt(len(having))
        taken = {name.qualified for name in bound}
        room = MOST_NAMES - min(len(bound), MOST_NAMES // 2)
        best = sorted(
            (number for number in score if self.classes[number][0] not in taken), key=lambda n: (-score[n], n)
        )
        elsewhere = [self.elsewhere(number) for number in best[:room]]
        if len(bound) + len(elsewhere) > MOST_NAMES:
            rank = {name.qualified: (name.lexeme not in seen, name.kind, at) for at, name in enumerate(bound)}
            bound = sorted(bound, key=lambda name: rank[name.qualified])[: MOST_NAMES - len(elsewhere)]
        return (*bound, *elsewhere)

    def meant(self, word: str) -> Iterator[tuple[int, float]]:
        """The classes that a word speaks for, and how much: those that are called so, and those that have a member so called."""
        named, having = self.named.get(word, ()), self.with_member.get(word, ())
        yield from ((number, 6 / len(named)) for number in named)
        yield from ((number, 1 / len(having)) for number in having if len(having) <= 24)

    def elsewhere(self, number: int) -> InScope:
        found = self._elsewhere.get(number)
        if found is None:
            kind = bare = ELSEWHERE
            if number >= self.own:
                kind, bare = FOREIGN_ELSEWHERE, FOREIGN_ELSEWHERE if self.foreign[self.classes[number][0]] else -1
            found = self._elsewhere[number] = self.in_scope(number, kind, bare)
        return found

    def in_scope(self, number: int, kind: int, bare: int) -> InScope:
        qualified, name, _ = self.classes[number]
        return InScope(qualified, name, kind, bare, self.members.get(qualified, ())[:MOST_MEMBERS])

    def bound(self, module: Module) -> tuple[list[InScope], dict[int, float]]:
        """What the file itself binds, and the classes of the files that it imports."""
        if self._of_module is None or self._of_module[0] != module.file.path:
            self._of_module = (module.file.path, *self._bound(module))
        return self._of_module[1:]

    def _bound(self, module: Module) -> tuple[list[InScope], dict[int, float]]:
        text = self.texts.text(module.file.path)
        found: dict[str, InScope] = {}
        near: dict[int, float] = defaultdict(float)
        for number in self.of_file[module.file.path]:
            kind = LOCAL if number < self.declared else ALIAS
            found[self.classes[number][0]] = self.in_scope(number, kind, kind)
        for statement in module.imports:
            if statement.passed_on or statement.name == "*":
                continue
            needed = text.needs(statement)
            if statement.name is None:
                target = self.project.named(statement.module)
            else:
                qualified = self.project.canonical(f"{statement.module}.{statement.name}")
                target = self.project.named(qualified)
                number = self.number.get(qualified, -1)
                if number >= 0:
                    kept = found.get(qualified)
                    if kept is None or kept.bare == ELSEWHERE:
                        found[qualified] = self.in_scope(number, IMPORTED, IMPORTED if needed else ELSEWHERE)
                    target = self.classes[number][2]
            if target is not None and needed:
                for other in self.of_file[target.file.path]:
                    near[other] += 0.5
        for qualified, name, needed in self.unread[module.file.path]:
            kept = found.get(qualified)
            if kept is None or (kept.bare < 0 and needed):
                found[qualified] = InScope(qualified, name, FOREIGN, FOREIGN if needed else -1)
        return list(found.values())[: 2 * MOST_NAMES], near


def _is_like_type(name: str) -> bool:
    """Whether a variable is called what types and type variables are called: neither `count` nor `MAX_COUNT`."""
    return name[:1].isupper() and (len(name) == 1 or not name.isupper())


def parts(name: str) -> list[str]:
    """The words that a name is made of, in small letters."""
    return [part.lower() for part in _PARTS.findall(name) if len(part) > 2]


# --- arrays -----------------------------------------------------------------------------------------------------------

Label = tuple[int, Sequence[int], Sequence[int]]
"""Where it comes from, its symbols, its pointers: as in `Units`."""


def stack(
    made: Sequence[Sentence],
    lexeme: Callable[[str], int],
    languages: Sequence[str],
    label: Callable[[Sentence, int], Label | None] = lambda *_: None,
) -> Units:
    """The sentences of one project as arrays. `lexeme`: the number of a word; `label`: what is known of a slot by number."""

    def offsets(sizes: Iterable[int]) -> Ints:
        return np.concatenate(([0], np.cumsum([0, *sizes][1:], dtype=np.int64))).astype(np.int64)

    def flat(values: Iterable[int], kind: type) -> Ints:
        return np.fromiter(values, kind)

    def pairs(values: Iterable[Sequence[int]], rows: int, kind: type) -> Ints:
        return np.array(list(values), kind).reshape(-1, rows).T

    known = [label(one, slot) for one in made for slot in range(len(one.slots))]
    members = [[(at, word) for at, name in enumerate(one.names) for word in name.members] for one in made]
    return Units(
        language=flat((languages.index(one.language) for one in made), np.int8),
        project=np.zeros(len(made), np.int32),
        words_of=offsets(len(one.words) for one in made),
        word=flat((lexeme(word) for one in made for word in one.words), np.int32),
        role=flat((role for one in made for role in one.roles), np.int8),
        told=flat((told for one in made for told in one.told), np.int16),
        edges_of=offsets(len(one.joins) // 3 for one in made),
        edge=np.concatenate([np.zeros((0, 3), np.int16), *(one.edges for one in made)]).T,
        slots_of=offsets(len(one.slots) for one in made),
        slot_kind=flat((KINDS.index(slot.id.kind) for one in made for slot in one.slots), np.int8),
        slot_source=flat((-1 if found is None else found[0] for found in known), np.int8),
        places_of=offsets(len(one.places) for one in made),
        place=pairs((place for one in made for place in one.places), 2, np.int16),
        names_of=offsets(len(one.names) for one in made),
        name=flat((lexeme(name.lexeme) for one in made for name in one.names), np.int32),
        name_kind=flat((name.kind for one in made for name in one.names), np.int8),
        name_bare=flat((name.bare for one in made for name in one.names), np.int8),
        members_of=offsets(map(len, members)),
        member=pairs(((at, lexeme(word)) for found in members for at, word in found), 2, np.int32),
        mentions_of=offsets(len(one.mentions) for one in made),
        mention=pairs((mention for one in made for mention in one.mentions), 2, np.int16),
        symbols_of=offsets(0 if found is None else len(found[1]) for found in known),
        symbol=flat((symbol for found in known if found is not None for symbol in found[1]), np.int16),
        pointer=flat((pointer for found in known if found is not None for pointer in found[2]), np.int16),
    )
