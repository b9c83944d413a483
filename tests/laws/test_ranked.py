"""The table of first guesses: every slot of the truth counts, whether anything is believed of it or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import pytest

from typeinfer.evaluation.benchmark import Task
from typeinfer.evaluation.calibration import Heard, Policy, fitted, least_bound
from typeinfer.evaluation.judge import Origin, StrippedProject
from typeinfer.evaluation.projects import Project
from typeinfer.evaluation.python import PythonJudge
from typeinfer.evaluation.python.notation import normal_form
from typeinfer.evaluation.ranked import Answer, Familiarity, Ran, answers, render, share
from typeinfer.model.belief import Belief
from typeinfer.training.fitting import Example
from typeinfer.training.promises import Shot
from typeinfer.values.predictions import Ranked, Ranking
from typeinfer.values.slots import Place, SlotId, SlotKind
from typeinfer.values.typeexpr import Named, TypeExpr, optional

SHOP = Project("shop", "1.0", "shop-1.0-py3-none-any.whl", "", "development")

INT, STR, CART = Named("int"), Named("str"), Named("shop.cart.Cart")


def slot(name: str, kind: SlotKind = SlotKind.PARAMETER) -> SlotId:
    return SlotId("cart.py", "f", kind, name)


TRUTH = {slot("a"): "Optional[int]", slot("b"): "Cart", slot("c"): "str", slot("d", SlotKind.RETURN): "list[str]"}


def believed(*types: tuple[TypeExpr, float]) -> tuple[Ranked, ...]:
    return tuple(Ranked(term, probability) for term, probability in types)


GUESSES: Mapping[SlotId, tuple[Ranked, ...]] = {
    slot("a"): believed((optional(INT), 0.9), (INT, 0.1)),
    slot("b"): believed((STR, 0.6), (CART, 0.4)),
    slot("d", SlotKind.RETURN): (),
}


@pytest.fixture
def found() -> tuple[Answer, ...]:
    group = {one: (one.kind, Origin.BUILTIN, "list" in text) for one, text in TRUTH.items()}
    task = Task("shop", {}, StrippedProject({}, TRUTH, {}), group, SHOP)
    counted = Counter({normal_form("int | None"): 3, "str": 1} | {f"T{number}": 2 for number in range(99)})
    return tuple(answers(PythonJudge(), task, GUESSES, counted))


def test_a_slot_of_which_nothing_is_believed_is_an_answer_too(found: tuple[Answer, ...]) -> None:
    assert len(found) == len(TRUTH)
    assert [answer.right for answer in found] == [True, False, False, False]
    assert [answer.among_few for answer in found] == [True, True, False, False]
    assert [answer.probability for answer in found] == [0.9, 0.6, None, None]
    assert [answer.familiarity for answer in found] == [
        Familiarity.COMMON,
        Familiarity.NEVER,
        Familiarity.RARE,
        Familiarity.NEVER,
    ]
    assert share(found) == 0.25


def test_the_table_holds_all_of_it(found: tuple[Answer, ...]) -> None:
    belief = Belief({}, (), "a test", promises={0.05: 0.95, 0.2: 0.8})
    page = render("development", {"static": {"shop": Ran(found, 2.0)}}, belief)
    assert "1 projects (development, bare), 4 slots" in page
    assert "| static | 25.0 | 33.3 | 0.0 |  |  | 50.0 | 2 | 2 |" in page
    assert "| 5 | 0.95 | 0.0 |  | 0 of 1 |" in page, "nothing is sure enough"
    assert "| 20 | 0.80 | 25.0 | 0.0 | 0 of 1 |" in page
    assert "| shop | 4 | 25.0 |" in page


def test_what_would_be_written_of_a_project_is_believed_without_it() -> None:
    def heard(name: str) -> Heard:
        word = Ranking(believed((Named(name), 0.3), (INT, 0.3)))
        examples = tuple(Example(Place.PARAMETER, (), frozenset({Named(name)}), ranking=word) for _ in range(20))
        return Heard(examples, (), (), examples)

    projects = {name: heard(name) for name in ("one", "two", "three")}
    seen: list[Collection[str]] = []

    def weigh(heard: Mapping[str, Sequence[Example]], folds: Sequence[Collection[str]]) -> list[dict[str, float]]:
        """Weights that write whatever a project says first, but for those of its own fold, which write nothing."""
        assert set(heard) == set(projects)
        seen.extend(folds)
        return [{"model first": 9.0}, *({"model first": -9.0 if "two" in fold else 9.0} for fold in folds)]

    belief = fitted(projects, "tiny", Policy(0.9, 0.7, 0.92), weigh, Belief({}, (), "rules"))
    assert sorted(name for fold in seen for name in fold) == sorted(projects), "each in one fold"
    assert belief.weights == {"model first": 9.0}
    assert belief.bound == 0.5, "two is not written by those that don't know it, so all that is written is right"


def test_fitted_is_what_was_known_when_each_slot_was_decided() -> None:
    early, late, alone = (
        Example(Place.PARAMETER, (), frozenset({INT}), checked, Ranking(believed((INT, share))))
        for share, checked in ((0.1, True), (0.9, True), (0.5, False))
    )
    heard: list[Mapping[str, Sequence[Example]]] = []

    def weigh(said: Mapping[str, Sequence[Example]], folds: Sequence[Collection[str]]) -> list[dict[str, float]]:
        heard.append(said)
        return [{} for _ in (0, *folds)]

    fitted({"one": Heard((early,), (late,), (alone,), (late,))}, "tiny", Policy(0.9, 0.7, 0.92), weigh)
    assert heard == [{"one": (late, alone)}]


def test_the_least_bound_is_right_as_often_as_asked_and_never_under_a_half() -> None:
    projects = {"one": [Shot(0.9, True)] * 9 + [Shot(0.6, False)], "two": [Shot(0.7, True), Shot(0.65, False)]}
    assert least_bound(projects, 1.0) == 0.66
    assert least_bound(projects, 0.9) == 0.61
    assert least_bound(projects, 0.5) == 0.5
    assert least_bound({"one": [Shot(0.9, False)]}, 0.5) is None
