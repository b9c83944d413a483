"""ProgramGraph: a project in; its syntax trees as one graph of typed nodes and typed edges, held in arrays, out.

Node kinds and the fields on child edges are the grammar's own, so a new grammar brings its own and nothing here
changes. Within a file the other edges come from `occurrences.py`, between files from what the project resolved. Knows
no language.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias

import networkx
import numpy
import tree_sitter
from numpy.typing import NDArray

from typeinfer.languages.language import Language
from typeinfer.program.arguments import bind
from typeinfer.program.occurrences import occurrences
from typeinfer.program.project import Project
from typeinfer.program.recent import Recent
from typeinfer.tracing import stage
from typeinfer.values.module import Module
from typeinfer.values.slots import SlotId, SlotKind
from typeinfer.values.source import Span

# n node, e edge, s slot
Ints: TypeAlias = "NDArray[numpy.int32]"

EdgeKind: TypeAlias = str
"""`child`, `child:FIELD` for a field of the grammar, or one of `RELATIONS`. An edge of kind `a->b` goes from a to b."""

CHILD: Final = "child"
NEXT_TOKEN: Final = "next-token"
"""A leaf of the tree to the next one."""
NEXT_USE: Final = "next-use"
"""An occurrence of a variable to the next, in order of evaluation. A method's own object's attributes are variables."""
LAST_WRITE: Final = "last-write"
"""An occurrence of a variable to the last before it that writes."""
COMPUTED_FROM: Final = "computed-from"
"""What an assignment writes to each name in its value."""
ARGUMENT_PARAMETER: Final = "argument->parameter"
RETURN_CALL: Final = "return->call"
"""The value of a `return` to each call that gets it."""
MEMBER_OF: Final = "member-of"
"""The name of a method or the place of a field's slot to the name of the class."""
INHERITS: Final = "inherits"
OVERRIDES: Final = "overrides"
"""The name of a method to the name of the nearest one it overrides."""
IMPORTS: Final = "imports"
"""An import statement to the root of the file it imports from."""

RELATIONS: Final[tuple[EdgeKind, ...]] = (
    NEXT_TOKEN,
    NEXT_USE,
    LAST_WRITE,
    COMPUTED_FROM,
    ARGUMENT_PARAMETER,
    RETURN_CALL,
    MEMBER_OF,
    INHERITS,
    OVERRIDES,
    IMPORTS,
)


@dataclass(frozen=True, eq=False)
class ProgramGraph:
    """Nodes stand in file order and, within a file, parents before children in source order: the root of a file is its
    first node, and a node's subtree is a run that it opens.

    `node_kind[n]` points into `kinds` (all that the grammars in use have), where a token that the grammar doesn't name
    stands in quotes; `node_span[n, 2]` are bytes; `node_file[n]` points into `files`. `edges[kind]` is [2, e]: from,
    to, in ascending order; every relation has an entry, an empty one too. `slot_node[s]` is the leaf where slot
    `slots[s]` sits, for `self.x` the `x`; -1 where the tree has none.
    """

    kinds: tuple[str, ...]
    files: tuple[str, ...]
    node_kind: Ints
    node_span: Ints
    node_file: Ints
    edges: Mapping[EdgeKind, Ints]
    slots: tuple[SlotId, ...]
    slot_node: Ints

    def as_networkx(self) -> networkx.MultiDiGraph[int]:
        """The same graph with the attributes `kind`, `file`, `start`, `end` and, where there is one, `slot` on nodes,
        and `kind` on edges: strings and integers only, so that every format of networkx can hold it.
        """
        graph: networkx.MultiDiGraph[int] = networkx.MultiDiGraph()
        graph.add_nodes_from(self._nodes())
        graph.add_edges_from((source, target, {"kind": kind}) for kind, source, target in self._edges())
        return graph

    def to_graphml(self) -> str:
        return "\n".join(networkx.generate_graphml(self.as_networkx())) + "\n"

    def to_json(self) -> str:
        """The arrays as they are: `node_kind` and `node_file` point into `kinds` and `files`."""
        return json.dumps(
            {
                "kinds": self.kinds,
                "files": self.files,
                "node_kind": self.node_kind.tolist(),
                "node_span": self.node_span.tolist(),
                "node_file": self.node_file.tolist(),
                "edges": {kind: pairs.tolist() for kind, pairs in self.edges.items()},
                "slots": [str(slot) for slot in self.slots],
                "slot_node": self.slot_node.tolist(),
            }
        )

    def to_dot(self) -> str:
        """For Graphviz; child edges are grey, so that the relations stand out."""
        lines = ["digraph program {", "  node [shape=box, fontsize=10];"]
        for node, attributes in self._nodes():
            label = "\n".join(str(attributes[key]) for key in ("kind", "slot") if key in attributes)
            lines.append(f"  n{node} [label={_quoted(label)}];")
        for kind, source, target in self._edges():
            colour = ", color=grey, fontcolor=grey" if kind.startswith(CHILD) else ""
            lines.append(f"  n{source} -> n{target} [label={_quoted(kind)}{colour}];")
        return "\n".join([*lines, "}"]) + "\n"

    def _nodes(self) -> Iterator[tuple[int, dict[str, str | int]]]:
        slot_at = {node: str(slot) for node, slot in zip(self.slot_node.tolist(), self.slots, strict=True)}
        columns = zip(self.node_kind.tolist(), self.node_file.tolist(), self.node_span.tolist(), strict=True)
        for node, (kind, file, (start, end)) in enumerate(columns):
            attributes: dict[str, str | int] = {
                "kind": self.kinds[kind],
                "file": self.files[file],
                "start": start,
                "end": end,
            }
            if node in slot_at:
                attributes["slot"] = slot_at[node]
            yield node, attributes

    def _edges(self) -> Iterator[tuple[EdgeKind, int, int]]:
        for kind, pairs in self.edges.items():
            for source, target in zip(*pairs.tolist(), strict=True):
                yield kind, source, target


