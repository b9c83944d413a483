"""The program graph: what every edge means, on a shop of some files in each language, and the laws for any project."""

from __future__ import annotations

import json
import random
import re

import networkx
import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from whole_project import SHOP, SHOP_IN_JAVASCRIPT, SHOP_IN_TYPESCRIPT, SHOPS, project_of

from typeinfer.program.graph import RELATIONS, ProgramGraph, build_graph
from typeinfer.program.project import Project


def said(project: Project, graph: ProgramGraph, kind: str) -> list[str]:
    """Edges as `line text -> line text`, with the file where an edge leaves its own."""

    def end(node: int, home: int) -> str:
        start, stop = graph.node_span[node].tolist()
        number = int(graph.node_file[node])
        file = project.modules[graph.files[number]].file
        text = file.data[start:stop].decode().partition("\n")[0]
        there = "" if number == home else f"{file.path} "
        return f"{there}{file.line_of(start)} {text}"

    return [
        f"{end(source, home)} -> {end(target, home)}"
        for source, target in graph.edges[kind].T.tolist()
        if (home := int(graph.node_file[source])) >= 0
    ]


def one_file(text: str, path: str = "a.py") -> tuple[Project, ProgramGraph]:
    project = project_of({path: text})
    return project, build_graph(project)


def edges_of(text: str, kind: str, path: str = "a.py") -> list[str]:
    return sorted(said(*one_file(text, path), kind))


any_shop = pytest.mark.parametrize("shop", SHOPS.values(), ids=SHOPS)


def test_what_the_relations_say() -> None:
    shop = project_of(SHOP)
    graph = build_graph(shop)

    # A call passes its arguments to the parameters of the function it reaches, by position and by name, in other files
    # too; a constructor's to `__init__`; a method called through its class gets its receiver first, a classmethod not.
    assert said(shop, graph, "argument->parameter") == [
        '3 "me" -> shop/cart.py 16 owner',
        "7 thing -> shop/cart.py 20 item",
        '10 "you" -> shop/cart.py 31 owner',
        "22 item -> shop/goods.py 8 item",
        "22 count -> shop/goods.py 8 count",
        "25 total -> 27 total",
    ]
    # What a function returns goes to every call of it.
    assert said(shop, graph, "return->call") == [
        "25 self.note(total) -> main.py 7 Cart.add(cart, thing)",
        "28 total -> 25 self.note(total)",
        '32 cls(owner) -> main.py 10 Cart.empty("you")',
        "9 item.price * count -> shop/cart.py 22 price_of(item, count=count)",
    ]
    # Methods and fields belong to their class, wherever the field gets its first value.
    assert said(shop, graph, "member-of") == [
        "7 limit -> 6 Base",
        "9 add -> 6 Base",
        "16 __init__ -> 13 Cart",
        "17 owner -> 13 Cart",
        "18 items -> 13 Cart",
        "20 add -> 13 Cart",
        "27 note -> 13 Cart",
        "31 empty -> 13 Cart",
        "5 price -> 4 Item",
    ]
    assert said(shop, graph, "inherits") == ["13 Cart -> 6 Base"]
    assert said(shop, graph, "overrides") == ["20 add -> 9 add"]
    # An import goes to the root of the file that it names; a root's text begins with the file's first line.
    assert said(shop, graph, "imports") == [
        '1 from shop.cart import Cart -> shop/cart.py 1 """Carts."""',
        '3 from shop.goods import Item, price_of -> shop/goods.py 1 """What is sold."""',
    ]


def test_what_the_relations_say_of_typescript() -> None:
    shop = project_of(SHOP_IN_TYPESCRIPT)
    graph = build_graph(shop)

    # `new` reaches the constructor, `this` the methods of the class, a field that holds a function too.
    assert said(shop, graph, "argument->parameter") == [
        '3 "me" -> shop/cart.ts 15 owner',
        '7 "you" -> shop/cart.ts 34 owner',
        "22 item -> shop/goods.ts 7 item",
        "22 count -> shop/goods.ts 7 count",
        "25 total -> 28 total",
        "35 owner -> 15 owner",
    ]
    assert said(shop, graph, "return->call") == [
        "30 total -> 25 this.note(total)",
        '35 new Cart(owner) -> main.tsx 7 Cart.empty("you")',
        "8 item.price * count -> shop/cart.ts 22 priceOf(item, count)",
    ]
    assert said(shop, graph, "member-of") == [
        "4 limit -> 3 Base",
        "6 add -> 3 Base",
        "13 items -> 12 Cart",
        "15 constructor -> 12 Cart",
        "17 owner -> 12 Cart",
        "21 add -> 12 Cart",
        "28 note -> 12 Cart",
        "34 empty -> 12 Cart",
        "4 price -> 3 Item",
    ]
    assert said(shop, graph, "inherits") == ["12 Cart -> 3 Base"]
    assert said(shop, graph, "overrides") == ["21 add -> 6 add"]
    assert said(shop, graph, "imports") == [
        '1 import { Cart } from "./shop/cart"; -> shop/cart.ts 1 import { Item, priceOf } from "./goods";',
        '1 import { Item, priceOf } from "./goods"; -> shop/goods.ts 1 /** What is sold. */',
    ]


