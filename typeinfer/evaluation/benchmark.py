"""Benchmark: pinned projects and tools in; the table of evaluation.md, as Markdown and as one committed row, out.

Every tool gets the same stripped copy, is timed the same way and scored by the same scorer, in one run. Knows a tool
only as a command.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

from typeinfer.deciding import REFUSED
from typeinfer.engine.engine import Engine, Lost
from typeinfer.evaluation.judge import Form, Judge, Origin, Review, StrippedProject, Variant, write_tree
from typeinfer.evaluation.metrics import Score, score_by
from typeinfer.evaluation.peers import HUMAN, OURS, Cost, Tool, run, version_of
from typeinfer.evaluation.projects import (
    REPOSITORY,
    Package,
    Project,
    ProjectUnavailable,
    data_folder,
    fetch,
    pinned_projects,
)
from typeinfer.values.slots import SlotId, SlotKind

Say = Callable[[str], None]

RESULTS = REPOSITORY / "benchmarks" / "results"

Group = tuple[SlotKind, Origin, bool]
"""A kind of slot, a class of type, and whether the type is generic."""


@dataclass(frozen=True)
class Task:
    """One project to annotate: as published, stripped, the class of every judged slot, and how it is pinned."""

    name: str
    original: Mapping[str, bytes]
    stripped: StrippedProject
    group: Mapping[SlotId, Group]
    pinned: Project | Package


@dataclass(frozen=True)
class Outcome:
    """One tool on one project or, added up, on several.

    Only ours is asked twice: `again` counts the files that a second run without a cache changed, `warm` the seconds of
    doing the first one over with its cache. None where not asked.
    """

    cost: Cost
    scores: Mapping[Group, Score]
    written: int
    new_errors: int
    broken: int
    altered: int
    again: int | None = None
    warm: float | None = None
    by_others: Mapping[str, int] = field(default_factory=dict)
    """New errors by checkers that what is written was not held against, without those that they uncovered. Of ours, and of what
    the authors wrote."""
    uncovered_by_others: Mapping[str, int] = field(default_factory=dict)
    """Errors that they report too where the same places say that anything may stand there."""
    withheld: Mapping[str, int] = field(default_factory=dict)
    """Slots that were left alone, by the reason. Only of ours."""
    uncovered: int = 0
    """Errors that were there before and are reported only now that something around them is annotated. Only of ours."""

    def __add__(self, other: Outcome) -> Outcome:
        groups = {*self.scores, *other.scores}
        return Outcome(
            Cost(
                self.cost.seconds + other.cost.seconds,
                max(self.cost.peak_mb, other.cost.peak_mb),
                self.cost.failure or other.cost.failure,
            ),
            {group: self.scores.get(group, Score()) + other.scores.get(group, Score()) for group in groups},
            self.written + other.written,
            self.new_errors + other.new_errors,
            self.broken + other.broken,
            self.altered + other.altered,
            None if self.again is None or other.again is None else self.again + other.again,
            None if self.warm is None or other.warm is None else self.warm + other.warm,
            _summed(self.by_others, other.by_others),
            _summed(self.uncovered_by_others, other.uncovered_by_others),
            Counter(self.withheld) + Counter(other.withheld),
            self.uncovered + other.uncovered,
        )

    def score(self, wanted: Callable[[Group], bool] = lambda group: True) -> Score:
        return sum((score for group, score in self.scores.items() if wanted(group)), Score())


def _summed(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: count + other[name] for name, count in one.items() if name in other}


def evaluate(
    judge: Judge,
    chosen: str,
    variant: Variant,
    tools: Sequence[Tool],
    say: Say,
    only: Sequence[str] = (),
    folder: Path | None = None,
    results: Path | None = RESULTS,
    engine: Engine | None = None,
) -> str:
    """Run the tools over a set of projects, or those of it named in `only`; the table as Markdown.

    A run over a whole set appends its row below `results`; not so one by an `engine`, which tries several projects at once: what
    takes how long is not to be compared then. Raises `ProjectUnavailable` where no project can be had.
    """
    tools = [tool for tool in tools if tool == HUMAN or _installed(tool, say)]
    busy = os.getloadavg()[0]
    outcomes: dict[str, dict[str, Outcome]] = {tool.name: {} for tool in tools}
    trials = (Trial(judge, task, tuple(tools)) for task in tasks(judge, chosen, variant, say, only, folder))
    for task, done in _outcomes(trials, engine, say):
        for name, outcome in done.items():
            outcomes[name][task.name] = outcome
            total = outcome.score()
            failed = f" ({outcome.cost.failure})" if outcome.cost.failure else ""
            say(
                f"{task.name}: {name}: {total.annotated} of {total.slots} annotated, "
                f"{total.precision:.1%} exact, {outcome.cost.seconds:.1f} s{failed}"
            )
    totals = {name: reduce(add, by_project.values()) for name, by_project in outcomes.items() if by_project}
    if not totals:
        raise ProjectUnavailable(f"no project of the set {chosen!r} is there to be evaluated")
    row = _row(chosen, variant, tools, outcomes, totals, busy)
    if results is not None and not only and engine is None:
        results.mkdir(parents=True, exist_ok=True)
        with (results / f"{results_name(judge, chosen, variant)}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, sort_keys=True) + "\n")
    return render(chosen, variant, outcomes, totals)


@dataclass(frozen=True)
class Trial:
    """One project that tools are to be tried on."""

    judge: Judge
    task: Task
    tools: tuple[Tool, ...]


def tried(trial: Trial) -> dict[str, Outcome]:
    """The outcome of every tool, by its name."""
    judge, task = trial.judge, trial.task
    errors = errors_before(judge, task, with_others=any(tool in (OURS, HUMAN) for tool in trial.tools))
    return {tool.name: judged(judge, tool, task, errors) for tool in trial.tools}


def _outcomes(trials: Iterable[Trial], engine: Engine | None, say: Say) -> Iterator[tuple[Task, Mapping[str, Outcome]]]:
    """One after the other, as they come, or by an engine all together; what it lost is said and left out."""
    if engine is None:
        yield from ((trial.task, tried(trial)) for trial in trials)
        return
    every = list(trials)
    for trial, done in zip(every, engine.run_over("evaluating", every, tried), strict=True):
        if isinstance(done, Lost):
            say(f"{trial.task.name}: {done.reason}; left out")
        else:
            yield trial.task, done


def results_name(judge: Judge, chosen: str, variant: Variant) -> str:
    """`development-bare`, `development-typescript-bare`: the first language's rows are called as they always were."""
    return f"{chosen}-{variant}" if judge.language == "python" else f"{chosen}-{judge.language}-{variant}"


