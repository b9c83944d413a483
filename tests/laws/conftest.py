"""What several laws need from outside Python. What is missing is a failure that says what to do, never a silent skip."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

NODE = Path(__file__).parents[2] / "benchmarks" / "node"


@pytest.fixture(scope="session")
def compilers() -> Path:
    """The folder whose packages hold both TypeScript compilers, with Node.js to run them."""
    installed = [NODE / "node_modules" / name for name in ("typescript", "typescript7")]
    if shutil.which("node") is None or not all(map(Path.is_dir, installed)):
        pytest.fail("Node.js or the compilers are missing; run: npm ci --prefix benchmarks/node", pytrace=False)
    return NODE
