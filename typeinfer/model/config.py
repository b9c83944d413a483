"""The shape of a type model, as `config.json` of its folder holds it. Knows nothing of what computes it."""

from __future__ import annotations

from msgspec import Struct


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """The shape of a model: `config.json` of its folder."""

    subwords: int
    """Size of the tokenizer; 0 is padding, 1 a hidden word."""
    symbols: int
    """Size of the vocabulary of type constructors; 0 stands for every type that can't be composed."""
    roles: int
    relations: int
    """Kinds of edges, each direction counted."""
    slot_kinds: int
    name_kinds: int
    languages: int
    width: int = 256
    layers: int = 6
    heads: int = 4
    hidden: int = 640
    message: int = 64
    messages_every: int = 2
    """Messages along edges in every so many layers; 0 for none."""
    subwords_a_word: int = 6
    steps: int = 12
    """Symbols that a type is made of at most."""
    arity: int = 8
    """Arguments of one constructor that are told apart by their place."""
    rules: tuple[str, ...] = ()
    """Rules of evidence that it has heard in training."""
    reading: str = ""
    """What the numbers of roles, relations, and kinds of names stood for: `sentences.READING` of its day."""

    def __post_init__(self) -> None:
        if self.width % (2 * self.heads):
            raise ValueError(f"a width of {self.width} can't be split into {self.heads} heads of even width")

    def sends(self, layer: int) -> bool:
        """Whether messages run along edges in this layer."""
        return self.messages_every > 0 and layer % self.messages_every == 1 % self.messages_every
