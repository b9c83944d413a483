"""Slices: what a unit is shown, and the laws of order, budget and hiding; usages beside them."""

from __future__ import annotations

import json
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whole_project import SHOP, SHOP_IN_JAVASCRIPT, SHOP_IN_TYPESCRIPT, SHOPS, project_of

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
    shop = project_of(SHOP_IN_TYPESCRIPT)
    assert "0 decorator: @logged" in shown(shop, cut(shop)["shop/cart.ts:Cart.empty"])


def test_what_a_method_of_typescript_is_shown() -> None:
    shop = project_of(SHOP_IN_TYPESCRIPT)
    one = cut(shop)["shop/cart.ts:Cart.add"]
    assert [slot.id.name for slot in one.slots] == ["item", "count", "return", "total"]
    assert shown(shop, one) == [
        "0 signature: add(item, count = 1)",
        "0 docstring: /** Put it in. */",
        "0 body: {",
        "1 class header: class Cart extends Base",
        "1 attribute: items: Item[] = []",
        "1 attribute: note = (total) =>",
        "1 overridden: add(item: Item, count = 1): number",
        "1 callee: shop/goods.ts function priceOf(item, count = 1): number",
        '1 import: import { Item, priceOf } from "./goods";',
        "2 attribute: this.owner = owner",
        "2 sibling: constructor(owner, private readonly shop?)",
        "2 sibling: static empty(owner)",
        "2 base: class Base",
    ]
    assert {(link.slot.name, str(link.other), link.relation) for link in one.links} == {
        ("item", "shop/goods.ts:priceOf.item (parameter)", "argument->parameter"),
        ("count", "shop/goods.ts:priceOf.count (parameter)", "argument->parameter"),
        ("total", "shop/cart.ts:Cart.note.total (parameter)", "argument->parameter"),
        ("return", "shop/cart.ts:Cart.note.return (return)", "return->call"),
        ("item", "shop/cart.ts:Base.add.item (parameter)", "overrides"),
        ("count", "shop/cart.ts:Base.add.count (parameter)", "overrides"),
        ("return", "shop/cart.ts:Base.add.return (return)", "overrides"),
    }
    assert {(one.type.name, one.origin.value) for one in one.candidates} == {
        ("shop/cart.Base", "local"),
        ("shop/cart.Cart", "local"),
        ("shop/goods.Item", "imported"),
    }


def test_a_parameter_that_is_a_member_is_shown_where_the_class_uses_it() -> None:
    shop = project_of(SHOP_IN_TYPESCRIPT)
    assert "1 use: this.shop.note(total);" in shown(shop, cut(shop)["shop/cart.ts:Cart.constructor"])


def test_what_a_function_of_javascript_is_shown() -> None:
    """What a function is called by stands before it, and what it is annotated with in the comment before that."""
    shop = project_of(SHOP_IN_JAVASCRIPT)
    one = cut(shop)["shop/goods.js:priceOf"]
    texts = [one.text(piece, shop.modules[piece.path].file, hide=True) for piece in one.pieces]
    assert texts == [
        "priceOf = function (item, count = 1)",
        "/**\n * What it costs.\n * @param item - one of them\n * @param [count]\n * @returns\n */",
        "{\n  sold += count;\n  return item.price * count;\n}",
        "return priceOf(item, 2);",
    ]
    # Whoever calls it is shown the comment with the annotations.
    one = cut(shop)["main.jsx:Cart.add"]
    callee = next(piece for piece in one.pieces if piece.role is Role.CALLEE)
    assert "@returns {number}" in one.text(callee, shop.modules["shop/goods.js"].file, hide=True)


def test_what_only_declares_is_shown_without_its_types() -> None:
    project = project_of({"a.ts": "interface I {\n  a: number;\n  b?: string[];\n  m(c: number): void;\n}\n"})
    assert shown(project, cut(project)["a.ts:I"]) == [
        "0 class header: interface I",
        "0 body: a",
        "0 body: b?",
        "1 sibling: m(c: number): void",
    ]


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


