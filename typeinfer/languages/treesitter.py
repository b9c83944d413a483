"""Tree-sitter: parsers and queries, made once a process. In: bytes and a grammar; out: trees and captures."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path

import tree_sitter

from typeinfer.values.source import Span


@cache
def _parser(language: tree_sitter.Language) -> tree_sitter.Parser:
    return tree_sitter.Parser(language)


def parse(language: tree_sitter.Language, data: bytes | bytearray) -> tree_sitter.Tree:
    return _parser(language).parse(data)


def reparse(
    language: tree_sitter.Language, tree: tree_sitter.Tree, data: bytes, start: int, old_end: int, new_end: int
) -> tree_sitter.Tree:
    """The tree of a text that is the one of `tree`, which is of no use afterwards, but for the bytes from `start`: what was there
    up to `old_end` is another text now, up to `new_end`. None of the two has a line end."""
    row = data.count(b"\n", 0, start)
    column = start - (data.rfind(b"\n", 0, start) + 1)
    tree.edit(start, old_end, new_end, (row, column), (row, column + old_end - start), (row, column + new_end - start))
    return _parser(language).parse(data, tree)


def grammar_folder() -> Path:
    """Where `grammars/` lies: inside the installed package, or beside it in a checkout."""
    package = Path(str(files("typeinfer")))
    inside = package / "grammars"
    return inside if inside.is_dir() else package.parent / "grammars"


@cache
def query(language: tree_sitter.Language, folder: str, name: str) -> tree_sitter.Query:
    """The query `grammars/<folder>/<name>.scm`, and behind it `<name>.<kind>.scm` for every kind of node that is named so
    and that this grammar has: a query that asks for nodes which a grammar lacks can't be made.
    """
    queries = grammar_folder() / folder
    paths = [queries / f"{name}.scm"]
    for path in sorted(queries.glob(f"{name}.*.scm")):
        if language.id_for_node_kind(path.suffixes[0].removeprefix("."), True) is not None:
            paths.append(path)
    return tree_sitter.Query(language, "".join(path.read_text(encoding="utf-8") for path in paths))


def captures(
    language: tree_sitter.Language,
    folder: str,
    name: str,
    node: tree_sitter.Node,
    within: tuple[int, int] | None = None,
) -> dict[str, list[tree_sitter.Node]]:
    """The nodes below one by the names that a query gives them; of those around some bytes alone where these are told."""
    cursor = tree_sitter.QueryCursor(query(language, folder, name))
    if within is not None:
        cursor.set_byte_range(*within)
    return cursor.captures(node)


def span_of(node: tree_sitter.Node) -> Span:
    return Span(node.start_byte, node.end_byte)


def text_of(node: tree_sitter.Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def walk(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    """Every named node below and including `node`, in source order, without recursion: files nest 5,000 deep."""
    stack = [node]
    while stack:
        here = stack.pop()
        yield here
        stack.extend(reversed(here.named_children))


def below(node: tree_sitter.Node, depth: int) -> tree_sitter.Node | None:
    """A node that lies more than so many levels below one, if any does. Looks into what is large enough to be so deep alone."""
    stack = [(node, 0)]
    while stack:
        here, level = stack.pop()
        if level > depth:
            return here
        stack += [(child, level + 1) for child in here.children if child.descendant_count > depth - level]
    return None


def unread(node: tree_sitter.Node) -> int:
    """Bytes that the grammar made nothing of, and one for each leaf that it misses."""
    count, stack = 0, [node]
    while stack:
        here = stack.pop()
        if here.is_error or here.is_missing:
            count += max(1, here.end_byte - here.start_byte)
        elif here.has_error:
            stack.extend(here.children)
    return count
