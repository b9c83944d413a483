"""What stands behind a dot is what its type has: as the checker knows it, as it is predicted, or else what is used anyway."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from typeinfer.completion.cursor import cursor_at
from typeinfer.completion.monitor import Beliefs, Monitor, written_in
from typeinfer.languages import language_of
from typeinfer.languages.python.companion import PyreflyCompanion
from typeinfer.values.inferred import CheckerFailed
from typeinfer.values.members import Ground, Offer
from typeinfer.values.patches import Edit
from typeinfer.values.source import SourceFile, Span
from typeinfer.weights import load_weights_of

TOOLS = Path(__file__).parents[2] / "benchmarks" / "node" / "node_modules"

SHOP = "class Cart:\n    def total(self):\n        return 1\n\n    def empty(self):\n        return None\n"


def file_of(path: str, text: str) -> SourceFile:
    language = language_of(path)
    assert language is not None
    return SourceFile(path, language.name, text.encode())


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[Monitor]:
    found = Monitor(tmp_path, None, load_weights_of)
    yield found
    found.close()


def offer(monitor: Monitor, text: str, beliefs: Beliefs | None = None, path: str = "a.py", **others: str) -> Offer:
    before, _, behind = text.partition("|")
    files = {name: file_of(name, content) for name, content in others.items()}
    found = monitor.complete(files, file_of(path, before + behind), len(before.encode()), lambda cursor: beliefs)
    assert found is not None
    return found


def names(found: Offer) -> list[str]:
    return [one.member.name for one in found.suggestions]


def test_members_of_a_known_type_and_no_others(monitor: Monitor) -> None:
    found = offer(monitor, "from shop import Cart\n\ncart = Cart()\nprint(other.price)\ncart.|\n", **{"shop.py": SHOP})
    assert found.ground is Ground.KNOWN
    assert {"total", "empty"} <= set(names(found)) and "price" not in names(found)
    assert set(names(found)[:2]) == {"total", "empty"}, "what every object has comes last"


def test_what_is_put_in_is_seen(monitor: Monitor) -> None:
    text = "from shop import Cart\n\nCart().|\n"
    assert "added" not in names(offer(monitor, text, **{"shop.py": SHOP}))
    for _ in range(100):
        if "added" in names(offer(monitor, text, **{"shop.py": SHOP + "\n    added = 1\n"})):
            return
        time.sleep(0.1)
    pytest.fail("the new text was never read")


def test_what_is_gone_is_no_habit_any_more(monitor: Monitor) -> None:
    text = "def pay(cart):\n    cart.|\n"
    assert "vanishing" in names(offer(monitor, text, **{"b.py": "cart.vanishing()\n"}))
    assert "vanishing" not in names(offer(monitor, text))


def test_a_type_that_is_predicted_counts_less_than_one_that_is_known(monitor: Monitor) -> None:
    text = "from shop import Cart\n\ndef pay(cart):\n    other.price\n    cart.|\n"
    before = text.replace("    cart.|\n", "    cart\n")
    at = before.index("cart)") + 4
    edits = (Edit(Span(at, at), ": Cart"),)
    sure = offer(monitor, text, Beliefs(file_of("a.py", before), edits, edits), **{"shop.py": SHOP})
    believed = offer(monitor, text, Beliefs(file_of("a.py", before), (), edits), **{"shop.py": SHOP})
    nothing = offer(monitor, text, **{"shop.py": SHOP})
    assert (sure.ground, believed.ground, nothing.ground) == (Ground.PREDICTED, Ground.BELIEVED, Ground.GUESSED)

    def share(found: Offer, name: str) -> float:
        return sum(one.probability for one in found.suggestions if one.member.name == name)

    assert share(sure, "total") > share(believed, "total") > share(nothing, "total")
    assert 0 < share(sure, "price") < share(believed, "price") < share(nothing, "price")
    for found in (sure, believed, nothing):
        assert abs(sum(one.probability for one in found.suggestions) - 1) < 1e-6


def test_a_type_with_two_thousand_members(monitor: Monitor) -> None:
    table = "class Table:\n" + "".join(f"    column_{number} = {number}\n" for number in range(2000))
    found = offer(monitor, f"{table}\nTable.column_7\nTable.column_7\nTable.|\n")
    assert len(found.suggestions) >= 2000 and names(found)[0] == "column_7"


def test_a_checker_that_is_missing_or_dies_is_told_of_once(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self, file, offset):
        raise CheckerFailed("pyrefly ended with status 9")

    monkeypatch.setattr(PyreflyCompanion, "members", fails)
    for _ in range(2):
        found = offer(monitor, "def pay(cart):\n    cart.total()\n    cart.|\n")
        assert found.ground is Ground.GUESSED and names(found)[0] == "total"
    assert monitor.notes == ["pyrefly ended with status 9"]


def test_a_checker_that_died_is_started_again_after_a_while(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    members, failures = PyreflyCompanion.members, [CheckerFailed("pyrefly ended with status 9")]

    def fails_once(self, file, offset):
        if failures:
            raise failures.pop()
        return members(self, file, offset)

    monkeypatch.setattr(PyreflyCompanion, "members", fails_once)
    monkeypatch.setattr("typeinfer.completion.monitor.ALONE", 0.0)
    assert offer(monitor, f"{SHOP}\nCart().|\n").ground is Ground.GUESSED
    assert offer(monitor, f"{SHOP}\nCart().|\n").ground is Ground.KNOWN


def test_without_weights_members_are_listed_by_name(tmp_path: Path) -> None:
    monitor = Monitor(tmp_path, None, lambda language: None)
    try:
        found = offer(monitor, f"{SHOP}\nCart().|\n")
        assert names(found) == sorted(names(found)) and "total" in names(found)
        assert monitor.notes == ["no weights for members are installed: they are listed by name"]
    finally:
        monitor.close()


def test_annotations_of_an_older_text_are_written_where_their_places_still_are() -> None:
    before = file_of("a.py", "def f(a, b):\n    return a\n\ndef g(c):\n    return c\n")
    after = file_of("a.py", "# new\ndef f(a, b):\n    return a\n\ndef h(c):\n    c.")
    cursor = cursor_at(after, len(after.data))
    assert cursor is not None
    edits = [
        Edit(Span(7, 7), ": int"),
        Edit(Span(10, 10), ": str"),
        Edit(Span(before.data.index(b"c)"), before.data.index(b"c)")), "x"),
    ]
    text, at = written_in(cursor, before, edits)
    assert text.data.startswith(b"# new\ndef f(a: int, b: str):\n    return a\n\ndef h(c):\n    c.")
    assert at == cursor.begin + len(": int: str")


@pytest.mark.parametrize("package", ["typescript", "typescript7"])
def test_typescript_too(tmp_path: Path, package: str) -> None:
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "typescript").symlink_to(TOOLS / package, target_is_directory=True)
    monitor = Monitor(tmp_path, None, load_weights_of)
    shop = "export class Cart { total() { return 1; } size?: number; }\n"
    try:
        found = offer(monitor, 'import { Cart } from "./shop";\nnew Cart().|\n', path="a.ts", **{"shop.ts": shop})
        assert found.ground is Ground.KNOWN and set(names(found)) == {"total", "size"}
        found = offer(monitor, "function f(cart) {\n  cart.total();\n  cart.|\n}\n", path="b.ts", **{"shop.ts": shop})
        assert found.ground is Ground.GUESSED and "total" in names(found)
    finally:
        monitor.close()
