"""Ghost text and popup over the wire, in one session."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from lsprotocol import types

from doubles import PROGRAM
from editors import Editor, end_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

HEAD = PROGRAM[: PROGRAM.index("self.collection.add(") + len("self.collection.add(")]
REST = PROGRAM[len(HEAD) : PROGRAM.index("\n", len(HEAD))]
TAIL = PROGRAM[len(HEAD) + len(REST) :]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def editor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Editor]:
    editor = await Editor.start(tmp_path_factory.mktemp("project"))
    yield editor
    assert await editor.close() == 0


async def test_it_says_what_it_can(editor: Editor) -> None:
    can = editor.capabilities
    assert can.inline_completion_provider == types.InlineCompletionOptions()
    assert can.completion_provider and can.completion_provider.trigger_characters == (".", '"', "'", "$")
    assert can.execute_command_provider and can.execute_command_provider.commands == ("slmLsp.accepted",)
    sync = can.text_document_sync
    assert isinstance(sync, types.TextDocumentSyncOptions)
    assert (sync.open_close, sync.change) == (True, types.TextDocumentSyncKind.Incremental)


async def test_the_rest_of_the_line_at_an_empty_range_on_the_cursor(editor: Editor) -> None:
    uri = editor.open("program.py", HEAD + TAIL)
    [item] = await editor.inline(uri, end_of(HEAD))
    assert item.insert_text == REST
    assert item.range == types.Range(end_of(HEAD), end_of(HEAD))
    assert item.command and item.command.command == "slmLsp.accepted"


async def test_several_lines_where_a_block_opens(editor: Editor) -> None:
    head = PROGRAM[: PROGRAM.index("        self.client = ") + 8]
    uri = editor.open("block.py", head)
    [item] = await editor.inline(uri, end_of(head))
    first, second, *_ = str(item.insert_text).split("\n")
    assert first.startswith("self.client = chromadb.")
    assert second.startswith("        self.collection = ")


async def test_crlf_documents_get_crlf_suggestions(editor: Editor) -> None:
    head = PROGRAM[: PROGRAM.index("        self.client = ") + 8].replace("\n", "\r\n")
    uri = editor.open("crlf.py", head)
    [item] = await editor.inline(uri, end_of(head))
    assert "\r\n" in str(item.insert_text)
    assert "\n" not in str(item.insert_text).replace("\r\n", "")


async def test_a_suggestion_extends_the_selected_item_of_the_popup(editor: Editor) -> None:
    head = PROGRAM[: PROGRAM.index("self.collection.add(") + len("self.collection.a")]
    uri = editor.open("selected.py", head + "\n")
    end = end_of(head)
    word = types.Range(types.Position(end.line, end.character - 1), end)
    [item] = await editor.inline(uri, end, types.SelectedCompletionInfo(word, "add"))
    assert item.range == word
    assert str(item.insert_text).startswith("add(ids=")


@pytest.mark.parametrize("typed", [0, 3])
async def test_a_selected_item_is_extended_by_a_mere_call(editor: Editor, typed: int) -> None:
    head = PROGRAM[: PROGRAM.index("self.collection.count()") + len("self.collection.")]
    head += "count"[:typed]
    uri = editor.open("called.py", head + "\n")
    end = end_of(head)
    word = types.Range(types.Position(end.line, end.character - typed), end)
    [item] = await editor.inline(uri, end, types.SelectedCompletionInfo(word, "count"))
    assert (item.insert_text, item.range) == ("count()", word)
    after = end_of(head[: len(head) - typed] + "count")
    editor.change(uri, "count", word)
    assert await editor.inline(uri, after) == [], "two characters alone are not worth showing"


async def test_the_popup_replaces_the_word_being_typed(editor: Editor) -> None:
    head = PROGRAM[: PROGRAM.index("self.collection.add(") + len("self.coll")]
    uri = editor.open("popup.py", head + "\n")
    result = await editor.popup(uri, end_of(head))
    end = end_of(head)
    first = result.items[0]
    assert result.is_incomplete
    assert (first.label, first.filter_text) == ("collection", "collection")
    start = types.Position(end.line, end.character - len("coll"))
    assert first.text_edit == types.TextEdit(types.Range(start, end), "collection")
    assert [item.sort_text for item in result.items] == sorted(str(item.sort_text) for item in result.items)


async def test_the_popup_after_a_dot_knows_methods(editor: Editor) -> None:
    head = PROGRAM[: PROGRAM.index("self.collection.add(") + len("self.collection.")]
    uri = editor.open("dot.py", HEAD.replace("self.collection.add(", "") + "self.collection.add(1)\n" + "\n" + head)
    result = await editor.popup(uri, end_of(HEAD + "1)\n" + "\n" + head))
    [add] = [item for item in result.items if item.label == "add"]
    assert add.kind == types.CompletionItemKind.Method
    at = end_of(HEAD + "1)\n" + "\n" + head)
    assert add.text_edit == types.TextEdit(types.Range(at, at), "add")


async def test_other_languages_and_unknown_documents_get_nothing(editor: Editor) -> None:
    text = editor.open("notes.md", HEAD, "markdown")
    plain = editor.open("plain.py", HEAD, "plaintext")
    for uri in (text, plain, "file:///nowhere/unknown.py", "untitled:Untitled-7"):
        assert await editor.inline(uri, end_of(HEAD)) == []
        assert (await editor.popup(uri, end_of(HEAD))).items == ()


async def test_python_without_a_language_id_is_python(editor: Editor) -> None:
    uri = editor.open("nameless.py", HEAD, "")
    assert len(await editor.inline(uri, end_of(HEAD))) == 1


async def test_closed_documents_get_nothing(editor: Editor) -> None:
    uri = editor.open("closed.py", HEAD)
    editor.client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))
    assert await editor.inline(uri, end_of(HEAD)) == []


@pytest.mark.parametrize("at", [types.Position(0, 0), types.Position(9, 9)])
async def test_an_empty_document_is_answered(editor: Editor, at: types.Position) -> None:
    uri = editor.open("empty.py", "")
    items = await editor.inline(uri, at)
    assert all(item.range == types.Range(types.Position(0, 0), types.Position(0, 0)) for item in items)
    await editor.popup(uri, at)


async def test_positions_past_the_end_mean_the_end(editor: Editor) -> None:
    uri = editor.open("past.py", HEAD)
    end = end_of(HEAD)
    for at in (
        types.Position(end.line, 100_000),
        types.Position(100_000, 0),
        types.Position(2**31 - 1, 2**31 - 1),
    ):
        [item] = await editor.inline(uri, at)
        assert item.range == types.Range(end, end)
        assert item.insert_text == REST


async def test_characters_outside_the_bmp_shift_no_position(editor: Editor) -> None:
    line = 'shelf = "😋😋"; self.collection.ad'
    uri = editor.open("line.py", HEAD.rpartition("\n")[0] + "\n" + line)
    at = end_of(HEAD.rpartition("\n")[0] + "\n" + line)
    items = (await editor.popup(uri, at)).items
    [add] = [item for item in items if item.label == "add"]
    assert isinstance(add.text_edit, types.TextEdit)
    assert add.text_edit.range == types.Range(types.Position(at.line, at.character - 2), at)


async def test_a_document_of_fifty_thousand_lines_is_answered(editor: Editor) -> None:
    text = "value = collection.count()\n" * 50_000 + HEAD
    uri = editor.open("long.py", text)
    [item] = await editor.inline(uri, end_of(text))
    assert item.insert_text == REST
    assert await editor.inline(uri, types.Position(25_000, 0)) is not None


async def test_settings_switch_features_off_and_on(editor: Editor) -> None:
    uri = editor.open("off.py", HEAD)
    editor.configure({"slmLsp": {"inline": {"enabled": False}, "popup": "off"}})
    assert await editor.inline(uri, end_of(HEAD)) == []
    assert (await editor.popup(uri, end_of(HEAD))).items == ()
    editor.configure({"slmLsp": {}})
    assert len(await editor.inline(uri, end_of(HEAD))) == 1
    assert (await editor.popup(uri, end_of(HEAD))).items


async def test_unsure_suggestions_are_shown_to_the_eager_only(editor: Editor) -> None:
    head = "q"
    uri = editor.open("unsure.py", head)
    assert await editor.inline(uri, end_of(head)) == []
    editor.configure({"slmLsp": {"suggest": "eager"}})
    assert len(await editor.inline(uri, end_of(head))) == 1
    editor.configure({})
    assert await editor.inline(uri, end_of(head)) == []


async def test_accepting_is_a_command_that_takes_anything(editor: Editor) -> None:
    for arguments in (None, [], [{"some": "thing"}]):
        params = types.ExecuteCommandParams("slmLsp.accepted", arguments)
        assert await editor.client.workspace_execute_command_async(params) is None
