"""Ray: the engine of several machines. In: items and a function, or a model and questions; out: results, in order.

A worker or a machine that goes away costs what it was working on a second try. All machines must have the same typeinfer: it is
asked for first. Ray's own reports over the network are turned off in what is started here.
"""

from __future__ import annotations

import io
import logging
import os
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

from typeinfer.engine.cache import program_digest
from typeinfer.engine.engine import EngineFailed, Lost, Progress, silent
from typeinfer.engine.freed import look_rarely
from typeinfer.engine.local import available_processors, guarded

T = TypeVar("T")
R = TypeVar("R")

A_TASK = 8
"""Items that are sent together, at most; fewer where each processor would get fewer than so many tasks."""

AHEAD = 2
"""Tasks, or questions, that wait at a processor: none has to wait for the next one to be made."""

TRIES = 3
"""So often is a task given to a worker; what ended so many of them isn't tried again."""

AGAIN = 100
"""So often is a question asked anew of who doesn't answer: until it is noticed that a machine is gone it is asked many times."""

KNOCK = 10.0
"""Seconds that a cluster may take to answer at all."""

GREETING = 60.0
"""Seconds that a machine may take to say what it has."""


class Cluster:
    """The machines of a Ray cluster. `address`: where it is, or None for one of this machine alone, which ends with the block. See
    `engine.Engine`. Raises `EngineFailed`."""

    def __init__(self, address: str | None, jobs: int | None = None) -> None:
        self.ray = _ray()
        _knock(address)
        self.hushed = ExitStack()
        # It tells of every worker that it lost on standard output, where a report is to stand.
        self.hushed.enter_context(redirect_stdout(io.StringIO()))
        self.jobs = jobs or available_processors()
        started: dict[str, Any] = {} if address is not None else {"num_cpus": self.jobs, "include_dashboard": False}
        quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
        try:
            try:
                self.ray.init(address=address or "local", **quiet, **started)
            except (ConnectionError, OSError, RuntimeError, ValueError) as error:
                where = address or "this machine"
                raise EngineFailed(f"--engine ray: no cluster at {where} ({_first_line(error)})") from None
            with self._working():
                self.machines = self._machines()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.ray.shutdown()
        self.hushed.close()

    def run_over(
        self,
        stage: str,
        items: Sequence[T],
        function: Callable[[T], R],
        progress: Progress = silent,
        heavy: bool = False,
    ) -> tuple[R | Lost, ...]:
        results: dict[int, R | Lost] = {}
        progress(stage, 0, len(items))
        size = 1 if heavy else max(1, min(A_TASK, len(items) // (A_TASK * self._processors)))
        parts = [range(start, min(start + size, len(items))) for start in range(0, len(items), size)]
        with self._working():
            # Those that ended a worker are tried one by one, so that only the one to blame is lost.
            for tried in (parts, None):
                if tried is None:
                    tried = [range(at, at + 1) for at in range(len(items)) if at not in results]
                for part, done in self._done(tried, items, function):
                    if done is not None:
                        results.update(zip(part, done, strict=True))
                    elif len(part) == 1:
                        results[part[0]] = Lost("the process that worked on it died (out of memory?)")
                    progress(stage, len(results), len(items))
        return tuple(results[index] for index in range(len(items)))

    def _done(
        self, parts: Iterable[range], items: Sequence[T], function: Callable[[T], R]
    ) -> Iterator[tuple[range, list[R | Lost] | None]]:
        """Parts of the items with their results as they come; None for one whose workers died."""
        task = self.ray.remote(max_retries=TRIES - 1, num_cpus=1)(_all)
        most = AHEAD * self._processors
        waiting = iter(parts)
        flying: dict[Any, range] = {}
        while True:
            while len(flying) < most and (part := next(waiting, None)) is not None:
                flying[task.remote(program_digest(), function, [items[index] for index in part])] = part
            if not flying:
                return
            (landed, *_), _ = self.ray.wait(list(flying))
            part = flying.pop(landed)
            try:
                yield part, self.ray.get(landed)
            except (self.ray.exceptions.WorkerCrashedError, self.ray.exceptions.OutOfMemoryError):
                yield part, None

    def answering(self, make: Callable[[], Callable[[T], R]]) -> Callable[[Iterable[T]], Iterator[R]]:
        with self._working():
            # Sent once to each machine, and read there where it lies.
            made = self.ray.put(make)
            keeper = self.ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=AGAIN)(_Keeper)
            keepers = [
                keeper.options(scheduling_strategy=machine.near(self.ray)).remote()
                for machine in self.machines
                for _ in range(machine.processors)
            ]
        return lambda questions: self._answers(keepers, questions, made)

    def _answers(self, keepers: Sequence[Any], questions: Iterable[T], made: Any) -> Iterator[R]:
        free = [keeper for keeper in keepers for _ in range(AHEAD)]
        flying: dict[Any, tuple[int, Any]] = {}
        known: dict[int, R] = {}
        asked, told = enumerate(questions), 0
        with self._working():
            while True:
                while told in known:
                    yield known.pop(told)
                    told += 1
                # Of one that is slow the others don't run away: what they answer has to be held until it has.
                while free and len(known) < len(keepers) * AHEAD and (question := next(asked, None)) is not None:
                    keeper = free.pop(0)
                    flying[keeper.answer.remote([program_digest(), made], question[1])] = question[0], keeper
                if not flying:
                    return
                (landed, *_), _ = self.ray.wait(list(flying))
                number, keeper = flying.pop(landed)
                known[number] = self.ray.get(landed)
                free.append(keeper)

    @property
    def _processors(self) -> int:
        return sum(machine.processors for machine in self.machines)

    def _machines(self) -> list[_Machine]:
        """Those that work. Raises `EngineFailed` where one has another typeinfer."""
        alive = [node for node in self.ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]
        if not alive:
            raise EngineFailed("--engine ray: no machine of the cluster has a processor to spare")
        machines = [
            _Machine(node["NodeID"], node["NodeManagerAddress"], int(node["Resources"]["CPU"])) for node in alive
        ]
        task = self.ray.remote(max_retries=0, num_cpus=0)(_program)
        asked = [task.options(scheduling_strategy=machine.near(self.ray, soft=False)).remote() for machine in machines]
        for machine, answer in zip(machines, asked, strict=True):
            try:
                same = self.ray.get(answer, timeout=GREETING) == program_digest()
            except self.ray.exceptions.RayError as error:
                raise EngineFailed(
                    f"--engine ray: {machine.address} can't run typeinfer ({_first_line(error)})"
                ) from None
            if not same:
                raise EngineFailed(
                    f"--engine ray: {machine.address} has another typeinfer; install the same everywhere"
                )
        return machines

    @contextmanager
    def _working(self) -> Iterator[None]:
        """Whatever goes wrong with the cluster within this block is `EngineFailed`; what a function raised elsewhere is raised."""
        errors = self.ray.exceptions
        try:
            yield
        except (errors.RayError, ConnectionError) as error:
            cause = error.cause if isinstance(error, errors.RayTaskError) else error
            if not isinstance(cause, errors.RayError | ConnectionError):
                raise cause from error
            raise EngineFailed(
                f"--engine ray: the cluster failed ({_first_line(cause)}); run again, or without --engine ray"
            ) from None


@dataclass(frozen=True)
class _Machine:
    number: str
    address: str
    processors: int

    def near(self, ray: Any, soft: bool = True) -> Any:
        """On this machine; `soft`: on another where it is gone."""
        return ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(self.number, soft=soft)


class _Keeper:
    """What is held in one place."""

    def __init__(self) -> None:
        self.made: Callable[[Any], Any] | None = None

    def answer(self, make: Sequence[Any], question: Any) -> Any:
        """`make`: which typeinfer asks, and a reference to what makes it, in a list: it is followed when this is asked first, and
        so after a restart."""
        if self.made is None:
            _same(make[0])
            self.made = _ray().get(make[1])()
        return self.made(question)


def _ray() -> Any:
    """Raises `EngineFailed`."""
    # Read where it is imported: https://docs.ray.io/en/latest/cluster/usage-stats.html.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # Whoever still asks once all is over is told so, and starts nothing.
    os.environ["RAY_ENABLE_AUTO_CONNECT"] = "0"
    try:
        import ray
    except ImportError:
        raise EngineFailed("--engine ray: Ray is not installed; run: pip install 'typeinfer[ray]'") from None
    return ray


def _knock(address: str | None) -> None:
    """Raises `EngineFailed` where nobody is: Ray itself would wait for minutes."""
    host, colon, port = (address or "").removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK).close()
        except OSError as error:
            raise EngineFailed(f"--engine ray: no cluster at {address} ({error.strerror or error})") from None


def _all(program: bytes, function: Callable[[T], R], items: Sequence[T]) -> list[R | Lost]:
    _same(program)
    look_rarely()
    return [guarded(function, item) for item in items]


def _same(program: bytes) -> None:
    """Raises `EngineFailed` where this is another typeinfer: a machine may have come since the others were asked."""
    if program != program_digest():
        raise EngineFailed(f"--engine ray: {socket.gethostname()} has another typeinfer; install the same everywhere")


def _program() -> bytes:
    """Which typeinfer this is."""
    return program_digest()


def _first_line(error: Exception) -> str:
    """What an error says; Ray says it at length."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
