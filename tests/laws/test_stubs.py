"""Stubs: every stub is a program, and declares what the annotated file holds."""

from __future__ import annotations

import ast
import sysconfig
from pathlib import Path

import pytest

from typeinfer.languages.python.stubs import stub
from typeinfer.values.source import SourceFile, Unreadable, decode

ANNOTATED = '''"""Carts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeVar, overload

if TYPE_CHECKING:
    from shop.item import Item

T = TypeVar("T")
LIMIT = 10
table: dict[str, Item] = {}


class Cart(list):
    """A cart."""

    size: int = 0

    def __init__(
        self,
        item: Item,  # the first
        sep=", ",
        seen=[1],
    ) -> None:
        self.first: Item = item
        self.later = item.later

    @property
    def total(self) -> int:
        return 1


class Empty(Exception):
    pass


@overload
def get(key: int) -> int: ...
@overload
def get(key: str) -> str: ...
def get(key):
    return key


if sys.platform == "win32":
    def close() -> None: ...
else:
    async def close(*, hard: bool = False) -> None:
        pass

if __name__ == "__main__":
    main = close()
'''

STUB = """from _typeshed import Incomplete
import sys
from typing import TYPE_CHECKING, TypeVar, overload
from shop.item import Item
T = TypeVar("T")
LIMIT: int
table: dict[str, Item]
class Cart(list):
    first: Item
    later: Incomplete
    size: int = ...
    def __init__(self, item: Item, sep=", ", seen=...) -> None: ...
    @property
    def total(self) -> int: ...
class Empty(Exception): ...
@overload
def get(key: int) -> int: ...
@overload
def get(key: str) -> str: ...
if sys.platform == "win32":
    def close() -> None: ...
else:
    async def close(*, hard: bool = False) -> None: ...
"""


def test_a_stub() -> None:
    assert stub(SourceFile("cart.py", "python", ANNOTATED.encode())) == STUB


@pytest.mark.slow
def test_stubs_of_the_standard_library_are_programs() -> None:
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        try:
            file = decode(path.name, "python", path.read_bytes())
        except Unreadable:
            continue
        ast.parse(stub(file), path.name)
