"""What several laws need. What is missing is a failure that says what to do, never a silent skip."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from typeinfer.languages.python.checkers import program_of, version_of

NODE = Path(__file__).parents[2] / "benchmarks" / "node"


@pytest.fixture(scope="session")
def compilers() -> Path:
    """The folder whose packages hold both TypeScript compilers, with Node.js to run them."""
    installed = [NODE / "node_modules" / name for name in ("typescript", "typescript7")]
    if shutil.which("node") is None or not all(map(Path.is_dir, installed)):
        pytest.fail("Node.js or the compilers are missing; run: npm ci --prefix benchmarks/node", pytrace=False)
    return NODE


@pytest.fixture(scope="session")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pyrefly unpacks its 7,000 stubs: the first time takes 5 s, the others 0.3 s."""
    return tmp_path_factory.mktemp("stubs")


@pytest.fixture
def own_cache(tmp_path: Path, stubs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that no other test has put anything into, but for the stubs."""
    cache = tmp_path / "cache"
    cache.mkdir()
    version = version_of(program_of("pyrefly")).rpartition(" ")[2]
    (cache / f"pyrefly-{version}").symlink_to(stubs, target_is_directory=True)
    monkeypatch.setenv("TYPEINFER_CACHE", str(cache))
