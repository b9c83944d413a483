"""What an editor asks for, one thing after the other, as VS Code asks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from editors import RULES_ALONE, Editor, applied, editing
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcRequestCancelled

LOAD = """\
from pathlib import Path


def load(path, quiet=True, verbose=False):
    if verbose:
        print(path)
    return path.read_text()


load(Path("x"))
"""

DOCUMENTED = """\
def load(path):
    \'\'\'Read a file.

    Args:
        path (pathlib.Path): where it is
    \'\'\'
    return "all of it"
"""


async def test_hints_stand_behind_names_and_say_what_would_be_written(editor: Editor) -> None:
    editor.open("a.py", LOAD)
    assert await editor.awaits("a.py", ": bool") == {(3, 20): ": bool", (3, 34): ": bool"}


async def test_a_hint_tells_why_and_inserts_itself_once_it_is_asked(editor: Editor) -> None:
    editor.open("a.py", LOAD)
    await editor.awaits("a.py", ": bool")
    hint = (await editor.hints("a.py"))[-1]
    whole = await editor.client.inlay_hint_resolve_async(hint)
    assert isinstance(whole.tooltip, lsp.MarkupContent)
    assert (
        "**load.verbose** (parameter)" in whole.tooltip.value and "default-literal says `bool`" in whole.tooltip.value
    )
    assert "verbose: bool = False" in applied(LOAD, whole.text_edits, editor.encoding)


async def test_an_editor_that_asks_for_no_more_gets_the_whole_hint_at_once(root) -> None:
    async with editing(root, "emacs") as editor:
        editor.open("a.py", LOAD)
        await editor.awaits("a.py", ": bool")
        assert all(hint.text_edits for hint in await editor.hints("a.py"))


async def test_hovering_over_a_name_shows_its_ranking(editor: Editor) -> None:
    editor.open("a.py", LOAD)
    await editor.awaits("a.py", ": bool")
    document = lsp.TextDocumentIdentifier(editor.uri("a.py"))
    found = await editor.client.text_document_hover_async(lsp.HoverParams(document, lsp.Position(3, 29)))
    assert isinstance(found, lsp.Hover) and isinstance(found.contents, lsp.MarkupContent)
    assert "- `bool` >99%" in found.contents.value or "- `bool` 9" in found.contents.value
    assert found.range == lsp.Range(lsp.Position(3, 27), lsp.Position(3, 34))
    assert await editor.client.text_document_hover_async(lsp.HoverParams(document, lsp.Position(4, 1))) is None


async def test_actions_annotate_a_slot_a_function_a_file(editor: Editor) -> None:
    editor.open("a.py", LOAD)
    await editor.awaits("a.py", ": bool")
    found = await editor.actions("a.py", 3, 29)
    (slot,) = (action for title, action in found.items() if title.startswith("Annotate load.verbose as bool"))
    assert slot.is_preferred
    assert "def load(path, quiet=True, verbose: bool = False):" in await editor.edited("a.py", slot)
    whole = "def load(path, quiet: bool = True, verbose: bool = False):"
    for title in ("Annotate function load", "Annotate this file"):
        assert whole in await editor.edited("a.py", found[title]), title


async def test_on_save_all_that_is_sure_is_written(editor: Editor) -> None:
    editor.open("a.py", LOAD)
    await editor.awaits("a.py", ": bool")
    found = await editor.actions("a.py", 0, 0, "source.fixAll.typeinfer")
    assert [*found] == ["Annotate this file"]
    assert [*await editor.actions("a.py", 0, 0, "source.fixAll")] == ["Annotate this file"]
    assert not await editor.actions("a.py", 0, 0, "source.organizeImports")


async def test_what_is_missing_is_hinted_at_with_its_quick_fix(editor: Editor) -> None:
    editor.open("a.py", LOAD)
    await editor.awaits("a.py", ": bool")
    document = lsp.TextDocumentIdentifier(editor.uri("a.py"))
    report = await editor.client.text_document_diagnostic_async(lsp.DocumentDiagnosticParams(document))
    assert isinstance(report, lsp.RelatedFullDocumentDiagnosticReport)
    said = {one.message.partition(";")[0]: one for one in report.items}
    assert [*said] == ["load.quiet has no annotation", "load.verbose has no annotation"]
    one = said["load.verbose has no annotation"]
    assert (one.severity, one.code, one.source) == (lsp.DiagnosticSeverity.Hint, "unannotated-parameter", "typeinfer")
    context = lsp.CodeActionContext([one], only=[lsp.CodeActionKind.QuickFix])
    actions = await editor.client.text_document_code_action_async(lsp.CodeActionParams(document, one.range, context))
    assert actions is not None and isinstance(actions[0], lsp.CodeAction)
    assert actions[0].diagnostics is not None and actions[0].diagnostics[0].message == one.message


async def test_an_editor_that_does_not_ask_is_told(root) -> None:
    async with editing(root, "neovim@v0.6") as editor:
        editor.open("a.py", LOAD)
        for _ in range(600):
            if editor.client.diagnostics.get(editor.uri("a.py")):
                break
            await asyncio.sleep(0.1)
        assert len(editor.client.diagnostics[editor.uri("a.py")]) == 2


def types(offered: Sequence[lsp.CompletionItem]) -> list[str]:
    """Those that are offered as what the slot is predicted to be."""
    return [one.label for one in offered if one.detail is not None and one.detail.endswith("% by typeinfer")]


async def test_where_an_annotation_is_being_written_types_are_offered_with_their_imports(editor: Editor) -> None:
    editor.open("a.py", DOCUMENTED)
    await editor.awaits("a.py", "-> str")
    editor.replace("a.py", "load(path)", "load(path: P)")
    (first, *_) = await editor.completions("a.py", 0, len("def load(path: P"))
    assert isinstance(first.text_edit, lsp.TextEdit)
    after = applied(editor.texts["a.py"], [first.text_edit, *(first.additional_text_edits or ())], editor.encoding)
    assert after.startswith("from pathlib import Path\n") and "\ndef load(path: Path):" in after
    assert not types(await editor.completions("a.py", 1, 4))


async def test_types_are_offered_before_a_default_too(editor: Editor) -> None:
    editor.open("a.py", LOAD)
    await editor.awaits("a.py", ": bool")
    editor.replace("a.py", "quiet=True", "quiet: =True")
    (first, *_) = await editor.completions("a.py", 3, len("def load(path, quiet: "))
    assert isinstance(first.text_edit, lsp.TextEdit) and first.text_edit.new_text == "bool"
    assert not first.additional_text_edits


async def test_a_result_is_completed_behind_its_arrow_and_not_behind_its_colon(editor: Editor) -> None:
    editor.open("a.py", DOCUMENTED)
    await editor.awaits("a.py", "-> str")
    editor.replace("a.py", "(path):", "(path) -> s:")
    assert (await editor.completions("a.py", 0, len("def load(path) -> s")))[0].label == "str"
    editor.replace("a.py", " -> s:", ":")
    assert not types(await editor.completions("a.py", 0, len("def load(path):")))


SHOP = """\
class Cart:
    def total(self, discount: float = 0.0) -> float:
        return 10 - discount


