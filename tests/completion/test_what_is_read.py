"""What a language model reads: code without what is written for people alone, in tokens that lose nothing, and what a project
repeats."""

from __future__ import annotations

import itertools
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from typeinfer.completion.lm import Shape
from typeinfer.completion.prompt import Prompter
from typeinfer.completion.reading import Reading, read
from typeinfer.completion.recall import KINDS, Recall, Text, mixed, recalled
from typeinfer.completion.tokens import LANGUAGE, MIDDLE, OUTLINE, PREFIX, SPECIAL, SUFFIX, Tokens, learn
from typeinfer.languages import language_of

CODE = textwrap.dedent('''\
    import os  # for paths
    from typing import (
        Any,
    )

    # What follows is a cart.
    class Cart(Base):
        """A cart of somebody.

        It holds what was bought.
        """

        def total(self, rate):  # with tax
            # Zero where nothing was bought.
            return sum(self.items) * rate
    ''')


def reading(code: str, path: str = "cart.py") -> Reading:
    language = language_of(path)
    assert language is not None
    return read(language, path, code.encode(), language.parse(path, code.encode()).root_node)


def test_comments_go_with_their_lines_and_of_documentation_the_first_line_stays() -> None:
    assert reading(CODE).data.decode() == textwrap.dedent('''\
        import os
        from typing import (
            Any,
        )

        class Cart(Base):
            """A cart of somebody."""

            def total(self, rate):
                return sum(self.items) * rate
        ''')


def test_what_is_read_stands_where_it_stood() -> None:
    found = reading(CODE)
    for word in (b"import", b"class", b"def total", b"sum(", b"* rate"):
        assert found.place(CODE.encode().index(word)) == found.data.index(word)


def test_imports_and_headers_outline_a_file() -> None:
    found = reading(CODE)
    told = [(line.text.decode(), line.imports) for line in found.outline]
    assert told == [
        ("import os", True),
        ("from typing import ( Any, )", True),
        ("class Cart(Base):", False),
        ("def total(self, rate):", False),
    ]
    assert all(found.data[line.at :].startswith(line.text[:6]) for line in found.outline)


def test_typescript_is_read_alike_whatever_ends_its_lines() -> None:
    code = "import { a } from './a'; // why\r\n/* what */\r\nexport class Cart {\r\n  total(): number { return 1 }\r\n}\r\n"
    found = reading(code, "cart.ts")
    assert found.data == b"import { a } from './a';\nexport class Cart {\n  total(): number { return 1 }\n}\n"
    assert [line.text for line in found.outline] == [b"import { a } from './a';", b"class Cart", b"total(): number"]


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    return learn([CODE] * 40, 320)


@settings(max_examples=300, deadline=None)
@given(text=st.text(max_size=80))
def test_tokens_lose_nothing(text: str) -> None:
    tokens = _tokens()
    found = tokens.encode(text)
    assert tokens.decode(found).decode("utf-8", "replace") == text.encode("utf-8", "replace").decode()
    assert all(token >= len(SPECIAL) for token in found), "no text says what only a prompt may say"


def _tokens(held: list[Tokens] = []) -> Tokens:  # noqa: B006
    if not held:
        held.append(learn([CODE] * 40, 320))
    return held[0]


def test_the_end_of_a_line_and_the_blanks_behind_it_are_one_token(tokens: Tokens) -> None:
    inside = tokens.encode("return x\n    y")
    assert b"\n    " in [tokens.bytes[token] for token in inside]


def test_tokens_that_begin_with_bytes_and_those_within_them_are_found(tokens: Tokens) -> None:
    starting = {tokens.bytes[token] for token in tokens.starting(b"ret")}
    assert starting == {text for text in tokens.bytes if text.startswith(b"ret")}
    assert {tokens.bytes[token] for token in tokens.within(b"return")} == {
        text for text in tokens.bytes if text and b"return".startswith(text) and text != b"return"
    }


