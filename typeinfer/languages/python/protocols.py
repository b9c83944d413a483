"""Protocols: the types that the language itself fixes for special methods, and the wrappers of async and generators.

Source: "Data model", Python language reference. Knows nothing of what a body does.
"""

from __future__ import annotations

from typeinfer.values.module import Function
from typeinfer.values.typeexpr import NONE, UNKNOWN, Named, TypeExpr, Unknown, optional

INT, STR, BOOL, OBJECT = Named("int"), Named("str"), Named("bool"), Named("object")
EXIT = (
    optional(Named("type", (Named("BaseException"),))),
    optional(Named("BaseException")),
    optional(Named("types.TracebackType")),
)

RESULTS: dict[str, TypeExpr] = {
    **dict.fromkeys(["__len__", "__length_hint__", "__hash__", "__int__", "__index__", "__sizeof__"], INT),
    **dict.fromkeys(["__str__", "__repr__", "__format__"], STR),
    **dict.fromkeys(["__bool__", "__contains__", "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"], BOOL),
    **dict.fromkeys(["__instancecheck__", "__subclasscheck__"], BOOL),
    **dict.fromkeys(
        ["__init__", "__post_init__", "__attrs_post_init__", "__del__", "__setattr__", "__delattr__"], NONE
    ),
    **dict.fromkeys(["__setitem__", "__delitem__", "__set__", "__delete__", "__set_name__", "__init_subclass__"], NONE),
    "__bytes__": Named("bytes"),
    "__float__": Named("float"),
    "__complex__": Named("complex"),
}

PARAMETERS: dict[str, tuple[TypeExpr, ...]] = {
    "__exit__": EXIT,
    "__aexit__": EXIT,
    "__eq__": (OBJECT,),
    "__ne__": (OBJECT,),
    "__format__": (STR,),
    "__getattr__": (STR,),
    "__getattribute__": (STR,),
    "__setattr__": (STR,),
    "__delattr__": (STR,),
    "__set_name__": (Named("type"), STR),
    "__contains__": (OBJECT,),
}


def protocol_type(function: Function, part: str) -> TypeExpr | None:
    """The type of a special method's `return` or of one of its parameters, or None where the language leaves it open."""
    if function.owner is None:
        return None
    if part == "return":
        return RESULTS.get(function.name)
    positions = [parameter.name for parameter in function.parameters if parameter.slot is not None]
    types = PARAMETERS.get(function.name, ())
    at = positions.index(part) if part in positions else len(types)
    return types[at] if at < len(types) else None


def wrap_result(function: Function, result: TypeExpr, yielded: TypeExpr) -> TypeExpr:
    """The annotation of a function that returns `result` and yields `yielded`.

    A coroutine is annotated with what it gives when awaited (PEP 484); a generator that nothing is sent to and that
    returns nothing is an iterator of what it yields, which is how most authors write it.
    """
    if not function.is_generator:
        return result
    if isinstance(yielded, Unknown):
        return UNKNOWN
    if function.is_async:
        return Named("collections.abc.AsyncIterator", (yielded,))
    if result in (NONE, UNKNOWN):
        return Named("collections.abc.Iterator", (yielded,))
    return Named("collections.abc.Generator", (yielded, NONE, result))


def unwrap_result(function: Function, seen: TypeExpr) -> TypeExpr:
    """The annotation of a function whose result its callers see as `seen`: the same rules the other way around."""
    if not isinstance(seen, Named):
        return seen
    if function.is_generator:
        match seen.name.rpartition(".")[2], seen.args:
            case "Generator", (yielded, *rest):
                return wrap_result(function, rest[-1] if len(rest) == 2 else NONE, yielded)
            case "AsyncGenerator", (yielded, *_):
                return wrap_result(function, NONE, yielded)
        return UNKNOWN
    if function.is_async and seen.name.rpartition(".")[2] == "Coroutine" and len(seen.args) == 3:
        return seen.args[2]
    return UNKNOWN if function.is_async else seen


def names_hint(name: str) -> TypeExpr | None:
    """What a name suggests by convention: `is_open`, `has_key`. Weak evidence, never enough alone."""
    bare = name.lstrip("_")
    if bare.startswith(("is_", "has_", "should_", "can_", "use_", "enable_", "allow_")):
        return BOOL
    if bare in ("name", "filename", "text", "message", "msg", "prefix", "suffix", "encoding", "title", "description"):
        return STR
    if bare.endswith(("_name", "_text", "_id_str")):
        return STR
    if bare.startswith(("num_", "n_")) or bare in ("count", "index", "length", "lineno", "depth", "width", "height"):
        return INT
    return None
