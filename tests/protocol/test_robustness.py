"""What must not bring the server down: cancellation, nonsense, bad settings, an editor that vanishes."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lsprotocol import types

from doubles import PROGRAM, TINY
from editors import SERVER, Editor, end_of
from slm_lsp.server.client import Client, ServerError

HEAD = PROGRAM[: PROGRAM.index("self.collection.add(") + len("self.collection.add(")]


@pytest_asyncio.fixture
async def editor(tmp_path: Path) -> AsyncIterator[Editor]:
    editor = await Editor.start(tmp_path)
    yield editor
    assert await editor.close() == 0


async def test_of_many_requests_at_once_the_last_is_served(editor: Editor) -> None:
    uri = editor.open("a.py", HEAD)
    answers = await asyncio.gather(*(editor.inline(uri, end_of(HEAD)) for _ in range(50)))
    assert len(answers[-1]) == 1
    assert sum(len(answer) for answer in answers) < 50


@pytest.mark.parametrize("value", [{"threads": "many"}, {"threads": 0}, {"inline": {"enabled": "perhaps"}}])
async def test_bad_settings_get_a_message_and_the_default(editor: Editor, value: dict[str, Any]) -> None:
    editor.configure({"slmLsp": value})
    uri = editor.open("a.py", HEAD)
    assert len(await editor.inline(uri, end_of(HEAD))) == 1
    [message] = editor.client.messages
    assert message.type == types.MessageType.Warning
    assert message.message.startswith(f"slmLsp.{next(iter(value))}")


async def test_bad_initialization_options_get_a_message_and_the_default(tmp_path: Path) -> None:
    editor = await Editor.start(tmp_path, options={"slmLsp": {"suggest": "loud", "popup": "off"}})
    uri = editor.open("a.py", HEAD)
    assert len(await editor.inline(uri, end_of(HEAD))) == 1
    assert (await editor.popup(uri, end_of(HEAD))).items == ()
    [message] = editor.client.messages
    assert "slmLsp.suggest" in message.message and "'loud'" in message.message
    assert "'balanced' is used" in message.message
    editor.configure({"slmLsp": {}})
    assert (await editor.popup(uri, end_of(HEAD))).items == (), "initializationOptions still hold"
    assert await editor.close() == 0


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace, and an environment in which servers use a library of their own."""
    root = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        patch.setenv("SLM_LSP_BASE", str(TINY))
        patch.setenv("SLM_LSP_HOME", str(root / ".home"))
        yield root


@pytest.fixture(scope="module")
def client(project: Path) -> Iterator[Client]:
    """A session for the tests that leave it whole."""
    with Client() as client:
        client.initialize(project)
        yield client
        assert client.close() == 0


def _is_alive(client: Client, project: Path) -> bool:
    file, at = project / "a.py", end_of(HEAD)
    client.open(file, HEAD)
    return client.ghost_text(file, (at.line, at.character)) is not None


@pytest.mark.parametrize(
    "params",
    [
        None,
        {},
        {"textDocument": {"uri": "file:///a.py"}, "position": {"line": -1, "character": 0}},
        {"textDocument": {"uri": "file:///a.py"}, "position": {"line": "x", "character": 0}},
    ],
)
@pytest.mark.parametrize("method", ["textDocument/inlineCompletion", "textDocument/completion"])
def test_a_request_that_makes_no_sense_gets_an_error(
    client: Client, project: Path, method: str, params: object
) -> None:
    with pytest.raises(ServerError):
        client.request(method, params)
    assert _is_alive(client, project)


def test_unknown_requests_get_an_error_and_unknown_notifications_nothing(client: Client, project: Path) -> None:
    with pytest.raises(ServerError):
        client.request("textDocument/foo", {})
    client.notify("textDocument/bar", {})
    client.notify("workspace/didChangeConfiguration", {"settings": None})
    client.notify("workspace/didChangeConfiguration", {})
    client.replace(project / "never_opened.py", (0, 0), (0, 0), "x")
    assert _is_alive(client, project)
    assert [note["method"] for note in client.notified if note["method"] == "window/showMessage"] == []


def test_an_edit_with_its_ends_exchanged_is_applied(client: Client, project: Path) -> None:
    file, at = project / "b.py", end_of(HEAD)
    client.open(file, "old\nold")
    client.replace(file, (10_000, 0), (0, 0), HEAD)
    assert client.ghost_text(file, (at.line, at.character))


@pytest.mark.parametrize(
    ("farewell", "code"), [("exit", 1), ("hang up", 1), ("shutdown and exit", 0), ("shutdown and hang up", 0)]
)
def test_exit_codes(project: Path, farewell: str, code: int) -> None:
    """0 only after a shutdown; an editor that vanishes takes the server with it."""
    with Client() as client:
        client.initialize(project)
        if "shutdown" in farewell:
            client.request("shutdown")
        if "exit" in farewell:
            client.notify("exit")
        else:
            client.hang_up()
        assert client.wait() == code


def test_prints_of_libraries_do_not_get_into_the_protocol(project: Path) -> None:
    script = (
        "import sys; from slm_lsp.server import serving; server = serving.create_server();"
        "server.feature('test/print')(lambda _: print('to stdout', flush=True));"
        "sys.exit(serving.serve(server))"
    )
    with Client([SERVER[0], "-P", "-c", script]) as client:
        client.initialize(project)
        assert client.request("test/print") is None
        assert client.close() == 0


def test_everything_said_at_once_is_understood(project: Path) -> None:
    messages = [
        {"id": 1, "method": "initialize", "params": {"capabilities": {}, "processId": None, "rootUri": None}},
        {"method": "initialized", "params": {}},
        {"id": 2, "method": "shutdown"},
        {"method": "exit"},
    ]
    bodies = [json.dumps({"jsonrpc": "2.0", **message}).encode() for message in messages]
    stream = b"".join(b"Content-Length: %d\r\n\r\n%b" % (len(body), body) for body in bodies)
    done = subprocess.run(SERVER, input=stream, capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.count(b'"id": 2') == 1
