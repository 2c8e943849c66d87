"""Other editors: what Helix, Emacs, Sublime Text and Zed say of themselves, and what they get for it.

The sets are what these clients send with `initialize`, without the features that no completion server touches.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lsprotocol import types
from lsprotocol.converters import get_converter
from pygls.client import JsonRPCClient
from pytest_lsp import ClientServerConfig, LanguageClient, make_test_lsp_client

from doubles import PROGRAM, TINY
from editors import end_of, inline_params

pytestmark = pytest.mark.asyncio(loop_scope="module")

PEEPHOLE = [sys.executable, "-P", str(Path(__file__).with_name("peephole.py"))]
RESOLVED = ["documentation", "detail", "additionalTextEdits"]
STATIC = {"dynamicRegistration": False}
DYNAMIC = {"dynamicRegistration": True}

HELIX: dict[str, Any] = {  # helix-lsp/src/client.rs
    "workspace": {
        "configuration": True,
        "didChangeConfiguration": STATIC,
        "workspaceFolders": True,
        "applyEdit": True,
        "executeCommand": STATIC,
        "workspaceEdit": {"documentChanges": True, "failureHandling": "abort"},
        "didChangeWatchedFiles": {"dynamicRegistration": True, "relativePatternSupport": True},
        "diagnostic": {"refreshSupport": True},
    },
    "textDocument": {
        "completion": {
            "completionItem": {
                "snippetSupport": True,
                "resolveSupport": {"properties": RESOLVED},
                "insertReplaceSupport": True,
                "deprecatedSupport": True,
                "tagSupport": {"valueSet": [1]},
            },
            "completionItemKind": {},
        },
        "hover": {"contentFormat": ["markdown"]},
        "publishDiagnostics": {"versionSupport": True, "tagSupport": {"valueSet": [1, 2]}},
    },
    "window": {"workDoneProgress": True, "showDocument": {"support": True}},
    "general": {"positionEncodings": ["utf-8", "utf-32", "utf-16"]},
}

EGLOT: dict[str, Any] = {  # lisp/progmodes/eglot.el, eglot-client-capabilities, without yasnippet and markdown-mode
    "workspace": {
        "applyEdit": True,
        "executeCommand": STATIC,
        "workspaceEdit": {"documentChanges": True, "failureHandling": "abort"},
        "didChangeWatchedFiles": {"dynamicRegistration": True, "relativePatternSupport": True},
        "configuration": True,
        "workspaceFolders": True,
    },
    "textDocument": {
        "synchronization": {**STATIC, "willSave": True, "willSaveWaitUntil": True, "didSave": True},
        "completion": {
            **STATIC,
            "completionItem": {
                "snippetSupport": False,
                "deprecatedSupport": True,
                "resolveSupport": {"properties": ["documentation", "details", "additionalTextEdits"]},
                "tagSupport": {"valueSet": [1]},
                "insertReplaceSupport": True,
            },
            "contextSupport": True,
        },
        "hover": {**STATIC, "contentFormat": ["plaintext"]},
        "publishDiagnostics": {"relatedInformation": False, "versionSupport": True},
    },
    "window": {"showDocument": {"support": True}, "workDoneProgress": True},
    "general": {"positionEncodings": ["utf-32", "utf-8", "utf-16"]},
    "experimental": {},
}

SUBLIME: dict[str, Any] = {  # plugin/core/sessions.py of sublimelsp/LSP: says nothing of encodings
    "general": {
        "regularExpressions": {"engine": "ECMAScript"},
        "markdown": {"parser": "Python-Markdown", "version": "3.2.2"},
    },
    "textDocument": {
        "synchronization": {**DYNAMIC, "didSave": True, "willSave": True, "willSaveWaitUntil": True},
        "completion": {
            **DYNAMIC,
            "completionItem": {
                "snippetSupport": True,
                "deprecatedSupport": True,
                "documentationFormat": ["markdown", "plaintext"],
                "tagSupport": {"valueSet": [1]},
                "resolveSupport": {"properties": RESOLVED},
                "insertTextModeSupport": {"valueSet": [2]},
                "labelDetailsSupport": True,
            },
            "completionItemKind": {"valueSet": list(range(1, 26))},
            "insertTextMode": 2,
        },
        "hover": {**DYNAMIC, "contentFormat": ["markdown", "plaintext"]},
        "publishDiagnostics": {"relatedInformation": True, "versionSupport": True, "dataSupport": True},
    },
    "workspace": {
        "applyEdit": True,
        "didChangeConfiguration": DYNAMIC,
        "executeCommand": {},
        "workspaceEdit": {"documentChanges": True, "failureHandling": "abort"},
        "workspaceFolders": True,
        "configuration": True,
    },
    "window": {"showDocument": {"support": True}, "workDoneProgress": True},
}

ZED: dict[str, Any] = {  # crates/lsp/src/lsp.rs, default_initialize_params
    "general": {"positionEncodings": ["utf-16"]},
    "workspace": {
        "configuration": True,
        "didChangeWatchedFiles": {"dynamicRegistration": True, "relativePatternSupport": True},
        "didChangeConfiguration": DYNAMIC,
        "workspaceFolders": True,
        "applyEdit": True,
        "executeCommand": STATIC,
        "workspaceEdit": {"documentChanges": True},
    },
    "textDocument": {
        "completion": {
            "completionItem": {
                "snippetSupport": True,
                "resolveSupport": {"properties": ["additionalTextEdits", "command", "documentation"]},
                "insertReplaceSupport": True,
                "labelDetailsSupport": True,
                "insertTextModeSupport": {"valueSet": [1, 2]},
            },
            "insertTextMode": 2,
            "completionList": {
                "itemDefaults": ["commitCharacters", "editRange", "insertTextMode", "insertTextFormat", "data"]
            },
            "contextSupport": True,
        },
        "hover": {"contentFormat": ["markdown"]},
        "synchronization": {"didSave": True},
        "publishDiagnostics": {"relatedInformation": True},
    },
    "experimental": {"serverStatusNotification": True, "localDocs": True},
    "window": {"workDoneProgress": True, "showMessage": {}},
}

CLIENTS = {"helix": HELIX, "eglot": EGLOT, "sublime": SUBLIME, "zed": ZED, "bare": {}}
"""And one that can nothing beyond the least."""

Message = tuple[str, Any]


class Desk:
    """A session of one client, and all that the server sent by itself."""

    def __init__(self, client: LanguageClient, capabilities: dict[str, Any], root: Path) -> None:
        self.client = client
        self.capabilities = capabilities
        self.root = root
        self.received: list[Message] = []
        self.result: types.InitializeResult | None = None

    @property
    def encoding(self) -> types.PositionEncodingKind:
        """How this session counts characters."""
        assert self.result
        chosen = self.result.capabilities.position_encoding or "utf-16"
        return types.PositionEncodingKind(str(getattr(chosen, "value", chosen)))

    async def text_of(self, uri: str) -> object:
        """The text that the server holds of a document."""
        return await self.client.protocol.send_request_async("test/text", {"uri": uri})


def recording_client(received: list[Message]) -> JsonRPCClient:
    """pytest-lsp's client, which keeps what the server asks and tells of its own accord."""
    client = make_test_lsp_client()

    def keep(method: str) -> None:
        original = client.protocol.fm.features.get(method)

        def handler(params: Any) -> Any:
            received.append((method, params))
            return original(params) if original else None

        client.protocol.fm.features.pop(method, None)
        client.feature(method)(handler)

    for method in (
        types.CLIENT_REGISTER_CAPABILITY,
        types.CLIENT_UNREGISTER_CAPABILITY,
        types.WINDOW_WORK_DONE_PROGRESS_CREATE,
        types.WINDOW_SHOW_MESSAGE,
        types.WINDOW_SHOW_MESSAGE_REQUEST,
        types.WINDOW_SHOW_DOCUMENT,
        types.PROGRESS,
        types.WORKSPACE_CONFIGURATION,
        types.WORKSPACE_APPLY_EDIT,
        types.WORKSPACE_WORKSPACE_FOLDERS,
    ):
        keep(method)
    return client


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=CLIENTS)
async def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """A session opened as this client opens it."""
    root = tmp_path_factory.mktemp("project")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    env |= {"SLM_LSP_BASE": str(TINY), "SLM_LSP_HOME": str(root / ".home")}
    received: list[Message] = []
    config = ClientServerConfig(PEEPHOLE, client_factory=lambda: recording_client(received), server_env=env)
    client = await config.start()
    assert isinstance(client, LanguageClient)
    capabilities = CLIENTS[request.param]
    desk = Desk(client, capabilities, root)
    desk.received = received
    desk.result = await client.initialize_session(
        types.InitializeParams(
            get_converter().structure(capabilities, types.ClientCapabilities),
            root_uri=root.as_uri(),
            workspace_folders=[types.WorkspaceFolder(root.as_uri(), root.name)],
        )
    )
    yield desk
    await client.shutdown_session()
    await client.stop()
    assert client._server and client._server.returncode == 0


