"""The laws of the `Language` protocol, run over every language that there is. See `typeinfer/languages/language.py`.

A new language adds its sample below and passes. Reading is lenient by law: whatever stands in a file, it never raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from typeinfer.languages import LANGUAGES, language_of
from typeinfer.languages.language import Language
from typeinfer.values.module import Function, Module
from typeinfer.values.slots import SlotKind
from typeinfer.values.source import SourceFile
from typeinfer.values.typeexpr import NONE, UNKNOWN, Named, is_complete, walk

DEEP = 5_000
BLOCKS_DEEP = 1_900
"""A space a level, blocks deeper than this make a file that is over the limit on size."""


@dataclass(frozen=True)
class Sample:
    """What the laws need to know of one language. `seen`: functions of `text`, what a caller sees, the annotation."""

    text: str
    deep: Mapping[str, str]
    words: tuple[str, ...]
    """Tokens to make nonsense of."""
    types: tuple[str, ...]
    plain: str
    generator: str
    seen: tuple[tuple[str, str, str], ...]
    library: tuple[str, str] | None
    """A class and a method of the language's own library, where the language knows one without its checker."""
    names: Mapping[str, tuple[str, bool]]
    """Paths, with the import name that each stands for, and whether it is a package."""
    documentation: tuple[str, ...]
    """How documentation begins that goes on to say types."""


def rungs(line: str, last: str, deep: int) -> str:
    """`line` at every depth: blocks inside blocks, a space a level."""
    return "".join(f"{' ' * level}{line}\n" for level in range(deep)) + f"{' ' * deep}{last}\n"


