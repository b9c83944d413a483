"""What runs without torch says what the network says: of every word, every slot, every type, on whatever shape of input.

float32 on both sides; the tolerance is what float32 leaves of sums in another order.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from random_model import SMALL, random_model
from random_units import Size, random_units

from typeinfer.model import device
from typeinfer.model import runtime as module
from typeinfer.model.device import device_of
from typeinfer.model.prefixes import along
from typeinfer.model.runtime import NoDevice, Question, Runtime, ShortOfMemory, batches
from typeinfer.model.search import Composed
from typeinfer.model.units import Padded, Units, as_written, pad

if TYPE_CHECKING:
    from typeinfer.model.checkpoint import Checkpoint
    from typeinfer.model.network import Batch, TypeModel

TOLERANCE = 2e-4
"""In log probability, and in hidden states of size one."""

BEAM = 4

SHAPES = {
    "unequal lengths": [Size(9, 2, 20, 3), Size(3, 1, 4, 2), Size(17, 3, 40, 5)],
    "no edges": [Size(8, 2, 0, 2), Size(5, 1, 0, 1)],
    "no names": [Size(8, 2, 10), Size(4, 1, 3)],
    "names in one of two": [Size(6, 2, 5, 4), Size(7, 2, 5, 0)],
    "one word": [Size(1, 1, 0, 0)],
    "one word, and edges from it to itself": [Size(1, 2, 3, 1), Size(1, 1, 0, 0)],
    "units without slots": [Size(5, 0, 2, 1), Size(6, 2, 2, 1), Size(5, 0, 2, 1)],
    "many": [Size(3 + n % 11, n % 4, n % 7, n % 5) for n in range(40)],
}


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    return Runtime(random_model(), threads=2, precision="f32")


@pytest.fixture(scope="module")
def network() -> TypeModel:
    torch = pytest.importorskip("torch", reason="needs torch: pip install -e '.[train]'")
    from typeinfer.model.network import TypeModel

    model = TypeModel(SMALL)
    model.load_state_dict({name: torch.tensor(array) for name, array in random_model().weights.items()})
    return model.eval()


def all_of(units: Units, subwords: np.ndarray) -> Padded:
    chosen = np.arange(len(units))
    return pad(units, chosen, subwords, as_written(units, chosen), SMALL.steps)


def arity_of(checkpoint: Checkpoint) -> np.ndarray:
    return np.array([symbol.arity for symbol in checkpoint.vocabulary.symbols], np.int64)


def as_tensors(padded: Padded) -> Batch:
    import torch

    from typeinfer.model.network import Batch

    return Batch(**{field.name: torch.tensor(getattr(padded, field.name)) for field in fields(Batch)})


class Reference:
    """The network's word on the slots of a batch, one prefix at a time."""

    def __init__(self, network: TypeModel, padded: Padded, allowed: np.ndarray | None = None) -> None:
        import torch

        self.network, self.padded, self.batch = network, padded, as_tensors(padded)
        self.arity = [symbol.arity for symbol in random_model().vocabulary.symbols]
        self.banned = [] if allowed is None else np.flatnonzero(~allowed).tolist()
        with torch.no_grad():
            self.lexemes = network.lexemes(self.batch)
            self.hidden = network.encode(self.batch, self.lexemes)
            self.slots = network.slots(self.batch, self.hidden)
            self.names = network.names(self.batch, self.lexemes, self.hidden)

    def next(self, slot: int, prefix: tuple[int, ...]) -> np.ndarray:
        """Log probabilities of symbols, then of names in scope, after a prefix as `Composed.types` has them."""
        import torch

        from typeinfer.model.network import Prefixes

        symbols = np.full((1, SMALL.steps), -1)
        arity = np.zeros((1, len(prefix) + 1), np.int64)
        scope = self.padded.scope[self.padded.slot_unit[slot]]
        for step, symbol in enumerate(prefix):
            pointed = symbol >= SMALL.symbols
            symbols[0, step] = SMALL.symbols + scope[symbol - SMALL.symbols] if pointed else symbol
            arity[0, step] = 0 if pointed else self.arity[symbol]
        parent, place = along(symbols[:, : len(prefix) + 1], arity)
        prefixes = Prefixes(*(torch.tensor(a) for a in ([slot], symbols, parent[:, -1], place[:, -1])))
        with torch.no_grad():
            scores = self.network.scores(self.batch, self.slots, self.names, prefixes)[0].double().numpy()
        scores[self.banned] = -np.inf
        return scores - np.log(np.exp(scores).sum())

    def missing(self, prefix: tuple[int, ...]) -> int:
        return 1 + sum((0 if one >= SMALL.symbols else self.arity[one]) - 1 for one in prefix)

    def following(self, slot: int, prefix: tuple[int, ...], score: float) -> list[tuple[tuple[int, ...], float]]:
        scores = self.next(slot, prefix)
        longer = [((*prefix, symbol), score + more) for symbol, more in enumerate(scores) if symbol and more > -np.inf]
        return [(one, total) for one, total in longer if len(one) + self.missing(one) <= SMALL.steps]

    def beam(self, slot: int, width: int) -> list[tuple[tuple[int, ...], float]]:
        finished: list[tuple[tuple[int, ...], float]] = []
        going: list[tuple[tuple[int, ...], float]] = [((), 0.0)]
        while going:
            longer = sorted(
                (one for prefix, score in going for one in self.following(slot, prefix, score)),
                key=lambda pair: -pair[1],
            )
            complete = [one for one in longer if not self.missing(one[0])]
            finished = sorted((*finished, *complete), key=lambda pair: -pair[1])[:width]
            going = [one for one in longer if self.missing(one[0])][:width]
        return finished

    def probability(self, slot: int, symbols: tuple[int, ...]) -> float:
        return sum(self.next(slot, symbols[:step])[symbol] for step, symbol in enumerate(symbols))


