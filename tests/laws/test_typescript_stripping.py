"""TypeScript's judge: stripping, the names of slots, forms of types, and what counts as altered. Needs Node.js."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from typeinfer.evaluation.judge import Origin, Variant, write_tree
from typeinfer.evaluation.peers import run
from typeinfer.evaluation.typescript import TypeScriptJudge, ask, errors_by_file
from typeinfer.languages.typescript.syntax import read
from typeinfer.values.slots import SlotId, SlotKind
from typeinfer.values.source import decode

pytestmark = pytest.mark.usefixtures("compilers")

JUDGE = TypeScriptJudge()


def strip(text: str, variant: Variant = "kept", path: str = "cart.ts") -> str:
    done = JUDGE.strip({path: textwrap.dedent(text).encode()}, variant)
    assert done.skipped == {}
    return done.files[path].decode()


def truth(text: str) -> dict[str, str]:
    found = JUDGE.strip({"cart.ts": textwrap.dedent(text).encode()}, "kept").truth
    return {f"{slot.qualname}:{slot.kind.value}:{slot.name}:{slot.ordinal}": written for slot, written in found.items()}


def test_annotations_go_and_nothing_else() -> None:
    assert strip("function f( a : number,b?:string ) : void { let x: number = 1 /* why */ }\n") == (
        "function f( a,b? ) { let x = 1 /* why */ }\n"
    )
    assert strip("const g = async <T,>({ a }: { a: T }, ...rest: T[]): Promise<T> => a;\n") == (
        "const g = async <T,>({ a }, ...rest) => a;\n"
    )
    assert strip("const { a }: Shop = open();\n") == "const { a } = open();\n"


def test_a_field_loses_its_definite_mark_and_keeps_its_question_mark() -> None:
    assert strip("class A {\n  x!: number;\n  y?: string;\n  static #z: Foo = 1\n}\nlet late!: A;\n") == (
        "class A {\n  x;\n  y?;\n  static #z = 1\n}\nlet late;\n"
    )


KEPT = """\
interface Item { price: number; buy(count: number): void; [key: string]: unknown }
type Pair = { left: Item; right: Item };
declare const version: string;
declare function later(x: number): void;
declare namespace ambient { const x: number }
abstract class Cart {
  declare size: number;
  abstract last: Item;
  abstract add(item: Item): void;
  [key: string]: unknown;
  get(key: string): Item;
  get(key: number): Item;
  get(this: Cart, key) { return <Item>key as Item; }
  has(item): item is Item { return true }
  must(item): asserts item is Item { }
}
new Map<string, Item>();
"""


def test_what_has_no_body_what_is_ambient_and_what_is_no_annotation_stays() -> None:
    assert strip(KEPT) == KEPT
    assert truth(KEPT) == {}
    declarations = b"export declare function f(x: number): void;\nexport const y: number;\n"
    assert JUDGE.strip({"cart.d.ts": declarations}, "bare").files == {"cart.d.ts": declarations}


def test_slots_are_named_by_function_class_and_ordinal() -> None:
    text = """
    const total: number = 3;
    class Cart<T> {
      size: number = 3;
      constructor(private items: Item[], count: number) { const seen: string = ""; }
      get first(): Item { return this.items[0] }
      set first(item: Item) { }
      add(key: string): void;
      add(key: any, { deep }: Options): void { this.items.map((each: Item): boolean => each.ok); }
      handle = (event: Event): void => {};
    }
    const shop = { run(x: number) {}, go: (y: string) => 1 };
    Cart.prototype.late = function (z: boolean) {};
    export default (a: number) => 1;
    """
    assert truth(text) == {
        ":variable:total:0": "number",
        "Cart:attribute:size:0": "number",
        "Cart.constructor:parameter:items:0": "Item[]",
        "Cart.constructor:parameter:count:0": "number",
        "Cart.constructor:variable:seen:0": "string",
        "Cart.first:return:return:0": "Item",
        "Cart.first:parameter:item:0": "Item",
        "Cart.add:parameter:__1:0": "Options",
        "Cart.add:return:return:1": "void",
        "Cart.add.<anonymous>:parameter:each:0": "Item",
        "Cart.add.<anonymous>:return:return:0": "boolean",
        "Cart.handle:parameter:event:0": "Event",
        "Cart.handle:return:return:0": "void",
        "shop.run:parameter:x:0": "number",
        "shop.go:parameter:y:0": "string",
        "Cart.late:parameter:z:0": "boolean",
        "default:parameter:a:0": "number",
    }


def test_annotations_that_say_nothing_are_no_ground_truth() -> None:
    text = """
    class A<T> {
      f<U>(a: any, b: (any), c: any | any, d: T, e: U, ...rest: any[]): this { return this }
      g(a: any[], b: Promise<any>, c: T[], d: unknown, e: any | null): this | null { return null }
    }
    """
    assert list(truth(text).values()) == ["any[]", "Promise<any>", "T[]", "unknown", "any | null", "this | null"]


def test_bare_takes_out_the_imports_that_only_annotations_used() -> None:
    text = """\
    import type { Basket, Price } from "./shop";
    import Till, { Shelf, type Item, Stock as Store, unused } from "./till"; // all
    import Door, { open } from "./door";
    import * as fs from "node:fs";
    import { Label } from "./label";
    import "./effects";
    export { Label };
    function f(a: Basket, b: Till, c: Store, d: fs.Stats, e: Item, g: Door, l: Label): Shelf {
      const Stock = 1;
      return open(a as Price, { Shelf: 1 }.Shelf);
    }
    """
    assert strip(text, "bare") == textwrap.dedent("""\
    import type { Price } from "./shop";
    import { unused } from "./till"; // all
    import { open } from "./door";
    import { Label } from "./label";
    import "./effects";
    export { Label };
    function f(a, b, c, d, e, g, l) {
      const Stock = 1;
      return open(a as Price, { Shelf: 1 }.Shelf);
    }
    """)
    assert "import * as fs" in strip(text)


def test_bare_keeps_what_elements_and_shorthands_use() -> None:
    text = """\
    import React from "react";
    import { Cart, Till } from "./shop";
    const f = (x: React.Node, y: typeof Cart, z: Till) => <Cart.Row {...{ Till }} />;
    """
    kept = strip(text, "bare", "cart.tsx")
    assert kept.startswith('import React from "react";\nimport { Cart, Till } from "./shop";\n')


def test_a_file_that_does_not_parse_stays_as_it_is_and_says_so() -> None:
    done = JUDGE.strip({"cart.ts": b"const x: = 1\n", "latin.ts": b"let \xe9: string;\n"}, "bare")
    assert done.files == {"cart.ts": b"const x: = 1\n", "latin.ts": b"let \xe9: string;\n"}
    assert done.skipped["cart.ts"].startswith("does not parse: ")
    assert done.skipped["latin.ts"] == "is no UTF-8"


def test_a_stripped_file_strips_to_itself() -> None:
    once = JUDGE.strip({"rich.ts": RICH.encode()}, "bare")
    again = JUDGE.strip(once.files, "bare")
    assert (again.files, again.truth) == (once.files, {})


RICH = """\
declare global { interface Window { a: number } }
declare module "shelf" { export function f(x: number): void }
const C = class Inner { m(x: number) {} };
type Alias = { a: number; m(x: string): void };
interface Shape { (x: number): void; new (x: number): Shape; "quoted-x": number; m?(x: string): void }
class Fields {
  "q-name": number = 1;
  static { let z: number = 1; }
  accessor w: number = 1;
  static async *gen(x: string): AsyncGenerator<number> {}
  [Symbol.iterator](): Iterator<number> { return null! }
}
for (const [a, b] of c) {}
for (const k in c) { var inside: number = 1; }
try {} catch (e: unknown) { const { a } = e; }
function over(x: string): void;
function over(x: any): void {}
abstract class Ab {
  abstract x: number;
  abstract f(a: number): void;
  constructor(private p: string, readonly q = 1, { r }: Options, ...[s]: [string]) {}
}
exports.g = function named(x: number) {};
function outer(this: Fields, x?: string) { return { run(x: number) { return () => 1; } }; }
foo({ cb: function (x: string) {}, nested: { deep(x: number): void {} } }, function (y: Fields): void {});
const fnExpr = function inner(x: number): string { return "" };
(function iife(x: number) {})();
let u: string, v = 1, w: Fields;
const o = { str: (x: number) => 2, deep: { er: (y) => 1 } };
for (let i: number = 0, n = 2; ;) {}
function defaults(cb = (x: number) => 1, { a } = { a: (z: string) => 1 }) {}
@dec class Decorated { @dec m(@p a: number) {} }
let assigned: (x: number) => number;
assigned = (x: number): number => 1;
namespace A.B { export function f(x: number): void {} namespace D { let y: number = 1; } }
async function* stream(é: string): AsyncGenerator<() => void> { yield (x: number) => 1 }
const bare = async x => x, curried = (a: number) => (b: string): void => {};
"""


def test_the_judge_and_the_reader_agree_on_every_slot() -> None:
    found = ask("slots", files={"rich.ts": RICH})["rich.ts"]
    judged = {SlotId(*slot[:2], SlotKind(slot[2]), *slot[3:]): written for slot, written, _ in found}
    file = decode("rich.ts", "typescript", RICH.encode())
    read_ones = {
        slot.id: file.at(slot.written) if slot.written is not None else None for slot in read(file, "rich", False).slots
    }
    assert read_ones == judged
    assert len(judged) > 80


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Array<string>", "string[]"),
        ("ReadonlyArray<A | B>", "readonly (B | A)[]"),
        ("a.b.Cart<x.Item>", "Cart<Item>"),
        ("'a' | \"b\"", '"b"|"a"'),
        ("(string)", "string"),
        ("undefined | null | string", "string | null | undefined"),
        ("true | false", "boolean"),
        ('import("./shop").Cart', "Cart"),
        ("{ a: string, b?: x.Y; }", "{a:string;b?:Y}"),
        ("(a: Array<A>,  b?: number)=>void", "(a: A[], b?: number) => void"),
        ("((a: A) => B) | C", "C | ((a: A) => B)"),
        ("A & B", "B & A"),
    ],
)
def test_equal_types_share_one_form(one: str, other: str) -> None:
    forms = JUDGE.forms([one, other])
    assert forms[one].exact == forms[other].exact


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("string[]", "string"),
        ("readonly string[]", "string[]"),
        ("string | undefined", "string"),
        ("null", "undefined"),
        ("'a'", "a"),
        ("(a: A) => B | C", "((a: A) => B) | C"),
        ("(a?: A) => B", "(a: A) => B"),
        ("[A, B]", "[B, A]"),
        ("(A | B)[]", "A | B[]"),
    ],
)
def test_different_types_differ(one: str, other: str) -> None:
    forms = JUDGE.forms([one, other])
    assert forms[one].exact != forms[other].exact


def test_base_is_the_outermost_constructor() -> None:
    forms = JUDGE.forms(["Map<A, B> | null", "Map<C, D> | null", "A[]", "B[]", "'a'", "'b' | 'c'", "A", "{ a: A }"])
    assert forms["Map<A, B> | null"].base == forms["Map<C, D> | null"].base == "Map | null"
    assert forms["A[]"].base == forms["B[]"].base
    assert forms["'a'"].base == forms["'b' | 'c'"].base
    assert forms["A[]"].generic and forms["Map<A, B> | null"].generic
    assert not forms["A"].generic and not forms["{ a: A }"].generic


def test_a_type_counts_by_its_farthest_name() -> None:
    text = b'import { Stats } from "fs"; import x from "left-pad"; import type { Till } from "./till";\ninterface Cart {}\n'
    written = {
        "a": ("Map<string, HTMLElement[]> | null", Origin.BUILTIN),
        "b": ("Promise<Stats>", Origin.LIBRARY),
        "c": ("Buffer", Origin.LIBRARY),
        "d": ("x.Pad | Stats", Origin.THIRD_PARTY),
        "e": ("x.Pad | Till", Origin.PROJECT),
        "f": ("{ a: Cart }", Origin.PROJECT),
        "g": ("'Cart'", Origin.BUILTIN),
    }
    truth = {SlotId("shop/cart.ts", "f", SlotKind.PARAMETER, name): text for name, (text, _) in written.items()}
    found = JUDGE.origins({"shop/cart.ts": text}, truth)
    assert {slot.name: origin for slot, origin in found.items()} == {
        name: origin for name, (_, origin) in written.items()
    }


def test_only_annotations_and_imports_of_types_leave_a_file_unaltered() -> None:
    before = b"export function f(x) { return x }\nclass A { y = 1 }\n"

    def review(after: bytes) -> tuple[int, int, int]:
        found = JUDGE.review({"a.ts": before}, {"a.ts": after})
        return found.added, found.broken, found.altered

    annotated = before.replace(b"(x)", b"(x: B): B").replace(b"y =", b"y: number =")
    assert review(b'import type { B } from "./b";\n' + annotated) == (3, 0, 0)
    assert review(b'import { B } from "./b";\n// why\n' + annotated) == (3, 0, 0)
    assert review(b'import "./b";\n' + annotated) == (3, 0, 1)
    assert review(before.replace(b"y = 1", b"y = 2")) == (0, 0, 1)
    assert review(before.replace(b"(x)", b"(x: )")) == (0, 1, 0)
    kept = JUDGE.review({"a.ts": b"interface A { x: number }\n"}, {"a.ts": b"interface A { x: string }\n"})
    assert kept.altered == 1


def test_what_is_not_installed_is_no_error(tmp_path: Path) -> None:
    files = {
        "a.ts": b'import { x } from "left-pad";\nimport fs from "node:fs";\nprocess.exit(x(fs, Buffer, module, __dirname));\n',
        "b.ts": b"export const wrong: string = 3;\nexport function f(a) { return a.b }\nlet n: string = null;\n",
    }
    write_tree(tmp_path, files)
    found = errors_by_file(tmp_path)
    assert found["a.ts"] == []
    assert found["b.ts"] == ["TS2322: Type 'number' is not assignable to type 'string'."]
    assert JUDGE.errors(tmp_path) == 1


def test_the_peers_run_for_real(tmp_path: Path) -> None:
    text = b"export function total(price) {\n  return [price * 2].map(each => each + 1);\n}\ntotal(3);\n"
    annotated = {
        "the compiler's inlay hints, inserted": "total(price): number[] {",
        "its inferFromUsage fix, every implicit any": "total(price: number) {",
        "both": "total(price: number): number[] {",
        "TypeStat": "total(price: number) {",
    }
    for tool in JUDGE.peers:
        root = tmp_path / tool.name.replace(" ", "-")
        write_tree(root, {"shop/till.ts": text})
        assert run(tool, root, tmp_path / "cache").failure is None
        assert annotated[tool.name] in (root / "shop" / "till.ts").read_text()
        assert [path.name for path in root.iterdir()] == ["shop"]
