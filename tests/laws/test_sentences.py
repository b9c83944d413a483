"""Sentences: what the model reads of a unit, and that it never reads the answer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from whole_project import SHOP, SHOPS, project_of

from typeinfer.engine.cache import Cache
from typeinfer.model.sentences import NAME_KINDS, ROLES, Around, InScope, Sentence, sentences, stack
from typeinfer.model.units import ONLY_FOR_ANNOTATIONS, as_written, pad
from typeinfer.program.project import Project
from typeinfer.values.slots import Slot


def written(slot: Slot) -> bool:
    return slot.written is not None


def read(project: Project, wanted=lambda slot: True) -> dict[str, Sentence]:
    made = sentences(Around(project), {}, wanted)
    return {f"{one.slots[0].id.path}:{one.slots[0].id.qualname}": one for one in made}


def shown(one: Sentence) -> str:
    """The words as they stand without any annotation."""
    return " ".join(word for word, told in zip(one.words, one.told, strict=True) if told == -1)


def test_signs_that_stand_together_are_one_word_and_every_slot_has_a_word_behind_the_code() -> None:
    project = project_of(
        {"a.py": "def wait(seconds: int = 0, *, name='x y') -> None:  # so long\n    return sleep(seconds)\n"}
    )
    (one,) = read(project).values()
    assert shown(one) == "def wait ( seconds = 0 ,*, name = 'x 'y ) :¶ return sleep ( seconds ) seconds name return"
    assert [ROLES[role] for role in one.roles[-3:]] == ["slot parameter", "slot parameter", "slot return"]
    # The first place of a slot is its own word; the parameter and its use come after.
    seconds = [one.words[word] for slot, word in one.places if slot == 0]
    assert seconds == ["seconds", "seconds", "seconds"]


@pytest.mark.parametrize("shop", SHOPS.values(), ids=SHOPS)
def test_hiding(shop: dict[str, str]) -> None:
    """Each word of a slot's own annotation is marked as told by it, so that whoever asks for the slot can take it out; and
    what is left is the same words in the same order as in a project that was never annotated there."""
    for one in read(project_of(shop), written).values():
        for index, slot in enumerate(one.slots):
            assert slot.written is not None
            told = [word for word, by in zip(one.words, one.told, strict=True) if by == index]
            # What stands in a comment is no word.
            assert told or slot.insert_at > slot.written.start, f"{slot.id} is written and says nothing"


@pytest.mark.parametrize("shop", SHOPS.values(), ids=SHOPS)
def test_of_few_slots_the_files_that_their_slices_show_are_enough(shop: dict[str, str], tmp_path: Path) -> None:
    """Slot by slot the same sentence as of the whole project; what other files say of their imports is remembered."""
    project = project_of(shop)
    whole = Around(project)
    for slot in (slot for module in project.modules.values() for slot in module.slots):
        alone = Around(project, frozenset({slot.id}), lambda: Cache(tmp_path))
        assert {slot.id.path} <= {*alone.graph.files} <= {*project.modules}
        (expected,) = sentences(whole, {}, lambda one, slot=slot: one == slot)
        (found,) = sentences(alone, {}, lambda one, slot=slot: one == slot)
        assert found == expected
    assert {*alone.texts.texts} <= {*alone.graph.files}, "no words are read of files that are not shown"


def test_what_was_read_of_few_slots_answers_for_no_others() -> None:
    project = project_of(SHOP)
    one, other, *_ = (slot.id for module in project.modules.values() for slot in module.slots)
    few, whole = Around(project, frozenset({one})), Around(project)
    assert few.answers_for(project, [one]) and not few.answers_for(project, [one, other])
    assert whole.answers_for(project, [one, other]) and not whole.answers_for(project_of(SHOP), [one])


def test_imports_that_only_annotations_need_are_told_apart() -> None:
    project = project_of(
        {
            "a.py": "from typing import Optional\nfrom b import Cart\ndef f(x: Optional[int]) -> Cart:\n    return Cart()\n",
            "b.py": "class Cart: ...\n",
        }
    )
    one = read(project)["a.py:f"]
    only = {word for word, told in zip(one.words, one.told, strict=True) if told == ONLY_FOR_ANNOTATIONS}
    assert "Optional" in only
    assert "Cart" not in only
    assert [(name.lexeme, name.bare >= 0) for name in one.names] == [("Cart", True), ("Optional", False)]


def test_neither_the_order_of_files_nor_what_else_is_in_a_batch_changes_a_sentence() -> None:
    one, other = read(project_of(SHOP)), read(project_of(dict(reversed(SHOP.items()))))
    assert {key: made.words for key, made in one.items()} == {key: made.words for key, made in other.items()}


def test_units_pad_to_what_the_encoder_takes() -> None:
    """Whatever is chosen, every index points at what it should."""
    made = list(read(project_of(SHOP)).values())
    lexemes: dict[str, int] = {}
    units = stack(made, lambda word: lexemes.setdefault(word, len(lexemes)), ["python", "typescript"])
    rows = np.arange(len(lexemes) * 6).reshape(-1, 6)
    words = list(lexemes)
    chosen = [2, 0, len(made) - 1]
    batch = pad(units, chosen, rows, as_written(units, chosen), 12)
    for row, number in enumerate(chosen):
        text = [words[batch.lexemes[word][0] // 6] for word in batch.words[row][batch.mask[row]]]
        assert text == made[number].words
        names: list[InScope] = list(made[number].names)
        found = [words[batch.lexemes[batch.names[at]][0] // 6] for at in batch.scope[row] if at >= 0]
        assert found == [name.lexeme for name in names]
    flat = batch.words.reshape(-1)
    defined = [words[batch.lexemes[flat[at]][0] // 6] for at in batch.defined]
    assert defined == [
        made[n].words[made[n].places[[s for s, _ in made[n].places].index(i)][1]]
        for n in chosen
        for i in range(len(made[n].slots))
    ]


def test_what_is_part_of_the_program_is_no_secret() -> None:
    """The fields of a dataclass and the members of an interface are shown with their types, whatever is asked for."""
    project = project_of(
        {
            "a.py": "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\n    def f(self) -> str: ...\n",
            "b.ts": "interface Q { y: number }\nexport function g(q: Q): string { return `${q.y}`; }\n",
        }
    )
    asked = read(project, lambda slot: written(slot) and not project.is_given(project.modules[slot.id.path], slot))
    assert {slot.id.name for one in asked.values() for slot in one.slots} == {"return", "q"}
    everything = read(project)
    assert "x : int" in shown(everything["a.py:P"])
    assert "y : number" in shown(everything["b.ts:Q"])


def test_names_of_other_packages_are_in_scope_however_the_file_reaches_them() -> None:
    """By name, by a dot, and those of a file of the project that is not read; what only annotations say is gone where they are."""
    project = project_of(
        {
            "shop/__init__.py": "",
            "shop/cart.py": "import numpy as np\nimport jax.numpy\nfrom etils import epath\nfrom shop.far import Till\n"
            "from shop.near import LIMIT\ndef f(a, b: epath.Path) -> np.Big:\n"
            "    return np.Generator(jax.Array, Till(), LIMIT)\n",
            "shop/near.py": "LIMIT = 3\n",
        }
    )
    (one,) = read(project, lambda slot: slot.id.qualname == "f").values()
    kinds = {name.qualified: (NAME_KINDS[name.kind], name.bare >= 0) for name in one.names}
    assert kinds == {
        "numpy.Big": ("imported from another package", False),
        "numpy.Generator": ("imported from another package", True),
        "jax.Array": ("imported from another package", True),
        "etils.epath.Path": ("imported from another package", False),
        "shop.far.Till": ("imported from another package", True),
    }


RIVALS = """
import sys
from pathlib import Path
from typeinfer.languages import language_of
from typeinfer.model.sentences import Around, sentences
from typeinfer.program.project import read_project
from typeinfer.values.source import SourceFile

# A half, a third and a sixth are one, or a little less, by the order in which they are added up.
shared = {"half": ["Parts", "Two"], "third": ["Parts", "Two", "Six"], "sixth": ["Parts", *"ABCDE"], "own": ["Sum"]}
classes = {}
for method, owners in shared.items():
    for owner in owners:
        classes.setdefault(owner, []).append(f"    def {method}(self):\\n        ...\\n")
texts = {"machines.py": "".join(f"class {name}:\\n{''.join(methods)}\\n" for name, methods in classes.items())}
texts["use.py"] = "def drive(it):\\n" + "".join(f"    it.{method}()\\n" for method in shared)
files = {path: SourceFile(path, language_of(path).name, text.encode()) for path, text in texts.items()}
project = read_project(Path(), files)
(made,) = sentences(Around(project), {}, lambda slot: slot.id.name == "it")
print([name.qualified for name in made.names])
"""


def test_names_stand_in_one_order_whatever_python_makes_of_hashes() -> None:
    """A second run, which is another process, reads the same."""
    found = {
        subprocess.run(
            [sys.executable, "-c", RIVALS],
            env={"PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in range(6)
    }
    assert len(found) == 1