@pytest.mark.parametrize("sizes", SHAPES.values(), ids=SHAPES)
def test_words_and_slots_and_names_are_those_of_the_network(
    runtime: Runtime, network: TypeModel, sizes: list[Size]
) -> None:
    padded = all_of(*random_units(SMALL, sizes))
    expected = Reference(network, padded)
    here = runtime.computing
    lexemes = here.lexemes(padded)
    hidden = here.encoder.finish(here.encoder.start(padded, lexemes))
    asked = here.head.asked(padded, lexemes, hidden)
    seen = padded.mask.reshape(-1)
    assert np.abs(hidden[seen] - expected.hidden.numpy()[seen]).max() < TOLERANCE
    assert np.abs(asked.slots - expected.slots.numpy()).max(initial=0) < TOLERANCE
    there = padded.scope >= 0
    assert np.abs(asked.offered[there] - expected.names.numpy()[padded.scope[there]]).max(initial=0) < TOLERANCE


@pytest.mark.parametrize("sizes", SHAPES.values(), ids=SHAPES)
def test_types_and_their_probabilities_are_those_of_the_network(
    runtime: Runtime, network: TypeModel, sizes: list[Size]
) -> None:
    units, subwords = random_units(SMALL, sizes)
    found = runtime.rank(units, subwords, range(len(units)), beam=BEAM)
    expected = Reference(network, all_of(units, subwords))
    assert len(found) == units.slots_of[-1]
    for slot, composed in enumerate(found[:12]):
        best = expected.beam(slot, BEAM)
        assert [symbols for symbols, _ in composed.types] == [symbols for symbols, _ in best]
        assert np.allclose([score for _, score in composed.types], [score for _, score in best], atol=TOLERANCE)
        assert np.allclose(
            [score for _, score in composed.types],
            [expected.probability(slot, symbols) for symbols, _ in composed.types],
            atol=TOLERANCE,
        )


def test_the_best_type_is_never_worse_than_the_greedy_one(runtime: Runtime, network: TypeModel) -> None:
    units, subwords = random_units(SMALL, SHAPES["many"])
    found = runtime.rank(units, subwords, range(len(units)), beam=BEAM)
    expected, reached = Reference(network, all_of(units, subwords)), 0
    for slot, composed in enumerate(found):
        symbols, score = (), 0.0
        while expected.missing(symbols):
            choices = expected.following(slot, symbols, score)
            symbols, score = max(choices, key=lambda pair: pair[1])
        assert composed.types[0][1] > score - TOLERANCE
        reached += composed.types[0][0] == symbols
    assert reached


