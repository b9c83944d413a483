"""Verify: new errors are told from old ones through the edits, and whoever brings one is taken back."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.laws.whole_project import project_of
from typeinfer.deciding import Options
from typeinfer.pipeline import annotate
from typeinfer.program.changes import EVERY_LINE
from typeinfer.rewriting.verify import Blame, Misfit, misfits
from typeinfer.values.inferred import Diagnostic
from typeinfer.values.outcomes import Changed, Run
from typeinfer.values.patches import Edit, apply_edits
from typeinfer.values.predictions import Abstain
from typeinfer.values.source import SourceFile, Span

LINES = [f"line_{number} = {number}" for number in range(12)]
TEXT = "\n".join(LINES) + "\n"


@given(st.lists(st.tuples(st.integers(0, len(TEXT) - 1), st.sampled_from(["", ": T", "x\ny\nz"])), max_size=6))
def test_an_error_stands_on_the_line_that_it_stood_on(inserted: list[tuple[int, str]]) -> None:
    project = project_of({"a.py": TEXT})
    edits = tuple(Edit(Span(at, at), text) for at, text in sorted(inserted))
    result = apply_edits(TEXT.encode(), edits).decode()
    before = [Diagnostic("a.py", Span(TEXT.index(line), 0), "bad", "") for line in LINES]
    # A line that an edit stands in is looked for by its beginning or its end.
    kept = [line for line in LINES if line in result]
    after = [Diagnostic("a.py", Span(result.index(line), 0), "bad", "") for line in kept]
    found = misfits(project, after, {"a.py": edits}) - misfits(project, before, {})
    assert not found


def test_two_errors_of_one_kind_on_one_line_are_two() -> None:
    project = project_of({"a.py": TEXT})
    once = misfits(project, [Diagnostic("a.py", Span(0, 1), "bad", "one")], {})
    twice = misfits(project, [Diagnostic("a.py", Span(n, 1), "bad", "two") for n in (0, 2)], {})
    assert twice - once == Counter({Misfit("a.py", 1, "bad", ""): 1})


def test_in_whatever_order_they_are_told_the_same_one_speaks_for_both() -> None:
    project = project_of({"a.py": TEXT})
    told = [Diagnostic("a.py", Span(n, 1), "bad", word) for n, word in ((2, "one"), (0, "two"), (20, "three"))]
    one, other = (misfits(project, order, {}) for order in (told, told[::-1]))
    assert [(found, found.message) for found in one] == [(found, found.message) for found in other]
    assert next(iter(one)).message == "two", "the first on the line"


def test_blame_falls_on_the_nearest() -> None:
    project = project_of({"a.py": "def far(x):\n    return x\n\n\ndef near(y):\n    z = y\n    return far(z)\n"})
    slots = {slot.id: slot for slot in project.modules["a.py"].slots}
    blame = Blame(project, slots)

    def blamed(line: int) -> set[str]:
        return {f"{slot.qualname}.{slot.name}" for slot in blame.of(Misfit("a.py", line, "bad", ""))}

    assert blamed(1) == {"far.x", "far.return"}
    assert blamed(2) == {"far.x", "far.return"}
    assert blamed(6) == {"near.z"}


def test_whom_the_checker_names_in_full_is_blamed_first() -> None:
    classes = "".join(f"class {name}:\n    def __init__(self, line, end): ...\n\n\n" for name in ("Call", "Name"))
    project = project_of(
        {"nodes.py": classes, "use.py": "from nodes import Name\n\n\ndef made(line):\n    return Name(line, 1)\n"}
    )
    slots = {slot.id: slot for module in project.modules.values() for slot in module.slots}

    def blamed(message: str) -> set[str]:
        found = Blame(project, slots).of(Misfit("use.py", 5, "bad", message))
        return {f"{slot.qualname}.{slot.name}" for slot in found}

    told = "not assignable to parameter `line` with type `int` in function `nodes.Name.__init__`"
    assert blamed(told) == {"Name.__init__.line"}
    assert blamed(told.replace("Name.__init__", "Other.Name.__init__")) == {"Name.__init__.line"}
    assert "Call.__init__.line" in blamed(told.replace("Name.__init__", "__init__")), "it may be any of that name"


def test_what_stands_in_annotations_names_nobody() -> None:
    """A second run has more of them on the same line, and is to suspect the same."""
    call = "def near(it: far = 1) -> far:\n    return known(2)\n"
    blamed = []
    for text in (call, call.replace(": far = 1", "=1").replace(" -> far", "")):
        project = project_of({"a.py": "def known(x):\n    return x\n\n\n" + text, "b.py": "def far(y): ...\n"})
        slots = {s.id: s for m in project.modules.values() for s in m.slots if s.id.qualname in ("known", "far")}
        blamed.append(Blame(project, slots).around(Misfit("a.py", 5, "bad", "")))
    assert blamed[0] == blamed[1]
    assert {slot.qualname for slot in blamed[0]} == {"known"}


TIMES = "def times(count=1):\n    return ['x'] * count\n"


def annotated(files: dict[str, str]) -> Run:
    sources = {path: SourceFile(path, "python", text.encode()) for path, text in files.items()}
    return annotate(Path("/nowhere"), sources, Options(dict.fromkeys(sources, (EVERY_LINE,))))


def test_what_brings_a_new_error_is_taken_back_and_says_what_the_checker_said() -> None:
    """The default says integer. One caller disagrees, and would be told so from now on."""
    alone = annotated({"shop.py": TIMES})
    (changed,) = alone.outcomes
    assert isinstance(changed, Changed) and "times(count: int = 1)" in changed.patch.result().text

    called = annotated({"shop.py": TIMES, "till.py": "import shop\n\nshop.times('many')\n"})
    (count,) = (one for one in called.predictions["shop.py"] if one.slot.id.name == "count")
    assert isinstance(count.verdict, Abstain) and count.verdict.reason == "refused by the checker"
    assert count.verdict.detail.startswith("bad-argument-type: ")
    results = [outcome.patch.result().text for outcome in called.outcomes if isinstance(outcome, Changed)]
    assert not any("count: " in text for text in results)
