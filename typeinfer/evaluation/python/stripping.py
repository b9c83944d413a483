"""Stripping: an annotated project in; the same project without its annotations, and what was taken out, by slot, out.

The task of evaluation.md. Everything is cut by byte spans, so what is no annotation stays byte for byte. In the variant
`bare` the imports that only annotations used go too: they give answers away that untyped code does not hold. Knows
nothing of the tool under test.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from typeinfer.evaluation.judge import StrippedProject, Variant
from typeinfer.evaluation.python.written import (
    Annotation,
    FunctionNode,
    annotations_in,
    blocks,
    field_classes,
    last_name,
)
from typeinfer.values.slots import SlotId
from typeinfer.values.source import SourceFile, Unreadable, decode

IDENTIFIER = re.compile(rb"[\w\x80-\xff]+")

# Blanks, continued lines and comments: all that may stand between two tokens inside parentheses.
FILLER = re.compile(rb"(?:\s|\\\r?\n|#[^\r\n]*)*")

TYPE_VARIABLE_MAKERS = frozenset({"TypeVar", "ParamSpec", "TypeVarTuple"})

# Calls whose string arguments are types.
STRING_READERS = frozenset({"cast", "TypeVar", "NewType", "NamedTuple", "TypedDict", "ForwardRef"})


def strip_project(files: Mapping[str, bytes], variant: Variant) -> StrippedProject:
    """Strip every file of a project, given by path relative to the folder that holds its packages."""
    sources: dict[str, SourceFile] = {}
    trees: dict[str, ast.Module] = {}
    skipped: dict[str, str] = {}
    for path, raw in sorted(files.items()):
        try:
            sources[path] = decode(path, "python", raw)
            trees[path] = ast.parse(sources[path].text)
        except Unreadable as error:
            skipped[path] = str(error)
        except (SyntaxError, RecursionError) as error:
            skipped[path] = f"does not parse: {error}"
    fields = field_classes(trees.values())
    variables = frozenset(_type_variables(trees.values()))
    truth: dict[SlotId, str] = {}
    named: dict[str, frozenset[str]] = {}
    stripped: dict[str, SourceFile] = {}
    for path, tree in trees.items():
        found = annotations_in(path, tree, fields)
        kept = {annotation.slot for annotation in found if annotation.kept}
        removed = [annotation for annotation in found if not annotation.kept]
        for annotation in removed:
            if annotation.slot is None or annotation.slot in kept or says_nothing(annotation.node, variables):
                continue
            truth.setdefault(annotation.slot, ast.unparse(annotation.node))
        named[path] = frozenset(name for annotation in removed for name in _names_in(annotation.node))
        stripped[path] = strip_annotations(sources[path], tree, removed)
    if variant == "bare":
        stripped = _strip_imports(stripped, named)
    after = {path: file.to_bytes() for path, file in stripped.items()}
    return StrippedProject({path: after.get(path, raw) for path, raw in files.items()}, truth, skipped)


def strip_annotations(file: SourceFile, tree: ast.Module, removed: Iterable[Annotation]) -> SourceFile:
    """Cut these annotations out. A declaration without a value goes as a whole: there is nothing else to it."""
    cuts: list[Cut] = []
    bare: set[ast.stmt] = set()
    for annotation in removed:
        place = annotation.place
        if isinstance(place, ast.AnnAssign):
            if place.value is None:
                bare.add(place)
            else:
                cuts.append(_cut_assignment(file, place))
        elif isinstance(place, ast.arg):
            cuts.append(_cut_parameter(file, annotation))
        else:
            cuts.append(_cut_return(file, place))
    return apply_cuts(file, [*cuts, *_cut_statements(file, tree, bare)])


def says_nothing(node: ast.expr, type_variables: frozenset[str]) -> bool:
    """Whether the ground truth leaves an annotation out: only `Any`, a type variable, `Self` or a qualifier alone."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return says_nothing(ast.parse(node.value.strip(), mode="eval").body, type_variables)
        except SyntaxError:
            return False
    if isinstance(node, ast.Starred):
        return says_nothing(node.value, type_variables)
    if isinstance(node, ast.BinOp):
        return says_nothing_but_any(node)
    if isinstance(node, ast.Subscript):
        if last_name(node) in ("Unpack", "Required"):
            return says_nothing(node.slice, type_variables)
        return says_nothing_but_any(node)
    if isinstance(node, ast.Attribute) and node.attr in ("args", "kwargs"):
        return last_name(node.value) in type_variables
    return last_name(node) in type_variables | {"Any", "Self", "Final", "ClassVar"}


