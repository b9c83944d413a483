"""Disposing: what the checker takes amiss gives way to the next type, or to none; nobody else does. The checker is a real one."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import NoReturn

import pytest

from tests.laws.scripted_model import ByName, Words
from typeinfer import deciding, disposing, pipeline, weights
from typeinfer.deciding import Model, Options
from typeinfer.engine.engine import Progress, silent
from typeinfer.languages.python import Python, checkers, inference
from typeinfer.languages.typescript import TypeScript
from typeinfer.model.belief import Belief
from typeinfer.pipeline import annotate
from typeinfer.program.changes import EVERY_LINE
from typeinfer.rewriting.verify import Misfit
from typeinfer.values.inferred import CheckerEnded, CheckerFailed, Diagnostic, FileInference, Inference
from typeinfer.values.outcomes import Changed, Run
from typeinfer.values.predictions import Abstain, Prediction
from typeinfer.values.slots import SlotId, SlotKind
from typeinfer.values.source import SourceFile
from typeinfer.values.typeexpr import Named

pytestmark = pytest.mark.usefixtures("own_cache")

INT, STR = Named("int"), Named("str")

TRUSTING = Belief({"model at 0.3": 2.0, "model at 0.6": 3.0, "model at 0.96": 4.0}, (), "a test", bound=0.5)


Says = Callable[..., Run]


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Says:
    """What the model says, by the names of slots; a run of this on one file."""

    def run(words: Words, text: str, belief: Belief = TRUSTING, progress: Progress = silent, **flags: object) -> Run:
        monkeypatch.setattr(weights, "load_model", lambda *_: Model(ByName(words), {"python": belief}))
        monkeypatch.setattr(pipeline, "model_digest_of", lambda folder: repr(words))
        files = {"shop.py": SourceFile("shop.py", "python", text.encode())}
        return annotate(tmp_path, files, Options(only={"shop.py": (EVERY_LINE,)}, model=tmp_path, **flags), progress)

    return run


def text_of(run: Run) -> str:
    """What `shop.py` will hold."""
    (outcome,) = run.outcomes
    return outcome.patch.result().text if isinstance(outcome, Changed) else run.files["shop.py"].text


def slots(run: Run) -> Mapping[str, Prediction]:
    return {found.slot.id.name: found for found in run.predictions["shop.py"]}


def test_the_next_type_takes_the_place_of_one_that_is_refused(says: Says) -> None:
    found = says({"amount": [(STR, 0.6), (INT, 0.3)]}, "def pay(amount):\n    ...\n\n\npay(3)\n")
    assert "def pay(amount: int)" in text_of(found)
    prediction = slots(found)["amount"]
    assert prediction.best is not None and prediction.best.type == INT
    (refusal,) = prediction.refused
    assert refusal.type == STR and refusal.said.startswith("bad-argument-type: ")


def test_of_several_errors_of_one_the_first_counts_in_whatever_order_they_are_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are held in sets, which every process orders its own way."""
    slot = SlotId("shop.py", "f", SlotKind.PARAMETER, "x")
    errors = [Misfit("shop.py", line, "missing-attribute", f"of line {line}") for line in (2, 1, 3)]
    hearing = object.__new__(disposing.Hearing)
    monkeypatch.setattr(disposing.Hearing, "standing", lambda *_: (0.0, ""))
    for order in permutations(errors):
        near = dict.fromkeys(order, frozenset({slot}))
        blame = SimpleNamespace(of_all=lambda _, near=near: near)
        monkeypatch.setattr(disposing.Hearing, "blame", lambda *_, blame=blame: blame)
        assert hearing.suspects({slot}, set(errors))[slot].message == "of line 1"


def test_what_is_hardly_believed_takes_nobodys_place(says: Says) -> None:
    found = says({"amount": [(STR, 0.96), (INT, 0.01)]}, "def pay(amount):\n    ...\n\n\npay(3)\n")
    assert "pay(amount)" in text_of(found)
    verdict = slots(found)["amount"].verdict
    assert isinstance(verdict, Abstain) and verdict.reason == "refused by the checker"