def test_what_the_relations_say_of_javascript() -> None:
    shop = project_of(SHOP_IN_JAVASCRIPT)
    graph = build_graph(shop)

    # What is handed to `exports` is reached through `require`.
    assert said(shop, graph, "argument->parameter") == [
        "10 item -> shop/goods.js 10 item",
        "10 2 -> shop/goods.js 10 count",
    ]
    assert said(shop, graph, "return->call") == ["12 item.price * count -> main.jsx 10 priceOf(item, 2)"]
    assert said(shop, graph, "member-of") == ["5 owner -> 3 Cart", "8 add -> 3 Cart", "9 last -> 3 Cart"]
    assert said(shop, graph, "imports") == ['1 require("./shop/goods") -> shop/goods.js 1 /** @type {number} */']


@pytest.mark.parametrize(
    "files",
    [
        {"a.py": "class A:\n    def f(self): ...\n", "b.py": "from a import A\nclass B(A):\n    def f(self): ...\n"},
        {"a.ts": "export class A {\n  f() {}\n}", "b.js": 'import { A } from "./a";\nclass B extends A {\n  f() {}\n}'},
        {
            "a.ts": "export interface A {\n  f(): void;\n}",
            "b.ts": 'import { A } from "./a";\nclass B implements A {\n  f() {}\n}',
        },
    ],
    ids=["python", "typescript", "interface"],
)
def test_an_override_and_an_inheritance_reach_other_files(files: dict[str, str]) -> None:
    project = project_of(files)
    graph = build_graph(project)
    above = next(iter(files))
    assert said(project, graph, "inherits") == [f"2 B -> {above} 1 A"]
    assert said(project, graph, "overrides") == [f"3 f -> {above} 2 f"]


def test_what_variables_say() -> None:
    # The value of an assignment is read before its target is written.
    assert edges_of("n = 1\nn = n + 2\nprint(n)\n", "next-use") == ["1 n -> 2 n", "2 n -> 2 n", "2 n -> 3 n"]
    _, graph = one_file("n = 1\nn = n + 2\nprint(n)\n")
    use, write = graph.edges["last-write"]
    starts = graph.node_span[:, 0]
    assert sorted(zip(starts[use].tolist(), starts[write].tolist(), strict=True)) == [(6, 0), (10, 0), (22, 6)]
    # An assignment's target is computed from every name of its value, a loop's from what it runs over.
    assert edges_of("a = f(b, c=d.e)\n", "computed-from") == ["1 a -> 1 b", "1 a -> 1 d", "1 a -> 1 e", "1 a -> 1 f"]
    assert edges_of("for k, v in rows: pass\n", "computed-from") == ["1 k -> 1 rows", "1 v -> 1 rows"]
    # A comprehension's body reads what its clauses bind, though it stands before them.
    assert edges_of("[u for u in w]\n", "next-use") == ["1 u -> 1 u"]
    # Names are of the function that binds them; a class body is invisible from its methods.
    assert edges_of("x = 1\ndef f(x):\n    return x\n", "next-use") == ["2 x -> 3 x"]
    assert edges_of("x = 1\nclass C:\n    x = 2\n    def f(self): return x\n", "next-use") == ["1 x -> 4 x"]
    assert edges_of("x = 1\ndef f():\n    global x\n    x = 2\n", "next-use") == ["1 x -> 4 x"]
    # A default is evaluated outside the function.
    assert edges_of("x = 1\ndef f(x=x): return x\n", "next-use") == ["1 x -> 2 x", "2 x -> 2 x"]
    # Attributes of a method's own object are variables of the class, beside what the class body binds.
    own = "class C:\n n = 0\n def f(me):\n  me.n = 1\n def g(self, other):\n  return self.n, other.n\n"
    assert [edge for edge in edges_of(own, "next-use") if edge.endswith("n")] == ["2 n -> 4 n", "4 n -> 6 n"]
    # A static method has no object of its own.
    assert edges_of("class C:\n    n = 0\n    @staticmethod\n    def f(x): return x.n\n", "next-use") == ["4 x -> 4 x"]


