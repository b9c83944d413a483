"""tests/spec/<language>/reading.md: a block's comments name every slot on their line, and its kind; there are no others.

A comment on a line of its own speaks of the line above. `refused: REASON` is what a rewriter would be told of the file. A
block is a file of its kind, or the one that is named behind the kind: "js dist/door.min.js".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from typeinfer.languages import language_of
from typeinfer.languages.language import Language
from typeinfer.values.module import Function, Module, ParameterKind
from typeinfer.values.slots import Place, Slot, SlotKind
from typeinfer.values.source import SourceFile

SPECS = sorted((Path(__file__).parents[1] / "spec").glob("*/reading.md"))
BLOCK = re.compile(r"^```(?P<kind>\w+)(?: (?P<path>\S+))?\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
REFUSED = re.compile(r"(?:#|//) refused: (.*)$", re.MULTILINE)
SUFFIX = {"python": "py"}
KINDS = [kind.value for kind in ParameterKind]
KINDS += ["function", "async function", "generator", "async generator", "property", "overload"]
KINDS += ["attribute", "instance attribute", "variable", "local"]
COMMENT = re.compile(rf"(?P<code>^|.*\S)\s*(?:#|//) (?P<said>[\w#$.\[\]-]+: (?:{'|'.join(KINDS)})\b.*)$")


def blocks() -> Iterator[tuple[str, str, str]]:
    for spec in SPECS:
        text = spec.read_text(encoding="utf-8")
        for found in BLOCK.finditer(text):
            place = f"{spec.parent.name}:{text.count(chr(10), 0, found.start()) + 1}"
            yield place, found["path"] or f"shop/door.{SUFFIX.get(found['kind'], found['kind'])}", found["body"]


def named(body: str) -> Iterator[tuple[int, str]]:
    above = 0
    for line, row in enumerate(body.splitlines(), 1):
        found = COMMENT.match(row)
        above = line if found is None or found["code"].strip() else above
        for part in found["said"].split("; ") if found else ():
            yield above, part


def described(module: Module, slot: Slot) -> str:
    callback = slot.local and slot.id.kind is not SlotKind.VARIABLE
    marks = {"written": slot.written, "visible": slot.runtime_visible, "callback": callback, "again": slot.id.ordinal}
    name = "returns" if slot.id.kind is SlotKind.RETURN else slot.id.name
    return f"{name}: {', '.join([kind_of(module, slot), *(mark for mark, is_so in marks.items() if is_so)])}"


def kind_of(module: Module, slot: Slot) -> str:
    match slot.id.kind:
        case SlotKind.ATTRIBUTE:
            return "instance attribute" if slot.place is Place.INSTANCE_ATTRIBUTE else "attribute"
        case SlotKind.VARIABLE:
            return "local" if slot.local else "variable"
        case SlotKind.RETURN:
            function = next(function for function in module.functions if function.result == slot)
            return result_kind(language_of(module.file.path), function)
        case SlotKind.PARAMETER:
            parameters = (parameter for function in module.functions for parameter in function.parameters)
            return next(parameter.kind.value for parameter in parameters if parameter.slot == slot)


def result_kind(language: Language | None, function: Function) -> str:
    if language is not None and language.is_property(function):
        return "property"
    if function.overloaded:
        return "overload"
    return f"{'async ' if function.is_async else ''}{'generator' if function.is_generator else 'function'}"


@pytest.mark.parametrize(
    ("place", "path", "body"), list(blocks()), ids=lambda value: value if ":" in value[:20] else ""
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_slots_are_where_the_spec_has_them(place: str, path: str, body: str, newline: str) -> None:
    language = language_of(path)
    assert language is not None, place
    file = SourceFile(path, language.name, body.replace("\n", newline).encode())
    module = language.read(file, *language.module_name(path, frozenset()))
    found = [(file.line_of(slot.span.start), described(module, slot)) for slot in module.slots]
    assert sorted(found) == sorted(named(body))
    refused = REFUSED.search(body)
    assert language.refusal(file, module) == (refused[1] if refused else None)
