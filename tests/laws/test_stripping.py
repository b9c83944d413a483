"""Stripping: an annotated file in; the same file without annotations, and what was taken out."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import pytest

import typeinfer
from typeinfer.evaluation.judge import Variant
from typeinfer.evaluation.python.stripping import read_tree, strip_project
from typeinfer.evaluation.python.written import skeleton


def strip(text: str, variant: Variant = "kept") -> str:
    return strip_files({"shop/cart.py": text}, variant)["shop/cart.py"]


def strip_files(files: dict[str, str], variant: Variant = "kept") -> dict[str, str]:
    raw = {path: textwrap.dedent(text).encode() for path, text in files.items()}
    return {path: data.decode() for path, data in strip_project(raw, variant).files.items()}


def truth(text: str) -> dict[str, str]:
    found = strip_project({"cart.py": textwrap.dedent(text).encode()}, "kept").truth
    return {f"{slot.qualname}:{slot.kind.value}:{slot.name}:{slot.ordinal}": written for slot, written in found.items()}


def test_the_skeleton_sees_every_change_but_annotations_and_imports() -> None:
    def same(one: str, other: str) -> bool:
        return skeleton(ast.parse(one)) == skeleton(ast.parse(other))

    before = "import os\ndef f(x=1):\n    y = x\n    return y\n"
    after = "import os\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from a import B\n"
    assert same(before, after + "def f(x: 'B' = 1) -> int:\n    y: int = x\n    return y\n")
    assert not same(before, "import os\ndef f(x=2):\n    y = x\n    return y\n")
    assert not same(before, "import os\ndef f(x=1):\n    return x\n")
    assert not same(before, "import os\nprint()\ndef f(x=1):\n    y = x\n    return y\n")
    assert not same("if TYPE_CHECKING:\n    x = 1\n", "")


class Erase(ast.NodeTransformer):
    """The law, said a second time on the syntax tree. For files without field classes and aliases."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.returns = None
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.returns = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        return ast.Assign([node.target], node.value, lineno=0) if node.value else None


AWKWARD = '''
# -*- coding: utf-8 -*-
import os
name: str = "é"; size: int = 3
(total): int = 4
pair: tuple[int, ...] = 1, 2
limits : "dict[str, int]"= {}
def one(a: int, /, b: (str) = "->", *args: int, key: "x" =  1, other: (
    # a comment with (
    int  # another )
) = 2, **rest: float) -> (  # )
    list[int]
): return [a]
async def two(self, x  :  int=3, y: int
    = 4) \\
    -> None:
    """é"""; z: int; z = 1
    for z in ():
        w: int
        w = 3
class Cart:
    def add(self: "Cart", été: int = 1) -> "Cart":
        self.items: list[int] = []
        os.environ["x"]: str = "y"
        other = self
        other.items: list = []
        if True: self.count: int = 3
        return self
\tclass_body = 1
'''.replace("\tclass_body", "    class_body")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_tree_after_is_the_tree_before_less_its_annotations(newline: str) -> None:
    text = AWKWARD.replace("\n", newline)
    stripped = strip_project({"cart.py": text.encode()}, "kept").files["cart.py"].decode()
    assert ast.dump(ast.parse(stripped)) == ast.dump(Erase().visit(ast.parse(text)))
    assert not any(isinstance(node, ast.AnnAssign) for node in ast.walk(ast.parse(stripped)))


def test_what_is_no_annotation_stays_byte_for_byte() -> None:
    assert strip("def f(x: int = 3, *, y: str) -> None:  # why\n    z: int = 1 # keep\n") == (
        "def f(x=3, *, y):  # why\n    z = 1 # keep\n"
    )
    assert strip("def f(  a,b = 3 ) : return  a\n") == "def f(  a,b = 3 ) : return  a\n"


def test_a_declaration_without_a_value_goes_and_leaves_no_empty_block() -> None:
    assert strip("class A:\n    x: int\n    y: int\n") == "class A:\n    pass\n"
    assert strip("class A:\n    x: int  # one\n    y = 1\n") == "class A:\n    y = 1\n"
    assert strip("class A: x: int\n") == "class A: pass\n"


FIELDS = """
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol, TypeAlias, TypedDict
Names: TypeAlias = "list[str]"
@dataclass
class Item:
    price: int
    kinds: ClassVar[int] = 3
class Pair(NamedTuple):
    left: int
class Shape(TypedDict):
    side: int
class Square(Shape):
    edge: int
class Sized(Protocol):
    size: int
"""


def test_what_means_something_at_run_time_stays() -> None:
    assert strip(FIELDS) == FIELDS
    assert truth(FIELDS) == {}
    inherited = strip_files({"a.py": FIELDS, "b.py": "from a import Square\nclass Cube(Square):\n    depth: int\n"})
    assert "depth: int" in inherited["b.py"]


def test_methods_of_field_classes_are_stripped_all_the_same() -> None:
    text = "@dataclass\nclass Item:\n    price: int\n    def double(self) -> int: return 2 * self.price\n"
    assert truth(text) == {"Item.double:return:return:0": "int"}


