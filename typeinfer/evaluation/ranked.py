"""Ranked: how often the first of all types believed of a slot is the author's, for every slot of the truth; as Markdown.

No bound is applied: what is asked is the best guess, from rules and checker alone (static), from the model alone (neural) and
from all together (combined). What the bound does with it is the benchmark's to say (`benchmark.py`). The model reads what rules
and checker say as part of the program, as it was trained to; what it then says by itself is the word that combined weighs.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path

from typeinfer.deciding import Model, believe
from typeinfer.evaluation.benchmark import RESULTS, Say, Task, results_name, revision, table, tasks
from typeinfer.evaluation.calibration import stripped_project
from typeinfer.evaluation.judge import Judge, Origin
from typeinfer.evaluation.metrics import area_under_risk, calibration_error, coverage_at, risk_coverage
from typeinfer.evaluation.peers import search_path
from typeinfer.evaluation.projects import ProjectUnavailable
from typeinfer.languages import language_of
from typeinfer.model.belief import ERRORS, Belief
from typeinfer.program.project import Project
from typeinfer.values.predictions import Prediction, Ranked
from typeinfer.values.slots import SlotId, SlotKind

COMMON = 100
FEW = 5
STATIC, NEURAL, COMBINED = "static", "neural", "combined"

Guesses = Mapping[SlotId, Sequence[Ranked]]


class Familiarity(Enum):
    """How often a type is written in the calibration projects of its language, which stand for what was trained on."""

    COMMON = f"common (first {COMMON})"
    RARE = "rare"
    NEVER = "never seen"


@dataclass(frozen=True)
class Answer:
    """What was believed of one slot of the truth. `probability`: of the first type, None where there is none."""

    kind: SlotKind
    origin: Origin
    generic: bool
    familiarity: Familiarity
    probability: float | None
    right: bool
    among_few: bool


@dataclass(frozen=True)
class Ran:
    """One variant on one project."""

    answers: tuple[Answer, ...]
    seconds: float | None
    """None where it was part of another's."""


