"""Reading and writing annotations: what is written reads back, and no text is too strange to be read."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from typeinfer.languages.python.annotations import SaidName, Spelling, literal_text, parse_type, write_type
from typeinfer.values.typeexpr import (
    UNKNOWN,
    CallableType,
    Literal,
    Named,
    Tuple,
    TypeExpr,
    optional,
    union,
)

NAMES = ["int", "str", "bool", "None", "Cart", "bytes", "float", "Path"]
GENERICS = ["list", "set", "frozenset", "type", "Box"]

LITERALS = st.one_of(st.booleans(), st.integers(), st.text(), st.binary()).map(
    lambda value: Literal(literal_text(value))
)


def compose(parts: st.SearchStrategy[TypeExpr]) -> st.SearchStrategy[TypeExpr]:
    return st.one_of(
        st.builds(Named, st.sampled_from(GENERICS), st.tuples(parts)),
        st.builds(lambda key, value: Named("dict", (key, value)), parts, parts),
        st.builds(CallableType, st.one_of(st.none(), st.lists(parts, max_size=3).map(tuple)), parts),
        st.builds(Tuple, st.lists(parts, max_size=3).map(tuple)),
        st.builds(lambda part: Tuple((part,), open=True), parts),
        st.lists(parts, min_size=1, max_size=4).map(union),
    )


TYPES: st.SearchStrategy[TypeExpr] = st.recursive(
    st.one_of(st.sampled_from(NAMES).map(Named), LITERALS), compose, max_leaves=12
)


def say(alternatives: tuple[str, ...], only_bound: bool) -> SaidName:
    return SaidName(alternatives[0], True)


@given(TYPES)
def test_what_is_written_for_a_report_reads_back(term: TypeExpr) -> None:
    assert parse_type(write_type(term)) == term


@given(TYPES, st.sampled_from([(3, 7), (3, 8), (3, 9), (3, 10), (3, 14)]), st.booleans())
def test_what_is_written_for_a_file_reads_back_on_every_target(
    term: TypeExpr, version: tuple[int, int], lazy: bool
) -> None:
    text = Spelling((3, 8) if version < (3, 8) else version, lazy, say).write(term).text
    assert parse_type(text) == term
    assert parse_type(repr(text)) == term, "quoted it says the same"


@given(TYPES)
def test_old_targets_get_no_new_syntax(term: TypeExpr) -> None:
    written = ast.parse(Spelling((3, 8), False, say).write(term).text, mode="eval")
    for node in ast.walk(written):
        assert not isinstance(node, ast.BinOp)
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            assert node.value.id not in ("list", "dict", "set", "frozenset", "type", "tuple")


@given(st.text())
def test_no_text_raises(text: str) -> None:
    parse_type(text)


ALPHABET = [
    "int",
    "List",
    "[",
    "]",
    "|",
    ",",
    "'",
    '"',
    "...",
    "(",
    ")",
    "None",
    ".",
    "Callable",
    "*",
    "\n",
    "#",
    "\\",
    "lambda",
    ":",
    "1",
]


@given(st.lists(st.sampled_from(ALPHABET), max_size=30).map("".join))
def test_no_near_annotation_raises_and_writing_is_stable(text: str) -> None:
    written = write_type(parse_type(text))
    if "?" not in written:
        assert write_type(parse_type(written)) == written


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("t.Optional[typing.List['Cart']]", optional(Named("list", (Named("Cart"),)))),
        ("np.ndarray", Named("np.ndarray")),
        ("Tuple[int, ...]", Tuple((Named("int"),), open=True)),
        ("tuple[()]", Tuple(())),
        ("tuple", Named("tuple")),
        ("Callable", Named("collections.abc.Callable")),
        ("Callable[P, int]", CallableType(None, Named("int"))),
        ("Mapping[str, int]", Named("collections.abc.Mapping", (Named("str"), Named("int")))),
        ("typing.Set[int]", Named("set", (Named("int"),))),
        ("collections.abc.Set[int]", Named("collections.abc.Set", (Named("int"),))),
        ("Annotated[int, Gt(3)]", Named("int")),
        ("ClassVar[int]", Named("int")),
        ("Literal['a', None]", optional(Literal('"a"'))),
        ("list[Any]", Named("list", (UNKNOWN,))),
        ("Optional[Any]", UNKNOWN),
        ("int |\n    str  # or so", union((Named("int"), Named("str")))),
        ("Final", UNKNOWN),
        ("f(x)", UNKNOWN),
        ("", UNKNOWN),
        ("(int", UNKNOWN),
        ("builtins.int", Named("int")),
        ("typing.Pattern[str]", Named("re.Pattern", (Named("str"),))),
    ],
)
def test_reading(text: str, term: TypeExpr) -> None:
    assert parse_type(text) == term


@pytest.mark.parametrize("depth", [10, 60, 300, 5_000, 19_000, 100_000])
@pytest.mark.parametrize("opening", ["list[", "(", "'", "Optional['", "x.", "-", "int | ", "lambda: "])
def test_no_depth_is_too_deep(opening: str, depth: int) -> None:
    closing = {"list[": "]", "(": ")", "Optional['": "']"}.get(opening, "")
    parse_type(opening * depth + "int" + closing * depth)


@settings(max_examples=20)
@given(st.integers(min_value=10**4300))
def test_integers_that_python_does_not_print(value: int) -> None:
    assert parse_type(f"Literal[{literal_text(value)}]") == Literal(literal_text(value))