def says_nothing_but_any(node: ast.expr) -> bool:
    """`Union[Any, Any]`, `Final[Any]`, `Annotated[Any, ...]`; but `list[Any]` says list, and `Any | None` says None."""
    if isinstance(node, ast.BinOp):
        return says_nothing_but_any(node.left) and says_nothing_but_any(node.right)
    if isinstance(node, ast.Subscript):
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if last_name(node) == "Annotated":
            parts = parts[:1]
        return last_name(node) in ("Union", "Final", "ClassVar", "Annotated") and all(map(says_nothing_but_any, parts))
    return isinstance(node, ast.Name | ast.Attribute) and last_name(node) == "Any"


# --- cutting by bytes -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class Cut:
    """Replace the bytes from `start` to `end`."""

    start: int
    end: int
    text: bytes = b""


def apply_cuts(file: SourceFile, cuts: Iterable[Cut]) -> SourceFile:
    pieces: list[bytes] = []
    position = 0
    for cut in sorted(cuts):
        if cut.start < position:
            raise AssertionError(f"{file.path}: cuts overlap at byte {cut.start}")
        pieces += [file.data[position : cut.start], cut.text]
        position = cut.end
    return file.with_data(b"".join([*pieces, file.data[position:]]))


def start_of(file: SourceFile, node: ast.expr | ast.stmt | ast.arg | ast.alias) -> int:
    return file.line_starts[node.lineno - 1] + node.col_offset


def end_of(file: SourceFile, node: ast.expr | ast.stmt | ast.arg | ast.alias) -> int:
    assert node.end_lineno is not None and node.end_col_offset is not None, "ast.parse sets both"
    return file.line_starts[node.end_lineno - 1] + node.end_col_offset


def _skip(data: bytes, position: int) -> int:
    found = FILLER.match(data, position)
    return found.end() if found else position


def _end_with_parentheses(file: SourceFile, behind: int, node: ast.expr) -> int:
    """The end of an annotation and of the parentheses around it that were opened after byte `behind`."""
    opened, position = 0, behind
    while position < start_of(file, node):
        position = _skip(file.data, position)
        if position < start_of(file, node):
            opened += file.data[position : position + 1] == b"("
            position += 1
    end = end_of(file, node)
    for _ in range(opened):
        end = file.data.index(b")", _skip(file.data, end)) + 1
    return end


def _cut_parameter(file: SourceFile, annotation: Annotation) -> Cut:
    """`x: int` -> `x`; `x: int = 3` -> `x=3`, as unannotated code spells a default."""
    place = annotation.place
    assert isinstance(place, ast.arg)
    name = IDENTIFIER.match(file.data, start_of(file, place))
    assert name is not None, "a parameter begins with its name"
    end = _end_with_parentheses(file, name.end(), annotation.node)
    if annotation.default is not None:
        equals = re.compile(rb"[ \t]*=[ \t]*").match(file.data, end)
        if equals is not None and file.data[equals.end() : equals.end() + 1] not in (b"\\", b"\r", b"\n", b"#"):
            return Cut(name.end(), equals.end(), b"=")
    return Cut(name.end(), end)