def evaluate_ranked(
    judge: Judge,
    chosen: str,
    rules: Mapping[str, Belief],
    model: Model | None,
    say: Say,
    only: Sequence[str] = (),
    results: Path | None = RESULTS,
) -> str:
    """The table as Markdown; without a model its first row alone. A run over a whole set appends its row below `results`.
    Raises `ProjectUnavailable` where no project can be had."""
    # The checkers are asked in this very process, and found like those of the benchmark's tools.
    os.environ["PATH"] = search_path()
    counted = written_forms(judge, say)
    ran: dict[str, dict[str, Ran]] = {}
    for task in tasks(judge, chosen, "bare", say, only):
        with tempfile.TemporaryDirectory(prefix="typeinfer-") as folder:
            project = stripped_project(Path(folder), task)
            for variant, guesses, seconds in variants(project, frozenset(task.stripped.truth), rules, model):
                done = Ran(tuple(answers(judge, task, guesses, counted)), seconds)
                ran.setdefault(variant, {})[task.name] = done
                spent = "" if seconds is None else f" in {seconds:.0f} s"
                say(f"{task.name}: {variant}: {share(done.answers):.1%} of {len(done.answers)}{spent}")
    if not ran:
        raise ProjectUnavailable(f"no project of the set {chosen!r} is there to be evaluated")
    if results is not None and not only:
        results.mkdir(parents=True, exist_ok=True)
        with (results / f"{results_name(judge, chosen, 'bare')}-ranked.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(_row(chosen, ran), sort_keys=True) + "\n")
    belief = None if model is None else model.beliefs.get(judge.language)
    return render(chosen, ran, belief if belief is not None else rules[judge.language])


def variants(
    project: Project, truth: frozenset[SlotId], rules: Mapping[str, Belief], model: Model | None
) -> Iterable[tuple[str, Guesses, float | None]]:
    """Each way to guess: its name, the guesses, the seconds. `truth`: the slots that are asked about; of locals, no others are."""

    def of(model: Model | None) -> tuple[Mapping[SlotId, Prediction], float]:
        began = time.perf_counter()
        found = believe(project, rules, model, truth)
        return found, time.perf_counter() - began

    found, seconds = of(None)
    yield STATIC, {slot: one.ranked for slot, one in found.items()}, seconds
    if model is not None:
        found, seconds = of(model)
        yield NEURAL, {slot: one.ranking.ranked for slot, one in found.items() if one.ranking is not None}, None
        yield COMBINED, {slot: one.ranked for slot, one in found.items()}, seconds


def written_forms(judge: Judge, say: Say) -> Counter[str]:
    """How often each type is written in the calibration projects, in the form in which the judge compares types."""
    texts: Counter[str] = Counter()
    for task in tasks(judge, "calibration", "bare", say):
        texts.update(task.stripped.truth.values())
    forms = judge.forms(texts)
    found: Counter[str] = Counter()
    for text, count in texts.items():
        found[forms[text].exact] += count
    return found


def answers(judge: Judge, task: Task, guesses: Guesses, counted: Counter[str]) -> Iterable[Answer]:
    common = {form for form, _ in counted.most_common(COMMON)}
    truth = task.stripped.truth
    texts = {slot: [_write(slot, word) for word in guesses.get(slot, ())[:FEW]] for slot in truth}
    forms = judge.forms({*truth.values(), *(text for few in texts.values() for text in few)})
    for slot, text in truth.items():
        kind, origin, generic = task.group[slot]
        wanted = forms[text].exact
        right = [forms[guess].exact == wanted for guess in texts[slot]]
        familiarity = (
            Familiarity.COMMON if wanted in common else Familiarity.RARE if wanted in counted else Familiarity.NEVER
        )
        probability = guesses[slot][0].probability if right else None
        yield Answer(kind, origin, generic, familiarity, probability, right[:1] == [True], any(right))


def _write(slot: SlotId, word: Ranked) -> str:
    language = language_of(slot.path)
    assert language is not None, "slots come from files of known languages"
    return language.write_type(word.type)


# --- figures ----------------------------------------------------------------------------------------------------------


def share(of: Sequence[Answer], good: Callable[[Answer], bool] = lambda answer: answer.right) -> float:
    return sum(map(good, of)) / len(of) if of else 0.0


def render(chosen: str, ran: Mapping[str, Mapping[str, Ran]], belief: Belief) -> str:
    """Everything in five tables. `belief`: whose promises are held against what came out, of the last variant."""
    of = {variant: [answer for one in done.values() for answer in one.answers] for variant, done in ran.items()}
    seconds = {variant: _seconds(done) for variant, done in ran.items()}
    projects = list(next(iter(ran.values())))
    slots = len(next(iter(of.values())))
    parts = [
        f"{len(projects)} projects ({chosen}, bare), {slots:,} slots, every one of them answered; figures in percent\n"
    ]
    kinds = [kind.value for kind in SlotKind]
    parts.append("The first type is the author's (exact), or one of the first five:\n")
    rows = []
    for name, found in of.items():
        by_kind = [_percent([answer for answer in found if answer.kind is kind]) for kind in SlotKind]
        few = f"{100 * share(found, lambda answer: answer.among_few):.1f}"
        spent = seconds[name]
        speed = ["", ""] if spent is None else [f"{spent:.0f}", f"{len(found) / spent:,.0f}"]
        rows.append([name, _percent(found), *by_kind, few, *speed])
    parts.append(table(["variant", "all", *kinds, f"first {FEW}", "seconds", "slots/s"], rows))
    parts.append("By class of type:\n")
    classes = [origin.value for origin in Origin] + ["simple", "generic"] + [one.value for one in Familiarity]
    by_class = {name: _by_class(found) for name, found in of.items()}
    sizes = ["slots", *(f"{len(part):,}" for part in next(iter(by_class.values())))]
    rows = [[name, *map(_percent, found)] for name, found in by_class.items()]
    parts.append(table(["variant", *classes], [sizes, *rows]))
    parts.append(
        "Probabilities: expected calibration error (15 bins of equal mass, not in percent), and coverage at a precision:\n"
    )
    rows = []
    for name, found in of.items():
        curve = _curve(found)
        by_kind = [_error([answer for answer in found if answer.kind is kind]) for kind in SlotKind]
        covered = [f"{100 * coverage_at(wanted, curve):.1f}" for wanted in (0.95, 0.9)]
        rows.append([name, _error(found), *by_kind, *covered, f"{area_under_risk(curve):.3f}"])
    heads = ["variant", "all", *kinds, "coverage at 95", "coverage at 90", "area under risk"]
    parts.append(table(heads, rows))
    last = list(ran)[-1]
    parts.append(f"Promises, {last}, by probability alone: what would be written at the bound of each\n")
    rows = [_kept(error, belief, ran[last]) for error in ERRORS if error in belief.promises]
    parts.append(table(["at most wrong", "bound", "written", "wrong", "projects over"], rows))
    parts.append("By project, exact:\n")
    rows = [
        [name, f"{len(ran[last][name].answers):,}", *(_percent(ran[variant][name].answers) for variant in ran)]
        for name in projects
    ]
    parts.append(table(["project", "slots", *ran], rows))
    return "\n".join(parts)


def _seconds(done: Mapping[str, Ran]) -> float | None:
    spent = [one.seconds for one in done.values() if one.seconds is not None]
    return sum(spent) if spent else None


def _by_class(of: Sequence[Answer]) -> list[list[Answer]]:
    """The slots of each origin, those of simple and of generic types, and those of each familiarity."""
    return [
        *([answer for answer in of if answer.origin is origin] for origin in Origin),
        *([answer for answer in of if answer.generic is generic] for generic in (False, True)),
        *([answer for answer in of if answer.familiarity is one] for one in Familiarity),
    ]


def _percent(of: Sequence[Answer]) -> str:
    return f"{100 * share(of):.1f}" if of else ""


def _error(of: Sequence[Answer]) -> str:
    given = [(answer.probability, answer.right) for answer in of if answer.probability is not None]
    return f"{calibration_error([p for p, _ in given], [right for _, right in given]):.3f}" if given else ""


def _curve(of: Sequence[Answer]) -> list[tuple[float, float]]:
    given = [(answer.probability, answer.right) for answer in of if answer.probability is not None]
    return risk_coverage([p for p, _ in given], [right for _, right in given], len(of))


def _kept(error: float, belief: Belief, ran: Mapping[str, Ran]) -> list[str]:
    bound = belief.promises[error]
    written = {
        name: [answer.right for answer in one.answers if answer.probability is not None and answer.probability >= bound]
        for name, one in ran.items()
    }
    total = sum(map(len, written.values()))
    wrong = total - sum(map(sum, written.values()))
    over = sum(bool(right) and 1 - sum(right) / len(right) > error for right in written.values())
    slots = sum(len(one.answers) for one in ran.values())
    return [
        f"{100 * error:g}",
        f"{bound:.2f}",
        f"{100 * total / slots:.1f}",
        f"{100 * wrong / total:.1f}" if total else "",
        f"{over} of {len(written)}",
    ]


def _row(chosen: str, ran: Mapping[str, Mapping[str, Ran]]) -> dict[str, object]:
    """What is committed: the counts that the shares are made of."""

    def counts(of: Sequence[Answer]) -> dict[str, int]:
        few = sum(answer.among_few for answer in of)
        return {"slots": len(of), "exact": sum(answer.right for answer in of), f"first_{FEW}": few}

    def figures(done: Mapping[str, Ran]) -> dict[str, object]:
        found = [answer for one in done.values() for answer in one.answers]
        curve = _curve(found)
        return {
            "seconds": None if (spent := _seconds(done)) is None else round(spent, 1),
            "total": counts(found),
            "kinds": {kind.value: counts([a for a in found if a.kind is kind]) for kind in SlotKind},
            "classes": {origin.value: counts([a for a in found if a.origin is origin]) for origin in Origin},
            "generic": counts([answer for answer in found if answer.generic]),
            "familiarity": {one.value: counts([a for a in found if a.familiarity is one]) for one in Familiarity},
            "calibration_error": {kind.value: _error([a for a in found if a.kind is kind]) for kind in SlotKind},
            "coverage": {str(wanted): round(coverage_at(wanted, curve), 4) for wanted in (0.95, 0.9)},
            "projects": {name: counts(one.answers) for name, one in done.items()},
        }

    return {
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "revision": revision(),
        "set": chosen,
        "variant": "bare",
        "variants": {name: figures(done) for name, done in ran.items()},
    }
