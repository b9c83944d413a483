"""Erasure: a file before and after in; nothing out, or `NotErasable` saying what differs besides annotations.

The law: take the annotations and the imports added for them out of the result, and the syntax tree is the one before,
comments and whitespace included. Outside the edits not a byte may differ; and LibCST, which shares nothing with what
made the edits, reads both files, and the two trees are walked side by side. Allowed to differ: annotations that only
the result has, `x = v` become `x: T = v` with the spaces around its sign, imports of the names in `added_imports`, and
blank lines beside such imports. A large table of constants that stands untouched in both is the same in both: LibCST, which would
take seconds for it, reads a small one in its place, of which there is no other.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import fields
from functools import cache
from hashlib import blake2b
from typing import TypeAlias

import libcst as cst

from typeinfer.languages import treesitter
from typeinfer.languages.language import NotErasable
from typeinfer.languages.python.syntax import PYTHON, by_python
from typeinfer.values.patches import Edit, Rewrite, apply_edits
from typeinfer.values.source import SourceFile, Span

MAX_DEPTH = 400
"""Trees deeper than this are not given to LibCST: its parser ends the process by a stack overflow near 3,000."""

LARGE = 20_000
"""Bytes of a table from which on it pays to leave it out: LibCST takes a tenth of a second for as many, of both files."""

_CONSTANT = (ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.UnaryOp, ast.USub, ast.Load)

Part: TypeAlias = "cst.CSTNode | Sequence[cst.CSTNode] | str | bool | cst.MaybeSentinel | None"


def prove_erasable(before: SourceFile, after: SourceFile, rewrite: Rewrite) -> None:
    """Raise `NotErasable` unless `after` is `before` plus annotations and the imports in `rewrite.added_imports`."""
    for file in (before, after):
        _refuse_deep(file)
    if apply_edits(before.data, rewrite.edits) != after.data:
        raise NotErasable("the result is not what its edits make of the file")
    try:
        if not _is_proven_without_tables(before, after, rewrite):
            _Proof(_read(before), _read(after), before, rewrite).run()
    except RecursionError:
        raise NotErasable("nests too deep to be compared") from None
    _refuse_uncompilable(before, after)


def _is_proven_without_tables(before: SourceFile, after: SourceFile, rewrite: Rewrite) -> bool:
    """Where there is any to leave out. What can't be proven so is looked at whole, so that whoever is told reads of the file as it
    is."""
    tables = list(_tables(before, rewrite.edits))
    if not tables:
        return False
    # Another literal in place of each, that stands nowhere else on either side: no edit can bring one, nor have two change places.
    unheard_of = blake2b(before.data + after.data, digest_size=16).hexdigest()
    if unheard_of.encode() in before.data or unheard_of.encode() in after.data:
        return False
    try:
        one = _read(_without(before, [span for span, _ in tables], unheard_of))
        two = _read(_without(after, [span for _, span in tables], unheard_of))
        _Proof(one, two, before, rewrite).run()
    except NotErasable:
        return False
    return True


def _tables(before: SourceFile, edits: Sequence[Edit]) -> Iterator[tuple[Span, Span]]:
    """Literals that are large, hold constants alone, are all that a variable of the module is bound to, and have no edit in them:
    where they stand before and after. Told by Python's own parser, which didn't make the edits either."""
    tree = _parsed(before) if len(before.data) > LARGE else None
    for statement in tree.body if tree is not None else ():
        value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
        span = _span(before, value) if isinstance(value, ast.List | ast.Tuple | ast.Set | ast.Dict) else None
        if value is None or span is None or span.end - span.start < LARGE:
            continue
        if not all(isinstance(node, _CONSTANT) for node in ast.walk(value)):
            continue
        if any(edit.span.end > span.start and edit.span.start < span.end for edit in edits):
            continue
        above = [edit for edit in edits if edit.span.end <= span.start]
        shift = sum(len(edit.text.encode("utf-8")) - (edit.span.end - edit.span.start) for edit in above)
        yield span, Span(span.start + shift, span.end + shift)


def _parsed(file: SourceFile) -> ast.Module | None:
    try:
        return by_python(file)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def _span(file: SourceFile, node: ast.expr) -> Span | None:
    """Where an expression in brackets stands; None where its lines are counted otherwise here."""
    starts, last = file.line_starts, node.end_lineno or 0
    if not 0 < node.lineno <= last <= len(starts):
        return None
    span = Span(starts[node.lineno - 1] + node.col_offset, starts[last - 1] + (node.end_col_offset or 0))
    brackets = file.data[span.start : span.start + 1] + file.data[span.end - 1 : span.end]
    return span if brackets in (b"[]", b"()", b"{}") else None


def _without(file: SourceFile, tables: Sequence[Span], name: str) -> SourceFile:
    """The file with a literal of a name and a number in place of each."""
    edits = tuple(Edit(span, f"['{name} {number}']") for number, span in enumerate(tables))
    return file.with_data(apply_edits(file.data, edits))


def _refuse_deep(file: SourceFile) -> None:
    deep = treesitter.below(treesitter.parse(PYTHON, file.data).root_node, MAX_DEPTH)
    if deep is not None:
        raise NotErasable(f"nests more than {MAX_DEPTH} levels deep at line {file.line_of(deep.start_byte)}")


def _read(file: SourceFile) -> cst.Module:
    try:
        tree = cst.parse_module(file.text)
    except cst.ParserSyntaxError as error:
        raise NotErasable(f"line {error.raw_line} is no Python 3 that LibCST can read") from None
    # LibCST 1.9 loses a form feed directly before a statement and a space in `except (A, B) :`. What it loses is never
    # more than white space, or it has not understood the file; the bytes between the edits are compared instead.
    if tree.code != file.text and "".join(tree.code.split()) != "".join(file.text.split()):
        raise NotErasable("LibCST does not print the file back as it was read")
    return tree


def _refuse_uncompilable(before: SourceFile, after: SourceFile) -> None:
    """What parses can still be no program: `annotated name 'x' can't be global`. Compiled, never run."""
    if _compiles(before) is None and (message := _compiles(after)) is not None:
        raise NotErasable(f"would no longer compile: {message}")


def _compiles(file: SourceFile) -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(file.text, file.path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        return str(error)
    return None


# What surrounds a statement is compared as lines of the block, where imports may have come in between.
_LEADING = "leading_lines"


@cache
def _field_names(kind: type[cst.CSTNode]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


class _Proof:
    """Two trees and a stack of pairs that must agree."""

    def __init__(self, before: cst.Module, after: cst.Module, file: SourceFile, rewrite: Rewrite) -> None:
        self.before, self.after, self.file = before, after, file
        self.added = frozenset(rewrite.added_imports)
        overwritten = [edit.span for edit in rewrite.edits if edit.span.start < edit.span.end]
        self.replaced = frozenset(file.at(span).strip() for span in overwritten)
        self.new_imports: set[tuple[str, str]] = set()
        self.names_before: set[str] = set()
        self.imported_before: set[tuple[str, str]] = set()
        self.stack: list[tuple[Part, Part]] = []
        self.statement: cst.CSTNode = before

    def run(self) -> None:
        self._module()
        while self.stack:
            self._agree(*self.stack.pop())
        for qualified, local in sorted(self.new_imports):
            # A function that imports the very same thing for itself means the same by it.
            same = any(other == local and _may_be(name, qualified) for name, other in self.imported_before)
            if local in self.names_before and not same:
                raise NotErasable(f"the imported name {local} has another meaning in the file")

    def _differ(self, what: str) -> NotErasable:
        inside = self.statement is not self.before
        shown = self.before.code_for_node(self.statement).strip().splitlines() if inside else []
        where = f" near `{shown[0][:60]}`" if shown else ""
        return NotErasable(f"{what} differs{where}")

    # --- pairs ------------------------------------------------------------------------------------------------------

    def _agree(self, one: Part, two: Part) -> None:
        if isinstance(one, cst.CSTNode) and isinstance(two, cst.CSTNode):
            self._agree_nodes(one, two)
        elif isinstance(one, (list, tuple)) and isinstance(two, (list, tuple)):
            if len(one) != len(two):
                raise self._differ("the number of parts")
            self.stack.extend(zip(one, two, strict=True))
        elif one != two:
            raise self._differ(f"{one!r} and {two!r}: the text" if isinstance(one, str) else "the code")

    def _agree_nodes(self, one: cst.CSTNode, two: cst.CSTNode) -> None:
        if isinstance(one, cst.Assign) and isinstance(two, cst.AnnAssign):
            self._annotated_assignment(one, two)
            return
        if type(one) is not type(two):
            raise self._differ("the kind of code")
        match one, two:
            case cst.Name(), cst.Name():
                self.names_before.add(one.value)
            case cst.FunctionDef(), cst.FunctionDef():
                self.statement = one
                self._annotation(one.returns, two.returns)
                self._agree_fields(one, two, "returns", _LEADING)
                return
            case cst.Param(), cst.Param():
                if self._annotation(one.annotation, two.annotation):
                    self._sign(one.equal, two.equal)
                    self._agree_fields(one, two, "annotation", "equal")
                else:
                    self._agree_fields(one, two, "annotation")
                return
            case cst.AnnAssign(), cst.AnnAssign():
                self._annotation(one.annotation, two.annotation)
                self._agree_fields(one, two, "annotation")
                return
            case cst.IndentedBlock(), cst.IndentedBlock():
                self._block(one, two)
                return
            case cst.Newline(), cst.Newline():
                if (one.value or self.before.default_newline) != (two.value or self.after.default_newline):
                    raise self._differ("a line end")
                return
            case cst.Attribute(), cst.Attribute():
                # The name of an attribute is no variable.
                if one.attr.value != two.attr.value:
                    raise self._differ("an attribute")
                self.stack += [(one.attr.lpar, two.attr.lpar), (one.attr.rpar, two.attr.rpar)]
                self._agree_fields(one, two, "attr")
                return
            case cst.Arg(), cst.Arg():
                if (one.keyword and one.keyword.value) != (two.keyword and two.keyword.value):
                    raise self._differ("a keyword")
                self._agree_fields(one, two, "keyword")
                return
            case ((cst.Import() | cst.ImportFrom()), (cst.Import() | cst.ImportFrom())):
                self._import(one, two)
                return
        if isinstance(one, cst.BaseStatement):
            self.statement = one
            if isinstance(one, cst.If) and isinstance(one.orelse, cst.If) and isinstance(two, cst.If):
                # What stands above an `elif` is no line of the block around it.
                self.stack.append((one.orelse.leading_lines, getattr(two.orelse, _LEADING, ())))
            self._agree_fields(one, two, _LEADING)
            return
        self._agree_fields(one, two)

    def _agree_fields(self, one: cst.CSTNode, two: cst.CSTNode, *apart: str) -> None:
        for name in _field_names(type(one)):
            if name not in apart:
                mine, other = getattr(one, name), getattr(two, name)
                # Strings and absent parts are most of a tree: settled here, without a turn of the stack.
                if mine is not other and mine != other:
                    self.stack.append((mine, other))

    # --- what annotating may change -----------------------------------------------------------------------------------

    def _annotation(self, one: cst.Annotation | None, two: cst.Annotation | None) -> bool:
        """Whether the annotation is new. One that was there stays, unless an edit replaced that very text."""
        if one is None:
            return two is not None
        if two is None:
            raise self._differ("an annotation that was there")
        if not one.deep_equals(two) and self.before.code_for_node(one.annotation).strip() not in self.replaced:
            raise self._differ("an annotation that was there")
        return False

    def _sign(self, one: Part, two: Part) -> None:
        """The sign before a default: spaces around it may come, nothing else."""
        for sign in (one, two):
            if isinstance(sign, cst.AssignEqual) and not _is_blank(sign.whitespace_before, sign.whitespace_after):
                self.stack.append((one, two))

    def _annotated_assignment(self, one: cst.Assign, two: cst.AnnAssign) -> None:
        if len(one.targets) != 1 or two.value is None:
            raise self._differ("an assignment")
        target = one.targets[0]
        if not _is_blank(target.whitespace_before_equal, target.whitespace_after_equal):
            sign = two.equal
            if not isinstance(sign, cst.AssignEqual):
                raise self._differ("an assignment")
            self.stack.append((target.whitespace_before_equal, sign.whitespace_before))
            self.stack.append((target.whitespace_after_equal, sign.whitespace_after))
        self.stack += [(target.target, two.target), (one.value, two.value), (one.semicolon, two.semicolon)]

    # --- imports ------------------------------------------------------------------------------------------------------

    def _import(self, one: cst.Import | cst.ImportFrom, two: cst.Import | cst.ImportFrom) -> None:
        """An import that was there, perhaps with names added to it."""
        for name in _imported(one):
            self.imported_before.add(name)
        if isinstance(one.names, cst.ImportStar) or isinstance(two.names, cst.ImportStar):
            kept_as_is = True
        else:
            kept_as_is = len(one.names) == len(two.names)
        if kept_as_is:
            if not one.deep_equals(two):
                raise self._differ("an import")
            return
        assert not isinstance(one.names, cst.ImportStar) and not isinstance(two.names, cst.ImportStar)
        kept = [alias for alias in two.names if not self._is_added(two, alias) or _is_among(alias, one.names)]
        if [_spelled(alias) for alias in one.names] != [_spelled(alias) for alias in kept]:
            raise self._differ("an import")
        for alias in two.names:
            if all(alias is not other for other in kept):
                self._take(two, alias)
        if list(_comments(one)) != list(_comments(two)):
            raise self._differ("a comment in an import")
        # Not by the stack, which takes every name it meets for a variable.
        if type(one) is not type(two) or _origin(one) != _origin(two):
            raise self._differ("an import")
        self.stack.append((one.semicolon, two.semicolon))

    def _is_added(self, statement: cst.Import | cst.ImportFrom, alias: cst.ImportAlias) -> bool:
        qualified = _qualified(statement, alias)
        return any(_may_be(name, qualified) for name in self.added)

    def _take(self, statement: cst.Import | cst.ImportFrom, alias: cst.ImportAlias) -> None:
        # The future statement binds its name before all others do, and is overwritten by whoever binds it too.
        if _qualified(statement, alias) != "__future__.annotations":
            self.new_imports.add((_qualified(statement, alias), _local(alias)))

    def _is_added_statement(self, node: cst.CSTNode) -> bool:
        """Whether a line is nothing but an import of added names, or a TYPE_CHECKING block nothing but such lines."""
        if isinstance(node, cst.If):
            test = node.test.attr if isinstance(node.test, cst.Attribute) else node.test
            named = isinstance(test, cst.Name) and test.value == "TYPE_CHECKING"
            body = node.body
            inner = isinstance(body, cst.IndentedBlock) and all(map(self._is_added_statement, body.body))
            return named and inner and node.orelse is None and not any(_comments(node))
        if not isinstance(node, cst.SimpleStatementLine) or len(node.body) != 1 or node.trailing_whitespace.comment:
            return False
        statement = node.body[0]
        if not isinstance(statement, cst.Import | cst.ImportFrom) or isinstance(statement.names, cst.ImportStar):
            return False
        return all(self._is_added(statement, alias) for alias in statement.names) and not any(_comments(statement))

    def _take_statement(self, node: cst.CSTNode) -> None:
        for line in node.body.body if isinstance(node, cst.If) else (node,):
            if isinstance(line, cst.SimpleStatementLine):
                statement = line.body[0]
                assert isinstance(statement, cst.Import | cst.ImportFrom), "_is_added_statement lets nothing else pass"
                for alias in () if isinstance(statement.names, cst.ImportStar) else statement.names:
                    self._take(statement, alias)

    # --- blocks -------------------------------------------------------------------------------------------------------

    def _module(self) -> None:
        one, two = self.before, self.after
        if one.has_trailing_newline != two.has_trailing_newline:
            raise self._differ("the end of the file")
        self._lines([*one.header, *_lines_of(one.body), *one.footer], [*two.header, *_lines_of(two.body), *two.footer])

    def _block(self, one: cst.IndentedBlock, two: cst.IndentedBlock) -> None:
        if (one.indent or self.before.default_indent) != (two.indent or self.after.default_indent):
            raise self._differ("the indentation")
        self.stack.append((one.header, two.header))
        self._lines([*_lines_of(one.body), *one.footer], [*_lines_of(two.body), *two.footer])

    def _lines(self, one: list[cst.CSTNode], two: list[cst.CSTNode]) -> None:
        """Pair the statements, comments and blank lines of a block, leaving added imports and their blank lines out."""
        if len(one) == len(two):
            self.stack.extend(reversed(list(zip(one, two, strict=True))))
            return
        extra = len(two) - len(one)
        at, beside = 0, False
        pairs = []
        for position, line in enumerate(two):
            mine = one[at] if at < len(one) else None
            if extra and self._is_added_statement(line) and not (mine is not None and line.deep_equals(mine)):
                self._take_statement(line)
                extra, beside = extra - 1, True
                continue
            blank = _is_blank_line(line)
            ahead = next((other for other in two[position:] if not _is_blank_line(other)), None)
            new_ahead = ahead is not None and self._is_added_statement(ahead)
            # A blank line beside an added import is new where the file before has none like it.
            old = mine is not None and blank and line.deep_equals(mine)
            if extra and blank and (beside or new_ahead) and not old:
                extra -= 1
                continue
            if mine is None:
                raise self._differ("the number of statements")
            if not blank:
                beside = False
            pairs.append((mine, line))
            at += 1
        if at != len(one):
            raise self._differ("the number of statements")
        self.stack.extend(reversed(pairs))


def _lines_of(body: Sequence[cst.CSTNode]) -> Iterator[cst.CSTNode]:
    """Statements and, as lines of their own, the comments and blank lines that LibCST hangs on the statement below."""
    for statement in body:
        yield from getattr(statement, _LEADING, ())
        yield statement


def _is_blank_line(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.EmptyLine) and node.comment is None


def _is_blank(*spaces: cst.BaseParenthesizableWhitespace) -> bool:
    return all(isinstance(space, cst.SimpleWhitespace) and not space.value.strip(" \t") for space in spaces)


def _dotted(node: cst.BaseExpression | None) -> str:
    match node:
        case cst.Name(value):
            return value
        case cst.Attribute(value, cst.Name(attr)):
            return f"{_dotted(value)}.{attr}"
    return ""


def _qualified(statement: cst.Import | cst.ImportFrom, alias: cst.ImportAlias) -> str:
    module = _origin(statement)
    return f"{module}{'.' if module and not module.endswith('.') else ''}{_dotted(alias.name)}"


def _origin(statement: cst.Import | cst.ImportFrom) -> str:
    """The module that names come from, as written; empty for `import module`."""
    if isinstance(statement, cst.Import):
        return ""
    return "." * len(statement.relative) + _dotted(statement.module)


def _may_be(one: str, two: str) -> bool:
    """Whether two names can be one, where either may be written relative to a package that isn't known here."""
    if one.startswith(".") or two.startswith("."):
        return f".{one.lstrip('.')}".endswith(f".{two.lstrip('.')}") or f".{two}".endswith(f".{one.lstrip('.')}")
    return one == two


def _local(alias: cst.ImportAlias) -> str:
    if alias.asname is not None and isinstance(alias.asname.name, cst.Name):
        return alias.asname.name.value
    return _dotted(alias.name).partition(".")[0]


def _imported(statement: cst.Import | cst.ImportFrom) -> Iterator[tuple[str, str]]:
    if not isinstance(statement.names, cst.ImportStar):
        for alias in statement.names:
            yield _qualified(statement, alias), _local(alias)


def _spelled(alias: cst.ImportAlias) -> tuple[str, str]:
    return _dotted(alias.name), _local(alias)


def _is_among(alias: cst.ImportAlias, names: Sequence[cst.ImportAlias]) -> bool:
    return _spelled(alias) in map(_spelled, names)


def _comments(node: cst.CSTNode) -> Iterator[str]:
    """The comments inside a node, in order."""
    stack = [node]
    while stack:
        here = stack.pop()
        if isinstance(here, cst.Comment):
            yield here.value
        stack.extend(reversed(here.children))
