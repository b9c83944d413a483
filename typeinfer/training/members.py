"""Members: the corpus in; what weighs how much where a member is to be ranked, out.

Places where a member was written are cut off as an editor finds them; a checker tells what might stand there, and the weights are
those under which what did stand there is likeliest. What other people's projects do is
told of each project without itself. Learns from the split `train` alone.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from typeinfer.completion.cursor import cursor_at
from typeinfer.completion.habits import Counts, Habits, Tally, Use, uses_below, uses_in
from typeinfer.completion.ranking import COLUMN, Layers, Moment, Prior, Weights, guessed, moment_of, told
from typeinfer.languages import LANGUAGES, language_of
from typeinfer.languages.language import Companion, Language
from typeinfer.training.corpus import CorpusProject
from typeinfer.training.dots import Dot, dots_of, sampled
from typeinfer.values.inferred import CheckerFailed
from typeinfer.values.members import Member
from typeinfer.values.source import SourceFile

FEWEST_PROJECTS = 3
"""Projects that must use a member for it to be anybody's habit."""

FEWEST_USES = 20

FEWEST_PAIRS = 5

FEWEST_OFFERS = 20

LEAST_SPREAD = 0.02
"""A feature that hardly ever tells one member from another is not made to count for more."""

HIDDEN, DROPPED = 48, 0.1

RATE, DECAY, ROUNDS, BATCH = 3e-3, 0.02, 12, 64

TRUST = {"predicted": 0.9, "believed": 0.69}
"""Measured on projects of the set `calibration`, by benchmarks/completions.py (2026-11-28: 90.5 % of 21, 68.6 % of 51)."""

MOST_OFFERED = 400
"""Members of which a choice is learnt from; of more, the likeliest by name."""


@dataclass(frozen=True)
class Choice:
    """One place: what was offered, what `FEATURES` tell of each [names, features], and which of it was meant."""

    names: tuple[str, ...]
    told: NDArray[np.float32]
    meant: int


@dataclass(frozen=True)
class Seen:
    """What one project had to tell."""

    known: tuple[Choice, ...]
    guessed: tuple[Choice, ...]
    places: int


@dataclass(frozen=True)
class Learnt:
    """`told`: what the weights were learnt from."""

    weights: Weights
    told: str


def uses_of(root: Path, project: CorpusProject, language: Language) -> dict[str, tuple[Use, ...]]:
    folder = root / project.root
    return {
        path: uses_in(path, (folder / path).read_bytes()) for path in project.files if language_of(path) is language
    }


class Others:
    """The habits of many projects, and of all but one."""

    def __init__(self, tallies: Sequence[Tally]) -> None:
        self.tallies = tallies
        self.members, self.users = Counter[str](), Counter[str]()
        """Uses of a member, and projects that use it."""
        for tally in tallies:
            self.members.update(tally.members)
            self.users.update(tally.members.keys())
        self.behind = _Pairs([tally.behind for tally in tallies])
        self.because = _Pairs([tally.because for tally in tallies])
        self.after = _Pairs([tally.after for tally in tallies])

    def but(self, number: int | None = None) -> Prior:
        own = Tally() if number is None else self.tallies[number]
        total = self.members.total() - own.members.total()
        shares = {}
        for name, times in self.members.items():
            times, users = times - own.members[name], self.users[name] - (name in own.members)
            if times >= FEWEST_USES and users >= FEWEST_PROJECTS:
                shares[name] = round(math.log(times / total), 2)
        pairs = (self.behind.but(own.behind), self.because.but(own.because), self.after.but(own.after))
        return Prior(shares, *pairs, {})


class _Pairs:
    """How often something was used, given something else, in many projects."""

    def __init__(self, projects: Sequence[Counts]) -> None:
        self.times: Counts = defaultdict(Counter)
        self.users: Counts = defaultdict(Counter)
        for counts in projects:
            for given, members in counts.items():
                self.times[given].update(members)
                self.users[given].update(members.keys())
        self.whole = {given: shares for given in self.times if (shares := self._shares(given, Counter()))}

    def but(self, own: Counts) -> dict[str, dict[str, float]]:
        """The log of each share, less what one project adds: only what that one uses is another number then."""
        changed = {given: self._shares(given, members) for given, members in own.items()}
        return {given: shares for given, shares in {**self.whole, **changed}.items() if shares}

    def _shares(self, given: str, own: Counter[str]) -> dict[str, float]:
        total = self.times[given].total() - own.total()
        if total < FEWEST_USES:
            return {}
        shares = {}
        for name, users in self.users[given].items():
            times, users = self.times[given][name] - own[name], users - (name in own)
            if times >= FEWEST_PAIRS and users >= FEWEST_PROJECTS:
                shares[name] = round(math.log(times / total), 2)
        return shares


def choices(
    files: Mapping[str, SourceFile], dots: Iterable[Dot], companion: Companion, prior: Prior
) -> Iterator[tuple[Choice | None, Choice | None]]:
    """Of each place the choice between the members of a type that is known, and the one between names that are guessed."""
    habits = Habits()
    for path, file in files.items():
        habits.put(path, uses_in(path, file.data))
    for dot in dots:
        cursor, path = cursor_at(dot.cut, dot.at), dot.file.path
        if cursor is None:
            continue
        uses = [use for use in uses_below(path, cursor.asked.data, cursor.root) if use.at != cursor.begin]
        moment = moment_of(cursor.receiver, dot.cut.data, cursor.begin, uses, habits.elsewhere(path))
        listed = companion.members(cursor.asked, cursor.begin)
        yield _choice(dot, moment, listed, prior), _choice(dot, moment, guessed(moment, prior), prior)