PYTHON = Sample(
    text='''\
"""Carts, with an emoji: 🛒, and a name that is not ASCII."""
from __future__ import annotations
import asyncio, os.path as path
from shop.goods import (Item, price as preis)
from . import *

LIMIT = 10
größe: float = 1.0
a, (b, *c) = 1, (2, 3)
d = e = lambda x, *y: (yield x)


@dataclass(frozen=True)
class Cart(Base, Generic[T], metaclass=Meta):
    """A cart."""

    items: list[Item] = field(default_factory=list)
    class Inner: size = 0

    def __init__(self, owner, /, count=1, *more, quiet: bool = False, **options):
        self.owner = owner
        self.naïve = f"{owner!r:>{count}}" "tail"
        super().__init__()

    @property
    def total(self): return sum(item.price for item in self.items)

    @total.setter
    def total(self, value): self._total = value

    @staticmethod
    async def load(source, *, limit=LIMIT):
        async with source as stream:
            async for row in stream: yield row
        global größe
        größe = 2

    async def wait(self): return await asyncio.sleep(1, "done")


def walk(node, seen={}):
    if (n := len(seen)) and not node: return
    try: yield from node
    except* (KeyError, ValueError) as error: raise Error from error
    finally: del seen[node]
    match node:
        case {"a": [1, *_]} | Point(x=0) if n > 1: return -1
        case _: pass
    while True:
        print(node % n, sep="")


def plain(value): return value
def count(): yield 1
async def later(): return 1
type Pair[T] = tuple[T, T]
''',
    deep={
        "parentheses": f"x = {'(' * DEEP}1{')' * DEEP}\n",
        "lists": f"def f(x={'[' * DEEP}{']' * DEEP}): return x\n",
        "dictionaries": f"x = {'{1: ' * DEEP}2{'}' * DEEP}\n",
        "calls": f"x = {'f(' * DEEP}{')' * DEEP}\n",
        "attributes": f"x = y{'.z' * DEEP}\n",
        "subscripts": f"x = y{'[0]' * DEEP}\n",
        "chained assignments": f"{'x = ' * DEEP}0\n",
        "sums": f"x = {'1 + ' * DEEP}1\n",
        "alternatives": f"x = {'y or ' * DEEP}z\n",
        "choices": f"x = {'1 if y else ' * DEEP}2\n",
        "negations": f"def f(y): return {'not ' * DEEP}y\n",
        "minus signs": f"x = {'-' * DEEP}1\n",
        "lambdas": f"x = {'lambda: ' * DEEP}0\n",
        "annotations": f"x: {'list[' * DEEP}int{']' * DEEP} = 0\n",
        "if, elif and else": "def f(y):\n if y: return 0\n" + " elif y: return 1\n" * DEEP + " else: return 2\n",
        "f-strings": f"x = f'{{{'(' * DEEP}1{')' * DEEP}}}'\n",
        "decorators": "@f\n" * DEEP + "def g(): pass\n",
        "functions": rungs("def f(x):", "return x", BLOCKS_DEEP),
        "classes": rungs("class C:", "x = 1", BLOCKS_DEEP),
        "branches": rungs("if y:", "x = 1", BLOCKS_DEEP),
        "branches of a function": "def f(y):\n" + rungs(" if y:", " return 1", BLOCKS_DEEP),
        "arguments": f"def f(x): g({'x, ' * DEEP})\n",
        "fields": "class C:\n a = 1\n" * DEEP,
        "unclosed": "def f(" * DEEP,
        "unopened": ")]}" * DEEP,
    },
    words=(
        *"def class x y self ( ) [ ] : = * ** , . -> @ lambda if else return yield async await global nonlocal 1".split(),
        *"'a' f'{ } import from as print exec int | type match case not in is for while try: except with pass".split(),
        *("del", ":=", "#", "\n", "\n ", "\n  ", "\n\t", "\f", "\\\n"),
    ),
    types=(
        "int",
        "None",
        "shop.cart.Cart",
        "list[int]",
        "dict[str, list[bytes]]",
        "int | str | None",
        "tuple[int, str]",
        "tuple[int, ...]",
        "tuple[()]",
        "Callable[[int, str], None]",
        "Callable[..., int]",
        'Literal["r", "w"]',
        "type[int]",
        "Iterator[int]",
        "collections.deque[int]",
    ),
    plain="plain",
    generator="count",
    seen=(
        ("plain", "int", "int"),
        ("later", "Coroutine[object, object, int]", "int"),
        ("count", "Generator[int, object, None]", "Iterator[int]"),
        ("count", "Generator[int, object, str]", "Generator[int, None, str]"),
        ("Cart.load", "AsyncGenerator[str, None]", "AsyncIterator[str]"),
        ("later", "int", "?"),
    ),
    library=("dict", "__len__"),
    names={
        "src/shop/cart.py": ("shop.cart", False),
        "src/shop/__init__.py": ("shop", True),
        "cart.py": ("cart", False),
    },
    documentation=(":param int x: y\n:rtype: ", "Parameters\n----------\n", "Args:\n    x (int): y\n", ""),
)

