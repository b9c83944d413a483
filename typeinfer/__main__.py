"""The program: `python -m typeinfer` and the `typeinfer` command."""

from __future__ import annotations

import sys


def main() -> None:
    try:
        # Reading the program takes long enough to be interrupted.
        from typeinfer.cli import run
        from typeinfer.engine.freed import look_rarely

        look_rarely()
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        sys.stderr.write("typeinfer: interrupted\n")
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