def pay(cart: Cart):
    label = "é😀"; print(cart.to)
"""


async def test_behind_a_dot_members_are_offered_the_likeliest_first(editor: Editor) -> None:
    editor.open("a.py", SHOP)
    await editor.awaits("a.py", "-> None")
    (line,) = (number for number, text in enumerate(SHOP.splitlines()) if "cart.to" in text)
    text = SHOP.splitlines()[line]
    place = len(text[: text.index(".to") + 3].encode("utf-16-le")) // 2
    (first, *others) = await editor.completions("a.py", line, place)
    assert first.label == "total" and first.preselect and first.kind == lsp.CompletionItemKind.Method
    assert first.detail is not None and first.detail.startswith("def total(")
    assert [one.sort_text for one in (first, *others)] == sorted(str(one.sort_text) for one in (first, *others))
    assert isinstance(first.text_edit, lsp.TextEdit)
    assert "print(cart.total)" in applied(editor.texts["a.py"], [first.text_edit], editor.encoding)
    editor.replace("a.py", "cart.to)", "'cart.to')")
    assert not await editor.completions("a.py", line, place + 1), "in a string nothing is offered"


async def test_where_a_name_is_read_names_in_scope_are_offered_and_imports(editor: Editor, root) -> None:
    (root / "shop.py").write_text("class Cartwheel:\n    pass\n", encoding="utf-8")
    editor.open("a.py", "import os\n\n\ndef pay(carton, flag=False):\n    return x\n")
    await editor.awaits("a.py", ": bool")
    editor.replace("a.py", "return x", "return cart")
    found = {one.label: one for one in await editor.completions("a.py", 4, len("    return cart"))}
    assert set(found) == {"carton", "Cartwheel"}
    assert found["carton"].kind == lsp.CompletionItemKind.Variable and not found["carton"].additional_text_edits
    brought = found["Cartwheel"]
    assert brought.detail == "from shop" and isinstance(brought.text_edit, lsp.TextEdit)
    edits = [brought.text_edit, *(brought.additional_text_edits or ())]
    after = applied(editor.texts["a.py"], edits, editor.encoding)
    assert after.startswith("import os\n\nfrom shop import Cartwheel\n") and "return Cartwheel\n" in after


READERS = "def closed(flag=False):\n    return flag\n\n\n" + "".join(
    f"""def {name}(path):
    with open(path, encoding="utf-8") as file:
        return file.read().strip().lower()


