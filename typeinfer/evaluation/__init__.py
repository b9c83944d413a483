"""Evaluation: how good the tool is, by the definitions of evaluation.md. Shares no code with what it judges."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typeinfer.evaluation.judge import Judge


def judge_of(language: str | None) -> Judge:
    """The judge of a language, of Python where none is named. Raises `ValueError` with the languages that have one."""
    from typeinfer.evaluation.python import PythonJudge
    from typeinfer.evaluation.typescript import TypeScriptJudge

    judges: dict[str, Judge] = {judge.language: judge for judge in (PythonJudge(), TypeScriptJudge())}
    judge = judges.get(language or "python")
    if judge is None:
        raise ValueError(f"no language is named {language!r}; there are: {', '.join(judges)}")
    return judge
