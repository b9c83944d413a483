"""Project: the files of one project in; what names mean across them out: definitions, bases, callers, the import graph.

Follows imports and re-exports inside the project and the bases of classes into the language's library. Infers no types:
what an expression evaluates to is the checker's to say.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TypeAlias

import networkx as nx

from typeinfer.languages import language_of
from typeinfer.languages.language import Installed, Language
from typeinfer.values.module import Attribute, CallSite, Class, Function, Import, Module, Name, Value
from typeinfer.values.naming import NamesInScope, Wanted
from typeinfer.values.slots import Slot, SlotKind
from typeinfer.values.source import SourceFile, Span
from typeinfer.values.typeexpr import Named, TypeExpr, Unknown, rename, walk

# Re-exports are followed this far; a longer chain is a loop.
REEXPORTS = 12


ImportName: TypeAlias = tuple[str, bool]
"""What a file is imported by, and whether it is a package."""


def module_names(paths: Iterable[str], imported: Container[str] = ()) -> dict[str, ImportName]:
    """The import name of each file, by path.

    `imported`: the names that the project's imports ask for. A folder without a package marker is a package all the
    same where they go through it (PEP 420): `import google.cloud.storage`.
    """
    listed = list(paths)
    markers = {marker for path in listed if (language := language_of(path)) for marker in language.package_markers}
    packages = frozenset(
        PurePosixPath(path).parent.as_posix() for path in listed if PurePosixPath(path).name in markers
    )
    packages |= {folder for path in listed for folder in _namespaces(path, packages, imported)}
    return {path: language.module_name(path, packages) for path in listed if (language := language_of(path))}


def _namespaces(path: str, packages: frozenset[str], imported: Container[str]) -> Iterator[str]:
    """The folders above a file's outermost package through which the project imports it."""
    language = language_of(path)
    if language is None:
        return
    name, is_package = language.module_name(path, packages)
    above = PurePosixPath(path).parts[: -name.count(".") - 1 - is_package]
    top = name.partition(".")[0]
    if top in imported and not language.is_library(top):
        return
    for start in range(len(above)):
        if ".".join([*above[start:], top]) in imported:
            yield from ("/".join(above[:size]) for size in range(start + 1, len(above) + 1))
            return


def imported_names(modules: Iterable[Module]) -> frozenset[str]:
    """Every dotted name that an import asks for, with all that it begins with."""
    asked = {
        f"{found.module}.{found.name}" if found.name else found.module for module in modules for found in module.imports
    }
    parts = [name.split(".") for name in asked]
    return frozenset(".".join(names[:size]) for names in parts for size in range(1, len(names) + 1))


def read_by_name(
    paths: Collection[str], read: Callable[[Mapping[str, ImportName]], Mapping[str, Module]]
) -> dict[str, Module]:
    """What `read` makes of files and the names that the project's imports know them by; some are read twice for that."""
    modules = dict(read(module_names(paths)))
    # What the imports ask for is known once everything is read.
    names = module_names(paths, imported_names(modules.values()))
    again = {path: names[path] for path, module in modules.items() if names[path][0] != module.name}
    return {**modules, **read(again)}


Read: TypeAlias = "Callable[[SourceFile, ImportName], Module]"


def read_module(file: SourceFile, name: ImportName) -> Module:
    language = language_of(file.path)
    assert language is not None, "only files of known languages have a name"
    return language.read(file, *name)


def read_project(root: Path, files: Mapping[str, SourceFile]) -> Project:
    """Read every file of a known language, in path order."""

    def read(names: Mapping[str, ImportName]) -> dict[str, Module]:
        return {path: read_module(files[path], name) for path, name in sorted(names.items())}

    return Project(root, localized(root, read_by_name(files, read)))


def localized(root: Path, modules: Mapping[str, Module]) -> dict[str, Module]:
    """The modules with their imports by the names that the project's settings give them, language by language."""
    by_language: dict[str, dict[str, Module]] = defaultdict(dict)
    for path, module in modules.items():
        if (language := language_of(path)) is not None:
            by_language[language.name][path] = module
    named: dict[str, Module] = {}
    for group in by_language.values():
        language = language_of(next(iter(group)))
        assert language is not None, "groups are made of files of known languages"
        named.update(language.localize(root, group))
    return {path: named[path] for path in modules}


