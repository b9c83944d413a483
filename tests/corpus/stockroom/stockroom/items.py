"""Items on shelves."""

import datetime


class Item:
    def __init__(self, name, price, quantity=0, perishable=False):
        self.name = name
        self.price = price
        self.quantity = quantity
        self.perishable = perishable
        self.added = datetime.date.today()

    def __repr__(self):
        return f"<{self.name} x{self.quantity}>"

    def __eq__(self, other):
        return isinstance(other, Item) and self.name == other.name

    @property
    def value(self):
        return self.price * self.quantity

    def is_stale(self, today=None, days=30):
        today = today or datetime.date.today()
        return self.perishable and (today - self.added).days > days

    def rename(self, name):
        self.name = name.strip()


def make_items(rows):
    for name, price in rows:
        yield Item(name, price)
