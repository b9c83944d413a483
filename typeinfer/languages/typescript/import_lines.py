"""Import lines: names that a file needs in, insertions that import them out, in the file's own style.

For annotations imports are of types alone (`import type`), which no compiler leaves in the JavaScript; what is to be there when
the program runs is imported plainly. Knows nothing of annotations.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from tree_sitter import Node

from typeinfer.languages import treesitter
from typeinfer.values.module import Module
from typeinfer.values.naming import NamesInScope
from typeinfer.values.patches import Edit
from typeinfer.values.source import Span

SOURCE = re.compile(r"""(?:\bfrom|\bimport|\bimport\s*\(|\brequire\s*\()\s*(["'])(?P<specifier>[^"'\n]+)\1""")
SUFFIX = re.compile(r"(?P<declares>\.d)?(?P<suffix>\.(?:[cm]?[jt]s|[jt]sx))$")
COMPILED = {".ts": ".js", ".tsx": ".js", ".mts": ".mjs", ".cts": ".cjs"}

# Comments that speak to a tool or a lawyer of the whole file.
OF_THE_FILE = re.compile(
    r"^(?:///|/\*!)|@ts-(?:no)?check|@(?:jsx|license|licence|copyright|preserve|file|fileoverview|overview|module|flow)"
    r"|\b(?:eslint|tslint|prettier|biome|oxlint|istanbul|c8|v8)\b|copyright|licen[sc]ed?\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ImportedName:
    """`import { name as local } from "specifier"`; the name `default` is the default export."""

    specifier: str
    name: str
    local: str

    @property
    def item(self) -> str:
        return self.name if self.name == self.local else f"{self.name} as {self.local}"


class Specifiers:
    """How one file writes the modules that it imports from."""

    def __init__(self, module: Module, names: NamesInScope) -> None:
        self.module, self.names = module, names
        self.folder = posixpath.dirname(module.file.path)
        self.written: dict[str, str] = {}
        for found in module.imports:
            sources = list(SOURCE.finditer(module.file.at(found.span)))
            if sources:
                self.written.setdefault(found.module, sources[-1]["specifier"])

    def of(self, module: str) -> str | None:
        """The specifier of a module: as this file writes it already, by its path from here, or as it is called."""
        if module in self.written:
            return self.written[module]
        path = self.names.path_of(module)
        if path is None:
            return module if _is_package(module) else None
        return self._relative(path)

    def _relative(self, path: str) -> str:
        found = SUFFIX.search(path)
        stem, declares, suffix = (
            (path, "", "") if found is None else (path[: found.start()], found["declares"], found[2])
        )
        bare = not self._suffix_habit
        if bare and stem.endswith("/index") and not self._spells_index:
            stem = stem[: -len("/index")]
        relative = posixpath.relpath(stem, self.folder or ".")
        if not relative.startswith("."):
            relative = f"./{relative}"
        if bare:
            return relative
        as_source = self._suffix_habit in COMPILED
        return relative + (f"{declares or ''}{suffix}" if as_source else COMPILED.get(suffix, suffix))

    @cached_property
    def _relatives(self) -> list[str]:
        return [specifier for specifier in self.written.values() if specifier.startswith(".")]

    @cached_property
    def _suffix_habit(self) -> str:
        """The suffix that this file's relative imports end in most, or nothing."""
        habits = Counter(found["suffix"] if (found := SUFFIX.search(said)) else "" for said in self._relatives)
        if habits:
            return habits.most_common(1)[0][0]
        # Node reads these by their full names alone.
        return ".js" if self.module.file.path.endswith((".mts", ".cts", ".js", ".mjs", ".cjs")) else ""

    @cached_property
    def _spells_index(self) -> bool:
        return any(said.endswith("/index") for said in self._relatives)


def _is_package(module: str) -> bool:
    """Whether a name is imported as it stands; a path into the folder of installed packages is not."""
    return bool(module) and not module.startswith((".", "/")) and "node_modules" not in module


@dataclass(frozen=True)
class Style:
    """How one file writes: its quotes, whether statements end with a semicolon, and line ends."""

    quote: str
    semicolon: str
    newline: str
    padding: str


def style_of(module: Module, root: Node) -> Style:
    data = module.file.data
    imports = [node for node in root.named_children if node.type in ("import_statement", "export_statement")]
    sources = [source for node in imports if (source := node.child_by_field_name("source")) is not None]
    single = sum(data[source.start_byte : source.start_byte + 1] == b"'" for source in sources)
    double = len(sources) - single
    if single == double:
        single, double = data.count(b"'"), data.count(b'"')
    ended = [node for node in root.named_children if node.type in _ENDED]
    ended = ended or [node for node in treesitter.walk(root) if node.type in _ENDED]
    closed = sum(data[node.end_byte - 1 : node.end_byte] == b";" for node in ended)
    braces = [clause for node in imports for clause in _clauses(node)]
    tight = sum(data[clause.start_byte + 1 : clause.start_byte + 2] not in (b" ", b"\n", b"\r") for clause in braces)
    return Style(
        "'" if single > double else '"',
        ";" if closed * 2 >= len(ended) else "",
        module.file.newline,
        "" if tight * 2 > len(braces) else " ",
    )


_ENDED = frozenset(
    "import_statement lexical_declaration variable_declaration expression_statement return_statement".split()
)


def _clauses(statement: Node) -> list[Node]:
    clauses = [child for child in statement.named_children if child.type == "import_clause"]
    return [part for clause in clauses for part in clause.named_children if part.type == "named_imports"]


class ImportLines:
    """The imports at the head of one file; those of types alone, `import type`, or all others."""

    def __init__(self, module: Module, root: Node, style: Style, type_only: bool = True) -> None:
        self.data, self.style, self.root, self.type_only = module.file.data, style, root, type_only
        self.imports = [child for child in root.named_children if child.type == "import_statement"]

    def place(self, wanted: Iterable[ImportedName]) -> list[Edit]:
        """Insertions for all names: into the statement that imports from their module, or as new lines."""
        by_source: dict[str, list[ImportedName]] = defaultdict(list)
        for imported in wanted:
            by_source[imported.specifier].append(imported)
        edits: list[Edit] = []
        lines: list[str] = []
        for specifier, group in sorted(by_source.items()):
            lines += [self._line(f"{one.local}", specifier) for one in group if one.name == "default"]
            named = sorted((one for one in group if one.name != "default"), key=lambda one: one.item.lower())
            if not named:
                continue
            clause = self._clause(specifier)
            if clause is not None:
                edits += self._join(clause, [one.item for one in named])
            else:
                pad = self.style.padding
                lines.append(self._line(f"{{{pad}{', '.join(one.item for one in named)}{pad}}}", specifier))
        return [*edits, self._insert(lines)] if lines else edits

    def _line(self, what: str, specifier: str) -> str:
        quote = self.style.quote
        keyword = "import type" if self.type_only else "import"
        return f"{keyword} {what} from {quote}{specifier}{quote}{self.style.semicolon}"

    # --- joining a statement that is there --------------------------------------------------------------------------

    def _clause(self, specifier: str) -> Node | None:
        """The braces of an import from this module."""
        for node in self.imports:
            source = node.child_by_field_name("source")
            is_type = any(child.type == "type" for child in node.children)
            if (
                is_type != self.type_only
                or source is None
                or (source.text or b"")[1:-1].decode() != specifier
                or node.has_error
            ):
                continue
            for clause in _clauses(node):
                if any(child.type == "import_specifier" for child in clause.named_children):
                    return clause
        return None

    def _join(self, clause: Node, items: Sequence[str]) -> list[Edit]:
        """Each item before the first one that sorts behind it, where they are sorted, else at the end."""
        listed = [child for child in clause.named_children if child.type == "import_specifier"]
        keys = [(node.text or b"").decode().lower() for node in listed]
        ordered = keys == sorted(keys)
        row = self.data[self.data.rfind(b"\n", 0, listed[-1].start_byte) + 1 : listed[-1].start_byte]
        own_rows = listed[-1].start_point.row > clause.start_point.row and not row.strip()
        gap = f"{self.style.newline}{row.decode()}" if own_rows else " "
        at_end = [item for item in items if not ordered or item.lower() > keys[-1]]
        edits: list[Edit] = []
        for item in items:
            if item in at_end:
                continue
            behind = next(node for node, key in zip(listed, keys, strict=True) if key >= item.lower())
            edits.append(Edit(Span(behind.start_byte, behind.start_byte), f"{item},{gap}"))
        if at_end:
            end = listed[-1].end_byte
            edits.append(Edit(Span(end, end), "".join(f",{gap}{item}" for item in at_end)))
        return edits

    # --- lines of their own -----------------------------------------------------------------------------------------

    def _insert(self, lines: Sequence[str]) -> Edit:
        newline = self.style.newline
        head = self._head()
        if head is not None:
            end = self._line_end(head.end_byte)
            if self._ends_line(head):
                return Edit(Span(end, end), "".join(f"{newline}{line}" for line in lines))
            at = self._line_start(head.start_byte)
            return Edit(Span(at, at), "".join(f"{line}{newline}" for line in lines))
        at, above = self._top()
        text = "".join(f"{line}{newline}" for line in lines)
        if above and self.data[at - 1 : at] not in (b"\n", b"\r"):
            return Edit(Span(at, at), newline + text.removesuffix(newline))
        if self.data[at : self._line_end(at)].strip():
            text += newline
        return Edit(Span(at, at), text)

    def _head(self) -> Node | None:
        """The last import of those that the file begins with."""
        last = None
        for child in self.root.named_children:
            if child.type == "import_statement":
                last = child
            elif last is not None and child.type != "comment":
                break
        return last

    def _ends_line(self, node: Node) -> bool:
        rest = self.data[node.end_byte : self._line_end(node.end_byte)].strip()
        return not rest or rest.startswith(b"//") or (rest.startswith(b"/*") and rest.endswith(b"*/"))

    def _top(self) -> tuple[int, bool]:
        """The start of the line for a first import, and whether anything stands above it: a hashbang, directives and
        the comments that speak of the whole file."""
        at, above = 0, False
        children = self.root.children
        for index, child in enumerate(children):
            if child.type == "comment":
                following = children[index + 1] if index + 1 < len(children) else None
                gap = self.data[child.end_byte : following.start_byte] if following is not None else b""
                apart = gap.count(b"\n") > 1 or following is None
                if not (apart or OF_THE_FILE.search((child.text or b"").decode("utf-8", "replace"))):
                    if following is not None and following.type == "comment":
                        continue
                    break
            elif child.type != "hash_bang_line" and not _is_directive(child):
                break
            end = self._line_end(child.end_byte)
            at, above = min(end + self._newline_at(end), len(self.data)), True
        return at, above

    def _line_start(self, offset: int) -> int:
        return self.data.rfind(b"\n", 0, offset) + 1

    def _line_end(self, offset: int) -> int:
        """Where the line ends, before its line end."""
        end = self.data.find(b"\n", offset)
        end = len(self.data) if end < 0 else end
        return end - 1 if self.data[end - 1 : end] == b"\r" and end > offset else end

    def _newline_at(self, offset: int) -> int:
        return 2 if self.data[offset : offset + 2] == b"\r\n" else 1


def _is_directive(node: Node) -> bool:
    """`"use strict"`, `"use client"`."""
    inner = node.named_children if node.type == "expression_statement" else []
    return len(inner) == 1 and inner[0].type == "string"
