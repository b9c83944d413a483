"""Reports of a run made by hand, so that every outcome is in it."""

from __future__ import annotations

import json
import pickle
import subprocess
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from typeinfer.remembering import put_away
from typeinfer.report import as_json, as_sarif, colored, diff, explanation, summarise, summary_lines
from typeinfer.values.outcomes import Changed, Failed, Run, Skipped, Unchanged
from typeinfer.values.patches import Edit, Patch, Refused
from typeinfer.values.predictions import Abstain, Apply, Evidence, Prediction, PutAway, Ranked, Suggest, Verdict
from typeinfer.values.slots import Slot, SlotId, SlotKind
from typeinfer.values.source import SourceFile, Span, decode
from typeinfer.values.typeexpr import Named, TypeExpr

TEXT = "import os\n\n\ndef f(ä, b, c, d):\n    return os.fspath(ä)\n"
PATH = Named("pathlib.Path")


def spell(file: SourceFile, term: TypeExpr) -> str:
    assert isinstance(term, Named)
    return term.name


def predicted(file: SourceFile, name: str, verdict: Verdict, kind: SlotKind = SlotKind.PARAMETER) -> Prediction:
    at = file.data.index(f"{name}".encode(), file.data.index(b"def"))
    span = Span(at, at + len(name.encode()))
    slot = Slot(SlotId(file.path, "f", kind, name), span, span.end)
    ranked = (Ranked(PATH, 0.93), Ranked(Named("str"), 0.05))
    return Prediction(slot, ranked, (Evidence(slot.id, PATH, "call"),), verdict)


def run_by_hand() -> Run:
    file = decode("shop/a b.py", "python", TEXT.encode())
    written = predicted(file, "ä", Apply())
    refused = predicted(file, "b", Apply())
    left = [predicted(file, "c", Suggest("read at run time")), predicted(file, "d", Abstain("nothing known"))]
    behind = Span(written.slot.insert_at, written.slot.insert_at)
    edits = (Edit(Span(10, 10), "from pathlib import Path\n"), Edit(behind, ": Path"))
    changed = Changed(file.path, Patch(file, edits, (written,)), (Refused(refused.slot, "its name is taken here"),))
    other = decode("shop/z.py", "python", b"")
    return Run(
        outcomes=(
            changed,
            Failed("shop/f.py", "changed while it was being annotated"),
            Skipped("shop/s.py", "holds NUL bytes"),
            Unchanged("shop/z.py"),
        ),
        predictions={file.path: (written, refused, *left), other.path: ()},
        files={file.path: file, other.path: other},
        notes=("no checker: rules alone decide",),
    )


def test_every_report_of_what_was_put_away_is_the_same() -> None:
    """And what was put away is still what it was, slot by slot, alone or in a row."""
    run, away = run_by_hand(), put_away(run_by_hand())
    (path, held), (_, empty) = away.predictions.items()
    assert isinstance(held, PutAway) and (len(held), len(empty)) == (4, 0)
    assert tuple(held) == run.predictions[path]
    assert (held[1], held[-1], held[:2]) == (*(run.predictions[path][at] for at in (1, -1)), run.predictions[path][:2])
    assert put_away(away).predictions == away.predictions and pickle.loads(pickle.dumps(held)) == held
    assert [*summary_lines(away, would=True, at=str)] == [*summary_lines(run, would=True, at=str)]
    assert as_json(away, spell) == as_json(run, spell) and as_sarif(away, spell, Path("/")) == as_sarif(
        run, spell, Path("/")
    )
    assert [*explanation(run.files[path], held, spell, str)] == [
        *explanation(run.files[path], run.predictions[path], spell, str)
    ]


def test_what_is_nested_too_deep_to_be_put_away_stays_as_it_is() -> None:
    term: TypeExpr = PATH
    for _ in range(2_000):
        term = Named("list", (term,))
    run = run_by_hand()
    ((path, held), *_) = run.predictions.items()
    deep = replace(run, predictions={path: (msgspec.structs.replace(held[0], ranked=(Ranked(term, 0.9),)),)})
    assert put_away(deep) is deep


def test_what_could_not_be_written_after_it_was_counted_is_counted_as_that() -> None:
    away = put_away(run_by_hand())
    lost = replace(away, outcomes=(Failed("shop/a b.py", "the disk is full"), *away.outcomes[1:]))
    assert dict(summarise(lost).withheld)["its file was left alone"] == 2
    assert (summarise(lost).annotated, summarise(lost).found) == (0, 4)


