"""The erasure law of TypeScript: only annotations come, whatever else would is caught, and two compilers agree."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from one_file import patched, place, slots_by_name
from one_typescript_file import TYPESCRIPT, module_of, names_of
from test_typescript_rewriting_spec import cases, parsed

from typeinfer.languages.language import NotErasable
from typeinfer.languages.typescript.erasure import erased
from typeinfer.values.outcomes import Changed, Failed, Unchanged
from typeinfer.values.patches import Edit, Placed, Rewrite
from typeinfer.values.source import SourceFile, Span, decode

ROOT = Path(__file__).parents[2]
NODE_PACKAGES = ROOT / "benchmarks" / "node" / "node_modules"


def run_node(script: str, asked: object) -> Any:
    """What a script of `tests/node` answers; one process for all that is asked."""
    if not (NODE_PACKAGES / "esbuild").is_dir() or not (NODE_PACKAGES / "typescript").is_dir():
        pytest.fail("esbuild and typescript are missing; run: npm ci --prefix benchmarks/node", pytrace=False)
    command = ["node", str(ROOT / "tests" / "node" / script)]
    done = subprocess.run(
        command, input=json.dumps(asked), capture_output=True, text=True, check=True, encoding="utf-8"
    )
    return json.loads(done.stdout)


def transpiled(files: Sequence[tuple[str, str]]) -> list[dict[str, str | None]]:
    """What esbuild and the compiler make of texts, by path and text."""
    made: list[dict[str, str | None]] = run_node(
        "transpile.mjs", [{"path": path, "text": text} for path, text in files]
    )
    return made


def prove(before: str, after: str, path: str = "a.ts", new_path: str = "") -> None:
    one, two = (
        SourceFile(path, "typescript", before.encode()),
        SourceFile(new_path or path, "typescript", after.encode()),
    )
    opcodes = SequenceMatcher(None, one.text, two.text, autojunk=False).get_opcodes()
    edits = [
        Edit(Span(*(len(one.text[:at].encode()) for at in (start, end))), two.text[new_start:new_end])
        for tag, start, end, new_start, new_end in opcodes
        if tag != "equal"
    ]
    TYPESCRIPT.prove_erasable(one, two, Rewrite(tuple(edits)))


BEFORE = """\
import { a, type B } from "./a"
import type { C } from "./c";
// so
interface D extends B { x: string; y }
type E<T> = T | C
export class F<T> extends a implements D {
  x = 1
  y
  private readonly z?: string = "z";
  [a] = 2
  constructor(private p, q = 1, ...r) { super(); this.u = q as number; }
  m(this: F<T>, v) { return v! }
  over(x: string): void
  over(x) { label: for (const i of x) break label }
}
enum G { A = 1 }
const f = x => x ? (y) => y : async z => z
declare const h: string
let i: any = `a ${f(1)} b`, j
j = <T>(k) => k;
export type { C }
"""

MISTAKES = [
    ("x = 1\n", "x = 2\n"),
    ("x = 1\n", "x: number = 2\n"),
    ("  y\n", "  y; w\n"),
    ("  y\n", "  declare y: string\n"),
    ("  x = 1\n", "  x = 1\n  w: string;\n"),
    ("private p", "public p"),
    ("private p", "p"),
    ("q = 1", "q = 2"),
    ("q = 1", "readonly q = 1"),
    ("q = 1", "q? = 1"),
    ("...r", "r"),
    ("...r)", "...r, s)"),
    ("private readonly z", "readonly z"),
    ("z?:", "z:"),
    ('z?: string = "z"', 'z?: string = "y"'),
    ("implements D", "implements D, E<1>"),
    ("interface D extends B", "interface D"),
    ("interface D", "interface DD"),
    ("// so\n", "// or\n"),
    ("// so\n", ""),
    ("// so\n", "// so\n// on\n"),
    ("type E<T> = T | C", "type E<T> = T"),
    ("type E<T> = T | C\n", ""),
    ("enum G { A = 1 }", "enum G { A = 2 }"),
    ("enum G", "const enum G"),
    ("enum G { A = 1 }", "enum G { A = 1 }\nenum H {}"),
    ("enum G { A = 1 }", "enum G { A = 1 }\ninterface H {}"),
    ("enum G { A = 1 }", "enum G { A = 1 }\nnamespace H { export const x = 1 }"),
    ("import { a, type B }", "import { a, B }"),
    ("import { a, type B }", "import { type a, type B }"),
    ("import type { C }", "import { C }"),
    ("import type { C } from", "import { c } from './c'\nimport type { C } from"),
    ("as number", "as string"),
    ("as number", ""),
    ("v! }", "v }"),
    ("over(x: string): void\n", ""),
    ("over(x: string): void\n", "over(x: string): void\n  over(x: number): void\n"),
    ("x => x", "x => y"),
    ("x => x", "async x => x"),
    ("x => x", "(x, y) => x"),
    ("(y) => y", "y"),
    ("declare const h: string", "const h: string"),
    ("declare const h: string\n", ""),
    ("let i", "var i"),
    ("a ${f(1)} b", "a  ${f(1)} b"),
    ("`, j", "`; j"),
    (": any =", ": any /* so */ ="),
    ("break label", "break\nlabel"),
    ("<T>(k)", "(k)"),
    ("export type { C }", "export { C }"),
    ("export class F", "class F"),
    ("export class F", "@g export class F"),
    ("class F<T>", "class F"),
    ("extends a", "extends a<T>"),
    ("m(this", "async m(this"),
    ("  y\n", "  y()\n"),
    ("f(1)", "f(1"),
    ("m(this: F<T>, v) {", "m(this: F<T>, v): v is string {"),
]


@pytest.mark.parametrize(("old", "new"), MISTAKES)
def test_a_mistake_is_no_annotation(old: str, new: str) -> None:
    assert old in BEFORE
    with pytest.raises(NotErasable, match=r"line \d"):
        prove(BEFORE, BEFORE.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x = 1\n", "x: number = 1\n"),
        ("  y\n", "  y: string\n"),
        ("q = 1", "q: number = 1"),
        ("...r", "...r: string[]"),
        ("private p", "private p: string"),
        ("x = 1\n", "declare w: string;\n  x = 1\n"),
        ("const f = x => x", "const f = (x: string) => x"),
        ("async z => z", "async (z): Promise<T> => z"),
        ("{ return v! }", ": string | undefined { return v! }"),
        ("let i: any", "let i: string"),
        ("`, j", "`, j: string"),
        ("import type { C }", "import type { C, CC }"),
        ("// so\n", 'import type X from "./x";\nimport type * as Y from "./y"\n// so\n'),
        ("x: string; y", "x: string; y: number"),
    ],
)
def test_an_annotation_is_one(old: str, new: str) -> None:
    assert old in BEFORE
    prove(BEFORE, BEFORE.replace(old, new, 1))


def test_what_has_been_an_annotation_may_be_overwritten_by_one_and_nothing_else_may() -> None:
    one = SourceFile("a.ts", "typescript", b"let a: any, b = 1;\n")
    TYPESCRIPT.prove_erasable(one, one.with_data(b"let a: string, b = 1;\n"), Rewrite((Edit(Span(7, 10), "string"),)))
    with pytest.raises(NotErasable, match="line 1: `b` would be overwritten"):
        TYPESCRIPT.prove_erasable(one, one, Rewrite((Edit(Span(12, 13), "b"),)))
    with pytest.raises(NotErasable, match="not what its edits make"):
        TYPESCRIPT.prove_erasable(one, one.with_data(b"let a: string, b = 1;\n"), Rewrite(()))


# --- where a semicolon is implied -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("const f = x =>\n  x\n", "const f = (x: string)\n=> x\n"),
        ("class A {\n  x\n  *m() {}\n}\n", "class A {\n  x: string\n  *m() {}\n}\n"),
        ("a\n++b\n", "a++\nb\n"),
        ("return\nx\n", "return x\n"),
        ("a = b ? (c) : d => e\n", "a = b ? (c): T => d : e => e\n"),
    ],
)
def test_two_programs_of_the_same_words_are_told_apart(before: str, after: str) -> None:
    with pytest.raises(NotErasable):
        prove(before, after)


# --- JavaScript -------------------------------------------------------------------------------------------------------

SCRIPT = """\
/** The file. */

