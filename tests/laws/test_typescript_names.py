"""What JSDoc says of types, and what TypeScript's special methods, wrappers and names say by convention."""

from __future__ import annotations

import pytest

from typeinfer.languages.typescript.annotations import parse_type, write_type
from typeinfer.languages.typescript.conventions import (
    is_property,
    is_setter,
    names_hint,
    protocol_type,
    wrap_result,
)
from typeinfer.languages.typescript.jsdoc import documented_type, documented_types
from typeinfer.languages.typescript.syntax import read
from typeinfer.values.module import Function
from typeinfer.values.source import SourceFile
from typeinfer.values.typeexpr import NONE, UNKNOWN, Named


def documented(comment: str) -> dict[str, str]:
    return {name: write_type(term) for name, term in documented_types(comment).items() if not name.startswith("__")}


# --- JSDoc ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("string", "string"),
        ("String|Number", "string | number"),
        ("(string|number)[]", "(string | number)[]"),
        ("?string", "string | null"),
        ("string?", "string | null"),
        ("?string[]", "string[] | null"),
        ("!Foo", "Foo"),
        ("?!Foo", "Foo | null"),
        ("Array.<string>", "string[]"),
        ("array<int>", "number[]"),
        ("Object.<string, ?number>", "Record<string, number | null>"),
        ("Object<string, Array.<Foo>>", "Record<string, Foo[]>"),
        ("function(string, ?number=): !Foo", "(arg0: string, arg1?: number | null) => Foo"),
        ("function(this:Foo, string): void", "(arg0: string) => void"),
        ("Array<function(string): boolean>|null", "((arg0: string) => boolean)[] | null"),
        ("(x: number, y?: string) => void", "(arg0: number, arg1?: string) => void"),
        ("{a: string, b?: ?number}", "{ a: string; b?: number | null }"),
        ("\"a\"|'b'", '"a" | "b"'),
        ("string or number", "string | number"),
        ('import("./cart").Cart', "Cart"),
        ("Promise<void>", "Promise<void>"),
        ("undefined", "void"),
        # What says nothing:
        ("*", "?"),
        ("?", "?"),
        ("any", "?"),
        ("Object", "?"),
        ("Array<Object>", "?[]"),
        ("function", "?"),
        ("Function", "?"),
        ("function(new:Foo, string)", "?"),
        ("number of items", "?"),
        ("string, optional", "?"),
        ("module:shop/cart", "?"),
        ("typeof cart", "?"),
        ("", "?"),
    ],
)
def test_types_in_comments(text: str, written: str) -> None:
    said = write_type(documented_type(text))
    assert said == written or (said == "?" and "?" in written)


def test_a_comment_says_what_goes_in_and_what_comes_out() -> None:
    comment = """/**
     * Adds an `@param {number} fake` to the cart, see {@link Cart}.
     * @param {Cart} cart - where to
     * @param {string} [name="none"]
     * @param {...number} rest
     * @arg {number=} size
     * @param it is no type here
     * @yield {number}
     * @returns {Promise<boolean>} whether
     */"""
    assert documented(comment) == {
        "cart": "Cart",
        "name": "string",
        "rest": "number[]",
        "size": "number",
        "yield": "number",
        "return": "Promise<boolean>",
    }


def test_properties_make_an_object_of_a_parameter() -> None:
    comment = """/**
     * @param {Object} options
     * @param {string} options.name
     * @param {number} [options.size=3]
     * @param {Object} options.inner
     * @param {boolean} options.inner.deep
     * @param {Object[]} items
     * @param {string} items[].key
     * @param {Object} unknown
     * @param {*} unknown.key
     * @param {Options} named
     * @param {string} named.key
     */"""
    assert documented(comment) == {
        "options": "{ name: string; size?: number; inner: { deep: boolean } }",
        "items": "{ key: string }[]",
        "named": "Options",
    }


def test_a_parameter_without_a_name_is_known_by_its_position() -> None:
    found = documented_types("/** @param {A} a\n * @param {Object} b\n * @param {string} b.c\n * @param {C} d */")
    assert [write_type(found[name]) for name in ("__0", "__1", "__2")] == ["A", "{ c: string }", "C"]