def tasks(
    judge: Judge, chosen: str, variant: Variant, say: Say, only: Sequence[str] = (), folder: Path | None = None
) -> Iterable[Task]:
    """The projects of a set, stripped, one at a time; what can't be had is said and left out."""
    for project in pinned_projects(judge.language, chosen):
        if only and project.name not in only:
            continue
        try:
            original = judge.read_tree(fetch(project, folder or data_folder()))
        except ProjectUnavailable as error:
            say(str(error))
            continue
        stripped = judge.strip(original, variant)
        for path, reason in stripped.skipped.items():
            say(f"{project.name}: {path}: {reason}; left as it is")
        origin = judge.origins(original, stripped.truth)
        forms = judge.forms(set(stripped.truth.values()))
        group = {slot: (slot.kind, origin[slot], forms[text].generic) for slot, text in stripped.truth.items()}
        yield Task(project.name, original, stripped, group, project)


@dataclass(frozen=True)
class Errors:
    """What the checker reports of a tree, and what others do."""

    count: int
    by_others: Mapping[str, int]


def errors_before(judge: Judge, task: Task, with_others: bool) -> Errors:
    """What is reported of the stripped tree."""
    with tempfile.TemporaryDirectory(prefix="typeinfer-") as place:
        write_tree(Path(place), task.stripped.files)
        return Errors(judge.errors(Path(place)), judge.errors_of_others(Path(place)) if with_others else {})


def reviewed(judge: Judge, task: Task, after: Mapping[str, bytes]) -> tuple[Review, Mapping[str, Form]]:
    """What a tool made of the files that could be stripped; the forms of the truth, and of what was written in its places."""
    judgeable = {path: raw for path, raw in task.stripped.files.items() if path not in task.stripped.skipped}
    found = judge.review(judgeable, after)
    at_slots = {found.written[slot] for slot in task.stripped.truth if slot in found.written}
    return found, judge.forms({*task.stripped.truth.values(), *at_slots})


