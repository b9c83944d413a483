"""Containers: attributes and variables that hold an empty one at first in; what the project puts into it out, as evidence.

`self.names = []` says nothing, `self.names.append(name)` does, wherever it stands. Knows no language, and the types of what is
put in only by asking.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from typeinfer.program.project import Project
from typeinfer.values.module import Attribute, Call, Display, Module, Name, Value
from typeinfer.values.slots import Slot, SlotKind
from typeinfer.values.typeexpr import NONE, UNKNOWN, Named, Tuple, TypeExpr, Unknown, join, optional

MOST = 40
"""Places looked at that put something into one container."""

Arguments = Sequence[TypeExpr]
"""The type arguments of a container."""


@dataclass(frozen=True)
class Put:
    """Values that are put into a container, and where; by a method, or under a key where `method` is empty."""

    module: Module
    scope: str
    container: Attribute | Name
    method: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Containers:
    """`type_of` tells the type of an expression in a scope of a module; `puts`: as `puts_of` finds them."""

    project: Project
    type_of: Callable[[Module, str, Value], TypeExpr]
    puts: Mapping[str, Sequence[Put]]

    def filled(self, module: Module, slot: Slot, bound: Sequence[tuple[str, Value]]) -> Iterator[tuple[str, TypeExpr]]:
        """The rule and the type, where one of the values bound to a slot, each with its scope, is an empty container, and all the
        others are such containers or None. Of a local the checker says what is in it."""
        if slot.local or not self.project.language_of(module.file.path).containers:
            return
        found = [self._empty(module, scope, value) for scope, value in bound]
        empty = [one for one in found if one is not None]
        if not empty:
            return
        others = [self.type_of(module, *where) for one, where in zip(found, bound, strict=True) if one is None]
        is_optional = NONE in others
        others = [term for term in others if term != NONE]
        if any(not isinstance(one, Named) or one.name != empty[0].name for one in (*empty, *others)):
            return
        arity = len(empty[0].args)
        given: list[Arguments] = [one.args for one in others if isinstance(one, Named) and len(one.args) == arity]
        sure = len(given) == len(others)
        for put in islice((put for put in self.puts.get(slot.id.name, ()) if self._goes_into(put, module, slot)), MOST):
            said = self._said(put, arity)
            given += said
            sure = sure and bool(said) and all(UNKNOWN not in terms for terms in said)
        known = [[terms[at] for terms in given if not isinstance(terms[at], Unknown)] for at in range(arity)]
        if all(known):
            several = "-several" if any(len(set(part)) > 1 for part in known) else ""
            term = Named(empty[0].name, tuple(map(join, known)))
            yield f"{'' if sure else 'some-'}filled{several}", optional(term) if is_optional else term

    def _empty(self, module: Module, scope: str, value: Value) -> Named | None:
        """The container that a value is, if nothing is known of what is in it."""
        if isinstance(value, Display) and value.parts and not any(value.parts):
            return Named(value.constructor, (UNKNOWN,) * len(value.parts))
        if not isinstance(value, Call) or any(argument.name is None for argument in value.arguments):
            return None
        match self.type_of(module, scope, value):
            case Named(name, args) if all(isinstance(arg, Unknown) for arg in args):
                arity = self.project.language_of(module.file.path).containers.get(name)
                return None if arity is None else Named(name, (UNKNOWN,) * arity)
        return None

    def _said(self, put: Put, arity: int) -> Sequence[Arguments]:
        """The type arguments that a container of so many has by what is put into it; none where that says nothing."""
        language = self.project.language_of(put.module.file.path)
        terms = [self.type_of(put.module, put.scope, value) for value in put.values]
        if put.method in language.pours:
            return [found for term in terms for found in _poured(term, arity)]
        # Under a key: in a list the key is a number, and nothing that the list holds.
        places = language.puts.get(put.method, (0, 1) if arity == 2 else (None, 0))
        said = {at: term for at, term in zip(places, terms, strict=False) if at is not None}
        return [[said[at] for at in range(arity)]] if said.keys() >= set(range(arity)) else []

    def _goes_into(self, put: Put, module: Module, slot: Slot) -> bool:
        """Whether what something is put into is this attribute or variable."""
        match put.container:
            case Name() as container:
                if slot.id.kind is not SlotKind.VARIABLE or put.module.name != module.name:
                    return False
                return self.project.resolve(put.module, put.scope, container) == f"{module.name}.{slot.id.name}"
            case Attribute(base, _):
                if slot.id.kind is not SlotKind.ATTRIBUTE:
                    return False
                owner = (
                    self.project.receiver_class(put.module, put.scope, base.name) if isinstance(base, Name) else None
                )
                seen = Named(owner) if owner is not None else self.type_of(put.module, put.scope, base)
                holder = f"{module.name}.{slot.id.qualname}"
                return isinstance(seen, Named) and (seen.name == holder or holder in self.project.ancestors(seen.name))


def puts_of(project: Project) -> dict[str, list[Put]]:
    """What is put into containers, by the container's name: all that can be told without anything inferred."""
    found: dict[str, list[Put]] = defaultdict(list)
    for module in project.modules.values():
        language = project.language_of(module.file.path)
        methods = {*language.puts, *language.pours}
        for site in module.calls:
            callee = site.call.callee
            if isinstance(callee, Attribute) and callee.name in methods and isinstance(callee.base, Attribute | Name):
                values = tuple(argument.value for argument in site.call.arguments if argument.name is None)
                if values:
                    found[callee.base.name].append(Put(module, site.scope, callee.base, callee.name, values))
        for item in module.item_assignments:
            if isinstance(item.base, Attribute | Name):
                found[item.base.name].append(Put(module, item.scope, item.base, "", (item.key, item.value)))
    return found


def _poured(term: TypeExpr, arity: int) -> Sequence[Arguments]:
    """The type arguments of a container of so many by another one that is poured into it."""
    if isinstance(term, Tuple) and arity == 1:
        return [[item] for item in term.items]
    return [term.args] if isinstance(term, Named) and len(term.args) == arity else [[UNKNOWN] * arity]