TYPESCRIPT = Sample(
    text="""\
#!/usr/bin/env node
/** Carts, with an emoji: 🛒, and a name that is not ASCII. */
import type { Item } from "./goods";
import Default, { price as preis, type Extra } from "./goods.js";
import * as all from "shop";
import fs = require("fs");
export * from "./more";
export { Item as Thing } from "./goods";

export const LIMIT = 10;
let größe: number = 1.0, other;
const [a, { b, ...c }] = [1, { b: 2 }];
enum Size { Small = 1, Large }
export interface Priced<T = unknown> extends Base { readonly price: number; pay?(by: string): void; [key: string]: T }
type Pair<T> = readonly [T, T?] | { [K in keyof T]?: T[K] };
declare module "x" { export function y(z: number): void }
namespace Inner.Most { export const deep = (q: number) => q }

@sealed()
export abstract class Cart<T extends object = {}> extends mixin(Base)<T> implements Priced, all.Other {
  static #count = 0;
  items: Item[] = [];
  declare size: number;
  label?: string;
  handle = (event) => { this.owner = event; };

  constructor(private readonly owner, public count = 1, ...more) { super(); this.naïve = `${owner}🛒`; }

  get total() { return this.items.reduce((sum, item) => sum + item.price, 0); }
  set total(value) { this.#total = value; }
  static async *load<S>(source: S, { limit = LIMIT, deep: [first] } = {}) { for await (const row of source) yield row; }
  abstract wait(): Promise<void>;
  isDone(this: Cart): this is Done { return !!this.total; }
  [Symbol.iterator]() { return this.items.values(); }
}

function over(x: string): string;
function over(x) { return x as any satisfies unknown; }
export default function (node, seen = {}) {
  if (typeof node === "string" && node in seen) return;
  try { throw new Error("no") } catch { } finally { delete seen[node] }
  label: for (const key in node) { if (key) continue label; else break }
  switch (node) { case 1: return -1; default: return node?.deep!.er ?? null }
}
function plain(value) { return value; }
function* count() { yield 1; }
async function later() { return 1; }
const bare = x => y => <Item>x;
module.exports = { plain, count: count, run(x) { return x } };
""",
    deep={
        "parentheses": f"let x = {'(' * DEEP}1{')' * DEEP}\n",
        "arrays": f"function f(x = {'[' * DEEP}{']' * DEEP}) {{ return x }}\n",
        "objects": f"let x = {'{ a: ' * DEEP}2{' }' * DEEP}\n",
        "calls": f"let x = {'f(' * DEEP}{')' * DEEP}\n",
        "members": f"let x = y{'.z' * DEEP}\n",
        "subscripts": f"let x = y{'[0]' * DEEP}\n",
        "chained assignments": f"{'x = ' * DEEP}0\n",
        "sums": f"let x = {'1 + ' * DEEP}1\n",
        "alternatives": f"let x = {'y || ' * DEEP}z\n",
        "choices": f"let x = {'y ? 1 : ' * DEEP}2\n",
        "negations": f"function f(y) {{ return {'!' * DEEP}y }}\n",
        "arrows": f"let x = {'y => ' * DEEP}0\n",
        "callbacks": f"{'f(function (x) { ' * BLOCKS_DEEP}{'})' * BLOCKS_DEEP}\n",
        "annotations": f"let x: {'Array<' * DEEP}number{'>' * DEEP} = 0\n",
        "array types": f"let x: number{'[]' * DEEP} = 0\n",
        "if and else": f"function f(y) {{ {'if (y) return 0; else ' * DEEP} return 2 }}\n",
        "templates": f"let x = {'`${' * DEEP}1{'}`' * DEEP}\n",
        "functions": f"{'function f(x) { ' * BLOCKS_DEEP}{'}' * BLOCKS_DEEP}\n",
        "classes": f"{'class C { static x = ' * BLOCKS_DEEP}1{'}' * BLOCKS_DEEP}\n",
        "blocks": f"{'{' * DEEP}{'}' * DEEP}\n",
        "arguments": f"function f(x) {{ g({'x, ' * DEEP}) }}\n",
        "fields": "class C { a = 1 }\n" * DEEP,
        "unclosed": "function f(" * DEEP,
        "unopened": ")]}" * DEEP,
    },
    words=(
        *"function class x y this ( ) [ ] { } : ; = * ** , . => @ if else return yield async await new 1 ? ! < >".split(),
        *"'a' `t` ${ import from as export default interface type enum namespace declare abstract get set static".split(),
        *(
            "const",
            "let",
            "constructor",
            "extends",
            "implements",
            "...",
            "//",
            "/**",
            "*/",
            "@param {x} y",
            "\n",
            "\t",
            "#x",
        ),
    ),
    types=(
        "number",
        "void",
        "shop.Cart",
        "number[]",
        "Map<string, Uint8Array[]>",
        "string | number | null | undefined",
        "[number, string]",
        "(arg0: number, arg1: string) => void",
        '"r" | "w"',
        "Promise<void>",
        "Record<string, boolean>",
        "readonly string[]",
    ),
    plain="plain",
    generator="count",
    seen=(
        ("plain", "number", "number"),
        ("later", "Promise<number>", "Promise<number>"),
        ("count", "Generator<number>", "Generator<number>"),
    ),
    library=None,
    names={
        "src/shop/cart.ts": ("src/shop/cart", False),
        "src/shop/index.ts": ("src/shop", True),
        "cart.service.js": ("cart.service", False),
        "types/cart.d.ts": ("types/cart", False),
    },
    documentation=("/** @param {number} x y\n * @returns ", "/**\n * @type {", "/** @param {Array.<", ""),
)
SAMPLES = {"python": PYTHON, "typescript": TYPESCRIPT}