def uses(text: str, path: str = "a.ts") -> list[str]:
    """The chains of a TypeScript file, less those of the word `this`."""
    return [edge for edge in edges_of(text, "next-use", path) if not edge.endswith("this")]


def test_what_variables_say_in_typescript() -> None:
    assert uses("let n = 1;\nn = n + 2;\nf(n);\n") == ["1 n -> 2 n", "2 n -> 2 n", "2 n -> 3 n"]
    assert edges_of("const a = f(b, c.d);\n", "computed-from", "a.ts") == [
        "1 a -> 1 b",
        "1 a -> 1 c",
        "1 a -> 1 d",
        "1 a -> 1 f",
    ]
    assert edges_of("for (const [k, v] of rows) {}\n", "computed-from", "a.ts") == ["1 k -> 1 rows", "1 v -> 1 rows"]
    assert edges_of("const {a, b: {c = d}} = e;\n", "computed-from", "a.ts") == [
        "1 a -> 1 e",
        "1 c -> 1 d",
        "1 c -> 1 e",
    ]
    # A function that a name holds says nothing of the name by what stands in it.
    assert edges_of("const f = (x) => x + y;\n", "computed-from", "a.ts") == []
    # A block has names of its own, and `var` and functions aren't among them.
    assert uses("let a;\n{ let a = 1;\n  a }\na\n") == ["1 a -> 4 a", "2 a -> 3 a"]
    assert uses("{ var a = 1;\n  function f() {} }\na; f()\n") == ["1 a -> 3 a", "2 f -> 3 f"]
    assert uses("{ var [a, {b}] = c }\na; b\n") == ["1 a -> 2 a", "1 b -> 2 b"]
    assert uses("try {} catch (a) { a }\na\n") == ["1 a -> 1 a"]
    # An assignment binds nothing.
    assert uses("let a, b;\nfunction f() { a = 1; ({ c: [b] } = d); a++ }\n") == [
        "1 a -> 2 a",
        "1 b -> 2 b",
        "2 a -> 2 a",
    ]
    # What a loop steps is stepped behind its body.
    assert uses("for (let i = 0;\n  i < 3;\n  i++) {\n  i }\n") == ["1 i -> 2 i", "2 i -> 4 i", "4 i -> 3 i"]
    # A function's own parameters are seen from its defaults and its types.
    assert uses("let x;\nfunction f<T>(x = x): T { return x as T }\n") == [
        "2 T -> 2 T",
        "2 T -> 2 T",
        "2 x -> 2 x",
        "2 x -> 2 x",
    ]
    # Names of types are names, and those that a type binds live as long as it does.
    assert uses("type T<K> = { [P in K]: P };\nlet a: T<K>;\n") == ["1 K -> 1 K", "1 P -> 1 P", "1 T -> 2 T"]
    assert uses("type U<A> = A extends (infer R)[] ? R : never;\nlet R;\n") == ["1 A -> 1 A", "1 R -> 1 R"]
    # A name that is exported is used; what it is called elsewhere is no name here.
    assert uses('import a, { b as c } from "d";\nexport { c as a };\n') == ["1 c -> 2 c"]
    assert uses('let a;\nexport { a } from "b";\n') == []


def test_what_members_say_in_typescript() -> None:
    # Members are variables of their class wherever `this` is its object: in fields and closures, not in functions.
    fields = "class C {\n #n = 0;\n f = () => this.#n;\n g(o) { return o.map(() => this.#n) }\n}\n"
    assert uses(fields) == ["2 #n -> 3 #n", "3 #n -> 4 #n", "4 o -> 4 o"]
    assert uses("class C {\n n = 0;\n f() { return function () { return this.n } }\n}\n") == []
    assert uses("class C {\n n = 0;\n f() { return { g() { return this.n } } }\n}\n") == []
    assert uses("class C {\n get n() { return 0 }\n static {\n this.n }\n}\n") == ["2 n -> 4 n"]
    # A bare name is no member.
    assert uses("let n;\nclass C {\n n = n;\n f() { n }\n}\n") == ["1 n -> 3 n", "3 n -> 4 n"]
    assert uses("enum E {\n A,\n B = A\n}\n") == ["2 A -> 3 A"]
    # A parameter may be a member.
    assert uses("class C {\n constructor(private n) { n }\n f() { this.n }\n}\n") == ["2 n -> 2 n", "2 n -> 3 n"]
    # Type parameters are seen from all of the class, its name from around it.
    assert uses("class C<T> {\n T: T;\n f(): C<T> {}\n}\n") == ["1 C -> 3 C", "1 T -> 2 T", "2 T -> 3 T"]


