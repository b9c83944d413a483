"""Cache: what was computed from the same inputs before. In: a kind and the inputs' bytes; out: the value, or None.

Content-addressed: a key is the digest of the program itself, the kind of value and every input, so nothing is ever
stale and nothing needs invalidating. Values are msgpack by msgspec, never pickle: reading one runs no code. Knows
nothing of what it stores. A cache that fails is a cache that is empty: the work is done again and the run says so.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import msgspec

T = TypeVar("T")

SCHEMA = 2
"""The layout of the database; part of its file name, so that two versions of typeinfer share one folder in peace."""

LIMIT_BYTES = 1_000_000_000

BUSY_SECONDS = 10.0

READERS = ("tree-sitter", "tree-sitter-python", "tree-sitter-typescript", "libcst")

FLUSH_BYTES = 16_000_000
"""New values wait in memory up to this size and are written in one transaction."""

TABLE = "CREATE TABLE IF NOT EXISTS facts (key BLOB PRIMARY KEY, value BLOB NOT NULL, used INTEGER NOT NULL)"


@dataclass(frozen=True)
class CacheInfo:
    """`used_bytes` is what the values take; the file keeps room that deleted ones left."""

    path: Path
    entries: int
    used_bytes: int
    limit_bytes: int


class CacheUnavailable(Exception):
    """The cache can't be used; the message is one line that says why."""


def cache_folder() -> Path:
    """`$TYPEINFER_CACHE`, else `$XDG_CACHE_HOME/typeinfer`, else `~/.cache/typeinfer`."""
    if chosen := os.environ.get("TYPEINFER_CACHE"):
        return Path(chosen).absolute()
    if (shared := os.environ.get("XDG_CACHE_HOME")) and Path(shared).is_absolute():
        return Path(shared) / "typeinfer"
    return Path("~/.cache/typeinfer").expanduser()


@cache
def program_digest() -> bytes:
    """The digest of the program's own sources and grammars, and of whose readers of code it stands on: a changed rule must never
    meet an old answer, nor a text that another grammar couldn't read.

    A version number would do for a release, but not for a checkout that somebody is working on.
    """
    package = Path(str(files("typeinfer")))
    digest = blake2b(repr([sys.version_info[:2], *map(metadata.version, READERS)]).encode(), digest_size=16)
    for folder in (package, package.parent / "grammars"):
        for suffix in ("py", "scm", "lark"):
            for path in sorted(folder.rglob(f"*.{suffix}")):
                content = path.read_bytes()
                digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
                digest.update(content)
    return digest.digest()


def key_of(kind: str, inputs: Iterable[str | bytes]) -> bytes:
    """The address of a value. Every input is preceded by its length, so `("ab", "c")` and `("a", "bc")` differ."""
    digest = blake2b(program_digest(), digest_size=20)
    for part in (kind, *inputs):
        content = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8, "little"))
        digest.update(content)
    return digest.digest()


SEAL = 8
"""Bytes before each value by which it is known to be what was written under its key."""


def _seal(key: bytes, content: bytes) -> bytes:
    return blake2b(content, digest_size=SEAL, key=key).digest()


def sealed(key: bytes, value: object) -> bytes | None:
    """A value as it is stored under its key; None for one that msgpack can't hold (nested too deep, say)."""
    try:
        content = msgspec.msgpack.encode(value)
    except (msgspec.MsgspecError, RecursionError, OverflowError):
        return None
    return _seal(key, content) + content


def opened(key: bytes, stored: bytes, type_: type[T]) -> T | None:
    """The value that was stored under a key; None for anything else."""
    if stored[:SEAL] != _seal(key, stored[SEAL:]):
        return None
    try:
        return msgspec.msgpack.decode(stored[SEAL:], type=type_)
    except (msgspec.MsgspecError, RecursionError):
        return None


