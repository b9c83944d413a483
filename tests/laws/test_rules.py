"""tests/spec/<language>/rules/*.md: a block of code is a small project, and its comments state what rules say of it.

`def wait(seconds=0):  # seconds: int by default-literal; times: nothing by default-literal` speaks of the slots that
begin on that line; on a line of its own, such a comment speaks of the line above. A result goes by the name `returns`.
`nothing by RULE`: that rule keeps silent; `nothing` alone: every rule does. What is not mentioned is not compared.
`# file: cart.py` begins another file of the same package, `# installed: shopping/__init__.py` one of a package that is installed.

The checker is run once over all blocks of a language; each block is a project of its own to the rules.
"""

from __future__ import annotations

import ast
import gc
import json
import re
import weakref
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from typeinfer.evaluation.judge import write_tree
from typeinfer.languages import LANGUAGES
from typeinfer.languages.language import Language
from typeinfer.program import evidence
from typeinfer.program.evidence import gather
from typeinfer.program.installed import added, may_know_more
from typeinfer.program.project import Project, read_project
from typeinfer.values.inferred import Inference
from typeinfer.values.slots import Slot, SlotKind
from typeinfer.values.source import SourceFile
from typeinfer.values.typeexpr import TypeExpr
from typeinfer.weights import belief_path

