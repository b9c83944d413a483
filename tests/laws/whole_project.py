"""A project from texts, for the laws of graph and slices: path -> text in, `Project` out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from typeinfer.program.project import Project, read_project
from typeinfer.values.source import SourceFile


def project_of(texts: Mapping[str, str]) -> Project:
    return read_project(Path(), {path: SourceFile(path, "python", text.encode()) for path, text in texts.items()})


SHOP = {
    "shop/__init__.py": "",
    "shop/goods.py": '''\
"""What is sold."""


class Item:
    price: float = 0.0


def price_of(item, count=1) -> float:
    return item.price * count
''',
    "shop/cart.py": '''\
"""Carts."""

from shop.goods import Item, price_of


class Base:
    limit = 10

    def add(self, item: Item, count=1) -> int:
        raise NotImplementedError


class Cart(Base):
    """What one customer wants."""

    def __init__(self, owner):
        self.owner = owner
        self.items: list = []

    def add(self, item, count=1):
        """Put it in."""
        total = price_of(item, count=count)
        total = total + self.limit
        self.items.append(item)
        return self.note(total)

    def note(self, total):
        return total

    @classmethod
    def empty(cls, owner):
        return cls(owner)
''',
    "main.py": """\
from shop.cart import Cart

cart = Cart("me")


def run(thing):
    return Cart.add(cart, thing)


Cart.empty("you")
""",
}
