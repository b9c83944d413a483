"""Projects: a name from `benchmarks/projects.toml` in; the folder with its published Python files out.

Two sets, split by project: `development` is the benchmark's table, `calibration` is where the precision of rules is
measured, so that nothing is ever chosen on the benchmark. Reserved projects are refused. Data lives in a cache folder,
never in the repository. Knows nothing of annotations.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REPOSITORY = Path(__file__).resolve().parents[2]

PINNED = REPOSITORY / "benchmarks" / "projects.toml"

RESERVED = REPOSITORY.parent / "shared" / "reserved.sha256"

# What a project did not write itself, or wrote to test itself.
LEFT_OUT = re.compile(
    r"(^|/)(_?vendor(ed)?|_?tests?|[^/]*\.dist-info|[^/]*\.data)/|(^|/)(test_[^/]*|[^/]*_test|conftest)\.py$"
)


class ProjectUnavailable(Exception):
    """A project can't be used; the message is one line that says why and what to do."""


@dataclass(frozen=True)
class Project:
    """One distribution as it is published: a wheel, pinned by its digest."""

    name: str
    version: str
    wheel: str
    sha256: str
    set: str


def pinned_projects(chosen: str, path: Path = PINNED) -> tuple[Project, ...]:
    """The projects of one set, in the order of the file."""
    if not path.is_file():
        raise ProjectUnavailable(f"{path}: not found; the pinned projects come with a checkout of the repository")
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    if chosen not in table:
        raise ProjectUnavailable(f"{path}: no set {chosen!r}; there are: {', '.join(sorted(table))}")
    return tuple(Project(**entry, set=chosen) for entry in table[chosen])


def data_folder() -> Path:
    """`$TYPEINFER_BENCHMARKS`, else `~/.cache/typeinfer/benchmarks`."""
    return Path(os.environ.get("TYPEINFER_BENCHMARKS") or "~/.cache/typeinfer/benchmarks").expanduser()


def is_reserved(name: str, path: Path = RESERVED) -> bool:
    """Whether a PyPI distribution is kept for the independent comparison. Without the list nothing is known to be."""
    if not path.is_file():
        return False
    normalised = re.sub(r"[-_.]+", "-", name).lower()
    return hashlib.sha256(f"pypi:{normalised}".encode()).hexdigest() in path.read_text(encoding="ascii").split()


def fetch(project: Project, folder: Path) -> Path:
    """The folder that holds the project's packages, downloaded at most once. Raises `ProjectUnavailable`."""
    if is_reserved(project.name):
        raise ProjectUnavailable(f"{project.name} is reserved for the independent comparison: skipped")
    root = folder / "src" / f"{project.name}-{project.version}"
    if not root.is_dir():
        unpacked = root.with_name(f"{root.name}.{os.getpid()}")
        try:
            _unpack(_wheel(project, folder / "wheels"), unpacked)
            unpacked.rename(root)
        finally:
            shutil.rmtree(unpacked, ignore_errors=True)
    return root


def _wheel(project: Project, folder: Path) -> Path:
    wheel = folder / project.wheel
    if not wheel.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        command += ["--python-version", "3.11", "--dest", str(folder), f"{project.name}=={project.version}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not wheel.is_file():
            reason = done.stderr.strip().splitlines()[-1:] or [f"pip brought no {project.wheel}"]
            raise ProjectUnavailable(f"{project.name}=={project.version} can't be downloaded: {reason[0]}")
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != project.sha256:
        raise ProjectUnavailable(
            f"{wheel}: SHA-256 {found} is not the pinned {project.sha256}; delete it and try again"
        )
    return wheel


def _unpack(wheel: Path, root: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in _python_files(archive):
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(name))


def _python_files(archive: zipfile.ZipFile) -> Iterator[str]:
    for name in archive.namelist():
        safe = not name.startswith("/") and ".." not in name.split("/")
        if name.endswith(".py") and safe and not LEFT_OUT.search(name):
            yield name
