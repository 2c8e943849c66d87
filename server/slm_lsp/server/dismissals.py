"""The suggestions that a person dismissed, and where.

Knows: documents, the text before a cursor. Must not know: how a suggestion is computed or shown.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from weakref import WeakKeyDictionary

from pygls.workspace import ServerTextPosition

from slm_lsp.server.documents import Document

KEPT = 1_000
"""Latest dismissals that are remembered of a document; 16 bytes each, however long the text."""

Spot = tuple[str, str]
"""The line above a cursor and its own line up to it. So a spot stays the same while lines are added or removed
elsewhere, and is another one as soon as something is typed."""


class Dismissals:
    """What was dismissed at which spots of the open documents; of a closed one nothing is left."""

    def __init__(self) -> None:
        self._dismissed: WeakKeyDictionary[Document, OrderedDict[bytes, None]] = WeakKeyDictionary()

    def add(self, document: Document, spot: Spot, text: str) -> None:
        """Remember that `text` was dismissed at this spot of the document."""
        dismissed = self._dismissed.setdefault(document, OrderedDict())
        key = _key(spot, text)
        dismissed[key] = None
        dismissed.move_to_end(key)
        if len(dismissed) > KEPT:
            dismissed.popitem(last=False)

    def holds(self, document: Document, spot: Spot, text: str) -> bool:
        """Whether `text` was dismissed at this spot of the document."""
        return _key(spot, text) in self._dismissed.get(document, ())


def spot_at(document: Document, at: ServerTextPosition) -> Spot:
    """The spot that a position is, as long as nothing is typed there."""
    above = document.lines[at.line - 1].rstrip("\r\n") if at.line else ""
    return above, document.lines[at.line][: at.character]


def _key(spot: Spot, text: str) -> bytes:
    # Editors may tell a text of several lines with line endings of their own; a spot's lines have none.
    parts = (*spot, text.replace("\r\n", "\n").replace("\r", "\n"))
    return blake2b("\n".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()
