"""Silence: where there is no ghost text unless asked for, what was dismissed, and what `slmLsp/status` says of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from lsprotocol import types

from doubles import PROGRAM
from editors import Editor, end_of, inline_params
from slm_lsp.model.library import ModelLibrary
from slm_lsp.server.cli.status import told
from slm_lsp.server.last import last_word
from slm_lsp.server.why import REFUSED

pytestmark = pytest.mark.asyncio(loop_scope="module")

HEAD = PROGRAM[: PROGRAM.index("self.collection.add(") + len("self.collection.add(")]
REST = PROGRAM[len(HEAD) : PROGRAM.index("\n", len(HEAD))]
LINE = HEAD.rpartition("\n")[2]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def editor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Editor]:
    editor = await Editor.start(tmp_path_factory.mktemp("project"))
    yield editor
    assert await editor.close() == 0


async def status(editor: Editor) -> dict[str, Any]:
    """The answer to `slmLsp/status`, which pygls' client reads as a tree of tuples with names."""
    answer = await editor.client.protocol.send_request_async("slmLsp/status", {})
    return dict(answer._asdict())


async def why(editor: Editor) -> tuple[str, str]:
    """Outcome and reason of the latest request."""
    latest = (await status(editor))["why"]
    return latest.outcome, latest.reason


async def invoke(editor: Editor, uri: str, at: types.Position) -> list[types.InlineCompletionItem]:
    """Ask for ghost text by a key, as a person does who wants it here and now."""
    params = inline_params(uri, at)
    params.context.trigger_kind = types.InlineCompletionTriggerKind.Invoked
    result = await editor.client.text_document_inline_completion_async(params)
    assert isinstance(result, types.InlineCompletionList)
    return list(result.items)


@pytest.mark.parametrize("module", ["chromadb", "others"])
async def test_a_name_that_chromadb_would_refuse_is_not_offered(editor: Editor, module: str) -> None:
    text = f'import {module}\n\ndocs = client.create_collection(name="/'
    uri = editor.open(f"named_{module}.py", text)
    editor.configure({"slmLsp": {"suggest": "eager"}})
    items = await invoke(editor, uri, end_of(text))
    editor.configure({})
    if module == "others":
        assert [item.insert_text for item in items] == ['sine"']
    else:
        assert not items
        assert await why(editor) == ("nothing to suggest", REFUSED)


def dismiss(editor: Editor, uri: str, at: types.Position, text: str) -> None:
    position = {"line": at.line, "character": at.character}
    editor.client.protocol.notify(
        "slmLsp/dismissed", {"textDocument": {"uri": uri}, "position": position, "text": text}
    )


def type_(editor: Editor, uri: str, before: str, text: str) -> str:
    """Type at the end of a text; returns the text as it is then."""
    editor.change(uri, text, types.Range(end_of(before), end_of(before)))
    return before + text


def delete(editor: Editor, uri: str, before: str, count: int) -> str:
    """Delete from the end of a text; returns what is left."""
    left = before[:-count]
    editor.change(uri, "", types.Range(end_of(left), end_of(before)))
    return left


@pytest.mark.parametrize(
    ("before", "outcome"),
    [
        (PROGRAM[: PROGRAM.index("ChromaDB")], "string"),
        (PROGRAM[: PROGRAM.index("water the") + len("water ")], "string"),
        (HEAD.replace("self.collection.add(", "# self.collection.add("), "comment"),
        (HEAD + "ids=[note_id])  # ", "comment"),
    ],
)
async def test_comments_and_strings_are_silent_unless_asked(editor: Editor, before: str, outcome: str) -> None:
    editor.configure({"slmLsp": {"suggest": "eager"}})
    uri = editor.open(f"{outcome}.py", before)
    assert await editor.inline(uri, end_of(before)) == []
    said, reason = await why(editor)
    assert said == outcome
    assert f"in a {outcome}" in reason
    assert len(await invoke(editor, uri, end_of(before))) == 1
    editor.configure({})


async def test_code_in_an_f_string_is_code(editor: Editor) -> None:
    before = HEAD.rpartition("\n")[0] + '\n        print(f"{self.'
    uri = editor.open("fields.py", before)
    editor.configure({"slmLsp": {"suggest": "eager"}})
    assert len(await editor.inline(uri, end_of(before))) == 1
    editor.configure({})


