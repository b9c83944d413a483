"""Lines: how they go on with the model that ships, whatever the text is like, and that nothing is written which mustn't be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from typeinfer.completion.lines import MOST_LINES, Block, Writer, place_at
from typeinfer.completion.monitor import Monitor
from typeinfer.completion.prefixes import Grammar
from typeinfer.languages import language_of, treesitter
from typeinfer.languages.python.companion import PyreflyCompanion
from typeinfer.model.folder import NoModel
from typeinfer.values.inferred import CheckerFailed
from typeinfer.values.lines import Continuation
from typeinfer.values.source import SourceFile
from typeinfer.weights import load_lines, load_weights_of

READERS = "".join(
    f'def {name}(path):\n    with open(path, encoding="utf-8") as file:\n        return file.read().strip().lower()\n\n\n'
    for name in ("first", "second")
)
BEGUN = f'{READERS}def third(path):\n    with open(path, encoding="utf-8") as file:\n        return |\n'
EXPECTED = "file.read().strip().lower()"


def at(text: str, path: str = "a.py") -> tuple[SourceFile, int]:
    """A text, in which `|` is the cursor."""
    before, _, after = text.partition("|")
    language = language_of(path)
    assert language is not None
    return SourceFile(path, language.name, (before + after).encode()), len(before.encode())


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[Monitor]:
    monitor = Monitor(tmp_path, None, load_weights_of, load_lines)
    yield monitor
    monitor.close()


def line(monitor: Monitor, text: str, path: str = "a.py", other: str = "") -> tuple[Continuation, ...]:
    """How a text may go on at its cursor, beside one `other` file of the project."""
    file, offset = at(text, path)
    files = {path: file, "other.py": SourceFile("other.py", "python", other.encode())}
    return monitor.line(files, file, offset, 3, 0.02)


def test_what_was_written_twice_is_written_again(monitor: Monitor) -> None:
    (first, *others) = line(monitor, BEGUN)
    assert first.text == EXPECTED and first.at == BEGUN.index("|")
    assert first.probability > 0.3 and all(one.probability < first.probability for one in others)


def test_a_line_that_opens_a_block_is_followed_by_it(monitor: Monitor) -> None:
    file, offset = at(f"{READERS}def third(path):\n    |\n")
    (block,) = monitor.block({"a.py": file}, file, offset, 0.02)
    assert block.text == f'with open(path, encoding="utf-8") as file:\n        return {EXPECTED}'
    (alone, *_) = line(monitor, f"{READERS}def third(path):\n    |\n")
    assert block.text.startswith(alone.text) and block.probability <= alone.probability
    file, offset = at(BEGUN)
    (alone_again,) = monitor.block({"a.py": file}, file, offset, 0.02)
    assert alone_again.text == EXPECTED, "what opens none is a line"


def test_brackets_of_a_block_are_closed_where_its_lines_end() -> None:
    file, offset = at("function f(rows) {\n  |\n}\n", "a.ts")
    place = place_at(file, offset)
    assert place is not None
    block = Block(place, Continuation(offset, "for (const row of rows) {", 0.5))
    inside = block.inside()
    assert inside is not None and inside.file.text == "function f(rows) {\n  for (const row of rows) {\n    \n  }\n}\n"
    assert block.add(Continuation(0, "if (row) {", 0.5)) and block.add(Continuation(0, "row.run();", 0.5))
    assert not block.add(Continuation(0, "row.run();", 0.5)), "a line that comes again says nothing new"
    assert not block.add(Continuation(0, "} else {", 0.5)), "a line that ends the block is none of it"
    text = "for (const row of rows) {\n    if (row) {\n      row.run();\n    }\n  }"
    assert block.whole == Continuation(offset, text, 0.125)


def test_a_block_has_so_many_lines_at_most() -> None:
    file, offset = at("if x:\n\tpass\ndef f():\r\n\t|\r\n")
    place = place_at(file, offset)
    assert place is not None
    block = Block(place, Continuation(offset, "while y:", 1.0))
    while block.inside() is not None:
        assert block.add(Continuation(0, f"y = {len(block.lines)}", 1.0))
    assert len(block.lines) == MOST_LINES and block.whole.text.count(f"{file.newline}\t\ty = ") == MOST_LINES - 1


def test_it_goes_on_where_somebody_is_in_a_word(monitor: Monitor) -> None:
    assert line(monitor, BEGUN.replace("return |", "return fi|"))[0].text == EXPECTED.removeprefix("fi")


def test_another_file_of_the_project_is_recalled(monitor: Monitor) -> None:
    code = BEGUN.removeprefix(READERS)
    assert line(monitor, code, other=READERS)[0].text == EXPECTED


def test_a_member_that_a_type_lacks_is_not_written(monitor: Monitor) -> None:
    text = (
        "class Cart:\n    def total(self) -> int:\n        return 1\n\n\n"
        "def one(shelf):\n    return shelf.weight()\n\n\ndef two(shelf):\n    return shelf.weight()\n\n\n"
        "def three(shelf: Cart):\n    return shelf.|\n"
    )
    found = [one.text for one in line(monitor, text)]
    assert not any("weight" in one for one in found) and any(one.startswith("total") for one in found)
    begun = [one.text for one in line(monitor, text.replace("return shelf.|", "return shelf.w|"))]
    assert not any(one.startswith("eight") for one in begun), "nor once a letter of it is there"
    unknown = [one.text for one in line(monitor, text.replace("shelf: Cart", "shelf"))]
    assert unknown[0] == "weight()"


def test_what_the_checker_objects_to_is_not_written(monitor: Monitor) -> None:
    text = (
        "def price(name: str) -> str:\n    return name\n\n\nprice(bag)\nprice(bag)\nprice(bag)\n"
        "\n\ndef pay(text: str):\n    bag = 1\n    price(|\n"
    )
    assert not any(one.text.startswith("bag") for one in line(monitor, text))
    assert any(one.text.startswith("bag") for one in line(monitor, text.replace("bag = 1", "bag = text")))


@pytest.mark.parametrize(
    "text",
    [
        "x = 'a|'\n",
        "# a |\n",
        'def f():\n    """Say |\n    """\n',
        "na|me = 1\n",
        'x = f"a|{b}"\n',
        "x = '|'\n",
        'x = """|"""\n',
    ],
)
def test_where_no_code_is_written_nothing_is(monitor: Monitor, text: str) -> None:
    assert place_at(*at(text)) is None and line(monitor, text) == ()


@pytest.mark.parametrize("text", ["x = `|`\n", "x = /a|/\n", "x = '|'\n", "import a from '|'\n", "// a|\n"])
def test_nor_in_typescript(text: str) -> None:
    assert place_at(*at(text, "a.ts")) is None


def test_nor_between_tags() -> None:
    assert place_at(*at("x = <div>|</div>\n", "a.tsx")) is None


def test_before_a_comment_the_line_goes_on(monitor: Monitor) -> None:
    assert line(monitor, BEGUN.replace("return |", "return |  # in small letters"))[0].text == EXPECTED


@pytest.mark.parametrize(
    "text", ["|", "|\n", "|import os\n", "x = 1\n|", "\ufeff|x", "def f(:\n  (((\n|", "é😀 = 1\nx = é😀|\n"]
)
def test_any_text_is_borne(monitor: Monitor, text: str) -> None:
    for one in line(monitor, text):
        assert "\n" not in one.text


def test_broken_code_above_forbids_nothing(monitor: Monitor) -> None:
    assert line(monitor, "def broken(:\n    return (\n\n\n" + BEGUN)[0].text == EXPECTED


def test_a_file_of_twenty_thousand_lines(monitor: Monitor) -> None:
    filler = "".join(f"value_{number} = {number}\n" for number in range(10_000))
    found = line(monitor, filler + BEGUN + "\n\n" + filler)
    assert found[0].text == EXPECTED


def test_typescript(monitor: Monitor) -> None:
    code = "".join(
        f"export function {name}(items: string[]): string {{\n  return items.map((item) => item.trim()).join(', ');\n}}\n\n"
        for name in ("one", "two")
    )
    found = line(monitor, code + "export function three(items: string[]): string {\n  return |\n}\n", "a.ts")
    assert found[0].text == "items.map((item) => item.trim()).join(', ');"


@pytest.mark.parametrize(
    ("text", "holds", "doesnt"),
    [
        ("def f(a):\n    print(len(a.|\n    return a\n", "strip()))", "strip()"),
        ("def f(a):\n    if (a.|\n        return a\n", "b):", "b:"),
        ('def f(a):\n    return f"{a.|\n\n\ndef g(): ...\n', 'b}"', "b}"),
        ("f(\n    a.|\n    b,\n)\n", "c,", "c)"),
    ],
)
def test_what_is_open_on_the_line_has_to_be_closed(text: str, holds: str, doesnt: str) -> None:
    before, _, behind = text.partition("|")
    place = place_at(SourceFile("a.py", "python", (before + behind).encode()), len(before.encode()))
    assert place is not None
    grammar = Grammar(place.language, place.file, place.start, place.end, place.least)
    assert grammar.complete(holds.encode()) and not grammar.complete(doesnt.encode())


def test_every_line_that_is_written_can_be_read_in_its_place() -> None:
    model = load_lines()
    assert model is not None
    writer, written = Writer(model), 0
    data = READERS.encode()
    for offset in range(0, len(data), 7):
        place = place_at(SourceFile("a.py", "python", data[:offset] + b"\n" + data[offset:]), offset)
        if place is None:
            continue
        for one in writer.written(place, 3, 0.02):
            text = one.text + (" pass" if one.text.endswith(":") else "")
            unread = treesitter.unread(place.language.parse("a.py", place.with_text(text.encode()).data).root_node)
            assert unread <= place.least
            written += 1
    assert written > 20


def test_without_a_model_lists_go_on_and_it_is_told_once(tmp_path: Path) -> None:
    def broken() -> None:
        raise NoModel("models/lines/weights.safetensors: is missing; reinstall typeinfer, or store the model again")

    for lines, told in ((lambda: None, "no language model is installed"), (broken, "weights.safetensors: is missing")):
        monitor = Monitor(tmp_path, None, load_weights_of, lines)
        try:
            for _ in range(2):
                assert line(monitor, BEGUN) == ()
                file, offset = at("class A:\n    total = 1\n\n\nA.|\n")
                offer = monitor.complete({"a.py": file}, file, offset)
                assert offer is not None and "total" in [one.member.name for one in offer.suggestions]
            (note,) = monitor.notes
            assert told in note
        finally:
            monitor.close()


def test_without_a_checker_lines_go_on(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: object, *asked: object) -> None:
        raise CheckerFailed("pyrefly ended with status 9")

    monkeypatch.setattr(PyreflyCompanion, "errors", fails)
    assert line(monitor, BEGUN)[0].text == EXPECTED
    assert monitor.notes == ["pyrefly ended with status 9"]
