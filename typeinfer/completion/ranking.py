"""Ranking: the members that may stand behind a dot in; how likely each is meant out.

A small network over what the text around, the project's habits and the habits of other people's projects say; its weights are
in `models/members/<language>.json`. Infers no types, and offers nothing that it wasn't given.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from typeinfer.completion.habits import Given, Rest, Tally, Use, reason, spelled
from typeinfer.values.members import Member, MemberKind, Suggestion

Floats: TypeAlias = "NDArray[numpy.float32]"

OWN = frozenset({"self", "cls", "this", "super()"})

NEAR = 1_500
"""Bytes before and behind a cursor whose words count as being near."""

UNLIKELY = 6.0
"""Nats below the likeliest at which one name is as unlikely to a language model as another."""

WORD = re.compile(r"[^\W\d]\w*")

PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

# What stands before the receiver: the word that is given a value there, or why one is wanted.
GIVEN = re.compile(r"(?:^|[\s(,.])(\w+)\s*(?::[^=()]*)?=\s*(?:await\s+)?\Z")

KINDS = (MemberKind.CALLABLE, MemberKind.CLASS, MemberKind.MODULE, MemberKind.VALUE)
"""What stands behind a dot."""

PLACES = ("first", "given", "argument", "returned", "tested", "gone over", "awaited", "word", "operator")

WORDS = {
    **dict.fromkeys(("return", "yield"), "returned"),
    **dict.fromkeys(("if", "elif", "while", "not", "and", "or", "assert"), "tested"),
    **dict.fromkeys(("in", "of", "from"), "gone over"),
    "await": "awaited",
}

SORTS = ("none", "truth", "text", "number", "many", "other")

SORT = re.compile(
    r"\b(?:(?P<none>None|void|undefined|NoReturn|Never|never)|(?P<truth>bool|boolean|TypeIs|TypeGuard)|(?P<text>str|string|bytes)"
    r"|(?P<number>int|float|number|complex)|(?P<many>list|dict|set|tuple|frozenset|Array|Map|Set|Iterator|Iterable|Sequence|Generator"
    r"|Mapping|AsyncIterator|ItemsView|KeysView|ValuesView|deque|defaultdict|Counter|OrderedDict))\b"
)
"""The first word of a type that says what may be done with a value of it."""

FEATURES = (
    *("exactly here", "exactly elsewhere", "behind here", "behind elsewhere", "member here", "member elsewhere"),
    *("ever exactly", "ever here", "ever elsewhere", "everywhere", "everywhere behind", "appeal", "word near"),
    *("because here", "because elsewhere", "because everywhere", "after here", "after elsewhere", "after everywhere"),
    *("ago", "log ago", "ago exactly", "log ago exactly", "ahead", "ahead exactly"),
    *("special", "special of super", "private of own", "private of others"),
    *(f"{kind.value} {place}" for kind in KINDS for place in (*PLACES, "of own")),
    *(f"{sort} {place}" for sort in SORTS for place in PLACES),
    *("given exactly", "given alike", "line alike", "receiver alike", "length"),
)
"""What is weighed; `features` tells those that aren't nothing."""

COLUMN = {name: number for number, name in enumerate(FEATURES)}


@dataclass(frozen=True)
class Moment:
    """What a cursor is seen with. `above`, `below`: the uses of its own file before and behind it; `elsewhere`: of all others."""

    receiver: str
    before: str
    """The text before the receiver, as far as it is near."""
    behind: str
    above: Sequence[Use]
    below: Sequence[Use]
    elsewhere: Rest

    @cached_property
    def spelled(self) -> tuple[str, str]:
        return spelled(self.receiver)

    @cached_property
    def counts(self) -> Mapping[str, Given]:
        """What was used how often, here and elsewhere, as `FEATURES` call it."""
        here = Tally()
        here.add(self.above)
        here.add(self.below)
        receiver, last = self.spelled
        found = {}
        for where, rest in (("here", Rest(here)), ("elsewhere", self.elsewhere)):
            found[f"member {where}"] = rest.members
            found[f"behind {where}"] = rest.given("behind", last)
            found[f"exactly {where}"] = rest.given("exactly", receiver)
            found[f"because {where}"] = rest.given("because", self.why)
            if self.previous:
                found[f"after {where}"] = rest.given("after", self.previous)
        return found

    @cached_property
    def last_use(self) -> Mapping[str, int]:
        """By member, how many uses ago it was last used above, behind anything."""
        return {use.member: len(self.above) - number for number, use in enumerate(self.above)}

    @cached_property
    def last_use_behind(self) -> Mapping[str, int]:
        """The same, of those behind the same text."""
        uses = [use for use in self.above if use.receiver == self.spelled[0]]
        return {use.member: len(uses) - number for number, use in enumerate(uses)}

    @cached_property
    def next_use(self) -> Mapping[str, int]:
        """By member, in how many uses it is next used below."""
        return {use.member: len(self.below) - number for number, use in enumerate(reversed(self.below))}

    @cached_property
    def next_use_behind(self) -> Mapping[str, int]:
        """The same, of those behind the same text."""
        uses = [use for use in self.below if use.receiver == self.spelled[0]]
        return {use.member: len(uses) - number for number, use in enumerate(reversed(uses))}

    @cached_property
    def line(self) -> str:
        return self.before.rpartition("\n")[2]

    @cached_property
    def place(self) -> str:
        """How what is typed stands in its statement."""
        if not self.line.strip():
            return "first"
        if GIVEN.search(self.line):
            return "given"
        if self.why.endswith(("(", "[", "{", ",")):
            return "argument"
        return WORDS.get(self.why, "word" if WORD.fullmatch(self.why) else "operator")

    @cached_property
    def why(self) -> str:
        return reason(self.line)

    @cached_property
    def previous(self) -> str:
        """The member that was used last above behind the same text."""
        return next((use.member for use in reversed(self.above) if use.receiver == self.spelled[0]), "")

    @cached_property
    def given(self) -> str:
        """The name that gets what is being typed."""
        found = GIVEN.search(self.line)
        return found.group(1) if found is not None else ""

    @cached_property
    def words(self) -> Counter[str]:
        return Counter(WORD.findall(self.before[-NEAR:]) + WORD.findall(self.behind[:NEAR]))

    @cached_property
    def parts_of_line(self) -> frozenset[str]:
        return frozenset(part for word in WORD.findall(self.line) for part in parts(word))


