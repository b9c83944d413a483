"""Source: the bytes of a file in; one UTF-8 text with its spans, lines and columns out, and the same bytes back.

Knows nothing of any language but what PEP 263 says of an encoding cookie, and that only through `Decoding`.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from bisect import bisect_right
from functools import cached_property

from msgspec import Struct

COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")

MAX_BYTES = 2_000_000
"""Files over this size are generated more often than written; they are skipped with a reason."""


class Unreadable(Exception):
    """A file that can't be taken in; its message is one line, for the user, and names no path."""


class Span(Struct, frozen=True, order=True, array_like=True, gc=False):
    """A half-open range of bytes into the UTF-8 text of one file."""

    start: int
    end: int

    def __contains__(self, other: Span) -> bool:
        return self.start <= other.start and other.end <= self.end


class SourceFile(Struct, frozen=True, dict=True, array_like=True):
    """One file, decoded once.

    `path` is relative to the project's root, with forward slashes. `data` is the text in UTF-8 without its byte order
    mark; every `Span` points into it. Line ends are kept as they were read.
    """

    path: str
    language: str
    data: bytes
    encoding: str = "utf-8"
    bom: bool = False

    @cached_property
    def text(self) -> str:
        return self.data.decode("utf-8")

    @cached_property
    def digest(self) -> str:
        """The content address, hexadecimal: what the cache keys on."""
        return hashlib.blake2b(self.to_bytes(), digest_size=16).hexdigest()

    @cached_property
    def newline(self) -> str:
        """The line end that the file uses most: carriage return and line feed, or line feed alone."""
        return "\r\n" if self.data.count(b"\r\n") * 2 > self.data.count(b"\n") else "\n"

    @cached_property
    def line_starts(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer(rb"\r\n|\r|\n", self.data))]

    def at(self, span: Span) -> str:
        return self.data[span.start : span.end].decode("utf-8")

    def line_of(self, offset: int) -> int:
        """The line of a byte offset, counted from 1."""
        return bisect_right(self.line_starts, offset)

    def column_of(self, offset: int) -> int:
        """The column of a byte offset in characters, counted from 0."""
        start = self.line_starts[self.line_of(offset) - 1]
        return len(self.data[start:offset].decode("utf-8", "replace"))

    def utf16_column_of(self, offset: int) -> int:
        """The column of a byte offset in UTF-16 code units, counted from 0, as the Language Server Protocol counts."""
        start = self.line_starts[self.line_of(offset) - 1]
        return len(self.data[start:offset].decode("utf-8", "replace").encode("utf-16-le")) // 2

    def offset_of(self, line: int, column: int) -> int | None:
        """The byte at a line and a column in characters, both from 1; None for what is behind the end of the line or the text."""
        if line > len(self.line_starts):
            return None
        start = self.line_starts[line - 1]
        end = self.line_starts[line] if line < len(self.line_starts) else len(self.data)
        text = self.data[start:end].decode("utf-8", "replace").rstrip("\r\n")
        return start + len(text[: column - 1].encode()) if column - 1 <= len(text) else None

    def with_data(self, data: bytes) -> SourceFile:
        return SourceFile(self.path, self.language, data, self.encoding, self.bom)

    def to_bytes(self) -> bytes:
        """The bytes to store: the file's own encoding and byte order mark.

        Raises `UnicodeEncodeError` where the text no longer fits the encoding (an annotation never adds such a character).
        """
        if self.encoding == "utf-8":
            return (codecs.BOM_UTF8 if self.bom else b"") + self.data
        return self.text.encode(self.encoding)


def decode(path: str, language: str, raw: bytes) -> SourceFile:
    """Take the bytes of one file in, by byte order mark and PEP 263 cookie.

    Raises `Unreadable` for NUL bytes, an unknown encoding, bytes that are not of the encoding, and files over `MAX_BYTES`.
    """
    if len(raw) > MAX_BYTES:
        raise Unreadable(
            f"{len(raw) / 1e6:.1f} MB is over the limit of {MAX_BYTES / 1e6:.0f} MB; generated files are left alone"
        )
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise Unreadable("UTF-16 or UTF-32 text is no source encoding; save it as UTF-8")
    bom = raw.startswith(codecs.BOM_UTF8)
    body = raw[len(codecs.BOM_UTF8) :] if bom else raw
    if b"\0" in body:
        raise Unreadable("holds NUL bytes, so it is no text")
    encoding = "utf-8" if bom else _declared_encoding(body)
    try:
        text = body.decode(encoding)
    except LookupError:
        raise Unreadable(f"declares the unknown encoding {encoding!r}") from None
    except UnicodeDecodeError as error:
        raise Unreadable(f"is not {encoding}: byte {error.object[error.start]:#04x} at offset {error.start}") from None
    file = SourceFile(path, language, text.encode("utf-8"), encoding, bom)
    if file.to_bytes() != raw:
        raise Unreadable(f"does not survive decoding and encoding as {encoding}")
    return file


def _declared_encoding(body: bytes) -> str:
    for line in body.split(b"\n", 2)[:2]:
        if found := COOKIE.match(line):
            name = found.group(1).decode("ascii", "replace").lower()
            try:
                canonical = codecs.lookup(name).name
            except LookupError:
                return name
            # A codec from text to text (rot13) or one of UTF-16 can't be declared inside the file it decodes.
            if canonical.startswith(("utf-16", "utf-32")) or canonical in (
                "rot13",
                "hex",
                "base64",
                "zlib",
                "bz2",
                "uu",
            ):
                raise Unreadable(f"declares the encoding {name!r}, which no source file can have")
            return "utf-8" if canonical in ("utf-8", "utf_8") else canonical
        if line.strip() and not line.lstrip().startswith(b"#"):
            break
    return "utf-8"
