"""What is written into tests, beside what their authors wrote: `python benchmarks/test_suites.py [PROJECT ...]`. Prints a table as Markdown.

The set `tests` of projects.toml, each a source distribution whose tests are annotated, stripped of all annotations and annotated again as
a whole; and the same without the model. Counted are slots of files with tests that the authors annotated with more than `Any`. A type is
right if it is theirs, however it is spelled.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

from typeinfer.evaluation.benchmark import Task, reviewed, table, tasks
from typeinfer.evaluation.judge import write_tree
from typeinfer.evaluation.peers import OURS, run
from typeinfer.evaluation.python import PythonJudge
from typeinfer.languages import LANGUAGE_OF_SUFFIX
from typeinfer.program.files import read_files
from typeinfer.program.project import Project, read_project
from typeinfer.values.slots import SlotId, SlotKind

JUDGE = PythonJudge()

KINDS = ("parameters of tests and fixtures", "other parameters", "returns")

WAYS = {"typeinfer": OURS, "without the model": replace(OURS, command=(*OURS.command, "--model", "none"))}


def kind_of(project: Project, slot: SlotId) -> str | None:
    """One of `KINDS`; None for what is in no file with tests, and for attributes and variables."""
    module = project.modules.get(slot.path)
    function = module.function_of.get(slot) if module is not None else None
    if module is None or function is None or not project.language_of(slot.path).offering(slot.path):
        return None
    if slot.kind is SlotKind.RETURN:
        return KINDS[2]
    return KINDS[project.language_of(slot.path).handed(module, function) is None]


def counted(task: Task, root: Path, cache: Path) -> dict[str, Counter[str]]:
    """By way, slots that are judged, written and right, by their kind."""
    found: dict[str, Counter[str]] = {}
    for way, tool in WAYS.items():
        write_tree(root, task.stripped.files)
        (root / "pyproject.toml").touch()
        names = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.py"))
        project = read_project(root, read_files(root, names, LANGUAGE_OF_SUFFIX)[0])
        cost = run(tool, root, cache)
        if cost.failure:
            # Such as files that are there because they can't be read.
            print(f"{task.name}: {cost.failure}", file=sys.stderr)
        review, forms = reviewed(JUDGE, task, JUDGE.read_tree(root))
        count = found[way] = Counter[str]()
        for slot, truth in task.stripped.truth.items():
            if (kind := kind_of(project, slot)) is not None:
                given = review.written.get(slot)
                count[f"{kind} judged"] += 1
                count[f"{kind} written"] += given is not None
                count[f"{kind} right"] += given is not None and forms[given].exact == forms[truth].exact
    return found


def main() -> None:
    rows: list[list[str]] = []
    for task in tasks(JUDGE, "tests", "bare", lambda line: print(line, file=sys.stderr), sys.argv[1:]):
        with tempfile.TemporaryDirectory(prefix="typeinfer-") as place:
            for way, count in counted(task, Path(place, task.name), Path(place, "cache")).items():
                for kind in KINDS:
                    judged, given, right = (count[f"{kind} {what}"] for what in ("judged", "written", "right"))
                    shares = (f"{100 * right / max(of, 1):.1f}" for of in (given, judged))
                    rows.append([task.name, way, kind, f"{judged:,}", f"{given:,}", *shares])
                    print(" | ".join(rows[-1]), file=sys.stderr)
    print(table(["project", "", "slots", "annotated by the authors", "written", "of these right, %", "recall, %"], rows))


if __name__ == "__main__":
    main()
