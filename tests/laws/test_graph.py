"""The program graph: what every edge means, on a shop of three files, and the laws that hold for any project."""

from __future__ import annotations

import json
import random
import re

import networkx
import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from whole_project import SHOP, project_of

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


def one_file(text: str) -> tuple[Project, ProgramGraph]:
    project = project_of({"a.py": text})
    return project, build_graph(project)


def edges_of(text: str, kind: str) -> list[str]:
    return sorted(said(*one_file(text), kind))


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


def test_an_override_and_an_inheritance_reach_other_files() -> None:
    project = project_of(
        {"a.py": "class A:\n    def f(self): ...\n", "b.py": "from a import A\nclass B(A):\n    def f(self): ...\n"}
    )
    graph = build_graph(project)
    assert said(project, graph, "inherits") == ["2 B -> a.py 1 A"]
    assert said(project, graph, "overrides") == ["3 f -> a.py 2 f"]


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


def test_every_slot_has_its_leaf() -> None:
    shop = project_of(SHOP)
    graph = build_graph(shop)
    assert set(graph.slots) == {slot.id for module in shop.modules.values() for slot in module.slots}
    for slot, node in zip(graph.slots, graph.slot_node.tolist(), strict=True):
        name = slot.qualname.rpartition(".")[2] if slot.name == "return" else slot.name
        file = shop.modules[slot.path].file
        start, end = graph.node_span[node].tolist()
        assert (graph.files[graph.node_file[node]], file.data[start:end].decode()) == (slot.path, name)


def test_networkx_reads_back_what_was_written() -> None:
    graph = build_graph(project_of(SHOP))
    ours = graph.as_networkx()
    theirs = networkx.parse_graphml(graph.to_graphml())
    edges = sum(pairs.shape[1] for pairs in graph.edges.values())
    assert (theirs.number_of_nodes(), theirs.number_of_edges()) == (len(graph.node_kind), edges)
    assert {int(node): data for node, data in theirs.nodes(data=True)} == dict(ours.nodes(data=True))
    kinds = sorted((int(a), int(b), data["kind"]) for a, b, data in theirs.edges(data=True))
    assert kinds == sorted((a, b, data["kind"]) for a, b, data in ours.edges(data=True))


def test_json_holds_the_arrays() -> None:
    graph = build_graph(project_of(SHOP))
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


def test_file_order_changes_nothing() -> None:
    plain = build_graph(project_of(SHOP)).to_json()
    for seed in range(4):
        shuffled = list(SHOP.items())
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


@given(st.text(alphabet="xyf()[]{}:=,.*\n \t'\"lambdeforinself#@", max_size=60))
def test_any_text_gives_a_graph_whose_edges_stay_inside_it(text: str) -> None:
    _, graph = one_file(text)
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
