"""Training: what is hidden stays hidden, batches follow from their number, a run that was cut off ends as if it had not been."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.random import Generator

from typeinfer.model.units import ONLY_FOR_ANNOTATIONS, Units, pad, runs
from typeinfer.training.batches import MOST_OF_PROJECT, Data, Feed, answers
from typeinfer.training.hiding import (
    ALL_HIDDEN,
    ALONE,
    UNHEARD,
    Asides,
    Draw,
    draw,
    hide_everything,
    hide_some,
    hide_words,
    rename_some,
    taken,
)

SYMBOLS, NAMES, WORDS = 6, 2, 10
ARITY = np.array([0, 0, 0, 1, 0, 0])
SHAPE = {
    "subwords": 40,
    "symbols": SYMBOLS,
    "roles": 3,
    "relations": 2,
    "slot_kinds": 2,
    "name_kinds": 2,
    "languages": 2,
}
NO_ROLES = Asides(np.zeros(0, np.int64), np.zeros(0, np.int64))
OPEN = Draw(np.zeros(2), *np.zeros((3, 2), bool))
TINY = tuple({"width": 32, "layers": 2, "heads": 2, "hidden": 32, "message": 8, "steps": 3}.items())


def toy(count: int, random: Generator) -> Units:
    """Units of two slots: the word at a slot's definition tells its type, which is one symbol, a name in scope (lexeme 30 says
    so), or a constructor around a symbol; the second word behind the definition is the annotation."""
    sizes = random.integers(WORDS, 2 * WORDS, count)
    words_of = np.concatenate(([0], np.cumsum(sizes)))
    word = random.integers(20, 28, words_of[-1])
    told = np.full(words_of[-1], -1)
    places, symbols, pointers, lengths = [], [], [], []
    for unit in range(count):
        for slot in range(2):
            at, kind = 4 * slot + 1, int(random.integers(4))
            word[words_of[unit] + at] = 30 + kind
            word[words_of[unit] + at + 2] = 10 + kind
            told[words_of[unit] + at + 2] = slot
            places.append((slot, at))
            symbol, pointer = [([-1], [1]), ([2], [-1]), ([3, 4], [-1, -1]), ([-1], [-1])][kind]
            symbols += symbol
            pointers += pointer
            lengths.append(len(symbol))
        told[words_of[unit] + 9] = ONLY_FOR_ANNOTATIONS

    def every(number: int) -> np.ndarray:
        return np.arange(count + 1) * number

    return Units(
        language=random.integers(0, 2, count).astype(np.int8),
        project=np.zeros(count, np.int32),
        words_of=words_of, word=word.astype(np.int32), role=np.zeros(len(word), np.int8), told=told.astype(np.int16),
        edges_of=every(2), edge=np.tile(np.array([[0, 1], [1, 5], [3, 2]], np.int16), count),
        slots_of=every(2), slot_kind=np.tile([0, 1], count).astype(np.int8), slot_source=np.zeros(2 * count, np.int8),
        places_of=every(2), place=np.array(places, np.int16).T,
        names_of=every(NAMES), name=np.tile([28, 29], count).astype(np.int32),
        name_kind=np.tile([0, 1], count).astype(np.int8), name_bare=np.tile([0, 1], count).astype(np.int8),
        members_of=every(1), member=np.tile(np.array([[0], [21]], np.int32), count),
        mentions_of=every(1), mention=np.tile(np.array([[1], [2]], np.int16), count),
        symbols_of=np.concatenate(([0], np.cumsum(lengths))), symbol=np.array(symbols, np.int16),
        pointer=np.array(pointers, np.int16),
    )  # fmt: skip


def subwords() -> np.ndarray:
    return np.stack((np.arange(34) + 2, np.zeros(34, np.int64)), axis=1).astype(np.int16)


def data(count: int = 300) -> Data:
    units = toy(count, np.random.default_rng(3))
    return Data(units, toy(40, np.random.default_rng(4)), subwords(), ARITY, np.array([20, 21]), NO_ROLES, SHAPE)


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    folder, random = tmp_path / "units", np.random.default_rng(5)
    folder.mkdir()
    toy(200, random).save(folder / "train-000.npz")
    toy(100, random).save(folder / "train-001.npz")
    toy(40, random).save(folder / "development-000.npz")
    np.save(folder / "lexemes.npy", subwords())
    meta = {"config": SHAPE, "arity": ARITY.tolist(), "placeholders": [20, 21], "asides": {"around": [], "said": []}}
    (folder / "meta.json").write_text(json.dumps(meta))
    return folder


# --- hiding -----------------------------------------------------------------------------------------------------------


def test_what_stands_around_a_unit_and_what_is_said_of_it_are_at_times_hidden() -> None:
    random = np.random.default_rng(0)
    units = toy(400, random)
    units = replace(units, role=random.integers(0, 3, len(units.role)).astype(np.int8))
    drawn = draw(len(units), random)
    assert drawn.alone.mean() == pytest.approx(ALONE, abs=0.1)
    assert drawn.unheard.mean() == pytest.approx(UNHEARD, abs=0.1)
    hiding = hide_some(units, drawn, Asides(np.array([2]), np.array([1])), random)
    for role, gone in ((2, drawn.alone), (1, drawn.unheard)):
        of_unit, words = np.repeat(gone, np.diff(units.words_of)), units.role == role
        assert hiding.words[of_unit & words].all()
        assert not hiding.words[~of_unit & words & (units.told == -1)].any()


@pytest.mark.parametrize("seed", range(8))
def test_the_annotation_of_a_slot_that_is_asked_for_is_never_seen(seed: int) -> None:
    random = np.random.default_rng(seed)
    units = toy(60, random)
    # Some labels don't come from an annotation that stands in the unit; some slots have none.
    units.told[(random.random(len(units.told)) < 0.1) & (units.told >= 0)] = -1
    units = replace(units, slot_source=random.integers(-1, 2, 120).astype(np.int8))
    hiding = hide_some(units, draw(len(units), random), NO_ROLES, random)
    seen = units.told[~hiding.words]
    unit = np.repeat(np.arange(60), np.diff(units.words_of))[~hiding.words]
    shown = set(zip(unit.tolist(), seen.tolist(), strict=True))
    for slot in range(120):
        if hiding.ask[slot]:
            assert units.slot_source[slot] >= 0
            assert (slot // 2, slot % 2) not in shown
        elif units.slot_source[slot] >= 0:
            assert (slot // 2, slot % 2) in shown
    for one in range(60):
        assert hiding.ask[2 * one : 2 * one + 2].any() or not any((one, slot) in shown for slot in range(2))
        assert ((one, ONLY_FOR_ANNOTATIONS) in shown) != hiding.bare[one]


def test_bare_units_show_no_annotation_and_no_import_for_one() -> None:
    random = np.random.default_rng(0)
    drawn = draw(4000, random)
    assert (drawn.rate[drawn.bare] == 1).all()
    assert (drawn.rate == 1).mean() == pytest.approx(ALL_HIDDEN, abs=0.02)
    assert 0.77 < drawn.bare[drawn.rate == 1].mean() < 0.83
    units = toy(20, random)
    hiding = hide_everything(units)
    assert (units.told[~hiding.words] == -1).all() and (units.told[hiding.words] != -1).all()
    assert hiding.bare.all() and hiding.ask.all()


def test_a_new_name_stands_wherever_the_old_one_stood() -> None:
    random = np.random.default_rng(1)
    units = toy(400, random)
    renamed = rename_some(units, np.array([33_000]), random)
    changed = renamed.word != units.word
    assert (renamed.word[changed] == 33_000).all() and (units.word[changed] >= 30).all()
    unit = np.repeat(np.arange(400), np.diff(units.words_of))
    old = set(zip(unit[changed].tolist(), units.word[changed].tolist(), strict=True))
    assert old.isdisjoint(zip(unit[~changed].tolist(), units.word[~changed].tolist(), strict=True))
    assert 10 < len({one for one, _ in old}) < 70


def test_a_hidden_word_is_hidden_wherever_it_stands() -> None:
    units = toy(30, np.random.default_rng(2))
    padded = pad(units, np.arange(30), subwords(), hide_everything(units), 3)
    made, places, were = hide_words(padded, np.random.default_rng(0), most=1.0)
    shown, truth = made.lexemes[made.words], padded.lexemes[padded.words]
    hidden = (shown[..., 0] == 1) & made.mask
    assert 0 < hidden.sum() == len(places)
    assert (truth.reshape(-1, 2)[places] == were).all()
    assert (shown[~hidden] == truth[~hidden]).all()
    for unit in range(30):
        words = padded.words[unit]
        assert set(words[hidden[unit]]).isdisjoint(words[~hidden[unit] & made.mask[unit]])


# --- batches ----------------------------------------------------------------------------------------------------------


def test_a_unit_taken_out_is_the_unit() -> None:
    units = toy(9, np.random.default_rng(6))
    chosen = np.array([7, 2])
    part = taken(units, chosen)
    one = pad(units, chosen, subwords(), hide_some(part, OPEN, NO_ROLES, np.random.default_rng(0)), 3)
    other = pad(part, [0, 1], subwords(), hide_some(part, OPEN, NO_ROLES, np.random.default_rng(0)), 3)
    for name in ("words", "edges", "places", "names", "members", "mentions", "labels", "pointers", "lexemes"):
        assert (getattr(one, name) == getattr(other, name)).all(), name
    at, _ = runs(units.slots_of, chosen)
    assert one.asked.tolist() == at[other.asked].tolist()


def test_a_batch_follows_from_its_number_and_a_pass_has_every_unit_once() -> None:
    held = data()
    feed, again = (Feed(held, 200, 1, 2, 3, 8) for _ in range(2))
    later = again.batch(9, False)
    for number in range(9):
        again.batch(number, True)
    first = [feed.batch(number, False) for number in range(10)]
    assert (first[9].padded.words == later.padded.words).all() and (first[9].answers.label == later.answers.label).all()
    plan = feed._drawn(0)
    units = np.concatenate(plan.batches)
    assert len(set(units.tolist())) == len(units) > 250
    assert all(example.padded.mask.size <= 240 for example in first)


def test_no_project_dominates_a_pass_and_every_pass_has_others_of_it() -> None:
    held = data(MOST_OF_PROJECT + 500)
    project = np.where(np.arange(MOST_OF_PROJECT + 500) < MOST_OF_PROJECT + 400, 0, 1).astype(np.int32)
    feed = Feed(replace(held, train=replace(held.train, project=project)), 200, 1, 1, 3, 8)
    passes = [np.concatenate(feed._drawn(epoch).batches) for epoch in range(2)]
    for units in passes:
        assert (project[units] == 0).sum() == MOST_OF_PROJECT and (project[units] == 1).sum() == 100
    assert set(passes[0].tolist()) != set(passes[1].tolist())


def test_answers_are_every_prefix_up_to_what_cannot_be_said() -> None:
    """`list[str]` as `3 4`; a name in scope; a type that neither way can say; `list` of such a type."""
    units = toy(2, np.random.default_rng(0))
    units = replace(
        units,
        symbols_of=np.array([0, 2, 3, 4, 6]),
        symbol=np.array([3, 4, -1, -1, 3, -1], np.int16),
        pointer=np.array([-1, -1, 1, -1, -1, -1], np.int16),
    )
    padded = pad(units, [0, 1], subwords(), hide_everything(units), 3)
    told = answers(padded, ARITY, 8, np.array([1, 1, 1, 0.3], np.float32))
    assert told.slot.tolist() == [0, 0, 1, 2, 3, 3]
    assert told.symbols.tolist() == [[-1] * 3, [3, -1, -1], [-1] * 3, [-1] * 3, [-1] * 3, [3, -1, -1]]
    assert told.parent.tolist() == [-1, 3, -1, -1, -1, 3]
    assert told.place.tolist() == [0, 1, 0, 0, 0, 1]
    assert told.label.tolist() == [3, 4, -1, 0, 3, 0]
    assert told.pointer.tolist() == [-1, -1, SYMBOLS + 1, -1, -1, -1]
    assert told.weight.round(1).tolist() == pytest.approx([1, 1, 1, 1, 0.3, 0.3])


# --- runs -------------------------------------------------------------------------------------------------------------

torch = pytest.importorskip("torch")
loop = pytest.importorskip("typeinfer.training.loop")
learning = pytest.importorskip("typeinfer.training.types")
load_file = pytest.importorskip("safetensors.torch").load_file


def lines(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def tiny(shards: Path, out: Path, **given: object) -> object:
    chosen = {"steps": 60, "words": 600, "rate": 1e-2, "processes": 1, "warmup": 0.05, "shape": TINY}
    return loop.Run(data=shards, out=out, **(chosen | given))


@pytest.mark.parametrize("ranks", [1, 2, 3, 40])
def test_processes_share_all_weights_and_no_matrix_is_cut(ranks: int) -> None:
    model = learning.TypeModel(loop.msgspec.convert({**SHAPE, **dict(TINY)}, learning.Config))
    row = loop.Row(model)
    updated, matrices = torch.zeros(row.size), torch.zeros(row.size)
    for rank in range(ranks):
        for part in row.share(rank, ranks):
            updated[part] += 1
        for matrix in row.matrices(matrices, row.share(rank, ranks)[0]):
            assert matrix.ndim == 2
            matrix += 1
    assert (updated == 1).all()
    inside = torch.cat([view.flatten() for view in row.views(matrices).values()])
    linear = [module for module in model.modules() if isinstance(module, torch.nn.Linear)]
    assert inside.sum() == sum(module.weight.numel() for module in linear)
    assert set(inside.tolist()) == {0, 1}


def test_what_can_be_learnt_is_learnt_by_two_processes(shards: Path, tmp_path: Path) -> None:
    out = loop.train(
        tiny(shards, tmp_path / "run", steps=60, minutes=1, pretrain_minutes=0.1, processes=2), learning.Types
    )
    told = lines(out)
    final = [line for line in told if "final" in line]
    assert [line["final"] for line in final] == ["last", "mean"]
    assert final[0]["exact"] > 0.7, "three types of four can be said"
    assert final[0]["pointing"] > 0.1
    held = json.loads((out / "config.json").read_text())
    assert held["width"] == 32 and held["symbols"] == SYMBOLS
    assert (out / "weights.safetensors").is_file() and not list(out.glob("*.partial"))


def test_a_batch_that_asks_for_nothing_costs_nothing() -> None:
    """As a unit does that fills a batch by itself, when all of its annotations happen to be shown."""
    held = data(1)
    units = replace(held.train, slot_source=np.full(2, -1, np.int8))
    example = Feed(replace(held, train=units), 200, 1, 1, 3, 8).batch(0, False)
    model = learning.TypeModel(loop.msgspec.convert({**SHAPE, **dict(TINY)}, learning.Config))
    loss = learning.loss_of(model, example, torch.device("cpu"))
    loss.backward()
    assert len(example.answers.slot) == 0 and loss.item() == 0


def test_a_run_that_was_cut_off_ends_as_if_it_had_not_been(
    shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"steps": 12, "minutes": 1, "pretrain_minutes": 0.2, "checkpoint_seconds": 0.0}
    whole = loop.train(tiny(shards, tmp_path / "whole", **given), learning.Types)
    step = loop.Worker._step

    def cut(self: object, optimizers: object, example: object, position: object) -> None:
        if position.step == 7:
            raise KeyboardInterrupt
        step(self, optimizers, example, position)

    monkeypatch.setattr(loop.Worker, "_step", cut)
    with pytest.raises(KeyboardInterrupt):
        loop.train(tiny(shards, tmp_path / "cut", **given), learning.Types)
    monkeypatch.setattr(loop.Worker, "_step", step)
    resumed = loop.train(tiny(shards, tmp_path / "cut", resume=True, **given), learning.Types)
    assert (resumed / "weights.safetensors").read_bytes() == (whole / "weights.safetensors").read_bytes()


def test_processes_that_torchrun_started_learn_what_forked_ones_do(shards: Path, tmp_path: Path) -> None:
    given = {"steps": 12, "words": 600, "rate": 1e-2, "warmup": 0.05, "minutes": 1, "pretrain_minutes": 0.2}
    forked = loop.train(tiny(shards, tmp_path / "forked", processes=2, **given), learning.Types)
    sent = tmp_path / "sent"
    flags = [part for name, value in given.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    shape = [f"{name}={number}" for name, number in TINY]
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "typeinfer.training.types"]

    def run(*more: str) -> None:
        asked = [*command, "--data", str(shards), "--out", str(sent), *flags, "--shape", *shape, *more]
        done = subprocess.run([sys.executable, *asked], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    run()
    for one, other in zip(lines(sent), lines(forked), strict=True):
        assert (one["step"], one["words"]) == (other["step"], other["words"])
        if "final" in one:
            assert one["exact"] == pytest.approx(other["exact"], abs=0.02)
        else:
            assert one["loss"] == pytest.approx(other["loss"], abs=1e-3)
    ours, theirs = (load_file(out / "weights.safetensors") for out in (sent, forked))
    assert ours.keys() == theirs.keys()
    apart = max(float((ours[name].float() - theirs[name].float()).abs().max()) for name in ours)
    assert apart < 0.02, "sums in another order, and weights of bfloat16"
    before = len(lines(sent))
    run("--resume")
    assert [line["step"] for line in lines(sent)[before:]] == [12, 12], "a run that is over has nothing left to do"


def test_nothing_to_go_on_from(shards: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="start without --resume"):
        loop.train(tiny(shards, tmp_path / "run", resume=True), learning.Types)
