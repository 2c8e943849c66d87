"""What features share: where a document belongs, and what the model is told it is called."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lsprotocol import types
from pygls.workspace import Workspace

from slm_lsp.model.library import ModelLibrary
from slm_lsp.server.app import SlmLspServer
from slm_lsp.server.documents import Document, Documents


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SlmLspServer]:
    server = SlmLspServer(ModelLibrary(tmp_path))
    yield server
    server.worker.stop()


def opened(server: SlmLspServer, uri: str, roots: list[str]) -> Document:
    folders = [types.WorkspaceFolder(root, root) for root in roots]
    documents = Documents(Workspace(None, workspace_folders=folders))
    documents.put_text_document(types.TextDocumentItem(uri, "python", 1, ""))
    server.protocol._workspace = documents
    document = documents.opened(uri)
    assert document
    return document


@pytest.mark.parametrize(
    ("uri", "roots", "name", "place"),
    [
        ("file:///w/app/a.py", ["file:///w"], "app/a.py", "/w/app/a.py"),
        ("file:///v/a.py", ["file:///w", "file:///v"], "a.py", "/v/a.py"),
        ("file:///elsewhere/a.py", ["file:///w"], "a.py", "/elsewhere/a.py"),
        ("file:///elsewhere/a.py", [], "a.py", "/elsewhere/a.py"),
        ("untitled:Untitled-1", ["file:///w"], "Untitled-1", "/w"),
        ("untitled:Untitled-1", [], "Untitled-1", None),
    ],
)
def test_name_and_place_of_a_document(
    server: SlmLspServer, uri: str, roots: list[str], name: str, place: str | None
) -> None:
    document = opened(server, uri, roots)
    assert server.name_of(document) == name
    assert server.place_of(document) == (Path(place) if place else None)


def test_the_root_is_a_folder_where_there_are_none(server: SlmLspServer) -> None:
    server.protocol._workspace = Documents(Workspace("file:///w"))
    assert server.place_of(None) == Path("/w")
