"""Shelves hold items and can be read from a file."""

import json
import logging
from pathlib import Path

from .items import Item

log = logging.getLogger(__name__)


class Shelf:
    def __init__(self, label="main"):
        self.label = label
        self.items = {}
        self.last = None

    def add(self, item):
        self.items[item.name] = item
        self.last = item
        log.info("%s: added %s", self.label, item.name)

    def find(self, name):
        return self.items.get(name)

    def __len__(self):
        return len(self.items)

    def __contains__(self, name):
        return name in self.items

    def labels(self, upper=False):
        return [item.name.upper() if upper else item.name for item in self.items.values()]

    async def save(self, path, indent=2):
        text = json.dumps({item.name: item.quantity for item in self.items.values()}, indent=indent)
        path.write_text(text, encoding="utf-8")


def load(path, label="main"):
    """Read a shelf from a JSON file.

    Args:
        path (Path): the file to read.
        label (str): the shelf's label.

    Returns:
        Shelf: a new shelf.
    """
    shelf = Shelf(label)
    for name, quantity in json.loads(path.read_text(encoding="utf-8")).items():
        shelf.add(Item(name, 0.0, quantity))
    return shelf


def describe(shelf, verbose=False):
    if verbose:
        return f"{shelf.label}: {', '.join(shelf.labels())}"
    return f"{shelf.label}: {len(shelf)} items"


def main():
    shelf = Shelf("front")
    shelf.add(Item("tea", 3.5, quantity=4))
    shelf.add(Item("milk", 1.2, perishable=True))
    print(describe(shelf, verbose=True))
    print(load(Path("stock.json")))
