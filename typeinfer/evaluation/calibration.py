"""Calibration: projects with known types in; what each rule is worth and the fitted belief out.

Fitted on the set `calibration`, which shares no project with the one that figures are reported on, nor with what the type
model is trained on. The rounds of the pipeline are part of what is fitted: evidence that comes to light only once other types
are written is less sure. Bounds and promises are read off probabilities by beliefs that were fitted on other projects.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from pathlib import Path

import msgspec

from typeinfer.deciding import Model, Ranker, Round, listen, may_stand_bare
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
from typeinfer.evaluation.projects import data_folder, environment
from typeinfer.languages import LANGUAGE_OF_SUFFIX, LANGUAGES, language_of
from typeinfer.model.belief import Belief, Standing, decider
from typeinfer.model.features import candidates
from typeinfer.program.files import read_files
from typeinfer.program.project import Project, read_project
from typeinfer.training.fitting import Example, fit_choice, fit_each
from typeinfer.training.promises import Shot, promises
from typeinfer.values.predictions import Evidence, Ranking
from typeinfer.values.slots import Slot, SlotId
from typeinfer.values.typeexpr import TypeExpr, bare

Say = Callable[[str], None]


@dataclass(frozen=True)
class Policy:
    """What is asked of evidence before it is written. `decides_alone`: a rule under this precision is evidence and never
    decides alone. `bound`: as in `Belief`, for rules alone. `right`: the precision that the bound of a belief with a model is
    to have."""

    decides_alone: float
    bound: float
    right: float


POLICIES: Mapping[str, Policy] = {"python": Policy(0.9, 0.7, 0.9), "typescript": Policy(0.75, 0.6, 0.85)}
"""By language, read off the curves in docs/log.md: what rules write is right in over nine of ten cases in both."""

CURVE = (0.85, 0.88, 0.9, 0.92, 0.95, 0.97)
"""Shares of what is written for which a fit tells the bound: what a policy is read off."""

PASSES = 2
"""How often all is heard, with a model, with what was fitted last deciding. What is decided is evidence for the rest, so a belief
is to be fitted on what it brings about itself: on what a worse one brought about it doubts too much (docs/log.md). A third changes
nothing."""

FOLDS = 5
"""Parts that the projects are dealt into: what is believed of one part is fitted on the others."""

NEVER_ALONE = frozenset({"name", "compared"})
"""What a name suggests, and what a value is compared with, is a hint however often it is right."""

PRIOR = 5

NOBODY = Belief({}, (), "nobody")
"""Believes everything by half: no decision is made by it, so one round is all there is to hear."""


FitEach = Callable[[Mapping[str, Sequence[Example]], Sequence[Collection[str]]], list[dict[str, float]]]


@dataclass(frozen=True)
class Heard:
    """One project: the examples of its first round and those that later rounds added or changed."""

    first: tuple[Example, ...]
    later: tuple[Example, ...]
    unchecked: tuple[Example, ...]
    """What the rules alone say, where no checker can be asked."""
    last: tuple[Example, ...] = ()
    """Of every slot what was known in the end."""

    @property
    def examples(self) -> tuple[Example, ...]:
        """What is fitted on: of each slot what was known when it was decided, or in the end."""
        return (*self.last, *self.unchecked)


def calibrate(judge: Judge, chosen: str, belief: Belief, say: Say, only: Sequence[str] = ()) -> str:
    """What each rule is worth on a set of projects, and whether the probabilities of `belief` mean there what they say."""
    examples: list[Example] = []
    for name, heard in listen_to(judge, chosen, belief, None, say, only):
        examples += [*heard.first, *heard.later]
        say(f"{name}: {len(heard.first)} slots with evidence")
    return f"{render_rules(standings(examples))}\n\n{render_trust(belief, examples)}"


def fit_belief(judge: Judge, chosen: str, say: Say, only: Sequence[str] = ()) -> Belief:
    """Fit rules alone, twice: on what is heard at first, then on all that the first fit's decisions bring to light."""
    policy = POLICIES[judge.language]
    say("first round")
    draft = drafted(dict(listen_to(judge, chosen, NOBODY, None, say, only)), policy, fit_each)
    say("all rounds")
    heard = dict(_said(say, listen_to(judge, chosen, draft, None, say, only, unchecked=True)))
    return fitted(heard, chosen, policy, fit_each)


