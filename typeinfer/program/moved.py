"""Moved: two texts of one file in; where what stood in the one stands in the other out. Knows nothing of what stands there."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property

LONGEST_DIFF = 4_000
"""Of two texts that differ in more lines than this, all between the first and the last that differ counts as changed."""


@dataclass(frozen=True)
class Moved:
    """Where the bytes of an old text stand in a new one."""

    old: bytes
    new: bytes

    def kept(self, start: int, end: int) -> tuple[int, int] | None:
        """Where a stretch stands now; None where anything in it was written over."""
        starts, ends, shifts = self._blocks
        at = bisect_right(starts, start) - 1
        return (start + shifts[at], end + shifts[at]) if at >= 0 and end <= ends[at] else None

    def left(self, offset: int) -> int | None:
        """Where a place stands now, by what is before it; None where that was written over."""
        starts, ends, shifts = self._blocks
        at = bisect_left(starts, offset) - 1
        if offset == 0 or (at >= 0 and offset <= ends[at]):
            return offset + shifts[at] if offset else 0
        return None

    def exact(self, offset: int) -> int | None:
        """The same, None too where what is behind it was written over, or something was written just there."""
        if self.old == self.new:
            return offset
        starts, ends, shifts = self._blocks
        at = bisect_left(starts, offset) - 1
        if at < 0 or offset > ends[at]:
            return None
        ends_both = offset == len(self.old) and offset + shifts[at] == len(self.new)
        return offset + shifts[at] if offset < ends[at] or ends_both else None

    @cached_property
    def _blocks(self) -> tuple[list[int], list[int], list[int]]:
        """The stretches that are kept: where each starts and ends in the old text, and by how much it moved."""
        joined: list[tuple[int, int, int]] = []
        for start, end, shift in self._kept():
            if start == end:
                continue
            if joined and joined[-1][1] == start and joined[-1][2] == shift:
                joined[-1] = (joined[-1][0], end, shift)
            else:
                joined.append((start, end, shift))
        return [one[0] for one in joined], [one[1] for one in joined], [one[2] for one in joined]

    def _kept(self) -> Iterator[tuple[int, int, int]]:
        head = common_prefix(self.old, self.new)
        tail = common_prefix(self.old[head:][::-1], self.new[head:][::-1])
        yield 0, head, 0
        middle = self.old[head : len(self.old) - tail], self.new[head : len(self.new) - tail]
        one, two = (part.splitlines(keepends=True) for part in middle)
        if one and two and len(one) + len(two) < LONGEST_DIFF:
            at_one, at_two = head, head
            # Inside lines that were replaced by others what both begin and end with is kept too.
            for what, i, j, k, m in SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
                before, after = b"".join(one[i:j]), b"".join(two[k:m])
                if what == "equal":
                    yield at_one, at_one + len(before), at_two - at_one
                elif what == "replace":
                    begin = common_prefix(before, after)
                    end = common_prefix(before[begin:][::-1], after[begin:][::-1])
                    yield at_one, at_one + begin, at_two - at_one
                    shift = at_two + len(after) - (at_one + len(before))
                    yield at_one + len(before) - end, at_one + len(before), shift
                at_one, at_two = at_one + len(before), at_two + len(after)
        yield len(self.old) - tail, len(self.old), len(self.new) - len(self.old)


def common_prefix(one: bytes, two: bytes) -> int:
    """How many bytes both begin with."""
    low, high = 0, min(len(one), len(two))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == two[low:middle] else (low, middle - 1)
    return low
