"""Terms: a type as a sequence of symbols, and back."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from typeinfer.model.terms import APPLY, NO_TYPE, Symbol, Vocabulary, collect, label, read, spell
from typeinfer.values.typeexpr import CallableType, Literal, Named, Record, Tuple, TypeExpr, optional, union

NAMES = ["int", "str", "None", "undefined", "shop.Cart", "pathlib.Path"]

TYPES: st.SearchStrategy[TypeExpr] = st.recursive(
    st.one_of(st.sampled_from(NAMES).map(Named), st.just(Literal("'r'"))),
    lambda parts: st.one_of(
        st.builds(Named, st.sampled_from(["list", "set"]), st.tuples(parts)),
        st.builds(lambda key, value: Named("dict", (key, value)), parts, parts),
        st.builds(CallableType, st.one_of(st.none(), st.lists(parts, max_size=3).map(tuple)), parts),
        st.builds(Tuple, st.lists(parts, max_size=3).map(tuple)),
        st.builds(lambda part: Tuple((part,), open=True), parts),
        st.lists(parts, min_size=1, max_size=3).map(union),
    ),
    max_leaves=10,
)


def vocabulary_of(*terms: TypeExpr) -> Vocabulary:
    keys = dict.fromkeys((key, arity) for term in terms for key, arity, _ in spell(term) if key)
    return Vocabulary((Symbol("", 0, ()), *(Symbol(key, arity, ()) for key, arity in keys)))


def numbers(symbols: list[int], pointers: list[int], vocabulary: Vocabulary) -> list[int]:
    """As the search gives them: pointers behind the vocabulary."""
    size = len(vocabulary.symbols)
    return [pointer + size if pointer >= 0 else symbol for symbol, pointer in zip(symbols, pointers, strict=True)]


@given(TYPES)
def test_what_is_spelled_reads_back(term: TypeExpr) -> None:
    """Unions flatten as they are read, so that the order of null-like members is no part of it."""
    vocabulary = vocabulary_of(term)
    spelled = [(key, arity, -1) for key, arity, _ in spell(term)]
    symbols, pointers = label(spelled, vocabulary)
    if -1 not in symbols:
        assert read(numbers(symbols, pointers, vocabulary), vocabulary, ()) == term


@given(TYPES)
def test_every_symbol_has_the_arguments_that_it_says(term: TypeExpr) -> None:
    """So that a sequence ends by itself, and never earlier."""
    missing = 1
    for _, arity, _ in spell(term):
        assert missing > 0
        missing += arity - 1
    assert missing == 0


def test_a_name_in_scope_is_pointed_at() -> None:
    """`dict[str, Cart]`, where `Cart` is the project's own and so in no vocabulary:"""
    term = Named("dict", (Named("str"), optional(Named("shop.Cart"))))
    vocabulary = vocabulary_of(Named("dict", (Named("str"), optional(Named("str")))))
    spelled = [(key, arity, 4 if name == "shop.Cart" else -1) for key, arity, name in spell(term)]
    symbols, pointers = label(spelled, vocabulary)
    assert pointers == [-1, -1, -1, 4]
    scope = ["a", "b", "c", "d", "shop.Cart"]
    assert read(numbers(symbols, pointers, vocabulary), vocabulary, scope) == term
    # A generic class of the project is applied to what it is of.
    generic = Named("shop.Box", (Named("str"),))
    applied = Vocabulary((*vocabulary.symbols, Symbol(APPLY, 2, ())))
    symbols, pointers = label([("shop.Box", 1, 0), ("str", 0, -1)], applied)
    assert read(numbers(symbols, pointers, applied), applied, ["shop.Box"]) == generic


def test_what_nothing_can_say_ends_the_sequence() -> None:
    """An object type has no symbol, a class that is neither known nor in scope has none either."""
    vocabulary = vocabulary_of(Named("list", (Named("str"),)))
    for part in (Record((("x", Named("str")),)), Named("far.Away")):
        spelled = [(key, arity, -1) for key, arity, _ in spell(Named("list", (part,)))]
        assert label(spelled, vocabulary) == ([vocabulary.number["list", 1], -1], [-1, -1])
    assert vocabulary.symbols[NO_TYPE].key == ""


def test_the_vocabulary_holds_what_several_projects_use() -> None:
    counted = Counter({("str", 0, "python"): 9, ("shop.Cart", 0, "python"): 8, ("list", 1, "python"): 5})
    counted["string", 0, "typescript"] = 3
    spread = {("str", 0): 3, ("shop.Cart", 0): 1, ("list", 1): 3, ("string", 0): 4}
    found = collect(((*key, count) for key, count in counted.items()), spread, 10)
    assert [symbol.key for symbol in found.symbols] == ["", APPLY, APPLY, "str", "list", "string"]
    assert found.symbols[-1].languages == ("typescript",)
