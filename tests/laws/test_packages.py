"""Packages of a project's environment: where they are found, and by which names what they define is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.laws.scripted_model import AS_IT_SAYS, ByName
from typeinfer import pipeline, weights
from typeinfer.deciding import REFUSED, Model, Options
from typeinfer.evaluation.judge import write_tree
from typeinfer.languages.python.hinted import hinted
from typeinfer.languages.python.packages import Packages, installed, packages_of
from typeinfer.languages.python.serving import Serving
from typeinfer.pipeline import annotate
from typeinfer.program.changes import EVERY_LINE
from typeinfer.program.installed import may_know_more
from typeinfer.program.project import read_project
from typeinfer.values.inferred import CheckerFailed
from typeinfer.values.outcomes import Run
from typeinfer.values.predictions import Abstain
from typeinfer.values.source import SourceFile
from typeinfer.values.typeexpr import Named

SITE = "lib/python3.12/site-packages"


def packages(folder: Path, files: Mapping[str, str]) -> Packages:
    write_tree(folder, {path: text.encode() for path, text in files.items()})
    return Packages([folder])


@pytest.fixture(autouse=True)
def nothing_active(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)


# --- where --------------------------------------------------------------------------------------------------------------


def test_an_environment_in_the_project_counts_before_the_active_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, active = tmp_path / "shop", tmp_path / "active"
    (active / SITE).mkdir(parents=True)
    assert packages_of(shop) == () and installed(shop) is None
    monkeypatch.setenv("VIRTUAL_ENV", str(active))
    assert packages_of(shop) == (active / SITE,)
    (shop / "venv" / SITE).mkdir(parents=True)
    assert packages_of(shop) == (shop / "venv" / SITE,)


def test_what_is_put_there_or_taken_away_is_noticed(tmp_path: Path) -> None:
    site = tmp_path / ".venv" / SITE
    (site / "basket").mkdir(parents=True)
    before = installed(tmp_path)
    assert before is not None and before.has("basket") and not before.has("orders")
    assert installed(tmp_path) is before
    (site / "orders.py").touch()
    after = installed(tmp_path)
    assert after is not None and after.has("orders") and after.state != before.state


# --- by which name --------------------------------------------------------------------------------------------------------


def test_the_shortest_name_comes_first(tmp_path: Path) -> None:
    found = packages(
        tmp_path, {"shop/__init__.py": "from .models.cart import Cart\n", "shop/models/cart.py": "class Cart: ...\n"}
    )
    assert found.names_of("shop.models.cart.Cart") == ("shop.Cart", "shop.models.cart.Cart")
    assert found.names_of("shop.Cart") == ("shop.Cart",)


def test_names_are_followed_through_stars_and_private_modules(tmp_path: Path) -> None:
    found = packages(
        tmp_path,
        {
            "shop/__init__.py": "from ._api import *\nfrom ._api import Order as Order\n",
            "shop/_api.py": "from shop._cart import Cart, Order\n",
            "shop/_cart.py": "class Cart: ...\nclass Order: ...\n",
        },
    )
    assert found.names_of("shop._cart.Cart") == ("shop.Cart",)
    assert found.names_of("shop._cart.Order") == ("shop.Order",)


def test_a_name_that_stands_for_another_class_is_none_of_its_names(tmp_path: Path) -> None:
    files = {"shop/__init__.py": "class Cart: ...\n", "shop/old.py": "class Cart: ...\n"}
    assert packages(tmp_path, files).names_of("shop.old.Cart") == ("shop.old.Cart",)


@pytest.mark.parametrize(
    "top",
    [
        "if TYPE_CHECKING:\n    from ._cart import Cart\n",
        "def later():\n    from ._cart import Cart\n",
        "from ._cart import Cart as Basket\n",
        "import shop._cart\n",
        "from ._cart import (\n",
        "from .missing import *\n",
        "from . import *\n",
    ],
)
def test_what_is_not_bound_at_run_time_has_no_name(tmp_path: Path, top: str) -> None:
    files = {"shop/__init__.py": top, "shop/_cart.py": "class Cart: ...\nclass _Hidden: ...\n"}
    found = packages(tmp_path, files)
    assert found.names_of("shop._cart.Cart") == ()
    assert found.names_of("shop._cart._Hidden") == found.names_of("shop.Nothing") == found.names_of("other.Cart") == ()


def test_what_is_written_in_another_language_is_known_by_who_imports_it(tmp_path: Path) -> None:
    files = {
        "fast/__init__.py": "try:\n    from .core import array\nexcept ImportError:\n    raise\n",
        "fast/core/__init__.py": "from .built import array\n",
        "fast/core/built.cpython-312.so": "",
    }
    assert packages(tmp_path, files).names_of("fast.array") == ("fast.array",)


# --- what is inferred ---------------------------------------------------------------------------------------------------


def test_the_projects_own_word_for_a_class_counts_before_the_shortest(tmp_path: Path) -> None:
    found = packages(
        tmp_path,
        {
            "shop/__init__.py": "from .orders import Order\n",
            "shop/orders.py": "class Order: ...\n\ndef order() -> Order:\n    return Order()\n",
        },
    )

    def result(text: str) -> Named:
        project = read_project(tmp_path, {"again.py": SourceFile("again.py", "python", text.encode())})
        (term,) = hinted(project.modules, project.modules, (3, 12), found).values()
        assert isinstance(term, Named)
        return term

    body = "def again():\n    return order()\n"
    assert result(f"from shop.orders import order\n{body}") == Named("shop.Order")
    assert result(f"from shop.orders import Order, order\n{body}") == Named("shop.orders.Order")


def test_no_python_is_run_to_find_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("python", "python3"):
        (tools / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    project = read_project(tmp_path, {"cart.py": SourceFile("cart.py", "python", b"def one():\n    return 1\n")})
    assert hinted(project.modules, project.modules, (3, 12), packages(tmp_path / "site", {"shop.py": ""}))
    assert not (tmp_path / "ran").exists()


# --- in a run -----------------------------------------------------------------------------------------------------------

SHOPPING = {"shopping.py": "class Order: ...\n\ndef order() -> Order:\n    return Order()\n"}


def shop(root: Path) -> Path:
    """A project that is run with a package, which isn't installed yet."""
    write_tree(root, {"shop.py": b"import shopping\n\n\ndef again():\n    return shopping.order()\n"})
    return root


