"""Naming: what names mean in one file, and where a name could be imported from. Knows no syntax.

In: the bindings that a project found. Out: for a qualified name, how this file can say it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Wanted:
    """What a file is to have as `local`: `name` of a module, or the module itself where that is None."""

    module: str
    name: str | None
    local: str


@dataclass(frozen=True)
class NamesInScope:
    """All that is needed to spell a qualified type name in one file.

    `module`: the file's own dotted name. `bound`: names bound at module level (imports, classes, functions, variables)
    and the qualified name each stands for; a name bound twice to different things is left out. `starred`: names
    that star imports may bring in from elsewhere in the project, and what each stands for.
    `locate`: a qualified name -> (module to import, dotted name inside it), or None where nothing importable has it.
    `cyclic`: project modules that can't be imported at run time from here without closing an import cycle.
    `library`: modules of the language's own library, which may be imported at run time at no risk.
    `path_of`: the path of a project module by its name, or None.
    """

    module: str
    is_package: bool
    bound: Mapping[str, str]
    starred: Mapping[str, str]
    locate: Callable[[str], tuple[str, str] | None]
    cyclic: frozenset[str]
    library: Callable[[str], bool]
    path_of: Callable[[str], str | None] = lambda _: None