def test_what_is_not_allowed_is_as_if_it_had_never_been_heard_of(runtime: Runtime, network: TypeModel) -> None:
    units, subwords = random_units(SMALL, SHAPES["unequal lengths"])
    allowed = np.arange(SMALL.symbols) % 3 != 1
    expected = Reference(network, all_of(units, subwords), allowed)
    for slot, composed in enumerate(runtime.rank(units, subwords, range(len(units)), BEAM, allowed)):
        best = expected.beam(slot, BEAM)
        assert [symbols for symbols, _ in composed.types] == [symbols for symbols, _ in best]
        assert np.allclose([score for _, score in composed.types], [score for _, score in best], atol=TOLERANCE)


def test_all_types_together_weigh_one(runtime: Runtime) -> None:
    units, subwords = random_units(SMALL, SHAPES["unequal lengths"])
    leaves = np.array([symbol.arity == 0 for symbol in random_model().vocabulary.symbols])
    for composed in runtime.rank(units, subwords, range(len(units)), beam=20, allowed=leaves):
        assert abs(sum(np.exp(score) for _, score in composed.types) + composed.beyond - 1) < 1e-5
    for composed in runtime.rank(units, subwords, range(len(units)), beam=500):
        found = sum(np.exp(score) for _, score in composed.types)
        assert len({symbols for symbols, _ in composed.types}) == len(composed.types) == 500
        assert 0 < composed.beyond < 1 - found, "some of it is in types that are too long"


