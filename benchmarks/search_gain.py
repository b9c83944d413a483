"""What the search for what brings no new error is worth: `python benchmarks/search_gain.py [PROJECT ...]`. Prints a table.

The development projects under 8,000 lines, or those named, annotated once as ever and once with all written that is believed
enough, whatever the checker says of it. What the checker infers is evidence both times.
"""

from __future__ import annotations

import sys
from pathlib import Path

from verification_cost import SMALLER

from typeinfer import pipeline
from typeinfer.__main__ import main as command
from typeinfer.evaluation.benchmark import evaluate
from typeinfer.evaluation.peers import OURS, Tool
from typeinfer.evaluation.python import PythonJudge

TOOLS = (
    Tool("with the search", "typeinfer", OURS.command),
    Tool("without", "typeinfer", (sys.executable, str(Path(__file__)), "annotate")),
)


def main() -> None:
    if sys.argv[1:2] == ["annotate"]:
        pipeline.dispose = lambda search, progress: None
        command()
    else:
        only = sys.argv[1:] or SMALLER
        print(evaluate(PythonJudge(), "development", "bare", TOOLS, lambda line: print(line, file=sys.stderr), only=only))


if __name__ == "__main__":
    main()
