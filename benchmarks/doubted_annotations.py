"""What `typeinfer check` doubts: `python benchmarks/doubted_annotations.py [--calibration] [PROJECT ...]`. Prints a table as Markdown.

On the development projects of Python, or those that bounds are chosen by, as their authors annotated them: how many annotations are
doubted. Then in some functions the types of two parameters are swapped (the same ones every time): how many of those are found, and
how many others are doubted.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from typeinfer.evaluation.benchmark import table
from typeinfer.evaluation.judge import write_tree
from typeinfer.evaluation.peers import search_path
from typeinfer.evaluation.projects import data_folder, fetch, pinned_projects
from typeinfer.evaluation.python import PythonJudge
from typeinfer.languages import LANGUAGE_OF_SUFFIX
from typeinfer.program.files import read_files
from typeinfer.program.project import Project, read_project
from typeinfer.values.patches import Edit, apply_edits
from typeinfer.values.slots import SlotId

SWAPPED = 40
"""Functions of a project whose types are swapped, if it has so many."""

JUDGE = PythonJudge()


def pairs(project: Project) -> Iterator[tuple[str, tuple[Edit, Edit], frozenset[SlotId]]]:
    """In each function the first two neighbours whose written types are unlike: the file, and the edits that swap them."""
    for path, module in sorted(project.modules.items()):
        for function in module.functions:
            slots = [parameter.slot for parameter in function.parameters]
            for one, other in zip(slots, slots[1:], strict=False):
                if one is None or other is None or one.written is None or other.written is None:
                    continue
                texts = [module.file.at(slot.written) for slot in (one, other)]
                if texts[0] != texts[1] and "Any" not in "".join(texts):
                    edits = (Edit(one.written, texts[1]), Edit(other.written, texts[0]))
                    yield path, edits, frozenset({one.id, other.id})
                    break


def doubted(files: Mapping[str, bytes], name: str) -> tuple[list[tuple[str, str, str]], int]:
    """The doubted slots (path, function, name), and how many annotations there are."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / name
        write_tree(root, files)
        environment = {**os.environ, "PATH": search_path(), "TYPEINFER_CACHE": str(Path(place) / "cache")}
        command = [sys.executable, "-m", "typeinfer", "check", "--format", "json", str(root)]
        done = subprocess.run(command, capture_output=True, check=False, env=environment, text=True)
        said = json.loads(done.stdout)
        slots = int(done.stderr.strip().splitlines()[-1].partition("; ")[2].partition(" slot")[0])
        return [(one["path"], one["qualname"], one["name"]) for one in said["doubts"]], slots


def main() -> None:
    rows = []
    names = set(sys.argv[1:]) - {"--calibration"}
    for pinned in pinned_projects("python", "calibration" if "--calibration" in sys.argv else "development"):
        if names and pinned.name not in names:
            continue
        files = JUDGE.read_tree(fetch(pinned, data_folder()))
        with tempfile.TemporaryDirectory() as place:
            write_tree(Path(place), files)
            read, _ = read_files(Path(place), sorted(files), LANGUAGE_OF_SUFFIX)
            project = read_project(Path(place), read)
        chosen = sorted(pairs(project), key=lambda pair: (pair[0], pair[1][0].span.start))
        chosen = random.Random(0).sample(chosen, min(SWAPPED, len(chosen)))
        swapped = dict(files)
        for path in {path for path, _, _ in chosen}:
            edits = sorted(
                (edit for at, two, _ in chosen if at == path for edit in two), key=lambda edit: edit.span.start
            )
            file = project.modules[path].file
            swapped[path] = file.with_data(apply_edits(file.data, tuple(edits))).to_bytes()
        wrong = {(slot.path, slot.qualname, slot.name) for _, _, slots in chosen for slot in slots}
        plain, slots = doubted(files, pinned.name)
        found, _ = doubted(swapped, pinned.name)
        rows.append(
            [
                f"{pinned.name} {pinned.version}",
                f"{slots:,}",
                str(len(plain)),
                str(len(wrong)),
                str(len(wrong & set(found))),
            ]
            + [str(len(set(found) - wrong))]
        )
        print(" | ".join(rows[-1]), *plain, sep="\n  ", file=sys.stderr, flush=True)
    heads = ["project", "annotations", "doubted", "made wrong", "of these doubted", "others doubted then"]
    print(table(heads, rows))


if __name__ == "__main__":
    main()
