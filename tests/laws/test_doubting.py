"""Doubting: an annotation that all evidence speaks against is told of; one that is wider, narrower or merely unproven is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.laws.scripted_model import ByName, Words
from tests.laws.whole_project import project_of
from typeinfer import doubting, pipeline, weights
from typeinfer.deciding import Model, Options
from typeinfer.doubting import contradicts
from typeinfer.languages import language_of
from typeinfer.model.belief import Belief
from typeinfer.pipeline import doubt
from typeinfer.program.changes import EVERY_LINE
from typeinfer.values.inferred import CheckerFailed
from typeinfer.values.source import SourceFile
from typeinfer.values.typeexpr import NONE, Named, optional

INT, STR = Named("int"), Named("str")

SURE = Belief({"model at 0.995": 6.0}, (), "a test", bound=0.5)

Doubted = Callable[..., dict[str, str]]


@pytest.fixture
def doubted(own_cache: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Doubted:
    """The slots of one file that are doubted, with what is believed instead; `words` is what the model says."""

    def run(words: Words, text: str) -> dict[str, str]:
        monkeypatch.setattr(weights, "load_model", lambda *_: Model(ByName(words), {"python": SURE}))
        monkeypatch.setattr(pipeline, "model_digest_of", lambda folder: repr(words))
        files = {"shop.py": SourceFile("shop.py", "python", text.encode())}
        options = Options(only={"shop.py": (EVERY_LINE,)}, model=tmp_path)
        found = doubt(tmp_path, files, options)
        assert doubt(tmp_path, files, options) == found, "remembered as it was"
        python = language_of("shop.py")
        assert python is not None
        for one in found:
            assert text[one.prediction.slot.span.start :].startswith(one.prediction.slot.id.name)
        return {
            one.prediction.slot.id.name: python.write_type(one.prediction.ranked[0].type)
            for one in found
        }  # fmt: skip

    return run


BOTH = {"name": [(STR, 0.995)], "count": [(INT, 0.995)]}


def test_swapped_types_are_doubted(doubted: Doubted) -> None:
    text = "def order(name: int, count: str):\n    ...\n\n\norder('tea', 3)\norder('rum', 2)\n"
    assert doubted(BOTH, text) == {"name": "str", "count": "int"}


def test_what_the_checker_could_not_say_is_not_remembered_as_if_it_had_nothing_to_say(
    doubted: Doubted, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "def order(name: int, count: str):\n    ...\n\n\norder('tea', 3)\norder('rum', 2)\n"

    asked: list[bool] = []
    reported = doubting._reported

    def fails(*_: object) -> None:
        raise CheckerFailed("there is none")

    with monkeypatch.context() as missing:
        missing.setattr(doubting, "_reported", fails)
        doubted(BOTH, text)
    monkeypatch.setattr(doubting, "_reported", lambda *all: (asked.append(True), reported(*all))[1])
    doubted(BOTH, text)
    assert asked


def test_right_ones_are_not(doubted: Doubted) -> None:
    assert doubted(BOTH, "def order(name: str, count: int):\n    ...\n\n\norder('tea', 3)\n") == {}


def test_the_models_word_alone_is_no_doubt(doubted: Doubted) -> None:
    assert doubted(BOTH, "def order(name: int, count: str):\n    ...\n") == {}


def test_it_is_where_the_checker_bears_it_out(doubted: Doubted) -> None:
    """With `str` there an error would go that it reports with `int`."""
    text = "def order(name: int, count: int):\n    return name.upper()\n"
    assert doubted(BOTH, text) == {"name": "str"}


def test_what_the_checker_would_not_have_is_no_doubt(doubted: Doubted) -> None:
    text = "def order(count: str):\n    return count.upper()\n\n\norder(3)\norder(4)\n"
    assert doubted(BOTH, text) == {}


@pytest.mark.parametrize(
    ("written", "seen", "expected"),
    [
        (INT, STR, True),
        (STR, INT, True),
        (Named("float"), INT, False),
        (INT, Named("bool"), False),
        (INT, optional(INT), True),
        (optional(INT), INT, False),
        (optional(STR), optional(INT), True),
        (optional(STR), NONE, False),
        (STR, NONE, True),
        (Named("collections.abc.Sequence", (INT,)), Named("list", (INT,)), False),
        (Named("list", (STR,)), Named("list", (INT,)), False),
        (Named("object"), INT, False),
        (Named("typing.Any"), INT, False),
        (Named("shop.cart.Base"), Named("shop.cart.Cart"), False),
        (Named("shop.cart.Cart"), Named("shop.cart.Base"), False),
        (Named("shop.cart.Cart"), Named("shop.goods.Item"), True),
        (Named("elsewhere.Thing"), Named("shop.goods.Item"), False),
        (Named("elsewhere.Thing"), INT, False),
    ],
    ids=repr,
)
def test_what_contradicts_what(written: Named, seen: Named, expected: bool) -> None:
    from tests.laws.whole_project import SHOP

    project = project_of(SHOP)
    assert contradicts(project, project.languages[0], written, seen) is expected
