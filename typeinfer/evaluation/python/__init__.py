"""Python's judge: reads with `ast`, cuts by bytes, and counts the errors of pyrefly."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from pathlib import Path

from typeinfer.evaluation.judge import Form, Origin, Review, StrippedProject, Variant
from typeinfer.evaluation.peers import SECONDS, Tool, configured
from typeinfer.evaluation.python.neutral import neutral
from typeinfer.evaluation.python.notation import form, origins
from typeinfer.evaluation.python.stripping import read_tree, strip_project
from typeinfer.evaluation.python.written import skeleton, written_types
from typeinfer.languages.python.checkers import CHECKERS, diagnose
from typeinfer.values.inferred import CheckerFailed
from typeinfer.values.slots import SlotId
from typeinfer.values.source import decode

ISOLATED = {"pyrefly.toml": 'project-includes = ["**/*.py"]\nskip-interpreter-query = true\nsite-package-path = []\n'}
"""pyrefly infers only where it is configured; the packages of whoever runs the benchmark are none of the project's."""

OTHERS = ("ty", "basedpyright", "mypy")

PEERS = (
    Tool("pyrefly infer", "pyrefly", ("pyrefly", "infer", "--config", "{root}/pyrefly.toml"), ISOLATED),
    Tool("autotyping --aggressive", "autotyping", (sys.executable, "-m", "autotyping", "--aggressive")),
    Tool(
        "pyrefly inlay hints, inserted",
        "pyrefly",
        (sys.executable, "-m", "typeinfer.evaluation.python.hints"),
        ISOLATED,
    ),
)


class PythonJudge:
    """`Judge` for Python."""

    language: str = "python"
    peers: tuple[Tool, ...] = PEERS

    def read_tree(self, root: Path) -> dict[str, bytes]:
        return read_tree(root)

    def strip(self, files: Mapping[str, bytes], variant: Variant) -> StrippedProject:
        return strip_project(files, variant)

    def review(self, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Review:
        written: dict[SlotId, str] = {}
        added = broken = altered = 0
        for path, raw in before.items():
            old = ast.parse(raw)
            try:
                new = ast.parse(after.get(path, b"\0"))
            except (SyntaxError, ValueError):
                broken += 1
                continue
            here, there = written_types(path, new), written_types(path, old)
            written |= here
            added += len(here) - len(there)
            kept = all(here.get(slot) == text for slot, text in there.items())
            altered += not (kept and skeleton(new) == skeleton(old))
        return Review(written, added, broken, altered)

    def forms(self, annotations: Iterable[str]) -> Mapping[str, Form]:
        return {annotation: form(annotation) for annotation in annotations}

    def origins(self, files: Mapping[str, bytes], truth: Mapping[SlotId, str]) -> dict[SlotId, Origin]:
        return origins(files, truth)

    def errors(self, root: Path) -> int:
        with configured(root, ISOLATED):
            command = [shutil.which("pyrefly", path=sysconfig.get_path("scripts")) or "pyrefly", "check"]
            command += ["--config", str(root / "pyrefly.toml"), "--output-format", "json"]
            done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=SECONDS)
        errors = json.loads(done.stdout)["errors"]
        return sum(
            error["severity"] == "error" and error["name"] not in CHECKERS["pyrefly"].unfound for error in errors
        )

    def errors_of_others(self, root: Path) -> dict[str, int]:
        files = {path: decode(path, self.language, raw) for path, raw in read_tree(root).items()}
        found: dict[str, int] = {}
        for name in OTHERS:
            try:
                found[name] = len(diagnose(name, root, files, sys.version_info[:2]))
            except CheckerFailed:
                continue
        return found

    def neutral(self, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> dict[str, bytes]:
        return neutral(before, after)
