"""The laws of rewriting: nothing but annotations and their imports changes, and whatever else would is caught."""

from __future__ import annotations

import ast
import re
import sys
import sysconfig
import warnings
from collections.abc import Sequence
from pathlib import Path

import hypothesmith
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from one_file import module_of, names_of, patched, place
from test_annotations import TYPES

from typeinfer.languages.language import NotErasable
from typeinfer.languages.python import Python, erasure
from typeinfer.languages.python.annotations import parse_type
from typeinfer.values.module import Module
from typeinfer.values.outcomes import Changed, Failed, Unchanged
from typeinfer.values.patches import Edit, Placed, Rewrite
from typeinfer.values.source import SourceFile, Span, Unreadable, decode
from typeinfer.values.typeexpr import Named, TypeExpr, rename

PYTHON = Python()
VERSIONS = [(3, 7), (3, 8), (3, 9), (3, 10), (3, 12), (3, 14)]

QUALIFIED = {
    "Cart": "shop.item.Item",
    "Box": "collections.deque",
    "Path": "pathlib.Path",
    "float": "typing.Hashable",
    "bytes": "numpy.ndarray",
}

WORLDLY = TYPES.map(lambda term: rename(term, lambda name: QUALIFIED.get(name, name)))


def annotated(module: Module, placed: Sequence[Placed], version: tuple[int, int]) -> SourceFile:
    """The file with these types, all laws kept, and stable."""
    names = names_of(module)
    outcome = patched(PYTHON, module, placed, names, version)
    assert not isinstance(outcome, Failed), f"{outcome.reason}:\n{module.file.text}"
    if isinstance(outcome, Unchanged):
        return module.file
    assert isinstance(outcome, Changed)
    result = outcome.patch.result()
    again = PYTHON.read(result, module.name, module.is_package)
    written = {slot.id for slot in again.slots if slot.written is not None}
    refused = {refusal.slot.id for refusal in outcome.refused}
    assert {asked.slot.id for asked in placed} - refused <= written
    before = ast.dump(ast.parse(Erased().of(module.file.text)))
    assert ast.dump(ast.parse(Erased(outcome.patch.edits).of(result.text))) == before
    return result


class Erased(ast.NodeTransformer):
    """The same law once more by Python's own parser, which drops all annotations and all imports at the top level."""

    def __init__(self, edits: Sequence[Edit] = ()) -> None:
        self.edits = edits

    def of(self, text: str) -> str:
        tree = ast.parse(text)
        tree.body = [node for node in tree.body if not _is_import(node)]
        return ast.unparse(ast.fix_missing_locations(self.visit(tree)))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return node
        return self.generic_visit(ast.Assign([node.target], node.value, lineno=node.lineno))


def _is_import(node: ast.stmt) -> bool:
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return all(map(_is_import, node.body))
    return isinstance(node, ast.Import | ast.ImportFrom)


HEADS = st.sampled_from(
    [
        "",
        '"""Doc."""\n',
        "#!/usr/bin/python\n# a licence\n\n",
        "# a comment\nimport os\n",
        '"""Doc."""\nfrom __future__ import division\nimport os, sys\n',
        "import typing\nfrom typing import List, Optional  # these\n\nx = 1\n",
        "from typing import (\n    Any,\n    cast,  # c\n    # last\n)\n",
        "from typing import (Any,\n                    cast)\n",
        "from . import money\nif True:\n    import re\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n\tfrom shop.item import Price\n",
        "try:\n    import numpy as np\nexcept ImportError:\n    np = None\n",
        "import os; import sys\nfrom pathlib import Path; x = (1,\n 2)\n",
        "\f\nimport os\n\f\n",
        "from typing import *\n",
        "import collections.abc\nimport pathlib as p\nimport numpy\n",
        "from collections import \\\n    deque\n",
    ]
)
BODIES = st.lists(
    st.sampled_from(
        [
            "def f(a, b=1, *c, d = 2, **e):\n    x = 1\n    return x\n",
            "\n\nasync def g(\n    a,  # one\n    b=None,\n):\n    pass\n",
            "class C(object):\n    z=1\n    def m(self, list, k=lambda q: q):\n        self.y = list\n"
            "        def inner(v): return v\n",
            "class D:\n    def list(self): pass\n    def str(self, a): return a\n",
            "\f\ndef h(): pass\n",
            "def k(Path, deque): return Path\n",
            "if x:\n\tdef t(a):\n\t\treturn a\nelif y:\n\n\t# so\n\tpass\n",
            "y = 1; z = 2\n",
            "# comment at the end\n",
            "def u(a): return a  # type: ignore\n",
            "Item = 3\n",
            "@dataclass\nclass E:\n    q = 1\n",
            "ndarray = _ndarray = 1\n",
        ]
    ),
    max_size=6,
).map("".join)