// one
/**
 * Adds.
 * @param a the first
 * @returns {any}
 */
function add(a, b) { /* two */ return a }
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("@param a the first", "@param {string} a the first"),
        ("{any}", "{string}"),
        (" * @returns", " * @param {Map<string, { a: 1 }>} b\n * @returns"),
        ("// one\n", "// one\n/** @type {string} */\n"),
        ("// one\n", "/**\n * @param {string} x\n * @returns {import('./a').B}\n */\n// one\n"),
    ],
)
def test_types_in_comments_may_come(old: str, new: str) -> None:
    prove(SCRIPT, SCRIPT.replace(old, new, 1), "a.js")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Adds.", "Subtracts."),
        (" * Adds.\n", ""),
        ("the first", "the second"),
        ("@param a", "@param {string} b"),
        ("// one\n", "// two\n"),
        ("// one\n", "// one\n// two\n"),
        ("/* two */", "/* two, @type {string} */"),
        ("// one\n", "/** @typedef {string} A */\n// one\n"),
        ("@returns {any}", "@throws {any}"),
        ("return a", "return b"),
        ("(a, b)", "(a: string, b)"),
        ("(a, b)", "(a, b = 1)"),
        ("function add", "import type { A } from './a'\nfunction add"),
        (" */\nfunction", "\nfunction"),
        ("Adds.", "Adds. */ f(); /**"),
    ],
)
def test_nothing_else_may(old: str, new: str) -> None:
    assert old in SCRIPT
    with pytest.raises(NotErasable):
        prove(SCRIPT, SCRIPT.replace(old, new, 1), "a.js")


