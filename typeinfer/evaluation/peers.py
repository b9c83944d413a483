"""Peers: a tool and a folder of stripped files in; the files annotated in place, and what it cost, out.

Ours and the others run the same way: as a command in a process of its own, cold, on a copy. Knows no language and nothing
of scores.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from typeinfer.evaluation.projects import REPOSITORY

SECONDS = 900
"""A tool that takes longer over one project has failed."""


NODE = REPOSITORY / "benchmarks" / "node"
"""Where the tools written in JavaScript are installed, pinned by a lock file: `npm ci` there."""


@dataclass(frozen=True)
class Tool:
    """`command` gets the folder as its last argument, or where it says `{root}`. `package` is the distribution whose
    version is reported; `npm:` stands before one that is installed in `NODE`. `settings`: files that stand in the folder
    while the tool runs, by name."""

    name: str
    package: str
    command: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=dict)


# The same is to be found wherever it is run.
OURS = Tool("typeinfer", "typeinfer", (sys.executable, "-m", "typeinfer", "annotate", "--no-packages"))

VARIANTS = tuple(
    Tool(f"typeinfer {' '.join(flags)}", "typeinfer", (*OURS.command, *flags))
    for flags in (("--model", "none"), ("--max-error", "0.05"))
)
"""Ours with flags: run where they are named."""

HUMAN = Tool("human", "", ())
"""No tool: the files as their authors published them. What the checker says of those is the measure of new errors."""


@dataclass(frozen=True)
class Cost:
    """`peak_mb`: of the largest process, in 10^6 bytes. `failure`: the last line it said; None where it ended well. `printed`: its
    standard output."""

    seconds: float
    peak_mb: float
    failure: str | None
    printed: str = field(default="", repr=False)


def tools_named(names: Sequence[str], peers: Sequence[Tool]) -> tuple[Tool, ...]:
    """The tools of these names, ours, the peers and the human ones where none is named. Raises `ValueError` with the names
    there are."""
    usual = (OURS, *peers, HUMAN)
    known = {tool.name: tool for tool in (*usual, *VARIANTS)}
    for name in names:
        if name not in known:
            raise ValueError(f"no tool is named {name!r}; there are: {', '.join(known)}")
    return tuple(known[name] for name in names) or usual


def version_of(tool: Tool) -> str | None:
    """The installed version, or None where the tool is missing."""
    if tool.package.startswith("npm:"):
        manifest = NODE / "node_modules" / tool.package.removeprefix("npm:") / "package.json"
        return str(json.loads(manifest.read_text(encoding="utf-8"))["version"]) if manifest.is_file() else None
    try:
        return metadata.version(tool.package)
    except metadata.PackageNotFoundError:
        return None


def search_path() -> str:
    """Where programs are found: those of this Python and the native TypeScript compiler first, so that every tool that asks
    a checker has one. No benchmark project brings its own."""
    first = [sysconfig.get_path("scripts"), str(NODE / "node_modules" / "typescript7" / "bin")]
    return os.pathsep.join([*first, os.environ.get("PATH", "")])


def run(tool: Tool, root: Path, cache: Path, limit: float = SECONDS) -> Cost:
    """Let a tool annotate the files below `root`, for at most `limit` seconds; an empty `cache` makes a cold run. Never raises for
    what the tool does."""
    with configured(root, tool.settings):
        environment = {**os.environ, "PATH": search_path(), "TYPEINFER_CACHE": str(cache), "PYREFLY_COLOR": "never"}
        command = [part.format(root=root) for part in tool.command]
        command = [*command, str(root)] if "{root}" not in "".join(tool.command) else command
        return _timed(command, root, environment, limit)


def _timed(command: list[str], root: Path, environment: dict[str, str], limit: float) -> Cost:
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        # In a group of its own, so that a tool that is late ends with all that it started.
        process = subprocess.Popen(
            command, cwd=root, env=environment, stdout=output, stderr=said, start_new_session=True
        )
        late = threading.Timer(limit, os.killpg, (process.pid, signal.SIGKILL))
        late.start()
        try:
            # Only wait4 tells the peak of this process and not that of all before it.
            _, status, usage = os.wait4(process.pid, 0)
        except KeyboardInterrupt:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            late.cancel()
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said.seek(0)
        printed, complaint = (stream.read().decode("utf-8", "replace") for stream in (output, said))
    failure = None
    if process.returncode != 0:
        lines = (complaint.strip() or printed.strip()).splitlines()
        failure = f"status {process.returncode}: {lines[-1] if lines else 'said nothing'}"
    return Cost(seconds, usage.ru_maxrss * 1024 / 1e6, failure, printed)


@contextmanager
def configured(root: Path, settings: Mapping[str, str]) -> Iterator[None]:
    """Files that stand in a folder for the time being; what they hide is back afterwards."""
    hidden = {name: (root / name).read_bytes() if (root / name).is_file() else None for name in settings}
    for name, text in settings.items():
        (root / name).write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        for name, raw in hidden.items():
            (root / name).unlink(missing_ok=True)
            if raw is not None:
                (root / name).write_bytes(raw)
