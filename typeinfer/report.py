"""Reports: a run in; text, unified diffs, JSON or SARIF 2.1.0 out, and a progress bar on the way there.

Knows nothing of how anything was inferred or written, and of languages only how to spell a type (`Spell`).
"""

from __future__ import annotations

import difflib
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias

import msgspec

import typeinfer
from typeinfer.values.lines import Continuation
from typeinfer.values.members import Ground, Offer, Suggestion
from typeinfer.values.outcomes import GIVEN, Changed, Failed, Outcome, Run, Skipped, reasons, withheld_because
from typeinfer.values.patches import Edit
from typeinfer.values.predictions import Abstain, Prediction, Ranked, Suggest
from typeinfer.values.slots import Slot, SlotKind
from typeinfer.values.source import SourceFile, Span
from typeinfer.values.typeexpr import TypeExpr

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from typeinfer.doubting import Doubt
    from typeinfer.findings import Findings

Spell: TypeAlias = Callable[[SourceFile, TypeExpr], str]
"""A type as the users of the file's language write it."""

At: TypeAlias = Callable[[str], str]
"""A file of the project as whoever reads the report would name it, in the folder where they stand."""

HOME = "https://pypi.org/project/typeinfer/"

LONGEST_DECLARED = 100
"""Characters of a declaration that are printed."""

GROUNDS = {
    Ground.KNOWN: "its type is known",
    Ground.PREDICTED: "its type is predicted",
    Ground.BELIEVED: "its likeliest type is tried",
    Ground.GUESSED: "its type is not known: names that are used",
}

