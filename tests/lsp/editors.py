"""A client that talks to a real server, in a process of its own, over the protocol."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pytest_lsp import LanguageClient, client_capabilities, make_test_lsp_client

LONGEST = 30.0
"""Seconds that a test waits for anything; on a quiet machine an answer takes about one."""

RULES_ALONE = 'model = "none"\nchecker = false\n'


class Editor:
    """One client with one project. Positions are `(line, character)`, from 0, in the units that were agreed on."""

    def __init__(self, client: LanguageClient, root: Path) -> None:
        self.client, self.root = client, root
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.applied: list[lsp.WorkspaceEdit] = []
        self.encoding = "utf-16"
        self.able = lsp.ServerCapabilities()
        """What the server says it can do."""

    def uri(self, name: str) -> str:
        return (self.root / name).resolve().as_uri()

    def open(self, name: str, text: str, stored: bool = True) -> None:
        if stored:
            (self.root / name).write_bytes(text.encode())
        self.texts[name], self.versions[name] = text, 1
        language = "python" if name.endswith("py") else "typescript"
        item = lsp.TextDocumentItem(self.uri(name), language, 1, text)
        self.client.text_document_did_open(lsp.DidOpenTextDocumentParams(item))

    def change(self, name: str, *changes: lsp.TextDocumentContentChangeEvent) -> None:
        self.versions[name] += 1
        document = lsp.VersionedTextDocumentIdentifier(self.versions[name], self.uri(name))
        self.client.text_document_did_change(lsp.DidChangeTextDocumentParams(document, list(changes)))

    def replace(self, name: str, old: str, new: str) -> None:
        """The whole text with one part of it replaced."""
        assert self.texts[name].count(old) == 1
        self.texts[name] = self.texts[name].replace(old, new)
        self.change(name, lsp.TextDocumentContentChangeWholeDocument(self.texts[name]))

    async def hints(self, name: str) -> list[lsp.InlayHint]:
        whole = lsp.Range(lsp.Position(0, 0), lsp.Position(1_000_000, 0))
        params = lsp.InlayHintParams(lsp.TextDocumentIdentifier(self.uri(name)), whole)
        return list(await self.client.text_document_inlay_hint_async(params) or [])

    async def shown(self, name: str) -> dict[tuple[int, int], str]:
        return {
            (hint.position.line, hint.position.character): str(hint.label).strip() for hint in await self.hints(name)
        }

    async def awaits(self, name: str, *labels: str) -> dict[tuple[int, int], str]:
        """The hints once these are among them."""
        found: dict[tuple[int, int], str] = {}
        for _ in range(int(LONGEST / 0.05)):
            found = await self.shown(name)
            if set(labels) <= set(found.values()):
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(f"{labels} are not among {found}")

    async def begun(self, title: str) -> lsp.ProgressToken:
        """The progress of this title, once it is shown."""
        for _ in range(int(LONGEST / 0.01)):
            for token, reports in self.client.progress_reports.items():
                if any(isinstance(one, lsp.WorkDoneProgressBegin) and one.title == title for one in reports):
                    return token
            await asyncio.sleep(0.01)
        raise AssertionError(f"no progress {title!r} among {self.client.progress_reports}")

    async def actions(self, name: str, line: int, character: int, *only: str) -> dict[str, lsp.CodeAction]:
        place = lsp.Position(line, character)
        context = lsp.CodeActionContext([], only=list(only) or None)
        document = lsp.TextDocumentIdentifier(self.uri(name))
        params = lsp.CodeActionParams(document, lsp.Range(place, place), context)
        found = await self.client.text_document_code_action_async(params) or []
        return {action.title: action for action in found if isinstance(action, lsp.CodeAction)}

    async def completions(self, name: str, line: int, character: int) -> Sequence[lsp.CompletionItem]:
        document = lsp.TextDocumentIdentifier(self.uri(name))
        params = lsp.CompletionParams(document, lsp.Position(line, character))
        found = await self.client.text_document_completion_async(params)
        return found.items if isinstance(found, lsp.CompletionList) else found or ()

    async def lines(
        self, name: str, line: int, character: int, asked: bool = False
    ) -> Sequence[lsp.InlineCompletionItem]:
        """`asked`: by somebody who wants to see more, not with a key that they typed."""
        kinds = lsp.InlineCompletionTriggerKind
        context = lsp.InlineCompletionContext(kinds.Invoked if asked else kinds.Automatic)
        params = lsp.InlineCompletionParams(
            context, lsp.TextDocumentIdentifier(self.uri(name)), lsp.Position(line, character)
        )
        found = await self.client.text_document_inline_completion_async(params)
        return found.items if isinstance(found, lsp.InlineCompletionList) else found or ()

    async def edited(self, name: str, action: lsp.CodeAction) -> str:
        """The text once an action was taken."""
        whole = action if action.edit is not None else await self.client.code_action_resolve_async(action)
        assert whole.edit is not None, "nothing to be done"
        return self.after(name, whole.edit)

    def after(self, name: str, edit: lsp.WorkspaceEdit) -> str:
        if edit.changes:
            return applied(self.texts[name], edit.changes[self.uri(name)], self.encoding)
        (change,) = (one for one in edit.document_changes or () if one.text_document.uri == self.uri(name))
        assert isinstance(change, lsp.TextDocumentEdit)
        return applied(self.texts[name], change.edits, self.encoding)


def applied(
    text: str, edits: Iterable[lsp.TextEdit | lsp.AnnotatedTextEdit | lsp.SnippetTextEdit], encoding: str
) -> str:
    """As a client applies edits, done anew here: each counts in the text before all of them."""
    codec, width = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}[encoding]
    lines = text.split("\n")
    starts = [sum(len(line) + 1 for line in lines[:number]) for number in range(len(lines))]

    def offset(position: lsp.Position) -> int:
        before = lines[position.line].encode(codec)[: width * position.character]
        return starts[position.line] + len(before.decode(codec))

    spans = sorted(((offset(one.range.start), offset(one.range.end), one.new_text) for one in edits), reverse=True)
    for start, end, new in spans:
        text = text[:start] + new + text[end:]
    return text


def make_client() -> LanguageClient:
    """It agrees to everything that a server asks of it."""
    client = make_test_lsp_client()

    @client.feature(lsp.CLIENT_REGISTER_CAPABILITY)
    def register(_: lsp.RegistrationParams) -> None:
        return None

    @client.feature(lsp.WORKSPACE_INLAY_HINT_REFRESH)
    def refresh(_: None) -> None:
        return None

    return client


async def begin(client: LanguageClient, root: Path, like: str, options: Any, encodings: Sequence[str]) -> Editor:
    editor = Editor(client, root)

    @client.feature(lsp.WORKSPACE_APPLY_EDIT)
    def apply(params: lsp.ApplyWorkspaceEditParams) -> lsp.ApplyWorkspaceEditResult:
        editor.applied.append(params.edit)
        return lsp.ApplyWorkspaceEditResult(True)

    capabilities = client_capabilities(like)
    if like == "visual-studio-code":
        # As newer versions than the one that is known here by this name.
        assert capabilities.workspace is not None and capabilities.text_document is not None
        capabilities.workspace.diagnostics = lsp.DiagnosticWorkspaceClientCapabilities(refresh_support=True)
        capabilities.text_document.diagnostic = lsp.DiagnosticClientCapabilities()
    if encodings and capabilities.general is not None:
        capabilities.general.position_encodings = list(encodings)
    params = lsp.InitializeParams(
        capabilities=capabilities,
        workspace_folders=[lsp.WorkspaceFolder(root.as_uri(), root.name)],
        initialization_options=options,
    )
    editor.able = (await client.initialize_session(params)).capabilities
    editor.encoding = str(getattr(editor.able.position_encoding, "value", editor.able.position_encoding))
    return editor


@asynccontextmanager
async def editing(
    root: Path, like: str = "visual-studio-code", options: Any = None, encodings: Sequence[str] = ()
) -> AsyncIterator[Editor]:
    """A server in a process of its own. `like`: the editor whose abilities the client has."""
    client = make_client()
    await client.start_io(sys.executable, "-m", "typeinfer", "lsp")
    editor = await begin(client, root, like, options, encodings)
    try:
        yield editor
    finally:
        await client.shutdown_session()
        await client.stop()
