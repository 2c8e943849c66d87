"""What static analysis is told between popups, so that the next one need not wait for it.

Knows: what an editor says of its documents, what may be typed next. Must not know: what a popup holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import islice

from lsprotocol import types

from slm_lsp.server.app import SlmLspServer
from slm_lsp.server.chroma import is_code
from slm_lsp.server.documents import Document
from slm_lsp.server.static.analysis import Names

SOON = 0.02
"""Seconds after a change after which names are listed for the word that may follow: ghost text goes first."""

_BEFORE_WORDS = frozenset(" \t\n([{,=:;+-*/%<>!~@|&^")
"""Characters behind which a name may be typed."""
_PAIRS = ("()", "[]", "{}")
"""What editors insert for a bracket; the cursor then stands within."""
_WITHOUT_DOT = ("function", "keyword", "path")
"""jedi's words for what is called, or stands by itself, before a dot comes."""


def did_change(ls: SlmLspServer, params: types.DidChangeTextDocumentParams) -> None:
    """Have the names listed that may be typed now, where the next character may begin one."""
    document = ls.documents.opened(params.text_document.uri)
    at = _cursor(params.content_changes)
    if at and document and document.is_python and ls.settings.popup != "off":
        version = document.version
        asyncio.get_running_loop().call_later(SOON, lambda: _foresee(ls, document, version, at))


def _foresee(ls: SlmLspServer, document: Document, version: int | None, at: types.Position) -> None:
    if document.version == version and ls.documents.opened(document.uri) is document:
        before, after = document.before_and_after(document.position_from_client_units(at))
        if is_code(before):
            ls.static.foresee(ls.source_of(document, before + after), len(before))


def _cursor(changes: Sequence[types.TextDocumentContentChangeEvent]) -> types.Position | None:
    """Where the cursor stands after text was typed behind which a name may begin; None after any other change."""
    change = changes[0] if len(changes) == 1 else None
    if not isinstance(change, types.TextDocumentContentChangePartial):
        return None
    typed = change.text[:1] if change.text in _PAIRS else change.text
    if typed[-1:] not in _BEFORE_WORDS:
        return None
    *above, last = typed.replace("\r\n", "\n").split("\n")
    start = change.range.start
    # As many code units as characters: what a name may follow is typed in ASCII, and pasted text is nobody's haste.
    return types.Position(start.line + len(above), len(last) + (0 if above else start.character))


def may_take_dot(names: Names, typed: str) -> bool:
    """Whether what is typed is a name that exists by itself, and a dot may well be next."""
    return any(one.name == typed and not one.keyword and one.kind not in _WITHOUT_DOT for one in names.listed)


def did_open(ls: SlmLspServer, params: types.DidOpenTextDocumentParams) -> None:
    """Have static analysis read what the document imports, before the first popup."""
    _warm(ls, params.text_document.uri)


def did_save(ls: SlmLspServer, _: types.DidSaveTextDocumentParams) -> None:
    """Have names listed anew: other documents may see what was saved."""
    ls.static.forget()


def did_open_notebook(ls: SlmLspServer, params: types.DidOpenNotebookDocumentParams) -> None:
    """The same for a notebook, of which one cell of Python stands for all."""
    python = (cell.uri for cell in params.cell_text_documents if cell.language_id == "python")
    for uri in islice(python, 1):
        _warm(ls, uri)


def _warm(ls: SlmLspServer, uri: str) -> None:
    document = ls.documents.opened(uri)
    if document and document.is_python and ls.settings.popup != "off":
        ls.static.warm(ls.source_of(document, document.program))
