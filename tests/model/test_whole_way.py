"""The whole way: sources of a few projects in; shards, a trained model, its folder, and types for a project it never saw, out."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

pytest.importorskip("torch", reason="training needs typeinfer[train]")

import torch

from typeinfer.deciding import ask_checkers
from typeinfer.engine.cache import Cache
from typeinfer.languages import LANGUAGES
from typeinfer.model.checkpoint import load, store
from typeinfer.model.folder import VOCABULARY, NoModel, model_digest
from typeinfer.model.ranking import TypeRanker, load_ranker
from typeinfer.model.terms import Symbol, Vocabulary
from typeinfer.program.project import Project, read_project
from typeinfer.training.batches import META, Data
from typeinfer.training.corpus import CorpusProject
from typeinfer.training.examples import assemble, inferred_types, prepare
from typeinfer.training.loop import Run, train
from typeinfer.training.shipping import ship
from typeinfer.training.types import Types
from typeinfer.values.source import SourceFile
from typeinfer.values.typeexpr import Named, names

CODE = {
    "python": (
        "mod.py",
        "from pathlib import Path\nfrom typing import Optional\n\n\nclass Cart:\n    def __init__(self, owner: str) -> None:\n"
        "        self.owner: str = owner\n\n\ndef total(cart: Cart, rate: float = 1.0) -> Optional[float]:\n"
        "    return None if cart.owner else rate\n\n\ndef names(path: Path) -> list[str]:\n    return [path.name]\n",
    ),
    "typescript": (
        "mod.ts",
        "export class Cart { owner: string = ''; }\n\nexport function total(cart: Cart, rate: number): number | undefined {\n"
        "  return cart.owner ? rate : undefined;\n}\n\nexport function names(paths: string[]): string[] {\n  return paths;\n}\n",
    ),
}


def untyped() -> Project:
    """Never seen in training, and without a single annotation."""
    text = b"class Basket:\n    pass\n\n\ndef total(basket, rate=1.0):\n    return rate\n"
    return read_project(Path(), {"shop.py": SourceFile("shop.py", "python", text)})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of a few hundred weights that saw three steps: it knows nothing, but all of it is there."""
    folder = tmp_path_factory.mktemp("whole way")
    corpus, shards, run = folder / "corpus", folder / "shards", folder / "run"
    projects = []
    for number in range(5):
        for language, (path, text) in CODE.items():
            name = f"shop.{language}-{number}"
            (corpus / name).mkdir(parents=True)
            (corpus / name / path).write_text(text)
            split = "development" if number == 4 else "train"
            projects.append(CorpusProject(name, "1.0", language, split, "MIT", name, (path,)))
    said: list[str] = []
    # The corpus grew meanwhile: who was read before it did isn't read again.
    for some in (projects[4:6], projects):
        prepare(some, corpus, shards, 1, lambda *_: None, said.append)
    assert not any("left out" in line for line in said)
    assert len([*(shards / "projects").glob("*.npz")]) == len(projects), "each has its own, whatever its name"
    assemble(projects, shards, said.append)
    tiny = {"width": 32, "layers": 2, "heads": 2, "hidden": 32, "message": 8}
    train(Run(data=shards, out=run, steps=3, words=400, processes=1, shape=tuple(tiny.items())), Types)
    ship(shards, run, folder / "model")
    return folder / "model"


def run_from(model: Path, out: Path, shards: Path | None = None, **given: object) -> Run:
    tiny = {"width": 32, "layers": 2, "heads": 2, "hidden": 32, "message": 8}
    chosen = {"steps": 1, "words": 400, "processes": 1, "shape": tuple(tiny.items()), "start_from": model}
    return Run(data=shards or model.parent / "shards", out=out, **(chosen | given))


