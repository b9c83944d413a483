"""Annotations: the text of a TypeScript annotation in, a `TypeExpr` out, and back as text for a report or for a file.

Reads what people write and what the compiler prints. Names stay as written; what the terms can't say (conditional and
mapped types, `typeof`, intersections) is a hole. Knows no file and no scope: how a name is said is asked of the caller.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

import tree_sitter

from typeinfer.languages import treesitter
from typeinfer.languages.typescript import library
from typeinfer.languages.typescript.parsing import TYPESCRIPT
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
    is_none,
    optional,
    union,
    walk,
    without,
)

MAX_NESTING = 40
"""Types nested deeper than this are no types a person wrote; they are read as unknown."""

MAX_LENGTH = 20_000

WIDEST = 4
"""A union of more members belongs under a name of its own."""

MOST_FIELDS = 6
"""So does an object of more fields."""

NULL, BOOLEAN, STRING = Named("null"), Named("boolean"), Named("string")
NOTHING_OR_LATER = optional(Named("Promise", (NONE,)))
TRUE, FALSE = Literal("true"), Literal("false")

# --- reading --------------------------------------------------------------------------------------------------------

# Strings are passed over: one may hold anything.
IMPORT_OR_STRING = re.compile(
    r"""(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`)"""
    r"""|\bimport\s*\(\s*(?P<module>"[^"\\]*"|'[^'\\]*')\s*\)(?P<member>\s*\.)?""",
    re.DOTALL,
)
STAND_IN = re.compile(r"\bimported_module_(\d+)\b")
# Our own spelling of a name with its module, which is no TypeScript: `src/shop/cart.Cart`, `node:fs.Stats`.
QUALIFIED = re.compile(r"(?!.*//)(?=.*[/:@-])[\w$@#~./][\w$@#~.:/+-]*\.[A-Za-z_$][\w$]*")
QUOTE = re.compile(r"""\\.|["']""", re.DOTALL)


@lru_cache(maxsize=8192)
def parse_type(text: str) -> TypeExpr:
    """The type that an annotation's text says, names as written; `Unknown` where it says nothing. Never raises.

    `import("./shop").Cart` is `./shop.Cart`: the module as written, then a dot. A name spelled so is read as well.
    """
    if len(text) > MAX_LENGTH:
        return UNKNOWN
    if QUALIFIED.fullmatch(text):
        return Named(text)
    modules: list[str] = []

    def without_import(found: re.Match[str]) -> str:
        if found["string"] or not found["member"]:
            return found[0]
        modules.append(found["module"][1:-1])
        return f"imported_module_{len(modules) - 1}."

    text = IMPORT_OR_STRING.sub(without_import, text)
    root = treesitter.parse(TYPESCRIPT, f"type T = {text}\n;".encode("utf-8", "replace")).root_node
    statements = _parts(root)
    # More than one statement: the text did not end where the type does.
    if root.has_error or len(statements) != 1 or statements[0].type != "type_alias_declaration":
        return UNKNOWN
    value = statements[0].child_by_field_name("value")
    return UNKNOWN if value is None else _Reader(tuple(modules)).read(value, 0)


class _Reader:
    """Reads the nodes of one type; `modules` are those that its `import("...")`s name, in order."""

    def __init__(self, modules: tuple[str, ...]) -> None:
        self.modules = modules

    def read(self, node: tree_sitter.Node | None, nesting: int) -> TypeExpr:
        if node is None or nesting > MAX_NESTING:
            return UNKNOWN
        inner = nesting + 1
        match node.type:
            case "predefined_type" | "type_identifier" | "nested_type_identifier":
                return self.name(node)
            case "this_type":
                return Named("this")
            case "literal_type":
                return _literal(node)
            case "union_type":
                return self.union(node, inner)
            case "parenthesized_type" | "type_annotation":
                return self.read(_only(node), inner)
            case "array_type":
                return Named("Array", (self.read(_only(node), inner),))
            case "readonly_type":
                below = _only(node)
                if below is not None and below.type == "union_type":
                    return self.union(node, inner)
                return _readonly(self.read(below, inner))
            case "generic_type":
                return self.generic(node, inner)
            case "tuple_type":
                return self.tuple(node, inner)
            case "function_type":
                return self.function(node, inner)
            case "object_type":
                return self.record(node, inner)
        return UNKNOWN

    def name(self, node: tree_sitter.Node) -> TypeExpr:
        text = _text(node)
        if text in ("void", "undefined"):
            return NONE
        if text in ("any", "unique symbol"):
            return UNKNOWN
        written = ".".join(part.strip() for part in text.split("."))
        if any(not _is_identifier(part) for part in written.split(".")):
            return UNKNOWN  # A comment between the parts.
        return Named(STAND_IN.sub(self._module, written) if self.modules else written)

    def _module(self, found: re.Match[str]) -> str:
        at = int(found[1])
        return self.modules[at] if at < len(self.modules) else found[0]

    def union(self, node: tree_sitter.Node, nesting: int) -> TypeExpr:
        terms = [(self.read(part, nesting), is_readonly) for part, is_readonly in _alternatives(node)]
        return _merged(_readonly(term) if is_readonly else term for term, is_readonly in terms)

    def generic(self, node: tree_sitter.Node, nesting: int) -> TypeExpr:
        outer = self.read(node.child_by_field_name("name"), nesting)
        arguments = node.child_by_field_name("type_arguments")
        if not isinstance(outer, Named) or outer.args or arguments is None:
            return UNKNOWN
        return Named(outer.name, tuple(self.read(part, nesting) for part in _parts(arguments)))

    def tuple(self, node: tree_sitter.Node, nesting: int) -> TypeExpr:
        items: list[TypeExpr] = []
        for part in _parts(node):
            named = part.type == "required_parameter"
            name = part.child_by_field_name("name")
            # Items that may be missing or that stand for several make a tuple of no fixed length.
            if part.type in ("optional_type", "optional_parameter", "rest_type") or (
                named and name is not None and name.type == "rest_pattern"
            ):
                return UNKNOWN
            items.append(self.read(part.child_by_field_name("type") if named else part, nesting))
        return Tuple(tuple(items))

    def function(self, node: tree_sitter.Node, nesting: int) -> TypeExpr:
        if node.child_by_field_name("type_parameters") is not None:
            return UNKNOWN
        result = self.read(node.child_by_field_name("return_type"), nesting)
        listed: list[TypeExpr] = []
        parameters = node.child_by_field_name("parameters")
        for part in _parts(parameters) if parameters is not None else ():
            pattern = part.child_by_field_name("pattern")
            if pattern is None or pattern.type == "this":
                return UNKNOWN
            written = self.read(part.child_by_field_name("type"), nesting)
            if pattern.type == "rest_pattern":
                # `(...args: any[]) => T` is how one says that any parameters will do; other rests have no term.
                anything = not listed and written == Named("Array", (UNKNOWN,))
                return CallableType(None, result) if anything else UNKNOWN
            listed.append(optional(written) if part.type == "optional_parameter" else written)
        return CallableType(tuple(listed), result)

    def record(self, node: tree_sitter.Node, nesting: int) -> TypeExpr:
        members = _parts(node)
        if len(members) == 1 and members[0].type == "index_signature":
            return self.index_signature(members[0], nesting)
        if len(members) == 1 and members[0].type == "call_signature":
            return self.function(members[0], nesting)
        fields: dict[str, TypeExpr] = {}
        for member in members:
            key = _key(member)
            if key is None or key in fields:
                return UNKNOWN
            if member.type == "method_signature":
                value = self.function(member, nesting)
            else:
                value = self.read(member.child_by_field_name("type"), nesting)
            # `b?: T | undefined` says `undefined` twice.
            doubled = key.endswith("?") and isinstance(value, Union)
            fields[key] = without(NONE, value) if doubled else value
        return Record(tuple(fields.items()))

    def index_signature(self, node: tree_sitter.Node, nesting: int) -> TypeExpr:
        key = node.child_by_field_name("index_type")
        if key is None:  # A mapped type.
            return UNKNOWN
        return Named("Record", (self.read(key, nesting), self.read(node.child_by_field_name("type"), nesting)))


def _parts(node: tree_sitter.Node) -> list[tree_sitter.Node]:
    return [part for part in node.named_children if part.type != "comment"]


def _only(node: tree_sitter.Node) -> tree_sitter.Node | None:
    parts = _parts(node)
    return parts[0] if len(parts) == 1 else None


def _text(node: tree_sitter.Node) -> str:
    return node.text.decode("utf-8") if node.text is not None else ""


def _alternatives(node: tree_sitter.Node) -> list[tuple[tree_sitter.Node, bool]]:
    """The members of nested unions and which of them are readonly, without recursion: generated unions run to thousands.

    `readonly A[] | B` is `(readonly A[]) | B`; the grammar has it the other way around.
    """
    members: list[tuple[tree_sitter.Node, bool]] = []
    stack = [(node, False)]
    while stack:
        here, is_readonly = stack.pop()
        below = _only(here) if here.type == "readonly_type" else None
        if below is not None and below.type == "union_type":
            stack.append((below, True))
        elif here.type == "union_type":
            stack += reversed([(part, is_readonly and at == 0) for at, part in enumerate(_parts(here))])
        else:
            members.append((here, is_readonly))
    return members


def _merged(members: Iterable[TypeExpr]) -> TypeExpr:
    """The union, `true | false` being `boolean`."""
    term = union(members)
    if isinstance(term, Union) and TRUE in term.members and FALSE in term.members:
        return union((BOOLEAN, *(member for member in term.members if member not in (TRUE, FALSE))))
    return term


def _readonly(term: TypeExpr) -> TypeExpr:
    match term:
        case Named("Array", args):
            return Named("ReadonlyArray", args)
        case Tuple():
            return Named("Readonly", (term,))
    return UNKNOWN


def _literal(node: tree_sitter.Node) -> TypeExpr:
    value = _only(node)
    match value.type if value is not None else "":
        case "null":
            return NULL
        case "undefined":
            return NONE
        case "string":
            return Literal(literal_text(_text(node)))
    return Literal(_text(node).replace(" ", ""))


def literal_text(written: str) -> str:
    """A string literal's source text in double quotes, whichever it was written in."""

    def requoted(found: re.Match[str]) -> str:
        sign = found[0]
        return {"\\'": "'", "'": "'", '"': '\\"'}.get(sign, sign)

    return f'"{QUOTE.sub(requoted, written[1:-1])}"'


def _key(member: tree_sitter.Node) -> str | None:
    """The name of a property or method, with the mark of one that may be missing; None for other members."""
    name = member.child_by_field_name("name")
    signs = {child.type for child in member.children}
    if member.type not in ("property_signature", "method_signature") or name is None or signs & {"get", "set"}:
        return None
    if name.type not in ("property_identifier", "string", "number"):
        return None
    text = literal_text(_text(name)) if name.type == "string" else _text(name)
    return f"{text}?" if "?" in signs else text


# --- writing --------------------------------------------------------------------------------------------------------

# Plain types in the order in which most authors list them, before all others.
ORDER = ("string", "number", "boolean", "bigint", "symbol")

# Where these say `void`, they say that nothing comes of them; anything else that may be missing is `undefined`.
RESULTS = {"Promise": 0, "PromiseLike": 0, "Generator": 1, "AsyncGenerator": 1, "Iterator": 1, "AsyncIterator": 1}


RESERVED = frozenset(
    "readonly keyof typeof infer unique asserts new import function extends this null void any".split()
)


def write_type(term: TypeExpr) -> str:
    """The type for a report: names without their modules, a question mark for what is not known."""
    return spell(term, unqualified)


def spell(term: TypeExpr, name_of: Callable[[str], str]) -> str:
    """The type as it stands in a file, where `name_of` says each qualified name; the language's own words are said here."""
    return "void" if term == NONE else _Speller(name_of).inside(term)


def unqualified(name: str) -> str:
    """`src/shop/cart.Cart.Item` -> `Cart.Item`."""
    if library.is_builtin(name):
        return name
    _, dot, inside = name[name.rfind("/") + 1 :].partition(".")
    # By itself a word of the language would be read as that.
    return inside if dot and inside.partition(".")[0] not in RESERVED else name


class _Speller:
    def __init__(self, name_of: Callable[[str], str]) -> None:
        self.name_of = name_of

    def inside(self, term: TypeExpr) -> str:
        match term:
            case Named(name, args):
                return self.named(name, args)
            case Literal(value):
                return value
            case CallableType(params, result):
                return f"({self.parameters(params)}) => {self.result(result)}"
            case Tuple((item,), True):
                return self.array(item)
            case Tuple(items, _):
                return f"[{', '.join(map(self.inside, items))}]"
            case Record(fields):
                return f"{{ {'; '.join(f'{key}: {self.inside(part)}' for key, part in fields)} }}" if fields else "{}"
            case Union(members):
                return " | ".join(map(self.member, sorted(members, key=_place)))
            case Unknown():
                return "?"

    def named(self, name: str, args: tuple[TypeExpr, ...]) -> str:
        match name, args:
            case "None", _:
                return "undefined"
            case "Array", (item,):
                return self.array(item)
            case "ReadonlyArray", (item,):
                return f"readonly {self.array(item)}"
            case "Readonly", (Tuple(_, False) as items,):
                return f"readonly {self.inside(items)}"
        said = name if name in library.KEYWORDS else self.name_of(name)
        nothing = RESULTS.get(name)
        spelled = ["void" if at == nothing and arg == NONE else self.inside(arg) for at, arg in enumerate(args)]
        return f"{said}<{', '.join(spelled)}>" if args else said

    def array(self, item: TypeExpr) -> str:
        spelled = self.inside(item)
        binds_less = isinstance(item, Union | CallableType) or spelled.startswith("readonly ")
        return f"({spelled})[]" if binds_less else f"{spelled}[]"

    def member(self, term: TypeExpr) -> str:
        return f"({self.inside(term)})" if isinstance(term, CallableType) else self.inside(term)

    def result(self, term: TypeExpr) -> str:
        if term == NOTHING_OR_LATER:
            return "void | Promise<void>"
        return spell(term, self.name_of)

    def parameters(self, params: tuple[TypeExpr, ...] | None) -> str:
        if params is None:
            return "...args: any[]"
        required = max((at + 1 for at, part in enumerate(params) if not _may_be_missing(part)), default=0)
        return ", ".join(
            f"arg{at}: {self.inside(part)}" if at < required else f"arg{at}?: {self.inside(without(NONE, part))}"
            for at, part in enumerate(params)
        )


def _place(member: TypeExpr) -> int:
    """Where a member stands in a union: plain types first, null-like ones last."""
    if is_none(member):
        return len(ORDER) + (2 if member == NONE else 1)
    return ORDER.index(member.name) if isinstance(member, Named) and member.name in ORDER else len(ORDER)


def _may_be_missing(term: TypeExpr) -> bool:
    return isinstance(term, Union) and NONE in term.members


def _is_identifier(name: str) -> bool:
    return name.replace("$", "_").isidentifier()


# --- what is never written ------------------------------------------------------------------------------------------

SAY_NOTHING = frozenset({"any", "object", "Object", "Function"})

WRAPPERS = frozenset({"String", "Number", "Boolean", "Symbol", "BigInt"})

# The compiler refuses these without their arguments.
NEED_ARGUMENTS = frozenset(
    "Array ReadonlyArray Map ReadonlyMap Set ReadonlySet WeakMap WeakSet WeakRef Promise PromiseLike Record Partial "
    "Required Readonly Pick Omit Iterable AsyncIterable Iterator AsyncIterator ArrayLike".split()
)


def is_writable(term: TypeExpr) -> str | None:
    """The reason why a type is never written, in one line; None where it may be."""
    for part in walk(term):
        match part:
            case Unknown():
                return "part of the type is not known"
            case CallableType(None, _):
                return "the function's parameters are not known"
            case Record(()):
                return "{} says nothing"
            case Record(fields) if len(fields) > MOST_FIELDS:
                return f"an object of more than {MOST_FIELDS} fields needs a name"
            case Union(members) if len(members) > WIDEST:
                return f"a union of more than {WIDEST} members"
            case Named(name, args):
                if (reason := _unwritable_name(name, args)) is not None:
                    return reason
    return None


def _unwritable_name(name: str, args: tuple[TypeExpr, ...]) -> str | None:
    if name in SAY_NOTHING:
        return f"{name} says nothing"
    if name in WRAPPERS:
        return f"{name} is the object around a {name.lower()}, which nobody means"
    if name in ("Array", "ReadonlyArray") and args == (Named("never"),):
        return "never[] only says that nothing was seen in it"
    if name in NEED_ARGUMENTS and not args:
        return f"{name} needs its type arguments"
    if not all(map(_is_identifier, unqualified(name).split("."))):
        return f"{name} is no name"
    return None
