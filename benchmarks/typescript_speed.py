"""Speed and memory on 100,000 lines of TypeScript: `python benchmarks/typescript_speed.py`.

Reading, graph, slices and rules over all packages of the sets `development` and `calibration`, each read as often as is
needed to fill the lines, under a folder of its own: CPU seconds and peak memory of one process. No checker is asked.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import TypeVar

from typeinfer.evaluation.judge import write_tree
from typeinfer.evaluation.projects import data_folder, fetch, pinned_projects
from typeinfer.evaluation.typescript import TypeScriptJudge

LINES = 100_000

T = TypeVar("T")


def packages() -> dict[str, bytes]:
    """The pinned packages side by side, once more from the first where they are not enough."""
    judge, found, lines = TypeScriptJudge(), {}, 0
    pinned = [*pinned_projects("typescript", "development"), *pinned_projects("typescript", "calibration")]
    for turn in count():
        for package in pinned:
            for path, raw in judge.read_tree(fetch(package, data_folder())).items():
                if path.endswith((".ts", ".tsx", ".mts", ".cts")):
                    found[f"{turn}/{package.name}/{path}"] = raw
                    lines += raw.count(b"\n")
            if lines >= LINES:
                return found
    raise AssertionError("counting never ends")


def measured(name: str, work: Callable[[], T]) -> T:
    began = time.process_time()
    result = work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {name} | {time.process_time() - began:.1f} s | {peak:.0f} MB |", flush=True)
    return result


def main() -> None:
    from typeinfer.program.evidence import gather
    from typeinfer.program.files import read_files
    from typeinfer.program.graph import build_graph
    from typeinfer.program.project import read_project
    from typeinfer.program.slices import slices
    from typeinfer.values.inferred import Inference

    with tempfile.TemporaryDirectory() as place:
        root, sources = Path(place), packages()
        write_tree(root, sources)
        languages = dict.fromkeys((".ts", ".tsx", ".mts", ".cts"), TypeScriptJudge.language)
        files, _ = read_files(root, sorted(sources), languages)
        size = sum(len(file.data) for file in files.values())
        lines = sum(raw.count(b"\n") for raw in sources.values())
        print(f"{len(files)} files, {lines:,} lines, {size / 1e6:.1f} MB\n")
        print("| stage | CPU | peak memory so far |\n|---|--:|--:|")
        began = time.process_time()
        project = measured("reading", lambda: read_project(root, files))
        graph = measured("graph", lambda: build_graph(project))
        measured("slices", lambda: sum(1 for _ in slices(project, graph)))
        together = time.process_time() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"| together | {together:.1f} s | {peak:.0f} MB |")
        measured("rules", lambda: gather(project, Inference("none")))


if __name__ == "__main__":
    main()
