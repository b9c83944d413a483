"""How a line goes on: `python benchmarks/lines.py [--language L] [--set S] [--places N]`. Prints tables.

In every project of the set (development), stripped of its annotations, PLACES whole lines of code and as many dots are drawn by chance.
From the first letter of the line, or from the dot on, the rest of the line is cut off; what stands above and below stays. What is
suggested there is held against what was written: exactly the same or not, how alike (difflib's ratio), whether the text can be read
(as it is, or once a block that is opened has a body), and whether the checker reports an error that it doesn't report of the text that
the suggestion is made for, nor of the original (new errors), or one that it doesn't report of the original (not in the original): a name
that the line defined may be missing below whatever stands there.

Each part of what constrains a suggestion is taken away alone. No annotations are predicted here: types are those that the checker knows.
"""

from __future__ import annotations

import argparse
import difflib
import os
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from completions import JUDGES, NODE
from msgspec.structs import replace as changed

from typeinfer.completion.cursor import cursor_at
from typeinfer.completion.lines import DRAWN, LineModel, Place, Writer, place_at
from typeinfer.completion.lm import load
from typeinfer.completion.prefixes import bodies_of
from typeinfer.evaluation.benchmark import table, tasks
from typeinfer.evaluation.judge import write_tree
from typeinfer.languages import LANGUAGES, treesitter
from typeinfer.languages.language import Companion, Language
from typeinfer.training.dots import Rest, rests_of, sampled
from typeinfer.values.inferred import CheckerFailed, Complaint
from typeinfer.values.source import SourceFile

KINDS = ("whole lines", "behind a dot")

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)

FLOOR = THRESHOLDS[0]


@dataclass(frozen=True)
class Shown:
    """A suggestion: how probable it was thought, and what became of it."""

    probability: float
    exact: bool
    alike: float
    reads: bool
    errors: bool
    beside_original: bool


@dataclass
class Tally:
    places: int = 0
    shown: list[Shown] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)

    def cells(self, threshold: float) -> list[str]:
        shown = [one for one in self.shown if one.probability >= threshold]
        count = max(1, len(shown))

        def share(what: Callable[[Shown], bool]) -> str:
            return f"{100 * sum(map(what, shown)) / count:.1f}" if shown else ""

        return [
            f"{100 * len(shown) / max(1, self.places):.1f}",
            share(lambda one: one.exact),
            f"{statistics.fmean(one.alike for one in shown):.2f}" if shown else "",
            share(lambda one: one.reads),
            share(lambda one: one.errors),
            share(lambda one: one.beside_original),
            f"{100 * sum(one.exact for one in shown) / max(1, self.places):.1f}",
        ]

    def times(self) -> list[str]:
        ordered = sorted(1000 * one for one in self.seconds) or [0.0]
        return [f"{ordered[int(share * (len(ordered) - 1))]:.0f}" for share in (0.5, 0.95)]


HEADS = ["shown", "exact", "alike", "can be read", "new errors", "not in the original", "exact of all places"]


class Checked:
    """The checker of one project, and how often each question was put to it."""

    def __init__(self, companion: Companion) -> None:
        self.companion = companion
        self.asked: Counter[str] = Counter()

    def errors(self, file: SourceFile) -> Sequence[Complaint]:
        self.asked["errors"] += 1
        return self.companion.errors(file)

    def members(self, place: Place) -> Callable[[bytes, int], frozenset[str] | None]:
        def of(text: bytes, before: int) -> frozenset[str] | None:
            cursor = cursor_at(place.with_text(text, before), place.start - before + len(text))
            if cursor is None:
                return None
            self.asked["members"] += 1
            names = [one.name for one in self.companion.members(cursor.asked, cursor.begin)]
            return frozenset(names) if any(not name.startswith("__") for name in names) else None

        return of


