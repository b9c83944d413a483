"""TypeScript's judge: the compiler's own parser and checker, asked in processes of Node.js (`benchmarks/node`).

Texts go there as JSON, all files of a project at a time, and come back as JSON. Files that are no TypeScript sources stay
as they are.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from typeinfer.evaluation.judge import Form, Origin, Review, StrippedProject, Variant
from typeinfer.evaluation.peers import NODE, SECONDS, Tool
from typeinfer.evaluation.projects import ProjectUnavailable
from typeinfer.values.slots import SlotId, SlotKind

SOURCES = (".ts", ".tsx", ".mts", ".cts")

PEERS = (
    Tool("the compiler's inlay hints, inserted", "npm:typescript", ("node", str(NODE / "hints.mjs"))),
    Tool("its inferFromUsage fix, every implicit any", "npm:typescript", ("node", str(NODE / "fix.mjs"))),
    Tool("both", "npm:typescript", ("node", str(NODE / "hints_and_fix.mjs"))),
    Tool("TypeStat", "npm:typestat", ("node", str(NODE / "typestat.mjs"))),
)


class TypeScriptJudge:
    """`Judge` for TypeScript."""

    language: str = "typescript"
    peers: tuple[Tool, ...] = PEERS

    def read_tree(self, root: Path) -> dict[str, bytes]:
        paths = sorted(path for path in root.rglob("*") if path.is_file() and "node_modules" not in path.parts)
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in paths
            if path.suffix in SOURCES or is_settings(path.name)
        }

    def strip(self, files: Mapping[str, bytes], variant: Variant) -> StrippedProject:
        texts, skipped = _texts(files)
        answer = ask("strip", files=texts, variant=variant)
        after = {path: text.encode() for path, text in answer["files"].items()}
        truth: dict[SlotId, str] = {}
        for slot, text in answer["truth"]:
            truth.setdefault(_slot(slot), text)
        return StrippedProject({**files, **after}, truth, {**skipped, **answer["skipped"]})

    def review(self, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Review:
        old, unread = _texts(before)
        old = {path: text for path, text in old.items() if path not in unread}
        new, lost = _texts({path: after.get(path, b"\xff") for path in old})
        there, here = ask("written", files=old), ask("written", files=new)
        then, now = ask("compiled", files=old), ask("compiled", files=new)
        written: dict[SlotId, str] = {}
        added = altered = 0
        broken = len(lost)
        for path in new:
            if here[path] is None:
                broken += 1
                continue
            found = {_slot(slot): text for slot, text in here[path]}
            kept = [(_slot(slot), text) for slot, text in there[path]]
            written |= found
            added += len(found) - len(kept)
            altered += now[path] != then[path] or any(found.get(slot) != text for slot, text in kept)
        return Review(written, added, broken, altered)

    def forms(self, annotations: Iterable[str]) -> Mapping[str, Form]:
        return {text: Form(**form) for text, form in ask("forms", texts=sorted(annotations)).items()}

    def origins(self, files: Mapping[str, bytes], truth: Mapping[SlotId, str]) -> dict[SlotId, Origin]:
        texts = {path: raw.decode("utf-8", "replace") for path, raw in files.items()}
        found = ask("origins", files=texts, truth=[[slot.path, text] for slot, text in truth.items()])
        return {slot: Origin(origin) for slot, origin in zip(truth, found, strict=True)}

    def errors(self, root: Path) -> int:
        return sum(len(errors) for errors in errors_by_file(root).values())

    def errors_of_others(self, root: Path) -> dict[str, int]:
        return {}

    def neutral(self, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Mapping[str, bytes]:
        return after  # There is no other checker to report anything of it.


def errors_by_file(root: Path) -> dict[str, list[str]]:
    """What `tsc` reports on every TypeScript file below a folder, by path; missing packages are no errors."""
    answer: dict[str, list[str]] = json.loads(_node("errors.mjs", str(root)))
    return answer


def is_settings(name: str) -> bool:
    """Whether a file says how its folder is to be read."""
    return name == "package.json" or (name.startswith("tsconfig") and name.endswith(".json"))


def ask(command: str, **request: Any) -> Any:
    """One request to `annotations.mjs`, which lists them."""
    return json.loads(_node("annotations.mjs", said=json.dumps({"command": command, **request})))


def _node(script: str, *arguments: str, said: str = "") -> str:
    node = shutil.which("node")
    if node is None or not (NODE / "node_modules").is_dir():
        raise ProjectUnavailable(f"{NODE}: no compiler is installed there; install Node.js 20 and run `npm ci` in it")
    command = [node, "--max-old-space-size=8192", str(NODE / script), *arguments]
    done = subprocess.run(command, input=said, capture_output=True, check=False, timeout=SECONDS, encoding="utf-8")
    if done.returncode != 0:
        raise RuntimeError(f"{script} failed: {done.stderr.strip().splitlines()[-1:]}\n{done.stderr}")
    return done.stdout


def _texts(files: Mapping[str, bytes]) -> tuple[dict[str, str], dict[str, str]]:
    """The TypeScript files as text, and those that are no UTF-8, each with that reason."""
    texts: dict[str, str] = {}
    unread: dict[str, str] = {}
    for path, raw in files.items():
        if PurePosixPath(path).suffix in SOURCES:
            try:
                texts[path] = raw.decode("utf-8")
            except UnicodeDecodeError:
                unread[path] = "is no UTF-8"
    return texts, unread


def _slot(parts: list[Any]) -> SlotId:
    path, qualname, kind, name, ordinal = parts
    return SlotId(path, qualname, SlotKind(kind), name, ordinal)