async def test_the_popup_is_not_silent_in_strings(editor: Editor) -> None:
    before = PROGRAM[: PROGRAM.index('["documents"]') + len('["doc')]
    uri = editor.open("popup.py", before)
    assert await editor.inline(uri, end_of(before)) == []
    assert (await editor.popup(uri, end_of(before))).items


async def test_a_quote_that_was_never_closed_silences_its_line_alone(editor: Editor) -> None:
    broken = "name = \"don't\nprint(f'{name\n" * 3
    uri = editor.open("broken.py", broken + HEAD)
    [item] = await editor.inline(uri, end_of(broken + HEAD))
    assert item.insert_text == REST


async def test_after_a_deletion_there_is_silence_until_something_is_typed(editor: Editor) -> None:
    uri = editor.open("deletion.py", HEAD)
    text = delete(editor, uri, HEAD, 1)
    assert await editor.inline(uri, end_of(text)) == []
    assert await why(editor) == (
        "deletion",
        "You have just deleted text; suggestions come back when you type or ask for one.",
    )
    [item] = await invoke(editor, uri, end_of(text))
    assert item.insert_text == "(" + REST
    assert type_(editor, uri, text, "(") == HEAD
    [item] = await editor.inline(uri, end_of(HEAD))
    assert item.insert_text == REST


async def test_a_deletion_silences_its_line_alone(editor: Editor) -> None:
    text = HEAD + "\n\n\nshelf = 1\n"
    uri = editor.open("elsewhere.py", text)
    delete(editor, uri, text.rstrip("\n"), 1)
    assert len(await editor.inline(uri, end_of(HEAD))) == 1
    assert await editor.inline(uri, end_of(text.rstrip("\n")[:-1])) == []


async def test_replacing_is_no_deletion(editor: Editor) -> None:
    before = HEAD[: -len("add(")]
    uri = editor.open("replace.py", before + "delete_all")
    editor.change(uri, "add(", types.Range(end_of(before), end_of(before + "delete_all")))
    [item] = await editor.inline(uri, end_of(HEAD))
    assert item.insert_text == REST


async def test_what_was_dismissed_stays_away_from_its_place(editor: Editor) -> None:
    uri = editor.open("dismissed.py", HEAD)
    assert len(await editor.inline(uri, end_of(HEAD))) == 1
    dismiss(editor, uri, end_of(HEAD), REST)
    assert await editor.inline(uri, end_of(HEAD)) == []
    said, reason = await why(editor)
    assert (said, "dismissed" in reason) == ("dismissed", True)
    [item] = await invoke(editor, uri, end_of(HEAD))
    assert item.insert_text == REST, "asking for it brings it back, once"
    assert await editor.inline(uri, end_of(HEAD)) == []

    # The place goes along with its lines, and is another one for what is typed on.
    editor.change(uri, "import os\n", types.Range(types.Position(0, 0), types.Position(0, 0)))
    assert await editor.inline(uri, end_of("import os\n" + HEAD)) == []
    longer = type_(editor, uri, "import os\n" + HEAD, REST[:3])
    [item] = await editor.inline(uri, end_of(longer))
    assert item.insert_text == REST[3:]


async def test_other_places_and_other_documents_are_not_dismissed(editor: Editor) -> None:
    uri = editor.open("one.py", HEAD)
    dismiss(editor, uri, end_of(HEAD), REST + " # another text")
    dismiss(editor, uri, types.Position(0, 0), REST)
    dismiss(editor, editor.open("other.py", HEAD), end_of(HEAD), REST)
    dismiss(editor, "file:///never/opened.py", end_of(HEAD), REST)
    [item] = await editor.inline(uri, end_of(HEAD))
    assert item.insert_text == REST


async def test_a_closed_document_forgets_what_was_dismissed(editor: Editor) -> None:
    uri = editor.open("again.py", HEAD)
    dismiss(editor, uri, end_of(HEAD), REST)
    assert await editor.inline(uri, end_of(HEAD)) == []
    editor.client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))
    assert editor.open("again.py", HEAD) == uri
    assert len(await editor.inline(uri, end_of(HEAD))) == 1


async def test_several_lines_are_dismissed_whatever_their_line_endings(editor: Editor) -> None:
    head = PROGRAM[: PROGRAM.index("        self.client = ") + 8].replace("\n", "\r\n")
    uri = editor.open("crlf.py", head)
    [item] = await editor.inline(uri, end_of(head))
    assert "\r\n" in str(item.insert_text)
    dismiss(editor, uri, end_of(head), str(item.insert_text).replace("\r\n", "\n"))
    assert await editor.inline(uri, end_of(head)) == []
    assert (await why(editor))[0] == "dismissed"


