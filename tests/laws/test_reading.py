"""tests/spec/python/reading.md: the comments of a block name every slot on their line, and its kind; there are no others.

A comment on a line of its own speaks of the line above. `# refused: REASON` is what a rewriter would be told of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from typeinfer.languages.python import Python
from typeinfer.values.module import Function, Module, ParameterKind
from typeinfer.values.slots import Slot, SlotKind
from typeinfer.values.source import SourceFile

SPEC = Path(__file__).parents[1] / "spec" / "python" / "reading.md"
BLOCK = re.compile(r"^```python\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
REFUSED = re.compile(r"^# refused: (.*)$", re.MULTILINE)
KINDS = [kind.value for kind in ParameterKind]
KINDS += ["function", "async function", "generator", "async generator", "property", "overload"]
KINDS += ["attribute", "variable", "local"]
COMMENT = re.compile(rf"(?P<code>^|.*\S)\s*# (?P<said>\w+: (?:{'|'.join(KINDS)})\b.*)$")


def blocks() -> Iterator[tuple[int, str]]:
    text = SPEC.read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        yield text.count("\n", 0, found.start()) + 1, found["body"]


def named(body: str) -> Iterator[tuple[int, str]]:
    above = 0
    for line, row in enumerate(body.splitlines(), 1):
        found = COMMENT.match(row)
        above = line if found is None or found["code"].strip() else above
        for part in found["said"].split("; ") if found else ():
            yield above, part


def described(module: Module, slot: Slot) -> str:
    marks = {"written": slot.written, "visible": slot.runtime_visible, "again": slot.id.ordinal}
    name = "returns" if slot.id.kind is SlotKind.RETURN else slot.id.name
    return f"{name}: {', '.join([kind_of(module, slot), *(mark for mark, is_so in marks.items() if is_so)])}"


def kind_of(module: Module, slot: Slot) -> str:
    match slot.id.kind:
        case SlotKind.ATTRIBUTE:
            return "attribute"
        case SlotKind.VARIABLE:
            return "local" if slot.local else "variable"
        case SlotKind.RETURN:
            return result_kind(next(function for function in module.functions if function.result == slot))
        case SlotKind.PARAMETER:
            parameters = (parameter for function in module.functions for parameter in function.parameters)
            return next(parameter.kind.value for parameter in parameters if parameter.slot == slot)


def result_kind(function: Function) -> str:
    if function.overloaded:
        return "overload"
    if Python().is_property(function):
        return "property"
    return f"{'async ' if function.is_async else ''}{'generator' if function.is_generator else 'function'}"


@pytest.mark.parametrize(("line", "body"), list(blocks()), ids=lambda value: value if isinstance(value, int) else "")
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_slots_are_where_the_spec_has_them(line: int, body: str, newline: str) -> None:
    file = SourceFile("shop/door.py", "python", body.replace("\n", newline).encode())
    module = Python().read(file, "shop.door", False)
    found = [(file.line_of(slot.span.start), described(module, slot)) for slot in module.slots]
    assert sorted(found) == sorted(named(body))
    refused = REFUSED.search(body)
    assert Python().refusal(file, module) == (refused[1] if refused else None)
