"""Tokens: words in; the numbers of their subwords out, a row a word.

A name is cut at case, underscore and digits before the pairs that occur most are joined (Sennrich et al. 2016), and small
letters stand for capitals: whether a word begins with one, or has only those, is a subword of its own. Knows no language.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

SUBWORDS_A_WORD = 6

SPECIAL = ("<nothing>", "<hidden>", "<capital>", "<capitals>", "<unknown>")
HIDDEN, CAPITAL, CAPITALS, UNKNOWN_SUBWORD = range(1, 5)

_CUT = Regex(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|_+|[^\w\s]+|\w")

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
        for row, (word, found) in enumerate(zip(words, self.tokenizer.encode_batch(list(words)), strict=True)):
            letters = word.lstrip("_$'")
            # A single capital letter is a type variable as well as a constant.
            mark = [CAPITAL] if letters[:1].isupper() else []
            if len(letters) > 1 and letters.isupper():
                mark = [CAPITALS]
            ids = [*mark, *found.ids][:SUBWORDS_A_WORD]
            table[row, : len(ids)] = ids
        return table

    def store(self, path: Path) -> None:
        self.tokenizer.save(str(path))

    @staticmethod
    def parse(text: str) -> Subwords:
        """From the content of `tokenizer.json`."""
        return Subwords(Tokenizer.from_str(text))


def learn(counts: Mapping[str, int], size: int) -> Subwords:
    """Subwords from words and how often each was seen."""

    def repeated() -> Iterable[str]:
        for word, count in sorted(counts.items()):
            for _ in range(min(count, SEEN_ENOUGH)):
                yield word

    tokenizer = Tokenizer(models.BPE(unk_token=SPECIAL[UNKNOWN_SUBWORD]))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(_CUT, "isolated"), pre_tokenizers.Split(Regex("_+"), "removed")]
    )
    tokenizer.normalizer = normalizers.NFC()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(SPECIAL), show_progress=False, min_frequency=4, limit_alphabet=400
    )
    tokenizer.train_from_iterator(repeated(), trainer)
    return Subwords(tokenizer)
