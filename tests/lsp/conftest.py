"""An editor with a project for every test, and an end for those that would wait for ever."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from editors import RULES_ALONE, Editor, editing

HANGS = 90
"""Seconds after which a test has failed: a client waits for ever for a server that went wrong."""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that is believed in by rules alone: what is tried here is the server."""
    monkeypatch.setenv("TYPEINFER_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "project"
    root.mkdir()
    (root / "typeinfer.toml").write_text(RULES_ALONE)
    return root


@pytest_asyncio.fixture
async def editor(root: Path) -> AsyncIterator[Editor]:
    async with editing(root) as editor:
        yield editor


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(HANGS))
