"""Occurrences: the tree of one file in; which leaves are the same variable, and where values go between them, out.

Leaves are named by the byte where they start. What binds, what is a scope and what is computed from what is said by
`grammars/<language>/names.scm` and `flow.scm`; this file knows only what their captures mean, and nothing of other
files.

Order is that of evaluation in straight-line code: in `x = x + 1` the right `x` comes first. Loops aren't followed back.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import tree_sitter

from typeinfer.languages import treesitter

MOST_SOURCES = 64
"""A value that mentions more names than this is a table, and says little of its target."""

_OUTER, _CLASS, _FUNCTION, _CLOSURE, _COMPREHENSION = range(5)
# Of ranges with one span the outermost must open first: `def f(a=lambda: 0)` has its default around the lambda, and a
# class body that is one `def` spans no more than that `def`.
_RANGES = {
    "outer": _OUTER,
    "scope.class": _CLASS,
    "scope.function": _FUNCTION,
    "scope.closure": _CLOSURE,
    "scope.comprehension": _COMPREHENSION,
}


@dataclass(frozen=True)
class Occurrences:
    """Edges between leaves, each a flat run of pairs (from, to) of start bytes."""

    next_use: array[int]
    last_write: array[int]
    computed_from: array[int]


def occurrences(grammar: tree_sitter.Language, folder: str, root: tree_sitter.Node, data: bytes) -> Occurrences:
    """The variables of one tree. `folder` is the language's name below `grammars/`."""
    names = _Names(treesitter.captures(grammar, folder, "names", root), data)
    cursor = tree_sitter.QueryCursor(treesitter.query(grammar, folder, "flow"))
    matches = [{name: nodes[0] for name, nodes in found.items()} for _, found in cursor.matches(root)]
    apart = {found["apart"].byte_range for found in matches if "apart" in found}
    flows = [found for found in matches if found.get("value", root).byte_range not in apart and "apart" not in found]
    next_use, last_write = _chains(names, _late(flows))
    return Occurrences(next_use, last_write, _computed_from(names, flows))


class _Names:
    """Every leaf that may be an occurrence, and the variable each one is of.

    A variable is a pair (scope, name); attributes of a method's own object are variables of the class's scope, beside
    what the class body binds. A name that nobody in the file binds is no variable of it.
    """

    def __init__(self, captured: dict[str, list[tree_sitter.Node]], data: bytes) -> None:
        def starts(kind: str) -> set[int]:
            return {node.start_byte for node in captured.get(kind, ())}

        members = starts("member")
        labels = starts("label") - members
        spans = {(node.start_byte, node.end_byte) for node in captured.get("name", ()) if node.start_byte not in labels}
        leaves = sorted(spans)
        self.starts = [start for start, _ in leaves]
        self.texts = [data[start:end] for start, end in leaves]
        parameters = starts("binding.parameter")
        bindings = starts("binding") | starts("binding.function") | parameters
        around_comprehensions = starts("binding.function") | (bindings & self._inside(captured.get("hoisted", ())))
        elsewhere = bindings & self._inside(captured.get("assigned", ()))
        self.writes = bindings | starts("binding.member")

        self.parent, self.kind = [-1], [_FUNCTION]
        self.bound: list[set[bytes]] = [set()]
        self.sent: list[dict[bytes, bool]] = [{}]
        self.scopes = self._scopes(captured)
        sent_out = starts("global") | starts("nonlocal")
        self._bind(members | sent_out | elsewhere, around_comprehensions)
        self._send(starts("global"), starts("nonlocal"))
        words = {data[node.start_byte : node.end_byte] for node in captured.get("receiver.word", ())}
        owners = self._owners(starts("receiver")) | self._bind_words(words)
        self.variables = self._variables(members, owners, sent_out)
        self._make_members(parameters)

    def _inside(self, ranges: Iterable[tree_sitter.Node]) -> set[int]:
        """The leaves that stand in one of these ranges."""
        found: set[int] = set()
        for node in ranges:
            first, last = bisect_left(self.starts, node.start_byte), bisect_left(self.starts, node.end_byte)
            found.update(self.starts[first:last])
        return found

    def _scopes(self, captured: dict[str, list[tree_sitter.Node]]) -> list[int]:
        """The scope of each leaf; scope 0 is the file."""
        ranges = sorted(
            {
                (node.start_byte, -node.end_byte, kind)
                for name, kind in _RANGES.items()
                for node in captured.get(name, ())
            }
        )
        ranges.append((1 << 62, 0, _OUTER))
        scopes: list[int] = []
        stack, at = [(1 << 62, 0)], 0
        for start in self.starts:
            while ranges[at][0] <= start:
                begin, end, kind = ranges[at]
                while stack[-1][0] <= begin:
                    stack.pop()
                around = stack[-1][1]
                if kind == _OUTER:
                    stack.append((-end, max(self.parent[around], 0)))
                else:
                    stack.append((-end, len(self.parent)))
                    self.parent.append(around)
                    self.kind.append(kind)
                    self.bound.append(set())
                    self.sent.append({})
                at += 1
            while stack[-1][0] <= start:
                stack.pop()
            scopes.append(stack[-1][1])
        return scopes

    def _bind(self, elsewhere: set[int], around_comprehensions: set[int]) -> None:
        for index, start in enumerate(self.starts):
            if start not in self.writes or start in elsewhere:
                continue
            scope = self.scopes[index]
            if start in around_comprehensions:
                while self.kind[scope] == _COMPREHENSION:
                    scope = self.parent[scope]
            self.bound[scope].add(self.texts[index])

    def _send(self, to_file: set[int], outwards: set[int]) -> None:
        for index, start in enumerate(self.starts):
            if start in to_file or start in outwards:
                scope, text = self.scopes[index], self.texts[index]
                self.sent[scope][text] = start in to_file
                if start in to_file and text in self.bound[scope]:
                    self.bound[0].add(text)

    def _owners(self, receivers: set[int]) -> dict[tuple[int, bytes], int]:
        """The parameters by which methods reach their own objects, and the scopes of their classes."""
        found = zip(self.starts, self.scopes, self.texts, strict=True)
        return {(scope, text): self.parent[scope] for start, scope, text in found if start in receivers}

    def _bind_words(self, words: set[bytes]) -> dict[tuple[int, bytes], int]:
        """Bind the words for a function's own object in every function but closures; those of methods as in `_owners`."""
        owners: dict[tuple[int, bytes], int] = {}
        for scope, around in enumerate(self.parent):
            if self.kind[scope] == _FUNCTION:
                self.bound[scope] |= words
                if around >= 0 and self.kind[around] == _CLASS:
                    owners |= {(scope, word): around for word in words}
        return owners

    def _make_members(self, parameters: set[int]) -> None:
        """Make a parameter that is a member too one variable with the member."""
        same: dict[tuple[int, bytes] | None, tuple[int, bytes]] = {
            (scope, text): (self.parent[scope], text)
            for start, scope, text in zip(self.starts, self.scopes, self.texts, strict=True)
            if start in parameters
        }
        self.variables = [same.get(variable, variable) for variable in self.variables]

    def _variables(
        self, members: set[int], owners: dict[tuple[int, bytes], int], sent_out: set[int]
    ) -> list[tuple[int, bytes] | None]:
        """The variable of every leaf; `owners`: for a variable that holds a method's own object, the class's scope."""
        seen: dict[tuple[int, bytes], tuple[int, bytes] | None] = {}
        found: list[tuple[int, bytes] | None] = []
        for index, start in enumerate(self.starts):
            scope, text = self.scopes[index], self.texts[index]
            if start in sent_out:
                found.append(None)
            elif start in members:
                holder = found[-1] if found else None
                owner = owners.get(holder) if holder is not None else None
                found.append(None if owner is None else (owner, text))
            elif self.kind[scope] == _CLASS and text in self.bound[scope] and text not in self.sent[scope]:
                found.append((scope, text))
            else:
                found.append(self._visible(scope, text, seen))
        return found

    def _visible(
        self, scope: int, text: bytes, seen: dict[tuple[int, bytes], tuple[int, bytes] | None]
    ) -> tuple[int, bytes] | None:
        """The variable that a name means in a scope, class bodies around it left out."""
        passed: list[int] = []
        here = scope
        while (here, text) not in seen:
            passed.append(here)
            to_file = self.sent[here].get(text)
            if to_file and here != 0:
                here = 0
            elif to_file is None and self.kind[here] != _CLASS and text in self.bound[here]:
                seen[here, text] = (here, text)
            elif here == 0:
                seen[here, text] = None
            else:
                here = self.parent[here]
        variable = seen[here, text]
        for one in passed:
            seen[one, text] = variable
        return variable