def build_graph(project: Project, shown: Collection[str] | None = None) -> ProgramGraph:
    """The graph of every file of the project, or of those that are shown alone; of a broken one, what the parser made of it."""
    forest = _Forest()
    modules = [module for path, module in project.modules.items() if shown is None or path in shown]
    for module in modules:
        path = module.file.path
        language = project.language_of(path)
        grammar = language.grammar(path)
        forest.add(path, _tree_of(language, path, module.file.data), grammar)
    links = _Links(forest.files)
    slots = tuple(slot.id for module in modules for slot in module.slots)
    slot_places = [links.leaf(slot.id.path, slot.span) for module in modules for slot in module.slots]
    for module in modules:
        _relate_calls(project, module, links)
        _relate_classes(project, module, links)
        _relate_imports(project, module, links)
    nodes = forest.planted()
    node_of = links.nodes(forest, nodes)
    edges = forest.edges(nodes) | links.edges(node_of)
    return ProgramGraph(
        kinds=tuple(forest.kinds),
        files=tuple(forest.files),
        node_kind=nodes.kind,
        node_span=numpy.stack((nodes.start, nodes.end), axis=1),
        node_file=numpy.repeat(numpy.arange(len(forest.files), dtype=numpy.int32), numpy.diff(forest.first)),
        edges={kind: _sorted(edges[kind]) for kind in (*sorted(set(edges) - set(RELATIONS)), *RELATIONS)},
        slots=slots,
        slot_node=node_of[slot_places],
    )


def read_trees(project: Project, paths: Iterable[str]) -> None:
    """What of a graph of these files takes longest and needs nobody else's word is done, and kept as long as there is room: for
    whoever waits."""
    with stage("trees"):
        for path in paths:
            _tree_of(project.language_of(path), path, project.modules[path].file.data)


def leaves_of(project: Project, path: str) -> tuple[Ints, Ints, list[str]]:
    """The leaves of a file's tree in order: where each starts and ends, and its kind as in a graph. A single one stands alone in
    its file, and is next to none: it is left out."""
    language = project.language_of(path)
    grammar = language.grammar(path)
    tree = _tree_of(language, path, project.modules[path].file.data)
    leaves = tree.leaves if len(tree.leaves) > 1 else tree.leaves[:0]
    kinds = [_kind(grammar, number) for number in tree.kind[leaves].tolist()]
    return tree.start[leaves], tree.end[leaves], kinds


# --- relations that cross files -------------------------------------------------------------------------------------


