"""What an edit bears on: what stands in it, what it names, and what names something that it defines."""

from __future__ import annotations

from pathlib import Path

import pytest

from typeinfer.languages import LANGUAGE_OF_SUFFIX
from typeinfer.program.edited import Edits
from typeinfer.program.files import read_files
from typeinfer.program.project import read_project
from typeinfer.values.module import Module

SHOP = """\
import json
from stock import Stock

LIMIT = 3
TABLE = {
    "a": 1,
    "b": 2,
}


class Cart(Stock):
    size = 0

    def __init__(self, owner):
        self.owner = owner
        self.items = []

    def add(self, item):
        self.items.append(item)
        return self.total()

    def total(self):
        return sum(self.items)


def price(item):
    return item * LIMIT


def report(cart):
    def line(item):
        return price(item)

    return [line(item) for item in cart.items]


def load(text):
    return json.loads(text)
"""

OTHER = """\
from shop import Cart, price


def empty():
    return Cart("nobody")


def cheap(goods):
    return price(goods) < 3


def far(count):
    return count
"""


def facts(root: Path, **texts: str) -> dict[str, Module]:
    root.mkdir(exist_ok=True)
    for name, text in texts.items():
        (root / f"{name}.py").write_text(text, "utf-8")
    names = sorted(f"{name}.py" for name in texts)
    return dict(read_project(root, read_files(root, names, LANGUAGE_OF_SUFFIX)[0]).modules)


def borne_on(root: Path, old: str, new: str) -> set[str]:
    """The slots that an edit of the shop bears on, there and in the other file, as `function.name`."""
    assert SHOP.count(old) == 1, "the edit is of one place"
    before, after = facts(root, shop=SHOP, other=OTHER), facts(root, shop=SHOP.replace(old, new), other=OTHER)
    edits = Edits.of({"shop.py": (before["shop.py"], after["shop.py"])})
    return {f"{slot.qualname}.{slot.name}".removeprefix(".") for one in after.values() for slot in edits.bear_on(one)}


def test_an_edit_of_nothing_bears_on_nothing(tmp_path: Path) -> None:
    module = facts(tmp_path, shop=SHOP)["shop.py"]
    assert not Edits.of({"shop.py": (module, module)}).bear_on(module)
    assert not borne_on(tmp_path, "import json\n", "import json\n\n\n# A word about Cart.\n")
    assert not borne_on(tmp_path, "    size = 0\n", "    size = 0  # items\n\n    # Nobody calls add().\n")
    assert not borne_on(tmp_path, "self.items.append(item)\n", "self.items.append(item)  # see price\n\n")
    # A comment that states a type, or has a checker look away, is none.
    assert "Cart.add.item" in borne_on(tmp_path, "append(item)\n", "append(item)  # type: ignore\n")


def test_what_is_said_to_people_tells_of_what_it_stands_in_and_names_nothing(tmp_path: Path) -> None:
    found = borne_on(tmp_path, "def load(text):\n", 'def load(text):\n    """Not a price # of a Cart."""\n')
    assert found == {"load.text", "load.return"}
    text = 'def far(count):\n    """As price() has it."""\n    "or as price has it"\n    return count\n'
    modules = facts(tmp_path / "said", shop=SHOP, other=text)
    changed = facts(tmp_path / "now", shop=SHOP.replace("item * LIMIT", "LIMIT"), other=text)
    assert not Edits.of({"shop.py": (modules["shop.py"], changed["shop.py"])}).bear_on(changed["other.py"])


@pytest.mark.parametrize("said", ['"price"', '"price or not"[:5]', "f'so {price(1)} it is'", "'list[price, int]'"])
def test_what_may_be_read_as_code_names_somebody(tmp_path: Path, said: str) -> None:
    text = f"def far(count):\n    return {said}\n"
    modules = facts(tmp_path / "said", shop=SHOP, other=text)
    changed = facts(tmp_path / "now", shop=SHOP.replace("item * LIMIT", "LIMIT"), other=text)
    found = Edits.of({"shop.py": (modules["shop.py"], changed["shop.py"])}).bear_on(changed["other.py"])
    assert bool(found) is (said != '"price or not"[:5]'), "three words are said to people"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # Whoever calls it, here and elsewhere, and what it calls; not who stands beside it.
        ("return item * LIMIT", "return LIMIT", {"price.item", "price.return", "report.cart", "report.line.item"}),
        ("return sum(self.items)", "return 1", {"Cart.total.return", "Cart.add.item", "Cart.add.return"}),
        # A function that nobody calls, and what it is about to call.
        ("return json.loads(text)", "return Cart(text)", {"load.text", "load.return"}),
        # Another value, and who reads it.
        ("LIMIT = 3", "LIMIT = 3.5", {"LIMIT", "price.item", "price.return"}),
        # In the midst of a table, not on the line of its name.
        ('"b": 2', '"b": 2.5', {"TABLE"}),
        ("size = 0", "size = None", {"Cart.size"}),
        # Another module by the same name.
        ("import json", "import orjson as json", {"load.text", "load.return"}),
    ],
)
def test_an_edit_bears_on_what_it_is_in_and_on_what_is_named(
    tmp_path: Path, old: str, new: str, expected: set[str]
) -> None:
    found = borne_on(tmp_path, old, new)
    assert expected <= found
    assert not found & {"far.count", "far.return"}, "nothing that they name has to do with it"
    assert "TABLE" in expected or "TABLE" not in found