def fit_with_model(
    judge: Judge, chosen: str, rules: Belief, ranker: Ranker, say: Say, only: Sequence[str] = ()
) -> Belief:
    """With a model that is asked too: the same, and then once more, on all that the second fit's decisions bring to light. `rules`:
    what is believed of slots that it has nothing to say of."""
    policy = POLICIES[judge.language]
    remembering = Remembering(ranker)
    say("first round")
    model = Model(remembering, {judge.language: NOBODY})
    belief = drafted(dict(_said(say, listen_to(judge, chosen, NOBODY, model, say, only))), policy, fit_choice)
    for turn in range(PASSES):
        say(f"all rounds, {turn + 1} of {PASSES}")
        model = Model(remembering, {judge.language: belief})
        heard = dict(_said(say, listen_to(judge, chosen, rules, model, say, only, unchecked=True)))
        belief = fitted(heard, chosen, policy, fit_choice, rules, say)
    return belief


def drafted(heard: Mapping[str, Heard], policy: Policy, weigh: FitEach) -> Belief:
    """A belief by what is heard in first rounds alone."""
    first = {name: project.first for name, project in heard.items()}
    sure = deciders([example for project in first.values() for example in project], policy.decides_alone)
    return Belief(weigh(first, ())[0], (), "draft", sure, policy.bound)


def fitted(
    heard: Mapping[str, Heard],
    chosen: str,
    policy: Policy,
    weigh: FitEach,
    rules: Belief | None = None,
    say: Say = lambda line: None,
) -> Belief:
    """A belief by all that is heard, with its promises. `rules`: what is believed where the model has nothing to say; None where
    there is no model, and the bound is the policy's."""
    examples = [example for project in heard.values() for example in (*project.first, *project.later)]
    source = f"{len(heard)} projects of the set {chosen!r}, {len(examples)} examples, {date.today().isoformat()}"
    # Of a single project there are no others to fit a fold on: nothing is promised by it.
    folds = [sorted(heard)[fold::FOLDS] for fold in range(min(FOLDS, len(heard)))] if len(heard) > 1 else []
    weights, *by_fold = weigh({name: project.examples for name, project in heard.items()}, folds)
    sure = deciders(examples, policy.decides_alone)
    belief = Belief(weights, standings(examples), source, sure, policy.bound)
    tried = {
        name: [
            _shot(rules if rules is not None and example.ranking is None else replace(belief, weights=others), example)
            for example in heard[name].last
        ]
        for fold, others in zip(folds, by_fold, strict=True)
        for name in fold
    }
    bound = None if rules is None else least_bound(tried, policy.right)
    for right in CURVE:
        say(f"right in {right:.0%}: {_written_at(tried, least_bound(tried, right))}")
    return replace(belief, promises=promises(tried), bound=belief.bound if bound is None else bound)


def _shot(belief: Belief, example: Example) -> Shot:
    place, evidence, ranking = example.place, example.evidence, example.ranking
    ranked = belief.rank(place, evidence, example.checked, ranking)
    if not ranked:
        return Shot(0.0, False)
    best = ranked[0]
    sure = best.probability if belief.decides(place, best.type, evidence, ranking) else 0.0
    hollow = belief.hollow(place, ranked, evidence, ranking, example.bare.__contains__)
    if hollow is None:
        return Shot(sure, best.type in example.true)
    return Shot(sure, best.type in example.true, hollow.probability, hollow.type in example.truly_bare)


def _written_at(projects: Mapping[str, Sequence[Shot]], bound: float | None) -> str:
    if bound is None:
        return "at no bound"
    taken = [shot for found in projects.values() for shot in found]
    return f"from {bound:.2f} on, {sum(shot.probability >= bound for shot in taken)} of {len(taken)} slots"