def _cut_return(file: SourceFile, place: FunctionNode) -> Cut:
    assert place.returns is not None
    arrow = file.data.rindex(b"->", 0, start_of(file, place.returns))
    start = arrow
    while file.data[start - 1 : start].isspace() or file.data[start - 1 : start] == b"\\":
        start -= 1
    return Cut(start, _end_with_parentheses(file, arrow + 2, place.returns))


def _cut_assignment(file: SourceFile, place: ast.AnnAssign) -> Cut:
    start = end_of(file, place.target)
    # A target in parentheses keeps them.
    while (position := _skip(file.data, start)) and file.data[position : position + 1] == b")":
        start = position + 1
    return Cut(start, _end_with_parentheses(file, start, place.annotation))


def _cut_statements(file: SourceFile, tree: ast.Module, doomed: set[ast.stmt]) -> Iterator[Cut]:
    """Remove statements, whole lines where they stand alone; a block that would be empty keeps a `pass`."""

    def of_block(block: Sequence[ast.stmt], needs_one: bool) -> Iterator[Cut]:
        must_stay = needs_one and all(statement in doomed for statement in block)
        for index, statement in enumerate(block):
            if statement in doomed:
                # Where a whole line of declarations goes, a `pass` holds its place.
                shared = index > 0 and block[index - 1] in doomed and block[index - 1].end_lineno == statement.lineno
                last = index + 1 == len(block) or block[index + 1].lineno != statement.end_lineno
                yield _cut_statement(file, block, index, replace=(must_stay and index == 0) or (shared and last))
            else:
                for inner in blocks(statement):
                    yield from of_block(inner, True)

    if doomed:
        yield from of_block(tree.body, False)


def _cut_statement(file: SourceFile, block: Sequence[ast.stmt], index: int, replace: bool) -> Cut:
    statement = block[index]
    decorators = getattr(statement, "decorator_list", [])
    start = file.data.rindex(b"@", 0, start_of(file, decorators[0])) if decorators else start_of(file, statement)
    end = end_of(file, statement)
    if replace:
        return Cut(start, end, b"pass")
    # `x: int; y = 1`: the statement goes with the semicolon behind it; the last of a line with the one before it.
    if index + 1 < len(block) and file.line_of(start_of(file, block[index + 1])) == file.line_of(end):
        return Cut(start, start_of(file, block[index + 1]))
    if index and file.line_of(end_of(file, block[index - 1])) == file.line_of(start):
        return Cut(end_of(file, block[index - 1]), end)
    line_start = file.line_starts[file.line_of(start) - 1]
    rest = re.compile(rb"[ \t]*;?[ \t]*(?:#[^\r\n]*)?(?:\r\n|\r|\n|\Z)").match(file.data, end)
    if file.data[line_start:start].strip() or rest is None:
        return Cut(start, end, b"pass")
    return Cut(line_start, rest.end())


# --- imports that only annotations used -----------------------------------------------------------------------------


def _strip_imports(files: Mapping[str, SourceFile], named: Mapping[str, frozenset[str]]) -> dict[str, SourceFile]:
    """Until nothing more goes: what one file no longer imports, another need no longer pass on."""
    current = dict(files)
    pending = set(current)
    while pending:
        trees = {path: ast.parse(file.text) for path, file in current.items()}
        wanted = _imported_from(trees)
        pending = set()
        for path, tree in trees.items():
            after = _without_unused(current[path], tree, named[path], wanted.get(_module_name(path), frozenset()))
            if after.data != current[path].data:
                current[path] = after
                pending.add(path)
    return current


