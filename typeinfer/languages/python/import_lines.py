"""Import lines: names that a file needs in, insertions that import them out, where isort would have put them.

A name joins the statement that imports from the same module already, else gets a line in its section. Sections are
those of isort: future, standard library, third party, the project's own, relative. Knows nothing of types.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tree_sitter import Node

from typeinfer.values.module import Module
from typeinfer.values.patches import Edit
from typeinfer.values.source import Span

LINE_LENGTH = 88
"""Beyond this an import is broken over lines, unless the file has longer ones: black's and ruff's own limit."""

Key = tuple[int, int, str, int]


@dataclass(frozen=True)
class ImportedName:
    """`from module import name as alias`; without `name`, `import module`. `type_only`: for the type checker's eyes."""

    module: str
    name: str | None
    alias: str | None = None
    type_only: bool = False

    @property
    def qualified(self) -> str:
        return f"{self.module}.{self.name}" if self.name else self.module

    @property
    def local(self) -> str:
        return self.alias or self.name or self.module.partition(".")[0]

    @property
    def item(self) -> str:
        return f"{self.name} as {self.alias}" if self.alias else self.name or ""


@dataclass(frozen=True)
class Statement:
    """An import statement that is there, or (`node` None) a place that others stand behind: a docstring."""

    node: Node
    key: Key
    module: str | None
    index: int


@dataclass(frozen=True)
class ImportStyle:
    """What is the file's own about its imports: how it writes a module's name, and which section that falls into."""

    write_module: Callable[[str], str]
    is_library: Callable[[str], bool]
    own_package: str

    def key(self, written: str, absolute: str, is_from: bool, aliased: bool) -> Key:
        if written.startswith("."):
            dots = written[: len(written) - len(written.lstrip("."))]
            return 4, int(is_from), f"{dots}_{written[len(dots) :]}".lower(), int(aliased)
        top = absolute.partition(".")[0]
        if absolute == "__future__" and is_from:
            section = 0
        elif self.is_library(absolute) or self.is_library(top):
            section = 1
        else:
            section = 3 if top == self.own_package else 2
        return section, int(is_from), written.lower(), int(aliased)


