"""The popup over the wire, with static analysis in its real process."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lsprotocol import types

from doubles import PROGRAM
from editors import Editor, end_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHELF = '''"""Books."""


class Shelf:
    """Holds books."""

    def borrow(self, title: str, days: int = 14) -> bool:
        """Take a book away."""
        return True

    def give_back(self, title: str) -> None:
        """Bring a book back."""


shelf = Shelf()
'''
PATIENCE = 60.0
"""Seconds after which static analysis is given up by a test; it takes one where nothing else runs."""

Kind = types.CompletionItemKind


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def editor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Editor]:
    editor = await Editor.start(tmp_path_factory.mktemp("project"))
    yield editor
    assert await editor.close() == 0


async def popup_with(editor: Editor, uri: str, at: types.Position, label: str = "") -> list[types.CompletionItem]:
    """The popup's items, asked for as a person who types on would, until one has this label; any one without it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        items = list((await editor.popup(uri, at)).items)
        if any(item.label == (label or item.label) for item in items):
            return items
        await asyncio.sleep(0.05)
    raise AssertionError(f"{label} was never offered")


def labeled(items: list[types.CompletionItem], label: str) -> types.CompletionItem:
    [item] = [item for item in items if item.label == label]
    return item


async def test_it_says_that_it_resolves(editor: Editor) -> None:
    can = editor.capabilities.completion_provider
    assert can and can.resolve_provider
    assert can.trigger_characters == (".", '"', "'", "$")


async def test_what_exists_is_offered_after_a_dot_with_its_kind(editor: Editor) -> None:
    text = f"{SHELF}shelf."
    uri = editor.open("dot.py", text)
    items = await popup_with(editor, uri, end_of(text), "give_back")
    assert labeled(items, "borrow").kind == Kind.Method
    assert [item.sort_text for item in items] == sorted(str(item.sort_text) for item in items)
    labels = [item.label for item in items]
    assert labels.index("give_back") < labels.index("__init__")


async def test_a_name_is_described_when_it_is_selected(editor: Editor) -> None:
    text = f"{SHELF}shelf.b"
    uri = editor.open("described.py", text)
    item = labeled(await popup_with(editor, uri, end_of(text), "borrow"), "borrow")
    assert item.detail is None
    resolved = await described(editor, item)
    assert resolved.detail == "borrow(title: str, days: int=14) -> bool"
    assert resolved.documentation == "Take a book away."


