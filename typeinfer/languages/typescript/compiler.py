"""The TypeScript compiler that a project has: a folder in; a running compiler that answers questions about files out.

Two tongues are spoken: the Language Server Protocol by the native compiler (7 and later), tsserver's own protocol by 5
and 6. Whoever asks sees neither: a question is a file and a place in it, and batches of questions are answered in order.
Whatever goes wrong (no compiler, a crash, silence, a shape that is not known) is one `CheckerFailed` of one line, and a
compiler that was started is ended, whoever raises.

Only the compiler runs: no plugin of the project's, no download of typings. Knows nothing of types or of the project's facts.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from typeinfer.languages.wire import MEMBER_KINDS, SILENCE, Wire, connected, framed, parameters_of
from typeinfer.values.inferred import CheckerFailed
from typeinfer.values.members import Member, MemberKind

SECONDS = 600
"""The longest that one session may take."""

# Requests under way at once: enough to keep a compiler of several threads busy, few enough to hear of its end soon.
WINDOW = 512

# A longer type is no annotation that anybody would write, and every character of it is printed, sent and read.
LONGEST_SHOWN = 1000

BETWEEN_WORDS = re.compile(r"[\w$]{2}")

MISSING = (
    "no TypeScript compiler found in node_modules or on PATH; "
    "`npm install --save-dev typescript`, or run with --no-checker"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A point of a file, as editors count: lines from 0, columns in UTF-16 code units from 0."""

    path: Path
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class HintPart:
    """A piece of a hint's text, and where what it names is declared."""

    text: str
    declared: Place | None


@dataclass(frozen=True, slots=True)
class Hint:
    """A type that an editor would show at a place where none is written; `parts` make its text, colon left out."""

    line: int
    column: int
    parts: tuple[HintPart, ...]

    @property
    def text(self) -> str:
        text = ""
        for part in self.parts:
            # The native compiler leaves out the space behind a word: `readonly`, `string`.
            text += f" {part.text}" if BETWEEN_WORDS.match(text[-1:] + part.text[:1]) else part.text
        return text


@dataclass(frozen=True, slots=True)
class Complaint:
    """One error: where it starts and ends, its number and its first line."""

    start: Place
    end: Place
    code: int
    message: str


@dataclass(frozen=True)
class Compiler:
    """A compiler on this machine. `major` decides which tongue it speaks, and what its settings may be."""

    version: str
    command: tuple[str, ...]

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])

    @property
    def name(self) -> str:
        return f"TypeScript {self.version}"


def find_compiler(folder: Path) -> Compiler:
    """The compiler of the nearest `node_modules` from a folder upwards, or else on PATH. Raises `CheckerFailed`."""
    folder = folder.resolve()
    for above in (folder, *folder.parents):
        if (found := _packaged(above / "node_modules" / "typescript")) is not None:
            return found
    on_path = shutil.which("tsc")
    if on_path is None:
        raise CheckerFailed(MISSING)
    program = Path(on_path).resolve()
    for package in program.parents[:3]:
        if package.name.startswith("typescript") and (found := _packaged(package)) is not None:
            return found
    return _program(on_path)


def surroundings(root: Path) -> Iterator[str]:
    """The compiler of a project, and when what is installed beside it or above it changed last."""
    try:
        found = find_compiler(root)
        yield " ".join((found.version, *found.command))
    except CheckerFailed as error:
        yield str(error)
    for above in (root, *root.parents):
        installed = above / "node_modules"
        # Each client writes one of these whenever it puts a package there or takes one away, however deep.
        for place in (installed, *(installed / name for name in LEDGERS)):
            with contextlib.suppress(OSError):
                yield f"{place} {place.stat().st_mtime_ns}"


LEDGERS = (".package-lock.json", ".modules.yaml", ".yarn-integrity", ".yarn-state.yml")


