"""Importable: a project and one of its files in; what the file could import at run time by names that begin in some way, and the
edits that do, out.

A name is imported from where most other files of the project have it from; one that nobody imports yet, from where it is defined.
Private names, what the file binds already, and whatever would load a module that imports the file are left out; so is what other
files import by a path of their own that leads out of the project.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from typeinfer.program.project import Project
from typeinfer.values.members import Member, MemberKind
from typeinfer.values.module import Import, Module
from typeinfer.values.naming import Wanted
from typeinfer.values.patches import Edit

OWN = 0.5
"""What a definition counts beside an import of the same name from elsewhere."""


@dataclass(frozen=True)
class Importable:
    """`member` stands for what `edits` of the file import."""

    member: Member
    edits: tuple[Edit, ...]


def importable(project: Project, path: str, typed: str, most: int) -> list[Importable]:
    """At most so many, those that most files import first."""
    module, begun = project.modules[path], typed.lower()
    language = project.language_of(path)
    names = project.names_in_scope(module)
    counts: defaultdict[str, defaultdict[Wanted, float]] = defaultdict(lambda: defaultdict(float))
    kinds: dict[str, MemberKind] = {}
    for other in project.modules.values():
        if other is module or project.language_of(other.file.path) is not language:
            continue
        for local, kind in _defined(other):
            if local.lower().startswith(begun):
                kinds.setdefault(local, kind)
                counts[local][Wanted(other.name, local, local)] += OWN
        for found in other.imports:
            if not found.alias.lower().startswith(begun) or found.name == "*":
                continue
            if not (found.scope or found.type_only or found.passed_on) and _is_for_all(project, other, found):
                counts[found.alias][Wanted(found.module, found.name, found.alias)] += 1
    ways = []
    for local, wanted in counts.items():
        best, times = max(wanted.items(), key=lambda one: (one[1], one[0].module))
        # The packages that a file is in are loaded before it.
        loaded = {name for name in project.loaded_by(best) if not f"{module.name}.".startswith(f"{name}.")}
        itself = best.module == module.name or f"{best.module}.{best.name}" == module.name
        if local not in names.bound and not local.startswith("_") and not itself and not loaded & names.cyclic:
            ways.append((times, local, best))
    chosen = [best for _, _, best in sorted(ways, key=lambda one: (-one[0], one[1]))[:most]]
    found = []
    for best, edits in zip(chosen, language.import_edits(module, chosen, names), strict=True):
        if edits:
            kind = kinds.get(best.local, MemberKind.MODULE if best.name is None else MemberKind.VALUE)
            found.append(Importable(Member(best.local, kind, "", best.module), edits))
    return found


def _is_for_all(project: Project, module: Module, found: Import) -> bool:
    """Whether another file could write the import too: of a file of the project, or by the name that is written."""
    return project.named(found.module) is not None or found.module in module.file.at(found.span)


def _defined(module: Module) -> Iterator[tuple[str, MemberKind]]:
    """What a file makes at its top, and others may import."""
    # What is no value (an interface, an alias) is imported otherwise.
    every = [(one.name, MemberKind.CLASS) for one in module.classes if one.qualname == one.name and one.constructs]
    every += [(one.name, MemberKind.CALLABLE) for one in module.functions if one.qualname == one.name]
    every += [(one.name, MemberKind.VALUE) for one in module.assignments if not one.scope and one.name.isidentifier()]
    for name, kind in dict(reversed(every)).items():
        if module.exports is None or module.exports.get(name) == name:
            yield name, kind
