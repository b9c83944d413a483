"""Tokens: words in; the numbers of their subwords out, a row a word.

A name is cut at case, underscore and digits before the pairs that occur most are joined (Sennrich et al. 2016), and small
letters stand for capitals: whether a word begins with one, or has only those, is a subword of its own. Knows no language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

SUBWORDS_A_WORD = 6

SPECIAL = ("<nothing>", "<hidden>", "<capital>", "<capitals>", "<unknown>")
HIDDEN, CAPITAL, CAPITALS, UNKNOWN_SUBWORD = range(1, 5)

_CUT = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\w\s]+|[^\W\d_A-Za-z]+")

SEEN_ENOUGH = 500
"""A word counts at most so often when subwords are learnt, so that the commonest don't drown all others."""


class Subwords:
    """The tokenizer of a model folder."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    @property
    def size(self) -> int:
        return self.tokenizer.get_vocab_size()

    def rows(self, words: Sequence[str]) -> NDArray[np.int16]:
        """int16 [l, w], 0 behind the end: of a long word the first subwords."""
        table = np.zeros((len(words), SUBWORDS_A_WORD), np.int16)
        encoded = self.tokenizer.encode_batch([parts(word) for word in words])
        for row, (word, found) in enumerate(zip(words, encoded, strict=True)):
            letters = word.lstrip("_$'")
            # A single capital letter is a type variable as well as a constant.
            mark = [CAPITAL] if letters[:1].isupper() else []
            if len(letters) > 1 and letters.isupper():
                mark = [CAPITALS]
            ids = [*mark, *(found.ids or [UNKNOWN_SUBWORD])][:SUBWORDS_A_WORD]
            table[row, : len(ids)] = ids
        return table

    def store(self, path: Path) -> None:
        self.tokenizer.save(str(path))

    @staticmethod
    def parse(text: str) -> Subwords:
        """From the content of `tokenizer.json`."""
        return Subwords(Tokenizer.from_str(text))


def parts(word: str) -> str:
    """What a word is made of, in small letters, with blanks between: `CartItem` and `cart_item` are the same but for a mark."""
    return " ".join(_CUT.findall(word)).lower()


def learn(counts: Mapping[str, int], size: int) -> Subwords:
    """Subwords from words and how often each was seen."""

    def repeated() -> Iterable[str]:
        for word, count in sorted(counts.items()):
            yield from [parts(word)] * min(count, SEEN_ENOUGH)

    tokenizer = Tokenizer(models.BPE(unk_token=SPECIAL[UNKNOWN_SUBWORD]))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.normalizer = normalizers.NFC()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(SPECIAL), show_progress=False, min_frequency=4, limit_alphabet=400
    )
    tokenizer.train_from_iterator(repeated(), trainer)
    return Subwords(tokenizer)
