"""Notebooks over the wire: what earlier cells define is known in later ones."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio
from lsprotocol import types

from editors import Editor, end_of
from slm_lsp.data import base_checkpoint

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENCE = 120.0
FIRST = '''%pip install chromadb
import chromadb


class Shelf:
    """Holds books."""

    def give_back(self, title: str) -> None:
        """Bring a book back."""


shelf = Shelf()
client = chromadb.EphemeralClient()
books = client.get_or_create_collection("books-to-read")
frobnicated = transmogrify(shelf, seventeen=17)
'''


class Notebook:
    """A notebook that an editor has open: a cell of text between cells of code."""

    def __init__(self, editor: Editor, name: str, *texts: str) -> None:
        self.editor = editor
        self.uri = (editor.root / name).as_uri()
        self.version = 1
        self.cells = [f"vscode-notebook-cell:{self.uri.removeprefix('file://')}#W{number}" for number in range(9)]
        documents = [types.TextDocumentItem(self.cells[0], "markdown", 1, '# It\'s """quoted')]
        documents += [
            types.TextDocumentItem(self.cells[number], "python", 1, text) for number, text in enumerate(texts, 1)
        ]
        kinds = [types.NotebookCellKind.Markup, *(types.NotebookCellKind.Code for _ in texts)]
        cells = [types.NotebookCell(kind, uri) for kind, uri in zip(kinds, self.cells, strict=False)]
        notebook = types.NotebookDocument(self.uri, "jupyter-notebook", 1, cells)
        editor.client.notebook_document_did_open(types.DidOpenNotebookDocumentParams(notebook, documents))

    def change(self, number: int, text: str) -> None:
        """Replace the text of a cell."""
        self.version += 1
        cell = types.VersionedTextDocumentIdentifier(self.version, self.cells[number])
        changes: Sequence[types.TextDocumentContentChangeEvent] = [types.TextDocumentContentChangeWholeDocument(text)]
        content = types.NotebookDocumentCellChanges(
            text_content=[types.NotebookDocumentCellContentChanges(cell, changes)]
        )
        identifier = types.VersionedNotebookDocumentIdentifier(self.version, self.uri)
        change = types.NotebookDocumentChangeEvent(cells=content)
        self.editor.client.notebook_document_did_change(types.DidChangeNotebookDocumentParams(identifier, change))

    async def labels(self, text: str, wanted: str) -> list[str]:
        """The popup's labels at the end of this text in the second cell, asked for until one is the wanted one."""
        self.change(2, text)
        return await labels(self.editor, self.cells[2], text, wanted)


async def labels(editor: Editor, uri: str, text: str, wanted: str, patience: float = PATIENCE) -> list[str]:
    """The popup's labels at the end of a text."""
    end = time.monotonic() + patience
    found: list[str] = []
    while wanted not in found and time.monotonic() < end:
        found = [item.label for item in (await editor.popup(uri, end_of(text))).items]
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def editor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Editor]:
    options = {"suggest": "eager"}
    editor = await Editor.start(tmp_path_factory.mktemp("project"), base=base_checkpoint(), options=options)
    yield editor
    assert await editor.close() == 0


async def test_clients_are_asked_for_cells_of_python(editor: Editor) -> None:
    sync = editor.capabilities.notebook_document_sync
    assert sync
    [selector] = sync.notebook_selector
    assert [cell.language for cell in selector.cells or ()] == ["python"]


async def test_the_popup_knows_what_the_first_cell_defines(editor: Editor) -> None:
    notebook = Notebook(editor, "popup.ipynb", FIRST, "")
    assert "give_back" in await notebook.labels("# A shelf.\nshelf.", "give_back")
    assert "frobnicated" in await notebook.labels("frob", "frobnicated")
    assert (await notebook.labels('books = client.get_collection("', "books-to-read"))[0] == "books-to-read"
    notebook.change(1, FIRST.replace("give_back", "bring_home").replace("books-to-read", "books-read"))
    found = await notebook.labels("shelf.", "bring_home")
    assert "bring_home" in found
    assert "give_back" not in found
    assert (await notebook.labels('books = client.get_collection("', "books-read"))[0] == "books-read"


async def test_ghost_text_goes_on_from_the_first_cell(editor: Editor) -> None:
    text = "calibrated = quadrangulate(shelf, twen"
    first = f"{FIRST}calibrated = quadrangulate(shelf, twentytwo=22)\n"
    assert "tytwo" not in str(await editor.inline(editor.open("alone.py", text), end_of(text)))
    notebook = Notebook(editor, "ghost.ipynb", first, text)
    [item] = await editor.inline(notebook.cells[2], end_of(text))
    assert item.insert_text == "tytwo=22)"
    assert item.range == types.Range(end_of(text), end_of(text))


async def test_what_is_taken_goes_into_the_cell_that_is_written(editor: Editor) -> None:
    notebook = Notebook(editor, "edit.ipynb", FIRST, "")
    text = "x = 1\nshelf.give"
    await notebook.labels(text, "give_back")
    [item] = [item for item in (await editor.popup(notebook.cells[2], end_of(text))).items if item.label == "give_back"]
    assert item.text_edit == types.TextEdit(types.Range(types.Position(1, 6), types.Position(1, 10)), "give_back")


async def test_another_file_knows_the_open_notebook(editor: Editor) -> None:
    Notebook(editor, "other.ipynb", FIRST.replace("books-to-read", "of-the-notebook"), "")
    text = 'import chromadb\nclient = chromadb.Client()\nclient.get_collection("of'
    assert "of-the-notebook" in await labels(editor, editor.open("beside.py", text), text, "of-the-notebook")


async def test_a_closed_notebook_is_no_longer_answered(editor: Editor) -> None:
    notebook = Notebook(editor, "closed.ipynb", FIRST, "shelf.")
    cells = [types.TextDocumentIdentifier(uri) for uri in notebook.cells[:3]]
    identifier = types.NotebookDocumentIdentifier(notebook.uri)
    editor.client.notebook_document_did_close(types.DidCloseNotebookDocumentParams(identifier, cells))
    assert (await editor.popup(notebook.cells[2], end_of("shelf."))).items == ()
