"""How fast it is, and how much it holds: `python benchmarks/speed.py WHAT ...`. Prints tables and draws pictures into benchmarks/results.

    lines 1000 10000 100000   seconds and memory against lines: a cold run, the same again, and ones after edits, each of another file
    processors                the same work with one process and with two
    batches                   slots a second of the model alone, by the words of a batch; with `--device cuda` on a GPU, and how long that
                              is at work
    ray [FILES]               a Ray cluster of two nodes on this machine beside this machine's own processes, and one that loses a node

The trees are the development projects of projects.toml side by side, stripped of their annotations, so that every slot is open; what is
asked for more lines than they have holds them again in other folders. `--model none --no-checker` and the like go to every run.
`typeinfer evaluate --speed` tells where the time goes.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice, zip_longest
from pathlib import Path
from typing import Any

import numpy as np

import typeinfer

from typeinfer.evaluation.benchmark import RESULTS, revision, table, tasks
from typeinfer.evaluation.judge import write_tree
from typeinfer.evaluation.peers import OURS, Cost, run
from typeinfer.evaluation.python import PythonJudge


LIMIT = 7_200
"""Seconds of a run, at most."""

EDITS = 5
"""Files that are edited, one after the other, of all sizes but the largest."""

PAUSE = 5.0
"""Seconds before an edit: where many files were deleted just now, as a run's copies are, some file systems make new ones slowly."""


def say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


# --- trees -------------------------------------------------------------------------------------------------------------------


def sources() -> Iterator[tuple[str, bytes]]:
    """The files of the stripped projects, project by project, without end."""
    stripped = [(task.name, task.stripped.files) for task in tasks(PythonJudge(), "development", "bare", say)]
    for turn in count():
        for name, files in stripped:
            for path, data in sorted(files.items()):
                if path.endswith(".py"):
                    yield f"part{turn}/{name}/{path}" if turn else f"{name}/{path}", data


def plant(root: Path, enough: Callable[[int, int], bool]) -> tuple[int, int]:
    """A project of so many files and lines as are `enough`; how many they are."""
    files = lines = 0
    for path, data in sources():
        if enough(files, lines):
            break
        write_tree(root, {path: data})
        files, lines = files + 1, lines + data.count(b"\n")
    (root / "typeinfer.toml").touch()
    return files, lines


@dataclass(frozen=True)
class Measured:
    """`held`: megabytes, of all processes together, at most; what they share is counted once."""

    cost: Cost
    slots: int
    held: float


class Watch(threading.Thread):
    """What all processes below this one hold, at most; looked at every two seconds: it costs a tenth of one of a processor."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self.over = 0.0, threading.Event()

    def __enter__(self) -> Watch:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.join()

    def run(self) -> None:
        while not self.over.wait(2.0):
            held = self.held()
            if held > self.most:
                # One that is just being started counts for a moment as much again as the one that starts it, whose memory it has.
                time.sleep(0.1)
                self.most = max(self.most, min(held, self.held()))

    @staticmethod
    def held() -> float:
        return sum(map(proportional, below(os.getpid())))


def below(number: int) -> Iterator[int]:
    """The processes that a process has started, and those that they have."""
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{number}/task").iterdir():
            for child in map(int, (thread / "children").read_text().split()):
                yield child
                yield from below(child)


def proportional(number: int) -> float:
    """Megabytes that a process holds, its share of what it shares with others; 0 where it is gone."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path(f"/proc/{number}/smaps_rollup").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) * 1024 / 1e6
    return 0.0


def measure(root: Path, cache: Path, *flags: str, told: bool = True, writes: bool = False) -> Measured:
    """What is to be written is worked out, and not written unless that is asked for: so the same can be asked again. `told`: all that
    is believed of every slot is printed, as JSON; else the closing line alone, as it is for a person who asks for no more."""
    command = (*OURS.command, *(() if writes else ("--check",)), *(("--format", "json") if told else ()), *flags)
    with Watch() as watch:
        cost = run(replace(OURS, command=command), root, cache, LIMIT)
    if cost.failure is not None and not (cost.printed or cost.failure.startswith("status 1:")):
        sys.exit(f"{' '.join(command)}: {cost.failure}")
    # Of millions of lines it says gigabytes before the end.
    summary = cost.printed[cost.printed.rindex('"summary"') :] if told else '"summary": {"slots": 0}}'
    return Measured(cost, json.loads("{" + summary)["summary"]["slots"], watch.most)


