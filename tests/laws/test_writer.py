"""What writes into a file is made once and asked often: of the same types it always makes the same edits."""

from __future__ import annotations

from random import Random

import pytest

from tests.laws.whole_project import SHOPS, project_of
from typeinfer.values.patches import Placed
from typeinfer.values.typeexpr import UNKNOWN, Named, Tuple, TypeExpr, Union


def types_of(random: Random, modules: list[str]) -> TypeExpr:
    """Of a builtin, of a class of another file, which wants an import, or of both."""
    other = Named(f"{random.choice(modules)}.{random.choice(['Item', 'Cart', 'Missing'])}")
    return random.choice(
        [Named("string"), Named("str"), other, Union((other, Named("None"))), Tuple((other,)), UNKNOWN]
    )


@pytest.mark.parametrize("shop", SHOPS.values(), ids=SHOPS)
def test_it_doesnt_matter_what_it_was_asked_before(shop: dict[str, str]) -> None:
    random = Random(20261129)
    project = project_of(shop)
    names = [module.name for module in project.modules.values()]
    for module in project.modules.values():
        language, scope = project.language_of(module.file.path), project.names_in_scope(module)
        kept = language.writer(module, scope, language.default_version)
        for _ in range(20):
            some = [slot for slot in module.slots if random.random() < 0.4]
            placed = [Placed(slot, types_of(random, names)) for slot in some]
            assert kept(placed) == language.writer(module, scope, language.default_version)(placed)