def test_the_type_of_a_function_tells_its_result() -> None:
    assert documented("/** @type {function(string): number} */") == {"return": "number"}
    assert documented("/** @type {(x: string) => Cart} */") == {"return": "Cart"}
    assert documented("/** @type {?string} */") == {"return": "string | null"}, "an accessor's"
    assert documented("/** @type {Handler} */") == {}, "may be the name of a function type"


def test_type_variables_of_a_comment_mean_nothing_outside() -> None:
    assert documented("/** @template T\n * @param {T[]} items\n * @param {string} name\n * @returns {T} */") == {
        "name": "string"
    }


def test_prose_says_nothing() -> None:
    assert documented("/** Takes a number and returns a string. @returns nothing */") == {}
    assert documented("not even a comment {string}") == {}


# --- conventions ------------------------------------------------------------------------------------------------------

CODE = """\
class Cart {
  toString(radix) { return "" }
  get size() { return 1 }
  set size(value) {}
  plain() { return 1 }
  async later() { return 1 }
  *count() { yield 1 }
  async *stream() { yield 1 }
}
function toString(x) { return x }
Old.prototype.toString = function () { return "" };
"""


@pytest.fixture(scope="module")
def functions() -> list[Function]:
    return list(read(SourceFile("cart.ts", "typescript", CODE.encode()), "cart", False).functions)


def called(functions: list[Function], qualname: str) -> Function:
    return next(function for function in functions if function.qualname == qualname)


def test_special_methods(functions: list[Function]) -> None:
    assert protocol_type(called(functions, "Cart.toString"), "return") == Named("string")
    assert protocol_type(called(functions, "Old.toString"), "return") == Named("string")
    assert protocol_type(called(functions, "Cart.toString"), "radix") is None
    assert protocol_type(called(functions, "toString"), "return") is None
    assert protocol_type(called(functions, "Cart.plain"), "return") is None


def test_accessors(functions: list[Function]) -> None:
    sizes = [function for function in functions if function.qualname == "Cart.size"]
    assert [(is_property(function), is_setter(function)) for function in sizes] == [(True, False), (False, True)]
    assert not is_property(called(functions, "Cart.plain"))


@pytest.mark.parametrize(
    ("name", "result", "yielded", "annotation"),
    [
        ("Cart.plain", "number", "?", "number"),
        ("Cart.plain", "Promise<number>", "?", "Promise<number>"),
        ("Cart.later", "number", "?", "Promise<number>"),
        ("Cart.later", "Promise<number>", "?", "Promise<number>"),
        ("Cart.later", "void", "?", "Promise<void>"),
        ("Cart.later", "string | null", "?", "Promise<string | null>"),
        ("Cart.later", "?", "?", "?"),
        ("Cart.count", "void", "number", "Generator<number>"),
        ("Cart.count", "?", "number", "Generator<number>"),
        ("Cart.count", "string", "number", "Generator<number, string>"),
        ("Cart.count", "string", "?", "?"),
        ("Cart.stream", "void", "number", "AsyncGenerator<number>"),
    ],
)
def test_wrappers(functions: list[Function], name: str, result: str, yielded: str, annotation: str) -> None:
    wrapped = wrap_result(called(functions, name), parse_type(result), parse_type(yielded))
    assert write_type(wrapped) == annotation


def test_a_promise_or_a_value_is_one_promise(functions: list[Function]) -> None:
    later = called(functions, "Cart.later")
    assert write_type(wrap_result(later, parse_type("Promise<A> | A"), UNKNOWN)) == "Promise<A>"
    assert (
        write_type(wrap_result(later, parse_type("Promise<A> | B | undefined"), UNKNOWN))
        == "Promise<A | B | undefined>"
    )
    assert wrap_result(later, NONE, UNKNOWN) == Named("Promise", (NONE,))


def test_names() -> None:
    hints = {
        "boolean": "isOpen hasItems shouldClose canEdit _isOpen allowEmpty filesOnly sync",
        "string": "name fileName title message errorMessage baseUrl str hash",
        "Error": "e err error parseError",
        "number": "count index itemCount startIndex width timeout i pos pageSize",
    }
    for hint, found in hints.items():
        for name in found.split():
            assert names_hint(name) == Named(hint), name
    for name in "island cart issue canvas callback onChange rename options names useful nothing".split():
        assert names_hint(name) is None, name