def test_a_file_may_go_by_another_name() -> None:
    before = "class A { constructor(b) { this.b = b } }\n"
    after = "class A { declare b: string; constructor(b: string) { this.b = b } }\n"
    one, two = SourceFile("a.js", "typescript", before.encode()), SourceFile("a.ts", "typescript", after.encode())
    edits = (Edit(Span(9, 9), " declare b: string;"), Edit(Span(23, 23), ": string"))
    TYPESCRIPT.prove_erasable(one, two, Rewrite(edits))


# --- whatever is placed wherever --------------------------------------------------------------------------------------

HEADS = st.sampled_from(
    [
        "",
        "#!/usr/bin/env node\n",
        "// @ts-check\n\n",
        "/* Copyright */\n'use strict'\n\n",
        '"use client";\n',
        "import a from 'a'\n",
        'import type { Alpha, Zeta } from "./item";\nimport b from "b"; import c from "c";\n',
        "import type {\n  Alpha,\n} from './item' // so\n",
        "/** Doc. */\n",
        "import fs = require('fs');\n",
        "export {};\n",
        "// one\n\n// two\n",
    ]
)
BODIES = st.lists(
    st.sampled_from(
        [
            "function f(a, b = 1, ...c) { let d = a, e; return b }\n",
            "export const g = x => x ? y => y : async z => z\n",
            "const h = a ? (b) : c => d;\n",
            "const k = a ? b => ({ b }) : (c) => [c];\n",
            "class C extends f {\n  x = 1\n  y\n  'q' = 2\n  constructor(p) { super(); this.z = p; this.#w; }\n  *m() {}\n}\n",
            "class G {\n  x\n  [b]\n  y\n  @c z\n}\n",
            "class D { constructor() { this.t = 1 } get v() { return 1 } set v(w) {} static s(u) {} }\n",
            "class E<T> {\n\t// comment\n\t[f](a) {}\n\tn = (a) => { this.o = a }\n}\n",
            "const o = {\n  run(a) {},\n  stop: async (a) => a,\n  go: function* ({ a }, [b] = []) {},\n}\n",
            "namespace N { export function f(a) { class L {} } }\n",
            "for (let i = 0; i < 1; i++) { let j = i }\n",
            "let q\n[a] = b\n",
            "var r\n;(function (a) { return a })()\n",
            "items.map(x => x).then(function (y) {})\n",
            "export default function (a) {}\n",
            "abstract class F { abstract m(a: any): any; m2?(a) {} private x?; }\n",
            "if (a) label: while (b) c = d => d\n",
        ]
    ),
    max_size=6,
).map("".join)
SCRIPTS = st.lists(
    st.sampled_from(
        [
            "function f(a, b = 1, ...c) { let d = a, e; return b }\n",
            "/** Doc. */\nexport const g = x => x\n",
            "/**\n * Doc.\n * @param a the a\n */\nfunction h(a, { b }) {}\n\n",
            "  /** @private */\n  const k = function (a) {}, l = 1\n",
            "class C {\n  x = 1\n  constructor(p) {\n    this.z = p\n  }\n  /** Runs. */ run(a) {}\n}\n",
            "const o = {\n\trun(a) {},\n\t/* so */ stop: async (a) => a,\n}\n",
            "module.exports = function (a) {}\n",
            "exports.x = a => a\n",
            "if (a) b.c = d => d\n",
            "export default (a) => a\n",
            "/**\n   No stars\n   @returns the sum */\nfunction n(a) {}\n",
            "// @ts-ignore\nlet q\n[a] = b\n",
        ]
    ),
    max_size=6,
).map("".join)
TYPES = st.sampled_from(
    [
        *(
            "string",
            "number[]",
            "void",
            "Promise<void>",
            "(a: string) => number",
            '"a" | "b*" | null',
            "[string, number]",
        ),
        *(
            "src/shop/item.Item",
            "src/bag.Bag<string> | undefined",
            "{ a: string; b?: src/shop/item.Alpha }",
            "fs.Stats",
        ),
    ]
)


