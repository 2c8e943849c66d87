"""What ChromaDB expects at the cursor, as items of the popup.

Knows: LSP's completion items, the facts of a document's workspace. Must not know: how offers are found.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from lsprotocol import types
from pygls.workspace import ServerTextPosition, ServerTextRange

from slm_lsp.server.app import SlmLspServer
from slm_lsp.server.chroma import Facts, Offer, offers
from slm_lsp.server.documents import Document
from slm_lsp.server.static.interpreter import find_interpreter

TRIGGERS = ('"', "'", "$")
"""Characters after which ChromaDB's offers open the popup. Inside strings alone: ghost text has to go on from an open
popup's first item, so one that opens after each bracket would keep whole calls from being shown."""
MEMBERS = ("method", "attribute", "class")
"""Kinds of offers that are names after a dot: these are put in order by the model, with the others that exist."""
ALONE = ("value", "operator", "key", "collection")
"""Kinds of offers inside strings and dicts, where no name could stand."""

_K = types.CompletionItemKind
_KINDS = {
    "method": _K.Method, "attribute": _K.Property, "class": _K.Class, "keyword": _K.Field, "value": _K.EnumMember,
    "operator": _K.Operator, "key": _K.Property, "collection": _K.Constant, "variable": _K.Variable,
}  # fmt: skip


async def offers_at(ls: SlmLspServer, document: Document, at: ServerTextPosition) -> list[Offer]:
    """What ChromaDB takes at a cursor, best first; nothing while its source has yet to be read."""
    before, after = document.before_and_after(at)
    root = ls.root_of(document)
    python = find_interpreter(root, ls.settings.python_path) or Path(sys.executable)
    # The document itself too: what it uses is offered before it is saved.
    opened = {ls.memory_name(one, root): one.text_and_version() for one in ls.documents.python_documents()}

    def find(_: object) -> list[Offer]:
        facts: Facts | None = ls.knowledge.of(root, python, opened)
        return offers(before, after, facts) if facts else []

    return await ls.compute("popup", document, find)


def items_of_offers(document: Document, at: ServerTextPosition, offered: Sequence[Offer]) -> list[types.CompletionItem]:
    """The items of offers, in their order and before all others."""
    return [_item(document, at, offer, rank) for rank, offer in enumerate(offered)]


def without_repeats(
    items: Sequence[types.CompletionItem], offered: Collection[types.CompletionItem]
) -> list[types.CompletionItem]:
    """The items that are none of those offered already: jedi knows keyword arguments too."""
    known = {item.label.removesuffix("=") for item in offered}
    return [*offered, *(item for item in items if item.label.removesuffix("=") not in known)]


def explain(items: Sequence[types.CompletionItem], members: Sequence[Offer]) -> None:
    """Give the members of ChromaDB among the items their signature and documentation."""
    by_name = {offer.insert.rstrip("("): offer for offer in members}
    for item in items:
        if offer := by_name.get(item.label):
            item.detail, item.documentation = offer.detail or None, offer.documentation or None
            item.kind = _KINDS[offer.kind]


def _item(document: Document, at: ServerTextPosition, offer: Offer, rank: int) -> types.CompletionItem:
    start = ServerTextPosition(at.line, at.character - offer.replaces)
    range_ = document.range_to_client_units(ServerTextRange(start, at))
    return types.CompletionItem(
        label=offer.label, kind=_KINDS[offer.kind], detail=offer.detail or None,
        documentation=offer.documentation or None, sort_text=f"!{rank:03}", filter_text=offer.insert,
        text_edit=types.TextEdit(range_, offer.insert),
    )  # fmt: skip
