"""Companion: a TypeScript project in; a compiler that stays, and tells what may stand behind a dot or by itself, out.

It works on a copy outside the project, as for evidence. Knows nothing of what is likely.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path

from typeinfer.languages.language import Language
from typeinfer.languages.taking import suited
from typeinfer.languages.typescript.annotations import parse_type
from typeinfer.languages.typescript.checker import INFERRING
from typeinfer.languages.typescript.compiler import Place, find_compiler, started
from typeinfer.languages.typescript.display import PARAMETER, type_of_value
from typeinfer.languages.typescript.workspace import copied
from typeinfer.values.inferred import Complaint
from typeinfer.values.members import Member, MemberKind
from typeinfer.values.source import SourceFile
from typeinfer.values.typeexpr import UNKNOWN, CallableType, TypeExpr, Unknown

ANY_CALL = CallableType(None, UNKNOWN)

MOST_SHOWN = 40
"""Names whose types are asked for."""


class CompilerCompanion:
    """See `languages.language.Companion`."""

    def __init__(self, language: Language, root: Path, files: Mapping[str, SourceFile]) -> None:
        self.language = language
        compiler = find_compiler(root)
        self.files, self.about = dict(files), ""
        self.ended = contextlib.ExitStack()
        try:
            workspace = self.ended.enter_context(copied(root, files, {}, compiler.major, INFERRING))
            self.folder = workspace.root
            self.session = self.ended.enter_context(started(compiler, workspace.root, float("inf")))
            self.session.open(workspace.texts)
        except BaseException:
            self.ended.close()
            raise

    def put(self, files: Mapping[str, SourceFile | None]) -> None:
        for path, file in files.items():
            if file is not None:
                self.files[path] = file
        # Of a file that is gone its last text stays: a compiler knows what was opened until it ends.
        self.session.open({self.folder / path: file.text for path, file in files.items() if file is not None})

    def members(self, file: SourceFile, offset: int) -> tuple[Member, ...]:
        # Behind a dot stands no word of the language.
        return tuple(one for one in self.names(file, offset, offset) if one.kind is not MemberKind.KEYWORD)

    def names(self, file: SourceFile, start: int, end: int) -> tuple[Member, ...]:
        return tuple(self.session.offered(self._place(self._shown(file), file, start)))

    def suiting(self, file: SourceFile, start: int, end: int, names: Sequence[Member]) -> Mapping[str, bool]:
        path = self._shown(file)
        labels = self.session.parameters(self._place(path, file, start))
        declared = [PARAMETER.sub("", label, count=1) for label in labels]
        wanted = [
            _term(one[:-2] if label.startswith("...") else one) for label, one in zip(labels, declared, strict=True)
        ]
        if all(isinstance(one, Unknown) for one in wanted):
            return {}
        # Of what is in scope no type is told; of what stands in the text it is.
        values = [one.name for one in names if one.kind is MemberKind.VALUE][:MOST_SHOWN]
        starts = list(accumulate((len(name.encode()) + 2 for name in values), initial=start + 1))
        listed = file.with_data(file.data[:start] + f"({', '.join(values)})".encode() + file.data[end:])
        self._shown(listed)
        shown = self.session.shown([self._place(path, listed, at) for at in starts[: len(values)]])
        given: dict[str, TypeExpr] = {one.name: ANY_CALL for one in names if one.kind is MemberKind.CALLABLE}
        given |= {
            name: _term(type_of_value(one) or "") for name, one in zip(values, shown, strict=True) if one is not None
        }
        return suited(self.language, wanted, given)

    def errors(self, file: SourceFile) -> tuple[Complaint, ...]:
        (found,) = self.session.complaints([self._shown(file)])
        return tuple((str(one.code), one.message) for one in found)

    def close(self) -> None:
        self.ended.close()

    def _place(self, path: Path, file: SourceFile, offset: int) -> Place:
        return Place(path, file.line_of(offset) - 1, file.utf16_column_of(offset))

    def _shown(self, file: SourceFile) -> Path:
        """Where the file lies, once its text is the one that counts."""
        if self.about != file.path and (before := self.files.get(self.about)) is not None:
            self.session.open({self.folder / self.about: before.text})
        self.about = file.path
        path = self.folder / file.path
        self.session.open({path: file.text})
        return path


def _term(text: str) -> TypeExpr:
    return ANY_CALL if " => " in text and text.startswith("(") else parse_type(text)