def annotated(text: str, path: str, data: st.DataObject) -> tuple[str, str]:
    """The file before and after, all laws kept, and stable."""
    if data.draw(st.booleans(), "without last line end"):
        text = text.removesuffix("\n")
    if data.draw(st.booleans(), "carriage returns"):
        text = text.replace("\n", "\r\n")
    module = module_of(text, path)
    free = [slot for slot in module.slots if slot.written is None]
    placed = [Placed(slot, parsed(data.draw(TYPES))) for slot in free if data.draw(st.booleans())]
    outcome = patched(TYPESCRIPT, module, placed, names_of(module), TYPESCRIPT.default_version)
    assert not isinstance(outcome, Failed), f"{outcome.reason}:\n{text}"
    if isinstance(outcome, Unchanged):
        return text, text
    assert isinstance(outcome, Changed)
    result = outcome.patch.result().text
    again = module_of(result, path)
    refused = {refusal.slot.id for refusal in outcome.refused}
    assert {asked.slot.id for asked in placed} - refused <= {
        slot.id for slot in again.slots if slot.written is not None
    }
    if "\r\n" in text:
        assert "\n" not in result.replace("\r\n", "")
    assert result.endswith("\n") == text.endswith("\n")
    rest = iter(result.replace("\r\n", "\n").split("\n")[0]) if path.endswith(".js") else iter(result)
    assert path.endswith(".js") or all(sign in rest for sign in text), "the file before is what is left"
    return text, result


@settings(max_examples=250, deadline=None)
@given(HEADS, BODIES, st.data())
def test_whatever_is_placed_in_whatever_file_only_annotations_come(head: str, body: str, data: st.DataObject) -> None:
    annotated(head + body, "src/shop/cart.ts", data)


@settings(max_examples=250, deadline=None)
@given(HEADS.filter(lambda head: "type" not in head and "require" not in head), SCRIPTS, st.data())
def test_whatever_is_placed_in_whatever_script_only_comments_come(head: str, body: str, data: st.DataObject) -> None:
    annotated(head + body, "src/shop/cart.js", data)


