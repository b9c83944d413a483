"""Watching: texts of a project in; what pyrefly reports for them, and infers of them, from a process that stays and looks at what
changed, out.

`pyrefly check --watch` over a copy of the project takes a fifth of the time of one that begins anew. It reports when it has noticed
something: which state a report is of is read off a file of our own, written last each time, whose error names the turn. What it
infers lands in a folder (`inference.py`), of which it writes again what changed; it complains each time that it came to the end.
Knows nothing of what the texts are for.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from queue import Empty, Queue
from typing import IO

from typeinfer.languages.python.checkers import (
    CHECKERS,
    SECONDS,
    Version,
    diagnostics,
    of_another_shape,
    program_of,
    write_copy,
)
from typeinfer.languages.python.inference import Report
from typeinfer.languages.wire import end
from typeinfer.values.inferred import CheckerEnded, CheckerFailed, Diagnostic, Inference
from typeinfer.values.source import SourceFile

CHECKER = CHECKERS["pyrefly"]

DECODER = json.JSONDecoder()

TURN = "typeinfer_turn_"
"""What the file of the turn is called, and the name in it that nobody defines."""

UNREAD = 64
"""So many pieces of what it says wait to be read; it waits, too, once there are more."""

PATIENCE = 10.0
"""Seconds to wait for a report at least, and times that the first one took: whoever doesn't notice changes never answers."""

# Whoever it was started by may be killed: its standard input ends then, and it goes too, with its folder.
GUARDED = 'exec 3<&0; (read _ <&3; kill -9 $$; rm -rf "$0"; kill -9 0) >/dev/null 2>&1 & exec "$@" 3<&- </dev/null'


