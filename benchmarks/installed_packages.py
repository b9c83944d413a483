"""What is written more with the packages of a project's environment in view: `python benchmarks/installed_packages.py [PROJECT ...]`.
Prints a table as Markdown.

The projects of the sets `development` and `tests` of projects.toml that require others, with these installed in a `.venv` (their wheels,
unpacked; nothing in them is run): stripped of all annotations and annotated again, once with `--no-packages` and once without. Counted
are slots that the authors annotated with more than `Any`; a type is right if it is theirs, however it is spelled. New errors are
pyrefly's with the packages in view, over all that is written.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

from typeinfer.evaluation.benchmark import Task, reviewed, table, tasks
from typeinfer.evaluation.judge import Origin, write_tree
from typeinfer.evaluation.peers import OURS, run
from typeinfer.evaluation.projects import data_folder, environment
from typeinfer.evaluation.python import PythonJudge
from typeinfer.languages.python.checkers import CHECKERS

JUDGE = PythonJudge()

WAYS = {
    "alone": OURS,
    "with packages": replace(OURS, command=tuple(word for word in OURS.command if word != "--no-packages")),
}

GROUPS = ("all", "somebody else's types")


def errors(root: Path, installed: Path) -> int:
    """What pyrefly complains of with packages in view, but for what isn't installed."""
    (site,) = installed.glob("lib/python*/site-packages")
    flags = ["--output-format", "json", "--site-package-path", str(site), "--skip-interpreter-query"]
    said = subprocess.run(["pyrefly", "check", *flags, str(root)], capture_output=True, text=True, cwd=root).stdout
    return sum(one["name"] not in CHECKERS["pyrefly"].unfound for one in json.loads(said)["errors"])


def counted(task: Task, installed: Path, place: Path) -> dict[str, Counter[str]]:
    """By way, slots that are judged, written and right, and seconds."""
    found: dict[str, Counter[str]] = {}
    for way, tool in WAYS.items():
        root = place / way / task.name
        write_tree(root, task.stripped.files)
        (root / "pyproject.toml").touch()
        (root / ".venv").symlink_to(installed, target_is_directory=True)
        before = errors(root, installed)
        begun = time.monotonic()
        cost = run(tool, root, place / way / "cache")
        seconds = time.monotonic() - begun
        if cost.failure:
            # Such as files that are there because they can't be read.
            print(f"{task.name}: {cost.failure}", file=sys.stderr)
        (root / ".venv").unlink()
        review, forms = reviewed(JUDGE, task, JUDGE.read_tree(root))
        count = found[way] = Counter(seconds=round(seconds), errors=errors(root, installed) - before)
        for slot, truth in task.stripped.truth.items():
            given = review.written.get(slot)
            for group in GROUPS if task.group[slot][1] is Origin.THIRD_PARTY else GROUPS[:1]:
                count[f"{group} judged"] += 1
                count[f"{group} written"] += given is not None
                count[f"{group} right"] += given is not None and forms[given].exact == forms[truth].exact
    return found


def main() -> None:
    rows: list[list[str]] = []
    total: dict[str, Counter[str]] = {way: Counter() for way in WAYS}
    for chosen in ("development", "tests"):
        for task in tasks(JUDGE, chosen, "bare", lambda line: print(line, file=sys.stderr), sys.argv[1:]):
            if (installed := environment(task.pinned, data_folder())) is None:
                continue
            with tempfile.TemporaryDirectory(prefix="typeinfer-") as place:
                for way, count in counted(task, installed, Path(place)).items():
                    rows += rows_of(task.name, way, count)
                    total[way].update(count)
    for way, count in total.items():
        rows += rows_of("all of them", way, count)
    print(
        table(
            [
                "project",
                "",
                "slots",
                "annotated by the authors",
                "written",
                "of these right, %",
                "recall, %",
                "new errors",
                "s",
            ],
            rows,
        )
    )


def rows_of(name: str, way: str, count: Counter[str]) -> list[list[str]]:
    rows = []
    for group in GROUPS:
        judged, given, right = (count[f"{group} {what}"] for what in ("judged", "written", "right"))
        shares = (f"{100 * right / max(of, 1):.1f}" for of in (given, judged))
        rows.append(
            [name, way, group, f"{judged:,}", f"{given:,}", *shares, f"{count['errors']:+,}", f"{count['seconds']:,}"]
        )
        print(" | ".join(rows[-1]), file=sys.stderr)
    return rows


if __name__ == "__main__":
    main()