class _Links:
    """Edges between places of the source, which become nodes once every tree has been read.

    A place is a number given out here; of each it keeps the file, -1 for one that isn't shown, the span, and how the node is found.
    """

    _WHOLE, _LEAF, _ROOT = range(3)

    def __init__(self, files: Mapping[str, int]) -> None:
        self.files = files
        self.places = tuple(array("i") for _ in range(4))
        self.ends: dict[EdgeKind, array[int]] = {
            kind: array("i") for kind in (ARGUMENT_PARAMETER, RETURN_CALL, MEMBER_OF, INHERITS, OVERRIDES, IMPORTS)
        }

    def whole(self, path: str, span: Span) -> int:
        """The innermost node with exactly this span."""
        return self._place(path, span, self._WHOLE)

    def leaf(self, path: str, span: Span) -> int:
        """The last token of the span: `x` of `self.x`, where the edges of that variable meet."""
        return self._place(path, span, self._LEAF)

    def root(self, path: str) -> int:
        return self._place(path, Span(0, 0), self._ROOT)

    def _place(self, path: str, span: Span, how: int) -> int:
        for column, value in zip(self.places, (self.files.get(path, -1), span.start, span.end, how), strict=True):
            column.append(value)
        return len(self.places[0]) - 1

    def join(self, kind: EdgeKind, source: int, target: int) -> None:
        self.ends[kind].extend((source, target))

    def nodes(self, forest: _Forest, nodes: _Nodes) -> Ints:
        """The node of every place, or -1."""
        file, start, end, how = (_ints(column) for column in self.places)
        found = numpy.full(len(file), -1, numpy.int32)
        by_file = numpy.argsort(file, kind="stable")
        bounds = numpy.searchsorted(file[by_file], numpy.arange(len(self.files) + 1))
        for number in range(len(self.files)):
            asked = by_file[bounds[number] : bounds[number + 1]]
            first, last = forest.first[number], forest.first[number + 1]
            key = _preorder_key(nodes.start[first:last], nodes.end[first:last])
            # Nearly sorted as it is: only an empty token stands before a longer one of the same start.
            rising = numpy.argsort(key, kind="stable")
            wanted = _preorder_key(start[asked], end[asked])
            at = rising[numpy.searchsorted(key, wanted, side="right", sorter=rising) - 1]
            whole = numpy.where(key[at] == wanted, at + first, -1)
            leaves = forest.leaves[number]
            at = numpy.searchsorted(nodes.start[leaves], end[asked], side="left") - 1
            leaf = numpy.where(nodes.end[leaves[at]] == end[asked], leaves[at], -1)
            found[asked] = numpy.where(
                how[asked] == self._ROOT, first, numpy.where(how[asked] == self._LEAF, leaf, whole)
            )
        return found

    def edges(self, node_of: Ints) -> dict[EdgeKind, Ints]:
        pairs = {kind: node_of[_ints(run)].reshape(-1, 2).T for kind, run in self.ends.items()}
        return {kind: both[:, (both >= 0).all(axis=0)] for kind, both in pairs.items()}


def _relate_calls(project: Project, module: Module, links: _Links) -> None:
    """Arguments to parameters, and what is returned to the calls that get it."""
    path = module.file.path
    for qualname, function in module.function_at.items():
        callers = project.callers(f"{module.name}.{qualname}")
        if not callers:
            continue
        returned = [links.whole(path, value.span) for value in function.returns if value is not None]
        parameters = {p.name: links.leaf(path, p.slot.span) for p in function.parameters if p.slot is not None}
        for caller, site in callers:
            for argument, parameter in bind(project, caller, site, function):
                if parameter.name in parameters:
                    given = links.whole(caller.file.path, argument.value.span)
                    links.join(ARGUMENT_PARAMETER, given, parameters[parameter.name])
            if returned:
                received = links.whole(caller.file.path, site.call.span)
                for value in returned:
                    links.join(RETURN_CALL, value, received)