class Cache:
    """One process's view of the cache that all of a user's share, a `values.store.Store`. A context manager: leaving writes what is
    new and evicts what is old.

    Never raises: after the first failure it holds nothing, and `trouble` says why, in one line for the user.
    """

    def __init__(self, folder: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self.path = folder / f"facts-{SCHEMA}.sqlite"
        self.trouble: str | None = None
        self._limit = limit_bytes
        self._new: dict[bytes, bytes] = {}
        self._new_bytes = 0
        self._touched: set[bytes] = set()
        # Days are fine enough to evict by, and a second run on the same day writes nothing at all.
        self._today = int(time.time() // 86_400)
        self._database: sqlite3.Connection | None = None
        try:
            self._database = open_or_recreate(self.path)
        except CacheUnavailable as error:
            self.trouble = str(error)

    def __enter__(self) -> Cache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def get(self, kind: str, inputs: Iterable[str | bytes], type_: type[T]) -> T | None:
        """The value stored for these inputs, or None."""
        key = key_of(kind, inputs)
        content = self._new.get(key)
        if content is None and self._database is not None:
            try:
                row = self._database.execute("SELECT value, used FROM facts WHERE key = ?", (key,)).fetchone()
            except sqlite3.Error as error:
                self._give_up(error)
                return None
            if row is not None:
                content = row[0]
                if row[1] != self._today:
                    self._touched.add(key)
        return opened(key, content, type_) if isinstance(content, bytes) else None

    def put(self, kind: str, inputs: Iterable[str | bytes], value: object) -> None:
        """Remember a value. One that msgpack can't hold is not remembered."""
        if self._database is None:
            return
        key = key_of(kind, inputs)
        content = sealed(key, value)
        if content is None:
            return
        self._new[key] = content
        self._new_bytes += len(content)
        if self._new_bytes > FLUSH_BYTES:
            self.flush()

    def close(self) -> None:
        self.flush()
        if self._database is not None:
            self._database.close()
            self._database = None

    def flush(self) -> None:
        """Write what is new, for other processes to see."""
        if self._database is None or not (self._new or self._touched):
            return
        try:
            # IMMEDIATE takes the write lock at once and waits for it; a lock taken late fails without waiting.
            self._database.execute("BEGIN IMMEDIATE")
            with self._database:
                rows = ((key, value, self._today) for key, value in self._new.items())
                self._database.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", rows)
                used = ((self._today, key) for key in self._touched)
                self._database.executemany("UPDATE facts SET used = ? WHERE key = ?", used)
                self._evict(self._database)
        except sqlite3.Error as error:
            self._give_up(error)
        self._new.clear()
        self._touched.clear()
        self._new_bytes = 0

    def _evict(self, database: sqlite3.Connection) -> None:
        excess = used_bytes(database) - self._limit
        if excess <= 0:
            return
        # A fifth more than needed, so that a full cache does not evict on every run.
        excess += self._limit // 5
        doomed = []
        for key, size in database.execute("SELECT key, LENGTH(value) FROM facts ORDER BY used, key"):
            if excess <= 0:
                break
            doomed.append((key,))
            excess -= size
        database.executemany("DELETE FROM facts WHERE key = ?", doomed)

    def _give_up(self, error: sqlite3.Error) -> None:
        self.trouble = f"the cache {self.path} failed ({error}); going on without it"
        if self._database is not None:
            self._database.close()
            self._database = None
        # Damage deep in the file shows only when that page is read; without this every later run would meet it again.
        if not isinstance(error, sqlite3.OperationalError):
            try:
                move_aside(self.path)
            except OSError:
                self.trouble += "; delete it"


def open_or_recreate(path: Path) -> sqlite3.Connection:
    """The database, made when there is none; what is no database any more is moved aside. Raises `CacheUnavailable`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _open(path)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            move_aside(path)
            return _open(path)
    except (sqlite3.Error, OSError) as error:
        raise CacheUnavailable(f"no cache in {path.parent} ({error}); going on without it") from None


def move_aside(path: Path) -> None:
    """Out of the way, for whoever wants to see what broke it; one broken database is kept."""
    path.replace(path.with_suffix(".broken"))
    for companion in ("-wal", "-shm"):
        path.with_name(path.name + companion).unlink(missing_ok=True)


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        _switch_to_wal(database)
        # A lost cache costs time, a sync a run costs more.
        database.execute("PRAGMA synchronous = OFF")
        database.execute(TABLE)
        # Reads one page of the table, so that a damaged header shows here and not in the middle of a run.
        database.execute("SELECT key FROM facts LIMIT 1").fetchone()
    except BaseException:
        database.close()
        raise
    return database


def _switch_to_wal(database: sqlite3.Connection) -> None:
    """Write-ahead logging: readers never wait for a writer. Two processes that both make the switch need patience."""
    patience = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            # SQLite reports this lock at once, whatever the timeout says.
            if "locked" not in str(error) or time.monotonic() > patience:
                raise
            time.sleep(0.01)


def used_bytes(database: sqlite3.Connection) -> int:
    def pragma(name: str) -> int:
        return int(database.execute(f"PRAGMA {name}").fetchone()[0])

    return (pragma("page_count") - pragma("freelist_count")) * pragma("page_size")


def cache_info(folder: Path) -> CacheInfo:
    """What the cache in this folder holds. Raises `CacheUnavailable`."""
    path = folder / f"facts-{SCHEMA}.sqlite"
    if not path.exists():
        return CacheInfo(path, 0, 0, LIMIT_BYTES)
    database = open_or_recreate(path)
    try:
        entries = int(database.execute("SELECT COUNT(*) FROM facts").fetchone()[0])
        return CacheInfo(path, entries, used_bytes(database) if entries else 0, LIMIT_BYTES)
    except sqlite3.Error as error:
        raise CacheUnavailable(f"the cache {path} can't be read ({error}); clear it") from None
    finally:
        database.close()


def clear_cache(folder: Path) -> int:
    """Delete every database in this folder, other versions' too; gives the bytes freed. Raises `CacheUnavailable`."""
    freed = 0
    try:
        for path in sorted(folder.glob("facts-*")):
            freed += path.stat().st_size
            path.unlink()
    except OSError as error:
        raise CacheUnavailable(f"the cache in {folder} can't be cleared ({error.strerror})") from None
    return freed