LABELLED_IN_TYPESCRIPT = """\
@Component({ a: 1 }) class C<T> extends B<T> implements I {
  @Input({ a: 1 }) x?: L1 = 1;
  y!: L2; static readonly z: L3 = f ? 1 : 2;
  constructor(private readonly p: L4, q?: L5, { a, b }: L6 = {}, ...r: L7) { this.v = p; }
  /** Does it. */
  @HostListener("x")
  async m(x: L8): L9 {
    const n: L10 = 1, o: L11 = x; let k: L12;
    for (const each of n) k = each;
    return (y: L13): L14 => y;
  }
  get g(): L15 { return this.x }
  set g(to: L16) { this.x = to }
  h = async (e: L17): L18 => { let h: L19; };
  #secret: L20 = this.h(1);
}
function o(this: T, a: L21 = b): asserts a is L22 {}
interface I { p: L23; readonly q?: L24; m(a: L25): L26; }
abstract class D { abstract e: L27; abstract f(a: L28): L29; }
declare function over(a: L30): L31;
function over(a: L32): L33 { return over(a) }
export const typed: (a: L34) => L34 = (a: L35): L36 => typed(a);
let later: L37; later = over({ a: 1 });
namespace N { export let inside: L38 = 1; }
type A = { of: L39 };
"""

LABELLED_IN_JAVASCRIPT = """\
/**
 * @param {L1} a - the first
 * @param { L2 } [b] more
 * @param {...L3} rest
 * @returns {L4}
 */
export function f(a, b, ...rest) {
  /** @type {L5} */
  let inner = a;
  return g(a);
}
/** @type {L6} */ export const m = f(1);
/** @param {L7} x
  * @return {L8} */
const g = (x) => { return x; };
class A {
  /** @type {L9} */
  y = 1;
  constructor() {
    /** @type {L10} */
    this.w = 1;
    this.w = 2;
  }
  /** @returns {L11} */ get q() { return this.w }
  m(/** @type {L12} */ k) { return this.q }
}
"""


@pytest.mark.parametrize(
    ("path", "text", "annotations"),
    [
        ("a.py", LABELLED, 18),
        ("a.ts", LABELLED_IN_TYPESCRIPT, 39),
        ("a.tsx", LABELLED_IN_TYPESCRIPT, 39),
        ("a.js", LABELLED_IN_JAVASCRIPT, 12),
        ("a.js", LABELLED_IN_JAVASCRIPT.replace("\n", "\r\n").replace("the first", "é 💡"), 12),
    ],
    ids=["python", "typescript", "tsx", "javascript", "carriage returns"],
)
def test_a_slot_is_never_shown_its_own_annotation(path: str, text: str, annotations: int) -> None:
    """Every annotation above names its slot, so that a slice which shows a label of its own slots shows its number."""
    project = project_of({path: text})
    seen = 0
    for one in slices(project, build_graph(project)):
        text = "\n".join(one.text(piece, project.modules[piece.path].file, hide=True) for piece in one.pieces)
        for slot in one.slots:
            if slot.written is not None:
                seen += 1
                label = project.modules[path].file.at(slot.written)
                assert not re.search(rf"\b{label}\b", text), f"{slot.id} reads its label in:\n{text}"
    assert seen == annotations


def test_what_is_hidden_reads_as_if_it_had_never_been_there() -> None:
    """Name, colon and arrow alike, so that training sees what inference will see; asked for, all of it is shown."""
    project = project_of({"a.py": "def f(a: int, b: str = '') -> bool:\n    n: int = 1\n    return a > n\n"})
    one = cut(project)["a.py:f"]
    assert shown(project, one) == ["0 signature: def f(a, b = ''):", "0 body: n = 1"]
    assert shown(project, one, hide=False) == ["0 signature: def f(a: int, b: str = '') -> bool:", "0 body: n: int = 1"]
    project = project_of({"a.ts": "const f = (a?: number, b: string = ''): boolean => a;\n"})
    assert shown(project, cut(project)["a.ts:f"]) == ["0 signature: f = (a?, b = '') =>", "0 body: a"]
    project = project_of({"a.js": "/** @param {number} a it\n * @returns {string} */\nexport function f(a) {}\n"})
    one = cut(project)["a.js:f"]
    assert one.text(one.pieces[1], project.modules["a.js"].file, hide=True) == "/** @param a it\n * @returns */"


# --- order and budget -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shop", SHOPS.values(), ids=SHOPS)
def test_file_order_changes_nothing(shop: dict[str, str]) -> None:
    def plain(texts: dict[str, str]) -> str:
        project = project_of(texts)
        return json.dumps([slice_as_json(one, project) for one in slices(project, build_graph(project))])

    expected = plain(shop)
    for seed in range(4):
        shuffled = list(shop.items())
        random.Random(seed).shuffle(shuffled)
        assert plain(dict(shuffled)) == expected


