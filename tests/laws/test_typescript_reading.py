"""What the reader of TypeScript tells besides slots: imports, exports, values, uses, comments, names and broken places."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from typeinfer.languages.treesitter import text_of
from typeinfer.languages.typescript import jsdoc, parsing
from typeinfer.languages.typescript.refusals import refusal
from typeinfer.languages.typescript.syntax import read
from typeinfer.values.module import Attribute, Awaited, Call, Choice, Constant, Display, Function, Module, Name, Value
from typeinfer.values.source import SourceFile
from typeinfer.values.typeexpr import UNKNOWN, Named


def module_of(text: str, path: str = "src/shop/door.ts") -> Module:
    return read(SourceFile(path, "typescript", text.encode()), "src/shop/door", False)


def function_of(text: str, path: str = "src/shop/door.ts") -> Function:
    return module_of(text, path).functions[0]


# --- imports and exports ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('import { A as B } from "./m"', "B = src/shop/m A"),
        ('import d, { type T, a } from "../m.js"', "d = src/m default; T = src/m T type; a = src/m a"),
        ('import * as ns from "./lock/index.ts"', "ns = src/shop/lock *module"),
        ('import type D from "react"', "D = react default type"),
        ('import "side"', ""),
        ('import old = require("./old")', "old = src/shop/old *module"),
        ('const x = require("node:fs")', "x = node:fs *module"),
        ('const { a, b: c } = require("./m.cjs")', "a = src/shop/m a; c = src/shop/m b"),
        ('const y = require("y").z', "y = y z"),
        ('import up from "../../index"', "up = index default"),
        ('import here from "."', "here = src/shop default"),
        ('import app from "./app.module"', "app = src/shop/app.module default"),
        ('export { A as B, type C } from "./m"', "B = src/shop/m A passed on; C = src/shop/m C type passed on"),
        ('export * from "./m"', "* = src/shop/m * passed on"),
        ('export * as ns from "./m"', "ns = src/shop/m *module passed on"),
        ('export type * from "./m"', "* = src/shop/m * type passed on"),
    ],
)
def test_imports(text: str, expected: str) -> None:
    said = [
        f"{found.alias} = {found.module} {found.name or '*module'}"
        + (" type" if found.type_only else "")
        + (" passed on" if found.passed_on else "")
        for found in module_of(text).imports
    ]
    assert "; ".join(said) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("export class X {} export const { a, b: [c] } = d, e = 1", {"X": "X", "a": "a", "c": "c", "e": "e"}),
        ("const a = 1; export { a as x, a as default }", {"x": "a", "default": "a"}),
        ("export default function f() {}", {"default": "f"}),
        ("export default function () {}", {"default": "default"}),
        ("export default X", {"default": "X"}),
        ("export default { a: 1 }", {"default": "default"}),
        ("export interface A {} export type B = A; export enum C {}", {"A": "A", "B": "B", "C": "C"}),
        ("export declare function f(): void; export namespace N { export const inner = 1 }", {"f": "f", "N": "N"}),
        ("class X {} export = X", {"default": "X"}),
        ('import "side"', {}),
        ("exports.f = function () {}; exports.g = h", {"f": "f", "g": "h"}),
        ("module.exports = Door", {"default": "Door"}),
        ("module.exports = class Door {}", {"default": "Door"}),
        ("module.exports = { a, b: c, d() {}, e: 1 }", {"a": "a", "b": "c", "d": "d", "e": "e"}),
        ("const x = 1", None),
    ],
)
def test_exports(text: str, expected: dict[str, str] | None) -> None:
    assert module_of(text).exports == expected


# --- values -----------------------------------------------------------------------------------------------------------


def spelled(value: Value) -> str:
    match value:
        case Constant(term, form, _):
            return f"{form} {term.name if isinstance(term, Named) else '?'}"
        case Name(name, _):
            return name
        case Attribute(base, name, _):
            return f"{spelled(base)}.{name}"
        case Call(callee, arguments, _):
            return f"{spelled(callee)}({', '.join((one.name or '') + spelled(one.value) for one in arguments)})"
        case Display(constructor, parts, _):
            return f"{constructor}[{', '.join(spelled(one) for one in parts[0])}]"
        case Choice(options, _):
            return " | ".join(map(spelled, options))
        case Awaited(inner, _):
            return f"await {spelled(inner)}"
    return "?"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("undefined", "none None"),
        ("null", "null null"),
        ("'a'", "literal string"),
        ("`a${b}`", "template string"),
        ("1", "literal number"),
        ("-1", "literal number"),
        ("1n", "literal bigint"),
        ("true", "literal boolean"),
        ("/a/g", "literal RegExp"),
        ("!x", "not boolean"),
        ("a === b", "comparison boolean"),
        ("a instanceof B", "comparison boolean"),
        ("typeof x", "typeof string"),
        ("'a' + b", "concatenation string"),
        ("a + b", "?"),
        ("a * b", "arithmetic number"),
        ("a * 2n", "arithmetic bigint"),
        ("[1, x]", "Array[literal number, x]"),
        ("new Map()", "Map()"),
        ("new Foo(x, ...y)", "Foo(x, *y)"),
        ("x as T", "?"),
        ("x as const", "x"),
        ("<T>x", "?"),
        ("x satisfies T", "x"),
        ("x!", "x"),
        ("await x", "await x"),
        ("a ? b : c", "b | c"),
        ("a ?? b", "a | b"),
        ("a?.b", "a.b | none None"),
        ("a?.b(c)", "a.b(c) | none None"),
        ("this.x", "this.x"),
        ("{ a: 1 }", "?"),
        ("() => 1", "?"),
        ("(a, b)", "?"),
        ("void 0", "none None"),
        ("f`x`", "f(?)"),
    ],
)
def test_values(text: str, expected: str) -> None:
    value = module_of(f"const it = {text}").assignments[0].value
    assert value is not None and spelled(value) == expected


# --- bodies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "falls"),
    [
        ("", True),
        ("return 1", False),
        ("if (x) return 1", True),
        ("if (x) return 1; else throw x", False),
        ("for (;;) { f() }", False),
        ("while (true) { if (x) break }", True),
        ("while (true) { for (const a of b) break }", False),
        ("do { return 1 } while (x)", False),
        ("switch (x) { case 1: return 1; default: return 2 }", False),
        ("switch (x) { case 1: return 1 }", True),
        ("switch (x) { case 1: break; default: return 2 }", True),
        ("try { return 1 } catch { return 2 }", False),
        ("try { return 1 } catch { f() }", True),
        ("try { f() } finally { return 1 }", False),
        ("outer: for (;;) { for (;;) break outer }", True),
        ("process.exit(1)", False),
    ],
)
def test_the_end_of_a_body(body: str, falls: bool) -> None:
    assert function_of(f"function f(x) {{ {body} }}").falls_through is falls


@pytest.mark.parametrize(
    ("use", "form", "other"),
    [
        ("x.trim()", "method trim", UNKNOWN),
        ("x?.length", "attribute length", UNKNOWN),
        ("x!.y", "attribute y", UNKNOWN),
        ("x[0]", "subscript", Named("number")),
        ("y[x]", "index", UNKNOWN),
        ("x === 'a'", "compare ===", Named("string")),
        ("1 < x", "compare < right", Named("number")),
        ("x == null", "compare ==", Named("None")),
        ("x - y", "operator -", Named("number")),
        ("'a' + x", "operator + right", UNKNOWN),
        ("x + 1", "operator +", Named("number")),
        ("y *= x", "operator * right", Named("number")),
        ("x++", "operator ++", Named("number")),
        ("typeof x === 'string'", "typeof string", Named("string")),
        ("x instanceof Date", "instanceof Date", UNKNOWN),
        ("x()", "call", UNKNOWN),
        ("f(1, x)", "argument 1 of f", UNKNOWN),
        ("[...x]", "iterate", UNKNOWN),
        ("`${x}`", "template", UNKNOWN),
        ("!x", "test", UNKNOWN),
        ("x ? 1 : 2", "test", UNKNOWN),
        ("items.map(() => x.y)", "attribute y", UNKNOWN),
    ],
)
def test_uses_of_parameters(use: str, form: str, other: object) -> None:
    functions = module_of(f"function f(x) {{ {use} }}").functions
    outer = next(function for function in functions if function.name == "f")
    assert [(usage.form, usage.other) for usage in outer.usages] == [(form, other)]


def test_what_a_name_means_where_it_is_assigned() -> None:
    module = module_of("let a = 1; function f(b) { a = 2; b = 3; let c; { let c; c = 4 } c = 5 }")
    said = [(one.name, one.slot and (one.slot.id.qualname, one.slot.id.ordinal)) for one in module.assignments]
    assert said == [
        ("a", ("", 0)),
        ("a", ("", 0)),
        ("c", ("f", 0)),
        ("c", ("f", 1)),
        ("c", ("f", 1)),
        ("c", ("f", 0)),
    ]


@pytest.mark.parametrize(
    ("text", "qualname", "owner"),
    [
        ("const f = (x) => x", "f", None),
        ("exports.f = (x) => x", "f", None),
        ("module.exports.f = (x) => x", "f", None),
        ("module.exports = (x) => x", "exports", None),
        ("export default (x) => x", "default", None),
        ("const a = { b: { c(x) {} } }", "a.b.c", None),
        ("export default { a(x) {} }", "default.a", None),
        ("run({ a(x) {} })", "<anonymous>.a", None),
        ("class Foo {} Foo.prototype.bar = function (x) {}", "Foo.bar", "Foo"),
        ("Foo.prototype.bar = function (x) {}", "Foo.bar", None),
        ("class Foo { handle = (x) => x }", "Foo.handle", "Foo"),
        ("class Foo { on = { go(x) {} } }", "Foo.on.go", None),
        ("class Foo { constructor() { this.go = (x) => x } }", "Foo.constructor.go", None),
        ("const Foo = class Bar { go(x) {} }", "Foo.go", "Foo"),
        ("namespace A.B { function f(x) {} }", "A.B.f", None),
        ("f(function (x) {})", "<anonymous>", None),
        ("f(function named(x) {})", "named", None),
        ("const f = ((x) => x) as Handler", "f", None),
    ],
)
def test_what_functions_are_called(text: str, qualname: str, owner: str | None) -> None:
    taking = next(function for function in module_of(text).functions if function.parameters)
    assert (taking.qualname, taking.owner) == (qualname, owner)


def test_a_class_knows_what_it_is_made_of() -> None:
    module = module_of(
        "/** Says. */\n@D(1) export class A<T, in U> extends b.B<T> implements C, d.D {}\ninterface I extends J {}"
    )
    first, second = module.classes
    assert [spelled(base) for base in first.bases] == ["b.B", "C", "d.D"]
    assert (first.type_parameters, first.docstring, first.constructs) == (("T", "U"), "/** Says. */", True)
    assert [spelled(decorator) for decorator in first.decorators] == ["D(literal number)"]
    assert ([spelled(base) for base in second.bases], second.constructs) == (["J"], False)


def test_accessors_say_what_they_are() -> None:
    getter, setter = module_of("class A { get x() { return 1 } set x(v) {} }").functions
    assert [spelled(decorator) for decorator in getter.decorators] == ["get"]
    assert [spelled(decorator) for decorator in setter.decorators] == ["x.setter"]


# --- comments ---------------------------------------------------------------------------------------------------------

COMMENT = """/**
 * Größe of a thing, by a@b.example, see {@link Size}. `@param {no} one`
 * @param {{
 *   a: string,
 *   b: "}"
 * }} options - all of them
 * @param {number=} size
 * @arg {...string} rest
 * @argument {Map<string, number>} [known=new Map()]
 * @param late {Foo}
 * @param bare - says no type
 * @return {Promise<void>} nothing
 * @template {object} T, U
 */"""


def test_tags() -> None:
    found = jsdoc.tags(COMMENT)
    said = [(tag.name, tag.parameter, tag.type.replace("\n", ""), tag.optional, tag.variadic) for tag in found]
    assert said == [
        ("param", "options", '{   a: string,   b: "}" }', False, False),
        ("param", "size", "number", True, False),
        ("param", "rest", "string", False, True),
        ("param", "known", "Map<string, number>", True, False),
        ("param", "late", "Foo", False, False),
        ("param", "bare", "", False, False),
        ("returns", "", "Promise<void>", False, False),
        ("template", "T", "object", False, False),
        ("template", "U", "", False, False),
    ]
    data = COMMENT.encode()
    for tag in found:
        assert data[tag.span.start : tag.span.end].decode().replace("\n *", "\n") == tag.type


@given(text=st.text(alphabet="/*@{}[]=.param type\n`'\"ß"))
def test_any_comment_has_its_tags_inside(text: str) -> None:
    size = len(text.encode())
    assert all(0 <= tag.span.start <= tag.span.end <= size for tag in jsdoc.tags(text))


# --- what the grammar does not know -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "interface A<in T, out U, in out V> {}",
        "interface A<\n  /** why */ out T\n> {}",
        'export type * as ns from "./m"',
        "interface A {\n  (x: string): B<C> // one\n  // two\n  <T>(y: T): C\n}",
        "class A {\n  x: string\n  [key]: number\n}",
        "type A = {\n  name: string\n  in: string\n}",
        "class A { static accessor x = 1; abstract accessor y: string }",
        "const a = await sql<{ id: number; x: Map<string, A> }>`b`.then(c)",
        "let x: import('./m').A<B>",
        "let using = 1, as = 2; f(using, as, ...using)",
        "export { a, type, b }",
        "declare const a: { b: (any) => void, c: (string, number?: any) => A }",
        "const a = (b, c? // why\n) => b.map((d) => { return d })",
        "interface A { b? /* why */: string }",
        "abstract class A { abstract override b: string; protected abstract override c(): void }",
        "let as: A; class B { constructor(private as: [A, B], readonly c: A) {} }",
        "interface A { abstract: boolean; b: A }\nclass C { abstract = false }",
        "type A<type> = (type extends 'a' ? B : never) | C<type, D> | C<type>",
        "function a(b: import('./m').A[], c: keyof import('./m').B<A>) {}",
        "const a = b as A<<T>(c: A<T>, d: T) => T>",
        "const a = new A<[b: B, c: {}]>(), d = e<[B?]>(f)",
    ],
)
def test_what_the_grammar_does_not_know_is_read(text: str) -> None:
    tree = parsing.parse("a.ts", text.encode())
    assert not tree.root_node.has_error
    assert text_of(tree.root_node) == text, "nodes say what stands in the file"


def test_a_word_of_the_language_is_an_attribute_of_an_element() -> None:
    text = "const a = <A extends={b} config={c}>d</A>"
    tree = parsing.parse("a.tsx", text.encode())
    assert not tree.root_node.has_error
    assert text_of(tree.root_node) == text


@pytest.mark.parametrize("text", ["f(a\n<b", "let as", "type = \n (x): y", "// c\n(x\n<y"])
def test_what_is_broken_stays_so(text: str) -> None:
    assert parsing.parse("a.ts", text.encode()).root_node.has_error


@given(text=st.text(alphabet="interface {}<>()[]:;=`'\n/*outypeasxg,"))
def test_a_tree_says_what_stands_in_the_file(text: str) -> None:
    tree = parsing.parse("a.tsx", text.encode())
    assert tree.root_node.end_byte <= len(text.encode())
    assert (tree.root_node.text or b"") in text.encode()


# --- files that are left alone --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("var a=1,b=2;" * 600, "is minified"),
        (f"const table = '{'x' * 6000}'\n" + "const a = 1;\n" * 100, None),
        ("const a = 1;\n" * 100, None),
        ("const a = ;\n", "line 1 does not parse"),
    ],
)
def test_bundles_and_long_strings(text: str, expected: str | None) -> None:
    module = module_of(text, "src/shop/door.js")
    assert refusal(module.file, module) == expected
