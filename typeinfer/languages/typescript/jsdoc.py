"""JSDoc: the text of a `/** ... */` comment in; its tags, the types inside them and what they are said of out.

Types are read as TypeScript's compiler reads them, Closure's spellings included. Knows nothing of the file that the comment
stands in: names are as written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from typeinfer.languages.typescript import library
from typeinfer.languages.typescript.annotations import parse_type
from typeinfer.values.source import Span
from typeinfer.values.typeexpr import (
    UNKNOWN,
    CallableType,
    Named,
    Record,
    TypeExpr,
    is_complete,
    names,
    rename,
)

# Code in backquotes holds no tags; an `@` in the middle of a word (a mail address) or behind a brace (`{@link x}`) is none.
TAG = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|(?<![^\s*])@(?P<tag>[A-Za-z]+)", re.DOTALL)
GAP = re.compile(r"(?:[ \t\r]|\n[ \t]*(?:\*(?!/))?)*")
"""What may stand between the parts of a tag: blanks, and line ends with the star of the next line."""
STAR = re.compile(r"\r?\n[ \t]*\*?(?!/)")
NAME = re.compile(r"(?P<tick>`)?(?P<optional>\[\s*)?(?P<name>(?:\.\.\.)?[\w$#]+(?:\[\])?(?:\.[\w$#]+(?:\[\])?)*)")
TEMPLATE = re.compile(r"\[?(?P<name>[A-Za-z_$][\w$]*)(?:\s*=[^\]\n]*\])?\]?\s*(?P<more>,\s*)?")

SAME = {"arg": "param", "argument": "param", "return": "returns", "yield": "yields", "prop": "property"}
NAMED = frozenset({"param", "property", "typedef", "callback"})


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag of a comment: `@param {T} [name=1]` is `Tag("param", "T", ..., "name", optional=True)`.

    `name` is spelled one way (`@arg` and `@argument` are `param`, `@return` is `returns`, `@yield` is `yields`, `@prop` is
    `property`). `span` counts the bytes of the type's text from the start of the comment; without a type `type` is empty
    and `span` is the empty one where `{T} ` would go. `parameter` is dotted for a property (`options.size`). `variadic`:
    written `{...T}`, where `type` is that of one argument.
    """

    name: str
    type: str
    span: Span
    parameter: str = ""
    optional: bool = False
    variadic: bool = False


def tags(comment: str) -> list[Tag]:
    """The tags of a comment in their order; one `Tag` for each name of a `@template`."""
    if "@" not in comment:
        return []
    return [tag for found in TAG.finditer(comment) if found["tag"] for tag in _tag(comment, found)]


def _tag(comment: str, found: re.Match[str]) -> Iterator[Tag]:
    name = SAME.get(found["tag"], found["tag"])
    at = _behind_gap(comment, found.end())
    braces = _braces(comment, at)
    if name == "template":
        yield from _templates(comment, at, braces)
        return
    parameter, optional = "", False
    if name in NAMED:
        named = NAME.match(comment, at if braces is None else _behind_gap(comment, braces[1]))
        if named is not None:
            parameter, optional = named["name"].removeprefix("..."), named["optional"] is not None
            if braces is None:  # @param name {T}
                braces = _braces(comment, _behind_gap(comment, named.end()))
    if braces is None:
        yield Tag(name, "", _bytes(comment, at, at), parameter, optional)
        return
    start, end = braces[0] + 1, braces[1] - 1
    variadic = comment.startswith("...", start)
    start += 3 if variadic else 0
    # Closure's `{T=}` is a parameter that may be left out.
    left_out = comment[start:end].rstrip().endswith("=")
    end = start + comment[start:end].rstrip().rindex("=") if left_out else end
    start, end = _trimmed(comment, start, end)
    text = STAR.sub("\n", comment[start:end])
    yield Tag(name, text, _bytes(comment, start, end), parameter, optional or left_out, variadic)


def _templates(comment: str, at: int, braces: tuple[int, int] | None) -> Iterator[Tag]:
    """`@template {Constraint} T, U`: the constraint is said of the first name."""
    start, end = (at, at) if braces is None else _trimmed(comment, braces[0] + 1, braces[1] - 1)
    text, span = comment[start:end], _bytes(comment, start, end)
    at = at if braces is None else _behind_gap(comment, braces[1])
    while (found := TEMPLATE.match(comment, at)) is not None:
        yield Tag("template", text, span, found["name"])
        if not found["more"]:
            return
        at, text, span = found.end(), "", _bytes(comment, found.end(), found.end())


