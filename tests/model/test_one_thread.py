"""While somebody is within, numpy multiplies by one thread, whichever thread of the process asks for it, whoever asked before."""

from __future__ import annotations

import os
import subprocess
import sys

ASKED = """
import threading
import numpy
from threadpoolctl import threadpool_info
from typeinfer.model.one_thread import one_thread

def counted():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

def within():
    with one_thread():
        print("within", *counted())

def in_a_thread(function):
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()

before = counted()
within()
in_a_thread(within)
in_a_thread(within)
within()
with one_thread():
    in_a_thread(within)
    print("within", *counted())
print("as before" if counted() == before else counted())
"""


def test_every_thread_may_ask_for_it_and_nobody_finds_it_changed() -> None:
    # As many threads as there are processors, as a shell has it that says nothing of them.
    bare = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", ASKED], env=bare, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["within 1"] * 6 + ["as before"]