@settings(max_examples=400, deadline=None)
@given(HEADS, BODIES, st.data())
def test_whatever_is_placed_in_whatever_file_only_annotations_come(head: str, body: str, data: st.DataObject) -> None:
    text = head + body
    if data.draw(st.booleans(), "without last line end"):
        text = text.removesuffix("\n")
    if data.draw(st.booleans(), "carriage returns"):
        text = text.replace("\n", "\r\n")
    module = module_of(text)
    free = [slot for slot in module.slots if slot.written is None]
    chosen = [slot for slot in free if data.draw(st.booleans())]
    placed = [Placed(slot, data.draw(WORLDLY)) for slot in chosen]
    result = annotated(module, placed, data.draw(st.sampled_from(VERSIONS)))
    assert ("\r\n" in text) == ("\r\n" in result.text) or module.file == result
    if "\r\n" in text:
        assert "\n" not in result.text.replace("\r\n", "")
    assert result.text.endswith("\n") == text.endswith("\n") or not text


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(hypothesmith.from_node(), hypothesmith.from_grammar()), st.data())
def test_generated_programs(text: str, data: st.DataObject) -> None:
    try:
        file = decode("shop/cart.py", "python", text.encode())
    except (Unreadable, UnicodeEncodeError):
        assume(False)
    module = PYTHON.read(file, "shop.cart", False)
    assume(PYTHON.refusal(file, module) is None)
    placed = [Placed(slot, data.draw(WORLDLY)) for slot in module.slots if slot.written is None]
    outcome = patched(PYTHON, module, placed, names_of(module), (3, 10))
    # What LibCST reads otherwise than tree-sitter is refused, and never written.
    if isinstance(outcome, Changed) and outcome.patch.edits:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(outcome.patch.result().text)


@pytest.mark.slow
def test_standard_library() -> None:
    """Every slot of every file directly in the library, with types that need imports."""
    types = [parse_type(text) for text in ("int", "pathlib.Path | None", "shop.item.Item", "Callable[[int], str]")]
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    failed, annotated_files = [], 0
    for path in files[::6]:
        try:
            file = decode("shop/cart.py", "python", path.read_bytes())
        except Unreadable:
            continue
        module = PYTHON.read(file, "shop.cart", False)
        free = [slot for slot in module.slots if slot.written is None]
        placed = [Placed(slot, types[at % len(types)]) for at, slot in enumerate(free)]
        outcome = patched(PYTHON, module, placed, names_of(module), (3, 10))
        annotated_files += isinstance(outcome, Changed)
        if isinstance(outcome, Failed):
            failed.append(f"{path.name}: {outcome.reason}")
    assert failed == []
    assert annotated_files > 10


# --- the proof catches what is no annotation ------------------------------------------------------------------------

BEFORE = (
    '"""Doc."""\nimport os\n\n# why\ndef f(a, b=1):  # so\n    x = [a,  b]\n    if x:\n        y = 2\n    return x\n'
)

