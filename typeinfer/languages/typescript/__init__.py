"""TypeScript and JavaScript: the `Language` protocol, each promise kept by the module that is named for it.

A type is a term whose absent value is `NONE`: `void` where it is a whole result, `undefined` where it is one of several.
`null` is a type of its own. A module is named by its path from the root, without suffix; an `index` file by its folder.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from types import MappingProxyType

import tree_sitter

from typeinfer.languages.language import Companion, Installed, Staying, Version
from typeinfer.languages.typescript import conventions, library, projects
from typeinfer.languages.typescript.annotations import is_writable, parse_type, write_type
from typeinfer.languages.typescript.parsing import grammar, parse
from typeinfer.languages.typescript.refusals import refusal
from typeinfer.languages.typescript.syntax import read
from typeinfer.languages.typescript.tsconfig import extended_by
from typeinfer.values.handed import Handed
from typeinfer.values.inferred import Diagnostic, Inference
from typeinfer.values.module import Class, Function, Module
from typeinfer.values.naming import NamesInScope, Wanted
from typeinfer.values.patches import Edit, Rewrite, Writer
from typeinfer.values.slots import SlotId
from typeinfer.values.source import SourceFile, Span
from typeinfer.values.typeexpr import Named, TypeExpr


class TypeScript:
    """TypeScript 5 and later, and JavaScript as it is read by the same compiler. Versions play no part in its syntax."""

    name: str = "typescript"
    suffixes: tuple[str, ...] = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")
    foreign: Mapping[str, str] = MappingProxyType(
        {
            ".vue": "holds its script inside a Vue component, which is not read",
            ".svelte": "holds its script inside a Svelte component, which is not read",
        }
    )
    declaration_suffixes: tuple[str, ...] = (".d.ts", ".d.mts", ".d.cts")
    project_files: tuple[str, ...] = ("package.json",)
    package_markers: tuple[str, ...] = tuple(f"index{suffix}" for suffix in suffixes)
    source_folders: tuple[str, ...] = ()
    ambient: bool = True
    stub_suffix: str = ".d.ts"
    default_version: Version = (5, 0)
    result_mark: str = ":"
    receiver: str | None = "this"
    constructor: str = "constructor"
    exit_methods: frozenset[str] = frozenset()
    needs_arguments: frozenset[str] = frozenset(
        "Array ReadonlyArray Map ReadonlyMap Set ReadonlySet WeakMap WeakSet Promise PromiseLike Record Partial Iterable "
        "Iterator IterableIterator AsyncIterable AsyncIterator Generator AsyncGenerator".split()
    )
    containers: Mapping[str, int] = MappingProxyType({"Map": 2, "Set": 1})
    puts: Mapping[str, tuple[int | None, ...]] = conventions.PUTS
    pours: frozenset[str] = frozenset()
    awaitables: frozenset[str] = frozenset({"Promise", "PromiseLike"})
    plain_types: frozenset[str] = frozenset({"string", "number", "boolean", "bigint", "symbol", "null", "None"})
    wider: frozenset[tuple[str, str]] = frozenset()
    truth_type: TypeExpr = Named("boolean")
    number_type: TypeExpr = Named("number")
    anything: TypeExpr = Named("any")
    text_type: TypeExpr = Named("string")
    text_methods: frozenset[str] = library.TEXT_METHODS
    common_members: frozenset[str] = library.COMMON_MEMBERS

    endings: tuple[str, ...] = ("", ";", " {}", " : 0", ",", ": 0")
    unread: re.Pattern[bytes] = re.compile(
        # What stands before a declaration may state its types; and a comment may have the compiler look away.
        rb"""(?P<prose>/\*\*.*?\*/)"""
        rb"""|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`"""
        rb"""|(?P<comment>//(?!\s*@ts-)[^\n]*|/\*(?!\s*@ts-).*?\*/)""",
        re.DOTALL,
    )
    binding: re.Pattern[bytes] = re.compile(
        rb"\b(function\*?|class|interface|type|enum|namespace|const|let|var|import|catch\s*\()\s+$|^\s*import\b[^;(]*$"
    )
    fillers: tuple[str, ...] = tuple(
        (
            "if (x) {|else {|} else {|try {|} catch {|} finally {|switch (x) {|case x:|x() {|x: {|const x = {|"
            "x(|if (|if (x(|function x(|{|[|}|)|]|});|};|),|],|},|`"
        ).split("|")
    )
    bodies: Mapping[str, str] = MappingProxyType({"{": "}"})
    checkers: tuple[str, ...] = ("tsc",)
    settings_files: tuple[str, ...] = ("tsconfig.json", "jsconfig.json", "package.json")

    def settings_extended_by(self, file: Path) -> Iterable[Path]:
        return extended_by(file)

    def versions(self) -> tuple[str, ...]:
        return (f"tree-sitter-typescript {metadata.version('tree-sitter-typescript')}",)

    def surroundings(self, root: Path, checker: str) -> tuple[str, ...]:
        from typeinfer.languages.typescript import compiler

        return tuple(compiler.surroundings(root))

    def grammar(self, path: str) -> tree_sitter.Language:
        return grammar(path)

    def parse(self, path: str, data: bytes) -> tree_sitter.Tree:
        return parse(path, data)

    def localize(self, root: Path, modules: Mapping[str, Module]) -> Mapping[str, Module]:
        return projects.localize(root, modules)

    def migrated(self, file: SourceFile) -> str | None:
        return projects.migrated(file)

    def project_additions(self, root: Path, migrated: Iterable[str]) -> Mapping[str, str]:
        return projects.project_additions(root, migrated)

    def module_name(self, path: str, packages: frozenset[str]) -> tuple[str, bool]:
        return projects.module_name(path)

    def read(self, file: SourceFile, name: str, is_package: bool) -> Module:
        return read(file, name, is_package)

    def fault(self, file: SourceFile) -> Span | None:
        return None

    def refusal(self, file: SourceFile, module: Module) -> str | None:
        return refusal(file, module)

    def parse_type(self, text: str) -> TypeExpr:
        return parse_type(text)

    def write_type(self, term: TypeExpr) -> str:
        return write_type(term)

    def is_writable(self, term: TypeExpr) -> bool:
        return is_writable(term) is None

    def library_signature(self, owner: str, method: str) -> Mapping[str, TypeExpr]:
        return {}  # The compiler's own library is the compiler's to tell of.

    def library_bases(self, qualified: str) -> tuple[str, ...]:
        return ()

    def library_class(self, qualified: str) -> str | None:
        return qualified if library.is_builtin(qualified) else None

    def names_type(self, qualified: str) -> bool:
        return False  # What a file imports of a package may be any of it: `type_names.py`.

    def is_builtin(self, name: str) -> bool:
        return library.is_builtin(name)

    def is_library(self, module: str) -> bool:
        return library.is_library(module)

    def documented_types(self, docstring: str) -> Mapping[str, TypeExpr]:
        from typeinfer.languages.typescript import jsdoc

        return jsdoc.documented_types(docstring)

    def protocol_type(self, function: Function, part: str) -> TypeExpr | None:
        return conventions.protocol_type(function, part)

    def wrap_result(self, function: Function, result: TypeExpr, yielded: TypeExpr) -> TypeExpr:
        return conventions.wrap_result(function, result, yielded)

    def unwrap_result(self, function: Function, seen: TypeExpr) -> TypeExpr:
        return seen  # A promise is annotated as the promise it is.

    def names_hint(self, name: str) -> TypeExpr | None:
        return conventions.names_hint(name)

    def infer(
        self,
        root: Path,
        files: Mapping[str, SourceFile],
        added: Mapping[str, str],
        version: Version,
    ) -> Inference:
        from typeinfer.languages.typescript import checker

        return checker.infer(root, files, added)

    def installed(self, root: Path) -> Installed | None:
        return None

    def infer_seeing(
        self, installed: Installed, modules: Mapping[str, Module], asked: Collection[str], version: Version
    ) -> Mapping[SlotId, TypeExpr]:
        return {}

    def checker_of(self, root: Path) -> str | None:
        return None

    def diagnose(
        self,
        root: Path,
        files: Mapping[str, SourceFile],
        added: Mapping[str, str],
        version: Version,
        checker: str,
        everywhere: bool = True,
        installed: Installed | None = None,
    ) -> tuple[Diagnostic, ...]:
        from typeinfer.languages.typescript import checker as compiler

        return compiler.diagnose(root, files, added)

    def staying(self, root: Path, version: Version, infers: bool, installed: Installed | None = None) -> Staying | None:
        return None

    def companion(self, root: Path, files: Mapping[str, SourceFile], version: Version) -> Companion:
        from typeinfer.languages.typescript.companion import CompilerCompanion

        return CompilerCompanion(self, root, files)

    def leaves_out(self, checker: str) -> bool:
        return False

    def shy(self, checker: str) -> Collection[str]:
        return ()

    def writer(self, module: Module, names: NamesInScope, version: Version) -> Writer:
        from typeinfer.languages.typescript import rewrite

        return rewrite.writer(module, names)

    def import_edits(self, module: Module, wanted: Sequence[Wanted], names: NamesInScope) -> list[tuple[Edit, ...]]:
        from typeinfer.languages.typescript import rewrite

        return rewrite.import_edits(module, wanted, names)

    def load_proof(self) -> None:
        from typeinfer.languages.typescript import erasure  # noqa: F401

    def prove_erasable(self, before: SourceFile, after: SourceFile, rewrite: Rewrite) -> None:
        from typeinfer.languages.typescript import erasure

        erasure.prove_erasable(before, after, rewrite)

    def stub(self, annotated: SourceFile) -> str:
        from typeinfer.languages.typescript import stubs

        return stubs.stub(annotated)

    def is_field_class(self, declared: Class, bases: Iterable[str]) -> bool:
        return False  # Annotations are gone when the program runs; what decorators make of them the reader marks.

    def handed(self, module: Module, function: Function) -> Handed | None:
        return None

    def offered_as(self, module: Module, function: Function) -> str | None:
        return None

    def offering(self, path: str) -> tuple[str, ...]:
        return ()

    def is_property(self, function: Function) -> bool:
        return conventions.is_property(function)

    def is_setter(self, function: Function) -> bool:
        return conventions.is_setter(function)