def test_a_run_can_begin_with_the_weights_of_a_model_that_counted_otherwise(model: Path, tmp_path: Path) -> None:
    """What has a row in both tables keeps it; for what is new nothing was learnt."""
    shards = tmp_path / "shards"
    shutil.copytree(model.parent / "shards", shards)
    were = load(model).vocabulary
    rows = Vocabulary((*were.symbols[3:], Symbol("unheard.Of", 0, ("python",)), *were.symbols[1:3]))
    rows.store(shards / VOCABULARY)
    task = Types(run_from(model, tmp_path / "run", shards), 1)
    made, fresh = task.build(), task.build()
    fresh.load_state_dict(made.state_dict())
    task.recall(made, model)
    weights = {name: torch.from_numpy(array) for name, array in load(model).weights.items()}
    assert made.blocks[0].enter.weight.equal(weights["blocks.0.enter.weight"])
    assert made.subword.weight.equal(weights["subword.weight"])
    for row, symbol in enumerate(rows.symbols):
        for name, table in (("symbol.weight", made.symbol.weight), ("symbol_bias", made.symbol_bias)):
            known = weights[name][were.symbols.index(symbol)] if symbol in were.symbols else None
            assert table[row].equal(dict(fresh.named_parameters())[name][row] if known is None else known)


def test_a_card_says_what_its_run_began_with(model: Path, tmp_path: Path) -> None:
    shards, run = model.parent / "shards", train(run_from(model, tmp_path / "run"), Types)
    ship(shards, run, tmp_path / "model")
    told = " ".join(load(tmp_path / "model").card.split())
    assert f"from the weights of BEFORE, the model whose `checksums.json` has SHA-256 {model_digest(model)}" in told
    assert "train run --start-from BEFORE --minutes" in told
    assert "BEFORE" not in load(model).card


def test_a_card_tells_of_the_weights_that_were_kept(model: Path, tmp_path: Path) -> None:
    """The better of the last ones and their mean, whichever is told of last."""
    run = tmp_path / "run"
    shutil.copytree(model.parent / "run", run)
    finals = [{"final": "last", "exact": 0.625, "of": 8}, {"final": "mean", "exact": 0.5, "of": 8}]
    lines = [line for line in (run / "log.jsonl").read_text().splitlines() if "final" not in line]
    (run / "log.jsonl").write_text("\n".join([*lines, *map(json.dumps, finals)]))
    ship(model.parent / "shards", run, tmp_path / "model")
    assert "62.5 % exact" in " ".join(load(tmp_path / "model").card.split())


def test_a_model_of_another_shape_or_that_reads_otherwise_is_nothing_to_begin_with(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"isn't \[.*\]; use the same --shape"):
        train(run_from(model, tmp_path / "run", shape=(("width", 64),)), Types)
    shards = tmp_path / "shards"
    shutil.copytree(model.parent / "shards", shards)
    meta = json.loads((shards / META).read_text())
    (shards / META).write_text(json.dumps(meta | {"reading": "as it was long ago"}))
    with pytest.raises(ValueError, match=r"reads otherwise than .* train without --start-from"):
        train(run_from(model, tmp_path / "run", shards), Types)


def test_what_is_not_there_yet_cannot_be_shipped(model: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"weights.safetensors: not found; a run writes it when it is over"):
        ship(model.parent / "shards", tmp_path, tmp_path / "model")
    with pytest.raises(FileNotFoundError, match=r"meta.json: not found; name the folder .*: --data FOLDER"):
        ship(tmp_path, model.parent / "run", tmp_path / "model")


def test_shards_hold_what_people_wrote(model: Path) -> None:
    """Of each project: what eight slots of Python and six of TypeScript say, spelled by symbols that three projects share and
    by pointers at names in scope."""
    data = Data.load(model.parent / "shards")
    assert len(data.train.slot_kind) == 4 * (8 + 6)
    assert len({*data.train.project.tolist()}) == 4 * 2, "each by itself, whenever it was read"
    vocabulary = load(model).vocabulary
    known = {symbol.key for symbol in vocabulary.symbols}
    assert {"str", "None|", "float", "list", "pathlib.Path", "string", "number"} <= known
    # `mod.Cart` has one name in every one of these projects, which real ones don't; it can be pointed at all the same.
    assert (data.train.pointer >= 0).any()


