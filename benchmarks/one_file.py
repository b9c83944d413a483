"""What a file gets that is asked about alone: `python benchmarks/one_file.py [PROJECT ...]`. Prints a table as Markdown.

The development projects under 8,000 lines, or those named, and of each the files with the most annotations by their authors. Each
is annotated by itself, as in a commit hook, in its project less all annotations, with no cache; then asked about once more, with
an empty cache. Beside it: the same files in a run over the whole project.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from verification_cost import SMALLER

from typeinfer.evaluation.benchmark import Task, table, tasks
from typeinfer.evaluation.judge import write_tree
from typeinfer.evaluation.metrics import Score, score
from typeinfer.evaluation.peers import OURS, run
from typeinfer.evaluation.python import PythonJudge

FILES = 4
"""Of a project, if it has so many."""

JUDGE = PythonJudge()
HEADS = ["project", "files", "asked about", "slots", "written of them", "right", "found", "changed by a second run", "seconds"]


def scored(task: Task, path: str, after: Mapping[str, bytes]) -> Score:
    truth = {slot: text for slot, text in task.stripped.truth.items() if slot.path == path}
    judgeable = {other: raw for other, raw in task.stripped.files.items() if other not in task.stripped.skipped}
    written = JUDGE.review(judgeable, after).written
    return score(truth, written, JUDGE.forms({*truth.values(), *(written[slot] for slot in truth if slot in written)}))


def annotated(task: Task, path: str | None) -> tuple[dict[str, bytes], float, int]:
    """The project with a file of it, or all, annotated; the seconds; how many files a second run changed."""
    with tempfile.TemporaryDirectory(prefix="typeinfer-") as place:
        root = Path(place, task.name)
        write_tree(root, task.stripped.files)
        (root / "pyproject.toml").touch()
        tool = replace(OURS, command=(*OURS.command, f"{{root}}/{path}")) if path is not None else OURS
        cost = run(tool, root, Path(place, "cache"))
        after = JUDGE.read_tree(root)
        run(tool, root, Path(place, "second"))
        again = JUDGE.read_tree(root)
    return after, cost.seconds, sum(again[path] != raw for path, raw in after.items())


def row(name: str, how: str, files: int, total: Score, changed: int, seconds: float) -> list[str]:
    shares = [f"{share:.1%}" for share in (total.precision, total.recall)]
    return [name, str(files), how, str(total.slots), str(total.annotated), *shares, str(changed), f"{seconds:.0f}"]


def main() -> None:
    rows = []
    sums = {"alone": (0, Score(), 0, 0.0), "with all others": (0, Score(), 0, 0.0)}
    for task in tasks(JUDGE, "development", "bare", lambda line: None, sys.argv[1:] or SMALLER):
        most = Counter(slot.path for slot in task.stripped.truth).most_common(FILES)
        paths = [path for path, _ in sorted(most)]
        alone, seconds, changed = Score(), 0.0, 0
        for path in paths:
            after, took, again = annotated(task, path)
            alone, seconds, changed = alone + scored(task, path, after), seconds + took, changed + again
        after, took, again = annotated(task, None)
        whole = sum((scored(task, path, after) for path in paths), Score())
        for how, found in (("alone", (alone, changed, seconds)), ("with all others", (whole, again, took))):
            rows.append(row(task.name, how, len(paths), *found))
            files, total, all_changed, all_seconds = sums[how]
            sums[how] = (files + len(paths), total + found[0], all_changed + found[1], all_seconds + found[2])
            print(" ".join(rows[-1]), file=sys.stderr)
    rows += [row("all", how, *found) for how, found in sums.items()]
    print(table(HEADS, rows))


if __name__ == "__main__":
    main()