RED, GREEN, CYAN, BOLD, PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[36m", "\x1b[1m", "\x1b[0m"


@dataclass(frozen=True)
class Summary:
    """A run in figures; `withheld` counts slots by reason, most first."""

    files: int
    changed: int
    found: int
    annotated: int
    withheld: tuple[tuple[str, int], ...]
    not_done: tuple[Skipped | Failed, ...]


def summarise(run: Run) -> Summary:
    outcomes = {outcome.path: outcome for outcome in run.outcomes}
    total: Counter[str] = Counter()
    for path in run.predictions:
        outcome, counts = outcomes.get(path), run.counts.get(path)
        # A file may have come to nothing since they were counted.
        if counts is None or isinstance(outcome, Skipped | Failed):
            counts = reasons(run.predictions[path], outcome)
        total.update(counts)
    found, annotated = total.total(), total.pop(GIVEN, 0)
    return Summary(
        files=len(run.outcomes),
        changed=sum(isinstance(outcome, Changed) for outcome in run.outcomes),
        found=found,
        annotated=annotated,
        withheld=tuple(sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))),
        not_done=tuple(outcome for outcome in run.outcomes if isinstance(outcome, Skipped | Failed)),
    )


def summary_lines(run: Run, would: bool, at: At) -> Iterator[str]:
    """What a person needs to go on from here; `would`: nothing was written."""
    summary = summarise(run)
    yield from (f"typeinfer: {note}" for note in run.notes)
    yield from (f"typeinfer: {at(left.path)}: {left.reason}" for left in summary.not_done)
    yield from (f"typeinfer: {at(path)}: {'needed, and not there' if would else 'made'}" for path in run.added)
    if not run.outcomes:
        yield "typeinfer: nothing here to annotate"
        return
    number = counted(summary.annotated, "annotation")
    number = f"{number} to write" if would else f"+{number}"
    checked = f"0 new errors by {' and '.join(run.checked_by)}" if run.checked_by else "not checked"
    why = ", ".join(f"{number} {reason}" for reason, number in summary.withheld)
    yield ", ".join(
        [
            f"{number} in {summary.changed} of {counted(summary.files, 'file')}",
            *([checked] if summary.annotated else []),
            *([f"{run.uncovered} uncovered"] if run.uncovered else []),
            f"{summary.found - summary.annotated} withheld{f' ({why})' if why else ''}",
            *([f"{counted(len(summary.not_done), 'file')} not done"] if summary.not_done else []),
        ]
    )


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


# --- text -----------------------------------------------------------------------------------------------------------


def diff(changed: Changed, at: At) -> bytes:
    """A unified diff in the file's own bytes, so that `git apply` takes it whatever the encoding."""
    before, after = changed.patch.file.to_bytes(), changed.patch.result().to_bytes()

    def named(path: str) -> bytes:
        # No patch reaches above the folder where it is applied: outside of the project that is its root.
        where = at(path)
        return (path if Path(where).is_absolute() else where).encode("utf-8", "surrogateescape")

    new = named(changed.path)
    old = new if changed.renamed_from is None else named(changed.renamed_from)
    lines = difflib.diff_bytes(
        difflib.unified_diff, _lines(before), _lines(after), b"a/" + old, b"b/" + new, lineterm=b"\n"
    )
    head = b"" if old == new else b"diff --git a/%b b/%b\nrename from %b\nrename to %b\n" % (old, new, old, new)
    return head + b"".join(
        line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n" for line in lines
    )


def _lines(data: bytes) -> list[bytes]:
    """Lines as `patch` counts them: a form feed or a lone carriage return ends none."""
    *lines, last = data.split(b"\n")
    return [line + b"\n" for line in lines] + ([last] if last else [])


def colored(diff_text: str) -> str:
    colors = {"+++": BOLD, "---": BOLD, "@@ ": CYAN}
    signs = {"+": GREEN, "-": RED}

    def paint(line: str) -> str:
        color = colors.get(line[:3]) or signs.get(line[:1])
        return f"{color}{line}{PLAIN}" if color else line

    return "\n".join(map(paint, diff_text.split("\n")))


def explanation(
    file: SourceFile, predictions: Iterable[Prediction], spell: Spell, at: At, most: int = 5
) -> Iterator[str]:
    """For every slot where it is, the types that were ranked, what became of it, and each rule's word."""
    path = at(file.path)
    for prediction in predictions:
        slot = prediction.slot
        where = f"{path}:{file.line_of(slot.span.start)}"
        yield f"{where}: {qualified(prediction)} ({slot.id.kind.value}): {ranking(file, prediction, spell, most)}"
        yield from (f"    {evidence.rule} says {spell(file, evidence.type)}" for evidence in prediction.because)
        if words := [f"{spell(file, word.type)} {percent(word.probability)}" for word in model_words(prediction)]:
            yield f"    model says {', '.join(words)}"
        if prediction.moved:
            moved = ", ".join(f"{reason.text} ({reason.weight:+.1f})" for reason in prediction.moved)
            yield f"    moved most by: {moved}"
        for refusal in prediction.refused:
            yield f"    checker refused {spell(file, refusal.type)} ({refusal.said})"
        match prediction.verdict:
            case Suggest(reason):
                yield f"    only suggested: {reason}"
            case Abstain(reason, detail):
                yield f"    withheld: {reason}{f' ({detail})' if detail else ''}"


def model_words(prediction: Prediction) -> tuple[Ranked, ...]:
    """The types that the model gives more than a trace of probability, at most three."""
    words = prediction.ranking.ranked if prediction.ranking is not None else ()
    return tuple(word for word in words[:3] if word.probability >= 0.01)


def ranking(file: SourceFile, prediction: Prediction, spell: Spell, most: int = 5) -> str:
    ranked = [f"{spell(file, rank.type)} {percent(rank.probability)}" for rank in prediction.ranked[:most]]
    return ", ".join(ranked) or "nothing known"


def percent(probability: float) -> str:
    # Rounding must not make a certainty of a belief.
    return ">99%" if probability > 0.99 else f"{probability:.0%}"


def qualified(prediction: Prediction) -> str:
    """The slot's name as a reader of the file would say it; a return is named by its function."""
    identity = prediction.slot.id
    if identity.kind is SlotKind.RETURN:
        return f"{identity.qualname}()"
    return f"{identity.qualname}.{identity.name}" if identity.qualname else identity.name


# --- findings -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Remark:
    """What is to be said of one slot. `rule`: the kind of remark, as other programs name it."""

    file: SourceFile
    slot: Slot
    rule: str
    text: str

    @property
    def line(self) -> int:
        return self.file.line_of(self.slot.span.start)

    @property
    def column(self) -> int:
        """In characters, from 1."""
        return self.file.column_of(self.slot.span.start) + 1


def as_lines(run: Run, spell: Spell, at: At, doubts: Sequence[Doubt] = ()) -> Iterator[str]:
    """A line an annotation that could be written, where it would stand, and a line a doubt."""
    for remark in _remarks(run, spell, doubts):
        yield f"{at(remark.file.path)}:{remark.line}:{remark.column}: {remark.text}"


def as_github(run: Run, spell: Spell, at: At, doubts: Sequence[Doubt] = ()) -> Iterator[str]:
    """The same as commands of a GitHub workflow, which shows them beside the lines."""
    for remark in _remarks(run, spell, doubts):
        place = f"file={_escaped(at(remark.file.path), ',:')},line={remark.line},col={remark.column}"
        yield f"::warning {place},title={remark.rule}::{_escaped(remark.text)}"


def _remarks(run: Run, spell: Spell, doubts: Sequence[Doubt]) -> list[Remark]:
    """In the order of the files and of their lines."""
    found = []
    for outcome in run.outcomes:
        for prediction in outcome.patch.predictions if isinstance(outcome, Changed) else ():
            file = run.files[outcome.path]
            said = ranking(file, prediction, spell, most=1)
            text = f"{qualified(prediction)} ({prediction.slot.id.kind.value}) has no annotation; {said}"
            found.append(Remark(file, prediction.slot, rule_id(prediction.slot.id.kind), text))
    found += [_doubted(run, doubt, spell) for doubt in doubts]
    return sorted(found, key=lambda remark: (remark.file.path, remark.slot.span.start))


def _doubted(run: Run, doubt: Doubt, spell: Spell) -> Remark:
    prediction, kind = doubt.prediction, doubt.prediction.slot.id.kind
    file = run.files[prediction.slot.id.path]
    heard = [f"{said.rule} says {spell(file, said.type)}" for said in prediction.because]
    heard += [
        f"model says {spell(file, word.type)} {percent(word.probability)}" for word in model_words(prediction)[:1]
    ]
    said = ranking(file, prediction, spell, most=1)
    text = (
        f"{qualified(prediction)} ({kind.value}) is annotated {spell(file, doubt.written)}; {said}: {', '.join(heard)}"
        + (f"; the checker would no longer say {doubt.said}" if doubt.said else "")
    )
    return Remark(file, prediction.slot, doubt_id(kind), text)


def verdict_lines(run: Run, found: Findings, at: At, doubts: Sequence[Doubt] = ()) -> Iterator[str]:
    """What `check` says in the end."""
    yield from (f"typeinfer: {note}" for note in run.notes)
    yield from (f"typeinfer: {at(left.path)}: {left.reason}" for left in summarise(run).not_done)
    known = f", {found.known} more known to the baseline" if found.known else ""
    every = found.annotated + found.count
    yield (
        f"{counted(found.count, 'annotation')} missing that could be written{known}; "
        f"{counted(found.annotated, 'slot')} of {every} annotated, {found.coverage:.1%}"
        + (f"; {counted(len(doubts), 'annotation')} doubted" if doubts else "")
    )


def _escaped(text: str, more: str = "") -> str:
    """As workflow commands want it: no line ends, and in the value of a property no separators."""
    return "".join(f"%{ord(sign):02X}" if sign in "%\r\n" + more else sign for sign in text)


# --- JSON -----------------------------------------------------------------------------------------------------------


def as_json(run: Run, spell: Spell, doubts: Sequence[Doubt] = ()) -> bytes:
    """The whole run: see docs/cli.md for the fields."""
    summary = summarise(run)
    document = {
        "typeinfer": typeinfer.__version__,
        "summary": {
            "files": summary.files,
            "changed": summary.changed,
            "slots": summary.found,
            "annotated": summary.annotated,
            "withheld": dict(summary.withheld),
            "uncovered": run.uncovered,
        },
        "notes": list(run.notes),
        # Text at once: all slots of a large project as objects would fill the memory.
        "files": [msgspec.Raw(msgspec.json.encode(_file_fields(run, outcome, spell))) for outcome in run.outcomes],
        "doubts": [
            {
                "path": file.path,
                "written": spell(file, doubt.written),
                "said": doubt.said,
                **slot_fields(file, doubt.prediction, None, spell),
            }
            for doubt in doubts
            for file in (run.files[doubt.prediction.slot.id.path],)
        ],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _file_fields(run: Run, outcome: Outcome, spell: Spell) -> dict[str, object]:
    became = type(outcome).__name__.lower()
    fields: dict[str, object] = {"path": outcome.path, "outcome": became}
    if isinstance(outcome, Changed) and outcome.renamed_from is not None:
        fields["renamed_from"] = outcome.renamed_from
    if isinstance(outcome, Skipped | Failed):
        fields["reason"] = outcome.reason
    if file := run.files.get(outcome.path):
        predictions = run.predictions.get(outcome.path, ())
        fields["slots"] = [slot_fields(file, prediction, outcome, spell) for prediction in predictions]
    return fields


def slot_fields(file: SourceFile, prediction: Prediction, outcome: Outcome | None, spell: Spell) -> dict[str, object]:
    """One slot for JSON. Lines count from 1; columns are characters and count from 1, as editors show them."""
    slot = prediction.slot
    fields: dict[str, object] = {
        "name": slot.id.name,
        "qualname": slot.id.qualname,
        "kind": slot.id.kind.value,
        "ordinal": slot.id.ordinal,
        "line": file.line_of(slot.span.start),
        "column": file.column_of(slot.span.start) + 1,
        "types": [{"type": spell(file, rank.type), "probability": rank.probability} for rank in prediction.ranked],
        "because": [
            *({"rule": said.rule, "type": spell(file, said.type)} for said in prediction.because),
            *(
                {"rule": "model", "type": spell(file, word.type), "probability": word.probability}
                for word in model_words(prediction)
            ),
        ],
        "moved": [{"reason": reason.text, "weight": round(reason.weight, 3)} for reason in prediction.moved],
        "refused": [{"type": spell(file, one.type), "said": one.said} for one in prediction.refused],
        "verdict": type(prediction.verdict).__name__.lower(),
    }
    if outcome is not None and (reason := withheld_because(prediction, outcome)) is not None:
        fields["withheld"] = reason
    elif outcome is None and isinstance(prediction.verdict, Suggest | Abstain):
        fields["withheld"] = prediction.verdict.reason
    return fields


# --- SARIF ----------------------------------------------------------------------------------------------------------


def as_sarif(run: Run, spell: Spell, root: Path, doubts: Sequence[Doubt] = ()) -> bytes:
    """SARIF 2.1.0: a result for every annotation with its fix, one for every doubt, a notification for every file not done.
    `root`: the project's, from which its files are named."""
    results = [
        result for outcome in run.outcomes if isinstance(outcome, Changed) for result in _results(outcome, spell)
    ]
    results += [_doubt_result(_doubted(run, doubt, spell)) for doubt in doubts]
    not_done = [outcome for outcome in run.outcomes if isinstance(outcome, Skipped | Failed)]
    document = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "typeinfer",
                        "version": typeinfer.__version__,
                        "informationUri": HOME,
                        "rules": [
                            *(
                                {
                                    "id": rule_id(kind),
                                    "shortDescription": {"text": f"This {kind.value} has no annotation"},
                                }
                                for kind in SlotKind
                            ),
                            *(
                                {
                                    "id": doubt_id(kind),
                                    "shortDescription": {
                                        "text": f"All evidence speaks against this {kind.value}'s annotation"
                                    },
                                }
                                for kind in SlotKind
                            ),
                        ],
                    }
                },
                "columnKind": "utf16CodeUnits",
                "originalUriBaseIds": {"SRCROOT": {"uri": f"{root.as_uri()}/"}},
                "results": results,
                "invocations": [
                    {
                        "executionSuccessful": not any(isinstance(outcome, Failed) for outcome in not_done),
                        "toolExecutionNotifications": [
                            {
                                "level": "error" if isinstance(outcome, Failed) else "warning",
                                "message": {"text": outcome.reason},
                                "locations": [{"physicalLocation": {"artifactLocation": _artifact(outcome.path)}}],
                            }
                            for outcome in not_done
                        ],
                    }
                ],
            }
        ],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def rule_id(kind: SlotKind) -> str:
    return f"unannotated-{kind.value}"


