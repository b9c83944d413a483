"""Training: shards of units in; the weights of a type model out, with a log, curves and what it takes to go on after a cut.

Weights, activations and gradients are bfloat16, what the optimiser adds up is float32. On a CPU every core is a process of
its own with one thread: gradients meet in shared memory and each process updates its share of the weights. Two threads in one
process wait for each other at every product, and whenever anything else runs, that costs more than half. On CUDA there is one
process, fed by others. Needs nothing of typeinfer but `model` and `training.batches`, so that it runs where no parser is.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import multiprocessing
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from multiprocessing.pool import Pool, ThreadPool
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from typeinfer.model.config import Config
from typeinfer.model.network import Batch, Prefixes, TypeModel, there
from typeinfer.model.prefixes import Open
from typeinfer.training.batches import Data, Example, Feed

# f all weights in one row, those of matrices first; g process; r right answer; n slot

WEIGHTS, CONFIG, LOG, CURVES, STATE = (
    "weights.safetensors",
    "config.json",
    "log.jsonl",
    "curves.svg",
    "state.safetensors",
)

BETAS, MOMENTUM, EPSILON, DECAY, CLIP = (0.9, 0.98), 0.95, 1e-8, 0.1, 1.0
ALIGNED = 64
AVERAGE_EVERY, AVERAGE_OVER = 10, 0.05
"""Every so many steps the weights join a running mean whose window is this share of the steps so far."""

LOG_SECONDS, PATIENCE = 15.0, 1800.0
AHEAD, FEEDERS = 4, 8
STATES = ("master", "first", "second", "mean")
"""Of `Shared`: what a checkpoint holds."""


@dataclass(frozen=True)
class Run:
    """How to train, for so many minutes by the clock, of which the first `pretrain_minutes` ask for hidden words and not for
    types; or for so many `steps`, shared out alike.

    `words`: budget of a step, over all processes. `rate`: the highest learning rate, reached after a share `warmup` of the
    run, held while words are asked for and then falling linearly to 0. `evaluate_words`, `final_words`: words of the
    development split that are read in the midst and at the end.
    """

    data: Path
    out: Path
    minutes: float = 80.0
    steps: int = 0
    pretrain_minutes: float = 0.0
    words: int = 6000
    rate: float = 2e-3
    warmup: float = 0.02
    seed: int = 1
    processes: int = 2
    cuda: bool = False
    shape: tuple[tuple[str, int], ...] = ()
    checkpoint_seconds: float = 120.0
    evaluate_seconds: float = 300.0
    evaluate_words: int = 60_000
    final_words: int = 400_000
    resume: bool = False

    @property
    def pretrained(self) -> float:
        """The share of the run that asks for words."""
        return self.pretrain_minutes / self.minutes


# --- all weights as one row ---------------------------------------------------------------------------------------------


class Row:
    """Where every parameter lies in one flat row, each at a multiple of `ALIGNED`: matrices of products up to `products`, tables
    up to `decaying`, then what doesn't decay."""

    def __init__(self, model: TypeModel) -> None:
        linear = {f"{name}.weight" for name, module in model.named_modules() if isinstance(module, nn.Linear)}
        named = list(model.named_parameters())
        decays = {name for name, p in named if p.ndim > 1 and p.shape[-1] > 1}
        self.at: dict[str, tuple[int, torch.Size]] = {}
        self.size = 0
        ends = []
        for group in (linear, decays - linear, {name for name, _ in named} - decays):
            for name, parameter in named:
                if name in group:
                    self.at[name] = (self.size, parameter.shape)
                    self.size += -(-parameter.numel() // ALIGNED) * ALIGNED
            ends.append(self.size)
        self.products, self.decaying, _ = ends
        self.parts = model.parts()

    def share(self, rank: int, ranks: int) -> tuple[slice, slice]:
        """What a process of `ranks` updates: whole matrices of products, and as much of all else as the others."""
        starts = [at for at, _ in self.at.values() if at < self.products] + [self.products]

        def cut(part: int) -> int:
            return min(starts, key=lambda start: abs(start - self.products * part // ranks))

        rest = -(-(self.size - self.products) // ranks // ALIGNED) * ALIGNED
        at = [min(self.products + part * rest, self.size) for part in (rank, rank + 1)]
        return slice(cut(rank), cut(rank + 1)), slice(*at)

    def matrices(self, row: Tensor, part: slice) -> list[Tensor]:
        """The matrices of products in a part of a row; what several products share is taken apart."""
        found: list[Tensor] = []
        for name, (at, shape) in self.at.items():
            if part.start <= at < part.stop:
                whole = row[at : at + shape.numel()].view(shape)
                sizes, dim = self.parts.get(name, ((shape[0],), 0))
                found += whole.split(sizes, dim=dim)
        return found

    def views(self, row: Tensor) -> dict[str, Tensor]:
        return {name: row[at : at + shape.numel()].view(shape) for name, (at, shape) in self.at.items()}

    def take_over(self, model: TypeModel, row: Tensor) -> None:
        """The weights of the model become views of the row."""
        views = self.views(row)
        for name, parameter in model.named_parameters():
            parameter.data = views[name]

    def gather(self, model: TypeModel, row: Tensor) -> None:
        """Copies the gradients of the model into the row, and forgets them."""
        views = self.views(row)
        for name, parameter in model.named_parameters():
            if parameter.grad is None:
                views[name].zero_()
            else:
                views[name].copy_(parameter.grad)
                parameter.grad = None
        views["subword.weight"][0].zero_()  # Padding is no subword, though the head that guesses words could guess it.


@dataclass
class Shared:
    """What the processes of a run have in common. `gradients` [g, f]; `counted` [g, 3]: what was asked, sum of the losses, words;
    `norms` [g]; `clock` [2]: share of the run that is over, seconds spent; `counts` [g, ...]: hits of an evaluation."""

    weights: Tensor
    master: Tensor
    first: Tensor
    second: Tensor
    mean: Tensor
    gradients: Tensor
    counted: Tensor
    norms: Tensor
    clock: Tensor
    counts: Tensor

    @staticmethod
    def of(size: int, ranks: int, device: torch.device, counts: int) -> Shared:
        def zeros(*shape: int, dtype: torch.dtype = torch.float32, where: torch.device = device) -> Tensor:
            made = torch.zeros(*shape, dtype=dtype, device=where)
            return made.share_memory_() if ranks > 1 else made

        cpu = torch.device("cpu")
        return Shared(
            weights=zeros(size, dtype=torch.bfloat16),
            master=zeros(size),
            first=zeros(size),
            second=zeros(size),
            mean=zeros(size),
            gradients=zeros(ranks, size, dtype=torch.bfloat16),
            counted=zeros(ranks, 3, dtype=torch.float64, where=cpu),
            norms=zeros(ranks, where=cpu),
            clock=zeros(2, dtype=torch.float64, where=cpu),
            counts=zeros(ranks, counts, dtype=torch.float64, where=cpu),
        )


@dataclass
class Position:
    """Where a run stands. All else follows from it: batches are drawn from the seed and their number."""

    step: int = 0
    seconds: float = 0.0
    words: int = 0


def store(out: Path, shared: Shared, position: Position) -> None:
    """Everything that going on needs, all of it or nothing."""
    partial = out / f"{STATE}.partial"
    held = {name: getattr(shared, name).cpu() for name in STATES}
    save_file(held, partial, metadata={"position": json.dumps(asdict(position))})
    partial.replace(out / STATE)


def restore(out: Path, shared: Shared) -> Position:
    """Raises `FileNotFoundError` where there is nothing to go on from."""
    path = out / STATE
    if not path.is_file():
        raise FileNotFoundError(f"{path}: nothing to go on from; start without --resume")
    with safe_open(path, "pt") as file:
        position = Position(**json.loads(file.metadata()["position"]))
        for name in STATES:
            getattr(shared, name).copy_(file.get_tensor(name))
    shared.weights.copy_(shared.master)
    return position


# --- what is computed ---------------------------------------------------------------------------------------------------


def prefixes_of(device: torch.device, *parts: NDArray[np.int64]) -> Prefixes:
    return Prefixes(*(there(part, device) for part in parts))


def loss_of(model: TypeModel, example: Example, device: torch.device) -> Tensor:
    """The sum of the losses of all that a batch asks for."""
    batch = Batch.of(example.padded, device)
    lexemes = model.lexemes(batch)
    hidden = model.encode(batch, lexemes)
    if len(example.hidden):
        were = there(example.were, device)
        scores = model.hidden_words(hidden[there(example.hidden, device)]).gather(1, were)
        known = were > 0
        # Every word counts once, however many subwords it has.
        return -((scores * known).sum(dim=1) / known.sum(dim=1).clamp(min=1)).sum()
    names = model.names(batch, lexemes, hidden)
    answers = example.answers
    prefixes = prefixes_of(device, answers.slot, answers.symbols, answers.parent, answers.place)
    scores = model.scores(batch, model.slots(batch, hidden), names, prefixes)
    right = there(np.stack((answers.label, answers.pointer), axis=1), device)
    # A type is right however it is said: by the vocabulary, or by a name in scope.
    found = scores.gather(1, right.clamp(min=0)).masked_fill(right < 0, -1e9)
    return -(found.logsumexp(dim=1) * there(answers.weight, device)).sum()


@torch.no_grad()
def decoded(model: TypeModel, example: Example, arity: NDArray[np.int64], device: torch.device) -> NDArray[np.int64]:
    """The likeliest next symbol, one after the other: [n, k] columns of the scores, -1 behind the end."""
    batch = Batch.of(example.padded, device)
    lexemes = model.lexemes(batch)
    hidden = model.encode(batch, lexemes)
    names, slots = model.names(batch, lexemes, hidden), model.slots(batch, hidden)
    config, padded = model.config, example.padded
    n, k = padded.labels.shape
    found, fed = np.full((n, k), -1, np.int64), np.full((n, k), -1, np.int64)
    grown, going = Open.start(n, k), np.arange(n)
    for step in range(k):
        if not len(going):
            break
        place = np.minimum(grown.place()[going], config.arity)
        prefixes = prefixes_of(device, going, fed[going], grown.parent()[going], place)
        scores = model.scores(batch, slots, names, prefixes)
        # That a type can't be composed is never an answer, though it may be the likeliest.
        chosen = (scores[:, 1:].argmax(dim=1) + 1).cpu().numpy()
        pointing = chosen >= config.symbols
        name = padded.scope[padded.slot_unit[going], np.where(pointing, chosen - config.symbols, 0)]
        found[going, step] = chosen
        fed[going, step] = np.where(pointing, config.symbols + name, chosen)
        symbols, taking = np.zeros(n, np.int64), np.zeros(n, np.int64)
        symbols[going], taking[going] = (
            fed[going, step],
            np.where(pointing, 0, arity[np.minimum(chosen, len(arity) - 1)]),
        )
        grown = grown.after(symbols, taking)
        going = going[grown.depth[going] > 0]
    return found


def hits(found: NDArray[np.int64], example: Example, symbols: int) -> NDArray[np.bool_]:
    """[n]: whether the whole type is the one that was written, said either way."""
    labels, pointers = example.padded.labels, example.padded.pointers
    same = ((found == labels) & (labels >= 0)) | ((found == symbols + pointers) & (pointers >= 0))
    right: NDArray[np.bool_] = (same | (labels == -2)).all(axis=1)
    return right


# --- one process of a run -----------------------------------------------------------------------------------------------


class Worker:
    """One process of a run. All of them do the same steps; the first also keeps time, the log and the checkpoints."""

    def __init__(
        self, run: Run, config: Config, feed: Feed, shared: Shared, row: Row, rank: int, wait: Callable[[], Any]
    ) -> None:
        self.run, self.config, self.feed, self.shared, self.row, self.rank, self.wait = (
            run, config, feed, shared, row, rank, wait,
        )  # fmt: skip
        self.ranks = len(shared.norms)
        self.device = shared.weights.device
        with torch.device("meta"):
            self.model = TypeModel(config).to(torch.bfloat16)
        self.model.to_empty(device=self.device)
        row.take_over(self.model, shared.weights)
        self.mine = row.share(rank, self.ranks)
        self.summed = torch.zeros(row.size, device=self.device)
        self.development = list(feed.development(run.evaluate_words))
        self.over = 0.0

    def go(self, position: Position, batches: Iterator[Example]) -> None:
        optimizers = self._optimizers(position.step)
        begun = time.perf_counter() - position.seconds
        checkpointed = evaluated = position.seconds
        recent = Recent(position.seconds)
        while True:
            if self.rank == 0:
                seconds = time.perf_counter() - begun
                over = position.step / self.run.steps if self.run.steps else seconds / (60 * self.run.minutes)
                self.shared.clock[0], self.shared.clock[1] = over, seconds
            self.wait()
            self.over, position.seconds = self.shared.clock.tolist()
            if position.seconds - checkpointed > self.run.checkpoint_seconds:
                checkpointed = position.seconds
                if self.rank == 0:
                    store(self.run.out, self.shared, position)
            if self.over >= 1:
                break
            if position.seconds - evaluated > self.run.evaluate_seconds:
                evaluated = position.seconds
                self._log(position, self.evaluate(self.development))
            waiting = time.perf_counter()
            example = next(batches)
            recent.waited += time.perf_counter() - waiting
            self._step(optimizers, example, position)
            if self.rank == 0:
                recent.add(*self.shared.counted.sum(dim=0).tolist())
                if position.seconds - recent.since > LOG_SECONDS or position.step == 1:
                    asks = "words" if self._asks_words(position.step) else "types"
                    self._log(position, {"asks": asks, "rate": self._rate(), **recent.line(position.seconds)})
                    recent = Recent(position.seconds)
        self._finish(position)

    def examples(self, pool: Pool, first: int) -> Iterator[Example]:
        """The batches of this process from a step on, some of them made ahead. `pool` runs `_made`."""
        ahead: deque[Any] = deque()
        step = first
        while True:
            while len(ahead) < AHEAD:
                ahead.append(pool.apply_async(_made, (step * self.ranks + self.rank, self._asks_words(step))))
                step += 1
            yield ahead.popleft().get()

    def _asks_words(self, step: int) -> bool:
        return (step / self.run.steps if self.run.steps else self.over) < self.run.pretrained

    def _rate(self) -> float:
        held = max(self.run.pretrained, self.run.warmup)
        falling = min(1.0, (1 - self.over) / (1 - held))
        return self.run.rate * min(1.0, self.over / self.run.warmup + 0.01) * falling

    def _optimizers(self, step: int) -> list[torch.optim.Optimizer]:
        """Muon for the matrices of products of this process, AdamW for all else of it. What they remember lies in the shared rows,
        where checkpoints find it."""
        shared, (products, rest) = self.shared, self.mine
        cut = min(max(self.row.decaying, rest.start), rest.stop)
        made: list[torch.optim.Optimizer] = []
        held = [self.row.matrices(row, products) for row in (shared.master, self.summed, shared.first)]
        if held[0]:
            muon = torch.optim.Muon(
                held[0], lr=self.run.rate, weight_decay=DECAY, momentum=MOMENTUM, adjust_lr_fn="match_rms_adamw"
            )
            for weights, gradient, momentum in zip(*held, strict=True):
                weights.grad = gradient
                muon.state[weights] = {"momentum_buffer": momentum}
            made.append(muon)
        parts = [(slice(rest.start, cut), DECAY), (slice(cut, rest.stop), 0.0)]
        parts = [(part, decay) for part, decay in parts if part.start < part.stop]
        groups = [{"params": [shared.master[part]], "weight_decay": decay} for part, decay in parts]
        adam = torch.optim.AdamW(groups, lr=self.run.rate, betas=BETAS, eps=EPSILON, fused=True)
        for group, (part, _) in zip(adam.param_groups, parts, strict=True):
            (weights,) = group["params"]
            weights.grad = self.summed[part]
            adam.state[weights] = {
                "step": torch.tensor(float(step), device=self.device),
                "exp_avg": shared.first[part],
                "exp_avg_sq": shared.second[part],
            }
        return [*made, adam]

    def _step(self, optimizers: list[torch.optim.Optimizer], example: Example, position: Position) -> None:
        shared = self.shared
        loss = loss_of(self.model, example, self.device)
        loss.backward()  # type: ignore[no-untyped-call]
        self.row.gather(self.model, shared.gradients[self.rank])
        shared.counted[self.rank] = torch.tensor([example.asked, loss.item(), example.words])
        self.wait()
        mine = [self.summed[part] for part in self.mine]
        for part, summed in zip(self.mine, mine, strict=True):
            torch.sum(shared.gradients[:, part], dim=0, dtype=torch.float32, out=summed)
        shared.norms[self.rank] = sum(summed.dot(summed).item() for summed in mine)
        self.wait()
        asked_by_all = max(1.0, float(shared.counted[:, 0].sum()))
        norm = float(shared.norms.sum()) ** 0.5 / asked_by_all
        position.step += 1
        position.words += int(shared.counted[:, 2].sum())
        if not norm < float("inf"):
            return  # A step that can't be measured is not taken.
        for summed in mine:
            summed.mul_(min(1.0, CLIP / (norm + 1e-6)) / asked_by_all)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self._rate()
            optimizer.step()
        share = min(1.0, AVERAGE_EVERY / (AVERAGE_OVER * position.step))
        for part in self.mine:
            shared.weights[part] = shared.master[part]
            if position.step % AVERAGE_EVERY == 0:
                shared.mean[part] = shared.mean[part].lerp_(shared.master[part], share)

    # --- what it is worth -------------------------------------------------------------------------------------------------

    def evaluate(self, development: list[Example]) -> dict[str, Any]:
        """Greedy exact match over whole types of slots that a person annotated, everything hidden and bare. All processes call."""
        kinds, languages, symbols = self.config.slot_kinds, self.config.languages, self.config.symbols
        counts = np.zeros((kinds + languages, 3))
        for example in development[self.rank :: self.ranks]:
            padded = example.padded
            found = decoded(self.model, example, self.feed.data.arity, self.device)
            scored = np.stack((np.ones(len(found)), hits(found, example, symbols), found[:, 0] >= symbols), axis=1)
            np.add.at(counts, padded.slot_kind, scored)
            np.add.at(counts, kinds + padded.language[padded.slot_unit], scored)
        self.shared.counts[self.rank] = torch.from_numpy(counts.reshape(-1))
        self.wait()
        counts = self.shared.counts.sum(dim=0).view(-1, 3).numpy()
        self.wait()
        asked, right, pointing = counts[:kinds].sum(axis=0)
        shares = (counts[:, 1] / np.maximum(counts[:, 0], 1)).round(4).tolist()
        return {
            "exact": round(right / max(asked, 1), 4),
            "of": int(asked),
            "pointing": round(pointing / max(asked, 1), 4),
            "by_kind": shares[:kinds],
            "by_language": shares[kinds:],
        }

    def _log(self, position: Position, line: dict[str, Any]) -> None:
        if self.rank == 0:
            whole = {"step": position.step, "seconds": round(position.seconds, 1), "words": position.words, **line}
            with open(self.run.out / LOG, "a", encoding="utf-8") as file:
                file.write(json.dumps(whole) + "\n")
            print(json.dumps(whole), flush=True)

    def _finish(self, position: Position) -> None:
        """The better of the last weights and their running mean, by what development says of them."""
        if self.rank == 0:
            store(self.run.out, self.shared, position)
        development = list(self.feed.development(self.run.final_words))
        last = self.evaluate(development)
        self._log(position, {"final": "last", **last})
        if self.rank == 0:
            self.shared.weights.copy_(self.shared.mean)
        self.wait()
        mean = self.evaluate(development)
        self._log(position, {"final": "mean", **mean})
        if self.rank == 0:
            if mean["exact"] < last["exact"] or position.step < AVERAGE_EVERY:
                self.shared.weights.copy_(self.shared.master)
            partial = self.run.out / f"{WEIGHTS}.partial"
            views = self.row.views(self.shared.weights.cpu())
            save_file({name: view.clone() for name, view in views.items()}, partial)
            partial.replace(self.run.out / WEIGHTS)


@dataclass
class Recent:
    """What happened since the last line of the log."""

    since: float
    asked: float = 0.0
    loss: float = 0.0
    words: float = 0.0
    waited: float = 0.0

    def add(self, asked: float, loss: float, words: float) -> None:
        self.asked, self.loss, self.words = self.asked + asked, self.loss + loss, self.words + words

    def line(self, now: float) -> dict[str, float]:
        seconds = max(now - self.since, 1e-3)
        return {
            "loss": round(self.loss / max(self.asked, 1), 4),
            "words_a_second": round(self.words / seconds),
            "asked_a_second": round(self.asked / seconds),
            "waited": round(self.waited / seconds, 3),
        }


# --- a whole run ----------------------------------------------------------------------------------------------------------

_FEED: list[Feed] = []
"""What makes batches in this process: a pool's workers are forked with it, and it is too large to be sent."""


def _feed_from(feed: Feed) -> None:
    torch.set_num_threads(1)
    _FEED[:] = [feed]


def _made(number: int, ask_words: bool) -> Example:
    return _FEED[0].batch(number, ask_words)


def train(run: Run) -> Path:
    """Trains and returns the folder with `weights.safetensors`, `config.json`, `log.jsonl` and `curves.svg`.

    Raises `FileNotFoundError` without shards, or without a checkpoint when it is to go on.
    """
    torch.set_num_threads(1)  # What is forked must not have started threads.
    _keep_memory()
    run.out.mkdir(parents=True, exist_ok=True)
    data = Data.load(run.data)
    config = msgspec.convert({**data.shape, **dict(run.shape)}, Config)
    ranks = 1 if run.cuda else run.processes
    feed = Feed(data, run.words // ranks, run.seed, ranks, config.steps, config.arity)
    fork = multiprocessing.get_context("fork")
    # On CUDA whole processes make the batches; they are forked before CUDA starts, which can't be forked.
    pool = fork.Pool(FEEDERS, _feed_from, (feed,)) if run.cuda else None
    torch.manual_seed(run.seed)
    model = TypeModel(config)
    row = Row(model)
    device = torch.device("cuda" if run.cuda else "cpu")
    shared = Shared.of(row.size, ranks, device, 3 * (config.slot_kinds + config.languages))
    if run.resume:
        position = restore(run.out, shared)
    else:
        position = Position()
        for name, view in row.views(shared.master).items():
            view.copy_(model.get_parameter(name).detach())
        shared.weights.copy_(shared.master)
        (run.out / LOG).unlink(missing_ok=True)
    (run.out / CONFIG).write_bytes(msgspec.json.format(msgspec.json.encode(config), indent=1))
    barrier = fork.Barrier(ranks)

    def work(rank: int) -> None:
        try:
            worker = Worker(run, config, feed, shared, row, rank, lambda: barrier.wait(PATIENCE))
            with pool or ThreadPool(1, _feed_from, (feed,)) as feeders:
                worker.go(position, worker.examples(feeders, position.step))
        except BaseException:
            barrier.abort()
            raise

    others = [fork.Process(target=work, args=(rank,), daemon=True) for rank in range(1, ranks)]
    for other in others:
        other.start()
    work(0)
    for other in others:
        other.join()
    draw(run.out)
    return run.out


def _keep_memory() -> None:
    """glibc gives large blocks back to the system at once, and a step asks for the same ones again: 4 % of the time."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(-3, 32 << 20)  # M_MMAP_THRESHOLD
        mallopt(-1, (1 << 31) - 1)  # M_TRIM_THRESHOLD
        mallopt(-2, 64 << 20)  # M_TOP_PAD


def draw(out: Path) -> None:
    """`curves.svg` from `log.jsonl`, where matplotlib is installed."""
    try:
        from matplotlib import pyplot
    except ImportError:
        return
    lines = [json.loads(line) for line in (out / LOG).read_text(encoding="utf-8").splitlines()]
    figure, left = pyplot.subplots(figsize=(7, 4))
    for asks in ("words", "types"):
        of = [line for line in lines if line.get("asks") == asks]
        left.plot([line["seconds"] / 60 for line in of], [line["loss"] for line in of], label=f"loss, {asks}")
    left.set_xlabel("minutes")
    left.set_ylabel("loss")
    right = left.twinx()
    of = [line for line in lines if "exact" in line and "final" not in line]
    right.plot(
        [line["seconds"] / 60 for line in of], [100 * line["exact"] for line in of], "k.-", label="exact, development"
    )
    right.set_ylabel("exact, %")
    figure.legend(loc="upper right")
    figure.savefig(out / CURVES)
    pyplot.close(figure)


def shape_of(pairs: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """`width=384` and the like. Raises `ValueError`."""
    shape = []
    for pair in pairs:
        name, _, number = pair.partition("=")
        if name not in Config.__struct_fields__ or not number.isdigit():
            raise ValueError(f"--shape {pair}: no size of a model; they are {', '.join(Config.__struct_fields__)}")
        shape.append((name, int(number)))
    return tuple(shape)


def main() -> None:
    """The same as `typeinfer train run`, where only torch, numpy, msgspec and safetensors are installed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for field in fields(Run):
        name, default = f"--{field.name.replace('_', '-')}", field.default
        if field.name == "shape":
            parser.add_argument(name, nargs="*", default=[], metavar="NAME=N")
        elif isinstance(default, bool):
            parser.add_argument(name, action="store_true")
        elif isinstance(default, int | float):
            parser.add_argument(name, type=type(default), default=default)
        else:
            parser.add_argument(name, type=Path, required=True)
    given = vars(parser.parse_args())
    try:
        train(Run(shape=shape_of(given.pop("shape")), **given))
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f"typeinfer: {error}")


if __name__ == "__main__":
    main()
