"""Places: facts in; where in the text to look for what they speak of, out. Knows no language."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from typeinfer.values.module import Function
from typeinfer.values.source import SourceFile, Span

_Thing = TypeVar("_Thing")


def inside(span: Span, things: Sequence[_Thing], place: Callable[[_Thing], Span]) -> Iterator[_Thing]:
    """Those of `things` whose `place` lies in a span; they stand in the order in which their places begin.

    A file of tests may hold thousands of functions without a name, all of one qualified name: whoever asks each of them
    for what stands in it must not look at what stands in the others.
    """
    for at in range(bisect_left(things, span.start, key=lambda thing: place(thing).start), len(things)):
        where = place(things[at])
        if where.start >= span.end:
            break
        if where in span:
            yield things[at]


def stripped(file: SourceFile, span: Span) -> Span:
    """A span less the blanks at both ends."""
    text = file.data[span.start : span.end]
    start = span.start + len(text) - len(text.lstrip())
    return Span(start, max(span.start + len(text.rstrip()), start))


def signature(file: SourceFile, function: Function) -> Span:
    """A header from the name on, where that stands before it: `add = (item) =>`."""
    return stripped(file, Span(min(function.name_span.start, function.header.start), function.header.end))