@pytest.mark.parametrize(
    "raw",
    [
        b"\xef\xbb\xbfexport function f(a) { return a }\n",
        b"export function f(a) {\r\n  return a\r\n}\r\n",
        b"export function f(a) { return a }",
        "export function f(a) { return '\U0001f600' } // \u00fc\n".encode(),
        b"x = 1\r\nexport function f(a) {}\n",
        b"\n\n\n   // odd\nexport function f(a) {}   \n\n\n",
        b"export function f(a) { return <b>{a}\n  text</b> }\n",
    ],
)
@pytest.mark.parametrize("wanted", ["string", "src/shop/item.Item"])
def test_every_other_byte_is_kept(raw: bytes, wanted: str) -> None:
    file = decode("src/shop/cart.tsx", "typescript", raw)
    module = TYPESCRIPT.read(file, "src/shop/cart", False)
    placed = place(module, {"f(a)": parsed(wanted)})
    outcome = patched(TYPESCRIPT, module, placed, names_of(module), TYPESCRIPT.default_version)
    assert isinstance(outcome, Changed), outcome
    result = outcome.patch.result().to_bytes()
    rest = iter(result)
    assert all(byte in rest for byte in raw), "the file before is what is left when bytes are taken out"
    assert result.endswith(raw.partition(b"f(a)")[2])


def test_deep_nesting_is_no_matter() -> None:
    nested = "x = " + "(" * 3_000 + "y => y" + ")" * 3_000
    module = module_of(f"export function f(a) {{}}\n{nested}\n")
    placed = place(module, {"f(a)": parsed("string")})
    assert isinstance(patched(TYPESCRIPT, module, placed, names_of(module), TYPESCRIPT.default_version), Changed)


# --- two compilers as judges ------------------------------------------------------------------------------------------

# Before, after, and whether the JavaScript is the same.
PAIRS: list[tuple[str, str, bool]] = [
    ("let a = 1", "let a: number = 1", True),
    ("let a = 1", "let a = 2", False),
    ("function f(a = 1) {}", "function f(a: number = 1): void {}", True),
    ("function f(a = 1) {}", "function f(a = 2) {}", False),
    ("enum A { B }", "enum A { B, C }", False),
    ("let a", "let a; enum A { B }", False),
    ("class A { constructor(a) {} }", "class A { constructor(a: string) {} }", True),
    ("class A { constructor(a) {} }", "class A { constructor(private a) {} }", False),
    ("class A { x }", "class A { x: string; declare y: number }", True),
    ("class A { x }", "class A { x; y }", False),
    ("class A { x }", "class A { private readonly x!: string }", True),
    ("class A {}", "abstract class A { abstract x: string; abstract m(): void }", True),
    ("class A { m() {} }", "class A { m(): void; m() {} }", True),
    ("class A { override m(this: A, b) {} }", "class A { m(b) {} }", True),
    ("class A extends B {}", "class A<T> extends B<T> implements C {}", True),
    ("f(x => x)", "f((x): string => x)", True),
    ("f(async x => x)", "f(async (x: string) => x)", True),
    ("f(a)", "f<string>(a as any)", True),
    ("f(a)", "f(a!)", True),
    ("f(a)", "f(a satisfies B)", True),
    ("new Map()", "new Map<string, number>()", True),
    ("f(a)", "f(b)", False),
    ("let a", "interface B {} type C = 1; declare let d: string; let a; export type { C }; export {}", False),
    ("let a; export {}", "interface B {} type C = 1; declare let d: string; let a; export type { C }; export {}", True),
    ("import { a } from 'a'; a", "import { a, type B } from 'a'; import type C from 'c'; a", True),
    ("import { a } from 'a'; a", "import { a } from 'a'; import 'c'; a", False),
    ("function f() {}", "function f(): void; function f(a: string): void; function f() {}", True),
    ("export default class A {}", "export default class A {} export default interface B {}", True),
    ("namespace N { export let a = 1 }", "namespace N { export let a: number = 1 }", True),
    ("namespace N { export let a = 1 }", "namespace N { export let a = 2 }", False),
    ("a\n++b", "a++\nb", False),
    ("let a\n[b] = c", "let a: d\n[b] = c", True),
    ("const f = a ? x => x : y", "const f = a ? (x): z => x : y", True),
    ("const f = a ? (x) : y => z", "const f = a ? (x) : (y: z) => z", True),
    ("const f = a ? (x) : y => z", "const f = a ? (x) => y : z", False),
    ("`a ${b} c`", "`a  ${b} c`", False),
    ("try {} catch (a) {}", "try {} catch (a: unknown) {}", True),
    ("for (let a of b) {}", "for (let a of b as c[]) {}", True),
    ("let { a } = b", "let { a }: { a: string } = b", True),
    ("class A { accessor x = 1 }", "class A { x = 1 }", False),
    ("class A { @d x }", "class A { @d x: string }", True),
    ("const a = b", "const a = <c>b", True),
    ("abstract class A { m?() {} }", "class A { m() {} }", True),
]


