"""Slices: what a unit is shown, and the laws of order, budget and hiding; usages beside them."""

from __future__ import annotations

import json
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whole_project import SHOP, project_of

from typeinfer.program.graph import build_graph
from typeinfer.program.project import Project
from typeinfer.program.slices import Role, Slice, slice_as_json, slices, slices_of
from typeinfer.program.usages import usages, usages_as_json


def cut(project: Project, budget: int = 1024) -> dict[str, Slice]:
    """Slices by `path:qualname`; of several with one name the last."""
    found = slices(project, build_graph(project), budget)
    return {f"{one.slots[0].id.path}:{one.slots[0].id.qualname}": one for one in found}


def shown(project: Project, one: Slice, hide: bool = True) -> list[str]:
    """Pieces as `hops role: text`, with the file where it isn't the unit's own; of many lines the first."""
    home = one.slots[0].id.path
    return [
        f"{piece.hops} {piece.role.value}: {'' if piece.path == home else piece.path + ' '}"
        + one.text(piece, project.modules[piece.path].file, hide).partition("\n")[0]
        for piece in one.pieces
    ]


def test_what_a_method_is_shown() -> None:
    """Itself; one step away what it names, overrides, calls and is called by; two steps away the rest of its class."""
    shop = project_of(SHOP)
    one = cut(shop)["shop/cart.py:Cart.add"]
    assert [slot.id.name for slot in one.slots] == ["item", "count", "return", "total"]
    assert shown(shop, one) == [
        "0 signature: def add(self, item, count=1):",
        '0 docstring: """Put it in."""',
        "0 body: total = price_of(item, count=count)",
        "1 class header: class Cart(Base):",
        "1 attribute: self.items: list = []",
        "1 overridden: def add(self, item: Item, count=1) -> int:",
        "1 call site: main.py return Cart.add(cart, thing)",
        "1 callee: shop/goods.py def price_of(item, count=1) -> float:",
        "1 sibling: def note(self, total):",
        "1 import: from shop.goods import Item, price_of",
        "2 attribute: self.owner = owner",
        "2 sibling: def __init__(self, owner):",
        "2 sibling: def empty(cls, owner):",
        "2 base: class Base:",
    ]
    assert {(link.slot.name, str(link.other), link.relation) for link in one.links} == {
        ("item", "shop/goods.py:price_of.item (parameter)", "argument->parameter"),
        ("count", "shop/goods.py:price_of.count (parameter)", "argument->parameter"),
        ("total", "shop/cart.py:Cart.note.total (parameter)", "argument->parameter"),
        ("return", "shop/cart.py:Cart.note.return (return)", "return->call"),
        ("item", "shop/cart.py:Base.add.item (parameter)", "overrides"),
        ("count", "shop/cart.py:Base.add.count (parameter)", "overrides"),
        ("return", "shop/cart.py:Base.add.return (return)", "overrides"),
    }
    assert {(one.type.name, one.origin.value) for one in one.candidates} == {
        ("shop.cart.Base", "local"),
        ("shop.cart.Cart", "local"),
        ("shop.goods.Item", "imported"),
    }


def test_what_a_class_body_is_shown() -> None:
    """Where its fields get values and are used, and what callers pass to the methods that store it."""
    shop = project_of(SHOP)
    assert shown(shop, cut(shop)["shop/cart.py:Cart"]) == [
        "0 class header: class Cart(Base):",
        '0 docstring: """What one customer wants."""',
        "0 attribute: self.owner = owner",
        "0 attribute: self.items = []",
        "1 sibling: def __init__(self, owner):",
        "1 sibling: def add(self, item, count=1):",
        "1 sibling: def note(self, total):",
        "1 sibling: def empty(cls, owner):",
        "1 use: self.items.append(item)",
        "1 base: class Base:",
        '2 call site: main.py cart = Cart("me")',
    ]