def _packaged(package: Path) -> Compiler | None:
    """The compiler that an npm package holds; None where there is no such package."""
    try:
        content = msgspec.json.decode((package / "package.json").read_bytes())
        version = str(content["version"])
        major = int(version.partition(".")[0])
    except (OSError, LookupError, TypeError, ValueError):
        return None
    package = package.resolve()
    if major < 5:
        raise CheckerFailed(f"TypeScript {version} in {package} is too old: 5.0 or later is needed")
    if major < 7:
        return Compiler(version, (_node(), str(package / "lib" / "tsserver.js"))) if _holds_server(package) else None
    executable = "tsc.exe" if os.name == "nt" else "tsc"
    for beside in (package.parent, package / "node_modules"):
        native = beside / "@typescript" / f"typescript-{sys.platform}-{_architecture()}" / "lib" / executable
        if native.is_file():
            return Compiler(version, (str(native),))
    return Compiler(version, (_node(), str(package / "bin" / "tsc")))


def _holds_server(package: Path) -> bool:
    return (package / "lib" / "tsserver.js").is_file()


def _program(tsc: str) -> Compiler:
    """The compiler behind a program that belongs to no package we know: a wrapper of some version manager."""
    try:
        said = subprocess.run([tsc, "--version"], capture_output=True, text=True, timeout=SILENCE).stdout
    except (OSError, subprocess.TimeoutExpired):
        said = ""
    found = re.search(r"\d+\.\d+\S*", said)
    if found is None:
        raise CheckerFailed(f"{tsc} does not tell its version; is it TypeScript's compiler?")
    compiler = Compiler(found.group(), (tsc,))
    if compiler.major >= 7:
        return compiler
    server = shutil.which("tsserver", path=str(Path(tsc).parent)) or shutil.which("tsserver")
    if compiler.major < 5 or server is None:
        raise CheckerFailed(f"{tsc} is TypeScript {compiler.version}: 5.0 or later with its tsserver is needed")
    return Compiler(compiler.version, (server,))


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        raise CheckerFailed("TypeScript's compiler is there, but node, which runs it, is not on PATH")
    return node


def _architecture() -> str:
    machine = platform.machine().lower()
    return {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "armv7l": "arm"}.get(machine, machine)


@contextlib.contextmanager
def started(compiler: Compiler, folder: Path, seconds: float = SECONDS) -> Iterator[Session]:
    """A session with a compiler that works in a folder; it has ended when the block is left, and `seconds` after its start."""
    native = compiler.major >= 7
    options = ("--lsp", "--stdio") if native else TSSERVER_OPTIONS
    with connected([*compiler.command, *options], compiler.name, folder, _environment(compiler), seconds) as wire:
        yield NativeSession(wire, folder) if native else ServerSession(wire)


# npm, which would fetch typings, is found on PATH; so that is left out where a compiler starts without it, and with it all
# that could make node run somebody else's code (NODE_OPTIONS).
KEPT_ENVIRONMENT = ("HOME", "USERPROFILE", "TMPDIR", "TMP", "TEMP", "SYSTEMROOT", "LD_LIBRARY_PATH", "LOCALAPPDATA")


def _environment(compiler: Compiler) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
    is_script = Path(compiler.command[0]).suffix not in ("", ".exe") or not _is_binary(compiler.command[0])
    return {**kept, "PATH": os.environ.get("PATH", "") if is_script else "", "NO_COLOR": "1"}


def _is_binary(program: str) -> bool:
    with contextlib.suppress(OSError), open(program, "rb") as content:
        return content.read(2) != b"#!"
    return False