def test_neither_order_nor_company_changes_an_answer(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    units, subwords = random_units(SMALL, SHAPES["many"])
    together = runtime.rank(units, subwords, range(len(units)), BEAM)
    chosen = np.random.default_rng(1).permutation(len(units))[:25]
    monkeypatch.setattr(runtime, "budget", 30)
    apart = iter(runtime.rank(units, subwords, chosen, BEAM))
    for unit in chosen:
        for slot in range(units.slots_of[unit], units.slots_of[unit + 1]):
            one = next(apart)
            assert [symbols for symbols, _ in one.types] == [symbols for symbols, _ in together[slot].types]
            assert abs(one.beyond - together[slot].beyond) < TOLERANCE
    assert next(apart, None) is None


def test_a_failure_half_way_leaves_the_runtime_whole(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_half_way(runtime, "typeinfer.model.processor.compose", monkeypatch)


def fail_half_way(asked: Runtime, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    units, subwords = random_units(SMALL, SHAPES["many"])
    monkeypatch.setattr(asked, "budget", 30)
    with monkeypatch.context() as broken:
        broken.setattr(place, lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            asked.rank(units, subwords, range(len(units)), BEAM)
    gc.collect()
    assert len(asked.rank(units, subwords, range(len(units)), BEAM)) == units.slots_of[-1]


def test_nothing_asked_is_nothing_answered(runtime: Runtime) -> None:
    units, subwords = random_units(SMALL, SHAPES["units without slots"])
    assert runtime.rank(units, subwords, []) == []
    assert runtime.rank(units, subwords, [0, 2]) == []


def test_batches_hold_every_unit_with_slots_once_and_keep_to_the_budget() -> None:
    units, _ = random_units(SMALL, [*SHAPES["many"], Size(99, 1)])
    sizes = np.diff(units.words_of)
    made = list(batches(units, np.arange(len(units)), 50))
    assert sorted(np.concatenate(made)) == np.flatnonzero(np.diff(units.slots_of)).tolist()
    assert all(len(batch) == 1 or len(batch) * sizes[batch].max() <= 50 for batch in made)


def test_a_processor_s_fast_numbers_say_nearly_the_same(runtime: Runtime) -> None:
    """Where the processor multiplies bfloat16; elsewhere both are float32."""
    units, subwords = random_units(SMALL, SHAPES["many"])
    exact = runtime.rank(units, subwords, range(len(units)), BEAM)
    fast = Runtime(random_model(), 2).rank(units, subwords, range(len(units)), BEAM)
    apart = [
        abs(dict(one.types).get(other.types[0][0], -9) - other.types[0][1])
        for one, other in zip(exact, fast, strict=True)
    ]
    assert np.median(apart) < 0.1
    assert np.mean([one.types[0][0] == other.types[0][0] for one, other in zip(exact, fast, strict=True)]) > 0.8


@pytest.fixture(scope="module", params=["cpu", "cuda"] if device_of("auto") == "cuda" else ["cpu"])
def on_gpu(request: pytest.FixtureRequest) -> Iterator[Runtime]:
    """The arithmetic that is meant for a GPU, in float32: on the processor that every machine has, and on a GPU if there is one."""
    pytest.importorskip("torch", reason="needs torch: pip install -e '.[train]'")
    from typeinfer.model.gpu import Gpu

    checkpoint = random_model()
    found = Runtime(checkpoint, 2)
    found.computing = Gpu(SMALL, checkpoint.weights, arity_of(checkpoint), request.param, "f32")
    yield found
    found.computing.close()


@pytest.mark.parametrize("sizes", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("beam", [1, BEAM, 300])
def test_what_a_gpu_finds_is_the_same(runtime: Runtime, on_gpu: Runtime, sizes: list[Size], beam: int) -> None:
    units, subwords = random_units(SMALL, sizes)
    expected = runtime.rank(units, subwords, range(len(units)), beam)
    found = on_gpu.rank(units, subwords, range(len(units)), beam)
    for one, other in zip(found, expected, strict=True):
        assert_same(one, other)


def test_what_is_not_allowed_a_gpu_never_heard_of_either(runtime: Runtime, on_gpu: Runtime) -> None:
    units, subwords = random_units(SMALL, SHAPES["many"])
    allowed = np.arange(SMALL.symbols) % 3 != 1
    expected = runtime.rank(units, subwords, range(len(units)), BEAM, allowed)
    for one, other in zip(on_gpu.rank(units, subwords, range(len(units)), BEAM, allowed), expected, strict=True):
        assert_same(one, other)


def test_a_gpu_searches_for_so_many_at_a_time(on_gpu: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    units, subwords = random_units(SMALL, SHAPES["many"])
    together = on_gpu.rank(units, subwords, range(len(units)), BEAM)
    monkeypatch.setattr("typeinfer.model.beams.SLOTS", 7)
    for one, other in zip(on_gpu.rank(units, subwords, range(len(units)), BEAM), together, strict=True):
        assert_same(one, other)


def test_a_failure_half_way_leaves_a_gpu_usable(on_gpu: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_half_way(on_gpu, "typeinfer.model.gpu.search", monkeypatch)


def assert_same(one: Composed, other: Composed) -> None:
    """But for those that are as probable as each other, whose order is anybody's."""
    assert [score for _, score in one.types] == pytest.approx([score for _, score in other.types], abs=TOLERANCE)
    known = dict(other.types)
    least = min(known.values(), default=0.0)
    for symbols, score in one.types:
        assert known.get(symbols, least) == pytest.approx(score, abs=TOLERANCE)
    assert one.beyond == pytest.approx(other.beyond, abs=TOLERANCE)


@pytest.mark.parametrize("sizes", SHAPES.values(), ids=SHAPES)
def test_words_laid_end_to_end_are_those_of_padded_ones(network: TypeModel, sizes: list[Size]) -> None:
    import torch

    batch = as_tensors(all_of(*random_units(SMALL, sizes)))
    with torch.inference_mode():
        lexemes = network.lexemes(batch)
        padded, packed = network.encode(batch, lexemes), network.encode_packed(batch, lexemes)
    words = batch.mask.view(-1)
    assert (packed[words] - padded[words]).abs().max() < TOLERANCE
    assert not packed[~words].any()


def test_the_kernel_for_unequal_lengths_is_called_as_torch_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is a GPU it says what is said without the kernel; elsewhere there is only its shape to look at."""
    torch = pytest.importorskip("torch", minversion="2.12", reason="needs torch: pip install -e '.[train]'")
    from typeinfer.model import network

    there = torch.device("cuda" if torch.cuda.is_available() else "meta")
    mask = torch.arange(9) < torch.tensor([4, 9, 1])[:, None]
    packed = network.Packed.of(mask)
    q, k, v = (torch.randn(3, 1, 4, int(mask.sum()), 64) / 8).bfloat16()
    expected = network.attend_packed(q.float(), k.float(), v.float(), packed).bfloat16()
    monkeypatch.setattr(network, "has_varlen", lambda _: True)
    moved = replace(packed, at=packed.at.to(there), ends=packed.ends.to(there))
    found = network.attend_packed(q.to(there), k.to(there), v.to(there), moved)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    if there.type == "cuda":
        assert (found.cpu() - expected).abs().max() < 0.03


def test_without_a_gpu_the_run_says_so() -> None:
    torch = pytest.importorskip("torch", reason="needs torch: pip install -e '.[train]'")
    if torch.cuda.is_available():
        assert Runtime(random_model(), 2, device="cuda").rank(*random_units(SMALL, [Size(5)]), [0])
    else:
        with pytest.raises(NoDevice, match=r"^device cuda: torch finds no GPU here; leave the setting out"):
            Runtime(random_model(), 2, device="cuda")


class Small:
    """A device that has room for so many batches at once, and computes what the processor would."""

    def __init__(self, room: int) -> None:
        self.inner = Runtime(random_model(), 2, precision="f32").computing
        self.room, self.at_once = room, self.inner.at_once

    def start(self, question: Question) -> object:
        if not self.room:
            raise ShortOfMemory("the GPU's memory is short")
        self.room -= 1
        return self.inner.start(question)

    def finish(self, request: object) -> list[Composed]:
        return self.inner.finish(request)

    def drop(self, request: object) -> None:
        self.inner.drop(request)

    def close(self) -> None:
        self.room = 0


@pytest.mark.parametrize("room", [None, 0, 1, 3])
def test_where_a_gpu_is_short_of_memory_the_processor_computes(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, room: int | None
) -> None:
    """Short of it for the model itself, or from some batch on: everything is then asked of the processor, and said why."""

    def computing(*asked: object) -> object:
        *_, device = asked
        if device == "cpu":
            return real(*asked)
        if room is None:
            raise ShortOfMemory("the GPU's memory is short")
        return Small(room)

    real = module.computing
    monkeypatch.setattr(module, "computing", computing)
    monkeypatch.setattr(module, "BUDGETS", {"cpu": 2_000, "cuda": 30})
    units, subwords = random_units(SMALL, SHAPES["many"])
    falling = Runtime(random_model(), 2, device="cuda")
    said = falling.rank(units, subwords, range(len(units)), BEAM)
    assert falling.device == "cpu"
    assert falling.trouble == "device cuda: the GPU's memory is short; computing on the processor"
    expected = runtime.rank(units, subwords, range(len(units)), BEAM)
    assert [one.types[0][0] for one in said] == [one.types[0][0] for one in expected]


SAID = ("CUDA out of memory. Tried to allocate 2.00 GiB.", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")


@pytest.mark.parametrize("said", SAID)
def test_torch_says_in_our_words_that_memory_is_short(
    on_gpu: Runtime, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    import torch

    padded = all_of(*random_units(SMALL, [Size(5)]))
    question = Question(padded, np.arange(SMALL.symbols), BEAM)

    def raising(error: Exception) -> Callable[..., object]:
        def encode(*_: object) -> object:
            raise error

        return encode

    kind = torch.OutOfMemoryError if said is SAID[0] else RuntimeError
    monkeypatch.setattr(on_gpu.computing.encoder, "encode_packed", raising(kind(said)))
    with pytest.raises(ShortOfMemory, match=r"^the GPU's memory is short$"):
        on_gpu.answer(question)
    monkeypatch.setattr(on_gpu.computing.encoder, "encode_packed", raising(RuntimeError("shapes differ")))
    with pytest.raises(RuntimeError, match=r"^shapes differ$"):
        on_gpu.answer(question)


def test_what_was_on_a_gpu_whose_memory_is_short_is_gone_before_anything_else_is_tried(
    on_gpu: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for the garbage collector."""
    import torch

    held: list[weakref.ref[object]] = []

    def search(_model: object, _batch: object, slots: object, *_: object) -> object:
        held.append(weakref.ref(slots))
        raise torch.OutOfMemoryError("CUDA out of memory")

    def fall_back(short: str) -> None:
        assert held and all(one() is None for one in held)
        raise ShortOfMemory(short)

    monkeypatch.setattr("typeinfer.model.gpu.search", search)
    monkeypatch.setattr(on_gpu, "device", "cuda")
    monkeypatch.setattr(on_gpu, "fall_back", fall_back)
    units, subwords = random_units(SMALL, SHAPES["many"])
    gc.disable()
    try:
        with pytest.raises(ShortOfMemory):
            on_gpu.rank(units, subwords, range(len(units)), BEAM)
    finally:
        gc.enable()


@pytest.mark.parametrize(("room", "budgets"), [(16_000, [64_000, 16_000]), (100, [64_000, 16_000, 4_000, 2_000])])
def test_a_gpu_whose_memory_is_short_takes_less_at_a_time_before_it_is_given_up(
    monkeypatch: pytest.MonkeyPatch, room: int, budgets: list[int]
) -> None:
    falling = Runtime(random_model(), 2)
    falling.device, falling.budget, tried = "cuda", module.BUDGETS["cuda"], []
    falling.fallback = lambda: falling.computing

    def answers(questions: Iterator[Question]) -> Iterator[list[Composed]]:
        tried.append(falling.budget)
        if falling.device == "cuda" and falling.budget > room:
            raise ShortOfMemory("the GPU's memory is short")
        return Runtime.answers(falling, questions)

    monkeypatch.setattr(falling, "answers", answers)
    units, subwords = random_units(SMALL, SHAPES["many"])
    assert len(falling.rank(units, subwords, range(len(units)), BEAM)) == units.slots_of[-1]
    assert tried == budgets and (falling.trouble is None) == (room == 16_000)


def test_auto_is_a_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="needs torch: pip install -e '.[train]'")
    assert (device_of("cpu"), device_of("cuda")) == ("cpu", "cuda")
    for driver, gpu, found in ((False, True, "cpu"), (True, False, "cpu"), (True, True, "cuda")):
        device._has_gpu.cache_clear()
        monkeypatch.setattr(device, "_has_driver", lambda there=driver: there)
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=gpu: there)
        assert device_of("auto") == found
    monkeypatch.setattr(device, "find_spec", lambda name: None)
    device._has_gpu.cache_clear()
    assert device_of("auto") == "cpu"
    device._has_gpu.cache_clear()


def test_without_torch_the_run_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "typeinfer.model.gpu", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(NoDevice, match=r"^device cuda: torch is not installed; run: pip install 'typeinfer"):
        Runtime(random_model(), 2, device="cuda")


PREDICTING = """
import sys
told = []
def listen(event, arguments):
    writing = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if writing or event.split(".")[0] == "socket" or event in ("os.mkdir", "subprocess.Popen"):
        told.append((event, str(arguments)))
sys.dont_write_bytecode = True
sys.addaudithook(listen)
from random_model import SMALL, random_model
from random_units import Size, random_units
from typeinfer.model.runtime import Runtime
assert Runtime(random_model(), 2).rank(*random_units(SMALL, [Size(5)]), [0])
print(sorted({"torch", "transformers", "libcst"} & set(sys.modules)), told)
"""


def test_predicting_needs_no_torch_and_neither_calls_the_network_nor_writes_a_file(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PREDICTING],
        cwd=Path(__file__).parent,
        env={**{name: value for name, value in os.environ.items() if name != "CI"}, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("[] []\n", "")
    assert not list(tmp_path.iterdir())
