"""Speed, memory and laws on the standard library of the running Python: `python benchmarks/standard_library.py`.

Reading, graph, slices and rules over `Lib` without tests: CPU seconds and peak memory of one process. Then the whole command
on a copy, with rules alone and an empty cache: files altered beyond annotations, files broken, what a second run changes; and
the same once more with everything in the cache.
"""

from __future__ import annotations

import ast
import os
import platform
import resource
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

LEFT_OUT = {"test", "tests", "idle_test", "site-packages", "__pycache__", "lib2to3"}
T = TypeVar("T")


def sources(library: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(library):
        folders[:] = sorted(set(folders) - LEFT_OUT)
        yield from (Path(folder) / name for name in sorted(names) if name.endswith(".py"))


def measured(name: str, work: Callable[[], T]) -> T:
    began = time.process_time()
    result = work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {name} | {time.process_time() - began:.1f} s | {peak:.0f} MB |", flush=True)
    return result


def parts(library: Path) -> None:
    """Every stage by itself, in this process."""
    from typeinfer.program.evidence import gather
    from typeinfer.program.files import read_files
    from typeinfer.program.graph import build_graph
    from typeinfer.program.project import read_project
    from typeinfer.program.slices import slices
    from typeinfer.values.inferred import Inference

    names = [path.relative_to(library).as_posix() for path in sources(library)]
    files, _ = read_files(library, names, {".py": "python"})
    size = sum(len(file.data) for file in files.values())
    lines = sum(len(file.line_starts) for file in files.values())
    print(f"Python {platform.python_version()}, {len(files)} files, {lines:,} lines, {size / 1e6:.1f} MB\n")
    print("| stage | CPU | peak memory so far |\n|---|--:|--:|")
    began = time.process_time()
    project = measured("reading", lambda: read_project(library, files))
    graph = measured("graph", lambda: build_graph(project))
    measured("slices", lambda: sum(1 for _ in slices(project, graph)))
    measured("rules", lambda: gather(project, Inference("none")))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| together | {time.process_time() - began:.1f} s | {peak:.0f} MB |\n")


@contextmanager
def copied(library: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "Lib"
        for path in sources(library):
            target = root / path.relative_to(library)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
        yield root


def command(root: Path, cache: Path, *flags: str) -> tuple[str, float, float]:
    """The last lines the command said, its wall time, and its CPU time, children included."""
    environment = {**os.environ, "TYPEINFER_CACHE": str(cache)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "typeinfer", "annotate", "--no-checker", *flags, str(root)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stderr, wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def bones(content: bytes) -> str | None:
    """The syntax tree without annotations and imports, or None for what does not parse."""
    from typeinfer.evaluation.python.written import skeleton

    try:
        return skeleton(ast.parse(content))
    except (SyntaxError, ValueError):
        return None


def laws(library: Path) -> None:
    """The whole command on a copy."""
    with copied(library) as root, tempfile.TemporaryDirectory() as cache:
        before = {path: path.read_bytes() for path in sources(root)}
        said, wall, cpu = command(root, Path(cache))
        print(said.strip().splitlines()[-1 - said.strip().count("\n  ")])
        print(f"cold: {wall:.1f} s, {cpu:.1f} s of CPU")
        after = {path: path.read_bytes() for path in sources(root)}
        changed = [path for path in before if before[path] != after[path]]
        broken = [path for path in changed if bones(before[path]) is not None and bones(after[path]) is None]
        altered = [path for path in changed if path not in broken and bones(before[path]) != bones(after[path])]
        print(f"files changed {len(changed)}, broken {len(broken)}, altered beyond annotations {len(altered)}")
        command(root, Path(cache))
        again = sum(path.read_bytes() != content for path, content in after.items())
        print(f"files that a second run changes: {again}")
        _, wall, cpu = command(root, Path(cache), "--check")
        print(f"warm cache, nothing changed: {wall:.2f} s, {cpu:.2f} s of CPU")
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "typeinfer", "--help"], capture_output=True, check=True)
    print(f"typeinfer --help: {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    library = Path(sysconfig.get_path("stdlib"))
    parts(library)
    laws(library)
