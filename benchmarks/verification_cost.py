"""What it costs to hold what is written against the checker: `python benchmarks/verification_cost.py [PROJECT ...]`. Prints a table.

Each development project is stripped of its annotations and annotated in a cold process with an empty cache; `hearing` is what of its
seconds passes between a round's decisions and what is left of them (`disposing.py`), and the last column how many times the rest the
whole takes.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from typeinfer.evaluation.benchmark import tasks
from typeinfer.evaluation.judge import write_tree
from typeinfer.evaluation.python import PythonJudge

SMALLER = ("structlog", "tomlkit", "httpcore", "twine", "markdown-it-py", "hatchling", "mkdocs")

TIMED = """
import json, sys, time
began = time.perf_counter()
from typeinfer import pipeline
from typeinfer.__main__ import main

heard, dispose = 0.0, pipeline.dispose

def timed(*arguments):
    global heard
    start = time.perf_counter()
    dispose(*arguments)
    heard += time.perf_counter() - start

if __name__ == "__main__":
    pipeline.dispose = timed
    sys.argv = ["typeinfer", "annotate", sys.argv[1]]
    try:
        main()
    except SystemExit:
        pass
    print(json.dumps([time.perf_counter() - began, heard]))
"""


def seconds(root: Path, place: Path) -> tuple[float, float]:
    script = place / "timed.py"
    script.write_text(TIMED)
    environment = {**os.environ, "TYPEINFER_CACHE": str(place / "cache")}
    done = subprocess.run([sys.executable, str(script), str(root)], capture_output=True, env=environment, check=True)
    whole, heard = json.loads(done.stdout.splitlines()[-1])
    return whole, heard


def main() -> None:
    print("| project | lines | seconds | hearing | times the rest |\n|---|--:|--:|--:|--:|")
    ratios = []
    for task in tasks(PythonJudge(), "development", "bare", lambda line: None, sys.argv[1:] or SMALLER):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / task.name
            write_tree(root, task.stripped.files)
            whole, heard = seconds(root, Path(folder))
        lines = sum(content.count(b"\n") for content in task.stripped.files.values())
        ratios.append(whole / (whole - heard))
        print(f"| {task.name} | {lines:,} | {whole:.1f} | {heard:.1f} | {ratios[-1]:.2f} |", flush=True)
    print(f"| median | | | | {statistics.median(ratios):.2f} |")


if __name__ == "__main__":
    main()