def test_what_a_module_body_is_shown() -> None:
    shop = project_of(SHOP)
    assert shown(shop, cut(shop)["main.py:"]) == [
        '0 body: cart = Cart("me")',
        "1 use: return Cart.add(cart, thing)",
        "1 import: from shop.cart import Cart",
    ]


def test_decorators_are_shown() -> None:
    shop = project_of(SHOP)
    assert "0 decorator: @classmethod" in shown(shop, cut(shop)["shop/cart.py:Cart.empty"])


# --- hiding -----------------------------------------------------------------------------------------------------------

LABELLED = """\
from typing import overload
import dataclasses


class Base:
    def f(self, a: L0 = 1, *rest: L1, key: L2 = 2, **more: L3) -> L4:
        inner: L5 = a
        if a:
            twice: L6 = 1
        else:
            twice: L6 = (2)
            twice : L6
        return inner


class C(Base):
    x: L7 = 1
    y: L8

    def __init__(
        self,
        a: L9,
    ) -> L10:
        self.z: L11 = a
        self.w = 1
        self.w: L12 = {"k": 1}

    def f(self, a: L13 = 1) -> L14:
        '''Say it.'''
        def nested(b: L15) -> L16:
            return b
        return nested(self.z)


m: L17 = 1
(n): L18 = C(m).f(m)
"""


def test_a_slot_is_never_shown_its_own_annotation() -> None:
    """Every annotation above names its slot, so that a slice which shows a label of its own slots shows its number."""
    project = project_of({"a.py": LABELLED})
    seen = 0
    for one in slices(project, build_graph(project)):
        text = "\n".join(one.text(piece, project.modules[piece.path].file, hide=True) for piece in one.pieces)
        for slot in one.slots:
            if slot.written is not None:
                seen += 1
                label = project.modules["a.py"].file.at(slot.written)
                assert not re.search(rf"\b{label}\b", text), f"{slot.id} reads its label in:\n{text}"
    assert seen == 18


def test_what_is_hidden_reads_as_if_it_had_never_been_there() -> None:
    """Name, colon and arrow alike, so that training sees what inference will see; asked for, all of it is shown."""
    project = project_of({"a.py": "def f(a: int, b: str = '') -> bool:\n    n: int = 1\n    return a > n\n"})
    one = cut(project)["a.py:f"]
    assert shown(project, one) == ["0 signature: def f(a, b = ''):", "0 body: n = 1"]
    assert shown(project, one, hide=False) == ["0 signature: def f(a: int, b: str = '') -> bool:", "0 body: n: int = 1"]


# --- order and budget -------------------------------------------------------------------------------------------------


def test_file_order_changes_nothing() -> None:
    def plain(texts: dict[str, str]) -> str:
        project = project_of(texts)
        return json.dumps([slice_as_json(one, project) for one in slices(project, build_graph(project))])

    expected = plain(SHOP)
    for seed in range(4):
        shuffled = list(SHOP.items())
        random.Random(seed).shuffle(shuffled)
        assert plain(dict(shuffled)) == expected


def test_one_file_alone_is_cut_as_it_is_among_all() -> None:
    shop = project_of(SHOP)
    graph = build_graph(shop)
    every = [one for one in slices(shop, graph) if one.slots[0].id.path == "shop/cart.py"]
    assert list(slices_of(shop, graph, "shop/cart.py")) == every


TOKEN = re.compile(r"\w+|[^\w\s]")
LONG = "def f(a, b):\n" + "".join(f"    x{n} = {n} + {n}\n" for n in range(400)) + "    return b.last(a)\n"


@pytest.mark.parametrize("budget", [8, 40, 100, 1024])
def test_the_budget_holds(budget: int) -> None:
    texts = SHOP | {"long.py": LONG}
    project = project_of(texts)
    for one in slices(project, build_graph(project), budget):
        spent = [TOKEN.findall(one.text(piece, project.modules[piece.path].file, hide=False)) for piece in one.pieces]
        assert sum(map(len, spent)) <= budget


