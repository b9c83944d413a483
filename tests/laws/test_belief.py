"""Belief: probabilities that mean something, whatever the evidence; and a fit that finds what the examples hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from typeinfer.model.belief import Belief, decider, load_belief, store_belief
from typeinfer.model.features import shape
from typeinfer.pipeline import load_beliefs
from typeinfer.training.fitting import Example, fit
from typeinfer.values.predictions import Evidence
from typeinfer.values.slots import SlotId, SlotKind
from typeinfer.values.typeexpr import NONE, Named, TypeExpr, optional, union

SLOT = SlotId("a.py", "f", SlotKind.PARAMETER, "x")
INT, STR = Named("int"), Named("str")


def says(rule: str, term: TypeExpr) -> Evidence:
    return Evidence(SLOT, term, rule)


RULES = st.sampled_from(["default-literal", "docstring", "call-sites", "checker-return", "unheard-of"])
TERMS = st.sampled_from([INT, STR, NONE, optional(INT), Named("list", (STR,)), Named("shop.Cart")])


@given(st.lists(st.builds(says, RULES, TERMS), max_size=8), st.sampled_from(SlotKind))
def test_what_ships_gives_probabilities(evidence: list[Evidence], kind: SlotKind) -> None:
    ranked = load_beliefs()["python"].rank(kind, evidence)
    assert {candidate.type for candidate in ranked} == {said.type for said in evidence}
    assert all(0.0 <= candidate.probability <= 1.0 for candidate in ranked)
    assert sum(candidate.probability for candidate in ranked) <= 1.0 + 1e-9
    assert list(ranked) == sorted(ranked, key=lambda candidate: -candidate.probability)


@given(st.lists(st.builds(says, RULES, TERMS), max_size=8))
def test_the_order_of_the_evidence_says_nothing(evidence: list[Evidence]) -> None:
    belief = load_beliefs()["python"]
    assert belief.rank(SLOT.kind, evidence) == belief.rank(SLOT.kind, evidence[::-1])


def test_a_fit_trusts_the_rule_that_was_right() -> None:
    right = [Example(SLOT.kind, (says("good", INT), says("bad", STR)), frozenset({INT})) for _ in range(60)]
    wrong = [Example(SLOT.kind, (says("bad", STR),), frozenset()) for _ in range(60)]
    belief = Belief(fit([*right, *wrong]), (), "a test")
    first, second = belief.rank(SLOT.kind, (says("good", INT), says("bad", STR)))
    assert (first.type, second.type) == (INT, STR)
    assert first.probability > 0.9 > 0.1 > second.probability


def test_a_rule_that_is_wrong_too_often_never_decides_alone() -> None:
    belief = Belief({}, (), "a test", frozenset({decider("sure", SLOT.kind, INT)}))
    assert belief.decides(SLOT.kind, INT, [says("sure", INT)])
    assert not belief.decides(SLOT.kind, STR, [says("sure", STR)]), "it stands for int, not for str"
    assert not belief.decides(SLOT.kind, INT, [says("weak", INT)])
    assert not belief.decides(SLOT.kind, INT, [says("weak", INT), says("weaker", STR)])
    assert belief.decides(SLOT.kind, INT, [says("weak", INT), says("weaker", INT)]), "two agree"


def test_shapes() -> None:
    named = {
        "int": INT,
        "class": Named("shop.Cart"),
        "list[]": Named("list", (INT,)),
        "optional int": optional(INT),
        "optional union": union((INT, STR, NONE)),
        "union": union((INT, STR)),
        "None": NONE,
    }
    assert {name: shape(term) for name, term in named.items()} == {name: name for name in named}


def test_a_belief_is_read_back_as_it_was_stored(tmp_path: Path) -> None:
    belief = load_beliefs()["python"]
    store_belief(tmp_path / "again.json", belief)
    assert load_belief(tmp_path / "again.json") == belief


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "calibration.json").write_text('{"weights": ')
    with pytest.raises(ValueError, match=r"calibration\.json: is no calibration of rules .*reinstall typeinfer"):
        load_belief(tmp_path / "calibration.json")
