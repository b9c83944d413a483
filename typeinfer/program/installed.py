"""Installed: a project beside other people's packages in; what is inferred with them in view, and what is inferred without, out.

A checker that sees them takes longer, so it is asked once, about files that may know more for it: those that import a package, or
what does. Knows no checker.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Collection, Mapping
from dataclasses import replace

import networkx as nx

from typeinfer.program.project import Project
from typeinfer.values.inferred import FileInference, Inference
from typeinfer.values.slots import SlotId, SlotKind
from typeinfer.values.source import Span
from typeinfer.values.typeexpr import UNKNOWN, TypeExpr, is_complete

NAMES = (SlotKind.ATTRIBUTE, SlotKind.VARIABLE)


def may_know_more(project: Project, paths: Collection[str]) -> set[str]:
    """Those of these files for which it matters what is installed."""
    if not paths:
        return set()
    direct = {
        module.name
        for path, module in project.modules.items()
        if (installed := project.installed.get(project.language_of(path).name)) is not None
        and any(
            installed.has(found.module.partition(".")[0])
            for found in module.imports
            if project.named(found.module) is None and not project.language_of(path).is_library(found.module)
        )
    }
    importing = project.import_graph.reverse(copy=False)
    reached = {name for layer in nx.bfs_layers(importing, direct) for name in layer}
    return {path for path in paths if project.modules[path].name in reached}


def added(inference: Inference, project: Project, seen: Mapping[SlotId, TypeExpr]) -> Inference:
    """What is known of the project alone, and where that has holes what is `seen` with packages in view."""
    paths = {slot.path for slot in seen}
    news: dict[SlotId, TypeExpr] = {}
    files: dict[str, FileInference] = {}
    for path in paths:
        module, known = project.modules[path], inference.of(path)
        results = {one.name_span: one.result.id for one in module.functions if one.result is not None}
        variables = {slot.bare_span: slot.id for slot in module.slots if slot.id.kind in NAMES}
        new_results, new_variables = _news(known.results, results, seen), _news(known.variables, variables, seen)
        news |= {results[span]: term for span, term in new_results.items()}
        news |= {variables[span]: term for span, term in new_variables.items()}
        files[path] = replace(
            known, results={**known.results, **new_results}, variables={**known.variables, **new_variables}
        )
    # They are read, never written.
    return replace(inference, files=ChainMap(files, inference.files), seen=news)  # pyrefly: ignore


def _news(
    known: Mapping[Span, TypeExpr], slots: Mapping[Span, SlotId], seen: Mapping[SlotId, TypeExpr]
) -> dict[Span, TypeExpr]:
    return {
        span: seen[slot] for span, slot in slots.items() if slot in seen and not is_complete(known.get(span, UNKNOWN))
    }
