"""Whatever an editor sends: what is shown stands where it belongs, and the server lives."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from editors import Editor, applied, editing
from lsprotocol import types as lsp

FLAG = "def f(flag=True):\n    return flag\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_positions_count_as_the_client_counts(root: Path, encoding: str) -> None:
    """Behind an emoji, which is 4 bytes, 2 units of UTF-16 and 1 character."""
    async with editing(root, encodings=[encoding]) as editor:
        assert editor.encoding == encoding
        text = "def f(smile='😀é', flag=True): return flag\n"
        editor.open("a.py", text)
        before = text[: text.index("flag") + 4]
        column = {"utf-8": len(before.encode()), "utf-16": len(before.encode("utf-16-le")) // 2, "utf-32": len(before)}
        found = await editor.awaits("a.py", ": bool")
        assert (0, column[encoding[:6]]) in found
        for action in (await editor.actions("a.py", 0, column[encoding] - 1)).values():
            if action.title.startswith("Annotate f.flag as bool"):
                assert "flag: bool = True" in await editor.edited("a.py", action)
        # A change counts in the same units.
        place = lsp.Position(0, column[encoding])
        one = lsp.TextDocumentContentChangePartial(lsp.Range(place, place), "s")
        editor.change("a.py", one)
        for _ in range(200):
            if (0, column[encoding] + 1) in await editor.shown("a.py"):
                break
            await asyncio.sleep(0.05)
        assert (await editor.shown("a.py"))[0, column[encoding] + 1] == ": bool"


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
async def test_lines_end_as_they_do(editor: Editor, ending: str) -> None:
    text = f"import os{ending}{ending}def f(flag=True):{ending}    return flag{ending}"
    editor.open("a.py", text)
    assert (2, 10) in await editor.awaits("a.py", ": bool")
    if ending == "\r\n":
        found = await editor.actions("a.py", 2, 8)
        assert await editor.edited("a.py", found["Annotate this file"]) == text.replace(
            "(flag=True)", "(flag: bool = True) -> bool"
        )


async def test_a_form_feed_and_a_line_separator_end_no_line(editor: Editor) -> None:
    editor.open("a.py", "x = '\u2028'\n\x0c\n" + FLAG)
    assert (2, 10) in await editor.awaits("a.py", ": bool")
    place = lsp.Position(2, 10)
    editor.change("a.py", lsp.TextDocumentContentChangePartial(lsp.Range(place, place), "ged"))
    for _ in range(200):
        if (2, 13) in await editor.shown("a.py"):
            break
        await asyncio.sleep(0.05)
    assert (2, 13) in await editor.shown("a.py")


async def test_a_file_that_is_not_on_the_disk_is_served(editor: Editor) -> None:
    editor.open("new.py", FLAG, stored=False)
    await editor.awaits("new.py", ": bool")
    (editor.root / "new.py").write_text(FLAG)
    # Named otherwise, so that it is no hint of before, moved, that is waited for.
    editor.replace("new.py", "(flag", "(count=3, flag")
    assert len(await editor.awaits("new.py", ": int", ": bool", "-> bool")) == 3


async def test_what_has_no_file_at_all_gets_nothing_and_harms_nothing(editor: Editor) -> None:
    item = lsp.TextDocumentItem("untitled:Untitled-1", "python", 1, FLAG)
    editor.client.text_document_did_open(lsp.DidOpenTextDocumentParams(item))
    whole = lsp.Range(lsp.Position(0, 0), lsp.Position(9, 0))
    params = lsp.InlayHintParams(lsp.TextDocumentIdentifier("untitled:Untitled-1"), whole)
    assert not await editor.client.text_document_inlay_hint_async(params)
    editor.open("a.py", FLAG)
    await editor.awaits("a.py", ": bool")


async def test_a_broken_text_keeps_what_is_known_of_the_rest(editor: Editor) -> None:
    text = "def one(flag=True): ...\n\n\ndef two(open=False): ...\n"
    editor.open("a.py", text)
    await editor.awaits("a.py", ": bool")
    before = await editor.shown("a.py")
    assert before == {(0, 12): ": bool", (3, 12): ": bool"}
    editor.replace("a.py", "def one(flag=True): ...", "def one(flag=True\n")
    for _ in range(40):
        assert (await editor.shown("a.py")).get((4, 12)) == ": bool"
        await asyncio.sleep(0.05)


async def test_what_is_written_is_hinted_at_no_more_at_once(editor: Editor) -> None:
    editor.open("a.py", "def f(flag=True, other=True): ...\n")
    assert len(await editor.awaits("a.py", ": bool")) == 2
    editor.replace("a.py", "flag=True", "flag: bool = True")
    assert await editor.shown("a.py") == {(0, 30): ": bool"}


async def test_a_function_of_the_same_name_written_above_gets_no_annotation_of_the_other(editor: Editor) -> None:
    editor.open("a.py", "def f(flag=True): ...\n")
    await editor.awaits("a.py", ": bool")
    old = await editor.hints("a.py")
    editor.replace("a.py", "def f", "def f(flag=3): ...\n\n\ndef f")
    for _ in range(40):
        for hint in [*old, *await editor.hints("a.py")]:
            # As an editor asks that wants the rest of a hint only once it is needed.
            bare = lsp.InlayHint(hint.position, hint.label, data=hint.data)
            whole = await editor.client.inlay_hint_resolve_async(bare)
            for edit in whole.text_edits or ():
                assert edit.range.start == hint.position
                assert edit.new_text.startswith(str(hint.label))
        await asyncio.sleep(0.05)


async def test_ten_thousand_edits_leave_the_text_as_it_is_typed(editor: Editor) -> None:
    editor.open("a.py", FLAG)
    await editor.awaits("a.py", ": bool")
    end = lsp.Position(2, 0)
    for number in range(10_000):
        # A character comes, and goes again, and every hundredth stays.
        if number % 2 == 0:
            change = lsp.TextDocumentContentChangePartial(lsp.Range(end, end), "#")
        else:
            new = "\n" if number % 100 == 99 else ""
            until = lsp.Position(2, 1)
            change = lsp.TextDocumentContentChangePartial(lsp.Range(end, until), new)
        editor.change("a.py", change)
        if number % 500 == 0:
            await asyncio.sleep(0)
    start = lsp.Position(0, 0)
    editor.change("a.py", lsp.TextDocumentContentChangePartial(lsp.Range(start, start), "\n"))
    assert (1, 10) in await editor.awaits("a.py", ": bool")


async def test_a_client_that_never_answers_is_served_all_the_same(root: Path) -> None:
    """It never agrees to watch files, to show progress or to ask for hints anew."""
    server = subprocess.Popen([sys.executable, "-m", "typeinfer", "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdin is not None and server.stdout is not None
    able = {
        "workspace": {
            "didChangeWatchedFiles": {"dynamicRegistration": True},
            "inlayHint": {"refreshSupport": True},
        },
        "window": {"workDoneProgress": True},
    }
    uri = (root / "a.py").as_uri()
    send(
        server, {"id": 1, "method": "initialize", "params": {"capabilities": able, "processId": None, "rootUri": None}}
    )
    send(server, {"method": "initialized", "params": {}})
    item = {"uri": uri, "languageId": "python", "version": 1, "text": FLAG}
    send(server, {"method": "textDocument/didOpen", "params": {"textDocument": item}})
    whole = {"start": {"line": 0, "character": 0}, "end": {"line": 9, "character": 0}}
    for number in range(2, 200):
        params = {"textDocument": {"uri": uri}, "range": whole}
        send(server, {"id": number, "method": "textDocument/inlayHint", "params": params})
        while (said := receive(server)).get("id") != number or "result" not in said:
            pass
        if said["result"]:
            break
        await asyncio.sleep(0.1)
    assert said["result"]
    send(server, {"id": 999, "method": "shutdown"})
    send(server, {"method": "exit"})
    assert server.wait(20) == 0


async def test_what_is_no_json_is_passed_over(root: Path) -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "typeinfer", "lsp"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert server.stdin is not None
    server.stdin.write(b"Content-Length: 12\r\n\r\n{not json at")
    send(server, {"id": 1, "method": "initialize", "params": {"capabilities": {}, "processId": None, "rootUri": None}})
    while receive(server).get("id") != 1:
        pass
    send(server, {"id": 2, "method": "textDocument/hover", "params": {"nonsense": True}})
    send(server, {"id": 3, "method": "shutdown"})
    while receive(server).get("id") != 3:
        pass
    send(server, {"method": "exit"})
    assert server.wait(20) == 0


async def test_a_server_that_was_killed_leaves_the_next_one_all_it_needs(root: Path) -> None:
    server = subprocess.Popen([sys.executable, "-m", "typeinfer", "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    send(server, {"id": 1, "method": "initialize", "params": {"capabilities": {}, "processId": None, "rootUri": None}})
    item = {"uri": (root / "a.py").as_uri(), "languageId": "python", "version": 1, "text": FLAG}
    send(server, {"method": "textDocument/didOpen", "params": {"textDocument": item}})
    await asyncio.sleep(1.0)
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    async with editing(root) as editor:
        editor.open("a.py", FLAG)
        await editor.awaits("a.py", ": bool")


async def test_a_client_that_went_away_without_a_word_ends_the_server(root: Path) -> None:
    command = [sys.executable, "-m", "typeinfer", "lsp"]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert server.stdout is not None and server.stderr is not None
    server.stdout.close()
    send(server, {"id": 1, "method": "initialize", "params": {"capabilities": {}, "processId": None, "rootUri": None}})
    assert server.wait(20) == 1
    assert len(server.stderr.read().splitlines()) < 20


def send(server: subprocess.Popen[bytes], message: dict[str, object]) -> None:
    content = json.dumps({"jsonrpc": "2.0", **message}).encode()
    assert server.stdin is not None
    server.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(content), content))
    server.stdin.flush()


def receive(server: subprocess.Popen[bytes]) -> dict[str, object]:
    assert server.stdout is not None
    length = 0
    while line := server.stdout.readline().strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return json.loads(server.stdout.read(length))


def test_edits_are_applied_by_the_tests_as_the_protocol_says() -> None:
    edit = lsp.TextEdit(lsp.Range(lsp.Position(1, 2), lsp.Position(1, 3)), "b")
    assert applied("a\n😀x\n", [edit], "utf-16") == "a\n😀b\n"