def test_two_compilers_agree_on_what_is_the_same() -> None:
    made = transpiled([("a.ts", text) for before, after, _ in PAIRS for text in (before, after)])
    judged: dict[str, list[Any]] = {"esbuild": [], "typescript": [], "ours": []}
    for at, (before, after, _) in enumerate(PAIRS):
        one, two = made[2 * at], made[2 * at + 1]
        for judge in ("esbuild", "typescript"):
            assert one[judge] is not None or judge == "typescript", (judge, before)
            failed = one[judge] is None or two[judge] is None
            judged[judge].append((before, after, None if failed else one[judge] == two[judge]))
        ours = (erased(text.encode(), "a.ts").javascript for text in (before, after))
        judged["ours"].append((before, after, next(ours) == next(ours)))
    assert judged["ours"] == PAIRS
    assert judged["esbuild"] == PAIRS
    assert [pair for pair in judged["typescript"] if pair not in PAIRS and pair[2] is not None] == []


def test_both_make_the_same_javascript_of_every_example_before_and_after() -> None:
    listed = list(cases())
    made = transpiled([(case.path, text) for case in listed for text in (case.before, case.after)])
    for at, case in enumerate(listed):
        assert made[2 * at] == made[2 * at + 1], case.line
        assert made[2 * at]["esbuild"] is not None, case.line


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(HEADS, BODIES), min_size=20, max_size=20), st.data())
def test_both_make_the_same_javascript_of_whatever_is_annotated(
    texts: list[tuple[str, str]], data: st.DataObject
) -> None:
    pairs = [annotated(head + body, "src/shop/cart.ts", data) for head, body in texts]
    made = transpiled([("a.ts", text) for pair in pairs for text in pair])
    for one, two, pair in zip(made[::2], made[1::2], pairs, strict=True):
        assert one == two, pair


def test_the_compiler_reads_in_comments_what_was_written() -> None:
    """Every parameter, field and variable of the examples in JavaScript that got a type has that type."""
    listed = [case for case in cases() if case.path.endswith(".js")]
    asked, wanted = [], []
    for case in listed:
        data = case.after.encode()
        slots = slots_by_name(module_of(data, case.path))
        # A result has no place of its own, a module none that the compiler is shown.
        told = {label for label, text in case.types.items() if not label.endswith("()") and "src/" not in text}
        labels = [label for label in slots if label in told - case.refused.keys()]
        starts = [slots[label].span.start for label in labels]
        places = [len(data[:start].decode().encode("utf-16-le")) // 2 for start in starts]
        asked.append({"path": "/cart.js", "text": case.after, "places": places})
        wanted.append({label: parsed(case.types[label]) for label in labels})
    found = run_node("types.mjs", asked)
    for case, types, texts in zip(listed, wanted, found, strict=True):
        assert types == dict(zip(types, map(parsed, texts), strict=True)), case.line
    assert sum(map(len, wanted)) > 20
