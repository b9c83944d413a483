"""Language server: messages of an editor in; hints, hovers, actions, remarks and completions, as the session has them, out.

Only translates: what is believed, and what may be written, is the pipeline's to say. Positions are counted as the client counts
them (UTF-8, 16 or 32). Protocol: https://microsoft.github.io/language-server-protocol/ (3.17).
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import urlsplit
from urllib.request import url2pathname

import msgspec
from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol

import typeinfer
from typeinfer.config import Settings, parse_checker, parse_confidence
from typeinfer.languages import LANGUAGE_OF_SUFFIX, LANGUAGES, language_of
from typeinfer.program.files import UsageError, project_root
from typeinfer.report import doubt_id, model_words, percent, qualified, ranking, rule_id
from typeinfer.session import Listener, Session, Standing, Superseded, View
from typeinfer.values.members import MemberKind
from typeinfer.values.outcomes import Changed
from typeinfer.values.patches import Edit, Patch
from typeinfer.values.predictions import Abstain, Prediction, Ranked, Suggest
from typeinfer.values.slots import SlotId, SlotKind
from typeinfer.values.source import SourceFile
from typeinfer.values.typeexpr import TypeExpr

if TYPE_CHECKING:
    from typeinfer.doubting import Doubt

NAME = "typeinfer"

FIX_ALL = "source.fixAll.typeinfer"

ANNOTATE_WORKSPACE = "typeinfer.annotateWorkspace"

MOST_CHOICES = 5
"""Types that are offered for a slot."""

ITEM_KINDS = {
    MemberKind.CALLABLE: lsp.CompletionItemKind.Method,
    MemberKind.CLASS: lsp.CompletionItemKind.Class,
    MemberKind.MODULE: lsp.CompletionItemKind.Module,
    MemberKind.VALUE: lsp.CompletionItemKind.Field,
}

NAME_KINDS = {
    **ITEM_KINDS,
    MemberKind.CALLABLE: lsp.CompletionItemKind.Function,
    MemberKind.VALUE: lsp.CompletionItemKind.Variable,
    MemberKind.KEYWORD: lsp.CompletionItemKind.Keyword,
    MemberKind.PARAMETER: lsp.CompletionItemKind.Property,
}

SETTINGS_FILES = (
    "typeinfer.toml",
    "pyproject.toml",
    "package.json",
    *(n for one in LANGUAGES for n in one.settings_files),
)


@dataclass(frozen=True)
class Preferences:
    """What the client asks for, under the key `typeinfer`."""

    hints: bool = True
    remarks: bool = True
    lines: bool = True
    min_confidence: float | None = None
    checker: str | None = None

    @staticmethod
    def of(given: object) -> Preferences:
        """Raises `ConfigError`."""
        table = given.get(NAME, given) if isinstance(given, dict) else {}
        table = table if isinstance(table, dict) else {}

        def truth(key: str) -> bool:
            inner = table.get(key)
            value = inner.get("enable", True) if isinstance(inner, dict) else inner
            return value if isinstance(value, bool) else True

        confidence, checker = table.get("minConfidence"), table.get("checker")
        return Preferences(
            truth("inlayHints"),
            truth("diagnostics"),
            truth("inlineCompletion"),
            None if confidence is None else parse_confidence(float(confidence), f"minConfidence {confidence}"),
            None if not checker else parse_checker(str(checker), f"checker {checker}"),
        )

    def over(self, settings: Settings) -> Settings:
        if self.min_confidence is not None:
            settings = replace(settings, min_confidence=self.min_confidence, max_error=None)
        if self.checker is not None:
            settings = replace(settings, checked_by=self.checker, checker=True)
        return settings


# --- positions ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Positions:
    """Between bytes of a text and the positions of a client."""

    file: SourceFile
    encoding: lsp.PositionEncodingKind | str

    def at(self, offset: int) -> lsp.Position:
        line = self.file.line_of(offset) - 1
        match self.encoding:
            case lsp.PositionEncodingKind.Utf8:
                return lsp.Position(line, offset - self.file.line_starts[line])
            case lsp.PositionEncodingKind.Utf32:
                return lsp.Position(line, self.file.column_of(offset))
        return lsp.Position(line, self.file.utf16_column_of(offset))

    def range(self, start: int, end: int) -> lsp.Range:
        return lsp.Range(self.at(start), self.at(end))

    def offset(self, position: lsp.Position) -> int:
        """Of a position behind the end of its line, the end; behind the last line, the end of the text."""
        starts, data = self.file.line_starts, self.file.data
        if position.line >= len(starts):
            return len(data)
        begin = starts[position.line]
        end = starts[position.line + 1] if position.line + 1 < len(starts) else len(data)
        text = data[begin:end].rstrip(b"\r\n").decode("utf-8", "replace")
        match self.encoding:
            case lsp.PositionEncodingKind.Utf8:
                before = text.encode()[: position.character]
                return begin + len(before.decode("utf-8", "ignore").encode())
            case lsp.PositionEncodingKind.Utf32:
                return begin + len(text[: position.character].encode())
        before = text.encode("utf-16-le")[: 2 * position.character]
        return begin + len(before.decode("utf-16-le", "ignore").encode())


def changed(text: str, change: lsp.TextDocumentContentChangeEvent, encoding: lsp.PositionEncodingKind | str) -> str:
    """A text after one change. Lines end as the protocol has it: `\\n`, `\\r\\n` and `\\r`, and nowhere else."""
    if isinstance(change, lsp.TextDocumentContentChangeWholeDocument):
        return change.text
    data = text.encode("utf-8", "surrogatepass")
    positions = Positions(SourceFile("", "", data), encoding)
    start, end = positions.offset(change.range.start), positions.offset(change.range.end)
    kept = (data[:start], change.text.encode("utf-8", "surrogatepass"), data[max(start, end) :])
    return b"".join(kept).decode("utf-8", "surrogatepass")


# --- what is shown ------------------------------------------------------------------------------------------------------


def spelled(path: str, term: TypeExpr) -> str:
    language = language_of(path)
    assert language is not None
    return language.write_type(term)


def worth_telling(prediction: Prediction) -> Sequence[Ranked]:
    """The types that are offered: the first, and others with more than a trace of probability."""
    return [one for place, one in enumerate(prediction.ranked[:MOST_CHOICES]) if not place or one.probability >= 0.01]


def label(standing: Standing, path: str, term: TypeExpr) -> str:
    language = language_of(path)
    assert language is not None
    mark = language.result_mark if standing.slot.kind is SlotKind.RETURN else ":"
    return f" {mark} {spelled(path, term)}" if mark == "->" else f"{mark} {spelled(path, term)}"


def told(file: SourceFile, prediction: Prediction) -> str:
    """All that is known of a slot, as Markdown."""

    def spell(_: SourceFile, term: TypeExpr) -> str:
        return spelled(file.path, term)

    lines = [f"**{qualified(prediction)}** ({prediction.slot.id.kind.value}), by typeinfer", ""]
    lines += [f"- `{spell(file, one.type)}` {percent(one.probability)}" for one in worth_telling(prediction)]
    if not prediction.ranked:
        lines.append("Nothing is known of its type.")
    said = [f"{one.rule} says `{spell(file, one.type)}`" for one in prediction.because]
    said += [f"model says `{spell(file, one.type)}` {percent(one.probability)}" for one in model_words(prediction)]
    said += [f"moved by: {one.text} ({one.weight:+.1f})" for one in prediction.moved]
    said += [f"checker refused `{spell(file, one.type)}`: {one.said}" for one in prediction.refused]
    match prediction.verdict:
        case Suggest(reason):
            said.append(f"only suggested: {reason}")
        case Abstain(reason, detail):
            said.append(f"not written by itself: {reason}{f' ({detail})' if detail else ''}")
    return "\n".join([*lines, "", *(["Evidence:", ""] if said else []), *(f"- {line}" for line in said)]).strip()


# --- the server ---------------------------------------------------------------------------------------------------------


class GivenUp(Exception):
    """The client no longer wants what it asked for."""


class Protocol(LanguageServerProtocol):
    """Tells the server of requests that are given up while they are being answered: pygls stops only those that haven't begun. And
    forgets notifications that have been dealt with: pygls keeps 2 KB of each edit until it ends."""

    # pyrefly: ignore [missing-override-decorator]
    def _execute_handler(self, msg_id: int | str, *args: Any, **kwargs: Any) -> None:
        super()._execute_handler(msg_id, *args, **kwargs)
        future = self._request_futures.get(msg_id)
        if future is not None and future.done():
            self._request_futures.pop(msg_id, None)

    # pyrefly: ignore [missing-override-decorator]
    def _handle_cancel_notification(self, msg_id: int | str) -> None:
        if msg_id in self._request_futures and isinstance(self._server, Server):
            self._server.given_up.add(msg_id)
        super()._handle_cancel_notification(msg_id)


class Server(LanguageServer):
    """The sessions of a client's projects, by root, and the texts of its documents, by address."""

    def __init__(self) -> None:
        super().__init__(NAME, typeinfer.__version__, protocol_cls=Protocol)
        self.sessions: dict[Path, Session] = {}
        self.documents: dict[str, tuple[str, int | None]] = {}
        self.preferences = Preferences()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.indexing: dict[Path, str] = {}
        """The name of the progress that is shown of a project, empty where none is."""
        self.ready: set[Path] = set()
        self.given_up: set[int | str | None] = set()
        """The requests that were, while they were being answered."""

    # --- documents ---------------------------------------------------------------------------------------------------

    @property
    def encoding(self) -> lsp.PositionEncodingKind | str:
        return self.server_capabilities.position_encoding or lsp.PositionEncodingKind.Utf16

    def session_of(self, uri: str) -> tuple[Session, str] | None:
        """The session that a document belongs to, and its path in there; None for what is no file of a known language."""
        place = path_of(uri)
        if place is None or language_of(place.name) is None:
            return None
        place = place.parent.resolve() / place.name
        try:
            root = project_root((place,))
        except (UsageError, OSError):
            return None
        # A file that lies about at home is no reason to read all that lies there.
        if root in (home := Path.home().resolve(), *home.parents):
            return None
        session = self.sessions.get(root)
        if session is None:
            listener = Listener(
                partial(self.tell_progress, root), partial(self.tell_answer, root), partial(self.tell_user, root)
            )
            session = self.sessions[root] = Session(root, listener, lambda found: self.preferences.over(found))
        return session, place.relative_to(root).as_posix()

    def put(self, uri: str, text: str | None, version: int | None = None) -> None:
        if text is None:
            self.documents.pop(uri, None)
        else:
            self.documents[uri] = (text, version)
        if (found := self.session_of(uri)) is not None:
            session, path = found
            session.put(path, text)

    def view(self, uri: str) -> View | None:
        found = self.session_of(uri) if uri in self.documents else None
        return None if found is None else found[0].view(found[1])

    def positions(self, file: SourceFile) -> Positions:
        return Positions(file, self.encoding)

    def uri_of(self, root: Path, path: str) -> str:
        """The address that the client knows a file by."""
        place = root / path
        for uri in self.documents:
            if (known := path_of(uri)) is not None and known.parent.resolve() / known.name == place:
                return uri
        return place.as_uri()

    def close_sessions(self) -> None:
        for session in self.sessions.values():
            session.close()
        for session in self.sessions.values():
            session.join()

    # --- told by sessions, from their own threads ----------------------------------------------------------------------

    def later(self, call: Callable[[], object]) -> None:
        if self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(call)

    def tell_user(self, root: Path, line: str) -> None:
        self.later(lambda: self.window_log_message(lsp.LogMessageParams(lsp.MessageType.Info, f"{root.name}: {line}")))

    def tell_progress(self, root: Path, stage: str, done: int, total: int) -> None:
        self.later(lambda: self.show_progress(root, stage, done, total))

    def tell_answer(self, root: Path, paths: frozenset[str]) -> None:
        self.later(lambda: self.show_answer(root, paths))

    def show_progress(self, root: Path, stage: str, done: int, total: int) -> None:
        """The first time that a project is looked at takes long enough to be shown."""
        if not able(self.client_capabilities, "window", "work_done_progress"):
            return
        if root not in self.indexing:
            new, self.indexing[root] = str(uuid.uuid4()), ""

            def begin(_: object) -> None:
                if root in self.ready:
                    return
                self.indexing[root] = new
                self.work_done_progress.begin(new, lsp.WorkDoneProgressBegin(f"{NAME}: {root.name}"))

            self.work_done_progress.create(new, begin)
        if token := self.indexing[root]:
            message = f"{stage} {done} of {total}" if total > 1 else stage
            self.work_done_progress.report(token, lsp.WorkDoneProgressReport(message=message))

    def show_answer(self, root: Path, paths: frozenset[str]) -> None:
        self.ready.add(root)
        if token := self.indexing.get(root):
            self.work_done_progress.end(token, lsp.WorkDoneProgressEnd(message="ready"))
            self.indexing[root] = ""
        if able(self.client_capabilities, "workspace", "inlay_hint", "refresh_support"):
            self.workspace_inlay_hint_refresh(None)
        if self.pulls:
            self.workspace_diagnostic_refresh(None)
        else:
            for path in sorted(paths):
                self.publish(self.uri_of(root, path))

    @property
    def pulls(self) -> bool:
        """Whether the client asks for remarks, and again when it is told that there are others; else they are sent to it."""
        asks = able(self.client_capabilities, "text_document", "diagnostic")
        return asks and able(self.client_capabilities, "workspace", "diagnostics", "refresh_support")

    def publish(self, uri: str) -> None:
        if uri in self.documents:
            _, version = self.documents[uri]
            self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, self.remarks(uri), version))

    # --- what is asked -------------------------------------------------------------------------------------------------

    def hints(self, uri: str, within: lsp.Range) -> list[lsp.InlayHint]:
        view = self.view(uri)
        if view is None or not self.preferences.hints:
            return []
        positions = self.positions(view.file)
        start, end = positions.offset(within.start), positions.offset(within.end)
        lazily = resolves(self.client_capabilities.text_document, "inlay_hint", "textEdits")
        found = []
        for standing in view.standings:
            best = standing.prediction.best
            if best is None or not standing.sure or not start <= standing.place <= end:
                continue
            hint = lsp.InlayHint(
                positions.at(standing.place),
                label(standing, view.file.path, best.type),
                kind=lsp.InlayHintKind.Type,
                data={"uri": uri, "slot": as_data(standing.slot)},
            )
            found.append(hint if lazily else self.filled(hint))
        return found

    def filled(self, hint: lsp.InlayHint) -> lsp.InlayHint:
        """A hint with what is shown of it on demand, and what inserts it."""
        found = self.standing(hint.data)
        if found is None:
            return hint
        uri, view, standing = found
        shown = label(standing, view.file.path, standing.prediction.ranked[0].type)
        if (self.positions(view.file).at(standing.place), shown) != (hint.position, hint.label):
            return hint  # Text or belief changed since it was shown.
        hint.tooltip = lsp.MarkupContent(lsp.MarkupKind.Markdown, told(view.file, standing.prediction))
        hint.text_edits = self.text_edits(uri, view, {standing.slot: standing.prediction.ranked[0].type})
        return hint

    def standing(self, data: object) -> tuple[str, View, Standing] | None:
        """The slot that a hint, an action or a remark is about, as it stands now."""
        if not isinstance(data, dict) or not isinstance(data.get("uri"), str):
            return None
        view, slot = self.view(data["uri"]), as_slot(data.get("slot"))
        standings = view.standings if view is not None else ()
        found = next((one for one in standings if one.slot == slot), None)
        return (data["uri"], view, found) if view is not None and found is not None else None

    def target_version(self, uri: str) -> tuple[int, int] | None:
        found = self.session_of(uri)
        options = None if found is None else found[0].options
        return None if options is None else options.target_version

    def text_edits(self, uri: str, view: View, wanted: Mapping[SlotId, TypeExpr]) -> list[lsp.TextEdit] | None:
        edits = view.edits(wanted, self.target_version(uri))
        if isinstance(edits, str):
            self.window_log_message(lsp.LogMessageParams(lsp.MessageType.Info, f"{view.file.path}: {edits}"))
            return None
        return self.as_text_edits(view.file, edits)

    def as_text_edits(self, file: SourceFile, edits: Iterable[Edit]) -> list[lsp.TextEdit]:
        positions = self.positions(file)
        return [lsp.TextEdit(positions.range(edit.span.start, edit.span.end), edit.text) for edit in edits]

    def workspace_edit(self, uri: str, edits: Sequence[lsp.TextEdit]) -> lsp.WorkspaceEdit:
        if not able(self.client_capabilities, "workspace", "workspace_edit", "document_changes"):
            return lsp.WorkspaceEdit(changes={uri: edits})
        _, version = self.documents.get(uri, ("", None))
        document = lsp.OptionalVersionedTextDocumentIdentifier(uri, version)
        return lsp.WorkspaceEdit(document_changes=[lsp.TextDocumentEdit(document, list(edits))])

    def hover(self, uri: str, position: lsp.Position) -> lsp.Hover | None:
        view = self.view(uri)
        if view is None:
            return None
        positions = self.positions(view.file)
        at = positions.offset(position)
        for standing in view.standings:
            if standing.start <= at <= standing.end:
                text = lsp.MarkupContent(lsp.MarkupKind.Markdown, told(view.file, standing.prediction))
                return lsp.Hover(text, positions.range(standing.start, standing.end))
        return None

    def remarks(self, uri: str) -> list[lsp.Diagnostic]:
        view = self.view(uri)
        if view is None or not self.preferences.remarks:
            return []
        positions, path = self.positions(view.file), view.file.path
        found = []
        for standing in view.standings:
            if standing.sure:
                said = ranking(view.file, standing.prediction, lambda _, term: spelled(path, term), most=1)
                found.append(
                    lsp.Diagnostic(
                        positions.range(standing.start, standing.end),
                        f"{qualified(standing.prediction)} has no annotation; {said}",
                        severity=lsp.DiagnosticSeverity.Hint,
                        code=rule_id(standing.slot.kind),
                        source=NAME,
                        data={"uri": uri, "slot": as_data(standing.slot)},
                    )
                )
        for doubt, start, end in view.doubts:
            said = ranking(view.file, doubt.prediction, lambda _, term: spelled(path, term), most=1)
            checker = f"; the checker would no longer say {doubt.said}" if doubt.said else ""
            found.append(
                lsp.Diagnostic(
                    positions.range(start, end),
                    f"{qualified(doubt.prediction)} is annotated {spelled(path, doubt.written)}; {said}{checker}",
                    severity=lsp.DiagnosticSeverity.Warning,
                    code=doubt_id(doubt.prediction.slot.id.kind),
                    source=NAME,
                    data={"uri": uri, "slot": as_data(doubt.prediction.slot.id)},
                )
            )
        return found

    def actions(self, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        uri = params.text_document.uri
        view = self.view(uri)
        if view is None:
            return []
        positions = self.positions(view.file)
        start, end = positions.offset(params.range.start), positions.offset(params.range.end)
        wanted = params.context.only

        def asked(kind: str) -> bool:
            return wanted is None or any(kind == one or kind.startswith(f"{one}.") for one in wanted)

        found: list[lsp.CodeAction] = []
        if asked(lsp.CodeActionKind.QuickFix):
            for standing in view.standings:
                on_name = standing.start <= end and start <= standing.end
                if on_name or start <= standing.place <= end:
                    found += self.choices(uri, view, standing, params.context.diagnostics)
            for doubt, begin, behind in view.doubts:
                if begin <= end and start <= behind:
                    found.append(self.correction(uri, view, doubt, params.context.diagnostics))
        if asked(lsp.CodeActionKind.RefactorRewrite):
            found += self.scopes(uri, view, start, end)
        if asked(FIX_ALL) and any(one.sure for one in view.standings):
            data = {"uri": uri, "scope": "file"}
            found.append(lsp.CodeAction("Annotate this file", kind=FIX_ALL, data=data))
        lazily = resolves(self.client_capabilities.text_document, "code_action", "edit")
        return found if lazily else [self.with_edit(action) for action in found]

    def choices(
        self, uri: str, view: View, standing: Standing, remarks: Sequence[lsp.Diagnostic]
    ) -> Iterator[lsp.CodeAction]:
        about = [one for one in remarks if is_about(one, standing.slot)]
        for number, ranked in enumerate(worth_telling(standing.prediction)):
            text = spelled(view.file.path, ranked.type)
            yield lsp.CodeAction(
                f"Annotate {qualified(standing.prediction)} as {text} ({percent(ranked.probability)})",
                kind=lsp.CodeActionKind.QuickFix,
                diagnostics=about or None,
                is_preferred=number == 0 and standing.sure,
                data={"uri": uri, "slot": as_data(standing.slot), "choice": number},
            )

    def correction(self, uri: str, view: View, doubt: Doubt, remarks: Sequence[lsp.Diagnostic]) -> lsp.CodeAction:
        best, slot = doubt.prediction.ranked[0], doubt.prediction.slot.id
        text, old = spelled(view.file.path, best.type), spelled(view.file.path, doubt.written)
        return lsp.CodeAction(
            f"Annotate {qualified(doubt.prediction)} as {text} ({percent(best.probability)}), not {old}",
            kind=lsp.CodeActionKind.QuickFix,
            diagnostics=[one for one in remarks if is_about(one, slot)] or None,
            data={"uri": uri, "slot": as_data(slot), "choice": 0},
        )

    def scopes(self, uri: str, view: View, start: int, end: int) -> Iterator[lsp.CodeAction]:
        """The function and the class around a place, as far as there is anything to write in them."""
        module = view.module
        rewriting = lsp.CodeActionKind.RefactorRewrite
        for word, things in (("function", module.functions), ("class", module.classes)) if module is not None else ():
            around = [one for one in things if one.span.start <= start and end <= one.span.end]
            for one in sorted(around, key=lambda one: one.span.end - one.span.start)[:1]:
                if any(within(standing, one.qualname) for standing in view.standings):
                    title = f"Annotate {word} {one.qualname}"
                    yield lsp.CodeAction(title, kind=rewriting, data={"uri": uri, "scope": one.qualname})
        if any(one.sure for one in view.standings):
            yield lsp.CodeAction("Annotate this file", kind=rewriting, data={"uri": uri, "scope": "file"})
        command = lsp.Command("Annotate the workspace", ANNOTATE_WORKSPACE, arguments=[uri])
        yield lsp.CodeAction("Annotate the workspace", kind=rewriting, command=command)

    def with_edit(self, action: lsp.CodeAction) -> lsp.CodeAction:
        data = action.data
        if not isinstance(data, dict) or not isinstance(data.get("uri"), str):
            return action
        uri: str = data["uri"]
        if "scope" in data:
            view, scope = self.view(uri), data["scope"]
            if view is None:
                return action
            chosen = [one for one in view.standings if one.sure and (scope == "file" or within(one, scope))]
            wanted = {one.slot: one.prediction.ranked[0].type for one in chosen}
            if not wanted:
                return action
        else:
            view, slot, choice = self.view(uri), as_slot(data.get("slot")), data.get("choice", 0)
            about = view.about(slot) if view is not None and slot is not None else None
            if view is None or slot is None or about is None or not 0 <= choice < len(about.ranked):
                return action
            wanted = {slot: about.ranked[choice].type}
        edits = self.text_edits(uri, view, wanted)
        if edits is not None:
            action.edit = self.workspace_edit(uri, edits)
        return action

    def completions(self, uri: str, position: lsp.Position) -> list[lsp.CompletionItem]:
        view = self.view(uri)
        if view is None:
            return []
        positions = self.positions(view.file)
        at = positions.offset(position)
        awaited = view.awaited(at)
        if awaited is None:
            return []
        prediction, place, begin = awaited
        found = []
        ranking = worth_telling(prediction)
        types = [one.type for one in ranking]
        completed = view.completed(prediction.slot.id, types, place, at, self.target_version(uri))
        for ranked, (new, imports) in zip(ranking, completed, strict=True):
            found.append(
                lsp.CompletionItem(
                    new,
                    kind=lsp.CompletionItemKind.Class,
                    detail=f"{percent(ranked.probability)} by {NAME}",
                    filter_text=new,
                    text_edit=lsp.TextEdit(positions.range(begin, at), new),
                    additional_text_edits=self.as_text_edits(view.file, imports) or None,
                )
            )
        return found

    async def members(self, uri: str, position: lsp.Position) -> lsp.CompletionList:
        """What may stand behind a dot, or where a name is read. The checker is asked in a thread of its own, so that hints don't
        wait for it."""
        asked = self._asked(uri, position)
        if asked is None:
            return lsp.CompletionList(False, [])
        session, path, positions, at = asked
        offer = await asyncio.to_thread(session.complete, path, at)
        if offer is None:
            return lsp.CompletionList(False, [])
        kinds = ITEM_KINDS if offer.receiver else NAME_KINDS
        items = [
            lsp.CompletionItem(
                one.member.name,
                kind=kinds[one.member.kind],
                detail=one.member.declared or (f"from {one.member.source}" if one.member.source else None),
                label_details=lsp.CompletionItemLabelDetails(
                    description=f"{percent(one.probability)} by {NAME}" if one.probability >= 0.01 else NAME
                ),
                text_edit=lsp.TextEdit(positions.range(offer.begin, at), one.member.name),
                additional_text_edits=self.as_text_edits(positions.file, one.edits) or None,
            )
            for one in offer.suggestions
        ]
        # With more of a name other names may have to be imported.
        return lsp.CompletionList(not offer.receiver, items)

    async def line(self, uri: str, position: lsp.Position, block: bool) -> list[lsp.InlineCompletionItem]:
        """The rest of the line, or with the block that it opens, where it is probable enough to be shown unasked."""
        asked = self._asked(uri, position)
        if asked is None:
            return []
        session, path, positions, at = asked
        line = await asyncio.to_thread(session.line, path, at, block)
        return [] if line is None else [lsp.InlineCompletionItem(line.text, range=positions.range(at, at))]

    def _asked(self, uri: str, position: lsp.Position) -> tuple[Session, str, Positions, int] | None:
        """The session of an open document, its path there, its positions, and the byte of one; None where nothing can be asked."""
        found = self.session_of(uri) if uri in self.documents else None
        view = None if found is None else found[0].view(found[1])
        if found is None or view is None:
            return None
        positions = self.positions(view.file)
        return (*found, positions, positions.offset(position))

    async def annotate_workspace(self, uri: str | None, preview: bool) -> str:
        """The line that says what is to be written, or that it was given up: by the request, or by the progress shown of it."""
        request, token, ended = self.protocol.msg_id, str(uuid.uuid4()), False
        shown = self.work_done_progress

        def begin(_: object) -> None:
            if not ended:
                shown.begin(token, lsp.WorkDoneProgressBegin("Annotate the workspace", cancellable=True))

        def report(message: str) -> None:
            if token in shown.tokens and not ended:
                shown.report(token, lsp.WorkDoneProgressReport(message=message))

        def refuse_given_up() -> None:
            asked = shown.tokens.get(token)
            if request in self.given_up or (asked is not None and asked.cancelled()):
                raise GivenUp

        def progress(stage: str, done: int, total: int) -> None:
            refuse_given_up()
            self.later(partial(report, f"{stage} {done} of {total}" if total > 1 else stage))

        if able(self.client_capabilities, "window", "work_done_progress"):
            shown.create(token, begin)
        sessions = [*self.sessions.items()]
        if uri is not None and (found := self.session_of(uri)) is not None:
            sessions = [(found[0].root, found[0])]
        try:
            runs = [(root, await asyncio.to_thread(session.all_files, progress)) for root, session in sessions]
            refuse_given_up()
        except (GivenUp, Superseded):
            return "given up, nothing was annotated"
        finally:
            ended = True
            self.given_up.discard(request)
            if shown.tokens.pop(token, None) is not None:
                shown.end(token, lsp.WorkDoneProgressEnd())
        changes = [
            (outcome, self.uri_of(root, outcome.path))
            for root, run in runs
            for outcome in (run.outcomes if run is not None else ())
            if isinstance(outcome, Changed)
        ]
        # The places of a text that has changed meanwhile are not those of the present one.
        present = [(outcome, address) for outcome, address in changes if self.is_present(address, outcome.patch.file)]
        late = f"; {len(changes) - len(present)} changed meanwhile, ask again" if len(present) < len(changes) else ""
        if not present:
            return f"nothing to annotate{late}"
        edit = self.all_edits([(address, outcome.patch) for outcome, address in present], preview)
        self.workspace_apply_edit(lsp.ApplyWorkspaceEditParams(edit, label="Annotate the workspace"))
        written = sum(len(outcome.patch.predictions) for outcome, _ in present)
        return f"{written} annotations in {len(present)} files{late}"

    def is_present(self, uri: str, file: SourceFile) -> bool:
        text, _ = self.documents.get(uri, (None, None))
        return text is None or text.encode("utf-8", "replace") == file.data

    def all_edits(self, patches: Sequence[tuple[str, Patch]], preview: bool) -> lsp.WorkspaceEdit:
        """What writes these patches, by the address of their file; to be confirmed one by one for a preview."""
        needs_asking = preview and able(
            self.client_capabilities, "workspace", "workspace_edit", "change_annotation_support"
        )
        changes: list[lsp.TextDocumentEdit] = []
        for address, patch in patches:
            _, version = self.documents.get(address, ("", None))
            edits = self.as_text_edits(patch.file, patch.edits)
            document = lsp.OptionalVersionedTextDocumentIdentifier(address, version)
            asking = [lsp.AnnotatedTextEdit(NAME, edit.range, edit.new_text) for edit in edits]
            changes.append(lsp.TextDocumentEdit(document, asking if needs_asking else edits))
        annotations = {NAME: lsp.ChangeAnnotation("Annotations by typeinfer", needs_confirmation=True)}
        return lsp.WorkspaceEdit(document_changes=changes, change_annotations=annotations if needs_asking else None)


def within(standing: Standing, qualname: str) -> bool:
    own = standing.slot.qualname
    return standing.sure and (own == qualname or own.startswith(f"{qualname}."))


def as_data(slot: SlotId) -> list[Any]:
    """As what comes back with a hint or an action."""
    return [slot.path, slot.qualname, slot.kind.value, slot.name, slot.ordinal]


def is_about(remark: lsp.Diagnostic, slot: SlotId) -> bool:
    return isinstance(remark.data, dict) and remark.data.get("slot") == as_data(slot)


def as_slot(data: object) -> SlotId | None:
    try:
        return msgspec.convert(data, SlotId)
    except msgspec.ValidationError:
        return None


def path_of(uri: str) -> Path | None:
    parts = urlsplit(uri)
    if parts.scheme != "file":
        return None
    return Path(url2pathname(parts.path))


def in_order(is_incomplete: bool, items: Sequence[lsp.CompletionItem]) -> lsp.CompletionList:
    """A list whose first is chosen, and which a client leaves in this order."""
    for number, item in enumerate(items):
        item.sort_text, item.preselect = f"{number:05}", number == 0
    return lsp.CompletionList(is_incomplete, items)


def is_begun(item: lsp.CompletionItem) -> bool:
    """Whether some of its text is there already."""
    return isinstance(item.text_edit, lsp.TextEdit) and item.text_edit.range.start != item.text_edit.range.end


def able(capabilities: object, *names: str) -> bool:
    """Whether a client says that it can do something."""
    for name in names:
        capabilities = getattr(capabilities, name, None)
    return bool(capabilities)


def resolves(capabilities: object, feature: str, what: str) -> bool:
    """Whether a client asks for a part of something only once it needs it."""
    support = getattr(getattr(capabilities, feature, None), "resolve_support", None)
    return support is not None and what in support.properties


def make_server() -> Server:
    """A server with everything that it can do."""
    server = Server()
    languages = sorted(LANGUAGE_OF_SUFFIX)

    @server.feature(lsp.INITIALIZE)
    def initialize(params: lsp.InitializeParams) -> None:
        server.loop = asyncio.get_running_loop()
        server.preferences = Preferences.of(params.initialization_options)

    @server.feature(lsp.INITIALIZED)
    def initialized(_: lsp.InitializedParams) -> None:
        if able(server.client_capabilities, "workspace", "did_change_watched_files", "dynamic_registration"):
            globs = [
                *(f"**/*{suffix}" for suffix in languages),
                *(f"**/{name}" for name in dict.fromkeys(SETTINGS_FILES)),
            ]
            options = lsp.DidChangeWatchedFilesRegistrationOptions([lsp.FileSystemWatcher(one) for one in globs])
            watching = lsp.Registration(str(uuid.uuid4()), lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            server.client_register_capability(lsp.RegistrationParams([watching]))

    @server.feature(lsp.SHUTDOWN)
    def shutdown(_: None) -> None:
        server.close_sessions()

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: lsp.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        server.put(document.uri, document.text, document.version)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: lsp.DidChangeTextDocumentParams) -> None:
        uri = params.text_document.uri
        text, _ = server.documents.get(uri, ("", None))
        for change in params.content_changes:
            text = changed(text, change, server.encoding)
        server.put(uri, text, params.text_document.version)
        if not server.pulls:
            server.publish(uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: lsp.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        server.put(uri, None)
        if not server.pulls:
            server.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, []))

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def did_change_files(params: lsp.DidChangeWatchedFilesParams) -> None:
        for change in params.changes:
            place = path_of(change.uri)
            for root, session in server.sessions.items():
                if place is not None and root in place.parents:
                    session.reopen()

    @server.feature(lsp.WORKSPACE_DID_CHANGE_CONFIGURATION)
    def did_change_configuration(params: lsp.DidChangeConfigurationParams) -> None:
        server.preferences = Preferences.of(params.settings)
        for session in server.sessions.values():
            session.reopen()

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def did_change_folders(params: lsp.DidChangeWorkspaceFoldersParams) -> None:
        for folder in params.event.removed:
            place = path_of(folder.uri)
            for root in [
                root for root in server.sessions if place is not None and (root == place or place in root.parents)
            ]:
                server.sessions.pop(root).close()

    @server.feature(lsp.TEXT_DOCUMENT_INLAY_HINT, lsp.InlayHintOptions(resolve_provider=True))
    def inlay_hint(params: lsp.InlayHintParams) -> list[lsp.InlayHint]:
        return server.hints(params.text_document.uri, params.range)

    @server.feature(lsp.INLAY_HINT_RESOLVE)
    def inlay_hint_resolve(hint: lsp.InlayHint) -> lsp.InlayHint:
        return server.filled(hint)

    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    def hover(params: lsp.HoverParams) -> lsp.Hover | None:
        return server.hover(params.text_document.uri, params.position)

    kinds = [lsp.CodeActionKind.QuickFix, lsp.CodeActionKind.RefactorRewrite, FIX_ALL]

    @server.feature(
        lsp.TEXT_DOCUMENT_CODE_ACTION, lsp.CodeActionOptions(code_action_kinds=kinds, resolve_provider=True)
    )
    def code_action(params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        return server.actions(params)

    @server.feature(lsp.CODE_ACTION_RESOLVE)
    def code_action_resolve(action: lsp.CodeAction) -> lsp.CodeAction:
        return server.with_edit(action)

    @server.feature(
        lsp.TEXT_DOCUMENT_DIAGNOSTIC,
        lsp.DiagnosticOptions(inter_file_dependencies=True, workspace_diagnostics=False, identifier=NAME),
    )
    def diagnostic(params: lsp.DocumentDiagnosticParams) -> lsp.RelatedFullDocumentDiagnosticReport:
        # Who is sent them is not to have them twice.
        return lsp.RelatedFullDocumentDiagnosticReport(server.remarks(params.text_document.uri) if server.pulls else [])

    @server.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=[":", ">", " ", "."]))
    async def completion(params: lsp.CompletionParams) -> lsp.CompletionList:
        uri, position, context = params.text_document.uri, params.position, params.context
        types = server.completions(uri, position)
        # Where a mark opened the list, what it announces is offered and nothing else. Types are there at once; what else there is
        # takes a checker's time, and comes with the first letter.
        mark = context.trigger_character if context is not None else None
        if mark not in (None, ".") or (types and not is_begun(types[0])):
            return in_order(bool(types), types)
        found = await server.members(uri, position)
        offered = {one.label for one in types}
        return in_order(found.is_incomplete, [*types, *(one for one in found.items if one.label not in offered)])

    # Without options pygls doesn't tell a client of it.
    @server.feature(lsp.TEXT_DOCUMENT_INLINE_COMPLETION, lsp.InlineCompletionOptions())
    async def inline_completion(params: lsp.InlineCompletionParams) -> lsp.InlineCompletionList:
        uri, asked = params.text_document.uri, server.preferences.lines
        block = params.context.trigger_kind is lsp.InlineCompletionTriggerKind.Invoked
        return lsp.InlineCompletionList(await server.line(uri, params.position, block) if asked else [])

    @server.command(ANNOTATE_WORKSPACE)
    async def annotate_workspace(uri: Any = None, preview: Any = False) -> str:
        return await server.annotate_workspace(uri, preview)

    return server


@dataclass(frozen=True)
class Wire:
    """What a client hears. Once nobody does there is nobody to serve, nor to tell of it, as pygls would, for ever."""

    out: BinaryIO

    def write(self, data: bytes) -> None:
        self._if_heard(lambda: self.out.write(data))

    def flush(self) -> None:
        self._if_heard(self.out.flush)

    def close(self) -> None:
        self._if_heard(self.out.close)

    @staticmethod
    def _if_heard(say: Callable[[], object]) -> None:
        try:
            say()
        except OSError:
            os._exit(1)


def serve(address: tuple[str, int] | None) -> None:
    """Serve one client over standard input and output, or over TCP at `address`, until it leaves."""
    logging.basicConfig(level=logging.WARNING)
    server = make_server()
    try:
        if address is None:
            # Standard output is the protocol's: whatever else writes there writes to standard error.
            with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as out:
                os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
                server.start_io(stdout=cast(BinaryIO, Wire(out)))
        else:
            server.start_tcp(*address)
    finally:
        server.close_sessions()
