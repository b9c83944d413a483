"""What an edit costs, and whether it comes to the same: `python benchmarks/edits.py [PROJECT ...]`. Prints a table as Markdown.

The development projects under 8,000 lines, or those named, stripped of their annotations. In some functions (the same ones every time)
what is returned becomes a string, one edit after the other, and the project is looked at as a whole after each: by a run that goes on
from the one before it, and by one that remembers nothing. An annotation is another if it stands in one of the two alone.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from verification_cost import SMALLER

from typeinfer.evaluation.benchmark import table, tasks
from typeinfer.evaluation.judge import write_tree
from typeinfer.evaluation.peers import OURS, run
from typeinfer.evaluation.python import PythonJudge
from typeinfer.languages import LANGUAGE_OF_SUFFIX
from typeinfer.program.files import read_files
from typeinfer.program.project import read_project
from typeinfer.values.patches import Edit, apply_edits

EDITS = 3
"""Of a project."""

TOLD = replace(OURS, command=(*OURS.command, "--check", "--format", "json"))


def edits(root: Path) -> list[tuple[str, Edit]]:
    """By path; each in another file, if there are so many, and the last `return` of a function."""
    names = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.py"))
    found: dict[str, list[Edit]] = {}
    for path, module in read_project(root, read_files(root, names, LANGUAGE_OF_SUFFIX)[0]).modules.items():
        for function in module.functions:
            if function.returns and (value := function.returns[-1]) is not None:
                found.setdefault(path, []).append(Edit(value.span, f"str({module.file.at(value.span)})"))
    chance = random.Random(0)
    return [(path, chance.choice(found[path])) for path in chance.sample(sorted(found), min(EDITS, len(found)))]


def annotations(root: Path, cache: Path) -> tuple[set[tuple[Any, ...]], float]:
    """What is to be written of a project, and the seconds it took to know."""
    cost = run(TOLD, root, cache)
    if not cost.printed:
        sys.exit(f"{root.name}: {cost.failure}")
    told = ((one["path"], slot) for one in json.loads(cost.printed)["files"] for slot in one.get("slots", ()))
    names = ("qualname", "kind", "name", "ordinal")
    given = {(path, *(slot[name] for name in names), slot["types"][0]["type"]) for path, slot in told if "withheld" not in slot}
    return given, cost.seconds


def main() -> None:
    rows, every = [], [0, 0, 0, 0]
    for task in tasks(PythonJudge(), "development", "bare", lambda line: None, sys.argv[1:] or SMALLER):
        with tempfile.TemporaryDirectory(prefix="typeinfer-") as place:
            root, cache = Path(place, task.name), Path(place, "cache")
            write_tree(root, task.stripped.files)
            (root / "pyproject.toml").touch()
            annotations(root, cache)
            counts, seconds = [0, 0, 0], ([], [])
            for number, (path, edit) in enumerate(edits(root)):
                (root / path).write_bytes(apply_edits((root / path).read_bytes(), (edit,)))
                (after, took), (afresh, cold) = annotations(root, cache), annotations(root, Path(place, str(number)))
                counts = [counts[0] + len(afresh), counts[1] + len(after), counts[2] + len(after ^ afresh)]
                seconds[0].append(cold)
                seconds[1].append(took)
            rows.append([task.name, str(len(seconds[0])), *map(str, counts), *(f"{median(one):.1f}" for one in seconds)])
            print(" ".join(rows[-1]), file=sys.stderr)
            every = [one + other for one, other in zip(every, (len(seconds[0]), *counts), strict=True)]
    rows.append(["all", *map(str, every), "", ""])
    print(table(["project", "edits", "annotations afresh", "after the edit", "in one alone", "s afresh", "s after the edit"], rows))


if __name__ == "__main__":
    main()
