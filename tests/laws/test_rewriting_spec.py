"""tests/spec/python/rewriting.md: each case is a file before, the types placed in it, and the file after."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from one_file import module_of, names_of, patched, place

from typeinfer.languages.python import Python
from typeinfer.languages.python.annotations import parse_type
from typeinfer.values.outcomes import Changed, Unchanged

SPEC = Path(__file__).parents[1] / "spec" / "python" / "rewriting.md"
BLOCK = re.compile(r"^```(?P<info>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Case:
    line: int
    before: str
    types: dict[str, str]
    after: str
    refused: dict[str, str]
    version: tuple[int, int]
    cyclic: tuple[str, ...]


def cases() -> Iterator[Case]:
    text = SPEC.read_text(encoding="utf-8")
    before, types, options, line = "", {}, {}, 0
    blocks = [
        (found["info"].split(), found["body"], text.count("\n", 0, found.start()) + 1) for found in BLOCK.finditer(text)
    ]
    for index, (info, body, start) in enumerate(blocks):
        following = blocks[index + 1][0] if index + 1 < len(blocks) else []
        match info:
            case ["python", "before"]:
                before, line = body, start
            case ["types", *settings]:
                types = table(body)
                options = dict(setting.split("=") for setting in settings)
            case ["python", "after"]:
                major, _, minor = options.get("target", "3.10").partition(".")
                refused = table(blocks[index + 1][1]) if following == ["refused"] else {}
                cyclic = tuple(options["cyclic"].split(",")) if "cyclic" in options else ()
                yield Case(line, before, types, body, refused, (int(major), int(minor)), cyclic)
            case ["refused"]:
                pass
            case _:
                raise AssertionError(f"{SPEC.name}:{start}: a block that means nothing: {info}")


def table(body: str) -> dict[str, str]:
    return dict(re.split(r":\s+", row, maxsplit=1) for row in body.splitlines() if row.strip())


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: f"line {case.line}")
def test_rewriting(case: Case) -> None:
    module = module_of(case.before)
    types = {label: parse_type(text) for label, text in case.types.items()}
    placed = place(module, types)
    names = names_of(module, case.cyclic)
    outcome = patched(Python(), module, placed, names, case.version)

    assert isinstance(outcome, Changed), outcome
    assert outcome.patch.result().text == case.after
    labels = {asked.slot.id: label for asked, label in zip(placed, types, strict=True)}
    assert {labels[refusal.slot.id]: refusal.reason for refusal in outcome.refused} == case.refused

    again = module_of(case.after)
    refused = {refusal.slot.id for refusal in outcome.refused}
    left = [asked for asked in place(again, types) if asked.slot.written is None and asked.slot.id not in refused]
    assert left == [], "a slot was written, and the reader doesn't find it written"
    assert isinstance(patched(Python(), again, left, names_of(again), case.version), Unchanged)
