"""What stands behind a dot: `python benchmarks/completions.py [--language L] [--set S] [--dots N]`. Prints tables. With `--names`:
names that are read by themselves, of which nothing is typed yet, and then one letter.

In every project of the set (development), stripped of its annotations, DOTS members that are read somewhere are drawn by chance. Each is
cut off behind its dot with the rest of its statement, bodies included; what stands above and below stays. Every tool is then asked
what may stand there, about the same text, and the rank of what did stand there is noted.

The predictions that typeinfer goes by were made of texts in which every one of these statements was missing. `pip install jedi==0.20.1`
for that row; pyright is basedpyright, TypeScript the versions of benchmarks/node.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import os
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from typeinfer.completion.cursor import cursor_at
from typeinfer.completion.lines import LineModel
from typeinfer.completion.monitor import Beliefs, Monitor
from typeinfer.config import Settings
from typeinfer.engine.cache import Cache
from typeinfer.evaluation.benchmark import table, tasks
from typeinfer.evaluation.judge import write_tree
from typeinfer.evaluation.python import PythonJudge
from typeinfer.evaluation.typescript import TypeScriptJudge
from typeinfer.languages import LANGUAGES
from typeinfer.languages.wire import Wire, connected, framed
from typeinfer.opening import options_of
from typeinfer.completing import beliefs_of
from typeinfer.pipeline import annotate_project
from typeinfer.reading import project_of
from typeinfer.weights import load_lines, load_weights_of, model_of
from typeinfer.program.changes import EVERY_LINE
from typeinfer.training.dots import Dot, dots_of, names_of, sampled
from typeinfer.values.members import Ground
from typeinfer.values.source import SourceFile

JUDGES = {"python": PythonJudge, "typescript": TypeScriptJudge}

NODE = Path(__file__).parent / "node" / "node_modules"

TOP = 5

Lister = Callable[[Dot], Sequence[str]]
"""A cut-off place in; names out, the likeliest first."""


@dataclass
class Tally:
    ranks: list[int | None] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, names: Sequence[str], truth: str, seconds: float) -> None:
        self.ranks.append(names.index(truth) + 1 if truth in names else None)
        self.sizes.append(len(names))
        self.seconds.append(seconds)

    def share(self, upto: int) -> float:
        return 100 * sum(rank is not None and rank <= upto for rank in self.ranks) / max(1, len(self.ranks))

    def cells(self) -> list[str]:
        mean = statistics.fmean(1 / rank if rank else 0.0 for rank in self.ranks) if self.ranks else 0.0
        times = sorted(1000 * one for one in self.seconds) or [0.0]
        return [
            f"{self.share(1):.1f}",
            f"{self.share(TOP):.1f}",
            f"{mean:.3f}",
            f"{self.share(10**9):.1f}",
            f"{statistics.median(self.sizes or [0]):.0f}",
            f"{times[len(times) // 2]:.0f}",
            f"{times[int(0.95 * (len(times) - 1))]:.0f}",
        ]


def apart(dots: Sequence[Dot], count: int) -> list[Dot]:
    """So many of them that none stands in the statement of another."""
    taken: list[Dot] = []
    for dot in sampled(dots, len(dots), seed=0):
        if len(taken) == count:
            break
        inside = (one for one in taken if one.file.path == dot.file.path and dot.at < one.end and one.at < dot.end)
        if next(inside, None) is None:
            taken.append(dot)
    return taken


def without_all(file: SourceFile, dots: Sequence[Dot]) -> SourceFile:
    """The text without any of these statements."""
    for dot in sorted(dots, key=lambda one: one.at, reverse=True):
        here = replace(dot, file=file)
        cursor = cursor_at(here.cut, here.at)
        file = cursor.without if cursor is not None else here.cut
    return file


# --- typeinfer ----------------------------------------------------------------------------------------------------------


def believed(root: Path, files: Mapping[str, SourceFile], dots: Sequence[Dot]) -> Mapping[str, Beliefs | None]:
    by_path: dict[str, list[Dot]] = defaultdict(list)
    for dot in dots:
        by_path[dot.file.path].append(dot)
    texts = {path: without_all(file, by_path[path]) if path in by_path else file for path, file in files.items()}
    options = options_of(Settings(root), {path: (EVERY_LINE,) for path in by_path})
    with tempfile.TemporaryDirectory() as folder, Cache(Path(folder)) as cache:
        project, lost = project_of(root, texts, options.engine, cache, lambda stage, done, total: None)
        run = annotate_project(project, lost, options, model_of(options), {}, lambda stage, done, total: None).run
        return {path: beliefs_of(project, run, path, None) for path in by_path}


# --- peers --------------------------------------------------------------------------------------------------------------


class Peer:
    """A language server, asked as an editor asks it."""

    def __init__(self, wire: Wire, root: Path, language: str) -> None:
        self.wire, self.root, self.language, self.number = wire, root, language, 0
        self.versions: Counter[str] = Counter()
        here = {"uri": root.as_uri(), "name": root.name}
        greeting = {"processId": os.getpid(), "rootUri": here["uri"], "workspaceFolders": [here], "capabilities": {}}
        self.ask("initialize", greeting)
        self.tell("initialized", {})

    def tell(self, what: str, parameters: Any) -> None:
        self.wire.send(framed({"jsonrpc": "2.0", "method": what, "params": parameters}))

    def ask(self, what: str, parameters: Any) -> Any:
        self.number += 1
        self.wire.send(framed({"jsonrpc": "2.0", "id": self.number, "method": what, "params": parameters}))
        while True:
            message = self.wire.receive()
            if "method" not in message and message.get("id") == self.number:
                return message.get("result")
            if "method" in message and "id" in message:
                items = message.get("params", {}).get("items", [])
                answer = [{} for _ in items] if message["method"] == "workspace/configuration" else None
                self.wire.send(framed({"jsonrpc": "2.0", "id": message["id"], "result": answer}))

    def names(self, dot: Dot) -> list[str]:
        file, path = dot.cut, self.root / dot.file.path
        self.versions[file.path] += 1
        document = {"uri": path.as_uri(), "version": self.versions[file.path]}
        if document["version"] == 1:
            self.tell(
                "textDocument/didOpen", {"textDocument": {**document, "languageId": self.language, "text": file.text}}
            )
        else:
            self.tell("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": file.text}]})
        position = {"line": file.line_of(dot.at) - 1, "character": file.utf16_column_of(dot.at)}
        context = {"triggerKind": 2, "triggerCharacter": "."}
        found = self.ask(
            "textDocument/completion", {"textDocument": document, "position": position, "context": context}
        )
        items = found if isinstance(found, list) else (found or {}).get("items", [])
        items.sort(key=lambda item: (item.get("sortText") or item["label"], item["label"]))
        return [item["label"].rstrip("?") for item in items]


@contextlib.contextmanager
def server(command: Sequence[str], root: Path, language: str) -> Iterator[Lister]:
    with connected(command, Path(command[0]).name, root) as wire:
        yield Peer(wire, root, language).names


@contextlib.contextmanager
def jedi_of(root: Path) -> Iterator[Lister]:
    import jedi

    project = jedi.Project(root)

    def names(dot: Dot) -> list[str]:
        script = jedi.Script(dot.cut.text, path=root / dot.file.path, project=project)
        return [one.name for one in script.complete(dot.cut.line_of(dot.at), dot.cut.column_of(dot.at))]

    yield names


def peers(language: str, root: Path) -> dict[str, Callable[[], contextlib.AbstractContextManager[Lister]]]:
    if language == "typescript":
        native = next(NODE.glob("@typescript/typescript-*/lib/tsc"))
        return {"TypeScript 7": lambda: server([str(native), "--lsp", "--stdio"], root, "typescript")}
    found: dict[str, Callable[[], contextlib.AbstractContextManager[Lister]]] = {
        f"pyrefly {importlib.metadata.version('pyrefly')}": lambda: server(
            ["pyrefly", "lsp", "--indexing-mode", "none"], root, "python"
        ),
        f"basedpyright {importlib.metadata.version('basedpyright')}": lambda: server(
            ["basedpyright-langserver", "--stdio"], root, "python"
        ),
    }
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        found[f"Jedi {importlib.metadata.version('jedi')}"] = lambda: jedi_of(root)
    return found


# --- the run ------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def texts_of(task: Any, language: str) -> Iterator[tuple[Path, dict[str, SourceFile]]]:
    """Where a stripped project lies, and its files that are read."""
    (spoken,) = (one for one in LANGUAGES if one.name == language)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place).resolve() / "project"
        write_tree(root, task.stripped.files)
        if language == "typescript" and not (root / "node_modules").exists():
            (root / "node_modules").mkdir()
            (root / "node_modules" / "typescript").symlink_to(NODE / "typescript7")
        yield root, {
            path: SourceFile(path, language, data)
            for path, data in sorted(task.stripped.files.items())
            if path.endswith(spoken.suffixes) and not path.endswith(spoken.declaration_suffixes)
        }


def timed(lister: Lister, dot: Dot) -> tuple[Sequence[str], float]:
    began = time.perf_counter()
    names = lister(dot)
    return names, time.perf_counter() - began


@contextlib.contextmanager
def mine(root: Path, files: Mapping[str, SourceFile], lines: LineModel | None, language: str) -> Iterator[Lister]:
    """The names that typeinfer offers; nothing is imported."""
    monitor = Monitor(root, None, lambda _: load_weights_of(language), lambda: lines)

    def names(dot: Dot) -> Sequence[str]:
        offer = monitor.complete(files, dot.cut, dot.at)
        return [one.member.name for one in offer.suggestions] if offer is not None else []

    with contextlib.closing(monitor):
        yield names


def measure_names(asked: argparse.Namespace) -> None:
    overall: dict[str, Tally] = defaultdict(Tally)
    for task in tasks(JUDGES[asked.language](), asked.set, "bare", lambda line: None, asked.only):
        print(task.name, file=sys.stderr)
        with texts_of(task, asked.language) as (root, files):
            dots = apart([dot for file in files.values() for dot in names_of(file)], asked.dots)
            dots.sort(key=lambda dot: (dot.file.path, dot.at))
            tools: dict[str, Callable[[], contextlib.AbstractContextManager[Lister]]] = {
                "typeinfer": lambda: mine(root, files, load_lines(), asked.language),
                "… without the language model": lambda: mine(root, files, None, asked.language),
                **({} if asked.alone else peers(asked.language, root)),
            }
            for name, open_tool in tools.items():
                with open_tool() as lister:
                    timed(lister, dots[0])
                    for letters in (0, 1):
                        for dot in dots:
                            names, took = timed(lister, replace(dot, at=dot.at + letters))
                            overall[f"{name}, {letters} letters"].add(names, dot.member, took)
    print(f"{sum(len(one.ranks) for one in overall.values()) // len(overall)} names, % of them:\n")
    heads = ["", "first", f"first {TOP}", "mean reciprocal rank", "in the list", "names offered", "p50 ms", "p95 ms"]
    print(table(heads, [[name, *one.cells()] for name, one in sorted(overall.items(), key=lambda one: one[0][-9:])]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--language", choices=sorted(JUDGES), default="python")
    parser.add_argument("--set", choices=["development", "calibration"], default="development")
    parser.add_argument("--dots", type=int, default=60)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--names", action="store_true", help="names by themselves, not members")
    parser.add_argument("--alone", action="store_true", help="without peers")
    asked = parser.parse_args()
    language, count = asked.language, asked.dots
    os.environ.pop("VIRTUAL_ENV", None)
    if asked.names:
        return measure_names(asked)
    overall: dict[str, Tally] = defaultdict(Tally)
    grounds: dict[Ground, Tally] = defaultdict(Tally)
    of_type: Counter[Ground] = Counter()
    by_project: dict[str, Tally] = {}
    starts: list[float] = []
    unknown_elsewhere, compared = 0, 0
    weights, lines = load_weights_of(language), load_lines()

    for task in tasks(JUDGES[language](), asked.set, "bare", lambda line: None, asked.only):
        print(task.name, file=sys.stderr)
        with texts_of(task, language) as (root, files):
            dots = apart([dot for file in files.values() for dot in dots_of(file)], count)
            dots.sort(key=lambda dot: (dot.file.path, dot.at))
            beliefs = believed(root, files, dots)
            variants: list[tuple[str, Any, LineModel | None, Callable[[str], Beliefs | None]]] = [
                ("typeinfer", weights, lines, beliefs.get),
                ("… without the language model", weights, None, beliefs.get),
                ("… without predicted types", weights, lines, lambda path: None),
                ("… by name, not ranked", None, None, beliefs.get),
            ]
            own = by_project[task.name] = Tally()
            tops: dict[int, Sequence[str]] = {}
            for name, by, model, of in variants:
                monitor = Monitor(root, None, lambda language, by=by: by, lambda model=model: model)
                try:
                    for number, dot in enumerate(dots):
                        began = time.perf_counter()
                        offer = monitor.complete(
                            files, dot.cut, dot.at, lambda cursor, dot=dot, of=of: of(dot.file.path)
                        )
                        took = time.perf_counter() - began
                        names = [one.member.name for one in offer.suggestions] if offer is not None else []
                        if number == 0 and name == "typeinfer":
                            starts.append(took)
                        overall[name].add(
                            names,
                            dot.member,
                            took if number else overall[name].seconds[-1] if overall[name].seconds else took,
                        )
                        if name == "typeinfer":
                            own.add(names, dot.member, took)
                        if name == "typeinfer" and offer is not None:
                            grounds[offer.ground].add(names, dot.member, took)
                            of_type[offer.ground] += any(one.of_type and one.member.name == dot.member for one in offer.suggestions)
                            if offer.ground is Ground.KNOWN:
                                tops[number] = names[:TOP]
                finally:
                    monitor.close()
            for name, open_peer in ({} if asked.alone else peers(language, root)).items():
                with open_peer() as lister:
                    timed(lister, dots[0])
                    for number, dot in enumerate(dots):
                        names, took = timed(lister, dot)
                        overall[name].add(names, dot.member, took)
                        if name.startswith(("basedpyright", "TypeScript")) and number in tops and names:
                            compared += len(tops[number])
                            unknown_elsewhere += sum(one not in names for one in tops[number])
    heads = ["", "first", f"first {TOP}", "mean reciprocal rank", "in the list", "names offered", "p50 ms", "p95 ms"]
    total = len(overall["typeinfer"].ranks)
    print(f"{total} members in {len(by_project)} projects, % of them:\n")
    print(table(heads, [[name, *one.cells()] for name, one in overall.items()]))
    print("\nby what the receiver's type rests on:\n")
    rows = []
    for ground in Ground:
        count = len(grounds[ground].ranks)
        rows.append([ground.value, str(count), f"{100 * of_type[ground] / max(1, count):.1f}", *grounds[ground].cells()[:-2]])
    print(table(["", "members", "of the type", *heads[1:-2]], rows))
    print("\nby project:\n")
    print(
        table(
            ["", "members", *heads[1:-2]],
            [[name, str(len(one.ranks)), *one.cells()[:-2]] for name, one in by_project.items()],
        )
    )
    print(
        f"\nOf {compared} names that were among the first {TOP} where the type is known, the other checker's list for the place lacks {unknown_elsewhere}."
    )
    print(f"First answer in a project, checker started for it: median {1000 * statistics.median(starts):.0f} ms.")


if __name__ == "__main__":
    main()
