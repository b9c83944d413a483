"""Wire: a command in; a process that messages go to and come from, each behind a header that tells its length, out.

That is how language servers talk (https://microsoft.github.io/language-server-protocol/, base protocol). Whatever goes wrong (no
such program, a crash, silence, a shape that is not known) is one `CheckerFailed` of one line, and a process that was started is
ended, whoever raises. Knows nothing of what is asked.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec

from typeinfer.values.inferred import CheckerFailed
from typeinfer.values.members import MemberKind

SILENCE = 120
"""The longest that an answer may take, in seconds."""

# How much of what a program complained of before it ended is looked through for its last line.
LAST_WORDS = 4000


MEMBER_KINDS = {
    **dict.fromkeys((2, 3, 4), MemberKind.CALLABLE),
    **dict.fromkeys((7, 8, 13, 22), MemberKind.CLASS),
    9: MemberKind.MODULE,
    14: MemberKind.KEYWORD,
}
"""How the protocol numbers what is offered (CompletionItemKind); all that isn't here holds a value."""


@contextlib.contextmanager
def connected(
    command: Sequence[str],
    name: str,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    seconds: float = float("inf"),
) -> Iterator[Wire]:
    """A wire to a program that works in a folder; the program has ended when the block is left. `seconds`: the longest that it may
    be asked for."""
    with tempfile.TemporaryFile() as complaints:
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                # A wrapper's children end with it.
                start_new_session=os.name != "nt",
            )
        except OSError as error:
            raise CheckerFailed(f"{name} can't be started: {error.strerror}") from None
        try:
            yield Wire(process, name, complaints, seconds)
        finally:
            end(process)


class Wire:
    """Messages to and from a process: every one behind a header that tells its length."""

    def __init__(self, process: subprocess.Popen[bytes], name: str, complaints: IO[bytes], seconds: float) -> None:
        assert process.stdin is not None and process.stdout is not None, "both are pipes"
        self.process, self.name, self.complaints = process, name, complaints
        self.into, self.out_of = process.stdin, process.stdout
        self.seconds, self.deadline = seconds, time.monotonic() + seconds
        self.received: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while header := self.out_of.readline():
                name, _, value = header.partition(b":")
                if name.lower() != b"content-length":
                    continue
                while self.out_of.readline().strip():
                    pass
                self.received.put(self.out_of.read(int(value)))
        self.received.put(None)

    def send(self, message: bytes) -> None:
        try:
            self.into.write(message)
            self.into.flush()
        except (OSError, ValueError):
            raise self._ended() from None

    def receive(self) -> Any:
        left = self.deadline - time.monotonic()
        try:
            message = self.received.get(timeout=max(0.0, min(SILENCE, left)))
        except queue.Empty:
            raise CheckerFailed(
                f"{self.name} did not answer within {SILENCE if left > SILENCE else self.seconds:.0f} s"
            ) from None
        if message is None:
            raise self._ended()
        return msgspec.json.decode(message)

    def _ended(self) -> CheckerFailed:
        try:
            status = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return CheckerFailed(f"{self.name} stopped listening")
        self.complaints.seek(max(0, self.complaints.seek(0, os.SEEK_END) - LAST_WORDS))
        last = self.complaints.read().decode("utf-8", "replace").strip().splitlines()[-1:]
        return CheckerFailed(": ".join([f"{self.name} ended with status {status}", *last]))

    @contextlib.contextmanager
    def understanding(self) -> Iterator[None]:
        """What is read of a message within this block has the shape that we know, or the checker has failed."""
        try:
            yield
        except (LookupError, TypeError, AttributeError, ValueError, RecursionError) as error:
            reason = f"{type(error).__name__}: {error}".partition("\n")[0]
            raise CheckerFailed(f"{self.name} answers in a shape that is not known ({reason})") from error


def framed(message: Any) -> bytes:
    body = msgspec.json.encode(message)
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def parameters_of(signatures: Mapping[str, Any] | None) -> list[str]:
    """What an argument is given to, as each signature of what is called declares it (SignatureHelp); none where nothing is."""
    found: list[str] = []
    if signatures is None:
        return found
    for one in signatures["signatures"]:
        number = one.get("activeParameter", signatures.get("activeParameter"))
        declared = one.get("parameters") or ()
        if number is not None and number < len(declared):
            found.append(declared[number]["label"])
    return found


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process, and what it has started where it began a session of its own."""
    with contextlib.suppress(OSError):
        if os.name == "nt":
            process.kill()
        else:
            os.killpg(process.pid, 9)
    for stream in (process.stdin, process.stdout):
        with contextlib.suppress(OSError, ValueError):
            if stream is not None:
                stream.close()
    process.wait()