def edit(desk: Desk, uri: str, version: int, text: str, cut: int, new: str) -> str:
    """Insert at an index of the text, in the session's units; returns the new text."""
    at = end_of(text[:cut], desk.encoding)
    change = types.TextDocumentContentChangePartial(types.Range(at, at), new)
    document = types.VersionedTextDocumentIdentifier(version, uri)
    desk.client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))
    return text[:cut] + new + text[cut:]


def open_document(desk: Desk, name: str, text: str) -> str:
    uri = (desk.root / name).as_uri()
    document = types.TextDocumentItem(uri, "python", 1, text)
    desk.client.text_document_did_open(types.DidOpenTextDocumentParams(document))
    return uri


async def test_the_encoding_is_one_that_the_client_knows(desk: Desk) -> None:
    offered = desk.capabilities.get("general", {}).get("positionEncodings", ["utf-16"])
    assert desk.encoding.value in offered


async def test_edits_in_the_clients_units_leave_the_clients_text(desk: Desk) -> None:
    text = "shelf = '日é😋'\nlast = 1\n"
    uri = open_document(desk, "units.py", text)
    for version, cut in enumerate(range(len(text), -1, -1), start=2):
        text = edit(desk, uri, version, text, cut, "😋é")
    assert await desk.text_of(uri) == text


