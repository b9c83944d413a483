"""Metrics: the definitions of evaluation.md, each with its example."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import typeinfer
from typeinfer.evaluation.judge import Form, Origin
from typeinfer.evaluation.metrics import (
    Score,
    area_under_risk,
    brier_score,
    calibration_error,
    coverage_at,
    risk_coverage,
    score,
    score_by,
)
from typeinfer.evaluation.python.notation import base_form, form, is_generic, normal_form, origins
from typeinfer.evaluation.python.stripping import read_tree, strip_project
from typeinfer.evaluation.python.written import written_types
from typeinfer.values.slots import SlotId, SlotKind


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("List[int]", "list[int]"),
        ("typing.Dict[str, t.Any]", "dict[str, Any]"),
        ("Optional[int]", "None | int"),
        ("Union[int, str, int]", "str | int"),
        ("Optional[Union[int, 'None']]", "int | None"),
        ("Union[int]", "int"),
        ("'list[\"a.b.Cart\"]'", "list[Cart]"),
        ("Callable[[Optional[int]], a.B]", "typing.Callable[[None | int], B]"),
        ("Literal['a', 'b', None]", 'Literal["b"] | Literal["a"] | None'),
        ("Tuple[int, ...]", "tuple[int,...]"),
        ("dict[str,\n     int]", "dict[str, int]"),
    ],
)
def test_equal_annotations_share_one_normal_form(one: str, other: str) -> None:
    assert normal_form(one) == normal_form(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("list[int]", "list"),
        ("int | None", "int"),
        ("Literal['a']", "Literal[a]"),
        ("Literal['int']", "int"),
        ("Iterable[int]", "Iterator[int]"),
        ("ClassVar[int]", "int"),
        ("Callable[[int], str]", "Callable[..., str]"),
        ("tuple[int, str]", "tuple[str, int]"),
        ("not a type", "nota type?"),
    ],
)
def test_different_annotations_differ(one: str, other: str) -> None:
    assert normal_form(one) != normal_form(other)


def test_base_is_the_outermost_constructor() -> None:
    assert base_form("List[int]") == base_form("list[str]") == "list"
    assert base_form("Optional[List[int]]") == base_form("list[str] | None") == "None | list"
    assert base_form("list[int] | None") != base_form("list[int]")
    assert is_generic("Optional[List[int]]")
    assert not is_generic("Optional[int]")


def forms(*annotated: dict[SlotId, str]) -> dict[str, Form]:
    return {text: form(text) for slots in annotated for text in slots.values()}


def parameter(name: str) -> SlotId:
    return SlotId("cart.py", "f", SlotKind.PARAMETER, name)


RESULT = SlotId("cart.py", "f", SlotKind.RETURN, "return")


def test_precision_counts_only_slots_of_the_ground_truth() -> None:
    truth = {parameter("a"): "int", parameter("b"): "list[int]", parameter("c"): "str", RESULT: "None"}
    written = {parameter("a"): "int", parameter("b"): "List[str]", parameter("extra"): "bytes"}
    done = score(truth, written, forms(truth, written))
    assert done == Score(slots=4, annotated=2, exact=1, base=2)
    assert (done.coverage, done.precision, done.recall, done.base_precision) == (0.5, 0.5, 0.25, 1.0)
    by_kind = score_by(truth, written, forms(truth, written), lambda slot: slot.kind)
    assert by_kind[SlotKind.RETURN] == Score(slots=1)
    assert sum(by_kind.values(), Score()) == done


def test_the_human_annotations_score_a_hundred_percent() -> None:
    files = read_tree(Path(typeinfer.__file__).parent)
    truth = dict(strip_project(files, "kept").truth)
    written: dict[SlotId, str] = {}
    for path, raw in files.items():
        written |= written_types(path, ast.parse(raw))
    done = score(truth, written, forms(truth, written))
    assert done.slots == done.annotated == done.exact == done.base > 500


def test_the_stripped_tree_scores_nothing() -> None:
    done = strip_project(read_tree(Path(typeinfer.__file__).parent), "kept")
    written: dict[SlotId, str] = {}
    for path, raw in done.files.items():
        written |= written_types(path, ast.parse(raw))
    assert score(done.truth, written, forms(dict(done.truth), written)) == Score(slots=len(done.truth))


def test_a_type_counts_by_its_farthest_name() -> None:
    text = b"import typing as t\nfrom pathlib import Path\nfrom attrs import Factory\nfrom .till import Till\n"
    text += b"class Cart: ...\n"
    written = {
        "a": ("t.Optional[t.List[int]]", Origin.BUILTIN),
        "b": ("dict[str, Path]", Origin.LIBRARY),
        "c": ("t.Callable[[], Factory]", Origin.THIRD_PARTY),
        "d": ("list[Factory] | Till", Origin.PROJECT),
        "e": ("'Cart'", Origin.PROJECT),
        "f": ("t.Literal['Cart']", Origin.BUILTIN),
    }
    truth = {SlotId("shop/cart.py", "f", SlotKind.PARAMETER, name): text for name, (text, _) in written.items()}
    found = origins({"shop/cart.py": text, "shop/till.py": b""}, truth)
    assert {slot.name: origin for slot, origin in found.items()} == {
        name: origin for name, (_, origin) in written.items()
    }


def test_calibration_error_is_zero_where_probabilities_mean_what_they_say() -> None:
    right = [True, True, True, False] * 60
    assert calibration_error([0.75] * 240, right) == pytest.approx(0, abs=1e-12)
    assert calibration_error([0.95] * 240, right) == pytest.approx(0.2)
    assert calibration_error([], []) == 0
    assert brier_score([1.0, 0.0, 0.5], [True, False, True]) == pytest.approx(0.25 / 3)


def test_equal_probabilities_are_accepted_together() -> None:
    curve = risk_coverage([0.9, 0.9, 0.5, 0.5], [True, True, True, False], slots=8)
    assert curve == [(0.25, 0.0), (0.5, 0.25)]
    assert coverage_at(0.95, curve) == 0.25
    assert coverage_at(0.75, curve) == 0.5
    assert coverage_at(0.95, []) == 0
    assert area_under_risk(curve) == pytest.approx(0.25 * 0.125)
