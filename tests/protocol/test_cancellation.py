"""Cancelled and superseded requests, with a model that goes on until it is told to stop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.exceptions import JsonRpcRequestCancelled

from editors import Editor, inline_params

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENT = [sys.executable, "-P", str(Path(__file__).with_name("peephole.py")), "--patient"]
REQUEST_CANCELLED = -32800
PATIENCE = 20.0
START = types.Position(0, 0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def editor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Editor]:
    editor = await Editor.start(tmp_path_factory.mktemp("project"), command=PATIENT)
    await begun(editor, 1)  # by the warm-up that follows `initialized`
    yield editor
    assert await editor.close() == 0


async def count(editor: Editor, what: str) -> int:
    return int(await editor.client.protocol.send_request_async(f"test/{what}", {}))


async def begun(editor: Editor, times: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while await count(editor, "begun") < times:
            await asyncio.sleep(0.01)


def send(editor: Editor, method: str, params: object, number: str) -> asyncio.Future[Any]:
    return asyncio.wrap_future(editor.client.protocol.send_request(method, params, msg_id=number))


async def ask(editor: Editor, uri: str, number: str) -> asyncio.Future[Any]:
    """A request for ghost text that the model has begun to compute."""
    before = await count(editor, "begun")
    request = send(editor, types.TEXT_DOCUMENT_INLINE_COMPLETION, inline_params(uri, START), number)
    await begun(editor, before + 1)
    return request


async def cancel(editor: Editor, request: asyncio.Future[Any], number: str) -> None:
    editor.client.cancel_request(types.CancelParams(number))
    with pytest.raises(JsonRpcRequestCancelled) as error:
        await asyncio.wait_for(request, PATIENCE)
    assert error.value.code == REQUEST_CANCELLED


async def test_a_cancelled_request_is_answered_so_and_stops_the_model(editor: Editor) -> None:
    uri = editor.open("a.py", "")
    request = await ask(editor, uri, "one")
    stopped = await count(editor, "stopped")
    await cancel(editor, request, "one")
    popup = await asyncio.wait_for(editor.popup(uri, START), PATIENCE)
    assert popup.is_incomplete
    assert await count(editor, "stopped") == stopped + 1


async def test_a_newer_request_stops_the_older_one_whose_answer_is_empty(editor: Editor) -> None:
    uri, other = editor.open("a.py", ""), editor.open("b.py", "")
    older = await ask(editor, uri, "older")
    newer = await ask(editor, other, "newer")
    result = await asyncio.wait_for(older, PATIENCE)
    assert list(result.items) == []
    await cancel(editor, newer, "newer")


async def test_a_request_that_waits_can_be_cancelled_too(editor: Editor) -> None:
    uri = editor.open("a.py", "")
    running = await ask(editor, uri, "running")
    document = types.TextDocumentIdentifier(uri)
    params = types.CompletionParams(document, START)
    waiting = send(editor, types.TEXT_DOCUMENT_COMPLETION, params, "waiting")
    await cancel(editor, waiting, "waiting")
    assert not running.done()
    await cancel(editor, running, "running")


async def test_shutdown_does_not_wait_for_the_model(tmp_path: Path) -> None:
    editor = await Editor.start(tmp_path, command=PATIENT)
    request = await ask(editor, editor.open("a.py", ""), "last")
    assert await asyncio.wait_for(editor.close(), PATIENCE) == 0
    assert request.done()
    request.exception()