async def test_the_popup_replaces_the_word_before_the_cursor(desk: Desk) -> None:
    before = PROGRAM[: PROGRAM.index("self.collection.add(")] + '"é😋日"; '
    uri = open_document(desk, "popup.py", before)
    text = edit(desk, uri, 2, before, len(before), "self.collection.a")
    at = end_of(text, desk.encoding)
    result = await desk.client.text_document_completion_async(
        types.CompletionParams(types.TextDocumentIdentifier(uri), at)
    )
    assert isinstance(result, types.CompletionList)
    [add] = [item for item in result.items if item.label == "add"]
    assert isinstance(add.text_edit, types.TextEdit)
    assert add.text_edit.range == types.Range(end_of(text[:-1], desk.encoding), at)
    assert add.insert_text_format in (None, types.InsertTextFormat.PlainText)


async def test_ghost_text_is_there_for_clients_that_ask(desk: Desk) -> None:
    """None of these clients asks today; a plugin of theirs may."""
    before = PROGRAM[: PROGRAM.index("self.collection.add(")]
    uri = open_document(desk, "ghost.py", before)
    text = edit(desk, uri, 2, before, len(before), "self.collection.add(")
    result = await desk.client.text_document_inline_completion_async(inline_params(uri, end_of(text, desk.encoding)))
    assert isinstance(result, types.InlineCompletionList)
    assert [item.insert_text for item in result.items] == ["ids=[note_id], documents=[text], embeddings=[vector])"]