def test_the_summary_counts_every_slot_once() -> None:
    summary = summarise(run_by_hand())
    assert (summary.files, summary.changed, summary.found, summary.annotated) == (4, 1, 4, 1)
    assert summary.withheld == (("its name is taken here", 1), ("nothing known", 1), ("read at run time", 1))
    assert [*summary_lines(run_by_hand(), would=False, at=str)] == [
        "typeinfer: no checker: rules alone decide",
        "typeinfer: shop/f.py: changed while it was being annotated",
        "typeinfer: shop/s.py: holds NUL bytes",
        "+1 annotation in 1 of 4 files, not checked, "
        "3 withheld (1 its name is taken here, 1 nothing known, 1 read at run time), 2 files not done",
    ]
    checked = replace(run_by_hand(), checked_by=("pyrefly", "tsc"))
    assert [*summary_lines(checked, would=True, at=str)][-1].startswith(
        "1 annotation to write in 1 of 4 files, 0 new errors by pyrefly and tsc, 3 withheld ("
    )
    assert [*summary_lines(Run((), {}), would=True, at=str)] == ["typeinfer: nothing here to annotate"]


def test_the_explanation() -> None:
    run = run_by_hand()
    path = "shop/a b.py"
    lines = [*explanation(run.files[path], run.predictions[path], spell, str)]
    assert lines[:2] == [f"{path}:4: f.ä (parameter): pathlib.Path 93%, str 5%", "    call says pathlib.Path"]
    assert "    only suggested: read at run time" in lines and "    withheld: nothing known" in lines


@pytest.mark.parametrize(
    "raw",
    [
        TEXT.encode(),
        TEXT.encode().rstrip(b"\n"),
        b"\xef\xbb\xbf" + TEXT.encode(),
        TEXT.replace("\n", "\r\n").encode(),
        b"# coding: latin-1\n" + TEXT.encode("latin-1"),
        b"x = 1\x0c\n" + TEXT.encode(),
    ],
)
def test_git_applies_the_diff_whatever_the_encoding(tmp_path: Path, raw: bytes) -> None:
    file = decode("shop/a b.py", "python", raw)
    at = file.data.index(b", b")
    end = len(file.data)
    edits = (Edit(Span(at, at), ": Path"), Edit(Span(end, end), "# ä"))
    changed = Changed(file.path, Patch(file, edits, ()))
    (tmp_path / "shop").mkdir()
    (tmp_path / file.path).write_bytes(raw)
    done = subprocess.run(
        ["git", "apply", "-"], cwd=tmp_path, input=diff(changed, str), capture_output=True, check=False
    )
    assert done.stderr == b""
    assert (tmp_path / file.path).read_bytes() == changed.patch.result().to_bytes()


def test_colour_changes_no_text() -> None:
    changed = next(outcome for outcome in run_by_hand().outcomes if isinstance(outcome, Changed))
    text = diff(changed, str).decode()
    painted = colored(text)
    assert "\x1b[32m+from pathlib import Path\x1b[0m\n" in painted
    for code in ("\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[36m"):
        painted = painted.replace(code, "")
    assert painted == text


def test_json_holds_every_file_and_slot() -> None:
    document = json.loads(as_json(run_by_hand(), spell))
    assert document["summary"]["annotated"] == 1 and document["notes"] == ["no checker: rules alone decide"]
    assert [(file["path"], file["outcome"]) for file in document["files"]] == [
        ("shop/a b.py", "changed"),
        ("shop/f.py", "failed"),
        ("shop/s.py", "skipped"),
        ("shop/z.py", "unchanged"),
    ]
    first, second, *_ = document["files"][0]["slots"]
    assert (first["line"], first["column"], first["verdict"]) == (4, 7, "apply") and "withheld" not in first
    assert first["types"][0] == {"type": "pathlib.Path", "probability": 0.93}
    assert first["because"] == [{"rule": "call", "type": "pathlib.Path"}]
    assert second["withheld"] == "its name is taken here"
    assert document["files"][1]["reason"] == "changed while it was being annotated"


def test_a_sarif_fix_is_the_patch() -> None:
    log = json.loads(as_sarif(run_by_hand(), spell, Path("/")))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    (result,) = run["results"]
    assert result["ruleId"] in {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    location = result["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "shop/a%20b.py"
    assert location["region"] == {"startLine": 4, "startColumn": 7, "endLine": 4, "endColumn": 8}
    replacements = result["fixes"][0]["artifactChanges"][0]["replacements"]
    lines = TEXT.splitlines(keepends=True)
    for replacement in reversed(replacements):
        region = replacement["deletedRegion"]
        line = lines[region["startLine"] - 1]
        column = region["startColumn"] - 1
        lines[region["startLine"] - 1] = line[:column] + replacement["insertedContent"]["text"] + line[column:]
    assert "".join(lines) == TEXT.replace("os\n", "os\nfrom pathlib import Path\n", 1).replace("ä,", "ä: Path,")
    notifications = run["invocations"][0]["toolExecutionNotifications"]
    assert [told["level"] for told in notifications] == ["error", "warning"]