class ImportLines:
    """The imports at the head of one file. `limit`: the byte before which new ones must stand."""

    def __init__(self, module: Module, root: Node, style: ImportStyle, limit: int) -> None:
        self.data, self.style = module.file.data, style
        self.newline = module.file.newline
        self.root = root
        self.absolute = {found.span.start: found.module for found in module.imports}
        self.docstring = _docstring_index(root)
        self.head = [found for found in self._statements(root.children) if found.node.start_byte < limit]
        self.block = self._type_checking_block()
        self.indent = _indent_of(root, self.data)
        lengths = (self._line_end(found.node.start_byte) - found.node.start_byte for found in self.head)
        self.line_length = max((LINE_LENGTH, *lengths))

    def place(self, wanted: Sequence[ImportedName], guard: str) -> list[Edit]:
        """Insertions for all names; `guard` is how the file says `TYPE_CHECKING`."""
        run_time = [name for name in wanted if not name.type_only]
        type_only = [name for name in wanted if name.type_only]
        edits, new = self._merge(run_time, self.head)
        lines = self._new_lines(new, "")
        block_text = ""
        if type_only and self.block is not None:
            merged, new = self._merge(type_only, self.block)
            edits += merged
            edits += self._insert_lines(self._new_lines(new, self._block_indent()), self.block, self._block_indent())
        elif type_only:
            inside, _ = self._rows(sorted(self._new_lines(type_only, self.indent)), self.indent, None)
            block_text = f"if {guard}:{self.newline}{inside.removesuffix(self.newline)}"
        return edits + self._insert_lines(lines, self.head, "", block_text)

    # --- what is there ----------------------------------------------------------------------------------------------

    def _statements(self, nodes: Sequence[Node]) -> list[Statement]:
        found = []
        for index, node in enumerate(nodes):
            if node.type not in ("import_statement", "import_from_statement", "future_import_statement"):
                continue
            absolute = self.absolute.get(node.start_byte)
            if absolute is None:
                continue
            source = node.child_by_field_name("module_name")
            names = node.children_by_field_name("name")
            is_from = node.type != "import_statement"
            written = absolute if source is None else _text(source)
            aliased = bool(names) and all(name.type == "aliased_import" for name in names)
            key = self.style.key(written, absolute, is_from, aliased)
            found.append(Statement(node, key, absolute if is_from else None, index))
        return found

    def _type_checking_block(self) -> list[Statement] | None:
        """The imports of an `if TYPE_CHECKING:` at the top level, if they can be added to."""
        for node in self.root.children:
            condition = node.child_by_field_name("condition") if node.type == "if_statement" else None
            if condition is None or _text(condition).rpartition(".")[2] != "TYPE_CHECKING":
                continue
            body = node.child_by_field_name("consequence")
            if body is None or body.start_point.row == node.start_point.row:
                continue
            if statements := self._statements(body.children):
                return statements
        return None

    def _block_indent(self) -> str:
        assert self.block
        node = self.block[0].node
        return self.data[self._line_start(node.start_byte) : node.start_byte].decode()

    # --- joining a statement that is there --------------------------------------------------------------------------

    def _merge(
        self, wanted: Iterable[ImportedName], statements: Sequence[Statement]
    ) -> tuple[list[Edit], list[ImportedName]]:
        """Edits that add names to statements, and the names that found none."""
        edits: list[Edit] = []
        left: list[ImportedName] = []
        by_statement: dict[int, list[ImportedName]] = defaultdict(list)
        holders = {}
        for name in wanted:
            same = (statement for statement in statements if statement.module == name.module and not statement.key[3])
            holder = next((statement for statement in same if _is_plain(statement.node)), None)
            if name.name is None or name.alias is not None or holder is None:
                left.append(name)
            else:
                by_statement[holder.node.start_byte].append(name)
                holders[holder.node.start_byte] = holder.node
        for start, names in by_statement.items():
            joined = self._join(holders[start], sorted(name.item for name in names))
            if joined is None:
                left += names
            else:
                edits += joined
        return edits, left

    def _join(self, node: Node, items: list[str]) -> list[Edit] | None:
        """Add items to a from-import, each in sorted position; None where that can't be done."""
        names = node.children_by_field_name("name")
        listed = [_text(name) for name in names]
        in_order = listed == sorted(listed, key=_item_key)
        before: dict[int, list[str]] = defaultdict(list)
        for item in sorted(items, key=_item_key):
            later = (at for at, other in enumerate(listed) if in_order and _item_key(other) > _item_key(item))
            before[next(later, len(listed))].append(item)
        opening = next((child for child in node.children if child.type == "("), None)
        if opening is not None and self._one_a_line(names, opening):
            return [self._new_row(node, opening, names, at, new) for at, new in before.items()]
        edits = []
        for at, new in before.items():
            anchor = names[at].start_byte if at < len(names) else names[-1].end_byte
            text = "".join(f"{item}, " for item in new) if at < len(names) else "".join(f", {item}" for item in new)
            row = self.data[self._line_start(anchor) : self._line_end(anchor)].decode()
            if len(row.rstrip()) + sum(len(item) + 2 for item in items) > self.line_length:
                return self._broken(node, opening, names, before)
            edits.append(Edit(Span(anchor, anchor), text))
        return edits

    def _broken(
        self, node: Node, opening: Node | None, names: Sequence[Node], before: dict[int, list[str]]
    ) -> list[Edit] | None:
        """The list of names with a name a line; None where a comment would come to stand elsewhere by it."""
        start = names[0].start_byte if opening is None else opening.start_byte
        end = names[-1].end_byte if opening is None else node.end_byte
        if b"#" in self.data[start : self._line_end(end)]:
            return None
        items = [item for at, name in enumerate(names) for item in (*before.get(at, ()), _text(name))]
        items += before.get(len(names), [])
        margin = self.data[self._line_start(node.start_byte) : node.start_byte].decode()
        margin = margin if not margin.strip() else ""
        rows = "".join(f"{self.newline}{margin}{self.indent}{item}," for item in items)
        return [Edit(Span(start, end), f"({rows}{self.newline}{margin})")]

    def _one_a_line(self, names: Sequence[Node], opening: Node) -> bool:
        rows = [opening.start_point.row, *(name.start_point.row for name in names)]
        closing = opening.parent.children[-1] if opening.parent is not None else opening
        return len(set(rows)) == len(rows) and closing.start_point.row > names[-1].end_point.row

    def _new_row(self, node: Node, opening: Node, names: Sequence[Node], at: int, items: list[str]) -> Edit:
        """A row behind the one before it, comment included: a comment above a name stays above that name."""
        above = opening if at == 0 else names[at - 1]
        indent = self.data[self._line_start(names[0].start_byte) : names[0].start_byte].decode()
        rows = [f"{self.newline}{indent}{item}," for item in items]
        end = self._line_end(above.end_byte)
        comma = any(child.type == "," and above.end_byte <= child.start_byte for child in node.children)
        if at < len(names) or comma:
            return Edit(Span(end, end), "".join(rows))
        # The last name has no comma behind it: it gets one, and the new last goes without.
        tail = self.data[above.end_byte : end].decode()
        return Edit(Span(above.end_byte, end), "," + tail + "".join(rows)[:-1])

    # --- lines of their own -----------------------------------------------------------------------------------------

    def _new_lines(self, wanted: Iterable[ImportedName], indent: str) -> list[tuple[Key, str]]:
        lines: list[tuple[Key, str]] = []
        together: dict[str, list[str]] = defaultdict(list)
        for name in wanted:
            written = self.style.write_module(name.module)
            key = self.style.key(written, name.module, name.name is not None, name.alias is not None)
            if name.name is None:
                lines.append((key, f"import {name.module}" + (f" as {name.alias}" if name.alias else "")))
            elif name.alias is not None:
                lines.append((key, self._from_import(written, [name.item], indent)))
            else:
                together[name.module].append(name.item)
        for module, items in together.items():
            written = self.style.write_module(module)
            line = self._from_import(written, sorted(items, key=_item_key), indent)
            lines.append((self.style.key(written, module, True, False), line))
        return lines

    def _from_import(self, written: str, items: Sequence[str], indent: str) -> str:
        line = f"from {written} import {', '.join(items)}"
        if len(indent) + len(line) <= self.line_length:
            return line
        rows = "".join(f"{self.newline}{indent}{self.indent}{item}," for item in items)
        return f"from {written} import ({rows}{self.newline}{indent})"

    def _insert_lines(
        self, lines: list[tuple[Key, str]], present: Sequence[Statement], indent: str, block: str = ""
    ) -> list[Edit]:
        """Each line behind the statement it sorts after; the block behind them all."""
        behind: dict[int, list[tuple[Key, str]]] = defaultdict(list)
        before: dict[int, list[tuple[Key, str]]] = defaultdict(list)
        for key, line in sorted(lines):
            at, is_first = _place_of(key, [statement.key for statement in present])
            if at < 0 and indent:
                # Nothing but the block's own imports stands in a block.
                at, is_first = 0, True
            if is_first and not self._under_comment(present[at].node):
                before[at].append((key, line))
            else:
                behind[at].append((key, line))
        last = len(present) - 1
        if block and last not in behind:
            behind[last] = []
        edits = []
        for at, new in behind.items():
            ending = block if at == last else ""
            if at < 0:
                edits.append(self._insert_first(new, present, ending))
            else:
                edits.append(self._insert_behind(present, at, new, indent, ending))
        for at, new in before.items():
            text, section = self._rows(new, indent, None)
            parted = self.newline if present[at].key[0] != section else ""
            edits.append(self._insertion(self._line_start(present[at].node.start_byte), text + parted))
        return edits

    def _rows(self, lines: list[tuple[Key, str]], indent: str, section: int | None) -> tuple[str, int | None]:
        """The lines in order, a blank one where a section begins; and the section that they end in."""
        text = ""
        for key, line in lines:
            text += (self.newline if section not in (None, key[0]) else "") + indent + line + self.newline
            section = key[0]
        return text, section

    def _under_comment(self, node: Node) -> bool:
        """Whether a comment stands on the line above: it speaks of that statement and shall stay with it."""
        start = self._line_start(node.start_byte)
        return self.data[self._line_start(start - 1) : start].lstrip().startswith(b"#") if start else False

    def _insert_behind(
        self, present: Sequence[Statement], at: int, new: list[tuple[Key, str]], indent: str, block: str
    ) -> Edit:
        statement = present[at]
        siblings = statement.node.parent.children if statement.node.parent is not None else [statement.node]
        offset = self._behind(siblings, statement.index)
        text, section = self._rows(new, indent, statement.key[0])
        text += self.newline + block + self.newline if block else ""
        following = present[at + 1] if at + 1 < len(present) else None
        if not self._blank_at(offset):
            abuts = following is not None and self._line_start(following.node.start_byte) == offset
            if block or (abuts and following is not None and following.key[0] != section):
                text += self.newline
        return self._insertion(offset, text)

    def _insert_first(self, new: list[tuple[Key, str]], present: Sequence[Statement], block: str) -> Edit:
        """Before all imports: behind the docstring, or on top below the comments that head the file."""
        text, section = self._rows(new, "", None)
        if block:
            text += (self.newline if text else "") + block + self.newline
        if self.docstring is not None:
            offset = self._behind(self.root.children, self.docstring)
            text = self.newline + text
            if not self._blank_at(offset):
                text += self.newline
            return self._insertion(offset, text)
        statements = [child for child in self.root.children if child.type not in ("comment", "\n")]
        first = statements[0] if statements else None
        if first is None:
            return self._insertion(len(self.data), text)
        offset = self._line_start(first.start_byte)
        if present and first == present[0].node:
            return self._insertion(offset, text + (self.newline if present[0].key[0] != section else ""))
        gap = 2 if first.type in ("function_definition", "class_definition", "decorated_definition") else 1
        return self._insertion(offset, text + self.newline * gap)

    # --- lines and bytes --------------------------------------------------------------------------------------------

    def _insertion(self, offset: int, text: str) -> Edit:
        if offset == len(self.data) and self.data and not self.data.endswith((b"\n", b"\r")):
            # The file ends without a line end, and shall go on doing so.
            text = self.newline + text.removesuffix(self.newline)
        return Edit(Span(offset, offset), text)

    def _line_start(self, offset: int) -> int:
        return self.data.rfind(b"\n", 0, offset) + 1

    def _line_end(self, offset: int) -> int:
        """Where the line ends, before its line end."""
        end = self.data.find(b"\n", offset)
        end = len(self.data) if end < 0 else end
        return end - 1 if self.data[end - 1 : end] == b"\r" and end > offset else end

    def _behind(self, siblings: Sequence[Node], index: int) -> int:
        """The start of the line behind a statement and all that shares its last line."""
        end = siblings[index].end_byte
        for sibling in siblings[index + 1 :]:
            if b"\n" in self.data[end : sibling.start_byte]:
                break
            end = max(end, sibling.end_byte)
        found = self.data.find(b"\n", end)
        return len(self.data) if found < 0 else found + 1

    def _blank_at(self, offset: int) -> bool:
        return not self.data[offset : self._line_end(offset)].strip()


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8")