def _behind_gap(comment: str, at: int) -> int:
    found = GAP.match(comment, at)
    return found.end() if found else at


def _braces(comment: str, at: int) -> tuple[int, int] | None:
    """Where a type in braces begins and ends, braces included; strings inside it may hold braces of their own."""
    if not comment.startswith("{", at) or comment.startswith("{@", at):
        return None
    depth, quote = 0, ""
    for index in range(at, len(comment)):
        sign = comment[index]
        if quote:
            quote = "" if sign in (quote, "\n") else quote
        elif sign in "\"'`":
            quote = sign
        elif sign == "{":
            depth += 1
        elif sign == "}":
            depth -= 1
            if depth == 0:
                return at, index + 1
    return None


def _trimmed(comment: str, start: int, end: int) -> tuple[int, int]:
    text = comment[start:end]
    return start + len(text) - len(text.lstrip()), start + len(text.rstrip()) if text.strip() else start


def _bytes(comment: str, start: int, end: int) -> Span:
    if comment.isascii():
        return Span(start, end)
    before = len(comment[:start].encode("utf-8", "replace"))
    return Span(before, before + len(comment[start:end].encode("utf-8", "replace")))


# --- types ------------------------------------------------------------------------------------------------------------

WORDS = {
    **dict.fromkeys(("String", "str", "Str"), "string"),
    **dict.fromkeys(("Number", "int", "Int", "integer", "Integer", "float", "Float", "double"), "number"),
    **dict.fromkeys(("Boolean", "bool", "Bool"), "boolean"),
    **dict.fromkeys(("Void", "Undefined"), "None"),
    **dict.fromkeys(("regexp", "Regexp", "regex", "Regex", "RegEx"), "RegExp"),
    "Symbol": "symbol",
    "BigInt": "bigint",
    "Null": "null",
    "array": "Array",
    "promise": "Promise",
}
"""What people call types that the language calls otherwise."""

SAY_NOTHING = frozenset("Object object Function function func fn callback Any All mixed Mixed type".split())


@lru_cache(maxsize=4096)
def documented_types(comment: str) -> Mapping[str, TypeExpr]:
    """Types by parameter name, `return` for what is returned and `yield` for what is yielded.

    A parameter without a name (`{ a, b }`) is `__0` by its position. `options.size` and its like make an object of `options`.
    """
    said = tags(comment)
    templates = {tag.parameter for tag in said if tag.name == "template"}
    parameters = [tag for tag in said if tag.name == "param" and not re.search(r"[.\[]", tag.parameter)]
    found: dict[str, TypeExpr] = {}
    for position, tag in enumerate(parameters):
        term = _parameter_type(tag, said)
        found.setdefault(tag.parameter, term)
        found.setdefault(f"__{position}", term)
    for tag in said:
        match tag.name:
            case "property":
                found.setdefault(tag.parameter, documented_type(tag.type))
            case "returns":
                found.setdefault("return", documented_type(tag.type))
            case "yields":
                found.setdefault("yield", documented_type(tag.type))
            case "type":
                found.setdefault("return", _result_of(documented_type(tag.type)))
    return {name: term for name, term in found.items() if is_complete(term) and templates.isdisjoint(names(term))}


def _parameter_type(tag: Tag, said: list[Tag]) -> TypeExpr:
    term = documented_type(tag.type)
    if not is_complete(term):
        term = _shape(tag, said)
    return Named("Array", (term,)) if tag.variadic else term


def _shape(owner: Tag, said: list[Tag]) -> TypeExpr:
    """The object, or the list of objects, that the tags `owner.key` or `owner[].key` spell out field by field."""
    for ending in (".", "[]."):
        start = f"{owner.parameter}{ending}"
        inside = [tag for tag in said if tag.name == owner.name and tag.parameter.startswith(start)]
        fields: dict[str, TypeExpr] = {}
        for tag in inside:
            key = tag.parameter.removeprefix(start)
            if "." not in key and "[" not in key:
                fields[f"{key}?" if tag.optional else key] = _parameter_type(tag, inside)
        if fields:
            shape = Record(tuple(fields.items()))
            return shape if ending == "." else Named("Array", (shape,))
    return UNKNOWN


