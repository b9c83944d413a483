"""Lines: a text and a place in it in; how the line probably goes on, out.

The language model and what the project wrote elsewhere say what is likely; members of known types steer the search; what was found
must be readable in its place and bring the checker no new error. What is left by the refused goes to the others in proportion.
Writes nothing.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from typeinfer.completion.cursor import CLOSING, PLACEHOLDER, line_start, made_whole, word_at
from typeinfer.completion.decode import Line, Vocabulary, lines, words
from typeinfer.completion.lm import LanguageModel, Stored
from typeinfer.completion.prefixes import Grammar, Members, bodies_of
from typeinfer.completion.prompt import Prompter
from typeinfer.completion.reading import read
from typeinfer.completion.recall import Recall, Text
from typeinfer.completion.tokens import Tokens
from typeinfer.languages import LANGUAGES, language_of, treesitter
from typeinfer.languages.language import Language
from typeinfer.model.folder import REMEDY, TOKENIZER, NoModel
from typeinfer.model.one_thread import one_thread
from typeinfer.values.inferred import Complaint
from typeinfer.values.lines import Continuation
from typeinfer.values.source import SourceFile

if TYPE_CHECKING:
    from tree_sitter import Node

NEARBY, STEP = 40_000, 2048
"""Bytes of the text itself that are recalled, and by how many the part before the place grows: the tokens of what stays the same
while somebody types are made once."""

DRAWN = 3
"""Lines that are drawn where one is wanted, since some are refused."""

MOST_LINES = 8
"""Of a block."""

CLOSES = tuple(CLOSING.values())

INDENT = re.compile(rb"^(\t|[ ]{2,8})[^\s*]", re.M)

SELDOM = 0.1
"""Share of the indented lines of a text below which an indentation is not its own, but that of something broken over lines."""

UNIT = "    "
"""What a block is indented by where no other is there."""

MOST_RECALLED = 4_000_000
"""Bytes of other texts that are recalled; of a larger project those that come first."""


NamesBehind: TypeAlias = "Callable[[bytes, int], frozenset[str] | None]"
"""The names that may stand behind the dot with which a text ends that is written at the place, instead of so many bytes before it;
None where anything may."""


class LineModel:
    """A stored language model, ready to be asked by any thread. Raises `NoModel`."""

    def __init__(self, stored: Stored) -> None:
        try:
            self.tokens = Tokens.parse(stored.tokenizer)
        except Exception as error:  # The library raises nothing more special.
            raise NoModel(f"its {TOKENIZER} can't be read ({error}); {REMEDY}") from None
        if self.tokens.size != stored.shape.vocabulary:
            raise NoModel(f"its {TOKENIZER} has {self.tokens.size} tokens for {stored.shape.vocabulary}; {REMEDY}")
        self.vocabulary = Vocabulary(self.tokens)
        self.prompter = Prompter(self.tokens, stored.shape)
        self.trust = stored.trust
        self.model = LanguageModel(stored.shape, stored.weights)
        self._asking = threading.Lock()

    @contextmanager
    def asking(self, alone: bool = True) -> Iterator[None]:
        """By one thread at a time; unless it is `alone`, with another one at work beside: numpy's own would wait for that one."""
        with self._asking, nullcontext() if alone else one_thread():
            yield

    def tokens_of(self, language: Language, path: str, data: bytes, root: Node) -> list[int]:
        return self.tokens.encode(read(language, path, data, root).data.decode("utf-8", "replace"))


@dataclass(frozen=True)
class Place:
    """A place where code is written. `end`: the byte where its line ends, or `start` where something stands behind it."""

    language: Language
    file: SourceFile
    root: Node
    start: int
    end: int
    least: int
    """What of the text can't be read, whatever stands at the place."""

    def with_text(self, text: bytes, before: int = 0) -> SourceFile:
        """The text with another one at the place, instead of so many bytes before it."""
        data = self.file.data
        return self.file.with_data(data[: self.start - before] + text + data[self.end :])


