"""Open documents: their text, exact to the character, under incremental edits; a notebook's cells are documents too.

Knows: LSP positions, line endings, position encodings, notebooks. Must not know: models, settings, features.

pygls splits lines with `str.splitlines`, which also splits at form feeds, vertical tabs, U+2028 and others.
LSP lines end at \\n, \\r\\n and \\r only: the first edit would corrupt such a document, and each edit would
split the whole text again. Here a document is a list of LSP lines, and an edit replaces the lines it touches.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path
from urllib.parse import unquote

from lsprotocol import types
from pygls.uris import to_fs_path
from pygls.workspace import PositionCodec, ServerTextPosition, TextDocument, Workspace

from slm_lsp.server.notebooks import around, program

_PYTHON_SUFFIXES = (".py", ".pyi")
_MOST_KEPT = 1_000
"""Characters of an edit's new text up to which it may be a deletion that names more than it takes away."""
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def split_lines(text: str) -> list[str]:
    """The LSP lines of a text, each with its line ending; the last one has none and may be empty."""
    lines = StringIO(text, newline="").readlines()
    if not lines or lines[-1][-1] in "\r\n":
        lines.append("")
    return lines


def _well_formed(text: str) -> str:
    """The text with U+FFFD for halves of surrogate pairs: as long in UTF-16, and every tokenizer takes it."""
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def _only_removes(removed: str, inserted: str) -> bool:
    """Whether an edit only takes away; some editors name more than that, and insert again what stays of it."""
    if len(inserted) >= len(removed) or len(inserted) > _MOST_KEPT:
        return False
    pairs = enumerate(zip(removed, inserted, strict=False))
    kept = next((index for index, (old, new) in pairs if old != new), len(inserted))
    return removed.endswith(inserted[kept:])


class ExactCodec(PositionCodec):
    """Columns of a line in the encoding the client chose, clamped to the line's text."""

    def __init__(self, encoding: types.PositionEncodingKind | str | None) -> None:
        super().__init__(encoding)
        self._codec, self._width = {"utf-8": ("utf-8", 1), "utf-32": ("utf-32-le", 4)}.get(
            str(getattr(encoding, "value", encoding)), ("utf-16-le", 2)
        )

    def client_num_units(self, string: str) -> int:
        """Length of a string in the client's code units."""
        return len(string) if string.isascii() else len(string.encode(self._codec)) // self._width

    def position_from_client_units(self, lines: Sequence[str], position: types.Position) -> ServerTextPosition:
        """Line and character of a client's position; past the end of line or document means the end."""
        if position.line >= len(lines):
            return ServerTextPosition(len(lines) - 1, len(lines[-1]))
        text = lines[position.line].rstrip("\r\n")
        column = min(position.character, self.client_num_units(text))
        if not text.isascii():
            # A column inside a character is cut off with it: the position before that character.
            units = text.encode(self._codec)[: column * self._width]
            column = len(units.decode(self._codec, "ignore"))
        return ServerTextPosition(position.line, column)

    def position_to_client_units(
        self, lines: Sequence[str], position: ServerTextPosition | types.Position
    ) -> types.Position:
        """The client's position of a line and character."""
        text = lines[position.line][: position.character]
        return types.Position(position.line, self.client_num_units(text))