every_language = pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)


def sample_of(language: Language) -> Sample:
    return SAMPLES[language.name]


def read(language: Language, text: str) -> Module:
    path = f"shop/cart{language.suffixes[0]}"
    name, is_package = language.module_name(path, frozenset({"shop"}))
    return language.read(SourceFile(path, language.name, text.encode("utf-8", "replace")), name, is_package)


def keeps_its_word(module: Module) -> None:
    """Every fact points into the file, and every slot to its own name."""
    file = module.file
    for slot in module.slots:
        spelled = file.at(slot.span)
        assert slot.id.name, slot
        name = slot.id.qualname.rpartition(".")[2] if slot.id.kind is SlotKind.RETURN else slot.id.name
        # A pattern and a callback have no name of their own, and get one that no program can spell.
        assert spelled.endswith(name) or name.startswith(("__", "<")), slot
        assert 0 <= slot.span.start < slot.span.end <= len(file.data), slot
        # The result of a callback is known by its arrow, and written before it.
        assert slot.span.end <= slot.insert_at <= len(file.data) or spelled == "=>", slot
        if slot.written is not None:
            # Behind the name, or in a comment before it all.
            assert slot.insert_at <= slot.written.start or slot.written.end <= slot.span.start, slot
            assert 0 <= slot.written.start <= slot.written.end <= len(file.data), slot
    assert len({slot.id for slot in module.slots}) == len(module.slots), "two slots of one name"
    assert len({(slot.insert_at, slot.id.kind) for slot in module.slots}) == len(module.slots), "two in one place"
    facts = (*module.functions, *module.classes, *module.assignments, *module.imports)
    for span in (*(fact.span for fact in facts), *(site.call.span for site in module.calls), *module.errors):
        assert 0 <= span.start <= span.end <= len(file.data)
    assert all(assignment.slot is None or assignment.slot in module.slots for assignment in module.assignments)


# --- reading ----------------------------------------------------------------------------------------------------------


@every_language
def test_the_sample_is_read_whole(language: Language) -> None:
    module = read(language, sample_of(language).text)
    assert not module.errors
    assert {slot.id.kind for slot in module.slots} == set(SlotKind)
    assert language.refusal(module.file, module) is None
    keeps_its_word(module)


@every_language
@given(text=st.text())
def test_any_text_is_read(language: Language, text: str) -> None:
    module = read(language, text)
    keeps_its_word(module)
    language.refusal(module.file, module)


@every_language
@given(data=st.data())
@settings(deadline=None)
def test_a_sample_cut_anywhere_is_read(language: Language, data: st.DataObject) -> None:
    text = sample_of(language).text
    places = st.integers(0, len(text))
    start, end, hole, until = sorted(data.draw(st.tuples(places, places, places, places)))
    patch = data.draw(st.text(alphabet="()[]{}:=*,.\"'\n #def@;", max_size=4))
    for cut in (text[:end], text[start:end] + patch + text[hole:until], text[:hole] + patch + text[until:]):
        keeps_its_word(read(language, cut))


@every_language
@given(data=st.data())
@settings(deadline=None)
def test_words_in_any_order_are_read(language: Language, data: st.DataObject) -> None:
    words = data.draw(st.lists(st.sampled_from(sample_of(language).words), max_size=40))
    module = read(language, " ".join(words))
    keeps_its_word(module)
    language.refusal(module.file, module)


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name in SAMPLES for kind in SAMPLES[name].deep])
def test_deep_nesting_is_read(name: str, kind: str) -> None:
    language = next(language for language in LANGUAGES if language.name == name)
    module = read(language, SAMPLES[name].deep[kind])
    keeps_its_word(module)
    language.refusal(module.file, module)


@every_language
def test_reading_twice_tells_the_same(language: Language) -> None:
    text = sample_of(language).text
    assert read(language, text) == read(language, text)


@every_language
def test_line_ends_change_no_fact(language: Language) -> None:
    text = sample_of(language).text
    unix, windows = read(language, text), read(language, text.replace("\n", "\r\n"))
    assert [slot.id for slot in unix.slots] == [slot.id for slot in windows.slots]
    keeps_its_word(windows)


