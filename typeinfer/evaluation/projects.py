"""Projects: a name from `benchmarks/projects.toml` in; the folder with its published sources out.

Two sets a language, split by project: `development` is the benchmark's table, `calibration` is where the precision of rules
is measured, so that nothing is ever chosen on the benchmark. Data lives in a cache folder, never in the repository. How a
project is fetched is told in `training/published.py`.
"""

from __future__ import annotations

import os
from pathlib import Path

from typeinfer.training import published
from typeinfer.training.published import REPOSITORY as REPOSITORY
from typeinfer.training.published import Package as Package
from typeinfer.training.published import Project as Project
from typeinfer.training.published import ProjectUnavailable as ProjectUnavailable
from typeinfer.training.published import environment as environment
from typeinfer.training.published import fetch as fetch

PINNED = REPOSITORY / "benchmarks" / "projects.toml"


def pinned_projects(language: str, chosen: str, path: Path = PINNED) -> tuple[Project | Package, ...]:
    """The projects of one set of a language, in the order of the file. Raises `ProjectUnavailable`."""
    return published.pinned_projects(language, chosen, path)


def data_folder() -> Path:
    """`$TYPEINFER_BENCHMARKS`, else `~/.cache/typeinfer/benchmarks`."""
    return Path(os.environ.get("TYPEINFER_BENCHMARKS") or "~/.cache/typeinfer/benchmarks").expanduser()