def test_slots_are_named_by_function_class_and_ordinal() -> None:
    text = """
    total: int = 3
    class Cart:
        size: int = 3
        def __init__(self, items: list[int]) -> None:
            self.items: list[int] = items
            def inner(x: int, self: str):
                self.other: int = x
            found: str = ""
        @overload
        def get(self, key: int) -> int: ...
        def get(self, key) -> str: ...
        @staticmethod
        def make(self: int): ...
    """
    assert truth(text) == {
        ":variable:total:0": "int",
        "Cart:attribute:size:0": "int",
        "Cart.__init__:parameter:items:0": "list[int]",
        "Cart.__init__:return:return:0": "None",
        "Cart:attribute:items:0": "list[int]",
        "Cart.__init__.inner:parameter:x:0": "int",
        "Cart.__init__.inner:parameter:self:0": "str",
        "Cart.__init__:variable:found:0": "str",
        "Cart.get:parameter:key:0": "int",
        "Cart.get:return:return:0": "int",
        "Cart.get:return:return:1": "str",
        "Cart.make:parameter:self:0": "int",
    }


def test_annotations_that_say_nothing_are_no_ground_truth() -> None:
    text = """
    T = TypeVar("T")
    P = ParamSpec("P")
    def f(a: Any, b: "t.Any", c: T, d: "T", e: Union[Any, Any], *args: P.args, **kwargs: P.kwargs) -> Self: ...
    def g(a: list[Any], b: type[T], c: Any | None) -> "Self | None": ...
    LIMIT: Final = 3
    """
    assert list(truth(text).values()) == ["list[Any]", "type[T]", "Any | None", "'Self | None'"]


def test_a_line_of_several_statements_loses_only_the_declaration() -> None:
    assert strip("x: int; y = 1; z: str\n") == "y = 1\n"
    assert strip("x: int; y: int;\nz = 1\n") == "pass;\nz = 1\n"


def test_bare_takes_out_the_imports_that_only_annotations_used() -> None:
    text = """\
    from __future__ import annotations
    import os
    from typing import (
        TYPE_CHECKING,
        Any,  # anything
        Iterator,
        Optional,
        cast,
    )
    from shop import Basket, Price, Shelf
    try:
        from typing import Self
    except ImportError:
        from typing_extensions import Self
    if TYPE_CHECKING:
        from shop.stock import Stock
        Names = list[str]

    def f(x: Optional[Basket], y: Stock, z: Names, **rest: Any) -> Self:
        from shop import Shelf
        return cast("Price", Shelf(x))
    """
    assert strip(text, "bare") == textwrap.dedent("""\
    from __future__ import annotations
    import os
    from typing import (
        Iterator,
        cast,
    )
    from shop import Price, Shelf
    try:
        pass
    except ImportError:
        pass

    def f(x, y, z, **rest):
        from shop import Shelf
        return cast("Price", Shelf(x))
    """)
    assert "if TYPE_CHECKING:" in strip(text, "kept")


def test_bare_keeps_what_the_program_still_reads() -> None:
    text = """\
    from typing import List, Optional
    from shop import Basket as Basket, Item, Shelf
    __all__ = ["Shelf"]
    Items = List["Item"]
    def f(a: Basket, b: Item, c: Shelf, d: Optional[int]): ...
    """
    stripped = strip(text, "bare")
    assert "from typing import List\n" in stripped
    assert "from shop import Basket as Basket, Item, Shelf\n" in stripped


def test_bare_keeps_functions_that_only_checkers_see() -> None:
    text = """\
    from typing import TYPE_CHECKING, overload
    class Cart:
        if TYPE_CHECKING:
            @overload
            def get(self, key: int) -> int: ...
        def get(self, key: str) -> str: ...
    """
    assert strip(text, "bare") == textwrap.dedent("""\
    from typing import TYPE_CHECKING, overload
    class Cart:
        if TYPE_CHECKING:
            @overload
            def get(self, key): ...
        def get(self, key): ...
    """)


def test_bare_keeps_what_another_module_imports_from_here() -> None:
    files = {
        "shop/__init__.py": "from shop.cart import Cart\ndef f(x: Cart): ...\n",
        "shop/till.py": "from . import Cart\nCart()\n",
    }
    assert strip_files(files, "bare")["shop/__init__.py"].startswith("from shop.cart import Cart\n")
    files["shop/till.py"] = "from . import Cart\ndef g(x: Cart): ...\n"
    assert strip_files(files, "bare") == {"shop/__init__.py": "def f(x): ...\n", "shop/till.py": "def g(x): ...\n"}


def test_a_file_that_does_not_parse_stays_as_it_is_and_says_so() -> None:
    done = strip_project({"old.py": b"print 'x'\n"}, "bare")
    assert done.files == {"old.py": b"print 'x'\n"}
    assert done.skipped["old.py"].startswith("does not parse")


@pytest.mark.parametrize("variant", ["kept", "bare"])
def test_our_own_code_stripped_still_parses_and_strips_to_itself(variant: Variant) -> None:
    once = strip_project(read_tree(Path(typeinfer.__file__).parent), variant)
    assert len(once.truth) > 500
    for path, raw in once.files.items():
        compile(raw, path, "exec")
    again = strip_project(once.files, variant)
    assert again.files == once.files
    assert again.truth == {}
