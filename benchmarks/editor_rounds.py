"""How long an editor waits for hints about what was just typed: `python benchmarks/editor_rounds.py PROJECT FILE`. Prints a table.

A session as the server has it, on any project, with what is installed in its environment and without. FILE, relative to PROJECT, is
opened, and then a function of two parameters is added at its end, another one each time. Nothing is written.
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

from typeinfer.evaluation.benchmark import table
from typeinfer.session import Listener, Session

EDITS = 5


def main() -> None:
    root, file = Path(sys.argv[1]).resolve(), sys.argv[2]
    rows = []
    for name, packages in (("with packages", True), ("without", False)):
        told: list[float] = []
        listener = Listener(answered=lambda _, told=told: told.append(time.perf_counter()), said=print)
        session = Session(root, listener, lambda found, packages=packages: replace(found, packages=packages))
        text = (root / file).read_text(encoding="utf-8")
        texts = [text, *(f"{text}\n\ndef added_{edit}(a, b={edit}):\n    return b\n" for edit in range(EDITS))]
        waits = [_wait(session, file, text, told) for text in texts]
        session.close()
        session.join()
        first, *edits = waits
        rows += [[name, "opening", *(f"{seconds:.1f}" for seconds in first)]]
        rows += [[name, "after an edit, median", *(f"{statistics.median(column):.1f}" for column in zip(*edits))]]
    print(table(["", "", "first hints, s", "all is known, s"], rows))


def _wait(session: Session, file: str, text: str, told: list[float]) -> tuple[float, float]:
    """Seconds until the first answer about a text, and until nothing more comes of it."""
    told.clear()
    began = time.perf_counter()
    session.put(file, text)
    while session._version != session._answered:
        time.sleep(0.02)
    return told[0] - began, time.perf_counter() - began


if __name__ == "__main__":
    main()
