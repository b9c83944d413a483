"""The main job on real untyped projects: `python benchmarks/untyped_projects.py`. Prints the table of the README.

For each project of the set `untyped` in projects.toml: slots found and annotated, seconds of a cold process with an empty
cache, errors that pyrefly reports more than before, and what a second run would still change (it must be nothing).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from typeinfer.evaluation.judge import write_tree
from typeinfer.evaluation.projects import data_folder, fetch, pinned_projects
from typeinfer.evaluation.python import PythonJudge

JUDGE = PythonJudge()


def annotate(root: Path, cache: Path) -> tuple[dict[str, object], float]:
    """The summary of one run in place, and its seconds."""
    environment = {**os.environ, "TYPEINFER_CACHE": str(cache)}
    command = [sys.executable, "-m", "typeinfer", "annotate", "--format", "json", str(root)]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False, env=environment)
    seconds = time.perf_counter() - began
    return json.loads(done.stdout)["summary"], seconds


def main() -> None:
    print("| project | lines | slots | annotated | new pyrefly errors | seconds | second run changes |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for project in pinned_projects("python", "untyped"):
        with tempfile.TemporaryDirectory() as place:
            root = Path(place) / project.name
            files = JUDGE.read_tree(fetch(project, data_folder()))
            write_tree(root, files)
            before = JUDGE.errors(root)
            first, seconds = annotate(root, Path(place) / "cache")
            after = JUDGE.errors(root)
            second, _ = annotate(root, Path(place) / "another-cache")
            lines = sum(content.count(b"\n") for content in files.values())
            print(
                f"| {project.name} {project.version} | {lines:,} | {first['slots']:,} | {first['annotated']:,} "
                f"| {after - before:+d} | {seconds:.1f} | {second['changed']} files |",
                flush=True,
            )


if __name__ == "__main__":
    main()