@pytest.mark.parametrize("settings", [None, {}, {"pylsp": {"plugins": {}}}], ids=["null", "empty", "of another server"])
async def test_settings_that_say_nothing_change_nothing(desk: Desk, settings: object) -> None:
    """What eglot, Sublime and Zed send right after the handshake."""
    before = len(desk.received)
    desk.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings))
    status = await desk.client.protocol.send_request_async("slmLsp/status", {})
    assert status.settings.suggest == "balanced"
    shown = [params for method, params in desk.received[before:] if method == types.WINDOW_SHOW_MESSAGE]
    assert shown == []


async def test_a_bad_setting_is_named_and_this_is_recorded(desk: Desk) -> None:
    desk.client.workspace_did_change_configuration(types.DidChangeConfigurationParams({"slmLsp": {"suggest": "loud"}}))
    status = await desk.client.protocol.send_request_async("slmLsp/status", {})
    assert status.settings.suggest == "balanced"
    last, params = desk.received[-1]
    assert last == types.WINDOW_SHOW_MESSAGE
    assert "loud" in params.message


async def test_the_server_asks_only_for_what_the_client_can(desk: Desk) -> None:
    """Runs last: by now the server has loaded its model and done all it does by itself."""
    refused = [(method, params) for method, params in desk.received if not may_send(method, params, desk.capabilities)]
    assert refused == []


def may_send(method: str, params: Any, capabilities: dict[str, Any]) -> bool:
    """Whether a client with these capabilities wants to hear this from a server."""
    window, workspace = capabilities.get("window", {}), capabilities.get("workspace", {})
    if method == types.CLIENT_REGISTER_CAPABILITY:
        return all(can_register(registration.method, capabilities) for registration in params.registrations)
    wanted = {
        types.WINDOW_WORK_DONE_PROGRESS_CREATE: window.get("workDoneProgress"),
        types.PROGRESS: window.get("workDoneProgress"),
        types.WINDOW_SHOW_MESSAGE_REQUEST: "showMessage" in window,
        types.WINDOW_SHOW_DOCUMENT: "showDocument" in window,
        types.WORKSPACE_CONFIGURATION: workspace.get("configuration"),
        types.WORKSPACE_APPLY_EDIT: workspace.get("applyEdit"),
        types.WORKSPACE_WORKSPACE_FOLDERS: workspace.get("workspaceFolders"),
    }
    return bool(wanted.get(method, True))


def can_register(method: str, capabilities: dict[str, Any]) -> bool:
    """Whether the client lets a server register this method later."""
    section, _, name = method.partition("/")
    name = {"didChangeWorkspaceFolders": "workspaceFolders"}.get(name, name)
    feature = capabilities.get(section, {}).get(name)
    return isinstance(feature, dict) and bool(feature.get("dynamicRegistration"))


@pytest.mark.parametrize(
    ("client", "method", "wanted"),
    [
        ("helix", "workspace/didChangeWatchedFiles", True),
        ("helix", "workspace/didChangeConfiguration", False),
        ("eglot", "textDocument/completion", False),
        ("sublime", "textDocument/completion", True),
        ("zed", "workspace/executeCommand", False),
        ("bare", "workspace/didChangeWatchedFiles", False),
    ],
)
async def test_the_rule_itself(client: str, method: str, wanted: bool) -> None:
    params = types.RegistrationParams([types.Registration("1", method)])
    assert may_send(types.CLIENT_REGISTER_CAPABILITY, params, CLIENTS[client]) is wanted
    assert bool(may_send(types.PROGRESS, None, CLIENTS[client])) is (client != "bare")