def doubt_id(kind: SlotKind) -> str:
    return f"doubted-{kind.value}"


def _doubt_result(remark: Remark) -> dict[str, object]:
    return {
        "ruleId": remark.rule,
        "level": "warning",
        "message": {"text": remark.text},
        **_place(remark.file, remark.slot),
    }


def _place(file: SourceFile, slot: Slot) -> dict[str, object]:
    """Where a result is, and what it is known by whatever lines stand above it."""
    return {
        "locations": [
            {"physicalLocation": {"artifactLocation": _artifact(file.path), "region": _region(file, slot.span)}}
        ],
        "fingerprints": {"slot/v1": str(slot.id) + (f"#{slot.id.ordinal}" if slot.id.ordinal else "")},
    }


def _results(changed: Changed, spell: Spell) -> list[dict[str, object]]:
    predictions = tuple(changed.patch.predictions)
    at_slots = {written.slot.insert_at for written in predictions}
    return [_result(changed, prediction, at_slots, spell) for prediction in predictions]


def _result(changed: Changed, prediction: Prediction, at_slots: Collection[int], spell: Spell) -> dict[str, object]:
    file, slot = changed.patch.file, prediction.slot
    # The slot's own edits, and those that belong to no slot: the imports that its type may need.
    edits = [
        edit
        for edit in changed.patch.edits
        if edit.span.start == slot.insert_at or edit.span == slot.written or edit.span.start not in at_slots
    ]
    return {
        "ruleId": rule_id(slot.id.kind),
        "level": "note",
        "message": {"text": f"{qualified(prediction)}: {ranking(file, prediction, spell, most=1)}"},
        **_place(file, slot),
        "fixes": [
            {
                "description": {"text": "Write the annotation"},
                "artifactChanges": [
                    {
                        "artifactLocation": _artifact(file.path),
                        "replacements": [_replacement(file, edit) for edit in edits],
                    }
                ],
            }
        ],
    }