def _item_key(item: str) -> tuple[str, str]:
    """isort's order by type: constants, classes, the rest."""
    name = item.split()[0]
    kind = "A" if name.isupper() and len(name) > 1 else "B" if name[:1].isupper() else "C"
    return kind, name.lower()


def _place_of(key: Key, present: Sequence[Key]) -> tuple[int, bool]:
    """The index of the statement to stand behind (-1: before all), or, with True, of the one to stand just before."""
    same = [at for at, other in enumerate(present) if other[0] == key[0]]
    fitting = [at for at in same if present[at] <= key]
    if same:
        return (fitting[-1], False) if fitting else (same[0], True)
    lower = [at for at, other in enumerate(present) if other[0] < key[0]]
    return (lower[-1], False) if lower else (-1, False)


def _is_plain(node: Node) -> bool:
    """A from-import whose list can be added to: no star, no line continued by a backslash, no error within."""
    if node.has_error or any(child.type == "wildcard_import" for child in node.children):
        return False
    if not node.children_by_field_name("name"):
        return False
    parenthesised = any(child.type == "(" for child in node.children)
    return parenthesised or node.start_point.row == node.end_point.row


def _docstring_index(root: Node) -> int | None:
    for index, child in enumerate(root.children):
        if child.type == "comment":
            continue
        literal = child.named_children[0] if child.type == "expression_statement" and child.named_children else None
        return index if literal is not None and literal.type in ("string", "concatenated_string") else None
    return None


def _indent_of(root: Node, data: bytes) -> str:
    """One level of indentation as the file writes it first."""
    stack = list(reversed(root.children))
    while stack:
        node = stack.pop()
        if node.type == "block" and node.start_point.column:
            row = data[data.rfind(b"\n", 0, node.start_byte) + 1 : node.start_byte]
            if row and not row.strip(b" \t"):
                return row.decode()
        stack.extend(reversed([child for child in node.named_children if child.type in _HOLD_BLOCKS]))
    return "    "


_HOLD_BLOCKS = frozenset(
    (
        "block class_definition function_definition decorated_definition if_statement else_clause elif_clause "
        "try_statement except_clause finally_clause for_statement while_statement with_statement"
    ).split()
)
