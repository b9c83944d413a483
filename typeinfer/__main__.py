"""The program: `python -m typeinfer` and the `typeinfer` command."""

from __future__ import annotations

import sys

from typeinfer.cli import run
from typeinfer.engine.freed import look_rarely


def main() -> None:
    look_rarely()
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