def test_what_is_left_in_common_is_written_where_no_whole_type_is_sure_enough(says: Says) -> None:
    """Of `dict[str, X]` one is refuted, and the others agree on the `dict`."""
    of = [Named("dict", (STR, Named(name))) for name in ("int", "bytes", "float", "bool")]
    words = {"prices": [(of[0], 0.4), *((term, 0.18) for term in of[1:])]}
    found = says(words, "def pay(prices):\n    ...\n\n\npay({'a': b'b'})\npay({'a': 0.5})\n", min_confidence=0.3)
    assert "def pay(prices: dict)" in text_of(found)
    (refusal,) = slots(found)["prices"].refused
    assert refusal.type == of[0]


BOTH = {"amount": [(INT, 0.96)], "label": [(STR, 0.6)]}


def test_of_two_suspects_the_less_believed_gives_way(says: Says) -> None:
    found = says(BOTH, "def pay(amount, label):\n    return amount + label\n")
    assert "def pay(amount: int, label)" in text_of(found)


def test_who_gave_way_in_vain_is_written_after_all(says: Says) -> None:
    """`label` is believed less and stands on the line of the error, which is not its fault."""
    found = says(BOTH, "def pay(amount, label):\n    print(label, amount.nothing)\n")
    assert "def pay(amount, label: str)" in text_of(found)


FAR = """def name(one, two, three):
    return one


def shout(text, loudly):
    boxes = [name(text, 2, 3)]
    for box in boxes:
        box.upper()
"""


def test_whoever_brings_an_error_from_far_away_is_found_and_nobody_else_gives_way(says: Says) -> None:
    """Nobody is named where the error is, and those who stand around it step back in vain."""
    words = {"one": [(INT, 0.96)], "two": [(INT, 0.9)], "three": [(INT, 0.96)]}
    found = says({**words, "text": [(INT, 0.6)], "loudly": [(INT, 0.6)]}, FAR)
    assert "def name(one, two: int, three: int)" in text_of(found)
    assert "def shout(text: int, loudly: int)" in text_of(found)


def test_a_second_run_hears_whoever_was_refused_and_comes_to_the_same(says: Says) -> None:
    words = {name: [(INT, 0.96)] for name in ("one", "two", "three", "text", "loudly")}
    once = text_of(says(words, FAR))
    assert once != FAR and text_of(says(words, once)) == once


def test_within_a_small_budget_whoever_may_be_at_fault_goes(says: Says) -> None:
    found = says(BOTH, "def pay(amount, label):\n    print(label, amount.nothing)\n", check_budget=2)
    assert "def pay(amount, label)" in text_of(found)


def test_where_nobody_can_be_found_guilty_in_time_whoever_was_heard_without_an_error_stays(
    says: Says, mypy: Does
) -> None:
    """Each of two, far away from it, is enough for the error: once the one is found it is still there."""
    error = '{"file": "shop.py", "line": 1, "column": 0, "message": "no", "code": "x", "severity": "error"}'
    mypy(f"grep -Eq 'one: int|two: int' shop.py && echo '{error}'; exit 1")
    names = ("one", "two", "three", "four", "five", "six", "seven")
    words = {name: [(INT, 0.99 - number / 100)] for number, name in enumerate(names)}
    text = "import os\n" + "".join(f"\n\ndef f_{name}({name}):\n    print({name})\n" for name in names)
    enough, hurried = (text_of(says(words, text, checked_by="mypy", check_budget=most)) for most in (60, 6))
    for found in (enough, hurried):
        assert "(one)" in found and "(two)" in found
    assert enough.count(": int)") == hurried.count(": int)") == 5


def test_what_was_kept_in_a_hearing_that_was_cut_short_tells_the_next_round(says: Says, mypy: Does) -> None:
    """Who had to go is decided once more in the next round, in which whoever had been kept by then is read."""
    error = '{"file": "shop.py", "line": 1, "column": 0, "message": "no", "code": "x", "severity": "error"}'
    mypy(f"grep -Eq 'one: int|two: int' shop.py && echo '{error}'; exit 1")
    names = ("one", "two", "three", "four", "five", "six", "seven")
    words = {name: [(INT, 0.99 - number / 100)] for number, name in enumerate(names)}
    text = "import os\n" + "".join(f"\n\ndef f_{name}({name}):\n    return {name}\n" for name in names)
    belief = replace(TRUSTING, weights={**TRUSTING.weights, "checker-return": 4.0, "returns-value": 4.0})
    found = text_of(says(words, text, belief, checked_by="mypy", check_budget=8))
    assert "def f_one(one):" in found and "def f_two(two):" in found
    assert found.count(": int) -> int:") == 5