def install(root: Path, files: Mapping[str, str]) -> None:
    write_tree(root / ".venv" / SITE, {path: text.encode() for path, text in files.items()})


def annotated(root: Path, packages: bool, model: Path | None = None) -> Run:
    files = {"shop.py": SourceFile("shop.py", "python", (root / "shop.py").read_bytes())}
    return annotate(root, files, Options({"shop.py": (EVERY_LINE,)}, model=model, packages=packages))


def rules(root: Path, packages: bool = True) -> tuple[set[str], tuple[str, ...]]:
    """Those that speak of anything in a run, and its notes."""
    run = annotated(root, packages)
    said = {word.rule for found in run.predictions["shop.py"] for word in found.because}
    return said, run.notes


@pytest.mark.usefixtures("own_cache")
def test_what_was_found_without_a_package_is_not_remembered_once_it_is_installed(tmp_path: Path) -> None:
    root = shop(tmp_path)
    assert rules(root) == (set(), ())
    install(root, SHOPPING)
    assert rules(root) == rules(root) == ({"installed-return"}, ())
    assert rules(root, packages=False) == (set(), ())


@pytest.mark.usefixtures("own_cache")
def test_a_run_goes_on_without_packages_where_they_can_not_be_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*asked: object) -> None:
        raise CheckerFailed("pyrefly ended")

    root = shop(tmp_path)
    install(root, SHOPPING)
    monkeypatch.setattr(Serving, "hints", fail)
    assert rules(root) == (set(), ("pyrefly ended; going on without what is installed",))


@pytest.mark.usefixtures("own_cache")
def test_what_is_written_is_held_against_what_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ranker = ByName({"many": [(Named("str"), 0.99)]})
    monkeypatch.setattr(weights, "load_model", lambda *_: Model(ranker, {"python": AS_IT_SAYS}))
    monkeypatch.setattr(pipeline, "model_digest_of", str)
    write_tree(tmp_path, {"shop.py": b"import shopping\n\n\ndef order(many):\n    shopping.order(many)\n"})
    install(tmp_path, {"shopping.py": "def order(many: int) -> None: ...\n"})

    def refused(packages: bool) -> list[str]:
        verdicts = (found.verdict for found in annotated(tmp_path, packages, tmp_path).predictions["shop.py"])
        return [verdict.detail for verdict in verdicts if isinstance(verdict, Abstain) and verdict.reason == REFUSED]

    (said,) = refused(packages=True)
    assert "`str` is not assignable to parameter `many` with type `int`" in said
    assert refused(packages=False) == []


@pytest.mark.usefixtures("own_cache")
def test_only_files_that_packages_bear_on_are_looked_at(tmp_path: Path) -> None:
    texts = {
        "load.py": "import shopping\n\ndef load():\n    return shopping.order()\n",
        "use.py": "from load import load\n\ndef use():\n    return load()\n",
        "apart.py": "import json\nimport missing\nimport local\n",
        "local.py": "",
    }
    install(tmp_path, {**SHOPPING, "local.py": "", "json.py": ""})
    project = read_project(tmp_path, {path: SourceFile(path, "python", text.encode()) for path, text in texts.items()})
    assert may_know_more(project, texts.keys()) == set()
    assert may_know_more(replace(project, packages=True), texts.keys()) == {"load.py", "use.py"}
