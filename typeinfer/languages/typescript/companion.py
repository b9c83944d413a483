"""Companion: a TypeScript project in; a compiler that stays, and tells what may stand behind a dot or by itself, out.

It works on a copy outside the project, as for evidence. Knows nothing of what is likely.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from typeinfer.languages.typescript.checker import INFERRING
from typeinfer.languages.typescript.compiler import Place, find_compiler, started
from typeinfer.languages.typescript.workspace import copied
from typeinfer.values.inferred import Complaint
from typeinfer.values.members import Member, MemberKind
from typeinfer.values.source import SourceFile


class CompilerCompanion:
    """See `languages.language.Companion`."""

    def __init__(self, root: Path, files: Mapping[str, SourceFile]) -> None:
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
        path = self._shown(file)
        place = Place(path, file.line_of(start) - 1, file.utf16_column_of(start))
        return tuple(self.session.offered(place))

    def errors(self, file: SourceFile) -> tuple[Complaint, ...]:
        (found,) = self.session.complaints([self._shown(file)])
        return tuple((str(one.code), one.message) for one in found)

    def close(self) -> None:
        self.ended.close()

    def _shown(self, file: SourceFile) -> Path:
        """Where the file lies, once its text is the one that counts."""
        if self.about != file.path and (before := self.files.get(self.about)) is not None:
            self.session.open({self.folder / self.about: before.text})
        self.about = file.path
        path = self.folder / file.path
        self.session.open({path: file.text})
        return path
