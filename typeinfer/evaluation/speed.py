"""Speed: pinned projects in; what every stage of annotating them takes, as Markdown, out.

The projects of the set, stripped, stand side by side and are annotated as one, with an empty cache. Nothing is written. What
several processes do at once counts each time, but for stages that this one has others help with: there it is the clock.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from typeinfer.deciding import Options
from typeinfer.engine.engine import Engine
from typeinfer.evaluation.benchmark import Say, revision, table, tasks
from typeinfer.evaluation.judge import Judge, write_tree
from typeinfer.evaluation.peers import search_path
from typeinfer.evaluation.projects import ProjectUnavailable
from typeinfer.languages import LANGUAGE_OF_SUFFIX, language_of
from typeinfer.pipeline import WAITING, annotate
from typeinfer.program.changes import EVERY_LINE
from typeinfer.program.files import read_files
from typeinfer.tracing import Trace, recorded
from typeinfer.values.outcomes import Run
from typeinfer.weights import shipped_model


def evaluate_speed(judge: Judge, chosen: str, only: Sequence[str], engine: Engine, say: Say) -> str:
    """The table; what other machines do counts as waiting for them. Raises `ProjectUnavailable` where no project can be had."""
    os.environ["PATH"] = search_path()
    with tempfile.TemporaryDirectory(prefix="typeinfer-") as place:
        os.environ["TYPEINFER_CACHE"] = str(Path(place, "cache"))
        root = Path(place, "projects")
        names: list[str] = []
        for task in tasks(judge, chosen, "bare", say, only):
            write_tree(root / task.name, task.stripped.files)
            names.append(task.name)
        if not names:
            raise ProjectUnavailable(f"no project of the set {chosen!r} is there to be evaluated")
        paths = [path.relative_to(root).as_posix() for path in sorted(root.rglob("*")) if path.is_file()]
        busy, began = os.getloadavg()[0], time.perf_counter()
        files, _ = read_files(root, [path for path in paths if language_of(path) is not None], LANGUAGE_OF_SUFFIX)
        options = Options(dict.fromkeys(files, (EVERY_LINE,)), model=shipped_model(), engine=engine)
        with recorded() as trace:
            run = annotate(root, files, options)
        seconds = time.perf_counter() - began
        lines = sum(file.data.count(b"\n") for file in files.values())
    return render(names, lines, run, trace, seconds, busy, engine.jobs)


def render(names: Sequence[str], lines: int, run: Run, trace: Trace, seconds: float, busy: float, jobs: int) -> str:
    # Whoever waits for others does nothing.
    stages = [(name, told) for name, told in trace.stages().items() if name != WAITING]
    told = sum(own for _, (_, own) in stages)
    stages.append(("outside of all", (1, max(0.0, seconds - told))))
    rows = [
        [name, f"{times:,}", f"{own:.1f}", f"{100 * own / max(seconds, told):.0f}"]
        for name, (times, own) in sorted(stages, key=lambda pair: -pair[1][1])
    ]
    slots = sum(len(predictions) for predictions in run.predictions.values())
    asked = sum(span.told.get("slots", 0) for span in trace.spans if span.stage == "model")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    facts = [
        f"{', '.join(names)}: {lines:,} lines, {slots:,} slots, {jobs} processes, load before {busy:.1f}, at {revision()}.\n",
        f"{seconds:.1f} s, {slots / seconds:,.0f} slots a second ({asked:,} asked of the model, some again); at most "
        f"{peak:,.0f} MB in this process.\n",
    ]
    return "\n".join([*facts, table(["stage", "times", "seconds", "% of all"], rows)])