@dataclass(frozen=True)
class Project:
    """All modules of one project by path. Everything else is worked out when first asked for."""

    root: Path
    modules: Mapping[str, Module]
    packages: bool = False
    """What is installed in its environment counts."""

    @cached_property
    def installed(self) -> Mapping[str, Installed]:
        """By the name of the language."""
        found = {language.name: language.installed(self.root) for language in self.languages} if self.packages else {}
        return {name: installed for name, installed in found.items() if installed is not None}

    def language_of(self, path: str) -> Language:
        language = language_of(path)
        assert language is not None, "a project holds files of known languages only"
        return language

    @cached_property
    def languages(self) -> tuple[Language, ...]:
        """The languages of the project's files."""
        known = {language.name: language for path in self.modules if (language := language_of(path)) is not None}
        return tuple(known.values())

    def with_data(self, data: Mapping[str, bytes], read: Read | None = None) -> Project:
        """The project with these texts, by path, in the place of its own. `read`: `read_module`, unless somebody remembers."""
        modules, read = dict(self.modules), read or read_module
        for path, text in data.items():
            before = modules[path]
            modules[path] = read(before.file.with_data(text), (before.name, before.is_package))
        return Project(self.root, localized(self.root, modules), self.packages)

    # --- names ------------------------------------------------------------------------------------------------------

    @cached_property
    def _by_name(self) -> dict[str, Module]:
        # Of two files with one import name the first in path order answers.
        return {module.name: module for module in reversed(list(self.modules.values()))}

    @cached_property
    def _by_place(self) -> dict[str, Module]:
        """Modules by the dotted form of their path, which is what a checker that knows no packages calls them."""
        return {
            PurePosixPath(path).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"): module
            for path, module in self.modules.items()
        }

    def named(self, name: str) -> Module | None:
        return self._by_name.get(name)

    def split(self, qualified: str) -> tuple[Module, str] | None:
        """The project module that a qualified name begins with, and the rest: the longest one that exists."""
        parts = qualified.split(".")
        for names in (self._by_name, self._by_place):
            for size in range(len(parts), 0, -1):
                if (module := names.get(".".join(parts[:size]))) is not None:
                    return module, ".".join(parts[size:])
        return None

    def canonical(self, qualified: str) -> str:
        """The name where a thing is defined: imports and re-exports inside the project are followed."""
        for _ in range(REEXPORTS):
            found = self.split(qualified)
            if found is None or not found[1]:
                return found[0].name if found else qualified
            module, rest = found
            first, _, more = rest.partition(".")
            if module.exports is not None and (inside := module.exports.get(first, first)) != first:
                first, rest = inside, f"{inside}.{more}".rstrip(".")
            if first in module.class_at or first in module.function_at:
                return f"{module.name}.{rest}"
            target = self._imported(module).get(first) or self._passed_on(module).get(first)
            if target is None:
                stars = [star for star in self._star_imports(module, passed_on=True) if self._defines(star, first)]
                target = f"{stars[0]}.{first}" if stars else None
            if target is None:
                return f"{module.name}.{rest}"
            following = f"{target}.{more}" if more else target
            if following == qualified:
                return qualified
            qualified = following
        return qualified

    def _defines(self, module_name: str, name: str) -> bool:
        module = self.named(module_name)
        if module is None:
            return False
        if module.exports is not None:
            return self._exports(module, name, frozenset())
        return name in module.class_at or name in module.function_at or name in self._imported(module)

    def _exports(self, module: Module, name: str, passed: frozenset[str]) -> bool:
        """Whether a module that says what it exports hands this name out: its own, or from where it passes all on."""
        if module.exports is None or name in module.exports or name in self._passed_on(module):
            return True
        stars = [
            found for found in module.imports if found.name == "*" and found.passed_on and found.module not in passed
        ]
        return any(
            (source := self.named(star.module)) is not None
            and self._exports(source, name, passed | {module.name, star.module})
            for star in stars
        )

    def _star_imports(self, module: Module, passed_on: bool = False) -> list[str]:
        """Modules all of whose names are known in this one; with `passed_on` also those handed to its importers alone."""
        return [
            found.module
            for found in module.imports
            if found.name == "*" and not found.scope and (passed_on or not found.passed_on)
        ]

    def _passed_on(self, module: Module) -> dict[str, str]:
        """What a module hands to its importers from elsewhere: name -> qualified name."""
        return self._imported(module, PASSED_ON)

    @cached_property
    def _import_tables(self) -> dict[str, dict[str, dict[str, str]]]:
        return {}

    def _imported(self, module: Module, scope: str = "") -> dict[str, str]:
        """What the imports of one scope bind: name -> qualified name. Of several the first counts, as in try/except."""
        tables = self._import_tables.get(module.file.path)
        if tables is None:
            tables = defaultdict(dict)
            for found in module.imports:
                if found.name != "*":
                    scope_of = PASSED_ON if found.passed_on else found.scope
                    tables[scope_of].setdefault(found.alias, _target(found))
            self._import_tables[module.file.path] = dict(tables)
        return tables.get(scope, {})

    @cached_property
    def _local_tables(self) -> dict[str, dict[str, set[str]]]:
        return {}

    def _locals(self, module: Module, scope: str) -> set[str]:
        """Names that a function binds to values: its parameters and assignments."""
        tables = self._local_tables.get(module.file.path)
        if tables is None:
            tables = defaultdict(set)
            for function in module.functions:
                tables[function.qualname].update(parameter.name for parameter in function.parameters)
            for assignment in module.assignments:
                if assignment.slot is None or assignment.slot.id.kind is SlotKind.VARIABLE:
                    tables[assignment.scope].add(assignment.name)
            self._local_tables[module.file.path] = dict(tables)
        return tables.get(scope, set())

    def resolve(self, module: Module, scope: str, value: Value) -> str | None:
        """The qualified name of the class, function, module or library name that an expression means, or None."""
        match value:
            case Name(name, _):
                return self._resolve_name(module, scope, name)
            case Attribute(base, name, _):
                if isinstance(base, Name) and (owner := self.receiver_class(module, scope, base.name)):
                    return self.member(owner, name)
                found = self.resolve(module, scope, base)
                if found is None:
                    return None
                return self.member(found, name) if self.declared_class(found) else self.canonical(f"{found}.{name}")
        return None

    def _resolve_name(self, module: Module, scope: str, name: str) -> str | None:
        inner = scope
        while inner:
            is_class = inner in module.class_at
            if not is_class or inner == scope:
                if f"{inner}.{name}" in module.class_at or (not is_class and f"{inner}.{name}" in module.function_at):
                    return f"{module.name}.{inner}.{name}"
                if (target := self._imported(module, inner).get(name)) is not None:
                    return self.canonical(target)
                if name in self._locals(module, inner):
                    return None
            inner = inner.rpartition(".")[0]
        if name in module.class_at or name in module.function_at:
            return f"{module.name}.{name}"
        if (target := self._imported(module).get(name)) is not None:
            return self.canonical(target)
        for star in self._star_imports(module):
            if self._defines(star, name):
                return self.canonical(f"{star}.{name}")
        if name in self._locals(module, ""):
            return f"{module.name}.{name}"
        return name if self.language_of(module.file.path).is_builtin(name) else None

    def receiver_class(self, module: Module, scope: str, name: str) -> str | None:
        """The qualified class that `self` or `cls` stands for in a scope, or None where the name is no receiver."""
        inner = scope
        word = self.language_of(module.file.path).receiver
        while inner:
            function = module.function_at.get(inner)
            if word is not None:
                if name != word or inner in module.class_at:
                    return f"{module.name}.{inner}" if name == word else None
                if function is not None and function.owner is not None:
                    return f"{module.name}.{function.owner}"
            elif function is not None and function.parameters and function.parameters[0].name == name:
                first = function.parameters[0]
                return f"{module.name}.{function.owner}" if first.slot is None and function.owner else None
            inner = inner.rpartition(".")[0]
        return None

    def member(self, owner: str, name: str) -> str | None:
        """Where a class or the nearest of its project ancestors defines a method or nested class of this name."""
        for candidate in (owner, *self.ancestors(owner)):
            found = self.declared_class(candidate)
            if found is not None:
                inner = f"{found[1].qualname}.{name}"
                if inner in found[0].function_at or inner in found[0].class_at:
                    return f"{found[0].name}.{inner}"
        return None

    def qualify(self, module: Module, scope: str, term: TypeExpr) -> TypeExpr:
        """A type whose names are as written in a scope, with qualified names; `Unknown` where one means nothing here."""
        language = self.language_of(module.file.path)

        def qualified(name: str) -> str:
            # A program may have a class of its own by the name of one that the language has in scope.
            is_own = name in module.class_at or name in self._imported(module)
            if language.is_builtin(name) and not is_own:
                return name
            first, *rest = name.split(".")
            value: Value = Name(first, NOWHERE)
            for part in rest:
                value = Attribute(value, part, NOWHERE)
            found = self.resolve(module, scope, value)
            if found is None:
                # The reader of types spells the library's own aliases in full, imported or not.
                return name if rest and language.library_class(name) else ""
            if self.split(found) is None:
                # `Text` has turned out to be `typing.Text`, which the language spells `str`.
                spelled = language.parse_type(found)
                return spelled.name if isinstance(spelled, Named) else found
            return found

        renamed = rename(term, qualified)
        whole = all(part.name for part in walk(renamed) if isinstance(part, Named))
        return renamed if whole else Unknown()

    # --- declarations -----------------------------------------------------------------------------------------------

    def function(self, qualified: str) -> tuple[Module, Function] | None:
        found = self.split(qualified)
        function = found[0].function_at.get(found[1]) if found else None
        return (found[0], function) if found and function else None

    def declared_class(self, qualified: str) -> tuple[Module, Class] | None:
        found = self.split(qualified)
        declared = found[0].class_at.get(found[1]) if found and found[1] else None
        return (found[0], declared) if found and declared else None

    def bases(self, qualified: str) -> tuple[str, ...]:
        """The qualified names of the direct bases of a class, of the project or of the library, as far as they resolve."""
        found = self.declared_class(qualified)
        if found is None:
            return tuple(base for language in self.languages for base in language.library_bases(qualified))
        module, declared = found
        scope = declared.qualname.rpartition(".")[0]
        resolved = (self.resolve(module, scope, base) for base in declared.bases)
        return tuple(name for name in resolved if name is not None)

    @cached_property
    def _ancestor_tables(self) -> dict[str, tuple[str, ...]]:
        return {}

    def ancestors(self, qualified: str) -> tuple[str, ...]:
        """Every base of a class, nearest first, the library's included, each once."""
        known = self._ancestor_tables.get(qualified)
        if known is None:
            # In `class Cart implements Cart.Options` a base is looked for in the class itself, which has none so far.
            self._ancestor_tables[qualified] = ()
            seen: list[str] = []
            queue = list(self.bases(qualified))
            while queue:
                here = queue.pop(0)
                if here != qualified and here not in seen:
                    seen.append(here)
                    queue.extend(self.bases(here))
            known = self._ancestor_tables[qualified] = tuple(seen)
        return known

    def overridden(self, module: Module, function: Function) -> tuple[Module, Function] | None:
        """The method of the nearest project ancestor that a method overrides."""
        if function.owner is None:
            return None
        for ancestor in self.ancestors(f"{module.name}.{function.owner}"):
            found = self.declared_class(ancestor)
            method = found[0].function_at.get(f"{found[1].qualname}.{function.name}") if found else None
            if found and method:
                return found[0], method
        return None

    def written_type(self, module: Module, slot: Slot) -> TypeExpr | None:
        """The annotation that stands in the source, names qualified; None where there is none."""
        if slot.written is None:
            return None
        term = self.language_of(module.file.path).parse_type(module.file.at(slot.written))
        return self.qualify(module, slot.id.qualname, term)

    def is_field(self, module: Module, slot: Slot) -> bool:
        """Whether a class is made of what is annotated here, so that the annotation changes the class."""
        declared = module.class_at.get(slot.id.qualname) if slot.id.kind is SlotKind.ATTRIBUTE else None
        if declared is None or module.file.data[slot.span.start : slot.span.end] != slot.id.name.encode("utf-8"):
            return False  # no class, or `self.x` in a method, which makes no field
        ancestors = self.ancestors(f"{module.name}.{declared.qualname}")
        return self.language_of(module.file.path).is_field_class(declared, ancestors)

    def is_read_at_run_time(self, module: Module, slot: Slot) -> bool:
        """Whether an annotation is more than a note to readers and checkers: the program may do something else with it."""
        return slot.runtime_visible or self.is_field(module, slot)

    def is_given(self, module: Module, slot: Slot) -> bool:
        """Whether an annotation is part of the program itself, and never to be found: read when it runs, a field's, or all that
        a declaration without a value or body is there for (a member of an interface, `declare function f(x: T)`)."""
        if self.is_read_at_run_time(module, slot):
            return True
        if slot.id.kind is SlotKind.ATTRIBUTE:
            declared = module.class_at.get(slot.id.qualname)
            return declared is not None and not declared.constructs
        function = module.function_of.get(slot.id)
        return function is not None and function.body.start == function.body.end

    # --- calls ------------------------------------------------------------------------------------------------------

    @cached_property
    def _callers(self) -> dict[str, list[tuple[Module, CallSite]]]:
        index: dict[str, list[tuple[Module, CallSite]]] = defaultdict(list)
        for module in self.modules.values():
            for site in module.calls:
                target = self.resolve(module, site.scope, site.call.callee)
                if target is None:
                    continue
                if self.declared_class(target):
                    target = self.member(target, self.language_of(module.file.path).constructor) or target
                index[target].append((module, site))
        return index

    def callers(self, qualified: str) -> tuple[tuple[Module, CallSite], ...]:
        """The calls in the project that reach a function by name; those of a class reach its constructor."""
        return tuple(self._callers.get(qualified, ()))

    # --- imports ----------------------------------------------------------------------------------------------------

    @cached_property
    def import_graph(self) -> nx.DiGraph[str]:
        """Which project module imports which while it is itself imported; imports for type checkers alone don't count."""
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from(module.name for module in self.modules.values())
        for module in self.modules.values():
            for found in module.imports:
                if not found.type_only and not found.scope:
                    graph.add_edges_from((module.name, name) for name in self.loaded_by(found) if name != module.name)
        return graph

    def loaded_with(self, name: str) -> frozenset[str]:
        """The project modules that are there once this one has been imported, itself among them."""
        return frozenset({name, *nx.descendants(self.import_graph, name)})

    def loaded_by(self, found: Import | Wanted) -> Iterator[str]:
        """The project modules that an import loads: every package on the way, and a submodule taken by name."""
        parts = found.module.split(".")
        for size in range(1, len(parts) + 1):
            if (name := ".".join(parts[:size])) in self._by_name:
                yield name
        if found.name is not None and (name := f"{found.module}.{found.name}") in self._by_name:
            yield name

    def beside(self, paths: Collection[str]) -> set[str]:
        """The files that use by name what these define, or define what these use, through whatever hands it on."""
        found: set[str] = set()
        for path, module in self.modules.items():
            for offering in self.language_of(path).offering(path):
                if path in paths and offering in self.modules:
                    found.add(offering)
                if offering in paths:
                    found.add(path)
            for one in module.imports:
                through = self.named(one.module)
                defined = self.split(self.canonical(_target(one))) if one.name not in (None, "*") else None
                for other in filter(None, (through, defined[0] if defined is not None else None)):
                    if path in paths:
                        found.add(other.file.path)
                    if other.file.path in paths:
                        found.add(path)
        return found

    @cached_property
    def _imported_elsewhere(self) -> set[str]:
        """Names of other people's packages that some file of this project imports, so that another may."""
        return {
            f"{found.module}.{found.name}"
            for module in self.modules.values()
            for found in module.imports
            if found.name not in (None, "*") and not found.passed_on and self.split(found.module) is None
        }

    @cached_property
    def _whole_imports(self) -> dict[str, list[tuple[Module, str]]]:
        """Other people's modules that some file imports as a whole, with the file and what it calls them."""
        found: dict[str, list[tuple[Module, str]]] = defaultdict(list)
        for module in self.modules.values():
            language = self.language_of(module.file.path)
            for one in module.imports:
                is_whole = one.name is None and not one.passed_on
                if is_whole and self.split(one.module) is None and not language.is_library(one.module):
                    # `import a.b` binds `a`, by which what is in `a.b` is said in full.
                    in_full = one.alias == one.module.partition(".")[0]
                    found[one.module].append((module, one.module if in_full else one.alias))
        return found

    @cached_property
    def _said(self) -> dict[str, tuple[str, str] | None]:
        return {}

    def _said_elsewhere(self, qualified: str) -> tuple[str, str] | None:
        """Where a type of somebody else's package is, by the word of a file that says it through the module: `torch.Tensor`."""
        if qualified not in self._said:
            may_be = any(language.names_type(qualified) for language in self.languages)
            self._said[qualified] = next(self._ways_it_is_said(qualified), None) if may_be else None
        return self._said[qualified]

    def _ways_it_is_said(self, qualified: str) -> Iterator[tuple[str, str]]:
        parts = qualified.split(".")
        for size in range(len(parts) - 1, 0, -1):
            name, inside = ".".join(parts[:size]), ".".join(parts[size:])
            for module, called in self._whole_imports.get(name, ()):
                if re.search(rb"(?<![\w.])%b(?!\w)" % re.escape(f"{called}.{inside}".encode()), module.file.data):
                    yield name, inside

    def locate(self, qualified: str) -> tuple[str, str] | None:
        """Where a type could be imported from: (module, dotted name inside it), or None where nothing importable has it."""
        found = self.split(qualified)
        if found is not None:
            module, rest = found
            outer = rest.partition(".")[0]
            defined = rest in module.class_at or (rest and rest == outer and rest in self._locals(module, ""))
            # A class inside a function can't be named from outside it.
            inside_function = any(
                rest.startswith(f"{function.qualname}.") for function in module.functions if function.qualname == outer
            )
            if not defined or inside_function:
                return None
            if module.exports is None:
                return module.name, rest
            known_as = next((name for name, local in module.exports.items() if local == outer), None)
            return (module.name, known_as + rest[len(outer) :]) if known_as is not None else None
        if qualified in self._imported_elsewhere:
            name, _, attribute = qualified.rpartition(".")
            return name, attribute
        if (said := self._said_elsewhere(qualified)) is not None:
            return said
        if any(language.is_builtin(qualified) for language in self.languages):
            return None
        if any(qualified in installed.names_of(qualified) for installed in self.installed.values()):
            name, _, attribute = qualified.rpartition(".")
            return name, attribute
        for language in self.languages:
            public = language.library_class(qualified)
            if public is not None and "." in public:
                name, _, attribute = public.rpartition(".")
                return name, attribute
        return None

    def names_in_scope(self, module: Module) -> NamesInScope:
        """All that is needed to spell types in one file."""
        bound: dict[str, set[str]] = defaultdict(set)
        for found in module.imports:
            if not found.scope and found.name != "*" and not found.passed_on:
                bound[found.alias].add(self.canonical(_target(found)))
        for name in (*module.class_at, *module.function_at):
            if "." not in name:
                bound[name].add(f"{module.name}.{name}")
        for name in self._locals(module, ""):
            bound[name].add(f"{module.name}.{name}")
        graph = self.import_graph
        return NamesInScope(
            module=module.name,
            is_package=module.is_package,
            bound={name: targets.pop() for name, targets in bound.items() if len(targets) == 1},
            starred=self._starred(module),
            locate=self.locate,
            cyclic=frozenset({module.name, *nx.ancestors(graph, module.name)}),
            library=self.language_of(module.file.path).is_library,
            path_of=lambda name: found.file.path if (found := self.named(name)) is not None else None,
        )

    def _starred(self, module: Module) -> dict[str, str]:
        """The names that the star imports of a module may bring in, and what each stands for."""
        found: dict[str, str] = {}
        seen, queue = {module.name}, self._star_imports(module)
        while queue:
            source = self.named(queue.pop(0))
            if source is None or source.name in seen:
                continue
            seen.add(source.name)
            queue += self._star_imports(source)
            for name in (*source.class_at, *source.function_at, *self._imported(source), *self._locals(source, "")):
                if "." not in name and not name.startswith("_"):
                    found.setdefault(name, self.canonical(f"{source.name}.{name}"))
        return found


NOWHERE = Span(0, 0)

PASSED_ON = " passed on"
"""The scope, which no program can have, of what a module hands on without binding it."""


def _target(found: Import) -> str:
    """The qualified name that an import binds its alias to."""
    if found.name is not None:
        return f"{found.module}.{found.name}" if found.module else found.name
    top = found.module.partition(".")[0]
    return top if found.alias == top else found.module
