"""Lines: what may stand on the rest of a line, and how likely it is."""

from __future__ import annotations

from msgspec import Struct


class Continuation(Struct, frozen=True, array_like=True, gc=False):
    """`text` to be inserted at the byte `at`, which ends no line; its `probability` among all that might be."""

    at: int
    text: str
    probability: float