def test_of_a_body_over_the_budget_the_telling_lines_are_kept() -> None:
    """The return stands last, and is shown though what stands before it isn't."""
    text = "def f(a, b):\n" + "    print(1)\n" * 400 + "    return b.last(a)\n"
    project = project_of({"long.py": text})
    assert shown(project, cut(project, 100)["long.py:f"]) == [
        "0 signature: def f(a, b):",
        "0 body: print(1)",
        "0 body: return b.last(a)",
    ]


def test_pieces_come_nearest_first_and_none_twice() -> None:
    shop = project_of(SHOP)
    for one in cut(shop).values():
        hops = [piece.hops for piece in one.pieces]
        assert hops == sorted(hops)
        places = [(piece.path, piece.span) for piece in one.pieces]
        assert len(set(places)) == len(places)
        assert {piece.role for piece in one.pieces} <= set(Role)


@given(st.text(alphabet="xyf()[]{}:=,.*\n \t'\"lambdeforinself#@->", max_size=60))
def test_any_text_is_cut_without_complaint(text: str) -> None:
    project = project_of({"a.py": f"class C:\n def f(self, x: int) -> str: return x\n{text}"})
    for one in slices(project, build_graph(project)):
        json.dumps(slice_as_json(one, project))
        for piece in one.pieces:
            one.text(piece, project.modules[piece.path].file, hide=True)
    json.dumps(usages_as_json(usages(project), project))


# --- usages -----------------------------------------------------------------------------------------------------------


def test_what_usages_say() -> None:
    project = project_of(
        {
            "a.py": """\
import os


def size(text: str, unit=1) -> int:
    return 1


def f(path, n: int):
    full = os.fspath(path)
    name = full.strip("/")
    count = 3
    return size(name, unit=n)
"""
        }
    )
    found = json.loads(json.dumps(usages_as_json(usages(project), project)))
    by_name = {one["fullName"]: one for one in found["objectSlices"]}
    assert list(by_name) == ["a.size", "a.f"]
    f = {one["targetObj"]["name"]: one for one in by_name["a.f"]["slices"]}
    assert (by_name["a.f"]["fileName"], by_name["a.f"]["lineNumber"], by_name["a.f"]["code"]) == (
        "a.py",
        8,
        "def f(path, n: int):",
    )

    # A parameter is defined by itself; here it is passed to a function of somebody else.
    assert f["path"]["targetObj"] == f["path"]["definedBy"]
    assert f["path"]["targetObj"] == {
        "name": "path",
        "typeFullName": "ANY",
        "label": "PARAM",
        "position": 1,
        "lineNumber": 8,
        "columnNumber": 6,
    }
    assert [(call["callName"], call["isExternal"], call["position"]) for call in f["path"]["argToCalls"]] == [
        ("fspath", True, 1)
    ]
    # A local is defined by a call, and has a method called on it with a string.
    assert (f["full"]["definedBy"]["name"], f["full"]["definedBy"]["label"]) == ("os.fspath", "CALL")
    assert [(call["callName"], call["paramTypes"]) for call in f["full"]["invokedCalls"]] == [("strip", ["str"])]
    # By a literal, whose type is known.
    assert (f["count"]["definedBy"]["label"], f["count"]["targetObj"]["typeFullName"]) == ("LITERAL", "int")
    # Passed to a function of the project, by keyword; its annotated result is known.
    assert f["n"]["argToCalls"] == [
        {
            "callName": "size",
            "resolvedMethod": "a.size",
            "paramTypes": ["ANY", "int"],
            "returnType": "int",
            "isExternal": False,
            "position": "unit",
            "lineNumber": 12,
            "columnNumber": 11,
        }
    ]


def test_classes_are_user_defined_types() -> None:
    shop = project_of(SHOP)
    found = usages_as_json(usages(shop), shop)["userDefinedTypes"]
    assert isinstance(found, list)
    cart = next(one for one in found if one["name"] == "shop.cart.Cart")
    assert [field["name"] for field in cart["fields"]] == ["owner", "items"]
    assert [method["callName"] for method in cart["procedures"]] == ["__init__", "add", "note", "empty"]
