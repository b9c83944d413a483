"""Language: the protocol that a language's folder keeps, and nothing else. See `tests/laws/test_language.py`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import tree_sitter

from typeinfer.values.handed import Handed
from typeinfer.values.inferred import Complaint, Diagnostic, Inference
from typeinfer.values.members import Member
from typeinfer.values.module import Class, Function, Module
from typeinfer.values.naming import NamesInScope, Wanted
from typeinfer.values.patches import Edit, Rewrite, Writer
from typeinfer.values.slots import SlotId
from typeinfer.values.source import SourceFile, Span
from typeinfer.values.typeexpr import TypeExpr

Version = tuple[int, int]


class NotErasable(Exception):
    """A result that is more than the file before plus annotations; the message says where, in one line."""


class Staying(Protocol):
    """A checker that hears about one state of a project after the other, and need only look at what changed. Everything raises
    `CheckerFailed`, after which it is of no use."""

    def begin(self, files: Mapping[str, SourceFile]) -> None:
        """Have it look at these texts before it is asked, for the first time or again. Returns at once; why it can't is heard when
        it is asked."""

    def infer(self, files: Mapping[str, SourceFile]) -> Inference:
        """As `Language.infer`, of the same files as always."""

    def diagnose(self, files: Mapping[str, SourceFile]) -> tuple[Diagnostic, ...]:
        """As `Language.diagnose`, everywhere, of the same files as always."""

    def close(self) -> None: ...


class Installed(Protocol):
    """Other people's packages that a project is run with. Files are read, nothing in them is run."""

    state: tuple[str, ...]
    """Another one when something is put there or taken away."""

    def has(self, package: str) -> bool:
        """Whether something is imported by this name, which has no dot."""

    def names_of(self, qualified: str) -> tuple[str, ...]:
        """The public names that a class is imported by, given one of them or where it is defined; the shortest first."""


class Companion(Protocol):
    """A checker that stays. Everything raises `CheckerFailed`, after which it is of no use."""

    def put(self, files: Mapping[str, SourceFile | None]) -> None:
        """Texts of the project that are others now, or gone. Seen soon, if not at once."""

    def members(self, file: SourceFile, offset: int) -> tuple[Member, ...]:
        """What the expression before the dot has whose name begins at a byte of this text; nothing where its type isn't known.

        The text counts for this question only, in the place of the one the file has.
        """

    def names(self, file: SourceFile, start: int, end: int) -> tuple[Member, ...]:
        """What may stand by itself instead of the name between two bytes of this text, which counts for this question only: what is
        in scope, words of the language, and parameters of the function that is called there."""

    def suiting(self, file: SourceFile, start: int, end: int, names: Sequence[Member]) -> Mapping[str, bool]:
        """Which of these names, of those that `names` gave for the place, are of a type that the argument between two bytes may
        have: as far as something is called there and both types are known."""

    def errors(self, file: SourceFile) -> tuple[Complaint, ...]:
        """What is wrong in this text, which counts for this question only."""

    def close(self) -> None: ...


