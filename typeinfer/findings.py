"""Findings: a run in; the annotations that are missing and could be written, less those that a baseline knows of, out.

Decides nothing: what is missing is what `annotate` would write. Knows no terminal.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from typeinfer.program.files import UsageError
from typeinfer.values.outcomes import Changed, Outcome, Run
from typeinfer.values.predictions import Prediction
from typeinfer.values.slots import SlotId


class Baseline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a project lives with for now: the slots whose annotations may be missing, each as `named` has it, by path."""

    missing: dict[str, list[str]]
    version: int = 1


@dataclass(frozen=True)
class Findings:
    """`missing`: what could be written and isn't, by path; `known`: how much more a baseline knows of; `annotated`: the slots
    that have their annotation."""

    missing: Mapping[str, tuple[Prediction, ...]]
    known: int
    annotated: int

    @property
    def count(self) -> int:
        return sum(map(len, self.missing.values()))

    @property
    def coverage(self) -> float:
        """The share that is annotated of all slots that are or could be, those that a baseline knows of left aside."""
        every = self.annotated + self.count
        return self.annotated / every if every else 1.0


def find(run: Run, baseline: Baseline) -> Findings:
    everything = _missing(run)
    fresh = {
        path: tuple(one for one in missing if named(one.slot.id) not in baseline.missing.get(path, ()))
        for path, missing in everything.items()
    }
    known = sum(map(len, everything.values())) - sum(map(len, fresh.values()))
    return Findings({path: missing for path, missing in fresh.items() if missing}, known, run.annotated)


def only(run: Run, findings: Findings) -> Run:
    """The run with nothing to be written but what was found: what a report of findings is made of."""

    def kept(outcome: Outcome) -> Outcome:
        if not isinstance(outcome, Changed):
            return outcome
        return replace(outcome, patch=replace(outcome.patch, predictions=findings.missing.get(outcome.path, ())))

    return replace(run, outcomes=tuple(map(kept, run.outcomes)), counts={})


def baseline_of(run: Run, before: Baseline, asked: Collection[str]) -> Baseline:
    """A baseline that knows all that is missing now; what `before` says of files that were not asked about stays."""
    kept = {path: slots for path, slots in before.missing.items() if path not in asked}
    found = {path: sorted(named(one.slot.id) for one in missing) for path, missing in _missing(run).items()}
    return Baseline(dict(sorted({**kept, **found}.items())))


def load_baseline(path: Path) -> Baseline:
    """Raises `UsageError` for a file that is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Baseline)
    except OSError as error:
        raise UsageError(f"--baseline {path}: can't be read ({error.strerror}); --write-baseline makes one") from None
    except msgspec.DecodeError as error:
        raise UsageError(f"--baseline {path}: is no baseline ({error}); --write-baseline makes one") from None


def store_baseline(path: Path, baseline: Baseline) -> None:
    """Raises `UsageError` where it can't be written."""
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(baseline), indent=1) + b"\n")
    except OSError as error:
        raise UsageError(f"--baseline {path}: can't be written ({error.strerror})") from None


def named(slot: SlotId) -> str:
    """A slot within its file, whatever lines stand above it."""
    place = f"{slot.qualname}.{slot.name}" if slot.qualname else slot.name
    return f"{slot.kind.value} {place}" + (f" #{slot.ordinal}" if slot.ordinal else "")


def _missing(run: Run) -> dict[str, tuple[Prediction, ...]]:
    return {
        outcome.path: tuple(outcome.patch.predictions)
        for outcome in run.outcomes
        if isinstance(outcome, Changed) and outcome.patch.predictions
    }
