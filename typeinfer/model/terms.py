"""Terms: a type in; the symbols that spell it in prefix order, each from a vocabulary of constructors or a pointer, out; and back.

Every symbol has a fixed number of arguments, so that a sequence ends by itself. A union is a set: its members stand in the
one order that `typeexpr.union` gives them, and each null-like member is a constructor of its own around the rest. Knows no
language and no project: a name is whatever is qualified.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from typeinfer.values.typeexpr import (
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
    union,
)

NO_TYPE = 0
"""The symbol of all that can't be composed: it takes the probability that the true type is out of reach."""

HOLE = "?"
"""The key of `Any` and its like inside a type."""

APPLY = "apply"
"""Its first argument is a pointer at a generic class, the others are what it is of."""

MOST_ARGUMENTS = 6


@dataclass(frozen=True)
class Symbol:
    """A constructor and how many types it takes. `languages`: in which it was seen."""

    key: str
    arity: int
    languages: tuple[str, ...]


def is_name(symbol: Symbol) -> bool:
    """Whether a constructor is a class or alias, known by its qualified name, and not a form of types."""
    return symbol.key[:1].isidentifier() and symbol.key != APPLY and not symbol.key.endswith("|")


@dataclass(frozen=True)
class Vocabulary:
    symbols: tuple[Symbol, ...]

    @cached_property
    def number(self) -> Mapping[tuple[str, int], int]:
        return {(symbol.key, symbol.arity): number for number, symbol in enumerate(self.symbols)}

    def encoded(self) -> bytes:
        rows = [[symbol.key, symbol.arity, list(symbol.languages)] for symbol in self.symbols]
        return ("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n").encode()

    def store(self, path: Path) -> None:
        path.write_bytes(self.encoded())

    @staticmethod
    def load(path: Path) -> Vocabulary:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return Vocabulary(tuple(Symbol(key, arity, tuple(languages)) for key, arity, languages in rows))


def spell(term: TypeExpr) -> Iterator[tuple[str, int, str | None]]:
    """Symbols in prefix order: key, arity and, for what a pointer may say, the qualified name.

    A type with a part that no symbol stands for (an object type, a long tuple) has the symbol `""` in that place.
    """
    match term:
        case Unknown():
            yield HOLE, 0, None
        case Literal(value):
            yield f"={value}", 0, None
        case Named(name, ()):
            yield name, 0, name
        case Named(name, args) if len(args) <= MOST_ARGUMENTS:
            # A pointer has no arguments: with `apply` a generic class of the project takes some.
            yield name, len(args), name
            for argument in args:
                yield from spell(argument)
        case Union(members):
            nulls = [member for member in members if is_none(member)]
            rest = [member for member in members if not is_none(member)]
            for null in nulls[: None if rest else -1]:
                assert isinstance(null, Named)
                yield f"{null.name}|", 1, None
            rest = rest or nulls[-1:]
            if len(rest) > MOST_ARGUMENTS:
                yield "", 0, None
            else:
                if len(rest) > 1:
                    yield "|", len(rest), None
                for member in rest:
                    yield from spell(member)
        case Tuple(items, is_open) if len(items) <= MOST_ARGUMENTS:
            yield "(...)" if is_open else "()", len(items), None
            for item in items:
                yield from spell(item)
        case CallableType(None, result):
            yield "(...)=>", 1, None
            yield from spell(result)
        case CallableType(params, result) if params is not None and len(params) < MOST_ARGUMENTS:
            yield "()=>", len(params) + 1, None
            for part in (*params, result):
                yield from spell(part)
        case Record():
            yield "", 0, None
        case _:
            yield "", 0, None


def label(spelled: Iterable[tuple[str, int, int]], vocabulary: Vocabulary) -> tuple[list[int], list[int]]:
    """The symbols of a type and, beside each, the name in scope that says the same, or -1; up to the first that neither has,
    which is -1 in both. `spelled`: key, arity and name in scope (or -1), as `spell` gives them."""
    symbols: list[int] = []
    pointers: list[int] = []

    def add(symbol: int, pointer: int) -> None:
        symbols.append(symbol)
        pointers.append(pointer)

    for key, arity, pointer in spelled:
        symbol = vocabulary.number.get((key, arity), -1) if key else -1
        if arity and symbol < 0 and pointer >= 0:
            add(vocabulary.number.get((APPLY, arity + 1), -1), -1)
            if symbols[-1] >= 0:
                add(-1, pointer)
        else:
            add(symbol, -1 if arity else pointer)
        if symbols[-1] < 0 and pointers[-1] < 0:
            break
    return symbols, pointers


def read(symbols: Sequence[int], vocabulary: Vocabulary, scope: Sequence[str], hole: TypeExpr = UNKNOWN) -> TypeExpr:
    """The type that a complete sequence spells; numbers from `len(vocabulary.symbols)` on are names in scope. `hole` is what
    stands for the symbol of `Any`. `Unknown` for a sequence that spells no type (`apply` of what is no name)."""
    rest = iter(symbols)

    def following(count: int) -> tuple[TypeExpr, ...]:
        return tuple(one() for _ in range(count))

    def one() -> TypeExpr:
        number = next(rest)
        if number >= len(vocabulary.symbols):
            return Named(scope[number - len(vocabulary.symbols)])
        symbol = vocabulary.symbols[number]
        parts = following(symbol.arity)
        match symbol.key:
            case "":
                return UNKNOWN
            case "?":
                return hole
            case "|":
                return union(parts)
            case "()":
                return Tuple(parts)
            case "(...)":
                return Tuple(parts, True)
            case "(...)=>":
                return CallableType(None, parts[0])
            case "()=>":
                return CallableType(parts[:-1], parts[-1])
            case "apply":
                return Named(parts[0].name, parts[1:]) if isinstance(parts[0], Named) and not parts[0].args else UNKNOWN
            case key if key.startswith("="):
                return Literal(key[1:])
            case key if key.endswith("|"):
                return union((*parts, Named(key[:-1])))
            case key:
                return Named(key, parts)

    return one()


def collect(
    counted: Iterable[tuple[str, int, str, int]], projects: Mapping[tuple[str, int], int], size: int
) -> Vocabulary:
    """The `size` symbols seen most, of those that at least three projects use. `counted`: key, arity, language, count."""
    total: dict[tuple[str, int], int] = {}
    languages: dict[tuple[str, int], set[str]] = {}
    for key, arity, language, count in counted:
        total[key, arity] = total.get((key, arity), 0) + count
        languages.setdefault((key, arity), set()).add(language)
    everywhere = tuple(sorted({language for found in languages.values() for language in found}))
    kept = sorted((pair for pair in total if pair[0] and projects[pair] >= 3), key=lambda pair: (-total[pair], pair))
    applied = [Symbol(APPLY, arity, everywhere) for arity in (2, 3)]
    rows = [Symbol(key, arity, tuple(sorted(languages[key, arity]))) for key, arity in kept[: size - 3]]
    return Vocabulary((Symbol("", 0, everywhere), *applied, *rows))
