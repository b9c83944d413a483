"""A project from texts, for the laws of graph and slices: path -> text in, `Project` out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from typeinfer.languages import language_of
from typeinfer.program.project import Project, read_project
from typeinfer.values.source import SourceFile


def project_of(texts: Mapping[str, str]) -> Project:
    return read_project(Path(), {path: source(path, text) for path, text in texts.items()})


def source(path: str, text: str) -> SourceFile:
    language = language_of(path)
    assert language is not None, f"{path} is of no language"
    return SourceFile(path, language.name, text.encode())


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

SHOP_IN_TYPESCRIPT = {
    "shop/goods.ts": """\
/** What is sold. */

export class Item {
  price: number = 0;
}

export function priceOf(item, count = 1): number {
  return item.price * count;
}
""",
    "shop/cart.ts": """\
import { Item, priceOf } from "./goods";

export class Base {
  limit = 10;

  add(item: Item, count = 1): number {
    throw new Error("not here");
  }
}

/** What one customer wants. */
export class Cart extends Base {
  items: Item[] = [];

  constructor(owner, private readonly shop?) {
    super();
    this.owner = owner;
  }

  /** Put it in. */
  add(item, count = 1) {
    let total = priceOf(item, count);
    total = total + this.limit;
    this.items.push(item);
    return this.note(total);
  }

  note = (total) => {
    this.shop.note(total);
    return total;
  };

  @logged
  static empty(owner) {
    return new Cart(owner);
  }
}
""",
    "main.tsx": """\
import { Cart } from "./shop/cart";

const cart = new Cart("me");

export const View = ({ thing }) => <Row item={thing} onClick={() => cart.add(thing)} />;

Cart.empty("you");
""",
}

SHOP_IN_JAVASCRIPT = {
    "shop/goods.js": """\
/** @type {number} */
let sold = 0;

/**
 * What it costs.
 * @param {object} item - one of them
 * @param {number} [count]
 * @returns {number}
 */
exports.priceOf = function (item, count = 1) {
  sold += count;
  return item.price * count;
};
""",
    "main.jsx": """\
const { priceOf } = require("./shop/goods");

class Cart {
  /** @type {string} */
  owner = "me";

  /** @param {object} item */
  add(item) {
    this.last = item;
    return priceOf(item, 2);
  }
}

module.exports = ({ thing }) => <Row item={thing}>{new Cart().add(thing)}</Row>;
""",
}

SHOPS = {"python": SHOP, "typescript": SHOP_IN_TYPESCRIPT, "javascript": SHOP_IN_JAVASCRIPT}