class Session(ABC):
    """A compiler at work. Answers come in the order of the questions."""

    def __init__(self, wire: Wire) -> None:
        self.wire, self.asked = wire, 0

    @abstractmethod
    def open(self, texts: Mapping[Path, str]) -> None:
        """Make files known, with the text that counts for each, in the place of the one that did."""

    @abstractmethod
    def hints(self, paths: Sequence[Path]) -> list[list[Hint]]:
        """The types that would be shown in each file."""

    @abstractmethod
    def shown(self, places: Sequence[Place]) -> list[str | None]:
        """What an editor would show for the name at each place, as a declaration; None where there is nothing."""

    @abstractmethod
    def definitions(self, places: Sequence[Place]) -> list[list[Place]]:
        """Where what stands at each place is declared."""

    @abstractmethod
    def offered(self, place: Place) -> list[Member]:
        """What may stand at a place without being imported; behind a dot nothing where the type of what is before isn't known."""

    @abstractmethod
    def parameters(self, place: Place) -> list[str]:
        """What an argument at a place is given to, as it is declared, by each signature of what is called there."""

    @abstractmethod
    def complaints(self, paths: Sequence[Path]) -> list[list[Complaint]]:
        """The errors of each file. Raises `CheckerFailed` where a file can't be checked."""

    @abstractmethod
    def _encode(self, number: int, what: str, parameters: Any) -> bytes: ...

    @abstractmethod
    def _answered(self, message: Any) -> int | None:
        """The number of the question that a message answers; what is no answer is dealt with."""

    def _ask(self, what: str, questions: Sequence[Any], read: Callable[[Any], Any]) -> list[Any]:
        """Put questions of one kind, several at a time, and read the answers."""
        first = self.asked
        self.asked += len(questions)
        answers: list[Any] = [None] * len(questions)
        sent = answered = 0
        while answered < len(questions):
            upto = min(len(questions), answered + WINDOW)
            # In pieces of half a window, so that a batch is one write.
            if sent < upto and (upto == len(questions) or upto - sent >= WINDOW // 2):
                numbers = range(sent, upto)
                self.wire.send(b"".join(self._encode(first + number, what, questions[number]) for number in numbers))
                sent = upto
            with self.wire.understanding():
                message = self.wire.receive()
                number = self._answered(message)
                if number is not None and first <= number < self.asked:
                    answers[number - first] = read(message)
                    answered += 1
        return answers


# --- the native compiler: the Language Server Protocol ------------------------------------------------------------------

HINTS_WANTED = {
    "parameterTypes": {"enabled": True},
    "variableTypes": {"enabled": True, "suppressWhenTypeMatchesName": False},
    "propertyDeclarationTypes": {"enabled": True},
    "functionLikeReturnTypes": {"enabled": True},
}

PREFERENCES = {
    "inlayHints": HINTS_WANTED,
    "hover": {"maximumLength": LONGEST_SHOWN},
    "disableAutomaticTypeAcquisition": True,
    "tsserver": {"automaticTypeAcquisition": {"enabled": False}},
}

LANGUAGE_IDS = {".tsx": "typescriptreact", ".jsx": "javascriptreact", ".js": "javascript"}
LANGUAGE_IDS |= {".mjs": "javascript", ".cjs": "javascript"}

FENCED = re.compile(r"```\w*\n(.*?)\n```", re.DOTALL)

WHOLE = {"start": {"line": 0, "character": 0}, "end": {"line": 2**31 - 1, "character": 0}}

ERROR = 1


class NativeSession(Session):
    """TypeScript 7: hints with the places of what they name, hovers, definitions, and errors when asked for."""

    def __init__(self, wire: Wire, folder: Path) -> None:
        super().__init__(wire)
        self.versions: dict[Path, int] = {}
        capabilities = {
            "workspace": {"configuration": True},
            "textDocument": {"hover": {"contentFormat": ["markdown"]}, "inlayHint": {}, "diagnostic": {}},
        }
        here = {"uri": folder.as_uri(), "name": folder.name}
        greeting = {
            "processId": os.getpid(),
            "rootUri": folder.as_uri(),
            "workspaceFolders": [here],
            "capabilities": capabilities,
        }
        (ready,) = self._ask("initialize", [greeting], lambda message: message["result"]["capabilities"])
        if ready.get("positionEncoding", "utf-16") != "utf-16":
            raise CheckerFailed(f"{wire.name} counts columns in {ready['positionEncoding']}, not in UTF-16")
        self._notify("initialized", {})

    def _notify(self, what: str, parameters: Any) -> None:
        self.wire.send(framed({"jsonrpc": "2.0", "method": what, "params": parameters}))

    def _encode(self, number: int, what: str, parameters: Any) -> bytes:
        return framed({"jsonrpc": "2.0", "id": number, "method": what, "params": parameters})

    def _answered(self, message: Any) -> int | None:
        if "method" not in message:
            return message.get("id")
        if "id" in message:
            answer = None
            if message["method"] == "workspace/configuration":
                answer = [PREFERENCES for _ in message["params"]["items"]]
            self.wire.send(framed({"jsonrpc": "2.0", "id": message["id"], "result": answer}))
        return None

    def open(self, texts: Mapping[Path, str]) -> None:
        for path, text in texts.items():
            version = self.versions[path] = self.versions.get(path, 0) + 1
            document = {"uri": path.as_uri(), "version": version}
            if version > 1:
                changed = {"textDocument": document, "contentChanges": [{"text": text}]}
                self._notify("textDocument/didChange", changed)
            else:
                document["languageId"] = LANGUAGE_IDS.get(path.suffix, "typescript")
                self._notify("textDocument/didOpen", {"textDocument": {**document, "text": text}})

    def hints(self, paths: Sequence[Path]) -> list[list[Hint]]:
        questions = [{"textDocument": {"uri": path.as_uri()}, "range": WHOLE} for path in paths]
        return self._ask("textDocument/inlayHint", questions, _native_hints)

    def shown(self, places: Sequence[Place]) -> list[str | None]:
        return self._ask("textDocument/hover", [_at(place) for place in places], _fenced)

    def definitions(self, places: Sequence[Place]) -> list[list[Place]]:
        return self._ask("textDocument/definition", [_at(place) for place in places], _native_definitions)

    def offered(self, place: Place) -> list[Member]:
        (found,) = self._ask("textDocument/completion", [_at(place)], _native_members)
        return found

    def parameters(self, place: Place) -> list[str]:
        (found,) = self._ask("textDocument/signatureHelp", [_at(place)], lambda message: message.get("result"))
        with self.wire.understanding():
            return parameters_of(found)

    def complaints(self, paths: Sequence[Path]) -> list[list[Complaint]]:
        questions = [{"textDocument": {"uri": path.as_uri()}} for path in paths]
        found: list[Any] = self._ask("textDocument/diagnostic", questions, lambda message: message)
        with self.wire.understanding():
            return [self._errors(path, message) for path, message in zip(paths, found, strict=True)]

    def _errors(self, path: Path, message: Any) -> list[Complaint]:
        if "error" in message:
            raise CheckerFailed(f"{self.wire.name} can't check {path.name}: {_first_line(message['error']['message'])}")
        return [
            Complaint(
                Place(path, item["range"]["start"]["line"], item["range"]["start"]["character"]),
                Place(path, item["range"]["end"]["line"], item["range"]["end"]["character"]),
                int(item["code"]),
                _first_line(item["message"]),
            )
            for item in message["result"]["items"]
            if item.get("severity") == ERROR
        ]


def _at(place: Place) -> Any:
    position = {"line": place.line, "character": place.column}
    return {"textDocument": {"uri": place.path.as_uri()}, "position": position}


def _native_hints(message: Any) -> list[Hint]:
    hints = []
    for hint in message.get("result") or ():
        label = hint["label"]
        pieces = [{"value": label}] if isinstance(label, str) else label
        parts = tuple(HintPart(piece["value"], _located(piece.get("location"))) for piece in pieces)
        hints.append(Hint(hint["position"]["line"], hint["position"]["character"], _without_colon(parts)))
    return hints


def _fenced(message: Any) -> str | None:
    result = message.get("result")
    if not result:
        return None
    found = FENCED.search(result["contents"]["value"])
    return found.group(1) if found else None


def _native_definitions(message: Any) -> list[Place]:
    result = message.get("result") or ()
    locations = result if isinstance(result, (list, tuple)) else (result,)
    return [place for location in locations if (place := _located(location)) is not None]


WORD_OF_THE_TEXT = 1


def _native_members(message: Any) -> list[Member]:
    result = message.get("result") or ()
    items = result["items"] if isinstance(result, dict) else result
    return [
        Member(item["label"].rstrip("?"), MEMBER_KINDS.get(item.get("kind"), MemberKind.VALUE))
        for item in items
        if item.get("kind") != WORD_OF_THE_TEXT and "autoImport" not in (item.get("data") or {})
    ]


def _located(location: Any) -> Place | None:
    if location is None:
        return None
    start = location["range"]["start"]
    return Place(_path_of(location["uri"]), start["line"], start["character"])


def _path_of(uri: str) -> Path:
    path = unquote(urlsplit(uri).path)
    return Path(path[1:] if os.name == "nt" else path)


def _without_colon(parts: tuple[HintPart, ...]) -> tuple[HintPart, ...]:
    if not parts:
        return parts
    first = HintPart(parts[0].text.removeprefix(":").lstrip(), parts[0].declared)
    return (first, *parts[1:]) if first.text else parts[1:]


def _first_line(message: str) -> str:
    return message.partition("\n")[0]


# --- TypeScript 5 and 6: tsserver's own protocol --------------------------------------------------------------------------

TSSERVER_OPTIONS = (
    "--disableAutomaticTypingAcquisition",
    "--suppressDiagnosticEvents",
    "--noGetErrOnBackgroundUpdate",
    "--useInferredProjectPerProjectRoot",
    "--locale",
    "en",
)

TSSERVER_PREFERENCES = {
    "includeInlayParameterNameHints": "none",
    "includeInlayFunctionParameterTypeHints": True,
    "includeInlayVariableTypeHints": True,
    "includeInlayVariableTypeHintsWhenTypeMatchesName": True,
    "includeInlayPropertyDeclarationTypeHints": True,
    "includeInlayFunctionLikeReturnTypeHints": True,
    "interactiveInlayHints": True,
    "maximumHoverLength": LONGEST_SHOWN,
    "disableSuggestions": True,
}

SCRIPT_KINDS = {".tsx": "TSX", ".jsx": "JSX", ".js": "JS", ".mjs": "JS", ".cjs": "JS"}


class ServerSession(Session):
    """TypeScript 5 and 6: the same questions, answered one after the other."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)
        self.texts: dict[Path, str] = {}
        self._ask("configure", [{"hostInfo": "typeinfer", "preferences": TSSERVER_PREFERENCES}], _succeeded)

    def _encode(self, number: int, what: str, parameters: Any) -> bytes:
        message = {"seq": number, "type": "request", "command": what, "arguments": parameters}
        # In ASCII: tsserver reads a message a line, and a line ends at the separators of Unicode too.
        return json.dumps(message).encode() + b"\n"

    def _answered(self, message: Any) -> int | None:
        return message.get("request_seq") if message.get("type") == "response" else None

    def open(self, texts: Mapping[Path, str]) -> None:
        self.texts.update(texts)
        files = [
            {"file": str(path), "fileContent": text, "scriptKindName": SCRIPT_KINDS.get(path.suffix, "TS")}
            for path, text in texts.items()
        ]
        self._ask("updateOpen", [{"openFiles": files}], _succeeded)

    def hints(self, paths: Sequence[Path]) -> list[list[Hint]]:
        questions = [{"file": str(path), "start": 0, "length": len(self.texts[path]) * 2} for path in paths]
        return self._ask("provideInlayHints", questions, _server_hints)

    def shown(self, places: Sequence[Place]) -> list[str | None]:
        return self._ask("quickinfo", [_in_file(place) for place in places], _display_string)

    def definitions(self, places: Sequence[Place]) -> list[list[Place]]:
        return self._ask("definition", [_in_file(place) for place in places], _server_definitions)

    def offered(self, place: Place) -> list[Member]:
        (found,) = self._ask("completionInfo", [_in_file(place)], _server_members)
        return found

    def parameters(self, place: Place) -> list[str]:
        # That nothing is called there is no success.
        (found,) = self._ask("signatureHelp", [_in_file(place)], lambda message: message.get("body"))
        with self.wire.understanding():
            signatures = [one["parameters"] for one in (found or {}).get("items", ())]
            declared = [["".join(part["text"] for part in one["displayParts"]) for one in some] for some in signatures]
            return [some[found["argumentIndex"]] for some in declared if found["argumentIndex"] < len(some)]

    def complaints(self, paths: Sequence[Path]) -> list[list[Complaint]]:
        found: list[list[Complaint]] = [[] for _ in paths]
        questions = [{"file": str(path)} for path in paths]
        for what in ("syntacticDiagnosticsSync", "semanticDiagnosticsSync"):
            answers = self._ask(what, questions, lambda message: message)
            with self.wire.understanding():
                for path, errors, message in zip(paths, found, answers, strict=True):
                    errors.extend(self._errors(path, message))
        return found

    def _errors(self, path: Path, message: Any) -> list[Complaint]:
        if not message["success"]:
            raise CheckerFailed(f"{self.wire.name} can't check {path.name}: {_first_line(message['message'])}")
        return [
            Complaint(
                Place(path, item["start"]["line"] - 1, item["start"]["offset"] - 1),
                Place(path, item["end"]["line"] - 1, item["end"]["offset"] - 1),
                int(item["code"]),
                _first_line(item["text"]),
            )
            for item in message["body"]
            if item["category"] == "error"
        ]


def _succeeded(message: Any) -> Any:
    if not message["success"]:
        raise CheckerFailed(f"tsserver refuses {message.get('command')}: {_first_line(message.get('message', ''))}")
    return message.get("body")


def _in_file(place: Place) -> Any:
    return {"file": str(place.path), "line": place.line + 1, "offset": place.column + 1}


def _server_hints(message: Any) -> list[Hint]:
    hints = []
    for hint in message.get("body") or ():
        pieces = hint.get("displayParts") or [{"text": hint["text"]}]
        parts = tuple(HintPart(piece["text"], _spanned(piece.get("span"), piece.get("file"))) for piece in pieces)
        at = hint["position"]
        hints.append(Hint(at["line"] - 1, at["offset"] - 1, _without_colon(parts)))
    return hints


def _display_string(message: Any) -> str | None:
    body = message.get("body")
    return body["displayString"] if body else None


def _server_definitions(message: Any) -> list[Place]:
    found = (_spanned(entry, entry.get("file")) for entry in message.get("body") or ())
    return [place for place in found if place is not None]


def _spanned(span: Any, file: str | None) -> Place | None:
    """A place as tsserver tells it: `span` with a file of its own, or the one beside it; all counted from 1."""
    file = file or (span or {}).get("file")
    if not span or not file:
        return None
    return Place(Path(file), span["start"]["line"] - 1, span["start"]["offset"] - 1)


SERVER_KINDS = {
    **dict.fromkeys(("method", "function", "local function", "construct"), MemberKind.CALLABLE),
    **dict.fromkeys(("class", "interface", "enum", "type", "local class"), MemberKind.CLASS),
    **dict.fromkeys(("module", "external module name"), MemberKind.MODULE),
    "keyword": MemberKind.KEYWORD,
}


def _server_members(message: Any) -> list[Member]:
    # A warning is a word that stands somewhere in the text.
    return [
        Member(entry["name"], SERVER_KINDS.get(entry["kind"], MemberKind.VALUE))
        for entry in (message.get("body") or {}).get("entries", ())
        if entry["kind"] != "warning"
    ]
