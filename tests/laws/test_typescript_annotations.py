"""Reading and writing TypeScript's annotations: what is written reads back, and no text is too strange to be read.

What the compiler makes of a text is asked of the compiler itself where the benchmark's tools are installed.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from typeinfer.languages.typescript import library
from typeinfer.languages.typescript.annotations import (
    MOST_FIELDS,
    is_writable,
    literal_text,
    parse_type,
    spell,
    write_type,
)
from typeinfer.languages.typescript.jsdoc import documented_types
from typeinfer.values.typeexpr import (
    NONE,
    UNKNOWN,
    CallableType,
    Literal,
    Named,
    Record,
    Tuple,
    TypeExpr,
    Union,
    optional,
    union,
    walk,
)

NAMES = [
    "string",
    "number",
    "boolean",
    "None",
    "null",
    "Cart",
    "bigint",
    "symbol",
    "Date",
    "HTMLElement",
    "Intl.Locale",
]
GENERICS = ["Array", "ReadonlyArray", "Set", "Promise", "Box", "Iterable"]

LITERALS = st.one_of(st.integers().map(str), st.text().map(lambda text: json.dumps(text, ensure_ascii=False)))
FIELDS = st.sampled_from(["a", "b?", "content", '"content-type"', '"x y"?', "$el", "_", "0"])


def compose(parts: st.SearchStrategy[TypeExpr]) -> st.SearchStrategy[TypeExpr]:
    whole = parts.filter(lambda part: not (isinstance(part, Union) and NONE in part.members))
    return st.one_of(
        st.builds(Named, st.sampled_from(GENERICS), st.tuples(parts)),
        st.builds(lambda key, value: Named("Map", (key, value)), parts, parts),
        st.builds(CallableType, st.lists(parts, max_size=3).map(tuple), parts),
        st.builds(Tuple, st.lists(parts, max_size=3).map(tuple)),
        st.builds(lambda items: Named("Readonly", (Tuple(items),)), st.lists(parts, max_size=3).map(tuple)),
        # A field that may be missing does not say so twice.
        st.dictionaries(FIELDS, whole, min_size=1, max_size=3).map(lambda fields: Record(tuple(fields.items()))),
        st.lists(parts, min_size=1, max_size=4).map(union),
    )


TYPES: st.SearchStrategy[TypeExpr] = st.recursive(
    st.one_of(st.sampled_from(NAMES).map(Named), LITERALS.map(Literal)), compose, max_leaves=12
)


@given(TYPES)
def test_what_is_written_for_a_report_reads_back(term: TypeExpr) -> None:
    assert parse_type(write_type(term)) == term


@given(TYPES)
def test_a_file_has_its_own_names(term: TypeExpr) -> None:
    written = spell(term, lambda name: f"lib.{name}")
    renamed = {"lib.Cart", "lib.Date", "lib.HTMLElement", "lib.Intl.Locale", "lib.Box", "lib.Map", "lib.Set"}
    known = {*library.KEYWORDS, "Array", "ReadonlyArray", "Readonly", "lib.Promise", "lib.Iterable", *renamed}
    assert {part.name for part in walk(parse_type(written)) if isinstance(part, Named)} <= known


@given(st.text())
def test_no_text_raises(text: str) -> None:
    write_type(parse_type(text))
    documented_types(f"/** @param {{{text}}} x */")


ALPHABET = [
    *"string number A . , | & [ ] ( ) { } < > : ; ? => ... readonly keyof typeof new import 'a' \" ` 1 - null".split(),
    *(
        "void",
        "this",
        "is",
        "infer",
        "extends",
        " ",
        "\n",
        "//",
        "/*",
        "*/",
        "function",
        "=",
        "!",
        "*",
        "@",
        "/",
        "any",
    ),
]


@example("is.readonly")
@example("is.any")
@given(st.lists(st.sampled_from(ALPHABET), max_size=30).map("".join))
def test_no_near_annotation_raises_and_writing_is_stable(text: str) -> None:
    written = write_type(parse_type(text))
    if "?" not in written and "/" not in text:
        assert write_type(parse_type(written)).count("?") == 0
    documented_types(f"/** @param {{{text}}} x\n * @returns {{{text}}} */")


READING = [
    ("any", UNKNOWN),
    ("unknown", Named("unknown")),
    ("void", NONE),
    ("undefined", NONE),
    ("null", Named("null")),
    ("string | undefined", optional(Named("string"))),
    ("true | false", Named("boolean")),
    ("true", Literal("true")),
    ("T[]", Named("Array", (Named("T"),))),
    ("Array<T>", Named("Array", (Named("T"),))),
    ("readonly T[]", Named("ReadonlyArray", (Named("T"),))),
    ("(A | B)[]", Named("Array", (union((Named("A"), Named("B"))),))),
    ("[x: A, y: B]", Tuple((Named("A"), Named("B")))),
    ("[A, B?]", UNKNOWN),
    ("[A, ...B[]]", UNKNOWN),
    ("readonly [A]", Named("Readonly", (Tuple((Named("A"),)),))),
    ("React.FC<Props>", Named("React.FC", (Named("Props"),))),
    ("Foo<any>", Named("Foo", (UNKNOWN,))),
    ("{ a: A; b?: B | undefined; }", Record((("a", Named("A")), ("b?", Named("B"))))),
    ("{ 'a-b': A, readonly c: B }", Record((('"a-b"', Named("A")), ("c", Named("B"))))),
    ("{ run(x: A): void }", Record((("run", CallableType((Named("A"),), NONE)),))),
    ("{ run(): A; run(x: B): A }", UNKNOWN),
    ("{ get x(): A }", UNKNOWN),
    ("{ [Symbol.iterator]: A }", UNKNOWN),
    ("{ [key: string]: A }", Named("Record", (Named("string"), Named("A")))),
    ("{ [K in Keys]: A }", UNKNOWN),
    ("{ a: A; [key: string]: A }", UNKNOWN),
    ("{ (x: A): B }", CallableType((Named("A"),), Named("B"))),
    ("{}", Record(())),
    ("(a: A, b?: B) => void", CallableType((Named("A"), optional(Named("B"))), NONE)),
    ("({ a }: A, [b]: B[]) => C", CallableType((Named("A"), Named("Array", (Named("B"),))), Named("C"))),
    ("(this: A, b: B) => C", UNKNOWN),
    ("(...args: any[]) => C", CallableType(None, Named("C"))),
    ("(...args: A[]) => C", UNKNOWN),
    ("<T>(x: T) => T", UNKNOWN),
    ("new (x: A) => B", UNKNOWN),
    ("abstract new () => B", UNKNOWN),
    ("(x: A) => x is B", CallableType((Named("A"),), UNKNOWN)),
    ("x is B", UNKNOWN),
    ("asserts x", UNKNOWN),
    ("typeof cart", UNKNOWN),
    ("typeof import('a').b", UNKNOWN),
    ("keyof A", UNKNOWN),
    ("A['b']", UNKNOWN),
    ("A extends B ? C : D", UNKNOWN),
    ("A & B", UNKNOWN),
    ("`a${string}`", UNKNOWN),
    ("unique symbol", UNKNOWN),
    ("this", Named("this")),
    ("'it\\'s \"it\"'", Literal('"it\'s \\"it\\""')),
    ("- 1", Literal("-1")),
    ("10n", Literal("10n")),
    ('import("/work/shop.js").Cart', Named("/work/shop.js.Cart")),
    ('import("./shop").Cart<string>[]', Named("Array", (Named("./shop.Cart", (Named("string"),)),))),
    ('import("./shop")', UNKNOWN),
    ("'import(\"./shop\").Cart'", Literal('"import(\\"./shop\\").Cart"')),
    ("src/shop/cart.Cart", Named("src/shop/cart.Cart")),
    ("node:fs.Stats", Named("node:fs.Stats")),
    ("\n| 'a' // first\n| 'b' /* last */", union((Literal('"a"'), Literal('"b"')))),
    ("{ a: A; ... 5 more ...; b: B; }", UNKNOWN),
    ("Map<string, ...>", UNKNOWN),
    ("A; let x", UNKNOWN),
    ("A = B", UNKNOWN),
    ("A, B", UNKNOWN),
    ("string or so", UNKNOWN),
    ("A[", UNKNOWN),
    ("?", UNKNOWN),
    ("", UNKNOWN),
]


@pytest.mark.parametrize(("text", "term"), READING)
def test_reading(text: str, term: TypeExpr) -> None:
    assert parse_type(text) == term


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("void | string", "string | undefined"),
        ("undefined | null | A", "A | null | undefined"),
        ("A | number | 'a' | string | boolean", 'string | number | boolean | "a" | A'),
        ("() => void | Promise<void>", "() => void | Promise<void>"),
        ("void | Promise<void>", "Promise<void> | undefined"),
        ("() => undefined", "() => void"),
        ("Promise<undefined>", "Promise<void>"),
        ("Set<void>", "Set<undefined>"),
        ("Generator<A, void, unknown>", "Generator<A, void, unknown>"),
        ("Array<() => A | B>", "(() => A | B)[]"),
        ("null | (() => A)", "(() => A) | null"),
        ("ReadonlyArray<A>[]", "(readonly A[])[]"),
        ("(a: A, b: B | undefined, c?: C) => D", "(arg0: A, arg1?: B, arg2?: C) => D"),
        ("(a: A | undefined, b: B) => D", "(arg0: A | undefined, arg1: B) => D"),
        ("src/shop/cart.Cart.Item", "Cart.Item"),
        ("Intl.NumberFormat", "Intl.NumberFormat"),
    ],
)
def test_writing(text: str, written: str) -> None:
    assert write_type(parse_type(text)) == written


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("string | number | null | undefined", None),
        ("1 | 2 | 3 | 4 | 5", "a union of more than 4 members"),
        ("Map<string, 1 | 2 | 3 | 4 | 5>", "a union of more than 4 members"),
        ("Map<string, any>", "part of the type is not known"),
        ("(...args: any[]) => void", "the function's parameters are not known"),
        ("object", "object says nothing"),
        ("Promise<Function>", "Function says nothing"),
        ("{}", "{} says nothing"),
        ("String", "String is the object around a string, which nobody means"),
        ("never", None),
        ("Promise<never>", None),
        ("Promise<never[]>", "never[] only says that nothing was seen in it"),
        ("Map", "Map needs its type arguments"),
        ("{ a: A; b?: B }", None),
        ("() => void", None),
        ("src/shop/cart.Cart", None),
        ("src/shop/cart.class", None),
    ],
)
def test_what_is_never_written(text: str, reason: str | None) -> None:
    assert is_writable(parse_type(text)) == reason


def test_large_objects_and_odd_names_are_never_written() -> None:
    assert is_writable(Record(tuple((f"x{at}", NONE) for at in range(MOST_FIELDS + 1)))) is not None
    assert is_writable(Named("(Anonymous class)")) == "(Anonymous class) is no name"
    assert is_writable(Named("src/shop/cart.")) == "src/shop/cart. is no name"


@pytest.mark.parametrize("depth", [10, 60, 300, 5_000, 19_000, 100_000])
@pytest.mark.parametrize(
    "opening", ["A<", "(", "[", "{a:", "readonly ", "x.", "-", "A | ", "() => ", "keyof ", "?", "!"]
)
def test_no_depth_is_too_deep(opening: str, depth: int) -> None:
    closing = {"A<": ">", "(": ")", "[": "]", "{a:": "}"}.get(opening, "")
    text = opening * depth + "A" + closing * depth
    write_type(parse_type(text))
    documented_types(f"/** @param {{{text}}} x */")


@given(st.text())
def test_a_literal_has_one_spelling(text: str) -> None:
    double = json.dumps(text, ensure_ascii=False)
    single = "'" + double[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"
    assert literal_text(single) == double == literal_text(double)


# --- the library ------------------------------------------------------------------------------------------------------


def test_globals_and_modules() -> None:
    for name in (
        "string",
        "None",
        "Map",
        "Promise",
        "HTMLElement",
        "Record",
        "Buffer",
        "NodeJS.Timeout",
        "Intl.Locale",
    ):
        assert library.is_builtin(name), name
    for name in ("Cart", "src/shop/cart.Cart", "", "Intl.", ".", "Reflect", "int"):
        assert not library.is_builtin(name), name
    for module in ("fs", "node:fs", "fs/promises", "node:test", "node:stream/web"):
        assert library.is_library(module), module
    for module in ("test", "sqlite", "react", "./fs", "fsevents", "", "node:", "lodash/fs"):
        assert not library.is_library(module), module


def test_text_methods_are_those_of_strings_alone() -> None:
    assert not library.TEXT_METHODS & {
        "slice",
        "indexOf",
        "lastIndexOf",
        "includes",
        "concat",
        "at",
        "length",
        "toString",
    }


# --- the compiler's word ----------------------------------------------------------------------------------------------

TOOLS = Path(__file__).parents[2] / "benchmarks" / "node"
needs_compiler = pytest.mark.usefixtures("compilers")


@needs_compiler
def test_the_list_of_globals_is_what_the_script_makes() -> None:
    made = subprocess.run(["node", "globals.mjs"], cwd=TOOLS, capture_output=True, text=True, check=True)
    listed = TOOLS.parents[1] / "grammars" / "typescript" / "globals.txt"
    assert made.stdout == listed.read_text(encoding="utf-8")


# Two texts are one type to the compiler where it takes neither for the other in a conditional type.
SAME = """
import ts from "typescript";
const declared = `
  type Same<X, Y> = (<Z>() => Z extends X ? 1 : 2) extends (<Z>() => Z extends Y ? 1 : 2) ? true : false;
  interface A { a: 1 }; interface B { b: 1 }; interface C { c: 1 }; interface T { t: 1 }; interface Props { p: 1 };
  namespace React { export interface FC<P> { p: P } };`;
