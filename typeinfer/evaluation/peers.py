"""Peers: a tool and a folder of stripped Python files in; the files annotated in place, and what it cost, out.

Ours and the others run the same way: as a command in a process of its own, cold, on a copy. Knows nothing of scores.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

SECONDS = 900
"""A tool that takes longer over one project has failed."""

ISOLATED = 'project-includes = ["**/*.py"]\nskip-interpreter-query = true\nsite-package-path = []\n'
"""pyrefly infers only where it is configured; the packages of whoever runs the benchmark are none of the project's."""


MISSING = frozenset({"missing-import", "missing-source", "missing-source-for-stubs", "untyped-import"})
"""What the checker calls an import that it can't follow."""


@dataclass(frozen=True)
class Tool:
    """`command` gets the folder as its last argument. `package` is the distribution whose version is reported."""

    name: str
    package: str
    command: tuple[str, ...]
    configuration: str = ""


OURS = Tool("typeinfer", "typeinfer", (sys.executable, "-m", "typeinfer", "annotate"))

PEERS = (
    Tool("pyrefly infer", "pyrefly", ("pyrefly", "infer", "--config", "{root}/pyrefly.toml"), ISOLATED),
    Tool("autotyping --aggressive", "autotyping", (sys.executable, "-m", "autotyping", "--aggressive")),
    Tool(
        "pyrefly inlay hints, inserted",
        "pyrefly",
        (sys.executable, "-m", "typeinfer.evaluation.hints"),
        ISOLATED,
    ),
)

HUMAN = Tool("human", "", ())
"""No tool: the files as their authors published them. What the checker says of those is the measure of new errors."""

TOOLS = (OURS, *PEERS, HUMAN)


@dataclass(frozen=True)
class Cost:
    """`peak_mb`: of the largest process, in 10^6 bytes. `failure`: the last line it said; None where it ended well."""

    seconds: float
    peak_mb: float
    failure: str | None


def tools_named(names: Sequence[str]) -> tuple[Tool, ...]:
    """The tools of these names, all where none is named. Raises `ValueError` with the names there are."""
    known = {tool.name: tool for tool in TOOLS}
    for name in names:
        if name not in known:
            raise ValueError(f"no tool is named {name!r}; there are: {', '.join(known)}")
    return tuple(known[name] for name in names) or TOOLS


def version_of(tool: Tool) -> str | None:
    """The installed version, or None where the tool is missing."""
    try:
        return metadata.version(tool.package)
    except metadata.PackageNotFoundError:
        return None


def run(tool: Tool, root: Path, cache: Path) -> Cost:
    """Let a tool annotate the files below `root`; an empty `cache` makes a cold run. Never raises for what the tool does."""
    with _configured(root, tool.configuration):
        environment = {**os.environ, "PATH": f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ.get('PATH', '')}"}
        environment |= {"TYPEINFER_CACHE": str(cache), "PYREFLY_COLOR": "never"}
        command = [part.format(root=root) for part in tool.command]
        return _timed([*command, str(root)] if "{root}" not in "".join(tool.command) else command, root, environment)


def _timed(command: list[str], root: Path, environment: dict[str, str]) -> Cost:
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=root, env=environment, stdout=said, stderr=said)
        late = threading.Timer(SECONDS, process.kill)
        late.start()
        try:
            # Only wait4 tells the peak of this process and not that of all before it.
            _, status, usage = os.wait4(process.pid, 0)
        finally:
            late.cancel()
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        lines = said.read().decode("utf-8", "replace").strip().splitlines()
    failure = None
    if process.returncode != 0:
        failure = f"status {process.returncode}: {lines[-1] if lines else 'said nothing'}"
    return Cost(seconds, usage.ru_maxrss * 1024 / 1e6, failure)


@contextmanager
def _configured(root: Path, configuration: str) -> Iterator[None]:
    place = root / "pyrefly.toml"
    if configuration:
        place.write_text(configuration, encoding="utf-8")
    try:
        yield
    finally:
        place.unlink(missing_ok=True)


def checker_errors(root: Path) -> int:
    """How many errors pyrefly reports, missing imports left aside: dependencies are not installed on purpose."""
    with _configured(root, ISOLATED):
        command = [shutil.which("pyrefly", path=sysconfig.get_path("scripts")) or "pyrefly", "check"]
        command += ["--config", str(root / "pyrefly.toml"), "--output-format", "json"]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=SECONDS)
    errors = json.loads(done.stdout)["errors"]
    return sum(error["severity"] == "error" and error["name"] not in MISSING for error in errors)
