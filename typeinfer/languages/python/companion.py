"""Companion: a Python project in; a checker that stays, and tells what may stand behind a dot or by itself, out.

`pyrefly lsp` over a copy of the project's texts, to which the text in question is added as an editor would add it. Of other
people's packages it reads those of the project's own environment; no Python is run to find them. Knows nothing of what is
likely.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from typeinfer.languages.language import Language
from typeinfer.languages.python.annotations import parse_type
from typeinfer.languages.python.checkers import program_of, write_copy, write_pyrefly_settings
from typeinfer.languages.taking import suited
from typeinfer.languages.wire import MEMBER_KINDS, Wire, connected, framed, parameters_of
from typeinfer.values.inferred import CheckerFailed, Complaint
from typeinfer.values.members import Member, MemberKind
from typeinfer.values.source import SourceFile
from typeinfer.values.typeexpr import UNKNOWN, CallableType, TypeExpr

Version = tuple[int, int]

CREATED, CHANGED, DELETED = 1, 2, 3

ERROR = 1

LONGEST_DECLARED = 400

SIGNATURES = ("(", "[", "def ", "async def ", "Overload[")


class PyreflyCompanion:
    """See `languages.language.Companion`."""

    def __init__(self, language: Language, root: Path, files: Mapping[str, SourceFile], version: Version) -> None:
        self.language = language
        self.ended = contextlib.ExitStack()
        self.about, self.text, self.version = "", b"", 0
        """The file whose text it was given last, that text, and how often it was given one."""
        self.asked = 0
        try:
            folder = self.ended.enter_context(tempfile.TemporaryDirectory(prefix="typeinfer-complete-"))
            self.folder = Path(folder, "project").resolve()
            write_copy(self.folder, files)
            write_pyrefly_settings(self.folder, self.folder, version, packages_of(root))
            command = [program_of("pyrefly"), "lsp", "--indexing-mode", "none", "--threads", "1"]
            self.wire: Wire = self.ended.enter_context(connected(command, "pyrefly", self.folder))
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

    def members(self, file: SourceFile, offset: int) -> tuple[Member, ...]:
        # Behind a dot stands no word of the language.
        return tuple(one for one in self._offered(file, offset) if one.kind is not MemberKind.KEYWORD)

    def names(self, file: SourceFile, start: int, end: int) -> tuple[Member, ...]:
        # It lists only what is like the word that is there, and words of the language whatever is; all that is in scope it lists
        # for an argument of which nothing is there yet.
        call = b"__(_="
        inside = file.with_data(file.data[:start] + call + b")" + file.data[end:])
        in_scope = [
            one
            for one in self._offered(inside, start + len(call))
            if one.kind not in (MemberKind.KEYWORD, MemberKind.PARAMETER)
        ]
        # Last, since its types are asked for next, of the text as it is.
        around = [one for one in self._offered(file, start) if one.kind in (MemberKind.KEYWORD, MemberKind.PARAMETER)]
        return (*around, *in_scope)

    def suiting(self, file: SourceFile, start: int, end: int, names: Sequence[Member]) -> Mapping[str, bool]:
        place = self._place(file, start)
        answer = self._ask("textDocument/signatureHelp", place)
        with self.wire.understanding():
            declared = parameters_of(answer)
        if not declared:
            return {}
        wanted = [_term(one.partition(":")[2].partition(" = ")[0]) for one in declared]
        # A parameter that is named in the call has its own type, not that of the one whose turn it is.
        given = {one.name: _term(one.declared) for one in names if one.kind is not MemberKind.PARAMETER}
        return suited(self.language, wanted, given)

    def _offered(self, file: SourceFile, offset: int) -> Iterator[Member]:
        """What it lists for a place, but what would have to be imported."""
        answer = self._ask("textDocument/completion", self._place(file, offset))
        with self.wire.understanding():
            for item in answer if isinstance(answer, list) else (answer or {}).get("items", []):
                name = item["label"]
                kind = (
                    MemberKind.PARAMETER if name.endswith("=") else MEMBER_KINDS.get(item.get("kind"), MemberKind.VALUE)
                )
                if name.removesuffix("=").isidentifier() and not item.get("additionalTextEdits"):
                    yield Member(name, kind, _declared(item.get("detail")))

    def errors(self, file: SourceFile) -> tuple[Complaint, ...]:
        answer = self._ask("textDocument/diagnostic", {"textDocument": {"uri": self._shown(file)}})
        with self.wire.understanding():
            return tuple(
                (str(item.get("code", "")), item["message"].partition("\n")[0])
                for item in answer["items"]
                if item.get("severity", ERROR) == ERROR
            )

    def close(self) -> None:
        self.ended.close()

    def _place(self, file: SourceFile, offset: int) -> Any:
        position = {"line": file.line_of(offset) - 1, "character": file.utf16_column_of(offset)}
        return {"textDocument": {"uri": self._shown(file)}, "position": position}

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
                        raise CheckerFailed(f"pyrefly can't complete: {message['error']['message']}")
                    return message["result"]


def _term(declared: str) -> TypeExpr:
    """The type of what is declared like this; functions are shown by their signatures."""
    text = declared.strip()
    return CallableType(None, UNKNOWN) if text.startswith(SIGNATURES) else parse_type(text)


def _declared(detail: str | None) -> str:
    """A declaration on one line."""
    text = " ".join((detail or "").split())
    return text if len(text) <= LONGEST_DECLARED else ""


def packages_of(root: Path) -> tuple[Path, ...]:
    """Where the packages of a project's environment lie: `.venv` or `venv` in it, else the one that is active."""
    active = os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX")
    for environment in (root / ".venv", root / "venv", *([Path(active)] if active else [])):
        for pattern in ("lib/python*/site-packages", "Lib/site-packages"):
            if found := sorted(environment.glob(pattern)):
                return tuple(found)
    return ()