@every_language
def test_an_edit_above_changes_no_slot(language: Language) -> None:
    text = sample_of(language).text
    below = read(language, "\n\n" + text)
    assert [slot.id for slot in read(language, text).slots] == [slot.id for slot in below.slots]


# --- names, types, results --------------------------------------------------------------------------------------------


@every_language
def test_a_file_is_known_by_its_name(language: Language) -> None:
    for suffix in language.suffixes:
        assert language_of(f"shop/cart{suffix}") is language
        assert language.module_name(f"cart{suffix}", frozenset())[0] == "cart"
    for path, expected in sample_of(language).names.items():
        assert language.module_name(path, frozenset({"src/shop"})) == expected


@every_language
def test_what_is_written_reads_back(language: Language) -> None:
    for text in sample_of(language).types:
        term = language.parse_type(text)
        assert is_complete(term), text
        unqualified = language.parse_type(language.write_type(term))
        assert language.parse_type(language.write_type(unqualified)) == unqualified, text
        if not any("." in part.name for part in walk(term) if isinstance(part, Named)):
            assert unqualified == term, text


@every_language
@given(text=st.text())
def test_any_text_is_a_type_or_unknown(language: Language, text: str) -> None:
    language.write_type(language.parse_type(text))


def function_of(language: Language, qualname: str) -> Function:
    return read(language, sample_of(language).text).function_at[qualname]


@every_language
def test_wrapping_and_unwrapping_agree(language: Language) -> None:
    sample = sample_of(language)
    plain, generator = function_of(language, sample.plain), function_of(language, sample.generator)
    for text in sample.types:
        term = language.parse_type(text)
        assert language.wrap_result(plain, term, UNKNOWN) == term == language.unwrap_result(plain, term)
        wrapped = language.wrap_result(generator, NONE, term)
        assert is_complete(wrapped) and term in walk(wrapped)
    assert language.wrap_result(generator, NONE, UNKNOWN) == UNKNOWN
    for qualname, seen, annotation in sample.seen:
        function = function_of(language, qualname)
        assert language.unwrap_result(function, language.parse_type(seen)) == language.parse_type(annotation)


# --- the library ------------------------------------------------------------------------------------------------------


@every_language
def test_the_library_knows_its_own(language: Language) -> None:
    if (known := sample_of(language).library) is not None:
        owner, method = known
        assert "return" in language.library_signature(owner, method)
        assert language.library_bases(owner)
        assert language.is_builtin(owner)
    assert isinstance(language.text_type, Named) and language.is_builtin(language.text_type.name)
    assert all(language.is_builtin(name) for name in language.plain_types)


ODD_NAMES = ["", ".", "..", "a.", ".a", "a..b", "None", "no.such.Thing", "os", "é", "a b", "1", "\0", "a" * 10_000, "/"]


@every_language
@pytest.mark.parametrize("name", ODD_NAMES, ids=lambda name: ascii(name[:12]))
def test_no_name_is_too_odd_to_look_up(language: Language, name: str) -> None:
    look_up(language, name)


@every_language
@given(name=st.text(alphabet="abcio._ /\\\0é*", max_size=12))
@settings(deadline=None, max_examples=60)
def test_no_name_at_all_is_too_odd_to_look_up(language: Language, name: str) -> None:
    look_up(language, name)


def look_up(language: Language, name: str) -> None:
    owner, _ = sample_of(language).library or ("Array", "")
    language.library_signature(name, name)
    assert not language.library_signature(owner, f"{name}?")
    language.library_bases(name)
    language.library_class(name)
    language.is_builtin(name)
    language.is_library(name)
    language.names_hint(name)
    language.documented_types(name)


@every_language
@given(text=st.text(alphabet=" \n:-`'\"[](),.*aprmtyeRsuAg", max_size=80), style=st.integers(0, 3))
@settings(deadline=None)
def test_no_docstring_is_too_odd(language: Language, text: str, style: int) -> None:
    opening = sample_of(language).documentation[style]
    assert all(is_complete(term) for term in language.documented_types(opening + text).values())