def _result_of(term: TypeExpr) -> TypeExpr:
    """What `@type` before a function says of its result: it is the function's type, or that of what an accessor gives."""
    if isinstance(term, CallableType):
        return term.result
    return term if all(name in library.KEYWORDS for name in names(term)) else UNKNOWN


def documented_type(text: str) -> TypeExpr:
    """The type between the braces of a tag, `Unknown` where it is prose or says nothing."""
    term = parse_type(as_typescript(text))
    return UNKNOWN if not SAY_NOTHING.isdisjoint(names(term)) else rename(term, lambda name: WORDS.get(name, name))


TOKEN = re.compile(r"""\s+|(?P<token>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[\w$]+(?:\.[\w$]+)*|\.<|=>|\.\.\.|\S)""")

BRACKETS = {"(": ")", "<": ">", ".<": ">", "[": "]", "{": "}"}
CLOSING = frozenset(BRACKETS.values())
BEFORE_TYPE = frozenset({"", ",", "|", "&", ":", "=>", *BRACKETS})
BEHIND_TYPE = frozenset({"", ",", "|", "&", "=", *CLOSING})

MAX_NESTING = 40


def as_typescript(text: str) -> str:
    """A type in Closure's spelling in TypeScript's: `?T`, `!T`, `*`, `Array.<T>`, `Object<K, V>`, `function(A, B=): R`."""
    return _Closure([found["token"] for found in TOKEN.finditer(text) if found["token"]]).until(frozenset(), 0)


@dataclass
class _Closure:
    """Reads the words and signs of one type from the left and writes each part as TypeScript has it."""

    tokens: list[str]
    at: int = field(default=0, init=False)

    @property
    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def until(self, ends: frozenset[str], nesting: int) -> str:
        """The text up to one of `ends`, which is left there."""
        written: list[str] = []
        before = ""
        while self.next and self.next not in ends:
            token = self.take()
            opens = before in BEFORE_TYPE
            if token == "?" and opens:
                written.append("any" if self.next in BEHIND_TYPE else "null |")
                before = "" if self.next not in BEHIND_TYPE else "any"
                continue
            if token == "!":
                continue
            if token in BRACKETS:
                written.append(self.bracket(token, nesting))
            elif token == "function" and self.next == "(":
                written.append(self.function(nesting))
            elif token == "?" and self.next in BEHIND_TYPE - {"]"}:
                written.append("| null")
            elif token == "*" and opens:
                written.append("any")
            elif token == "or" and not opens:
                written.append("|")
            elif token == "Object" and self.next in ("<", ".<"):
                written.append("Record")
            else:
                written.append(token)
            before = BRACKETS.get(token, token)
        return " ".join(written)

    def bracket(self, opening: str, nesting: int) -> str:
        closing = BRACKETS[opening]
        if nesting > MAX_NESTING:
            self.at = len(self.tokens)
        inside = self.until(frozenset({closing}), nesting + 1)
        if self.next:
            self.take()
            return f"{opening[-1]}{inside}{closing}"
        return f"{opening[-1]}{inside}"

    def function(self, nesting: int) -> str:
        """`function(A, B=): R` -> `((arg0: A, arg1?: B) => R)`. What is to be called with `new` is no plain function."""
        self.take()
        if nesting > MAX_NESTING:
            self.at = len(self.tokens)
        parameters: list[str] = []
        while self.next and self.next != ")":
            written = self.until(frozenset({",", ")"}), nesting + 1)
            if self.next == ",":
                self.take()
            if written.startswith("new :"):
                return "any"
            if written.startswith("this :"):
                continue
            rest = "..." if written.startswith("...") else ""
            missing = "?" if written.endswith("=") else ""
            bare = written.removeprefix("...").removesuffix("=").strip() or "any"
            parameters.append(f"{rest}arg{len(parameters)}{missing}: {f'({bare})[]' if rest else bare}")
        if self.next:
            self.take()
        result = "any"
        if self.next == ":":
            self.take()
            result = self.until(BEHIND_TYPE - {"&"} | {";"}, nesting + 1)
        return f"(({', '.join(parameters)}) => {result})"
