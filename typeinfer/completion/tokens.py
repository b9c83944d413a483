"""Tokens: text in; the numbers that the language model reads and writes, out; and the bytes of each.

Byte pairs (Sennrich et al. 2016) over whole words with the blank before them, over marks, and over the end of a line with the
blanks behind it, so that a line ends with one token. The type model's subwords could not be used: they tell neither `cartItem` from
`cart_item` nor where blanks stand, and what can't be told can't be written. Knows no language.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

NAMES = ("nothing", "outline", "suffix", "prefix", "middle", "end", "language 0", "language 1")
SPECIAL = tuple(f"\ue000{name}\ue000" for name in NAMES)
"""Written so that no text has them: what a text has of them would be read as them."""

NOTHING, OUTLINE, SUFFIX, PREFIX, MIDDLE, END = range(6)
LANGUAGE = 6
"""The first of the tokens that stand for languages."""

_CUT = r"(?:[ \t]*\n)+[ \t]*| ?[\p{L}_$][\p{L}\p{N}_$]*| ?\p{N}{1,4}| ?[^\s\p{L}\p{N}_$]+|[ \t]+|\s"


class Tokens:
    """The tokenizer of a language model."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        alphabet = {letter: byte for byte, letter in _alphabet().items()}
        self.bytes: tuple[bytes, ...] = tuple(
            b"" if number < len(SPECIAL) else bytes(alphabet[letter] for letter in tokenizer.id_to_token(number) or "")
            for number in range(tokenizer.get_vocab_size())
        )

    @property
    def size(self) -> int:
        return len(self.bytes)

    def encode(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def decode(self, tokens: Iterable[int]) -> bytes:
        return b"".join(self.bytes[token] for token in tokens)

    @cached_property
    def _sorted(self) -> tuple[list[bytes], NDArray[np.int64]]:
        order = sorted(range(len(SPECIAL), self.size), key=lambda token: self.bytes[token])
        return [self.bytes[token] for token in order], np.array(order, np.int64)

    def starting(self, start: bytes) -> NDArray[np.int64]:
        """The tokens whose bytes begin with these."""
        texts, order = self._sorted
        low = bisect_left(texts, start)
        high = bisect_left(texts, start + b"\xff" * 64)
        return order[low:high]

    def within(self, text: bytes) -> list[int]:
        """The tokens that are a beginning of a text, and not all of it."""
        texts, order = self._sorted
        found = []
        for length in range(1, len(text)):
            at = bisect_left(texts, text[:length])
            if at < len(texts) and texts[at] == text[:length]:
                found.append(int(order[at]))
        return found

    def store(self, path: Path) -> None:
        self.tokenizer.save(str(path))

    @staticmethod
    def parse(text: str) -> Tokens:
        """From the content of `tokenizer.json`."""
        return Tokens(Tokenizer.from_str(text))


def _alphabet() -> dict[int, str]:
    """The letter that stands for each byte: itself where it can be seen (Radford et al. 2019)."""
    seen = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in seen]
    return {byte: chr(byte) for byte in seen} | {byte: chr(256 + number) for number, byte in enumerate(hidden)}


def learn(texts: Iterable[str], size: int) -> Tokens:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_CUT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL),
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(texts, trainer)
    return Tokens(tokenizer)
