"""ChromaDB by heart, through the protocol: what the popup offers in calls, strings and dicts."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from lsprotocol import types

from editors import Editor

pytestmark = pytest.mark.asyncio(loop_scope="module")

SOURCE = """import chromadb

client = chromadb.EphemeralClient()
films = client.create_collection("films")
films.add(ids=["1"], documents=["a film"], metadatas=[{"year": 1999}])
"""
PATIENCE = 120.0
"""Seconds for the first look at chromadb's source."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def editor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Editor]:
    editor = await Editor.start(tmp_path_factory.mktemp("project"))
    yield editor
    assert await editor.close() == 0


async def labels(editor: Editor, line: str, wanted: str) -> list[str]:
    """The popup's labels at the end of one more line, asked for until the first is the wanted one."""
    text = SOURCE + line
    uri = editor.open(f"films{len(line)}.py", text)
    end = time.monotonic() + PATIENCE
    found: list[str] = []
    while found[:1] != [wanted] and time.monotonic() < end:
        popup = await editor.popup(uri, types.Position(text.count("\n"), len(line)))
        found = [item.label for item in sorted(popup.items, key=lambda item: item.sort_text or "")]
    return found


@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("films.query(", "query_texts="),
        ('films.query(query_texts=["space"], n_', "n_results="),
        ('films.get(include=["doc', "documents"),
        ('films.get(where={"y', "year"),
        ('films.get(where={"year": {"$gte', "$gte"),
        ('client.get_collection("', "films"),
    ],
)
async def test_what_chromadb_takes_comes_first(editor: Editor, line: str, first: str) -> None:
    assert (await labels(editor, line, first))[0] == first


async def test_members_are_ordered_by_the_model_and_explained(editor: Editor) -> None:
    text = SOURCE + "films.que"
    uri = editor.open("more_films.py", text)
    popup = await editor.popup(uri, types.Position(text.count("\n"), len("films.que")))
    [query] = [item for item in popup.items if item.label == "query"]
    assert query.detail


async def test_what_is_being_typed_is_not_offered_to_who_types_it(editor: Editor) -> None:
    line = 'client.get_collection("fil")'
    await labels(editor, 'client.get_collection("', "films")  # once chromadb's source has been read
    text = SOURCE + line
    uri = editor.open("half.py", text + '\nclient.get_collection("film-reviews")\n')
    popup = await editor.popup(uri, types.Position(text.count("\n"), len(line) - 2))
    assert [item.label for item in popup.items] == ["films", "film-reviews"]