def judged(judge: Judge, tool: Tool, task: Task, before: Errors) -> Outcome:
    """Run one tool on a copy of the task, score what it wrote, and look for what it must not have done. `before`: errors
    that are none of the tool's."""
    again = warm = None
    by_others: dict[str, int] = {}
    uncovered: dict[str, int] = {}
    told: dict[str, Any] = {"withheld": {}, "uncovered": 0}
    with tempfile.TemporaryDirectory(prefix="typeinfer-") as place:
        root, cold, fresh = Path(place, task.name), Path(place, "cache"), Path(place, "second")
        write_tree(root, task.original if tool == HUMAN else task.stripped.files)
        cost = Cost(0.0, 0.0, None) if tool == HUMAN else run(tool, root, cold)
        after = judge.read_tree(root)
        errors = judge.errors(root)
        if tool in (OURS, HUMAN):
            by_others, uncovered = said_by_others(judge, root, task.stripped.files, after, before)
        if tool == OURS:
            run(tool, root, fresh)
            second = judge.read_tree(root)
            again = sum(second.get(path) != raw for path, raw in after.items())
            write_tree(root, task.stripped.files)
            asked = run(replace(tool, command=(*tool.command, "--format", "json")), root, cold)
            warm = asked.seconds
            if asked.failure is None:
                told = json.loads(asked.printed)["summary"]
    found, forms = reviewed(judge, task, after)
    scores = score_by(task.stripped.truth, found.written, forms, lambda slot: task.group[slot])
    # The authors' own files also hold what stripping took out as a whole: declarations, imports, guarded names.
    altered = 0 if tool == HUMAN else found.altered
    return Outcome(
        cost,
        scores,
        found.added,
        errors - before.count,
        found.broken,
        altered,
        again,
        warm,
        by_others,
        uncovered,
        told["withheld"],
        told["uncovered"],
    )


def said_by_others(
    judge: Judge, root: Path, stripped: Mapping[str, bytes], after: Mapping[str, bytes], before: Errors
) -> tuple[dict[str, int], dict[str, int]]:
    """How many errors other checkers report below `root`, where `after` stands, that are new, and how many were uncovered."""
    others = judge.errors_of_others(root)
    write_tree(root, judge.neutral(stripped, after))
    anyway = judge.errors_of_others(root)
    write_tree(root, after)
    names = [name for name in before.by_others if name in others and name in anyway]
    uncovered = {name: max(0, anyway[name] - before.by_others[name]) for name in names}
    return {name: others[name] - before.by_others[name] - uncovered[name] for name in names}, uncovered


# --- reports --------------------------------------------------------------------------------------------------------


def render(
    chosen: str,
    variant: Variant,
    outcomes: Mapping[str, Mapping[str, Outcome]],
    totals: Mapping[str, Outcome],
) -> str:
    """The whole table: all projects together, by class of type, and project by project."""
    slots = max(total.score().slots for total in totals.values())
    projects = list(dict.fromkeys(name for by_project in outcomes.values() for name in by_project))
    tools = list(totals)
    parts = [f"{len(projects)} projects ({chosen}, {variant}), {slots:,} slots; figures in percent\n"]
    heads = ["tool", "annotated", "precision", "recall", "base", *(f"{kind.value} P/R" for kind in SlotKind)]
    heads += [
        "new errors per 100",
        "uncovered",
        "withheld",
        "of these refused",
        "altered",
        "broken",
        "second run",
        "seconds",
        "warm",
        "slots/s",
        "peak MB",
    ]
    parts.append(table(heads, [_total_cells(name, totals[name]) for name in tools]))
    if names := list(dict.fromkeys(name for total in totals.values() for name in total.by_others)):
        parts.append(
            "Errors per 100 annotations by checkers that were not asked: new ones, and those uncovered, which they report too where"
            " the same places say `Any`:\n"
        )
        rows = [
            [
                tool,
                *(
                    f"{_per_hundred(total, of[name]):.1f}" if name in of else ""
                    for name in names
                    for of in (total.by_others, total.uncovered_by_others)
                ),
            ]
            for tool, total in totals.items()
            if total.by_others
        ]
        parts.append(table(["tool", *(f"{name}{what}" for name in names for what in (", new", ", uncovered"))], rows))
    classes = [origin.value for origin in Origin] + ["simple", "generic"]
    parts.append("Precision / recall by class of type:\n")
    rows = []
    for name in tools:
        by_origin = [totals[name].score(lambda group, origin=origin: group[1] is origin) for origin in Origin]
        by_form = [totals[name].score(lambda group, form=form: group[2] is form) for form in (False, True)]
        rows.append([name, *map(_both, [*by_origin, *by_form])])
    parts.append(table(["tool", *classes], rows))
    parts.append("Precision / recall by project:\n")
    rows = [
        [project, f"{max(outcomes[name][project].score().slots for name in tools):,}"]
        + [_both(outcomes[name][project].score()) for name in tools]
        for project in projects
    ]
    parts.append(table(["project", "slots", *tools], rows))
    return "\n".join(parts)