def parts(word: str) -> tuple[str, ...]:
    """The words that a name is made of, in small letters."""
    return tuple(part.lower() for part in PART.findall(word))


class Prior(Struct, frozen=True):
    """What members are used in other people's projects: how often, each, behind which words, and of how often it was offered."""

    members: dict[str, float]
    """log of the share of all uses"""
    behind: dict[str, dict[str, float]]
    """by the last word of the receiver: log of the share of the uses behind it"""
    because: dict[str, dict[str, float]]
    """by why it is wanted: log of the share of the uses"""
    after: dict[str, dict[str, float]]
    """by the member used before behind the same text: log of the share of the uses"""
    appeal: dict[str, float]
    """log of the share of the times it was offered that it was meant"""


RARE = -16.0
"""For a member that nobody uses."""


class Layers(Struct, frozen=True, dict=True):
    """A network with one hidden layer: `inner` [hidden, features], `bias` [hidden], `outer` [hidden]."""

    inner: list[list[float]]
    bias: list[float]
    outer: list[float]

    @cached_property
    def arrays(self) -> tuple[Floats, Floats, Floats]:
        inner, bias, outer = (numpy.array(part, dtype=numpy.float32) for part in (self.inner, self.bias, self.outer))
        return inner, bias, outer

    def scores(self, table: Floats) -> Floats:
        """Of each row of a table [members, features]."""
        inner, bias, outer = self.arrays
        return numpy.maximum(table @ inner.T + bias, 0.0) @ outer


class Weights(Struct, frozen=True):
    """`known` weighs members of a type, `guessed` names that are offered where no type is known. `trust`: how
    often what was meant is among the members of a type that is only predicted, or believed (`monitor.Ground`)."""

    prior: Prior
    known: Layers
    guessed: Layers
    trust: dict[str, float]


def load_weights(path: Path) -> Weights:
    return msgspec.json.decode(path.read_bytes(), type=Weights)


def features(moment: Moment, member: Member, prior: Prior) -> dict[str, float]:
    """What speaks for a member at a moment, by name."""
    name, last = member.name, moment.spelled[1]
    # That every class has them says that they are called by nobody but a subclass.
    special = name.startswith("__") and last != "super()"
    counts = {what: given[name] for what, given in moment.counts.items()}
    found = {what: math.log1p(times) for what, times in counts.items() if times}
    found |= {
        "ever exactly": float(counts["exactly here"] > 0),
        "ever here": float(counts["member here"] > 0),
        "ever elsewhere": float(counts["member elsewhere"] > 0),
        "everywhere": RARE if special else prior.members.get(name, RARE),
        "everywhere behind": _share(prior.behind, last, name),
        "because everywhere": _share(prior.because, moment.why, name),
        "appeal": -8.0 if special else prior.appeal.get(name, -4.0),
        "word near": math.log1p(moment.words[name]),
    }
    if moment.previous:
        found["after everywhere"] = _share(prior.after, moment.previous, name)
    if (ago := moment.last_use.get(name)) is not None:
        found["ago"] = 1.0 / ago
        found["log ago"] = -math.log(ago) / 4
    if (ago := moment.last_use_behind.get(name)) is not None:
        found["ago exactly"] = 1.0 / ago
        found["log ago exactly"] = -math.log(ago) / 4
    if (ahead := moment.next_use.get(name)) is not None:
        found["ahead"] = 1.0 / ahead
    if (ahead := moment.next_use_behind.get(name)) is not None:
        found["ahead exactly"] = 1.0 / ahead
    own = last in OWN
    if name.startswith("__"):
        found["special" if special else "special of super"] = 1.0
    elif name.startswith(("_", "#")):
        found["private of own" if own else "private of others"] = 1.0
    kind = member.kind.value
    found[f"{kind} {moment.place}"] = 1.0
    if member.declared:
        result = member.declared.rpartition("->")[2] if member.kind is MemberKind.CALLABLE else member.declared
        sort = SORT.search(result)
        found[f"{(sort.lastgroup if sort is not None else None) or 'other'} {moment.place}"] = 1.0
    if own:
        found[f"{kind} of own"] = 1.0
    mine = set(parts(name))
    if moment.given:
        wanted = set(parts(moment.given))
        found["given exactly"] = float(moment.given.lstrip("_") == name.lstrip("_"))
        found["given alike"] = len(mine & wanted) / max(1, len(mine | wanted))
    found["line alike"] = len(mine & moment.parts_of_line) / max(1, len(mine))
    found["receiver alike"] = len(mine & set(parts(last))) / max(1, len(mine))
    found["length"] = len(name) / 10
    return found


