"""The code cells of a notebook as one program."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from lsprotocol import types
from pygls.workspace import ServerTextPosition, Workspace

from slm_lsp.model.completion.syntax import Place, place_at
from slm_lsp.server.documents import Document, Documents
from slm_lsp.server.notebooks import around, program

NOTEBOOK = "file:///w/a%20b.ipynb"


@dataclass
class Text:
    source: str


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("x = 1\n", "x = 1"),
        ("%pip install chromadb\nx = 1", "# %pip install chromadb\nx = 1"),
        ("!ls\nx = (1\n  % 2)\nf(%s)", "# !ls\nx = (1\n  % 2)\nf(%s)"),
        ("%%time\nx = 1", "# %%time\nx = 1"),
        ("files = !ls\nfiles", "files = []  # !ls\nfiles"),
        ("x = %who_ls\na, b = 1, 2", "x = None  # %who_ls\na, b = 1, 2"),
        ("foo?\nfoo.bar??\n?foo\nfoo", "# foo?\n# foo.bar??\n# ?foo\nfoo"),
        ("if new:\n    !ls\n    %time f()", "if new:\n    pass  # !ls\n    pass  # %time f()"),
        ("!pip install \\\n    chromadb\nx = 1", "# !pip install \\\n#     chromadb\nx = 1"),
        ("x = (a\n  != b\n!= c\n  %y)", "x = (a\n  != b\n!= c\n  %y)"),
        ("%%bash\nls", ""),
        ("\n%%html\n<b>", ""),
        ("\n\n", ""),
    ],
)
def test_what_is_python_of_a_cell(text: str, python: str) -> None:
    assert program([Text(text)]) == python
    here = Text("here")
    assert around([Text(text), here], here) == (python and f"{python}\n\n", "")
    assert around([here, Text(text)], here) == ("", python and f"\n\n{python}\n")


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ('x = 1\nnote = """half', 'x = 1\nnote = """half\n"""'),
        ("x = 1\nnote = '''half \"\"\"", "x = 1\nnote = '''half \"\"\"\n'''"),
        ('note = f"""half {x', 'note = f"""half {x\n"""'),
        ('note = """whole"""', 'note = """whole"""'),
        ('note = "half', 'note = "half'),
        ('# """', '# """'),
    ],
)
def test_a_string_ends_with_its_cell(text: str, closed: str) -> None:
    here = Text("here")
    earlier, _ = around([Text(text), here], here)
    assert earlier == f"{closed}\n\n"
    assert place_at(f"{earlier}x #") is Place.COMMENT


def test_no_program_is_around_what_is_none_of_it() -> None:
    cells = [Text("x = 1"), Text("%%bash\nls"), Text("y = 1")]
    assert around(cells, cells[1]) == ("", "")
    assert around(cells, Text("x = 1")) == ("", "")


def cell(number: int, kind: types.NotebookCellKind = types.NotebookCellKind.Code) -> types.NotebookCell:
    return types.NotebookCell(kind, f"{NOTEBOOK}#c{number}")


def item(number: int, text: str, language: str = "python") -> types.TextDocumentItem:
    return types.TextDocumentItem(f"{NOTEBOOK}#c{number}", language, 1, text)


@pytest.fixture
def documents() -> Documents:
    """A workspace with a notebook: a heading, three cells of which the second is being written, and SQL."""
    documents = Documents(Workspace("file:///w", position_encoding=types.PositionEncodingKind.Utf16))
    cells = [cell(0, types.NotebookCellKind.Markup), cell(1), cell(2), cell(3), cell(4)]
    texts = [
        item(0, "# Films", "markdown"),
        item(1, "x = 1\n"),
        item(2, "y = x + "),
        item(3, "z = 3"),
        item(4, "SELECT", "sql"),
    ]
    notebook = types.NotebookDocument(NOTEBOOK, "jupyter-notebook", 1, cells)
    documents.put_notebook_document(types.DidOpenNotebookDocumentParams(notebook, texts))
    return documents


def second(documents: Documents) -> Document:
    document = documents.opened(f"{NOTEBOOK}#c2")
    assert document
    return document


def around_second(documents: Documents) -> tuple[str, str]:
    document = second(documents)
    return document.before_and_after(ServerTextPosition(0, len(document.lines[0])))


def test_other_cells_of_code_stand_before_and_after(documents: Documents) -> None:
    assert around_second(documents) == ("x = 1\n\ny = x + ", "\n\nz = 3\n")
    document = second(documents)
    assert document.source == "y = x + "
    assert document.program == "x = 1\n\ny = x + \n\nz = 3"
    assert str(document.local_path).endswith("a b.ipynb")


def changed(documents: Documents, change: types.NotebookDocumentCellChanges) -> None:
    identifier = types.VersionedNotebookDocumentIdentifier(2, NOTEBOOK)
    params = types.DidChangeNotebookDocumentParams(identifier, types.NotebookDocumentChangeEvent(cells=change))
    documents.update_notebook_document(params)


def test_cells_change_come_go_and_move(documents: Documents) -> None:
    before, _ = second(documents).text_and_version()
    text = types.NotebookDocumentCellContentChanges(
        types.VersionedTextDocumentIdentifier(2, f"{NOTEBOOK}#c1"),
        [types.TextDocumentContentChangePartial(types.Range(types.Position(0, 4), types.Position(0, 5)), "7")],
    )
    changed(documents, types.NotebookDocumentCellChanges(text_content=[text]))
    assert around_second(documents)[0] == "x = 7\n\ny = x + "
    after, give = second(documents).text_and_version()
    assert before != after
    assert give().startswith("x = 7")
    new = types.NotebookCellArrayChange(2, 0, [cell(5)])
    changed(documents, structure(new, did_open=[item(5, "import os")]))
    assert around_second(documents)[0] == "x = 7\n\nimport os\n\ny = x + "
    changed(documents, structure(types.NotebookCellArrayChange(1, 1), did_close=[f"{NOTEBOOK}#c1"]))
    assert around_second(documents)[0] == "import os\n\ny = x + "
    changed(documents, structure(types.NotebookCellArrayChange(1, 2, [cell(2), cell(5)])))
    assert around_second(documents) == ("y = x + ", "\n\nimport os\n\nz = 3\n")


def structure(
    array: types.NotebookCellArrayChange,
    did_open: list[types.TextDocumentItem] | None = None,
    did_close: list[str] | None = None,
) -> types.NotebookDocumentCellChanges:
    closed = [types.TextDocumentIdentifier(uri) for uri in did_close or []]
    return types.NotebookDocumentCellChanges(types.NotebookDocumentCellChangeStructure(array, did_open, closed))


def test_a_notebook_is_one_of_the_documents(documents: Documents) -> None:
    documents.put_text_document(types.TextDocumentItem("file:///w/c.py", "python", 1, "c = 1"))
    assert [document.home for document in documents.python_documents()] == [NOTEBOOK, "file:///w/c.py"]


def test_a_closed_notebook_is_forgotten(documents: Documents) -> None:
    cells = [types.TextDocumentIdentifier(f"{NOTEBOOK}#c{number}") for number in range(5)]
    notebook = types.NotebookDocumentIdentifier(NOTEBOOK)
    document = second(documents)
    documents.remove_notebook_document(types.DidCloseNotebookDocumentParams(notebook, cells))
    assert documents.python_documents() == []
    assert document.before_and_after(ServerTextPosition(0, 3)) == ("y =", " x + ")
