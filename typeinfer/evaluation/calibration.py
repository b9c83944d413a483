"""Calibration: projects with known types in; what each rule is worth and the fitted belief out.

Fitted on the set `calibration`, which shares no project with the one that figures are reported on. The rounds of the
pipeline are part of what is fitted: evidence that comes to light only once other types are written is less sure.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from typeinfer.evaluation.benchmark import Task, table, tasks
from typeinfer.evaluation.judge import Form, Judge, write_tree
from typeinfer.evaluation.metrics import (
    area_under_risk,
    brier_score,
    calibration_error,
    coverage_at,
    risk_coverage,
)
from typeinfer.evaluation.peers import search_path
from typeinfer.languages import LANGUAGES, language_of
from typeinfer.model.belief import Belief, Standing, decider
from typeinfer.pipeline import listen
from typeinfer.program.files import read_files
from typeinfer.training.fitting import Example, fit
from typeinfer.values.predictions import Evidence
from typeinfer.values.slots import SlotId
from typeinfer.values.typeexpr import TypeExpr

Say = Callable[[str], None]

LANGUAGE_OF_SUFFIX = {suffix: language.name for language in LANGUAGES for suffix in language.suffixes}


@dataclass(frozen=True)
class Policy:
    """What is asked of evidence before it is written. `decides_alone`: a rule under this precision is evidence and never
    decides alone. `bound`: as in `Belief`."""

    decides_alone: float
    bound: float


POLICIES: Mapping[str, Policy] = {"python": Policy(0.9, 0.7), "typescript": Policy(0.75, 0.6)}
"""By language, read off the curves in docs/log.md: what is written is right in over nine of ten cases in both."""

NEVER_ALONE = frozenset({"name", "compared"})
"""What a name suggests, and what a value is compared with, is a hint however often it is right."""

PRIOR = 5

NOBODY = Belief({}, (), "nobody")
"""Believes everything by half: no decision is made by it, so one round is all there is to hear."""


@dataclass(frozen=True)
class Heard:
    """One project: the examples of its first round and those that later rounds added or changed."""

    first: tuple[Example, ...]
    later: tuple[Example, ...]
    unchecked: tuple[Example, ...]
    """What the rules alone say, where no checker can be asked."""


def calibrate(judge: Judge, chosen: str, belief: Belief, say: Say, only: Sequence[str] = ()) -> str:
    """What each rule is worth on a set of projects, and whether the probabilities of `belief` mean there what they say."""
    examples: list[Example] = []
    for name, heard in _listen_to(judge, chosen, belief, say, only):
        examples += [*heard.first, *heard.later]
        say(f"{name}: {len(heard.first)} slots with evidence")
    return f"{render_rules(standings(examples))}\n\n{render_trust(belief, examples)}"


def fit_belief(judge: Judge, chosen: str, say: Say, only: Sequence[str] = ()) -> Belief:
    """Fit twice: on what is heard at first, then on all that the first fit's decisions bring to light."""
    say("first round")
    first = [example for _, heard in _listen_to(judge, chosen, NOBODY, say, only) for example in heard.first]
    policy = POLICIES[judge.language]
    draft = Belief(fit(first), (), "draft", deciders(first, policy.decides_alone), policy.bound)
    say("all rounds")
    projects = 0
    examples: list[Example] = []
    unchecked: list[Example] = []
    for name, heard in _listen_to(judge, chosen, draft, say, only):
        examples += [*heard.first, *heard.later]
        unchecked += heard.unchecked
        projects += 1
        say(f"{name}: {len(heard.first)} slots in the first round, {len(heard.later)} more later")
    source = f"{projects} projects of the set {chosen!r}, {len(examples)} examples, {date.today().isoformat()}"
    sure = deciders(examples, policy.decides_alone)
    return Belief(fit([*examples, *unchecked]), standings(examples), source, sure, policy.bound)


def standings(examples: Sequence[Example]) -> tuple[Standing, ...]:
    """Support and precision of each rule, by name."""
    support: Counter[str] = Counter()
    exact: Counter[str] = Counter()
    for example in examples:
        for said in example.evidence:
            support[said.rule] += 1
            exact[said.rule] += said.type in example.true
    return tuple(Standing(rule, count, exact[rule] / count) for rule, count in sorted(support.items()))


