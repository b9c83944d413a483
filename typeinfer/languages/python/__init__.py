"""Python: the `Language` protocol, each promise kept by the module that is named for it."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import tree_sitter

from typeinfer.languages import treesitter
from typeinfer.languages.language import Companion, Installed, Staying, Version
from typeinfer.languages.python import conventions, fixtures, protocols, runtime
from typeinfer.languages.python.annotations import parse_type, write_type
from typeinfer.languages.python.syntax import PYTHON, PYTHON_2, fault, read
from typeinfer.values.handed import Handed
from typeinfer.values.inferred import Diagnostic, Inference
from typeinfer.values.module import Class, Function, Module
from typeinfer.values.naming import NamesInScope, Wanted
from typeinfer.values.patches import Edit, Rewrite, Writer
from typeinfer.values.slots import SlotId
from typeinfer.values.source import SourceFile, Span
from typeinfer.values.typeexpr import Named, TypeExpr


class Python:
    """Python 3.7 to 3.14. LibCST, typeshed and the checker are imported when first asked for, not before."""

    name: str = "python"
    suffixes: tuple[str, ...] = (".py",)
    foreign: Mapping[str, str] = MappingProxyType({})
    declaration_suffixes: tuple[str, ...] = ()
    project_files: tuple[str, ...] = ("pyproject.toml", "setup.py", "setup.cfg")
    package_markers: tuple[str, ...] = ("__init__.py",)
    source_folders: tuple[str, ...] = conventions.SOURCE_FOLDERS
    ambient: bool = False
    stub_suffix: str = ".pyi"
    default_version: Version = (3, 10)
    result_mark: str = "->"
    receiver: str | None = None
    constructor: str = "__init__"
    exit_methods: frozenset[str] = frozenset({"__exit__", "__aexit__"})
    needs_arguments: frozenset[str] = frozenset(
        {"list", "dict", "set", "frozenset", "collections.deque", "collections.defaultdict"}
    )
    containers: Mapping[str, int] = MappingProxyType(
        {"list": 1, "dict": 2, "set": 1, "collections.deque": 1, "collections.OrderedDict": 2}
    )
    puts: Mapping[str, tuple[int | None, ...]] = MappingProxyType(
        {"append": (0,), "appendleft": (0,), "insert": (None, 0), "add": (0,), "setdefault": (0, 1)}
    )
    pours: frozenset[str] = frozenset({"extend", "extendleft", "update"})
    awaitables: frozenset[str] = frozenset(
        f"{module}.{name}" for module in ("typing", "collections.abc", "types") for name in ("Coroutine", "Awaitable")
    )
    plain_types: frozenset[str] = frozenset({"bool", "int", "float", "complex", "str", "bytes", "None"})
    # PEP 484, the numeric tower.
    wider: frozenset[tuple[str, str]] = frozenset(
        {("bool", "int"), ("bool", "float"), ("int", "float"), ("int", "complex"), ("float", "complex")}
    )
    truth_type: TypeExpr = Named("bool")
    number_type: TypeExpr = Named("int")
    anything: TypeExpr = Named("typing.Any")
    text_type: TypeExpr = Named("str")
    text_methods: frozenset[str] = frozenset(
        (
            "lower upper strip lstrip rstrip splitlines startswith endswith encode format title capitalize casefold "
            "isdigit isalpha isspace partition rpartition zfill split rsplit replace isidentifier swapcase isupper "
            "islower"
        ).split()
    )
    common_members: frozenset[str] = frozenset(
        name for builtin in (str, bytes, list, tuple, dict, set, int, float) for name in dir(builtin)
    )

    endings: tuple[str, ...] = ("", ": pass", ":", " else 0", ",")
    unread: re.Pattern[bytes] = re.compile(
        # One that has values in it is code; and a comment may state a type, or have a checker look away.
        rb"""(?:\b[rR]?[fFtT][rR]?)(?P<quotes>\"{3}|'{3}).*?(?P=quotes)"""
        # Three words one after the other are said to people, too, and are no name or type; looked for where it takes no long time.
        rb"""|(?P<prose>(?P<marks>\"{3}|'{3})(?:\\.|.)*?(?P=marks)"""
        rb"""|(?<![fFtT])(?<![fFtT][rR])(?P<mark>["'])(?=[^"'\\\n]{0,200}?\w \w{1,30} \w)(?:\\.|(?!(?P=mark))[^\\\n])*(?P=mark))"""
        rb"""|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'"""
        rb"""|(?P<comment>\#(?!\s*(?:type|pyre|pyright|pyrefly|mypy|ty)\b)[^\n]*)""",
        re.DOTALL,
    )
    binding: re.Pattern[bytes] = re.compile(
        rb"\b(def|class|as|import|for|lambda|global|nonlocal)\s+$|^\s*(from|import)\b[^;]*$"
    )
    fillers: tuple[str, ...] = tuple(
        (
            "try: |else: |finally: |if x: |elif x: |except x: |case x: |with x: |def x(): |class x: |@x|): |"
            "x(|if x(|for x in x(|with x(|def x(|class x(|[|{|)|]|}|),|],|},"
        ).split("|")
    )
    bodies: Mapping[str, str] = MappingProxyType({":": " pass"})
    checkers: tuple[str, ...] = ("pyrefly", "ty", "basedpyright", "pyright", "mypy")
    settings_files: tuple[str, ...] = (
        "pyproject.toml", "setup.cfg", "mypy.ini", ".mypy.ini", "pyrightconfig.json", "ty.toml", "pyrefly.toml"
    )  # fmt: skip

    def settings_extended_by(self, file: Path) -> Iterable[Path]:
        return ()

    def versions(self) -> tuple[str, ...]:
        packages = ("pyrefly", "typeshed-client", "docstring-parser", "tree-sitter-python")
        return tuple(f"{package} {metadata.version(package)}" for package in packages)

    def surroundings(self, root: Path, checker: str) -> tuple[str, ...]:
        from typeinfer.languages.python import checkers

        return tuple(checkers.surroundings(checker))

    def grammar(self, path: str) -> tree_sitter.Language:
        return PYTHON

    def parse(self, path: str, data: bytes) -> tree_sitter.Tree:
        return treesitter.parse(PYTHON, data)

    def localize(self, root: Path, modules: Mapping[str, Module]) -> Mapping[str, Module]:
        return modules

    def migrated(self, file: SourceFile) -> str | None:
        return None

    def project_additions(self, root: Path, migrated: Iterable[str]) -> Mapping[str, str]:
        return {}

    def module_name(self, path: str, packages: frozenset[str]) -> tuple[str, bool]:
        place = PurePosixPath(path)
        is_package = place.name in self.package_markers
        parts = [] if is_package else [place.stem]
        folder = place.parent
        while folder.as_posix() in packages and folder.name:
            parts.insert(0, folder.name)
            folder = folder.parent
        return ".".join(parts), is_package

    def read(self, file: SourceFile, name: str, is_package: bool) -> Module:
        return read(file, name, is_package)

    def fault(self, file: SourceFile) -> Span | None:
        return fault(file)

    def refusal(self, file: SourceFile, module: Module) -> str | None:
        if not module.errors:
            return None
        line = file.line_of(module.errors[0].start)
        if PYTHON_2.search(file.data[file.line_starts[line - 1] : module.errors[0].end]):
            return f"line {line} is Python 2; only Python 3 is annotated"
        return f"line {line} does not parse"

    def parse_type(self, text: str) -> TypeExpr:
        return parse_type(text)

    def write_type(self, term: TypeExpr) -> str:
        return write_type(term)

    def is_writable(self, term: TypeExpr) -> bool:
        return True

    def library_signature(self, owner: str, method: str) -> Mapping[str, TypeExpr]:
        from typeinfer.languages.python import library

        return library.signature(owner, method)

    def library_bases(self, qualified: str) -> tuple[str, ...]:
        from typeinfer.languages.python import library

        return library.bases(qualified)

    def is_library(self, module: str) -> bool:
        from typeinfer.languages.python import library

        return library.is_library(module)

    def names_type(self, qualified: str) -> bool:
        return conventions.names_class(qualified)

    def is_builtin(self, name: str) -> bool:
        from typeinfer.languages.python import library

        return name == "None" or ("." not in name and library.is_class(name))

    def library_class(self, qualified: str) -> str | None:
        """The public name of a library class, or None where the library has no such class or alias."""
        from typeinfer.languages.python import library

        if qualified in fixtures.CLASSES:
            return qualified
        return library.public_name(qualified) if library.exists(qualified) else None

    def documented_types(self, docstring: str) -> Mapping[str, TypeExpr]:
        from typeinfer.languages.python import docstrings

        return docstrings.documented_types(docstring)

    def protocol_type(self, function: Function, part: str) -> TypeExpr | None:
        return protocols.protocol_type(function, part)

    def wrap_result(self, function: Function, result: TypeExpr, yielded: TypeExpr) -> TypeExpr:
        return protocols.wrap_result(function, result, yielded)

    def unwrap_result(self, function: Function, seen: TypeExpr) -> TypeExpr:
        return protocols.unwrap_result(function, seen)

    def names_hint(self, name: str) -> TypeExpr | None:
        return protocols.names_hint(name)

    def infer(
        self,
        root: Path,
        files: Mapping[str, SourceFile],
        added: Mapping[str, str],
        version: Version,
    ) -> Inference:
        from typeinfer.languages.python import inference

        return inference.infer(files, version)

    def installed(self, root: Path) -> Installed | None:
        from typeinfer.languages.python import packages

        return packages.installed(root)

    def infer_seeing(
        self, installed: Installed, modules: Mapping[str, Module], asked: Collection[str], version: Version
    ) -> Mapping[SlotId, TypeExpr]:
        from typeinfer.languages.python import hinted, packages

        assert isinstance(installed, packages.Packages), "it is ours"
        return hinted.hinted(modules, asked, version, installed)

    def checker_of(self, root: Path) -> str | None:
        from typeinfer.languages.python import checkers

        return checkers.configured(root)

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
        from typeinfer.languages.python import checkers

        return checkers.diagnose(checker, root, files, version, everywhere, _folders(installed))

    def staying(self, root: Path, version: Version, infers: bool, installed: Installed | None = None) -> Staying | None:
        from typeinfer.languages.python.watching import Watching

        return Watching(root, version, infers, _folders(installed)) if os.name != "nt" else None

    def companion(self, root: Path, files: Mapping[str, SourceFile], version: Version) -> Companion:
        from typeinfer.languages.python.companion import PyreflyCompanion

        return PyreflyCompanion(self, root, files, version)

    def leaves_out(self, checker: str) -> bool:
        from typeinfer.languages.python import checkers

        return bool(checkers.CHECKERS[checker].everywhere)

    def shy(self, checker: str) -> Collection[str]:
        from typeinfer.languages.python import checkers

        return checkers.CHECKERS[checker].shy

    def writer(self, module: Module, names: NamesInScope, version: Version) -> Writer:
        from typeinfer.languages.python import rewrite

        return rewrite.writer(module, names, version)

    def import_edits(self, module: Module, wanted: Sequence[Wanted], names: NamesInScope) -> list[tuple[Edit, ...]]:
        from typeinfer.languages.python import rewrite

        return rewrite.import_edits(module, wanted, names)

    def load_proof(self) -> None:
        from typeinfer.languages.python import erasure  # noqa: F401

    def prove_erasable(self, before: SourceFile, after: SourceFile, rewrite: Rewrite) -> None:
        from typeinfer.languages.python import erasure

        erasure.prove_erasable(before, after, rewrite)

    def stub(self, annotated: SourceFile) -> str:
        from typeinfer.languages.python import stubs

        return stubs.stub(annotated)

    def is_field_class(self, declared: Class, bases: Iterable[str]) -> bool:
        return declared.fields or any(base.rpartition(".")[2] in runtime.FIELD_BASES for base in bases)

    def handed(self, module: Module, function: Function) -> Handed | None:
        return fixtures.handed(module, function)

    def offered_as(self, module: Module, function: Function) -> str | None:
        return fixtures.offered_as(module, function)

    def offering(self, path: str) -> tuple[str, ...]:
        return fixtures.offering(path)

    def is_property(self, function: Function) -> bool:
        return runtime.is_property(function.decorators)

    def is_setter(self, function: Function) -> bool:
        return runtime.is_setter(function.name, function.decorators)


def _folders(installed: Installed | None) -> Sequence[Path]:
    from typeinfer.languages.python.packages import Packages

    return installed.folders if isinstance(installed, Packages) else ()
