"""What a run spends its time on is told stage by stage, to who asks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from typeinfer.tracing import recorded, stage

SOURCE = "def double(number):\n    return number * 2\n\n\ndouble(3)\n"


def test_the_seconds_of_a_stage_are_its_own() -> None:
    with recorded() as trace:
        for _ in range(2):
            with stage("outer"):
                time.sleep(0.01)
                with stage("inner", files=3):
                    time.sleep(0.03)
    stages = trace.stages()
    assert list(stages) == ["inner", "outer"] and [times for times, _ in stages.values()] == [2, 2]
    assert stages["inner"][1] >= 0.06 and 0.02 <= stages["outer"][1] < stages["inner"][1]
    (outer, *_) = [span for span in trace.spans if span.stage == "outer"]
    assert outer.seconds >= 0.04 and outer.told == {} and trace.spans[0].told == {"files": 3}


def test_threads_do_not_share_a_stage() -> None:
    def work() -> None:
        with stage("beside"):
            time.sleep(0.02)

    with recorded() as trace, stage("outer"):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    beside, outer = trace.spans
    assert beside.thread != outer.thread and outer.own == outer.seconds


def test_a_stage_that_fails_is_told_too() -> None:
    with recorded() as trace, pytest.raises(ValueError), stage("outer"), stage("inner"):
        raise ValueError
    assert [span.stage for span in trace.spans] == ["inner", "outer"]


def test_nobody_asked_and_nothing_is_noted() -> None:
    with recorded() as trace:
        pass
    with stage("later"):
        pass
    assert not trace.spans


def annotate(folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TYPEINFER_CACHE": str(folder / "cache")}
    command = [sys.executable, "-m", "typeinfer", "annotate", *flags, "a.py"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_the_command_line_writes_a_trace_that_chrome_opens(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(SOURCE)
    assert annotate(tmp_path, "--profile", "trace.json").returncode == 0
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    stages = {event["name"]: event for event in reversed(events) if event["ph"] == "X"}
    assert {"opening", "reading", "rules", "graph", "units", "model", "deciding", "proving", "writing"} <= set(stages)
    assert all(event["dur"] >= 0 and event["ts"] >= 0 for event in stages.values())
    assert stages["reading"]["args"] == {"files": 1}
    assert (tmp_path / "a.py").read_text() != SOURCE


def test_a_trace_that_cannot_be_written_is_told_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(SOURCE)
    run = annotate(tmp_path, "--profile", "no/such/folder.json")
    assert run.returncode == 2 and (tmp_path / "a.py").read_text() == SOURCE
    assert run.stderr.splitlines()[-1].startswith(
        "typeinfer: --profile no/such/folder.json: can't be written: No such file"
    )
