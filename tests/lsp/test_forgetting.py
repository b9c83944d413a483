"""What an editor tells is forgotten once it has been dealt with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typeinfer.lsp import Server


def test_a_notification_leaves_nothing_behind() -> None:
    protocol: Any = Server().protocol
    dealt_with = []

    def changed() -> Iterator[Any]:
        yield dealt_with.append, ("edit",), {}

    for number in range(3):
        protocol._execute_handler(f"edit {number}", changed, callback=lambda future: None)
    assert dealt_with == ["edit"] * 3 and not protocol._request_futures
