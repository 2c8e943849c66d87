"""`slmLsp/dismissed`: the editor tells that a person sent a suggestion away.

Knows: the notification's form. Must not know: what is done about it.
"""

from __future__ import annotations

from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from slm_lsp.server.app import SlmLspServer
from slm_lsp.server.dismissals import spot_at

METHOD = "slmLsp/dismissed"


def dismissed(ls: SlmLspServer, params: Any) -> None:
    """Remember what was dismissed, and where; for documents that are not open there is nothing to remember.

    Raises JsonRpcInvalidParams, which ends in the editor's log, for params of another form.
    """
    try:
        uri, text = params.textDocument.uri, params.text
        position = types.Position(params.position.line, params.position.character)
    except (AttributeError, TypeError, ValueError):
        uri = text = None
    if not isinstance(uri, str) or not isinstance(text, str):
        raise JsonRpcInvalidParams(f"{METHOD} wants textDocument, position and text")
    if document := ls.documents.opened(uri):
        ls.dismissals.add(document, spot_at(document, document.position_from_client_units(position)), text)
