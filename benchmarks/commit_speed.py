"""How long a commit waits: `python benchmarks/commit_speed.py [RUNS]`. Prints a table.

`typeinfer annotate --staged FILE` in a process of its own, as a hook runs it, with a warm cache: where the commit leaves nothing open,
and where it adds one function without annotations, another one every time, to a project of one file, to one that its authors annotated
(structlog) and to the same stripped of all annotations. Median, least and most of the seconds.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from typeinfer.evaluation.benchmark import tasks
from typeinfer.evaluation.judge import write_tree
from typeinfer.evaluation.python import PythonJudge

PROJECT, FILE = "structlog", "structlog/_config.py"

ADDED = "\n\ndef shout{number}(word, loud=False):\n    return word.upper() if loud else word\n"

CLOSED = "\n\ndef shout{number}(word: str, loud: bool = False) -> str:\n    return word.upper() if loud else word\n"


def waits(root: Path, files: Mapping[str, bytes], file: str, added: str, runs: int) -> list[float]:
    """Seconds of each run but the first, which warms the cache."""
    environment = {**os.environ, "TYPEINFER_CACHE": str(root.parent / "cache")}
    write_tree(root, files)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    identity = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    subprocess.run(["git", *identity, "commit", "-qm", "before"], cwd=root, check=True)
    seconds = []
    for number in range(runs + 1):
        (root / file).write_bytes(files[file] + added.format(number=number).encode())
        subprocess.run(["git", "add", "-A"], cwd=root, check=True)
        began = time.perf_counter()
        command = [sys.executable, "-m", "typeinfer", "annotate", "--staged", file]
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
        seconds.append(time.perf_counter() - began)
        if done.returncode or ("+3 annotations" in done.stderr) is (added is CLOSED):
            sys.exit(f"not what was to be measured: {done.stderr}")
    return seconds[1:]


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    (task,) = tasks(PythonJudge(), "development", "bare", lambda line: None, [PROJECT])
    lines = sum(data.count(b"\n") for path, data in task.original.items() if path.endswith(".py"))
    small = {"shop.py": b"def closed(late: bool = False) -> bool:\n    return late\n"}
    cases = (
        (f"nothing left open, in {PROJECT} ({lines:,} lines)", task.original, FILE, CLOSED),
        ("one function, in a project of one file", small, "shop.py", ADDED),
        (f"one function, in {PROJECT} as its authors annotated it", task.original, FILE, ADDED),
        (f"one function, in {PROJECT} without annotations", task.stripped.files, FILE, ADDED),
    )
    print("| | median | least | most |\n|---|--:|--:|--:|")
    for number, (name, files, file, added) in enumerate(cases):
        with tempfile.TemporaryDirectory() as place:
            seconds = waits(Path(place) / str(number), files, file, added, runs)
        print(f"| {name} | {statistics.median(seconds):.2f} s | {min(seconds):.2f} | {max(seconds):.2f} |", flush=True)


if __name__ == "__main__":
    main()