def test_of_whom_nobody_could_be_asked_nothing_is_said_where_nothing_of_it_is_written(
    says: Says, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A page's script beside the Python of a project, and no compiler: the Python was checked, and the run says so."""

    def missing(*_: object) -> NoReturn:
        raise CheckerFailed("no TypeScript compiler found")

    for asked in ("infer", "diagnose", "staying"):
        monkeypatch.setattr(TypeScript, asked, missing if asked != "staying" else lambda *_: None)
    beliefs = {"python": TRUSTING, "typescript": TRUSTING}
    monkeypatch.setattr(weights, "load_model", lambda *_: Model(ByName({**BOTH, "label": [(STR, 0.96)]}), beliefs))
    monkeypatch.setattr(pipeline, "model_digest_of", lambda folder: "both")
    texts = {"shop.py": "def pay(amount, label):\n    print(amount, label)\n"}

    def run(script: str) -> Run:
        files = {path: SourceFile(path, "python", text.encode()) for path, text in texts.items()}
        files["page.js"] = SourceFile("page.js", "typescript", script.encode())
        return annotate(tmp_path, files, Options(only=dict.fromkeys(files, (EVERY_LINE,)), model=tmp_path))

    unwritable, written = run("export default (label) => label\n"), run("export function show(label) {}\n")
    assert any("no TypeScript compiler" in note for note in unwritable.notes)
    assert unwritable.checked_by == ("pyrefly",) and not written.checked_by


def test_errors_of_before_are_nobodys_fault(says: Says) -> None:
    found = says(BOTH, "1 + 'one'\nundefined\n\n\ndef pay(amount, label):\n    print(amount, label)\n")
    assert "def pay(amount: int, label: str)" in text_of(found) and found.checked_by == ("pyrefly",)


# --- a checker that stays ------------------------------------------------------------------------------------------------


class Deaf:
    """It stays, hears nothing, and says each time that all is well."""

    heard, ended = 0, 0

    def begin(self, files: Mapping[str, SourceFile]) -> None: ...

    def infer(self, files: Mapping[str, SourceFile]) -> Inference:
        return inference.infer(files, Python.default_version)

    def diagnose(self, files: Mapping[str, SourceFile]) -> tuple[Diagnostic, ...]:
        Deaf.heard += 1
        return ()

    def close(self) -> None:
        Deaf.ended += 1


class Failing(Deaf):
    def diagnose(self, files: Mapping[str, SourceFile]) -> tuple[Diagnostic, ...]:
        super().diagnose(files)
        raise CheckerFailed("it ended")


class Crashing(Deaf):
    def diagnose(self, files: Mapping[str, SourceFile]) -> tuple[Diagnostic, ...]:
        super().diagnose(files)
        raise CheckerEnded("it crashed")


class Honest(Deaf):
    """It says what there is to say."""

    def diagnose(self, files: Mapping[str, SourceFile]) -> tuple[Diagnostic, ...]:
        super().diagnose(files)
        return checkers.diagnose("pyrefly", Path(), files, Python.default_version)


class Talkative(Honest):
    """It says so when it is asked what it infers, too."""

    def infer(self, files: Mapping[str, SourceFile]) -> Inference:
        reported = checkers.diagnose("pyrefly", Path(), files, Python.default_version)
        return replace(super().infer(files), reported=reported)


class Lasting(Honest):
    """It crashes now and then, too."""

    def diagnose(self, files: Mapping[str, SourceFile]) -> tuple[Diagnostic, ...]:
        said = super().diagnose(files)
        if Deaf.heard == 2:
            raise CheckerEnded("it crashed")
        return said


class Mute(Failing):
    def infer(self, files: Mapping[str, SourceFile]) -> Inference:
        raise CheckerFailed("it ended")


@pytest.fixture
def asked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few slots are fresh, who stays is asked about them first."""
    monkeypatch.setattr(disposing, "FEW", -1)


@pytest.mark.usefixtures("asked_first")
@pytest.mark.parametrize("one", [Deaf, Failing, Crashing, Lasting, Mute])
def test_a_checker_that_stays_may_miss_everything_or_end_and_what_is_written_is_the_same(
    says: Says, monkeypatch: pytest.MonkeyPatch, one: type[Deaf]
) -> None:
    words = {name: [(INT, 0.96)] for name in ("one", "two", "three", "text", "loudly")}
    monkeypatch.setattr(Python, "staying", lambda *_: None)
    monkeypatch.setattr(deciding, "WORTH_BEGINNING", 1)
    anew = text_of(says(words, FAR))
    monkeypatch.setattr(Deaf, "heard", 0)
    monkeypatch.setattr(Deaf, "ended", 0)
    monkeypatch.setattr(Python, "staying", lambda *_: one())
    monkeypatch.setenv("TYPEINFER_CACHE", str(Path(os.environ["TYPEINFER_CACHE"], "another")))
    assert text_of(says(words, FAR)) == anew
    assert Deaf.ended > 0 and Deaf.heard > 0
    assert one in (Deaf, Lasting) or Deaf.heard == 1
    assert one is not Lasting or Deaf.heard > 2, "who lasted for a while is begun again"


@pytest.mark.parametrize(
    ("few", "one", "by_who_stays"), [(2, Honest, 2), (3, Honest, 1), (2, Talkative, 1), (3, Talkative, 0)]
)
def test_where_hardly_anything_is_fresh_one_is_asked_that_begins_anew_and_nobody_has_to_confirm_it(
    says: Says, monkeypatch: pytest.MonkeyPatch, few: int, one: type[Deaf], by_who_stays: int
) -> None:
    """Of three slots: who stays is asked what there was before, if who infers didn't tell, and of these only where they are more
    than few."""
    begun: list[Mapping[str, SourceFile]] = []
    heard: list[Mapping[str, SourceFile]] = []

    def diagnose(*asked: object) -> tuple[Diagnostic, ...]:
        heard.append(asked[2])
        return checkers.diagnose("pyrefly", Path(), asked[2], Python.default_version)

    monkeypatch.setattr(disposing, "FEW", few)
    monkeypatch.setattr(Python, "staying", lambda *_: one())
    monkeypatch.setattr(Deaf, "begin", lambda _, files: begun.append(files))
    monkeypatch.setattr(Python, "diagnose", diagnose)
    monkeypatch.setattr(Deaf, "heard", 0)
    found = says(BOTH, "def pay(amount, label):\n    print(amount, label)\n")
    assert "def pay(amount: int, label: str)" in text_of(found) and found.checked_by == ("pyrefly",)
    assert [files["shop.py"].text for files in heard] == [text_of(found)]
    assert Deaf.heard == by_who_stays
    assert len(begun) == (2 if by_who_stays else 1), "who infers, and who checks where that is to be asked"


@pytest.mark.usefixtures("asked_first")
def test_who_does_not_want_to_know_any_more_need_not_wait_for_a_confirmation(
    says: Says, monkeypatch: pytest.MonkeyPatch
) -> None:
    class GivenUp(Exception): ...

    is_given_up = Event()

    def progress(stage: str, done: int, total: int) -> None:
        if stage == "confirming":
            raise GivenUp

    def begins_anew(*_: object) -> tuple[Diagnostic, ...]:
        assert is_given_up.wait(60)
        return ()

    monkeypatch.setattr(Python, "staying", lambda *_: Honest())
    monkeypatch.setattr(disposing.Hearing, "begin_anew", begins_anew)
    with pytest.raises(GivenUp):
        says(BOTH, "def pay(amount, label):\n    print(amount, label)\n", progress=progress)
    is_given_up.set()


@pytest.mark.usefixtures("asked_first")
def test_where_nobody_can_confirm_what_one_said_that_stayed_it_counts_as_not_checked(
    says: Says, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> tuple[Diagnostic, ...]:
        raise CheckerFailed("pyrefly ended")

    monkeypatch.setattr(Python, "staying", lambda *_: Honest())
    monkeypatch.setattr(Python, "diagnose", fails)
    monkeypatch.setattr(Deaf, "heard", 0)
    text = "def pay(amount, label):\n    print(amount, label)\n"
    found = says(BOTH, text)
    assert Deaf.heard > 0 and "def pay(amount: int, label: str)" in text_of(found)
    assert found.checked_by == () and "pyrefly ended; what is written is not checked" in found.notes
    assert "def pay(amount, label)" in text_of(says(BOTH, text, require_check=True))


@pytest.mark.usefixtures("asked_first")
def test_whether_it_stays_or_begins_anew_it_comes_to_the_same(says: Says, monkeypatch: pytest.MonkeyPatch) -> None:
    words = {name: [(INT, 0.96)] for name in ("one", "two", "three", "text", "loudly")}
    stays = text_of(says(words, FAR))
    monkeypatch.setattr(Python, "staying", lambda *_: None)
    monkeypatch.setenv("TYPEINFER_CACHE", str(Path(os.environ["TYPEINFER_CACHE"], "another")))
    assert stays == text_of(says(words, FAR)) != FAR


def test_what_a_staying_checker_infers_of_is_what_was_written_last(says: Says, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one decision brings to light is found in the same run, whoever infers."""
    text = "def pay(amount):\n    return amount\n\n\ndef paid(amount):\n    total = pay(amount)\n    return {total}\n"
    words = {"amount": [(INT, 0.96)]}
    stays = text_of(says(words, text))
    monkeypatch.setattr(Python, "staying", lambda *_: None)
    monkeypatch.setenv("TYPEINFER_CACHE", str(Path(os.environ["TYPEINFER_CACHE"], "another")))
    assert "-> set[int]" in stays and stays == text_of(says(words, text))


class Garbled(Honest):
    """What it infers turns out to be none of what is known, when somebody looks."""

    def infer(self, files: Mapping[str, SourceFile]) -> Inference:
        class Files(dict[str, FileInference]):
            def get(self, *_: object) -> NoReturn:
                raise CheckerFailed("pyrefly reports in a shape that is not known")

        return Inference("pyrefly", Files())


def test_a_report_that_turns_out_to_be_none_leaves_the_rules(says: Says, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Python, "staying", lambda *_: Garbled())
    found = says(BOTH, "def pay(amount, label):\n    return [amount, label]\n\n\ndef one():\n    return 1\n")
    assert "pyrefly reports in a shape that is not known; going on without it" in found.notes
    assert "def one() -> int:" in text_of(found) and "-> list" not in text_of(found)


# --- a checker that fails -----------------------------------------------------------------------------------------------

FAULTS = {
    "killed": ("kill -9 $$", "mypy ended with status -9: "),
    "prints garbage": ("echo '{oops'", "reports in a shape that is not known"),
    "hangs": ("sleep 60", "mypy did not answer within 1 s"),
    "can't read the settings": ("echo 'mypy.ini: bad' >&2; exit 2", "mypy ended with status 2: mypy.ini: bad"),
}


Does = Callable[[str], None]


@pytest.fixture
def mypy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Does:
    """A mypy that does as this script says."""

    def does(script: str) -> None:
        program = tmp_path / "mypy"
        program.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo mypy 0 && exit\n{script}\n')
        program.chmod(program.stat().st_mode | stat.S_IEXEC)
        real = checkers.program_of
        monkeypatch.setattr(checkers, "program_of", lambda name: str(program) if name == "mypy" else real(name))
        monkeypatch.setattr(checkers, "SECONDS", 1)

    return does


@pytest.mark.parametrize(("script", "said"), FAULTS.values(), ids=FAULTS)
def test_a_checker_that_fails_leaves_what_is_written_unchecked_and_the_run_says_so(
    says: Says, mypy: Does, script: str, said: str
) -> None:
    mypy(script)
    found = says(BOTH, "def pay(amount, label):\n    print(amount, label)\n", checked_by="mypy")
    assert "def pay(amount: int, label: str)" in text_of(found) and found.checked_by == ()
    assert any(said in note and note.endswith("; what is written is not checked") for note in found.notes)


def test_or_nothing_is_written_where_a_check_is_required(says: Says, mypy: Does) -> None:
    mypy("exit 2")
    found = says(BOTH, "def pay(amount, label):\n    print(amount, label)\n", checked_by="mypy", require_check=True)
    assert "def pay(amount, label)" in text_of(found)
    verdict = slots(found)["amount"].verdict
    assert isinstance(verdict, Abstain) and verdict.reason == "not checked"


def test_ten_thousand_errors_are_as_good_as_one(says: Says, mypy: Does) -> None:
    error = '{"file": "shop.py", "line": 2, "column": 4, "message": "no", "code": "x", "severity": "error"}'
    # Only what is annotated is wrong.
    mypy(f"grep -q 'amount: int' shop.py && yes '{error}' | head -10000; exit 1")
    found = says(BOTH, "def pay(amount, label):\n    print(amount, label)\n", checked_by="mypy")
    assert "def pay(amount, label: str)" in text_of(found)


def test_a_project_that_is_set_up_for_a_checker_is_held_against_that(says: Says, tmp_path: Path) -> None:
    (tmp_path / "mypy.ini").write_text("[mypy]\nplugins = ./evil.py\n")
    (tmp_path / "evil.py").write_text("raise SystemExit('code of the project was run')\n")
    found = says(BOTH, "def pay(amount, label):\n    return amount + label\n")
    assert found.checked_by == ("mypy",) and "def pay(amount: int, label)" in text_of(found)


def test_where_that_one_fails_the_usual_one_is_asked(says: Says, mypy: Does, tmp_path: Path) -> None:
    (tmp_path / "mypy.ini").write_text("[mypy]\n")
    mypy("exit 2")
    found = says(BOTH, "def pay(amount, label):\n    return amount + label\n")
    assert found.checked_by == ("pyrefly",) and "def pay(amount: int, label)" in text_of(found)
    assert any("set up for mypy" in note and note.endswith("pyrefly checks instead") for note in found.notes)


# --- errors that were there before ----------------------------------------------------------------------------------------

COVERED = "def pay(amount):\n    undefined\n    print(amount)\n\n\ndef label(name):\n    print(name)\n"


def test_an_error_that_is_merely_uncovered_is_nobodys_fault_and_told_of(says: Says, tmp_path: Path) -> None:
    """mypy looks into a function once something of it is annotated."""
    (tmp_path / "mypy.ini").write_text("[mypy]\n")
    words = {"amount": [(INT, 0.96)], "name": [(STR, 0.96)]}
    found = says(words, COVERED)
    assert "def pay(amount: int)" in text_of(found) and found.uncovered == 1
    withheld = says(words, COVERED, withhold_uncovered=True)
    assert "def pay(amount)" in text_of(withheld) and withheld.uncovered == 0
    assert "def label(name: str)" in text_of(withheld)
    verdict = slots(withheld)["amount"].verdict
    assert isinstance(verdict, Abstain) and verdict.reason == "would uncover an error"


def test_so_is_one_that_mypy_keeps_to_itself_where_nothing_is_annotated(says: Says, tmp_path: Path) -> None:
    """Even when it is told to look there, it asks for the type of an empty display only in functions with annotations."""
    (tmp_path / "mypy.ini").write_text("[mypy]\n")
    text = "def pay(amount):\n    box = []\n    print(amount, box)\n"
    found = says({"amount": [(INT, 0.96)]}, text)
    assert "def pay(amount: int)" in text_of(found) and found.uncovered == 1
    assert "def pay(amount)" in text_of(says({"amount": [(INT, 0.96)]}, text, withhold_uncovered=True))


def test_where_all_is_looked_into_nothing_is_uncovered(says: Says, tmp_path: Path) -> None:
    (tmp_path / "mypy.ini").write_text("[mypy]\ncheck_untyped_defs = true\n")
    assert says({"amount": [(INT, 0.96)]}, COVERED).uncovered == 0
