"""Annotations: the text of a Python annotation in, a `TypeExpr` out, and back as text that fits a file.

Reading keeps names as written, save for typing's aliases. Writing for a report needs nothing; writing for a file needs
to know what the target version can evaluate, and asks for each name how the file can say it. Knows no file, no scope.
"""

from __future__ import annotations

import ast
import builtins
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from typeinfer.values.typeexpr import (
    NONE,
    UNKNOWN,
    CallableType,
    Literal,
    Named,
    Record,
    Tuple,
    TypeExpr,
    Union,
    Unknown,
    is_complete,
    is_none,
    optional,
    union,
)

Version = tuple[int, int]

MAX_NESTING = 40
"""Annotations nested deeper than this are no annotations a person wrote; they are read as unknown."""

MAX_LENGTH = 20_000

_TYPING_MODULES = frozenset({"typing", "t", "typing_extensions", "te", "collections.abc"})

# What typing calls by another name than the library does (PEP 585).
_PLAIN = {
    "List": "list",
    "Dict": "dict",
    "Set": "set",
    "FrozenSet": "frozenset",
    "Type": "type",
    "Text": "str",
    "DefaultDict": "collections.defaultdict",
    "OrderedDict": "collections.OrderedDict",
    "Counter": "collections.Counter",
    "ChainMap": "collections.ChainMap",
    "Deque": "collections.deque",
    "AbstractSet": "collections.abc.Set",
    "Pattern": "re.Pattern",
    "Match": "re.Match",
    "ContextManager": "contextlib.AbstractContextManager",
    "AsyncContextManager": "contextlib.AbstractAsyncContextManager",
    "NoneType": "None",
}

_ABSTRACT = frozenset(
    (
        "Awaitable Coroutine AsyncIterable AsyncIterator AsyncGenerator Iterable Iterator Generator Reversible "
        "Container Collection Callable MutableSet Mapping MutableMapping Sequence MutableSequence ByteString "
        "MappingView KeysView ItemsView ValuesView Hashable Sized Buffer"
    ).split()
)

# Names that programs give to things of their own as well: `Text` is rich's before it is typing's. Bare, they stay as
# written; a name that a scope has resolved to typing is written in full and read as typing's.
_NOT_ONLY_TYPING = frozenset("Text Pattern Match Counter Container Collection Buffer Sized Reversible Hashable".split())

# `ClassVar[int]` is an `int`: these say something of the name, not of its values.
_QUALIFIERS = frozenset({"ClassVar", "Final", "Required", "NotRequired", "ReadOnly", "Annotated", "InitVar"})


# --- reading --------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=8192)
def parse_type(text: str) -> TypeExpr:
    """The type that an annotation's text says, names as written; `Unknown` where it says nothing. Never raises."""
    return _parse(text, 0)