def place_at(file: SourceFile, offset: int) -> Place | None:
    """None in strings and comments, and in the middle of a word."""
    language, data = language_of(file.path), file.data
    assert language is not None, "only files of known languages are completed"
    begin, behind = word_at(data, offset)
    if behind > offset:
        return None
    stop = data.find(b"\n", offset)
    rest = data[offset : len(data) if stop < 0 else stop].rstrip()
    end = offset if rest else (len(data) if stop < 0 else stop)
    # A string or a text of which it is all is longer by the blank.
    marked = data[:begin] + PLACEHOLDER.encode() + b" " + data[offset:]
    root = language.parse(file.path, marked).root_node
    leaf = root.descendant_for_byte_range(begin, begin + len(PLACEHOLDER))
    if leaf is None or leaf.text != PLACEHOLDER.encode():
        return None
    bare = language.parse(file.path, data).root_node
    least = treesitter.unread(bare)
    if least and not rest:
        # What is open on the line may be closed on it.
        least = min(least, treesitter.unread(made_whole(language, file, begin, end)[1]))
    return Place(language, file, bare, offset, end, _least(language, file.path, data[:begin], data[end:], least))


def _least(language: Language, path: str, before: bytes, behind: bytes, least: int) -> int:
    """Bytes of a text that can't be read whatever stands between two parts of it, as far as a few words tell; `least`: as is known
    already."""
    for filler in (*(PLACEHOLDER + ending for ending in (*language.endings, "(", "[", "{")), *language.fillers):
        if not least:
            break
        tried = language.parse(path, before + filler.encode() + behind)
        least = min(least, treesitter.unread(tried.root_node))
    return least


@dataclass(frozen=True)
class Gap:
    """A place where a word is to stand: the row of tokens around it, what is recalled there, and the blank that is the word's."""

    row: list[int]
    texts: tuple[Text, ...]
    before: str


class Writer:
    """What continues the lines of one project."""

    def __init__(self, model: LineModel) -> None:
        self.model = model
        self.recall = {language.name: Recall() for language in LANGUAGES}
        self._sizes: dict[str, int] = {}
        self._tokens = lru_cache(8)(self._tokens_of)

    def put(self, path: str, data: bytes | None) -> None:
        """A text of the project that is another now, or gone."""
        language = language_of(path)
        assert language is not None, "only files of known languages are read"
        tokens = None
        self._sizes.pop(path, None)
        if data is not None and sum(self._sizes.values()) + len(data) <= MOST_RECALLED:
            self._sizes[path] = len(data)
            tokens = self.model.tokens_of(language, path, data, language.parse(path, data).root_node)
        self.recall[language.name].put(path, tokens)

    def _tokens_of(self, path: str, data: bytes) -> Text:
        language = language_of(path)
        assert language is not None, "a place is in it"
        return Text(self.model.tokens_of(language, path, data, language.parse(path, data).root_node))

    def gap(self, language: Language, file: SourceFile, begin: int, end: int) -> Gap:
        """What is around the word between two bytes of a text, read."""
        model = self.model
        # A word has the blank before it, unless more of them stand there.
        blank = begin > 1 and file.data[begin - 1 : begin] == b" " and not file.data[begin - 2 : begin - 1].isspace()
        begin -= blank
        with model.asking(alone=False):
            number = LANGUAGES.index(language)
            row = model.prompter.before_word(language, number, file.path, file.data, begin, end)
            model.model.read(row)
            return Gap(row, (Text(row[:-1]), *self._texts(language, file, begin, end)), " " * blank)

    def words(self, gap: Gap, names: Sequence[str]) -> NDArray[np.float64]:
        """The log probability [n] that each of these words stands in a gap."""
        model = self.model
        with model.asking(alone=False):
            spelled = [gap.before + name for name in names]
            return words(model.model, model.vocabulary, gap.row, spelled, gap.texts, model.trust.recall)

    def _texts(self, language: Language, file: SourceFile, start: int, end: int) -> tuple[Text, ...]:
        """What is recalled: of the text itself what stands before a place, but for what was typed last, and behind it; and all
        others of its language."""
        data, path = file.data, file.path
        upto = start // STEP * STEP
        head = self._tokens(path, data[max(0, upto - NEARBY) : upto])
        return head, self._tokens(path, data[end : end + NEARBY]), self.recall[language.name].besides(path)

    def drawn(
        self,
        place: Place,
        count: int,
        floor: float,
        members: NamesBehind | None = None,
        given_up: Callable[[], bool] = lambda: False,
    ) -> list[Line]:
        """What is likely, before it is looked at as a whole; without what stands there already. Nothing once it is given up."""
        model, language, file = self.model, place.language, place.file
        with model.asking():
            prompt = model.prompter.prompt(
                language, LANGUAGES.index(language), file.path, file.data, place.root, place.start
            )
            there = len(prompt.begun)
            guard = None if members is None else Members(lambda text: members(text, there))
            texts = (Text(prompt.seen), *self._texts(language, file, place.start, place.end))
            found = lines(
                model.model,
                model.vocabulary,
                prompt,
                count,
                floor,
                guard,
                texts,
                model.trust.recall,
                given_up,
            )
        return [Line(line.text[there:], line.probability) for line in found]

    def written(
        self,
        place: Place,
        count: int,
        floor: float,
        members: NamesBehind | None = None,
        errors: Callable[[SourceFile], Sequence[Complaint]] | None = None,
        given_up: Callable[[], bool] = lambda: False,
        drawn: int = DRAWN,
    ) -> list[Continuation]:
        """At most `count` lines that hold, the likeliest first, of those that were `drawn`. Nothing once it is given up."""
        grammar = Grammar(place.language, place.file, place.start, place.end, place.least)
        refused = 0.0
        before: Counter[Complaint] | None = None
        held: list[tuple[str, float]] = []
        for line in self.drawn(place, max(count, drawn), floor, members, given_up):
            if len(held) == count:
                break
            if given_up():
                return []
            text = line.text.decode("utf-8", "replace").rstrip()
            whole = grammar.whole(text.encode())
            if whole is None:
                refused += line.probability
                continue
            # A line that ends where the cursor is need not be shown.
            if not text.strip():
                continue
            if errors is not None:
                if before is None:
                    before = Counter(errors(place.with_text(b"")))
                if Counter(errors(place.with_text(whole))) - before:
                    refused += line.probability
                    continue
            held.append((text, line.probability))
        return [Continuation(place.start, text, min(1.0, likely / max(1e-6, 1 - refused))) for text, likely in held]