SPEC = Path(__file__).parents[1] / "spec"
BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^(?:#|//) file: (\S+)\n", re.MULTILINE)
INSTALLED = re.compile(r"^# installed: (\S+)\n", re.MULTILINE)
SAYING = re.compile(r"(?P<name>\w+): (?P<type>nothing|\S.*?)(?: by (?P<rule>[a-z-]+))?$")
COMMENT = re.compile(r"(?P<code>^|.*\S)\s*(?:#|//) (?P<said>\w+: (?:nothing$|nothing;|.* by [a-z-]).*)$")


@dataclass(frozen=True)
class Expected:
    """What a comment says: `type` None for nothing, `rule` None for any rule."""

    path: str
    line: int
    name: str
    type: TypeExpr | None
    rule: str | None


@dataclass(frozen=True)
class Case:
    language: Language
    spec: str
    line: int
    files: Mapping[str, SourceFile]
    installed: Mapping[str, str]
    expected: tuple[Expected, ...] = field(repr=False)


def cases() -> Iterator[Case]:
    for number, spec in enumerate(sorted(SPEC.glob("*/rules/*.md"))):
        text = spec.read_text(encoding="utf-8")
        language = next(one for one in LANGUAGES if one.name == spec.parts[-3])
        for found in BLOCK.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            assert found["language"] == language.name, f"{spec}:{line}: a block of another language"
            package = f"case_{number}_{line}"
            body, *installed = INSTALLED.split(found["body"])
            texts = dict(files_of(language, package, body))
            expected = tuple(one for path, body in texts.items() for one in expectations(language, path, body))
            assert expected, f"{spec.name}:{line}: a block that expects nothing"
            files = {path: SourceFile(path, language.name, body.encode()) for path, body in texts.items()}
            others = dict(zip(installed[::2], installed[1::2], strict=True))
            yield Case(language, spec.name, line, files, others, expected)


def files_of(language: Language, package: str, body: str) -> Iterator[tuple[str, str]]:
    first, *rest = FILE.split(body)
    yield f"{package}/{language.package_markers[0]}", ""
    if first.strip():
        yield f"{package}/module{language.suffixes[0]}", first
    for name, text in zip(rest[::2], rest[1::2], strict=True):
        yield f"{package}/{name}", text


def expectations(language: Language, path: str, body: str) -> Iterator[Expected]:
    above = 0
    for line, row in enumerate(body.splitlines(), 1):
        found = COMMENT.match(row)
        above = line if found is None or found["code"] else above
        for part in found["said"].split("; ") if found else ():
            said = SAYING.match(part)
            assert said and (said["rule"] or said["type"] == "nothing"), f"{path}:{line}: {part}: says nothing clear"
            term = None if said["type"] == "nothing" else language.parse_type(said["type"])
            yield Expected(path, above, said["name"], term, said["rule"])


COMPILERS = Path(__file__).parents[2] / "benchmarks" / "node"
"""The project whose packages the checker of TypeScript is found among."""

CASES = list(cases())


@pytest.fixture(scope="module")
def inferences(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Inference]:
    """What the checker of each language infers for all its blocks, by the language's name."""
    found: dict[str, Inference] = {}
    for language in LANGUAGES:
        files = {path: file for case in CASES if case.language is language for path, file in case.files.items()}
        version = max((3, 12), language.default_version)
        found[language.name] = language.infer(COMPILERS, files, {}, version)
    return found


def slot_of(project: Project, expected: Expected) -> Slot:
    module = project.modules[expected.path]
    kind = SlotKind.RETURN if expected.name == "returns" else None
    found = [
        slot
        for slot in module.slots
        if module.file.line_of(slot.span.start) == expected.line
        and (slot.id.kind is kind if kind else slot.id.name == expected.name)
    ]
    assert len(found) == 1, f"{len(found)} slots {expected.name} on {expected}"
    return found[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.language.name}-{case.spec}:{case.line}")
def test_rules_say_what_their_spec_says(case: Case, inferences: Mapping[str, Inference], tmp_path: Path) -> None:
    project, inference = read_project(tmp_path, case.files), inferences[case.language.name]
    if case.installed:
        write_tree(
            tmp_path / ".venv/lib/python3/site-packages", {path: text.encode() for path, text in case.installed.items()}
        )
        project = replace(project, packages=True)
        installed = project.installed[case.language.name]
        asked = may_know_more(project, case.files.keys())
        seen = case.language.infer_seeing(installed, project.modules, asked, case.language.default_version)
        inference = added(inference, project, seen)
    found = gather(project, inference)
    wanted: dict[tuple[Slot, str | None], set[TypeExpr]] = defaultdict(set)
    for one in case.expected:
        wanted[slot_of(project, one), one.rule] |= {one.type} if one.type else set()
    language = case.language
    for (slot, rule), types in wanted.items():
        every = {(said.rule, language.parse_type(language.write_type(said.type))) for said in found.get(slot.id, ())}
        assert {term for by, term in every if rule in (by, None)} == types, f"{slot.id}: {every}"


def test_what_a_checker_inferred_goes_as_soon_as_nobody_asks_any_more(
    inferences: Mapping[str, Inference], tmp_path: Path
) -> None:
    """Nobody waits for the garbage collector: the report on 50,000 lines is forty megabytes, and there is one a round."""
    gc.disable()
    try:
        for case in CASES:
            inference = replace(inferences[case.language.name])
            held = weakref.ref(inference)
            gather(read_project(tmp_path, case.files), inference)
            del inference
            assert held() is None, f"{case.spec}:{case.line}"
    finally:
        gc.enable()


FORMS = "comparison|f-string|format|identity|literal|not|call|display|value|template|typeof|arithmetic|concatenation|null|none"


def parts_of(rule: str) -> set[str]:
    """The rules that a spec must show to have shown this one."""
    if rule.endswith("-shape"):
        return {"checker-return-shape"}
    if not rule.startswith("returns-") or rule.startswith("returns-nothing"):
        return {rule}
    forms = rule.removeprefix("returns-").removesuffix("-or-none")
    named = re.findall(FORMS, forms)
    assert "-".join(named) == forms, f"{rule} has a form that is not known here"
    return {f"returns-{form}" for form in named}


def test_every_rule_has_a_spec_that_shows_it_at_work() -> None:
    shown = {one.rule for case in CASES for one in case.expected if one.type is not None}
    uttered = set(named_in_source())
    for language in LANGUAGES:
        calibrated = json.loads(belief_path(language.name).read_bytes())
        uttered |= {found[1] for key in calibrated["weights"] if (found := re.match(r"(?:for|against) (\S+)", key))}
        uttered |= {rule for rule, _, _ in calibrated["rules"]}
    assert {part for rule in uttered for part in parts_of(rule)} <= shown


def named_in_source() -> Iterator[str]:
    """Rules spelled whole in evidence.py: the first of what is yielded, or what is bound to `rule` and `whole`."""
    source = Path(evidence.__file__ or "").read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Yield(ast.Tuple([rule, _])):
                pass
            case ast.Assign([ast.Name("rule" | "whole")], rule):
                pass
            case _:
                continue
        options = [rule.body, rule.orelse] if isinstance(rule, ast.IfExp) else [rule]
        yield from (str(option.value) for option in options if isinstance(option, ast.Constant) and option.value)
