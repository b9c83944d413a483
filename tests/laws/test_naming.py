"""What names mean across a project is what Python takes them for, and what is written with them can be imported."""

from __future__ import annotations

from collections.abc import Mapping

from one_file import place
from whole_project import project_of

from typeinfer.languages.python import Python
from typeinfer.program.project import Project
from typeinfer.values.patches import Rewrite, apply_edits
from typeinfer.values.typeexpr import Named


def rewritten(project: Project, path: str, types: Mapping[str, str]) -> tuple[str, Rewrite]:
    module = project.modules[path]
    placed = place(module, {label: Named(name) for label, name in types.items()})
    rewrite = Python().writer(module, project.names_in_scope(module), (3, 10))(placed)
    return apply_edits(module.file.data, rewrite.edits).decode(), rewrite


def test_a_folder_without_a_marker_is_a_package_where_imports_go_through_it() -> None:
    project = project_of(
        {
            "google/cloud/logging/__init__.py": "import logging\nfrom google.cloud.logging.client import Client\n",
            "google/cloud/logging/client.py": "from . import entries\nclass Client: pass\n",
            "google/cloud/logging/entries.py": "",
            "src/shop/__init__.py": "",
            "src/shop/cart.py": "from shop import item\n",
            "src/shop/item.py": "",
            "scripts/run.py": "import tools\n",
            "scripts/tools.py": "",
        }
    )
    assert {path: module.name for path, module in project.modules.items()} == {
        "google/cloud/logging/__init__.py": "google.cloud.logging",
        "google/cloud/logging/client.py": "google.cloud.logging.client",
        "google/cloud/logging/entries.py": "google.cloud.logging.entries",
        "scripts/run.py": "run",
        "scripts/tools.py": "tools",
        "src/shop/__init__.py": "shop",
        "src/shop/cart.py": "shop.cart",
        "src/shop/item.py": "shop.item",
    }
    assert project.modules["google/cloud/logging/client.py"].imports[0].module == "google.cloud.logging"


def test_a_class_that_a_function_makes_has_no_name_outside_it() -> None:
    project = project_of({"a.py": "def make():\n    class Item: pass\n    return Item()\n"})
    text, rewrite = rewritten(project, "a.py", {"make()": "a.make.Item"})
    assert "->" not in text
    assert [refusal.reason for refusal in rewrite.refused] == ["a.make.Item can't be imported"]


def test_what_a_star_import_brings_in_is_not_taken_for_something_else() -> None:
    project = project_of(
        {
            "a.py": "from b import *\ndef f(x, y): pass\n",
            "b.py": "from c import *\n",
            "c.py": "class list: pass\nclass Path: pass\n",
        }
    )
    text, _ = rewritten(project, "a.py", {"f(x)": "list", "f(y)": "pathlib.Path"})
    assert "from pathlib import Path as _Path" in text
    assert "def f(x: builtins.list, y: _Path)" in text


def test_what_all_is_passed_on_of_is_found_where_it_is_declared() -> None:
    """`export *` hands on what a module exports, and nothing that it only imports."""
    project = project_of(
        {
            "src/note.ts": "export class Note {}\n",
            "src/user.ts": 'import { Note } from "./all"\nexport const one = new Note()\n',
            "src/inner.ts": 'export * from "./note"\n',
            "src/all.ts": 'export * from "./user"\nexport * from "./inner"\n',
        }
    )
    assert project.canonical("src/all.Note") == "src/note.Note"


def test_a_class_may_find_its_bases_in_itself() -> None:
    """As published packages do: a class, and a namespace of the same name that holds what it implements."""
    project = project_of(
        {
            "cart.ts": "export namespace Cart {\n  export interface Options { size: number }\n}\n"
            "export class Cart extends Base implements Cart.Options { size = 1 }\nclass Base {}\n",
            "shop.py": "class Shelf(Shelf.Base):\n    pass\n",
        }
    )
    assert "cart.Base" in project.ancestors("cart.Cart")
    assert project.ancestors("shop.Shelf") == ()


def test_what_a_file_says_through_a_module_that_it_imports_others_can_import() -> None:
    project = project_of(
        {
            "shop/__init__.py": "",
            "shop/cart.py": "import numpy as np\nimport torch.nn\n\nZERO = np.array([])\n\n\n"
            "def total(of: np.ndarray, with_: torch.nn.Module, other: 'torch.Tensors'):\n    return np.Inf\n",
            "shop/other.py": "import shop.cart as np\n\nprint(np.Generator)\n",
        }
    )
    assert project.locate("numpy.ndarray") == ("numpy", "ndarray")
    assert project.locate("torch.nn.Module") == ("torch.nn", "Module")
    for name in ("numpy.array", "torch.Tensor", "numpy.Generator", "pandas.DataFrame", "shop.cart.Generator"):
        assert project.locate(name) is None, name


def test_pytests_own_classes_are_at_hand_wherever_a_test_is() -> None:
    project = project_of({"test_cart.py": "def test_cart(monkeypatch):\n    monkeypatch.undo()\n"})
    assert project.locate("pytest.MonkeyPatch") == ("pytest", "MonkeyPatch")