def _total_cells(name: str, outcome: Outcome) -> list[str]:
    total = outcome.score()
    timed = outcome.cost.seconds > 0
    return [
        name,
        f"{100 * total.coverage:.1f}",
        f"{100 * total.precision:.1f}",
        f"{100 * total.recall:.1f}",
        f"{100 * total.base_precision:.1f}",
        *(_both(outcome.score(lambda group, kind=kind: group[0] is kind)) for kind in SlotKind),
        f"{_per_hundred(outcome, outcome.new_errors):.1f}",
        str(outcome.uncovered) if outcome.withheld else "",
        f"{sum(outcome.withheld.values()):,}" if outcome.withheld else "",
        f"{outcome.withheld.get(REFUSED, 0):,}" if outcome.withheld else "",
        str(outcome.altered),
        str(outcome.broken),
        "" if outcome.again is None else str(outcome.again),
        f"{outcome.cost.seconds:.1f}" if timed else "",
        "" if outcome.warm is None else f"{outcome.warm:.1f}",
        f"{total.slots / outcome.cost.seconds:,.0f}" if timed else "",
        f"{outcome.cost.peak_mb:.0f}" if timed else "",
    ]


def _both(score: Score) -> str:
    return f"{100 * score.precision:.1f} / {100 * score.recall:.1f}"


def _per_hundred(outcome: Outcome, errors: int) -> float:
    return 100 * errors / outcome.written if outcome.written else 0.0


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    ruler = ["---", *["--:"] * (len(heads) - 1)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (heads, ruler, *rows))


def _row(
    chosen: str,
    variant: Variant,
    tools: Sequence[Tool],
    outcomes: Mapping[str, Mapping[str, Outcome]],
    totals: Mapping[str, Outcome],
    busy: float,
) -> dict[str, object]:
    """What is committed: enough to draw every figure again."""
    return {
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "revision": revision(),
        "set": chosen,
        "variant": variant,
        "load_before": round(busy, 2),
        "tools": {
            tool.name: {
                "version": version_of(tool) if tool.package else None,
                **_figures(totals[tool.name]),
                "projects": {name: _figures(outcome) for name, outcome in outcomes[tool.name].items()},
            }
            for tool in tools
        },
    }


def _figures(outcome: Outcome) -> dict[str, object]:
    return {
        "seconds": round(outcome.cost.seconds, 2),
        "warm_seconds": None if outcome.warm is None else round(outcome.warm, 2),
        "peak_mb": round(outcome.cost.peak_mb),
        "failure": outcome.cost.failure,
        "written": outcome.written,
        "new_errors": outcome.new_errors,
        "broken": outcome.broken,
        "altered": outcome.altered,
        "again": outcome.again,
        "new_errors_by_others": dict(outcome.by_others),
        "uncovered_by_others": dict(outcome.uncovered_by_others),
        "withheld": dict(outcome.withheld),
        "uncovered": outcome.uncovered,
        "total": _counts(outcome.score()),
        "kinds": {kind.value: _counts(outcome.score(lambda group, kind=kind: group[0] is kind)) for kind in SlotKind},
        "classes": {
            origin.value: _counts(outcome.score(lambda group, origin=origin: group[1] is origin)) for origin in Origin
        },
        "generic": _counts(outcome.score(lambda group: group[2])),
    }


def _counts(score: Score) -> dict[str, int]:
    return {"slots": score.slots, "annotated": score.annotated, "exact": score.exact, "base": score.base}


def revision() -> str:
    """The commit that was measured, marked where the working tree is not it."""
    command = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty", "--abbrev=12"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def _installed(tool: Tool, say: Say) -> bool:
    if version_of(tool) is None:
        advice = "`npm ci` in benchmarks/node" if tool.package.startswith("npm:") else f"`pip install {tool.package}`"
        say(f"{tool.name}: not installed, left out; {advice}")
        return False
    return True