# Each a replacement in the file that any edit could have made by mistake.
MISTAKES = [
    ("b=1", "b=2"),
    ("b=1", "b: int=2"),
    ("# why\n", ""),
    ("# so", "# no"),
    ("[a,  b]", "[a, b]"),
    ("x = [", "x: list = (yield)["),
    ("x = [", "x: int\n    x = ["),
    ("import os\n", ""),
    ("import os\n", "import os\nimport sys\n"),
    ("import os\n", "import os\nfrom pathlib import Path\n"),
    ("import os\n", "import os\nfrom typing import Any  # noqa\n"),
    ("import os\n", "import os\nfrom typing import Any as f\n"),
    ("import os\n", "import os\nfrom typing import *\n"),
    ("import os\n", "import os\nif TYPE_CHECKING:\n    x = 1\n"),
    ("import os\n", "import os\nif os:\n    from typing import Any\n"),
    ("import os\n", "import os\nif TYPE_CHECKING:\n    from typing import Any\nelse:\n    pass\n"),
    ("import os\n", "import os, sys\n"),
    ("import os\n", "import os as o\n"),
    ("    return x\n", "    return x\n\n"),
    ("    return x\n", "    return x"),
    ("    return x\n", "    return  x\n"),
    ("    return x\n", "\n    return x\n"),
    ("    return x\n", "        return x\n"),
    ("def f", "async def f"),
    ("def f", "@g\ndef f"),
    ("(a, b", "(a, b,"),
    ("(a, b", "(a, /, b"),
    ("(a, b", "(b, a"),
    ("if x:", "if  x:"),
    ("if x:", "if not x:"),
    ("y = 2", "y = 2;"),
    ("y = 2", "y: int = 2; z = 3"),
    ("y = 2", "y = z = 2"),
    ('"""Doc."""', "'''Doc.'''"),
    ("\n", "\r\n"),
]


def prove(before: str, after: str, *added: str) -> None:
    one = SourceFile("a.py", "python", before.encode())
    two = one.with_data(after.encode())
    whole = Edit(Span(0, len(one.data)), after)
    PYTHON.prove_erasable(one, two, Rewrite((whole,), added))


@pytest.mark.parametrize(("old", "new"), MISTAKES)
def test_a_mistake_is_no_annotation(old: str, new: str) -> None:
    assert old in BEFORE
    with pytest.raises(NotErasable):
        prove(BEFORE, BEFORE.replace(old, new), "typing.Any")


TABLE = "TABLE = {\n" + "".join(f"    {number}: ('{number:x}', None),\n" for number in range(900)) + "}\n"
"""So large that it is left out of a proof."""


def prove_beside(table: str, before: str, after: str, *added: str) -> None:
    """As `prove`, below a table that no edit touches."""
    one = SourceFile("a.py", "python", (table + before).encode())
    edit = Edit(Span(len(table.encode()), len(one.data)), after)
    PYTHON.prove_erasable(one, one.with_data((table + after).encode()), Rewrite((edit,), added))


@pytest.mark.parametrize(("old", "new"), MISTAKES)
def test_a_mistake_below_a_large_table_is_none_either(old: str, new: str) -> None:
    with pytest.raises(NotErasable):
        prove_beside(TABLE, BEFORE, BEFORE.replace(old, new), "typing.Any")


def test_a_large_table_that_stands_untouched_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """But for its place: above what is annotated, between, and below."""
    read: list[int] = []
    parse = erasure.cst.parse_module
    monkeypatch.setattr(erasure.cst, "parse_module", lambda text: (read.append(len(text)), parse(text))[1])
    text = f"{TABLE}\n\n{BEFORE}\n\nMORE = {TABLE[8:]}\n\ndef g(a):\n    return a\n\n\nLAST = {TABLE[8:]}"
    module = module_of(text)
    result = annotated(module, place(module, {"f(a)": Named("int"), "g(a)": Named("typing.Any")}), (3, 10))
    assert result.text.count("a: int") == 1 and "from typing import Any" in result.text
    assert read and max(read) < len(TABLE) // 10


