"""The program: `python -m typeinfer` and the `typeinfer` command."""

from __future__ import annotations

import gc
import sys

from typeinfer.cli import run


def main() -> None:
    # Nearly all that is made stays to the end and is in no cycle: looking for garbage took half the time of a run that remembers.
    gc.set_threshold(50_000, 50, 1_000)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
