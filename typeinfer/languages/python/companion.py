"""Companion: a Python project in; a checker that stays, and tells what may stand behind a dot or by itself, out.

Knows nothing of what is likely.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from typeinfer.languages.language import Language
from typeinfer.languages.python.annotations import parse_type
from typeinfer.languages.python.checkers import Version
from typeinfer.languages.python.packages import packages_of
from typeinfer.languages.python.serving import Serving
from typeinfer.languages.taking import suited
from typeinfer.languages.wire import MEMBER_KINDS, parameters_of
from typeinfer.values.inferred import Complaint
from typeinfer.values.members import Member, MemberKind
from typeinfer.values.source import SourceFile
from typeinfer.values.typeexpr import UNKNOWN, CallableType, TypeExpr

ERROR = 1

LONGEST_DECLARED = 400

SIGNATURES = ("(", "[", "def ", "async def ", "Overload[")


class PyreflyCompanion(Serving):
    """See `languages.language.Companion`."""

    def __init__(self, language: Language, root: Path, files: Mapping[str, SourceFile], version: Version) -> None:
        super().__init__(files, version, packages_of(root))
        self.language = language

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


def _term(declared: str) -> TypeExpr:
    """The type of what is declared like this; functions are shown by their signatures."""
    text = declared.strip()
    return CallableType(None, UNKNOWN) if text.startswith(SIGNATURES) else parse_type(text)


def _declared(detail: str | None) -> str:
    """A declaration on one line."""
    text = " ".join((detail or "").split())
    return text if len(text) <= LONGEST_DECLARED else ""