def test_what_elements_say() -> None:
    """`<div>` is no variable, `<Foo>` is one."""
    assert uses("let div, Foo;\n<div id={Foo}><Foo.Bar /></div>\n", "a.jsx") == ["1 Foo -> 2 Foo", "2 Foo -> 2 Foo"]


def test_the_tree_is_in_the_graph() -> None:
    _, graph = one_file("def f(a):\n    return a\n")
    kinds = [graph.kinds[kind] for kind in graph.node_kind]
    assert kinds[:4] == ["module", "function_definition", '"def"', "identifier"]
    # Fields are the grammar's own; what has no field is a plain child.
    fields = {kind for kind in graph.edges if kind.startswith("child")}
    assert fields == {"child", "child:name", "child:parameters", "child:body"}
    # Every node but the root has one parent, and comes behind it.
    pairs = numpy.concatenate([graph.edges[kind] for kind in fields], axis=1)
    assert sorted(pairs[1].tolist()) == list(range(1, len(kinds)))
    assert (pairs[0] < pairs[1]).all()
    # Tokens follow one another in the order of the text.
    source, target = graph.edges["next-token"]
    assert (graph.node_span[source, 1] <= graph.node_span[target, 0]).all()


def test_the_tree_is_the_one_that_the_facts_were_read_from() -> None:
    """What the grammar doesn't know and the reader does (`in out`) leaves no hole in the graph either."""
    project, graph = one_file("interface Box<in out T> {\n  a: T;\n}\n", "a.ts")
    assert not project.modules["a.ts"].errors
    assert "ERROR" not in {graph.kinds[kind] for kind in graph.node_kind}
    assert (graph.slot_node >= 0).all()


@any_shop
def test_every_slot_has_its_leaf(shop: dict[str, str]) -> None:
    project = project_of(shop)
    graph = build_graph(project)
    assert set(graph.slots) == {slot.id for module in project.modules.values() for slot in module.slots}
    # A parameter that is taken apart has its closing bracket, a function without a name its arrow.
    nameless = {"__0": "}", "<anonymous>": "=>"}
    for slot, node in zip(graph.slots, graph.slot_node.tolist(), strict=True):
        name = slot.qualname.rpartition(".")[2] if slot.name == "return" else slot.name
        file = project.modules[slot.path].file
        start, end = graph.node_span[node].tolist()
        text = nameless.get(name, name)
        assert (graph.files[graph.node_file[node]], file.data[start:end].decode()) == (slot.path, text)


@any_shop
def test_networkx_reads_back_what_was_written(shop: dict[str, str]) -> None:
    graph = build_graph(project_of(shop))
    ours = graph.as_networkx()
    theirs = networkx.parse_graphml(graph.to_graphml())
    edges = sum(pairs.shape[1] for pairs in graph.edges.values())
    assert (theirs.number_of_nodes(), theirs.number_of_edges()) == (len(graph.node_kind), edges)
    assert {int(node): data for node, data in theirs.nodes(data=True)} == dict(ours.nodes(data=True))
    kinds = sorted((int(a), int(b), data["kind"]) for a, b, data in theirs.edges(data=True))
    assert kinds == sorted((a, b, data["kind"]) for a, b, data in ours.edges(data=True))


@any_shop
def test_json_holds_the_arrays(shop: dict[str, str]) -> None:
    graph = build_graph(project_of(shop))
    data = json.loads(graph.to_json())
    assert data["node_span"] == graph.node_span.tolist()
    assert {kind: len(pairs[0]) for kind, pairs in data["edges"].items()} == {
        kind: pairs.shape[1] for kind, pairs in graph.edges.items()
    }
    assert set(RELATIONS) <= set(data["edges"])
    assert len(data["slots"]) == len(data["slot_node"])