def _without_unused(file: SourceFile, tree: ast.Module, named: frozenset[str], wanted: frozenset[str]) -> SourceFile:
    """One pass over one file. `named`: names that its annotations used; `wanted`: names that others import from it."""
    uses = _Uses(tree)
    cuts: list[Cut] = []
    doomed: set[ast.stmt] = set()

    def unused(scope: ast.AST, name: str, type_only: bool) -> bool:
        if (scope, name) in uses.used or (scope is tree and (name in wanted or name in uses.exported)):
            return False
        return type_only or name in named or name == "TYPE_CHECKING"

    def visit(block: Sequence[ast.stmt], scope: ast.AST, type_only: bool) -> None:
        for statement in block:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
                    continue
                gone = [
                    alias
                    for alias in statement.names
                    # `import x as x` is how a module says that it passes a name on.
                    if alias.name not in ("*", alias.asname) and unused(scope, bound_name(alias), type_only)
                ]
                if len(gone) == len(statement.names):
                    doomed.add(statement)
                elif gone:
                    cuts.extend(_cut_aliases(file, statement, gone))
                continue
            inside = type_only or (isinstance(statement, ast.If) and last_name(statement.test) == "TYPE_CHECKING")
            # An alias goes like an import. Functions and classes stay: they hold slots, and those are counted in order.
            bound = _only_binds(statement) if type_only else []
            if bound and all(name in named and unused(scope, name, True) for name in bound):
                doomed.add(statement)
                continue
            opens = isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            if isinstance(statement, ast.If) and inside and not type_only:
                visit(statement.body, scope, True)
                visit(statement.orelse, scope, False)
                # `elif TYPE_CHECKING:` has no line of its own to lose.
                alone = file.data[start_of(file, statement) :].startswith(b"if")
                if alone and not statement.orelse and all(part in doomed for part in statement.body):
                    doomed.add(statement)
                continue
            for part in blocks(statement):
                visit(part, statement if opens else scope, type_only)

    visit(tree.body, tree, False)
    if not doomed and not cuts:
        return file
    return apply_cuts(file, [*cuts, *_cut_statements(file, tree, doomed)])