def _relate_classes(project: Project, module: Module, links: _Links) -> None:
    path = module.file.path
    names = {qualname: links.leaf(path, declared.name_span) for qualname, declared in module.class_at.items()}
    for slot in module.slots:
        if slot.id.kind is SlotKind.ATTRIBUTE and slot.id.qualname in names:
            links.join(MEMBER_OF, links.leaf(path, slot.span), names[slot.id.qualname])
    for function in module.functions:
        if function.owner not in names:
            continue
        name = links.leaf(path, function.name_span)
        links.join(MEMBER_OF, name, names[function.owner])
        if (above := project.overridden(module, function)) is not None:
            there, method = above
            links.join(OVERRIDES, name, links.leaf(there.file.path, method.name_span))
    for declared in module.classes:
        scope = declared.qualname.rpartition(".")[0]
        for base in declared.bases:
            qualified = project.resolve(module, scope, base)
            found = project.declared_class(qualified) if qualified is not None else None
            if found is not None:
                there, parent = found
                links.join(INHERITS, names[declared.qualname], links.leaf(there.file.path, parent.name_span))


def _relate_imports(project: Project, module: Module, links: _Links) -> None:
    for statement in module.imports:
        # `from shop import cart` may import a module as well as a name out of one.
        inner = project.named(f"{statement.module}.{statement.name}") if statement.name is not None else None
        target = inner or project.named(statement.module)
        if target is not None:
            links.join(IMPORTS, links.whole(module.file.path, statement.span), links.root(target.file.path))


# --- trees to arrays ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Nodes:
    """Every node of the project. `field` points into `_Forest.fields`, `parent` is -1 at a root."""

    kind: Ints
    field: Ints
    parent: Ints
    start: Ints
    end: Ints


@dataclass(frozen=True)
class _Tree:
    """One file's nodes in preorder, kinds and fields by the grammar's own numbers; `parent` is -1 at the root, `field` 0 where
    there is none. `leaves` and the edges `within` the file, pairs one after the other, by the numbers of its nodes."""

    kind: Ints
    field: Ints
    parent: Ints
    start: Ints
    end: Ints
    leaves: Ints
    within: Mapping[EdgeKind, Ints]


KEPT_NODES = 2_000_000
"""Of the nodes of files that were read lately so many are kept, at some 40 bytes each."""

_read_lately: Recent[_Tree] = Recent(KEPT_NODES)


def _tree_of(language: Language, path: str, data: bytes) -> _Tree:
    """One file as it was read lately, or read now."""

    def make() -> _Tree:
        tree, grammar = language.parse(path, data), language.grammar(path)
        kind, field, parent, start, end = map(_ints, _preorder(tree))
        inner = numpy.zeros(len(parent) + 1, bool)
        inner[parent] = True
        leaves = _ints(numpy.flatnonzero(~inner[:-1]))
        found = occurrences(grammar, language.name, tree.root_node, data)
        runs = {NEXT_USE: found.next_use, LAST_WRITE: found.last_write, COMPUTED_FROM: found.computed_from}
        # Of leaves that start at one byte all but the last are empty: tokens the parser made up.
        at = {name: numpy.searchsorted(start[leaves], _ints(run), side="right") - 1 for name, run in runs.items()}
        within = {name: leaves[places] for name, places in at.items()}
        return _Tree(kind, field, parent, start, end, leaves, within)

    return _read_lately.get((path, data), make, lambda tree: len(tree.kind))


def _preorder(tree: tree_sitter.Tree) -> tuple[array[int], ...]:
    """Kinds, fields, parents, starts and ends, in one walk with one cursor, without recursion."""
    cursor = tree.walk()
    kinds, fields, parents = array("i"), array("i"), array("i")
    starts, ends = array("i"), array("i")
    above: list[int] = []
    parent, here = -1, 0
    down, right, up = cursor.goto_first_child, cursor.goto_next_sibling, cursor.goto_parent
    while True:
        node = cursor.node
        assert node is not None, "a cursor stands on a node"
        kinds.append(node.kind_id)
        fields.append(cursor.field_id or 0)
        parents.append(parent)
        starts.append(node.start_byte)
        ends.append(node.end_byte)
        if down():
            above.append(parent)
            parent = here
        else:
            while not right():
                if not above:
                    return kinds, fields, parents, starts, ends
                up()
                parent = above.pop()
        here += 1