def test_a_prompt_shows_what_is_near_as_it_is_and_outlines_the_rest(tokens: Tokens) -> None:
    shape = Shape(vocabulary=tokens.size, row=240, outline=150, suffix=8)
    language = language_of("cart.py")
    assert language is not None
    code = CODE + "\n\ndef last(cart):\n    other = cart.it\n    return 1\n" * 3
    data = code.encode()
    offset = data.rindex(b"cart.it") + len("cart.it")
    prompter = Prompter(tokens, shape)
    prompt = prompter.prompt(language, 0, "cart.py", data, language.parse("cart.py", data).root_node, offset)
    assert prompt.row[0] == LANGUAGE and prompt.row[-1] == MIDDLE and len(prompt.row) <= shape.row
    places = [prompt.row.index(mark) for mark in (OUTLINE, SUFFIX, PREFIX)]
    assert places == sorted(places)
    outline, suffix = (tokens.decode(prompt.row[one + 1 : two]) for one, two in itertools.pairwise(places))
    assert b"import os\n" in outline and b"class Cart(Base):\n" in outline
    assert suffix and b"\n    return 1\n".startswith(suffix)
    assert tokens.decode(prompt.seen) + prompt.begun == data[:offset][-len(tokens.decode(prompt.seen) + prompt.begun) :]
    assert b"cart.it".endswith(prompt.begun) and not prompt.inside


def test_while_somebody_types_only_the_end_of_a_prompt_changes(tokens: Tokens) -> None:
    shape = Shape(vocabulary=tokens.size, row=400, outline=60, suffix=8)
    language = language_of("cart.py")
    assert language is not None
    prompter, rows = Prompter(tokens, shape), []
    for typed in ("", "c", "ca", "car", "cart", "cart."):
        data = (CODE + f"\n\nother = {typed}\n").encode()
        at = data.index(b"other = ") + len("other = ") + len(typed)
        rows.append(prompter.prompt(language, 0, "a.py", data, language.parse("a.py", data).root_node, at).row)
    same = min(len(row) for row in rows) - 6
    assert all(row[:same] == rows[0][:same] for row in rows)


# --- what is recalled -------------------------------------------------------------------------------------------------------


def test_what_followed_the_longest_run_is_recalled() -> None:
    text = Text([1, 2, 3, 4, 9, 2, 3, 4, 5, 1, 2, 3, 4, 7])
    assert text.after([8, 2, 3, 4]) == (3, pytest.approx([9, 5, 7]))
    length, followers = text.after([1, 2, 3, 4])
    assert (length, followers.tolist()) == (4, [9, 7])
    assert text.after([6, 6, 6]) == (0, pytest.approx([])) and text.after([4]) == (0, pytest.approx([]))


@given(tokens=st.lists(st.integers(0, 4), max_size=60), context=st.lists(st.integers(0, 4), max_size=24))
def test_recalling_is_what_looking_at_every_place_would_find(tokens: list[int], context: list[int]) -> None:
    length, followers = Text(tokens).after(context)
    runs = []
    for end in range(len(tokens) - 1):
        run = 0
        while run < min(16, len(context), end + 1) and tokens[end - run] == context[-1 - run]:
            run += 1
        runs.append((run, tokens[end + 1]))
    longest = max((run for run, _ in runs), default=0)
    expected = sorted(token for run, token in runs if run == longest) if longest >= 2 else []
    assert (length if expected else 0, sorted(followers.tolist())) == (longest if expected else 0, expected)


def test_of_a_project_all_texts_but_the_one_that_is_written_are_recalled() -> None:
    recall = Recall()
    recall.put("a.py", [1, 2, 3, 4])
    recall.put("b.py", [1, 2, 3, 5])
    assert recall.besides("a.py").after([1, 2, 3])[1].tolist() == [5]
    recall.put("b.py", None)
    assert recall.besides("a.py").after([1, 2, 3])[1].tolist() == []
    recall.put("b.py", [1, 2, 3])
    recall.put("c.py", [9])
    assert recall.besides("a.py").after([1, 2, 3])[1].tolist() == [], "nothing runs from one text into the next"


def test_what_is_recalled_is_mixed_in_as_far_as_its_kind_is_trusted() -> None:
    found = recalled([Text([1, 2, 3, 4, 1, 2, 3, 4]), Text([])], [1, 2, 3])
    assert found is not None and found.tokens.tolist() == [4] and found.kind < KINDS
    scores = np.log(np.array([0.5, 0.1, 0.1, 0.1, 0.2]))
    mixed(scores, found, [0.25] * KINDS)
    assert np.exp(scores) == pytest.approx([0.375, 0.075, 0.075, 0.075, 0.4])
    assert np.exp(scores).sum() == pytest.approx(1)
