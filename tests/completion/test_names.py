"""Where a name is read, what is in scope is offered, parameters of what is called among it, and what could be imported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from typeinfer.completing import imports_for
from typeinfer.completion.cursor import PLACEHOLDER, Cursor, name_at
from typeinfer.completion.monitor import Monitor
from typeinfer.completion.names import FEATURES, around, fitting, ranked, told
from typeinfer.languages import language_of
from typeinfer.languages.python.companion import PyreflyCompanion
from typeinfer.program.importable import Importable
from typeinfer.program.project import read_project
from typeinfer.training.dots import names_of
from typeinfer.training.lines import Named, weights_of_names
from typeinfer.values.inferred import CheckerFailed
from typeinfer.values.members import Ground, Member, MemberKind, Offer
from typeinfer.values.patches import apply_edits
from typeinfer.values.source import SourceFile
from typeinfer.weights import load_lines, load_weights_of

TOOLS = Path(__file__).parents[2] / "benchmarks" / "node" / "node_modules"


def file_of(path: str, text: str) -> SourceFile:
    language = language_of(path)
    assert language is not None
    return SourceFile(path, language.name, text.encode())


def at_bar(path: str, text: str) -> tuple[SourceFile, int]:
    before, _, behind = text.partition("|")
    return file_of(path, before + behind), len(before.encode())


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[Monitor]:
    found = Monitor(tmp_path, None, load_weights_of, load_lines)
    yield found
    found.close()


def offer(monitor: Monitor, text: str, path: str = "a.py", **others: str) -> Offer | None:
    file, offset = at_bar(path, text)
    files = {path: file, **{name: file_of(name, content) for name, content in others.items()}}

    def imports(cursor: Cursor) -> Sequence[Importable]:
        return imports_for(read_project(monitor.root, files), path, cursor)

    return monitor.complete(files, file, offset, imports=imports)


def names(found: Offer | None) -> list[str]:
    assert found is not None
    return [one.member.name for one in found.suggestions]


def suiting(root: Path, path: str, text: str) -> Mapping[str, bool]:
    """As the companion tells it of what it offers."""
    file, offset = at_bar(path, text)
    cursor, language = name_at(file, offset), language_of(path)
    assert cursor is not None and language is not None
    companion = language.companion(root, {path: file}, language.default_version)
    try:
        here = cursor.asked, cursor.begin, cursor.begin + len(PLACEHOLDER)
        near = around(file.data, cursor.begin, cursor.end)
        return companion.suiting(*here, fitting(companion.names(*here), cursor.typed, near))
    finally:
        companion.close()


AREA = "def area(width: int, height: int = 3) -> int:\n    return width\n\n\ndef main(first, second):\n    third = 3\n"


# --- where -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "x = |",
        "x = fir|",
        "|",
        "call(a, |",
        "call(a, wi|)",
        "call(wi|=3)",
        "def f(a=b|):\n    pass\n",
        "def f(a: B|):\n    pass\n",
        "raise ValueError from e|",
        "for x in y|:\n    pass\n",
        "print(f'{na|}')",
        "[a for a in b if c|]",
        "@deco|\ndef f():\n    pass\n",
    ],
)
def test_a_name_is_read(text: str) -> None:
    file, offset = at_bar("a.py", text)
    found = name_at(file, offset)
    assert found is not None and not found.receiver
    assert found.asked.data[found.begin :].startswith(PLACEHOLDER.encode())
    assert PLACEHOLDER not in found.without.text


@pytest.mark.parametrize(
    "text",
    [
        "x.y|",
        "x = 'na|me'",
        "# na|me",
        "x = 12|",
        "def na|",
        "def na|me(a):\n    pass\n",
        "class Na|",
        "def f(a, na|):\n    pass\n",
        "def f(*na|):\n    pass\n",
        "import na|",
        "from a import na|",
        "from na|",
        "from a import (\n    b,\n    na|\n)\n",
        "with a as na|:\n    pass\n",
        "for na| in b:\n    pass\n",
        "lambda na|: 1",
        "with a as (b, na|):\n    pass\n",
        "def f():\n    global a, na|\n",
        "type na| = int",
    ],
)
def test_no_name_is_read(text: str) -> None:
    assert name_at(*at_bar("a.py", text)) is None


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("const a = b|;", True),
        ("f(a, b|)", True),
        ("return <A b={c|}/>", True),
        ("let x: B|;", True),
        ("const b|", False),
        ("function f(b|) {}", False),
        ("import { b| } from './b';", False),
        ("x = 'b|'", False),
        ("const { a: b| } = c;", False),
        ("class B| {}", False),
        ("export * as b| from './b';", False),
    ],
)
def test_in_typescript_too(text: str, read: bool) -> None:
    assert (name_at(*at_bar("a.tsx", text)) is not None) == read


def test_places_to_learn_from_are_those_that_are_read() -> None:
    text = "import os\n\n\ndef f(a, b=os):\n    c, d = a.x, b\n    for e in d:\n        g(h, k=e)\n"
    assert [one.member for one in names_of(file_of("a.py", text))] == ["os", "a", "b", "d", "g", "h", "k=", "e"]
    (first, *_) = names_of(file_of("a.py", "x = call(one, two)\ny = 1\n"))
    assert (first.member, first.cut.text, first.cut_behind(2).text) == ("call", "x = \ny = 1\n", "x = ca\ny = 1\n")


# --- what --------------------------------------------------------------------------------------------------------------------


def test_what_is_in_scope_and_nothing_else(monitor: Monitor) -> None:
    found = offer(monitor, f"{AREA}    return |\n\n\ndef other(hidden):\n    inner = 1\n")
    assert found is not None and found.ground is Ground.KNOWN and found.receiver == ""
    assert {"first", "second", "third", "area", "main", "len", "not"} <= set(names(found))
    assert not {"hidden", "inner", "width"} & set(names(found))
    assert abs(sum(one.probability for one in found.suggestions) - 1) < 1e-6


def test_parameters_of_what_is_called(monitor: Monitor) -> None:
    found = names(offer(monitor, f"{AREA}    return area(first, |\n"))
    assert {"height=", "first"} <= set(found)
    assert "height=" not in names(offer(monitor, f"{AREA}    return [first, |\n"))


SIZES = """
def area(width: int, name: str, *rest: float, key: Callable[[int], str] = str) -> float: ...
def main(count: int, title: str, share: float, boxes: list[int], thing):
    label = title.upper()
    return area(|)