class Language(Protocol):
    """One language, from bytes to facts and from types to edits."""

    name: str
    suffixes: tuple[str, ...]
    foreign: Mapping[str, str]
    """Suffixes of files that hold code of this language inside something else, and why such a file is left alone."""
    declaration_suffixes: tuple[str, ...]
    """How the names of files end that declare and hold no code."""
    project_files: tuple[str, ...]
    """Names of files that stand at the root of a project."""
    package_markers: tuple[str, ...]
    """Names of files that stand for the folder that they are in."""
    source_folders: tuple[str, ...]
    """Folders at the root of a project that no import names: what is below them is imported as if it stood at the root."""
    ambient: bool
    """Whether a file may declare what others see without an import."""
    stub_suffix: str
    default_version: Version
    result_mark: str
    """What stands before the annotation of what a function returns; before every other one it is a colon."""
    receiver: str | None
    """The word by which a method reaches its own object; None where that is the method's first parameter."""
    constructor: str
    """The method that a call of its class reaches."""
    exit_methods: frozenset[str]
    """The methods that the end of a `with` reaches."""
    needs_arguments: frozenset[str]
    """Containers that say nothing without the type of what is in them."""
    containers: Mapping[str, int]
    """Containers that are made empty by a call, and how many type arguments each has."""
    puts: Mapping[str, tuple[int | None, ...]]
    """Methods that put something into a container: for each argument by position which type argument of the container it is one
    of, or None where it is none of them."""
    pours: frozenset[str]
    """Methods that put all of another container into one."""
    awaitables: frozenset[str]
    """What is awaited, with what comes of it as the last argument."""
    plain_types: frozenset[str]
    """Types of which everything is known: a value of another type is none of them."""
    wider: frozenset[tuple[str, str]]
    """Plain types of which the first may stand where the second is asked for."""
    truth_type: TypeExpr
    number_type: TypeExpr
    """What a number is of that is written without a point."""
    anything: TypeExpr
    """What is written where every type is meant, inside of another: `dict[str, Any]`."""
    text_type: TypeExpr
    text_methods: frozenset[str]
    """Methods that text alone has."""
    common_members: frozenset[str]
    """Members of the types that every program uses: to have one of these says nothing of a class."""

    checkers: tuple[str, ...]
    """The checkers that can be asked for errors; the first where nothing says which."""
    endings: tuple[str, ...]
    """What makes a whole statement of one that ends behind an expression with all brackets closed; the likeliest first."""
    binding: re.Pattern[bytes]
    """What ends a line behind which a name is made or imported, not read."""
    unread: re.Pattern[bytes]
    """What of a text isn't read as code: as the group `comment` what means nothing at all, as `prose` what is said to people and
    may say something of what it stands in; it finds other strings, too, so that none is taken for either."""
    fillers: tuple[str, ...]
    """Lines of which a text may lack one so that it can't be read without it."""
    bodies: Mapping[str, str]
    """What ends a line that opens a block, and the least that may follow."""

    settings_files: tuple[str, ...]
    """Names of files that say how what lies beside and below them is checked."""

    def settings_extended_by(self, file: Path) -> Iterable[Path]:
        """The files, wherever they lie, that one of those goes on from. Never raises."""

    def versions(self) -> tuple[str, ...]:
        """Names and versions of the packages whose word becomes evidence: what was found with others may be out of date."""

    def surroundings(self, root: Path, checker: str) -> tuple[str, ...]:
        """What one of `checkers` is, and what else it sees that is none of the project's: what is installed, variables of the
        environment. With others it may report otherwise. Never raises."""

    def grammar(self, path: str) -> tree_sitter.Language:
        """The tree-sitter grammar that reads a file of this name."""

    def parse(self, path: str, data: bytes) -> tree_sitter.Tree:
        """The tree by that grammar of a file of this name, as its facts were read from it."""

    def localize(self, root: Path, modules: Mapping[str, Module]) -> Mapping[str, Module]:
        """The modules, by path, with imports that go by another name (path aliases, workspaces) named as what they import.

        Reads the settings below `root` that say so. Never raises for what stands in them.
        """

    def migrated(self, file: SourceFile) -> str | None:
        """The path by which a file would become one that takes annotations, or None where it is one, or no such file."""

    def project_additions(self, root: Path, migrated: Iterable[str]) -> Mapping[str, str]:
        """Files, by path, that the project needs once these files are migrated and that aren't there: name -> text."""

    def module_name(self, path: str, packages: frozenset[str]) -> tuple[str, bool]:
        """The import name of a file and whether it is a package; `packages` are the folders that hold a package marker."""

    def read(self, file: SourceFile, name: str, is_package: bool) -> Module:
        """Everything one file tells. Never raises for what stands in the file."""

    def fault(self, file: SourceFile) -> Span | None:
        """What of a text that the grammar reads is none of this language after all. Asked once a text: it may take longer than
        `read`."""

    def refusal(self, file: SourceFile, module: Module) -> str | None:
        """Why this file must not be rewritten (another version of the language, generated, not parseable), or None."""

    def parse_type(self, text: str) -> TypeExpr:
        """An annotation's text as a type whose names are as written; `Unknown` where it says nothing."""

    def write_type(self, term: TypeExpr) -> str:
        """A type as this language's users write it, names unqualified: for reports, never for files."""

    def is_writable(self, term: TypeExpr) -> bool:
        """Whether a type without holes is one that is ever written."""

    def library_signature(self, owner: str, method: str) -> Mapping[str, TypeExpr]:
        """What the language's library declares for a method of one of its classes: parameter names in order and `return`."""

    def library_bases(self, qualified: str) -> tuple[str, ...]:
        """The qualified names of the direct bases of a library class, or nothing for what is no library class."""

    def library_class(self, qualified: str) -> str | None:
        """The name that programs import a library class by, or None where the library has no such class."""

    def names_type(self, qualified: str) -> bool:
        """Whether a name of somebody else's package may be that of a type, by how such names are written."""

    def is_builtin(self, name: str) -> bool:
        """Whether a bare name is a type that the language always has in scope."""

    def is_library(self, module: str) -> bool:
        """Whether a module belongs to the language's own library."""

    def documented_types(self, docstring: str) -> Mapping[str, TypeExpr]:
        """Types that a docstring states, by parameter name, `return` and `yield`; names as written."""

    def protocol_type(self, function: Function, part: str) -> TypeExpr | None:
        """What the language itself fixes for a special method's parameter or `return` (`__len__` returns an integer)."""

    def wrap_result(self, function: Function, result: TypeExpr, yielded: TypeExpr) -> TypeExpr:
        """The annotation of a function that returns `result` and yields `yielded`: async and generator wrappers."""

    def unwrap_result(self, function: Function, seen: TypeExpr) -> TypeExpr:
        """The annotation of a function whose result a caller sees as `seen`: what a coroutine gives when awaited."""

    def names_hint(self, name: str) -> TypeExpr | None:
        """The type that a bare name suggests by convention (`is_open`): weak evidence."""

    def infer(
        self,
        root: Path,
        files: Mapping[str, SourceFile],
        added: Mapping[str, str],
        version: Version,
    ) -> Inference:
        """What the installed checker infers for these texts. Raises `CheckerFailed`.

        `root` is the folder that the paths count from; of what lies there only settings and other people's packages are
        read. `added` are `project_additions` that aren't there yet.
        """

    def installed(self, root: Path) -> Installed | None:
        """What the project at `root` is run with; None where it has no environment of its own, and where `infer` sees it anyway."""

    def infer_seeing(
        self, installed: Installed, modules: Mapping[str, Module], asked: Collection[str], version: Version
    ) -> Mapping[SlotId, TypeExpr]:
        """What the checker infers of slots of the files asked about with what is installed in view: of returns, attributes and
        variables that have no annotation. A coroutine's as its caller sees it, and classes by the names that they are imported by.
        Raises `CheckerFailed`."""

    def checker_of(self, root: Path) -> str | None:
        """The checker that the settings of a project are made for, or None where there are none."""

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
        """The errors that one of `checkers` reports for these texts, missing packages left aside; `everywhere`: also in functions
        without annotations, which it may leave out by itself. `installed`: what it is to see, unless it looks for that itself.
        Raises `CheckerFailed`."""

    def staying(self, root: Path, version: Version, infers: bool, installed: Installed | None = None) -> Staying | None:
        """The first of `checkers`, which infers, to hear about one state after the other; None where it can't stay. `infers`: it is
        asked for that, too, which makes every check longer; `installed`: as in `diagnose`."""

    def companion(self, root: Path, files: Mapping[str, SourceFile], version: Version) -> Companion:
        """A checker that answers about these texts until it is closed. Raises `CheckerFailed`."""

    def leaves_out(self, checker: str) -> bool:
        """Whether one of `checkers` leaves out functions without annotations, as people run it."""

    def shy(self, checker: str) -> Collection[str]:
        """The codes of errors that one of `checkers` reports in functions with annotations alone, however it is run."""

    def writer(self, module: Module, names: NamesInScope, version: Version) -> Writer:
        """What makes the edits that write types into a file, imports included; of the same types always the same."""

    def import_edits(self, module: Module, wanted: Sequence[Wanted], names: NamesInScope) -> list[tuple[Edit, ...]]:
        """For each by itself the edits that import it at run time, as the file imports; none where it can't be said how."""

    def load_proof(self) -> None:
        """Load what proving takes, for whoever will prove something soon and waits for something else."""

    def prove_erasable(self, before: SourceFile, after: SourceFile, rewrite: Rewrite) -> None:
        """Raise `NotErasable` unless `after` is `before` plus annotations and the imports added for them."""

    def stub(self, annotated: SourceFile) -> str:
        """The interface file that declares what an annotated file holds."""

    def is_field_class(self, declared: Class, bases: Iterable[str]) -> bool:
        """Whether the annotations of a class body have meaning at run time, given the qualified names of all its bases."""

    def handed(self, module: Module, function: Function) -> Handed | None:
        """What whoever runs a function hands to it, where nobody calls it by name; None where that is nothing."""

    def offered_as(self, module: Module, function: Function) -> str | None:
        """The name by which others ask for what a function gives, of whoever runs it; None where nobody can."""

    def offering(self, path: str) -> tuple[str, ...]:
        """The paths of files, be they there or not, whose functions offer something to those of this one though it doesn't import
        them: the nearest first."""

    def is_property(self, function: Function) -> bool:
        """Whether a method is read like an attribute."""

    def is_setter(self, function: Function) -> bool:
        """Whether a method is written to like an attribute; the property that it belongs to has its qualified name."""
