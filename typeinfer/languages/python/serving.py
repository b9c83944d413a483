"""Serving: the texts of a Python project in; a checker that stays and answers about one of them at a time, out.

`pyrefly lsp` over a copy of the texts, to which the text in question is added as an editor would add it. Of other people's packages
it reads those of the project's own environment; no Python is run to find them. Knows nothing of what it is asked.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from typeinfer.languages.python.checkers import Version, program_of, write_copy, write_pyrefly_settings
from typeinfer.languages.python.packages import ENVIRONMENTS
from typeinfer.languages.wire import Wire, connected, framed
from typeinfer.values.inferred import CheckerFailed
from typeinfer.values.source import SourceFile

Place = tuple[int, int]
"""A line, and in it a column in UTF-16 code units, both from 0."""

CREATED, CHANGED, DELETED = 1, 2, 3


class Serving:
    """Raises `CheckerFailed`, whatever is asked of it."""

    def __init__(self, files: Mapping[str, SourceFile], version: Version, packages: Sequence[Path]) -> None:
        self.ended = contextlib.ExitStack()
        self.about, self.text, self.version = "", b"", 0
        """The file whose text it was given last, that text, and how often it was given one."""
        self.asked = 0
        try:
            folder = self.ended.enter_context(tempfile.TemporaryDirectory(prefix="typeinfer-serve-"))
            self.folder = Path(folder, "project").resolve()
            write_copy(self.folder, files)
            write_pyrefly_settings(self.folder, self.folder, version, packages)
            command = [program_of("pyrefly"), "lsp", "--indexing-mode", "none", "--threads", "1"]
            self.wire: Wire = self.ended.enter_context(connected(command, "pyrefly", self.folder, _without_python()))
            capabilities = {"workspace": {"configuration": True}}
            here = {"uri": self.folder.as_uri(), "name": "project"}
            greeting = {"processId": os.getpid(), "rootUri": here["uri"], "workspaceFolders": [here]}
            self._ask("initialize", {**greeting, "capabilities": capabilities})
            self._tell("initialized", {})
        except BaseException:
            self.ended.close()
            raise

    def put(self, files: Mapping[str, SourceFile | None]) -> None:
        changes = []
        for path, file in files.items():
            place = self.folder / path
            changes.append(
                {"uri": place.as_uri(), "type": DELETED if file is None else CHANGED if place.exists() else CREATED}
            )
            if file is None:
                place.unlink(missing_ok=True)
            else:
                write_copy(self.folder, {path: file})
        # It reads them anew within half a second; until then what it says is of the texts before.
        if changes:
            self._tell("workspace/didChangeWatchedFiles", {"changes": changes})

    def hints(self, file: SourceFile) -> Iterator[tuple[Place, list[Any]]]:
        """What it would write into a file, piece by piece, each with the place that it would be written at."""
        # A position behind the last line is its end.
        whole = {"start": {"line": 0, "character": 0}, "end": {"line": len(file.line_starts), "character": 0}}
        answer = self._ask("textDocument/inlayHint", {"textDocument": {"uri": self._shown(file)}, "range": whole})
        with self.wire.understanding():
            for hint in answer or ():
                if isinstance(hint["label"], list):
                    yield (hint["position"]["line"], hint["position"]["character"]), hint["label"]

    def close(self) -> None:
        self.ended.close()

    def _place(self, file: SourceFile, offset: int) -> Any:
        line, character = place_of(file, offset)
        return {"textDocument": {"uri": self._shown(file)}, "position": {"line": line, "character": character}}

    def _shown(self, file: SourceFile) -> str:
        """The file's URI, once its text is the one that counts."""
        uri = self._uri(file.path)
        if (self.about, self.text) == (file.path, file.data):
            return uri
        text, self.text = file.data.decode("utf-8", "replace"), file.data
        self.version += 1
        if self.about == file.path:
            changed = {"textDocument": {"uri": uri, "version": self.version}, "contentChanges": [{"text": text}]}
            self._tell("textDocument/didChange", changed)
        else:
            # Of a file that is not asked about the text on the disk counts.
            if self.about:
                self._tell("textDocument/didClose", {"textDocument": {"uri": self._uri(self.about)}})
            self.about = file.path
            document = {"uri": uri, "languageId": "python", "version": self.version, "text": text}
            self._tell("textDocument/didOpen", {"textDocument": document})
        return uri

    def _uri(self, path: str) -> str:
        return (self.folder / path).as_uri()

    def _tell(self, what: str, parameters: Any) -> None:
        self.wire.send(framed({"jsonrpc": "2.0", "method": what, "params": parameters}))

    def _ask(self, what: str, parameters: Any) -> Any:
        self.asked += 1
        self.wire.send(framed({"jsonrpc": "2.0", "id": self.asked, "method": what, "params": parameters}))
        while True:
            with self.wire.understanding():
                message = self.wire.receive()
                if "method" in message:
                    if "id" in message:
                        wanted = message.get("params", {}).get("items", [])
                        answer = [None for _ in wanted] if message["method"] == "workspace/configuration" else None
                        self.wire.send(framed({"jsonrpc": "2.0", "id": message["id"], "result": answer}))
                elif message.get("id") == self.asked:
                    if "error" in message:
                        raise CheckerFailed(f"pyrefly can't answer: {message['error']['message']}")
                    return message["result"]


def _without_python() -> dict[str, str]:
    """The environment, but for where a Python would be found: as a server pyrefly asks one for its packages whatever its settings
    say, and whatever runs when a Python begins would run."""
    return {name: value for name, value in os.environ.items() if name not in ENVIRONMENTS} | {"PATH": ""}


def place_of(file: SourceFile, offset: int) -> Place:
    return file.line_of(offset) - 1, file.utf16_column_of(offset)
