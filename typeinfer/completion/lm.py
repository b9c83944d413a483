"""The language model: tokens in; how probable each next one is, out, without torch.

The same arithmetic as `training/decoder.Decoder`, a token or a few at a time: what was read before is kept and not read again.
Knows nothing of text, and of what may be written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

# b branch, t token, p token read before, d width, h head, v vocabulary


class Shape(Struct, frozen=True, forbid_unknown_fields=True):
    """`config.json` of a language model."""

    vocabulary: int
    width: int = 256
    layers: int = 4
    heads: int = 4
    hidden: int = 640
    row: int = 512
    """Tokens that are seen at once, at most."""
    outline: int = 112
    """How many of them outline the rest of the file."""
    suffix: int = 64
    """How many stand behind the place."""

    def outlined(self, lines: Sequence[tuple[int, bool, Sequence[int]]], start: int, stop: int) -> list[int]:
        """The tokens that outline a file around those from `start` to `stop`, which are seen anyway: of imports the first, of
        headers the nearest. `lines`: where each begins, whether it is an import, and its tokens."""
        outside = [line for line in lines if not start <= line[0] < stop]
        chosen, left = [], self.outline // 3
        for line in outside:
            if line[1] and len(line[2]) <= left:
                chosen.append(line)
                left -= len(line[2])
        left += self.outline - self.outline // 3
        headers = [line for line in outside if not line[1]]
        for line in sorted(headers, key=lambda line: start - line[0] if line[0] < start else line[0] - stop):
            if len(line[2]) > left:
                break
            chosen.append(line)
            left -= len(line[2])
        return [token for _, _, tokens in sorted(chosen, key=lambda line: line[0]) for token in tokens]


@dataclass
class Read:
    """What was read: `key` and `value` of every layer [layers, b, h, p, d / h], and of the last two tokens what the blocks saw,
    [layers, b, 2, d]. `length` of them are read."""

    key: NDArray[np.float32]
    value: NDArray[np.float32]
    before: NDArray[np.float32]
    length: int
