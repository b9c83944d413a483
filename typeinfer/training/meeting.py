"""Meeting: how the processes of a run come together. In: tensors that each has for itself; out: what all of them have.

Forked ones share their memory, and only wait for each other. Those that torchrun started, on one machine or several, have rows of
their own and send each other what they add up. Knows nothing of what the numbers are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.synchronize import Barrier
from typing import Protocol

import torch
from torch import Tensor, distributed

PATIENCE = 1800.0
"""Seconds that one waits for another."""


class Meeting(Protocol):
    """Of all `ranks` processes the one of number `rank`, whose row of what is held in common is `row`."""

    @property
    def rank(self) -> int: ...

    @property
    def ranks(self) -> int: ...

    @property
    def row(self) -> int: ...

    def wait(self) -> None:
        """Until all are here."""

    def hear(self, told: Tensor) -> None:
        """What the first process has there, all have then."""

    def add(self, own: Tensor) -> None:
        """What each has there becomes the sum over all that don't share it."""


@dataclass(frozen=True)
class Forked:
    """Processes of one machine whose tensors lie in shared memory, a row each."""

    rank: int
    ranks: int
    barrier: Barrier

    @property
    def row(self) -> int:
        return self.rank

    def wait(self) -> None:
        self.barrier.wait(PATIENCE)

    def hear(self, told: Tensor) -> None:
        self.wait()

    def add(self, own: Tensor) -> None:
        pass


@dataclass(frozen=True)
class Torchrun:
    """Processes that torchrun started, each with tensors of one row. All make the same steps from the same sums, and so, on
    processors or GPUs of one kind, have the same weights."""

    rank: int
    ranks: int
    row: int = 0

    def wait(self) -> None:
        pass

    def hear(self, told: Tensor) -> None:
        distributed.broadcast(told, 0)

    def add(self, own: Tensor) -> None:
        distributed.all_reduce(own)


def is_torchrun() -> bool:
    return distributed.is_available() and distributed.is_torchelastic_launched()


def ranks_of_torchrun() -> int:
    return int(os.environ["WORLD_SIZE"])


@contextmanager
def torchrun(cuda: bool) -> Iterator[tuple[Torchrun, torch.device]]:
    """Whoever torchrun started with this one, and the device of this one; on CUDA a GPU each."""
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    # Counts and the clock stay on the processor.
    distributed.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=timedelta(seconds=PATIENCE))
    yield Torchrun(distributed.get_rank(), distributed.get_world_size()), device
    # Not where one fails: it would wait for the others, which wait for it; torchrun ends them all.
    distributed.destroy_process_group()
