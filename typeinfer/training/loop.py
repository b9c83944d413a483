"""Training: a task in; the weights of its model out, with a log, curves and what it takes to go on after a cut.

Weights, activations and gradients are bfloat16 where the processor multiplies that fast, else float32, as is what the optimiser
adds up. On a CPU every core is a process of its own with one thread: gradients meet in shared memory and each process updates its
share of the weights. Two threads in one process wait for each other at every product, and whenever anything else runs, that costs
more than half. On CUDA there is one process a GPU, fed by others; several are started by torchrun. Knows nothing of what is learnt:
that is a `Task`.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import multiprocessing
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from multiprocessing.pool import Pool, ThreadPool
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import msgspec
import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from typeinfer.model.checkpoint import Weights
from typeinfer.model.folder import model_digest
from typeinfer.model.network import parts_of
from typeinfer.training.meeting import Forked, Meeting, is_torchrun, ranks_of_torchrun, torchrun

# f all weights in one row, those of matrices first; g process that shares them

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

LOG_SECONDS = 15.0
AHEAD, FEEDERS = 4, 8
STATES = ("master", "first", "second", "mean")
"""Of `Shared`: what a checkpoint holds."""


@dataclass(frozen=True)
class Run:
    """How to train, for so many minutes by the clock, of which the first `pretrain_minutes` ask for hidden words and not for
    types; or for so many `steps`, shared out alike.

    `words`: budget of a step, over all processes. `rate`: the highest learning rate, reached after a share `warmup` of the
    run, held while words are asked for and then falling linearly to 0. `evaluate_words`, `final_words`: words of the
    development split that are read in the midst and at the end. `processes`: how many are forked; of those that torchrun starts
    each is one. `start_from`: the folder of a model whose weights the run begins with, instead of chance.
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
    start_from: Path | None = None

    @property
    def pretrained(self) -> float:
        """The share of the run that asks for words."""
        return self.pretrain_minutes / self.minutes


# --- all weights as one row ---------------------------------------------------------------------------------------------


