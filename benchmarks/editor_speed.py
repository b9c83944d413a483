"""How long an editor waits: `python benchmarks/editor_speed.py [EDITS]`. Prints a table.

A real server in a process of its own, on pypdf 7.1.0 (50,832 lines), stripped of its annotations: seconds from opening a file of
1,035 lines to its first hints, with an empty cache and with a warm one; then edits in that file, a character each and as fast as hints
come, and the milliseconds from each edit to the hints asked for after it; seconds from the last of them until all that is shown is about the
present text; and the server's memory before the edits, after them and after as many again, each once all rounds are over.
"""

from __future__ import annotations

import json
import os
import queue
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from typeinfer.evaluation.benchmark import tasks
from typeinfer.evaluation.judge import write_tree
from typeinfer.evaluation.python import PythonJudge

PROJECT, FILE = "pypdf", "pypdf/filters.py"


class Client:
    def __init__(self, root: Path, cache: Path) -> None:
        environment = {**os.environ, "TYPEINFER_CACHE": str(cache)}
        self.server = subprocess.Popen(
            [sys.executable, "-m", "typeinfer", "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        self.uri, self.number, self.told = (root / FILE).as_uri(), 0, 0
        self.answers: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        able = {
            "workspace": {"inlayHint": {"refreshSupport": True}},
            "window": {"workDoneProgress": True},
            "textDocument": {
                "inlayHint": {"resolveSupport": {"properties": ["textEdits", "tooltip"]}},
                "diagnostic": {},
            },
        }
        self.ask("initialize", {"capabilities": able, "processId": None, "rootUri": None})
        self.send({"method": "initialized", "params": {}})

    def send(self, message: dict[str, Any]) -> None:
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.server.stdin is not None
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(content), content))
        self.server.stdin.flush()

    def ask(self, method: str, params: dict[str, Any]) -> Any:
        self.number += 1
        self.send({"id": self.number, "method": method, "params": params})
        while (said := self.answers.get()).get("id") != self.number:
            pass
        return said["result"]

    def _listen(self) -> None:
        out = self.server.stdout
        assert out is not None
        while head := out.readline():
            size = int(head.partition(b":")[2])
            while out.readline().strip():
                pass
            message = json.loads(out.read(size))
            if "method" not in message:
                self.answers.put(message)
            elif "id" in message:
                self.told += message["method"] == "workspace/inlayHint/refresh"
                self.send({"id": message["id"], "result": None})

    def open(self, text: str) -> None:
        item = {"uri": self.uri, "languageId": "python", "version": 1, "text": text}
        self.send({"method": "textDocument/didOpen", "params": {"textDocument": item}})

    def edit(self, version: int, line: int, end: int, text: str) -> None:
        places = {"start": {"line": line, "character": 0}, "end": {"line": line, "character": end}}
        params = {
            "textDocument": {"uri": self.uri, "version": version},
            "contentChanges": [{"range": places, "text": text}],
        }
        self.send({"method": "textDocument/didChange", "params": params})

    def hints(self) -> list[Any]:
        whole = {"start": {"line": 0, "character": 0}, "end": {"line": 10**6, "character": 0}}
        return self.ask("textDocument/inlayHint", {"textDocument": {"uri": self.uri}, "range": whole}) or []

    def first_hints(self, text: str) -> tuple[float, int]:
        began = time.perf_counter()
        self.open(text)
        while not (found := self.hints()):
            time.sleep(0.05)
        return time.perf_counter() - began, len(found)

    def comes_to_rest(self) -> None:
        """All rounds are over once nothing new has come for a while."""
        told = -1
        while told != self.told:
            told = self.told
            time.sleep(20.0)

    def memory(self) -> float:
        """Megabytes that the server and its workers hold."""
        status = Path(f"/proc/{self.server.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def memories(self) -> tuple[float, float]:
        """Megabytes of the server, and of all that it started."""
        held = {self.server.pid: 0.0}
        parents = {}
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                told = status.read_text()
            except OSError:
                continue
            pid = int(status.parent.name)
            parents[pid] = int(told.partition("PPid:")[2].split()[0])
            held[pid] = int((told.partition("VmRSS:")[2].split() or ["0"])[0]) / 1024
        below = {self.server.pid}
        for _ in range(5):
            below |= {pid for pid, parent in parents.items() if parent in below}
        return held[self.server.pid], sum(held[pid] for pid in below - {self.server.pid})

    def completions(self, text: str) -> tuple[list[float], list[float]]:
        """Milliseconds that lists behind dots and lines in grey take, each at another place."""
        lists: list[float] = []
        lines: list[float] = []
        for number, row in enumerate(text.splitlines()):
            dot = row.rfind(".") + 1
            if number % 12 or not row.strip() or row.lstrip().startswith(("#", '"', "'")):
                continue
            place = {"textDocument": {"uri": self.uri}, "position": {"line": number, "character": dot}}
            if dot:
                began = time.perf_counter()
                self.ask("textDocument/completion", {**place, "context": {"triggerKind": 1}})
                lists.append(1000 * (time.perf_counter() - began))
            place["position"] = {"line": number, "character": len(row)}
            began = time.perf_counter()
            self.ask("textDocument/inlineCompletion", {**place, "context": {"triggerKind": 1}})
            lines.append(1000 * (time.perf_counter() - began))
        return lists, lines

    def leave(self) -> None:
        self.ask("shutdown", {})
        self.send({"method": "exit", "params": {}})
        self.server.wait(30)


def main() -> None:
    edits = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    (task,) = tasks(PythonJudge(), "development", "bare", lambda line: None, [PROJECT])
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / PROJECT
        write_tree(root, task.stripped.files)
        (root / "pyproject.toml").write_text('[project]\nname = "pypdf"\n')
        text = (root / FILE).read_text()
        rows = []
        for cache in ("an empty cache", "a warm cache"):
            client = Client(root, Path(place) / "cache")
            seconds, found = client.first_hints(text)
            rows.append((f"first hints after opening, {cache}", f"{seconds:.1f} s, {found} hints"))
            if cache == "an empty cache":
                client.leave()
        client.comes_to_rest()
        line = text.count("\n") // 2
        memory, waits, version = [client.memory()], [], 1
        for half in range(2):
            for number in range(edits):
                began, version = time.perf_counter(), version + 1
                client.edit(version, line, number % 2, "" if number % 2 else "#")
                client.hints()
                waits.append(1000 * (time.perf_counter() - began))
            began, told = time.perf_counter(), client.told
            while client.told == told:
                time.sleep(0.05)
            if not half:
                rows.append(("until what is shown is about the present text", f"{time.perf_counter() - began:.1f} s"))
            client.comes_to_rest()
            memory.append(client.memory())
        cuts = statistics.quantiles(waits, n=100)
        rows.append((f"hints after each of {2 * edits:,} edits, p50", f"{cuts[49]:.1f} ms"))
        rows.append(("the same, p95", f"{cuts[94]:.1f} ms"))
        rows.append(("the same, longest", f"{max(waits):.0f} ms"))
        of = f"memory before the edits, after {edits:,}, after as many again"
        rows.append((of, f"{memory[0]:.0f}, {memory[1]:.0f}, {memory[2]:.0f} MB"))
        lists, lines = client.completions(text)
        for what, waits in (("a list behind a dot", lists), ("a line in grey", lines)):
            cuts = statistics.quantiles(waits[1:], n=100)
            told = f"{waits[0]:.0f}, {cuts[49]:.0f}, {cuts[94]:.0f} ms"
            rows.append((f"{what}, the first, and of {len(waits) - 1} others p50 and p95", told))
        rows.append(("memory after these, both models in it; the checker beside it", "{:.0f}, {:.0f} MB".format(*client.memories())))
        client.leave()
    print("| | |\n|---|--:|")
    for name, value in rows:
        print(f"| {name} | {value} |")


if __name__ == "__main__":
    main()