def least_bound(projects: Mapping[str, Sequence[Shot]], right: float) -> float | None:
    """The least probability, in hundredths, at which this share of what is written is right, all slots taken together. Never
    under a half: what is more likely wrong than right is not written."""
    taken = [shot for found in projects.values() for shot in found]
    for percent in range(50, 100):
        written = [shot.right for shot in taken if shot.probability >= percent / 100]
        if written and sum(written) >= right * len(written):
            return percent / 100
    return None


def _said(say: Say, heard: Iterable[tuple[str, Heard]]) -> Iterator[tuple[str, Heard]]:
    for name, project in heard:
        say(f"{name}: {len(project.first)} slots in the first round, {len(project.later)} more later")
        yield name, project


@dataclass(frozen=True)
class Remembering:
    """A ranker that is asked about nothing twice: texts, and what it hears of rules, are all there is to what it says of a slot,
    whichever belief decides in the end."""

    ranker: Ranker
    known: dict[tuple[str | bytes, ...], dict[SlotId, Ranking]] = field(default_factory=dict)

    @property
    def hears(self) -> Collection[str]:
        return self.ranker.hears

    @property
    def trouble(self) -> str | None:
        return self.ranker.trouble

    def read_ahead(self, project: Project, asked: frozenset[SlotId]) -> None:
        """Most of what is asked was asked before."""

    def rank(
        self,
        project: Project,
        evidence: Mapping[SlotId, Sequence[Evidence]],
        wanted: Callable[[Slot], bool],
    ) -> Mapping[SlotId, Ranking]:
        heard = [one for said in evidence.values() for one in said if one.rule in self.hears]
        texts = (module.file.digest for _, module in sorted(project.modules.items()))
        key = (sha256(msgspec.json.encode(heard)).digest(), *texts)
        asked = [slot for module in project.modules.values() for slot in module.slots if wanted(slot)]
        known = self.known.setdefault(key, {})
        if any(slot.id not in known for slot in asked):
            known |= self.ranker.rank(project, evidence, wanted)
            known |= {slot.id: Ranking(()) for slot in asked if slot.id not in known}
        return {slot.id: word for slot in asked if (word := known[slot.id]).ranked}


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
    """The rules that may decide alone, for a place and a shape: exact as often as asked, with five imagined cases of what
    the rule is worth overall added to the count, so that three lucky ones prove nothing."""
    overall = {standing.rule: standing.precision for standing in standings(examples)}
    support: Counter[str] = Counter()
    exact: Counter[str] = Counter()
    rule_of: dict[str, str] = {}
    for example in examples:
        for said in example.evidence:
            key = decider(said.rule, example.place, said.type)
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


def render_fit(belief: Belief) -> str:
    """What each rule is worth, the bound, and the bounds that promises stand on, as Markdown."""
    rows = [[f"{100 * error:g}", f"{bound:.2f}"] for error, bound in sorted(belief.promises.items())]
    kept = table(["at most wrong, %", "bound"], rows) if rows else "no share of errors can be promised\n"
    return f"{render_rules(belief.standings)}\nBound: {belief.bound:.2f}\n\n{kept}"


def render_trust(belief: Belief, examples: Sequence[Example]) -> str:
    """The figures of evaluation by probability, for the best type of every slot that has evidence, as Markdown."""
    best = [(belief.rank(example.place, example.evidence, example.checked)[0], example) for example in examples]
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


