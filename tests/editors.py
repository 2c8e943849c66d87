"""An editor for tests: pytest-lsp's client, and the few things a person does in an editor."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient

from doubles import TINY

SERVER = [sys.executable, "-P", "-m", "slm_lsp.server"]
UTF16 = types.PositionEncodingKind.Utf16


class Editor:
    """An editor with one workspace, and a server of its own."""

    def __init__(self, client: LanguageClient, root: Path) -> None:
        self.client = client
        self.root = root
        self.capabilities = types.ServerCapabilities()
        self._version = 1

    @classmethod
    async def start(
        cls,
        root: Path,
        *,
        base: Path = TINY,
        options: Any = None,
        encoding: types.PositionEncodingKind = UTF16,
        command: Sequence[str] = SERVER,
    ) -> Editor:
        """Start a server and open the session; the library lies in `root`, which is also the workspace."""
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        env |= {"SLM_LSP_BASE": str(base), "SLM_LSP_HOME": str(root / ".home")}
        client = await ClientServerConfig(server_command=list(command), server_env=env).start()
        assert isinstance(client, LanguageClient)
        editor = cls(client, root)
        capabilities = types.ClientCapabilities(
            text_document=types.TextDocumentClientCapabilities(
                inline_completion=types.InlineCompletionClientCapabilities()
            ),
            notebook_document=types.NotebookDocumentClientCapabilities(types.NotebookDocumentSyncClientCapabilities()),
            general=types.GeneralClientCapabilities(position_encodings=[encoding]),
        )
        folders = [types.WorkspaceFolder(root.as_uri(), root.name)]
        result = await client.initialize_session(
            types.InitializeParams(
                capabilities, root_uri=root.as_uri(), workspace_folders=folders, initialization_options=options
            )
        )
        editor.capabilities = result.capabilities
        return editor

    async def close(self) -> int | None:
        """End the session in good order; returns the server's exit code."""
        await self.client.shutdown_session()
        await self.client.stop()
        return self.client._server.returncode if self.client._server else None

    def open(self, name: str, text: str, language: str = "python") -> str:
        """Open a document; returns its URI."""
        uri = (self.root / name).as_uri()
        document = types.TextDocumentItem(uri, language, self._version, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(document))
        return uri

    def change(self, uri: str, text: str, where: types.Range | None = None) -> None:
        """Replace a range, or the whole text."""
        self._version += 1
        change = (
            types.TextDocumentContentChangePartial(where, text)
            if where
            else types.TextDocumentContentChangeWholeDocument(text)
        )
        document = types.VersionedTextDocumentIdentifier(self._version, uri)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))

    async def inline(
        self, uri: str, at: types.Position, selected: types.SelectedCompletionInfo | None = None
    ) -> list[types.InlineCompletionItem]:
        """Ask for ghost text."""
        result = await self.client.text_document_inline_completion_async(inline_params(uri, at, selected))
        assert isinstance(result, types.InlineCompletionList)
        return list(result.items)

    async def popup(self, uri: str, at: types.Position) -> types.CompletionList:
        """Ask for the popup."""
        document = types.TextDocumentIdentifier(uri)
        result = await self.client.text_document_completion_async(types.CompletionParams(document, at))
        assert isinstance(result, types.CompletionList)
        return result

    def configure(self, settings: object) -> None:
        """Send new settings."""
        self.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings))


def inline_params(
    uri: str, at: types.Position, selected: types.SelectedCompletionInfo | None = None
) -> types.InlineCompletionParams:
    """The parameters of a `textDocument/inlineCompletion`."""
    context = types.InlineCompletionContext(types.InlineCompletionTriggerKind.Automatic, selected)
    return types.InlineCompletionParams(context, types.TextDocumentIdentifier(uri), at)


def end_of(text: str, encoding: types.PositionEncodingKind = UTF16) -> types.Position:
    """The position after a text, found the slow way."""
    codec, width = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}[encoding.value]
    unix = text.replace("\r\n", "\n").replace("\r", "\n")
    line = unix.rpartition("\n")[2]
    return types.Position(unix.count("\n"), len(line.encode(codec)) // width)
