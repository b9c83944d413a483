"""Conventions: the types that the language fixes for special methods, the wrappers of async and generators, and what names
suggest. In: functions and names; out: types. Knows nothing of what a body does.

Source: ECMAScript 2025, "Fundamental Objects" and "Control Abstraction Objects".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from typeinfer.values.module import Attribute, Function, Name
from typeinfer.values.typeexpr import NONE, UNKNOWN, Named, TypeExpr, Union, Unknown, union

STRING, NUMBER, BOOLEAN = Named("string"), Named("number"), Named("boolean")

RESULTS: dict[str, TypeExpr] = {
    "toString": STRING,
    "toLocaleString": STRING,
    "[Symbol.toStringTag]": STRING,
    "[Symbol.hasInstance]": BOOLEAN,
}

PARAMETERS: dict[str, tuple[TypeExpr, ...]] = {
    "[Symbol.hasInstance]": (Named("unknown"),),
}

PUTS: Mapping[str, tuple[int | None, ...]] = MappingProxyType(
    {"push": (0,), "unshift": (0,), "add": (0,), "set": (0, 1)}
)
"""What puts something into a container, as in `Language.puts`."""


def protocol_type(function: Function, part: str) -> TypeExpr | None:
    """The type of a special method's `return` or of one of its parameters, or None where the language leaves it open."""
    if "." not in function.qualname:
        return None  # A function that is called so; special are only the methods.
    if part == "return":
        return RESULTS.get(function.name)
    positions = [parameter.name for parameter in function.parameters]
    types = PARAMETERS.get(function.name, ())
    at = positions.index(part) if part in positions else len(types)
    return types[at] if at < len(types) else None


def wrap_result(function: Function, result: TypeExpr, yielded: TypeExpr) -> TypeExpr:
    """The annotation of a function that returns `result` and yields `yielded`.

    An async function is annotated with its promise, whether its body returns the value or a promise of it. A generator
    that returns nothing is annotated with what it yields alone.
    """
    if function.is_generator:
        if isinstance(yielded, Unknown):
            return UNKNOWN
        name = "AsyncGenerator" if function.is_async else "Generator"
        return Named(name, (yielded,) if result in (NONE, UNKNOWN) else (yielded, result))
    if not function.is_async or result in (UNKNOWN, Named("Promise")):
        return result
    members = result.members if isinstance(result, Union) else (result,)
    return Named("Promise", (union(map(_awaited, members)),))


def _awaited(term: TypeExpr) -> TypeExpr:
    """What a promise, or what is none, gives when awaited."""
    match term:
        case Named("Promise" | "PromiseLike", (given,)):
            return given
    return term


BOOLEANS = re.compile(
    r"(?:is|has|should|can|did|will|allow|enable|disable|use|with|no|skip|only|show|hide)[A-Z]\w*|"
    r"sync|force|strict|verbose|enabled|disabled|recursive|silent|visible|checked|readonly|required|\w+Only"
)
STRINGS = re.compile(
    r"name|text|title|message|msg|prefix|suffix|label|description|path|url|filename|fileName|filePath|filepath|placeholder|"
    r"className|separator|encoding|locale|str|string|html|css|code|file|dir|cwd|query|selector|charset|hash|token|word|"
    r"char|ch|indent|extension|ext|href|uri|host|hostname|protocol|pathname|email|password|username|"
    r"\w+(?:Name|Text|Title|Message|Path|Url|URL|Label|Str|String|Prefix|Suffix)"
)
NUMBERS = re.compile(
    r"count|index|idx|length|size|width|height|depth|offset|delay|timeout|ms|duration|limit|level|"
    r"i|j|k|n|x|y|z|begin|start|end|pos|position|line|column|col|row|min|max|year|month|day|hour|hours|minute|minutes|"
    r"second|seconds|port|radius|angle|num|number|len|capacity|precision|"
    r"\w+(?:Count|Index|Length|Width|Height|Depth|Offset|Delay|Timeout|Ms|Duration|Size|Pos|Position)"
)
ERRORS = re.compile(r"e|err|error|\w+(?:Err|Error)")


def names_hint(name: str) -> TypeExpr | None:
    """What a name suggests by convention: `isOpen`, `fileName`, `rowCount`. Weak evidence, never enough alone."""
    bare = name.lstrip("_#$")
    if BOOLEANS.fullmatch(bare):
        return BOOLEAN
    if STRINGS.fullmatch(bare):
        return STRING
    if NUMBERS.fullmatch(bare):
        return NUMBER
    return Named("Error") if ERRORS.fullmatch(bare) else None


def is_property(function: Function) -> bool:
    """Whether a method is read like an attribute: the reader gives accessors their keyword as a decorator."""
    return any(isinstance(decorator, Name) and decorator.name == "get" for decorator in function.decorators)


def is_setter(function: Function) -> bool:
    return any(isinstance(decorator, Attribute) and decorator.name == "setter" for decorator in function.decorators)