def _choice(dot: Dot, moment: Moment, offered: Sequence[Member], prior: Prior) -> Choice | None:
    by_name = dict(islice({member.name: member for member in offered}.items(), MOST_OFFERED))
    if dot.member not in by_name:
        return None
    table = told(moment, list(by_name.values()), prior)
    return Choice(tuple(by_name), table, list(by_name).index(dot.member))


def _seen(task: tuple[Path, CorpusProject, str, Prior, int]) -> Seen:
    folder, project, name, prior, count = task
    (language,) = (one for one in LANGUAGES if one.name == name)
    root = folder / project.root
    files = {
        path: SourceFile(path, name, (root / path).read_bytes())
        for path in project.files
        if language_of(path) is language
    }
    dots = sampled([dot for file in files.values() for dot in dots_of(file)], count, seed=0)
    known: list[Choice] = []
    others: list[Choice] = []
    try:
        companion = language.companion(root, files, language.default_version)
        try:
            for one, two in choices(files, dots, companion, prior):
                known += [one] if one is not None else []
                others += [two] if two is not None else []
        finally:
            companion.close()
    except CheckerFailed:
        pass
    return Seen(tuple(known), tuple(others), len(dots))


def learn_members(
    folder: Path,
    projects: Sequence[CorpusProject],
    language: Language,
    count: int,
    most: int,
    jobs: int,
    progress: Callable[[str, int, int], None],
) -> Learnt:
    """`most`: projects that places are taken from, `count` of each."""
    tallies = []
    for number, project in enumerate(projects):
        progress("habits", number, len(projects))
        tally = Tally()
        for uses in uses_of(folder, project, language).values():
            tally.add(uses)
        tallies.append(tally)
    others = Others(tallies)
    step = max(1, len(projects) // most)
    asked = list(range(0, len(projects), step))[:most]
    seen: list[Seen] = []
    with ProcessPoolExecutor(jobs) as workers:
        tasks = ((folder, projects[at], language.name, others.but(at), count) for at in asked)
        for number, found in enumerate(workers.map(_seen, tasks)):
            seen.append(found)
            progress("places", number + 1, len(asked))
    known, appeal = _fitted([one.known for one in seen])
    guesses, _ = _fitted([one.guessed for one in seen])
    prior = others.but()
    weights = Weights(msgspec.structs.replace(prior, appeal=appeal), known, guesses, TRUST)
    places, known_places = sum(one.places for one in seen), sum(len(one.known) for one in seen)
    told = f"{len(projects)} projects; {places} places of {len(asked)}, {known_places} of them listed by the checker"
    return Learnt(weights, told)


def _fitted(choices: Sequence[Sequence[Choice]]) -> tuple[Layers, dict[str, float]]:
    """The network, and the appeal of each name; `choices` by project."""
    offered: Counter[str] = Counter()
    meant: Counter[str] = Counter()
    of_project: list[tuple[Counter[str], Counter[str]]] = []
    for project in choices:
        one, two = Counter[str](), Counter[str]()
        for choice in project:
            one.update(choice.names)
            two[choice.names[choice.meant]] += 1
        offered.update(one)
        meant.update(two)
        of_project.append((one, two))
    tables: list[NDArray[np.float32]] = []
    targets: list[int] = []
    for (one, two), project in zip(of_project, choices, strict=True):
        for choice in project:
            table = choice.told.copy()
            appeals = [_appeal(meant[name] - two[name], offered[name] - one[name]) for name in choice.names]
            special = table[:, COLUMN["special"]] > 0
            table[:, COLUMN["appeal"]] = np.where(special, table[:, COLUMN["appeal"]], appeals)
            tables.append(table)
            targets.append(choice.meant)
    appeal = {
        name: round(_appeal(meant[name], times), 2) for name, times in sorted(offered.items()) if times >= FEWEST_OFFERS
    }
    return fit(tables, targets), appeal


def _appeal(meant: int, offered: int) -> float:
    return math.log((meant + 0.5) / (offered + 25.0))


def fit(tables: Sequence[NDArray[np.float32]], targets: Sequence[int]) -> Layers:
    """The network under which the targets are likeliest among their tables' rows [members, features]: AdamW, `ROUNDS` times over
    all of them. The same for the same choices."""
    import torch

    torch.manual_seed(0)
    everything = np.concatenate(tables)
    mean, spread = everything.mean(axis=0), np.maximum(everything.std(axis=0), LEAST_SPREAD)
    first, last = torch.nn.Linear(len(mean), HIDDEN), torch.nn.Linear(HIDDEN, 1)
    network = torch.nn.Sequential(first, torch.nn.ReLU(), torch.nn.Dropout(DROPPED), last)
    scaled = [torch.from_numpy((table - mean) / spread) for table in tables]
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    for number in range(ROUNDS):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - number / ROUNDS)
        order = torch.randperm(len(scaled)).tolist()
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            scores = (
                network(torch.cat([scaled[at] for at in batch])).squeeze(1).split([len(scaled[at]) for at in batch])
            )
            losses = [-part.log_softmax(0)[targets[at]] for at, part in zip(batch, scores, strict=True)]
            optimizer.zero_grad()
            torch.stack(losses).mean().backward()
            optimizer.step()
    inner, bias, outer = first.weight.detach().numpy(), first.bias.detach().numpy(), last.weight.detach().numpy()[0]
    # The scale goes into the first layer, so that what is told need not be scaled where it is used.
    inner = inner / spread
    bias = bias - inner @ mean
    return Layers(np.round(inner, 5).tolist(), np.round(bias, 5).tolist(), np.round(outer, 5).tolist())
