"""Type terms: a closed algebra of what an annotation can say, one spelling a type. Knows no syntax and no language.

Names are qualified and dotted (`pathlib.Path`, `shop.cart.Cart.Item`); those of the language itself are bare (`int`,
`None`, `string`). Whoever reads or writes syntax translates at its own border.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from typing import TypeAlias

from msgspec import Struct

NONE_NAMES = frozenset({"None", "null", "undefined", "void"})


class Unknown(Struct, frozen=True, tag=True, array_like=True, gc=False):
    """No type is known here: a hole. Never written as `Any`."""


class Named(Struct, frozen=True, tag=True, array_like=True, gc=False):
    """A class, alias or special form, with its type arguments: `dict[str, int]`."""

    name: str
    args: tuple[TypeExpr, ...] = ()


class Literal(Struct, frozen=True, tag=True, array_like=True, gc=False):
    """One value as a type: `Literal["r"]`. `value` is the source text of the value in the language's own spelling."""

    value: str


class CallableType(Struct, frozen=True, tag=True, array_like=True, gc=False):
    """A function type; `params` is None where they are left open (`Callable[..., int]`)."""

    params: tuple[TypeExpr, ...] | None
    result: TypeExpr


class Tuple(Struct, frozen=True, tag=True, array_like=True, gc=False):
    """A tuple: `items` in order, or, when `open`, one item type for any length (`tuple[int, ...]`)."""

    items: tuple[TypeExpr, ...]
    open: bool = False


class Record(Struct, frozen=True, tag=True, array_like=True, gc=False):
    """An object type by its fields, as TypeScript writes them."""

    fields: tuple[tuple[str, TypeExpr], ...]


class Union(Struct, frozen=True, tag=True, array_like=True, gc=False):
    """Two or more alternatives, flat, without repeats, sorted, null-like members last. Built by `union` only."""

    members: tuple[TypeExpr, ...]


TypeExpr: TypeAlias = Unknown | Named | Literal | CallableType | Tuple | Record | Union

UNKNOWN = Unknown()
NONE = Named("None")


def union(members: Iterable[TypeExpr]) -> TypeExpr:
    """The union in normal form: flat, a set, one order; of one member that member; of none `Unknown`.

    An unknown member makes the union unknown: what may be anything is not known.
    """
    flat: dict[TypeExpr, None] = {}
    for member in members:
        for part in member.members if isinstance(member, Union) else (member,):
            flat[part] = None
    if not flat or UNKNOWN in flat:
        return UNKNOWN
    if len(flat) == 1:
        return next(iter(flat))
    return Union(tuple(sorted(flat, key=lambda part: (is_none(part), repr(part)))))


def optional(part: TypeExpr) -> TypeExpr:
    return union((part, NONE))


def is_none(term: TypeExpr) -> bool:
    return isinstance(term, Named) and term.name in NONE_NAMES


def without_none(term: TypeExpr) -> TypeExpr:
    """The type less its null-like members; `None` itself becomes `Unknown`."""
    if isinstance(term, Union):
        return union(member for member in term.members if not is_none(member))
    return UNKNOWN if is_none(term) else term


def without(part: TypeExpr, term: TypeExpr) -> TypeExpr:
    """The type less one member of a union; what is that member alone becomes `Unknown`."""
    if isinstance(term, Union):
        return union(member for member in term.members if member != part)
    return UNKNOWN if term == part else term


def bare(term: TypeExpr) -> TypeExpr:
    """The type without its arguments, in a union each member without its own: `dict[str, int] | None` is `dict | None`."""
    match term:
        case Named(name, _):
            return Named(name)
        case Union(members):
            return union(map(bare, members))
    return term


def children(term: TypeExpr) -> tuple[TypeExpr, ...]:
    match term:
        case Named(_, args):
            return args
        case Union(members):
            return members
        case Tuple(items, _):
            return items
        case CallableType(params, result):
            return (*(params or ()), result)
        case Record(fields):
            return tuple(part for _, part in fields)
        case _:
            return ()


def walk(term: TypeExpr) -> Iterator[TypeExpr]:
    """The term and everything inside it, outermost first."""
    yield term
    for child in children(term):
        yield from walk(child)


def is_complete(term: TypeExpr) -> bool:
    """True where no hole is left."""
    return not any(isinstance(part, Unknown) for part in walk(term))


def depth(term: TypeExpr) -> int:
    return 1 + max((depth(child) for child in children(term)), default=0)


def rename(term: TypeExpr, new_name: Callable[[str], str]) -> TypeExpr:
    """The term with every name replaced, in normal form again."""

    def renamed(part: TypeExpr) -> TypeExpr:
        return Named(new_name(part.name), part.args) if isinstance(part, Named) else part

    return replaced(term, renamed)


def replaced(term: TypeExpr, change: Callable[[TypeExpr], TypeExpr]) -> TypeExpr:
    """The term with every part of it changed, innermost first, in normal form again."""

    def again(part: TypeExpr) -> TypeExpr:
        return replaced(part, change)

    match term:
        case Named(name, args):
            return change(Named(name, tuple(map(again, args))))
        case Union(members):
            return change(union(map(again, members)))
        case Tuple(items, is_open):
            return change(Tuple(tuple(map(again, items)), is_open))
        case CallableType(params, result):
            return change(CallableType(None if params is None else tuple(map(again, params)), again(result)))
        case Record(fields):
            return change(Record(tuple((key, again(part)) for key, part in fields)))
        case _:
            return change(term)


def names(term: TypeExpr) -> list[str]:
    """Every name in the term, outermost first, each once."""
    return list(dict.fromkeys(part.name for part in walk(term) if isinstance(part, Named)))


def join(terms: Sequence[TypeExpr]) -> TypeExpr:
    """The smallest type of this algebra that holds them all: equal containers are joined argument by argument.

    `list[int]` and `list[str]` join to `list[int | str]`; what has no common constructor becomes a union. A bare
    container gives way to one with arguments (`list` and `list[int]` join to `list[int]`): an empty display says nothing.
    """
    return reduce(_join_two, terms) if terms else UNKNOWN


def _join_two(left: TypeExpr, right: TypeExpr) -> TypeExpr:
    if left == right:
        return left
    match left, right:
        case Union(members), _:
            return _join_into(members, right)
        case _, Union(members):
            return _join_into(members, left)
        case Named(one, args), Named(two, more) if one == two:
            if len(args) == len(more):
                return Named(one, tuple(map(_join_two, args, more)))
            return left if args else right
        case Tuple(items, is_open), Tuple(others, also) if is_open == also and len(items) == len(others):
            return Tuple(tuple(map(_join_two, items, others)), is_open)
    return union((left, right))


def _join_into(members: tuple[TypeExpr, ...], other: TypeExpr) -> TypeExpr:
    if isinstance(other, Union):
        return reduce(_join_two, other.members, union(members))
    for index, member in enumerate(members):
        joined = _join_two(member, other)
        if not isinstance(joined, Union):
            return union((*members[:index], joined, *members[index + 1 :]))
    return union((*members, other))


def outermost(term: TypeExpr) -> str:
    """The constructor that stands outermost, null left aside: what `base` in the evaluation compares."""
    match without_none(term):
        case Named(name, _):
            return name.rpartition(".")[2]
        case CallableType():
            return "Callable"
        case Tuple():
            return "tuple"
        case Record():
            return "{}"
        case Literal():
            return "Literal"
        case Union(members):
            return "|".join(sorted(outermost(member) for member in members))
        case _:
            return "None" if is_none(term) else "?"