def _share(shares: Mapping[str, Mapping[str, float]], given: str, name: str) -> float:
    """Of what nothing is known, as much as of what is somewhat rare."""
    found = shares.get(given)
    return -8.0 if found is None else found.get(name, RARE)


def told(moment: Moment, members: Sequence[Member], prior: Prior) -> Floats:
    """What speaks for each [members, features]."""
    table = numpy.zeros((len(members), len(FEATURES)), dtype=numpy.float32)
    for row, member in enumerate(members):
        for name, value in features(moment, member, prior).items():
            table[row, COLUMN[name]] = value
    return table


def rank(moment: Moment, members: Iterable[Member], weights: Weights, known: bool) -> list[Suggestion]:
    """The members, the likeliest first; their probabilities add up to one."""
    offered = sorted({member.name: member for member in members}.values(), key=lambda member: member.name)
    if not offered:
        return []
    scores = (weights.known if known else weights.guessed).scores(told(moment, offered, weights.prior))
    shares = numpy.exp(scores - scores.max())
    shares = shares / shares.sum()
    order = numpy.argsort(-shares, kind="stable")
    return [Suggestion(offered[at], float(shares[at]), known) for at in order]


def guessed(moment: Moment, prior: Prior, most: int = 200) -> list[Member]:
    """The names that may be meant where no type is known: those used behind the same word first, then any."""
    _, last = moment.spelled
    counts: Counter[str] = Counter()
    for where in ("here", "elsewhere"):
        for name, times in moment.counts[f"behind {where}"].items():
            counts[name] += 1000 + times
        for name, times in moment.counts[f"member {where}"].items():
            counts[name] += min(times, 900)
    for name in prior.behind.get(last, {}):
        counts[name] += 500
    best = sorted(counts, key=lambda name: (-counts[name], name))[:most]
    return [Member(name, MemberKind.VALUE) for name in best]


def weighed(
    suggestions: Sequence[Suggestion], words: NDArray[numpy.float64], counted: tuple[float, float]
) -> list[Suggestion]:
    """The first of the suggestions, as many as there are `words`, by their own probability and by the word [n] that a language
    model has on each. Together they stay as probable as they were."""
    first, rest = suggestions[: len(words)], suggestions[len(words) :]
    before = numpy.array([one.probability for one in first])
    scores = mixed(numpy.log(numpy.maximum(before, 1e-12)), words, counted)
    after = numpy.exp(scores - scores.max(initial=-numpy.inf))
    after *= before.sum() / max(float(after.sum()), 1e-300)
    moved = [replace(one, probability=float(probability)) for one, probability in zip(first, after, strict=True)]
    return sorted([*moved, *rest], key=lambda one: (-one.probability, one.member.name))


def mixed(
    ranked: NDArray[numpy.float64], words: NDArray[numpy.float64], counted: tuple[float, float]
) -> NDArray[numpy.float64]:
    """What two opinions make of some names [n], both as log probabilities that count as told. That a small model finds something
    all but impossible says no more than that it finds it unlikely."""
    return counted[0] * ranked + counted[1] * numpy.maximum(words - words.max(initial=-numpy.inf), -UNLIKELY)


def moment_of(receiver: str, data: bytes, begin: int, uses: Sequence[Use], elsewhere: Rest) -> Moment:
    """`data`: the text with the cursor at `begin`; `uses`: of that text, without what is being typed."""
    starts = [use.at for use in uses]
    at = bisect_left(starts, begin)
    head = data[max(0, begin - 4 * NEAR) : begin].decode("utf-8", "ignore")
    before = head[: head.rfind(receiver)] if receiver and receiver in head else head
    behind = data[begin : begin + 4 * NEAR].decode("utf-8", "ignore")
    return Moment(receiver, before, behind, uses[:at], uses[at:], elsewhere)
