"""Running over files: every item gets its result in order, whatever becomes of its neighbours."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from typeinfer.engine.engine import Lost
from typeinfer.engine.local import Local, _uninterrupted


def square(number: int) -> int:
    if number == 13:
        raise ValueError("thirteen\nand a second line")
    if number == 27:
        os._exit(1)
    if number == 77:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def crash_often(number: int) -> int:
    if number % 7 == 0:
        os._exit(1)
    return number


def square_or_recurse(number: int) -> int:
    return square_or_recurse(number) if number == 3 else number * number


def test_in_workers_a_crash_costs_one_item(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    results = Local(2).run_over("squaring", range(120), square, lambda *told: seen.append(told))
    assert [index for index, result in enumerate(results) if isinstance(result, Lost)] == [13, 27, 77]
    assert all(result == index * index for index, result in enumerate(results) if index not in (13, 27, 77))
    raised, died = results[13], results[27]
    assert isinstance(raised, Lost) and raised.reason.startswith("internal error: ValueError at test_local.py:")
    assert "\n" not in raised.reason and "second line" in raised.trace
    assert died == Lost("the process that worked on it died (out of memory?)")
    assert seen[0] == ("squaring", 0, 120) and seen[-1] == ("squaring", 120, 120)
    assert not multiprocessing.active_children()


def test_however_often_workers_die_every_item_has_its_answer() -> None:
    # A pool may break between two submissions as well as while it is waited for.
    results = Local(2).run_over("crashing", range(60), crash_often)
    assert [index for index, result in enumerate(results) if isinstance(result, Lost)] == [*range(0, 60, 7)]


def test_in_this_process_an_exception_costs_one_item_too() -> None:
    results = Local(1).run_over("squaring", range(6), square_or_recurse)
    assert isinstance(results[3], Lost) and "RecursionError" in results[3].reason
    assert [result for result in results if not isinstance(result, Lost)] == [0, 1, 4, 16, 25]


def thresholds(_: int) -> tuple[int, int, int]:
    return gc.get_threshold()


def test_workers_look_for_garbage_as_rarely_as_the_command_does() -> None:
    assert gc.get_threshold() not in set(Local(2).run_over("looking", range(60), thresholds))


def test_nothing_to_do() -> None:
    assert Local(8).run_over("nothing", [], square) == ()


INTERRUPTED = """
import time
from typeinfer.engine.local import Local

def told(stage, done, total):
    if done == 1:
        print("working", flush=True)

if __name__ == "__main__":
    Local(2).run_over("sleeping", [0.0] + [60.0] * 200, time.sleep, told)
"""


def test_an_interrupt_waits_while_a_worker_is_being_started() -> None:
    started = []
    with pytest.raises(KeyboardInterrupt), _uninterrupted():
        signal.raise_signal(signal.SIGINT)
        started.append("a worker")
    assert started


def test_an_interrupt_between_two_results_leaves_no_worker_behind() -> None:
    def told(stage: str, done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    # `struck` holds the traceback, and with it all that the interrupt went through, as an interpreter does that ends.
    with pytest.raises(KeyboardInterrupt) as struck:
        Local(2).run_over("sleeping", [0.0] + [60.0] * 200, time.sleep, told)
    assert struck.tb is not None and not multiprocessing.active_children()


def test_an_interrupt_ends_the_run_and_its_workers(tmp_path: Path) -> None:
    script = tmp_path / "sleeper.py"
    script.write_text(INTERRUPTED)
    run = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert run.stdout is not None and run.stdout.readline() == "working\n"
    os.killpg(run.pid, signal.SIGINT)
    _, errors = run.communicate(timeout=20)
    assert "KeyboardInterrupt" in errors.splitlines()[-1]
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.killpg(run.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError("workers outlive the run")