def test_where_nobody_wrote_a_type_the_checker_s_is_a_label(tmp_path: Path) -> None:
    """Of returns, attributes and module variables; not of locals, not of what a person annotated, not of fields."""
    text = (
        "from dataclasses import dataclass\n\nLIMIT = 3\n\n\n@dataclass\nclass Item:\n    name = 'x'\n\n\n"
        "class Cart:\n    def __init__(self, owner: str) -> None:\n        self.owner = owner\n\n    def label(self):\n"
        "        text = self.owner.upper()\n        return text\n"
    )
    project = read_project(tmp_path, {"shop.py": SourceFile("shop.py", "python", text.encode())})
    found = inferred_types(project, ask_checkers(project))
    said = {f"{slot.qualname}.{slot.name}": term for slot, term in found.items()}
    assert said == {".LIMIT": Named("int"), "Cart.owner": Named("str"), "Cart.label.return": Named("str")}


def test_a_shipped_model_ranks_types_of_a_project_that_it_never_saw(model: Path) -> None:
    """All that it can say is in scope, is the language's own, or can be imported; probabilities add up to one at most."""
    project = untyped()
    found = load_ranker(model, 2).rank(project, {}, lambda slot: True)
    assert {slot.name for slot in found} == {"basket", "rate", "return"}
    for ranking in found.values():
        assert ranking.ranked
        assert sum(word.probability for word in ranking.ranked) + ranking.beyond <= 1 + 1e-6
        said = {name for word in ranking.ranked for name in names(word.type)}
        python = next(language for language in LANGUAGES if language.name == "python")
        assert all(python.is_builtin(name) or name == "shop.Basket" or python.library_class(name) for name in said), (
            said
        )


def test_what_is_said_of_a_unit_is_kept_beyond_the_process(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def another(digest: str) -> tuple[TypeRanker, list[int]]:
        ranker, read = replace(load_ranker(model, 2), digest=digest, kept=lambda: Cache(tmp_path)), []
        rank = ranker.runtime.rank
        monkeypatch.setattr(
            ranker.runtime, "rank", lambda units, *rest, **more: read.append(len(units)) or rank(units, *rest, **more)
        )
        return ranker, read

    project = untyped()
    ranker, read = another("one")
    first = ranker.rank(project, {}, lambda slot: True)
    assert read
    ranker, read = another("one")
    assert ranker.rank(project, {}, lambda slot: True) == first and read == []
    ranker, read = another("two")
    assert ranker.rank(project, {}, lambda slot: True) == first and read, "of another model nothing is taken"


def test_a_unit_that_reads_as_before_is_not_read_again(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is remembered is what would have been said; a unit that reads otherwise is read."""
    ranker, project = load_ranker(model, 2), untyped()
    first = ranker.rank(project, {}, lambda slot: True)
    read: list[int] = []
    rank = ranker.runtime.rank
    monkeypatch.setattr(
        ranker.runtime, "rank", lambda units, *rest, **more: read.append(len(units)) or rank(units, *rest, **more)
    )
    assert ranker.rank(project, {}, lambda slot: True) == first
    assert read == []
    basket = next(slot for slot in first if slot.name == "basket")
    assert ranker.rank(project, {}, lambda slot: slot.id == basket).keys() == {basket}
    assert read == [1]


def test_a_model_that_learnt_to_read_otherwise_is_refused(model: Path, tmp_path: Path) -> None:
    """Words, roles and edges go by numbers: what they stood for must be what they stand for now."""
    held = load(model)
    other = msgspec.structs.replace(held.config, reading="0123456789abcdef")
    store(tmp_path / "other", type(held)(**{**vars(held), "config": other}))
    with pytest.raises(NoModel, match="read in another way; use the version of typeinfer that it was trained with"):
        load_ranker(tmp_path / "other", 2)
