"""What stood in one text is found again where it stands in another, or known to be gone."""

from __future__ import annotations

import difflib

from hypothesis import given
from hypothesis import strategies as st

from typeinfer.program.moved import Moved, common_prefix

TEXTS = st.lists(st.sampled_from(["a = 1\n", "def f(x):\n", "    return x\n", "\n", "é😀\n", "x"]), max_size=12).map(
    "".join
)


def test_a_place_is_found_again_behind_what_came_before_it() -> None:
    old, new = b"one\ntwo\nthree\n", b"zero\none\n2\nthree\n"
    moved = Moved(old, new)
    assert [moved.exact(old.index(word)) for word in (b"ne\n", b"hree")] == [new.index(b"ne\n"), new.index(b"hree")]
    assert moved.left(old.index(b"wo")) is None, "it was written over"


def test_of_a_place_where_something_was_written_it_is_known_that_it_was() -> None:
    old, new = b"def f(x, y):\n", b"def f(x: int, y):\n"
    moved = Moved(old, new)
    assert moved.exact(7) is None and moved.left(7) == 7
    assert moved.exact(10) == 15


def test_several_lines_change_at_once_and_those_between_stay() -> None:
    old = b"import os\n\ndef f(x): ...\n\ndef g(y): ...\n"
    new = b"import os\nimport re\n\ndef f(x: int): ...\n\ndef g(y: str): ...\n"
    moved = Moved(old, new)
    assert moved.exact(old.index(b"): ...\n\ndef g") + 2) == new.index(b"): ...\n\ndef g") + 2
    assert moved.exact(old.index(b"(y") + 2) is None


@given(TEXTS, TEXTS)
def test_what_is_found_again_is_the_same_text(old: str, new: str) -> None:
    before, after = old.encode(), new.encode()
    moved = Moved(before, after)
    for offset in range(len(before) + 1):
        left, exact = moved.left(offset), moved.exact(offset)
        assert exact is None or exact == left
        if exact is not None:
            assert before[max(0, offset - 1) : offset + 1] == after[max(0, exact - 1) : exact + 1]
        elif left is not None and offset:
            assert before[offset - 1] == after[left - 1] or left == 0


@given(TEXTS)
def test_in_an_unchanged_text_everything_stands_where_it_stood(text: str) -> None:
    moved = Moved(text.encode(), text.encode())
    assert [moved.exact(offset) for offset in range(len(text.encode()) + 1)] == [*range(len(text.encode()) + 1)]


@given(TEXTS, TEXTS)
def test_the_common_beginning_is_the_longest(one: str, two: str) -> None:
    size = common_prefix(one.encode(), two.encode())
    assert one.encode()[:size] == two.encode()[:size]
    longer = slice(size, size + 1)
    assert one.encode()[longer] != two.encode()[longer] or not one.encode()[longer]
    (block, *_) = [*difflib.SequenceMatcher(None, one.encode()[:size], two.encode()[:size]).get_matching_blocks()]
    assert block.size == size
