"""Belief: probabilities that mean something, whatever the evidence; and a fit that finds what the examples hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from typeinfer.model.belief import Belief, decider, load_belief, store_belief
from typeinfer.model.features import KNOTS, TRACE, candidates, features, hats, in_words, shape
from typeinfer.training.fitting import Example, _choice, fit, fit_choice
from typeinfer.values.predictions import Evidence, Ranked, Ranking
from typeinfer.values.slots import Place, SlotId, SlotKind
from typeinfer.values.typeexpr import NONE, Named, TypeExpr, optional, union
from typeinfer.weights import load_beliefs

SLOT = SlotId("a.py", "f", SlotKind.PARAMETER, "x")
INT, STR = Named("int"), Named("str")


def says(rule: str, term: TypeExpr) -> Evidence:
    return Evidence(SLOT, term, rule)


RULES = st.sampled_from(["default-literal", "docstring", "call-sites", "checker-return", "unheard-of"])
TERMS = st.sampled_from([INT, STR, NONE, optional(INT), Named("list", (STR,)), Named("shop.Cart")])


@settings(deadline=None)
@given(st.lists(st.builds(says, RULES, TERMS), max_size=8), st.sampled_from(Place))
def test_what_ships_gives_probabilities(evidence: list[Evidence], place: Place) -> None:
    ranked = load_beliefs()["python"].rank(place, evidence)
    assert {candidate.type for candidate in ranked} == {said.type for said in evidence}
    assert all(0.0 <= candidate.probability <= 1.0 for candidate in ranked)
    assert sum(candidate.probability for candidate in ranked) <= 1.0 + 1e-9
    assert list(ranked) == sorted(ranked, key=lambda candidate: -candidate.probability)


EVIDENCE = st.lists(st.builds(says, RULES, TERMS), max_size=8)


@settings(deadline=None)
@given(EVIDENCE)
def test_the_order_of_the_evidence_says_nothing(evidence: list[Evidence]) -> None:
    belief = load_beliefs()["python"]
    assert belief.rank(Place.PARAMETER, evidence) == belief.rank(Place.PARAMETER, evidence[::-1])


@settings(deadline=None)
@given(EVIDENCE, st.sampled_from(Place), st.booleans())
def test_without_a_model_a_belief_is_the_logistic_sum_of_its_weights(
    evidence: list[Evidence], place: Place, checked: bool
) -> None:
    belief = load_beliefs()["python"]
    present = {term: features(place, term, evidence, checked) for term in candidates(evidence)}
    assert not any("model" in name for named in present.values() for name in named)
    alone = {
        term: 1 / (1 + math.exp(-sum(belief.weights.get(name, 0.0) for name in named)))
        for term, named in present.items()
    }
    total = max(1.0, sum(sorted(alone.values(), reverse=True)))
    assert {one.type: one.probability for one in belief.rank(place, evidence, checked)} == {
        term: probability / total for term, probability in alone.items()
    }


@settings(deadline=None)
@given(EVIDENCE, TERMS, st.sampled_from(Place))
def test_what_is_believed_without_a_checker_is_fitted_apart(
    evidence: list[Evidence], term: TypeExpr, place: Place
) -> None:
    asked, alone = (features(place, term, evidence, checked) for checked in (True, False))
    assert not asked.keys() & alone.keys()
    assert [in_words(name) for name in asked] == [in_words(name) for name in alone], "what it is about is the same"


# --- with a model -----------------------------------------------------------------------------------------------------


def ranking(*words: tuple[TypeExpr, float], beyond: float = 0.0) -> Ranking:
    return Ranking(tuple(Ranked(term, probability) for term, probability in words), beyond)


@st.composite
def rankings(draw: st.DrawFn) -> Ranking:
    terms = draw(st.lists(TERMS, max_size=4, unique=True))
    parts = draw(st.lists(st.floats(0, 1), min_size=len(terms) + 2, max_size=len(terms) + 2))
    total = sum(parts) or 1.0
    shares = sorted((part / total for part in parts[2:]), reverse=True)
    return ranking(*zip(terms, shares, strict=True), beyond=parts[0] / total)


def drawn_weights(evidence: Sequence[Evidence], word: Ranking, seed: int) -> Belief:
    """A belief that has been fitted on nothing at all."""
    random = Random(seed)
    named = {
        name
        for place in Place
        for term in candidates(evidence, word)
        for name in features(place, term, evidence, True, word)
    }
    return Belief({name: random.gauss(0, 3) for name in sorted(named)}, (), "a test")


@settings(deadline=None)
@given(EVIDENCE, rankings(), st.sampled_from(Place), st.integers(0, 9))
def test_with_a_model_too_probabilities_sum_to_one_at_most(
    evidence: list[Evidence], word: Ranking, place: Place, seed: int
) -> None:
    belief = drawn_weights(evidence, word, seed)
    ranked = belief.rank(place, evidence, True, word)
    thought_of = {one.type for one in word.ranked if one.probability >= TRACE}
    assert {one.type for one in ranked} == {said.type for said in evidence} | thought_of
    assert all(0.0 <= one.probability <= 1.0 for one in ranked)
    assert sum(one.probability for one in ranked) <= 1.0 + 1e-9
    assert list(ranked) == sorted(ranked, key=lambda one: -one.probability)
    assert belief.rank(place, evidence[::-1], True, word) == ranked


@settings(deadline=None)
@given(st.floats(0, 1))
def test_hats_interpolate(probability: float) -> None:
    parts = hats(probability)
    assert sum(part for _, part in parts) == pytest.approx(1)
    assert all(part >= 0 for _, part in parts)
    if KNOTS[0] <= probability <= KNOTS[-1]:
        odds = [math.log(knot / (1 - knot)) * part for knot, part in parts]
        assert sum(odds) == pytest.approx(math.log(probability / (1 - probability)))


def test_a_fit_with_a_model_trusts_the_model_as_often_as_it_is_right() -> None:
    random = Random(0)
    examples = []
    for _ in range(3000):
        sure = random.choice([0.3, 0.6, 0.9])
        true = INT if random.random() < sure else Named("bytes")
        examples.append(
            Example(Place.PARAMETER, (), frozenset({true}), ranking=ranking((INT, sure), (STR, (1 - sure) / 2)))
        )
    belief = Belief(fit_choice({"one": examples})[0], (), "a test")
    for sure in (0.3, 0.6, 0.9):
        best = belief.rank(Place.PARAMETER, (), True, ranking((INT, sure), (STR, (1 - sure) / 2)))[0]
        assert best.type == INT
        assert best.probability == pytest.approx(sure, abs=0.04)


def test_a_fit_with_a_model_weighs_rules_against_it() -> None:
    """The model is right in half the cases; a rule that is always right decides against it."""
    half = ranking((INT, 0.5), (STR, 0.4))
    examples = [
        Example(Place.PARAMETER, (says("good", term), says("bad", INT)), frozenset({term}), ranking=half)
        for term in (INT, STR)
        for _ in range(60)
    ]
    belief = Belief(fit_choice({"one": examples})[0], (), "a test")
    for term in (INT, STR):
        best = belief.rank(Place.PARAMETER, (says("good", term), says("bad", INT)), True, half)[0]
        assert best.type == term
        assert best.probability > 0.9


def test_a_fit_without_a_fold_is_the_fit_of_the_others() -> None:
    random = Random(2)

    def drawn() -> list[Example]:
        terms = [INT, STR, NONE]
        words = [ranking((random.choice(terms), random.random()), (Named("bytes"), 0.001)) for _ in range(200)]
        return [Example(Place.PARAMETER, (), frozenset({random.choice(terms)}), ranking=word) for word in words]

    heard = {name: drawn() for name in ("one", "two", "three")}
    (of_all, without) = fit_choice(heard, [{"two"}])
    (others,) = fit_choice({name: heard[name] for name in ("one", "three")})
    assert without != of_all
    for example in heard["two"]:
        here, there = (
            {
                one.type: one.probability
                for one in Belief(weights, (), "").rank(Place.PARAMETER, (), True, example.ranking)
            }
            for weights in (without, others)
        )
        assert here == pytest.approx(there, abs=0.02)


def test_the_gradient_of_a_choice_is_its_slope() -> None:
    random = Random(1)
    terms = [INT, STR, NONE, optional(INT)]
    examples = [
        Example(
            random.choice(list(Place)),
            (says("a", random.choice(terms)), says("b", random.choice(terms))),
            frozenset(random.sample(terms, random.randrange(3))),
            ranking=ranking((random.choice(terms), random.random())),
        )
        for _ in range(80)
    ]
    names, choice = _choice(examples)
    at = np.random.default_rng(0).normal(size=len(names))
    _, gradient = choice.loss(at)
    for column in range(0, len(names), 3):
        step = np.zeros(len(names))
        step[column] = 1e-3
        slope = (choice.loss(at + step)[0] - choice.loss(at - step)[0]) / 2e-3
        assert slope == pytest.approx(gradient[column], abs=0.02)


def test_the_word_of_the_model_may_decide() -> None:
    belief = Belief({}, (), "a test")
    weak = [says("weak", INT)]
    assert not belief.decides(Place.PARAMETER, INT, weak, ranking((STR, 0.9)))
    assert not belief.decides(Place.PARAMETER, INT, weak, ranking((STR, 0.9), (INT, 0.01))), (
        "next to nothing is no word"
    )
    assert belief.decides(Place.PARAMETER, INT, weak, ranking((STR, 0.5), (INT, 0.3)))
    assert belief.decides(Place.PARAMETER, INT, [], ranking((INT, 0.9)))


DICTS = [Ranked(Named("dict", (STR, term)), 0.3) for term in (INT, STR)]


def test_a_type_loses_its_arguments_where_only_they_are_in_doubt() -> None:
    belief = Belief({}, (), "a test")
    word = Ranking(tuple(DICTS))

    def hollow(ranked: Sequence[Ranked], writable: bool = True) -> Ranked | None:
        return belief.hollow(Place.PARAMETER, ranked, (), word, lambda term: writable)

    assert hollow([*DICTS, Ranked(INT, 0.4)]) == Ranked(Named("dict"), 0.6)
    assert hollow([*DICTS, Ranked(Named("dict"), 0.1)]) == Ranked(Named("dict"), 0.7)
    assert hollow(DICTS, writable=False) is None
    assert hollow([Ranked(INT, 0.4), Ranked(STR, 0.5)]) is None
    assert hollow([Ranked(optional(one.type), 0.2) for one in DICTS]) is None, "nobody speaks for these"
    assert belief.hollow(Place.PARAMETER, DICTS, (), None, lambda term: True) is None, (
        "without the model nothing decides"
    )


@settings(deadline=None)
@given(EVIDENCE, rankings())
def test_reasons_are_in_words_and_the_strongest_come_first(evidence: list[Evidence], word: Ranking) -> None:
    belief = drawn_weights(evidence, word, 0)
    for term in candidates(evidence, word):
        reasons = belief.reasons(Place.PARAMETER, term, evidence, True, word)
        assert len({reason.text for reason in reasons}) == len(reasons) <= 3
        assert [abs(one.weight) for one in reasons] == sorted((abs(one.weight) for one in reasons), reverse=True)
        for name in features(Place.PARAMETER, term, evidence, True, word):
            assert in_words(name) or name.startswith(("bias", "kind ", "shape "))


def test_a_promise_is_kept_by_that_of_a_smaller_error() -> None:
    belief = Belief({}, (), "a test", promises={0.05: 0.9, 0.2: 0.6})
    assert [belief.promised(error) for error in (0.01, 0.05, 0.1, 0.2, 0.5)] == [None, 0.9, 0.9, 0.6, 0.6]


# --- as ever ----------------------------------------------------------------------------------------------------------


def test_a_fit_trusts_the_rule_that_was_right() -> None:
    right = [Example(Place.PARAMETER, (says("good", INT), says("bad", STR)), frozenset({INT})) for _ in range(60)]
    wrong = [Example(Place.PARAMETER, (says("bad", STR),), frozenset()) for _ in range(60)]
    belief = Belief(fit([*right, *wrong]), (), "a test")
    first, second = belief.rank(Place.PARAMETER, (says("good", INT), says("bad", STR)))
    assert (first.type, second.type) == (INT, STR)
    assert first.probability > 0.9 > 0.1 > second.probability


def test_a_rule_that_is_wrong_too_often_never_decides_alone() -> None:
    belief = Belief({}, (), "a test", frozenset({decider("sure", Place.PARAMETER, INT)}))
    assert belief.decides(Place.PARAMETER, INT, [says("sure", INT)])
    assert not belief.decides(Place.PARAMETER, STR, [says("sure", STR)]), "it stands for int, not for str"
    assert not belief.decides(Place.PARAMETER, INT, [says("weak", INT)])
    assert not belief.decides(Place.PARAMETER, INT, [says("weak", INT), says("weaker", STR)])
    assert belief.decides(Place.PARAMETER, INT, [says("weak", INT), says("weaker", INT)]), "two agree"


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
    belief = replace(load_beliefs()["python"], promises={0.05: 0.9})
    store_belief(tmp_path / "again.json", belief)
    assert load_belief(tmp_path / "again.json") == belief


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "calibration.json").write_text('{"weights": ')
    with pytest.raises(ValueError, match=r"calibration\.json: is no calibration of rules .*reinstall typeinfer"):
        load_belief(tmp_path / "calibration.json")
