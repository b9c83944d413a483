"""Board: what several processes are at in; one line of progress about all of them, for who watches, out.

Each writes what it is at into a file of its own; whoever started them reads the files now and then. On another machine there is no
such folder, and nothing is told. Knows nothing of what is done.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from typeinfer.engine.engine import Progress

SECONDS = 0.5
"""It is looked at so often."""


@dataclass
class Telling:
    """A `Progress` that tells of one of several processes, in this file."""

    place: Path
    told: str = field(default="", init=False)

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage == self.told:
            return
        self.told = stage
        with contextlib.suppress(OSError):
            written = self.place.with_suffix(".new")
            written.write_text(stage, encoding="utf-8")
            written.replace(self.place)

    def close(self) -> None:
        """It is at nothing any more."""
        with contextlib.suppress(OSError):
            self.place.unlink(missing_ok=True)


@contextlib.contextmanager
def watched_board(progress: Progress) -> Iterator[tuple[Path, Progress]]:
    """A folder for files of `Telling`, and what to tell of the whole meanwhile; both come to `progress` as one line."""
    last = ("", 0, 0)
    over, telling = threading.Event(), threading.Lock()

    def whole(stage: str, done: int, total: int) -> None:
        nonlocal last
        last = stage, done, total
        show()

    def show() -> None:
        at = ", ".join(filter(None, map(_read, sorted(folder.glob("*.at")))))
        with telling:
            stage, done, total = last
            progress(f"{stage}: {at}" if at else stage, done, total)

    def look() -> None:
        while not over.wait(SECONDS):
            if last[2]:
                show()

    with tempfile.TemporaryDirectory(prefix="typeinfer-board-") as name:
        folder = Path(name)
        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        try:
            yield folder, whole
        finally:
            over.set()
            looking.join()


def _read(place: Path) -> str:
    try:
        return place.read_text(encoding="utf-8")
    except OSError:
        return ""