class Row:
    """Where every parameter lies in one flat row, each at a multiple of `ALIGNED`: matrices of products up to `products`, tables
    up to `decaying`, then what doesn't decay."""

    def __init__(self, model: nn.Module) -> None:
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
        self.parts = parts_of(model)

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

    def take_over(self, model: nn.Module, row: Tensor) -> None:
        """The weights of the model become views of the row."""
        views = self.views(row)
        for name, parameter in model.named_parameters():
            parameter.data = views[name]

    def gather(self, model: nn.Module, row: Tensor) -> dict[str, Tensor]:
        """Copies the gradients of the model into the row, and forgets them. Returns them by name."""
        views = self.views(row)
        for name, parameter in model.named_parameters():
            if parameter.grad is None:
                views[name].zero_()
            else:
                views[name].copy_(parameter.grad)
                parameter.grad = None
        return views


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
    def of(size: int, ranks: int, device: torch.device, counts: int, precision: torch.dtype) -> Shared:
        def zeros(*shape: int, dtype: torch.dtype = torch.float32, where: torch.device = device) -> Tensor:
            made = torch.zeros(*shape, dtype=dtype, device=where)
            return made.share_memory_() if ranks > 1 else made

        cpu = torch.device("cpu")
        return Shared(
            weights=zeros(size, dtype=precision),
            master=zeros(size),
            first=zeros(size),
            second=zeros(size),
            mean=zeros(size),
            gradients=zeros(ranks, size, dtype=precision),
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


Rows: TypeAlias = "Mapping[Any, int]"
"""What stands in which row of a table."""


def recalled(model: nn.Module, weights: Weights, tables: Mapping[str, tuple[Rows, Rows]]) -> None:
    """Copies stored weights into a model; of `tables`, whose rows were others there than they are here, those that both have.
    Raises `ValueError` for a model of another shape."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            stored = torch.from_numpy(weights[name]) if name in weights else None
            if stored is not None and name in tables:
                there, here = tables[name]
                both = [(there[key], row) for key, row in here.items() if key in there]
                of, to = torch.tensor(both).T
                parameter[to] = stored[of]
            elif stored is not None and stored.shape == parameter.shape:
                parameter.copy_(stored)
            else:
                raise ValueError(
                    f"{name} of the model to start from isn't {list(parameter.shape)}; use the same --shape"
                )


def rows_of(tokenizer: str) -> Rows:
    """The row of every subword, from its `tokenizer.json`: the library may be absent."""
    rows: Rows = json.loads(tokenizer)["model"]["vocab"]
    return rows


# --- what is learnt -------------------------------------------------------------------------------------------------------


class Batch(Protocol):
    @property
    def asked(self) -> float:
        """How much is asked for: what the loss of a step is divided by."""

    @property
    def words(self) -> int: ...


class Task(Protocol):
    """What a run learns. It is forked into every process."""

    @property
    def phases(self) -> tuple[str, str]:
        """What is asked for in the `pretrain_minutes`, and afterwards."""

    @property
    def counts(self) -> int:
        """How many numbers an evaluation counts."""

    @property
    def config(self) -> Struct: ...

    def build(self) -> Any:
        """The model, an `nn.Module`."""

    def recall(self, model: Any, folder: Path) -> None:
        """Gives a model the weights of the one in a folder. Raises `ValueError` where they don't fit."""

    def batch(self, number: int, pretraining: bool) -> Any:
        """Batch number i of the run, which follows from the seed and i alone: a `Batch`."""

    def loss(self, model: Any, batch: Any, device: torch.device) -> Tensor:
        """The sum of the losses of all that a batch asks for."""

    def unlearnt(self, gradients: dict[str, Tensor]) -> None:
        """Sets to zero what must not be learnt of the gradients."""

    def development(self, words: int) -> list[Any]: ...

    def counted(self, model: Any, batches: Sequence[Any], device: torch.device) -> NDArray[np.float64]:
        """[counts], which add up over parts of the development split."""

    def told(self, counts: NDArray[np.float64]) -> dict[str, Any]:
        """What they say, by name; `exact` is the share that was right."""


class Muon(torch.optim.Optimizer):
    """Momentum made orthogonal (Jordan et al. 2024), as torch.optim.Muon computes it, in the precision of the run: torch's is
    always in bfloat16, which a processor without AMX or AVX-512 multiplies sixty times slower."""

    # What five rounds of this polynomial make of singular values between 0 and 1 is nearly 1.
    ROUNDS, COEFFICIENTS = 5, (3.4445, -4.7750, 2.0315)

    def __init__(self, weights: Sequence[Tensor], rate: float, precision: torch.dtype) -> None:
        super().__init__(weights, {"lr": rate})
        self.precision = precision

    @torch.no_grad()
    # pyrefly: ignore [missing-override-decorator, bad-override]
    def step(self, closure: Any = None) -> None:
        for group in self.param_groups:
            for weights in group["params"]:
                momentum = self.state[weights]["momentum_buffer"]
                momentum.lerp_(weights.grad, 1 - MOMENTUM)
                made = self._orthogonal(weights.grad.lerp(momentum, MOMENTUM).to(self.precision))
                rate = group["lr"]
                weights.mul_(1 - rate * DECAY).add_(made, alpha=-0.2 * max(weights.shape) ** 0.5 * rate)

    def _orthogonal(self, matrix: Tensor) -> Tensor:
        a, b, c = self.COEFFICIENTS
        wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
        wide = wide / wide.norm().clamp(min=1e-7)
        for _ in range(self.ROUNDS):
            square = wide @ wide.T
            wide = torch.addmm(wide, torch.addmm(square, square, square, beta=b, alpha=c), wide, beta=a)
        return wide.T if matrix.shape[0] > matrix.shape[1] else wide


# --- one process of a run -----------------------------------------------------------------------------------------------


class Worker:
    """One process of a run. All of them do the same steps; the first also keeps time, the log and the checkpoints."""

    def __init__(self, run: Run, task: Task, shared: Shared, row: Row, meeting: Meeting) -> None:
        self.run, self.task, self.shared, self.row, self.meeting = run, task, shared, row, meeting
        self.rank, self.ranks, self.own = meeting.rank, meeting.ranks, meeting.row
        self.device = shared.weights.device
        with torch.device("meta"):
            self.model = task.build().to(shared.weights.dtype)
        self.model.to_empty(device=self.device)
        row.take_over(self.model, shared.weights)
        self.mine = row.share(self.own, len(shared.norms))
        self.summed = torch.zeros(row.size, device=self.device)
        self.development = task.development(run.evaluate_words)
        self.over = 0.0

    def go(self, position: Position, batches: Iterator[Any]) -> None:
        optimizers = self._optimizers(position.step)
        begun = time.perf_counter() - position.seconds
        checkpointed = evaluated = position.seconds
        recent = Recent(position.seconds)
        while True:
            if self.rank == 0:
                seconds = time.perf_counter() - begun
                over = position.step / self.run.steps if self.run.steps else seconds / (60 * self.run.minutes)
                self.shared.clock[0], self.shared.clock[1] = over, seconds
            self.meeting.hear(self.shared.clock)
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
            batch = next(batches)
            recent.waited += time.perf_counter() - waiting
            self._step(optimizers, batch, position)
            if self.rank == 0:
                recent.add(*self.shared.counted.sum(dim=0).tolist())
                if position.seconds - recent.since > LOG_SECONDS or position.step == 1:
                    asks = self.task.phases[not self._pretrains(position.step)]
                    self._log(position, {"asks": asks, "rate": self._rate(), **recent.line(position.seconds)})
                    recent = Recent(position.seconds)
        self._finish(position)

    def batches(self, pool: Pool, first: int) -> Iterator[Any]:
        """The batches of this process from a step on, some of them made ahead. `pool` runs `_made`."""
        ahead: deque[Any] = deque()
        step = first
        while True:
            while len(ahead) < AHEAD:
                ahead.append(pool.apply_async(_made, (step * self.ranks + self.rank, self._pretrains(step))))
                step += 1
            yield ahead.popleft().get()

    def _pretrains(self, step: int) -> bool:
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
            muon = Muon(held[0], self.run.rate, shared.weights.dtype)
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

    def _step(self, optimizers: list[torch.optim.Optimizer], batch: Batch, position: Position) -> None:
        shared = self.shared
        loss = self.task.loss(self.model, batch, self.device)
        loss.backward()  # type: ignore[no-untyped-call]
        self.task.unlearnt(self.row.gather(self.model, shared.gradients[self.own]))
        shared.counted[self.own] = torch.tensor([batch.asked, loss.item(), batch.words])
        self.meeting.wait()
        self.meeting.add(shared.counted)
        mine = [self.summed[part] for part in self.mine]
        for part, summed in zip(self.mine, mine, strict=True):
            torch.sum(shared.gradients[:, part], dim=0, dtype=torch.float32, out=summed)
        self.meeting.add(self.summed)
        shared.norms[self.own] = sum(summed.dot(summed).item() for summed in mine)
        self.meeting.wait()
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

    def evaluate(self, development: list[Any]) -> dict[str, Any]:
        """What a task tells of the development split. All processes call."""
        mine = development[self.rank :: self.ranks]
        self.shared.counts[self.own] = torch.from_numpy(self.task.counted(self.model, mine, self.device))
        self.meeting.wait()
        self.meeting.add(self.shared.counts)
        counts = self.shared.counts.sum(dim=0).numpy()
        self.meeting.wait()
        return self.task.told(counts)

    def _log(self, position: Position, line: dict[str, Any]) -> None:
        if self.rank == 0:
            at = {"step": position.step, "seconds": round(position.seconds, 1), "words": position.words}
            noted(self.run.out, at | line)

    def _finish(self, position: Position) -> None:
        """The better of the last weights and their running mean, by what development says of them."""
        if self.rank == 0:
            store(self.run.out, self.shared, position)
        development = self.task.development(self.run.final_words)
        last = self.evaluate(development)
        self._log(position, {"final": "last", **last})
        if self.own == 0:
            self.shared.weights.copy_(self.shared.mean)
        self.meeting.wait()
        mean = self.evaluate(development)
        self._log(position, {"final": "mean", **mean})
        if self.rank == 0:
            if mean["exact"] < last["exact"] or position.step < AVERAGE_EVERY:
                self.shared.weights.copy_(self.shared.master)
            partial = self.run.out / f"{WEIGHTS}.partial"
            views = self.row.views(self.shared.weights.cpu())
            save_file({name: view.bfloat16() for name, view in views.items()}, partial)
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

_TASK: list[Task] = []
"""What makes batches in this process: a pool's workers are forked with it, and it is too large to be sent."""


def _made_by(task: Task) -> None:
    torch.set_num_threads(1)
    _TASK[:] = [task]


def _made(number: int, pretraining: bool) -> Any:
    return _TASK[0].batch(number, pretraining)


def precision_of(cuda: bool) -> torch.dtype:
    """What is multiplied fastest: a processor that only imitates bfloat16 is slower by far in it."""
    native = cuda or torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if native else torch.float32


def train(run: Run, task_of: Callable[[Run, int], Task]) -> Path:
    """Trains what `task_of` makes of a run and its number of processes, and returns the folder with `weights.safetensors`,
    `config.json`, `log.jsonl` and `curves.svg`.

    Raises `FileNotFoundError` without data, or without a checkpoint when it is to go on.
    """
    torch.set_num_threads(1)  # What is forked must not have started threads.
    _keep_memory()
    run.out.mkdir(parents=True, exist_ok=True)
    sent = is_torchrun()
    ranks = ranks_of_torchrun() if sent else 1 if run.cuda else run.processes
    task = task_of(run, ranks)
    fork = multiprocessing.get_context("fork")
    # On CUDA whole processes make the batches; they are forked before CUDA starts, which can't be forked.
    pool = fork.Pool(FEEDERS, _made_by, (task,)) if run.cuda else None

    def work(meeting: Meeting, begun: tuple[Row, Shared, Position]) -> None:
        row, shared, position = begun
        worker = Worker(run, task, shared, row, meeting)
        with pool or ThreadPool(1, _made_by, (task,)) as feeders:
            worker.go(position, worker.batches(feeders, position.step))
        if meeting.rank == 0:
            draw(run.out)

    if sent:
        with torchrun(run.cuda) as (meeting, device):
            work(meeting, _begun(run, task, 1, device, writes=meeting.rank == 0))
        return run.out
    begun = _begun(run, task, ranks, torch.device("cuda" if run.cuda else "cpu"), writes=True)
    barrier = fork.Barrier(ranks)

    def forked(rank: int) -> None:
        try:
            work(Forked(rank, ranks, barrier), begun)
        except BaseException:
            barrier.abort()
            raise

    others = [fork.Process(target=forked, args=(rank,), daemon=True) for rank in range(1, ranks)]
    for other in others:
        other.start()
    forked(0)
    for other in others:
        other.join()
    return run.out


def _begun(run: Run, task: Task, rows: int, device: torch.device, writes: bool) -> tuple[Row, Shared, Position]:
    """Where a run begins, or goes on from. `rows`: processes that share what is made here; `writes`: whether this is the one that
    writes into the run's folder."""
    torch.manual_seed(run.seed)
    model = task.build()
    row = Row(model)
    shared = Shared.of(row.size, rows, device, task.counts, precision_of(run.cuda))
    if run.resume:
        position = restore(run.out, shared)
    else:
        position = Position()
        if writes:
            (run.out / LOG).unlink(missing_ok=True)
        if run.start_from is not None:
            task.recall(model, run.start_from)
            if writes:
                noted(run.out, {"start_from": model_digest(run.start_from)})
        for name, view in row.views(shared.master).items():
            view.copy_(model.get_parameter(name).detach())
        shared.weights.copy_(shared.master)
    if writes:
        (run.out / CONFIG).write_bytes(msgspec.json.format(msgspec.json.encode(task.config), indent=1))
    return row, shared, position


def _keep_memory() -> None:
    """glibc gives large blocks back to the system at once, and a step asks for the same ones again: 4 % of the time."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(-3, 32 << 20)  # M_MMAP_THRESHOLD
        mallopt(-1, (1 << 31) - 1)  # M_TRIM_THRESHOLD
        mallopt(-2, 64 << 20)  # M_TOP_PAD


def noted(out: Path, line: Mapping[str, Any]) -> None:
    """A line more of the log of a run."""
    with open(out / LOG, "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    print(json.dumps(line), flush=True)


def draw(out: Path) -> None:
    """`curves.svg` from `log.jsonl`, where matplotlib is installed."""
    try:
        from matplotlib import pyplot
    except ImportError:
        return
    lines = [json.loads(line) for line in (out / LOG).read_text(encoding="utf-8").splitlines()]
    figure, left = pyplot.subplots(figsize=(7, 4))
    for asks in dict.fromkeys(line["asks"] for line in lines if "asks" in line):
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


def shape_of(pairs: Iterable[str], config: type[Struct]) -> tuple[tuple[str, int], ...]:
    """`width=384` and the like. Raises `ValueError`."""
    shape = []
    for pair in pairs:
        name, _, number = pair.partition("=")
        if name not in config.__struct_fields__ or not number.isdigit():
            raise ValueError(f"--shape {pair}: no size of a model; they are {', '.join(config.__struct_fields__)}")
        shape.append((name, int(number)))
    return tuple(shape)


def main(doc: str, task_of: Callable[[Run, int], Task], config: type[Struct]) -> None:
    """The same as the command line's, where only torch, numpy, msgspec and safetensors are installed."""
    parser = argparse.ArgumentParser(description=doc.partition("\n")[0])
    for field in fields(Run):
        name, default = f"--{field.name.replace('_', '-')}", field.default
        if field.name == "shape":
            parser.add_argument(name, nargs="*", default=[], metavar="NAME=N")
        elif isinstance(default, bool):
            parser.add_argument(name, action="store_true")
        elif isinstance(default, int | float):
            parser.add_argument(name, type=type(default), default=default)
        else:
            parser.add_argument(name, type=Path, required=default is not None)
    given = vars(parser.parse_args())
    try:
        train(Run(shape=shape_of(given.pop("shape"), config), **given), task_of)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f"typeinfer: {error}")