def test_own_names_are_nobody_elses_and_members_are(tmp_path: Path) -> None:
    own = borne_on(tmp_path, "return json.loads(text)", "size, items = text, text\n    return size")
    assert own == {"load.text", "load.return"}
    assert own | {"Cart.size", "load.size"} == borne_on(
        tmp_path, "return json.loads(text)", "size = text.size\n    return size"
    )


def test_who_asks_for_what_a_fixture_gives_names_it_by_a_parameter(tmp_path: Path) -> None:
    fixture = "import pytest\n\n\n@pytest.fixture(name='cart')\ndef made():\n    return 1\n"
    test = "def test_cart(cart):\n    assert cart\n\n\ndef helper(cart):\n    return cart\n"
    before = facts(tmp_path / "before", conftest=fixture, test_shop=test)
    after = facts(tmp_path / "after", conftest=fixture.replace("1", "2"), test_shop=test)
    found = Edits.of({"conftest.py": (before["conftest.py"], after["conftest.py"])}).bear_on(after["test_shop.py"])
    assert {slot.qualname for slot in found} == {"test_cart"}, "a helper is handed what its callers have"


def test_a_class_is_called_by_its_name_and_is_what_its_head_says(tmp_path: Path) -> None:
    assert "empty.return" in borne_on(tmp_path, "self.items = []", "self.items = [0]"), "who makes one"
    every_one = {"Cart.size", "Cart.owner", "Cart.total.return", "Cart.__init__.owner", "empty.return"}
    assert every_one <= borne_on(tmp_path, "class Cart(Stock)", "class Cart(dict)")


def test_what_is_gone_was_there_for_somebody(tmp_path: Path) -> None:
    assert {"report.return", "cheap.goods"} <= borne_on(tmp_path, "def price(item):\n    return item * LIMIT\n", "")


def test_where_names_may_stand_for_anything_nothing_is_as_it_was(tmp_path: Path) -> None:
    found = borne_on(tmp_path, "from stock import Stock", "from stock import *")
    assert {"LIMIT", "load.text", "Cart.total.return"} <= found


def test_a_file_that_nobody_has_read_before_is_all_new(tmp_path: Path) -> None:
    modules = facts(tmp_path, shop=SHOP, other=OTHER)
    edits = Edits.of({"shop.py": (None, modules["shop.py"])})
    assert edits.bear_on(modules["shop.py"]) == {slot.id for slot in modules["shop.py"].slots}
    assert {slot.qualname for slot in edits.bear_on(modules["other.py"])} == {"empty", "cheap"}


TILL = """\
import { Item } from "./item";

export const price = (item: Item) => item.cost * rate;
const rate = 2;

export class Till {
  constructor(private owner) {}
  add(item) {
    return price(item);
  }
}

function far(count) {
  return count;
}

export { far as remote };
"""

DESK = """\
import { Till, remote } from "./till";

export function open(owner) {
  return new Till(owner);
}

export function count(goods) {
  return remote(goods);
}

export function idle(hours) {
  return hours;
}
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("item.cost * rate", "item.cost", {"price", "Till.add"}),
        ("constructor(private owner) {}", "constructor(private owner) { this.on = 1; }", {"Till.constructor", "open"}),
        # Others know it by another name.
        ("far as remote", "price as remote", {"count"}),
        # What stands before a function may state its types.
        ("function far", "/** @param {number} count */\nfunction far", {"far"}),
    ],
)
def test_typescript_is_no_other(tmp_path: Path, old: str, new: str, expected: set[str]) -> None:
    def read(till: str) -> dict[str, Module]:
        texts = {"till.ts": till, "desk.ts": DESK, "item.ts": "export interface Item { cost: number }\n"}
        for name, text in texts.items():
            (tmp_path / name).write_text(text, "utf-8")
        return dict(read_project(tmp_path, read_files(tmp_path, sorted(texts), LANGUAGE_OF_SUFFIX)[0]).modules)

    assert TILL.count(old) == 1, "the edit is of one place"
    before, after = read(TILL), read(TILL.replace(old, new))
    edits = Edits.of({"till.ts": (before["till.ts"], after["till.ts"])})
    found = {slot.qualname or slot.name for one in after.values() for slot in edits.bear_on(one)}
    assert expected <= found
    assert "idle" not in found