def listen_to(
    judge: Judge,
    chosen: str,
    belief: Belief,
    model: Model | None,
    say: Say,
    only: Sequence[str],
    unchecked: bool = False,
) -> Iterator[tuple[str, Heard]]:
    """What is heard on each project of a set. `belief` decides where the model, if there is one, has nothing to say; `unchecked`:
    with what is heard where no checker can be asked."""
    # The checkers are asked in this very process, and found like those of the benchmark's tools.
    os.environ["PATH"] = search_path()
    beliefs = {language.name: belief for language in LANGUAGES}
    nobody = None if model is None else Model(model.ranker, dict.fromkeys(model.beliefs, NOBODY))
    for task in tasks(judge, chosen, "bare", say, only):
        asked = frozenset(task.stripped.truth)
        with tempfile.TemporaryDirectory(prefix="typeinfer-") as folder:
            project = stripped_project(Path(folder), task)
            if (installed := environment(task.pinned, data_folder())) is not None:
                (Path(folder) / ".venv").symlink_to(installed, target_is_directory=True)
                project = replace(project, packages=True)
            rounds = list(listen(project, beliefs, model, asked))
            silent = dict.fromkeys(beliefs, NOBODY)
            alone = next(listen(project, silent, nobody, asked, checker=False)) if unchecked else Round({}, {})
            yield task.name, _heard(judge, task, project, rounds, alone)


def stripped_project(root: Path, task: Task) -> Project:
    """The project less its annotations, written below a folder and read from there."""
    write_tree(root, task.stripped.files)
    sources = [name for name in sorted(task.stripped.files) if language_of(name) is not None]
    files, _ = read_files(root, sources, LANGUAGE_OF_SUFFIX)
    return read_project(root, files)


def _heard(judge: Judge, task: Task, project: Project, rounds: Sequence[Round], alone: Round) -> Heard:
    spelled = _Spelled(judge, task, project, [*rounds, alone])
    first: list[Example] = []
    later: list[Example] = []
    last: list[Example] = []
    unchecked: list[Example] = []
    for slot in task.stripped.truth:
        said = [word for one in rounds if (word := _word(one, slot)) != NOTHING_SAID]
        at_first = _word(rounds[0], slot)
        if at_first != NOTHING_SAID:
            first.append(spelled.example(slot, *at_first))
        if said and said[-1] != at_first:
            later.append(spelled.example(slot, *said[-1]))
        if said:
            last.append(first[-1] if said[-1] == at_first else later[-1])
        if (by_rules := _word(alone, slot)) != NOTHING_SAID:
            unchecked.append(spelled.example(slot, *by_rules, checked=False))
    return Heard(tuple(first), tuple(later), tuple(unchecked), tuple(last))


NOTHING_SAID: tuple[tuple[Evidence, ...], Ranking | None] = ((), None)


def _word(one: Round, slot: SlotId) -> tuple[tuple[Evidence, ...], Ranking | None]:
    return one.evidence.get(slot, ()), one.rankings.get(slot)


class _Spelled:
    """All types that were written or heard of in one project, in the form in which the judge compares them."""

    def __init__(self, judge: Judge, task: Task, project: Project, heard: Iterable[Round]) -> None:
        self.truth = task.stripped.truth
        self.project = project
        self.place = {slot.id: slot.place for module in project.modules.values() for slot in module.slots}
        said = {
            (slot.path, term)
            for one in heard
            for slot in self.truth
            for term in candidates(*_word(one, slot))
        }  # fmt: skip
        said |= {(path, bare(term)) for path, term in said}
        self.text = {(path, term): _write(path, term) for path, term in said}
        self.forms: Mapping[str, Form] = judge.forms({*self.truth.values(), *self.text.values()})

    def example(
        self, slot: SlotId, evidence: tuple[Evidence, ...], ranking: Ranking | None, checked: bool = True
    ) -> Example:
        wanted = self.forms[self.truth[slot]]
        terms = candidates(evidence, ranking)
        true = frozenset(term for term in terms if self.form(slot, term).exact == wanted.exact)
        hollow = {bare(term) for term in terms if bare(term) != term}
        able = frozenset(term for term in hollow if may_stand_bare(self.project, slot.path, term))
        truly = frozenset(term for term in able if self.form(slot, term).base == wanted.base)
        return Example(self.place[slot], evidence, true, checked, ranking, able, truly)

    def form(self, slot: SlotId, term: TypeExpr) -> Form:
        return self.forms[self.text[slot.path, term]]


def _write(path: str, term: TypeExpr) -> str:
    language = language_of(path)
    assert language is not None, "evidence comes from files of known languages"
    return language.write_type(term)