class Watching:
    """See `languages.language.Staying`. One that infers takes longer to tell of errors as well.

    `told`: what there is to tell of this turn was told; `reports`, `ends`: how many times it has told of errors, and how many of
    these times of all that it infers.
    """

    def __init__(self, root: Path, version: Version, infers: bool, packages: Sequence[Path] = ()) -> None:
        self.root, self.version, self.infers, self.packages = root, version, infers, packages
        self.turn, self.told = 0, False
        self.reports, self.ends, self.patience, self.begun = 0, 0, float(SECONDS), 0.0
        self.mark = f"{TURN}.py"
        self.written: dict[str, bytes] = {}
        self.heard: Queue[bytes] = Queue(UNREAD)
        self.ended_once: Queue[bool] = Queue()
        self.unread = b""
        self.ended = contextlib.ExitStack()
        self.beginning: Future[None] | None = None

    def begin(self, files: Mapping[str, SourceFile]) -> None:
        if self.beginning is not None:
            if self.told:
                self._write(files)
            return
        # Some file systems take a tenth of a second for a copy.
        beside = ThreadPoolExecutor(1, "checker")
        self.beginning = beside.submit(self._begin, files)
        beside.shutdown(wait=False)

    def _begin(self, files: Mapping[str, SourceFile]) -> None:
        self.mark = next(name for more in range(99) if (name := f"{TURN}{'_' * more}.py") not in files)
        folder = Path(self.ended.enter_context(tempfile.TemporaryDirectory(prefix="typeinfer-check-")))
        self.copy, self.report = folder / "project", Report(folder / "report")
        self._write(files)
        CHECKER.prepare(self.root, self.copy, self.version, self.packages)
        self.begun = time.monotonic()
        self._start()

    def diagnose(self, files: Mapping[str, SourceFile]) -> tuple[Diagnostic, ...]:
        is_first = not self.reports
        if self.beginning is None:
            self.begin(files)
        assert self.beginning is not None, "it was begun"
        self.beginning.result()
        if self.told or self._changed(files):
            if not self.told:
                # In the midst of its first look it may have read the file of the turn later than others.
                self._report(files)
            self._write(files)
        said = self._report(files)
        if is_first:
            self.patience = min(SECONDS, PATIENCE * max(1.0, time.monotonic() - self.begun))
        return said

    def infer(self, files: Mapping[str, SourceFile]) -> Inference:
        reported = self.diagnose(files)
        until = time.monotonic() + self.patience
        while self.ends < self.reports:
            try:
                whole = self.ended_once.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                raise CheckerFailed(f"{CHECKER.name} made no whole report within {self.patience:.0f} s") from None
            if not whole:
                raise CheckerEnded(f"{CHECKER.name} ended while it was to watch")
            self.ends += 1
        return replace(self.report.inference(self.copy, files), reported=reported)

    def close(self) -> None:
        if self.beginning is not None:
            wait([self.beginning])
        self.ended.close()

    def _start(self) -> None:
        watching = ("check", "--watch", "--output-format", "json", *(self.report.flags if self.infers else ()))
        command = ["sh", "-c", GUARDED, str(self.copy.parent), program_of(CHECKER.name), *watching]
        pipe = subprocess.PIPE
        try:
            process = subprocess.Popen(
                command, cwd=self.copy, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
            )
        except OSError as error:
            raise CheckerFailed(f"{CHECKER.name} can't be started: {error.strerror}") from None
        threading.Thread(target=self._count, args=(process.stderr,), daemon=True).start()
        listening = threading.Thread(target=self._listen, args=(process.stdout,), daemon=True)
        listening.start()
        self.ended.callback(self._drain, listening)
        self.ended.callback(end, process)

    def _count(self, complaints: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in complaints:
                if self.report.is_whole(line.decode("utf-8", "replace")):
                    self.ended_once.put(True)
        self.ended_once.put(False)

    def _listen(self, out: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            while some := os.read(out.fileno(), 1 << 20):
                self.heard.put(some)
        self.heard.put(b"")

    def _drain(self, listening: threading.Thread) -> None:
        """Let it say its last words, which nobody reads."""
        while listening.is_alive():
            with contextlib.suppress(Empty):
                self.heard.get(timeout=0.01)

    def _write(self, files: Mapping[str, SourceFile]) -> None:
        """What changed since; the file of the turn last, so that who has noticed that has noticed everything."""
        changed = self._changed(files)
        write_copy(self.copy, changed)
        self.written |= {path: file.data for path, file in changed.items()}
        self.turn, self.told = self.turn + 1, False
        write_copy(self.copy, {self.mark: SourceFile(self.mark, "python", f"{TURN}{self.turn}\n".encode())})

    def _changed(self, files: Mapping[str, SourceFile]) -> dict[str, SourceFile]:
        return {path: file for path, file in files.items() if self.written.get(path) != file.data}

    def _report(self, files: Mapping[str, SourceFile]) -> tuple[Diagnostic, ...]:
        """The first report that knows of this turn."""
        until = time.monotonic() + self.patience
        while True:
            text = self._one(until)
            try:
                report = list(CHECKER.report(text))
                if any(one.path.endswith(self.mark) and f"`{TURN}{self.turn}`" in one.message for one in report):
                    self.told = True
                    return diagnostics(CHECKER, report, self.copy, files)
            except (LookupError, TypeError, ValueError) as error:
                raise of_another_shape(CHECKER.name, error) from error

    def _one(self, until: float) -> str:
        """The next report, each an object of JSON."""
        while time.monotonic() < until:
            # Tried to be read where it may be whole.
            if self.unread.rstrip().endswith(b"}"):
                with contextlib.suppress(ValueError):
                    text = self.unread.decode().lstrip()
                    _, size = DECODER.raw_decode(text)
                    self.unread = text[size:].encode()
                    self.reports += 1
                    return text[:size]
            try:
                some = self.heard.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                break
            if not some:
                raise CheckerEnded(f"{CHECKER.name} ended while it was to watch")
            self.unread += some
        raise CheckerFailed(f"{CHECKER.name} noticed no change within {self.patience:.0f} s")