@contextlib.contextmanager
def planted(enough: Callable[[int, int], bool]) -> Iterator[tuple[Path, Path, int, int]]:
    """A project, a place for caches, and how many files and lines the project has."""
    with tempfile.TemporaryDirectory(prefix="typeinfer-") as place:
        root = Path(place, "project")
        files, lines = plant(root, enough)
        yield root, Path(place, "caches"), files, lines


# --- lines -------------------------------------------------------------------------------------------------------------------


def by_lines(asked: argparse.Namespace) -> None:
    rows, points = [], []
    for wanted in asked.sizes:
        with planted(lambda files, lines, wanted=wanted: lines >= wanted) as (root, caches, files, lines):
            cold = measure(root, caches, *asked.flags, told=False)
            say(f"{lines:,} lines: {cold.cost.seconds:.1f} s, {cold.held:.0f} MB")
            listed = measure(root, caches, *asked.flags)
            warm = measure(root, caches, *asked.flags, told=False)
            say(f"again {warm.cost.seconds:.1f} s, with JSON {listed.cost.seconds:.1f}")
            by_size = sorted(root.rglob("*.py"), key=lambda path: (path.stat().st_size, path))
            edited = [*(by_size[len(by_size) * part // (EDITS + 1)] for part in range(1, EDITS + 1)), by_size[-1]]
            checked = [after_edit(path, root, caches, *asked.flags) for path in edited]
            measure(root, caches, *asked.flags, told=False, writes=True)
            settled = measure(root, caches, *asked.flags, told=False, writes=True)
            written = [after_edit(path, root, caches, *asked.flags, writes=True) for path in edited]
            held = max(one.held for one in (cold, warm, listed, settled, *checked, *written))
            points.append((lines, cold.cost.seconds, held))
            rows.append([f"{lines:,}", f"{files:,}", f"{listed.slots:,}"])
            rows[-1] += [f"{one.cost.seconds:.1f}" for one in (cold, warm, listed)]
            rows[-1] += [*of_edits(checked), f"{settled.cost.seconds:.1f}", *of_edits(written)]
            rows[-1] += [f"{listed.slots / cold.cost.seconds:,.0f}", f"{held:,.0f}"]
    print(f"`{' '.join(['python', *sys.argv])}`, {described()}\n")
    edits = ["after an edit, s", "of the largest file, s"]
    heads = ["lines", "files", "slots", "cold, s", "again, s", "again, with JSON, s", *edits]
    heads += ["once it is written: again, s", *edits, "slots/s", "peak MB, all"]
    print(table(heads, rows))
    if len(points) > 1 and not asked.flags:
        draw(points)


def after_edit(edited: Path, root: Path, caches: Path, *flags: str, writes: bool = False) -> Measured:
    time.sleep(PAUSE)
    name = "added_later" if writes else "added"
    edited.write_bytes(edited.read_bytes() + f"\n\ndef {name}(count):\n    return count + 1\n".encode())
    found = measure(root, caches, *flags, told=False, writes=writes)
    say(f"after an edit of {edited.relative_to(root)}: {found.cost.seconds:.1f} s")
    return found


def of_edits(measured: Sequence[Measured]) -> Iterator[str]:
    """The median, and from where to where, of all but the last, and that."""
    *edits, largest = (one.cost.seconds for one in measured)
    yield f"{statistics.median(edits):.1f} ({min(edits):.1f} to {max(edits):.1f})"
    yield f"{largest:.1f}"


def draw(points: Sequence[tuple[int, float, float]]) -> None:
    from matplotlib import pyplot

    lines, seconds, memory = (np.array(column) for column in zip(*points, strict=True))
    figure, places = pyplot.subplots(1, 2, figsize=(9, 3.6))
    for place, measured, unit in zip(places, (seconds, memory), ("seconds, cold", "peak MB, all processes"), strict=True):
        place.plot(lines, measured, "o-", label="measured")
        place.plot(lines, measured[-1] * lines / lines[-1], ":", color="grey", label="in proportion")
        labelled(place, "lines of Python, every slot open", unit)
        place.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(RESULTS / "speed.svg", metadata={"Date": None})


def labelled(place: Any, across: str, up: str) -> None:
    place.set_xlabel(across)
    place.set_ylabel(up)
    place.set_ylim(bottom=0)


# --- processors, batches -----------------------------------------------------------------------------------------------------


def by_processors(asked: argparse.Namespace) -> None:
    rows = []
    with planted(lambda files, lines: lines >= asked.sizes[0]) as (root, caches, _, lines):
        for jobs in (1, 2):
            found = measure(root, caches / str(jobs), "--jobs", str(jobs), *asked.flags)
            rows.append([str(jobs), f"{found.cost.seconds:.1f}", f"{found.slots / found.cost.seconds:,.0f}"])
            rows[-1].append(f"{found.held:,.0f}")
    print(f"{lines:,} lines, {described()}\n")
    print(table(["processes", "seconds", "slots/s", "peak MB, all"], rows))
    from matplotlib import pyplot

    figure, places = pyplot.subplots(1, 2, figsize=(6, 3))
    for place, column, unit in zip(places, (1, 3), ("seconds, cold", "peak MB, all processes"), strict=True):
        place.bar([row[0] for row in rows], [float(row[column].replace(",", "")) for row in rows])
        labelled(place, f"processes, {lines:,} lines", unit)
    figure.tight_layout()
    figure.savefig(RESULTS / "processors.svg", metadata={"Date": None})


BATCHES = {"cpu": (250, 500, 1_000, 2_000, 4_000, 8_000, 16_000), "cuda": (4_000, 16_000, 64_000, 256_000)}
"""Words, by device."""

LONG_ENOUGH = {"cpu": 0.0, "cuda": 10.0}
"""Seconds to ask the same again: a GPU is done with a small tree before anybody has looked whether it is at work."""


def by_batches(asked: argparse.Namespace) -> None:
    """The model alone, on units of the tree that were made before; and how much of each batch is padding, which a processor computes
    and a GPU doesn't."""
    from typeinfer.languages import LANGUAGE_OF_SUFFIX
    from typeinfer.model.ranking import LANGUAGE_NAMES, load_ranker
    from typeinfer.model.runtime import batches
    from typeinfer.model.sentences import Around, sentences, stack
    from typeinfer.weights import shipped_model
    from typeinfer.program.files import read_files
    from typeinfer.program.project import read_project

    folder = shipped_model()
    assert folder is not None, "a checkout has a model"
    ranker = load_ranker(folder, os.cpu_count() or 1, asked.device)
    with planted(lambda files, lines: lines >= asked.sizes[0]) as (root, _, _, lines):
        names = [path.relative_to(root).as_posix() for path in sorted(root.rglob("*.py"))]
        project = read_project(root, read_files(root, names, LANGUAGE_OF_SUFFIX)[0])
    made = list(sentences(Around(project), {}, lambda slot: not slot.local))
    lexemes: dict[str, int] = {}
    units = stack(made, lambda word: lexemes.setdefault(word, len(lexemes)), LANGUAGE_NAMES)
    rows, subwords = [], ranker.subwords.rows(list(lexemes))
    sizes, every = np.diff(units.words_of), np.arange(len(units))
    for words in BATCHES[asked.device]:
        held = [(len(batch) * int(sizes[batch].max()), int(sizes[batch].sum())) for batch in batches(units, every, words)]
        room, filled = map(sum, zip(*held, strict=True))
        ranker.runtime.budget = words
        if asked.device == "cuda":  # What is done for the first time isn't counted.
            ranker.runtime.rank(units, subwords, every)
        slots, began = 0, time.perf_counter()
        with at_work(asked.device) as busy:
            while not slots or time.perf_counter() - began < LONG_ENOUGH[asked.device]:
                slots += len(ranker.runtime.rank(units, subwords, every))
            seconds = time.perf_counter() - began
        rows.append([f"{words:,}", f"{len(held):,}", f"{100 * (1 - filled / room):.1f}", f"{slots / seconds:,.0f}", *busy])
        say(f"{words} words: {slots / seconds:,.0f} slots/s")
    if ranker.trouble is not None:
        sys.exit(ranker.trouble)
    print(f"{lines:,} lines, {len(units):,} units, {described()}, {asked.device}\n")
    heads = ["words of a batch, padding included", "batches", "padding, %", "slots/s"]
    print(table([*heads, *(["GPU at work, %"] if asked.device == "cuda" else [])], rows))
    draw_batches([[float(cell.replace(",", "")) for cell in row[:4]] for row in rows], asked.device)


@contextlib.contextmanager
def at_work(device: str) -> Iterator[list[str]]:
    """For how much of the time until the end the GPU has something to do, by what its driver says; of a processor nothing."""
    told: list[str] = []
    if device == "cpu":
        yield told
        return
    asks = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "--loop-ms=200"]
    with subprocess.Popen(asks, stdout=subprocess.PIPE, text=True) as driver:
        yield told
        driver.terminate()
        shares = [int(line) for line in (driver.stdout or ()) if line.strip().isdigit()]
    told.append(f"{np.mean(shares):.0f}" if shares else "?")


def draw_batches(rows: Sequence[Sequence[float]], device: str) -> None:
    from matplotlib import pyplot

    figure, places = pyplot.subplots(1, 2, figsize=(9, 3.6))
    words, _, padding, rate = zip(*rows, strict=True)
    for place, measured, unit in zip(places, (rate, padding), (f"slots a second, the model alone, {device}", "padding, %"), strict=True):
        place.semilogx(words, measured, "o-")
        labelled(place, "words of a batch, padding included", unit)
    figure.tight_layout()
    figure.savefig(RESULTS / ("batches.svg" if device == "cpu" else f"batches-{device}.svg"), metadata={"Date": None})


# --- Ray ---------------------------------------------------------------------------------------------------------------------


def beside_ray(asked: argparse.Namespace) -> None:
    """Two nodes of one processor each. What is printed must be the same byte for byte."""
    import ray
    from ray.cluster_utils import Cluster as Nodes

    rows: list[list[str]] = []
    printed: dict[str, str] = {}
    with planted(lambda files, lines: files >= asked.sizes[0]) as (root, caches, files, lines):

        def noted(name: str, *flags: str) -> None:
            found = measure(root, caches / name, *flags, *asked.flags)
            printed[name] = found.cost.printed
            first = next(iter(printed.values()))
            same = "" if len(printed) == 1 else str(printed[name] == first)
            rows.append([name, f"{found.cost.seconds:.1f}", f"{found.cost.peak_mb:,.0f}", same])
            say(" ".join(rows[-1]))
            pairs = zip_longest(first.splitlines(), printed[name].splitlines(), fillvalue="")
            for number, (one, other) in islice(((n, pair) for n, pair in enumerate(pairs, 1) if pair[0] != pair[1]), 5):
                say(f"line {number}: {one.strip()} | {other.strip()}")

        @contextlib.contextmanager
        def nodes(name: str) -> Iterator[Nodes]:
            """Of nothing remembered: what is done on a node is remembered there."""
            os.environ["TYPEINFER_CACHE"] = str(caches / f"{name}, on the nodes")
            found = Nodes(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
            try:
                found.add_node(num_cpus=1)
                found.wait_for_nodes()
                yield found
            finally:
                ray.shutdown()
                found.shutdown()

        noted("this machine's processes", "--jobs", "2")
        with nodes("two") as both:
            noted("two nodes", "--engine", "ray", "--ray-address", both.address)
        with nodes("one lost") as both:
            doomed = next(iter(both.worker_nodes))
            killing = threading.Timer(asked.kill_after, both.remove_node, (doomed, False))
            killing.start()
            noted(f"two nodes, one killed after {asked.kill_after:.0f} s", "--engine", "ray", "--ray-address", both.address)
            killing.cancel()
            if both.worker_nodes:
                sys.exit("it ended before a node was killed; a lower --kill-after, or more files")
    print(f"{files:,} files, {lines:,} lines, {described()}, ray {importlib.metadata.version('ray')}\n")
    print(table(["", "seconds", "peak MB of the process that asks", "prints the same"], rows))


def described() -> str:
    """What was measured, when and on what."""
    model = platform.processor() or "?"
    with contextlib.suppress(OSError):
        told = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
        model = told[0].partition(":")[2].strip()
    when, busy = time.strftime("%Y-%m-%d"), os.getloadavg()[0]
    versions = f"Python {platform.python_version()}, pyrefly {importlib.metadata.version('pyrefly')}"
    return f"{when}, at {revision()}, {os.cpu_count()} cores ({model}), load in the end {busy:.1f}, {versions}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["lines", "processors", "batches", "ray"])
    parser.add_argument("sizes", nargs="*", type=int, help="lines; for ray files")
    parser.add_argument("--device", choices=list(BATCHES), default="cpu", help="for batches")
    parser.add_argument("--kill-after", type=float, default=30.0, help="seconds, for ray")
    asked, flags = parser.parse_known_args()
    asked.flags = flags
    usual = {"lines": [1_000, 10_000, 100_000], "processors": [10_000], "batches": [10_000], "ray": [500]}
    # What pip installs is compiled then; what runs from a clone may never be, where the environment forbids it.
    compileall.compile_dir(Path(typeinfer.__file__).parent, quiet=1)
    asked.sizes = asked.sizes or usual[asked.what]
    {"lines": by_lines, "processors": by_processors, "batches": by_batches, "ray": beside_ray}[asked.what](asked)


if __name__ == "__main__":
    main()