class Document(TextDocument):
    """A document the client has open."""

    def __init__(
        self,
        uri: str,
        source: str,
        version: int | None,
        language_id: str | None,
        position_codec: ExactCodec,
    ) -> None:
        super().__init__(uri, version=version, language_id=language_id, position_codec=position_codec)
        self._lines = split_lines(_well_formed(source))
        self.deleted_on: int | None = None
        """The line of the latest change, where that removed text and inserted none."""
        self.home = uri
        """The URI of the notebook that this is a cell of; the document's own for all others."""
        self.cells: Callable[[], list[Document]] = lambda: [self]
        """The code cells of that notebook, this one among them; the document alone for all others."""

    @property
    def lines(self) -> Sequence[str]:
        """The LSP lines, with their endings; always at least one."""
        return self._lines

    @property
    def source(self) -> str:
        """The whole text; of a cell, its own."""
        return "".join(self._lines)

    @property
    def program(self) -> str:
        """The whole text; of a cell, that of all code cells of its notebook."""
        return self.source if self.home == self.uri else program(self.cells())

    def text_and_version(self) -> tuple[object, Callable[[], str]]:
        """What changes with every edit, also when a document is closed and opened again; and what gives the program."""
        return tuple((id(one), one.version) for one in self.cells()), lambda: self.program

    @property
    def is_python(self) -> bool:
        """Whether the client calls it Python, or calls it nothing and it is named like Python."""
        return (self.language_id or "") == "python" or (not self.language_id and self.path.endswith(_PYTHON_SUFFIXES))

    @property
    def local_path(self) -> Path | None:
        """Where the document, or the notebook it is a cell of, lies on disk; None for an untitled or remote one."""
        path = to_fs_path(self.home)
        return Path(path) if path else None

    def apply_change(self, change: types.TextDocumentContentChangeEvent) -> None:
        """Apply one change of a `textDocument/didChange`, at a cost that grows with the change alone."""
        if isinstance(change, types.TextDocumentContentChangePartial):
            self._replace(change.range, _well_formed(change.text))
        else:
            self._lines = split_lines(_well_formed(change.text))
            self.deleted_on = None  # what a person did cannot be told from a whole new text

    def _replace(self, range_: types.Range, text: str) -> None:
        ends = self.range_from_client_units(range_)
        start, end = sorted((ends.start, ends.end))
        first = start.line
        removed = "".join(self._lines[first : end.line + 1])
        removed = removed[start.character : len(removed) - len(self._lines[end.line]) + end.character]
        self.deleted_on = first if _only_removes(removed, text) else None
        text = self._lines[first][: start.character] + text + self._lines[end.line][end.character :]
        if first and text.startswith("\n") and self._lines[first - 1].endswith("\r"):
            # The line above ended in a lone \r, which has just become half of a \r\n.
            first -= 1
            text = self._lines[first] + text
        changed = split_lines(text)
        if end.line + 1 < len(self._lines):
            changed.pop()
        self._lines[first : end.line + 1] = changed

    def before_and_after(self, at: ServerTextPosition) -> tuple[str, str]:
        """The text before and after a position; that of a notebook's other code cells too."""
        line = self._lines[at.line]
        before = "".join((*self._lines[: at.line], line[: at.character]))
        after = "".join((line[at.character :], *self._lines[at.line + 1 :]))
        earlier, later = ("", "") if self.home == self.uri else around(self.cells(), self)
        return earlier + before, after + later


class Documents(Workspace):
    """The workspace of pygls, holding documents of our own."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(
            workspace.root_uri,
            workspace_folders=list(workspace.folders.values()),
            position_encoding=workspace.position_encoding,
        )
        self._exact_codec = ExactCodec(workspace.position_encoding)

    def _create_text_document(
        self,
        doc_uri: str,
        source: str | None = None,
        version: int | None = None,
        language_id: str | None = None,
    ) -> Document:
        return Document(doc_uri, source or "", version, language_id, self._exact_codec)

    @property
    def roots(self) -> list[Path]:
        """The folders of the workspace on this machine, in the client's order."""
        uris = list(self.folders) or ([self.root_uri] if self.root_uri else [])
        return [Path(path) for uri in uris if (path := to_fs_path(uri))]

    def opened(self, uri: str) -> Document | None:
        """The document with this URI, if the client has opened it."""
        document = self.text_documents.get(unquote(uri))
        return document if isinstance(document, Document) else None

    def python_documents(self) -> list[Document]:
        """The Python documents the client has open; of each notebook one cell."""
        opened = (document for document in self.text_documents.values() if isinstance(document, Document))
        return list({document.home: document for document in opened if document.is_python}.values())

    def put_text_document(self, text_document: types.TextDocumentItem, notebook_uri: str | None = None) -> None:
        """A document was opened, or a cell of a notebook."""
        super().put_text_document(text_document, notebook_uri)
        document = self.opened(text_document.uri)
        if document and notebook_uri:
            document.home = notebook_uri
            document.cells = lambda: self._cells(notebook_uri)

    def _cells(self, notebook_uri: str) -> list[Document]:
        """The Python cells of a notebook, in their order."""
        notebook = self.get_notebook_document(notebook_uri=notebook_uri)
        code = [cell for cell in notebook.cells if cell.kind == types.NotebookCellKind.Code] if notebook else []
        documents = (self.opened(cell.document) for cell in code)
        return [document for document in documents if document and document.is_python]