def judged(
    language: Language, rest: Rest, text: str, probability: float, checked: Checked, original: Counter[Complaint], lacking: Counter[Complaint]
) -> Shown:
    bodies = [body.decode() for body in bodies_of(language, text.encode())]
    wholes = [rest.with_text(text + body) for body in (*bodies, "")]
    readable = [file for file in wholes if not treesitter.unread(language.parse(file.path, file.data).root_node)]
    reads = bool(readable)
    found = Counter(checked.companion.errors((readable or wholes)[0]))
    alike = difflib.SequenceMatcher(None, text, rest.text, autojunk=False).ratio()
    return Shown(probability, text == rest.text, alike, reads, bool(found - (original | lacking)), bool(found - original))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--language", choices=sorted(JUDGES), default="python")
    parser.add_argument("--set", choices=["development", "calibration"], default="development")
    parser.add_argument("--places", type=int, default=25, help="of each kind in each project")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--model", type=Path, default=treesitter.grammar_folder().parent / "models" / "lines")
    asked = parser.parse_args()
    os.environ.pop("VIRTUAL_ENV", None)
    (language,) = (one for one in LANGUAGES if one.name == asked.language)
    stored = load(asked.model)
    shown_from = stored.trust.shown.get(language.name, 1.0)
    model, forgetful = LineModel(stored), LineModel(replace(stored, trust=changed(stored.trust, recall=())))
    tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
    drawn, projects = Counter[str](), 0

    for task in tasks(JUDGES[language.name](), asked.set, "bare", lambda line: None, asked.only):
        print(task.name, file=sys.stderr)
        projects += 1
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder).resolve() / "project"
            write_tree(root, task.stripped.files)
            if language.name == "typescript" and not (root / "node_modules").exists():
                (root / "node_modules").mkdir()
                (root / "node_modules" / "typescript").symlink_to(NODE / "typescript7")
            files = {
                path: SourceFile(path, language.name, data)
                for path, data in sorted(task.stripped.files.items())
                if path.endswith(language.suffixes) and not path.endswith(language.declaration_suffixes)
            }
            found = [rests_of(file) for file in files.values()]
            chosen = [
                (kind, sampled([rest for rests in found for rest in rests[number]], asked.places, 0))
                for number, kind in enumerate(KINDS)
            ]
            writers = {"": Writer(model), "forgetful": Writer(forgetful)}
            for writer in writers.values():
                for path, file in files.items():
                    writer.put(path, file.data)
            try:
                companion = language.companion(root, files, language.default_version)
            except CheckerFailed as error:
                print(f"{task.name}: {error}", file=sys.stderr)
                continue
            checked = Checked(companion)
            for kind, rests in chosen:
                for rest in rests:
                    asked_at(language, kind, rest, writers, checked, tallies, drawn, shown_from)
            companion.close()

    total = sum(tally.places for (name, _), tally in tallies.items() if name == "typeinfer")
    print(
        f"{total} places in {projects} projects, % of what is shown; shown and exact of all places: % of the places.\n"
    )
    for kind in KINDS:
        tally = tallies["typeinfer", kind]
        print(f"{kind}, {tally.places} of them; by the probability from which on a line is shown:\n")
        print(
            table(
                ["from", *HEADS],
                [[f"{threshold:.2f}", *tally.cells(threshold)] for threshold in sorted({*THRESHOLDS, shown_from})],
            )
        )
        print(f"\nfrom {shown_from:.2f} on, which is what an editor shows, each part taken away alone:\n")
        rows = [
            [name, *tally.cells(shown_from), *tally.times()] for (name, one), tally in tallies.items() if one == kind
        ]
        print(table(["", *HEADS, "p50 ms", "p95 ms"], rows))
        print()
    counted = ", ".join(f"{number} {what}" for what, number in sorted(drawn.items()))
    print(f"While searching: {counted}.")




def asked_at(
    language: Language,
    kind: str,
    rest: Rest,
    writers: Mapping[str, Writer],
    checked: Checked,
    tallies: dict[tuple[str, str], Tally],
    drawn: Counter[str],
    shown_from: float,
) -> None:
    cut = rest.cut
    original, lacking = Counter(checked.companion.errors(rest.file)), Counter(checked.companion.errors(cut))
    place = place_at(cut, rest.at)
    members = checked.members(place) if place is not None else None
    for name, writer, guide, errors, floor in (
        ("typeinfer", writers[""], members, checked.errors, FLOOR),
        ("… as an editor asks", writers[""], members, checked.errors, shown_from),
        ("… without members", writers[""], None, checked.errors, FLOOR),
        ("… without the checker's errors", writers[""], members, None, FLOOR),
        ("… without recollection", writers["forgetful"], members, checked.errors, FLOOR),
        ("the model and recollection alone", writers[""], None, None, FLOOR),
        ("the model alone", writers["forgetful"], None, None, FLOOR),
    ):
        tally = tallies[name, kind]
        tally.places += 1
        if place is None:
            continue
        writer.model.model.tokens = []  # What was read for another variant is not to be had.
        before = Counter(checked.asked)
        began = time.perf_counter()
        if name.startswith("the model"):
            lines = [
                (one.text.decode("utf-8", "replace").rstrip(), one.probability)
                for one in writer.drawn(place, DRAWN, floor)
            ]
        else:
            lines = [(one.text, one.probability) for one in writer.written(place, 1, floor, guide, errors)]
        tally.seconds.append(time.perf_counter() - began)
        if name == "typeinfer":
            drawn.update(checked.asked - before)
        best = next(((text, likely) for text, likely in lines if text.strip()), None)
        if best is not None:
            tally.shown.append(judged(language, rest, *best, checked, original, lacking))


if __name__ == "__main__":
    main()