def test_dot_has_one_statement_a_node_and_an_edge() -> None:
    graph = build_graph(project_of({"a.py": 's = "a\\"b"\n# c:\\\\d\n'}))
    first, _, *statements, last = graph.to_dot().splitlines()
    assert (first, last) == ("digraph program {", "}")
    label = r'\[label="(?:[^"\\]|\\.)*"(?:, color=grey, fontcolor=grey)?\];'
    assert all(re.fullmatch(rf"  n\d+(?: -> n\d+)? {label}", statement) for statement in statements)
    assert len(statements) == len(graph.node_kind) + sum(pairs.shape[1] for pairs in graph.edges.values())


@any_shop
def test_file_order_changes_nothing(shop: dict[str, str]) -> None:
    plain = build_graph(project_of(shop)).to_json()
    for seed in range(4):
        shuffled = list(shop.items())
        random.Random(seed).shuffle(shuffled)
        assert build_graph(project_of(dict(shuffled))).to_json() == plain


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "# only\n",
        "def f(:\n    x = (1\n",
        "class\n",
        "print 'two'\n",
        "x = \n",
        "\tif:\n",
        "é = 'ü'\nprint(é)\n",
        "import\n",
    ],
)
def test_a_broken_file_gives_a_partial_graph(text: str) -> None:
    project, graph = one_file("def whole(a):\n    return a\n" + text)
    assert "return a" in {project.modules["a.py"].file.data[s:e].decode() for s, e in graph.node_span.tolist()}
    assert one_file(text)[1].files == ("a.py",)


BROKEN = [
    "",
    "\n",
    "// only\n",
    "function f(: {",
    "class {",
    "let = ;",
    "<a><b></a>",
    "`${",
    "/** @type {",
    "import {",
    "@",
]


@pytest.mark.parametrize("path", ["a.ts", "a.jsx"])
@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_file_of_typescript_gives_a_partial_graph(text: str, path: str) -> None:
    project, graph = one_file("function whole(a) { return a; }\n" + text, path)
    assert "return a;" in {project.modules[path].file.data[s:e].decode() for s, e in graph.node_span.tolist()}
    assert one_file(text, path)[1].files == (path,)


ALPHABETS = {
    "a.py": "xyf()[]{}:=,.*\n \t'\"lambdeforinself#@",
    "a.ts": "xyf()[]{}:=,.*\n '`$cons=>letfunthisclafor;/@#<",
}


@pytest.mark.parametrize("path", ALPHABETS)
@given(st.data())
def test_any_text_gives_a_graph_whose_edges_stay_inside_it(path: str, data: st.DataObject) -> None:
    _, graph = one_file(data.draw(st.text(alphabet=ALPHABETS[path], max_size=60)), path)
    for pairs in graph.edges.values():
        assert pairs.dtype == numpy.int32
        assert ((pairs >= 0) & (pairs < len(graph.node_kind))).all()


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "1" + ")" * 5000 + "\n",
        "x = " + "[" * 5000 + "x" + " for x in y]" * 5000 + "\n",
        "a = " * 5000 + "1\n",
        "f = " + "lambda x: " * 5000 + "x\n",
        "".join(" " * depth + f"def f{depth}():\n" for depth in range(400)) + " " * 400 + "return f0\n",
        "x" + ".a" * 5000 + "\n",
    ],
    ids=["brackets", "comprehensions", "chain", "lambdas", "functions", "attributes"],
)
def test_deep_nesting_is_walked_without_recursion(text: str) -> None:
    _, graph = one_file(text)
    assert len(graph.node_kind) >= 400


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "1" + ")" * 5000 + ";\n",
        "{" * 5000 + "let x = x;" + "}" * 5000 + "\n",
        "a = " * 5000 + "1;\n",
        "const f = " + "x => " * 5000 + "x;\n",
        "".join(f"function f{depth}() {{\n" for depth in range(1000)) + "f0();" + "}" * 1000 + "\n",
        "".join(f"class C{depth} {{ m() {{\n" for depth in range(300)) + "this.m();" + "}}" * 300 + "\n",
        "x" + ".a" * 5000 + ";\n",
        "<a>" * 2000 + "</a>" * 2000 + ";\n",
        "type T = " + "A extends infer R ? R : " * 1000 + "never;\n",
    ],
    ids=["brackets", "blocks", "chain", "arrows", "functions", "classes", "attributes", "elements", "types"],
)
def test_deep_nesting_of_typescript_is_walked_without_recursion(text: str) -> None:
    _, graph = one_file(text, "a.tsx")
    assert len(graph.node_kind) >= 2000
