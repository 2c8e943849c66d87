"""Edits over the wire: the server's text is the editor's, whatever is in it and however fast it changes."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from lsprotocol import types

from doubles import PROGRAM
from editors import Editor, end_of, inline_params

pytestmark = pytest.mark.asyncio(loop_scope="module")

PEEPHOLE = [sys.executable, "-P", str(Path(__file__).with_name("peephole.py"))]
ENCODINGS = list(types.PositionEncodingKind)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=ENCODINGS, ids=lambda kind: kind.value)
async def editor(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Editor]:
    root = tmp_path_factory.mktemp("project")
    editor = await Editor.start(root, encoding=request.param, command=PEEPHOLE)
    assert editor.capabilities.position_encoding == request.param
    yield editor
    assert await editor.close() == 0


@pytest.fixture
def encoding(editor: Editor) -> types.PositionEncodingKind:
    return types.PositionEncodingKind(str(editor.capabilities.position_encoding))


async def text_of(editor: Editor, uri: str) -> object:
    return await editor.client.protocol.send_request_async("test/text", {"uri": uri})


@pytest.mark.parametrize(
    "tricky",
    ["a\fb\n", "a\vb\n", "a\x1cb\n", "a\x85b\n", "a\u2028b\n", "é😋日\r\n", "one\rtwo\r", "\t\ttabs\r\n\r\n"],
    ids=ascii,
)
async def test_edits_around_tricky_characters(
    editor: Editor, encoding: types.PositionEncodingKind, tricky: str
) -> None:
    text = f"first\n{tricky}x = 1\nlast"
    uri = editor.open("tricky.py", text)
    for cut in range(len(text)):
        if text[cut - 1 : cut + 1] == "\r\n":
            continue
        at = end_of(text[:cut], encoding)
        editor.change(uri, "é😋", types.Range(at, at))
        text = text[:cut] + "é😋" + text[cut:]
    assert await text_of(editor, uri) == text


async def test_a_hundred_edits_with_requests_in_flight(editor: Editor, encoding: types.PositionEncodingKind) -> None:
    """Somebody types faster than the model computes: each request is answered, and no edit is lost."""
    rng = random.Random(7)
    text = PROGRAM + "# 😋 é\n"
    uri = editor.open("rapid.py", text)
    asked = []
    for number in range(100):
        start = rng.randrange(len(text))
        end = min(len(text), start + rng.choice([0, 0, 0, 1, 5]))
        new = rng.choice(["x", "😋", "\n    ", "self.collection.", ""])
        where = types.Range(end_of(text[:start], encoding), end_of(text[:end], encoding))
        text = text[:start] + new + text[end:]
        editor.change(uri, new, where)
        at = end_of(text[: start + len(new)], encoding)
        asked.append(asyncio.ensure_future(editor.inline(uri, at)))
        if number % 5 == 0:
            asked.append(asyncio.ensure_future(_popup_items(editor, uri, at)))
        if number % 7 == 0:
            await asyncio.sleep(0.005)
    answers = await asyncio.wait_for(asyncio.gather(*asked), 60)
    assert len(answers) == 120
    assert await text_of(editor, uri) == text


async def _popup_items(editor: Editor, uri: str, at: types.Position) -> list[object]:
    return list((await editor.popup(uri, at)).items)


async def test_a_whole_text_change(editor: Editor) -> None:
    uri = editor.open("whole.py", "old\n")
    editor.change(uri, "new\f\n")
    assert await text_of(editor, uri) == "new\f\n"


async def test_typing_into_fifty_thousand_lines_costs_little(
    editor: Editor, encoding: types.PositionEncodingKind
) -> None:
    line = "    value = self.collection.query(query_embeddings=[vector])  # é\n"
    uri = editor.open("long.py", line * 50_000)
    await text_of(editor, uri)
    middle = types.Position(25_000, 4)
    began = time.perf_counter()
    for _ in range(200):
        editor.change(uri, "x", types.Range(middle, middle))
    await editor.client.text_document_inline_completion_async(inline_params(uri, middle))
    took = time.perf_counter() - began
    text = await text_of(editor, uri)
    assert isinstance(text, str)
    assert text.splitlines()[25_000] == "    " + "x" * 200 + line.strip()
    assert took < 8, "splitting the whole text on each edit would take 10 s"