@pytest.mark.parametrize(
    "table",
    [
        TABLE.replace("None", "Any"),
        TABLE.replace("None", "[Any for _ in ()]"),
        TABLE.replace("TABLE =", "TABLE = TABLE +", 1),
        TABLE.replace("TABLE = {", "TABLE = dict({", 1) + ")\n",
        "class C:\n    " + TABLE.replace("\n", "\n    ") + "pass\n",
    ],
)
def test_a_table_that_names_something_or_is_part_of_something_is_read(table: str) -> None:
    """`Any` has another meaning there: an import of it would change what the table holds."""
    text = "def f(a):\n    return a\n"
    annotated_text = text.replace("(a)", "(a: Any)")
    if "Any" in table:
        with pytest.raises(NotErasable, match="another meaning"):
            prove_beside(table, text, f"from typing import Any\n\n\n{annotated_text}", "typing.Any")
    else:
        prove_beside(table, text, text.replace("(a)", "(a: int)"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("X = {one}\n", "X: {one} = ()\n"),
        ("X = {one}\nY = ()\n", "X = ()\nY = {one}\n"),
        ("X = {one}\nY = '()'\n", "X = ()\nY = '{one}'\n"),
        ("X = {one}  # ()\n", "X = ()  # {one}\n"),
        ("X = {one}\n\n\ndef f(a=()): pass\n", "X = ()\n\n\ndef f(a={one}): pass\n"),
        ("X = {one}\n\n\ndef f(a): pass\n", "X = ()\n\n\ndef f(a: {one}): pass\n"),
        ("X = {one}\nY = {two}\nZ = ()\n", "X = ()\nY = {one}\nZ = {two}\n"),
        ("X = {one}\nY = {two}\n", "Y = {one}\nX = {two}\n"),
    ],
)
def test_a_table_stays_where_it_was(before: str, after: str) -> None:
    """However it came there: every edit is between tables, and none of them is touched."""
    tables = {"one": "[" + "1, " * 7000 + "]", "two": "[" + "2, " * 7000 + "]"}
    cuts = [re.split(r"\{one\}|\{two\}", text) for text in (before, after)]
    assert len(cuts[0]) == len(cuts[1]), "the same tables in the same order"
    one = SourceFile("a.py", "python", before.format(**tables).encode())
    edits, at = [], 0
    names = re.findall(r"\{(one|two)\}", before)
    for number, (old, new) in enumerate(zip(*cuts, strict=True)):
        edits.append(Edit(Span(at, at + len(old)), new))
        at += len(old) + (len(tables[names[number]]) if number < len(names) else 0)
    with pytest.raises(NotErasable):
        PYTHON.prove_erasable(one, one.with_data(after.format(**tables).encode()), Rewrite(tuple(edits)))


def test_an_edit_in_a_table_is_seen() -> None:
    for old, new in (("None", "0"), ("    7:", "    7 :"), ("}\n", "}  # so\n")):
        with pytest.raises(NotErasable):
            prove(TABLE + BEFORE, TABLE.replace(old, new, 1) + BEFORE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("b=1", "b: int = 1"),
        ("b=1", "b: int=1"),
        ("(a,", "(a: 'x',"),
        (":  # so", " -> None:  # so"),
        ("x = [", "x: list = ["),
        ("import os\n", "import os\nfrom typing import Any\n"),
        ("import os\n", "import os\nfrom typing import Any as _Any\n"),
        ("import os\n", "import os\n\nif TYPE_CHECKING:\n    from typing import Any\n"),
        ("import os\n", "\nfrom typing import Any\n\nimport os\n"),
    ],
)
def test_an_annotation_is_one(old: str, new: str) -> None:
    prove(BEFORE, BEFORE.replace(old, new), "typing.Any")


def test_an_annotation_that_was_there_stays() -> None:
    with pytest.raises(NotErasable):
        PYTHON.prove_erasable(
            SourceFile("a.py", "python", b"def f(a: int): pass\n"),
            SourceFile("a.py", "python", b"def f(a): pass\n"),
            Rewrite((Edit(Span(7, 12), ""),)),
        )


def test_replacing_an_annotation_that_an_edit_names() -> None:
    module = module_of("def f(a: int, b: str): pass\n")
    result = annotated(module, place(module, {"f(a)": Named("bytes")}), (3, 10))
    assert result.text == "def f(a: bytes, b: str): pass\n"


def test_a_result_that_no_longer_compiles_is_caught() -> None:
    with pytest.raises(NotErasable, match="compile"):
        prove("def f():\n    global x\n    x = 1\n", "def f():\n    global x\n    x: int = 1\n")