def bound_name(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _only_binds(statement: ast.AST) -> list[str]:
    """The names that a plain assignment binds."""
    if isinstance(statement, ast.Assign) and all(isinstance(target, ast.Name) for target in statement.targets):
        return [target.id for target in statement.targets if isinstance(target, ast.Name)]
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return [statement.target.id]
    return []


def _cut_aliases(file: SourceFile, statement: ast.Import | ast.ImportFrom, gone: Sequence[ast.alias]) -> Iterator[Cut]:
    names = statement.names
    last_kept = max(index for index, alias in enumerate(names) if alias not in gone)
    for index, alias in enumerate(names[:last_kept]):
        if alias in gone:
            yield Cut(start_of(file, alias), start_of(file, names[index + 1]))
    if last_kept + 1 < len(names):
        yield Cut(end_of(file, names[last_kept]), end_of(file, names[-1]))


def _module_name(path: str) -> str:
    parts = path.removesuffix(".py").split("/")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported_from(trees: Mapping[str, ast.Module]) -> dict[str, frozenset[str]]:
    """By module: the names that other modules of the project import from it."""
    wanted: dict[str, set[str]] = {}
    for path, tree in trees.items():
        package = path.removesuffix(".py").split("/")[:-1]
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                above = package[: len(package) - node.level + 1] if node.level else []
                module = ".".join([*above, *([node.module] if node.module else [])])
                wanted.setdefault(module, set()).update(alias.name for alias in node.names)
    return {module: frozenset(names) for module, names in wanted.items()}


class _Uses:
    """Which bindings a file reads: pairs of the scope (a function, class or the module) and the name.

    Comprehensions are read as part of the scope they stand in: that can only keep an import too many.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.used: set[tuple[ast.AST, str]] = set()
        self.exported: set[str] = set()
        self.tree = tree
        self._bound: dict[ast.AST, set[str]] = {}
        self._scope(tree, tree.body, [])

    def _scope(self, owner: ast.AST, parts: Iterable[ast.AST], outer: list[ast.AST]) -> None:
        self._bound[owner] = _bound_names(owner)
        for part in parts:
            self._read(part, [*outer, owner])

    def _read(self, node: ast.AST, scopes: list[ast.AST]) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            body = [node.body] if isinstance(node, ast.Lambda) else node.body
            outside = [node.args, *getattr(node, "decorator_list", []), *filter(None, [getattr(node, "returns", None)])]
            for part in outside:
                self._read(part, scopes)
            # A function doesn't see the names of the class body it stands in.
            self._scope(node, body, [scope for scope in scopes if not isinstance(scope, ast.ClassDef)])
        elif isinstance(node, ast.ClassDef):
            for outer_part in (*node.decorator_list, *node.bases, *node.keywords):
                self._read(outer_part, scopes)
            self._scope(node, node.body, scopes)
        elif isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Store):
                self._use(node.id, scopes)
        else:
            for text in _types_in_strings(node):
                for name in text:
                    self._use(name, scopes)
            self.exported.update(_exports(node))
            for child in ast.iter_child_nodes(node):
                self._read(child, scopes)

    def _use(self, name: str, scopes: list[ast.AST]) -> None:
        for scope in reversed(scopes):
            if name in self._bound[scope]:
                self.used.add((scope, name))
                # A class body falls back on the module while its own name is not bound yet.
                if not isinstance(scope, ast.ClassDef):
                    return
        self.used.add((self.tree, name))


def _bound_names(owner: ast.AST) -> set[str]:
    bound: set[str] = set()
    outer: set[str] = set()

    def visit(node: ast.AST) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                bound.add(node.name)
                return
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                return
            case ast.Name(id=name, ctx=ast.Store()):
                bound.add(name)
            case ast.alias():
                bound.add(bound_name(node))
            case ast.ExceptHandler(name=str(name)):
                bound.add(name)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                outer.update(names)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                bound.add(name)
        for child in ast.iter_child_nodes(node):
            visit(child)

    if isinstance(owner, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        bound.update(argument.arg for argument in ast.walk(owner.args) if isinstance(argument, ast.arg))
    body = owner.body if isinstance(owner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module) else []
    for statement in body:
        visit(statement)
    return bound - outer


def _types_in_strings(node: ast.AST) -> Iterator[set[str]]:
    """Names inside quoted types: of an annotation that stays, a `cast`, or an alias such as `List["Cart"]`."""
    roots: list[ast.AST] = []
    if isinstance(node, ast.AnnAssign | ast.arg):
        roots = [node.annotation] if node.annotation else []
    elif isinstance(node, ast.Call) and last_name(node.func) in STRING_READERS:
        roots = [*node.args, *(keyword.value for keyword in node.keywords)]
    elif isinstance(node, ast.Subscript) and last_name(node.value)[:1].isupper():
        roots = [node.slice]
    for root in roots:
        yield _names_in(root)


def _exports(node: ast.AST) -> set[str]:
    """The strings of `__all__ = [...]`, `__all__ += [...]`."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
    if not any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
        return set()
    return {part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)}


def _names_in(node: ast.AST) -> set[str]:
    """Root names in an annotation, quoted parts included."""
    found: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            found.add(part.id)
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            try:
                found |= _names_in(ast.parse(part.value.strip(), mode="eval"))
            except SyntaxError:
                continue
    return found


def _type_variables(trees: Iterable[ast.Module]) -> Iterator[str]:
    yield "AnyStr"
    for tree in trees:
        for node in ast.walk(tree):
            made = node.value if isinstance(node, ast.Assign) else None
            if isinstance(made, ast.Call) and last_name(made.func) in TYPE_VARIABLE_MAKERS:
                yield from _only_binds(node)
            for parameter in getattr(node, "type_params", ()):
                yield parameter.name


def read_tree(root: Path) -> dict[str, bytes]:
    """Every Python file below a folder, by its path relative to it with forward slashes."""
    paths = sorted(path for path in root.rglob("*.py") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}