const pairs = JSON.parse(process.argv[1]);
const text = declared + pairs.map(([x, y], at) => `const x${at}: Same<${x}, ${y}> = true;`).join("\\n");
const host = ts.createCompilerHost({});
const read = host.getSourceFile;
host.getSourceFile = (name, ...rest) =>
  name === "same.ts" ? ts.createSourceFile(name, text, ts.ScriptTarget.ESNext) : read(name, ...rest);
const program = ts.createProgram(["same.ts"], { strict: true, target: ts.ScriptTarget.ESNext, types: [] }, host);
for (const found of ts.getPreEmitDiagnostics(program)) console.log(text.slice(found.start).split("\\n")[0], found.messageText);
"""

# A term doesn't say that a field is readonly, which the compiler minds nowhere; `undefined` as a whole is spelled as a
# result is; `this` stands in classes alone; a qualified name is no TypeScript.
NOT_THE_SAME = ("{ 'a-b': A, readonly c: B }", "undefined", "this", "node:fs.Stats")


@needs_compiler
def test_the_compiler_takes_what_is_written_for_the_same_type() -> None:
    pairs = [
        (" ".join(text.split()), spell(term, lambda name: name))
        for text, term in READING
        if is_writable(term) is None and "/" not in text and text not in NOT_THE_SAME
    ]
    said = subprocess.run(
        ["node", "--input-type=module", "-e", SAME, json.dumps(pairs)],
        cwd=TOOLS,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == ""
    assert len(pairs) > 20
