"""Tracing: what this process does, stage by stage, in; a trace that Chrome and Perfetto open, and a table of the stages, out.

Nothing is noted unless somebody asked for it. What other processes do is waiting for them, where they don't tell of it themselves.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@dataclass(frozen=True, slots=True)
class Passage:
    """A stage that was gone through: in seconds from the start, on a thread, `own` of them in no stage within it; `told` says how
    much there was to do, `memory` what the process held in the end, in bytes, 0 where that can't be told."""

    stage: str
    thread: int
    start: float
    seconds: float
    own: float
    memory: int
    told: dict[str, int]


@dataclass
class Trace:
    """All stages since the block of `recorded` was entered, in the order in which they ended."""

    began: float = field(default_factory=time.perf_counter)
    since: float = field(default_factory=time.time)
    """When that was, for other processes."""
    spans: list[Passage] = field(default_factory=list)
    inside: threading.local = field(default_factory=threading.local)

    def take(self, since: float, spans: Iterable[Passage]) -> None:
        """What another process went through from a time on."""
        self.spans += [replace(span, start=span.start + since - self.since) for span in spans]

    def stages(self) -> dict[str, tuple[int, float]]:
        """How often each stage was gone through, and the seconds that were its own; in the order of first ends."""
        found: dict[str, tuple[int, float]] = defaultdict(lambda: (0, 0.0))
        for span in self.spans:
            times, seconds = found[span.stage]
            found[span.stage] = times + 1, seconds + span.own
        return dict(found)

    def events(self) -> str:
        """As Chrome's Trace Event Format has it (docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU)."""
        number = os.getpid()
        events: list[dict[str, Any]] = []
        for span in self.spans:
            at, end = round(1e6 * span.start), round(1e6 * (span.start + span.seconds))
            where = {"pid": number, "tid": span.thread}
            events.append({"name": span.stage, "ph": "X", "ts": at, "dur": end - at, "args": span.told, **where})
            if span.memory:
                held = {"MB": round(span.memory / 1e6)}
                events.append({"name": "memory", "ph": "C", "ts": end, "pid": number, "args": held})
        return json.dumps({"traceEvents": events, "displayTimeUnit": "ms"})


_trace: Trace | None = None


def watched() -> Trace | None:
    """Where stages are noted, if they are."""
    return _trace


@contextmanager
def recorded() -> Iterator[Trace]:
    """What is gone through within this block."""
    global _trace
    before, _trace = _trace, Trace()
    try:
        yield _trace
    finally:
        _trace = before


@contextmanager
def stage(name: str, **told: int) -> Iterator[None]:
    """What is done within this block, told by its name."""
    trace = _trace
    if trace is None:
        yield
        return
    above: list[float] = trace.inside.__dict__.setdefault("above", [])
    above.append(0.0)
    start = time.perf_counter()
    try:
        yield
    finally:
        seconds = time.perf_counter() - start
        own = seconds - above.pop()
        if above:
            above[-1] += seconds
        trace.spans.append(
            Passage(name, threading.get_native_id(), start - trace.began, seconds, own, held_now(), told)
        )


def held_now() -> int:
    """The memory that this process holds, in bytes; 0 where the system doesn't tell."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * PAGE
    return 0
