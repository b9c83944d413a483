"""Promises: they count projects, they hold as often as they say, and who may err more gets no stricter bound."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from typeinfer.model.belief import ERRORS
from typeinfer.training.promises import BOUNDS, KEPT, Shot, error_at, most_that_fail, promises

SHOTS = st.builds(Shot, st.floats(0, 1), st.booleans(), st.floats(0, 1), st.booleans())
PROJECTS = st.dictionaries(st.integers(0, 40).map(str), st.lists(SHOTS, max_size=20), max_size=40)


@settings(deadline=None)
@given(PROJECTS)
def test_who_may_err_more_gets_no_stricter_bound(projects: dict[str, list[Shot]]) -> None:
    found = promises(projects)
    allowed = [found[error] for error in ERRORS if error in found]
    assert allowed == sorted(allowed, reverse=True)
    assert set(found) == set(ERRORS[len(ERRORS) - len(found) :]), (
        "what can be promised of an error can be of a larger one"
    )


def test_the_interval_is_that_of_clopper_and_pearson() -> None:
    assert most_that_fail(0, 23) == pytest.approx(1 - 0.1 ** (1 / 23))
    # R: qbeta(0.9, 2, 22) and qbeta(0.9, 3, 8)
    assert most_that_fail(1, 23) == pytest.approx(0.1588, abs=1e-4)
    assert most_that_fail(2, 10) == pytest.approx(0.4496, abs=1e-4)
    assert most_that_fail(5, 5) == 1.0


def test_few_projects_promise_nothing_however_many_slots_they_have() -> None:
    right = [Shot(0.999, True)] * 10_000
    assert promises({str(number): right for number in range(10)}) == {}
    assert promises({str(number): right for number in range(11)}) == dict.fromkeys(ERRORS, BOUNDS[-1])


def test_one_project_gone_wrong_is_one_however_large() -> None:
    right, wrong = [Shot(0.995, True)] * 50, [Shot(0.995, False)] * 10_000
    projects = {str(number): right for number in range(22)}
    assert set(promises({**projects, "bad": wrong})) == set(ERRORS)
    assert promises({**projects, "bad": wrong, "worse": wrong}) == {}


def test_a_type_without_arguments_counts_where_the_whole_is_not_sure_enough() -> None:
    shots = [Shot(0.6, False, 0.9, True), Shot(0.95, True, 0.99, False), Shot(0.2, True, 0.3, True)]
    assert error_at(0.97, shots) == 1.0, "only one is sure enough, and that is wrong without its arguments"
    assert error_at(0.9, shots) == 0.0
    assert error_at(0.5, shots) == 0.5
    assert error_at(0.999, shots) == 0.0, "nothing written is no error"


@pytest.mark.parametrize("error", [0.05, 0.1])
def test_promises_are_kept_as_often_as_they_say(error: float) -> None:
    """Projects of very different quality, drawn again and again: in nine of ten draws the promise holds for four of five."""
    random = Random(0)

    def project() -> list[Shot]:
        skill = random.betavariate(2, 3) * 0.5
        drawn = [random.random() for _ in range(60)]
        return [Shot(p, random.random() < 1 - (1 - p) * (0.1 + skill)) for p in drawn]

    world = [project() for _ in range(400)]
    held = []
    for _ in range(60):
        found = promises({str(number): random.choice(world) for number in range(24)})
        if error in found:
            held.append(sum(error_at(found[error], shots) <= error for shots in world) >= KEPT * len(world))
    assert len(held) > 20
    assert sum(held) >= 0.8 * len(held), "nine of ten, less what 60 draws leave to chance"
