"""Places: things in the order of the text and a span in; those that stand inside it out. Knows nothing of what they are.

A file of tests may hold thousands of functions without a name, all of one qualified name: whoever asks each of them for
what stands in it must not look at what stands in the others.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from typeinfer.values.source import Span

_Thing = TypeVar("_Thing")


def inside(span: Span, things: Sequence[_Thing], place: Callable[[_Thing], Span]) -> Iterator[_Thing]:
    """Those of `things` whose `place` lies in a span; they stand in the order in which their places begin."""
    for at in range(bisect_left(things, span.start, key=lambda thing: place(thing).start), len(things)):
        where = place(things[at])
        if where.start >= span.end:
            break
        if where in span:
            yield things[at]