def _replacement(file: SourceFile, edit: Edit) -> dict[str, object]:
    return {"deletedRegion": _region(file, edit.span), "insertedContent": {"text": edit.text}}


def _artifact(path: str) -> dict[str, object]:
    # Needed only here, and it takes as long to import as the rest of this file.
    from urllib.parse import quote

    return {"uri": quote(path), "uriBaseId": "SRCROOT"}


def _region(file: SourceFile, span: Span) -> dict[str, object]:
    return {
        "startLine": file.line_of(span.start),
        "startColumn": file.utf16_column_of(span.start) + 1,
        "endLine": file.line_of(span.end),
        "endColumn": file.utf16_column_of(span.end) + 1,
    }


# --- progress -------------------------------------------------------------------------------------------------------


class ProgressBar:
    """A bar on standard error for whatever takes over a second; nothing at all where that is no terminal.

    Call it with a stage, how many are done and how many there are; its clock tells the time since the first of them. A context
    manager, so that the bar is gone after.
    """

    PATIENCE = 1.0

    def __init__(self) -> None:
        self._wanted = sys.stderr.isatty()
        self._began = time.monotonic()
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        if not self._wanted or (self._bar is None and time.monotonic() - self._began < self.PATIENCE):
            return
        if self._bar is None:
            # rich costs 40 ms, which a quick run need not pay.
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                # The column that rich has for it stands still once a stage is done.
                TextColumn("{task.elapsed:.0f} s", style="progress.elapsed"),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
        if self._task is None:
            self._task = self._bar.add_task(stage)
        self._bar.update(self._task, description=stage, completed=done, total=total)

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