# --- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "nested",
    [
        "x = " + "(" * 5_000 + ")" * 5_000,
        "x = " + "[" * 5_000 + "]" * 5_000,
        "x = " + "-" * 5_000 + "1",
        "x = a" + ".b" * 5_000,
        "x = 1" + " + 1" * 5_000,
        "x = " + "lambda: " * 5_000 + "1",
        "x = " + "f(" * 390 + ")" * 390,
        "x = " + "[" * 190 + "]" * 190,
    ],
    ids=lambda nested: nested[:12],
)
def test_deep_nesting_is_written_whole_or_refused_with_a_reason(nested: str) -> None:
    module = module_of(f"def f(a):\n    return a\n\n\n{nested}\n")
    asked = place(module, {"f(a)": Named("int")})
    outcome = patched(PYTHON, module, asked, names_of(module), (3, 10))
    assert isinstance(outcome, Changed) or (isinstance(outcome, Failed) and "nests" in outcome.reason)


@pytest.mark.parametrize(
    "raw",
    [
        b"\xef\xbb\xbfdef f(a):\n    return a\n",
        b"# -*- coding: latin-1 -*-\n# caf\xe9\ndef f(a):\n    return '\xe9'\n",
        b"# coding: cp1252\ndef f(a):\n    return '\x80'\n",
        b"def f(a):\r\n    return a\r\n",
        b"def f(a):\n    return a",
        b"x = 1\n\x0cdef f(a):\n\treturn a\n",
        b"def f(a):\n    return a\n\x0c\n",
        "def f(a):\n    return '\U0001f600'  # \u00fc\n".encode(),
        b"x = 1\r\ndef f(a):\n    return a\n",
        b"\n\n\n   # odd\ndef f(a):\n    return a   \n\n\n",
    ],
)
@pytest.mark.parametrize("wanted", ["int", "pathlib.Path", "shop.item.Item"])
def test_every_other_byte_is_kept(raw: bytes, wanted: str) -> None:
    file = decode("shop/cart.py", "python", raw)
    module = PYTHON.read(file, "shop.cart", False)
    result = annotated(module, place(module, {"f(a)": parse_type(wanted)}), (3, 10)).to_bytes()
    last = wanted.rpartition(".")[2].encode()
    assert b"def f(a: " + last + b"):" in result
    rest = iter(result)
    assert all(byte in rest for byte in raw), "the file before is what is left when bytes are taken out"
    assert result.endswith(raw.partition(b"def f(a):")[2])


def test_a_name_that_the_encoding_lacks_is_refused() -> None:
    file = decode("shop/cart.py", "python", "# coding: latin-1\ndef f(a, b): pass\n".encode("latin-1"))
    module = PYTHON.read(file, "shop.cart", False)
    types: dict[str, TypeExpr] = {"f(a)": Named("shop.item.Ωmega"), "f(b)": Named("int")}
    outcome = patched(PYTHON, module, place(module, types), names_of(module), (3, 10))
    assert isinstance(outcome, Changed)
    assert [refusal.reason for refusal in outcome.refused] == ["iso8859-1 has no characters for Ωmega"]
    assert b"def f(a, b: int)" in outcome.patch.result().to_bytes()


def test_a_module_that_typing_needs_gets_no_import_of_typing() -> None:
    module = module_of("def f(a): pass\n", name="abc", path="abc.py")
    placed = place(module, {"f(a)": Named("shop.item.Item")})
    rewrite = PYTHON.writer(module, names_of(module, cyclic=["abc", "typing"]), (3, 10))(placed)
    assert rewrite.edits == ()
    assert [refusal.reason for refusal in rewrite.refused] == [
        "shop.item can only be imported under TYPE_CHECKING, which this file can't import"
    ]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="the import below is new in 3.11")
def test_nothing_is_imported_at_run_time_that_may_be_missing_there() -> None:
    module = module_of("def f(a, b): pass\n")
    types: dict[str, TypeExpr] = {"f(a)": Named("fcntl.Lock"), "f(b)": Named("csv._Reader")}
    result = annotated(module, place(module, types), (3, 10)).text
    guarded = result.partition("if TYPE_CHECKING:")[2]
    assert "    from csv import _Reader\n    from fcntl import Lock\n" in guarded