async def test_an_item_of_the_popup_has_its_own_dismissals(editor: Editor) -> None:
    head = HEAD[: -len("dd(")]
    uri = editor.open("selected.py", head)
    end = end_of(head)
    start = types.Position(end.line, end.character - 1)
    selected = types.SelectedCompletionInfo(types.Range(start, end), "add")
    [item] = await editor.inline(uri, end, selected)
    dismiss(editor, uri, start, str(item.insert_text))
    assert await editor.inline(uri, end, selected) == []
    assert len(await editor.inline(uri, end)) == 1


@pytest.mark.parametrize(
    "params",
    [
        None,
        [],
        {},
        {"textDocument": {"uri": "file:///a.py"}, "position": {"line": 0, "character": 0}},
        {"textDocument": {"uri": 7}, "position": {"line": 0, "character": 0}, "text": "x"},
        {"textDocument": {"uri": "file:///a.py"}, "position": {"line": -1, "character": "x"}, "text": "x"},
        {"textDocument": {"uri": "file:///a.py"}, "position": None, "text": "x"},
        {"textDocument": {"uri": "file:///a.py"}, "position": {"line": 0, "character": 0}, "text": None},
    ],
)
async def test_a_dismissal_that_makes_no_sense_ends_in_the_log(editor: Editor, params: object) -> None:
    logged = len(editor.client.log_messages)
    editor.client.protocol.notify("slmLsp/dismissed", params)
    await status(editor)
    [message] = editor.client.log_messages[logged:]
    assert "slmLsp/dismissed wants textDocument, position and text" in message.message


async def test_why_tells_of_the_latest_request_where_it_was(editor: Editor) -> None:
    uri = editor.open("why.py", HEAD)
    assert len(await editor.inline(uri, end_of(HEAD))) == 1
    latest = (await status(editor))["why"]
    assert (latest.uri, latest.line, latest.character) == (uri, HEAD.count("\n"), len(LINE))
    assert (latest.outcome, latest.reason) == ("shown", "A suggestion was found and sent to the editor.")
    await editor.popup(uri, types.Position(0, 0))
    assert (await status(editor))["why"] == latest, "the popup is another matter"


async def test_why_names_how_unsure_the_model_was(editor: Editor) -> None:
    uri = editor.open("unsure.py", "q")
    assert await editor.inline(uri, types.Position(0, 1)) == []
    said, reason = await why(editor)
    assert said == "low confidence"
    assert reason.startswith("The model was only ")
    assert "% sure; slmLsp.suggest = balanced shows from " in reason
    editor.configure({"slmLsp": {"suggest": "eager"}})
    assert len(await editor.inline(uri, types.Position(0, 1))) == 1
    editor.configure({})


async def test_why_tells_settings_languages_and_unknown_documents(editor: Editor) -> None:
    uri = editor.open("off.py", HEAD)
    editor.configure({"slmLsp": {"inline": {"enabled": False}}})
    await editor.inline(uri, end_of(HEAD))
    assert await why(editor) == (
        "off",
        "slmLsp.inline.enabled is set to false; set it to true to get suggestions.",
    )
    editor.configure({})
    await editor.inline(editor.open("notes.md", HEAD, "markdown"), end_of(HEAD))
    said, reason = await why(editor)
    assert (said, "is markdown" in reason) == ("not python", True)
    await editor.inline("file:///never/opened.py", end_of(HEAD))
    assert (await why(editor))[0] == "not open"


async def test_of_many_requests_the_latest_is_told(editor: Editor) -> None:
    uri = editor.open("many.py", HEAD)
    await asyncio.gather(*(editor.inline(uri, end_of(HEAD)) for _ in range(20)))
    assert (await why(editor))[0] == "shown"
    counted = (await status(editor))["inline"]
    assert counted.last == "shown"


async def test_the_last_word_is_left_on_disk_for_who_asks_in_a_terminal(editor: Editor) -> None:
    text = "# a comment"
    uri = editor.open("last.py", text)
    assert await editor.inline(uri, end_of(text)) == []
    file = ModelLibrary(editor.root / ".home").last_word
    for _ in range(100):
        word = last_word(file)
        if word and word["why"]["uri"] == uri:
            break
        await asyncio.sleep(0.1)
    assert word and word["why"]["outcome"] == "comment"
    said = dict(told(word))
    assert "last.py:1," in said["last asked"]
    assert said["became"].startswith("comment: The cursor is in a comment")
