"""JavaScript that never had types, made TypeScript: `python benchmarks/untyped_javascript.py`. Prints a table.

For each package of the set `migration` in projects.toml: files that type-check (tsc with strict off, missing packages
are no errors) when they are only renamed and when `typeinfer annotate --js rename` did it, and the share of parameters and
results that got a type. Type-checking alone rewards doing nothing, so the two always stand side by side. And what must be
zero: files whose JavaScript is another, files that no longer parse, files that a second run changes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from typeinfer.evaluation.judge import write_tree
from typeinfer.evaluation.peers import search_path
from typeinfer.evaluation.projects import Package, data_folder, fetch, pinned_projects
from typeinfer.evaluation.typescript import TypeScriptJudge, ask, errors_by_file

JUDGE = TypeScriptJudge()

RENAMED = {".js": ".ts", ".jsx": ".tsx", ".mjs": ".mts", ".cjs": ".cts"}

HEADS = "| package | lines | files | type-check, renamed alone | type-check, annotated | parameters and results typed |"
HEADS += " declared properties | altered | broken | second run changes | seconds |"


@dataclass
class Total:
    """Sums over the packages; `checks` counts packages without any error."""

    packages: int = 0
    files: int = 0
    clean_before: int = 0
    clean_after: int = 0
    checks_before: int = 0
    checks_after: int = 0
    slots: int = 0
    typed: int = 0


def javascript_of(root: Path) -> dict[str, bytes]:
    paths = sorted(path for path in root.rglob("*") if path.suffix in RENAMED)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def annotate(root: Path, cache: Path) -> float:
    """Seconds of one cold run in place."""
    command = [sys.executable, "-m", "typeinfer", "annotate", "--js", "rename", "--format", "json", str(root)]
    began = time.perf_counter()
    environment = {**os.environ, "PATH": search_path(), "TYPEINFER_CACHE": str(cache)}
    done = subprocess.run(command, capture_output=True, check=False, env=environment)
    if done.returncode != 0:
        print(f"{root.name}: {done.stderr.decode().strip()}", file=sys.stderr)
    return time.perf_counter() - began


def typed(files: Mapping[str, bytes]) -> tuple[int, int]:
    """Parameters and results of all functions with a body, and how many of them have a type that says something."""
    texts = {path: raw.decode() for path, raw in files.items() if PurePosixPath(path).suffix in RENAMED.values()}
    found = [slot for slots in ask("slots", files=texts).values() for slot in slots or ()]
    asked = [written for (_, _, kind, _, _), written, kept in found if kind in ("parameter", "return") and not kept]
    return len(asked), sum(written is not None and written != "any" for written in asked)


def migrate(package: Package, total: Total) -> str:
    """The row of one package."""
    source = fetch(package, data_folder())
    files = javascript_of(source)
    settings = {path: raw for path, raw in JUDGE.read_tree(source).items() if path.endswith(".json")}
    renamed = {f"{path[: path.rindex('.')]}{RENAMED[path[path.rindex('.') :]]}": raw for path, raw in files.items()}
    with tempfile.TemporaryDirectory() as place:
        alone, root = Path(place) / "alone", Path(place) / package.name.replace("/", "-")
        write_tree(alone, {**settings, **renamed})
        write_tree(root, {**settings, **files})
        before = errors_by_file(alone)
        seconds = annotate(root, Path(place) / "cache")
        after, annotated = errors_by_file(root), JUDGE.read_tree(root)
        annotate(root, Path(place) / "another-cache")
        second = JUDGE.read_tree(root)
    review = JUDGE.review({path: renamed[path] for path in renamed if path in annotated}, annotated)
    slots, given = typed(annotated)
    declared = sum(raw.count(b"\n  declare ") + raw.count(b"\n    declare ") for raw in annotated.values())
    clean_before, clean_after = (sum(not errors for errors in found.values()) for found in (before, after))
    total.packages += 1
    total.files += len(files)
    total.clean_before += clean_before
    total.clean_after += clean_after
    total.checks_before += clean_before == len(before)
    total.checks_after += clean_after == len(after)
    total.slots += slots
    total.typed += given
    lines = sum(raw.count(b"\n") for raw in files.values())
    changed = sum(second.get(path) != raw for path, raw in annotated.items())
    return (
        f"| {package.name} {package.version} | {lines:,} | {len(files)} | {clean_before} | {clean_after} "
        f"| {given:,} of {slots:,} ({share(given, slots)}) | {declared} "
        f"| {review.altered} | {review.broken} | {changed} | {seconds:.1f} |"
    )


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def main() -> None:
    print(HEADS)
    print(f"|---|{'--:|' * (HEADS.count('|') - 2)}")
    total = Total()
    for package in pinned_projects("typescript", "migration"):
        assert isinstance(package, Package), "the set holds packages of npm"
        print(migrate(package, total), flush=True)
    print(
        f"\nPackages that type-check: renamed alone {total.checks_before} of {total.packages}, "
        f"annotated {total.checks_after}. Files: {total.clean_before} of {total.files} "
        f"({share(total.clean_before, total.files)}), annotated {total.clean_after} "
        f"({share(total.clean_after, total.files)}). Parameters and results typed: {total.typed:,} of {total.slots:,} "
        f"({share(total.typed, total.slots)})."
    )


if __name__ == "__main__":
    main()
