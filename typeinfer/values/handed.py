"""Handed: what whoever runs a function hands to it, other than those who call it by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from typeinfer.values.module import Value
from typeinfer.values.typeexpr import TypeExpr


@dataclass(frozen=True)
class Handed:
    """`values`: by parameter, what is written beside the function to be handed to it; `types`: by parameter, what it is handed by
    law; `asked`: parameters, by name, for whatever functions offer under that name."""

    values: Mapping[str, Sequence[Value]] = field(default_factory=dict)
    types: Mapping[str, TypeExpr] = field(default_factory=dict)
    asked: frozenset[str] = frozenset()
