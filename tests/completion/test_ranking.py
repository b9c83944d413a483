"""Members are ranked by what the text, the project and other people's projects do."""

from __future__ import annotations

import math

import numpy as np
import pytest

from typeinfer.completion.habits import Rest, Tally, spelled, uses_in
from typeinfer.completion.ranking import FEATURES, KINDS, features, guessed, moment_of, rank, weighed
from typeinfer.values.members import Member, MemberKind, Suggestion
from typeinfer.weights import load_weights_of


@pytest.mark.parametrize(
    ("receiver", "known"),
    [
        ("self", ("self", "self")),
        ("self._file", ("self._file", "_file")),
        ("find(a, b(c))", ("find(a, b(c))", "find()")),
        ("rows[0]", ("rows[0]", "rows[]")),
        ("a" * 100 + ".b", ("b", "b")),
        ("(a + b)", ("(a + b)", "()")),
        ("", ("", "")),
    ],
)
def test_an_expression_is_known_by_its_end(receiver: str, known: tuple[str, str]) -> None:
    assert spelled(receiver) == known


def test_uses_are_told_in_the_order_of_the_text() -> None:
    uses = uses_in("a.py", b"a.b.c()\nx = d[0].e\nself.f = 1\n")
    assert [(use.receiver, use.member) for use in uses] == [("a", "b"), ("a.b", "c"), ("d[0]", "e"), ("self", "f")]


TEXT = b"""\
def send(socket):
    socket.connect()
    try:
        socket.sendall(b"")
    finally:
        socket.close()

def receive(socket):
    socket.connect()
    try:
        socket.recv()
    finally:
        socket.
"""


def test_what_was_done_before_is_likely_again() -> None:
    begin = len(TEXT) - 1
    moment = moment_of("socket", TEXT, begin, uses_in("a.py", TEXT[:begin] + b"x\n")[:-1], Rest(Tally()))
    members = [Member(name, MemberKind.CALLABLE) for name in ("accept", "bind", "close", "connect", "listen", "recv")]
    weights = load_weights_of("python")
    assert weights is not None
    for known in (True, False):
        ranked = rank(moment, members, weights, known)
        assert math.isclose(sum(one.probability for one in ranked), 1.0, abs_tol=1e-5)
        assert {one.member for one in ranked} == set(members)
        assert ranked[0].member.name in {"close", "recv", "connect"}
        assert ranked == rank(moment, reversed(members), weights, known), "their order tells nothing"
    assert {"close", "connect", "recv", "sendall"} <= {one.name for one in guessed(moment, weights.prior)}


@pytest.mark.parametrize("language", ["python", "typescript"])
def test_all_that_is_told_of_a_member_is_weighed(language: str) -> None:
    weights = load_weights_of(language)
    assert weights is not None
    for layers in (weights.known, weights.guessed):
        inner, bias, outer = layers.arrays
        assert inner.shape == (len(bias), len(FEATURES)) and bias.shape == outer.shape
    assert set(weights.trust) == {"predicted", "believed"} and all(0 < one < 1 for one in weights.trust.values())
    moment = moment_of("super()", b"row = super().", 14, (), Rest(Tally()))
    for name in ("__init__", "row", "_row", "Row"):
        for kind in KINDS:
            assert features(moment, Member(name, kind), weights.prior).keys() <= set(FEATURES)


def test_a_second_opinion_moves_those_that_it_is_asked_of_and_none_else() -> None:
    members = [Member(name, MemberKind.VALUE) for name in ("one", "two", "three")]
    before = [Suggestion(member, share, True) for member, share in zip(members, (0.5, 0.3, 0.2), strict=True)]
    after = {one.member.name: one.probability for one in weighed(before, np.array([-9.0, -1.0]), (1.0, 0.5))}
    assert after["two"] > after["one"] and after["three"] == 0.2
    assert abs(sum(after.values()) - 1) < 1e-9
    impossible = weighed(before, np.array([-90.0, -1.0]), (1.0, 0.5))
    assert impossible == weighed(before, np.array([-7.0, -1.0]), (1.0, 0.5)), "how impossible doesn't count"
    silent = weighed(before, np.array([-9.0, -1.0]), (1.0, 0.0))
    assert [one.probability for one in silent] == pytest.approx([0.5, 0.3, 0.2])
