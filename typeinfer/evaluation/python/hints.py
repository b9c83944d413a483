"""Hints: a folder of Python files in; the same files with the checker's inlay hints written into them out.

A peer of the benchmark, run as a process of its own (`python -m typeinfer.evaluation.python.hints ROOT`) so that it is timed
like the others. Takes what an editor's user gets by accepting every hint: the edits that the server offers, imports
included. What is no annotation of an assignment or of a return is left out, and what no parser reads.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typeinfer.evaluation.python.stripping import Cut, apply_cuts
from typeinfer.values.source import SourceFile, Unreadable, decode


class HintServer:
    """`pyrefly lsp` over its standard streams, one request at a time. Use as a context manager."""

    def __init__(self, root: Path) -> None:
        self.root, self.last_id = root.resolve(), 0

    def __enter__(self) -> HintServer:
        self.process = subprocess.Popen(
            ["pyrefly", "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=self.root
        )
        folder = {"uri": self.root.as_uri(), "name": self.root.name}
        capabilities = {"workspace": {"configuration": True, "workspaceFolders": True}}
        self.request(
            "initialize",
            {"processId": None, "rootUri": folder["uri"], "workspaceFolders": [folder], "capabilities": capabilities},
        )
        self.send({"method": "initialized", "params": {}})
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def hints(self, file: SourceFile) -> list[dict[str, Any]]:
        uri = (self.root / file.path).as_uri()
        opened = {"uri": uri, "languageId": file.language, "version": 1, "text": file.text}
        self.send({"method": "textDocument/didOpen", "params": {"textDocument": opened}})
        whole = {"start": {"line": 0, "character": 0}, "end": {"line": len(file.line_starts), "character": 0}}
        found = self.request("textDocument/inlayHint", {"textDocument": {"uri": uri}, "range": whole})
        self.send({"method": "textDocument/didClose", "params": {"textDocument": {"uri": uri}}})
        return found or []

    def request(self, method: str, params: dict[str, Any]) -> Any:
        self.last_id += 1
        self.send({"id": self.last_id, "method": method, "params": params})
        while True:
            message = self.receive()
            if "method" not in message and message.get("id") == self.last_id:
                return message.get("result")
            if "method" in message and "id" in message:
                # The server asks for settings: one empty answer an item.
                self.send({"id": message["id"], "result": [{} for _ in message["params"].get("items", [])]})

    def send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        length = 0
        while line := self.process.stdout.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        if not length:
            raise SystemExit("pyrefly lsp ended without an answer")
        return dict(json.loads(self.process.stdout.read(length)))


def insert_hints(file: SourceFile, hints: list[dict[str, Any]]) -> SourceFile:
    """The file with every hint accepted; unchanged where the result would not parse."""
    places = _annotatable(file)
    cuts: set[Cut] = set()
    for hint in hints:
        at = _offset(file, hint["position"])
        label = hint["label"]
        text = label if isinstance(label, str) else "".join(part["value"] for part in label)
        offered = hint.get("textEdits") or [
            {"range": {"start": hint["position"], "end": hint["position"]}, "newText": text}
        ]
        edits = [
            Cut(_offset(file, edit["range"]["start"]), _offset(file, edit["range"]["end"]), edit["newText"].encode())
            for edit in offered
        ]
        here = [edit.text.decode() for edit in edits if edit.start == at]
        if at in places and here and _is_annotation(here[0], places[at]):
            cuts.update(edits)
    after = apply_cuts(file, sorted(cuts))
    try:
        ast.parse(after.text)
    except SyntaxError:
        return file
    return after


def _annotatable(file: SourceFile) -> dict[int, str]:
    """Offsets at which an annotation may stand, each with the mark that begins it."""
    places: dict[int, str] = {}
    for node in ast.walk(ast.parse(file.text)):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if isinstance(target, ast.Name | ast.Attribute) and target.end_lineno and target.end_col_offset is not None:
                places[file.line_starts[target.end_lineno - 1] + target.end_col_offset] = ":"
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is None:
            start = file.line_starts[node.lineno - 1] + node.col_offset
            first = node.body[0]
            end = file.line_starts[first.lineno - 1] + first.col_offset
            places |= {at + 1: "->" for at in range(start, end) if file.data[at : at + 1] == b")"}
    return places


def _is_annotation(text: str, mark: str) -> bool:
    text = text.strip()
    if not text.startswith(mark):
        return False
    try:
        ast.parse(text.removeprefix(mark).strip(), mode="eval")
    except SyntaxError:
        return False
    return True


def _offset(file: SourceFile, position: dict[str, int]) -> int:
    """A position of the protocol (line from 0, column in UTF-16 units) as a byte offset."""
    line = position["line"]
    if line >= len(file.line_starts):
        return len(file.data)
    start = file.line_starts[line]
    end = file.line_starts[line + 1] if line + 1 < len(file.line_starts) else len(file.data)
    before = file.data[start:end].decode().encode("utf-16-le")[: 2 * position["character"]]
    return start + len(before.decode("utf-16-le").encode())


def _readable(root: Path) -> Iterator[SourceFile]:
    for path in sorted(root.rglob("*.py")):
        try:
            file = decode(path.relative_to(root).as_posix(), "python", path.read_bytes())
            ast.parse(file.text)
        except (Unreadable, SyntaxError):
            continue
        yield file


def main(root: Path) -> None:
    files = list(_readable(root))
    with HintServer(root) as server:
        # All hints are asked before any is written, as the server sees files on disk.
        found = [server.hints(file) for file in files]
    for file, hints in zip(files, found, strict=True):
        (root / file.path).write_bytes(insert_hints(file, hints).to_bytes())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
