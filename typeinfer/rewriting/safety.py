"""Safety: the laws a result must keep before it is written, and the writing itself, all or nothing.

In: a file before and after. Out: nothing, or one line that says what is wrong. A result that breaks a law is never on
disk, not for a moment; a kill at any moment leaves the old file or the new one.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from typeinfer.languages.language import Language, NotErasable
from typeinfer.values.module import Module
from typeinfer.values.patches import Rewrite
from typeinfer.values.source import SourceFile, Unreadable, decode

TEMPORARY_PREFIX = ".typeinfer-"
TEMPORARY_SUFFIX = ".tmp"
"""What a `kill -9` can leave behind is named `.typeinfer-*.tmp`, stands beside the file and may be removed."""


_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


class BrokenLaw(Exception):
    """A result that must not be written; the message is one line, for the user, and names no path."""


class NotWritten(Exception):
    """A file that is as it was; the message is one line, for the user, and names no path."""


def check_laws(language: Language, before: Module, after: SourceFile, rewrite: Rewrite) -> None:
    """Raise `BrokenLaw` unless the result survives its encoding, parses as well as before, and is erasable."""
    try:
        raw = after.to_bytes()
    except UnicodeEncodeError as error:
        raise BrokenLaw(f"{after.encoding} has no {error.object[error.start]!r}, which the annotations need") from None
    try:
        again = decode(after.path, after.language, raw)
    except Unreadable as error:
        raise BrokenLaw(f"the result could not be read back: it {error}") from None
    if again != after:
        raise BrokenLaw("the result does not read back as it was written")
    reread = language.read(after, before.name, before.is_package)
    if len(reread.errors) > len(before.errors):
        raise BrokenLaw(f"the result does not parse at line {after.line_of(reread.errors[0].start)}")
    try:
        language.prove_erasable(before.file, after, rewrite)
    except NotErasable as error:
        raise BrokenLaw(f"not proven to be the old file plus annotations: {error}") from None


def write_atomically(path: Path, file: SourceFile, expected_digest: str) -> None:
    """Replace the file at `path` by `file`, or leave it as it is and raise `NotWritten`.

    `expected_digest` is that of the file as it was read: one that changed since is not overwritten. The target of a
    symbolic link is replaced, not the link; mode bits are kept.
    """
    target = Path(os.path.realpath(path))
    _replace(target, target, file, expected_digest)


def rename_atomically(path: Path, new: Path, file: SourceFile, expected_digest: str) -> None:
    """Put the file at `new` in the place of the one at `path`, or leave both as they are and raise `NotWritten`.

    The new file is whole before the old one goes: a kill in between leaves both. A file that is at `new` already is
    not overwritten, and a symbolic link is not renamed.
    """
    if path.is_symlink():
        raise NotWritten("is a symbolic link, which is not renamed")
    _replace(path, new, file, expected_digest)


def write_new(path: Path, raw: bytes) -> None:
    """Write a file that isn't there yet, whole or not at all. Raises `NotWritten`."""
    try:
        with _temporary(path.parent, raw) as temporary:
            temporary.chmod(0o666 & ~_umask())
            _place_new(temporary, path)
    except OSError as error:
        raise NotWritten(_reason(error)) from None


@contextmanager
def _temporary(folder: Path, raw: bytes) -> Iterator[Path]:
    """A finished, synced file in the folder, to be given its name; whatever happens, it is gone afterwards."""
    handle, name = tempfile.mkstemp(TEMPORARY_SUFFIX, TEMPORARY_PREFIX, folder)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(raw)
            stream.flush()
            os.fsync(stream.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    """What the user's new files are not allowed; there is no way to read it but to set it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _place_new(temporary: Path, target: Path) -> None:
    """Give a finished file its name, which nothing else may have. Raises `NotWritten` or `OSError`."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise NotWritten(f"{target.name} is there already") from None


def _replace(target: Path, new: Path, file: SourceFile, expected_digest: str) -> None:
    """Write `file` at `new` in place of the one at `target`, which may be the same."""
    try:
        _refuse_changed(target, file, expected_digest)
        status = target.stat()
        if not status.st_mode & _WRITABLE or not os.access(target, os.W_OK):
            # A rename would replace it all the same; its owner said not to.
            raise NotWritten("is read-only")
        with _temporary(target.parent, file.to_bytes()) as temporary:
            _keep_owner(temporary, status)
            temporary.chmod(stat.S_IMODE(status.st_mode))
            # As late as can be: what an editor saved meanwhile is lost only if it did so in this very instant.
            _refuse_changed(target, file, expected_digest)
            if new == target:
                temporary.replace(target)
            else:
                _place_new(temporary, new)
                target.unlink()
    except OSError as error:
        raise NotWritten(_reason(error)) from None
    _sync_folder(target.parent)


def _refuse_changed(target: Path, file: SourceFile, expected_digest: str) -> None:
    try:
        digest = decode(file.path, file.language, target.read_bytes()).digest
    except Unreadable:
        digest = ""
    if digest != expected_digest:
        raise NotWritten("changed while it was being annotated")


def _keep_owner(temporary: Path, status: os.stat_result) -> None:
    """Run as root, in a container say, the file stays its owner's; who isn't root may not give files away."""
    if hasattr(os, "chown") and os.geteuid() == 0:
        os.chown(temporary, status.st_uid, status.st_gid)


def _sync_folder(folder: Path) -> None:
    """Make the rename last. Where folders can't be synced (Windows, some network drives) the file is whole anyway."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)


def _reason(error: OSError) -> str:
    return f"could not be written: {(error.strerror or str(error)).lower()}"
