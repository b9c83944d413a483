"""tests/spec/typescript/rewriting.md: each case is a file before, the types placed in it, and the file after."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from one_file import patched, place
from one_typescript_file import TYPESCRIPT, module_of, names_of

from typeinfer.values.outcomes import Changed, Unchanged
from typeinfer.values.typeexpr import TypeExpr, rename

SPEC = Path(__file__).parents[1] / "spec" / "typescript" / "rewriting.md"
BLOCK = re.compile(r"^```(?P<info>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
QUALIFIED = re.compile(r"\bsrc/[\w/]+")


@dataclass(frozen=True)
class Case:
    line: int
    path: str
    before: str
    types: dict[str, str]
    after: str
    refused: dict[str, str]


def cases() -> Iterator[Case]:
    text = SPEC.read_text(encoding="utf-8")
    before, path, types, line = "", "", {}, 0
    blocks = [
        (found["info"].split(), found["body"], text.count("\n", 0, found.start()) + 1) for found in BLOCK.finditer(text)
    ]
    for index, (info, body, start) in enumerate(blocks):
        following = blocks[index + 1][0] if index + 1 < len(blocks) else []
        match info:
            case [("ts" | "tsx" | "js" | "cts") as suffix, "before"]:
                before, path, line = body, f"src/shop/cart.{suffix}", start
            case ["types"]:
                types = table(body)
            case ["ts" | "tsx" | "js" | "cts", "after"]:
                refused = table(blocks[index + 1][1]) if following == ["refused"] else {}
                yield Case(line, path, before, types, body, refused)
            case ["refused"]:
                pass
            case _:
                raise AssertionError(f"{SPEC.name}:{start}: a block that means nothing: {info}")


def table(body: str) -> dict[str, str]:
    return dict(re.split(r":\s+", row, maxsplit=1) for row in body.splitlines() if row.strip())


def parsed(text: str) -> TypeExpr:
    """A type whose names may hold slashes, which stand in it as other signs while it is parsed."""
    plain = QUALIFIED.sub(lambda found: found[0].replace("/", "$"), text)
    return rename(TYPESCRIPT.parse_type(plain), lambda name: name.replace("$", "/"))


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: f"line {case.line}")
def test_rewriting(case: Case) -> None:
    module = module_of(case.before, case.path)
    assert not module.errors
    types = {label: parsed(text) for label, text in case.types.items()}
    placed = place(module, types)
    outcome = patched(TYPESCRIPT, module, placed, names_of(module), TYPESCRIPT.default_version)

    assert isinstance(outcome, Changed | Unchanged), outcome
    result = outcome.patch.result().text if isinstance(outcome, Changed) else case.before
    labels = {asked.slot.id: label for asked, label in zip(placed, types, strict=True)}
    assert {labels[refusal.slot.id]: refusal.reason for refusal in outcome.refused} == case.refused
    assert result == case.after

    again = module_of(case.after, case.path)
    refused = {refusal.slot.id for refusal in outcome.refused}
    left = [asked for asked in place(again, types) if asked.slot.written is None and asked.slot.id not in refused]
    assert left == [], "a slot was written, and the reader doesn't find it written"
    assert isinstance(patched(TYPESCRIPT, again, left, names_of(again), TYPESCRIPT.default_version), Unchanged)
