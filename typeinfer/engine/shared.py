"""Shared: what others worked out, in a folder or an object store; values in, under what they were worked out of, and out.

As in the cache (`cache.py`) values are addressed by content and sealed: what was half written, or damaged, is not there. A seal
keeps nobody out who may write there, though, so whoever asks has to bear any value. Goes through fsspec: a place is whatever that
has a protocol for. A place that fails is a place that is empty. Knows nothing of what it stores.
"""

from __future__ import annotations

import os
import random
import re
import stat
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from typeinfer.engine.cache import key_of, opened, sealed

T = TypeVar("T")

LAYOUT = "typeinfer-1"
"""The folder that all lies in: what else lies in a place is left alone."""

LIMIT_BYTES = 10_000_000_000

MOST_BYTES = 64_000_000
"""What is larger in a folder is none of ours."""

OURS = re.compile(r"[0-9a-f]{2}/[0-9a-f]{38}(\.\w+)?")

Inputs = Sequence[str | bytes]


@dataclass
class Shared:
    """A `values.store.FarStore`: a place by its URL, `s3://bucket/folder`, `gs://…`, `file:///net/folder`, or a path. `trouble`:
    why it isn't used any more, or isn't written to, in one line for the user."""

    url: str
    limit_bytes: int = LIMIT_BYTES
    trouble: str | None = None
    _place: _Place | None = field(default=None, init=False)
    _reads: bool = field(default=True, init=False)
    _writes: bool = field(default=True, init=False)

    def get(self, kind: str, asked: Iterable[Inputs], type_: type[T]) -> list[T | None]:
        """The values stored for each of these inputs, or None; in one request where the place can do that."""
        keys = [key_of(kind, inputs) for inputs in asked]
        place = self._opened() if keys and self._reads else None
        if place is None:
            return [None] * len(keys)
        try:
            contents = place.read([_name(key) for key in keys])
        except Exception as error:
            self._reads = self._writes = False
            self._tell("used", error, "going on without it")
            return [None] * len(keys)
        return [
            opened(key, content, type_) if isinstance(content, bytes) else None
            for key, content in zip(keys, contents, strict=True)
        ]

    def put(self, kind: str, values: Iterable[tuple[Inputs, object]]) -> None:
        """Leave values for others. Values that msgpack can't hold are left out."""
        made = {key: content for inputs, value in values if (content := sealed(key := key_of(kind, inputs), value))}
        place = self._opened() if made and self._writes else None
        if place is None:
            return
        try:
            place.write({_name(key): content for key, content in made.items()})
            # One value in 256 has somebody look whether there is too much: no clock and no count of what others put there.
            if any(key[0] == 0 for key in made):
                self.take_away()
        except Exception as error:
            self._writes = False
            self._tell("written to", error, "it is only read from now on")

    def take_away(self) -> None:
        """Where there is more than the limit, take values away, whichever, until a fifth is free. Raises what the place raises."""
        place = self._opened()
        # Whoever does the same at the same time may be quicker.
        with suppress(FileNotFoundError):
            sizes = place.sizes() if place is not None else {}
            total = sum(sizes.values())
            if place is None or total <= self.limit_bytes:
                return
            # Not by age: not every place tells it, and clocks differ.
            doomed: list[str] = []
            ordered = random.sample(sorted(sizes), len(sizes))
            while ordered and total > self.limit_bytes * 4 // 5:
                doomed.append(ordered.pop())
                total -= sizes[doomed[-1]]
            place.remove(doomed)

    def _opened(self) -> _Place | None:
        if self._place is None and self._reads:
            try:
                self._place = _place(self.url)
            except Exception as error:
                self._reads = self._writes = False
                self._tell("used", error, "going on without it")
        return self._place

    def _tell(self, what: str, error: Exception, consequence: str) -> None:
        said = " ".join(str(error).split()) or type(error).__name__
        url = re.sub(r"//[^/@]*@", "//", self.url)  # Not who logs in, and how.
        self.trouble = f"the shared cache {url} can't be {what} ({said}); {consequence}"


def _name(key: bytes) -> str:
    name = key.hex()
    return f"{name[:2]}/{name[2:]}"


def _place(url: str) -> _Place:
    import fsspec
    from fsspec.implementations.local import LocalFileSystem

    system, root = fsspec.core.url_to_fs(url)
    root = f"{root.rstrip('/')}/{LAYOUT}"
    return _Folder(Path(root)) if isinstance(system, LocalFileSystem) else _Bucket(system, root)


class _Place(Protocol):
    """Contents by their names. Everything raises what the place raises."""

    def read(self, names: Sequence[str]) -> list[bytes | None]:
        """None for what isn't there."""

    def write(self, contents: Mapping[str, bytes]) -> None: ...

    def sizes(self) -> dict[str, int]:
        """In bytes, of all that is ours."""

    def remove(self, names: Sequence[str]) -> None: ...


@dataclass(frozen=True)
class _Bucket:
    """A `_Place` in whatever fsspec has a protocol for."""

    system: Any
    root: str

    def read(self, names: Sequence[str]) -> list[bytes | None]:
        found: Mapping[str, bytes | Exception] = self.system.cat(list(map(self.path, names)), on_error="return")
        contents = [found.get(self.path(name)) for name in names]
        for content in contents:
            if isinstance(content, Exception) and not isinstance(content, FileNotFoundError):
                raise content
        return [content if isinstance(content, bytes) else None for content in contents]

    def write(self, contents: Mapping[str, bytes]) -> None:
        self.system.pipe({self.path(name): content for name, content in contents.items()})

    def sizes(self) -> dict[str, int]:
        self.system.invalidate_cache()
        found = self.system.find(self.root, detail=True)
        sizes = {path.rpartition(f"/{LAYOUT}/")[2]: int(one["size"] or 0) for path, one in found.items()}
        return {name: size for name, size in sizes.items() if OURS.fullmatch(name)}

    def remove(self, names: Sequence[str]) -> None:
        self.system.rm(list(map(self.path, names)))

    def path(self, name: str) -> str:
        return f"{self.root}/{name}"


@dataclass(frozen=True)
class _Folder:
    """A `_Place` that others may write to: what lies there may be a link to something that is ours, or be no file at all."""

    root: Path

    def read(self, names: Sequence[str]) -> list[bytes | None]:
        return [self._one(self.root / name) for name in names]

    def _one(self, path: Path) -> bytes | None:
        try:
            found = path.lstat()
            if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_BYTES:
                return None
            return path.read_bytes()
        except FileNotFoundError:
            return None

    def write(self, contents: Mapping[str, bytes]) -> None:
        for name, content in contents.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            number, written = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
            try:
                with os.fdopen(number, "wb") as file:
                    file.write(content)
                # What was made for this user alone is for others, as far as the folder is.
                # Somebody may have taken it away by now.
                with suppress(FileNotFoundError):
                    Path(written).chmod(stat.S_IMODE(path.parent.stat().st_mode) & 0o666)
                    Path(written).replace(path)
            except BaseException:
                Path(written).unlink(missing_ok=True)
                raise

    def sizes(self) -> dict[str, int]:
        paths = () if self.root.is_symlink() else self.root.glob("??/*")
        found = {path.relative_to(self.root).as_posix(): path.lstat().st_size for path in paths}
        return {name: size for name, size in found.items() if OURS.fullmatch(name)}

    def remove(self, names: Sequence[str]) -> None:
        for name in names:
            with suppress(FileNotFoundError):
                (self.root / name).unlink()
