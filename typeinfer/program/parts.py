"""Parts: what the files of a project import in; groups of files that have nothing to do with each other out.

What a file doesn't import and isn't imported by, through whatever hands it on, and what offers it nothing, tells nothing of it: a
part is a project of its own. Small ones are put together up to `ROOM`, so that what a run holds is bounded by the largest of them
and not by the whole; an edit leaves the others as they were.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from posixpath import commonpath, dirname

from typeinfer.languages import language_of
from typeinfer.values.module import Module

ROOM = 1_000_000
"""Bytes of source, some 25,000 lines: what costs a second to check, and holds a part's share of memory under a gigabyte."""

GRAIN = 65_536
"""Sizes are rounded up to a multiple of this: an edit hardly ever moves files from one part to another."""

CRUMB = 8
"""Groups of at most this part of `ROOM` go to their neighbours, whether there is room or not: scripts beside a large package."""

Group = tuple[str, ...]
Part = tuple[str, ...]


def groups(modules: Mapping[str, Module], paths: Iterable[str], together: Iterable[str] = ()) -> list[Group]:
    """The paths that have to do with each other, in order. `modules`: with their names and imports, the rest of them isn't looked
    at; `paths`: of all files, those too that can't be read; `together`: of files that may have to do with each other without an
    import."""
    import networkx as nx  # A tenth of a second, and the parts of a project are mostly remembered.

    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(paths)
    nx.add_path(graph, together)
    by_name: dict[str, list[str]] = defaultdict(list)
    for path, module in modules.items():
        by_name[module.name].append(path)
    for path, module in modules.items():
        for name in _loaded_by(module):
            graph.add_edges_from((path, other) for other in _nearest(path, by_name.get(name, ())))
        language = language_of(path)
        offering = language.offering(path) if language is not None else ()
        graph.add_edges_from((path, other) for other in offering if other in modules)
    return sorted(tuple(sorted(group)) for group in nx.connected_components(graph))


def packed(groups: Sequence[Group], sizes: Mapping[str, int]) -> list[Part]:
    """Parts made of groups in order, neighbours together while there is room. `sizes`: in bytes."""
    found: list[list[str]] = []
    left = 0
    for group in groups:
        size = -(-sum(sizes[path] for path in group) // GRAIN) * GRAIN
        # What is as good as nothing beside a part is none of its own.
        if not found or (size > left and size > ROOM // CRUMB):
            found.append([])
            left = ROOM
        found[-1] += group
        left -= size
    return [tuple(sorted(part)) for part in found]


def _loaded_by(module: Module) -> Iterator[str]:
    """The names of all that may be loaded with a module: the packages that it is in, and what it imports with theirs."""
    yield from _with_packages(module.name)
    for found in module.imports:
        yield from _with_packages(found.module)
        if found.name is not None:
            yield f"{found.module}.{found.name}"


def _with_packages(name: str) -> Iterator[str]:
    return accumulate(name.split("."), "{}.{}".format)


def _nearest(path: str, others: Sequence[str]) -> Iterable[str]:
    """Of files of one name, every project of a tree having its `tests`, those that share most folders with a file."""
    if len(others) < 2:
        return others
    # What a file shares with others begins with its own path: the longer, the more folders.
    shared = {other: len(commonpath([dirname(path), dirname(other)])) for other in others}
    most = max(shared.values())
    return [other for other in others if shared[other] == most]
