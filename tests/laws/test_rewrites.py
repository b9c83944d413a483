"""What was written into a file once is written again without a look at the file, unless its names mean something else now."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from one_file import place
from whole_project import project_of

from typeinfer.engine.cache import Cache
from typeinfer.languages.python import Python
from typeinfer.rewriting.rewrites import Rewrites
from typeinfer.values.patches import Rewrite, apply_edits
from typeinfer.values.typeexpr import Named

SHOP = {
    "shop/__init__.py": "",
    "shop/cart.py": "def fill(item, path): pass\n",
    "shop/goods.py": "class Item: pass\n",
}
FILLED = {"fill(item)": "shop.goods.Item", "fill(path)": "pathlib.Path"}


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were looked into to be written."""
    found: list[str] = []
    writer = Python.writer

    def noted(self: Python, *asked: object) -> object:
        found.append(asked[0].file.path)  # type: ignore[attr-defined]
        return writer(self, *asked)  # type: ignore[arg-type]

    monkeypatch.setattr(Python, "writer", noted)
    return found


def cart(folder: Path, files: Mapping[str, str], types: Mapping[str, str]) -> tuple[str, Rewrite]:
    """One run: what becomes of shop/cart.py."""
    project = project_of(files)
    module = project.modules["shop/cart.py"]
    with Cache(folder) as store:
        rewrites = Rewrites(project, (3, 10), store)
        rewrite = rewrites.of(module, place(module, {label: Named(name) for label, name in types.items()}))
        rewrites.keep()
    return apply_edits(module.file.data, rewrite.edits).decode(), rewrite


def test_a_second_run_writes_what_the_first_wrote(tmp_path: Path, looks: list[str]) -> None:
    first = cart(tmp_path, SHOP, FILLED)
    assert "from shop.goods import Item" in first[0]
    assert cart(tmp_path, SHOP | {"shop/till.py": "def pay(): pass\n"}, FILLED) == first
    assert looks == ["shop/cart.py"]


def test_of_other_types_it_is_made_anew(tmp_path: Path, looks: list[str]) -> None:
    cart(tmp_path, SHOP, FILLED)
    text, _ = cart(tmp_path, SHOP, FILLED | {"fill(path)": "str"})
    assert "path: str" in text
    assert len(looks) == 2


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        # The class is gone; imported at run time it would close a cycle; it has moved, and is passed on.
        ({"shop/goods.py": ""}, "def fill(item, path: Path)"),
        ({"shop/goods.py": "import shop.cart\nclass Item: pass\n"}, "    from shop.goods import Item\n"),
        ({"shop/goods.py": "from shop.more import Item\n", "shop/more.py": "class Item: pass\n"}, "def fill(item, path: Path)"),
        ({"shop/cart.py": "from shop.goods import Item\ndef fill(item, path): pass\n"}, "import Item\ndef fill(item: Item,"),
        ({"shop/cart.py": "from shop.all import *\ndef fill(item, path): pass\n", "shop/all.py": "Path = 1\n"}, "path: _Path"),
    ],
)  # fmt: skip
def test_where_anything_is_said_otherwise_of_its_names_it_is_made_anew(
    tmp_path: Path, looks: list[str], edit: Mapping[str, str], says: str
) -> None:
    cart(tmp_path / "kept", SHOP, FILLED)
    text, rewrite = cart(tmp_path / "kept", SHOP | edit, FILLED)
    assert says in text
    assert (text, rewrite) == cart(tmp_path / "none", SHOP | edit, FILLED)
    assert len(looks) == 3