def _late(flows: list[dict[str, tree_sitter.Node]]) -> Iterator[tuple[int, int, int]]:
    """Ranges evaluated after text that stands behind them: (start, end, where that text ends), none inside another.

    Of nested ranges the outer one decides, for what it waits for stands behind all that is inside it.
    """
    ranges = []
    for flow in flows:
        late, first = (flow["target"], flow["value"]) if "target" in flow else (flow["body"], flow["clause"])
        if first.end_byte > late.start_byte:
            ranges.append((late.start_byte, -late.end_byte, first.end_byte))
    reached = -1
    for start, end, after in sorted(ranges):
        if start >= reached:
            yield start, -end, after
            reached = -end


def _chains(names: _Names, late: Iterator[tuple[int, int, int]]) -> tuple[array[int], array[int]]:
    """Each occurrence to the next of its variable, and each to the last before it that writes."""
    order = list(names.starts)
    for start, end, after in late:
        for index in range(bisect_left(names.starts, start), bisect_left(names.starts, end)):
            order[index] = after
    next_use, last_write = array("i"), array("i")
    latest: dict[tuple[int, bytes], int] = {}
    written: dict[tuple[int, bytes], int] = {}
    for index in sorted(range(len(order)), key=order.__getitem__):
        variable, start = names.variables[index], names.starts[index]
        if variable is None:
            continue
        if variable in latest:
            next_use.extend((latest[variable], start))
        if variable in written:
            last_write.extend((start, written[variable]))
        latest[variable] = start
        if start in names.writes:
            written[variable] = start
    return next_use, last_write


def _computed_from(names: _Names, flows: list[dict[str, tree_sitter.Node]]) -> array[int]:
    """Every leaf that an assignment writes to every name in its value. Names of libraries count: `n = int(text)`."""
    written = sorted(names.writes)
    read = [start for start in names.starts if start not in names.writes]
    edges = array("i")
    for flow in flows:
        if "target" not in flow:
            continue
        target, value = flow["target"], flow["value"]
        first = bisect_left(read, value.start_byte)
        sources = read[first : min(bisect_left(read, value.end_byte), first + MOST_SOURCES)]
        for start in written[bisect_left(written, target.start_byte) : bisect_left(written, target.end_byte)]:
            for source in sources:
                edges.extend((start, source))
    return edges
