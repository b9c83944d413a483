"""Local: the engine of one machine, this process or several. In: items and a function; out: a result each.

A file that crashes its worker, or raises, costs that file a `Lost` and no other file anything. Knows nothing of what
is computed. Workers are spawned, not forked: the parent has threads (a checker's pipe, a progress bar), and a fork of
a process with threads may hang.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TypeVar

from typeinfer.engine.engine import Lost, Progress, silent
from typeinfer.engine.freed import look_rarely

T = TypeVar("T")
R = TypeVar("R")

WORTH_A_WORKER = 24
"""A worker takes about half a second to start; fewer files than this each are done sooner without it."""


def available_processors() -> int:
    """The processors this process may use, which in a container are fewer than the machine has."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no affinity to ask for.
        return os.cpu_count() or 1


@dataclass(frozen=True)
class Local:
    """This machine. See `engine.Engine`."""

    jobs: int = 1

    def run_over(
        self,
        stage: str,
        items: Sequence[T],
        function: Callable[[T], R],
        progress: Progress = silent,
        heavy: bool = False,
    ) -> tuple[R | Lost, ...]:
        jobs = min(self.jobs, len(items) // (1 if heavy else WORTH_A_WORKER))
        results: dict[int, R | Lost] = {}
        progress(stage, 0, len(items))
        pairs = in_process(items, function) if jobs < 2 else in_workers(items, function, jobs)
        # Ctrl-C may strike in here as well, and a traceback keeps what it went through: workers would stay until they are
        # through with what they have, and the run with them.
        with closing(pairs):
            for done, (index, result) in enumerate(pairs, start=1):
                results[index] = result
                progress(stage, done, len(items))
        return tuple(results[index] for index in range(len(items)))

    @property
    def answering(self) -> None:
        return None


HERE = Local()
"""This process alone."""


def in_process(items: Sequence[T], function: Callable[[T], R]) -> Generator[tuple[int, R | Lost]]:
    for index, item in enumerate(items):
        yield index, guarded(function, item)


def in_workers(items: Sequence[T], function: Callable[[T], R], jobs: int) -> Generator[tuple[int, R | Lost]]:
    """Pairs of index and result as they come. The caller may stop early; the workers are gone when it closes this."""
    waiting = iter(range(len(items)))
    while True:
        suspects = yield from _until_broken(waiting, items, function, jobs)
        if not suspects:
            return
        # A dead worker takes the whole pool along and does not say which file it had. Each of the few in flight is
        # tried again alone, so that only the one to blame is lost.
        for index in suspects:
            broken = yield from _until_broken(iter([index]), items, function, 1)
            if broken:
                yield index, Lost("the process that worked on it died (out of memory?)")


def _until_broken(
    waiting: Iterator[int], items: Sequence[T], function: Callable[[T], R], jobs: int
) -> Generator[tuple[int, R | Lost], None, list[int]]:
    """Work until `waiting` is empty or a worker dies; returns the indexes that were in flight then."""
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), initializer=_begin_worker)
    flying: dict[Future[R | Lost], int] = {}
    try:
        while True:
            # Two a worker keep every worker busy and leave few suspects when one dies.
            for index in itertools.islice(waiting, 2 * jobs - len(flying)):
                try:
                    with _uninterrupted():
                        flying[pool.submit(guarded, function, items[index])] = index
                except BrokenProcessPool:
                    # The pool broke before this one was in it; it has left `waiting` all the same.
                    return sorted([*flying.values(), index])
            if not flying:
                return []
            landed, _ = wait(flying, return_when=FIRST_COMPLETED)
            for future in landed:
                result = future.result()
                yield flying.pop(future), result
    except BrokenProcessPool:
        return sorted(flying.values())
    finally:
        # Broken or interrupted: what still runs would be thrown away, and waiting for it in order is waiting for whatever
        # went wrong. A worker that was only just starting shows up late, so they are counted until there are none.
        pool.shutdown(wait=not flying, cancel_futures=True)
        while workers := set(multiprocessing.active_children()) - before:
            for worker in workers:
                if flying:
                    worker.kill()
                worker.join(timeout=1.0)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C waits until the end: it may strike while a worker is being started, which then is nobody's and outlives the run."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield  # Ctrl-C strikes the main thread alone, and where it is ignored it strikes nobody.
        return
    struck: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda number, frame: struck.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if struck:
        before(*struck[0])


def guarded(function: Callable[[T], R], item: T) -> R | Lost:
    """What a function makes of an item, or what it raised."""
    try:
        return function(item)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}:{last.lineno}"
        text = str(error).partition("\n")[0]
        return Lost(
            f"internal error: {type(error).__name__} at {where}{': ' if text else ''}{text}", traceback.format_exc()
        )


def _begin_worker() -> None:
    look_rarely()
    # Ctrl-C reaches the whole process group; only the parent answers it, by ending the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