def test_one_file_alone_is_cut_as_it_is_among_all() -> None:
    shop = project_of(SHOP)
    graph = build_graph(shop)
    every = [one for one in slices(shop, graph) if one.slots[0].id.path == "shop/cart.py"]
    assert list(slices_of(shop, graph, "shop/cart.py")) == every


TOKEN = re.compile(r"\w+|[^\w\s]")
LONG = "def f(a, b):\n" + "".join(f"    x{n} = {n} + {n}\n" for n in range(400)) + "    return b.last(a)\n"
LONG_IN_TYPESCRIPT = LONG.replace("def f(a, b):", "function f(a, b) {").replace("b.last(a)", "b.last(a) }")


@pytest.mark.parametrize("budget", [8, 40, 100, 1024])
def test_the_budget_holds(budget: int) -> None:
    texts = SHOP | SHOP_IN_TYPESCRIPT | {"long.py": LONG, "long.ts": LONG_IN_TYPESCRIPT}
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


@pytest.mark.parametrize("shop", SHOPS.values(), ids=SHOPS)
def test_pieces_come_nearest_first_and_none_twice(shop: dict[str, str]) -> None:
    for one in cut(project_of(shop)).values():
        hops = [piece.hops for piece in one.pieces]
        assert hops == sorted(hops)
        places = [(piece.path, piece.span) for piece in one.pieces]
        assert len(set(places)) == len(places)
        assert {piece.role for piece in one.pieces} <= set(Role)


WHOLE = {
    "a.py": ("class C:\n def f(self, x: int) -> str: return x\n", "xyf()[]{}:=,.*\n \t'\"lambdeforinself#@->"),
    "a.ts": ("class C {\n f(x: number): string { return x }\n}\n", "xyf()[]{}:=?,.*\n '`$cons=>letthisfor;/@#<!"),
    "a.js": ("/** @param {number} x */ function f(x) {}\n", "xyf()[]{}:=,.*\n '`$cons=>letthisfor;/@#<* @typereuns{}/"),
}


@pytest.mark.parametrize("path", WHOLE)
@given(st.data())
def test_any_text_is_cut_without_complaint(path: str, data: st.DataObject) -> None:
    before, alphabet = WHOLE[path]
    project = project_of({path: before + data.draw(st.text(alphabet=alphabet, max_size=60))})
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


def test_what_usages_say_of_typescript() -> None:
    """The same as of Python: what a parameter is used for, what a field of the own object is passed to."""
    project = project_of(
        {
            "a.ts": """\
import { join } from "path";

function size(text: string, unit = 1): number {
  return 1;
}

class Path {
  parts: string[];

  constructor(name, n: number) {
    this.parts = name.split("/");
    const full = join(this.parts);
    size(full.trim("x"), n);
  }
}
"""
        }
    )
    found = json.loads(json.dumps(usages_as_json(usages(project), project)))
    by_name = {one["fullName"]: one for one in found["objectSlices"]}
    assert list(by_name) == ["a.size", "a.Path.constructor"]
    assert by_name["a.Path.constructor"]["code"] == "constructor(name, n: number)"
    objects = {one["targetObj"]["name"]: one for one in by_name["a.Path.constructor"]["slices"]}
    assert list(objects) == ["name", "n", "full"]
    assert [(call["callName"], call["paramTypes"]) for call in objects["name"]["invokedCalls"]] == [
        ("split", ["string"])
    ]
    assert (objects["full"]["definedBy"]["name"], objects["full"]["definedBy"]["label"]) == ("join", "CALL")
    assert [call["callName"] for call in objects["full"]["invokedCalls"]] == ["trim"]
    assert objects["n"]["argToCalls"] == [
        {
            "callName": "size",
            "resolvedMethod": "a.size",
            "paramTypes": ["ANY", "number"],
            "returnType": "number",
            "isExternal": False,
            "position": 2,
            "lineNumber": 13,
            "columnNumber": 4,
        }
    ]
    assert [(one["name"], [field["name"] for field in one["fields"]]) for one in found["userDefinedTypes"]] == [
        ("a.Path", ["parts"])
    ]


def test_an_attribute_is_an_object_of_the_function_that_makes_it() -> None:
    project = project_of({"a.js": "class C {\n  m(a) {\n    this.b = a;\n    this.b.go(this.b);\n  }\n}\n"})
    method = next(one for one in usages(project) if one.name == "a.C.m")
    objects = {one.target.name: one for one in method.objects}
    assert [call.name for call in objects["this.b"].invoked] == ["go"]
    assert [call.name for call in objects["this.b"].passed] == ["go"]