async def described(editor: Editor, item: types.CompletionItem) -> types.CompletionItem:
    """The item, resolved; a busy machine may need more than one try."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        resolved = await editor.client.completion_item_resolve_async(item)
        if resolved.detail:
            return resolved
    raise AssertionError(f"{item.label} was never described")


@pytest.mark.parametrize("data", [None, {}, {"list": 99_999, "name": "borrow"}, {"list": "1", "name": 2}, "x"])
async def test_what_cannot_be_described_comes_back_as_it_was(editor: Editor, data: Any) -> None:
    item = types.CompletionItem("borrow", data=data)
    assert await editor.client.completion_item_resolve_async(item) == item


async def test_keyword_arguments_are_offered_in_calls(editor: Editor) -> None:
    text = f"{SHELF}days = 3\nshelf.borrow('Emma', da"
    uri = editor.open("keyword.py", f"{text})\n")
    items = await popup_with(editor, uri, end_of(text), "days=")
    labels = [item.label for item in items]
    assert labels.index("days=") < labels.index("days")
    item = labeled(items, "days=")
    assert item.kind == Kind.Variable
    at = end_of(text)
    assert item.text_edit == types.TextEdit(types.Range(types.Position(at.line, at.character - 2), at), "days=")
    assert (await described(editor, item)).detail == "days: int=14"


async def test_what_the_model_expects_comes_before_what_merely_exists(editor: Editor) -> None:
    head = PROGRAM[: PROGRAM.index("self.collection.add(") + len("self.")]
    uri = editor.open("wanted.py", head + "\n")
    items = await popup_with(editor, uri, end_of(head), "__init__")
    assert items[0].label == "collection"


async def test_a_late_answer_is_there_for_the_next_keystroke(editor: Editor) -> None:
    text = "import asyncio, unittest.mock\nasyncio."
    uri = editor.open("late.py", text)
    first = await editor.popup(uri, end_of(text))
    assert first.is_incomplete
    await popup_with(editor, uri, end_of(text), "create_task")
    editor.change(uri, "c", types.Range(end_of(text), end_of(text)))
    # The same place: no new analysis, so that no wait can be too short.
    labels = [item.label for item in (await editor.popup(uri, end_of(text + "c"))).items]
    assert "create_task" in labels
    assert "gather" not in labels


@pytest.mark.parametrize(
    "text",
    [
        "def f(:\n  x = [1,\nimport os\nos.",
        "class\n\n\t  if x.",
        "'''never closed\nx.",
        "\r\nimport os\r\n\r\nos.",
        "é.é",
    ],
)
async def test_broken_code_is_answered(editor: Editor, text: str) -> None:
    uri = editor.open("broken.py", text)
    assert (await editor.popup(uri, end_of(text))).is_incomplete
    uri = editor.open("sound.py", f"{SHELF}shelf.")
    await popup_with(editor, uri, end_of(f"{SHELF}shelf."), "borrow")


async def test_lines_are_counted_as_the_client_counts_them(editor: Editor) -> None:
    for ending in ("\r\n", "\r"):
        text = f"{SHELF}\u2028 = 'x\u2028y\x0c'\nshelf.".replace("\n", ending)
        uri = editor.open("endings.py", text)
        await popup_with(editor, uri, end_of(text), "borrow")


async def test_a_huge_file_gets_the_names_that_the_model_expects(editor: Editor) -> None:
    head = PROGRAM[: PROGRAM.index("self.collection.add(") + len("self.")]
    text = "x = 1\n" * 200_000 + head
    uri = editor.open("huge.py", text)
    items = (await editor.popup(uri, end_of(text))).items
    assert "collection" in [item.label for item in items]
    assert all(item.data is None for item in items)


async def test_beside_another_server_only_the_best_few_are_offered(tmp_path: Path) -> None:
    editor = await Editor.start(tmp_path, options={"popup": "auto", "neighbor": True})
    text = f"{SHELF}shelf."
    uri = editor.open("neighbor.py", text)
    items = await popup_with(editor, uri, end_of(text))
    assert len(items) <= 3
    assert {item.detail for item in items} == {"slm-lsp"}
    assert all(str(item.sort_text) < "!" for item in items)
    editor.configure({"slmLsp": {"popup": "on"}})
    assert len(await popup_with(editor, uri, end_of(text), "give_back")) > 3
    editor.configure({"slmLsp": {"popup": "off"}})
    assert (await editor.popup(uri, end_of(text))).items == ()
    assert await editor.close() == 0


async def test_without_the_popup_nothing_is_analyzed(tmp_path: Path) -> None:
    editor = await Editor.start(tmp_path, options={"popup": "off"})
    uri = editor.open("off.py", SHELF)
    await editor.popup(uri, end_of(SHELF))
    assert analysts_of(editor) == []
    assert await editor.close() == 0


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")


@needs_proc
@pytest.mark.parametrize("end", [signal.SIGKILL, None])
async def test_no_process_is_left_behind(tmp_path: Path, end: signal.Signals | None) -> None:
    editor = await Editor.start(tmp_path)
    text = f"{SHELF}shelf."
    uri = editor.open("left.py", text)
    await popup_with(editor, uri, end_of(text), "borrow")
    [analyst] = analysts_of(editor)
    if end:
        assert editor.client._server
        editor.client._server.send_signal(end)
        await editor.client._server.wait()
    else:
        assert await editor.close() == 0
    assert await gone(analyst)
    if end:
        await editor.client.stop()


@needs_proc
async def test_a_process_that_dies_is_replaced(tmp_path: Path) -> None:
    editor = await Editor.start(tmp_path)
    text = f"{SHELF}shelf."
    uri = editor.open("dies.py", text)
    await popup_with(editor, uri, end_of(text), "borrow")
    [first] = analysts_of(editor)
    os.kill(first, signal.SIGKILL)
    other = editor.open("again.py", f"{SHELF}\n\nshelf.")
    await popup_with(editor, other, end_of(f"{SHELF}\n\nshelf."), "borrow")
    [second] = analysts_of(editor)
    assert second != first
    assert await editor.close() == 0


@needs_proc
@pytest.mark.parametrize(
    ("typed", "last", "label"),
    [
        (["lf"], ".", "borrow"),
        (["lf = "], "s", "shelf"),
        (["lf:\r\n    "], "s", "shelf"),
        (["lf.borrow", "()"], "d", "days="),
    ],
)
async def test_names_are_listed_before_they_are_asked_for(
    tmp_path: Path, typed: list[str], last: str, label: str
) -> None:
    editor = await Editor.start(tmp_path)
    text = f"{SHELF}if she"
    uri = editor.open("ahead.py", text)
    await popup_with(editor, uri, end_of(text), "shelf")

    def type_on(keys: str) -> None:
        nonlocal text
        editor.change(uri, keys, types.Range(end_of(text), end_of(text)))
        text += keys[:1] if keys == "()" else keys  # with a bracket the editor inserts the other one

    [analyst] = analysts_of(editor)
    for keys in typed:
        await idle(analyst)  # so that the next popup has its list
        type_on(keys)
        await editor.popup(uri, end_of(text))
    await idle(analyst)
    os.kill(analyst, signal.SIGSTOP)  # from here on it can answer nothing
    try:
        type_on(last)
        items = list((await editor.popup(uri, end_of(text))).items)
    finally:
        os.kill(analyst, signal.SIGCONT)
    assert labeled(items, label).data
    assert await editor.close() == 0


async def idle(pid: int) -> None:
    """Wait until a process has had nothing to do for a second."""
    calm, end = 0, time.monotonic() + PATIENCE
    while calm < 20 and time.monotonic() < end:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        calm = calm + 1 if state == "S" else 0
        await asyncio.sleep(0.05)


def analysts_of(editor: Editor) -> list[int]:
    """The processes that analyze for an editor's server."""
    assert editor.client._server
    server = editor.client._server.pid
    tasks = Path(f"/proc/{server}/task")
    children = {int(pid) for task in tasks.iterdir() for pid in (task / "children").read_text().split()}
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
    return [pid for pid, command in commands.items() if b"slm_lsp.server.static.child" in command]


async def gone(pid: int) -> bool:
    """Whether a process ends within the tests' patience."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        state = Path(f"/proc/{pid}/stat")
        try:
            if state.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        await asyncio.sleep(0.05)
    return False


@pytest.mark.parametrize(
    "text", ["# Reads all films.", '"""The store of films.', "s = f'hello.", "def f(): ...", "t = 3."]
)
async def test_a_dot_that_is_none_of_codes_opens_nothing(editor: Editor, text: str) -> None:
    uri = editor.open("dots.py", text)
    context = types.CompletionContext(types.CompletionTriggerKind.TriggerCharacter, ".")
    params = types.CompletionParams(types.TextDocumentIdentifier(uri), end_of(text), context)
    found = await editor.client.text_document_completion_async(params)
    assert isinstance(found, types.CompletionList)
    assert list(found.items) == []
