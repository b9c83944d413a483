"""A text that is being typed is made whole around the cursor, and nothing before the cursor is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from typeinfer.completion.cursor import PLACEHOLDER, Cursor, cursor_at
from typeinfer.languages import LANGUAGES, language_of
from typeinfer.values.source import SourceFile

OWN_SOURCES = sorted((Path(__file__).parents[2] / "typeinfer" / "completion").glob("*.py"))


def cursor(text: str, path: str = "a.py") -> Cursor | None:
    """Of the text with a cursor at its bar."""
    before, _, behind = text.partition("|")
    language = language_of(path)
    assert language is not None
    file = SourceFile(path, language.name, (before + behind).encode())
    return cursor_at(file, len(before.encode()))


def whole(text: str, path: str = "a.py") -> str:
    found = cursor(text, path)
    assert found is not None
    return found.asked.text.replace(PLACEHOLDER, "…")


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("x.|", "x.…"),
        ("call(a, rows[self.|\nnext = 1\n", "call(a, rows[self.…])\nnext = 1\n"),
        ('f"<{self.|', 'f"<{self.…}"'),
        ("def f(a=b.|\n", "def f(a=b.…): pass\n"),
        ("a if b.|\n", "a if b.… else 0\n"),
        ("for x in y.|\n", "for x in y.…: pass\n"),
        ("call(\n  a.|\n  b)\n", "call(\n  a.…,\n  b)\n"),
        ("x = [k for k in table.ke|ys if k]\n", "x = [k for k in table.… if k]\n"),
        ("x.|()", "x.…()"),
    ],
)
def test_what_is_open_is_closed(typed: str, completed: str) -> None:
    assert whole(typed) == completed


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("function f(a) {\n  a.|\n}\n", "function f(a) {\n  a.…\n}\n"),
        ("const x = f(`a ${b.|\nlet y = 1;\n", "const x = f(`a ${b.…}`)\nlet y = 1;\n"),
        ("run(function () { a?.|\n})\n", "run(function () { a?.…\n})\n"),
        ("a ? b.|\n", "a ? b.… : 0\n"),
        ("this.#|", "this.#…"),
        ("if (a ? b.|\n", "if (a ? b.… : 0);\n"),
    ],
)
def test_what_is_closed_below_stays_open(typed: str, completed: str) -> None:
    assert whole(typed, "a.tsx") == completed


@pytest.mark.parametrize(
    "typed", ["|", "x|", "'a.|'", "# a.|", '"""\na.|\n"""', "1.|", "x = 'é.|", "import a.|b", "from .|"]
)
def test_where_no_member_is_typed_there_is_none(typed: str) -> None:
    assert cursor(typed) is None


def test_the_cursor_knows_what_is_typed_and_behind_what() -> None:
    found = cursor("a = é.rows[0].na|me + 1\n")
    assert found is not None
    assert (found.receiver, found.typed, found.end - found.begin) == ("é.rows[0]", "na", 4)
    assert found.without.text == "a = é.rows[0] + 1\n"


def test_broken_code_above_does_not_matter() -> None:
    found = cursor("def broken(:\n  ]]\n\nclass A:\n    def f(self):\n        return self.|\n")
    assert found is not None and found.receiver == "self"


@settings(deadline=None)
@given(st.sampled_from(OWN_SOURCES), st.data())
def test_a_file_cut_off_anywhere_is_read_and_its_beginning_kept(path: Path, data: st.DataObject) -> None:
    raw = path.read_bytes()
    dots = [at for at in range(1, len(raw)) if raw[at - 1 : at] == b"."]
    at = data.draw(st.sampled_from(dots))
    end = min(len(raw), at + data.draw(st.integers(0, 300)))
    file = SourceFile("a.py", "python", raw[:at] + raw[end:])
    found = cursor_at(file, at)
    if found is not None:
        assert found.asked.data.startswith(file.data[: found.begin] + PLACEHOLDER.encode())
        assert found.without.data.startswith(file.data[: found.begin - 1])


def test_in_twenty_thousand_lines_that_are_broken_elsewhere() -> None:
    found = cursor("def broken(:\n  ]]\n\n" + "def f(a):\n    return a.b\n" * 10_000 + "\nprint(a.|\n" + "x = (\n" * 3)
    assert found is not None and found.asked.text.count(f"print(a.{PLACEHOLDER})") == 1


@given(st.text(max_size=40), st.integers(0, 50))
def test_any_text_may_stand_around_a_cursor(text: str, at: int) -> None:
    for language in LANGUAGES:
        data = text.encode("utf-8", "replace")
        cursor_at(SourceFile(f"a{language.suffixes[0]}", language.name, data), min(at, len(data)))
