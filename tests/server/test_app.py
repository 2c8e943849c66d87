"""What features share: where a document belongs, and what the model is told it is called."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from lsprotocol import types
from pygls.workspace import Workspace

from doubles import PROGRAM, TINY
from editors import end_of, inline_params
from slm_lsp.model.completion import Completer
from slm_lsp.model.library import ModelLibrary
from slm_lsp.server.app import SlmLspServer
from slm_lsp.server.choice import ModelChoice, load_completer
from slm_lsp.server.documents import Document, Documents
from slm_lsp.server.features.inline_completion import inline_completion
from slm_lsp.server.features.status import status


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SlmLspServer]:
    server = SlmLspServer(ModelLibrary(tmp_path))
    yield server
    server.worker.stop()
    server.reader.stop()
    server.reader.wait()


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


HEAD = PROGRAM[: PROGRAM.index("self.collection.add(") + len("self.collection.add(")]


class SlowLoad:
    """Loads a model when it is told to."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def __call__(self, folder: Path, threads: int) -> Completer:
        assert self.go_on.wait(20)
        return load_completer(folder, threads)


async def until_loaded(server: SlmLspServer, slow: SlowLoad) -> list[types.InlineCompletionItem]:
    """Ask twice while the model is loading, let it be loaded, and return the second answer."""
    params = [inline_params("file:///w/a.py", end_of(HEAD)) for _ in range(2)]
    first, second = (asyncio.create_task(inline_completion(server, asked)) for asked in params)
    await asyncio.sleep(0.05)
    report = status(server, None)
    assert (report["state"], report["why"]["outcome"]) == ("loading", "loading")
    slow.go_on.set()
    assert (await first).items == []
    return list((await second).items)


async def test_a_request_that_finds_the_model_loading_is_told_so_at_once(
    server: SlmLspServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLM_LSP_BASE", str(TINY))
    slow = SlowLoad()
    server.choice = ModelChoice(ModelLibrary(tmp_path), load=slow)
    documents = Documents(Workspace("file:///w"))
    documents.put_text_document(types.TextDocumentItem("file:///w/a.py", "python", 1, HEAD))
    server.protocol._workspace = documents
    assert status(server, None)["why"] is None
    [item] = await until_loaded(server, slow)
    assert str(item.insert_text).startswith("ids=")
    report = status(server, None)
    assert (report["state"], report["why"]["outcome"]) == ("ready", "shown")
    assert report["inline"]["outcomes"] == {"loading": 1, "shown": 1}