class _Forest:
    """All trees of a project, appended file by file; nodes are numbered over the whole of it."""

    def __init__(self) -> None:
        self.kinds: dict[str, int] = {}
        self.fields: dict[str, int] = {CHILD: 0}
        self.files: dict[str, int] = {}
        self.first = [0]
        self.kind: list[Ints] = []
        self.field: list[Ints] = []
        self.parent: list[Ints] = []
        self.start: list[Ints] = []
        self.end: list[Ints] = []
        self.leaves: list[Ints] = []
        self.within: dict[EdgeKind, list[Ints]] = {NEXT_USE: [], LAST_WRITE: [], COMPUTED_FROM: []}
        self.numbers: dict[tree_sitter.Language, tuple[Ints, Ints]] = {}

    def add(self, path: str, tree: _Tree, grammar: tree_sitter.Language) -> None:
        base = self.first[-1]
        kinds, fields = self._numbers_of(grammar)
        self.files[path] = len(self.files)
        self.first.append(base + len(tree.parent))
        self.kind.append(kinds[tree.kind])
        self.field.append(fields[tree.field])
        self.parent.append(numpy.where(tree.parent < 0, -1, tree.parent + base).astype(numpy.int32))
        self.start.append(tree.start)
        self.end.append(tree.end)
        self.leaves.append(tree.leaves + base)
        for kind, run in tree.within.items():
            self.within[kind].append((run + base).reshape(-1, 2).T)

    def _numbers_of(self, grammar: tree_sitter.Language) -> tuple[Ints, Ints]:
        """For a grammar's own numbers of kinds and of fields, ours."""
        if grammar not in self.numbers:
            # The parser numbers what it couldn't read beyond all kinds of the grammar.
            kinds = numpy.full(1 << 16, self.kinds.setdefault(UNREADABLE, len(self.kinds)), numpy.int32)
            for number in range(grammar.node_kind_count):
                if grammar.node_kind_is_visible(number):
                    kinds[number] = self.kinds.setdefault(_kind(grammar, number), len(self.kinds))
            fields = [CHILD, *(f"{CHILD}:{grammar.field_name_for_id(n)}" for n in range(1, grammar.field_count + 1))]
            self.numbers[grammar] = (kinds, _ints([self.fields.setdefault(name, len(self.fields)) for name in fields]))
        return self.numbers[grammar]

    def planted(self) -> _Nodes:
        columns = (self.kind, self.field, self.parent, self.start, self.end)
        return _Nodes(*(numpy.concatenate([_ints(()), *parts]) for parts in columns))

    def edges(self, nodes: _Nodes) -> dict[EdgeKind, Ints]:
        """All edges inside files."""
        edges: dict[EdgeKind, Ints] = {}
        children = numpy.flatnonzero(nodes.parent >= 0)
        for name, number in self.fields.items():
            below = children[nodes.field[children] == number]
            if name == CHILD or len(below):
                edges[name] = numpy.stack((nodes.parent[below], _ints(below)))
        steps = [numpy.stack((leaves[:-1], leaves[1:])) for leaves in self.leaves]
        for kind, parts in ({NEXT_TOKEN: steps} | self.within).items():
            edges[kind] = numpy.concatenate([numpy.zeros((2, 0), numpy.int32), *parts], axis=1)
        return edges


UNREADABLE = "ERROR"


@cache
def _kind(grammar: tree_sitter.Language, number: int) -> str:
    """What a grammar's number of a kind of nodes stands for."""
    if number >= grammar.node_kind_count or not grammar.node_kind_is_visible(number):
        return UNREADABLE
    name = grammar.node_kind_for_id(number)
    return str(name) if grammar.node_kind_is_named(number) else f'"{name}"'


def _ints(values: Iterable[int] | array[int] | NDArray[numpy.int64]) -> Ints:
    return numpy.asarray(values, numpy.int32)


def _preorder_key(start: Ints, end: Ints) -> NDArray[numpy.int64]:
    """Numbers that rise along a preorder walk: by start, and of one start the longer first."""
    return (start.astype(numpy.int64) << 32) | ((1 << 31) - end.astype(numpy.int64))


def _sorted(pairs: Ints) -> Ints:
    """Edges in ascending order, each once."""
    keys = numpy.sort((pairs[0].astype(numpy.int64) << 32) | pairs[1])
    keys = keys[numpy.concatenate(([True], keys[1:] != keys[:-1]))[: len(keys)]]
    return numpy.stack((_ints(keys >> 32), _ints(keys & 0xFFFFFFFF)))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