"""


@pytest.mark.parametrize(
    ("before", "suits", "unfit"),
    [
        ("", {"count"}, {"title", "label", "share", "main"}),
        ("1, ", {"title", "label"}, {"count", "share", "main"}),
        ("1, '', ", {"count", "share"}, {"title", "label", "main"}),
        ("1, '', key=", {"main", "area"}, {"count", "share", "title", "label"}),
    ],
)
def test_an_argument_is_of_the_type_that_its_parameter_has(
    tmp_path: Path, before: str, suits: set[str], unfit: set[str]
) -> None:
    told = suiting(tmp_path, "a.py", f"from collections.abc import Callable\n{SIZES}".replace("|", before + "|"))
    ours = told.keys() & {"count", "title", "share", "boxes", "thing", "label", "area", "main"}
    assert {name for name in ours if told[name]} == suits
    assert {name for name in ours if not told[name]} - {"area"} == unfit, (
        "of what isn't plain types too little is known"
    )


def test_a_parameter_that_the_call_may_name_is_not_judged_by_whose_turn_it_is(tmp_path: Path) -> None:
    told = suiting(tmp_path, "a.py", f"from collections.abc import Callable\n{SIZES}")
    assert "count" in told and not {"width=", "name=", "key="} & told.keys()


def test_where_nothing_is_called_no_type_is_wanted(tmp_path: Path) -> None:
    assert not suiting(tmp_path, "a.py", SIZES.replace("area(|)", "|"))
    assert not suiting(tmp_path, "a.py", SIZES.replace("area(|)", "unknown(|)"))


def test_a_name_of_the_right_type_is_likelier_than_one_of_a_wrong_type(monitor: Monitor) -> None:
    def likely(wanted: str) -> float:
        text = f"def area(width: {wanted}) -> int: ...\n\n\ndef main(alpha: str, gamma: int):\n    return area(|)\n"
        found = offer(monitor, text)
        assert found is not None
        return next(one.probability for one in found.suggestions if one.member.name == "gamma")

    assert likely("int") > 1.5 * likely("str")


def test_what_is_typed_is_how_it_begins(monitor: Monitor) -> None:
    found = names(offer(monitor, f"{AREA}    return t|\n"))
    assert {"third", "True", "type"} <= set(found) and all(name.lower().startswith("t") for name in found)


def test_what_the_text_goes_on_with_is_likeliest(monitor: Monitor) -> None:
    text = "def scale(width, height):\n    print(width, height)\n    check(width, height)\n    store(width, |\n"
    assert names(offer(monitor, text))[0] == "height"


def test_what_other_files_have_is_offered_with_its_import(monitor: Monitor) -> None:
    others = {
        "shop.py": "class Cart:\n    pass\n\n\nclass _Car:\n    pass\n",
        "b.py": "import carrots\nfrom carts import carting\n",
        "c.py": "import a\n\ncarol = 1\n",
    }
    text = "from __future__ import annotations\n\nimport os\n\n\ndef pay():\n    return car|\n"
    found = offer(monitor, text, **others)
    assert found is not None
    brought = {one.member.name: one for one in found.suggestions if one.member.source}
    assert set(brought) == {"Cart", "carrots", "carting"}, "neither what is private nor who imports this"
    file, _ = at_bar("a.py", text)
    after = apply_edits(file.data, brought["Cart"].edits).decode()
    assert after == text.replace("|", "").replace("import os\n", "import os\n\nfrom shop import Cart\n")
    assert b"import carrots\n" in apply_edits(file.data, brought["carrots"].edits)
    assert not any(one.edits for one in found.suggestions if not one.member.source)
    again = offer(monitor, text.replace("import os\n", "from shop import Cart\n"), **others)
    assert "Cart" in names(again) and not any(one.member.source == "shop" for one in again.suggestions if again)


@pytest.mark.parametrize(
    ("typed", "others"),
    [
        ("Migr", {"app/0001_first.py": "class Migration:\n    pass\n"}),
        ("ann", {"b.py": "from __future__ import annotations\n"}),
        ("serve", {"app/__main__.py": "def serve():\n    pass\n"}),
        ("bet", {"beta.py": "import a\n", "b.py": "import beta\n"}),
        ("cards", {"b.py": "from . import cards\n"}),
    ],
)
def test_what_cannot_or_must_not_be_imported_is_not_offered(
    monitor: Monitor, typed: str, others: dict[str, str]
) -> None:
    found = offer(monitor, f"import os\n\n\ndef f():\n    return {typed}|\n", **others)
    assert found is not None and not any(one.edits for one in found.suggestions)


def test_no_import_is_written_where_the_name_is(monitor: Monitor) -> None:
    shop = {"shop.py": "class Cart:\n    pass\n"}
    for text in ("Car|", "import os\nCar|\n", "import os; Car|", "# Licence\n\nCar|\n"):
        found = offer(monitor, text, **shop)
        file, offset = at_bar("a.py", text)
        for one in found.suggestions if found is not None else ():
            assert all(edit.span.end < offset - len("Car") for edit in one.edits)
            after = apply_edits(file.data, one.edits).decode()
            assert after.endswith(text.replace("|", "")[-4:]) and after.count("Cart") == len(one.edits)


def test_a_parameter_that_is_given_already_gets_no_second_sign(monitor: Monitor) -> None:
    assert "height" in names(offer(monitor, f"{AREA}    area(1, hei|=3)\n"))
    assert "height=" not in names(offer(monitor, f"{AREA}    area(1, hei|=3)\n"))


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("log|", {"src/Head.ts": "import logo from './logo.svg';\n"}),
        ("Car|", {"src/shop.ts": "export interface Cart {}\nexport type Carton = string;\n"}),
        ("shop|", {"src/all.ts": "export { shopping } from './shop';\n"}),
    ],
)
def test_what_is_no_value_or_lies_elsewhere_is_not_imported(
    monitor: Monitor, text: str, others: dict[str, str]
) -> None:
    file, offset = at_bar("a.ts", f"import x from './x';\nfunction f() {{\n    return {text};\n}}\n")
    cursor = name_at(file, offset)
    assert cursor is not None
    files = {"a.ts": file, **{path: file_of(path, content) for path, content in others.items()}}
    assert not imports_for(read_project(monitor.root, files), "a.ts", cursor)


@pytest.mark.slow
@pytest.mark.parametrize("compiler", ["typescript7", "typescript"])
def test_of_typescript_too(tmp_path: Path, compiler: str) -> None:
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "typescript").symlink_to(TOOLS / compiler)
    others = {"shop.ts": "export class Cart {}\nclass Carton {}\nexport default function carting() {}\n"}
    text = 'import { Lamp } from "./lamp";\n\nfunction pay(first: number, second: string) {\n    return |;\n}\n'
    found = Monitor(tmp_path, None, load_weights_of, load_lines)
    try:
        scope = names(offer(found, text, "a.ts", **others))
        assert {"first", "second", "pay", "Lamp", "new"} <= set(scope) and not {"Cart", "Carton"} & set(scope)
        offered = offer(found, text.replace("|", "Car|"), "a.ts", **others)
        assert offered is not None
        (cart,) = (one for one in offered.suggestions if one.member.source)
        file, _ = at_bar("a.ts", text.replace("|", "Car|"))
        assert (
            apply_edits(file.data, cart.edits)
            .decode()
            .startswith('import { Lamp } from "./lamp";\nimport { Cart } from "./shop";\n')
        )
    finally:
        found.close()


@pytest.mark.slow
@pytest.mark.parametrize("compiler", ["typescript7", "typescript"])
def test_types_of_arguments_in_typescript_too(tmp_path: Path, compiler: str) -> None:
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "typescript").symlink_to(TOOLS / compiler)
    text = (
        "function area(width: number, name: string, ...rest: string[]): number { return 1; }\n"
        "function main(count: number, title: string, thing) {\n"
        "    const label = title.toUpperCase();\n    return area(|);\n}\n"
    )
    for before, suits, unfit in (
        ("", {"count"}, {"title", "label", "main"}),
        ("1, ", {"title", "label"}, {"count", "main"}),
        ("1, '', '', ", {"title", "label"}, {"count", "main"}),
    ):
        told = suiting(tmp_path, "a.ts", text.replace("|", before + "|"))
        ours = {name: told[name] for name in ("count", "title", "label", "main", "thing") if name in told}
        assert ours == {**dict.fromkeys(suits, True), **dict.fromkeys(unfit, False)}
    assert not suiting(tmp_path, "a.ts", text.replace("area(|)", "|"))


def test_without_a_checker_the_words_of_the_text_are_offered(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self, file, start, end):
        raise CheckerFailed("pyrefly ended with status 9")

    monkeypatch.setattr(PyreflyCompanion, "names", fails)
    found = offer(monitor, f"{AREA}    return th|\n")
    assert found is not None and found.ground is Ground.GUESSED and names(found) == ["third"]
    assert monitor.notes == ["pyrefly ended with status 9"]


def test_without_a_language_model_what_was_used_last_comes_first(tmp_path: Path) -> None:
    monitor = Monitor(tmp_path, None, load_weights_of)
    try:
        assert names(offer(monitor, f"{AREA}    print(second)\n    return |\n"))[0] in ("second", "print")
    finally:
        monitor.close()


# --- how likely --------------------------------------------------------------------------------------------------------------


def test_of_many_names_those_that_were_used_last_are_weighed() -> None:
    near = around(b"alpha beta gamma ", 17, 17)
    members = [Member(name, MemberKind.VALUE) for name in ("unused", "alpha", "gamma", "beta", "beta")]
    assert [one.name for one in fitting(members, "", near)] == ["gamma", "beta", "alpha", "unused"]
    assert [one.name for one in fitting(members, "AL", near)] == ["alpha"]
    assert not fitting(members, "alpha", near), "what is there already is not offered"


def test_weights_are_those_under_which_what_was_meant_is_likeliest() -> None:
    random = np.random.default_rng(0)
    column = FEATURES.index("times")
    places = []
    for _ in range(400):
        table = np.zeros((6, len(FEATURES)))
        table[:, column] = random.normal(size=6)
        shares = np.exp(2 * table[:, column])
        places.append(Named(table, int(random.choice(6, p=shares / shares.sum()))))
    weights = weights_of_names(places)
    assert abs(weights["times"] - 2) < 0.3 and weights["imported"] == -3.0


def test_probabilities_of_names_add_up() -> None:
    members = [Member("one", MemberKind.VALUE), Member("two", MemberKind.KEYWORD)]
    near = around(b"one one", 7, 7)
    found = ranked(members, told(members, near, np.array([-1.0, -4.0]), {}), {"word": 1.0}, True)
    assert [one.member.name for one in found] == ["one", "two"]
    assert abs(found[0].probability - 1 / (1 + np.exp(-3))) < 1e-9
    assert ranked([], told([], near, None, {}), {}, True) == []