# --- blocks -----------------------------------------------------------------------------------------------------------------


class Block:
    """A line and those that go on in the block that it opens, as far as there are any."""

    def __init__(self, place: Place, line: Continuation) -> None:
        self.place, self.lines = place, [line.text]
        self.probability = line.probability
        data = place.file.data
        self.indent = _blank_before(data, place.start)
        self.unit = _unit(data) or self.indent or UNIT
        self.opened: list[str] = []
        """What each block that is open ends with, the innermost last: nothing, or a bracket on a line of its own."""
        self._open()

    def inside(self) -> Place | None:
        """Where the next line is written; None where no block is open, or all have lines enough."""
        if not self.opened or len(self.lines) == MOST_LINES:
            return None
        row = self.indent + self.unit * len(self.opened)
        before = f"{self._text(self.lines)}{self.place.file.newline}{row}".encode()
        whole = self.place.with_text(before + self._closing().encode())
        return place_at(whole, self.place.start + len(before))

    def add(self, line: Continuation) -> bool:
        """Whether the line brings anything: one that repeats what is above it goes on for ever, and one that begins with the end
        of a block (`} else {`) is none of the block's."""
        row = self.unit * len(self.opened) + line.text.strip()
        if row in self.lines or row.lstrip().startswith(CLOSES):
            return False
        self.lines.append(row)
        self.probability *= line.probability
        self._open()
        return True

    @property
    def whole(self) -> Continuation:
        text = self.lines[0] if len(self.lines) == 1 else self._text(self.lines) + self._closing()
        return Continuation(self.place.start, text, self.probability)

    def _open(self) -> None:
        line = self.lines[-1].rstrip()
        if bodies_of(self.place.language, line.encode()):
            self.opened.append(CLOSING.get(line[-1], ""))

    def _text(self, lines: Sequence[str]) -> str:
        return f"{self.place.file.newline}{self.indent}".join(lines)

    def _closing(self) -> str:
        """The brackets that end the blocks, each on a line of its own."""
        depths = reversed(list(enumerate(self.opened)))
        rows = [self.unit * depth + bracket for depth, bracket in depths if bracket]
        return "".join(f"{self.place.file.newline}{self.indent}{row}" for row in rows)


def _unit(data: bytes) -> str:
    """What a text indents its blocks by, as far as it has any."""
    found = Counter(match.group(1) for match in INDENT.finditer(data))
    often = [blank for blank, times in found.items() if times >= SELDOM * found.total()]
    return min(often, key=len, default=b"").decode()


def _blank_before(data: bytes, at: int) -> str:
    """The blanks that the line of a byte begins with."""
    line = data[line_start(data, at) : at]
    return line[: len(line) - len(line.lstrip())].decode("utf-8", "replace")