"""
    for name in ("first", "second", "third")
)


async def test_a_line_goes_on_in_grey_where_it_is_likely_how(editor: Editor) -> None:
    begun = READERS[: READERS.rindex("le.read()")]
    editor.open("a.py", begun + "\n")
    await editor.awaits("a.py", ": bool")
    line, character = begun.count("\n"), len(begun.rpartition("\n")[2])
    assert editor.able.inline_completion_provider is not None, "or no editor asks"
    (found,) = await editor.lines("a.py", line, character)
    assert found.insert_text == "le.read().strip().lower()"
    assert found.range == lsp.Range(lsp.Position(line, character), lsp.Position(line, character))
    editor.replace("a.py", "        return fi\n", "\n")
    editor.replace("a.py", '    with open(path, encoding="utf-8") as file:\n\n', "    \n")
    (block,) = await editor.lines("a.py", line - 1, 4, asked=True)
    assert isinstance(block.insert_text, str) and "\n        return file.read()" in block.insert_text
    (alone,) = await editor.lines("a.py", line - 1, 4)
    assert isinstance(alone.insert_text, str) and block.insert_text.startswith(f"{alone.insert_text}\n")
    editor.replace("a.py", "    \n", "    with x:\n        return fi\n")
    assert not await editor.lines("a.py", 1, 9), "in the middle of a word nothing goes on"
    editor.replace("a.py", "return fi\n", "return 'fi\n")
    assert not await editor.lines("a.py", line, character + 1), "nor in a string"


async def test_whoever_does_not_want_grey_lines_gets_none(editor: Editor) -> None:
    begun = READERS[: READERS.rindex("le.read()")]
    editor.open("a.py", begun + "\n")
    await editor.awaits("a.py", ": bool")
    settings = {"typeinfer": {"inlineCompletion": {"enable": False}}}
    editor.client.workspace_did_change_configuration(lsp.DidChangeConfigurationParams(settings))
    assert not await editor.lines("a.py", begun.count("\n"), len(begun.rpartition("\n")[2]))


async def test_the_workspace_is_annotated_by_one_command(editor: Editor) -> None:
    (editor.root / "b.py").write_text("def closed(flag=False):\n    return flag\n")
    editor.open("a.py", LOAD)
    await editor.awaits("a.py", ": bool")
    command = lsp.ExecuteCommandParams("typeinfer.annotateWorkspace", arguments=[editor.uri("a.py"), False])
    said = await editor.client.workspace_execute_command_async(command)
    assert said == "4 annotations in 2 files"
    for _ in range(100):
        if editor.applied:
            break
        await asyncio.sleep(0.05)
    (edit,) = editor.applied
    assert "verbose: bool = False" in editor.after("a.py", edit)
    editor.texts["b.py"] = (editor.root / "b.py").read_text()
    assert editor.after("b.py", edit).startswith("def closed(flag: bool = False) -> bool:")
    assert (editor.root / "b.py").read_text() == editor.texts["b.py"], "the editor writes, not the server"


@pytest.mark.parametrize("way", ["the request", "the progress"])
async def test_a_workspace_that_was_given_up_stays_as_it_is(editor: Editor, way: str) -> None:
    for number in range(60):
        text = "".join(f"def f{n}(flag=False):\n    return flag\n" for n in range(60))
        (editor.root / f"m{number}.py").write_text(text)
    editor.open("a.py", LOAD)
    await editor.awaits("a.py", ": bool")
    params = lsp.ExecuteCommandParams("typeinfer.annotateWorkspace", arguments=[editor.uri("a.py"), False])
    asked = asyncio.ensure_future(
        editor.client.protocol.send_request_async(lsp.WORKSPACE_EXECUTE_COMMAND, params, "annotate")
    )
    token = await editor.begun("Annotate the workspace")
    if way == "the request":
        editor.client.cancel_request(lsp.CancelParams("annotate"))
        with pytest.raises(JsonRpcRequestCancelled):
            await asked
    else:
        editor.client.window_work_done_progress_cancel(lsp.WorkDoneProgressCancelParams(token))
        assert await asked == "given up, nothing was annotated"
    # Who comes next waits until it has ended.
    again = lsp.ExecuteCommandParams("typeinfer.annotateWorkspace", arguments=[editor.uri("a.py"), False])
    assert (await editor.client.workspace_execute_command_async(again)).endswith("annotations in 61 files")
    assert len(editor.applied) == 1


async def test_typescript_is_served_alike(editor: Editor) -> None:
    editor.open("a.ts", "export function pad(text, width = 3) {\n  return text;\n}\n")
    assert (await editor.awaits("a.ts", ": number"))[0, 31] == ": number"


async def test_settings_of_the_editor_count(root) -> None:
    async with editing(root, options={"inlayHints": {"enable": False}}) as editor:
        editor.open("a.py", LOAD)
        document = lsp.TextDocumentIdentifier(editor.uri("a.py"))
        for _ in range(600):
            report = await editor.client.text_document_diagnostic_async(lsp.DocumentDiagnosticParams(document))
            if report.items:
                break
            await asyncio.sleep(0.05)
        assert await editor.hints("a.py") == []
        editor.client.workspace_did_change_configuration(
            lsp.DidChangeConfigurationParams({"typeinfer": {"inlayHints": True, "minConfidence": 1}})
        )
        for _ in range(600):
            report = await editor.client.text_document_diagnostic_async(lsp.DocumentDiagnosticParams(document))
            if not report.items:
                break
            await asyncio.sleep(0.05)
        assert await editor.hints("a.py") == [] == [*report.items]


@pytest.mark.parametrize("name", ["b.py", "typeinfer.toml"])
async def test_what_changes_on_the_disk_counts_once_the_editor_tells(editor: Editor, name: str) -> None:
    (editor.root / "b.py").write_text("class Base: ...\n")
    text = "from b import Base\n\n\nclass Own(Base):\n    def run(self, speed, far=True): ...\n"
    editor.open("a.py", text)
    await editor.awaits("a.py", ": bool")
    content = {
        "b.py": "class Base:\n    def run(self, speed: float, far: bool) -> None: ...\n",
        "typeinfer.toml": RULES_ALONE + 'kinds = ["return"]\n',
    }[name]
    (editor.root / name).write_text(content)
    change = lsp.FileEvent(editor.uri(name), lsp.FileChangeType.Changed)
    editor.client.workspace_did_change_watched_files(lsp.DidChangeWatchedFilesParams([change]))
    if name == "b.py":
        await editor.awaits("a.py", ": float")
    else:
        for _ in range(600):
            if ": bool" not in (await editor.shown("a.py")).values():
                break
            await asyncio.sleep(0.05)
        assert ": bool" not in (await editor.shown("a.py")).values()


async def test_an_annotation_that_all_evidence_speaks_against_is_a_warning(editor: Editor) -> None:
    (editor.root / "typeinfer.toml").write_text('model = "none"\n')
    editor.open("a.py", "def shut(late: str = False):\n    return not late\n\n\nshut(True)\nshut(late=False)\n")
    document = lsp.TextDocumentIdentifier(editor.uri("a.py"))
    warnings: list[lsp.Diagnostic] = []
    for _ in range(600):
        report = await editor.client.text_document_diagnostic_async(lsp.DocumentDiagnosticParams(document))
        assert isinstance(report, lsp.RelatedFullDocumentDiagnosticReport)
        warnings = [one for one in report.items if one.severity == lsp.DiagnosticSeverity.Warning]
        if warnings:
            break
        await asyncio.sleep(0.05)
    (one,) = warnings
    assert one.message.startswith("shut.late is annotated str; bool ")
    assert one.range == lsp.Range(lsp.Position(0, 15), lsp.Position(0, 18))
    fixes = await editor.actions("a.py", 0, 16, lsp.CodeActionKind.QuickFix)
    (title,) = (
        title for title in fixes if title.startswith("Annotate shut.late as bool ") and title.endswith(", not str")
    )
    assert (await editor.edited("a.py", fixes[title])).startswith("def shut(late: bool = False):")
    # What has become another annotation is written over by nobody, whether there is an answer about it yet or not.
    editor.replace("a.py", "late: str = False", "late: str | None = False")
    assert not [
        one for one in await editor.actions("a.py", 0, 16, lsp.CodeActionKind.QuickFix) if one.endswith("not str")
    ]


async def test_two_projects_are_served_side_by_side_each_with_its_own_settings(editor: Editor) -> None:
    other = editor.root.parent / "other"
    other.mkdir()
    (other / "typeinfer.toml").write_text(RULES_ALONE + 'kinds = ["return"]\n')
    text = "def shut(late=False):\n    return not late\n"
    editor.open("a.py", text)
    assert len(await editor.awaits("a.py", ": bool", "-> bool")) == 2
    editor.open("../other/a.py", text)
    assert await editor.awaits("../other/a.py", "-> bool") == {(0, 20): "-> bool"}