def _parse(text: str, nesting: int) -> TypeExpr:
    if len(text) > MAX_LENGTH or nesting > MAX_NESTING:
        return UNKNOWN
    try:
        with warnings.catch_warnings():
            # `"\d"` inside a Literal is the author's business.
            warnings.simplefilter("ignore")
            # In parentheses, an annotation may run over several lines.
            parsed = ast.parse(f"({text.strip()}\n)", mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return UNKNOWN
    return _read(parsed, nesting)


def _read(node: ast.expr, nesting: int) -> TypeExpr:
    if nesting > MAX_NESTING:
        return UNKNOWN
    match node:
        case ast.Constant(None):
            return NONE
        case ast.Constant(str() as quoted):
            return _parse(quoted, nesting + 1)
        case ast.Name() | ast.Attribute():
            return _read_name(_dotted(node))
        case ast.BinOp(op=ast.BitOr()):
            return union(_read(part, nesting + 1) for part in _alternatives(node))
        case ast.Subscript(value, index):
            arguments = index.elts if isinstance(index, ast.Tuple) else [index]
            return _read_subscript(_dotted(value), arguments, nesting + 1)
    return UNKNOWN


def _alternatives(node: ast.expr) -> list[ast.expr]:
    """The operands of a chain of `|`, without recursion: generated unions run to thousands."""
    operands: list[ast.expr] = []
    stack = [node]
    while stack:
        here = stack.pop()
        if isinstance(here, ast.BinOp) and isinstance(here.op, ast.BitOr):
            stack += [here.right, here.left]
        else:
            operands.append(here)
    return operands


def _dotted(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _typing_name(name: str) -> str:
    """The name within typing, where the written name can mean that; else empty."""
    prefix, _, last = name.rpartition(".")
    return last if not prefix or prefix in _TYPING_MODULES else ""


def _read_name(name: str) -> TypeExpr:
    special = _typing_name(name)
    if not name or special in ("Any", "Optional", "Union", "Literal") or special in _QUALIFIERS:
        return UNKNOWN
    return Named(_canonical(name))


def _canonical(name: str) -> str:
    special = _typing_name(name)
    if name == "collections.abc.Set":
        return name
    if name in _NOT_ONLY_TYPING:
        return name
    if special == "Tuple":
        return "tuple"
    if special in _PLAIN:
        return _PLAIN[special]
    if special in _ABSTRACT:
        return f"collections.abc.{special}"
    if name == "types.NoneType":
        return "None"
    return name.removeprefix("builtins.")


def _read_subscript(name: str, arguments: Sequence[ast.expr], nesting: int) -> TypeExpr:
    special = _typing_name(name)
    if special in ("Tuple", "tuple"):
        return _read_tuple(arguments, nesting)
    if special == "Callable":
        return _read_callable(arguments, nesting)
    if special == "Literal":
        return union(_read_literal(argument, nesting) for argument in arguments)
    if special == "Optional" and len(arguments) == 1:
        return optional(_read(arguments[0], nesting))
    if special == "Union":
        return union(_read(argument, nesting) for argument in arguments)
    if special in _QUALIFIERS:
        return _read(arguments[0], nesting)
    if not name or special in ("Any", "Optional"):
        return UNKNOWN
    return Named(_canonical(name), tuple(_read(argument, nesting) for argument in arguments))


def _read_tuple(arguments: Sequence[ast.expr], nesting: int) -> TypeExpr:
    match arguments:
        case [] | [ast.Tuple(elts=[])]:
            return Tuple(())
        case [item, ast.Constant(value) as last] if value is ... and last is not item:
            return Tuple((_read(item, nesting),), open=True)
    if any(isinstance(argument, ast.Starred) for argument in arguments):
        return Named("tuple")
    return Tuple(tuple(_read(argument, nesting) for argument in arguments))


def _read_callable(arguments: Sequence[ast.expr], nesting: int) -> TypeExpr:
    if len(arguments) != 2:
        return UNKNOWN
    result = _read(arguments[1], nesting)
    if isinstance(arguments[0], ast.List):
        return CallableType(tuple(_read(part, nesting) for part in arguments[0].elts), result)
    # An ellipsis, a ParamSpec or a Concatenate: which parameters is left open.
    return CallableType(None, result)


def _read_literal(node: ast.expr, nesting: int) -> TypeExpr:
    match node:
        case ast.Constant(None):
            return NONE
        case ast.Constant(bool() | int() | str() | bytes() as value):
            return Literal(literal_text(value))
        case ast.UnaryOp(ast.USub(), ast.Constant(int() as value)) if not isinstance(value, bool):
            return Literal(literal_text(-value))
        case ast.Attribute() if name := _dotted(node):
            return Literal(name)
        case ast.Subscript(value, index) if _typing_name(_dotted(value)) == "Literal":
            inner = index.elts if isinstance(index, ast.Tuple) else [index]
            return union(_read_literal(part, nesting + 1) for part in inner) if nesting < MAX_NESTING else UNKNOWN
    return UNKNOWN


def literal_text(value: bool | int | str | bytes) -> str:
    """A value as `Literal` holds it: one spelling a value, in double quotes as formatters write them."""
    if isinstance(value, int) and abs(value) >= 10**4000:
        # CPython refuses to print longer integers in decimal.
        return hex(value)
    spelled = ascii(value)
    quote = spelled[-1]
    if quote == "'" and '"' not in spelled and "\\'" not in spelled:
        start = spelled.index("'")
        return f'{spelled[:start]}"{spelled[start + 1 : -1]}"'
    return spelled


# --- writing for reports --------------------------------------------------------------------------------------------


def write_type(term: TypeExpr) -> str:
    """The type in modern syntax with unqualified names; what is not known is a question mark."""
    match term:
        case Named(name, args):
            last = name.rpartition(".")[2]
            return f"{last}[{_listed(args)}]" if args else last
        case Literal(value):
            return f"Literal[{value}]"
        case CallableType(params, result):
            accepted = "..." if params is None else f"[{_listed(params)}]"
            return f"Callable[{accepted}, {write_type(result)}]"
        case Tuple(items, is_open):
            return f"tuple[{_listed(items) or '()'}{', ...' if is_open else ''}]"
        case Union(members):
            literals = [member.value for member in members if isinstance(member, Literal)]
            rest = [write_type(member) for member in members if not isinstance(member, Literal)]
            return " | ".join([f"Literal[{', '.join(literals)}]", *rest] if literals else rest)
        case Record(fields):
            return "{" + ", ".join(f"{key}: {write_type(part)}" for key, part in fields) + "}"
        case Unknown():
            return "?"


def _listed(terms: Iterable[TypeExpr]) -> str:
    return ", ".join(map(write_type, terms))


# --- writing for a file ---------------------------------------------------------------------------------------------


class Unspellable(Exception):
    """A type that can't be written in this file; the message is the reason, in one line."""


@dataclass(frozen=True)
class Spelled:
    """An annotation's text. `evaluable`: it may be evaluated where it stands; else it must be lazy or quoted.

    `legacy`: typing's old spellings that it had to use for want of a newer target or lazy annotations.
    """

    text: str
    evaluable: bool
    legacy: tuple[str, ...] = ()


@dataclass(frozen=True)
class SaidName:
    """How a file says one qualified name, and whether that can be evaluated where it is to stand."""

    text: str
    evaluable: bool


BUILTIN_TYPES = frozenset(name for name, value in vars(builtins).items() if isinstance(value, type)) | {"None"}

# typing's names for what can't be subscripted at run time before 3.9 (PEP 585).
_BEFORE_3_9 = {new: f"typing.{old}" for old, new in _PLAIN.items() if old not in ("Text", "NoneType")} | {
    "tuple": "typing.Tuple"
}

_SINCE = {
    "typing.Literal": (3, 8),
    "typing.Protocol": (3, 8),
    "typing.TypedDict": (3, 8),
    "typing.Final": (3, 8),
    "typing.SupportsIndex": (3, 8),
    "typing.Concatenate": (3, 10),
    "typing.ParamSpec": (3, 10),
    "typing.TypeAlias": (3, 10),
    "typing.TypeGuard": (3, 10),
    "typing.Self": (3, 11),
    "typing.Never": (3, 11),
    "typing.LiteralString": (3, 11),
    "typing.TypeIs": (3, 13),
    "collections.abc.Buffer": (3, 12),
    "types.NoneType": (3, 10),
    "types.EllipsisType": (3, 10),
    "types.NotImplementedType": (3, 10),
    "types.GenericAlias": (3, 9),
    "types.UnionType": (3, 10),
    "enum.StrEnum": (3, 11),
    "contextlib.chdir": (3, 11),
    "asyncio.TaskGroup": (3, 11),
    "asyncio.Runner": (3, 11),
    "BaseExceptionGroup": (3, 11),
    "ExceptionGroup": (3, 11),
    "EncodingWarning": (3, 10),
    "PythonFinalizationError": (3, 13),
}

# Functions at run time that the library's stubs declare as classes: `threading.Lock | None` raises there.
_NO_CLASSES = frozenset({"threading.Lock", "threading.RLock"})


@dataclass
class Spelling:
    """Writes types for one place of one file. `say` answers with how the file says the first name it can of several.

    `lazy`: annotations in this file are not evaluated, so any syntax will do whatever the target.
    """

    version: Version
    lazy: bool
    say: Callable[[tuple[str, ...], bool], SaidName]
    _evaluable: bool = field(default=True, init=False)
    _legacy: list[str] = field(default_factory=list, init=False)

    def write(self, term: TypeExpr) -> Spelled:
        """Raises `Unspellable`."""
        self._evaluable = True
        self._legacy.clear()
        text = self._write(term)
        return Spelled(text, self._evaluable, tuple(self._legacy))

    def _write(self, term: TypeExpr) -> str:
        match term:
            case Named(name, args):
                return self._named(name, args)
            case Literal(value):
                return self._literals([value])
            case CallableType(params, result):
                return self._callable(params, result)
            case Tuple(items, is_open):
                inside = ", ".join(map(self._write, items)) or "()"
                return f"{self._generic('tuple')}[{inside}{', ...' if is_open else ''}]"
            case Union(members):
                return self._union(members)
            case Record():
                raise Unspellable("Python has no type for a record of fields")
            case Unknown():
                raise Unspellable("part of the type is not known")

    def _named(self, name: str, args: tuple[TypeExpr, ...]) -> str:
        # `list[?]` is all that `list` says; `dict[str, ?]` says more than can be written.
        if not args or not any(map(is_complete, args)):
            return self._name(name)
        return f"{self._generic(name)}[{', '.join(map(self._write, args))}]"

    def _name(self, name: str) -> str:
        if is_none(Named(name)):
            return "None"
        since = _SINCE.get(name, (3, 0))
        # typing_extensions is only used where the file has it already.
        extension = (f"typing_extensions.{name.removeprefix('typing.')}",) if name.startswith("typing.") else ()
        too_old = self.version < since
        if too_old and not extension:
            raise Unspellable(f"{name} needs Python {since[0]}.{since[1]}")
        alternatives: tuple[str, ...] = (name, *extension)
        if name.startswith("collections.abc.") and name != "collections.abc.Set":
            alternatives = (name, f"typing.{name.rpartition('.')[2]}")
        said = self.say(alternatives, too_old)
        self._evaluable &= said.evaluable
        return said.text

    def _generic(self, name: str) -> str:
        """The name where it is to be subscripted."""
        modern = self.lazy or self.version >= (3, 9)
        last = name.rpartition(".")[2]
        old = _BEFORE_3_9.get(name) or (f"typing.{last}" if name.startswith("collections.abc.") else None)
        if old is not None and not modern:
            self._legacy.append(old)
            return self._name(old)
        if old is None and not name.startswith("typing."):
            # Whether another class can be subscripted at run time, its stub doesn't tell (`map[int]` can't).
            self._evaluable = False
        return self._name(name)

    def _callable(self, params: tuple[TypeExpr, ...] | None, result: TypeExpr) -> str:
        if params is None and isinstance(result, Unknown):
            return self._name("collections.abc.Callable")
        accepted = "..." if params is None else f"[{', '.join(map(self._write, params))}]"
        return f"{self._generic('collections.abc.Callable')}[{accepted}, {self._write(result)}]"

    def _literals(self, values: Sequence[str]) -> str:
        for value in values:
            try:
                ast.literal_eval(value)
            except (SyntaxError, ValueError, MemoryError, RecursionError):
                raise Unspellable(f"{value} is no literal") from None
        return f"{self._name('typing.Literal')}[{', '.join(values)}]"

    def _union(self, members: tuple[TypeExpr, ...]) -> str:
        literals = [member.value for member in members if isinstance(member, Literal)]
        rest = [member for member in members if not isinstance(member, Literal) and not is_none(member)]
        parts = ([self._literals(literals)] if literals else []) + [self._write(member) for member in rest]
        with_none = any(map(is_none, members))
        if any(isinstance(member, Named) and member.name in _NO_CLASSES for member in members):
            self._evaluable = False
        if self.lazy or self.version >= (3, 10):
            return " | ".join([*parts, "None"] if with_none else parts)
        if len(parts) > 1:
            self._legacy.append("typing.Union")
            parts = [f"{self._name('typing.Union')}[{', '.join(parts)}]"]
        if with_none:
            self._legacy.append("typing.Optional")
            return f"{self._name('typing.Optional')}[{parts[0]}]"
        return parts[0]