# --- completions --------------------------------------------------------------------------------------------------------


def likeliest(offer: Offer, count: int | None = None) -> list[Suggestion]:
    """The suggestions that go on as has been typed, their probabilities made to add up to one."""
    left = [one for one in offer.suggestions if one.member.name.startswith(offer.typed)]
    total = sum(one.probability for one in left) or 1.0
    return [Suggestion(one.member, one.probability / total, one.of_type) for one in left[:count]]


def offer_lines(offer: Offer, count: int) -> Iterator[str]:
    found = likeliest(offer, count)
    yield f"{offer.receiver} ({GROUNDS[offer.ground]})" if offer.receiver else "a name in scope"
    width = max((len(one.member.name) for one in found), default=0)
    for one in found:
        source = f"from {one.member.source}" if one.member.source else ""
        declared = one.member.declared[:LONGEST_DECLARED] or source
        yield f"  {percent(one.probability):>5}  {one.member.name:{width}}  {declared}".rstrip()


def line_fields(path: str, line: int, column: int, found: Sequence[Continuation]) -> dict[str, object]:
    """As JSON."""
    lines = [{"text": one.text, "probability": round(one.probability, 4)} for one in found]
    return {"path": path, "line": line, "column": column, "lines": lines}


def continuation_line(found: Continuation) -> str:
    return f"  {percent(found.probability):>5}  {found.text}"


def offer_fields(path: str, line: int, column: int, offer: Offer | None, count: int) -> dict[str, object]:
    """As JSON; `ground` is null where neither member nor name is typed, `receiver` empty for a name."""
    place: dict[str, object] = {"path": path, "line": line, "column": column}
    if offer is None:
        return {**place, "receiver": None, "typed": None, "ground": None, "suggestions": []}
    suggestions = [
        {
            "name": one.member.name,
            "probability": round(one.probability, 4),
            "of_type": one.of_type,
            "kind": one.member.kind.value,
            "declared": one.member.declared,
            "source": one.member.source or None,
        }
        for one in likeliest(offer, count)
    ]
    return {
        **place,
        "receiver": offer.receiver,
        "typed": offer.typed,
        "ground": offer.ground.value,
        "suggestions": suggestions,
    }
