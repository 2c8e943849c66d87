"""`completionItem/resolve`: what the selected name of the popup is.

Knows: the fields of an item that are filled late. Must not know: who describes names.
"""

from __future__ import annotations

from lsprotocol import types

from slm_lsp.server.app import SlmLspServer
from slm_lsp.server.static.analysis import within

SECONDS = 0.3
"""How long a description may take: the editor asks again when the name is selected again."""


async def resolve(ls: SlmLspServer, item: types.CompletionItem) -> types.CompletionItem:
    """The item with its signature and documentation, as far as they can be had."""
    match item.data:
        case {"list": int(number), "name": str(name)}:
            pass
        case _:
            return item
    described = await within(SECONDS, ls.static.describe(number, name))
    signature, documentation = described or ("", "")
    if signature and not item.detail:
        item.detail = signature
    if documentation:
        item.documentation = documentation  # a plain string: every client takes that
    return item
