"""Shared: what others worked out, in a folder or an object store; values in, under what they were worked out of, and out.

As in the cache (`cache.py`) values are addressed by content and sealed: what was half written, or damaged, is not there. A seal
keeps nobody out who may write there, though, so whoever asks has to bear any value. Goes through fsspec: a place is whatever that
has a protocol for. A place that fails is a place that is empty. Knows nothing of what it stores.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from typeinfer.engine.cache import key_of, opened, sealed

T = TypeVar("T")

LAYOUT = "typeinfer-1"
"""The folder that all lies in: what else lies in a place is left alone."""

LIMIT_BYTES = 10_000_000_000

Inputs = Sequence[str | bytes]


@dataclass
class Shared:
    """A `values.store.FarStore`: a place by its URL, `s3://bucket/folder`, `gs://…`, `file:///net/folder`, or a path. `trouble`:
    why it isn't used any more, in one line for the user."""

    url: str
    limit_bytes: int = LIMIT_BYTES
    trouble: str | None = None
    _system: Any = field(default=None, init=False)
    _root: str = field(default="", init=False)

    def get(self, kind: str, asked: Iterable[Inputs], type_: type[T]) -> list[T | None]:
        """The values stored for each of these inputs, or None; in one request where the place can do that."""
        keys = [key_of(kind, inputs) for inputs in asked]
        if not keys or not self._is_open():
            return [None] * len(keys)
        paths = [self._path(key) for key in keys]
        try:
            found: Mapping[str, bytes | Exception] = self._system.cat(paths, on_error="return")
        except Exception as error:
            self._give_up(error)
            return [None] * len(keys)
        contents = [found.get(path) for path in paths]
        for content in contents:
            if isinstance(content, Exception) and not isinstance(content, FileNotFoundError):
                self._give_up(content)
                break
        return [
            opened(key, content, type_) if isinstance(content, bytes) else None
            for key, content in zip(keys, contents, strict=True)
        ]

    def put(self, kind: str, values: Iterable[tuple[Inputs, object]]) -> None:
        """Leave values for others. Values that msgpack can't hold are left out."""
        made = {key: content for inputs, value in values if (content := sealed(key := key_of(kind, inputs), value))}
        if not made or not self._is_open():
            return
        try:
            for folder in sorted({self._path(key).rpartition("/")[0] for key in made}):
                self._system.makedirs(folder, exist_ok=True)
            self._system.pipe({self._path(key): content for key, content in made.items()})
            # One value in 256 has somebody look whether there is too much: no clock and no count of what others put there.
            if any(key[0] == 0 for key in made):
                self.take_away()
        except Exception as error:
            self._give_up(error)

    def take_away(self) -> None:
        """Where there is more than the limit, take values away, whichever, until a fifth is free. Raises what the place raises."""
        # Whoever does the same at the same time may be quicker.
        with suppress(FileNotFoundError):
            self._take_away()

    def _take_away(self) -> None:
        self._system.invalidate_cache()
        sizes = {path: int(found["size"] or 0) for path, found in self._system.find(self._root, detail=True).items()}
        total = sum(sizes.values())
        if total <= self.limit_bytes:
            return
        # Not by age: not every place tells it, and clocks differ.
        doomed: list[str] = []
        ordered = random.sample(sorted(sizes), len(sizes))
        while ordered and total > self.limit_bytes * 4 // 5:
            doomed.append(ordered.pop())
            total -= sizes[doomed[-1]]
        self._system.rm(doomed)

    def _is_open(self) -> bool:
        if self.trouble is not None:
            return False
        if self._system is None:
            try:
                import fsspec

                self._system, root = fsspec.core.url_to_fs(self.url)
            except Exception as error:
                self._give_up(error)
                return False
            self._root = f"{root.rstrip('/')}/{LAYOUT}"
        return True

    def _path(self, key: bytes) -> str:
        name = key.hex()
        return f"{self._root}/{name[:2]}/{name[2:]}"

    def _give_up(self, error: Exception) -> None:
        said = " ".join(str(error).split()) or type(error).__name__
        self.trouble = f"the shared cache {self.url} can't be used ({said}); going on without it"