def deciders(examples: Sequence[Example], precision: float) -> frozenset[str]:
    """The rules that may decide alone, for a kind and a shape: exact as often as asked, with five imagined cases of what
    the rule is worth overall added to the count, so that three lucky ones prove nothing."""
    overall = {standing.rule: standing.precision for standing in standings(examples)}
    support: Counter[str] = Counter()
    exact: Counter[str] = Counter()
    rule_of: dict[str, str] = {}
    for example in examples:
        for said in example.evidence:
            key = decider(said.rule, example.kind, said.type)
            rule_of[key] = said.rule
            support[key] += 1
            exact[key] += said.type in example.true
    return frozenset(
        key
        for key, rule in rule_of.items()
        if rule not in NEVER_ALONE and (exact[key] + PRIOR * overall[rule]) / (support[key] + PRIOR) >= precision
    )


def render_rules(found: Sequence[Standing]) -> str:
    """A line a rule, the surest first, as Markdown."""
    ordered = sorted(found, key=lambda standing: (-standing.precision, standing.rule))
    rows = [[standing.rule, f"{standing.support:,}", f"{100 * standing.precision:.1f}"] for standing in ordered]
    return table(["rule", "support", "exact, %"], rows)


def render_trust(belief: Belief, examples: Sequence[Example]) -> str:
    """The figures of evaluation by probability, for the best type of every slot that has evidence, as Markdown."""
    best = [(belief.rank(example.kind, example.evidence, example.checked)[0], example) for example in examples]
    probabilities = [ranked.probability for ranked, _ in best]
    right = [ranked.type in example.true for ranked, example in best]
    curve = risk_coverage(probabilities, right, len(examples))
    rows = [
        ["expected calibration error, 15 bins of equal mass", f"{calibration_error(probabilities, right):.3f}"],
        ["Brier score", f"{brier_score(probabilities, right):.3f}"],
        ["area under the risk-coverage curve", f"{area_under_risk(curve):.3f}"],
        ["coverage at 95 % precision", f"{coverage_at(0.95, curve):.3f}"],
        ["coverage at 90 % precision", f"{coverage_at(0.90, curve):.3f}"],
    ]
    return table(["of slots with evidence", f"{len(examples):,}"], rows)


def _listen_to(judge: Judge, chosen: str, belief: Belief, say: Say, only: Sequence[str]) -> Iterator[tuple[str, Heard]]:
    # The checkers are asked in this very process, and found like those of the benchmark's tools.
    os.environ["PATH"] = search_path()
    for task in tasks(judge, chosen, "bare", say, only):
        with tempfile.TemporaryDirectory(prefix="typeinfer-") as folder:
            root = Path(folder)
            write_tree(root, task.stripped.files)
            sources = [name for name in sorted(task.stripped.files) if language_of(name) is not None]
            files, _ = read_files(root, sources, LANGUAGE_OF_SUFFIX)
            rounds = list(listen(root, files, belief))
            alone = next(iter(listen(root, files, NOBODY, checker=False)))
        yield task.name, _heard(judge, task, rounds, alone)


def _heard(
    judge: Judge,
    task: Task,
    rounds: Sequence[Mapping[SlotId, tuple[Evidence, ...]]],
    alone: Mapping[SlotId, tuple[Evidence, ...]],
) -> Heard:
    spelled = _Spelled(judge, task, [*rounds, alone])
    first: list[Example] = []
    later: list[Example] = []
    unchecked: list[Example] = []
    for slot in task.stripped.truth:
        said = [evidence[slot] for evidence in rounds if slot in evidence]
        if slot in rounds[0]:
            first.append(spelled.example(slot, rounds[0][slot]))
        if said and (slot not in rounds[0] or said[-1] != rounds[0][slot]):
            later.append(spelled.example(slot, said[-1]))
        if slot in alone:
            unchecked.append(spelled.example(slot, alone[slot], checked=False))
    return Heard(tuple(first), tuple(later), tuple(unchecked))


class _Spelled:
    """All types that were written or heard of in one project, in the form in which the judge compares them."""

    def __init__(self, judge: Judge, task: Task, heard: Iterable[Mapping[SlotId, tuple[Evidence, ...]]]) -> None:
        self.truth = task.stripped.truth
        said = {(slot.path, part.type) for evidence in heard for slot, parts in evidence.items() for part in parts}
        self.text = {(path, term): _write(path, term) for path, term in said}
        self.forms: Mapping[str, Form] = judge.forms({*self.truth.values(), *self.text.values()})

    def example(self, slot: SlotId, evidence: tuple[Evidence, ...], checked: bool = True) -> Example:
        wanted = self.forms[self.truth[slot]].exact
        true = {said.type for said in evidence if self.forms[self.text[slot.path, said.type]].exact == wanted}
        return Example(slot.kind, evidence, frozenset(true), checked)


def _write(path: str, term: TypeExpr) -> str:
    language = language_of(path)
    assert language is not None, "evidence comes from files of known languages"
    return language.write_type(term)
