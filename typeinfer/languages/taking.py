"""Taking: two types in; whether a value of the one may stand where the other is asked for, out, as far as that is known.

What is known of classes is told by whoever asks. Type arguments don't count, nor the parameters of functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from typeinfer.languages.language import Language
from typeinfer.values.typeexpr import UNKNOWN, CallableType, Literal, Named, TypeExpr, Union, union


def takes(
    language: Language,
    wide: TypeExpr,
    narrow: TypeExpr,
    is_below: Callable[[str, str], bool | None] = lambda above, name: None,
) -> bool | None:
    """Whether a value of `narrow` may stand where `wide` is asked for. `is_below`: whether the first class is above the second."""
    match wide, narrow:
        case _, Union(members):
            said = [takes(language, wide, member, is_below) for member in members]
            return False if False in said else None if None in said else True
        case Union(members), _:
            said = [takes(language, member, narrow, is_below) for member in members]
            return True if True in said else None if None in said else False
        case _, Literal(value) if not isinstance(wide, Literal):
            return takes(language, wide, _type_of(language, value), is_below)
        case Literal(), Literal() if wide == narrow:
            return True
        case CallableType(), CallableType() | Named("type"):
            return True
        case Named(one, _), Named(two, _):
            if one.rpartition(".")[2] == two.rpartition(".")[2] or (two, one) in language.wider:
                return True
            if one in language.plain_types and two in language.plain_types:
                return False
            return is_below(one, two)
    return None


def suited(language: Language, wanted: Sequence[TypeExpr], given: Mapping[str, TypeExpr]) -> Mapping[str, bool]:
    """Of names of these types those that are known to be taken, or not, where one of some types is wanted."""
    any_of = union(wanted)
    members = any_of.members if isinstance(any_of, Union) else (any_of,)
    calls = {isinstance(member, CallableType) for member in members}

    def suits(term: TypeExpr) -> bool | None:
        # No plain value is called, and nothing that is called is plain.
        if calls == {True} and _is_plain(language, term):
            return False
        if isinstance(term, CallableType) and all(_is_plain(language, member) for member in members):
            return False
        return takes(language, any_of, term)

    said = {name: suits(term) for name, term in given.items()}
    return {name: taken for name, taken in said.items() if taken is not None}


def _is_plain(language: Language, term: TypeExpr) -> bool:
    return isinstance(term, Literal) or (isinstance(term, Named) and term.name in language.plain_types)


def _type_of(language: Language, value: str) -> TypeExpr:
    """The plain type of a value as its source has it."""
    if value[:1] in "\"'`":
        return language.text_type
    if value.lower() in ("true", "false"):
        return language.truth_type
    return language.number_type if value.lstrip("-").isdigit() else UNKNOWN
