"""What ChromaDB expects at the cursor, as items of the popup.

Knows: LSP's completion items, the facts of a document's workspace. Must not know: how offers are found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from lsprotocol import types

from slm_lsp.server.app import Tools
from slm_lsp.server.chroma import Offer, offers, typed

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


def offers_at(tools: Tools, name: str, before: str, after: str) -> list[Offer]:
    """What ChromaDB takes between two parts of a document, best first; nothing while its source has yet to be read.

    `name` is what the document is called in its workspace.
    """
    # The document too: what it uses is offered before it is saved, but not what is being typed.
    written = before[: len(before) - len(typed(before))] + after
    facts = tools.chroma.facts(tools.others, name, written) if tools.chroma else None
    return offers(before, after, facts) if facts else []


def items_of_offers(offered: Sequence[Offer], range_of: Callable[[int], types.Range]) -> list[types.CompletionItem]:
    """The items of offers, in their order and before all others; `range_of` so many characters before the cursor."""
    return [_item(offer, range_of(offer.replaces), rank) for rank, offer in enumerate(offered)]


def without_repeats(
    items: Sequence[types.CompletionItem], offered: Collection[types.CompletionItem], text: str = ""
) -> list[types.CompletionItem]:
    """The items that are none of those offered already: jedi knows keyword arguments too, the model guesses them.

    A variable that is called like a keyword argument stays: where static analysis lists it, which gives it data, or it
    stands in the document's `text`.
    """
    known = {item.label for item in offered}
    guessed = {label.removesuffix("=") for label in known if label.endswith("=")}
    return [
        *offered,
        *(
            item
            for item in items
            if item.label not in known
            and (item.label not in guessed or item.data is not None or _stands_in(item.label, text))
        ),
    ]


def _stands_in(name: str, text: str) -> bool:
    """Whether a name is used in a text otherwise than as an attribute or keyword argument, by its spelling there."""
    return re.search(rf"(?<![\w.]){re.escape(name)}\b(?!=(?!=))", text) is not None


def explain(items: Sequence[types.CompletionItem], members: Sequence[Offer]) -> None:
    """Give the members of ChromaDB among the items their signature and documentation."""
    by_name = {offer.insert.rstrip("("): offer for offer in members}
    for item in items:
        if offer := by_name.get(item.label):
            item.detail, item.documentation = offer.detail or None, offer.documentation or None
            item.kind = _KINDS[offer.kind]


def _item(offer: Offer, range_: types.Range, rank: int) -> types.CompletionItem:
    return types.CompletionItem(
        label=offer.label, kind=_KINDS[offer.kind], detail=offer.detail or None,
        documentation=offer.documentation or None, sort_text=f"!{rank:03}", filter_text=offer.insert,
        text_edit=types.TextEdit(range_, offer.insert),
    )  # fmt: skip
